// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gathering evidence, and making candidates of it.
 *
 * Theory of operation
 * -------------------
 * All on the base kernel, in containers: the tracer looks through the image (static), watches the
 * check (traced), and then refuses, option by option, the heaviest first, what the check was seen
 * to use. What it can do without stays refused while the next is asked for, so that two that could
 * stand in for each other are not both given up.
 */
#include "cut/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { DENIALS = 500, HARDENING_MOST = 1 << 20 };

static bool on(void *context, const char *name)
{
	return config_on(context, name);
}

static int read_report(struct cut *c, const char *report, enum evidence_kind kind, int *status,
		       struct err *err)
{
	return evidence_read(&c->evidence, report, strlen(report), kind, &c->facts, &c->owners, on,
			     &c->config, status, err);
}

/* --- what speaks for itself -------------------------------------------------------------------------- */

static int add_goal(struct cut *c)
{
	static const struct {
		unsigned goals;
		const char *option, *reason;
	} wishes[] = {
		{ 1 << CUT_SIZE | 1 << CUT_MEMORY | 1 << CUT_SURFACE, "CC_OPTIMIZE_FOR_SIZE",
		  "compiled for size" },
		{ 1 << CUT_BOOT, "CC_OPTIMIZE_FOR_PERFORMANCE", "compiled for speed" },
		{ 1 << CUT_SIZE | 1 << CUT_MEMORY, "SLUB_TINY", "an allocator for little memory" },
		{ 1 << CUT_SIZE | 1 << CUT_MEMORY | 1 << CUT_SURFACE, "BASE_SMALL",
		  "smaller tables" },
	};

	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		if (wishes[i].goals & 1u << c->spec->goal &&
		    kconfig_find(c->config.kconfig, wishes[i].option) &&
		    evidence_add(&c->evidence, EVIDENCE_GOAL, wishes[i].option, wishes[i].reason, "",
				 "") < 0)
			return -ENOMEM;
	return 0;
}

/* What the tree's own hardening fragment names, and the base has, stays. */
static int add_hardening(struct cut *c)
{
	cleanup_free char *text = NULL;
	struct config_asks asks = { .count = 0 };
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%.4000s/kernel/configs/hardening.config", c->place.tree);
	if (fd_read_file(AT_FDCWD, path, HARDENING_MOST, &text, NULL, NULL) < 0)
		return 0;
	rc = config_ask_fragment(&asks, text);
	for (size_t i = 0; i < asks.count && rc == 0; i++)
		if (!strcmp(asks.list[i].value, "y") &&
		    config_base_on(&c->config, asks.list[i].name))
			rc = evidence_add(&c->evidence, EVIDENCE_HARDENING, asks.list[i].name,
					  "a cut does not give up protection",
					  "kernel/configs/hardening.config", "");
	config_asks_free(&asks);
	return rc;
}

static const char *bare(const char *name)
{
	return strncmp(name, "CONFIG_", 7) ? name : name + 7;
}

static int is_dropped(const struct cut *c, const char *name)
{
	for (size_t i = 0; c->spec->drop && c->spec->drop[i]; i++)
		if (!strcmp(bare(c->spec->drop[i]), name))
			return 1;
	return 0;
}

static int add_kept(struct cut *c, struct err *err)
{
	for (size_t i = 0; c->spec->keep && c->spec->keep[i]; i++) {
		const char *name = bare(c->spec->keep[i]);

		if (!kconfig_find(c->config.kconfig, name))
			return err_set(err, EINVAL, "--keep %s: this tree has no such option", name);
		if (evidence_add(&c->evidence, EVIDENCE_KEPT, name, "asked for by --keep", "", "") < 0)
			return err_set(err, ENOMEM, "out of memory");
	}
	for (size_t i = 0; c->spec->drop && c->spec->drop[i]; i++)
		if (!kconfig_find(c->config.kconfig, bare(c->spec->drop[i])))
			return err_set(err, EINVAL, "--drop %s: this tree has no such option",
				       c->spec->drop[i]);
	return 0;
}

/* --- the tracer ---------------------------------------------------------------------------------------- */

