// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes.
 *
 * Reading them takes one system call at the place where the node was last seen. Setting them
 * takes a descriptor first, so that what is set is set on that very inode.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "translators/dir_room.h"

#define SYS_FCHMODAT2 452 /* Linux 6.6; the C library at hand may not know it */

int dir_statx(int fd, const char *name, struct statx *stx)
{
	int rc = statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		       DIR_STATX_MASK, stx);

	return rc < 0 ? -errno : 0;
}

void dir_show_inode(const struct dir *d, struct statx *stx)
{
	/* Another file system mounted below the root has numbers of its own. */
	if (dir_device(stx) != d->root_device)
		stx->stx_ino ^= dir_device(stx) * 0x9e3779b97f4a7c15ULL | 1ULL << 63;
}

/* `fd` and `name` tell where the attributes come from: dir_owner_read() goes there too. */
static int statx_at(struct dir *d, const struct dir_node *node, int fd, const char *name,
		    struct statx *stx)
{
	int rc = dir_statx(fd, name ? name : "", stx);

	if (rc < 0)
		return rc == -ENOENT ? -ESTALE : rc;
	if (!dir_same_inode(node, stx) && node != &d->nodes[TRANSLATOR_ROOT])
		return -ESTALE;
	return 0;
}

/* Where the node can be looked at: a descriptor, and a name below it or NULL. */
static int find_place(struct dir *d, const struct dir_node *node, uint64_t handle,
		      char name[TRANSLATOR_NAME_MAX + 1], int *named)
{
	struct dir_handle *h = dir_handle_get(d, handle);
	uint32_t index = dir_node_index(d, node);

	*named = 0;
	if (h && h->node == index)
		return dir_handle_fd(d, h);
	if (node->flags & DIR_NODE_DIRECTORY && d->node_fds[index])
		return d->node_fds[index] - 1;
	if (dir_node_name(d, node, name) < 0)
		return node->handles ? dir_handle_fd(d, &d->handles[node->handles]) : -ESTALE;
	*named = 1;
	return dir_fd(d, node->parent);
}

static int look(struct dir *d, uint64_t index, uint64_t handle, struct statx *stx, int owner)
{
	const struct dir_node *node = dir_node_get(d, index);
	char name[TRANSLATOR_NAME_MAX + 1];
	int fd, named, rc;

	if (!node)
		return -ESTALE;
	fd = find_place(d, node, handle, name, &named);
	if (fd < 0)
		return fd;
	rc = statx_at(d, node, fd, named ? name : NULL, stx);
	if (rc < 0 || !owner)
		return rc;
	/* A directory's cached descriptor is good for paths only. */
	return dir_owner_read(d, fd,
			      named                              ? name
			      : node->flags & DIR_NODE_DIRECTORY ? "."
								 : NULL,
			      stx);
}

int dir_node_statx(struct dir *d, uint64_t node, uint64_t handle, struct statx *stx)
{
	return look(d, node, handle, stx, 0);
}

int dir_getattr(struct translator *t, uint64_t node, uint64_t handle, struct statx *attr)
{
	struct dir *d = dir_of(t);
	int rc = look(d, node, handle, attr, 1);

	if (rc == 0)
		dir_show_inode(d, attr);
	return rc;
}

/* --- setting ---------------------------------------------------------------------------------- */

