/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images made for a test: an archive built in memory, the image made of it, and a look inside.
 *
 * Each image is checked by e2fsck and read back by libext2fs' own readers, which share nothing
 * with the code that laid it out. Device nodes, owners and privileged attributes need no root:
 * they are only ever written into a file.
 */
#ifndef HILLOCK_TESTS_IMAGE_MADE_H
#define HILLOCK_TESTS_IMAGE_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive_entry.h>
#include <ext2fs/ext2fs.h>

#include "image/mkimage/ext4.h"

/* --- a tar archive in memory ----------------------------------------------------------------- */

struct tar {
	struct archive *writer;
	struct archive_entry *entry;
	unsigned char *data;
	size_t size;
};

void tar_begin(struct tar *tar);
/* The next entry, to be refined before tar_put(). */
struct archive_entry *tar_next(struct tar *tar, const char *name, unsigned mode);
void tar_put(struct tar *tar, const void *content, size_t size);
void tar_file(struct tar *tar, const char *name, const char *content);
void tar_end(struct tar *tar);

/* --- an image -------------------------------------------------------------------------------- */

struct made {
	char path[64];
	int fd, rc;
	struct err err;
	struct fs_tree tree;
	struct ext4_result result;
	ext2_filsys fs;
};

void made_begin(struct made *made);
/* Finishes what a reader filled in, has it checked, and opens it. */
void made_open(struct made *made);
void made_end(struct made *made);

/* Ends the archive and makes an image of it. */
void make_tar(struct made *made, struct tar *tar);
/* Ends the archive, which must be refused with this text in the error. */
void refuse_tar(struct tar *tar, const char *text);

/* Its inode's number, or 0. Links are followed. */
ext2_ino_t find(struct made *made, const char *path);
struct ext2_inode_large look(struct made *made, const char *path);
/* All of a file; the caller frees it. */
char *content(struct made *made, const char *path, size_t *size);
void assert_content(struct made *made, const char *path, const char *text);
void assert_xattr(struct made *made, const char *path, const char *name, const void *value,
		  size_t size);
size_t xattr_count(struct made *made, const char *path);

#endif
