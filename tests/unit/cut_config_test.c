// SPDX-License-Identifier: GPL-2.0-or-later
/* From what is asked for to what comes out; and running programs to their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cut/config.h"
#include "cut/process.h"

static char tree[] = "/tmp/cut-config-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static int make_tree(void **state)
{
	char path[128];

	assert_non_null(mkdtemp(tree));
	snprintf(path, sizeof(path), "%s/arch", tree);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/arch/um", tree);
	mkdir(path, 0777);
	put("Makefile", "VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n");
	put("arch/um/Kconfig", "");
	put("Kconfig", "config NET\n\tbool \"net\"\n\tselect CORE\n"
		       "config CORE\n\tbool\n"
		       "config HELPER\n\tbool\n"
		       "config OUTER\n\tbool \"outer\"\n\tdepends on NET || OTHER\n\tselect HELPER\n"
		       "config OTHER\n\tbool \"other\"\n"
		       "config INNER\n\tbool \"inner\"\n\tdepends on OUTER\n"
		       "config SIZE\n\tint \"size\"\n\tdefault 3\n"
		       "config NAME\n\tstring \"name\"\n\tdefault \"x\"\n");
	return 0;
}

static int remove_tree(void **state)
{
	return fd_remove_tree(AT_FDCWD, tree, NULL);
}

#define BASE "CONFIG_NET=y\nCONFIG_OUTER=y\nCONFIG_INNER=y\n"

static struct config open_it(void)
{
	struct err err = ERR_INIT;
	struct config c;

	if (config_open(&c, tree, "um", NULL, &err) < 0 ||
	    config_base(&c, BASE, strlen(BASE), &err) < 0)
		fail_msg("%s", err.text);
	return c;
}

static void the_base_is_known_by_name(void **state)
{
	struct config c = open_it();

	assert_true(config_base_on(&c, "INNER"));
	assert_true(config_base_on(&c, "CORE"));
	assert_false(config_base_on(&c, "OTHER"));
	assert_true(config_settable(&c, "NET"));
	assert_false(config_settable(&c, "CORE"));
	config_close(&c);
}

static void what_is_asked_for_brings_what_it_needs(void **state)
{
	struct config_asks asks = { .count = 0 };
	struct config c = open_it();

	assert_int_equal(config_ask(&asks, "INNER", "y", ""), 0);
	assert_int_equal(config_ask(&asks, "SIZE", "5", ""), 0);
	assert_int_equal(config_solve(&c, &asks, NULL), 0);
	assert_true(config_on(&c, "INNER"));
	/* Of NET and OTHER, either of which would do, the base has one. */
	assert_true(config_on(&c, "NET"));
	assert_false(config_on(&c, "OTHER"));
	assert_string_equal(config_asked(&asks, "OUTER")->for_whom, "INNER");
	config_asks_free(&asks);
	config_close(&c);
}

static void what_cannot_be_set_brings_who_selects_it(void **state)
{
	struct config_asks asks = { .count = 0 };
	struct config c = open_it();

	assert_int_equal(config_ask(&asks, "CORE", "y", ""), 0);
	assert_int_equal(config_solve(&c, &asks, NULL), 0);
	assert_true(config_on(&c, "CORE"));
	assert_string_equal(config_asked(&asks, "NET")->for_whom, "CORE");
	config_asks_free(&asks);
	config_close(&c);
}

static void a_fragment_comes_back_as_it_went(void **state)
{
	static const char text[] = "CONFIG_NET=y\nCONFIG_SIZE=7\nCONFIG_NAME=\"a b\"\nCONFIG_HEX=0x1f\n";
	struct config_asks asks = { .count = 0 };
	cleanup_free char *back = NULL;

	assert_int_equal(config_ask_fragment(&asks, text), 0);
	back = config_fragment(&asks);
	assert_string_equal(back, text);
	assert_int_equal(config_ask(&asks, "NET", "n", ""), 0);
	free(back);
	back = config_fragment(&asks);
	assert_non_null(strstr(back, "# CONFIG_NET is not set\n"));
	config_asks_free(&asks);
}

static void equal_solutions_have_equal_digests(void **state)
{
	struct config_asks one = { .count = 0 }, two = { .count = 0 };
	char first[CONFIG_DIGEST + 1], second[CONFIG_DIGEST + 1];
	struct config c = open_it();

	assert_int_equal(config_ask_fragment(&one, "CONFIG_INNER=y\n"), 0);
	assert_int_equal(config_ask_fragment(&two, "CONFIG_NET=y\nCONFIG_OUTER=y\nCONFIG_INNER=y\n"), 0);
	assert_int_equal(config_solve(&c, &one, NULL), 0);
	free(config_text(&c, first, NULL));
	assert_int_equal(config_solve(&c, &two, NULL), 0);
	free(config_text(&c, second, NULL));
	assert_string_equal(first, second);
	assert_int_equal(config_ask(&two, "SIZE", "4", ""), 0);
	assert_int_equal(config_solve(&c, &two, NULL), 0);
	free(config_text(&c, second, NULL));
	assert_string_not_equal(first, second);
	config_asks_free(&one);
	config_asks_free(&two);
	config_close(&c);
}

