/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a tar archive into the file tree of an image. */
#ifndef HILLOCK_IMAGE_MKIMAGE_TAR_H
#define HILLOCK_IMAGE_MKIMAGE_TAR_H

#include "image/mkimage/fstree.h"

struct archive;

/* A reader for every kind of tar and every compression that libarchive does in its own process.
 * NULL when there is no memory. Called before the jail: it may load tables for character sets. */
struct archive *tar_open(void);

/* Reads all of `fd` from where it is. */
int tar_read(struct fs_tree *tree, struct archive *archive, int fd,
	     const struct fs_progress *progress, struct err *err);
/* The same for an archive in memory (the fuzzer's way in). */
int tar_read_memory(struct fs_tree *tree, struct archive *archive, const void *data, size_t size,
		    struct err *err);

#endif
