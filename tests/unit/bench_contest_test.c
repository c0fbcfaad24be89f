// SPDX-License-Identifier: GPL-2.0-or-later
/* Contests: what jobs print, which lines are wanted; and how the probe measures one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "bench/contest.h"
#include "bench/probe/probe.h"

static struct contest_entry entry;

static void entries_are_found_among_other_text(void **state)
{
	const char *at = "warming up\nline null 123.50 120.00 2.25 20 1000\n"
			 "fail tcp Network is unreachable\r\nlines of no kind 5\nend 99";

	assert_int_equal(contest_read(&at, &entry), SAID_LINE);
	assert_int_equal(entry.name_length, 4);
	assert_memory_equal(entry.name, "null", 4);
	assert_true(entry.sample.value == 123.5 && entry.sample.min == 120);
	assert_true(entry.sample.spread == 2.25);
	assert_int_equal(contest_read(&at, &entry), SAID_FAIL);
	assert_memory_equal(entry.name, "tcp", entry.name_length);
	assert_string_equal(entry.why, "Network is unreachable");
	assert_int_equal(contest_read(&at, &entry), SAID_END);
	assert_int_equal(entry.ns, 99);
	assert_int_equal(contest_read(&at, &entry), SAID_NOTHING);
}

static void a_line_may_have_its_value_only(void **state)
{
	const char *at = "line redis-set 43100.5\n";

	assert_int_equal(contest_read(&at, &entry), SAID_LINE);
	assert_true(entry.sample.value == 43100.5);
	assert_true(isnan(entry.sample.min) && isnan(entry.sample.spread));
}

static void what_is_no_number_is_no_figure(void **state)
{
	const char *at =
		"line a\nline b x\nline c 1x\nline d nan\nline e -1\nline f inf\nend\nend -1\n"
		"end 1e300\nline g 1e999\nlinehij 4\n";

	assert_int_equal(contest_read(&at, &entry), SAID_NOTHING);
	assert_int_equal(*at, 0);
}

static void a_reason_of_any_length_fits(void **state)
{
	char text[4096] = "fail x ";
	const char *at = text;

	memset(text + strlen(text), 'y', sizeof(text) - strlen(text) - 1);
	assert_int_equal(contest_read(&at, &entry), SAID_FAIL);
	assert_int_equal(strlen(entry.why), sizeof(entry.why) - 1);
}

static void a_list_wants_whole_names(void **state)
{
	assert_true(contest_wants(NULL, "stat"));
	assert_true(contest_wants("null,stat", "stat"));
	assert_true(contest_wants("stat,null", "stat"));
	assert_false(contest_wants("null,statx", "stat"));
	assert_false(contest_wants("null,sta", "stat"));
	assert_false(contest_wants("", "stat"));
}

static void a_list_with_a_wrong_name_is_refused(void **state)
{
	static const char *const names[] = { "null", "stat", NULL };
	static const char *const wrong[] = { "", "nul", "nulls", "null,", "null,,stat", ",null" };
	struct err err = ERR_INIT;

	assert_int_equal(contest_check_only(NULL, names, &err), 0);
	assert_int_equal(contest_check_only("stat,null", names, &err), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		err = ERR_INIT;
		assert_int_equal(contest_check_only(wrong[i], names, &err), -EINVAL);
		assert_non_null(strstr(err.hint, "null, stat"));
	}
}

/* --- the probe's batches --------------------------------------------------------------------- */

static unsigned prepared, finished, most_runs;
static uint64_t all_runs;

static int prepare(unsigned runs)
{
	assert_int_equal(prepared, finished);
	prepared++;
	return 0;
}

/* Some 20 us each. */
static int run(unsigned runs)
{
	uint64_t until = probe_now() + (uint64_t)runs * 20000;

	all_runs += runs;
	most_runs = runs > most_runs ? runs : most_runs;
	while (probe_now() < until)
		;
	return 0;
}

static int finish(unsigned runs)
{
	finished++;
	assert_int_equal(prepared, finished);
	return 0;
}

static int refuse(unsigned runs)
{
	return -ENOSYS;
}

static void a_line_is_measured_in_batches(void **state)
{
	const struct probe_line line = {
		.name = "x", .most = 30, .prepare = prepare, .run = run, .finish = finish
	};
	struct probe_figure figure;

	assert_int_equal(probe_measure(&line, 20000000, &figure), 0);
	assert_true(figure.min >= 20000 && figure.median >= figure.min && figure.spread >= 0);
	assert_in_range(most_runs, 1, 30);
	/* Calibration is not counted. */
	assert_true(figure.batches >= 5 && figure.batches < prepared);
	assert_true(figure.operations < all_runs);
	assert_int_equal(prepared, finished);
}

static void a_run_may_be_several_operations(void **state)
{
	const struct probe_line line = { .name = "x", .per = 2, .run = run };
	struct probe_figure figure;

	assert_int_equal(probe_measure(&line, 2000000, &figure), 0);
	assert_true(figure.min >= 10000);
	assert_int_equal(figure.operations % 2, 0);
}

static void a_line_that_fails_says_why(void **state)
{
	const struct probe_line line = { .name = "x", .run = refuse };
	struct probe_figure figure;

	assert_int_equal(probe_measure(&line, 1000000, &figure), -ENOSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_found_among_other_text),
		cmocka_unit_test(a_line_may_have_its_value_only),
		cmocka_unit_test(what_is_no_number_is_no_figure),
		cmocka_unit_test(a_reason_of_any_length_fits),
		cmocka_unit_test(a_list_wants_whole_names),
		cmocka_unit_test(a_list_with_a_wrong_name_is_refused),
		cmocka_unit_test(a_line_is_measured_in_batches),
		cmocka_unit_test(a_run_may_be_several_operations),
		cmocka_unit_test(a_line_that_fails_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
