/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a program to its end, with a limit, keeping what it says.
 *
 * Each runs in a process group of its own with the lowest priority asked for; on time-out or when
 * the cut is interrupted the whole group is ended (SIGTERM, and SIGKILL after ten seconds: a
 * build removes what it began). cut_interrupt() may be called from a signal handler.
 */
#ifndef HILLOCK_CUT_PROCESS_H
#define HILLOCK_CUT_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct process_said {
	char *out, *err; /* NUL-terminated, the ends of what was written; owned */
	size_t out_size, err_size;
	int code;	 /* exit status, 128 + n for signal n */
	uint64_t wall_ns;
};

struct process_order {
	const char *const *argv; /* argv[0] is a path */
	const char *const *set;	 /* "K=V", …, NULL: on top of our environment; or NULL */
	unsigned seconds;	 /* 0: no limit */
	int nice;
	/* Called now and then while it runs, with what it wrote to standard error since. */
	void (*heard)(void *context, const char *text, size_t size);
	void *context;
};

/* 0 also when it fails: see `code`. -ETIMEDOUT, -EINTR; others: it could not be started. */
int cut_process(const struct process_order *order, struct process_said *said, struct err *err);
void cut_process_free(struct process_said *said);

void cut_interrupt(void);
int cut_interrupted(void);

#endif
