/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kconfig trees that are written in the test, and what comes of them. */
#ifndef HILLOCK_TESTS_KCONFIG_GIVEN_H
#define HILLOCK_TESTS_KCONFIG_GIVEN_H

#include "kconfig/kconfig.h"

struct given_file {
	const char *name, *text;
};

struct given {
	const struct given_file *files; /* up to one without a name */
	const char *const *variables;
	unsigned int version;
	unsigned int commands; /* how many were run */
	char notes[4096];      /* each with a newline behind */
};

/* A command "echo X" prints X and a newline; any other one nothing. */
int given_load(struct given *given, struct kconfig **k, struct err *err);

/* The tree with this one file "Kconfig"; the test fails if it cannot be read. */
struct kconfig *given_tree(const char *text);
struct kconfig *given_old_tree(const char *text);

/* The test fails unless the tree is refused with this message. */
void given_refused(const char *text, const char *message);

/* Solves what these lines ask for, and gives the options of the .config, without its comments and
 * empty lines. Free with free(). */
char *given_solve(struct kconfig *k, const char *config);

/* The same, compared. */
void given_becomes(struct kconfig *k, const char *config, const char *expected);

#endif
