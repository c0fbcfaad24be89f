// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners of symbolic links, where they are kept aside.
 *
 * A link cannot have an extended attribute of its user's own. So whom it belongs to, if not to
 * the guest's root, stands with the directory that it is in:
 *
 *	user.hillock.link.INODE = "UID GID"
 *
 * Named by its inode number it stays right when the link is renamed; when that goes to another
 * directory it goes along. How many fit depends on the host's file system; a link for which there
 * is no room belongs to root.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "translators/dir_room.h"

#define PREFIX "user.hillock.link."

static int open_directory(int parent_fd, uint64_t inode, char name[64])
{
	snprintf(name, 64, PREFIX "%llu", (unsigned long long)inode);
	return dir_openat(parent_fd, ".", O_RDONLY | O_DIRECTORY, 0);
}

void dir_link_read(struct dir *d, int parent_fd, struct statx *stx)
{
	char name[64], text[32] = "";
	cleanup_close int fd = open_directory(parent_fd, stx->stx_ino, name);
	unsigned int uid, gid;
	int end = 0;

	if (fd < 0 || fgetxattr(fd, name, text, sizeof(text) - 1) < 0 ||
	    sscanf(text, "%9u %9u%n", &uid, &gid, &end) != 2 || text[end])
		return;
	stx->stx_uid = uid;
	stx->stx_gid = gid;
}

void dir_link_write(struct dir *d, int parent_fd, uint64_t inode, uint32_t uid, uint32_t gid)
{
	char name[64], text[32];
	cleanup_close int fd = -1;

	if (d->options.owners == DIR_OWNERS_NATIVE)
		return;
	fd = open_directory(parent_fd, inode, name);
	if (fd < 0)
		return;
	if (uid || gid) {
		snprintf(text, sizeof(text), "%u %u", uid, gid);
		if (fsetxattr(fd, name, text, strlen(text), 0) == 0)
			return;
	}
	fremovexattr(fd, name);
}

void dir_link_moved(struct dir *d, int from_fd, int to_fd, uint64_t inode)
{
	struct statx stx = { .stx_ino = inode };

	if (d->options.owners == DIR_OWNERS_NATIVE)
		return;
	dir_link_read(d, from_fd, &stx);
	/* Nothing there: it has been moved before, or belongs to root. */
	if (!stx.stx_uid && !stx.stx_gid)
		return;
	dir_link_write(d, to_fd, inode, stx.stx_uid, stx.stx_gid);
}
