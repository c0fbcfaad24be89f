// SPDX-License-Identifier: GPL-2.0-or-later
/* The file tree of an image in the making: names and attributes; the contract is in fstree.h. */
#include "image/mkimage/fstree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK_SIZE (256u << 10)
#define LINKS_FOLLOWED_MAX 40

struct fs_chunk {
	struct fs_chunk *next;
	size_t size, used;
	_Alignas(16) unsigned char data[];
};

void *fs_tree_alloc(struct fs_tree *tree, size_t size)
{
	struct fs_chunk *chunk = tree->arena;
	void *memory;

	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->size = room;
		chunk->next = tree->arena;
		tree->arena = chunk;
	}
	memory = chunk->data + chunk->used;
	chunk->used += size;
	return memory;
}

char *fs_tree_text(struct fs_tree *tree, const char *text, size_t size)
{
	char *copy = fs_tree_alloc(tree, size + 1);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

int fs_tree_init(struct fs_tree *tree, int out_fd, struct err *err)
{
	memset(tree, 0, sizeof(*tree));
	tree->out_fd = out_fd;
	if (getrandom(&tree->seed, sizeof(tree->seed), 0) < 0)
		return err_sys(err, errno, "making an image");
	tree->next_block = FS_DATA_START;
	tree->table_size = 1u << 12;
	tree->table = calloc(tree->table_size, sizeof(struct fs_entry *));
	tree->window = malloc(FS_WINDOW);
	if (!tree->table || !tree->window) {
		fs_tree_free(tree);
		return err_sys(err, ENOMEM, "making an image");
	}
	tree->root = fs_inode_new(tree, S_IFDIR | 0755, err);
	if (!tree->root) {
		fs_tree_free(tree);
		return -err->code;
	}
	tree->root->links = 1;
	tree->root->parent = tree->root;
	return 0;
}

void fs_tree_free(struct fs_tree *tree)
{
	for (struct fs_inode *inode = tree->root; inode; inode = inode->next)
		free(inode->extents);
	free(tree->dropped.extents);
	while (tree->arena) {
		struct fs_chunk *chunk = tree->arena;

		tree->arena = chunk->next;
		free(chunk);
	}
	free(tree->table);
	free(tree->window);
	memset(tree, 0, sizeof(*tree));
	tree->out_fd = -1;
}

/* --- names -------------------------------------------------------------------------------- */

static uint32_t name_slot(const struct fs_tree *tree, const struct fs_inode *dir, const char *name,
			  size_t size)
{
	uint64_t hash = tree->seed ^ (uintptr_t)dir * 0x9e3779b97f4a7c15ull;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3ull;
	return (uint32_t)(hash >> 32 ^ hash) & (tree->table_size - 1);
}

struct fs_entry *fs_tree_find(struct fs_tree *tree, const struct fs_inode *dir, const char *name,
			      size_t size)
{
	struct fs_entry *entry = tree->table[name_slot(tree, dir, name, size)];

	while (entry && (entry->dir != dir || entry->name_size != size ||
			 memcmp(entry->name, name, size) != 0))
		entry = entry->chain;
	return entry;
}

static void grow_table(struct fs_tree *tree)
{
	struct fs_entry **old = tree->table;
	uint32_t old_size = tree->table_size;
	struct fs_entry **grown = calloc((size_t)old_size * 4, sizeof(struct fs_entry *));

	if (!grown)
		return; /* slower, not wrong */
	tree->table = grown;
	tree->table_size = old_size * 4;
	for (uint32_t i = 0; i < old_size; i++) {
		for (struct fs_entry *entry = old[i], *next; entry; entry = next) {
			uint32_t slot = name_slot(tree, entry->dir, entry->name, entry->name_size);

			next = entry->chain;
			entry->chain = grown[slot];
			grown[slot] = entry;
		}
	}
	free(old);
}

struct fs_inode *fs_inode_new(struct fs_tree *tree, uint32_t mode, struct err *err)
{
	struct fs_inode *inode;

	if (tree->inode_count >= FS_INODES_MAX) {
		err_set(err, EFBIG, "more than %u files", FS_INODES_MAX);
		return NULL;
	}
	inode = fs_tree_alloc(tree, sizeof(*inode));
	if (!inode) {
		err_sys(err, ENOMEM, "making an image");
		return NULL;
	}
	inode->mode = mode;
	tree->inode_count++;
	if (tree->last)
		tree->last->next = inode;
	tree->last = inode;
	return inode;
}

int fs_inode_link(struct fs_tree *tree, struct fs_inode *dir, const char *name, size_t size,
		  struct fs_inode *inode, struct err *err)
{
	struct fs_entry *entry;
	uint32_t slot;

	if (size == 0 || size > FS_NAME_MAX)
		return err_sys(err, size ? ENAMETOOLONG : EINVAL, "a name of %zu bytes", size);
	if (inode->links >= FS_LINKS_MAX)
		return err_set(err, EMLINK, "more than %u names for one file", FS_LINKS_MAX);
	if (tree->entry_count >= FS_INODES_MAX)
		return err_set(err, EFBIG, "more than %u names", FS_INODES_MAX);
	entry = fs_tree_alloc(tree, sizeof(*entry) + size + 1);
	if (!entry)
		return err_sys(err, ENOMEM, "making an image");
	if (S_ISDIR(inode->mode)) {
		if (dir->depth >= FS_DEPTH_MAX)
			return err_set(err, ELOOP, "more than %u directories deep", FS_DEPTH_MAX);
		inode->parent = dir;
		inode->depth = dir->depth + 1;
		dir->subdirectories++;
	}
	if (++tree->entry_count > tree->table_size)
		grow_table(tree);
	inode->links++;
	entry->dir = dir;
	entry->inode = inode;
	entry->name_size = (uint32_t)size;
	memcpy(entry->name, name, size);
	entry->previous = dir->last;
	*(dir->last ? &dir->last->next : &dir->first) = entry;
	dir->last = entry;
	slot = name_slot(tree, dir, name, size);
	entry->chain = tree->table[slot];
	tree->table[slot] = entry;
	return 0;
}

/* Nobody needs these blocks any more; the image keeps its length but not the space. */
static int drop_blocks(struct fs_tree *tree, struct fs_inode *inode, struct err *err)
{
	for (uint32_t i = 0; i < inode->extent_count; i++) {
		const struct fs_extent *extent = &inode->extents[i];

		/* Where the file system cannot do it, space is wasted and nothing is wrong. */
		fallocate(tree->out_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(extent->physical * FS_BLOCK), (off_t)extent->count * FS_BLOCK);
		if (fs_inode_add_extent(&tree->dropped, 0, extent->physical, extent->count) < 0)
			return err_sys(err, ENOMEM, "making an image");
	}
	inode->extent_count = 0;
	inode->size = 0;
	inode->crc = 0;
	return 0;
}

int fs_entry_remove(struct fs_tree *tree, struct fs_entry *entry, struct err *err)
{
	struct fs_inode *dir = entry->dir, *inode = entry->inode;
	struct fs_entry **link;

	if (inode->first)
		return err_sys(err, ENOTEMPTY, "replacing a directory");
	link = &tree->table[name_slot(tree, dir, entry->name, entry->name_size)];
	while (*link != entry)
		link = &(*link)->chain;
	*link = entry->chain;
	*(entry->previous ? &entry->previous->next : &dir->first) = entry->next;
	*(entry->next ? &entry->next->previous : &dir->last) = entry->previous;
	if (S_ISDIR(inode->mode))
		dir->subdirectories--;
	return --inode->links == 0 ? drop_blocks(tree, inode, err) : 0;
}

void fs_inode_path(const struct fs_tree *tree, const struct fs_inode *inode, char *path,
		   size_t room)
{
	const struct fs_entry *found = NULL;
	size_t at = room - 1;

	path[at] = '\0';
	for (; inode != tree->root; inode = found->dir) {
		found = NULL;
		for (const struct fs_inode *dir = tree->root; dir && !found; dir = dir->next)
			for (const struct fs_entry *e = dir->first; e && !found; e = e->next)
				found = e->inode == inode ? e : NULL;
		if (!found || found->name_size + 1 > at)
			break;
		if (path[at])
			path[--at] = '/';
		at -= found->name_size;
		memcpy(path + at, found->name, found->name_size);
	}
	memmove(path, path + at, room - at);
}

/* --- paths -------------------------------------------------------------------------------- */

struct walker {
	struct fs_tree *tree;
	const struct fs_inode *like;
	unsigned links_followed;
	struct err *err;
};

static struct fs_inode *follow(struct walker *w, struct fs_inode *dir, const char *path);

static struct fs_inode *make_directory(struct walker *w, struct fs_inode *dir, const char *name,
				       size_t size)
{
	struct fs_inode *made = fs_inode_new(w->tree, S_IFDIR | 0755, w->err);

	if (!made || fs_inode_link(w->tree, dir, name, size, made, w->err) < 0)
		return NULL;
	if (w->like) {
		made->mtime = w->like->mtime;
		made->mtime_ns = w->like->mtime_ns;
	}
	return made;
}

/* One step down from `dir`. */
static struct fs_inode *step(struct walker *w, struct fs_inode *dir, const char *name, size_t size)
{
	struct fs_entry *entry;

	if (size == 1 && name[0] == '.')
		return dir;
	if (size == 2 && name[0] == '.' && name[1] == '.')
		return dir->parent;
	entry = fs_tree_find(w->tree, dir, name, size);
	if (!entry)
		return make_directory(w, dir, name, size);
	if (S_ISDIR(entry->inode->mode))
		return entry->inode;
	if (!S_ISLNK(entry->inode->mode)) {
		err_set(w->err, ENOTDIR, "'%s' on the way is not a directory", entry->name);
		return NULL;
	}
	if (++w->links_followed > LINKS_FOLLOWED_MAX) {
		err_sys(w->err, ELOOP, "following '%s' on the way", entry->name);
		return NULL;
	}
	return follow(w, dir, entry->inode->target);
}

/* All the steps of `path`, the last one included. */
static struct fs_inode *follow(struct walker *w, struct fs_inode *dir, const char *path)
{
	if (*path == '/')
		dir = w->tree->root;
	while (dir && *path) {
		size_t size = strcspn(path, "/");

		if (size)
			dir = step(w, dir, path, size);
		path += size + (path[size] == '/');
	}
	return dir;
}

int fs_tree_resolve(struct fs_tree *tree, const char *path, const struct fs_inode *like,
		    struct fs_inode **dir, const char **name, size_t *size, struct err *err)
{
	struct walker w = { .tree = tree, .like = like, .err = err };
	const char *part = path;

	*dir = tree->root;
	*name = "";
	*size = 0;
	if (strnlen(path, FS_PATH_MAX + 1) > FS_PATH_MAX)
		return err_sys(err, ENAMETOOLONG, "the path");
	while (*part) {
		size_t length = strcspn(part, "/");

		if (length == 2 && part[0] == '.' && part[1] == '.')
			return err_set(err, EINVAL, "a path with '..' in it");
		if (length && !(length == 1 && part[0] == '.')) {
			if (*size && !(*dir = step(&w, *dir, *name, *size)))
				return -err->code;
			*name = part;
			*size = length;
		}
		part += length + (part[length] == '/');
	}
	return 0;
}

/* --- attributes --------------------------------------------------------------------------- */

int fs_xattr_wanted(const char *name)
{
	/* What an overlay on the host noted for itself would be believed by the guest's. */
	if (!strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13))
		return 0;
	return (!strncmp(name, "user.", 5) && name[5]) ||
	       (!strncmp(name, "trusted.", 8) && name[8]) || !strcmp(name, "security.capability") ||
	       !strcmp(name, "system.posix_acl_access") ||
	       !strcmp(name, "system.posix_acl_default");
}

int fs_inode_set_xattr(struct fs_tree *tree, struct fs_inode *inode, const char *name,
		       const void *value, size_t size, struct err *err)
{
	struct fs_xattr **link = &inode->xattrs, *xattr;
	size_t name_size = strlen(name);

	if (name_size > FS_NAME_MAX || size > FS_BLOCK)
		return err_sys(err, E2BIG, "the extended attribute '%.64s' of %zu bytes", name,
			       size);
	xattr = fs_tree_alloc(tree, sizeof(*xattr) + size);
	if (!xattr || !(xattr->name = fs_tree_text(tree, name, name_size)))
		return err_sys(err, ENOMEM, "making an image");
	xattr->size = size;
	memcpy(xattr->value, value, size);
	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	xattr->next = *link ? (*link)->next : NULL;
	*link = xattr;
	return 0;
}

void fs_inode_clear_xattrs(struct fs_inode *inode)
{
	inode->xattrs = NULL;
}
