/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose file is it inside?
 *
 * When root makes an image of a directory, owners stay as they are. When anyone else does, they
 * become what they would be in a rootless container: the caller's own id becomes 0, and the
 * ranges that /etc/subuid (or /etc/subgid) gives the caller become 1 and on. Every other id stays
 * as it is: a tree that root unpacked keeps root as root, and an image gives nobody any right on
 * the host.
 */
#ifndef HILLOCK_IMAGE_MKIMAGE_IDMAP_H
#define HILLOCK_IMAGE_MKIMAGE_IDMAP_H

#include <stdint.h>
#include <sys/types.h>

#define IDMAP_RANGES_MAX 32

struct idmap {
	int identity;
	uint32_t own;
	struct {
		uint32_t first, count, inside;
	} ranges[IDMAP_RANGES_MAX];
	unsigned range_count;
};

/* `text`: such a file's content; `name`: the caller's name, or NULL; `uid`: their uid, which the
 * file may have instead of the name; `own`: the id (uid or gid) that becomes 0. */
void idmap_parse(struct idmap *map, const char *text, const char *name, uid_t uid, uint32_t own);

/* The maps of the calling process. */
void idmap_load(struct idmap *users, struct idmap *groups);

uint32_t idmap_inside(const struct idmap *map, uint32_t id);

#endif
