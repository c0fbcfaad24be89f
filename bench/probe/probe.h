/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe of `hillock bench syscalls`: what a kernel takes for the things programs ask of it.
 *
 * Theory of operation
 * -------------------
 * One small static program that runs anywhere: on the host, in a container of whatever runtime,
 * on a kernel that is being worked on. It measures lines. A line is one operation, repeated
 * in batches: the number in a batch is found by trying (which warms up, too), so that a batch
 * takes long beside the clock's own cost; then batches follow until the time of the line is
 * over. Only run() is timed; what it needs is made by prepare() and taken away by finish().
 *
 * Each line runs in a process of its own, so that one that crashes or hangs costs only itself,
 * and in a directory of its own. What it starts belongs to its process group, which is killed at
 * the end; then the directory is removed.
 *
 * Output, a line each, written when it is known:
 *
 *	line NAME MEDIAN MIN SPREAD BATCHES OPERATIONS	ns for one operation, over the batches;
 *							spread: width of the middle half
 *	fail NAME WHY
 *	end NS						the time that all took, on the probe's clock
 *
 * Nothing here is larger than it must be: its fork() and exec() are measured as well.
 */
#ifndef HILLOCK_BENCH_PROBE_H
#define HILLOCK_BENCH_PROBE_H

#include <stdint.h>

struct probe_line {
	const char *name; /* NULL ends a group */
	const char *what; /* one operation, in words */
	unsigned most;    /* runs in a batch; 0: any number */
	unsigned per;     /* operations in a run; 0: one */
	/* All but run() may be NULL. They return 0 or -errno. */
	int (*open)(void); /* once, in the line's process and directory */
	int (*prepare)(unsigned runs);
	int (*run)(unsigned runs);
	int (*finish)(unsigned runs);
};

extern const struct probe_line probe_calls[], probe_files[], probe_memory[], probe_processes[],
	probe_threads[];

/* The path of this program. */
extern const char *probe_program;

struct probe_figure {
	double median, min, spread; /* ns for one operation */
	unsigned batches;
	uint64_t operations;
};

/* CLOCK_MONOTONIC. */
uint64_t probe_now(void);

/* Measures a line for about `ns`. 0 or -errno. */
int probe_measure(const struct probe_line *line, uint64_t ns, struct probe_figure *figure);

#endif
