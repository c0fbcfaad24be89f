/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evidence: why an option stays.
 *
 * Theory of operation
 * -------------------
 * A piece of evidence is an option, what kind of reason it is, the reason in words and where it
 * was seen. Kinds come from different witnesses: the image's files (static), a run of the check
 * (traced), a run in which the option's uses were refused (denied), the machine's floor, the user,
 * and builds (probe). An option may have many.
 *
 * The tracer's report (cut/tracer/tracer.h) speaks of calls, families, paths; the source's facts
 * (facts.h) say whose they are. The option that a use speaks for is the innermost of those that
 * the fact needs: what stands around it comes by its dependencies. Uses that every kernel grants
 * speak for nothing.
 */
#ifndef HILLOCK_CUT_EVIDENCE_H
#define HILLOCK_CUT_EVIDENCE_H

#include "cut/facts.h"

enum evidence_kind {
	EVIDENCE_STATIC,  /* the image has what could use it */
	EVIDENCE_REFUSED, /* the check asked for it and did without, on the generous kernel already */
	EVIDENCE_SPARED,  /* the check passes when it is refused */
	EVIDENCE_TRACED,  /* the check uses it */
	EVIDENCE_DENIED,  /* the check fails when it is refused */
	EVIDENCE_MACHINE, /* the machine needs it */
	EVIDENCE_GOAL,    /* what is being cut for asks for it */
	EVIDENCE_HARDENING,
	EVIDENCE_KEPT,  /* --keep */
	EVIDENCE_PROBE, /* a kernel without it failed */
	EVIDENCE_KINDS
};
extern const char *const evidence_kind_names[EVIDENCE_KINDS];

struct evidence {
	enum evidence_kind kind;
	char *option; /* without CONFIG_ */
	char *reason;
	char *source; /* "fs/eventpoll.c:2201", a path of the image, or "" */
	char *denial; /* how the tracer refuses the use, "call=213"; or "" */
};

struct evidence_set {
	struct evidence *list;
	size_t count, room;
};

/* Adds a piece, unless the same one is there. All texts are copied. 0 or -ENOMEM. */
int evidence_add(struct evidence_set *set, enum evidence_kind kind, const char *option,
		 const char *reason, const char *source, const char *denial);
void evidence_free(struct evidence_set *set);
/* The strongest kind that an option has, or -1. */
int evidence_strongest(const struct evidence_set *set, const char *option);
bool evidence_has(const struct evidence_set *set, const char *option, enum evidence_kind kind);

/*
 * Takes a report of the tracer as evidence. `kind` is EVIDENCE_STATIC, or EVIDENCE_TRACED: then
 * what was only ever refused is EVIDENCE_REFUSED. *status gets the traced command's exit status.
 * -EINVAL for a report that does not end as one should.
 */
int evidence_read(struct evidence_set *set, const char *report, size_t size,
		  enum evidence_kind kind, const struct facts *facts, const struct owners *owners,
		  bool (*on)(void *context, const char *option), void *context, int *status,
		  struct err *err);

/*
 * Takes a commented fragment, in which the comment above a line is its reason, as evidence.
 * `name` is what it is called.
 */
int evidence_read_fragment(struct evidence_set *set, const char *name, const char *text,
			   size_t size, enum evidence_kind kind);

#endif
