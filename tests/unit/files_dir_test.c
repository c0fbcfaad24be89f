// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The translator `dir` under attack, from the guest's side and from the host's: nothing beyond
 * its root, no lie believed; and owners that the host knows nothing of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "files_guest.h"
#include "translators/dir_room.h"

static struct fg fg;

static const char *base_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp ? tmp : "/tmp";
}

static int set_up(void **state)
{
	fg_open(&fg, base_dir(), DIR_OWNERS_ASIDE);
	return 0;
}

static int tear_down(void **state)
{
	fg_close(&fg);
	return 0;
}

/* The path of a file below the root, as the host knows it. */
static const char *host(const char *name)
{
	static char path[2][200];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", fg.root, name);
	return path[turn];
}

static void host_write(const char *name, const char *text)
{
	cleanup_close int fd = open(host(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_read(uint64_t node, uint64_t handle, const char *text)
{
	assert_int_equal(fg_read(&fg, node, handle, 0, 4096), strlen(text));
	assert_memory_equal(fg.out, text, strlen(text));
}

/* --- beyond the root -------------------------------------------------------------------------- */

static void a_name_is_one_component(void **state)
{
	static const char *const names[] = { "..", ".",           "",    "../x", "a/b",
					     "/",  "/etc/passwd", "./a", "a/" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *n = names[i];

		assert_int_equal(fg_lookup(&fg, 1, n, NULL), -EINVAL);
		assert_int_equal(fg_mkdir(&fg, 1, n, 0755, NULL), -EINVAL);
		assert_int_equal(fg_mknod(&fg, 1, n, S_IFREG | 0644, 0, NULL), -EINVAL);
		assert_int_equal(fg_create(&fg, 1, n, 0644, O_RDWR, NULL, NULL), -EINVAL);
		assert_int_equal(fg_symlink(&fg, 1, n, "x"), -EINVAL);
		assert_int_equal(fg_link(&fg, 1, 1, n), -EINVAL);
		assert_int_equal(fg_name(&fg, FUSE_UNLINK, 1, n), -EINVAL);
		assert_int_equal(fg_name(&fg, FUSE_RMDIR, 1, n), -EINVAL);
		assert_int_equal(fg_rename(&fg, 1, n, 1, "x", 0), -EINVAL);
		assert_int_equal(fg_rename(&fg, 1, "x", 1, n, 0), -EINVAL);
	}
}

static void a_name_that_does_not_end_is_refused(void **state)
{
	assert_int_equal(fg_call(&fg, FUSE_LOOKUP, 1, "abc", 3, NULL, 0), -EINVAL);
	assert_int_equal(fg_call(&fg, FUSE_LOOKUP, 1, NULL, 0, NULL, 0), -EINVAL);
	assert_int_equal(fg_call(&fg, FUSE_SYMLINK, 1, "a", 2, "b", 1), -EINVAL);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(fg_lookup(&fg, 1, name, NULL), -ENAMETOOLONG);
	name[255] = '\0';
	assert_int_equal(fg_mkdir(&fg, 1, name, 0755, NULL), 0);
	assert_int_equal(fg_lookup(&fg, 1, name, NULL), 0);
}

static void a_link_is_not_followed(void **state)
{
	struct fuse_attr attr;
	uint64_t link, handle;

	assert_int_equal(symlink("/etc", host("out")), 0);
	assert_int_equal(symlink("/etc/passwd", host("file")), 0);
	assert_int_equal(fg_lookup(&fg, 1, "out", &link), 0);
	assert_int_equal(fg_getattr(&fg, link, &attr), 0);
	assert_true(S_ISLNK(attr.mode));
	assert_int_equal(fg_lookup(&fg, link, "passwd", NULL), -ENOTDIR);
	assert_int_equal(fg_mkdir(&fg, link, "x", 0755, NULL), -ENOTDIR);
	assert_int_equal(fg_lookup(&fg, 1, "file", &link), 0);
	assert_true(fg_open_file(&fg, link, O_RDONLY, &handle) < 0);
	assert_true(fg_create(&fg, 1, "file", 0644, O_RDWR, NULL, NULL) < 0);
	assert_int_equal(fg_call(&fg, FUSE_READLINK, link, NULL, 0, NULL, 0), 0);
	assert_int_equal(fg.out_size, strlen("/etc/passwd"));
}

/* Somebody on the host puts a link in the place of a directory that the guest knows. */
static void a_directory_that_became_a_link_leads_nowhere(void **state)
{
	uint64_t dir, below;

	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &dir), 0);
	assert_int_equal(fg_mkdir(&fg, dir, "e", 0755, &below), 0);
	/* Nothing cached: a fresh server. */
	fg_stop(&fg);
	assert_int_equal(rename(host("d"), host("away")), 0);
	assert_int_equal(symlink("/", host("d")), 0);
	fg_start(&fg, DIR_OWNERS_ASIDE);
	assert_int_equal(fg_lookup(&fg, dir, "etc", NULL), -ESTALE);
	assert_int_equal(fg_mkdir(&fg, dir, "x", 0755, NULL), -ESTALE);
	assert_int_equal(fg_lookup(&fg, below, "x", NULL), -ESTALE);
}

static void a_file_that_became_another_is_not_opened(void **state)
{
	const struct fuse_setattr_in set = { .valid = FATTR_SIZE, .size = 0 };
	const struct fuse_setattr_in mode = { .valid = FATTR_MODE, .mode = 0600 };
	uint64_t node, handle;
	struct stat st;

	host_write("f", "mine");
	assert_int_equal(fg_lookup(&fg, 1, "f", &node), 0);
	host_write("other", "theirs");
	assert_int_equal(rename(host("other"), host("f")), 0);
	assert_int_equal(fg_open_file(&fg, node, O_RDWR, &handle), -ESTALE);
	assert_int_equal(fg_open_file(&fg, node, O_RDWR | O_TRUNC, &handle), -ESTALE);
	assert_int_equal(fg_setattr(&fg, node, &set, NULL), -ESTALE);
	assert_int_equal(fg_setattr(&fg, node, &mode, NULL), -ESTALE);
	assert_int_equal(fg_getattr(&fg, node, NULL), -ESTALE);
	assert_int_equal(stat(host("f"), &st), 0);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(st.st_mode & 0777, 0644);
	/* Looked up anew it is a file like any other. */
	assert_int_equal(fg_lookup(&fg, 1, "f", &node), 0);
	assert_int_equal(fg_open_file(&fg, node, O_RDONLY, &handle), 0);
	assert_read(node, handle, "theirs");
}

static void a_fifo_of_the_host_does_not_hold_us_up(void **state)
{
	uint64_t node, handle;

	host_write("f", "x");
	assert_int_equal(fg_lookup(&fg, 1, "f", &node), 0);
	assert_int_equal(unlink(host("f")), 0);
	assert_int_equal(mkfifo(host("f"), 0644), 0);
	assert_int_equal(fg_open_file(&fg, node, O_RDONLY, &handle), -ESTALE);
	assert_int_equal(fg_lookup(&fg, 1, "f", &node), 0);
	assert_int_equal(fg_open_file(&fg, node, O_RDONLY, &handle), -EOPNOTSUPP);
}

/* --- numbers that a guest made up ------------------------------------------------------------- */

static void made_up_nodes_and_handles_are_refused(void **state)
{
	static const uint64_t numbers[] = { 0,          2,          3,
					    77,         1000000,    UINT32_MAX,
					    1ULL << 32, UINT64_MAX, (1ULL << 32) | 1 };
	const struct fuse_setattr_in set = { .valid = FATTR_MODE };
	uint64_t handle;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t n = numbers[i];

		assert_int_equal(fg_lookup(&fg, n, "x", NULL), -ESTALE);
		assert_int_equal(fg_getattr(&fg, n, NULL), -ESTALE);
		assert_int_equal(fg_setattr(&fg, n, &set, NULL), -ESTALE);
		assert_int_equal(fg_open_file(&fg, n, O_RDONLY, &handle), -ESTALE);
		assert_int_equal(fg_open_file(&fg, n, O_DIRECTORY, &handle), -ESTALE);
		assert_int_equal(fg_link(&fg, n, 1, "x"), -ESTALE);
		assert_int_equal(fg_rename(&fg, n, "x", 1, "y", 0), -ESTALE);
		assert_int_equal(fg_setxattr(&fg, n, "user.a", "b", 0), -ESTALE);
		assert_int_equal(fg_read(&fg, 1, n, 0, 10), -EBADF);
		assert_int_equal(fg_write(&fg, 1, n, 0, "x", 0), -EBADF);
		assert_int_equal(fg_release(&fg, 1, n), 0);
		fg_forget(&fg, n, UINT64_MAX);
	}
	/* The root is still there. */
	assert_int_equal(fg_getattr(&fg, 1, NULL), 0);
	fg_forget(&fg, 1, UINT64_MAX);
	assert_int_equal(fg_getattr(&fg, 1, NULL), 0);
}

