// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of images, what files are, and the hash that trees are known by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/room.h"

static void names_get_a_tag(void **state)
{
	static const char *const good[][2] = {
		{ "busybox", "busybox:latest" },
		{ "a", "a:latest" },
		{ "debian-12:slim", "debian-12:slim" },
		{ "my_app.v2:Build-7", "my_app.v2:Build-7" },
	};
	struct err err = ERR_INIT;
	char full[256];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(image_name_parse(good[i][0], full, &err), 0);
		assert_string_equal(full, good[i][1]);
	}
}

static void names_that_are_no_names_are_refused(void **state)
{
	static const char *const bad[] = {
		"",     ":",    ":tag",  "a:",          "..",     ".",        "a/b", "../a",
		"-a",   "a-",   "a..b",  "a--b",        ".new-1", "Upper",    "a b", "a:b:c",
		"a:-x", "a:..", "a:x/y", "a@sha256:00", "a\n",    "\xc3\xa9",
	};
	char full[256], text[300];
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err = ERR_INIT;
		assert_int_equal(image_name_parse(bad[i], full, &err), -EINVAL);
		assert_true(err.text[0]);
	}
	memset(text, 'a', sizeof(text));
	text[IMAGE_NAME_MAX] = '\0';
	assert_int_equal(image_name_parse(text, full, &err), 0);
	text[IMAGE_NAME_MAX] = 'a';
	text[IMAGE_NAME_MAX + 1] = '\0';
	assert_int_equal(image_name_parse(text, full, &err), -EINVAL);
}

static void a_slash_or_a_leading_dot_makes_a_path(void **state)
{
	assert_true(image_is_path("./a"));
	assert_true(image_is_path("."));
	assert_true(image_is_path("/a"));
	assert_true(image_is_path("a/"));
	assert_false(image_is_path("a"));
	assert_false(image_is_path("a.b:c"));
}

/* --- what files are -------------------------------------------------------------------------- */

static void put(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

static struct image_kind kind_of(const void *head, size_t size, uint64_t file_size)
{
	struct image_kind kind;

	image_kind_find(head, size, file_size, &kind);
	return kind;
}

static void ext4_is_known_by_its_superblock(void **state)
{
	unsigned char head[IMAGE_HEAD_SIZE] = { 0 }, *super = head + 1024;
	const uint64_t size = 100 * 4096;

	put(super + 56, 0xef53);
	put(super + 24, 2);
	put(super + 4, 100);
	assert_string_equal(kind_of(head, sizeof(head), size).type, "ext4");
	assert_null(kind_of(head, sizeof(head), size).fault);
	assert_non_null(strstr(kind_of(head, sizeof(head), size - 1).fault, "cut off"));
	assert_null(kind_of(head, 2047, size).type);
	put(super + 96, 0x4);
	assert_non_null(strstr(kind_of(head, sizeof(head), size).fault, "e2fsck"));
	put(super + 96, 0x8);
	assert_non_null(strstr(kind_of(head, sizeof(head), size).fault, "journal"));
	put(super + 96, 0x80); /* block counts of 64 bits */
	assert_null(kind_of(head, sizeof(head), size).fault);
	put(super + 0x150, 1);
	assert_non_null(strstr(kind_of(head, sizeof(head), size).fault, "cut off"));
	put(super + 0x150, 0xffffffff);
	assert_non_null(kind_of(head, sizeof(head), UINT64_MAX).fault);
	put(super + 24, 40);
	assert_non_null(strstr(kind_of(head, sizeof(head), size).fault, "damaged"));
}

static void erofs_is_known_by_its_superblock(void **state)
{
	unsigned char head[IMAGE_HEAD_SIZE] = { 0 }, *super = head + 1024;

	put(super, 0xe0f5e1e2);
	super[12] = 12;
	put(super + 36, 10);
	assert_string_equal(kind_of(head, sizeof(head), 40960).type, "erofs");
	assert_null(kind_of(head, sizeof(head), 40960).fault);
	assert_non_null(strstr(kind_of(head, sizeof(head), 40959).fault, "cut off"));
	put(super + 80, 0x8);
	assert_non_null(strstr(kind_of(head, sizeof(head), 40960).fault, "several"));
	super[12] = 200;
	put(super + 80, 0);
	assert_non_null(strstr(kind_of(head, sizeof(head), 40960).fault, "damaged"));
}

static void other_files_are_named(void **state)
{
	unsigned char head[IMAGE_HEAD_SIZE] = { 0 };

	memcpy(head + 257, "ustar", 5);
	assert_string_equal(kind_of(head, sizeof(head), 10240).what, "a tar archive");
	assert_true(kind_of(head, sizeof(head), 10240).is_archive);
	assert_null(kind_of(head, sizeof(head), 10240).type);
	assert_string_equal(kind_of("\x7f"
				    "ELF",
				    4, 4)
				    .what,
			    "a program");
	assert_false(kind_of("\x7f"
			     "ELF",
			     4, 4)
			     .is_archive);
	assert_string_equal(kind_of("\x1f\x8b", 2, 2).what, "compressed with gzip");
	assert_string_equal(kind_of("", 0, 0).what, "empty");
	assert_string_equal(kind_of("hello", 5, 5).what, "a file of an unknown kind");
}

/* --- SHA-256: the examples of FIPS 180-4 ------------------------------------------------------ */

static void assert_sha256(const char *text, size_t times, const char *expected)
{
	unsigned char digest[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	struct sha256 sha;

	sha256_init(&sha);
	for (size_t i = 0; i < times; i++)
		sha256_add(&sha, text, strlen(text));
	sha256_end(&sha, digest);
	sha256_hex(digest, 2 * SHA256_SIZE, hex);
	assert_string_equal(hex, expected);
}

static void sha256_gives_the_standard_s_examples(void **state)
{
	assert_sha256("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_sha256("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	assert_sha256("a", 1000000,
		      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_get_a_tag),
		cmocka_unit_test(names_that_are_no_names_are_refused),
		cmocka_unit_test(a_slash_or_a_leading_dot_makes_a_path),
		cmocka_unit_test(ext4_is_known_by_its_superblock),
		cmocka_unit_test(erofs_is_known_by_its_superblock),
		cmocka_unit_test(other_files_are_named),
		cmocka_unit_test(sha256_gives_the_standard_s_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
