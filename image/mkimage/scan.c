// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads a directory tree of the host into the file tree of an image.
 *
 * Theory of operation
 * -------------------
 * walk_tree() shows each file once per name. A file with several names is recognised by device and
 * inode number and linked. Holes are found with SEEK_DATA. A file that grows or shrinks meanwhile
 * is taken with the size that it had when it was opened. Extended attributes are read through an
 * open descriptor, or through /proc/self/fd for what cannot be opened without side effects;
 * attributes that only mean something on this host (security labels) stay behind.
 */
#include "image/mkimage/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/bytes.h"
#include "image/walk.h"

#define LIST_MAX 65536
#define COPY_SIZE (256u << 10)

/* A file that has more names than one. */
struct seen {
	struct seen *next;
	dev_t dev;
	ino_t ino;
	struct fs_inode *inode;
};

#define SEEN_SLOTS 4096

struct scan {
	struct fs_tree *tree;
	const struct scan_spec *spec;
	struct seen *seen[SEEN_SLOTS];
	unsigned char buffer[COPY_SIZE];
	char list[LIST_MAX];
	uint32_t files;
};

/* A capability set by a user namespace's root says whose root: for root inside it is plain. */
static size_t plain_capability(const struct scan *scan, unsigned char *value, size_t size)
{
	const uint32_t revision_mask = 0xff000000, revision_2 = 0x02000000, revision_3 = 0x03000000;
	uint32_t magic, owner;

	if (size != 24)
		return size;
	magic = value[0] | value[1] << 8 | value[2] << 16 | (uint32_t)value[3] << 24;
	owner = value[20] | value[21] << 8 | value[22] << 16 | (uint32_t)value[23] << 24;
	if ((magic & revision_mask) != revision_3)
		return size;
	owner = idmap_inside(&scan->spec->users, owner);
	put32(value + 20, owner);
	if (owner)
		return size;
	put32(value, (magic & ~revision_mask) | revision_2);
	return 20;
}

/* `fd` open, or `path` through /proc for what is not. */
static int take_xattrs(struct scan *scan, struct fs_inode *inode, int fd, const char *path,
		       struct err *err)
{
	ssize_t size = fd >= 0 ? flistxattr(fd, scan->list, LIST_MAX)
			       : llistxattr(path, scan->list, LIST_MAX);

	if (size < 0 && (errno == ENOTSUP || (fd < 0 && errno == ENOENT)))
		return 0; /* none there, or no /proc to ask through */
	if (size < 0)
		return err_sys(err, errno, "reading extended attributes");
	for (const char *name = scan->list; name < scan->list + size; name += strlen(name) + 1) {
		ssize_t n;
		int rc;

		if (!fs_xattr_wanted(name))
			continue;
		n = fd >= 0 ? fgetxattr(fd, name, scan->buffer, COPY_SIZE)
			    : lgetxattr(path, name, scan->buffer, COPY_SIZE);
		if (n < 0)
			return err_sys(err, errno, "reading the extended attribute '%s'", name);
		if (!strcmp(name, "security.capability"))
			n = (ssize_t)plain_capability(scan, scan->buffer, (size_t)n);
		rc = fs_inode_set_xattr(scan->tree, inode, name, scan->buffer, (size_t)n, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int copy_range(struct scan *scan, int fd, off_t at, off_t end, struct err *err)
{
	while (at < end) {
		size_t want = end - at < COPY_SIZE ? (size_t)(end - at) : COPY_SIZE;
		ssize_t n = pread(fd, scan->buffer, want, at);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "reading");
		if (n == 0)
			break;
		rc = fs_data_write(scan->tree, (uint64_t)at, scan->buffer, (size_t)n, err);
		if (rc < 0)
			return rc;
		at += n;
	}
	return 0;
}

static int copy_content(struct scan *scan, struct fs_inode *inode, int fd, off_t size,
			struct err *err)
{
	off_t at = 0;
	int rc = fs_data_begin(scan->tree, inode, err);

	while (rc == 0 && at < size) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0) /* a file system that does not know */
			data = at;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data || hole > size)
			hole = size;
		rc = copy_range(scan, fd, data, hole, err);
		at = hole;
	}
	return rc < 0 ? rc : fs_data_end(scan->tree, (uint64_t)size, err);
}