static int scan(struct cut *c, struct err *err)
{
	cleanup_free char *report = NULL;
	char cause[CUT_CAUSE];
	int status, rc;

	cut_say(c, CUT_STEP, "looking through the image");
	rc = probe_trace(&c->place, c->base_kernel, 1, NULL, &report, cause, err);
	if (rc == 0)
		rc = read_report(c, report, EVIDENCE_STATIC, &status, err);
	return rc < 0 ? err_context(err, "looking through the image") : 0;
}

static int trace(struct cut *c, struct err *err)
{
	cleanup_free char *report = NULL;
	char cause[CUT_CAUSE];
	int status = 0, rc;

	cut_say(c, CUT_STEP, "tracing the check");
	rc = probe_trace(&c->place, c->base_kernel, 0, NULL, &report, cause, err);
	if (rc == 0)
		rc = read_report(c, report, EVIDENCE_TRACED, &status, err);
	if (rc == 0 && status != 0)
		rc = err_set(err, ECANCELED,
			     "the check passes, but fails when it is traced (status %d): %.700s",
			     status, cause);
	return rc < 0 ? err_context(err, "tracing the check") : 0;
}

/* Does the check pass with these refused? 1, 0, or negative; *cause says why not. */
static int passes_without(struct cut *c, const char *const *denials, char cause[CUT_CAUSE],
			  struct err *err)
{
	cleanup_free char *report = NULL;
	const char *end;
	int rc = probe_trace(&c->place, c->base_kernel, 0, denials, &report, cause, err);

	if (rc < 0)
		return rc;
	end = report ? strstr(report, "\nexit\t") : NULL;
	return end && atoi(end + 6) == 0;
}

/* The uses that speak for an option, appended. Returns how many there are then. */
static size_t collect_denials(const struct cut *c, const char *option, const char **denials,
			      size_t count)
{
	for (size_t i = 0; i < c->evidence.count && count < DENIALS; i++) {
		const struct evidence *e = &c->evidence.list[i];

		if (e->kind == EVIDENCE_TRACED && *e->denial && strncmp(e->denial, "elf", 3) != 0 &&
		    !strcmp(e->option, option))
			denials[count++] = e->denial;
	}
	denials[count] = NULL;
	return count;
}

static int deny_one(struct cut *c, const char *option, const char **denials, size_t *count,
		    struct err *err)
{
	size_t more = collect_denials(c, option, denials, *count);
	char cause[CUT_CAUSE], reason[CUT_CAUSE + 64];
	int rc;

	if (more == *count)
		return 0;
	rc = passes_without(c, denials, cause, err);
	if (rc < 0)
		return rc;
	if (rc) {
		*count = more;
		return evidence_add(&c->evidence, EVIDENCE_SPARED, option,
				    "the check passes when all its uses are refused", "", "");
	}
	denials[*count] = NULL;
	cause[strcspn(cause, "\n")] = '\0';
	snprintf(reason, sizeof(reason), "the check fails when its uses are refused%s%.200s",
		 *cause ? ": " : "", cause);
	return evidence_add(&c->evidence, EVIDENCE_DENIED, option, reason, "", "");
}

