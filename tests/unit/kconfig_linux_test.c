// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux's own tree, in miniature: the variables that it looks at, and when its commands run.
 *
 * The tree here counts the runs of its commands in a file, so that what was answered from the
 * cache can be told from what was run.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kconfig/kconfig.h"

static char place[] = "/tmp/hillock-kconfig-test-XXXXXX";

static void put_file(const char *name, const char *text, mode_t mode)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static size_t runs(void)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/runs", place);
	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static int make_tree(void **state)
{
	static const char *const directories[] = { "linux", "linux/arch", "linux/arch/um",
						   "linux/arch/x86", "linux/scripts" };
	char path[300];

	if (!mkdtemp(place))
		return -1;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", place, directories[i]);
		if (mkdir(path, 0755) < 0)
			return -1;
	}
	put_file("linux/Makefile",
		 "# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n"
		 "EXTRAVERSION = -rc1\nNAME = x\n",
		 0644);
	put_file("linux/Kconfig",
		 "mainmenu \"Linux/$(ARCH) $(KERNELVERSION)\"\n"
		 "source \"arch/$(SRCARCH)/Kconfig\"\n"
		 "config ASKED\n\tstring\n\tdefault \"$(shell,$(srctree)/scripts/ask.sh)\"\n"
		 "config CC\n\tstring\n\tdefault \"$(CC) $(HEADER_ARCH)\"\n"
		 "config TEXT\n\tstring\n\tdefault \"$(CC_VERSION_TEXT)\"\n"
		 "config HERE\n\tdef_bool $(shell,test -e ask.sh && echo y || echo n)\n",
		 0644);
	put_file("linux/arch/um/Kconfig", "config UML\n\tdef_bool y\n", 0644);
	put_file("linux/arch/x86/Kconfig", "config X86\n\tdef_bool y\n", 0644);
	put_file("linux/scripts/pahole-version.sh", "#!/bin/sh\necho 0\n", 0755);
	snprintf(path, sizeof(path), "#!/bin/sh\nprintf x >>%s/runs\necho one\necho two\n", place);
	put_file("linux/scripts/ask.sh", path, 0755);
	put_file("cc", "#!/bin/sh\necho 'cc #1 (test)'\n", 0755);
	snprintf(path, sizeof(path), "%s/cc", place);
	return setenv("CC", path, 1);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static int remove_tree(void **state)
{
	return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct kconfig *load(const char *arch, const char *cache)
{
	char source[300], file[300];
	struct kconfig_linux tree = {
		.source = source, .arch = arch, .subarch = "x86", .cache = cache ? file : NULL
	};
	struct err err = ERR_INIT;
	struct kconfig *k;

	snprintf(source, sizeof(source), "%s/linux", place);
	snprintf(file, sizeof(file), "%s/%s", place, cache ? cache : "");
	if (kconfig_linux_load(&tree, &k, &err) < 0)
		fail_msg("%s", err.text);
	kconfig_solve(k);
	return k;
}

static void value_is(const struct kconfig *k, const char *name, const char *value)
{
	assert_non_null(kconfig_find(k, name));
	assert_string_equal(kconfig_value(k, kconfig_find(k, name)), value);
}

static void sets_what_the_makefile_would(void **state)
{
	struct kconfig *k = load("um", NULL);
	struct err err = ERR_INIT;
	struct buf text = { 0 };
	char cc[300];

	snprintf(cc, sizeof(cc), "%s/cc x86", place);
	value_is(k, "UML", "y");
	value_is(k, "CC", cc);
	value_is(k, "TEXT", "cc 1 (test)");
	value_is(k, "ASKED", "one two");
	value_is(k, "HERE", "n");
	assert_int_equal(kconfig_write(k, &text, &err), 0);
	assert_int_equal(buf_append(&text, "", 1, SIZE_MAX), 0);
	assert_non_null(strstr((char *)text.data, "\n# Linux/um 7.3.4-rc1\n"));
	buf_free(&text);
	kconfig_free(k);
	k = load("x86_64", NULL);
	value_is(k, "X86", "y");
	assert_null(kconfig_find(k, "UML"));
	kconfig_free(k);
}

static void runs_commands_again_only_when_something_changed(void **state)
{
	size_t before = runs();

	kconfig_free(load("um", "answers"));
	assert_int_equal(runs(), before + 1);
	kconfig_free(load("um", "answers"));
	kconfig_free(load("x86", "answers"));
	assert_int_equal(runs(), before + 2);
	kconfig_free(load("um", "answers"));
	kconfig_free(load("x86", "answers"));
	assert_int_equal(runs(), before + 2);
	put_file("cc", "#!/bin/sh\necho 'cc 2'\n", 0755);
	kconfig_free(load("um", "answers"));
	assert_int_equal(runs(), before + 3);
	kconfig_free(load("um", NULL));
	assert_int_equal(runs(), before + 4);
}

static void takes_a_broken_cache_for_none(void **state)
{
	static const char *const broken[] = {
		"",
		"nonsense",
		"hillock kconfig answers 1\npart 99999999 1\n",
		"hillock kconfig answers 1\npart 1 18446744073709551615\nx",
		"hillock kconfig answers 1\npart 0 4\n9 9\nab",
		"hillock kconfig answers 1\nxxx\n",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		size_t before = runs();
		struct kconfig *k;

		put_file("broken", broken[i], 0644);
		k = load("um", "broken");
		value_is(k, "ASKED", "one two");
		kconfig_free(k);
		assert_int_equal(runs(), before + 1);
		kconfig_free(load("um", "broken"));
		assert_int_equal(runs(), before + 1);
	}
	kconfig_free(load("um", "no/such/directory/answers"));
}

static void refuses_what_is_no_linux(void **state)
{
	char source[300];
	struct kconfig_linux tree = { .source = source, .arch = "um" };
	struct err err = ERR_INIT;
	struct kconfig *k;

	snprintf(source, sizeof(source), "%s/gone", place);
	assert_int_equal(kconfig_linux_load(&tree, &k, &err), -ENOENT);
	assert_non_null(strstr(err.hint, "--source DIR"));
	snprintf(source, sizeof(source), "%s/linux", place);
	tree.arch = "vax";
	err = ERR_INIT;
	assert_int_equal(kconfig_linux_load(&tree, &k, &err), -EINVAL);
	assert_non_null(strstr(err.text, "has no architecture 'vax'"));
	tree.arch = "../um";
	assert_int_equal(kconfig_linux_load(&tree, &k, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_what_the_makefile_would),
		cmocka_unit_test(runs_commands_again_only_when_something_changed),
		cmocka_unit_test(takes_a_broken_cache_for_none),
		cmocka_unit_test(refuses_what_is_no_linux),
	};

	return cmocka_run_group_tests_name("kconfig-linux", tests, make_tree, remove_tree);
}
