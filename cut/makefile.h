/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux's Makefiles, as far as they say what is built when.
 *
 * Theory of operation
 * -------------------
 * A pure function over a text: it joins continued lines, drops comments, follows ifdef, ifeq and
 * their like as far as they ask for options, and tells every assignment with the options that
 * must be on for it. What it cannot understand (functions of make, recipes) it passes over: a
 * rule that is not read costs an attribution, nothing else.
 */
#ifndef HILLOCK_CUT_MAKEFILE_H
#define HILLOCK_CUT_MAKEFILE_H

#include <stddef.h>

enum { MAKEFILE_NESTING = 16, MAKEFILE_OPTIONS = 8, MAKEFILE_NAME = 128 };

struct makefile_assignment {
	char name[MAKEFILE_NAME];    /* "obj-", without what an option stands for */
	char option[MAKEFILE_NAME];  /* of obj-$(CONFIG_X): "X"; of obj-y: "y"; of neither: "" */
	const char *value;           /* its words, with blanks between; not terminated */
	size_t length;
	const char *options[MAKEFILE_OPTIONS]; /* "X", "!X": what the lines around ask for */
	unsigned option_count;
};

/* `each` returns 0, or a negative number that ends the reading and is returned. -ENOMEM too. */
int makefile_read(const char *text, size_t size,
		  int (*each)(void *context, const struct makefile_assignment *a), void *context);

#endif
