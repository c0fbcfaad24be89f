/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running a command and measuring it.
 *
 * Theory of operation
 * -------------------
 * The clock (CLOCK_MONOTONIC) is read before vfork() and after the command's exit was seen, so a
 * measurement is what somebody waits who types the command: program load included.
 *
 * What a command leaves behind must neither be missed nor disturb the next measurement. So the
 * benchmark is a subreaper: orphans become its own children, and process_run() waits for those
 * too (unless they are meant to stay) and says how much longer that took.
 *
 * The signals that end a benchmark (INT, TERM, HUP) are blocked and read while waiting, and
 * commands run in process groups of their own: so the one that runs may end by itself and clean
 * up (for three seconds, then it is killed), process_run() returns -EINTR, and the benchmark can
 * remove what it made. One thread, one command at a time.
 */
#ifndef HILLOCK_BENCH_PROCESS_H
#define HILLOCK_BENCH_PROCESS_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Another view on the host that a command is started in; -1: the same as ours. */
struct process_view {
	int user_fd, mount_fd; /* namespaces; owned */
};

struct process_spec {
	const char *const *argv;         /* argv[0] is a path */
	char *const *environment;        /* NULL: ours */
	const struct process_view *view; /* NULL: ours */
	const cpu_set_t *cpus;           /* on which it may run; NULL: ours */
	int stdin_fd;                    /* -1: /dev/null */
	int extra_fd;                    /* becomes descriptor 3; -1: none */
	unsigned seconds;                /* it is killed when it takes longer */
	int leaves;                      /* it leaves processes behind that are to stay */
	int keep_output;                 /* its standard output belongs to what it `said`, too,
					  * of which more is kept then: 64 KiB */
	int cleanup;                     /* runs although the benchmark was interrupted */
};

#define PROCESS_SPEC_INIT ((struct process_spec){ .stdin_fd = -1, .extra_fd = -1, .seconds = 60 })

struct process_result {
	uint64_t start_ns;   /* CLOCK_MONOTONIC, before vfork() */
	uint64_t wall_ns;    /* until its exit was seen */
	uint64_t settled_ns; /* until all that it left was gone; with `leaves` = wall_ns */
	uint64_t cpu_ns;     /* user and system time of all that was waited for */
	int code;            /* exit status, 128 + n for signal n */
	char *said;          /* the end of what it wrote to standard error; owned */
};

/* Once, before anything is run: subreaper, blocked signals. */
int process_init(struct err *err);

/*
 * Runs a command to its end. 0 also when it fails: see `code`. -EINTR: the benchmark shall end;
 * -ETIMEDOUT: it was killed, or what it left would not end; others: it could not be started.
 */
int process_run(const struct process_spec *spec, struct process_result *result, struct err *err);

/* As process_run(), and a code other than 0 is an error that quotes what the command said. */
int process_run_well(const struct process_spec *spec, struct process_result *result,
		     struct err *err);
void process_result_free(struct process_result *result);

/* Sleeps, unless the benchmark is interrupted: then -EINTR. */
int process_pause(uint64_t ns, struct err *err);
int process_interrupted(void);

/* Kills whatever is left below us. For cleaning up. */
void process_kill_rest(void);

/*
 * A view in which `hide` is an empty directory of its own: for root in a mount namespace of its
 * own, for others in a user namespace of their own too, in which they are uid 0.
 */
int process_view_hide(struct process_view *view, const char *hide, struct err *err);
/*
 * Likewise one in which `tree` is the root, read-only, with the host's /dev and /proc in it, and
 * file systems in memory at `tmpfs` (NULL-terminated, directories of the tree).
 */
int process_view_tree(struct process_view *view, const char *tree, const char *const *tmpfs,
		      struct err *err);
void process_view_close(struct process_view *view);

/*
 * Our environment with `set` ("K=V", NULL-terminated) on top, in one block that the caller frees;
 * the strings stay whose they are.
 */
char **process_environment(char *const set[]);

/* Finds a program in PATH and where administrators' programs are. */
int process_find(const char *name, char path[4096]);

#endif
