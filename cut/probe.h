/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: building a kernel, and running the check on it.
 *
 * Theory of operation
 * -------------------
 * All cuts for a machine share one directory, STORE/cut/MACHINE, in which kernel/build keeps the
 * linked source and the objects of its kernel "probe"; so a probe compiles only what its options
 * change. A lock on it is held by the cut that uses it. Containers run in the user's own store, by
 * the `hillock` program itself: what is checked is what people will get.
 */
#ifndef HILLOCK_CUT_PROBE_H
#define HILLOCK_CUT_PROBE_H

#include "cut/cut.h"

struct probe_place {
	const struct cut_spec *spec;
	char *work;   /* STORE/cut/MACHINE */
	char *tree;   /* the source with our additions */
	char *out;    /* the objects */
	char *kernel; /* what was built last */
	char *source; /* as fetched or given */
	char **command; /* what a container runs, NULL-terminated */
	char root_type[8]; /* "ext4" or "erofs" */
	char root[64];	   /* which root image it is: size and time of its making */
	int lock_fd;
	unsigned containers; /* made so far: for their names */
	unsigned check_seconds;
	void (*heard)(void *context, const char *progress);
	void *context;
};

/* Takes the lock and links the source. -EBUSY: another cut holds it. */
int probe_open(struct probe_place *p, const struct cut_spec *spec,
	       void (*heard)(void *context, const char *progress), void *context,
	       struct err *err);
void probe_close(struct probe_place *p);

/*
 * Builds p->kernel from a fragment: 0 with sizes in *probe; 1: the build failed, *probe says how;
 * negative: it could not be tried (interrupted, no space).
 */
int probe_build(struct probe_place *p, const char *fragment, struct cut_probe *probe,
		struct err *err);

/* Reads sizes from the kernel.json beside a kernel. */
void probe_read_sizes(const char *kernel_json, struct cut_probe *probe);

/*
 * Runs the check on `kernel` until it has passed `times` times, or failed: fills in verdict,
 * cause, times and memory. Negative: it could not be tried.
 */
int probe_check(struct probe_place *p, const char *kernel, unsigned times,
		struct cut_probe *probe, struct err *err);

/*
 * Runs the tracer on `kernel`: with `scan` over the image, else on the command, refusing what
 * `denials` ("call=213", NULL-terminated, may be NULL) name. *report is the caller's to free.
 */
int probe_trace(struct probe_place *p, const char *kernel, int scan, const char *const *denials,
		char **report, char cause[CUT_CAUSE], struct err *err);

#endif
