// SPDX-License-Identifier: GPL-2.0-or-later
/* cli/: options as docker has them, sizes, signals, environments, durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int interactive, terminal, proxy;
static const char *name;
static struct cli_list env;

static const struct cli_option options[] = {
	{ 'i', "interactive", CLI_FLAG, &interactive, NULL, "" },
	{ 't', "tty", CLI_FLAG, &terminal, NULL, "" },
	{ 0, "sig-proxy", CLI_FLAG, &proxy, NULL, "" },
	{ 'n', "name", CLI_VALUE, &name, "NAME", "" },
	{ 'e', "env", CLI_LIST, &env, "K=V", "" },
	{ 0 },
};

#define PARSE(stop, ...) parse(stop, (const char *[]){ __VA_ARGS__, NULL })

static char *words[16], copies[16][64];
static struct err err;

static int parse(int stop, const char **text)
{
	int count = 0;

	interactive = terminal = 0;
	proxy = 1;
	name = NULL;
	env.count = 0;
	for (; text[count]; count++)
		words[count] = strcpy(copies[count], text[count]);
	words[count] = NULL;
	err = ERR_INIT;
	return cli_parse(options, stop, count, words, &err);
}

static void short_options_cluster(void **state)
{
	assert_int_equal(PARSE(1, "-it", "image"), 1);
	assert_int_equal(interactive, 1);
	assert_int_equal(terminal, 1);
	assert_string_equal(words[0], "image");
	assert_int_equal(PARSE(1, "-iteA=b", "-e", "C=d", "-n=x", "image"), 1);
	assert_int_equal(env.count, 2);
	assert_string_equal(env.items[0], "A=b");
	assert_string_equal(env.items[1], "C=d");
	assert_string_equal(name, "x");
	assert_int_equal(PARSE(1, "-tnvalue", "image"), 1);
	assert_string_equal(name, "value");
}

static void long_options_take_values_both_ways(void **state)
{
	assert_int_equal(PARSE(1, "--name=a=b", "--env", "X=y", "image"), 1);
	assert_string_equal(name, "a=b");
	assert_string_equal(env.items[0], "X=y");
	assert_int_equal(PARSE(1, "--sig-proxy=false", "--tty=true", "image"), 1);
	assert_int_equal(proxy, 0);
	assert_int_equal(terminal, 1);
	assert_int_equal(PARSE(1, "--name=", "image"), 1);
	assert_string_equal(name, "");
}

static void options_end_where_they_should(void **state)
{
	assert_int_equal(PARSE(1, "-i", "image", "-t", "--name", "x"), 4);
	assert_int_equal(terminal, 0);
	assert_string_equal(words[1], "-t");
	assert_int_equal(PARSE(0, "one", "-i", "two"), 2);
	assert_int_equal(interactive, 1);
	assert_string_equal(words[1], "two");
	assert_int_equal(PARSE(0, "--", "-i", "--name"), 2);
	assert_int_equal(interactive, 0);
	assert_int_equal(PARSE(0, "-", "-i"), 1);
	assert_string_equal(words[0], "-");
}

static void what_is_wrong_is_named(void **state)
{
	assert_int_equal(PARSE(1, "--nmae=x"), -EINVAL);
	assert_string_equal(err.text, "unknown flag: --nmae");
	assert_int_equal(PARSE(1, "-itz"), -EINVAL);
	assert_string_equal(err.text, "unknown shorthand flag: 'z' in -itz");
	assert_int_equal(PARSE(1, "--name"), -EINVAL);
	assert_string_equal(err.text, "flag needs an argument: --name");
	assert_int_equal(PARSE(1, "-in"), -EINVAL);
	assert_int_equal(PARSE(1, "--tty=perhaps"), -EINVAL);
	assert_int_equal(PARSE(1, "--help"), -ECANCELED);
	assert_int_equal(PARSE(1, "-h"), -ECANCELED);
}

static void sizes_are_docker_s(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = { { "0", 0 },
		     { "4096", 4096 },
		     { "1b", 1 },
		     { "1k", 1024 },
		     { "16M", 16u << 20 },
		     { "1.5g", 3ull << 29 },
		     { "2GiB", 2ull << 30 },
		     { "10mb", 10u << 20 },
		     { "1t", 1ull << 40 } };
	static const char *const bad[] = { "",    "m",   "-1",  "1x",    "1mm",
					   "1 m", "nan", "inf", "1e300", "99999999999999t",
					   "0x10" };
	uint64_t bytes;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(cli_bytes(good[i].text, &bytes, NULL), 0);
		assert_true(bytes == good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cli_bytes(bad[i], &bytes, NULL), -EINVAL);
}

static void numbers_and_signals_are_checked(void **state)
{
	uint64_t n;
	int s;

	assert_int_equal(cli_number("12", "x", 0, 12, &n, NULL), 0);
	assert_int_equal(n, 12);
	assert_int_equal(cli_number("13", "x", 0, 12, &n, NULL), -EINVAL);
	assert_int_equal(cli_number("-1", "x", 0, 12, &n, NULL), -EINVAL);
	assert_int_equal(cli_number("1x", "x", 0, 12, &n, NULL), -EINVAL);
	assert_int_equal(cli_number("", "x", 0, 12, &n, NULL), -EINVAL);
	assert_int_equal(cli_number("99999999999999999999", "x", 0, UINT64_MAX, &n, NULL), -EINVAL);
	assert_int_equal(cli_signal("TERM", &s, NULL), 0);
	assert_int_equal(s, SIGTERM);
	assert_int_equal(cli_signal("sigusr1", &s, NULL), 0);
	assert_int_equal(s, SIGUSR1);
	assert_int_equal(cli_signal("9", &s, NULL), 0);
	assert_int_equal(s, 9);
	assert_int_equal(cli_signal("65", &s, NULL), -EINVAL);
	assert_int_equal(cli_signal("SIG", &s, NULL), -EINVAL);
	assert_int_equal(cli_signal("0", &s, NULL), -EINVAL);
}

static void durations_are_in_docker_s_words(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = { { 0, "Less than a second" }, { 1, "1 second" },
		      { 59, "59 seconds" },        { 60, "About a minute" },
		      { 119, "About a minute" },   { 120, "2 minutes" },
		      { 3600, "About an hour" },   { 2 * 3600, "2 hours" },
		      { 3 * 86400, "3 days" },     { 21 * 86400, "3 weeks" },
		      { 90 * 86400, "3 months" },  { 800 * 86400, "2 years" } };
	char text[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cli_duration(cases[i].seconds * 1000000000, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
	cli_time(1700000000123456789, text, sizeof(text));
	assert_string_equal(text, "2023-11-14T22:13:20.123456789Z");
	cli_time(0, text, sizeof(text));
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	cli_size(1536, text, sizeof(text));
	assert_string_equal(text, "1.5KiB");
	cli_size(64 << 20, text, sizeof(text));
	assert_string_equal(text, "64MiB");
}

static void environments_are_merged_the_last_one_winning(void **state)
{
	char *base[] = { (char *)"A=base", (char *)"B=base", NULL };
	char a[] = "A=given", c[] = "C=given", here[] = "HERE", missing[] = "MISSING", bad[] = "=x";
	struct cli_list given = { 0 };
	static char **merged, **refused; /* they live as long as the program */

	setenv("HERE", "caller", 1);
	unsetenv("MISSING");
	cli_list_add(&given, a);
	cli_list_add(&given, c);
	cli_list_add(&given, here);
	cli_list_add(&given, missing);
	assert_int_equal(cli_env(base, NULL, &given, &merged, NULL), 0);
	assert_string_equal(merged[0], "A=given");
	assert_string_equal(merged[1], "B=base");
	assert_string_equal(merged[2], "C=given");
	assert_string_equal(merged[3], "HERE=caller");
	assert_null(merged[4]);
	cli_list_add(&given, bad);
	assert_int_equal(cli_env(base, NULL, &given, &refused, NULL), -EINVAL);
	free(given.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_options_cluster),
		cmocka_unit_test(long_options_take_values_both_ways),
		cmocka_unit_test(options_end_where_they_should),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(sizes_are_docker_s),
		cmocka_unit_test(numbers_and_signals_are_checked),
		cmocka_unit_test(durations_are_in_docker_s_words),
		cmocka_unit_test(environments_are_merged_the_last_one_winning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
