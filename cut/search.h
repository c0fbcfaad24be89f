/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searching sets: which of some candidates can be left out, or have to be added.
 *
 * Theory of operation
 * -------------------
 * A candidate is a number; what a set of them is worth only the caller's test knows, and each test
 * is dear. Candidates may need each other, so every test is of a whole set, never of a difference.
 *
 * Down: a group is left out as a whole; if that fails, its halves one after the other, each from
 * what has been left out by then. When the first half of a group that fails can be left out and
 * the second has one candidate only, that is the culprit without another test.
 *
 * Up: from a set that fails and one that passes, a smallest part of the difference is found
 * that makes it pass, by halving with what was found so far in place (Junker's QuickXplain).
 */
#ifndef HILLOCK_CUT_SEARCH_H
#define HILLOCK_CUT_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct search {
	bool *in; /* what the present set has; the caller's, one for each candidate */
	/* 1: the present set passes, 0: it does not, negative: no more tests (it is returned). */
	int (*test)(void *context, struct err *err);
	/* Hears that a candidate has to stay, or may go for good. May be NULL. */
	void (*settled)(void *context, size_t candidate, bool needed);
	void *context;
};

/*
 * Leaves out as many of the `count` candidates in `group` as can be. The present set must pass;
 * it passes in the end too, also when a negative number is returned.
 */
int search_down(const struct search *s, const size_t *group, size_t count, struct err *err);

/*
 * Adds as few of the candidates as are needed. The present set must fail. 0: it passes now. 1: it
 * fails with all of them too, and is as it was. Negative: all of them are in.
 */
int search_up(const struct search *s, const size_t *group, size_t count, struct err *err);

#endif
