/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of hillock-cut share. */
#ifndef HILLOCK_CLI_CUT_MAIN_H
#define HILLOCK_CLI_CUT_MAIN_H

#include "cli/cli.h"
#include "cut/cut.h"

struct cut_options {
	const char *base, *check, *check_timeout, *format, *goal, *jobs, *machine, *name, *run,
		*source, *storage;
	struct cli_list budget, drop, keep;
	int json, list, show, diff, table, plot;
};
extern struct cut_options cut_opt;

/* Is it a question to the history? */
int cut_history_asked(void);
/* Answers it; argv are the cuts that it names. */
int cut_history_print(const char *store, int argc, char **argv, struct err *err);

#endif