static int by_weight(const void *a, const void *b)
{
	const struct cut_candidate *x = a, *y = b;

	if (x->risk != y->risk)
		return x->risk < y->risk ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The evidence of the kind "denied" for every option that was traced and may go. */
static int deny(struct cut *c, struct err *err)
{
	const char **denials = calloc(DENIALS + 1, sizeof(*denials));
	size_t count = 0, asked = 0;
	int rc = denials ? 0 : err_set(err, ENOMEM, "out of memory");

	for (size_t i = 0; i < c->candidate_count && rc == 0; i++)
		asked += c->candidates[i].risk == RISK_USED;
	cut_say(c, CUT_STEP, "refusing what the check uses, one of %zu options after the other",
		asked);
	for (size_t i = 0; i < c->candidate_count && rc == 0; i++) {
		struct cut_candidate *k = &c->candidates[i];

		if (k->risk != RISK_USED)
			continue;
		cut_say(c, CUT_PROGRESS, "without %s?", k->name);
		rc = deny_one(c, k->name, denials, &count, err);
		if (evidence_has(&c->evidence, k->name, EVIDENCE_SPARED))
			k->risk = RISK_SPARED;
		else if (evidence_has(&c->evidence, k->name, EVIDENCE_DENIED))
			k->risk = RISK_NEEDED;
	}
	free(denials);
	return rc;
}

/* --- candidates ------------------------------------------------------------------------------------------ */

static enum cut_risk risk_of(const struct cut *c, const char *name)
{
	int strongest = evidence_strongest(&c->evidence, name);

	if (evidence_has(&c->evidence, name, EVIDENCE_SPARED) && strongest < EVIDENCE_DENIED)
		return RISK_SPARED;
	switch (strongest) {
	case -1:
		return RISK_UNUSED;
	case EVIDENCE_STATIC:
		return RISK_POSSIBLE;
	case EVIDENCE_REFUSED:
	case EVIDENCE_SPARED:
		return RISK_SPARED;
	case EVIDENCE_TRACED:
		return RISK_USED;
	default:
		return RISK_NEEDED;
	}
}

static int add_candidate(struct cut *c, const char *name)
{
	struct cut_candidate *k = &c->candidates[c->candidate_count++];

	*k = (struct cut_candidate){ .risk = risk_of(c, name) };
	snprintf(k->name, sizeof(k->name), "%s", name);
	if (k->risk != RISK_NEEDED)
		k->weight = config_weight(&c->config, &c->owners, name);
	return 0;
}

/* Everything that is on in the base and a person could turn off; and what has evidence. */
static int make_candidates(struct cut *c)
{
	size_t most = c->config.base_count + c->evidence.count;

	c->candidates = calloc(most + 1, sizeof(*c->candidates));
	c->in = calloc(most + 1, sizeof(*c->in));
	if (!c->candidates || !c->in)
		return -ENOMEM;
	for (size_t i = 0; i < c->config.base_count; i++) {
		const char *name = c->config.base[i];

		if (!is_dropped(c, name) &&
		    (evidence_strongest(&c->evidence, name) >= 0 || config_settable(&c->config, name)))
			add_candidate(c, name);
	}
	for (size_t i = 0; i < c->evidence.count; i++) {
		const struct evidence *e = &c->evidence.list[i];
		size_t at = 0;

		while (at < c->candidate_count && strcmp(c->candidates[at].name, e->option) != 0)
			at++;
		if (at == c->candidate_count && !is_dropped(c, e->option) &&
		    e->kind >= EVIDENCE_MACHINE)
			add_candidate(c, e->option);
	}
	qsort(c->candidates, c->candidate_count, sizeof(*c->candidates), by_weight);
	return 0;
}

void cut_candidates_free(struct cut *c)
{
	free(c->candidates);
	free(c->in);
}

/* Was all of it gathered before the cut was interrupted? Then it is taken from the history. */
static int remember(struct cut *c, struct err *err)
{
	int rc = history_evidence(&c->history, c->id, &c->evidence, err);

	if (rc < 0)
		return rc;
	return evidence_strongest(&c->evidence, "") >= 0;
}

int cut_gather(struct cut *c, struct err *err)
{
	int known = remember(c, err), rc = known < 0 ? known : 0;

	if (rc == 0)
		rc = facts_read(&c->facts, c->place.tree, &c->owners, on, &c->config, err);
	if (rc == 0 && !known) {
		if (evidence_read_fragment(&c->evidence, c->spec->machine, c->floor,
					   strlen(c->floor), EVIDENCE_MACHINE) < 0 ||
		    add_goal(c) < 0 || add_hardening(c) < 0)
			rc = err_set(err, ENOMEM, "out of memory");
	}
	if (rc == 0 && !known)
		rc = add_kept(c, err);
	if (rc == 0 && !known)
		rc = scan(c, err);
	if (rc == 0 && !known)
		rc = trace(c, err);
	if (rc == 0 && make_candidates(c) < 0)
		rc = err_set(err, ENOMEM, "out of memory");
	if (rc == 0 && !known) {
		rc = deny(c, err);
		/* The mark that all is there. */
		if (rc == 0 && evidence_add(&c->evidence, EVIDENCE_STATIC, "", "gathered", "", "") < 0)
			rc = err_set(err, ENOMEM, "out of memory");
		if (rc == 0)
			rc = history_add_evidence(&c->history, c->id, &c->evidence, err);
	}
	return rc;
}
