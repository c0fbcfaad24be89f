// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names: look up, make, remove, rename.
 *
 * Theory of operation
 * -------------------
 * Whatever makes or removes a name first looks what is there and notes it (translator_note()).
 * Where a predecessor was killed in the middle, "it is there already", or "it is no longer there",
 * then is an answer only if it was so before.
 */
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "translators/dir_room.h"

/* Fills in and counts an entry for what `stx`, as the host has it, says is at (parent, name). */
static int enter(struct dir *d, uint64_t parent, int parent_fd, const char *name, struct statx *stx,
		 struct translator_entry *entry)
{
	struct dir_node *node = dir_node_see(d, stx, (uint32_t)parent, name);
	int rc;

	if (!node)
		return -ENFILE;
	rc = dir_owner_read(d, parent_fd, name, stx);
	if (rc < 0)
		return rc;
	dir_show_inode(d, stx);
	state_set64(d->state, &node->lookups, node->lookups + 1);
	entry->node = dir_node_index(d, node);
	entry->generation = node->generation;
	entry->attr = *stx;
	return 0;
}

int dir_lookup_at(struct dir *d, uint64_t parent, int parent_fd, const char *name,
		  struct translator_entry *entry)
{
	struct statx stx;
	int rc = dir_statx(parent_fd, name, &stx);

	return rc < 0 ? rc : enter(d, parent, parent_fd, name, &stx, entry);
}

int dir_lookup(struct translator *t, uint64_t parent, const char *name,
	       struct translator_entry *entry)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent);

	return fd < 0 ? fd : dir_lookup_at(d, parent, fd, name, entry);
}

void dir_forget(struct translator *t, uint64_t node, uint64_t count)
{
	struct dir *d = dir_of(t);
	struct dir_node *n = dir_node_get(d, node);

	if (n)
		dir_node_forget(d, n, count);
}

/* --- making ----------------------------------------------------------------------------------- */

/*
 * Before a name is made. -EEXIST: it was there before anything was done; 0: it was not; 1: it was
 * not, but a predecessor may have made it since.
 */
static int before_making(struct dir *d, int fd, const char *name)
{
	struct statx stx;
	uint64_t there;
	int rc = dir_statx(fd, name, &stx), noted;

	if (rc < 0 && rc != -ENOENT)
		return rc;
	there = rc == 0;
	noted = translator_note(d->t, &there, 1);
	return there ? -EEXIST : noted;
}

/* The result of a call that makes something: 0, or -errno; 1 if it had been made before. */
static int made(int result, int maybe)
{
	if (result >= 0)
		return 0;
	return errno == EEXIST && maybe ? 1 : -errno;
}

static int own_directory(struct dir *d, int fd, const char *name, const struct dir_owner *owner,
			 int fresh)
{
	cleanup_close int made_fd = -1;

	if (fresh && !dir_owner_needed(d, owner))
		return 0;
	made_fd = dir_openat(fd, name, O_RDONLY | O_DIRECTORY, 0);
	return made_fd < 0 ? made_fd : dir_owner_write(d, made_fd, owner, fresh);
}

int dir_mkdir(struct translator *t, uint64_t parent, const char *name, mode_t mode,
	      struct translator_entry *entry)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent), maybe, rc;
	struct dir_owner owner;

	if (fd < 0)
		return fd;
	maybe = before_making(d, fd, name);
	if (maybe < 0)
		return maybe;
	rc = dir_owner_new(d, fd, S_IFDIR | mode, &owner);
	if (rc < 0)
		return rc;
	rc = made(mkdirat(fd, name, dir_owner_host_mode(d, &owner)), maybe);
	if (rc < 0)
		return rc;
	rc = own_directory(d, fd, name, &owner, rc == 0);
	if (rc < 0) {
		unlinkat(fd, name, AT_REMOVEDIR);
		return rc;
	}
	return dir_lookup_at(d, parent, fd, name, entry);
}

