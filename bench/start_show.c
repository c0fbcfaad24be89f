// SPDX-License-Identifier: GPL-2.0-or-later
/* The results of `hillock bench start`; how they come about: start.c. */
#include "bench/start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/stats.h"

#define TARGET_CRUN 2.0

static const char *const phase_names[MOMENTS - 1] = {
	[MOMENT_SPAWNED] = "client",      [MOMENT_KEEPER] = "jail",
	[MOMENT_KERNEL] = "kernel start", [MOMENT_CLOCK] = "kernel boot",
	[MOMENT_HELLO] = "guest init",    [MOMENT_STARTED] = "workload",
	[MOMENT_EXIT] = "teardown",
};
const struct contender *start_find(const struct start_bench *b, const char *name)
{
	for (size_t i = 0; i < b->count; i++)
		if (!strcmp(b->contenders[i].name, name) && !b->contenders[i].out)
			return &b->contenders[i];
	return NULL;
}

static void show_contenders(struct start_bench *b)
{
	static const struct table_column columns[] = {
		{ "name", "", TABLE_TEXT },
		{ "version", "version", TABLE_TEXT },
		{ "how", "how it was run", TABLE_TEXT },
	};
	struct table *table = sheet_table(b->sheet, "contenders", "What was run", columns, 3, 0);

	for (size_t i = 0; i < b->count; i++) {
		const struct contender *c = &b->contenders[i];

		if (c->out)
			continue;
		table_text(table, "%s", c->name);
		table_text(table, "%s", c->peer.kind ? c->peer.version : "this one");
		if (c->peer.kind)
			table_text(table, "%s", peer_words(&c->peer));
		else
			table_text(table, "%s; run --rm %s true",
				   geteuid() ? "rootless" : "as root", b->options->common.image);
	}
}

/* Samples in the order of the rounds; the tables after it sort copies. */
static void show_rounds(struct start_bench *b)
{
	static const struct table_column columns[] = {
		{ "round", "round", TABLE_NUMBER },
		{ "name", "", TABLE_TEXT },
		{ "wall_ms", "wall ms", TABLE_NUMBER, 2 },
		{ "settled_ms", "gone ms", TABLE_NUMBER, 2 },
		{ "cpu_ms", "CPU ms", TABLE_NUMBER, 2 },
	};
	struct table *table = sheet_table(b->sheet, "rounds", "Samples", columns, 5, 1);

	for (size_t round = 0; round < b->rounds; round++) {
		for (size_t i = 0; i < b->count; i++) {
			const struct contender *c = &b->contenders[i];

			if (c->out)
				continue;
			table_number(table, (double)round + 1);
			table_text(table, "%s", c->name);
			for (size_t s = 0; s < SERIES; s++)
				table_number(table, c->samples[s][round]);
		}
	}
}

/* Of a copy, as the order of the rounds is still needed, without rounds that measured nothing. */
static struct stats summary(const struct start_bench *b, const double *samples)
{
	cleanup_free double *copy = calloc(b->rounds + 1, sizeof(*copy));
	size_t count = 0;

	if (!copy)
		b->sheet->out_of_memory = 1;
	for (size_t i = 0; copy && i < b->rounds; i++)
		if (!isnan(samples[i]))
			copy[count++] = samples[i];
	return stats_of(copy, count);
}

static void show_wall(struct start_bench *b)
{
	static const struct table_column columns[] = {
		{ "name", "", TABLE_TEXT },
		{ "runs", "runs", TABLE_NUMBER },
		{ "min_ms", "min", TABLE_NUMBER, 1 },
		{ "median_ms", "median", TABLE_NUMBER, 1 },
		{ "low_ms", "95% from", TABLE_NUMBER, 1 },
		{ "high_ms", "to", TABLE_NUMBER, 1 },
		{ "mean_ms", "mean", TABLE_NUMBER, 1 },
		{ "p95_ms", "p95", TABLE_NUMBER, 1 },
		{ "max_ms", "max", TABLE_NUMBER, 1 },
		{ "spread_ms", "spread", TABLE_NUMBER, 1 },
		{ "settled_ms", "all gone", TABLE_NUMBER, 1 },
		{ "cpu_ms", "CPU", TABLE_NUMBER, 1 },
	};
	struct table *table = sheet_table(b->sheet, "wall",
					  "Wall time in ms (spread: width of the middle half; all "
					  "gone, CPU: medians)",
					  columns, 12, 0);

	for (size_t i = 0; i < b->count; i++) {
		const struct contender *c = &b->contenders[i];
		struct stats s;

		if (c->out)
			continue;
		s = summary(b, c->samples[WALL]);
		table_text(table, "%s", c->name);
		table_number(table, (double)s.count);
		table_number(table, s.min);
		table_number(table, s.median);
		table_number(table, s.low);
		table_number(table, s.high);
		table_number(table, s.mean);
		table_number(table, s.p95);
		table_number(table, s.max);
		table_number(table, s.spread);
		table_number(table, summary(b, c->samples[SETTLED]).median);
		table_number(table, summary(b, c->samples[CPU]).median);
	}
}

