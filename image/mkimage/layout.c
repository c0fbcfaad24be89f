// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What lies behind the content.
 *
 * Theory of operation
 * -------------------
 * Blocks are handed out by counting up, as for content. An inode's map is a tree of extents
 * (the kernel's Documentation/filesystems/ext4, "Extent Tree"): four fit into the inode; more of
 * them go into leaf blocks, built from the bottom up, each level full, until four are enough.
 * Small links and device numbers stand in the map's place themselves.
 */
#include "image/mkimage/layout.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/bytes.h"
#include "image/mkimage/dirblocks.h"

#define MAP_SIZE 60u
#define EXTENT_MAGIC 0xf30a
#define EXTENTS_INLINE 4u
#define EXTENTS_A_BLOCK ((FS_BLOCK - 12) / 12)

static int put_blocks(struct fs_tree *tree, const unsigned char *data, uint32_t count,
		      uint64_t *where, struct err *err)
{
	size_t size = (size_t)count * FS_BLOCK, done = 0;

	if (tree->next_block + count > FS_BLOCKS_MAX)
		return err_set(err, EFBIG, "more than %llu GiB", FS_BLOCKS_MAX * FS_BLOCK >> 30);
	while (done < size) {
		ssize_t n = pwrite(tree->out_fd, data + done, size - done,
				   (off_t)(tree->next_block * FS_BLOCK + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "writing the image");
		done += (size_t)n;
	}
	*where = tree->next_block;
	tree->next_block += count;
	return 0;
}

/* A node of an extent tree: a header, and `count` entries of 12 bytes. A leaf's entry is an
 * extent; above, it names a block (`physical`) that covers from `logical` on. */
static void put_node(unsigned char *at, unsigned room, unsigned depth,
		     const struct fs_extent *entries, uint32_t count)
{
	put16(at, EXTENT_MAGIC);
	put16(at + 2, (uint16_t)count);
	put16(at + 4, (uint16_t)room);
	put16(at + 6, (uint16_t)depth);
	for (uint32_t i = 0; i < count; i++) {
		unsigned char *entry = at + 12 + 12 * i;

		put32(entry, entries[i].logical);
		if (depth) {
			put32(entry + 4, (uint32_t)entries[i].physical);
			put16(entry + 8, (uint16_t)(entries[i].physical >> 32));
		} else {
			put16(entry + 4, (uint16_t)entries[i].count);
			put16(entry + 6, (uint16_t)(entries[i].physical >> 32));
			put32(entry + 8, (uint32_t)entries[i].physical);
		}
	}
}

static int map_extents(struct fs_tree *tree, struct fs_inode *inode, struct err *err)
{
	cleanup_free struct fs_extent *upper = NULL;
	const struct fs_extent *level = inode->extents;
	uint32_t count = inode->extent_count;
	unsigned depth = 0;

	while (count > EXTENTS_INLINE) {
		uint32_t nodes = (count + EXTENTS_A_BLOCK - 1) / EXTENTS_A_BLOCK;
		struct fs_extent *above = calloc(nodes, sizeof(*above));

		if (!above)
			return err_sys(err, ENOMEM, "making an image");
		for (uint32_t i = 0; i < nodes; i++) {
			uint32_t from = i * EXTENTS_A_BLOCK, n = count - from;
			unsigned char block[FS_BLOCK] = { 0 };
			int rc;

			if (n > EXTENTS_A_BLOCK)
				n = EXTENTS_A_BLOCK;
			put_node(block, EXTENTS_A_BLOCK, depth, level + from, n);
			above[i].logical = level[from].logical;
			rc = put_blocks(tree, block, 1, &above[i].physical, err);
			if (rc < 0) {
				free(above);
				return rc;
			}
		}
		inode->map_blocks += nodes;
		free(upper);
		level = upper = above;
		count = nodes;
		depth++;
	}
	put_node(inode->map, EXTENTS_INLINE, depth, level, count);
	return 0;
}

static int lay_directory(struct fs_tree *tree, struct fs_inode *dir, struct err *err)
{
	struct dir_blocks blocks = { 0 };
	uint64_t where = 0;
	int rc = dir_blocks_make(dir, &blocks, err);

	if (rc == 0)
		rc = put_blocks(tree, blocks.data, blocks.count, &where, err);
	free(blocks.data);
	if (rc < 0)
		return rc;
	dir->indexed = (uint32_t)blocks.indexed;
	dir->size = (uint64_t)blocks.count * FS_BLOCK;
	if (fs_inode_add_extent(dir, 0, where, blocks.count) < 0)
		return err_sys(err, ENOMEM, "making an image");
	return map_extents(tree, dir, err);
}

static int lay_symlink(struct fs_tree *tree, struct fs_inode *inode, struct err *err)
{
	unsigned char block[FS_BLOCK] = { 0 };
	uint64_t where;
	int rc;

	inode->size = strlen(inode->target);
	if (inode->size < MAP_SIZE) {
		memcpy(inode->map, inode->target, inode->size);
		return 0;
	}
	if (inode->size >= FS_BLOCK)
		return err_sys(err, ENAMETOOLONG, "the link to '%.64s…'", inode->target);
	memcpy(block, inode->target, inode->size);
	rc = put_blocks(tree, block, 1, &where, err);
	if (rc < 0)
		return rc;
	if (fs_inode_add_extent(inode, 0, where, 1) < 0)
		return err_sys(err, ENOMEM, "making an image");
	return map_extents(tree, inode, err);
}

/* Device numbers as the kernel writes them: the short form where it is enough. */
static void lay_device(struct fs_inode *inode)
{
	uint32_t major = inode->dev_major, minor = inode->dev_minor;

	if (major < 256 && minor < 256)
		put32(inode->map, major << 8 | minor);
	else
		put32(inode->map + 4, (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12);
}

static int lay_inode(struct fs_tree *tree, struct fs_inode *inode, struct err *err)
{
	inode->map = fs_tree_alloc(tree, MAP_SIZE);
	if (!inode->map)
		return err_sys(err, ENOMEM, "making an image");
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		return lay_directory(tree, inode, err);
	case S_IFREG:
		return map_extents(tree, inode, err);
	case S_IFLNK:
		return lay_symlink(tree, inode, err);
	case S_IFCHR:
	case S_IFBLK:
		lay_device(inode);
		return 0;
	default:
		return 0;
	}
}

int layout_finish(struct fs_tree *tree, uint32_t *last_number, struct err *err)
{
	uint32_t next = EXT2_GOOD_OLD_FIRST_INO;

	for (struct fs_inode *inode = tree->root; inode; inode = inode->next)
		if (inode->links)
			inode->number = inode == tree->root ? EXT2_ROOT_INO : next++;
	*last_number = next - 1;
	for (struct fs_inode *inode = tree->root; inode; inode = inode->next) {
		int rc = inode->links ? lay_inode(tree, inode, err) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}
