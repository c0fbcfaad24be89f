// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The image store, with the real image maker (found through HILLOCK_LIBEXEC): importing, opening,
 * listing, removing; trees and their cache; what is left when things go wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"

/* A fresh directory with a store in it; the working directory while a test runs. */
struct place {
	char top[64];
	int store_fd;
	struct err err;
};

static int place_begin(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->top, "/tmp/hillock-image-store.XXXXXX");
	if (!mkdtemp(p->top) || chdir(p->top) < 0 || mkdir("store", 0700) < 0)
		return -1;
	p->store_fd = open("store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->store_fd < 0 ? -1 : 0;
}

static int place_end(void **state)
{
	struct place *p = *state;
	int rc;

	close(p->store_fd);
	rc = chdir("/") < 0 ? -1 : fd_remove_tree(AT_FDCWD, p->top, &p->err);
	free(p);
	return rc;
}

static void assert_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' says nothing of '%s'", text, part);
}

static void write_file(const char *name, const void *data, size_t size)
{
	cleanup_close int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, data, size), 0);
}

/* The ustar header of a regular file (POSIX, "ustar Interchange Format"). */
static void tar_header(char header[512], const char *name, unsigned size)
{
	unsigned sum = 0;

	memset(header, 0, 512);
	strcpy(header, name);
	memcpy(header + 100,
	       "0000644\0"
	       "0000000\0"
	       "0000000\0",
	       24);
	snprintf(header + 124, 12, "%011o", size);
	memcpy(header + 136,
	       "00000000001\0"
	       "        "
	       "0",
	       21);
	memcpy(header + 257,
	       "ustar\0"
	       "00",
	       8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 7, "%06o", sum);
}

/* An archive `file` with one file `name` that says `text`. */
static void write_tar(const char *file, const char *name, const char *text)
{
	char data[4 * 512] = { 0 };

	tar_header(data, name, (unsigned)strlen(text));
	strcpy(data + 512, text);
	write_file(file, data, sizeof(data));
}

static void import(struct place *p, const char *name, const char *source)
{
	int rc = image_import(p->store_fd, name, source, NULL, NULL, &p->err);

	assert_string_equal(p->err.text, "");
	assert_int_equal(rc, 0);
}

static void must_open(struct place *p, const char *reference, struct image *image)
{
	int rc = image_open(p->store_fd, reference, image, &p->err);

	assert_string_equal(p->err.text, "");
	assert_int_equal(rc, 0);
}

static ino_t inode_of(const struct image *image)
{
	struct stat st;

	assert_int_equal(fstat(image->root_fd, &st), 0);
	return st.st_ino;
}

static void uuid_of(const struct image *image, unsigned char uuid[16])
{
	assert_int_equal(pread(image->root_fd, uuid, 16, 1024 + 0x68), 16);
}

/* Names in a directory, but `.` and `..`; with a prefix if not NULL. */
static int count_names(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	struct dirent *ent;
	int count = 0;

	assert_non_null(dir);
	while ((ent = readdir(dir)))
		count += strcmp(ent->d_name, ".") && strcmp(ent->d_name, "..") &&
			 (!prefix || !strncmp(ent->d_name, prefix, strlen(prefix)));
	closedir(dir);
	return count;
}

/* --- names ------------------------------------------------------------------------------------ */

