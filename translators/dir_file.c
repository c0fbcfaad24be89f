// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contents of files, entries of directories.
 *
 * Theory of operation
 * -------------------
 * Reads and writes are one system call between the file and guest memory. Files are not opened
 * with O_APPEND or O_DIRECT on the host: the one is done a write at a time, so that one that was
 * cut off in the middle can be told from one that was not; the other asks for an alignment that
 * the guest knows nothing of, and means the guest's own cache.
 *
 * Directories are read in the host's order; an offset is the host's cookie, which is good for as
 * long as the directory is there, across restarts too.
 */
#include <dirent.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "translators/dir_room.h"

#define ENTRIES_SIZE (32 * 1024)

/* --- opening ---------------------------------------------------------------------------------- */

int dir_open_file(struct translator *t, uint64_t node, int flags, uint64_t *handle)
{
	struct dir *d = dir_of(t);
	struct dir_node *n = dir_node_get(d, node);
	int fd, rc;

	if (!n)
		return -ESTALE;
	if (n->flags & DIR_NODE_DIRECTORY)
		return -EISDIR;
	fd = dir_open_node(d, n, flags & (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC));
	if (fd < 0)
		return fd;
	rc = dir_handle_new(d, n, flags & (O_ACCMODE | O_SYNC | O_DSYNC), fd, handle);
	if (rc < 0)
		return rc;
	/* Without a name it could not be opened again. */
	if (!n->name)
		dir_keep_handles(d, n);
	if (flags & O_TRUNC && flags & (int)TRANSLATOR_KILL_SUID)
		rc = dir_kill_suid(d, node, *handle);
	return rc;
}

void dir_release(struct translator *t, uint64_t node, uint64_t handle)
{
	dir_handle_free(dir_of(t), handle);
}

/* The descriptor of an open file that the guest named, or -errno. */
static int file_fd(struct dir *d, uint64_t node, uint64_t handle)
{
	struct dir_handle *h = dir_handle_get(d, handle);

	if (!h || h->node != node)
		return -EBADF;
	return dir_handle_fd(d, h);
}

/* --- contents --------------------------------------------------------------------------------- */

ssize_t dir_read(struct translator *t, uint64_t node, uint64_t handle, const struct iovec *iov,
		 size_t count, off_t offset)
{
	int fd = file_fd(dir_of(t), node, handle);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = preadv(fd, iov, (int)count, offset);
	return n < 0 ? -errno : n;
}

static size_t total(const struct iovec *iov, size_t count)
{
	size_t size = 0;

	while (count--)
		size += iov++->iov_len;
	return size;
}

/* At the end of the file, wherever that is by then. What a predecessor appended it has appended. */
static ssize_t append(struct dir *d, int fd, const struct iovec *iov, size_t count)
{
	struct iovec rest[VIRTIO_IOV_MAX];
	size_t size = total(iov, count), done = 0, n = 0;
	uint64_t before;
	struct stat st;
	ssize_t rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	before = (uint64_t)st.st_size;
	if (translator_note(d->t, &before, 1) && (uint64_t)st.st_size > before)
		done = (uint64_t)st.st_size - before < size ? (uint64_t)st.st_size - before : size;
	if (done == size)
		return (ssize_t)size;
	for (size_t skip = done; count && n < VIRTIO_IOV_MAX; iov++, count--) {
		size_t cut = skip < iov->iov_len ? skip : iov->iov_len;

		skip -= cut;
		if (cut < iov->iov_len)
			rest[n++] = (struct iovec){ (uint8_t *)iov->iov_base + cut,
						    iov->iov_len - cut };
	}
	rc = pwritev2(fd, rest, (int)n, 0, RWF_APPEND);
	if (rc < 0)
		return done ? (ssize_t)done : -errno;
	return (ssize_t)done + rc;
}

ssize_t dir_write(struct translator *t, uint64_t node, uint64_t handle, const struct iovec *iov,
		  size_t count, off_t offset, int flags)
{
	struct dir *d = dir_of(t);
	int fd = file_fd(d, node, handle);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (flags & O_APPEND) {
		n = append(d, fd, iov, count);
	} else {
		n = pwritev(fd, iov, (int)count, offset);
		n = n < 0 ? -errno : n;
	}
	if (n > 0 && flags & (int)TRANSLATOR_KILL_SUID)
		dir_kill_suid(d, node, handle);
	return n;
}

