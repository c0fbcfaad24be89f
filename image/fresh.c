// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images that are not complete yet.
 *
 * Theory of operation
 * -------------------
 * An image in the making is a directory `.new-RANDOM` with a `root.ext4` that its maker has
 * locked. The lock goes with the maker however it ends, so a directory with this prefix whose file
 * is not locked, or is not there, is nobody's, and may be removed. A maker that loses its
 * directory to a cleaner in the moment before it has the lock notices and takes another one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/room.h"

#define PREFIX ".new-"
#define ROOT "root.ext4"
#define TRIES 16

static int random_name(char name[32])
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -errno;
	snprintf(name, 32, PREFIX "%016llx", (unsigned long long)number);
	return 0;
}

/* Removes the directory unless somebody is making it. */
static void remove_stale(int parent_fd, const char *name)
{
	char path[280];
	cleanup_close int fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/" ROOT, name) >= sizeof(path))
		return;
	fd = openat(parent_fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	fd_remove_tree(parent_fd, name, NULL);
}

static void clean(int parent_fd)
{
	cleanup_close int fd = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *ent;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	fd_steal(&fd);
	while ((ent = readdir(dir)))
		if (!strncmp(ent->d_name, PREFIX, strlen(PREFIX)))
			remove_stale(parent_fd, ent->d_name);
	closedir(dir);
}

/* -EAGAIN when a cleaner was faster. */
static int try_begin(struct image_fresh *fresh)
{
	struct stat st;
	int rc = random_name(fresh->name);

	if (rc < 0)
		return rc;
	if (mkdirat(fresh->parent_fd, fresh->name, 0700) < 0)
		return errno == EEXIST ? -EAGAIN : -errno;
	fresh->dir_fd = openat(fresh->parent_fd, fresh->name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fresh->dir_fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	fresh->root_fd = openat(fresh->dir_fd, ROOT, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fresh->root_fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (flock(fresh->root_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (fstat(fresh->root_fd, &st) < 0)
		return -errno;
	return st.st_nlink ? 0 : -EAGAIN;
}

int image_fresh_begin(int parent_fd, struct image_fresh *fresh, struct err *err)
{
	int rc = -EAGAIN;

	clean(parent_fd);
	for (int i = 0; rc == -EAGAIN && i < TRIES; i++) {
		*fresh = IMAGE_FRESH_INIT;
		fresh->parent_fd = parent_fd;
		rc = try_begin(fresh);
		if (rc < 0)
			image_fresh_end(fresh);
	}
	return rc < 0 ? err_sys(err, -rc, "making a directory for the image") : 0;
}

void image_fresh_end(struct image_fresh *fresh)
{
	if (fresh->name[0])
		fd_remove_tree(fresh->parent_fd, fresh->name, NULL);
	fd_close(&fresh->root_fd);
	fd_close(&fresh->dir_fd);
	*fresh = IMAGE_FRESH_INIT;
}

/* Swaps, or where a file system cannot do that, moves the old one out of the way first. */
static int replace(int parent_fd, const char *from, const char *to)
{
	char aside[32];
	int rc;

	if (renameat2(parent_fd, from, parent_fd, to, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	rc = random_name(aside);
	if (rc < 0)
		return rc;
	if (renameat(parent_fd, to, parent_fd, aside) < 0 && errno != ENOENT)
		return -errno;
	if (renameat(parent_fd, from, parent_fd, to) < 0)
		return -errno;
	fd_remove_tree(parent_fd, aside, NULL);
	return 0;
}

int image_fresh_commit(struct image_fresh *fresh, const char *name, struct err *err)
{
	int rc = -EEXIST;

	if (fsync(fresh->root_fd) < 0)
		return err_sys(err, errno, "writing the image");
	for (int i = 0; (rc == -EEXIST || rc == -ENOENT) && i < TRIES; i++) {
		/* A directory is only renamed over an empty one, and there are none of those. */
		if (renameat(fresh->parent_fd, fresh->name, fresh->parent_fd, name) == 0) {
			fresh->name[0] = '\0';
			return 0;
		}
		rc = errno == ENOTEMPTY ? -EEXIST : -errno;
		if (rc == -EEXIST)
			rc = replace(fresh->parent_fd, fresh->name, name);
		if (rc == 0)
			return 0; /* the old one now has this name: image_fresh_end() removes it */
	}
	return err_sys(err, -rc, "giving the image its name");
}

int image_dir_remove(int parent_fd, const char *name, struct err *err)
{
	char aside[32];
	int rc = random_name(aside);

	if (rc == 0 && renameat(parent_fd, name, parent_fd, aside) < 0)
		rc = -errno;
	return rc < 0 ? err_sys(err, -rc, "removing '%s'", name)
		      : fd_remove_tree(parent_fd, aside, err);
}