static void what_is_imported_can_be_opened_listed_and_removed(void **state)
{
	const char *command[] = { "sh", "-l", NULL }, *env[] = { "A=1", NULL };
	struct place *p = *state;
	struct image_entry *entries;
	struct image image;
	struct stat st;
	size_t count;

	write_tar("a.tar", "etc/motd", "hello");
	assert_int_equal(image_import(p->store_fd, "two:v1", "a.tar", command, env, &p->err), 0);
	import(p, "one", "a.tar");
	must_open(p, "two:v1", &image);
	assert_string_equal(image.type, "ext4");
	assert_string_equal(image.name, "two:v1");
	assert_string_equal(image.command[1], "-l");
	assert_null(image.command[2]);
	assert_string_equal(image.env[0], "A=1");
	assert_null(image.entrypoint);
	assert_int_equal(fcntl(image.root_fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(image.root_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(image.root_fd, &st), 0);

	assert_int_equal(image_list(p->store_fd, &entries, &count, &p->err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(entries[0].name, "one:latest");
	assert_string_equal(entries[1].name, "two:v1");
	assert_int_equal(entries[1].size, st.st_size);
	assert_int_equal(entries[1].content, 5);
	assert_int_equal(entries[1].files, 3);
	assert_true(entries[1].created > 1700000000);
	free(entries);

	assert_int_equal(image_remove(p->store_fd, "two:v1", &p->err), 0);
	assert_int_equal(pread(image.root_fd, &st, 8, 1024), 8); /* who has it open keeps it */
	image_close(&image);
	assert_int_equal(image_open(p->store_fd, "two:v1", &image, &p->err), -ENOENT);
	assert_text(p->err.text, "no image 'two:v1' (have: one:latest)");
	assert_int_equal(image_remove(p->store_fd, "two:v1", &p->err), -ENOENT);
	assert_int_equal(count_names("store/images", NULL), 1);
}

static void an_empty_store_says_so(void **state)
{
	struct place *p = *state;
	struct image_entry *entries;
	struct image image;
	size_t count;

	assert_int_equal(image_list(p->store_fd, &entries, &count, &p->err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(image_open(p->store_fd, "foo", &image, &p->err), -ENOENT);
	assert_text(p->err.text, "no image 'foo' (there is none)");
	assert_text(p->err.hint, "hillock image import");
	assert_int_equal(mkdir("foo", 0755), 0);
	assert_int_equal(image_open(p->store_fd, "foo", &image, &p->err), -ENOENT);
	assert_text(p->err.hint, "./foo");
	assert_int_equal(image_remove(p->store_fd, "foo", &p->err), -ENOENT);
	assert_int_equal(image_open(p->store_fd, "FOO", &image, &p->err), -EINVAL);
}

static void a_second_import_replaces_the_first_under_who_runs_on_it(void **state)
{
	unsigned char before[16], after[16], still[16];
	struct place *p = *state;
	struct image old, new;

	write_tar("a.tar", "x", "one");
	import(p, "a", "a.tar");
	must_open(p, "a", &old);
	uuid_of(&old, before);
	write_tar("a.tar", "x", "two");
	import(p, "a", "a.tar");
	must_open(p, "a", &new);
	uuid_of(&new, after);
	uuid_of(&old, still);
	assert_memory_equal(before, still, 16);
	assert_memory_not_equal(before, after, 16);
	image_close(&old);
	image_close(&new);
	assert_int_equal(count_names("store/images", NULL), 1);
}

static void an_archive_comes_from_standard_input(void **state)
{
	struct place *p = *state;
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10), fd;
	struct image image;

	write_tar("a.tar", "x", "one");
	fd = open("a.tar", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	import(p, "a", "-");
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(fd);
	must_open(p, "a", &image);
	image_close(&image);
}

/* --- paths ------------------------------------------------------------------------------------ */

static void root_images_are_recognised_by_content_not_by_name(void **state)
{
	struct place *p = *state;
	unsigned char erofs[8192] = { 0 };
	struct image image;

	write_tar("a.tar", "x", "one");
	import(p, "a", "a.tar");
	assert_int_equal(rename("store/images/a:latest/root.ext4", "root.tar"), 0);
	must_open(p, "./root.tar", &image);
	assert_string_equal(image.type, "ext4");
	assert_string_equal(image.name, "./root.tar");
	assert_null(image.command);
	image_close(&image);

	memcpy(erofs + 1024, "\xe2\xe1\xf5\xe0", 4);
	erofs[1024 + 12] = 12;
	erofs[1024 + 36] = 2;
	write_file("some.file", erofs, sizeof(erofs));
	must_open(p, "./some.file", &image);
	assert_string_equal(image.type, "erofs");
	image_close(&image);
}

static void other_files_are_refused_by_what_they_are(void **state)
{
	struct place *p = *state;
	struct image image;

	write_tar("a.tar", "x", "one");
	assert_int_equal(image_open(p->store_fd, "./a.tar", &image, &p->err), -EINVAL);
	assert_text(p->err.text, "./a.tar is a tar archive, not a root image");
	assert_text(p->err.hint, "hillock image import NAME ./a.tar");
	write_file("text", "hello", 5);
	assert_int_equal(image_open(p->store_fd, "./text", &image, &p->err), -EINVAL);
	assert_text(p->err.text, "a file of an unknown kind");
	assert_int_equal(image_open(p->store_fd, "./none", &image, &p->err), -ENOENT);
	assert_text(p->err.text, "./none: No such file");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(image_open(p->store_fd, "./fifo", &image, &p->err), -EINVAL);

	import(&(struct place){ .store_fd = p->store_fd }, "a", "a.tar");
	assert_int_equal(rename("store/images/a:latest/root.ext4", "root"), 0);
	assert_int_equal(truncate("root", 50000), 0);
	assert_int_equal(image_open(p->store_fd, "./root", &image, &p->err), -EINVAL);
	assert_text(p->err.text, "cut off");
	assert_int_equal(image_import(p->store_fd, "b", "root", NULL, NULL, &p->err), -EINVAL);
	assert_text(p->err.text, "nothing to import");
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void a_bad_archive_leaves_the_old_image_and_nothing_else(void **state)
{
	struct place *p = *state;
	struct image image;

	write_tar("a.tar", "x", "one");
	import(p, "a", "a.tar");
	assert_int_equal(truncate("a.tar", 700), 0);
	assert_true(image_import(p->store_fd, "a", "a.tar", NULL, NULL, &p->err) < 0);
	assert_text(p->err.text, "importing a.tar: 'x': the archive cannot be read: Truncated");
	write_file("b.tar", "this is no archive", 18);
	p->err = ERR_INIT;
	assert_true(image_import(p->store_fd, "a", "b.tar", NULL, NULL, &p->err) < 0);
	assert_text(p->err.text, "b.tar is a file of an unknown kind, not an archive");
	write_tar("c.tar", "../x\033[2J", "one");
	assert_true(image_import(p->store_fd, "a", "c.tar", NULL, NULL, &p->err) < 0);
	assert_text(p->err.text, "'../x?[2J': a path with '..' in it");
	p->err = ERR_INIT;
	must_open(p, "a", &image);
	image_close(&image);
	assert_int_equal(count_names("store/images", NULL), 1);
}

static void a_file_that_cannot_grow_ends_the_import_cleanly(void **state)
{
	const size_t size = 2 << 20;
	struct place *p = *state;
	char *data = malloc(size);
	int status;
	pid_t pid;

	assert_non_null(data);
	memset(data, 'x', size);
	tar_header(data, "large", (unsigned)size - 512);
	write_file("a.tar", data, size);
	free(data);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = { 1 << 20, 1 << 20 };

		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(image_import(p->store_fd, "a", "a.tar", NULL, NULL, &p->err) == -EFBIG &&
				      strstr(p->err.text, "writing the image")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_names("store/images", NULL), 0);
}

static void a_maker_that_is_not_there_is_named(void **state)
{
	struct place *p = *state;
	char saved[4096];
	int rc;

	snprintf(saved, sizeof(saved), "%s", getenv("HILLOCK_LIBEXEC"));
	write_tar("a.tar", "x", "one");
	setenv("HILLOCK_LIBEXEC", p->top, 1);
	rc = image_import(p->store_fd, "a", "a.tar", NULL, NULL, &p->err);
	setenv("HILLOCK_LIBEXEC", saved, 1);
	assert_int_equal(rc, -ENOENT);
	assert_text(p->err.text, "hillock-mkimage");
	assert_int_equal(count_names("store/images", NULL), 0);
}

/* Starts an import of "a" from a pipe; returns the pipe's other end when the maker has begun. */
static int begin_endless_import(struct place *p, pid_t *pid)
{
	char block[65536];
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*pid = fork();
	if (*pid == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		image_import(p->store_fd, "a", "-", NULL, NULL, &p->err);
		_exit(1);
	}
	close(fds[0]);
	memset(block, 'x', sizeof(block));
	tar_header(block, "endless", 1u << 31);
	assert_int_equal(fd_write_full(fds[1], block, sizeof(block)), 0);
	memset(block, 'x', 512);
	/* Far more than a pipe and the maker's buffers hold: it is busy writing. */
	for (int i = 0; i < 64; i++)
		assert_int_equal(fd_write_full(fds[1], block, sizeof(block)), 0);
	return fds[1];
}

static void what_a_killed_import_left_is_removed_by_the_next(void **state)
{
	struct place *p = *state;
	struct image image;
	char block[65536] = { 0 };
	pid_t pid;
	int fd = begin_endless_import(p, &pid), rc;

	/* Another import leaves alone what is being made. */
	write_tar("a.tar", "x", "one");
	import(p, "b", "a.tar");
	assert_int_equal(count_names("store/images", ".new-"), 1);

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	signal(SIGPIPE, SIG_IGN);
	do /* the maker follows its parent: its end of the pipe is closed */
		rc = fd_write_full(fd, block, sizeof(block));
	while (rc == 0);
	assert_int_equal(rc, -EPIPE);
	close(fd);
	assert_int_equal(image_open(p->store_fd, "a", &image, &p->err), -ENOENT);
	assert_int_equal(count_names("store/images", ".new-"), 1);
	p->err = ERR_INIT;
	import(p, "a", "a.tar");
	assert_int_equal(count_names("store/images", ".new-"), 0);
	assert_int_equal(count_names("store/images", NULL), 2);
}

static void an_image_without_its_description_is_listed_and_can_be_removed(void **state)
{
	struct place *p = *state;
	struct image_entry *entries;
	struct image image;
	size_t count;

	write_tar("a.tar", "x", "one");
	import(p, "a", "a.tar");
	write_file("store/images/a:latest/image.json", "{", 1);
	assert_int_equal(image_open(p->store_fd, "a", &image, &p->err), -EBADMSG);
	assert_text(p->err.text, "the image 'a:latest': image.json");
	assert_int_equal(image_list(p->store_fd, &entries, &count, &p->err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(entries[0].type, "?");
	free(entries);
	assert_int_equal(image_remove(p->store_fd, "a", &p->err), 0);
	assert_int_equal(count_names("store/images", NULL), 0);
}

/* --- trees ------------------------------------------------------------------------------------ */

static void make_tree(void)
{
	assert_int_equal(mkdir("tree", 0755), 0);
	assert_int_equal(mkdir("tree/bin", 0755), 0);
	write_file("tree/bin/sh", "one", 3);
	assert_int_equal(symlink("sh", "tree/bin/ash"), 0);
}

/* Where images of ./tree lie. */
static void trees_place(char path[256])
{
	DIR *dir = opendir("store/images/.trees");
	struct dirent *ent;

	assert_non_null(dir);
	path[0] = '\0';
	while ((ent = readdir(dir)))
		if (ent->d_name[0] != '.')
			snprintf(path, 256, "store/images/.trees/%.100s", ent->d_name);
	closedir(dir);
	assert_true(path[0]);
}

static void a_tree_s_image_is_made_once_and_again_when_it_changed(void **state)
{
	struct place *p = *state;
	struct timespec times[2] = { { 5, 0 }, { 5, 0 } };
	struct image first, same, changed;
	char path[256];

	make_tree();
	must_open(p, "./tree", &first);
	assert_string_equal(first.type, "ext4");
	assert_string_equal(first.name, "./tree");
	must_open(p, "tree/../tree/", &same);
	assert_int_equal(inode_of(&first), inode_of(&same));
	trees_place(path);
	assert_int_equal(count_names(path, NULL), 3); /* lock, source and the image */

	write_file("tree/bin/sh", "two", 3);
	must_open(p, "./tree", &changed);
	assert_int_not_equal(inode_of(&first), inode_of(&changed));
	assert_int_equal(count_names(path, NULL), 3);
	image_close(&same);
	must_open(p, "./tree", &same);
	assert_int_equal(inode_of(&changed), inode_of(&same));
	image_close(&changed);

	assert_int_equal(utimensat(AT_FDCWD, "tree/bin", times, 0), 0);
	must_open(p, "./tree", &changed);
	assert_int_not_equal(inode_of(&same), inode_of(&changed));
	image_close(&first);
	image_close(&same);
	image_close(&changed);
}

static void fingerprint_of(const char *path, char text[2 * SHA256_SIZE + 1])
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree_state tree;
	struct err err = ERR_INIT;

	assert_int_equal(image_tree_fingerprint(fd, 0, 0, &tree, &err), 0);
	strcpy(text, tree.fingerprint);
}

static void every_change_changes_the_fingerprint(void **state)
{
	char was[2 * SHA256_SIZE + 1], is[2 * SHA256_SIZE + 1];

	make_tree();
	fingerprint_of("tree", was);
	fingerprint_of("tree", is);
	assert_string_equal(was, is);
#define CHANGE(what)                              \
	do {                                      \
		assert_int_equal(what, 0);        \
		fingerprint_of("tree", is);       \
		assert_string_not_equal(was, is); \
		strcpy(was, is);                  \
	} while (0)
	CHANGE(chmod("tree/bin/sh", 0755));
	CHANGE(link("tree/bin/sh", "tree/bin/other"));
	CHANGE(rename("tree/bin/other", "tree/bin/third"));
	CHANGE(unlink("tree/bin/third"));
	CHANGE(unlink("tree/bin/ash"));
	CHANGE(symlink("xx", "tree/bin/ash"));
	CHANGE(truncate("tree/bin/sh", 1));
	CHANGE(mkdir("tree/empty", 0700));
	CHANGE(chmod("tree", 0700));
#undef CHANGE
}

static void images_of_trees_that_are_gone_are_removed(void **state)
{
	struct place *p = *state;
	struct image image;

	make_tree();
	must_open(p, "./tree", &image);
	image_close(&image);
	assert_int_equal(count_names("store/images/.trees", NULL), 1);
	assert_int_equal(rename("tree", "moved"), 0);
	must_open(p, "./moved", &image);
	image_close(&image);
	assert_int_equal(count_names("store/images/.trees", NULL), 1);
}

static void a_store_inside_the_tree_is_left_out(void **state)
{
	struct place *p = *state;
	struct image first, second;

	make_tree();
	must_open(p, ".", &first);
	must_open(p, ".", &second);
	assert_int_equal(inode_of(&first), inode_of(&second));
	image_close(&first);
	image_close(&second);
}

static void many_at_once_make_a_tree_s_image_once(void **state)
{
	enum { MANY = 6 };
	struct place *p = *state;
	ino_t inodes[MANY];
	char path[256];
	pid_t pids[MANY];
	int go[2], out[2], status;

	make_tree();
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "tree/bin/%d", i);
		write_file(path, path, strlen(path));
	}
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	for (int i = 0; i < MANY; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct image image;
			struct stat st;
			char c;

			close(go[1]);
			if (read(go[0], &c, 1) != 0 || /* all start when the pipe is closed */
			    image_open(p->store_fd, "./tree", &image, &p->err) < 0 ||
			    fstat(image.root_fd, &st) < 0)
				_exit(1);
			_exit(write(out[1], &st.st_ino, sizeof(st.st_ino)) != sizeof(st.st_ino));
		}
	}
	close(go[1]);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(read(out[0], inodes, sizeof(inodes)), sizeof(inodes));
	for (int i = 1; i < MANY; i++)
		assert_int_equal(inodes[i], inodes[0]);
	trees_place(path);
	assert_int_equal(count_names(path, NULL), 3);
	close(go[0]);
	close(out[0]);
	close(out[1]);
}

static void a_file_that_may_not_be_read_is_named(void **state)
{
	struct place *p = *state;
	struct image image;
	char path[256];

	make_tree();
	write_file("tree/bin/secret", "x", 1);
	assert_int_equal(chmod("tree/bin/secret", 0), 0);
	if (access("tree/bin/secret", R_OK) == 0)
		skip(); /* root may read everything */
	assert_int_equal(image_open(p->store_fd, "./tree", &image, &p->err), -EACCES);
	assert_text(p->err.text, "./tree: bin/secret: opening: Permission denied");
	assert_text(p->err.hint, "tar -C DIR");
	trees_place(path);
	assert_int_equal(count_names(path, NULL), 2); /* lock and source */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_begin, place_end)
	const struct CMUnitTest tests[] = {
		TEST(what_is_imported_can_be_opened_listed_and_removed),
		TEST(an_empty_store_says_so),
		TEST(a_second_import_replaces_the_first_under_who_runs_on_it),
		TEST(an_archive_comes_from_standard_input),
		TEST(root_images_are_recognised_by_content_not_by_name),
		TEST(other_files_are_refused_by_what_they_are),
		TEST(a_bad_archive_leaves_the_old_image_and_nothing_else),
		TEST(a_file_that_cannot_grow_ends_the_import_cleanly),
		TEST(a_maker_that_is_not_there_is_named),
		TEST(what_a_killed_import_left_is_removed_by_the_next),
		TEST(an_image_without_its_description_is_listed_and_can_be_removed),
		TEST(a_tree_s_image_is_made_once_and_again_when_it_changed),
		TEST(every_change_changes_the_fingerprint),
		TEST(images_of_trees_that_are_gone_are_removed),
		TEST(a_store_inside_the_tree_is_left_out),
		TEST(many_at_once_make_a_tree_s_image_once),
		TEST(a_file_that_may_not_be_read_is_named),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
