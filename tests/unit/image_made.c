// SPDX-License-Identifier: GPL-2.0-or-later
/* Images made for a test; what is offered stands in image_made.h. */
#include "image_made.h"

#include <archive.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/mkimage/tar.h"

/* --- a tar archive in memory ----------------------------------------------------------------- */

#define ARCHIVE_MAX (64u << 20)

void tar_begin(struct tar *tar)
{
	tar->data = malloc(ARCHIVE_MAX);
	tar->size = 0;
	tar->writer = archive_write_new();
	tar->entry = archive_entry_new();
	assert_non_null(tar->data);
	assert_int_equal(archive_write_set_format_pax(tar->writer), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(tar->writer, tar->data, ARCHIVE_MAX, &tar->size),
			 ARCHIVE_OK);
}

struct archive_entry *tar_next(struct tar *tar, const char *name, unsigned mode)
{
	archive_entry_clear(tar->entry);
	archive_entry_set_pathname(tar->entry, name);
	archive_entry_set_mode(tar->entry, mode);
	archive_entry_set_mtime(tar->entry, 1000000000, 123456789);
	return tar->entry;
}

void tar_put(struct tar *tar, const void *content, size_t size)
{
	if (size)
		archive_entry_set_size(tar->entry, (la_int64_t)size);
	/* A warning: the name is no UTF-8, and goes in as it is. */
	assert_true(archive_write_header(tar->writer, tar->entry) >= ARCHIVE_WARN);
	if (size)
		assert_int_equal(archive_write_data(tar->writer, content, size), size);
}

void tar_file(struct tar *tar, const char *name, const char *content)
{
	tar_next(tar, name, S_IFREG | 0644);
	tar_put(tar, content, strlen(content));
}

void tar_end(struct tar *tar)
{
	archive_entry_free(tar->entry);
	assert_int_equal(archive_write_close(tar->writer), ARCHIVE_OK);
	archive_write_free(tar->writer);
}

/* --- an image -------------------------------------------------------------------------------- */

void made_begin(struct made *made)
{
	memset(made, 0, sizeof(*made));
	strcpy(made->path, "/tmp/hillock-image-test.XXXXXX");
	made->fd = mkostemp(made->path, O_CLOEXEC);
	assert_true(made->fd >= 0);
	assert_int_equal(fs_tree_init(&made->tree, made->fd, &made->err), 0);
}

static int e2fsck(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
		execlp("e2fsck", "e2fsck", "-fn", path, NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void made_open(struct made *made)
{
	struct stat st;

	assert_string_equal(made->err.text, "");
	assert_int_equal(made->rc, 0);
	made->rc = ext4_finish(&made->tree, &made->result, &made->err);
	assert_string_equal(made->err.text, "");
	assert_int_equal(made->rc, 0);
	assert_int_equal(fstat(made->fd, &st), 0);
	assert_int_equal(st.st_size, made->result.blocks * FS_BLOCK);
	assert_int_equal(e2fsck(made->path), 0);
	assert_int_equal(
		ext2fs_open(made->path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &made->fs), 0);
}

void made_end(struct made *made)
{
	if (made->fs)
		ext2fs_close_free(&made->fs);
	fs_tree_free(&made->tree);
	close(made->fd);
	unlink(made->path);
}

static void read_tar(struct made *made, struct tar *tar)
{
	struct archive *archive = tar_open();

	tar_end(tar);
	made_begin(made);
	made->rc = tar_read_memory(&made->tree, archive, tar->data, tar->size, &made->err);
	archive_read_free(archive);
	free(tar->data);
}

void make_tar(struct made *made, struct tar *tar)
{
	read_tar(made, tar);
	made_open(made);
}

void refuse_tar(struct tar *tar, const char *text)
{
	struct made made;

	read_tar(&made, tar);
	if (made.rc == 0)
		made.rc = ext4_finish(&made.tree, &made.result, &made.err);
	assert_true(made.rc < 0);
	if (!strstr(made.err.text, text))
		fail_msg("'%s' says nothing of '%s'", made.err.text, text);
	made_end(&made);
}

ext2_ino_t find(struct made *made, const char *path)
{
	ext2_ino_t number = 0;

	if (ext2fs_namei_follow(made->fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path, &number))
		return 0;
	return number;
}

struct ext2_inode_large look(struct made *made, const char *path)
{
	struct ext2_inode_large inode = { 0 };
	ext2_ino_t number = find(made, path);

	if (!number)
		fail_msg("%s is not in the image", path);
	assert_int_equal(ext2fs_read_inode_full(made->fs, number, (struct ext2_inode *)&inode,
						sizeof(inode)),
			 0);
	return inode;
}

char *content(struct made *made, const char *path, size_t *size)
{
	struct ext2_inode_large inode = look(made, path);
	ext2_file_t file;
	unsigned got;
	char *data;

	*size = EXT2_I_SIZE(&inode);
	data = calloc(1, *size + 1);
	assert_non_null(data);
	assert_int_equal(ext2fs_file_open(made->fs, find(made, path), 0, &file), 0);
	assert_int_equal(ext2fs_file_read(file, data, (unsigned)*size, &got), 0);
	assert_int_equal(got, *size);
	ext2fs_file_close(file);
	return data;
}

void assert_content(struct made *made, const char *path, const char *text)
{
	size_t size;
	char *data = content(made, path, &size);

	assert_string_equal(data, text);
	assert_int_equal(size, strlen(text));
	free(data);
}

void assert_xattr(struct made *made, const char *path, const char *name, const void *value,
		  size_t size)
{
	struct ext2_xattr_handle *handle;
	size_t got_size = 0;
	void *got = NULL;

	assert_int_equal(ext2fs_xattrs_open(made->fs, find(made, path), &handle), 0);
	assert_int_equal(ext2fs_xattrs_read(handle), 0);
	assert_int_equal(ext2fs_xattr_get(handle, name, &got, &got_size), 0);
	assert_int_equal(got_size, size);
	assert_memory_equal(got, value, size);
	ext2fs_free_mem(&got);
	ext2fs_xattrs_close(&handle);
}

size_t xattr_count(struct made *made, const char *path)
{
	struct ext2_xattr_handle *handle;
	size_t count;

	assert_int_equal(ext2fs_xattrs_open(made->fs, find(made, path), &handle), 0);
	assert_int_equal(ext2fs_xattrs_read(handle), 0);
	assert_int_equal(ext2fs_xattrs_count(handle, &count), 0);
	ext2fs_xattrs_close(&handle);
	return count;
}
