/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Placement: which of the host's CPUs a one-CPU um machine runs on.
 *
 * Theory of operation
 * -------------------
 * A um kernel and its stubs (or carriers) hand over to each other, at every system call or every
 * switch of programs, and only one of them runs at a time. Left alone, the host's scheduler spreads them over CPUs and each hand-over
 * becomes a wake-up across CPUs: 30 us in place of 6, twice the time for a fork. So all of a
 * machine's processes are bound to one CPU.
 *
 * Bound processes are not balanced any more, so somebody has to look: place_check() looks how
 * long all of them together waited for their CPU. When it waits much and another CPU
 * has been idle meanwhile, the machine moves there. It is asked again after a quarter of a second
 * while the machine works, and ever more rarely while it does not.
 */
#ifndef HILLOCK_MACHINE_PLACE_H
#define HILLOCK_MACHINE_PLACE_H

#include <stdint.h>
#include <sys/types.h>

#define PLACE_CPUS_MAX 512

struct place {
	pid_t pid; /* the kernel process; 0: nothing to do */
	int cpu;
	unsigned interval_ms;
	uint64_t at, ran, waited;	/* ns, at the last check */
	uint64_t idle[PLACE_CPUS_MAX]; /* ticks of each CPU at the last check that looked */
	uint64_t idle_at;
};

/* Binds the process, whose children inherit it, to the CPU that the caller runs on. */
void place_start(struct place *place, pid_t pid);

/* Looks, and moves the machine if that pays. Returns in how many ms to ask again, or -1: never. */
int place_check(struct place *place);

#endif