static void an_option_weighs_what_goes_with_it(void **state)
{
	struct owners_object objects[] = {
		{ .path = "a.o", .ways = { { .options = { "OUTER" }, .count = 1 } }, .way_count = 1, .size = 10 },
		{ .path = "b.o", .ways = { { .options = { "OUTER", "INNER" }, .count = 2 } }, .way_count = 1, .size = 200 },
		{ .path = "c.o", .ways = { { .options = { "INNER" }, .count = 1 }, { .options = { "NET" }, .count = 1 } }, .way_count = 2, .size = 3000 },
		{ .path = "d.o", .ways = { { .options = { "OTHER" }, .count = 1 } }, .way_count = 1, .size = 40000 },
	};
	const struct owners o = { .objects = objects, .count = 4 };
	struct config c = open_it();

	assert_int_equal(config_weight(&c, &o, "INNER"), 200);
	assert_int_equal(config_weight(&c, &o, "OUTER"), 210);
	assert_int_equal(config_weight(&c, &o, "NET"), 3210);
	assert_int_equal(config_weight(&c, &o, "OTHER"), 0);
	assert_int_equal(config_weight(&c, &o, "NOBODY"), 0);
	assert_true(config_on(&c, "INNER"));
	config_close(&c);
}

/* --- programs --------------------------------------------------------------------------------- */

static int run(const char *script, unsigned seconds, struct process_said *said)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const char *const set[] = { "WORD=value", NULL };
	const struct process_order order = { .argv = argv, .set = set, .seconds = seconds };
	struct err err = ERR_INIT;

	return cut_process(&order, said, &err);
}

static void a_program_is_heard_to_its_end(void **state)
{
	struct process_said said;

	assert_int_equal(run("echo $WORD; echo bad >&2; exit 3", 60, &said), 0);
	assert_int_equal(said.code, 3);
	assert_string_equal(said.out, "value\n");
	assert_string_equal(said.err, "bad\n");
	cut_process_free(&said);
	assert_int_equal(run("kill -9 $$", 60, &said), 0);
	assert_int_equal(said.code, 137);
	cut_process_free(&said);
}

static void too_much_output_loses_its_beginning(void **state)
{
	struct process_said said;

	assert_int_equal(run("yes 0123456789abcde | head -n 400000; echo end", 60, &said), 0);
	assert_true(said.out_size <= 4 << 20);
	assert_string_equal(said.out + said.out_size - 4, "end\n");
	cut_process_free(&said);
}

static void a_program_that_takes_too_long_goes_with_its_children(void **state)
{
	struct process_said said;
	pid_t child;

	assert_int_equal(run("sleep 1000 & echo $!; wait", 1, &said), -ETIMEDOUT);
	child = atoi(said.out);
	assert_true(child > 0);
	/* It is gone, or waits for nobody but init to notice. */
	for (int i = 0; i < 1000 && kill(child, 0) == 0; i++) {
		char path[64], text[256] = "";
		cleanup_close int fd = -1;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || strstr(text, ") Z"))
			break;
		usleep(10000);
		assert_int_not_equal(i, 999);
	}
	cut_process_free(&said);
}

static void what_is_no_program_is_said(void **state)
{
	const char *const argv[] = { "/nonexistent/program", NULL };
	const struct process_order order = { .argv = argv };
	struct process_said said;

	assert_int_equal(cut_process(&order, &said, NULL), 0);
	assert_int_equal(said.code, 127);
	assert_non_null(strstr(said.err, "/nonexistent/program: No such file"));
	cut_process_free(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_base_is_known_by_name),
		cmocka_unit_test(what_is_asked_for_brings_what_it_needs),
		cmocka_unit_test(what_cannot_be_set_brings_who_selects_it),
		cmocka_unit_test(a_fragment_comes_back_as_it_went),
		cmocka_unit_test(equal_solutions_have_equal_digests),
		cmocka_unit_test(an_option_weighs_what_goes_with_it),
		cmocka_unit_test(a_program_is_heard_to_its_end),
		cmocka_unit_test(too_much_output_loses_its_beginning),
		cmocka_unit_test(a_program_that_takes_too_long_goes_with_its_children),
		cmocka_unit_test(what_is_no_program_is_said),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
