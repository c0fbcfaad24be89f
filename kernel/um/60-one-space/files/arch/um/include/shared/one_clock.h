/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock without a system call: what the vDSO reads.
 *
 * The kernel keeps time in cycles of the host's monotonic clock. In one address space the host's
 * own vDSO is at hand too, so ours asks it for the cycles and turns them into the guest's time
 * by what the kernel last wrote into this page, which stands just below the vDSO's.
 */
#ifndef __ONE_CLOCK_H
#define __ONE_CLOCK_H

struct one_clock {
	unsigned int sequence;		/* odd: being written */
	unsigned int mult, shift;
	unsigned long cycle_last;
	unsigned long nsec;		/* shifted, on top of base */
	long base[2];			/* ns: CLOCK_REALTIME, CLOCK_MONOTONIC at cycle_last */
	long boottime;			/* ns, on top of CLOCK_MONOTONIC */
	unsigned int divisor;		/* host ns in a cycle */
	int (*host)(int clock, void *timespec);	/* or NULL: there is only the system call */
};

#endif
