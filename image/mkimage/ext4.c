// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An ext4 file system around content that is already there.
 *
 * Theory of operation
 * -------------------
 * When this starts, the output file holds all blocks of all files from FS_DATA_START on. Now the
 * number of inodes and blocks is known, so the file system is laid out to fit: bitmaps and inode
 * tables follow behind the content (flex_bg lets them lie anywhere), there is one superblock and
 * no backup (sparse_super2 with none), no journal, no room to grow. libext2fs then writes
 * superblock, descriptors, bitmaps, inodes and extended attributes in their disk format.
 *
 * Equal trees give equal images: the UUID is a hash of what is in the tree, all of the
 * superblock's times are one constant, and the hash seed of directories is the default one.
 */
#include "image/mkimage/ext4.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/bytes.h"
#include "image/mkimage/layout.h"
#include "image/sha256.h"

#define INODE_SIZE 256u
#define INODE_EXTRA 32u /* bytes in use behind the classic 128 */
#define INODES_A_BLOCK (FS_BLOCK / INODE_SIZE)
#define GROUP_BLOCKS_MAX 32768u /* bits in a bitmap's block */
#define GROUP_INODES_MAX 32768u
#define GROUP_BLOCKS_SPARE 50u /* libext2fs cuts a last group off that has less than this */

struct geometry {
	uint32_t groups, group_blocks, group_inodes;
	uint64_t tables; /* first block of bitmaps and inode tables */
	uint64_t blocks; /* all */
};

static int ext_fail(struct err *err, errcode_t code, const char *what)
{
	if (code > 0 && code < 256)
		return err_sys(err, (int)code, "%s", what);
	return err_set(err, EIO, "%s: %s", what, error_message(code));
}

/* Blocks to leave for attributes that have no room in their inodes; never too few. */
static uint32_t xattr_blocks(const struct fs_tree *tree)
{
	uint32_t blocks = 0;

	for (const struct fs_inode *inode = tree->root; inode; inode = inode->next) {
		size_t size = 8; /* what stands in front of and behind the entries */

		for (const struct fs_xattr *x = inode->xattrs; x; x = x->next)
			size += 16 + ((strlen(x->name) + 3) & ~3ul) + ((x->size + 3) & ~3ul);
		if (inode->links && size > INODE_SIZE - 128 - INODE_EXTRA)
			blocks++;
	}
	return blocks;
}

static uint64_t divide_up(uint64_t value, uint64_t by)
{
	return (value + by - 1) / by;
}

/* `tables`: the first block that is free for them; `inodes`: the highest number. */
static int plan(struct geometry *g, uint64_t tables, uint32_t inodes, struct err *err)
{
	uint64_t needed = divide_up(inodes, GROUP_INODES_MAX), rest, least, table;

	g->tables = tables;
	do {
		g->groups = (uint32_t)needed;
		table = divide_up(divide_up(inodes, needed), INODES_A_BLOCK);
		g->group_inodes = (uint32_t)table * INODES_A_BLOCK;
		g->blocks = tables + needed * (2 + table);
		needed = divide_up(g->blocks, GROUP_BLOCKS_MAX);
	} while (needed > g->groups);

	/* More inodes than blocks: smaller groups make room for more bitmaps. */
	g->group_blocks = GROUP_BLOCKS_MAX;
	if (needed < g->groups)
		g->group_blocks = ((uint32_t)divide_up(g->blocks, g->groups) + 7) & ~7u;
	rest = g->blocks - (uint64_t)(g->groups - 1) * g->group_blocks;
	least = 2 + table + FS_DATA_START + GROUP_BLOCKS_SPARE;
	if (rest < least)
		g->blocks += least - rest;
	if (g->blocks > FS_BLOCKS_MAX)
		return err_set(err, EFBIG, "more than %llu GiB", FS_BLOCKS_MAX * FS_BLOCK >> 30);
	return 0;
}

static void hash_number(struct sha256 *sha, uint64_t value)
{
	unsigned char bytes[8];

	put64(bytes, value);
	sha256_add(sha, bytes, sizeof(bytes));
}