/* A regular file, made and owned; the descriptor, or -errno. */
static int make_file(struct dir *d, int fd, const char *name, const struct dir_owner *owner,
		     int flags, int maybe)
{
	int fresh = 1, rc;
	cleanup_close int file =
		dir_openat(fd, name, (uint64_t)(flags | O_CREAT | O_EXCL | O_NONBLOCK),
			   dir_owner_host_mode(d, owner));

	if (file == -EEXIST && maybe) {
		file = dir_openat(fd, name, (uint64_t)(flags | O_NONBLOCK | O_NOCTTY), 0);
		fresh = 0;
	}
	if (file < 0)
		return file;
	if (fresh && !dir_owner_needed(d, owner))
		return fd_steal(&file);
	rc = dir_owner_write(d, file, owner, fresh);
	if (rc < 0) {
		unlinkat(fd, name, 0);
		return rc;
	}
	return fd_steal(&file);
}

static int make_node(struct dir *d, int fd, const char *name, const struct dir_owner *owner,
		     int maybe)
{
	dev_t device = makedev(owner->rdev_major, owner->rdev_minor);
	cleanup_close int node = -1;
	int rc;

	rc = made(mknodat(fd, name, owner->mode & (S_IFMT | 01777), device), maybe);
	if (rc < 0)
		return rc;
	node = dir_openat(fd, name, O_PATH, 0);
	if (node < 0)
		return node;
	return fchownat(node, "", owner->uid, owner->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int dir_mknod(struct translator *t, uint64_t parent, const char *name, mode_t mode, dev_t device,
	      struct translator_entry *entry)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent), maybe, rc, file;
	struct dir_owner owner;

	if (fd < 0)
		return fd;
	maybe = before_making(d, fd, name);
	if (maybe < 0)
		return maybe;
	rc = dir_owner_new(d, fd, mode, &owner);
	if (rc < 0)
		return rc;
	owner.rdev_major = major(device);
	owner.rdev_minor = minor(device);
	if (S_ISREG(mode) || d->options.owners == DIR_OWNERS_ASIDE) {
		file = make_file(d, fd, name, &owner, O_RDONLY, maybe);
		if (file < 0)
			return file;
		fd_close(&file);
	} else {
		rc = make_node(d, fd, name, &owner, maybe);
		if (rc < 0)
			return rc;
	}
	return dir_lookup_at(d, parent, fd, name, entry);
}

int dir_symlink(struct translator *t, uint64_t parent, const char *name, const char *target,
		struct translator_entry *entry)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent), maybe, rc;
	cleanup_close int link = -1;
	struct dir_owner owner;
	struct statx stx;

	if (fd < 0)
		return fd;
	maybe = before_making(d, fd, name);
	if (maybe < 0)
		return maybe;
	rc = dir_owner_new(d, fd, S_IFLNK | 0777, &owner);
	if (rc == 0)
		rc = made(symlinkat(target, fd, name), maybe);
	if (rc < 0)
		return rc;
	if (d->options.owners == DIR_OWNERS_ASIDE && (owner.uid || owner.gid)) {
		rc = dir_statx(fd, name, &stx);
		if (rc < 0)
			return rc;
		dir_link_write(d, fd, stx.stx_ino, owner.uid, owner.gid);
	} else if (d->options.owners == DIR_OWNERS_NATIVE && dir_owner_needed(d, &owner)) {
		link = dir_openat(fd, name, O_PATH, 0);
		if (link < 0 || fchownat(link, "", owner.uid, owner.gid, AT_EMPTY_PATH) < 0)
			return link < 0 ? link : -errno;
	}
	return dir_lookup_at(d, parent, fd, name, entry);
}

/* An existing file that may be opened where a new one was asked for. */
static int open_there(struct dir *d, uint64_t parent, int fd, const char *name, int flags,
		      struct translator_entry *entry, uint64_t *handle)
{
	struct dir_node *node;
	int rc, file;

	rc = dir_lookup_at(d, parent, fd, name, entry);
	if (rc < 0)
		return rc;
	node = &d->nodes[entry->node];
	file = dir_open_node(d, node, flags);
	if (file < 0)
		return file;
	if (flags & O_TRUNC)
		entry->attr.stx_size = entry->attr.stx_blocks = 0;
	return dir_handle_new(d, node, flags, file, handle);
}

