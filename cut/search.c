// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: search.h. */
#include "cut/search.h"

static void put(const struct search *s, const size_t *group, size_t count, bool in)
{
	for (size_t i = 0; i < count; i++)
		s->in[group[i]] = in;
}

static void settle(const struct search *s, const size_t *group, size_t count, bool needed)
{
	for (size_t i = 0; s->settled && i < count; i++)
		s->settled(s->context, group[i], needed);
}

/* `guilty`: leaving out the whole group is known to fail. Returns how many stayed, or negative. */
static int down(const struct search *s, const size_t *group, size_t count, bool guilty,
		struct err *err)
{
	size_t half = count / 2;
	int rc, first;

	if (!count)
		return 0;
	if (!guilty) {
		put(s, group, count, false);
		rc = s->test(s->context, err);
		if (rc > 0) {
			settle(s, group, count, false);
			return 0;
		}
		put(s, group, count, true);
		if (rc < 0)
			return rc;
	}
	if (count == 1) {
		settle(s, group, 1, true);
		return 1;
	}
	first = down(s, group, half, false, err);
	if (first < 0)
		return first;
	/* All of the first half went: so it is the second that the whole failed for. */
	rc = down(s, group + half, count - half, first == 0, err);
	return rc < 0 ? rc : first + rc;
}

int search_down(const struct search *s, const size_t *group, size_t count, struct err *err)
{
	int rc = down(s, group, count, false, err);

	return rc < 0 ? rc : 0;
}

/* The group is out, and what is in fails without some of it. `changed`: that has not been tested. */
static int up(const struct search *s, const size_t *group, size_t count, bool changed,
	      struct err *err)
{
	size_t half = count / 2, found = 0;
	int rc = 0;

	if (changed)
		rc = s->test(s->context, err);
	if (rc > 0) {
		settle(s, group, count, false);
		return 0;
	}
	if (rc < 0)
		return rc;
	if (count == 1) {
		s->in[group[0]] = true;
		settle(s, group, 1, true);
		return 0;
	}
	/* What is needed of the second half when the first is there; then of the first. */
	put(s, group, half, true);
	rc = up(s, group + half, count - half, half > 0, err);
	if (rc < 0)
		return rc;
	put(s, group, half, false);
	for (size_t i = half; i < count; i++)
		found += s->in[group[i]];
	return half ? up(s, group, half, found > 0, err) : 0;
}

int search_up(const struct search *s, const size_t *group, size_t count, struct err *err)
{
	int rc;

	put(s, group, count, true);
	rc = count ? s->test(s->context, err) : 0;
	if (rc < 0)
		return rc;
	put(s, group, count, false);
	if (rc == 0)
		return 1;
	rc = up(s, group, count, false, err);
	if (rc < 0)
		put(s, group, count, true);
	return rc;
}
