// SPDX-License-Identifier: GPL-2.0-or-later
/* USER[:GROUP] against foreign passwd and group files, and the options of a tmpfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "guest/account.h"
#include "guest/options.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# a comment\n"
			     "broken\n"
			     "nouid:x::0::/nouid:/bin/sh\n"
			     "minus:x:-1:0::/minus:/bin/sh\n"
			     "huge:x:99999999999999999999:0::/huge:/bin/sh\n"
			     "ann:x:1000:1001:Ann,,,:/home/ann:/bin/sh\n"
			     "ann:x:2000:2001:second:/home/other:/bin/sh\n"
			     "7:x:70:71:a name of digits:/seven:/bin/sh\n"
			     "homeless:x:3000:3001:::/bin/sh\n"
			     "last:x:4000:4001::/home/last:/bin/sh";

static const char group[] = "root:x:0:\n"
			    "wheel:x:10:root,ann\n"
			    "bad:x:no:ann\n"
			    "almost:x:11:anna,an\n"
			    "audio:x:29:ann\n"
			    "ann:x:1001:ann\n"
			    "short:x:12\n"
			    "last:x:30:x,last";

/* Both files in pieces of `piece` bytes. */
static int resolve_in_pieces(struct account *a, const char *spec, size_t piece, struct err *err)
{
	const char *files[] = { passwd, group };
	int rc = account_begin(a, spec, err);

	for (int f = 0; rc == 0 && f < 2; f++) {
		size_t size = strlen(files[f]), at = 0, end = 0;

		while (at < size) {
			size_t n;

			end = end + piece < size ? end + piece : size;
			n = f == 0 ? account_scan_passwd(a, files[f] + at, end - at, end == size)
				   : account_scan_group(a, files[f] + at, end - at, end == size);
			at += n;
		}
	}
	return rc < 0 ? rc : account_end(a, err);
}

static int resolve(struct account *a, const char *spec, struct err *err)
{
	return resolve_in_pieces(a, spec, sizeof(passwd), err);
}

