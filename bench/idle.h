/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What idle.c measures and idle_show.c shows; nobody else includes it. */
#ifndef HILLOCK_BENCH_IDLE_H
#define HILLOCK_BENCH_IDLE_H

#include "bench/bench.h"
#include "bench/host.h"
#include "bench/peers.h"
#include "image/image.h"

/* What a process of a container is. Peers' are all of the last kind. */
enum part { PART_KEEPER, PART_MONITOR, PART_KERNEL, PART_OTHER, PARTS };

struct idle_container {
	char name[PEER_ID_MAX];
	struct host_list processes;
	pid_t parts[PART_OTHER];  /* hillock's */
	uint64_t switches[PARTS]; /* before the window */
};

/* What was measured of one container. MEMORY and its like are as many as there are kinds. */
enum figure {
	PROCESSES,
	WAKEUPS,
	WAKEUPS_OF_PART,
	MEMORY = WAKEUPS_OF_PART + PARTS,
	MEMORY_OF_PART = MEMORY + MEMORY_KINDS,
	FIGURES = MEMORY_OF_PART + PARTS * MEMORY_KINDS
};

struct group {
	const char *name;
	struct peer *peer; /* NULL: hillock */
	unsigned count;
	struct idle_container *containers;
	unsigned started;
	double *figures[FIGURES]; /* a value a container */
	double host_mb;           /* by how much less the host had available, for each */
};

struct idle_bench {
	const struct bench_idle *options;
	struct sheet *sheet;
	struct image image;
	struct peer_site site;
	struct table *table, *raw;
	struct host_list known; /* children of ours that belong to containers already */
	int stdin_fds[2];       /* peers' standard input: nothing is ever written to it */
	char program[PATH_MAX];
	int hillock_ran;
};

/* Puts the tables into the sheet, to be filled. */
void idle_show_begin(struct idle_bench *b);
/* Adds what was measured of a group. */
void idle_show_group(struct idle_bench *b, struct group *g);

#endif
