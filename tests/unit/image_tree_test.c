// SPDX-License-Identifier: GPL-2.0-or-later
/* Directories of the host: what is in one comes out of the ext4 image, and whose it is there. */
#include "image_made.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/scan.h"

static void put_file(int dirfd, const char *name, const char *text)
{
	cleanup_close int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
}

static void a_tree_comes_through_with_links_holes_and_attributes(void **state)
{
	char top[] = "/tmp/hillock-image-tree.XXXXXX";
	struct scan_spec spec = { 0 };
	struct err err = ERR_INIT;
	struct made made;
	int fd, file, has_xattrs;
	struct stat st;

	assert_non_null(mkdtemp(top));
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, "sub", 0750), 0);
	assert_int_equal(mkdirat(fd, "left-out", 0755), 0);
	put_file(fd, "sub/one", "one");
	put_file(fd, "left-out/secret", "x");
	assert_int_equal(linkat(fd, "sub/one", fd, "two", 0), 0);
	assert_int_equal(symlinkat("sub/one", fd, "sym"), 0);
	assert_int_equal(mknodat(fd, "fifo", S_IFIFO | 0600, 0), 0);
	assert_int_equal(mknodat(fd, "socket", S_IFSOCK | 0700, 0), 0);
	file = openat(fd, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	assert_int_equal(pwrite(file, "end", 3, 10 << 20), 3);
	has_xattrs = fsetxattr(file, "user.k", "value", 5, 0) == 0;
	close(file);

	assert_int_equal(fstatat(fd, "left-out", &st, 0), 0);
	spec.top_fd = fd;
	spec.skip_dev = st.st_dev;
	spec.skip_ino = st.st_ino;
	idmap_parse(&spec.users, "", NULL, geteuid(), geteuid());
	idmap_parse(&spec.groups, "", NULL, geteuid(), getegid());
	made_begin(&made);
	made.rc = scan_read(&made.tree, &spec, &made.err);
	made_open(&made);
	assert_content(&made, "/sub/one", "one");
	assert_content(&made, "/sym", "one");
	assert_int_equal(find(&made, "/two"), find(&made, "/sub/one"));
	assert_int_equal(look(&made, "/two").i_links_count, 2);
	assert_int_equal(look(&made, "/sub").i_mode, S_IFDIR | 0750);
	assert_int_equal(look(&made, "/fifo").i_mode, S_IFIFO | 0600);
	assert_int_equal(look(&made, "/socket").i_mode, S_IFSOCK | 0700);
	assert_int_equal(look(&made, "/sparse").i_size, (10 << 20) + 3);
	assert_int_equal(look(&made, "/sparse").i_blocks, 8);
	assert_int_equal(look(&made, "/sparse").i_uid, 0); /* the caller is root inside */
	assert_int_equal(find(&made, "/left-out"), 0);
	if (has_xattrs)
		assert_xattr(&made, "/sparse", "user.k", "value", 5);
	made_end(&made);
	close(fd);
	assert_int_equal(fd_remove_tree(AT_FDCWD, top, &err), 0);
}

static void owners_become_what_a_rootless_container_shows(void **state)
{
	const char *text = "joe:100000:65536\n"
			   "ann:200000:10\n"
			   "1000:300000:5\n"
			   "joe:bad:1\n"
			   "joe:4294967295:2\n"
			   "joe:7:1";
	struct idmap map;

	idmap_parse(&map, text, "joe", 1000, 1000);
	assert_int_equal(idmap_inside(&map, 1000), 0);
	assert_int_equal(idmap_inside(&map, 100000), 1);
	assert_int_equal(idmap_inside(&map, 165535), 65536);
	assert_int_equal(idmap_inside(&map, 165536), 165536);
	assert_int_equal(idmap_inside(&map, 300000), 65537);
	assert_int_equal(idmap_inside(&map, 300004), 65541);
	assert_int_equal(idmap_inside(&map, 7), 65542);
	assert_int_equal(idmap_inside(&map, 200000), 200000); /* somebody else's */
	assert_int_equal(idmap_inside(&map, 0), 0);
	assert_int_equal(idmap_inside(&map, 4294967295u), 4294967295u);
	assert_int_equal(map.range_count, 3);
	idmap_parse(&map, "", NULL, 65534, 65534);
	assert_int_equal(idmap_inside(&map, 65534), 0);
	assert_int_equal(idmap_inside(&map, 33), 33);
	map.identity = 1;
	assert_int_equal(idmap_inside(&map, 65534), 65534);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_comes_through_with_links_holes_and_attributes),
		cmocka_unit_test(owners_become_what_a_rootless_container_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
