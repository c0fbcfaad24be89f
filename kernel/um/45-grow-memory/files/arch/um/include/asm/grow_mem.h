/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __UM_GROW_MEM_H
#define __UM_GROW_MEM_H

/* How much of `len` bytes of guest memory the kernel starts with. */
unsigned long grow_mem_first(unsigned long len);

/* The end of the page map: all of guest memory, described or not. */
unsigned long grow_mem_end_pfn(void);

/* Counts what is not described yet as memory of this guest. */
void grow_mem_count(void);

/* Pages that are not described yet: as good as free. */
unsigned long grow_mem_left(void);

#endif
