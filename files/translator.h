/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translators: what serves a file tree.
 *
 * Theory of operation
 * -------------------
 * The file server (files.h) speaks FUSE with a private kernel and turns each request into one
 * call of a translator's operation. A translator knows nodes by numbers of its own choice (the
 * root is 1) and open files by handles of its own choice. It is called by one thread, one call at
 * a time, and answers each before the next.
 *
 * Every operation returns 0 (or a useful non-negative value) or -errno, which reaches the guest's
 * program as it is. One that is NULL answers -ENOSYS, after which the guest's kernel does without
 * it where it can. The guest's kernel has checked permissions by the modes and owners that the
 * translator told; the translator checks only what its own rights demand.
 *
 * Names are single components: never empty, ".", "..", longer than 255 bytes, or with a "/".
 * Node numbers, handles, offsets and flags come from a guest that may lie: an unknown node or
 * handle is -ESTALE or -EBADF, never a fault.
 *
 * Lookups are counted: each successful lookup(), mknod(), mkdir(), symlink(), link(), create(),
 * tmpfile() and each directory entry that was added with its node counts one on the node that it
 * returned, until forget() takes them back. A number may be used for another node once nothing
 * counts on it, then with another generation. A translator whose nodes never change may ignore
 * all that.
 *
 * Restart. Where the server can be killed and started again, `again` says that this very call may
 * already have been carried out, in whole, in part or not at all, by a predecessor. An operation
 * that would answer differently the second time (making, removing, renaming, appending) first
 * writes down what it found with translator_note(), and judges by that the second time.
 */
#ifndef HILLOCK_FILES_TRANSLATOR_H
#define HILLOCK_FILES_TRANSLATOR_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

#define TRANSLATOR_ROOT 1
#define TRANSLATOR_NO_HANDLE UINT64_MAX
#define TRANSLATOR_NAME_MAX 255

/* Attributes are a struct statx; of it, all of STATX_BASIC_STATS has to be right, and
 * STATX_BTIME where stx_mask says so. */
struct translator_entry {
	uint64_t node, generation;
	struct statx attr;
};

/* setattr(): which attributes, and their values. */
#define TRANSLATOR_SET_MODE (1u << 0)
#define TRANSLATOR_SET_UID (1u << 1)
#define TRANSLATOR_SET_GID (1u << 2)
#define TRANSLATOR_SET_SIZE (1u << 3)
#define TRANSLATOR_SET_ATIME (1u << 4) /* tv_nsec may be UTIME_NOW */
#define TRANSLATOR_SET_MTIME (1u << 5)
#define TRANSLATOR_SET_KILL_SUID (1u << 6) /* what a write by another than root takes away */

struct translator_set {
	uint32_t what;
	uint32_t mode;
	uint32_t uid, gid;
	uint64_t size;
	struct timespec atime, mtime;
};

/* write() and open() flags beside those of open(2). */
#define TRANSLATOR_KILL_SUID (1u << 30)

struct translator_dirents; /* where readdir() puts its entries */

struct translator_note {
	uint32_t count;
	uint64_t words[6];
};

struct translator {
	const struct translator_ops *ops;
	void *own;
	uint32_t uid, gid; /* who asks, in the guest's own terms */
	int again;
	struct translator_note *note;
};

struct translator_ops {
	const char *name;

	int (*lookup)(struct translator *t, uint64_t parent, const char *name,
		      struct translator_entry *entry);
	void (*forget)(struct translator *t, uint64_t node, uint64_t count);
	/* `handle` may be TRANSLATOR_NO_HANDLE. */
	int (*getattr)(struct translator *t, uint64_t node, uint64_t handle, struct statx *attr);
	int (*setattr)(struct translator *t, uint64_t node, uint64_t handle,
		       const struct translator_set *set, struct statx *attr);
	/* Returns the target's length, at most `size`; no NUL. */
	ssize_t (*readlink)(struct translator *t, uint64_t node, char *target, size_t size);

