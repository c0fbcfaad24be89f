// SPDX-License-Identifier: GPL-2.0-or-later
/* image.json: written, read back, and refused when it is something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"

static void what_is_written_is_read_back(void **state)
{
	char *command[] = { (char *)"sh", (char *)"-c", (char *)"echo \"ü\"\n", NULL };
	char *env[] = { (char *)"PATH=/bin", NULL };
	char *none[] = { NULL };
	const struct image_meta meta = { .name = "a:latest",
					 .type = "ext4",
					 .created = 1700000000,
					 .content = 5000000000,
					 .files = 3,
					 .command = command,
					 .entrypoint = none,
					 .env = env,
					 .cwd = (char *)"/x y",
					 .source = (char *)"a \"b\".tar" };
	char top[] = "/tmp/hillock-image-meta.XXXXXX";
	struct err err = ERR_INIT;
	struct image_meta got;
	int fd;

	assert_non_null(mkdtemp(top));
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(image_meta_write(fd, &meta, &err), 0);
	assert_int_equal(image_meta_read(fd, &got, &err), 0);
	assert_string_equal(got.name, "a:latest");
	assert_string_equal(got.type, "ext4");
	assert_int_equal(got.created, 1700000000);
	assert_int_equal(got.content, 5000000000);
	assert_int_equal(got.files, 3);
	assert_string_equal(got.command[2], "echo \"ü\"\n");
	assert_null(got.command[3]);
	assert_non_null(got.entrypoint);
	assert_null(got.entrypoint[0]);
	assert_string_equal(got.env[0], "PATH=/bin");
	assert_string_equal(got.cwd, "/x y");
	assert_null(got.user);
	assert_string_equal(got.source, "a \"b\".tar");
	image_meta_free(&got);
	close(fd);
	assert_int_equal(fd_remove_tree(AT_FDCWD, top, &err), 0);
}

static void refuse(const char *text, const char *reason)
{
	struct err err = ERR_INIT;
	struct image_meta meta;

	assert_true(image_meta_parse(text, strlen(text), &meta, &err) < 0);
	if (!strstr(err.text, reason))
		fail_msg("'%s' says nothing of '%s'", err.text, reason);
	image_meta_free(&meta);
}

static void other_texts_are_refused(void **state)
{
	refuse("", "not a JSON object");
	refuse("[]", "not a JSON object");
	refuse("{\"name\":", "not a JSON object");
	refuse("{\"name\": 7}", "'name'");
	refuse("{\"type\": \"longer than it may be\"}", "'type' is too long");
	refuse("{\"files\": -1}", "'files' is negative");
	refuse("{\"config\": []}", "'config'");
	refuse("{\"config\": {\"Cmd\": \"sh\"}}", "'Cmd'");
	refuse("{\"config\": {\"Env\": [\"A=1\", 2]}}", "'Env' holds something else");
	refuse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "not a JSON object");
}

static void unknown_and_missing_members_do_no_harm(void **state)
{
	const char *text = "{\"later\": {\"x\": [1]}, \"config\": {\"Labels\": {}}}";
	struct err err = ERR_INIT;
	struct image_meta meta;

	assert_int_equal(image_meta_parse(text, strlen(text), &meta, &err), 0);
	assert_null(meta.command);
	assert_string_equal(meta.name, "");
	image_meta_free(&meta);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(unknown_and_missing_members_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
