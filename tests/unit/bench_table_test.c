// SPDX-License-Identifier: GPL-2.0-or-later
/* Sheets: one set of results in its three forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/table.h"

static const struct table_column columns[] = {
	{ "name", "", TABLE_TEXT },
	{ "time_ms", "time", TABLE_NUMBER, 1 },
	{ "share", "share", TABLE_BAR },
};
static const struct table_column raw_columns[] = { { "sample", "", TABLE_NUMBER, 0 } };

static void fill(struct sheet *sheet)
{
	struct table *table, *raw;

	sheet_init(sheet);
	sheet_say(sheet, "host", "On %s:", "a \"big\" host, of two CPUs");
	table = sheet_table(sheet, "wall", "Wall time", columns, 3, 0);
	raw = sheet_table(sheet, "rounds", "Samples", raw_columns, 1, 1);
	table_text(table, "%s", "one, two");
	table_number(table, 12.3456);
	table_number(table, 0.1);
	table_text(table, "%s", "three");
	table_number(table, NAN);
	table_number(table, NAN);
	table_number(raw, 1.0 / 3);
}

/* The caller frees it. */
static char *printed(enum sheet_format format)
{
	struct sheet sheet;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fill(&sheet);
	assert_int_equal(sheet_print(&sheet, file, format), 0);
	fclose(file);
	sheet_free(&sheet);
	return text;
}

static void text_is_aligned_and_has_no_raw_samples(void **state)
{
	char *text = printed(SHEET_TEXT);

	assert_string_equal(text, "On a \"big\" host, of two CPUs:\n"
				  "\n"
				  "Wall time\n"
				  "            time  share\n"
				  "  one, two  12.3  ####\n"
				  "  three        -  -\n");
	free(text);
}

static void csv_quotes_and_keeps_digits(void **state)
{
	char *text = printed(SHEET_CSV);

	assert_string_equal(text, "sentence,host,\"On a \"\"big\"\" host, of two CPUs:\"\n"
				  "table,name,time_ms,share\n"
				  "wall,\"one, two\",12.3456,0.1\n"
				  "wall,three,,\n"
				  "table,sample\n"
				  "rounds,0.333333333\n");
	free(text);
}

static void json_has_everything_by_key(void **state)
{
	char *text = printed(SHEET_JSON);
	struct json_object *all = json_tokener_parse(text), *tables, *wall, *row, *cell, *sentences;

	assert_non_null(all);
	assert_true(json_object_object_get_ex(all, "tables", &tables));
	assert_true(json_object_object_get_ex(tables, "wall", &wall));
	assert_int_equal(json_object_array_length(wall), 2);
	row = json_object_array_get_idx(wall, 0);
	assert_true(json_object_object_get_ex(row, "time_ms", &cell));
	assert_true(fabs(json_object_get_double(cell) - 12.3456) < 1e-9);
	row = json_object_array_get_idx(wall, 1);
	assert_true(json_object_object_get_ex(row, "time_ms", &cell));
	assert_null(cell);
	assert_true(json_object_object_get_ex(tables, "rounds", NULL));
	assert_true(json_object_object_get_ex(all, "sentences", &sentences));
	assert_int_equal(json_object_array_length(sentences), 1);
	json_object_put(all);
	free(text);
}

/* Columns as they are made while running: they lie in the sheet. */
static void numbers_get_three_digits_where_that_is_asked_for(void **state)
{
	static const double numbers[] = { 0, 0.01234, 1.2345, 12.345, 123.45, 12345, -0.1 };
	struct table_column *column;
	struct sheet sheet;
	struct table *table;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	sheet_init(&sheet);
	column = sheet_allocate(&sheet, 1, sizeof(*column));
	assert_non_null(column);
	*column = (struct table_column){ "n", "n", TABLE_NUMBER, TABLE_DIGITS };
	table = sheet_table(&sheet, "numbers", "Numbers", column, 1, 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		table_number(table, numbers[i]);
	/* This is no terminal, so it does not show. */
	table_mark(table);
	assert_int_equal(sheet_print(&sheet, file, SHEET_TEXT), 0);
	fclose(file);
	sheet_free(&sheet);
	assert_string_equal(text, "Numbers\n       n\n       0\n  0.0123\n    1.23\n    12.3\n"
				  "     123\n   12345\n  -0.100\n");
	free(text);
}

static void memory_that_cannot_be_had_is_noticed(void **state)
{
	struct sheet sheet;

	sheet_init(&sheet);
	assert_null(sheet_allocate(&sheet, SIZE_MAX, 2));
	assert_int_equal(sheet_print(&sheet, stdout, SHEET_TEXT), -ENOMEM);
	sheet_free(&sheet);
}

static void a_full_disk_is_noticed(void **state)
{
	FILE *full = fopen("/dev/full", "we");
	struct sheet sheet;

	fill(&sheet);
	assert_int_not_equal(sheet_print(&sheet, full, SHEET_TEXT), 0);
	sheet_free(&sheet);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_aligned_and_has_no_raw_samples),
		cmocka_unit_test(csv_quotes_and_keeps_digits),
		cmocka_unit_test(json_has_everything_by_key),
		cmocka_unit_test(numbers_get_three_digits_where_that_is_asked_for),
		cmocka_unit_test(memory_that_cannot_be_had_is_noticed),
		cmocka_unit_test(a_full_disk_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