static void a_handle_is_good_for_its_node_only(void **state)
{
	uint64_t a, b, handle;

	assert_int_equal(fg_create(&fg, 1, "a", 0644, O_RDWR, &a, &handle), 0);
	assert_int_equal(fg_mknod(&fg, 1, "b", S_IFREG | 0644, 0, &b), 0);
	assert_int_equal(fg_write(&fg, b, handle, 0, "x", 0), -EBADF);
	assert_int_equal(fg_release(&fg, a, handle), 0);
	assert_int_equal(fg_write(&fg, a, handle, 0, "x", 0), -EBADF);
	assert_int_equal(fg_release(&fg, a, handle), 0);
}

/* FORGET may come before RELEASE, on another queue. */
static void a_forgotten_file_that_is_open_can_be_closed(void **state)
{
	uint64_t node, handle, again;

	assert_int_equal(fg_create(&fg, 1, "f", 0644, O_RDWR, &node, &handle), 0);
	fg_forget(&fg, node, 1);
	assert_int_equal(fg_getattr(&fg, node, NULL), -ESTALE);
	assert_int_equal(fg_release(&fg, node, handle), 0);
	assert_int_equal(fg_lookup(&fg, 1, "f", &again), 0);
	assert_int_equal(fg_getattr(&fg, again, NULL), 0);
}

