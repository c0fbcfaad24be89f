/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which options own which object files of a Linux tree, and what each file weighs.
 *
 * Theory of operation
 * -------------------
 * The Makefiles are read from the root's Kbuild and the architecture's Makefile downward: an
 * object is built when all options on the way to it are on, and often there are several ways. A
 * composite object (foo.o of foo-y) is never stored for itself; its parts are, with its way in
 * front of theirs. Nothing here depends on a configuration: who asks brings one.
 */
#ifndef HILLOCK_CUT_OWNERS_H
#define HILLOCK_CUT_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { OWNERS_OPTIONS = 12, OWNERS_WAYS = 6 };

/* Options, all of which must be on ("X") or off ("!X"); outermost first. */
struct owners_way {
	const char *options[OWNERS_OPTIONS];
	unsigned count;
};

struct owners_object {
	const char *path; /* "fs/ext4/inode.o" */
	struct owners_way ways[OWNERS_WAYS];
	unsigned way_count;
	uint64_t size; /* text, data and bss as built; 0: not measured */
};

struct owners {
	struct owners_object *objects; /* by path */
	size_t count;
	/* the reader's own */
	size_t room;
	char **strings;
	size_t string_count, string_room;
};

/* `srcarch` as in arch/SRCARCH. A tree without a Kbuild is -EINVAL. */
int owners_read(struct owners *o, const char *tree, const char *srcarch, struct err *err);
void owners_free(struct owners *o);

struct owners_object *owners_find(const struct owners *o, const char *path);

/* The way by which it is built in the configuration that `on` answers for; NULL: it is not. */
const struct owners_way *owners_built(const struct owners_object *object,
				      bool (*on)(void *context, const char *option), void *context);

/* Reads the sizes of what lies in the build directory `out`; others get 0. Returns how many. */
size_t owners_measure(struct owners *o, const char *out);

/* Bytes that take memory in an object file: text, data and bss. 0 when it is none. */
uint64_t owners_object_size(const void *data, size_t size);

#endif