static void assert_groups(const struct account *a, const gid_t *groups, unsigned count)
{
	assert_int_equal(a->group_count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(a->groups[i], groups[i]);
}

static void nobody_named_is_root_with_its_groups(void **state)
{
	struct account a;

	(void)state;
	assert_int_equal(resolve(&a, "", NULL), 0);
	assert_int_equal(a.uid, 0);
	assert_int_equal(a.gid, 0);
	assert_string_equal(a.home, "/root");
	assert_groups(&a, (gid_t[]){ 0, 10 }, 2);
}

static void a_name_brings_home_and_all_groups(void **state)
{
	struct account a;

	(void)state;
	assert_int_equal(resolve(&a, "ann", NULL), 0);
	assert_int_equal(a.uid, 1000);
	assert_int_equal(a.gid, 1001);
	assert_string_equal(a.home, "/home/ann");
	assert_groups(&a, (gid_t[]){ 1001, 10, 29 }, 3);
}

static void a_group_named_is_the_only_one(void **state)
{
	struct account a;

	(void)state;
	assert_int_equal(resolve(&a, "ann:audio", NULL), 0);
	assert_int_equal(a.uid, 1000);
	assert_groups(&a, (gid_t[]){ 29 }, 1);
	assert_int_equal(resolve(&a, "ann:5", NULL), 0);
	assert_groups(&a, (gid_t[]){ 5 }, 1);
	assert_int_equal(resolve(&a, ":audio", NULL), 0);
	assert_int_equal(a.uid, 0);
	assert_groups(&a, (gid_t[]){ 29 }, 1);
}

static void a_number_needs_no_entry_and_finds_its_own(void **state)
{
	struct account a;

	(void)state;
	assert_int_equal(resolve(&a, "77", NULL), 0);
	assert_int_equal(a.uid, 77);
	assert_string_equal(a.home, "/");
	assert_groups(&a, (gid_t[]){ 0 }, 1);
	assert_int_equal(resolve(&a, "1000", NULL), 0);
	assert_string_equal(a.home, "/home/ann");
	assert_groups(&a, (gid_t[]){ 1001, 10, 29 }, 3);
	assert_int_equal(resolve(&a, "7", NULL), 0);
	assert_int_equal(a.uid, 7);
}

static void lines_that_are_not_well_formed_do_not_count(void **state)
{
	static const char *const names[] = {
		"nouid", "minus", "huge", "broken", "# a comment", "an"
	};
	struct err err;
	struct account a;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(resolve(&a, names[i], &err), -ENOENT);
	assert_int_equal(resolve(&a, "homeless", NULL), 0);
	assert_string_equal(a.home, "/");
}

static void an_error_names_what_is_missing(void **state)
{
	struct account a;
	struct err err;

	(void)state;
	assert_int_equal(resolve(&a, "bob", &err), -ENOENT);
	assert_string_equal(err.text, "no such user 'bob' in the image's /etc/passwd");
	assert_int_equal(resolve(&a, "ann:nix", &err), -ENOENT);
	assert_string_equal(err.text, "no such group 'nix' in the image's /etc/group");
	assert_int_equal(resolve(&a, "2147483648", &err), -ERANGE);
	assert_int_equal(resolve(&a, "0:99999999999", &err), -ERANGE);
	assert_int_equal(resolve(&a, "2147483647:2147483647", &err), 0);
}

static void pieces_of_any_size_give_the_same(void **state)
{
	struct account whole, cut;

	(void)state;
	assert_int_equal(resolve(&whole, "last", NULL), 0);
	assert_groups(&whole, (gid_t[]){ 4001, 30 }, 2);
	for (size_t piece = 1; piece < sizeof(passwd); piece++) {
		assert_int_equal(resolve_in_pieces(&cut, "last", piece, NULL), 0);
		assert_int_equal(cut.uid, whole.uid);
		assert_string_equal(cut.home, whole.home);
		assert_groups(&cut, whole.groups, whole.group_count);
	}
}

static void more_groups_than_fit_are_left_out(void **state)
{
	char line[64];
	struct account a;

	(void)state;
	assert_int_equal(account_begin(&a, "ann", NULL), 0);
	account_scan_passwd(&a, passwd, strlen(passwd), 1);
	for (int i = 0; i < 2 * ACCOUNT_GROUPS_MAX; i++) {
		int n = snprintf(line, sizeof(line), "g%d:x:%d:ann\n", i, 5000 + i);

		account_scan_group(&a, line, (size_t)n, 0);
	}
	assert_int_equal(account_end(&a, NULL), 0);
	assert_int_equal(a.group_count, ACCOUNT_GROUPS_MAX);
	assert_int_equal(a.groups[0], 1001);
}

/* --- options of a tmpfs */

static void a_tmpfs_without_options_is_closed(void **state)
{
	unsigned long flags;
	char data[64];

	(void)state;
	assert_int_equal(options_tmpfs("", &flags, data, sizeof(data), NULL), 0);
	assert_int_equal(flags, MS_NOSUID | MS_NODEV | MS_NOEXEC);
	assert_string_equal(data, "mode=1777");
}

static void tmpfs_options_become_flags_and_data(void **state)
{
	unsigned long flags;
	char data[64];

	(void)state;
	assert_int_equal(options_tmpfs("rw,exec,dev,size=64m,,mode=755,ro", &flags, data,
				       sizeof(data), NULL),
			 0);
	assert_int_equal(flags, MS_NOSUID | MS_RDONLY);
	assert_string_equal(data, "mode=1777,size=64m,mode=755");
}

static void unknown_or_endless_tmpfs_options_are_refused(void **state)
{
	unsigned long flags;
	struct err err;
	char data[32];

	(void)state;
	assert_int_equal(options_tmpfs("size=1m,colour=red", &flags, data, sizeof(data), &err),
			 -EINVAL);
	assert_string_equal(err.text, "tmpfs option 'colour=red' is not known");
	assert_int_equal(options_tmpfs("size", &flags, data, sizeof(data), &err), -EINVAL);
	assert_int_equal(
		options_tmpfs("size=1m,size=2m,size=3m,size=4m", &flags, data, sizeof(data), &err),
		-E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_named_is_root_with_its_groups),
		cmocka_unit_test(a_name_brings_home_and_all_groups),
		cmocka_unit_test(a_group_named_is_the_only_one),
		cmocka_unit_test(a_number_needs_no_entry_and_finds_its_own),
		cmocka_unit_test(lines_that_are_not_well_formed_do_not_count),
		cmocka_unit_test(an_error_names_what_is_missing),
		cmocka_unit_test(pieces_of_any_size_give_the_same),
		cmocka_unit_test(more_groups_than_fit_are_left_out),
		cmocka_unit_test(a_tmpfs_without_options_is_closed),
		cmocka_unit_test(tmpfs_options_become_flags_and_data),
		cmocka_unit_test(unknown_or_endless_tmpfs_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
