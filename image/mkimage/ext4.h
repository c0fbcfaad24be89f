/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns a complete file tree into an ext4 file system around the content already written. */
#ifndef HILLOCK_IMAGE_MKIMAGE_EXT4_H
#define HILLOCK_IMAGE_MKIMAGE_EXT4_H

#include "image/mkimage/fstree.h"

struct ext4_result {
	uint64_t blocks; /* of FS_BLOCK bytes: the file's length */
	uint32_t files;  /* inodes in use */
};

/* The tree is used up: inodes get numbers, directories and links get blocks. */
int ext4_finish(struct fs_tree *tree, struct ext4_result *result, struct err *err);

#endif
