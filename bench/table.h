/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results: tables and sentences, as text for people, as JSON, as CSV.
 *
 * Theory of operation
 * -------------------
 * A benchmark fills a sheet with tables (rows of texts and numbers) and sentences about them.
 * The sheet knows nothing of what is measured. Running out of memory is kept as a flag, so that
 * filling it needs no checks; sheet_print() tells.
 *
 *	text	the tables side by side with their titles; tables of raw samples are left out
 *	JSON	{"tables": {KEY: [{COLUMN: value, ...}, ...]}, "sentences": [{"key": ..., "text":
 *...}]} CSV	for each table a line of column keys, then its rows; the table's key comes first in
 *		each line, so that one table can be cut out with grep
 */
#ifndef HILLOCK_BENCH_TABLE_H
#define HILLOCK_BENCH_TABLE_H

#include <stdio.h>

enum table_kind {
	TABLE_TEXT,
	TABLE_NUMBER,
	TABLE_BAR, /* a number from 0 to 1; drawn in text */
};

struct table_column {
	const char *key;   /* in JSON and CSV: with the unit, median_ms */
	const char *title; /* for people */
	enum table_kind kind;
	int decimals; /* in text; JSON and CSV have what was measured */
};

/* As decimals: as many as make three digits that tell something. */
#define TABLE_DIGITS -1

enum sheet_format { SHEET_TEXT, SHEET_JSON, SHEET_CSV };

struct sheet {
	struct sheet_item *first, **last;
	struct sheet_memory *memory;
	int out_of_memory;
};

struct table;

void sheet_init(struct sheet *sheet);
void sheet_free(struct sheet *sheet);

/*
 * Adds a table; `key` and `columns` must outlive the sheet. `raw`: samples, not for text. NULL
 * when memory ran out, which the functions below take without harm.
 */
struct table *sheet_table(struct sheet *sheet, const char *key, const char *title,
			  const struct table_column *columns, size_t count, int raw);
/* Fills the cells from left to right, row by row. NAN: nothing was measured. */
void table_text(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_number(struct table *table, double number);
/* The last cell is the best of its row: on a terminal it stands out. */
void table_mark(struct table *table);

/* Memory, zeroed, that lives as long as the sheet: for what must outlive it. NULL: none left. */
void *sheet_allocate(struct sheet *sheet, size_t count, size_t size);

void sheet_say(struct sheet *sheet, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns 0 or -errno: no memory, or the file could not be written. */
int sheet_print(const struct sheet *sheet, FILE *file, enum sheet_format format);

#endif
