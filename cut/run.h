/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One cut at work: what its parts share. */
#ifndef HILLOCK_CUT_RUN_H
#define HILLOCK_CUT_RUN_H

#include <stdarg.h>
#include <unistd.h>

#include "cut/config.h"
#include "cut/cut.h"
#include "cut/evidence.h"
#include "cut/history.h"
#include "cut/probe.h"

enum cut_risk { RISK_UNUSED = 1, RISK_POSSIBLE, RISK_SPARED, RISK_USED, RISK_NEEDED };

struct cut_candidate {
	char name[128];
	enum cut_risk risk;
	uint64_t weight; /* bytes that go with it, as the base was built; 0: not known */
};

struct cut {
	const struct cut_spec *spec;
	void (*heard)(void *context, const struct cut_event *e);
	void *context;
	const char *arch;
	struct probe_place place;
	struct history history;
	int64_t id;
	struct config config;
	struct owners owners;
	struct facts facts;
	struct evidence_set evidence;
	char *floor;	   /* the machine's fragment */
	char *base_kernel; /* path */
	uint64_t base_size;
	char base_digest[65];
	unsigned broken; /* builds in a row that failed */
	struct cut_candidate *candidates;
	size_t candidate_count;
	bool *in; /* one for each candidate */
	struct config_asks asks; /* of the result */
	struct cut_probe best;
	uint64_t begun;
	unsigned builds;   /* probes so far, the base and remembered ones too */
	unsigned built;	   /* in this run */
	unsigned expected; /* more, about */
	const char *why;   /* what the present probe asks */
	char cause[CUT_CAUSE + 64]; /* of the last failure */
};

void cut_say(struct cut *c, enum cut_event_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int cut_try(struct cut *c, struct config_asks *asks, const char *why, unsigned times,
	    struct err *err);

/* gather.c: evidence, and from it the candidates. */
int cut_gather(struct cut *c, struct err *err);
void cut_candidates_free(struct cut *c);

/* way.c: the search; c->best and c->asks are the result. */
int cut_search(struct cut *c, struct err *err);

/* store.c: builds and checks the result once more; puts it into the store under its name. */
int cut_confirm(struct cut *c, unsigned times, struct err *err);
int cut_store(struct cut *c, struct err *err);

#endif
