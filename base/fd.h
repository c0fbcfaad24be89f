/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File descriptors and memory that clean up after themselves, and whole reads and writes.
 * Every descriptor that Hillock makes is O_CLOEXEC from birth.
 */
#ifndef HILLOCK_BASE_FD_H
#define HILLOCK_BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

void fd_cleanup_close(int *fd);
void mem_cleanup_free(void *pointer_to_pointer);

#define cleanup_close __attribute__((cleanup(fd_cleanup_close)))
#define cleanup_free  __attribute__((cleanup(mem_cleanup_free)))

/* Takes the descriptor out of *fd, leaving -1: ownership goes to the caller. */
static inline int fd_steal(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Takes the pointer out of *slot, leaving NULL. */
#define steal(slot)                                                                               \
	({                                                                                         \
		__typeof__(*(slot)) stolen_ = *(slot);                                             \
		*(slot) = NULL;                                                                    \
		stolen_;                                                                           \
	})

/* Closes *fd if it is open and sets it to -1. Keeps errno. */
void fd_close(int *fd);

/*
 * Reads exactly `size` bytes unless the file ends first. Retries after EINTR.
 * Returns the number of bytes read, or -errno.
 */
ssize_t fd_read_full(int fd, void *buf, size_t size);

/* Writes all `size` bytes; retries after EINTR, waits on EAGAIN. Returns 0 or -errno. */
int fd_write_full(int fd, const void *buf, size_t size);

/*
 * Reads a file of at most `limit` bytes relative to `dirfd` into a new, NUL-terminated buffer
 * that the caller frees. *size, if not NULL, gets its length without the NUL. -EFBIG when it is
 * longer than `limit`.
 */
int fd_read_file(int dirfd, const char *name, size_t limit, char **data, size_t *size,
		 struct err *err);

/*
 * Replaces `name` in `dirfd` by a file with these bytes, at once (a temporary name, then
 * rename): a reader sees the old or the new content, never a part.
 */
int fd_replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct err *err);

/* Sets or clears O_NONBLOCK. Returns 0 or -errno. */
int fd_set_nonblock(int fd, int on);

/* Removes everything below `name` in `dirfd`, and `name` itself; never follows a link and never
 * crosses into another file system. A `name` that is not there is no error. */
int fd_remove_tree(int dirfd, const char *name, struct err *err);

#endif