int dir_create(struct translator *t, uint64_t parent, const char *name, mode_t mode, int flags,
	       struct translator_entry *entry, uint64_t *handle)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent), exclusive = flags & O_EXCL, maybe, rc;
	int how = flags & (O_ACCMODE | O_SYNC | O_DSYNC);
	cleanup_close int file = -1;
	struct dir_owner owner;
	struct statx stx;

	if (fd < 0)
		return fd;
	maybe = before_making(d, fd, name);
	if (maybe == -EEXIST && !exclusive)
		return open_there(d, parent, fd, name, how | (flags & O_TRUNC), entry, handle);
	if (maybe < 0)
		return maybe;
	rc = dir_owner_new(d, fd, S_IFREG | mode, &owner);
	if (rc < 0)
		return rc;
	file = make_file(d, fd, name, &owner, how, maybe);
	if (file == -EEXIST && !exclusive)
		return open_there(d, parent, fd, name, how | (flags & O_TRUNC), entry, handle);
	if (file < 0)
		return file;
	rc = dir_statx(file, "", &stx);
	if (rc == 0)
		rc = enter(d, parent, fd, name, &stx, entry);
	if (rc < 0)
		return rc;
	return dir_handle_new(d, &d->nodes[entry->node], how, fd_steal(&file), handle);
}

int dir_tmpfile(struct translator *t, uint64_t parent, mode_t mode, int flags,
		struct translator_entry *entry, uint64_t *handle)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent), how = flags & (O_ACCMODE | O_SYNC | O_DSYNC), rc;
	cleanup_close int file = -1;
	struct dir_owner owner;
	struct dir_node *node;
	struct statx stx;

	if (fd < 0)
		return fd;
	rc = dir_owner_new(d, fd, S_IFREG | mode, &owner);
	if (rc < 0)
		return rc;
	/* O_EXCL: it may never get a name; that the guest's kernel sees to itself. */
	file = dir_openat(fd, ".", (uint64_t)(O_TMPFILE | how), dir_owner_host_mode(d, &owner));
	if (file < 0)
		return file == -EISDIR ? -EOPNOTSUPP : file;
	rc = dir_owner_needed(d, &owner) ? dir_owner_write(d, file, &owner, 1) : 0;
	if (rc == 0)
		rc = dir_statx(file, "", &stx);
	if (rc < 0)
		return rc;
	node = dir_node_see(d, &stx, 0, NULL);
	if (!node)
		return -ENFILE;
	state_set64(d->state, &node->lookups, node->lookups + 1);
	dir_owner_show(&owner, &stx);
	dir_show_inode(d, &stx);
	entry->node = dir_node_index(d, node);
	entry->generation = node->generation;
	entry->attr = stx;
	rc = dir_handle_new(d, node, how, fd_steal(&file), handle);
	if (rc == 0)
		dir_keep_handles(d, node);
	return rc;
}

/* --- links ------------------------------------------------------------------------------------ */

