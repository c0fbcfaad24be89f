// SPDX-License-Identifier: GPL-2.0-or-later
/* Searching sets, with oracles whose candidates need and replace each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cut/search.h"

enum { MOST = 64, TESTS = 400 };

struct oracle {
	size_t count;
	bool in[MOST];
	bool (*passes)(const bool *in);
	unsigned tests, limit;
	uint64_t tried[TESTS];
	int needed[MOST]; /* 0: nothing was said, 1: needed, -1: not */
};

static uint64_t as_number(const struct oracle *o)
{
	uint64_t number = 0;

	for (size_t i = 0; i < o->count; i++)
		number |= (uint64_t)o->in[i] << i;
	return number;
}

static int test(void *context, struct err *err)
{
	struct oracle *o = context;

	if (o->tests == o->limit)
		return -EDQUOT;
	assert_in_range(o->tests, 0, TESTS - 1);
	o->tried[o->tests++] = as_number(o);
	return o->passes(o->in);
}

static void settled(void *context, size_t candidate, bool needed)
{
	struct oracle *o = context;

	o->needed[candidate] = needed ? 1 : -1;
}

static struct search search_of(struct oracle *o)
{
	return (struct search){ .in = o->in, .test = test, .settled = settled, .context = o };
}

static struct oracle oracle(size_t count, bool in, bool (*passes)(const bool *in))
{
	struct oracle o = { .count = count, .passes = passes, .limit = TESTS };

	for (size_t i = 0; i < count; i++)
		o.in[i] = in;
	return o;
}

static size_t all[MOST];

static int setup(void **state)
{
	for (size_t i = 0; i < MOST; i++)
		all[i] = i;
	return 0;
}

static size_t how_many(const struct oracle *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->count; i++)
		n += o->in[i];
	return n;
}

static void assert_nothing_twice(const struct oracle *o)
{
	for (unsigned i = 0; i < o->tests; i++)
		for (unsigned j = 0; j < i; j++)
			assert_true(o->tried[i] != o->tried[j]);
}

/* --- down ---------------------------------------------------------------------------------- */

static bool always(const bool *in)
{
	return true;
}

static void what_nothing_needs_goes_in_one_test(void **state)
{
	struct oracle o = oracle(40, true, always);
	struct search s = search_of(&o);

	assert_int_equal(search_down(&s, all, 40, NULL), 0);
	assert_int_equal(how_many(&o), 0);
	assert_int_equal(o.tests, 1);
	assert_int_equal(o.needed[7], -1);
}

static bool needs_13(const bool *in)
{
	return in[13];
}

static void one_culprit_is_found_by_halving(void **state)
{
	struct oracle o = oracle(32, true, needs_13);
	struct search s = search_of(&o);

	assert_int_equal(search_down(&s, all, 32, NULL), 0);
	assert_int_equal(how_many(&o), 1);
	assert_true(o.in[13]);
	assert_int_equal(o.needed[13], 1);
	assert_true(o.tests <= 10);
	assert_nothing_twice(&o);
}

static void the_second_half_is_guilty_without_a_test(void **state)
{
	struct oracle o = oracle(2, true, needs_13);
	static const size_t pair[] = { 12, 13 };
	struct search s = search_of(&o);

	o.count = 14;
	o.in[12] = o.in[13] = true;
	assert_int_equal(search_down(&s, pair, 2, NULL), 0);
	/* Both; the first; and no third. */
	assert_int_equal(o.tests, 2);
	assert_false(o.in[12]);
	assert_true(o.in[13]);
}

/* 3 needs 20 beside it; 5 and 9 stand in for each other. */
static bool interacting(const bool *in)
{
	return (!in[3] || in[20]) && (in[5] || in[9]) && in[30];
}

static void candidates_that_need_or_replace_each_other(void **state)
{
	struct oracle o = oracle(31, true, interacting);
	struct search s = search_of(&o);

	assert_int_equal(search_down(&s, all, 31, NULL), 0);
	assert_true(interacting(o.in));
	assert_true(o.in[30]);
	assert_true(o.in[5] != o.in[9]);
	assert_true(how_many(&o) <= 3);
	assert_nothing_twice(&o);
}

static void an_end_of_tests_leaves_what_passed_last(void **state)
{
	for (unsigned limit = 0; limit < 12; limit++) {
		struct oracle o = oracle(31, true, interacting);
		struct search s = search_of(&o);

		o.limit = limit;
		assert_int_equal(search_down(&s, all, 31, NULL), -EDQUOT);
		assert_true(interacting(o.in));
	}
}

/* --- up ------------------------------------------------------------------------------------- */

static bool needs_three(const bool *in)
{
	return in[2] && in[17] && in[29];
}

static void what_is_missing_is_found(void **state)
{
	struct oracle o = oracle(32, false, needs_three);
	struct search s = search_of(&o);

	assert_int_equal(search_up(&s, all, 32, NULL), 0);
	assert_int_equal(how_many(&o), 3);
	assert_true(needs_three(o.in));
	assert_int_equal(o.needed[17], 1);
	assert_true(o.tests <= 25);
	assert_nothing_twice(&o);
}

static bool first_or_all(const bool *in)
{
	return in[0] || (in[1] && in[2] && in[3]);
}

static void the_front_of_the_group_is_preferred(void **state)
{
	struct oracle o = oracle(4, false, first_or_all);
	struct search s = search_of(&o);

	assert_int_equal(search_up(&s, all, 4, NULL), 0);
	assert_int_equal(how_many(&o), 1);
	assert_true(o.in[0]);
}

static bool never(const bool *in)
{
	return false;
}

static void what_fails_with_everything_stays_as_it_was(void **state)
{
	struct oracle o = oracle(16, false, never);
	struct search s = search_of(&o);

	assert_int_equal(search_up(&s, all, 16, NULL), 1);
	assert_int_equal(how_many(&o), 0);
	assert_int_equal(o.tests, 1);
}

static void an_end_of_tests_on_the_way_up_takes_all(void **state)
{
	struct oracle o = oracle(32, false, needs_three);
	struct search s = search_of(&o);

	o.limit = 4;
	assert_int_equal(search_up(&s, all, 32, NULL), -EDQUOT);
	assert_true(needs_three(o.in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nothing_needs_goes_in_one_test),
		cmocka_unit_test(one_culprit_is_found_by_halving),
		cmocka_unit_test(the_second_half_is_guilty_without_a_test),
		cmocka_unit_test(candidates_that_need_or_replace_each_other),
		cmocka_unit_test(an_end_of_tests_leaves_what_passed_last),
		cmocka_unit_test(what_is_missing_is_found),
		cmocka_unit_test(the_front_of_the_group_is_preferred),
		cmocka_unit_test(what_fails_with_everything_stays_as_it_was),
		cmocka_unit_test(an_end_of_tests_on_the_way_up_takes_all),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
