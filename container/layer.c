// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The private writable layer on disk: a sparse file with an empty ext4 in it.
 *
 * Theory of operation
 * -------------------
 * mke2fs takes some 20 ms, a container starts in as many. So it runs once per size, into
 * `layers/` of the store, with everything left out that only a disk that lives long needs (no
 * journal, no backups, no room reserved to grow). What is then not a hole is about a hundred KiB,
 * and a layer is a copy of that: 0.1 ms. Where the store's file system can share blocks, the copy
 * is one call.
 *
 * mke2fs discards by default, so it knows the inode tables to be zero and says so in the file
 * system: otherwise the guest would fill them with zeros in the background, as many as there are.
 * Small group descriptors (no 64bit) keep those of 16 GiB in one block, read at mount.
 */
#include "container/room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

extern char **environ;

#define FEATURES                                                                                   \
	"^has_journal,^resize_inode,^metadata_csum,^64bit,extent,flex_bg,sparse_super2,uninit_bg," \
	"dir_index,filetype,extra_isize,huge_file,dir_nlink,large_file"
#define EXTENDED "num_backup_sb=0,packed_meta_blocks=1,root_owner=0:0"
/* Changes with what is in a template, so that those of an older program are not taken. */
#define TEMPLATE "layers/ext4-1-%" PRIu64

/* Runs mke2fs on `path`. Its own words go nowhere: its status says enough. */
static int run_mke2fs(const char *path, struct err *err)
{
	static const char *const places[] = { "/sbin/mke2fs", "/usr/sbin/mke2fs", "mke2fs" };
	char *argv[] = { (char *)"mke2fs", (char *)"-q",     (char *)"-F",
			 (char *)"-t",     (char *)"ext4",   (char *)"-b",
			 (char *)"4096",   (char *)"-m",     (char *)"0",
			 (char *)"-O",     (char *)FEATURES, (char *)"-E",
			 (char *)EXTENDED, (char *)path,     NULL };
	posix_spawn_file_actions_t actions;
	int rc = ENOENT, status = 0;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd <= 2; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && rc == ENOENT; i++)
		rc = posix_spawnp(&pid, places[i], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc != 0) {
		err_sys(err, rc, "running mke2fs, which makes writable layers");
		err_hint(err, "install e2fsprogs, or use --storage-opt layer=memory");
		return -rc;
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "waiting for mke2fs");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, EIO, "mke2fs failed on %s (is the disk full?)", path);
	return 0;
}

/* Makes the template beside its name and renames it: it is there whole or not at all. */
static int make_template(const struct container_store *store, const char *name, uint64_t size,
			 struct err *err)
{
	cleanup_free char *path = NULL;
	cleanup_close int fd = -1;
	char fresh[96];
	int rc;

	if (mkdirat(store->fd, "layers", 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "making %s/layers", store->path);
	snprintf(fresh, sizeof(fresh), "layers/.new-%d", (int)getpid());
	fd = openat(store->fd, fresh, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return err_sys(err, errno, "making %s/%s", store->path, fresh);
	/* The name in the store is what mke2fs can open: our descriptors end with exec. */
	if (asprintf(&path, "/proc/%d/fd/%d", (int)getpid(), fd) < 0)
		return err_sys(err, ENOMEM, "making a layer");
	rc = run_mke2fs(path, err);
	if (rc == 0 && renameat(store->fd, fresh, store->fd, name) < 0)
		rc = err_sys(err, errno, "making %s/%s", store->path, name);
	if (rc < 0)
		unlinkat(store->fd, fresh, 0);
	return rc;
}

/* Copies what is not a hole. */
static int copy_data(int from, int to, uint64_t size)
{
	off_t at = 0, hole;

	if (ftruncate(to, (off_t)size) < 0)
		return -errno;
	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		hole = lseek(from, at, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		while (at < hole) {
			off_t in = at, out = at;
			ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(hole - at), 0);

			if (n <= 0)
				return n < 0 ? -errno : -EIO;
			at += n;
		}
	}
	return errno == ENXIO ? 0 : -errno;
}

int layer_create(const struct container_store *store, int dir_fd, uint64_t size, struct err *err)
{
	cleanup_close int from = -1, to = -1;
	char name[64];
	int rc;

	snprintf(name, sizeof(name), TEMPLATE, size);
	from = openat(store->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 && errno == ENOENT) {
		rc = make_template(store, name, size, err);
		if (rc < 0)
			return rc;
		from = openat(store->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (from < 0)
		return err_sys(err, errno, "opening %s/%s", store->path, name);
	to = openat(dir_fd, "layer.img", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(err, errno, "making the writable layer");
	if (ioctl(to, FICLONE, from) == 0)
		return fd_steal(&to);
	rc = copy_data(from, to, size);
	if (rc < 0)
		return err_sys(err, -rc, "making the writable layer in %s", store->path);
	return fd_steal(&to);
}
