/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file tree of an image in the making.
 *
 * Theory of operation
 * -------------------
 * A reader (tar.c, scan.c) builds the tree in memory: names, attributes, where each file's blocks
 * lie. File content never stays in memory: it goes into the output file as it comes, from block
 * FS_DATA_START on, in the order it comes. The space in front is kept for superblock and group
 * descriptors, whose size depends on how much will follow; all other tables are written behind
 * the content, when everything is known (ext4.c). So an archive is read once, from a pipe if
 * need be, nothing is copied twice, and the image is as long as what is in it.
 *
 * The tree resolves paths by itself, symbolic links included, and `..` stops at its root: a name
 * in an archive can mean nothing outside of the image.
 */
#ifndef HILLOCK_IMAGE_MKIMAGE_FSTREE_H
#define HILLOCK_IMAGE_MKIMAGE_FSTREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

#define FS_BLOCK 4096u
/* Block 0 holds the superblock, the next ones 32-byte group descriptors, 128 to a block. */
#define FS_DATA_START 9u
/* So many groups of at most 32768 blocks have room there: images of up to 128 GiB. */
#define FS_BLOCKS_MAX ((FS_DATA_START - 1) * 128ull * 32768)
#define FS_FILE_MAX ((1ull << 32) * FS_BLOCK - FS_BLOCK) /* 2^32 - 1 logical blocks */
#define FS_INODES_MAX 4000000u
#define FS_LINKS_MAX 65000u
#define FS_NAME_MAX 255u
#define FS_PATH_MAX 4095u
#define FS_DEPTH_MAX 512u
#define FS_WINDOW (1u << 20) /* bytes of content held at a time */

struct fs_extent {
	uint64_t physical;
	uint32_t logical, count;
};

struct fs_xattr {
	struct fs_xattr *next;
	const char *name;
	size_t size;
	unsigned char value[];
};

struct fs_entry {
	struct fs_inode *dir, *inode;
	struct fs_entry *next, *previous; /* in its directory, in order of birth */
	struct fs_entry *chain;           /* in the name table */
	uint32_t name_size;
	char name[];
};

struct fs_inode {
	struct fs_inode *next; /* all inodes, in order of birth */
	uint32_t mode, uid, gid;
	uint32_t links;  /* names; for a directory 1, or 0 when it was removed */
	uint32_t number; /* in the image; set by ext4.c */
	uint32_t dev_major, dev_minor;
	uint32_t crc; /* of the content: goes into the image's UUID */
	uint32_t mtime_ns;
	int64_t mtime;
	uint64_t size;
	const char *target; /* of a symbolic link */
	struct fs_xattr *xattrs;
	struct fs_extent *extents;
	uint32_t extent_count, extent_room;
	/* directories only */
	struct fs_inode *parent;
	struct fs_entry *first, *last;
	uint32_t depth, subdirectories;
	/* set by layout.c */
	unsigned char *map;  /* the inode's 60 bytes that say where its blocks are */
	uint32_t map_blocks; /* blocks that the map itself takes */
	uint32_t indexed;    /* a directory with a hash tree */
};

struct fs_tree {
	struct fs_inode *root, *last;
	uint32_t inode_count, entry_count; /* ever made, not what is left */
	struct fs_entry **table;
	uint32_t table_size;
	uint64_t seed; /* so that nobody can make up names that all fall into one slot */
	struct fs_chunk *arena;
	/* content */
	int out_fd;
	uint64_t next_block;
	unsigned char *window; /* FS_WINDOW bytes of the file `writing`, from window_start on */
	uint64_t window_start, window_used;
	struct fs_inode *writing;
	struct fs_inode dropped; /* its extents are blocks that nobody uses any more */
	uint64_t bytes;          /* of content so far, holes included */
};

/* Told after every file. `input`: bytes of the archive read so far, compressed as they are; 0
 * for a directory. */
struct fs_progress {
	void (*report)(void *context, uint32_t files, uint64_t bytes, uint64_t input);
	void *context;
};

/* `out_fd`: a new, empty file, O_RDWR; the caller's. */
int fs_tree_init(struct fs_tree *tree, int out_fd, struct err *err);
void fs_tree_free(struct fs_tree *tree);

/* Memory that lives as long as the tree; NULL when there is no more. */
void *fs_tree_alloc(struct fs_tree *tree, size_t size);
char *fs_tree_text(struct fs_tree *tree, const char *text, size_t size);

struct fs_entry *fs_tree_find(struct fs_tree *tree, const struct fs_inode *dir, const char *name,
			      size_t size);

/*
 * Follows `path` from the root down to the directory of its last part, through symbolic links as
 * a kernel would, and gives that directory and the last part (`*name` points into `path`; empty:
 * the root itself). Directories that are missing are made with the time of `like`.
 * Refuses `..` in the path itself, names and paths that are too long, and links in circles.
 */
int fs_tree_resolve(struct fs_tree *tree, const char *path, const struct fs_inode *like,
		    struct fs_inode **dir, const char **name, size_t *size, struct err *err);

struct fs_inode *fs_inode_new(struct fs_tree *tree, uint32_t mode, struct err *err);
/* Gives an inode a (further) name; there must be none of this name. */
int fs_inode_link(struct fs_tree *tree, struct fs_inode *dir, const char *name, size_t size,
		  struct fs_inode *inode, struct err *err);
/* Removes a name, and with the last one the inode's blocks. -ENOTEMPTY for a full directory. */
int fs_entry_remove(struct fs_tree *tree, struct fs_entry *entry, struct err *err);

/* The path of an inode, for messages: one of its names, cut at the front if it is too long. */
void fs_inode_path(const struct fs_tree *tree, const struct fs_inode *inode, char *path,
		   size_t room);

/* Is this attribute one that means something in an image? (Labels of the host's do not.) */
int fs_xattr_wanted(const char *name);
/* Sets an attribute, replacing an earlier one of that name. */
int fs_inode_set_xattr(struct fs_tree *tree, struct fs_inode *inode, const char *name,
		       const void *value, size_t size, struct err *err);
void fs_inode_clear_xattrs(struct fs_inode *inode);

/*
 * Content: begin, pieces with growing offsets (what is left out is a hole, as is every block of
 * zeros), end. fs_data_end() gives the file its size.
 */
int fs_data_begin(struct fs_tree *tree, struct fs_inode *inode, struct err *err);
int fs_data_write(struct fs_tree *tree, uint64_t offset, const void *data, size_t size,
		  struct err *err);
int fs_data_end(struct fs_tree *tree, uint64_t size, struct err *err);

/* Appends one extent; joins it to the last one where it can. -ENOMEM. */
int fs_inode_add_extent(struct fs_inode *inode, uint32_t logical, uint64_t physical,
			uint32_t count);

#endif
