// SPDX-License-Identifier: GPL-2.0-or-later
/* What jobs print, and which of them are wanted; the forms stand in contest.h. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/contest.h"

/* Is the word at `at` this one? Moves behind it and the spaces after it. */
static int take_word(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length) || !isspace((unsigned char)(*at)[length]))
		return 0;
	*at += length;
	*at += strspn(*at, " ");
	return 1;
}

/* A number that ends where a word ends and is none of strtod()'s curious ones. */
static int take_number(const char **at, double *number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return 0;
	*number = strtod(*at, &end);
	if ((*end && !isspace((unsigned char)*end)) || !isfinite(*number))
		return 0;
	*at = end + strspn(end, " ");
	return 1;
}

static void take_name(const char **at, struct contest_entry *entry)
{
	entry->name = *at;
	entry->name_length = strcspn(*at, " \r\n");
	*at += entry->name_length;
	*at += strspn(*at, " ");
}

static enum contest_said parse(const char *text, struct contest_entry *entry)
{
	double number;

	*entry = (struct contest_entry){ .sample = { NAN, NAN, NAN } };
	if (take_word(&text, "line")) {
		take_name(&text, entry);
		if (!take_number(&text, &entry->sample.value))
			return SAID_NOTHING;
		if (take_number(&text, &number) && take_number(&text, &entry->sample.spread))
			entry->sample.min = number;
		return SAID_LINE;
	}
	if (take_word(&text, "fail")) {
		take_name(&text, entry);
		snprintf(entry->why, sizeof(entry->why), "%.*s", (int)strcspn(text, "\r\n"), text);
		return SAID_FAIL;
	}
	if (take_word(&text, "end") && take_number(&text, &number) && number < 1e18) {
		entry->ns = (uint64_t)number;
		return SAID_END;
	}
	return SAID_NOTHING;
}

enum contest_said contest_read(const char **at, struct contest_entry *entry)
{
	while (**at) {
		enum contest_said said = parse(*at, entry);

		*at += strcspn(*at, "\n");
		*at += **at == '\n';
		if (said != SAID_NOTHING)
			return said;
	}
	return SAID_NOTHING;
}

/* --- lists of names -------------------------------------------------------------------------- */

int contest_wants(const char *only, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = only; at && *at;) {
		size_t word = strcspn(at, ",");

		if (word == length && !memcmp(at, name, length))
			return 1;
		at += word + (at[word] == ',');
	}
	return !only;
}

static int is_known(const char *const *names, const char *word, size_t length)
{
	while (*names && (strlen(*names) != length || memcmp(*names, word, length) != 0))
		names++;
	return *names != NULL;
}

int contest_check_only(const char *only, const char *const *names, struct err *err)
{
	for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t word = strcspn(at, ","), used = 0;
		char list[480] = "";

		if (is_known(names, at, word))
			continue;
		err_set(err, EINVAL, "invalid argument \"%.*s\" for --only", (int)word, at);
		for (size_t i = 0; names[i] && used < sizeof(list); i++)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 i ? ", " : "", names[i]);
		err_hint(err, "name some of %s", list);
		return -EINVAL;
	}
	return 0;
}
