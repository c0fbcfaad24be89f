// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock-unpack ROOT.ext4 DIRECTORY: a root image's file tree as a directory, for peers.
 *
 * Theory of operation
 * -------------------
 * Runtimes without a kernel of their own need a directory. debugfs could write one, but it makes a
 * copy of each name of a file, and of a busybox image that is a gigabyte; so this one keeps hard
 * links, and needs no privilege either: for root owners and devices come along, for others all
 * belongs to them and there are no devices.
 *
 * Everything is created anew below an empty directory, never opened: an image that has one name
 * twice, as a link and as a directory, ends the program instead of leading it out of there.
 */
#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

#define PIECE (256 * 1024)

/* A file with several names, and the one that it was written under. */
struct linked {
	ext2_ino_t ino;
	char *path;
};

struct unpack {
	ext2_filsys fs;
	int top;             /* the directory */
	char path[PATH_MAX]; /* of what is being written, relative to it */
	struct linked *linked;
	size_t linked_count;
	struct err err;
};

static int tree_write(struct unpack *u, ext2_ino_t dir);

static int fail_fs(struct unpack *u, errcode_t code, const char *what)
{
	return err_set(&u->err, EIO, "cannot read %s of /%s: %s", what, u->path,
		       error_message(code));
}

static int fail(struct unpack *u, const char *what)
{
	return err_sys(&u->err, errno, "cannot %s /%s", what, u->path);
}

/* --- files ----------------------------------------------------------------------------------- */

/* Whole pieces of zeros become holes. */
static int piece_write(int fd, const char *data, size_t size, off_t at)
{
	size_t zeros = 0;

	while (zeros < size && !data[zeros])
		zeros++;
	if (zeros == size)
		return 0;
	if (lseek(fd, at, SEEK_SET) < 0)
		return -errno;
	return fd_write_full(fd, data, size);
}

static int content_write(struct unpack *u, ext2_file_t file, int fd, uint64_t size)
{
	cleanup_free char *data = malloc(PIECE);
	uint64_t at = 0;

	if (!data)
		return err_sys(&u->err, ENOMEM, "cannot write /%s", u->path);
	while (at < size) {
		unsigned got = 0;
		errcode_t code = ext2fs_file_read(file, data, PIECE, &got);
		int ret;

		if (code || !got)
			return fail_fs(u, code ? code : EXT2_ET_SHORT_READ, "the content");
		ret = piece_write(fd, data, got, (off_t)at);
		if (ret)
			return err_sys(&u->err, -ret, "cannot write /%s", u->path);
		at += got;
	}
	return ftruncate(fd, (off_t)size) < 0 ? fail(u, "write") : 0;
}

