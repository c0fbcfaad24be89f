// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Printing: errors in one form, tables, JSON, times and sizes as docker words them.
 *
 * Strings that came out of a container or an image pass utf8_clean() before they reach a
 * terminal: a name is no place for escape sequences.
 */
#include "cli/cli.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

static int use_colour(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !(none && *none) && term && strcmp(term, "dumb") != 0;
}

static void print_labelled(const char *label, const char *colour, const char *text)
{
	char clean[sizeof(((struct err *)0)->text)];
	int colours = use_colour();

	utf8_clean(clean, sizeof(clean), text, strlen(text));
	fprintf(stderr, "%s%s:%s %s\n", colours ? colour : "", label, colours ? "\033[0m" : "",
		clean);
}

void cli_error(const struct err *err)
{
	fflush(stdout);
	print_labelled("error", "\033[1;31m", err->text);
	if (err->hint[0])
		print_labelled("  help", "\033[1;36m", err->hint);
}

void cli_warn(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_labelled("warning", "\033[1;33m", text);
}

int cli_flush(void)
{
	struct err err = ERR_INIT;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_OK;
	err_sys(&err, errno, "writing to standard output");
	cli_error(&err);
	return EXIT_ERROR;
}

/* --- JSON ------------------------------------------------------------------------------------ */

void cli_json(struct json_object *value)
{
	puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY |
							   JSON_C_TO_STRING_SPACED |
							   JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(value);
}

struct json_object *cli_json_text(const char *text)
{
	size_t size = text ? strlen(text) : 0;
	struct json_object *value;
	char *clean;

	if (!text)
		return json_object_new_string("");
	if (utf8_valid(text, size))
		return json_object_new_string(text);
	clean = malloc(size + 1);
	if (!clean)
		return NULL;
	utf8_clean(clean, size + 1, text, size);
	value = json_object_new_string(clean);
	free(clean);
	return value;
}

/* --- tables ---------------------------------------------------------------------------------- */

void cli_table_row(struct cli_table *table, const char *const *cells)
{
	if (table->rows == table->room) {
		size_t room = table->room ? table->room * 2 : 16;
		char **grown = realloc(table->cells, room * table->columns * sizeof(*grown));

		if (!grown)
			return;
		table->cells = grown;
		table->room = room;
	}
	for (size_t i = 0; i < table->columns; i++) {
		size_t size = strlen(cells[i]);
		char *copy = malloc(size + 1);

		if (copy)
			utf8_clean(copy, size + 1, cells[i], size);
		table->cells[table->rows * table->columns + i] = copy;
	}
	table->rows++;
}

/* Characters, not bytes: close enough to columns for names. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void cli_table_print(struct cli_table *table)
{
	size_t widths[CLI_COLUMNS_MAX] = { 0 }, count = table->rows * table->columns;

	for (size_t i = 0; i < count; i++) {
		size_t w = table->cells[i] ? width(table->cells[i]) : 0;

		if (w > widths[i % table->columns])
			widths[i % table->columns] = w;
	}
	for (size_t i = 0; i < count; i++) {
		const char *cell = table->cells[i] ? table->cells[i] : "";
		size_t column = i % table->columns;

		if (column + 1 == table->columns)
			printf("%s\n", cell);
		else
			printf("%s%*s", cell, (int)(widths[column] + 3 - width(cell)), "");
		free(table->cells[i]);
	}
	free(table->cells);
	*table = (struct cli_table){ 0 };
}

/* --- times and sizes ------------------------------------------------------------------------- */

void cli_duration(int64_t ns, char *out, size_t room)
{
	long long s = ns / 1000000000, m = s / 60, h = (m + 30) / 60;

	if (s < 1)
		snprintf(out, room, "Less than a second");
	else if (s == 1)
		snprintf(out, room, "1 second");
	else if (s < 60)
		snprintf(out, room, "%lld seconds", s);
	else if (m == 1)
		snprintf(out, room, "About a minute");
	else if (m < 60)
		snprintf(out, room, "%lld minutes", m);
	else if (h == 1)
		snprintf(out, room, "About an hour");
	else if (h < 48)
		snprintf(out, room, "%lld hours", h);
	else if (h < 24 * 14)
		snprintf(out, room, "%lld days", h / 24);
	else if (h < 24 * 30 * 2)
		snprintf(out, room, "%lld weeks", h / 24 / 7);
	else if (h < 24 * 365 * 2)
		snprintf(out, room, "%lld months", h / 24 / 30);
	else
		snprintf(out, room, "%lld years", h / 24 / 365);
}

void cli_time(int64_t ns, char *out, size_t room)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	char day[32];

	if (ns <= 0 || !gmtime_r(&seconds, &tm)) {
		snprintf(out, room, "0001-01-01T00:00:00Z");
		return;
	}
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, room, "%s.%09lldZ", day, (long long)(ns % 1000000000));
}

void cli_size(uint64_t bytes, char *out, size_t room)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		n /= 1024;
		unit++;
	}
	snprintf(out, room, unit == 0 || n >= 100 || n == (double)(int)n ? "%.0f%s" : "%.1f%s", n,
		 units[unit]);
}
