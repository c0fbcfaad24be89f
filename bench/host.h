/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's /proc says of processes: who is below whom, memory, context switches.
 *
 * Memory is PSS, the proportional set size: a page that n address spaces map counts 1/n for each,
 * so that a sum over processes counts each page once. Swapped-out pages count like present ones.
 * What it does not contain: page tables, kernel stacks, socket buffers and unmapped page cache.
 */
#ifndef HILLOCK_BENCH_HOST_H
#define HILLOCK_BENCH_HOST_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct host_list {
	pid_t *pids;
	size_t count, room;
};

/* Is there such a process, and is it not over yet? */
int host_alive(pid_t pid);

/*
 * Adds all processes that descend from `root`, parents first, without itself; but none of those
 * in `without` (which may be NULL) nor what descends from them. In one pass over /proc, so that
 * one whose parent ends meanwhile is not missed.
 */
int host_below(pid_t root, const struct host_list *without, struct host_list *list,
	       struct err *err);
int host_list_add(struct host_list *list, pid_t pid, struct err *err);
int host_list_has(const struct host_list *list, pid_t pid);
void host_list_free(struct host_list *list);

enum host_memory_kind {
	MEMORY_PSS,
	MEMORY_ANON,  /* of that: its own data, */
	MEMORY_FILE,  /* programs and other files, */
	MEMORY_SHMEM, /* memory without a file: a um kernel's physical memory */
	MEMORY_DIRTY, /* private and written to */
	MEMORY_KINDS
};

/* `bytes` has a number for each kind. -ESRCH: the process is gone. */
int host_memory_read(pid_t pid, uint64_t bytes[MEMORY_KINDS], struct err *err);

/* Do both run in one address space (clone() with CLONE_VM)? Its memory counts once then. */
int host_memory_shared(pid_t a, pid_t b);

/* How often all threads of a process have gone to sleep by themselves so far. */
int host_switches_read(pid_t pid, uint64_t *switches, struct err *err);

/* Bytes that the host could still give to programs (MemAvailable). */
int host_available_read(uint64_t *bytes, struct err *err);

/* "Linux 6.1.0, 4 CPUs, Some Processor, load 0.50" */
void host_describe(char *text, size_t size);

#endif