static int link_to(struct dir *d, struct dir_node *node, uint64_t parent, const char *name)
{
	char old[TRANSLATOR_NAME_MAX + 1];
	int from, to, rc;

	if (dir_node_name(d, node, old) == 0) {
		rc = dir_fd_two(d, node->parent, parent, &from, &to);
		if (rc < 0)
			return rc;
		if (linkat(from, old, to, name, 0) < 0)
			return -errno;
		/* Not a file nor a directory: perhaps a link, with an owner. */
		if (!node->flags && node->parent != parent)
			dir_link_moved(d, from, to, node->inode);
		return 0;
	}
	if (!node->handles)
		return -ESTALE;
	from = dir_handle_fd(d, &d->handles[node->handles]);
	to = from < 0 ? from : dir_fd(d, parent);
	if (to < 0)
		return to;
	return linkat(from, "", to, name, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int dir_link(struct translator *t, uint64_t node, uint64_t parent, const char *name,
	     struct translator_entry *entry)
{
	struct dir *d = dir_of(t);
	struct dir_node *n = dir_node_get(d, node);
	int fd = dir_fd(d, parent), maybe, rc;
	struct statx stx;

	if (!n || fd < 0)
		return n ? fd : -ESTALE;
	maybe = before_making(d, fd, name);
	if (maybe < 0)
		return maybe;
	rc = link_to(d, n, parent, name);
	if (rc < 0 && !(rc == -EEXIST && maybe))
		return rc == -ENOENT ? -ESTALE : rc;
	fd = dir_fd(d, parent);
	rc = fd < 0 ? fd : dir_statx(fd, name, &stx);
	if (rc < 0)
		return rc;
	/* Something else was at the old place by then. */
	if (!dir_same_inode(n, &stx)) {
		unlinkat(fd, name, 0);
		return -ESTALE;
	}
	return enter(d, parent, fd, name, &stx, entry);
}

ssize_t dir_readlink(struct translator *t, uint64_t node, char *target, size_t size)
{
	struct dir *d = dir_of(t);
	struct dir_node *n = dir_node_get(d, node);
	cleanup_close int fd = n ? dir_open_node(d, n, O_PATH) : -ESTALE;
	ssize_t length;

	if (fd < 0)
		return fd;
	length = readlinkat(fd, "", target, size);
	return length < 0 ? -errno : length;
}

/* --- removing --------------------------------------------------------------------------------- */

/* What was at a place before it was changed, as it is noted. */
struct was {
	uint64_t there, inode, device, links; /* there: its mode, or 0 */
};

static int look_at(int fd, const char *name, struct was *was)
{
	struct statx stx;
	int rc = dir_statx(fd, name, &stx);

	*was = (struct was){ 0 };
	if (rc == 0)
		*was = (struct was){ stx.stx_mode, stx.stx_ino, dir_device(&stx), stx.stx_nlink };
	return rc == -ENOENT ? 0 : rc;
}

/* Before a name goes: open files of its node are kept. Returns the node if it was known there. */
static struct dir_node *before_removing(struct dir *d, uint64_t parent, const char *name,
					const struct was *was)
{
	struct dir_node *node = was->there ? dir_node_find(d, was->device, was->inode) : NULL;

	if (node && dir_node_is_at(d, node, (uint32_t)parent, name))
		dir_keep_handles(d, node);
	return node;
}

static void after_removing(struct dir *d, struct dir_node *node, uint64_t parent, const char *name,
			   const struct was *was)
{
	if (!node)
		return;
	/* The host may give its inode number to the next file that is made. */
	if (was->links <= 1 || node->flags & DIR_NODE_DIRECTORY)
		dir_node_unhash(d, node);
	if (dir_node_is_at(d, node, (uint32_t)parent, name))
		dir_node_unname(d, node);
}

/* A link's owner goes with it, before its inode number is given to another. */
static void forget_owner(struct dir *d, int fd, const struct was *was)
{
	if (S_ISLNK(was->there) && was->links <= 1)
		dir_link_write(d, fd, was->inode, 0, 0);
}

static int remove_name(struct translator *t, uint64_t parent, const char *name, int flags)
{
	struct dir *d = dir_of(t);
	int fd = dir_fd(d, parent), noted, rc;
	struct dir_node *node;
	struct was was;

	rc = fd < 0 ? fd : look_at(fd, name, &was);
	if (rc < 0)
		return rc;
	noted = translator_note(t, &was.there, 4);
	if (!was.there)
		return -ENOENT;
	node = before_removing(d, parent, name, &was);
	/* Keeping may have opened files, and that moves descriptors. */
	fd = dir_fd(d, parent);
	if (fd < 0)
		return fd;
	if (unlinkat(fd, name, flags) < 0 && !(errno == ENOENT && noted))
		return -errno;
	forget_owner(d, fd, &was);
	after_removing(d, node, parent, name, &was);
	return 0;
}

int dir_unlink(struct translator *t, uint64_t parent, const char *name)
{
	return remove_name(t, parent, name, 0);
}

int dir_rmdir(struct translator *t, uint64_t parent, const char *name)
{
	return remove_name(t, parent, name, AT_REMOVEDIR);
}

/* --- renaming --------------------------------------------------------------------------------- */

struct renaming {
	uint64_t from_inode, from_device;
	uint64_t to_there, to_inode, to_device, to_links;
};

/* Has a predecessor done it? Then what was here is there now. */
static int renamed_before(int to_fd, const char *to_name, const struct renaming *r)
{
	struct was now;

	return look_at(to_fd, to_name, &now) == 0 && now.there && now.inode == r->from_inode &&
	       now.device == r->from_device;
}

/* The nodes follow their names. */
static void after_renaming(struct dir *d, uint64_t parent, const char *name, uint64_t to_parent,
			   const char *to_name, int exchange, const struct renaming *r)
{
	struct was was = { r->to_there, r->to_inode, r->to_device, r->to_links };
	struct dir_node *moved = dir_node_find(d, r->from_device, r->from_inode), *other = NULL;

	if (r->to_there)
		other = dir_node_find(d, r->to_device, r->to_inode);
	/* Two names of one file: nothing has happened. */
	if (moved && moved == other)
		return;
	if (moved && dir_node_move(d, moved, (uint32_t)to_parent, to_name) < 0)
		dir_node_unname(d, moved);
	if (!exchange)
		after_removing(d, other, to_parent, to_name, &was);
	else if (other && dir_node_move(d, other, (uint32_t)parent, name) < 0)
		dir_node_unname(d, other);
}

/* Owners of links follow to another directory; the new place first, so that none gets lost. */
static void move_owners(struct dir *d, int fd, int to_fd, const struct renaming *r, int exchange,
			int done)
{
	if (!done) {
		dir_link_moved(d, fd, to_fd, r->from_inode);
		if (exchange)
			dir_link_moved(d, to_fd, fd, r->to_inode);
		return;
	}
	dir_link_write(d, fd, r->from_inode, 0, 0);
	if (exchange)
		dir_link_write(d, to_fd, r->to_inode, 0, 0);
}

int dir_rename(struct translator *t, uint64_t parent, const char *name, uint64_t to_parent,
	       const char *to_name, unsigned int flags)
{
	struct dir *d = dir_of(t);
	struct renaming r;
	struct was from = { 0 }, to = { 0 };
	int fd, to_fd, noted, owners, rc;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	rc = dir_fd_two(d, parent, to_parent, &fd, &to_fd);
	if (rc == 0)
		rc = look_at(fd, name, &from);
	if (rc == 0)
		rc = look_at(to_fd, to_name, &to);
	if (rc < 0)
		return rc;
	r = (struct renaming){ from.inode, from.device, to.there, to.inode, to.device, to.links };
	noted = translator_note(t, &r.from_inode, 6);
	to = (struct was){ r.to_there, r.to_inode, r.to_device, r.to_links };
	if (!(flags & RENAME_EXCHANGE))
		before_removing(d, to_parent, to_name, &to);
	rc = dir_fd_two(d, parent, to_parent, &fd, &to_fd);
	if (rc < 0)
		return rc;
	owners = parent != to_parent &&
		 (noted || S_ISLNK(from.there) || (flags & RENAME_EXCHANGE && S_ISLNK(to.there)));
	if (!(noted && renamed_before(to_fd, to_name, &r))) {
		if (owners)
			move_owners(d, fd, to_fd, &r, flags & RENAME_EXCHANGE, 0);
		if (renameat2(fd, name, to_fd, to_name, flags) < 0) {
			rc = -errno;
			if (owners && !(flags & RENAME_EXCHANGE))
				dir_link_write(d, to_fd, r.from_inode, 0, 0);
			return rc;
		}
	}
	if (owners)
		move_owners(d, fd, to_fd, &r, flags & RENAME_EXCHANGE, 1);
	if (!(flags & RENAME_EXCHANGE) && to.inode != r.from_inode)
		forget_owner(d, to_fd, &to);
	after_renaming(d, parent, name, to_parent, to_name, flags & RENAME_EXCHANGE, &r);
	return 0;
}
