/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Linux's source says it offers to programs, and by which option.
 *
 * Theory of operation
 * -------------------
 * Linux announces what it offers by a few idioms: SYSCALL_DEFINE, a socket family's number beside
 * sock_register(), a file system's name, a misc device's, proc_create() and sysctl tables. The
 * files of one configuration are looked through for them, and each find is a fact: in the options
 * that its object file needs, and those of the #ifdef around it. So the answers belong to the
 * tree at hand, not to the release that this program was written for.
 *
 * A fact whose options are none is offered by every kernel: it is not kept.
 */
#ifndef HILLOCK_CUT_FACTS_H
#define HILLOCK_CUT_FACTS_H

#include "cut/owners.h"

struct fact {
	char kind[8];		/* as in the tracer's report: "call", "socket", … */
	const char *what;	/* "epoll_wait", "1", "ext4", "filesystems", "fuse" */
	const char *file;	/* where it stands */
	unsigned line;
	struct owners_way way;	/* the options it needs */
};

struct facts {
	struct fact *list;
	size_t count, room;
	char **strings;
	size_t string_count, string_room;
	/* names of system calls by number, and AF_ names by number; NULL where there is none */
	const char *calls[512];
	const char *families[64];
};

/* What the files that are built in the configuration `on` answers for offer. */
int facts_read(struct facts *f, const char *tree, const struct owners *o,
	       bool (*on)(void *context, const char *option), void *context, struct err *err);
void facts_free(struct facts *f);

/* One file's facts: a pure function over its text, for the test. */
int facts_scan(struct facts *f, const char *file, const char *text, size_t size,
	       const struct owners_way *way);

#endif
