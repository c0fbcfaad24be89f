// SPDX-License-Identifier: GPL-2.0-or-later
/* The history of cuts: resumed, remembered, whole; and what is printed of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/fd.h"
#include "cut/report.h"

static char path[64];

static int setup(void **state)
{
	int fd;

	strcpy(path, "/tmp/cut-history-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	char journal[80];

	snprintf(journal, sizeof(journal), "%s-journal", path);
	unlink(journal);
	return unlink(path);
}

static struct history open_it(void)
{
	struct err err = ERR_INIT;
	struct history h;

	if (history_open(&h, path, &err) < 0)
		fail_msg("%s", err.text);
	return h;
}

static int64_t begin(struct history *h, const char *key, int *resumed)
{
	struct history_cut cut = { .image = "busybox", .check = "true", .machine = "um",
				   .goal = "size" };
	struct err err = ERR_INIT;

	snprintf(cut.key, sizeof(cut.key), "%s", key);
	if (history_begin(h, &cut, resumed, &err) < 0)
		fail_msg("%s", err.text);
	return cut.id;
}

static void add(struct history *h, int64_t cut, int number, const char *digest,
		enum cut_verdict verdict, const char *config)
{
	struct cut_probe p = { .number = number, .verdict = verdict, .config = (char *)config,
			       .text = 1000000, .data = 500000, .options = 7, .build_ms = 9000 };
	struct err err = ERR_INIT;

	snprintf(p.digest, sizeof(p.digest), "%s", digest);
	snprintf(p.why, sizeof(p.why), "why \"it\" is <tried>");
	snprintf(p.cause, sizeof(p.cause), "last\nwords");
	if (history_add(h, cut, &p, &err) < 0)
		fail_msg("%s", err.text);
}

/* --- going on ---------------------------------------------------------------------------------- */

static void a_cut_that_is_not_done_goes_on(void **state)
{
	struct history h = open_it();
	struct cut_probe p;
	int resumed;
	int64_t id = begin(&h, "a", &resumed);

	assert_false(resumed);
	add(&h, id, 0, "d0", CUT_PASSED, "CONFIG_A=y\n");
	/* As after a kill: nothing is ended or closed in order. */
	sqlite3_close(h.db);
	h = open_it();
	assert_int_equal(begin(&h, "a", &resumed), id);
	assert_true(resumed);
	assert_int_equal(history_find(&h, id, "d0", &p, NULL), 1);
	assert_int_equal(p.verdict, CUT_PASSED);
	assert_int_equal(p.text, 1000000);
	assert_true(p.remembered);
	assert_string_equal(p.config, "CONFIG_A=y\n");
	free(p.config);
	assert_int_equal(history_find(&h, id, "d1", &p, NULL), 0);
	history_close(&h);
}

static void a_cut_that_is_done_begins_anew(void **state)
{
	struct history h = open_it();
	int resumed;
	int64_t id = begin(&h, "a", &resumed), other = begin(&h, "b", &resumed);
	struct cut_probe p;

	assert_false(resumed);
	assert_true(other != id);
	add(&h, id, 0, "d0", CUT_CHECK_FAILED, "");
	assert_int_equal(history_find(&h, other, "d0", &p, NULL), 0);
	assert_int_equal(history_end(&h, id, "done", "", "d0", NULL), 0);
	assert_true(begin(&h, "a", &resumed) > other);
	assert_false(resumed);
	history_close(&h);
}

static void the_same_probe_is_one_row(void **state)
{
	struct report_probes probes;
	struct history h = open_it();
	int resumed;
	int64_t id = begin(&h, "a", &resumed);

	add(&h, id, 1, "d1", CUT_TIMED_OUT, "");
	add(&h, id, 1, "d1", CUT_PASSED, "");
	assert_int_equal(report_read(&h, id, &probes, NULL), 0);
	assert_int_equal(probes.count, 1);
	assert_int_equal(probes.list[0].verdict, CUT_PASSED);
	report_probes_free(&probes);
	history_close(&h);
}

static void evidence_comes_back_as_it_was(void **state)
{
	struct evidence_set set = { .count = 0 }, back = { .count = 0 };
	struct history h = open_it();
	int resumed;
	int64_t id = begin(&h, "a", &resumed);

	assert_int_equal(evidence_add(&set, EVIDENCE_TRACED, "EPOLL", "it's used", "f.c:1", "call=1"), 0);
	assert_int_equal(evidence_add(&set, EVIDENCE_TRACED, "EPOLL", "it's used", "f.c:1", "call=1"), 0);
	assert_int_equal(evidence_add(&set, EVIDENCE_DENIED, "EPOLL", "no", "", ""), 0);
	assert_int_equal(set.count, 2);
	assert_int_equal(history_add_evidence(&h, id, &set, NULL), 0);
	assert_int_equal(history_add_evidence(&h, id, &set, NULL), 0);
	assert_int_equal(history_evidence(&h, id, &back, NULL), 0);
	assert_int_equal(back.count, 2);
	assert_int_equal(back.list[0].kind, EVIDENCE_DENIED);
	assert_string_equal(back.list[1].denial, "call=1");
	evidence_free(&set);
	evidence_free(&back);
	history_close(&h);
}

/* --- what is wrong with the file ------------------------------------------------------------------ */

