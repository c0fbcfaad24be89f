// SPDX-License-Identifier: GPL-2.0-or-later
/* What was used, counted; and what is to fail. */
#include "cut/tracer/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { USES = 8192, DENIALS = 512 };

static struct use uses[USES];
static unsigned used;

struct use *use_find(const char *kind, const char *what)
{
	unsigned hash = 5381, at;

	for (const char *c = kind; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (const char *c = what; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (at = hash % USES; uses[at].kind[0]; at = (at + 1) % USES) {
		if (!strcmp(uses[at].kind, kind) &&
		    !strncmp(uses[at].what, what, sizeof(uses[at].what) - 1))
			return &uses[at];
	}
	if (used >= USES / 4 * 3)
		return NULL;
	used++;
	snprintf(uses[at].kind, sizeof(uses[at].kind), "%s", kind);
	snprintf(uses[at].what, sizeof(uses[at].what), "%s", what);
	return &uses[at];
}

struct use *use_number(const char *kind, unsigned long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", number);
	return use_find(kind, text);
}

/* A line is a line and a tab a tab, whatever a file is called. */
static void print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' ? '?' : *text);
}

void use_print(void)
{
	for (unsigned i = 0; i < USES; i++) {
		const struct use *u = &uses[i];

		if (!u->kind[0] || !(u->done || u->failed))
			continue;
		printf("%s\t", u->kind);
		print_text(u->what);
		printf("\t%lu\t%lu\t%d\t", u->done, u->failed, u->error);
		print_text(u->where);
		putchar('\n');
	}
}

/* --- denials --------------------------------------------------------------------------------- */

/* How each kind fails in a kernel that was built without it. */
static const struct {
	const char *kind;
	int error;
} kinds[] = {
	{ "call", ENOSYS },  { "socket", EAFNOSUPPORT }, { "mount", ENODEV }, { "path", ENOENT },
	{ "ioctl", ENOTTY }, { "fcntl", EINVAL },        { "clone", EINVAL }, { "script", ENOEXEC },
	{ "shared", EINVAL },
};

static struct {
	const char *kind, *what;
	int error;
} denials[DENIALS];
static unsigned denial_count;

int deny_add(const char *text)
{
	const char *equals = strchr(text, '=');

	for (size_t i = 0; equals && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].kind);

		if (length != (size_t)(equals - text) || strncmp(kinds[i].kind, text, length) != 0)
			continue;
		if (denial_count == DENIALS)
			return -E2BIG;
		denials[denial_count].kind = kinds[i].kind;
		denials[denial_count].what = equals + 1;
		denials[denial_count++].error = kinds[i].error;
		return 0;
	}
	return -EINVAL;
}

/* A path that is denied takes everything below it along. */
static int covers(const char *kind, const char *denied, const char *what)
{
	size_t length = strlen(denied);

	if (strcmp(kind, "path") != 0)
		return !strcmp(denied, what);
	return !strncmp(denied, what, length) && (what[length] == '/' || !what[length]);
}

int deny_check(const struct use *use)
{
	for (unsigned i = 0; i < denial_count; i++) {
		if (!strcmp(denials[i].kind, use->kind) &&
		    covers(use->kind, denials[i].what, use->what))
			return denials[i].error;
	}
	return 0;
}