static void make_uuid(const struct fs_tree *tree, unsigned char uuid[16])
{
	unsigned char digest[SHA256_SIZE];
	struct sha256 sha;

	sha256_init(&sha);
	for (const struct fs_inode *inode = tree->root; inode; inode = inode->next) {
		const uint64_t fields[] = { inode->number,    inode->mode,
					    inode->uid,       inode->gid,
					    inode->size,      (uint64_t)inode->mtime,
					    inode->mtime_ns,  inode->dev_major,
					    inode->dev_minor, inode->crc };

		if (!inode->links)
			continue;
		for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			hash_number(&sha, fields[i]);
		if (inode->target)
			sha256_add(&sha, inode->target, strlen(inode->target) + 1);
		for (const struct fs_xattr *x = inode->xattrs; x; x = x->next) {
			sha256_add(&sha, x->name, strlen(x->name) + 1);
			hash_number(&sha, x->size);
			sha256_add(&sha, x->value, x->size);
		}
		for (const struct fs_entry *entry = inode->first; entry; entry = entry->next) {
			sha256_add(&sha, entry->name, entry->name_size + 1);
			hash_number(&sha, entry->inode->number);
		}
	}
	sha256_end(&sha, digest);
	memcpy(uuid, digest, 16);
	uuid[6] = (uuid[6] & 0x0f) | 0x80; /* RFC 9562: version 8, made as its maker likes */
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static int create(ext2_filsys *fs, const struct fs_tree *tree, const struct geometry *g,
		  struct err *err)
{
	struct ext2_super_block want = { 0 };
	cleanup_close int fd = dup(tree->out_fd); /* libext2fs closes what it is given */
	char name[16];
	errcode_t rc;

	if (fd < 0)
		return err_sys(err, errno, "making a file system");
	snprintf(name, sizeof(name), "%d", fd);
	ext2fs_blocks_count_set(&want, g->blocks);
	want.s_inodes_count = g->group_inodes * g->groups;
	want.s_blocks_per_group = g->group_blocks;
	want.s_log_block_size = 2;
	want.s_log_cluster_size = 2;
	want.s_log_groups_per_flex = 4;
	want.s_rev_level = EXT2_DYNAMIC_REV;
	want.s_inode_size = INODE_SIZE;
	want.s_feature_compat = EXT2_FEATURE_COMPAT_EXT_ATTR | EXT2_FEATURE_COMPAT_DIR_INDEX |
				EXT4_FEATURE_COMPAT_SPARSE_SUPER2;
	want.s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS |
				  EXT4_FEATURE_INCOMPAT_FLEX_BG;
	want.s_feature_ro_compat =
		EXT2_FEATURE_RO_COMPAT_LARGE_FILE | EXT4_FEATURE_RO_COMPAT_HUGE_FILE |
		EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE;
	rc = ext2fs_initialize(name, EXT2_FLAG_64BITS, &want, unixfd_io_manager, fs);
	if (rc)
		return ext_fail(err, rc, "making a file system");
	fd_steal(&fd);
	if (ext2fs_blocks_count((*fs)->super) != g->blocks ||
	    (*fs)->super->s_inodes_per_group != g->group_inodes ||
	    (*fs)->group_desc_count != g->groups || (*fs)->desc_blocks >= FS_DATA_START)
		return err_set(err, EIO, "making a file system: libext2fs wants another shape");
	return 0;
}

static void set_superblock(ext2_filsys fs, const struct fs_tree *tree)
{
	struct ext2_super_block *super = fs->super;

	fs->now = 1;
	super->s_mkfs_time = super->s_lastcheck = super->s_wtime = 1;
	super->s_max_mnt_count = -1;
	super->s_checkinterval = 0;
	super->s_want_extra_isize = super->s_min_extra_isize = INODE_EXTRA;
	super->s_def_hash_version = EXT2_HASH_HALF_MD4;
	super->s_flags = EXT2_FLAGS_UNSIGNED_HASH;
	memset(super->s_hash_seed, 0, sizeof(super->s_hash_seed));
	make_uuid(tree, super->s_uuid);
}

/* Says where the tables are, and which blocks and inodes are in use. */
static void mark_used(ext2_filsys fs, const struct fs_tree *tree, const struct geometry *g,
		      uint64_t content_end)
{
	uint32_t table = fs->inode_blocks_per_group;

	for (dgrp_t i = 0; i < g->groups; i++) {
		ext2fs_block_bitmap_loc_set(fs, i, g->tables + i);
		ext2fs_inode_bitmap_loc_set(fs, i, g->tables + g->groups + i);
		ext2fs_inode_table_loc_set(fs, i, g->tables + 2 * g->groups + (uint64_t)i * table);
	}
	ext2fs_block_alloc_stats_range(fs, g->tables, (blk_t)(g->groups * (2 + table)), +1);
	ext2fs_block_alloc_stats_range(fs, FS_DATA_START, (blk_t)(content_end - FS_DATA_START), +1);
	for (uint32_t i = 0; i < tree->dropped.extent_count; i++)
		ext2fs_block_alloc_stats_range(fs, tree->dropped.extents[i].physical,
					       tree->dropped.extents[i].count, -1);
	for (ext2_ino_t i = 1; i < EXT2_GOOD_OLD_FIRST_INO; i++)
		ext2fs_inode_alloc_stats2(fs, i, +1, i == EXT2_ROOT_INO);
}

static void set_time(__u32 *seconds, __u32 *extra, int64_t time, uint32_t ns)
{
	const int64_t lowest = INT32_MIN, highest = INT32_MAX + (3ll << 32);

	if (time < lowest || time > highest) {
		time = time < lowest ? lowest : highest;
		ns = 0;
	}
	*seconds = (__u32)time;
	*extra = (__u32)((time - (int32_t)time) >> 32 & 3) | ns << 2;
}

static int write_inode(ext2_filsys fs, const struct fs_inode *inode, struct err *err)
{
	struct ext2_inode_large disk = { 0 };
	uint64_t blocks = inode->map_blocks;
	int is_dir = S_ISDIR(inode->mode);
	errcode_t rc;

	disk.i_mode = (__u16)inode->mode;
	disk.i_uid = (__u16)inode->uid;
	disk.osd2.linux2.l_i_uid_high = (__u16)(inode->uid >> 16);
	disk.i_gid = (__u16)inode->gid;
	disk.osd2.linux2.l_i_gid_high = (__u16)(inode->gid >> 16);
	disk.i_size = (__u32)inode->size;
	disk.i_size_high = (__u32)(inode->size >> 32);
	disk.i_links_count = (__u16)inode->links;
	if (is_dir) /* 1 says "too many to count" */
		disk.i_links_count = inode->subdirectories + 2 > FS_LINKS_MAX
					     ? 1
					     : (__u16)(inode->subdirectories + 2);
	disk.i_extra_isize = INODE_EXTRA;
	set_time(&disk.i_mtime, &disk.i_mtime_extra, inode->mtime, inode->mtime_ns);
	disk.i_atime = disk.i_ctime = disk.i_crtime = disk.i_mtime;
	disk.i_atime_extra = disk.i_ctime_extra = disk.i_crtime_extra = disk.i_mtime_extra;
	if (S_ISREG(inode->mode) || is_dir || inode->extent_count)
		disk.i_flags |= EXT4_EXTENTS_FL;
	if (inode->indexed)
		disk.i_flags |= EXT2_INDEX_FL;
	memcpy(disk.i_block, inode->map, sizeof(disk.i_block));
	for (uint32_t i = 0; i < inode->extent_count; i++)
		blocks += inode->extents[i].count;
	blocks *= FS_BLOCK / 512;
	disk.i_blocks = (__u32)blocks;
	disk.osd2.linux2.l_i_blocks_hi = (__u16)(blocks >> 32);

	if (inode->number != EXT2_ROOT_INO)
		ext2fs_inode_alloc_stats2(fs, inode->number, +1, is_dir);
	rc = ext2fs_write_inode_full(fs, inode->number, (struct ext2_inode *)&disk, sizeof(disk));
	return rc ? ext_fail(err, rc, "writing an inode") : 0;
}

static int write_xattrs(ext2_filsys fs, const struct fs_inode *inode, struct err *err)
{
	struct ext2_xattr_handle *handle;
	const struct fs_xattr *x = inode->xattrs;
	errcode_t rc = ext2fs_xattrs_open(fs, inode->number, &handle);

	if (rc)
		return ext_fail(err, rc, "extended attributes");
	for (; x && !rc; x = rc ? x : x->next)
		rc = ext2fs_xattr_set(handle, x->name, x->value, x->size);
	ext2fs_xattrs_close(&handle);
	if (rc == EXT2_ET_EA_NO_SPACE)
		return err_set(err, E2BIG,
			       "its extended attributes take more than %u bytes (at "
			       "'%s')",
			       FS_BLOCK, x->name);
	if (rc)
		return err_set(err, EINVAL, "the extended attribute '%s': %s", x->name,
			       error_message(rc));
	return 0;
}

static int fill(ext2_filsys fs, const struct fs_tree *tree, struct err *err)
{
	for (const struct fs_inode *inode = tree->root; inode; inode = inode->next) {
		int rc;

		if (!inode->links)
			continue;
		rc = write_inode(fs, inode, err);
		if (rc == 0 && inode->xattrs)
			rc = write_xattrs(fs, inode, err);
		if (rc < 0) {
			char path[512];

			fs_inode_path(tree, inode, path, sizeof(path));
			return err_context(err, "'%s'", path);
		}
	}
	return 0;
}

int ext4_finish(struct fs_tree *tree, struct ext4_result *result, struct err *err)
{
	struct geometry g = { 0 };
	uint32_t last_number;
	ext2_filsys fs = NULL;
	errcode_t closed;
	int rc = layout_finish(tree, &last_number, err);

	if (rc == 0)
		rc = plan(&g, tree->next_block + xattr_blocks(tree), last_number, err);
	if (rc < 0)
		return rc;
	if (ftruncate(tree->out_fd, (off_t)(g.blocks * FS_BLOCK)) < 0)
		return err_sys(err, errno, "writing the image");
	initialize_ext2_error_table();
	rc = create(&fs, tree, &g, err);
	if (rc == 0) {
		set_superblock(fs, tree);
		mark_used(fs, tree, &g, tree->next_block);
		rc = fill(fs, tree, err);
	}
	if (rc < 0) {
		if (fs)
			ext2fs_free(fs);
		return rc;
	}
	closed = ext2fs_close_free(&fs);
	if (closed)
		return ext_fail(err, closed, "writing the image");
	result->blocks = g.blocks;
	result->files = 0;
	for (const struct fs_inode *inode = tree->root; inode; inode = inode->next)
		result->files += inode->links != 0;
	return 0;
}
