/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What start.c measures and start_show.c shows; nobody else includes it. */
#ifndef HILLOCK_BENCH_START_H
#define HILLOCK_BENCH_START_H

#include "bench/bench.h"
#include "bench/peers.h"
#include "image/image.h"

#define CONTENDERS_MAX (BENCH_PEERS_MAX + 1)

/* Moments of one run of hillock: what it wrote, with the run's start and end around it. */
enum moment {
	MOMENT_SPAWNED,
	MOMENT_KEEPER,
	MOMENT_KERNEL,
	MOMENT_CLOCK, /* the guest's clock began to run */
	MOMENT_HELLO,
	MOMENT_STARTED,
	MOMENT_EXIT,
	MOMENT_RETURNED,
	MOMENTS
};

/* A phase begins with each moment but the last, and ends with the next one that is known. */
#define PHASES (MOMENTS - 1)

enum series { WALL, SETTLED, CPU, SERIES };

struct contender {
	const char *name;
	struct peer peer; /* peer.kind is NULL for hillock */
	struct peer_call call;
	double *samples[SERIES]; /* milliseconds, a value a round */
	int out;                 /* it failed, and is left out */
};

struct start_bench {
	const struct bench_start *options;
	struct sheet *sheet;
	struct image image;
	struct peer_site site;
	struct contender contenders[CONTENDERS_MAX];
	size_t count;
	size_t rounds; /* measured so far */
	char program[PATH_MAX], timing[PATH_MAX + 16];
	char timing_variable[PATH_MAX + 48];
	char **environment;
	double *phases[PHASES]; /* milliseconds, a value a round */
};

/* Fills the sheet. */
void start_show(struct start_bench *b);
/* The contender of that name, or NULL if it is left out. */
const struct contender *start_find(const struct start_bench *b, const char *name);

#endif