/* Of the wall times' ratios within each round. */
static struct stats ratio(const struct start_bench *b, const struct contender *of,
			  const struct contender *to)
{
	cleanup_free double *ratios = calloc(b->rounds + 1, sizeof(*ratios));

	if (!ratios) {
		b->sheet->out_of_memory = 1;
		return stats_of(NULL, 0);
	}
	for (size_t i = 0; i < b->rounds; i++)
		ratios[i] = of->samples[WALL][i] / to->samples[WALL][i];
	return stats_of(ratios, b->rounds);
}

static void show_ratios(struct start_bench *b)
{
	static const struct table_column columns[] = {
		{ "of", "", TABLE_TEXT },
		{ "to", "to", TABLE_TEXT },
		{ "median", "median", TABLE_NUMBER, 2 },
		{ "low", "95% from", TABLE_NUMBER, 2 },
		{ "high", "to", TABLE_NUMBER, 2 },
	};
	struct table *table = sheet_table(b->sheet, "ratios", "Wall times' ratio within each round",
					  columns, 5, 0);

	for (size_t i = 0; i < b->count; i++) {
		for (size_t j = 0; j < b->count; j++) {
			const struct contender *of = &b->contenders[i], *to = &b->contenders[j];
			struct stats s;

			/* Hillock to each, and each to crun. */
			if (i == j || of->out || to->out ||
			    (of->peer.kind && strcmp(to->name, "crun")))
				continue;
			s = ratio(b, of, to);
			table_text(table, "%s", of->name);
			table_text(table, "%s", to->name);
			table_number(table, s.median);
			table_number(table, s.low);
			table_number(table, s.high);
		}
	}
}

/* Where the limit lies inside the interval, the runs do not decide. */
static void judge(struct start_bench *b, const char *peer, double limit, const char *claim)
{
	const struct contender *hillock = start_find(b, "hillock"), *to = start_find(b, peer);
	const char *verdict = "does not hold";
	struct stats s;

	if (!hillock || !to) {
		sheet_say(b->sheet, "target", "Target '%s': cannot be told, %s did not run.", claim,
			  hillock ? peer : "hillock");
		return;
	}
	s = ratio(b, hillock, to);
	if (isnan(s.low))
		verdict = "cannot be told from so few runs";
	else if (s.high <= limit)
		verdict = "holds";
	else if (s.low <= limit)
		verdict = s.median <= limit
				  ? "holds for the median, but more runs are needed to be sure"
				  : "is missed by the median, but more runs are needed to be sure";
	sheet_say(b->sheet, "target", "Target '%s': %s (ratio %.2f).", claim, verdict, s.median);
}

static void show_phases(struct start_bench *b)
{
	static const struct table_column columns[] = {
		{ "phase", "", TABLE_TEXT },          { "median_ms", "median", TABLE_NUMBER, 2 },
		{ "p95_ms", "p95", TABLE_NUMBER, 2 }, { "percent", "%", TABLE_NUMBER, 0 },
		{ "share", "", TABLE_BAR },
	};
	const struct contender *hillock = start_find(b, "hillock");
	struct table *table;
	double whole;

	if (!hillock || !b->rounds)
		return;
	whole = summary(b, hillock->samples[WALL]).median;
	table = sheet_table(b->sheet, "phases", "Where hillock's time goes, in ms", columns, 5, 0);
	for (size_t i = 0; i < PHASES; i++) {
		struct stats s;

		s = summary(b, b->phases[i]);
		if (!s.count)
			continue;
		table_text(table, "%s", phase_names[i]);
		table_number(table, s.median);
		table_number(table, s.p95);
		table_number(table, 100 * s.median / whole);
		table_number(table, s.median / whole);
	}
}

void start_show(struct start_bench *b)
{
	show_contenders(b);
	show_rounds(b);
	show_wall(b);
	show_ratios(b);
	judge(b, "crun", TARGET_CRUN, "hillock takes at most 2.0 times as long as crun");
	judge(b, "runc", 1.0, "hillock is faster than runc");
	show_phases(b);
}
