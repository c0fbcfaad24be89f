/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of an ext4 directory: a pure function from names to bytes. */
#ifndef HILLOCK_IMAGE_MKIMAGE_DIRBLOCKS_H
#define HILLOCK_IMAGE_MKIMAGE_DIRBLOCKS_H

#include "image/mkimage/fstree.h"

struct dir_blocks {
	unsigned char *data; /* count * FS_BLOCK bytes; the caller frees them */
	uint32_t count;
	int indexed; /* a hash tree: the inode needs EXT2_INDEX_FL */
};

/* All inodes must have their numbers; `blocks` is zero, and its data to be freed even after an
 * error. -ENOMEM, -EFBIG. */
int dir_blocks_make(const struct fs_inode *dir, struct dir_blocks *blocks, struct err *err);

#endif