int dir_fsync(struct translator *t, uint64_t node, uint64_t handle, int data_only)
{
	int fd = file_fd(dir_of(t), node, handle);

	if (fd < 0)
		return fd;
	return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

off_t dir_lseek(struct translator *t, uint64_t node, uint64_t handle, off_t offset, int whence)
{
	int fd = file_fd(dir_of(t), node, handle);
	off_t at;

	if (fd < 0)
		return fd;
	at = lseek(fd, offset, whence);
	return at < 0 ? -errno : at;
}

int dir_fallocate(struct translator *t, uint64_t node, uint64_t handle, int mode, off_t offset,
		  off_t length)
{
	int fd = file_fd(dir_of(t), node, handle);

	if (fd < 0)
		return fd;
	/* Only what may be done twice. */
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	return fallocate(fd, mode, offset, length) < 0 ? -errno : 0;
}

ssize_t dir_copy(struct translator *t, uint64_t node_in, uint64_t handle_in, off_t from,
		 uint64_t node_out, uint64_t handle_out, off_t to, size_t length)
{
	struct dir *d = dir_of(t);
	int fd_in = file_fd(d, node_in, handle_in), fd_out = file_fd(d, node_out, handle_out);
	ssize_t n;

	if (fd_in < 0 || fd_out < 0)
		return fd_in < 0 ? fd_in : fd_out;
	n = copy_file_range(fd_in, &from, fd_out, &to, length, 0);
	return n < 0 ? -errno : n;
}

/* --- directories ------------------------------------------------------------------------------ */

int dir_opendir(struct translator *t, uint64_t node, uint64_t *handle)
{
	struct dir *d = dir_of(t);
	struct dir_node *n = dir_node_get(d, node);
	int fd;

	if (!n)
		return -ESTALE;
	if (!(n->flags & DIR_NODE_DIRECTORY))
		return -ENOTDIR;
	fd = dir_open_node(d, n, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? fd : dir_handle_new(d, n, O_RDONLY | O_DIRECTORY, fd, handle);
}

/* As the system call gives them. */
struct host_dirent {
	uint64_t inode, next;
	uint16_t size;
	uint8_t type;
	char name[];
};

static const struct translator_entry *find_entry(struct dir *d, uint64_t node, int fd,
						 const char *name, struct translator_entry *entry)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return NULL;
	/* One that has gone meanwhile, or cannot be looked at, is listed all the same. */
	if (dir_lookup_at(d, node, fd, name, entry) < 0)
		return NULL;
	return entry;
}

/* 1: no more room. */
static int add_entries(struct dir *d, uint64_t node, int fd, const uint8_t *buffer, size_t size,
		       int plus, struct translator_dirents *to)
{
	struct translator_entry entry;
	size_t at = 0;

	while (at < size) {
		const struct host_dirent *e = (const void *)(buffer + at);
		size_t length = strlen(e->name);
		const struct translator_entry *found = NULL;
		unsigned int type = e->type;

		if (!translator_dirent_fits(to, length))
			return 1;
		if (plus)
			found = find_entry(d, node, fd, e->name, &entry);
		/* A file may stand for something else here (dir_owner.c). */
		if (found)
			type = IFTODT(found->attr.stx_mode);
		translator_dirent_add(to, e->name, length, e->inode, type, e->next, found);
		at += e->size;
	}
	return 0;
}

int dir_readdir(struct translator *t, uint64_t node, uint64_t handle, uint64_t offset, int plus,
		struct translator_dirents *to)
{
	static uint8_t buffer[ENTRIES_SIZE] __attribute__((aligned(8)));
	struct dir *d = dir_of(t);
	int fd = file_fd(d, node, handle), full = 0, any = 0;

	if (fd < 0)
		return fd;
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	while (!full) {
		long n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));

		if (n < 0)
			return any ? 0 : -errno;
		if (n == 0)
			break;
		any = 1;
		full = add_entries(d, node, fd, buffer, (size_t)n, plus, to);
	}
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

int dir_statfs(struct translator *t, uint64_t node, struct statvfs *st)
{
	int fd = dir_fd(dir_of(t), TRANSLATOR_ROOT);

	if (fd < 0)
		return fd;
	return fstatvfs(fd, st) < 0 ? -errno : 0;
}

int dir_syncfs(struct translator *t)
{
	struct dir *d = dir_of(t);
	cleanup_close int fd = dir_openat(dir_fd(d, TRANSLATOR_ROOT), ".", O_RDONLY, 0);

	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? -errno : 0;
}