static void what_is_no_history_is_left_alone(void **state)
{
	static const char text[] = "This is not a database, but somebody's notes about kernels.\n";
	struct err err = ERR_INIT;
	cleanup_free char *after = NULL;
	struct history h;
	FILE *out = fopen(path, "w");

	for (int i = 0; i < 40; i++)
		fputs(text, out);
	fclose(out);
	assert_int_equal(history_open(&h, path, &err), -EBADMSG);
	assert_non_null(strstr(err.hint, "move the file away"));
	assert_int_equal(fd_read_file(AT_FDCWD, path, 1 << 16, &after, NULL, NULL), 0);
	assert_memory_equal(after, text, strlen(text));
}

static void a_newer_history_is_refused(void **state)
{
	struct history h = open_it();
	struct err err = ERR_INIT;

	assert_int_equal(sqlite3_exec(h.db, "PRAGMA user_version = 99", NULL, NULL, NULL), 0);
	history_close(&h);
	assert_int_equal(history_open(&h, path, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "newer"));
}

static void a_reader_is_not_kept_out_by_a_writer(void **state)
{
	struct history writer = open_it(), reader = open_it();
	struct report_probes probes;
	int resumed;
	int64_t id = begin(&writer, "a", &resumed);

	add(&writer, id, 0, "d0", CUT_PASSED, "");
	assert_int_equal(report_read(&reader, id, &probes, NULL), 0);
	assert_int_equal(probes.count, 1);
	report_probes_free(&probes);
	history_close(&reader);
	history_close(&writer);
}

/* --- reports ---------------------------------------------------------------------------------------- */

#define BEFORE "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=5\nCONFIG_AB=y\n"
#define AFTER "CONFIG_B=y\nCONFIG_C=6\nCONFIG_AB=y\n# CONFIG_A is not set\n"

static char *printed(void (*print)(FILE *out, const void *what), const void *what)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(out, what);
	fclose(out);
	return text;
}

static void print_diff(FILE *out, const void *what)
{
	report_diff(out, BEFORE, AFTER, " ");
}

static void print_table(FILE *out, const void *form)
{
	struct cut_probe list[] = {
		{ .number = 0, .config = (char *)BEFORE, .text = 4000000, .why = "the base" },
		{ .number = 1, .config = (char *)AFTER, .verdict = CUT_BOOT_FAILED, .text = 2000000,
		  .why = "a \"quoted\" & <marked>", .cause = "two\nlines" },
	};
	const struct report_probes probes = { .list = list, .count = 2 };
	const struct history_cut cut = { .image = "a<b", .machine = "um" };

	if (*(const enum report_form *)form == REPORT_SVG)
		report_plot(out, REPORT_SVG, &cut, &probes);
	else
		report_table(out, *(const enum report_form *)form, &probes);
}

static void differences_of_two_configurations(void **state)
{
	cleanup_free char *text = printed(print_diff, NULL);

	assert_string_equal(text, "-A C=5→6 +B");
	assert_int_equal(report_diff_count(BEFORE, AFTER), 3);
	assert_int_equal(report_diff_count(BEFORE, BEFORE), 0);
}

static void csv_keeps_a_row_a_row(void **state)
{
	const enum report_form form = REPORT_CSV;
	cleanup_free char *text = printed(print_table, &form);

	assert_non_null(strstr(text, "\n0,passed,0,4000000,"));
	assert_non_null(strstr(text, "\"a \"\"quoted\"\" & <marked>\",\"-A C=5→6 +B\",\"two lines\"\n"));
}

static void json_and_svg_are_escaped(void **state)
{
	const enum report_form json = REPORT_JSON, svg = REPORT_SVG;
	cleanup_free char *text = printed(print_table, &json), *figure = printed(print_table, &svg);

	assert_non_null(strstr(text, "\"why\":\"a \\\"quoted\\\" & <marked>\""));
	assert_non_null(strstr(figure, "a&lt;b on um"));
	assert_non_null(strstr(figure, "&amp; &lt;marked>"));
	assert_non_null(strstr(figure, "</svg>\n"));
	assert_null(strstr(figure, "nan"));
}

static void print_defconfig(FILE *out, const void *set)
{
	const struct history_cut cut = { .image = "busybox", .check = "a\nb", .machine = "um",
					 .goal = "size", .source = "linux-7.3", .id = 5 };

	report_defconfig(out, &cut, "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=5\n# CONFIG_D is not set\n",
			 BEFORE, set);
}

static void a_defconfig_says_why(void **state)
{
	struct evidence_set set = { .count = 0 };
	cleanup_free char *text = NULL;

	evidence_add(&set, EVIDENCE_STATIC, "A", "could", "/bin/x", "");
	evidence_add(&set, EVIDENCE_DENIED, "A", "the check fails", "", "");
	text = printed(print_defconfig, &set);
	assert_non_null(strstr(text, "# which has to pass: a b\n"));
	assert_non_null(strstr(text, "\n# denied: the check fails\n# static: could (/bin/x)\nCONFIG_A=y\n"));
	assert_non_null(strstr(text, "# (Kconfig does not take it)\nCONFIG_B=y\n"));
	assert_non_null(strstr(text, "\n# CONFIG_D is not set\n"));
	evidence_free(&set);
}

#define WITH_FILE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(a_cut_that_is_not_done_goes_on),
		WITH_FILE(a_cut_that_is_done_begins_anew),
		WITH_FILE(the_same_probe_is_one_row),
		WITH_FILE(evidence_comes_back_as_it_was),
		WITH_FILE(what_is_no_history_is_left_alone),
		WITH_FILE(a_newer_history_is_refused),
		WITH_FILE(a_reader_is_not_kept_out_by_a_writer),
		cmocka_unit_test(differences_of_two_configurations),
		cmocka_unit_test(csv_keeps_a_row_a_row),
		cmocka_unit_test(json_and_svg_are_escaped),
		cmocka_unit_test(a_defconfig_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
