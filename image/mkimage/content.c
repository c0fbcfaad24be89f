// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * File content on its way into an image.
 *
 * Theory of operation
 * -------------------
 * Content of one file comes in pieces of any size with growing offsets. A window of whole blocks
 * collects them; when a piece lies beyond it, or the file ends, the window's blocks go out: a
 * block of zeros becomes a hole, runs of others are written behind everything that the image has
 * so far, in one write each, and noted as extents.
 */
#include "image/mkimage/fstree.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXTENT_BLOCKS_MAX 32768u

int fs_inode_add_extent(struct fs_inode *inode, uint32_t logical, uint64_t physical, uint32_t count)
{
	while (count) {
		struct fs_extent *last =
			inode->extent_count ? &inode->extents[inode->extent_count - 1] : NULL;
		uint32_t take = count;

		if (last && last->logical + last->count == logical &&
		    last->physical + last->count == physical && last->count < EXTENT_BLOCKS_MAX) {
			if (take > EXTENT_BLOCKS_MAX - last->count)
				take = EXTENT_BLOCKS_MAX - last->count;
			last->count += take;
		} else {
			if (inode->extent_count == inode->extent_room) {
				uint32_t room = inode->extent_room ? inode->extent_room * 2 : 1;
				struct fs_extent *grown =
					reallocarray(inode->extents, room, sizeof(*grown));

				if (!grown)
					return -ENOMEM;
				inode->extents = grown;
				inode->extent_room = room;
			}
			if (take > EXTENT_BLOCKS_MAX)
				take = EXTENT_BLOCKS_MAX;
			inode->extents[inode->extent_count++] = (struct fs_extent){
				.logical = logical, .physical = physical, .count = take
			};
		}
		logical += take;
		physical += take;
		count -= take;
	}
	return 0;
}

static int is_zero(const unsigned char *block)
{
	return block[0] == 0 && memcmp(block, block + 1, FS_BLOCK - 1) == 0;
}

static int write_run(struct fs_tree *tree, uint32_t logical, const unsigned char *data,
		     uint32_t count, struct err *err)
{
	size_t size = (size_t)count * FS_BLOCK, done = 0;
	struct fs_inode *inode = tree->writing;

	if (tree->next_block + count > FS_BLOCKS_MAX)
		return err_set(err, EFBIG, "more than %llu GiB of content",
			       FS_BLOCKS_MAX * FS_BLOCK >> 30);
	while (done < size) {
		ssize_t n = pwrite(tree->out_fd, data + done, size - done,
				   (off_t)(tree->next_block * FS_BLOCK + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "writing the image");
		done += (size_t)n;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t where = logical + i;

		inode->crc = ext2fs_crc32c_le(inode->crc, (const void *)&where, sizeof(where));
		inode->crc = ext2fs_crc32c_le(inode->crc, data + (size_t)i * FS_BLOCK, FS_BLOCK);
	}
	if (fs_inode_add_extent(inode, logical, tree->next_block, count) < 0)
		return err_sys(err, ENOMEM, "making an image");
	tree->next_block += count;
	return 0;
}

static int flush(struct fs_tree *tree, struct err *err)
{
	uint32_t blocks = (uint32_t)((tree->window_used + FS_BLOCK - 1) / FS_BLOCK), at = 0;
	uint32_t first = (uint32_t)(tree->window_start / FS_BLOCK);

	memset(tree->window + tree->window_used, 0, blocks * FS_BLOCK - tree->window_used);
	while (at < blocks) {
		uint32_t end = at;
		int rc;

		while (end < blocks && !is_zero(tree->window + (size_t)end * FS_BLOCK))
			end++;
		if (end > at) {
			rc = write_run(tree, first + at, tree->window + (size_t)at * FS_BLOCK,
				       end - at, err);
			if (rc < 0)
				return rc;
		}
		at = end + 1;
	}
	tree->window_start += (uint64_t)blocks * FS_BLOCK;
	tree->window_used = 0;
	return 0;
}

int fs_data_begin(struct fs_tree *tree, struct fs_inode *inode, struct err *err)
{
	if (!S_ISREG(inode->mode) || inode->extent_count || tree->writing)
		return err_set(err, EINVAL, "content for what cannot have it");
	tree->writing = inode;
	tree->window_start = tree->window_used = 0;
	return 0;
}

int fs_data_write(struct fs_tree *tree, uint64_t offset, const void *data, size_t size,
		  struct err *err)
{
	const unsigned char *at = data;

	if (offset > FS_FILE_MAX || size > FS_FILE_MAX - offset)
		return err_set(err, EFBIG, "a file of more than %llu TiB", FS_FILE_MAX >> 40);
	if (offset < tree->window_start + tree->window_used)
		return err_set(err, EINVAL, "content that goes backwards");
	while (size) {
		uint64_t end = tree->window_start + FS_WINDOW, skip, take;
		int rc;

		if (offset >= end) {
			rc = flush(tree, err);
			if (rc < 0)
				return rc;
			/* A hole of any size costs nothing. */
			if (offset >= tree->window_start + FS_WINDOW)
				tree->window_start = offset - offset % FS_BLOCK;
			continue;
		}
		skip = offset - tree->window_start - tree->window_used;
		memset(tree->window + tree->window_used, 0, skip);
		tree->window_used += skip;
		take = end - offset < size ? end - offset : size;
		memcpy(tree->window + tree->window_used, at, take);
		tree->window_used += take;
		at += take;
		offset += take;
		size -= take;
	}
	return 0;
}

int fs_data_end(struct fs_tree *tree, uint64_t size, struct err *err)
{
	struct fs_inode *inode = tree->writing;
	int rc;

	if (size > FS_FILE_MAX)
		return err_set(err, EFBIG, "a file of more than %llu TiB", FS_FILE_MAX >> 40);
	if (size < tree->window_start + tree->window_used)
		return err_set(err, EINVAL, "more content than the file's size");
	rc = flush(tree, err);
	tree->writing = NULL;
	inode->size = size;
	tree->bytes += size;
	return rc;
}
