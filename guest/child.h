/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The child of one START: what it does between vfork() and exec, and how it says what failed.
 *
 * Theory of operation
 * -------------------
 * The child borrows PID 1's memory until its exec, so that starting costs no copy of page tables,
 * and it reports what went wrong by writing it down where the parent will look. In return it may
 * do nothing but system calls; those that change its user go to the kernel directly, because a C
 * library's wrappers would tell threads that are not there.
 *
 * The command is looked up by trying to execute it in each directory of PATH, as the user it will
 * run as: what the kernel would refuse is not found out any other way. Only when all has failed
 * is it worth finding out why.
 */
#ifndef HILLOCK_GUEST_CHILD_H
#define HILLOCK_GUEST_CHILD_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "guest/account.h"

enum child_step { CHILD_SESSION, CHILD_CWD, CHILD_USER, CHILD_EXEC };

/* What the child reads, and where it leaves why it failed. */
struct child {
	char **argv, **envp;
	const char *path, *cwd;        /* PATH; working directory, "": stay */
	const struct account *account; /* NULL: stay what PID 1 is */
	int fds[3];
	int terminal; /* fds are one, to be the controlling one */

	volatile enum child_step step;
	volatile int error; /* 0: it runs */
	volatile int found; /* CHILD_EXEC: `file` exists */
	char file[PATH_MAX];
};

/* Returns the pid, when the child has executed its program or has failed; or -1 with errno. */
pid_t child_start(struct child *c);

/* Says in words why the child failed. Returns the exit code: 125, 126 or 127. */
uint32_t child_explain(const struct child *c, const char *user, struct err *err);

#endif
