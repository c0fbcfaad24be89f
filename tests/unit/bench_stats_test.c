// SPDX-License-Identifier: GPL-2.0-or-later
/* Statistics: against values worked out by hand and the binomial table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "bench/stats.h"

static void assert_close(double value, double expected)
{
	assert_true(fabs(value - expected) < 1e-9);
}

static void the_median_of_an_even_number_lies_between_the_middle_two(void **state)
{
	double samples[] = { 4, 1, 3, 2 };

	assert_close(stats_of(samples, 4).median, 2.5);
}

static void quantiles_are_interpolated(void **state)
{
	double sorted[] = { 10, 20, 30, 40, 50 };

	assert_close(stats_quantile(sorted, 5, 0), 10);
	assert_close(stats_quantile(sorted, 5, 0.25), 20);
	assert_close(stats_quantile(sorted, 5, 0.95), 48);
	assert_close(stats_quantile(sorted, 5, 1), 50);
}

static void a_summary_has_all_figures(void **state)
{
	double samples[] = { 9, 1, 5, 3, 7 };
	struct stats s = stats_of(samples, 5);

	assert_int_equal(s.count, 5);
	assert_close(s.min, 1);
	assert_close(s.max, 9);
	assert_close(s.mean, 5);
	assert_close(s.spread, 4);
	assert_close(s.p95, 8.6);
}

static void one_sample_is_its_own_summary(void **state)
{
	double sample = 7;
	struct stats s = stats_of(&sample, 1);

	assert_close(s.median, 7);
	assert_close(s.p95, 7);
	assert_close(s.spread, 0);
	assert_true(isnan(s.low) && isnan(s.high));
}

static void nothing_measured_gives_no_number(void **state)
{
	struct stats s = stats_of(NULL, 0);

	assert_true(isnan(s.median) && isnan(s.mean) && isnan(s.max) && isnan(s.low));
}

/* The ranks (from one) that tables of the sign test give for 95 %. */
static void the_interval_has_the_ranks_of_the_sign_test(void **state)
{
	static const struct {
		size_t count, low, high;
	} table[] = {
		{ 6, 1, 6 },   { 8, 1, 8 },    { 9, 2, 8 },    { 10, 2, 9 },    { 15, 4, 12 },
		{ 20, 6, 15 }, { 30, 10, 21 }, { 50, 18, 33 }, { 100, 40, 61 },
	};
	size_t low, high;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(stats_interval(table[i].count, &low, &high), 0);
		assert_int_equal(low + 1, table[i].low);
		assert_int_equal(high + 1, table[i].high);
	}
}

static void too_few_or_too_many_samples_have_no_interval(void **state)
{
	size_t low, high;

	assert_int_equal(stats_interval(5, &low, &high), -ERANGE);
	assert_int_equal(stats_interval(STATS_SAMPLES_MAX + 1, &low, &high), -ERANGE);
}

/* By the normal approximation the low rank of n is n/2 less 0.98 times its square root. */
static void the_most_samples_still_have_an_interval(void **state)
{
	size_t low, high;

	assert_int_equal(stats_interval(STATS_SAMPLES_MAX, &low, &high), 0);
	assert_in_range(low, 4900, 4904);
	assert_int_equal(low + high, STATS_SAMPLES_MAX - 1);
}

static void an_interval_is_made_of_samples(void **state)
{
	double samples[30];
	struct stats s;

	for (size_t i = 0; i < 30; i++)
		samples[i] = (double)((i * 7) % 30);
	s = stats_of(samples, 30);
	assert_close(s.low, 9);
	assert_close(s.high, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_of_an_even_number_lies_between_the_middle_two),
		cmocka_unit_test(quantiles_are_interpolated),
		cmocka_unit_test(a_summary_has_all_figures),
		cmocka_unit_test(one_sample_is_its_own_summary),
		cmocka_unit_test(nothing_measured_gives_no_number),
		cmocka_unit_test(the_interval_has_the_ranks_of_the_sign_test),
		cmocka_unit_test(too_few_or_too_many_samples_have_no_interval),
		cmocka_unit_test(the_most_samples_still_have_an_interval),
		cmocka_unit_test(an_interval_is_made_of_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
