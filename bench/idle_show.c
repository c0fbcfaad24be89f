// SPDX-License-Identifier: GPL-2.0-or-later
/* The results of `hillock bench idle`; how they come about: idle.c. */
#include "bench/idle.h"

#include "bench/stats.h"

#define TARGET_MB 6.0

static const char *const part_names[PARTS] = {
	[PART_KEEPER] = "keeper",
	[PART_MONITOR] = "monitor",
	[PART_KERNEL] = "kernel",
	[PART_OTHER] = "guest's processes",
};

void idle_show_begin(struct idle_bench *b)
{
	static const struct table_column columns[] = {
		{ "name", "", TABLE_TEXT },
		{ "count", "at once", TABLE_NUMBER },
		{ "processes", "processes", TABLE_NUMBER },
		{ "pss_median_mb", "PSS", TABLE_NUMBER, 2 },
		{ "pss_max_mb", "max", TABLE_NUMBER, 2 },
		{ "private_dirty_mb", "private dirty", TABLE_NUMBER, 2 },
		{ "host_mb", "host has less", TABLE_NUMBER, 2 },
		{ "wakeups_median", "wake-ups/s", TABLE_NUMBER, 2 },
		{ "wakeups_max", "max", TABLE_NUMBER, 2 },
	};
	static const struct table_column raw_columns[] = {
		{ "name", "", TABLE_TEXT },
		{ "container", "", TABLE_NUMBER },
		{ "pss_mb", "", TABLE_NUMBER, 2 },
		{ "anon_mb", "", TABLE_NUMBER, 2 },
		{ "file_mb", "", TABLE_NUMBER, 2 },
		{ "shmem_mb", "", TABLE_NUMBER, 2 },
		{ "private_dirty_mb", "", TABLE_NUMBER, 2 },
		{ "wakeups", "", TABLE_NUMBER, 2 },
	};
	char title[128];

	snprintf(title, sizeof(title),
		 "A waiting container: medians; memory in MB, wake-ups over %u s",
		 b->options->window);
	b->table = sheet_table(b->sheet, "idle", title, columns, 9, 0);
	b->raw = sheet_table(b->sheet, "containers", "Each container", raw_columns, 8, 1);
}

static double median(const struct group *g, size_t figure)
{
	return stats_of(g->figures[figure], g->count).median;
}

static double largest(const struct group *g, size_t figure)
{
	return stats_of(g->figures[figure], g->count).max;
}

static void show_row(struct idle_bench *b, struct group *g)
{
	table_text(b->table, "%s", g->name);
	table_number(b->table, g->count);
	table_number(b->table, median(g, PROCESSES));
	table_number(b->table, median(g, MEMORY + MEMORY_PSS));
	table_number(b->table, largest(g, MEMORY + MEMORY_PSS));
	table_number(b->table, median(g, MEMORY + MEMORY_DIRTY));
	table_number(b->table, g->host_mb);
	table_number(b->table, median(g, WAKEUPS));
	table_number(b->table, largest(g, WAKEUPS));
}

static void show_parts(struct idle_bench *b, struct group *g)
{
	static const struct table_column columns[] = {
		{ "part", "", TABLE_TEXT },
		{ "pss_mb", "PSS", TABLE_NUMBER, 2 },
		{ "pss_max_mb", "max", TABLE_NUMBER, 2 },
		{ "anon_mb", "own data", TABLE_NUMBER, 2 },
		{ "file_mb", "files", TABLE_NUMBER, 2 },
		{ "shmem_mb", "guest memory", TABLE_NUMBER, 2 },
		{ "private_dirty_mb", "private dirty", TABLE_NUMBER, 2 },
		{ "wakeups", "wake-ups/s", TABLE_NUMBER, 2 },
		{ "share", "of the PSS", TABLE_BAR },
	};
	struct table *table =
		sheet_table(b->sheet, "parts", "Hillock's processes: medians in MB", columns, 9, 0);
	double whole = median(g, MEMORY + MEMORY_PSS);

	for (size_t part = 0; part < PARTS; part++) {
		size_t of = MEMORY_OF_PART + part * MEMORY_KINDS;

		table_text(table, "%s", part_names[part]);
		table_number(table, median(g, of + MEMORY_PSS));
		table_number(table, largest(g, of + MEMORY_PSS));
		table_number(table, median(g, of + MEMORY_ANON));
		table_number(table, median(g, of + MEMORY_FILE));
		table_number(table, median(g, of + MEMORY_SHMEM));
		table_number(table, median(g, of + MEMORY_DIRTY));
		table_number(table, median(g, WAKEUPS_OF_PART + part));
		table_number(table, median(g, of + MEMORY_PSS) / whole);
	}
}

/* Before the statistics sort the figures. */
static void show_containers(struct idle_bench *b, const struct group *g)
{
	for (unsigned i = 0; i < g->count; i++) {
		table_text(b->raw, "%s", g->name);
		table_number(b->raw, i + 1);
		for (size_t kind = 0; kind < MEMORY_KINDS; kind++)
			table_number(b->raw, g->figures[MEMORY + kind][i]);
		table_number(b->raw, g->figures[WAKEUPS][i]);
	}
}

static void judge(struct idle_bench *b, struct group *g)
{
	double typical = median(g, MEMORY + MEMORY_PSS), worst = largest(g, MEMORY + MEMORY_PSS);

	sheet_say(b->sheet, "target", "Target 'a waiting container has at most %.0f MB': %s.",
		  TARGET_MB,
		  worst <= TARGET_MB     ? "holds for each"
		  : typical <= TARGET_MB ? "holds for the median, not for the largest"
					 : "does not hold");
}

void idle_show_group(struct idle_bench *b, struct group *g)
{
	show_containers(b, g);
	show_row(b, g);
	if (g->peer)
		return;
	b->hillock_ran = 1;
	judge(b, g);
	show_parts(b, g);
}
