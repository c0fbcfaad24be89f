/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contests: commands that measure something by themselves, run in each contender.
 *
 * Theory of operation
 * -------------------
 * A contender is the host itself (native), hillock on one of its kernels, or a peer. A job is a
 * command that is run in all of them, in the same file tree; it measures lines, and prints
 *
 *	line NAME VALUE [MIN SPREAD ...]
 *	fail NAME WHY
 *	end NS			last of all: the time that it took, on its own clock
 *
 * among whatever else. In each round every job runs once in every contender, in an order that
 * turns from round to round and is reversed in every second one. All are bound to the same CPUs,
 * the last ones of those that we may use ourselves.
 *
 * A figure is believed only if the job came to its end, and if its clock agrees with the host's:
 * what it counted must be the time that passed here, but for what starting and ending takes.
 * What gave no figure is said, with the reason, and its cells stay empty; a job that failed as a
 * whole is not tried again in that contender.
 */
#ifndef HILLOCK_BENCH_CONTEST_H
#define HILLOCK_BENCH_CONTEST_H

#include <sched.h>

#include "bench/bench.h"
#include "bench/peers.h"
#include "bench/process.h"

#define CONTENDER_WORDS_MAX 40
#define CONTENDER_NAME_MAX 80

enum contender_kind { CONTENDER_NATIVE, CONTENDER_HILLOCK, CONTENDER_PEER };

/* What a round gave; NAN: nothing. */
struct contest_sample {
	double value, min, spread; /* the last two: within the run, if it said so */
};

struct contest_contender {
	char name[CONTENDER_NAME_MAX];
	enum contender_kind kind;
	const char *kernel, *mode; /* hillock's; NULL: not named */
	struct peer peer;
	struct contest_sample *samples; /* for each line, as many as there are rounds */
	unsigned char *failed;          /* for each job, */
	unsigned char *said;            /* and for each line: the reason was given */
	uint64_t start_ns;              /* starting and ending, around a job that does nothing */
	int out;
};

struct contest_line {
	const char *name, *what, *unit;
	double scale;  /* what a job prints, times this, has the unit */
	double target; /* at most so many times native's; 0: none */
	int higher;    /* a higher figure is the better one */
	size_t job;
};

struct contest_job {
	const char *name;
	const char *const *command; /* in the container; NULL-terminated */
	unsigned seconds;           /* it is killed when it takes longer */
};

struct contest {
	const struct bench_common *common;
	const struct bench_contest *options;
	struct sheet *sheet;
	const struct contest_job *trial; /* a job that does nothing */
	const struct contest_job *jobs;
	size_t job_count;
	const struct contest_line *lines;
	size_t line_count;

	/* How jobs are run. */
	struct peer_site site;
	struct process_view native; /* in which native jobs run; -1: ours */
	int native_rooted;          /* no: in one of their own, with the tree as its root */
	const char *image;          /* hillock's */
	const char *const *run;     /* further options of `hillock run`, NULL-terminated */
	char **environment;         /* hillock's; NULL: ours */

	struct contest_contender *contenders;
	size_t count;
	unsigned rounds; /* measured so far */
	cpu_set_t cpus;
	char program[PATH_MAX];
};

/*
 * Runs all: contenders are opened and tried, rounds are measured, the sheet is filled. -EIO:
 * something of hillock's gave no figure.
 */
int contest_run(struct contest *c, struct err *err);
/* Frees what contest_run() made; the rest is the caller's. */
void contest_close(struct contest *c);

/* --- contest_call.c: a job in a contender ---------------------------------------------------- */

struct contest_call {
	struct process_spec spec;
	struct process_view view;
	struct peer_call peer;
	const char *argv[CONTENDER_WORDS_MAX];
	char path[PATH_MAX], name[PEER_ID_MAX], cpus[16];
};

int contest_call_make(const struct contest *c, const struct contest_contender *contender,
		      const struct contest_job *job, struct contest_call *call, struct err *err);
void contest_call_free(struct contest_call *call);
/* After one that did not end by itself. */
void contest_call_remove(const struct contest *c, const struct contest_contender *contender,
			 const struct contest_call *call);

/* --- contest_read.c: what jobs print --------------------------------------------------------- */

enum contest_said { SAID_NOTHING, SAID_LINE, SAID_FAIL, SAID_END };

struct contest_entry {
	const char *name; /* of a line; not terminated */
	size_t name_length;
	struct contest_sample sample;
	char why[128];
	uint64_t ns;
};

/*
 * Reads the next entry and moves `*at` behind it, skipping what is none. SAID_NOTHING: there are
 * no more.
 */
enum contest_said contest_read(const char **at, struct contest_entry *entry);

/* Is the name among "NAME,..."? No list has all. */
int contest_wants(const char *only, const char *name);
/* Is every word of the list one of `names` (NULL-terminated)? -EINVAL names them. */
int contest_check_only(const char *only, const char *const *names, struct err *err);

/* --- contest_show.c -------------------------------------------------------------------------- */

void contest_show(struct contest *c);
/* The samples of a line, one for each round. */
const struct contest_sample *
contest_samples(const struct contest *c, const struct contest_contender *contender, size_t line);

#endif
