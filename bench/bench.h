/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Benchmarks: Hillock and its peers, measured side by side on this machine.
 *
 * Each fills a sheet (table.h) and prints nothing itself. process_init() comes first, once. A
 * benchmark that is interrupted returns -EINTR with everything that it started gone.
 */
#ifndef HILLOCK_BENCH_BENCH_H
#define HILLOCK_BENCH_BENCH_H

#include <stdint.h>

#include "base/err.h"
#include "bench/table.h"
#include "container/container.h"

#define BENCH_PEERS_MAX 8

/* What all benchmarks are told. */
struct bench_common {
	const struct container_store *store;
	const char *image;
	const char *peers[BENCH_PEERS_MAX + 1]; /* NULL-terminated */
	void (*progress)(const char *text);     /* a line about what is being done, or NULL */
};

struct bench_start {
	struct bench_common common;
	unsigned runs, warmup;
};

/*
 * Wall time of running `true` to the end in a new container. -EIO: hillock itself did not run;
 * the sheet then has what its peers gave.
 */
int bench_start(const struct bench_start *options, struct sheet *sheet, struct err *err);

struct bench_idle {
	struct bench_common common;
	unsigned count;     /* containers at once */
	unsigned window;    /* seconds over which wake-ups are counted */
	const char *memory; /* --memory of each, or NULL: the default */
};

/* What containers cost that only wait. */
int bench_idle(const struct bench_idle *options, struct sheet *sheet, struct err *err);

/* The smallest --memory in MiB with which a container starts, five times out of five. */
int bench_smallest(const struct bench_common *options, struct sheet *sheet, struct err *err);

/* What is told to those that let commands measure in all contenders (contest.h). */
struct bench_contest {
	unsigned runs, warmup; /* rounds that count, and rounds before those */
	unsigned cpus;         /* for each contender */
	int best;              /* a run's best batch counts, not its median, where it has some */
	const char *only;      /* "NAME,...", or NULL: all */
	const char *memory;    /* --memory of hillock's containers, or NULL: the default */
	/* NULL-terminated; hillock runs on each kernel, in each mode. None: it is not said. */
	const char *const *kernels, *const *modes;
};

struct bench_syscalls {
	struct bench_common common; /* without an image: it makes one */
	struct bench_contest contest;
	unsigned ms; /* how long each line is measured in a round */
};

/* What system calls and the like take: what bench/probe measures, in each contender. */
int bench_syscalls(const struct bench_syscalls *options, struct sheet *sheet, struct err *err);

struct bench_programs {
	struct bench_common common;
	struct bench_contest contest;
};

/* How fast programs are: what bench/programs/ measures, in each contender. */
int bench_programs(const struct bench_programs *options, struct sheet *sheet, struct err *err);

/* --- shared by the benchmarks ---------------------------------------------------------------- */

/* Says what is being done, if anybody wants to know. */
void bench_progress(const struct bench_common *options, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Says in the results why a contender is not in them. */
void bench_leave_out(struct sheet *sheet, const char *name, const struct err *why);

/* The running program's own path: what hillock is started by. PATH_MAX bytes. */
int bench_program(char *path, struct err *err);

#endif
