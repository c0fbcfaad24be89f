/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracer: a small static program that runs inside a container and says what is used there.
 *
 * Theory of operation
 * -------------------
 *	hillock-tracer --scan DIR			what the files below DIR could use
 *	hillock-tracer [--deny KIND=WHAT]... CMD...	what CMD and all its children do use
 *
 * It runs in the guest, so a hostile image is read and run behind the same walls as any other
 * container. What it finds goes to standard output, a line each with tabs between:
 *
 *	KIND  WHAT  TIMES-DONE  TIMES-FAILED  LAST-ERRNO  WHERE
 *
 *	call NUMBER, socket FAMILY, mount TYPE, path PATH (below /proc, /sys or /dev), ioctl NUMBER,
 *	fcntl NUMBER, clone FLAG (of name spaces), script (a "#!" file was executed), elf, shared
 *	(memory shared without a file); with --scan, WHERE is the first file that could
 *
 * and at the end "exit STATUS". CMD's own standard output goes to standard error, so that the
 * report is alone on its way. With --deny, uses fail as they do in a kernel that was built
 * without them: that is how `hillock cut` asks whether a check can do without, and builds nothing.
 */
#ifndef HILLOCK_CUT_TRACER_H
#define HILLOCK_CUT_TRACER_H

#include <stddef.h>

struct use {
	char kind[8];
	char what[152];
	unsigned long done, failed;
	int error; /* of the last failure */
	char where[128];
};

/* Finds or makes the entry; NULL when the table is full. */
struct use *use_find(const char *kind, const char *what);
struct use *use_number(const char *kind, unsigned long number);
void use_print(void);

/* "KIND=WHAT": is it to fail, and how? 0: it is not. */
int deny_add(const char *text);
int deny_check(const struct use *use);

/* Both return the exit status. */
int trace_run(char **argv);
int scan_run(const char *root);

#endif
