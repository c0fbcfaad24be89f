/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts: the smallest kernel under which a workload still passes its check, found by itself.
 *
 * Theory of operation
 * -------------------
 *	base kernel: does the check pass, always?          (no: an error, nothing is cut)
 *	  -> evidence: what the image could use, what the check uses, what it can do without
 *	  -> first kernel: the machine's floor and the evidence; up towards the base if it fails
 *	  -> down: what is left is taken away in groups, by risk and measured size; bisected on failure
 *	  -> result: checked again, put into the store with its configuration commented
 *
 * Asking "would the check pass without X?" costs a kernel build. Most of the time it need not: in a
 * run on the base kernel, the tracer (cut/tracer/) lets all uses of X fail as they do where X is not
 * built in, which takes a second. So builds are spent on what is likely to pass.
 *
 * Everything is written to a history as it happens (history.h), and a set of options that was
 * tried is never tried again: so a cut that was interrupted is resumed by starting it again, and
 * runs through what it knows in no time.
 *
 * The five classes of risk, in which options are given up, the first first:
 *	1 unused     only the base has it: nothing speaks for it
 *	2 possible   something in the image could use it
 *	3 spared     the check asked for it, and passes when it is refused
 *	4 used       the check uses it, and it cannot be refused without building
 *	5 needed     the machine's floor, hardening, --keep; what failed without it
 * The first kernel has 5 and 4. Upwards the order is 3, 2, 1; downwards it is 4.
 */
#ifndef HILLOCK_CUT_CUT_H
#define HILLOCK_CUT_CUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cut_goal { CUT_SIZE, CUT_MEMORY, CUT_BOOT, CUT_SURFACE, CUT_GOALS };
extern const char *const cut_goal_names[CUT_GOALS];

enum cut_verdict {
	CUT_PASSED,
	CUT_BUILD_FAILED,
	CUT_BOOT_FAILED,
	CUT_CHECK_FAILED,
	CUT_TIMED_OUT,
	CUT_UNSTABLE, /* it passed and it failed */
	CUT_VERDICTS
};
extern const char *const cut_verdict_names[CUT_VERDICTS];

enum { CUT_CAUSE = 1024 };

/* A kernel that was built and tried. */
struct cut_probe {
	int number; /* from 0: the base */
	enum cut_verdict verdict;
	char why[256];	       /* what this probe asks */
	char cause[CUT_CAUSE]; /* of a failure: the kernel's or the check's last words */
	char digest[65];       /* of its .config */
	char *config;	       /* the .config, NUL-terminated; owned; may be NULL */
	uint64_t text, data, bss, file_size; /* bytes; 0: not known */
	unsigned options;		     /* that are on */
	uint64_t build_ms, boot_us, check_ms;
	uint64_t memory_kb; /* used after boot, as the guest says; 0: not known */
	int remembered;	    /* it was not built now */
};

struct cut_spec {
	const char *image;	   /* as `hillock run` has it */
	const char *check;	   /* for /bin/sh -c in the container; NULL: the image's command */
	const char *run;	   /* runs beside the check, started before it; or NULL */
	const char *machine;	   /* "um" */
	const char *layer;	   /* where the container writes: "disk" or "memory" */
	const char *base;	   /* a .config or fragment; NULL: the machine's general kernel */
	const char *source;	   /* Linux's source; NULL: the newest fetched */
	const char *name;	   /* in the store; NULL: none is put there */
	enum cut_goal goal;
	const char *const *keep, *const *drop; /* options, NULL-terminated; may be NULL */
	unsigned builds;	   /* at most; 0: no limit */
	uint64_t seconds;	   /* at most; 0: no limit */
	unsigned jobs;		   /* compilers at once; 0: one a CPU */
	unsigned check_seconds;	   /* 0: from what it takes on the base kernel */
	/* where things are */
	const char *store;	   /* the data directory */
	const char *program;	   /* hillock itself */
	const char *tracer, *floors, *kernel_build, *kernel_apply, *kernel_fetch, *kernel_configs;
};

enum cut_event_kind {
	CUT_STEP,     /* text: what begins now */
	CUT_PROGRESS, /* text: how far a build is */
	CUT_PROBE,    /* probe, of about `total` */
	CUT_NOTE,     /* text: something that a person should know */
};

struct cut_event {
	enum cut_event_kind kind;
	const char *text;
	const struct cut_probe *probe;
	unsigned builds, total; /* built so far; about how many there will be */
	uint64_t elapsed_ms, left_ms; /* left: an estimate, 0 when there is none */
	uint64_t best;		      /* text and data of the smallest that passed */
};

struct cut_result {
	int64_t id;	  /* in the history */
	unsigned builds;
	struct cut_probe best; /* config is owned */
	uint64_t base_size;    /* text and data */
};

/*
 * Runs or resumes a cut. -EINTR: interrupted, to be resumed; -EDQUOT never: a budget that is used up
 * ends the cut with the best that was found. -EBUSY: another cut uses the tree. -ECANCELED: the
 * check fails (or is unstable) before anything was cut.
 */
int cut_run(const struct cut_spec *spec, void (*heard)(void *context, const struct cut_event *e),
	    void *context, struct cut_result *result, struct err *err);

#endif
