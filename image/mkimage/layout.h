/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies behind the content: directories, long link targets, trees of extents. */
#ifndef HILLOCK_IMAGE_MKIMAGE_LAYOUT_H
#define HILLOCK_IMAGE_MKIMAGE_LAYOUT_H

#include "image/mkimage/fstree.h"

/*
 * Gives every inode that is left its number, in order of birth, then writes what belongs to the
 * inodes and is not content, and fills in their maps. *last_number: the highest one.
 */
int layout_finish(struct fs_tree *tree, uint32_t *last_number, struct err *err);

#endif
