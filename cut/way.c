// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way of a cut through probes: up to a first kernel that passes, then down.
 *
 * Theory of operation
 * -------------------
 * A probe is a set of candidates. What a set asks for is the machine's floor with its values, and
 * `y` for each candidate in it; the rest follows (config.h). Sets are compared by the .config that
 * they give, so two that come out the same are one.
 */
#include "cut/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cut/search.h"

static int ask_for(struct cut *c, struct config_asks *asks, struct err *err)
{
	int rc = config_ask_fragment(asks, c->floor);

	for (size_t i = 0; i < c->candidate_count && rc == 0; i++)
		if (c->in[i] && !config_asked(asks, c->candidates[i].name) &&
		    config_settable(&c->config, c->candidates[i].name))
			rc = config_ask(asks, c->candidates[i].name, "y", "");
	for (size_t i = 0; c->spec->drop && c->spec->drop[i] && rc == 0; i++) {
		const char *name = c->spec->drop[i];

		rc = config_ask(asks, strncmp(name, "CONFIG_", 7) ? name : name + 7, "n", "");
	}
	return rc < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

static int test(void *context, struct err *err)
{
	struct cut *c = context;
	struct config_asks asks = { .count = 0 };
	int rc = ask_for(c, &asks, err);

	if (rc == 0)
		rc = cut_try(c, &asks, c->why, 1, err);
	config_asks_free(&asks);
	return rc;
}

static void settled(void *context, size_t candidate, bool needed)
{
	struct cut *c = context;
	char reason[512];

	if (!needed)
		return;
	c->candidates[candidate].risk = RISK_NEEDED;
	c->cause[strcspn(c->cause, "\n")] = '\0';
	snprintf(reason, sizeof(reason), "a kernel without it: %.400s", c->cause);
	evidence_add(&c->evidence, EVIDENCE_PROBE, c->candidates[candidate].name, reason, "", "");
}

/* The candidates of a class that are `in`, by weight; the heaviest first, or last. */
static size_t collect(const struct cut *c, enum cut_risk risk, bool in, int light_first,
		      size_t *group, size_t count)
{
	for (size_t i = 0; i < c->candidate_count; i++) {
		size_t at = light_first ? c->candidate_count - 1 - i : i;

		if (c->candidates[at].risk == risk && c->in[at] == in)
			group[count++] = at;
	}
	return count;
}

static unsigned halvings(size_t count)
{
	unsigned n = 1;

	while (count > 1) {
		count /= 2;
		n++;
	}
	return n;
}

/* Where options replace each other, parts that pass need not pass together: then all of it. */
static int add_all(struct cut *c, const size_t *group, size_t count, struct err *err)
{
	int rc;

	for (size_t i = 0; i < count; i++)
		c->in[group[i]] = true;
	rc = test(c, err);
	return rc < 0 ? rc : rc == 0;
}

/* Adds as little as can be of what was not asked for, so that the first kernel passes. */
static int go_up(struct cut *c, const struct search *s, size_t *group, struct err *err)
{
	size_t count = 0;
	int rc;

	for (enum cut_risk risk = RISK_SPARED; risk >= RISK_UNUSED; risk--)
		count = collect(c, risk, false, 1, group, count);
	c->expected = 2 * halvings(count) + 1;
	c->why = "more of the base, until it passes";
	cut_say(c, CUT_NOTE, "the first kernel does not pass: %s", c->cause);
	rc = search_up(s, group, count, err);
	/* The parts that were found have not been tried together yet. */
	if (rc == 0 && (rc = test(c, err)) >= 0)
		rc = rc == 1 ? 0 : add_all(c, group, count, err);
	if (rc == 1) {
		err_set(err, ECANCELED, "no kernel passes that is made from the base's options: %s",
			c->cause);
		err_hint(err, "is --drop in the way, or a module? 'hillock cut --show' has it all");
		return -ECANCELED;
	}
	return rc;
}

static int go_down(struct cut *c, const struct search *s, size_t *group, struct err *err)
{
	size_t count = collect(c, RISK_USED, true, 0, group, 0);

	if (!count)
		return 0;
	c->expected = 2 * halvings(count);
	c->why = "without what cannot be refused, to see";
	return search_down(s, group, count, err);
}

int cut_search(struct cut *c, struct err *err)
{
	const struct search s = { .in = c->in, .test = test, .settled = settled, .context = c };
	size_t *group = calloc(c->candidate_count + 1, sizeof(*group));
	int rc = group ? 0 : err_set(err, ENOMEM, "out of memory");

	for (size_t i = 0; i < c->candidate_count; i++)
		c->in[i] = c->candidates[i].risk >= RISK_USED;
	c->expected = 2;
	c->why = "the first kernel: floor and evidence";
	if (rc == 0)
		rc = test(c, err);
	if (rc == 0)
		rc = go_up(c, &s, group, err);
	if (rc >= 0)
		rc = go_down(c, &s, group, err);
	free(group);
	c->expected = 0;
	if (rc == -EDQUOT && c->best.text && strcmp(c->best.digest, c->base_digest) != 0) {
		cut_say(c, CUT_NOTE, "the budget is used up: this is the best so far");
		rc = 0;
	}
	if (rc == -EDQUOT)
		err_hint(err, "no kernel but the base passed yet: start it again, it goes on where it was");
	if (rc < 0)
		return rc;
	/* What the probes found out. */
	return history_add_evidence(&c->history, c->id, &c->evidence, err);
}