	int (*mknod)(struct translator *t, uint64_t parent, const char *name, mode_t mode,
		     dev_t device, struct translator_entry *entry);
	int (*mkdir)(struct translator *t, uint64_t parent, const char *name, mode_t mode,
		     struct translator_entry *entry);
	int (*symlink)(struct translator *t, uint64_t parent, const char *name, const char *target,
		       struct translator_entry *entry);
	int (*link)(struct translator *t, uint64_t node, uint64_t parent, const char *name,
		    struct translator_entry *entry);
	int (*unlink)(struct translator *t, uint64_t parent, const char *name);
	int (*rmdir)(struct translator *t, uint64_t parent, const char *name);
	/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT */
	int (*rename)(struct translator *t, uint64_t parent, const char *name, uint64_t to_parent,
		      const char *to_name, unsigned int flags);

	/* flags: O_ACCMODE, O_TRUNC, O_APPEND, O_DIRECT, O_SYNC and the like, with O_EXCL for
	 * create() */
	int (*open)(struct translator *t, uint64_t node, int flags, uint64_t *handle);
	int (*create)(struct translator *t, uint64_t parent, const char *name, mode_t mode,
		      int flags, struct translator_entry *entry, uint64_t *handle);
	int (*tmpfile)(struct translator *t, uint64_t parent, mode_t mode, int flags,
		       struct translator_entry *entry, uint64_t *handle);
	void (*release)(struct translator *t, uint64_t node, uint64_t handle);
	/* Straight from and to guest memory. Returns the number of bytes. */
	ssize_t (*read)(struct translator *t, uint64_t node, uint64_t handle,
			const struct iovec *iov, size_t count, off_t offset);
	ssize_t (*write)(struct translator *t, uint64_t node, uint64_t handle,
			 const struct iovec *iov, size_t count, off_t offset, int flags);
	int (*flush)(struct translator *t, uint64_t node, uint64_t handle);
	int (*fsync)(struct translator *t, uint64_t node, uint64_t handle, int data_only);
	off_t (*lseek)(struct translator *t, uint64_t node, uint64_t handle, off_t offset,
		       int whence);
	int (*fallocate)(struct translator *t, uint64_t node, uint64_t handle, int mode,
			 off_t offset, off_t length);
	ssize_t (*copy)(struct translator *t, uint64_t node_in, uint64_t handle_in, off_t from,
			uint64_t node_out, uint64_t handle_out, off_t to, size_t length);

	int (*opendir)(struct translator *t, uint64_t node, uint64_t *handle);
	/* Adds entries from the one that `offset` (0 at first) stands for until there are no more
	 * or translator_dirent_fits() says 0. `plus`: with their nodes. */
	int (*readdir)(struct translator *t, uint64_t node, uint64_t handle, uint64_t offset,
		       int plus, struct translator_dirents *to);
	void (*releasedir)(struct translator *t, uint64_t node, uint64_t handle);
	int (*fsyncdir)(struct translator *t, uint64_t node, uint64_t handle, int data_only);

	/* Size 0: returns how long it is. */
	ssize_t (*getxattr)(struct translator *t, uint64_t node, const char *name, void *value,
			    size_t size);
	ssize_t (*listxattr)(struct translator *t, uint64_t node, char *names, size_t size);
	int (*setxattr)(struct translator *t, uint64_t node, const char *name, const void *value,
			size_t size, int flags);
	int (*removexattr)(struct translator *t, uint64_t node, const char *name);

	int (*statfs)(struct translator *t, uint64_t node, struct statvfs *st);
	int (*syncfs)(struct translator *t);
	/* The guest has let go of everything. */
	void (*reset)(struct translator *t);
};

/* Is there room for an entry with a name of this length? */
int translator_dirent_fits(const struct translator_dirents *to, size_t name_length);
/* `type` as in a struct dirent. `next`: the offset at which to go on after this one.
 * `entry`: with its node, counted once; NULL: without. */
void translator_dirent_add(struct translator_dirents *to, const char *name, size_t name_length,
			   uint64_t inode, unsigned int type, uint64_t next,
			   const struct translator_entry *entry);

/*
 * Writes down what an operation found before it acts. Returns 1 when a predecessor had already
 * done so; then *words are what it found. 0: they are noted now.
 */
int translator_note(struct translator *t, uint64_t *words, uint32_t count);

#endif
