/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __UM_FAULT_AHEAD_H
#define __UM_FAULT_AHEAD_H

#define FAULT_AHEAD_STREAMS 8

/* The `ip` of a fault that no user code ran into: the kernel reads or writes its memory. */
#define FAULT_BY_KERNEL (~0UL)

struct vm_area_struct;

/* What one run of faults through memory has reached: [from, to) is mapped. */
struct fault_stream {
	unsigned long from, to;
	unsigned int window;
};

/* The runs of one address space. Threads that race for them cost a fault, no more. */
struct fault_ahead {
	struct fault_stream streams[FAULT_AHEAD_STREAMS];
	unsigned int oldest;
};

/*
 * After a fault of user code at `address` was handled: says what of the address space is to be
 * brought up to date with it, and handles further faults that are to be expected. The caller
 * holds the mmap lock for reading.
 */
void fault_ahead(struct vm_area_struct *vma, unsigned long address, unsigned int flags);

#endif
