// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: table.h. */
#include "bench/table.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 40
#define DIGITS 3

struct cell {
	char *text; /* NULL in a column of numbers */
	double number;
	int marked;
};

struct table {
	struct sheet *sheet;
	const struct table_column *columns;
	size_t column_count;
	int raw;
	struct cell *cells;
	size_t used, room;
};

/* A table, or a sentence if table.columns is NULL. */
struct sheet_item {
	struct sheet_item *next;
	const char *key;
	char *text; /* the title or the sentence */
	struct table table;
};

/* What sheet_allocate() gave; it begins behind this. */
struct sheet_memory {
	struct sheet_memory *next;
	max_align_t start[];
};

void sheet_init(struct sheet *sheet)
{
	*sheet = (struct sheet){ .last = &sheet->first };
}

void sheet_free(struct sheet *sheet)
{
	struct sheet_item *item;

	while ((item = sheet->first)) {
		sheet->first = item->next;
		for (size_t i = 0; i < item->table.used; i++)
			free(item->table.cells[i].text);
		free(item->table.cells);
		free(item->text);
		free(item);
	}
	while (sheet->memory) {
		struct sheet_memory *memory = sheet->memory;

		sheet->memory = memory->next;
		free(memory);
	}
	sheet_init(sheet);
}

void *sheet_allocate(struct sheet *sheet, size_t count, size_t size)
{
	struct sheet_memory *memory = NULL;
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes) &&
	    !__builtin_add_overflow(bytes, sizeof(*memory), &bytes))
		memory = calloc(1, bytes);
	if (!memory) {
		sheet->out_of_memory = 1;
		return NULL;
	}
	memory->next = sheet->memory;
	sheet->memory = memory;
	return memory->start;
}

static struct sheet_item *item_add(struct sheet *sheet, const char *key, char *text)
{
	struct sheet_item *item = text ? calloc(1, sizeof(*item)) : NULL;

	if (!item) {
		free(text);
		sheet->out_of_memory = 1;
		return NULL;
	}
	item->key = key;
	item->text = text;
	*sheet->last = item;
	sheet->last = &item->next;
	return item;
}

struct table *sheet_table(struct sheet *sheet, const char *key, const char *title,
			  const struct table_column *columns, size_t count, int raw)
{
	struct sheet_item *item = item_add(sheet, key, strdup(title));

	if (!item)
		return NULL;
	item->table = (struct table){
		.sheet = sheet, .columns = columns, .column_count = count, .raw = raw
	};
	return &item->table;
}

static void cell_add(struct table *table, char *text, double number)
{
	if (table->used == table->room) {
		size_t room = table->room ? 2 * table->room : 8 * table->column_count;
		struct cell *cells = reallocarray(table->cells, room, sizeof(*cells));

		if (!cells) {
			free(text);
			table->sheet->out_of_memory = 1;
			return;
		}
		table->cells = cells;
		table->room = room;
	}
	table->cells[table->used++] = (struct cell){ text, number, 0 };
}

static char *__attribute__((format(printf, 1, 0))) format_text(const char *fmt, va_list args)
{
	char *text;

	return vasprintf(&text, fmt, args) < 0 ? NULL : text;
}

void table_text(struct table *table, const char *fmt, ...)
{
	va_list args;
	char *text;

	if (!table)
		return;
	va_start(args, fmt);
	text = format_text(fmt, args);
	va_end(args);
	if (text)
		cell_add(table, text, NAN);
	else
		table->sheet->out_of_memory = 1;
}

void table_number(struct table *table, double number)
{
	if (table)
		cell_add(table, NULL, number);
}

void table_mark(struct table *table)
{
	if (table && table->used)
		table->cells[table->used - 1].marked = 1;
}

void sheet_say(struct sheet *sheet, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	item_add(sheet, key, format_text(fmt, args));
	va_end(args);
}

/* --- text ------------------------------------------------------------------------------------ */

static int decimals_of(const struct table_column *column, double number)
{
	int decimals;

	if (column->decimals != TABLE_DIGITS)
		return column->decimals;
	if (number == 0)
		return 0;
	decimals = DIGITS - 1 - (int)floor(log10(fabs(number)));
	return decimals < 0 ? 0 : decimals < 9 ? decimals : 9;
}

/* What a cell looks like; `out` is used where it has to be made. */
static const char *cell_show(const struct cell *cell, const struct table_column *column,
			     char out[64])
{
	if (cell->text)
		return cell->text;
	if (isnan(cell->number))
		return "-";
	if (column->kind == TABLE_BAR) {
		double part = fmin(fmax(cell->number, 0), 1);
		int length = (int)lround(part * BAR_WIDTH);

		memset(out, '#', (size_t)length);
		out[length] = 0;
		return out;
	}
	snprintf(out, 64, "%.*f", decimals_of(column, cell->number), cell->number);
	return out;
}