static void take_attributes(const struct scan *scan, struct fs_inode *inode, const struct stat *st)
{
	inode->mode = st->st_mode;
	inode->uid = idmap_inside(&scan->spec->users, st->st_uid);
	inode->gid = idmap_inside(&scan->spec->groups, st->st_gid);
	inode->mtime = st->st_mtim.tv_sec;
	inode->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	inode->dev_major = major(st->st_rdev);
	inode->dev_minor = minor(st->st_rdev);
}

static int take_file(struct scan *scan, struct fs_inode *inode, const struct walk_item *item,
		     struct err *err)
{
	cleanup_close int fd = openat(item->parent_fd, item->name,
				      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "opening");
	if (!S_ISREG(st.st_mode) || st.st_ino != item->st.st_ino)
		return err_set(err, EAGAIN, "replaced by another file while it was being read");
	take_attributes(scan, inode, &st);
	rc = take_xattrs(scan, inode, fd, NULL, err);
	return rc < 0 ? rc : copy_content(scan, inode, fd, st.st_size, err);
}

static int take_other(struct scan *scan, struct fs_inode *inode, const struct walk_item *item,
		      struct err *err)
{
	char path[64 + FS_NAME_MAX];

	take_attributes(scan, inode, &item->st);
	if (item->fd >= 0)
		return take_xattrs(scan, inode, item->fd, NULL, err);
	if (item->target) {
		inode->mode |= 0777;
		inode->target = fs_tree_text(scan->tree, item->target, strlen(item->target));
		if (!inode->target)
			return err_sys(err, ENOMEM, "making an image");
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", item->parent_fd, item->name);
	return take_xattrs(scan, inode, -1, path, err);
}

/* Where a file with several names is remembered; NULL when there is no memory. */
static struct seen *remember(struct scan *scan, const struct stat *st)
{
	struct seen **slot = &scan->seen[(st->st_ino ^ st->st_dev) % SEEN_SLOTS], *seen;

	for (seen = *slot; seen; seen = seen->next)
		if (seen->dev == st->st_dev && seen->ino == st->st_ino)
			return seen;
	seen = fs_tree_alloc(scan->tree, sizeof(*seen));
	if (!seen)
		return NULL;
	seen->dev = st->st_dev;
	seen->ino = st->st_ino;
	seen->next = *slot;
	return *slot = seen;
}

static int take_item(struct scan *scan, struct walk_item *item, struct err *err)
{
	struct fs_tree *tree = scan->tree;
	struct fs_inode *inode = tree->root, *dir = item->parent;
	struct seen *seen = NULL;
	size_t size = strlen(item->name);

	if (dir) {
		if (!S_ISDIR(item->st.st_mode) && item->st.st_nlink > 1) {
			seen = remember(scan, &item->st);
			if (!seen)
				return err_sys(err, ENOMEM, "making an image");
			if (seen->inode)
				return fs_inode_link(tree, dir, item->name, size, seen->inode, err);
		}
		inode = fs_inode_new(tree, item->st.st_mode, err);
		if (!inode || fs_inode_link(tree, dir, item->name, size, inode, err) < 0)
			return -err->code;
		if (seen)
			seen->inode = inode;
	}
	item->own = inode;
	if (S_ISREG(item->st.st_mode))
		return take_file(scan, inode, item, err);
	return take_other(scan, inode, item, err);
}

static int visit(struct walk *walk, struct walk_item *item, struct err *err)
{
	struct scan *scan = walk->context;
	const struct fs_progress *progress = scan->spec->progress;
	int rc = take_item(scan, item, err);

	if (rc < 0)
		return err_context(err, "%s", item->path);
	scan->files++;
	if (progress)
		progress->report(progress->context, scan->files, scan->tree->bytes, 0);
	return 0;
}

int scan_read(struct fs_tree *tree, const struct scan_spec *spec, struct err *err)
{
	cleanup_free struct scan *scan = calloc(1, sizeof(*scan));
	struct walk walk = { .visit = visit,
			     .context = scan,
			     .skip_dev = spec->skip_dev,
			     .skip_ino = spec->skip_ino };
	int rc;

	if (!scan)
		return err_sys(err, ENOMEM, "making an image");
	scan->tree = tree;
	scan->spec = spec;
	rc = walk_tree(&walk, spec->top_fd, err);
	if (rc == -EACCES || rc == -EPERM)
		err_hint(err,
			 "an image needs every file of the tree; whoever may read them all can "
			 "make an archive, 'tar -C DIR -cf FILE.tar .', for 'hillock image "
			 "import NAME FILE.tar'");
	return rc;
}
