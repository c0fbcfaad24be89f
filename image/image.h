/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images: read-only root images, made once, shared by all containers that start from them.
 *
 * An image is a directory of the store, `images/NAME/`, with `root.ext4` (or `root.erofs`) and
 * `image.json` (what made it, when, sizes, default command and environment). Trees on disk that
 * are run directly (`hillock run DIR`) live in `images/.trees/FINGERPRINT/` with the same content.
 */
#ifndef HILLOCK_IMAGE_IMAGE_H
#define HILLOCK_IMAGE_IMAGE_H

#include <stdint.h>

#include "base/err.h"

struct image {
	int root_fd;		/* O_RDONLY; owned */
	char type[8];		/* "ext4" or "erofs" */
	char name[256];		/* as shown to people */
	char **entrypoint;	/* NULL-terminated, may be NULL; owned */
	char **command;		/* likewise */
	char **env;		/* "K=V", likewise */
	char *cwd, *user;	/* may be NULL */
};

/*
 * Finds what IMAGE|ROOTFS-DIR|ROOT.ext4|ROOT.erofs names and opens it, making a root image from a
 * tree when there is none of its present state yet (that can take seconds: progress goes to
 * stderr if it is a terminal). `store_fd` is the store's directory.
 *
 * A reference with a '/' or a leading '.' is a path; anything else is looked for in the store
 * first. -ENOENT names what the store has.
 */
int image_open(int store_fd, const char *reference, struct image *image, struct err *err);
void image_close(struct image *image);

/* Makes images/NAME from a tar archive (any compression libarchive reads; "-" is standard input)
 * or a directory. Replaces an image of that name at once; containers that run on the old one keep
 * it. */
int image_import(int store_fd, const char *name, const char *source, const char *const *command,
		 const char *const *env, struct err *err);

#endif
