// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The blocks of an ext4 directory.
 *
 * Theory of operation
 * -------------------
 * A small directory is a row of blocks with entries one behind the other. From five blocks on it
 * is a hash tree (the kernel's Documentation/filesystems/ext4, "Hash Tree Directories"): block 0
 * is the root, followed by one level of nodes if the root alone has no room, followed by leaves.
 * Leaves hold ordinary entries in the order of their names' hashes, and are filled completely as
 * nothing will ever be added. Where names of one hash continue in the next leaf, that leaf's
 * index entry has its lowest bit set. The hash is half MD4 with the default seed, unsigned chars:
 * the same everywhere, so that an image depends on its content only.
 */
#include "image/mkimage/dirblocks.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "image/mkimage/bytes.h"

#define LINEAR_BLOCKS_MAX 4u
#define ROOT_HEADER 32u /* two entries for people, and what kind of tree it is */
#define NODE_HEADER 8u  /* one entry that uses all of the block */
#define ROOT_LIMIT ((FS_BLOCK - ROOT_HEADER) / 8)
#define NODE_LIMIT ((FS_BLOCK - NODE_HEADER) / 8)

struct item {
	const struct fs_entry *entry;
	uint32_t hash, minor;
};

struct leaf {
	size_t first, end; /* items */
	uint32_t hash;     /* as in the index */
};

static size_t entry_size(size_t name_size)
{
	return (8 + name_size + 3) & ~(size_t)3;
}

static unsigned file_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

static void put_entry(unsigned char *at, uint32_t inode, size_t record, const char *name,
		      size_t name_size, unsigned type)
{
	put32(at, inode);
	put16(at + 4, (uint16_t)record);
	at[6] = (unsigned char)name_size;
	at[7] = (unsigned char)type;
	memcpy(at + 8, name, name_size);
}

/* `.` and `..`; the second one's record is `rest` bytes long. */
static void put_dots(unsigned char *at, const struct fs_inode *dir, size_t rest)
{
	put_entry(at, dir->number, 12, ".", 1, EXT2_FT_DIR);
	put_entry(at + 12, dir->parent->number, rest, "..", 2, EXT2_FT_DIR);
}

/* Blocks that items[0..count) take one behind the other, when `used` bytes are taken already. */
static size_t blocks_for(const struct item *items, size_t count, size_t used)
{
	size_t blocks = 1;

	for (size_t i = 0; i < count; i++) {
		size_t size = entry_size(items[i].entry->name_size);

		if (used + size > FS_BLOCK) {
			blocks++;
			used = 0;
		}
		used += size;
	}
	return blocks;
}

/* Fills blocks from `data` on; `used` bytes of the first are taken, the last record at `last`. */
static void put_items(unsigned char *data, const struct item *items, size_t count, size_t used,
		      size_t last)
{
	for (size_t i = 0; i < count; i++) {
		const struct fs_entry *entry = items[i].entry;
		size_t size = entry_size(entry->name_size);

		if (used + size > FS_BLOCK) {
			put16(data + last + 4, (uint16_t)(FS_BLOCK - last));
			data += FS_BLOCK;
			used = 0;
		}
		put_entry(data + used, entry->inode->number, size, entry->name, entry->name_size,
			  file_type(entry->inode->mode));
		last = used;
		used += size;
	}
	put16(data + last + 4, (uint16_t)(FS_BLOCK - last));
}

static int by_hash(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? -1 : 1;
	return strcmp(x->entry->name, y->entry->name);
}

static size_t split_leaves(const struct item *items, size_t count, struct leaf *leaves)
{
	size_t n = 0, used = FS_BLOCK;

	for (size_t i = 0; i < count; i++) {
		size_t size = entry_size(items[i].entry->name_size);

		if (used + size > FS_BLOCK) {
			int continued = i > 0 && items[i - 1].hash == items[i].hash;

			leaves[n++] = (struct leaf){ .first = i,
						     .hash = items[i].hash | (unsigned)continued };
			used = 0;
		}
		used += size;
		leaves[n - 1].end = i + 1;
	}
	return n;
}

/* Index entries for `count` children, child i in block first_block + i with the hash of
 * leaves[i * stride]. The first one's hash is implied; its place holds limit and count. */
static void put_index(unsigned char *at, uint32_t limit, const struct leaf *leaves, size_t stride,
		      size_t count, uint32_t first_block)
{
	for (size_t i = 0; i < count; i++) {
		put32(at + 8 * i, leaves[i * stride].hash);
		put32(at + 8 * i + 4, first_block + (uint32_t)i);
	}
	put16(at, (uint16_t)limit);
	put16(at + 2, (uint16_t)count);
}

static int make_indexed(const struct fs_inode *dir, struct item *items, size_t count,
			struct dir_blocks *blocks, struct err *err)
{
	cleanup_free struct leaf *leaves = calloc(count, sizeof(*leaves));
	size_t leaf_count, nodes;
	unsigned char *root;
	uint32_t first_leaf;

	if (!leaves)
		return err_sys(err, ENOMEM, "making a directory");
	for (size_t i = 0; i < count; i++)
		if (ext2fs_dirhash2(EXT2_HASH_HALF_MD4_UNSIGNED, items[i].entry->name,
				    (int)items[i].entry->name_size, NULL, 0, NULL, &items[i].hash,
				    &items[i].minor))
			return err_set(err, EINVAL, "hashing '%s'", items[i].entry->name);
	qsort(items, count, sizeof(*items), by_hash);
	leaf_count = split_leaves(items, count, leaves);
	nodes = leaf_count > ROOT_LIMIT ? (leaf_count + NODE_LIMIT - 1) / NODE_LIMIT : 0;
	if (nodes > ROOT_LIMIT)
		return err_set(err, EFBIG, "a directory of %zu names is too large", count);
	first_leaf = (uint32_t)(1 + nodes);
	blocks->count = (uint32_t)(first_leaf + leaf_count);
	blocks->indexed = 1;
	blocks->data = calloc(blocks->count, FS_BLOCK);
	if (!blocks->data)
		return err_sys(err, ENOMEM, "making a directory");

	root = blocks->data;
	put_dots(root, dir, FS_BLOCK - 12);
	root[28] = EXT2_HASH_HALF_MD4;
	root[29] = 8; /* bytes of these fields */
	root[30] = nodes != 0;
	if (nodes)
		put_index(root + ROOT_HEADER, ROOT_LIMIT, leaves, NODE_LIMIT, nodes, 1);
	else
		put_index(root + ROOT_HEADER, ROOT_LIMIT, leaves, 1, leaf_count, first_leaf);
	for (size_t i = 0; i < nodes; i++) {
		size_t from = i * NODE_LIMIT;
		size_t n = leaf_count - from < NODE_LIMIT ? leaf_count - from : NODE_LIMIT;
		unsigned char *node = root + (1 + i) * FS_BLOCK;

		put16(node + 4, FS_BLOCK);
		put_index(node + NODE_HEADER, NODE_LIMIT, leaves + from, 1, n,
			  first_leaf + (uint32_t)from);
	}
	for (size_t i = 0; i < leaf_count; i++)
		put_items(root + (first_leaf + i) * FS_BLOCK, items + leaves[i].first,
			  leaves[i].end - leaves[i].first, 0, 0);
	return 0;
}

int dir_blocks_make(const struct fs_inode *dir, struct dir_blocks *blocks, struct err *err)
{
	cleanup_free struct item *items = NULL;
	size_t count = 0, needed, i = 0;

	for (const struct fs_entry *entry = dir->first; entry; entry = entry->next)
		count++;
	items = calloc(count + 1, sizeof(*items));
	if (!items)
		return err_sys(err, ENOMEM, "making a directory");
	for (const struct fs_entry *entry = dir->first; entry; entry = entry->next)
		items[i++].entry = entry;

	needed = blocks_for(items, count, 24);
	if (needed > LINEAR_BLOCKS_MAX)
		return make_indexed(dir, items, count, blocks, err);
	blocks->count = (uint32_t)needed;
	blocks->data = calloc(needed, FS_BLOCK);
	if (!blocks->data)
		return err_sys(err, ENOMEM, "making a directory");
	put_dots(blocks->data, dir, 12);
	put_items(blocks->data, items, count, 24, 12);
	return 0;
}
