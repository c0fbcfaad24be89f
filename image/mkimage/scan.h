/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a directory tree of the host into the file tree of an image. */
#ifndef HILLOCK_IMAGE_MKIMAGE_SCAN_H
#define HILLOCK_IMAGE_MKIMAGE_SCAN_H

#include "image/mkimage/fstree.h"
#include "image/mkimage/idmap.h"

struct scan_spec {
	int top_fd;
	dev_t skip_dev; /* a directory to leave out (struct walk) */
	ino_t skip_ino;
	struct idmap users, groups;
	const struct fs_progress *progress;
};

int scan_read(struct fs_tree *tree, const struct scan_spec *spec, struct err *err);

#endif
