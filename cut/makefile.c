// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: makefile.h. */
#include "cut/makefile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

struct reader {
	const char *at, *end;
	char *line; /* with room for the whole text */
	size_t length;
	/* One for each open conditional: "X", "!X", or "" when it asks for no option. */
	char conditions[MAKEFILE_NESTING][MAKEFILE_NAME];
	unsigned depth, too_deep;
};

/* The next line, continued ones joined, without its comment. 0 at the end of the text. */
static int read_line(struct reader *r)
{
	int comment = 0;

	if (r->at == r->end)
		return 0;
	r->length = 0;
	while (r->at < r->end && *r->at != '\n') {
		if (*r->at == '\\' && r->at + 1 < r->end && r->at[1] == '\n') {
			r->line[r->length++] = ' ';
			r->at += 2;
			continue;
		}
		comment |= *r->at == '#';
		if (!comment)
			r->line[r->length++] = *r->at;
		r->at++;
	}
	r->at += r->at < r->end;
	r->line[r->length] = '\0';
	return 1;
}

/* The name behind the first "CONFIG_"; 0 when there is none, or it does not fit. */
static int find_option(const char *text, char out[MAKEFILE_NAME])
{
	const char *at = strstr(text, "CONFIG_");
	size_t length = 0;

	if (!at)
		return 0;
	for (at += 7; isalnum((unsigned char)at[length]) || at[length] == '_'; length++)
		;
	if (!length || length + 2 > MAKEFILE_NAME)
		return 0;
	memcpy(out, at, length);
	out[length] = '\0';
	return 1;
}

static void negate(char condition[MAKEFILE_NAME])
{
	size_t length = strlen(condition);

	if (condition[0] == '!')
		memmove(condition, condition + 1, length);
	else if (length && length + 2 <= MAKEFILE_NAME) {
		memmove(condition + 1, condition, length + 1);
		condition[0] = '!';
	}
}

/* "ifdef CONFIG_X", "ifeq ($(CONFIG_X),y)", and the opposites of both. */
static void read_condition(const char *text, int negative, char out[MAKEFILE_NAME])
{
	const char *comma = strrchr(text, ',');

	out[0] = '\0';
	if (!find_option(text, out))
		return;
	if (strstr(strstr(text, "CONFIG_") + 7, "CONFIG_")) {
		out[0] = '\0'; /* two options at once: neither alone decides */
		return;
	}
	if (comma) {
		const char *what = comma + 1 + strspn(comma + 1, " \t");

		if (*what == ')' || *what == 'n')
			negative = !negative;
		else if (*what != 'y' && *what != 'm')
			out[0] = '\0';
	}
	if (negative)
		negate(out);
}

/* Takes a line that opens, turns or closes a conditional. 0: it is none. */
static int take_conditional(struct reader *r, const char *line)
{
	static const struct {
		const char *word;
		int negative;
	} words[] = { { "ifdef", 0 }, { "ifndef", 1 }, { "ifeq", 0 }, { "ifneq", 1 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(line, words[i].word, length) != 0 || !strchr(" \t(", line[length]))
			continue;
		if (r->depth == MAKEFILE_NESTING)
			r->too_deep++;
		else
			read_condition(line + length, words[i].negative, r->conditions[r->depth++]);
		return 1;
	}
	if (!strncmp(line, "else", 4) && !isalnum((unsigned char)line[4])) {
		if (r->depth && !r->too_deep)
			negate(r->conditions[r->depth - 1]);
		return 1;
	}
	if (!strncmp(line, "endif", 5) && !isalnum((unsigned char)line[5])) {
		if (r->too_deep)
			r->too_deep--;
		else if (r->depth)
			r->depth--;
		return 1;
	}
	return 0;
}

/* "obj-$(CONFIG_X)", "obj-$(subst m,y,$(CONFIG_X))", "obj-y", "foo-objs", "BITS". */
static int read_name(const char *text, size_t length, struct makefile_assignment *a)
{
	char whole[2 * MAKEFILE_NAME];
	char *dollar, *dash;

	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	if (!length || length >= sizeof(whole))
		return 0;
	memcpy(whole, text, length);
	whole[length] = '\0';
	a->option[0] = '\0';
	dollar = strchr(whole, '$');
	dash = strrchr(whole, '-');
	if (dollar) {
		if (!find_option(dollar, a->option))
			return 0;
		*dollar = '\0';
	} else if (dash && !strcmp(dash, "-y")) {
		strcpy(a->option, "y");
		dash[1] = '\0';
	}
	if (!*whole || strlen(whole) >= sizeof(a->name) || strpbrk(whole, " \t:"))
		return 0;
	strcpy(a->name, whole);
	return 1;
}

static int read_assignment(struct reader *r, const char *line, struct makefile_assignment *a)
{
	const char *equals = strchr(line, '='), *end = equals;

	if (!equals || r->line[0] == '\t')
		return 0;
	while (end > line && strchr("+:?", end[-1]))
		end--;
	if (!read_name(line, (size_t)(end - line), a))
		return 0;
	a->value = equals + 1;
	a->length = strlen(equals + 1);
	a->option_count = 0;
	for (unsigned i = 0; i < r->depth && a->option_count < MAKEFILE_OPTIONS; i++)
		if (r->conditions[i][0])
			a->options[a->option_count++] = r->conditions[i];
	return 1;
}

int makefile_read(const char *text, size_t size,
		  int (*each)(void *context, const struct makefile_assignment *a), void *context)
{
	struct reader *r = calloc(1, sizeof(*r));
	cleanup_free char *line = malloc(size + 1);
	struct makefile_assignment a;
	int rc = 0;

	if (!r || !line) {
		free(r);
		return -ENOMEM;
	}
	r->at = text;
	r->end = text + size;
	r->line = line;
	while (rc == 0 && read_line(r)) {
		const char *start = line + strspn(line, " ");

		/* make allows tabs before what is no recipe, and Linux indents so inside ifs. */
		if (take_conditional(r, start + strspn(start, "\t ")))
			continue;
		if (r->depth) {
			start += strspn(start, "\t ");
			if (line[0] == '\t')
				line[0] = ' ';
		}
		if (read_assignment(r, start, &a))
			rc = each(context, &a);
	}
	free(r);
	return rc;
}