static int column_width(const struct table *table, size_t index)
{
	const struct table_column *column = &table->columns[index];
	size_t width = strlen(column->title);
	char out[64];

	for (size_t i = index; i < table->used; i += table->column_count) {
		size_t length = strlen(cell_show(&table->cells[i], column, out));

		if (length > width)
			width = length;
	}
	return (int)width;
}

/* Texts and bars stand left, numbers right; nothing is padded behind the last column. */
static void print_cell(FILE *file, const struct table *table, size_t index, const char *text,
		       int bold)
{
	int width = column_width(table, index);

	if (bold)
		fputs("\033[1;32m", file);
	if (table->columns[index].kind == TABLE_NUMBER)
		fprintf(file, "  %*s", width, text);
	else if (index + 1 < table->column_count)
		fprintf(file, "  %-*s", width, text);
	else
		fprintf(file, "  %s", text);
	if (bold)
		fputs("\033[0m", file);
	if (index + 1 == table->column_count)
		fputc('\n', file);
}

static void print_text(const struct sheet *sheet, FILE *file)
{
	int after_table = 0, terminal = fileno(file) >= 0 && isatty(fileno(file));
	char out[64];

	for (const struct sheet_item *item = sheet->first; item; item = item->next) {
		const struct table *table = &item->table;

		if (table->raw || (table->columns && !table->used))
			continue;
		if (item != sheet->first && (after_table || table->columns))
			fputc('\n', file);
		fprintf(file, "%s\n", item->text);
		after_table = table->columns != NULL;
		for (size_t i = 0; i < table->column_count; i++)
			print_cell(file, table, i, table->columns[i].title, 0);
		for (size_t i = 0; i < table->used; i++) {
			const struct cell *cell = &table->cells[i];
			size_t column = i % table->column_count;

			print_cell(file, table, column,
				   cell_show(cell, &table->columns[column], out),
				   terminal && cell->marked);
		}
	}
}

/* --- CSV ------------------------------------------------------------------------------------- */

static void print_quoted(FILE *file, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

static void print_csv_table(const struct sheet_item *item, FILE *file)
{
	const struct table *table = &item->table;

	fputs("table", file);
	for (size_t i = 0; i < table->column_count; i++)
		fprintf(file, ",%s", table->columns[i].key);
	for (size_t i = 0; i < table->used; i++) {
		const struct cell *cell = &table->cells[i];

		if (i % table->column_count == 0)
			fprintf(file, "\n%s", item->key);
		fputc(',', file);
		if (cell->text)
			print_quoted(file, cell->text);
		else if (!isnan(cell->number))
			fprintf(file, "%.9g", cell->number);
	}
	fputc('\n', file);
}

static void print_csv(const struct sheet *sheet, FILE *file)
{
	for (const struct sheet_item *item = sheet->first; item; item = item->next) {
		if (item->table.columns) {
			print_csv_table(item, file);
			continue;
		}
		fprintf(file, "sentence,%s,", item->key);
		print_quoted(file, item->text);
		fputc('\n', file);
	}
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* json-c prints 17 digits of a double; nine are more than a clock has. */
static struct json_object *json_number(double number)
{
	char text[32];

	if (isnan(number))
		return NULL;
	snprintf(text, sizeof(text), "%.9g", number);
	return json_object_new_double_s(number, text);
}

static struct json_object *json_table(const struct table *table)
{
	struct json_object *rows = json_object_new_array(), *row = NULL;

	for (size_t i = 0; i < table->used; i++) {
		const struct cell *cell = &table->cells[i];
		size_t column = i % table->column_count;

		if (column == 0) {
			row = json_object_new_object();
			json_object_array_add(rows, row);
		}
		json_object_object_add(row, table->columns[column].key,
				       cell->text ? json_object_new_string(cell->text)
						  : json_number(cell->number));
	}
	return rows;
}

static struct json_object *json_sentence(const struct sheet_item *item)
{
	struct json_object *sentence = json_object_new_object();

	json_object_object_add(sentence, "key", json_object_new_string(item->key));
	json_object_object_add(sentence, "text", json_object_new_string(item->text));
	return sentence;
}

static void print_json(const struct sheet *sheet, FILE *file)
{
	struct json_object *all = json_object_new_object(), *tables = json_object_new_object(),
			   *sentences = json_object_new_array();

	for (const struct sheet_item *item = sheet->first; item; item = item->next) {
		if (item->table.columns)
			json_object_object_add(tables, item->key, json_table(&item->table));
		else
			json_object_array_add(sentences, json_sentence(item));
	}
	json_object_object_add(all, "tables", tables);
	json_object_object_add(all, "sentences", sentences);
	fprintf(file, "%s\n",
		json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

int sheet_print(const struct sheet *sheet, FILE *file, enum sheet_format format)
{
	if (sheet->out_of_memory)
		return -ENOMEM;
	switch (format) {
	case SHEET_TEXT:
		print_text(sheet, file);
		break;
	case SHEET_JSON:
		print_json(sheet, file);
		break;
	case SHEET_CSV:
		print_csv(sheet, file);
		break;
	}
	return fflush(file) || ferror(file) ? -EIO : 0;
}