static int file_write(struct unpack *u, ext2_ino_t ino, struct ext2_inode *inode)
{
	cleanup_close int fd =
		openat(u->top, u->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ext2_file_t file;
	errcode_t code;
	int ret;

	if (fd < 0)
		return fail(u, "create");
	code = ext2fs_file_open2(u->fs, ino, inode, 0, &file);
	if (code)
		return fail_fs(u, code, "the content");
	ret = content_write(u, file, fd, EXT2_I_SIZE(inode));
	ext2fs_file_close(file);
	return ret;
}

/* Short targets lie in the inode itself. */
static int symlink_write(struct unpack *u, ext2_ino_t ino, struct ext2_inode *inode)
{
	char target[PATH_MAX] = "";
	unsigned got = 0;
	ext2_file_t file;
	errcode_t code;

	if (EXT2_I_SIZE(inode) >= sizeof(target))
		return err_set(&u->err, ENAMETOOLONG, "the target of /%s is too long", u->path);
	if (ext2fs_is_fast_symlink(inode)) {
		if (EXT2_I_SIZE(inode) > sizeof(inode->i_block))
			return fail_fs(u, EXT2_ET_SHORT_READ, "the target");
		memcpy(target, inode->i_block, EXT2_I_SIZE(inode));
	} else {
		code = ext2fs_file_open2(u->fs, ino, inode, 0, &file);
		if (!code) {
			code = ext2fs_file_read(file, target, (unsigned)EXT2_I_SIZE(inode), &got);
			ext2fs_file_close(file);
		}
		if (code)
			return fail_fs(u, code, "the target");
	}
	return symlinkat(target, u->top, u->path) < 0 ? fail(u, "create") : 0;
}

/* Devices, pipes, sockets: as root only, and what cannot be made is left out. */
static int node_write(struct unpack *u, const struct ext2_inode *inode)
{
	dev_t device = makedev((inode->i_block[0] >> 8) & 0xff, inode->i_block[0] & 0xff);

	if (!inode->i_block[0])
		device =
			makedev((inode->i_block[1] >> 8) & 0xfff,
				(inode->i_block[1] & 0xff) | ((inode->i_block[1] >> 12) & 0xfff00));
	if (!geteuid() && mknodat(u->top, u->path, inode->i_mode & LINUX_S_IFMT, device) < 0)
		return fail(u, "create");
	return geteuid() ? -ENOTSUP : 0;
}

/* --- names ----------------------------------------------------------------------------------- */

/* 1: it was written under another name, and is now linked. */
static int link_write(struct unpack *u, ext2_ino_t ino)
{
	struct linked *more;

	for (size_t i = 0; i < u->linked_count; i++) {
		if (u->linked[i].ino != ino)
			continue;
		if (linkat(u->top, u->linked[i].path, u->top, u->path, 0) < 0)
			return fail(u, "link");
		return 1;
	}
	more = reallocarray(u->linked, u->linked_count + 1, sizeof(*more));
	if (!more)
		return err_sys(&u->err, ENOMEM, "cannot write /%s", u->path);
	u->linked = more;
	more[u->linked_count].ino = ino;
	more[u->linked_count].path = strdup(u->path);
	if (!more[u->linked_count].path)
		return err_sys(&u->err, ENOMEM, "cannot write /%s", u->path);
	u->linked_count++;
	return 0;
}

static int owner_write(struct unpack *u, const struct ext2_inode *inode)
{
	if (!geteuid() && fchownat(u->top, u->path, inode_uid(*inode), inode_gid(*inode),
				   AT_SYMLINK_NOFOLLOW) < 0)
		return fail(u, "change the owner of");
	/* An owner that is not root must be able to remove it again. */
	if (!LINUX_S_ISLNK(inode->i_mode) &&
	    fchmodat(u->top, u->path, (inode->i_mode & 07777) | (geteuid() ? 0600 : 0), 0) < 0)
		return fail(u, "change the mode of");
	return 0;
}

static int inode_write(struct unpack *u, ext2_ino_t ino, struct ext2_inode *inode)
{
	if (LINUX_S_ISDIR(inode->i_mode)) {
		if (mkdirat(u->top, u->path, 0700) < 0)
			return fail(u, "create");
		return tree_write(u, ino);
	}
	if (LINUX_S_ISREG(inode->i_mode))
		return file_write(u, ino, inode);
	if (LINUX_S_ISLNK(inode->i_mode))
		return symlink_write(u, ino, inode);
	return node_write(u, inode);
}

static int entry_write(struct unpack *u, ext2_ino_t ino)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(u->fs, ino, &inode);
	int ret;

	if (code)
		return fail_fs(u, code, "the inode");
	if (!LINUX_S_ISDIR(inode.i_mode) && inode.i_links_count > 1) {
		ret = link_write(u, ino);
		if (ret)
			return ret < 0 ? ret : 0;
	}
	ret = inode_write(u, ino, &inode);
	if (ret == -ENOTSUP)
		return 0;
	return ret ? ret : owner_write(u, &inode);
}

static int each_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset,
		      int blocksize, char *buf, void *data)
{
	struct unpack *u = data;
	size_t before = strlen(u->path), length = (size_t)ext2fs_dirent_name_len(dirent);
	int ret;

	if (entry == DIRENT_DOT_FILE || entry == DIRENT_DOT_DOT_FILE)
		return 0;
	if (!length || memchr(dirent->name, '/', length) || memchr(dirent->name, 0, length) ||
	    (length <= 2 && !memcmp(dirent->name, "..", length)) ||
	    before + length + 2 > sizeof(u->path)) {
		err_set(&u->err, EINVAL, "/%s holds a name that cannot be", u->path);
		return DIRENT_ABORT;
	}
	snprintf(u->path + before, sizeof(u->path) - before, "%s%.*s", before ? "/" : "",
		 (int)length, dirent->name);
	ret = entry_write(u, dirent->inode);
	u->path[before] = 0;
	return ret ? DIRENT_ABORT : 0;
}

static int tree_write(struct unpack *u, ext2_ino_t dir)
{
	errcode_t code = ext2fs_dir_iterate2(u->fs, dir, 0, NULL, each_entry, u);

	if (u->err.code)
		return -u->err.code;
	return code ? fail_fs(u, code, "the names") : 0;
}

static int unpack(const char *image, const char *directory, struct err *err)
{
	struct unpack u = { .top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	errcode_t code;
	int ret;

	if (u.top < 0)
		return err_sys(err, errno, "cannot open %s", directory);
	code = ext2fs_open(image, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &u.fs);
	if (code) {
		fd_close(&u.top);
		return err_set(err, EIO, "cannot read %s: %s", image, error_message(code));
	}
	ret = tree_write(&u, EXT2_ROOT_INO);
	*err = u.err;
	ext2fs_close(u.fs);
	for (size_t i = 0; i < u.linked_count; i++)
		free(u.linked[i].path);
	free(u.linked);
	fd_close(&u.top);
	return ret;
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (argc != 3) {
		fputs("Usage: hillock-unpack ROOT.ext4 DIRECTORY\n"
		      "Writes the file tree of a root image into an empty directory.\n",
		      stderr);
		return 2;
	}
	umask(0);
	initialize_ext2_error_table();
	if (!unpack(argv[1], argv[2], &err))
		return 0;
	fprintf(stderr, "hillock-unpack: %s\n", err.text);
	return 1;
}
