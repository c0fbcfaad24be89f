// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners, modes and devices that an ordinary user may not set on the host.
 *
 * Theory of operation
 * -------------------
 * To the guest, what belongs to the user who runs the server belongs to root. Where the guest
 * wants anything else that the host would refuse, or that would be unwise there (set-user-ID on a
 * file that other users of the host can run), a regular file or directory of the user's own
 * stands for it, with an extended attribute
 *
 *	user.hillock.owner = "MODE UID GID MAJOR MINOR"   mode in octal with its type, the rest
 *							   decimal; MAJOR MINOR of a device
 *
 * so that devices, FIFOs and sockets are empty files to the host. To look the attribute up for
 * every file would cost three system calls each. So a file that has it also has the sticky bit
 * in its mode on the host, which every stat shows, which its owner may set, and which means
 * nothing else for a file. (On a directory it keeps others from removing what is not theirs.)
 *
 * What the host can say itself has no attribute: a file of the guest's root, with a mode that
 * leaves its owner reading and writing, looks the same on both sides. A symbolic link cannot have
 * an attribute; dir_link.c says what is done for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "translators/dir_room.h"

int dir_owner_format(const struct dir_owner *o, char text[64])
{
	return snprintf(text, 64, "%o %u %u %u %u", o->mode, o->uid, o->gid, o->rdev_major,
			o->rdev_minor);
}

/* A number that ends with `after`, or (NUL) with the text. */
static int parse_number(const char **at, const char *end, unsigned int base, char after,
			uint32_t *value)
{
	const char *start = *at;
	uint64_t v = 0;

	while (*at < end && **at >= '0' && **at < (char)('0' + base)) {
		v = v * base + (unsigned int)(*(*at)++ - '0');
		if (v > UINT32_MAX)
			return -EINVAL;
	}
	*value = (uint32_t)v;
	if (*at == start)
		return -EINVAL;
	if (!after)
		return *at == end ? 0 : -EINVAL;
	return *at < end && *(*at)++ == after ? 0 : -EINVAL;
}

int dir_owner_parse(const char *text, size_t size, struct dir_owner *o)
{
	const char *end = text + size;

	if (parse_number(&text, end, 8, ' ', &o->mode) < 0 ||
	    parse_number(&text, end, 10, ' ', &o->uid) < 0 ||
	    parse_number(&text, end, 10, ' ', &o->gid) < 0 ||
	    parse_number(&text, end, 10, ' ', &o->rdev_major) < 0 ||
	    parse_number(&text, end, 10, '\0', &o->rdev_minor) < 0)
		return -EINVAL;
	return o->mode & ~(uint32_t)(S_IFMT | 07777) ? -EINVAL : 0;
}

void dir_owner_show(const struct dir_owner *o, struct statx *stx)
{
	stx->stx_mode = (uint16_t)o->mode;
	stx->stx_uid = o->uid;
	stx->stx_gid = o->gid;
	stx->stx_rdev_major = o->rdev_major;
	stx->stx_rdev_minor = o->rdev_minor;
}

static void map_own(const struct dir *d, struct statx *stx)
{
	if (stx->stx_uid == d->uid)
		stx->stx_uid = 0;
	if (stx->stx_gid == d->gid)
		stx->stx_gid = 0;
}

/* May an attribute's word stand for this file? A directory is one on both sides, and nothing but
 * a regular file stands for anything else. */
static int fits(const struct dir_owner *o, const struct statx *stx)
{
	if (S_ISDIR(stx->stx_mode) || S_ISDIR(o->mode))
		return S_ISDIR(stx->stx_mode) && S_ISDIR(o->mode);
	return S_ISREG(stx->stx_mode) && !S_ISLNK(o->mode);
}