static void a_guest_that_forgets_a_parent_gets_stale_children(void **state)
{
	uint64_t d, e, f;

	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &d), 0);
	assert_int_equal(fg_mkdir(&fg, d, "e", 0755, &e), 0);
	fg_forget(&fg, d, 1);
	/* Its number is given to another directory, in which there is an "e" too. */
	assert_int_equal(fg_mkdir(&fg, 1, "other", 0755, &f), 0);
	assert_int_equal(f, d);
	assert_int_equal(mkdir(host("other/e"), 0755), 0);
	assert_int_equal(fg_mkdir(&fg, e, "x", 0755, NULL), -ESTALE);
	assert_int_equal(access(host("other/e/x"), F_OK), -1);
}

/* Parents that go in circles. */
static void a_climb_without_an_end_ends(void **state)
{
	uint64_t a, b;

	assert_int_equal(fg_mkdir(&fg, 1, "a", 0755, &a), 0);
	assert_int_equal(fg_mkdir(&fg, a, "b", 0755, &b), 0);
	dir_fds_clear(fg.dir);
	fg.dir->nodes[a].parent = (uint32_t)b;
	assert_int_equal(fg_lookup(&fg, b, "x", NULL), -ESTALE);
}

static void deep_directories_are_reached_without_a_cache(void **state)
{
	enum { DEPTH = 600 };
	uint64_t at = 1, node;

	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(fg_mkdir(&fg, at, "d", 0755, &node), 0);
		at = node;
	}
	dir_fds_clear(fg.dir);
	assert_int_equal(fg_mkdir(&fg, at, "last", 0755, NULL), 0);
	assert_int_equal(fg_lookup(&fg, at, "last", NULL), 0);
}

static void what_is_malformed_does_no_harm(void **state)
{
	static const uint8_t junk[200] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	for (uint32_t opcode = 0; opcode < 80; opcode++) {
		for (size_t size = 0; size < sizeof(junk); size += 7)
			fg_call(&fg, opcode, 1, junk, size, NULL, 0);
		if (opcode == FUSE_DESTROY || opcode == FUSE_INIT) {
			const struct fuse_init_in init = { .major = 7, .minor = 38 };

			fg_call(&fg, FUSE_INIT, 0, &init, sizeof(init), NULL, 0);
		}
		assert_int_equal(fg_getattr(&fg, 1, NULL), 0);
	}
}

/* --- owners ----------------------------------------------------------------------------------- */

static void assert_attr(uint64_t node, uint32_t mode, uint32_t uid, uint32_t gid, uint32_t rdev)
{
	struct fuse_attr attr;

	assert_int_equal(fg_getattr(&fg, node, &attr), 0);
	assert_int_equal(attr.mode, mode);
	assert_int_equal(attr.uid, uid);
	assert_int_equal(attr.gid, gid);
	assert_int_equal(attr.rdev, rdev);
}

