// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors.
 *
 * Theory of operation
 * -------------------
 * A directory's descriptor is opened from its parent's, that from its parent's, and so on up to
 * one that is still open; the root's always is. Each is checked to lead to the inode that the
 * table says. As many stay open as a quarter of the process' limit allows; then the one that was
 * not used for longest, about, makes room (a clock).
 *
 * An open file has its descriptor from when it was opened. After a restart it is opened again
 * when it is first used.
 */
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "translators/dir_room.h"

#define CACHE_LEAST 64
#define CACHE_MOST 65536
#define CLIMB 256

int dir_openat(int fd, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int opened = (int)syscall(SYS_openat2, fd, name, &how, sizeof(how));

	return opened < 0 ? -errno : opened;
}

/* --- the cache -------------------------------------------------------------------------------- */

static void *zeroes(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int dir_fds_open(struct dir *d, int root_fd, struct err *err)
{
	uint32_t nodes = d->area->nodes.max;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_sys(err, errno, "the limit of open files");
	d->cache_size = limit.rlim_cur / 4 > CACHE_MOST    ? CACHE_MOST
			: limit.rlim_cur / 4 < CACHE_LEAST ? CACHE_LEAST
							   : (uint32_t)(limit.rlim_cur / 4);
	d->node_fds = zeroes(nodes * sizeof(int32_t));
	d->handle_fds = zeroes(DIR_HANDLES_MAX * sizeof(int32_t));
	d->used = zeroes(nodes);
	d->cached = zeroes(d->cache_size * sizeof(uint32_t));
	if (!d->node_fds || !d->handle_fds || !d->used || !d->cached)
		return err_sys(err, ENOMEM, "the file server's tables");
	d->node_fds[TRANSLATOR_ROOT] = root_fd + 1;
	return 0;
}

static void close_slot(int32_t *slot)
{
	int fd = *slot - 1;

	*slot = 0;
	fd_close(&fd);
}

void dir_fds_forget(struct dir *d, uint32_t node)
{
	if (node != TRANSLATOR_ROOT)
		close_slot(&d->node_fds[node]);
}

void dir_fds_clear(struct dir *d)
{
	for (uint32_t i = 0; i < d->cache_size; i++)
		if (d->cached[i])
			dir_fds_forget(d, d->cached[i]);
	for (uint32_t i = 1; i < d->area->handles.high; i++)
		close_slot(&d->handle_fds[i]);
}

void dir_fds_close(struct dir *d)
{
	uint32_t nodes = d->area->nodes.max;

	if (!d->node_fds || !d->handle_fds || !d->used || !d->cached)
		return;
	dir_fds_clear(d);
	close_slot(&d->node_fds[TRANSLATOR_ROOT]);
	munmap(d->node_fds, nodes * sizeof(int32_t));
	munmap(d->handle_fds, DIR_HANDLES_MAX * sizeof(int32_t));
	munmap(d->used, nodes);
	munmap(d->cached, d->cache_size * sizeof(uint32_t));
}

static void cache(struct dir *d, uint32_t node, int fd)
{
	/* Twice round at most: the first round takes away every mark. */
	for (uint32_t tries = 0; tries < 2 * d->cache_size + 2; tries++) {
		uint32_t slot = d->cache_hand;
		uint32_t old = d->cached[slot];

		d->cache_hand = slot + 1 < d->cache_size ? slot + 1 : 0;
		if (old && d->node_fds[old] && (d->used[old] || old == d->pinned)) {
			d->used[old] = 0;
			continue;
		}
		if (old)
			dir_fds_forget(d, old);
		d->cached[slot] = node;
		break;
	}
	d->node_fds[node] = fd + 1;
	d->used[node] = 1;
}

static int open_below(struct dir *d, int parent_fd, uint32_t node)
{
	char name[TRANSLATOR_NAME_MAX + 1];
	cleanup_close int fd = -1;
	struct statx stx;
	int rc;

	rc = dir_node_name(d, &d->nodes[node], name);
	if (rc < 0)
		return rc;
	fd = dir_openat(parent_fd, name, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? -ESTALE : fd;
	rc = dir_statx(fd, "", &stx);
	if (rc < 0)
		return rc;
	if (!dir_same_inode(&d->nodes[node], &stx))
		return -ESTALE;
	cache(d, node, fd);
	return fd_steal(&fd);
}

int dir_fd(struct dir *d, uint64_t wanted)
{
	const struct dir_node *node = dir_node_get(d, wanted);
	uint32_t path[CLIMB], depth;

	if (!node)
		return -ESTALE;
	if (!(node->flags & DIR_NODE_DIRECTORY))
		return -ENOTDIR;
	/* A guest may have nested deeper than `path`, and may have forgotten what is in between so
	 * that the climb goes in circles: the rounds are bounded too. */
	for (uint32_t rounds = 0; rounds < 64; rounds++) {
		uint32_t at = (uint32_t)wanted;
		int fd;

		for (depth = 0; !d->node_fds[at]; depth++) {
			path[depth % CLIMB] = at;
			at = d->nodes[at].parent;
			if (!dir_node_get(d, at) || depth >= 64 * CLIMB)
				return -ESTALE;
		}
		d->used[at] = 1;
		fd = d->node_fds[at] - 1;
		/* Where there are more than `path` holds, the lowest are for the next round. */
		for (uint32_t left = depth < CLIMB ? depth : CLIMB; depth && left; left--) {
			fd = open_below(d, fd, path[--depth % CLIMB]);
			if (fd < 0)
				return fd;
		}
		if (depth == 0)
			return fd;
	}
	return -ELOOP;
}

int dir_fd_two(struct dir *d, uint64_t a, uint64_t b, int *fd_a, int *fd_b)
{
	*fd_a = dir_fd(d, a);
	if (*fd_a < 0)
		return *fd_a;
	d->pinned = (uint32_t)a;
	*fd_b = dir_fd(d, b);
	d->pinned = 0;
	return *fd_b < 0 ? *fd_b : 0;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Another descriptor of one of the node's open files, for when it has no name. */
static int borrow(struct dir *d, const struct dir_node *node, int flags)
{
	int wanted = flags & O_ACCMODE, any = flags & O_PATH;

	for (uint32_t i = node->handles; i; i = d->handles[i].next) {
		int have = (int)d->handles[i].flags & O_ACCMODE, fd;

		if (!d->handle_fds[i] || (!any && have != O_RDWR && have != wanted))
			continue;
		fd = fcntl(d->handle_fds[i] - 1, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	return -ESTALE;
}

int dir_open_node(struct dir *d, struct dir_node *node, int flags)
{
	char name[TRANSLATOR_NAME_MAX + 1];
	cleanup_close int fd = -1;
	struct statx stx;
	int parent, rc;

	if (node->flags & DIR_NODE_DIRECTORY) {
		parent = dir_fd(d, dir_node_index(d, node));
		return parent < 0 ? parent : dir_openat(parent, ".", (uint64_t)flags, 0);
	}
	if (dir_node_name(d, node, name) < 0)
		return borrow(d, node, flags);
	parent = dir_fd(d, node->parent);
	if (parent < 0)
		return parent;
	/* Opening a device may be a deed already, and a FIFO must not hold us up, should somebody
	 * on the host put one here. O_TRUNC waits until it is sure which file this is. */
	if (!(flags & O_PATH)) {
		if (!(node->flags & DIR_NODE_REGULAR))
			return -EOPNOTSUPP;
		flags |= O_NONBLOCK | O_NOCTTY;
	}
	fd = dir_openat(parent, name, (uint64_t)(flags & ~O_TRUNC), 0);
	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	rc = dir_statx(fd, "", &stx);
	if (rc < 0)
		return rc;
	if (!dir_same_inode(node, &stx))
		return -ESTALE;
	if (flags & O_TRUNC && ftruncate(fd, 0) < 0)
		return -errno;
	return fd_steal(&fd);
}

int dir_handle_fd(struct dir *d, struct dir_handle *handle)
{
	uint32_t index = dir_handle_index(d, handle);
	int fd;

	if (d->handle_fds[index])
		return d->handle_fds[index] - 1;
	fd = dir_open_node(d, &d->nodes[handle->node],
			   (int)handle->flags & ~(O_TRUNC | O_CREAT | O_EXCL));
	if (fd >= 0)
		d->handle_fds[index] = fd + 1;
	return fd;
}

int dir_any_fd(struct dir *d, uint64_t node, uint64_t handle, int flags, int *close_it)
{
	struct dir_handle *h = dir_handle_get(d, handle);
	struct dir_node *n = dir_node_get(d, node);

	*close_it = 0;
	if (h && h->node == node &&
	    (((int)h->flags & O_ACCMODE) == O_RDWR ||
	     ((int)h->flags & O_ACCMODE) == (flags & O_ACCMODE)))
		return dir_handle_fd(d, h);
	if (!n)
		return -ESTALE;
	*close_it = 1;
	return dir_open_node(d, n, flags);
}

void dir_keep_handles(struct dir *d, struct dir_node *node)
{
	for (uint32_t i = node->handles; i; i = d->handles[i].next) {
		struct dir_handle *h = &d->handles[i];
		int fd = h->kept ? -1 : dir_handle_fd(d, h);

		if (fd < 0 || !d->options.keep)
			continue;
		d->options.keep(d->options.context, d->options.first_key + i, fd);
		/* True from now on, whatever becomes of the request. */
		h->kept = 1;
	}
}