int dir_owner_read(struct dir *d, int fd, const char *name, struct statx *stx)
{
	cleanup_close int opened = -1;
	struct dir_owner owner;
	char text[64];
	ssize_t n;

	if (d->options.owners == DIR_OWNERS_NATIVE)
		return 0;
	map_own(d, stx);
	if (S_ISLNK(stx->stx_mode) && name)
		dir_link_read(d, fd, stx);
	if (!(stx->stx_mode & S_ISVTX) || (!S_ISREG(stx->stx_mode) && !S_ISDIR(stx->stx_mode)))
		return 0;
	if (name) {
		opened = dir_openat(fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (opened < 0)
			return opened == -EACCES ? 0 : opened;
		fd = opened;
	}
	n = fgetxattr(fd, DIR_XATTR_OWNER, text, sizeof(text));
	if (n < 0)
		return errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE ? 0 : -errno;
	if (dir_owner_parse(text, (size_t)n, &owner) == 0 && fits(&owner, stx))
		dir_owner_show(&owner, stx);
	return 0;
}

/* Can the host say this itself? */
static int is_plain(const struct dir_owner *o)
{
	uint32_t needed = S_ISDIR(o->mode) ? 0700 : 0600;

	return (S_ISDIR(o->mode) || S_ISREG(o->mode)) && o->uid == 0 && o->gid == 0 &&
	       !(o->mode & (S_ISUID | S_ISGID | S_ISVTX)) && (o->mode & needed) == needed;
}

mode_t dir_owner_host_mode(const struct dir *d, const struct dir_owner *o)
{
	mode_t mode = o->mode & 0777;

	if (d->options.owners == DIR_OWNERS_NATIVE)
		return o->mode & 01777; /* not set-user-ID while it is still ours */
	/* A device is nothing that anybody else on the host should find open. */
	if (!S_ISDIR(o->mode) && !S_ISREG(o->mode))
		mode = 0600;
	mode |= S_ISDIR(o->mode) ? 0700 : 0600;
	return is_plain(o) ? mode : mode | S_ISVTX;
}

int dir_owner_needed(const struct dir *d, const struct dir_owner *o)
{
	if (d->options.owners == DIR_OWNERS_ASIDE)
		return !is_plain(o);
	return o->uid != d->uid || o->gid != d->gid || o->mode & (S_ISUID | S_ISGID);
}

static int write_native(const struct dir *d, int fd, const struct dir_owner *o, int fresh)
{
	if ((!fresh || o->uid != d->uid || o->gid != d->gid) && fchown(fd, o->uid, o->gid) < 0)
		return -errno;
	/* After the owner: changing that takes set-user-ID away. */
	return fchmod(fd, o->mode & 07777) < 0 ? -errno : 0;
}

int dir_owner_write(struct dir *d, int fd, const struct dir_owner *o, int fresh)
{
	char text[64];
	int size;

	if (d->options.owners == DIR_OWNERS_NATIVE)
		return write_native(d, fd, o, fresh);
	if (is_plain(o)) {
		if (fresh)
			return 0;
		if (fchmod(fd, dir_owner_host_mode(d, o)) < 0)
			return -errno;
		if (fremovexattr(fd, DIR_XATTR_OWNER) < 0 && errno != ENODATA &&
		    errno != EOPNOTSUPP)
			return -errno;
		return 0;
	}
	size = dir_owner_format(o, text);
	/* A host without extended attributes: then that is not possible there. */
	if (fsetxattr(fd, DIR_XATTR_OWNER, text, (size_t)size, 0) < 0)
		return errno == EOPNOTSUPP ? -EPERM : -errno;
	return fchmod(fd, dir_owner_host_mode(d, o)) < 0 ? -errno : 0;
}

int dir_owner_new(struct dir *d, int parent_fd, mode_t mode, struct dir_owner *owner)
{
	struct statx parent;
	int rc;

	*owner = (struct dir_owner){ .mode = mode, .uid = d->t->uid, .gid = d->t->gid };
	rc = dir_statx(parent_fd, "", &parent);
	if (rc == 0)
		rc = dir_owner_read(d, parent_fd, ".", &parent);
	if (rc < 0 || !(parent.stx_mode & S_ISGID))
		return rc;
	owner->gid = parent.stx_gid;
	if (S_ISDIR(mode))
		owner->mode |= S_ISGID;
	return 0;
}

enum dir_owners dir_owners_possible(int root_fd)
{
	cleanup_close int fd = -1;

	if (geteuid() != 0)
		return DIR_OWNERS_ASIDE;
	fd = dir_openat(root_fd, ".", O_TMPFILE | O_RDWR, 0600);
	return fd >= 0 && fchown(fd, 12345, 12345) == 0 ? DIR_OWNERS_NATIVE : DIR_OWNERS_ASIDE;
}
