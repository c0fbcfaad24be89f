// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes.
 *
 * Names below "user.hillock." are the server's own: the guest does not see and cannot set them.
 * Where owners are kept aside, so are the names that an ordinary user may not set ("trusted.",
 * "security."): "user.hillock.x." and the name. Only regular files and directories have any.
 */
#include <string.h>
#include <sys/xattr.h>

#include "translators/dir_room.h"

static int is_own(const char *name)
{
	return !strncmp(name, DIR_XATTR_OWN, sizeof(DIR_XATTR_OWN) - 1);
}

/* The name on the host. */
static int host_name(const struct dir *d, const char *name, char host[XATTR_NAME_MAX + 1])
{
	int aside = d->options.owners == DIR_OWNERS_ASIDE && strncmp(name, "user.", 5) != 0;
	size_t prefix = aside ? sizeof(DIR_XATTR_OTHER) - 1 : 0, length = strlen(name);

	if (is_own(name))
		return -EPERM;
	if (prefix + length > XATTR_NAME_MAX)
		return -ERANGE;
	memcpy(host, DIR_XATTR_OTHER, prefix);
	memcpy(host + prefix, name, length + 1);
	return 0;
}

static int open_for(struct dir *d, uint64_t node)
{
	struct dir_node *n = dir_node_get(d, node);

	return n ? dir_open_node(d, n, O_RDONLY) : -ESTALE;
}

ssize_t dir_getxattr(struct translator *t, uint64_t node, const char *name, void *value,
		     size_t size)
{
	struct dir *d = dir_of(t);
	char host[XATTR_NAME_MAX + 1];
	cleanup_close int fd = -1;
	ssize_t n;

	if (host_name(d, name, host) < 0)
		return -ENODATA;
	fd = open_for(d, node);
	if (fd < 0)
		return fd == -EOPNOTSUPP ? -ENODATA : fd;
	n = fgetxattr(fd, host, value, size);
	return n < 0 ? -errno : n;
}

/* Leaves the names that the guest may see, as it knows them; returns their length. */
static size_t translate(char *names, size_t size)
{
	size_t at = 0, out = 0;

	while (at < size) {
		size_t length = strnlen(names + at, size - at) + 1, skip = 0;

		if (!strncmp(names + at, DIR_XATTR_OTHER, sizeof(DIR_XATTR_OTHER) - 1))
			skip = sizeof(DIR_XATTR_OTHER) - 1;
		else if (is_own(names + at))
			skip = length;
		memmove(names + out, names + at + skip, length - skip);
		out += length - skip;
		at += length;
	}
	return out;
}

ssize_t dir_listxattr(struct translator *t, uint64_t node, char *names, size_t size)
{
	static char all[XATTR_LIST_MAX];
	struct dir *d = dir_of(t);
	cleanup_close int fd = open_for(d, node);
	ssize_t n;

	if (fd < 0)
		return fd == -EOPNOTSUPP ? 0 : fd;
	n = flistxattr(fd, all, sizeof(all));
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	n = (ssize_t)translate(all, (size_t)n);
	if (size == 0)
		return n;
	if ((size_t)n > size)
		return -ERANGE;
	memcpy(names, all, (size_t)n);
	return n;
}

/* Was there such an attribute before anything was done? *noted: a predecessor looked. */
static int there_before(struct dir *d, int fd, const char *host, int *noted)
{
	uint64_t there = fgetxattr(fd, host, NULL, 0) >= 0;

	*noted = translator_note(d->t, &there, 1);
	return (int)there;
}

int dir_setxattr(struct translator *t, uint64_t node, const char *name, const void *value,
		 size_t size, int flags)
{
	struct dir *d = dir_of(t);
	char host[XATTR_NAME_MAX + 1];
	cleanup_close int fd = -1;
	int rc = host_name(d, name, host), noted;

	if (rc < 0)
		return rc;
	fd = open_for(d, node);
	if (fd < 0)
		return fd;
	if (flags & XATTR_CREATE) {
		if (there_before(d, fd, host, &noted))
			return -EEXIST;
		if (noted)
			flags &= ~XATTR_CREATE;
	}
	return fsetxattr(fd, host, value, size, flags) < 0 ? -errno : 0;
}

int dir_removexattr(struct translator *t, uint64_t node, const char *name)
{
	struct dir *d = dir_of(t);
	char host[XATTR_NAME_MAX + 1];
	cleanup_close int fd = -1;
	int rc = host_name(d, name, host), noted;

	if (rc < 0)
		return rc;
	fd = open_for(d, node);
	if (fd < 0)
		return fd;
	if (!there_before(d, fd, host, &noted))
		return -ENODATA;
	if (fremovexattr(fd, host) < 0 && !(noted && errno == ENODATA))
		return -errno;
	return 0;
}