static int chmod_path_fd(struct dir *d, struct dir_node *node, int path_fd, mode_t mode)
{
	cleanup_close int fd = -1;

	if (syscall(SYS_FCHMODAT2, path_fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOSYS)
		return -errno;
	fd = dir_open_node(d, node, O_RDONLY);
	if (fd < 0)
		return fd;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

static int set_native(struct dir *d, struct dir_node *node, const struct dir_owner *owner)
{
	cleanup_close int fd = dir_open_node(d, node, O_PATH);

	if (fd < 0)
		return fd;
	if (fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if (S_ISLNK(owner->mode))
		return 0;
	return chmod_path_fd(d, node, fd, owner->mode & 07777);
}

/* That something has changed shows in its change time: any time that is set sets that. */
static int touch(struct dir *d, struct dir_node *node)
{
	cleanup_close int fd = dir_open_node(d, node, O_PATH);
	struct timespec times[2] = { { 0 }, { .tv_nsec = UTIME_OMIT } };
	struct statx stx;
	int rc = fd < 0 ? fd : dir_statx(fd, "", &stx);

	if (rc < 0)
		return rc;
	times[0] = (struct timespec){ stx.stx_atime.tv_sec, stx.stx_atime.tv_nsec };
	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int dir_set_owner(struct dir *d, struct dir_node *node, uint64_t handle,
		  const struct dir_owner *owner)
{
	int fd, close_it = 1, rc;
	struct dir_handle *h = dir_handle_get(d, handle);

	if (d->options.owners == DIR_OWNERS_NATIVE)
		return set_native(d, node, owner);
	if (S_ISLNK(owner->mode)) {
		fd = node->name ? dir_fd(d, node->parent) : -ESTALE;
		if (fd < 0)
			return fd;
		dir_link_write(d, fd, node->inode, owner->uid, owner->gid);
		return touch(d, node);
	}
	/* What else the host has here belongs to whom it belongs to. */
	if (!(node->flags & (DIR_NODE_REGULAR | DIR_NODE_DIRECTORY)))
		return -EPERM;
	if (h && &d->nodes[h->node] == node) {
		fd = dir_handle_fd(d, h);
		close_it = 0;
	} else {
		fd = dir_open_node(d, node, O_RDONLY);
	}
	if (fd < 0)
		return fd == -EACCES ? -EPERM : fd;
	rc = dir_owner_write(d, fd, owner, 0);
	if (close_it)
		fd_close(&fd);
	return rc;
}

static uint32_t without_suid(uint32_t mode)
{
	if (S_ISDIR(mode))
		return mode;
	return mode & ~(uint32_t)(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
}

static struct dir_owner owner_of(const struct statx *a)
{
	return (struct dir_owner){ a->stx_mode, a->stx_uid, a->stx_gid, a->stx_rdev_major,
				   a->stx_rdev_minor };
}

int dir_kill_suid(struct dir *d, uint64_t node, uint64_t handle)
{
	struct dir_owner owner;
	struct statx now;
	int rc;

	rc = look(d, node, handle, &now, 1);
	if (rc < 0 || without_suid(now.stx_mode) == now.stx_mode)
		return rc;
	owner = owner_of(&now);
	owner.mode = without_suid(owner.mode);
	return dir_set_owner(d, &d->nodes[node], handle, &owner);
}

static int set_owner_and_mode(struct dir *d, uint64_t node, uint64_t handle,
			      const struct translator_set *set)
{
	struct dir_owner owner;
	struct statx now;
	int rc;

	rc = look(d, node, handle, &now, 1);
	if (rc < 0)
		return rc;
	owner = owner_of(&now);
	if (set->what & TRANSLATOR_SET_UID)
		owner.uid = set->uid;
	if (set->what & TRANSLATOR_SET_GID)
		owner.gid = set->gid;
	if (set->what & TRANSLATOR_SET_MODE)
		owner.mode = (owner.mode & S_IFMT) | set->mode;
	else
		owner.mode = without_suid(owner.mode);
	return dir_set_owner(d, &d->nodes[node], handle, &owner);
}

static int set_size(struct dir *d, uint64_t node, uint64_t handle, const struct translator_set *set)
{
	int fd, close_it, rc;

	fd = dir_any_fd(d, node, handle, O_WRONLY, &close_it);
	if (fd < 0)
		return fd;
	rc = ftruncate(fd, (off_t)set->size) < 0 ? -errno : 0;
	if (close_it)
		fd_close(&fd);
	if (rc == 0 && set->what & TRANSLATOR_SET_KILL_SUID)
		rc = dir_kill_suid(d, node, handle);
	return rc;
}

static int set_times(struct dir *d, struct dir_node *node, const struct translator_set *set)
{
	static const struct timespec omit = { .tv_nsec = UTIME_OMIT };
	const struct timespec times[2] = {
		set->what & TRANSLATOR_SET_ATIME ? set->atime : omit,
		set->what & TRANSLATOR_SET_MTIME ? set->mtime : omit,
	};
	cleanup_close int fd = dir_open_node(d, node, O_PATH);

	if (fd < 0)
		return fd;
	/* An open file's, where it has no name: then it is no path descriptor, which will do. */
	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int dir_setattr(struct translator *t, uint64_t node, uint64_t handle,
		const struct translator_set *set, struct statx *attr)
{
	struct dir *d = dir_of(t);
	struct dir_node *n = dir_node_get(d, node);
	int rc = n ? 0 : -ESTALE;

	if (rc == 0 && set->what & (TRANSLATOR_SET_MODE | TRANSLATOR_SET_UID | TRANSLATOR_SET_GID))
		rc = set_owner_and_mode(d, node, handle, set);
	if (rc == 0 && set->what & TRANSLATOR_SET_SIZE)
		rc = set_size(d, node, handle, set);
	if (rc == 0 && set->what & (TRANSLATOR_SET_ATIME | TRANSLATOR_SET_MTIME))
		rc = set_times(d, n, set);
	return rc < 0 ? rc : dir_getattr(t, node, handle, attr);
}
