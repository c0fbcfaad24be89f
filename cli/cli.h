/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: one file a verb; what they share.
 *
 * Theory of operation
 * -------------------
 * A verb is a table of options and a function. main.c finds it in cli_verbs[], parses the options
 * into the verb's own static variables (a verb runs once in a process), and calls the function
 * with what is left. This is the only room that prints for people: results to standard output,
 * errors in one form to standard error.
 */
#ifndef HILLOCK_CLI_CLI_H
#define HILLOCK_CLI_CLI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "container/container.h"

struct json_object;

/* Exit statuses, as docker has them. */
enum { EXIT_OK = 0, EXIT_ERROR = 1, EXIT_USAGE = 125, EXIT_RUN = 125 };

struct cli_list {
	char **items;
	size_t count;
};

enum cli_kind {
	CLI_FLAG,  /* int: --flag, --flag=true, --flag=false */
	CLI_VALUE, /* const char *: the last one counts */
	CLI_LIST,  /* struct cli_list: each one is kept */
};

struct cli_option {
	char letter;      /* 0: none */
	const char *name; /* NULL ends a table */
	enum cli_kind kind;
	void *target;
	const char *value; /* what the value is, for the help */
	const char *help;
};

struct cli {
	const struct cli_verb *verb;
	const char *root; /* --root */
	uint64_t begun;   /* CLOCK_MONOTONIC in ns when main() began */
};

struct cli_verb {
	const char *name; /* "run", "image ls" */
	const char *usage, *summary, *example;
	const struct cli_option *options;
	int raw;         /* it parses its options itself */
	int stop;        /* options end at the first operand: the rest is a command's */
	int least, most; /* operands; most < 0: any number */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* NULL-terminated. */
extern const struct cli_verb *const cli_verbs[];

/* --- option.c -------------------------------------------------------------------------------- */

/*
 * Parses argv[0] to argv[argc-1], moving the operands to the front. Returns their number, or
 * -EINVAL; -ECANCELED: --help was asked for.
 */
int cli_parse(const struct cli_option *options, int stop, int argc, char **argv, struct err *err);
/* Adds to a list; exits the process when memory runs out. */
void cli_list_add(struct cli_list *list, char *item);
void cli_help(const struct cli_verb *verb);

/* docker's sizes: a number with b, k, m or g. */
int cli_bytes(const char *text, uint64_t *bytes, struct err *err);
/* A whole number from `low` to `high`. */
int cli_number(const char *text, const char *what, uint64_t low, uint64_t high, uint64_t *number,
	       struct err *err);
/* "TERM", "SIGTERM" or "15". */
int cli_signal(const char *text, int *signal, struct err *err);
/* "SIGTERM", or NULL. */
const char *cli_signal_name(int signal);

/* --- print.c --------------------------------------------------------------------------------- */

/* Prints "error: …" and "  help: …" to standard error. */
void cli_error(const struct err *err);
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints a JSON value and frees it. */
void cli_json(struct json_object *value);
/* Text for a JSON string: what is not UTF-8 is replaced. */
struct json_object *cli_json_text(const char *text);
/* Did everything reach standard output? EXIT_OK or EXIT_ERROR, after saying so. */
int cli_flush(void);

#define CLI_COLUMNS_MAX 8
struct cli_table {
	size_t columns, rows, room;
	char **cells;
};
/* A row of `columns` strings, which are copied. */
void cli_table_row(struct cli_table *table, const char *const *cells);
/* Prints it with aligned columns, and frees it. */
void cli_table_print(struct cli_table *table);

/* "3 minutes", "About an hour": as docker says it. */
void cli_duration(int64_t ns, char *out, size_t room);
/* RFC 3339 with ns, in UTC; "0001-01-01T00:00:00Z" for 0, as docker has it. */
void cli_time(int64_t ns, char *out, size_t room);
/* 1.5GiB, 16MiB */
void cli_size(uint64_t bytes, char *out, size_t room);

/* --- shared by verbs ------------------------------------------------------------------------- */

/* Opens the store and the container, or prints the error. 0 or -errno. */
int cli_container(struct cli *cli, const char *reference, struct container_store *store,
		  struct container *c);
/* Calls `each` for every operand, as docker does: goes on after an error, EXIT_ERROR in the end. */
int cli_each(struct cli *cli, int argc, char **argv,
	     int (*each)(const struct container_store *store, struct container *c,
			 const char *reference, struct err *err));
/* env.c: merges "K=V" lists, the later ones winning; `-e K` takes the caller's. The result points
 * into all of them, and lives as long as the program. */
int cli_env(char *const *base, const struct cli_list *files, const struct cli_list *given,
	    char ***env, struct err *err);
/* session.c: blocks the signals that a session passes on. */
void cli_block_signals(sigset_t *set);
/* Runs a session to its end, prints what there is to say, returns the exit status. */
int cli_session(const struct container_session *session, uint64_t phases[CONTAINER_PHASES]);
/* Prints what there is to say about a session's end; its exit status. */
int cli_session_end(const struct container_session_result *result, const struct err *err);
/* -it without a terminal. */
int cli_check_terminal(int interactive, int terminal, struct err *err);

/* jail.c: what the processes of a container may do and hold, for inspect. */
struct json_object *cli_jail(const struct container *c);

extern const struct cli_verb cli_attach, cli_bench_idle, cli_bench_programs, cli_bench_start,
	cli_bench_syscalls, cli_cut, cli_exec,
	cli_image_import, cli_image_ls, cli_image_rm, cli_inspect, cli_kconfig_depends,
	cli_kconfig_set, cli_kconfig_show, cli_kconfig_why, cli_kernel_build, cli_kernel_ls,
	cli_kill, cli_logs, cli_ps, cli_rm, cli_run, cli_stop, cli_version, cli_wait;

#endif