static void owners_are_kept_aside(void **state)
{
	const struct fuse_setattr_in chown_in = { .valid = FATTR_UID | FATTR_GID,
						  .uid = 1000,
						  .gid = 2000 };
	const struct fuse_setattr_in chmod_in = { .valid = FATTR_MODE, .mode = 04711 };
	const struct fuse_setattr_in back = { .valid = FATTR_UID | FATTR_GID | FATTR_MODE,
					      .mode = 0640 };
	struct stat st;
	uint64_t node;

	assert_int_equal(fg_mknod(&fg, 1, "f", S_IFREG | 0644, 0, &node), 0);
	assert_attr(node, S_IFREG | 0644, 0, 0, 0);
	assert_true(getxattr(host("f"), DIR_XATTR_OWNER, NULL, 0) < 0);
	assert_int_equal(fg_setattr(&fg, node, &chown_in, NULL), 0);
	assert_int_equal(fg_setattr(&fg, node, &chmod_in, NULL), 0);
	assert_attr(node, S_IFREG | 04711, 1000, 2000, 0);
	/* On the host: ours still, and nobody becomes us by running it. */
	assert_int_equal(stat(host("f"), &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_mode & (S_ISUID | S_ISGID), 0);
	/* Found again by a server that knows nothing. */
	fg_stop(&fg);
	fg_start(&fg, DIR_OWNERS_ASIDE);
	assert_attr(node, S_IFREG | 04711, 1000, 2000, 0);
	/* What the host can say itself needs no note. */
	assert_int_equal(fg_setattr(&fg, node, &back, NULL), 0);
	assert_attr(node, S_IFREG | 0640, 0, 0, 0);
	assert_true(getxattr(host("f"), DIR_XATTR_OWNER, NULL, 0) < 0);
	assert_int_equal(stat(host("f"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
}

static void devices_are_kept_aside(void **state)
{
	struct stat st;
	uint64_t node;

	assert_int_equal(fg_mknod(&fg, 1, "null", S_IFCHR | 0666, 1 << 8 | 3, &node), 0);
	assert_attr(node, S_IFCHR | 0666, 0, 0, 1 << 8 | 3);
	assert_int_equal(lstat(host("null"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | S_ISVTX | 0600);
	assert_int_equal(fg_mknod(&fg, 1, "fifo", S_IFIFO | 0600, 0, &node), 0);
	assert_attr(node, S_IFIFO | 0600, 0, 0, 0);
	assert_int_equal(fg_mknod(&fg, 1, "sock", S_IFSOCK | 0600, 0, &node), 0);
	assert_attr(node, S_IFSOCK | 0600, 0, 0, 0);
}

static void who_makes_a_file_owns_it(void **state)
{
	uint64_t node, dir;

	fg.uid = 1000;
	fg.gid = 1001;
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0700, &dir), 0);
	assert_attr(dir, S_IFDIR | 0700, 1000, 1001, 0);
	assert_int_equal(fg_create(&fg, dir, "f", 0, O_RDWR, &node, NULL), 0);
	assert_attr(node, S_IFREG, 1000, 1001, 0);
	fg.uid = fg.gid = 0;
	assert_int_equal(fg_create(&fg, dir, "g", 0400, O_RDWR, &node, NULL), 0);
	assert_attr(node, S_IFREG | 0400, 0, 0, 0);
}

static void a_set_group_id_directory_hands_its_group_down(void **state)
{
	const struct fuse_setattr_in set = { .valid = FATTR_MODE | FATTR_GID,
					     .mode = 02775,
					     .gid = 50 };
	uint64_t dir, node;

	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &dir), 0);
	assert_int_equal(fg_setattr(&fg, dir, &set, NULL), 0);
	fg.uid = fg.gid = 7;
	assert_int_equal(fg_create(&fg, dir, "f", 0644, O_RDWR, &node, NULL), 0);
	assert_attr(node, S_IFREG | 0644, 7, 50, 0);
	assert_int_equal(fg_mkdir(&fg, dir, "e", 0755, &node), 0);
	assert_attr(node, S_IFDIR | 02755, 7, 50, 0);
}

static void a_guest_does_not_reach_what_is_kept_aside(void **state)
{
	struct {
		uint32_t size, padding;
	} room = { 4096, 0 };
	uint64_t node;

	fg.uid = 5;
	assert_int_equal(fg_create(&fg, 1, "f", 0644, O_RDWR, &node, NULL), 0);
	assert_int_equal(fg_setxattr(&fg, node, "user.hillock.owner", "104755 0 0 0 0", 0), -EPERM);
	assert_int_equal(fg_setxattr(&fg, node, "user.hillock.x.trusted.a", "x", 0), -EPERM);
	assert_int_equal(fg_name(&fg, FUSE_REMOVEXATTR, node, "user.hillock.owner"), -EPERM);
	assert_int_equal(
		fg_call(&fg, FUSE_GETXATTR, node, &room, sizeof(room), "user.hillock.owner", 19),
		-ENODATA);
	assert_int_equal(fg_setxattr(&fg, node, "user.mine", "x", 0), 0);
	assert_int_equal(fg_setxattr(&fg, node, "trusted.mine", "y", 0), 0);
	assert_int_equal(fg_call(&fg, FUSE_LISTXATTR, node, &room, sizeof(room), NULL, 0), 0);
	assert_int_equal(fg.out_size, sizeof("user.mine") + sizeof("trusted.mine"));
	assert_int_equal(fg_call(&fg, FUSE_GETXATTR, node, &room, sizeof(room), "trusted.mine",
				 sizeof("trusted.mine")),
			 0);
	assert_int_equal(fg.out_size, 1);
	assert_int_equal(fg.out[0], 'y');
}

static void a_note_that_makes_no_sense_is_not_believed(void **state)
{
	static const char *const notes[] = {
		"",
		"x",
		"120777 0 0 0 0",
		"040755 0 0 0 0",
		"100644 0 0",
		"100644 0 0 0 0x",
		"100644 0 0 0 0 ",
		"777777777777 0 0 0 0",
		"100644 99999999999 0 0 0",
		"100844 0 0 0 0",
	};
	struct fuse_attr attr;
	uint64_t node;

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		host_write("f", "x");
		assert_int_equal(chmod(host("f"), 01644), 0);
		assert_int_equal(
			setxattr(host("f"), DIR_XATTR_OWNER, notes[i], strlen(notes[i]), 0), 0);
		assert_int_equal(fg_lookup(&fg, 1, "f", &node), 0);
		assert_int_equal(fg_getattr(&fg, node, &attr), 0);
		if (attr.mode != (S_IFREG | 01644))
			fail_msg("'%s' was believed: %o", notes[i], attr.mode);
		assert_int_equal(unlink(host("f")), 0);
	}
}

static void a_write_by_another_takes_set_user_id_away(void **state)
{
	const struct fuse_setattr_in set = { .valid = FATTR_MODE, .mode = 06755 };
	const struct fuse_write_in in = { .fh = 0,
					  .size = 1,
					  .write_flags = FUSE_WRITE_KILL_SUIDGID };
	struct fuse_write_in with_handle = in;
	uint64_t node;

	assert_int_equal(fg_create(&fg, 1, "f", 0755, O_RDWR, &node, &with_handle.fh), 0);
	assert_int_equal(fg_setattr(&fg, node, &set, NULL), 0);
	assert_int_equal(fg_write(&fg, node, with_handle.fh, 0, "x", 0), 1);
	assert_attr(node, S_IFREG | 06755, 0, 0, 0);
	assert_int_equal(fg_call(&fg, FUSE_WRITE, node, &with_handle, sizeof(with_handle), "y", 1),
			 0);
	assert_attr(node, S_IFREG | 0755, 0, 0, 0);
}

/* --- files ------------------------------------------------------------------------------------ */

static void an_open_file_outlives_its_name(void **state)
{
	uint64_t node, handle, other;

	assert_int_equal(fg_create(&fg, 1, "f", 0644, O_RDWR, &node, &handle), 0);
	assert_int_equal(fg_write(&fg, node, handle, 0, "hello", 0), 5);
	assert_int_equal(fg_name(&fg, FUSE_UNLINK, 1, "f"), 0);
	assert_read(node, handle, "hello");
	assert_int_equal(fg_getattr(&fg, node, NULL), 0);
	/* A file that gets the same name, perhaps the same inode number, is another. */
	assert_int_equal(fg_create(&fg, 1, "f", 0644, O_RDWR, &other, NULL), 0);
	assert_int_not_equal(other, node);
	assert_read(node, handle, "hello");
}

static void appending_goes_to_the_end(void **state)
{
	uint64_t node, handle;

	assert_int_equal(fg_create(&fg, 1, "f", 0644, O_WRONLY | O_APPEND, &node, &handle), 0);
	assert_int_equal(fg_write(&fg, node, handle, 0, "one", O_APPEND), 3);
	assert_int_equal(fg_write(&fg, node, handle, 0, "two", O_APPEND), 3);
	assert_int_equal(fg_open_file(&fg, node, O_RDONLY, &handle), 0);
	assert_read(node, handle, "onetwo");
}

static void names_follow_renames(void **state)
{
	uint64_t a, f, b, g, handle;

	assert_int_equal(fg_mkdir(&fg, 1, "a", 0755, &a), 0);
	assert_int_equal(fg_mkdir(&fg, 1, "b", 0755, &b), 0);
	assert_int_equal(fg_create(&fg, a, "f", 0644, O_RDWR, &f, &handle), 0);
	assert_int_equal(fg_rename(&fg, 1, "a", b, "c", 0), 0);
	dir_fds_clear(fg.dir);
	assert_int_equal(fg_getattr(&fg, f, NULL), 0);
	assert_int_equal(fg_open_file(&fg, f, O_RDONLY, &handle), 0);
	assert_int_equal(access(host("b/c/f"), F_OK), 0);
	/* Exchanged, both follow. */
	assert_int_equal(fg_mknod(&fg, 1, "g", S_IFREG | 0600, 0, &g), 0);
	assert_int_equal(fg_rename(&fg, 1, "g", a, "f", RENAME_EXCHANGE), 0);
	assert_attr(f, S_IFREG | 0644, 0, 0, 0);
	assert_attr(g, S_IFREG | 0600, 0, 0, 0);
	assert_int_equal(fg_rename(&fg, 1, "g", a, "f", RENAME_NOREPLACE), -EEXIST);
}

static void a_directory_is_read_whole_in_pieces(void **state)
{
	enum { FILES = 500 };
	struct fuse_read_in in = { .size = 1000 };
	uint8_t seen[FILES] = { 0 };
	char name[32];
	int count = 0, rc;

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		host_write(name, "");
	}
	assert_int_equal(fg_open_file(&fg, 1, O_DIRECTORY, &in.fh), 0);
	for (;;) {
		size_t at = 0;

		rc = fg_call(&fg, FUSE_READDIRPLUS, 1, &in, sizeof(in), NULL, 0);
		assert_int_equal(rc, 0);
		assert_true(fg.out_size <= in.size);
		if (!fg.out_size)
			break;
		while (at < fg.out_size) {
			struct fuse_direntplus *e = (void *)(fg.out + at);
			int number;

			in.offset = e->dirent.off;
			memcpy(name, e->dirent.name, e->dirent.namelen);
			name[e->dirent.namelen] = '\0';
			at += FUSE_DIRENTPLUS_SIZE(e);
			if (sscanf(name, "file%d", &number) != 1)
				continue;
			assert_int_equal(seen[number]++, 0);
			assert_int_not_equal(e->entry_out.nodeid, 0);
			count++;
		}
	}
	assert_int_equal(count, FILES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_one_component),
		TEST(a_name_that_does_not_end_is_refused),
		TEST(a_name_that_is_too_long_is_refused),
		TEST(a_link_is_not_followed),
		TEST(a_directory_that_became_a_link_leads_nowhere),
		TEST(a_file_that_became_another_is_not_opened),
		TEST(a_fifo_of_the_host_does_not_hold_us_up),
		TEST(made_up_nodes_and_handles_are_refused),
		TEST(a_handle_is_good_for_its_node_only),
		TEST(a_forgotten_file_that_is_open_can_be_closed),
		TEST(a_guest_that_forgets_a_parent_gets_stale_children),
		TEST(a_climb_without_an_end_ends),
		TEST(deep_directories_are_reached_without_a_cache),
		TEST(what_is_malformed_does_no_harm),
		TEST(owners_are_kept_aside),
		TEST(devices_are_kept_aside),
		TEST(who_makes_a_file_owns_it),
		TEST(a_set_group_id_directory_hands_its_group_down),
		TEST(a_guest_does_not_reach_what_is_kept_aside),
		TEST(a_note_that_makes_no_sense_is_not_believed),
		TEST(a_write_by_another_takes_set_user_id_away),
		TEST(an_open_file_outlives_its_name),
		TEST(appending_goes_to_the_end),
		TEST(names_follow_renames),
		TEST(a_directory_is_read_whole_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
