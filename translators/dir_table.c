// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of nodes, names and open files.
 *
 * Theory of operation
 * -------------------
 * Everything is in the state's area and is found by index, so it means the same to the next
 * server. Words that matter are set through state_set32() and state_set64(): a request that was
 * not finished leaves no trace. What is written to something that was free is written directly:
 * nothing led there before.
 *
 * Three pools (nodes, parts of names, open files) hand out numbers: first those that came back,
 * then new ones. A node's number that is used again gets another generation.
 */
#include <string.h>
#include <unistd.h>

#include "translators/dir_room.h"

#define MAGIC 0x31656c6261745244ULL

/* What one node costs with everything that belongs to it: itself, a part and a half of a name, a
 * bucket. */
#define NODE_COST (sizeof(struct dir_node) + 3 * sizeof(struct dir_name) / 2 + sizeof(uint32_t))

static size_t align(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

/* Where everything is follows from how large the area is. */
static int place(struct dir *d, struct dir_area *sizes)
{
	size_t fixed = align(sizeof(struct dir_area)) +
		       align(DIR_HANDLES_MAX * sizeof(struct dir_handle)) + 4096;
	size_t count, at = align(sizeof(struct dir_area));
	uint8_t *base = d->state->area;

	if (d->state->area_size < fixed + 64 * NODE_COST)
		return -ENOSPC;
	count = (d->state->area_size - fixed) / NODE_COST;
	if (count > UINT32_MAX / 2)
		count = UINT32_MAX / 2;
	*sizes = (struct dir_area){
		.nodes = { .max = (uint32_t)count, .high = 1 },
		.names = { .max = (uint32_t)(count + count / 2), .high = 1 },
		.handles = { .max = DIR_HANDLES_MAX, .high = 1 },
		.bucket_count = (uint32_t)count,
	};
	d->area = (void *)base;
	d->handles = (void *)(base + at);
	at += align(DIR_HANDLES_MAX * sizeof(struct dir_handle));
	d->buckets = (void *)(base + at);
	at += align(count * sizeof(uint32_t));
	d->nodes = (void *)(base + at);
	at += align(count * sizeof(struct dir_node));
	d->names = (void *)(base + at);
	return 0;
}

int dir_table_open(struct dir *d, struct err *err)
{
	struct dir_area sizes;

	if (place(d, &sizes) < 0)
		return err_set(err, ENOSPC, "the file server's state: %zu bytes are too few",
			       d->state->area_size);
	if (d->area->magic == 0) {
		*d->area = sizes;
		d->area->nodes.high = TRANSLATOR_ROOT + 1;
		d->nodes[TRANSLATOR_ROOT].lookups = 1;
		d->nodes[TRANSLATOR_ROOT].flags = DIR_NODE_DIRECTORY;
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		d->area->magic = MAGIC;
	}
	if (d->area->magic != MAGIC || d->area->nodes.max != sizes.nodes.max)
		return err_set(err, EINVAL, "the file server's state is another translator's");
	return 0;
}

/* --- pools ------------------------------------------------------------------------------------ */

/* `next`: where a free one names the next. 0: none left. */
static uint32_t pool_take(struct dir *d, struct dir_pool *pool, const uint32_t *next)
{
	uint32_t taken = pool->free;

	if (taken) {
		state_set32(d->state, &pool->free, *next);
		return taken;
	}
	if (pool->high >= pool->max)
		return 0;
	taken = pool->high;
	state_set32(d->state, &pool->high, taken + 1);
	return taken;
}

static void pool_give(struct dir *d, struct dir_pool *pool, uint32_t index, uint32_t *next)
{
	state_set32(d->state, next, pool->free);
	state_set32(d->state, &pool->free, index);
}

/* --- names ------------------------------------------------------------------------------------ */

static void name_free(struct dir *d, uint32_t name)
{
	while (name) {
		uint32_t next = d->names[name].next;

		pool_give(d, &d->area->names, name, &d->names[name].next);
		name = next;
	}
}

static uint32_t name_make(struct dir *d, const char *text)
{
	size_t length = strlen(text), parts = (length + DIR_NAME_PART - 1) / DIR_NAME_PART;
	uint32_t after = 0;

	/* From its end, so that each part knows what follows. */
	while (parts--) {
		size_t at = parts * DIR_NAME_PART, n = length - at;
		uint32_t part = pool_take(d, &d->area->names, &d->names[d->area->names.free].next);

		if (!part) {
			name_free(d, after);
			return 0;
		}
		if (n > DIR_NAME_PART)
			n = DIR_NAME_PART;
		/* Undone along with the pool: there it is the next free one. */
		state_set32(d->state, &d->names[part].next, after);
		memset(d->names[part].text, 0, DIR_NAME_PART);
		memcpy(d->names[part].text, text + at, n);
		after = part;
	}
	return after;
}

static int name_is(const struct dir *d, uint32_t name, const char *text)
{
	size_t left = strlen(text);

	while (name) {
		size_t n = left < DIR_NAME_PART ? left : DIR_NAME_PART;

		if (memcmp(d->names[name].text, text, n) != 0 ||
		    (n < DIR_NAME_PART && d->names[name].text[n]))
			return 0;
		text += n;
		left -= n;
		name = d->names[name].next;
		if (!left)
			return !name;
	}
	return 0;
}

int dir_node_name(const struct dir *d, const struct dir_node *node,
		  char text[TRANSLATOR_NAME_MAX + 1])
{
	uint32_t name = node->name;
	size_t at = 0;

	if (!name)
		return -ESTALE;
	for (; name && at <= TRANSLATOR_NAME_MAX; name = d->names[name].next) {
		size_t n = strnlen(d->names[name].text, DIR_NAME_PART);

		if (n > TRANSLATOR_NAME_MAX - at)
			n = TRANSLATOR_NAME_MAX - at;
		memcpy(text + at, d->names[name].text, n);
		at += n;
		if (n < DIR_NAME_PART)
			break;
	}
	text[at] = '\0';
	return 0;
}

/* --- nodes ------------------------------------------------------------------------------------ */

uint64_t dir_device(const struct statx *stx)
{
	return (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

static uint32_t bucket_of(const struct dir *d, uint64_t device, uint64_t inode)
{
	uint64_t h = (inode ^ device * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;

	return (uint32_t)((h ^ h >> 32) % d->area->bucket_count);
}

struct dir_node *dir_node_get(struct dir *d, uint64_t node)
{
	if (node == 0 || node >= d->area->nodes.high || d->nodes[node].lookups == 0)
		return NULL;
	return &d->nodes[node];
}

uint32_t dir_node_index(const struct dir *d, const struct dir_node *node)
{
	return (uint32_t)(node - d->nodes);
}

static uint32_t type_of(const struct statx *stx)
{
	return S_ISDIR(stx->stx_mode)   ? DIR_NODE_DIRECTORY
	       : S_ISREG(stx->stx_mode) ? DIR_NODE_REGULAR
					: 0;
}

/* The host may have given an inode number away again; at least a file is no device then. */
int dir_same_inode(const struct dir_node *node, const struct statx *stx)
{
	return node->inode == stx->stx_ino && node->device == dir_device(stx) &&
	       node->flags == type_of(stx);
}

struct dir_node *dir_node_find(struct dir *d, uint64_t device, uint64_t inode)
{
	uint32_t index = d->buckets[bucket_of(d, device, inode)];

	while (index && (d->nodes[index].inode != inode || d->nodes[index].device != device))
		index = d->nodes[index].next;
	return index ? &d->nodes[index] : NULL;
}

static struct dir_node *node_new(struct dir *d, const struct statx *stx)
{
	uint32_t *bucket = &d->buckets[bucket_of(d, dir_device(stx), stx->stx_ino)];
	uint32_t index = pool_take(d, &d->area->nodes, &d->nodes[d->area->nodes.free].next);
	struct dir_node *node = &d->nodes[index];

	if (!index)
		return NULL;
	/* `next` is the pool's while the node is free. */
	state_set32(d->state, &node->next, *bucket);
	node->inode = stx->stx_ino;
	node->device = dir_device(stx);
	node->lookups = 0;
	node->parent = node->name = node->handles = 0;
	node->generation++;
	node->flags = type_of(stx);
	state_set32(d->state, bucket, index);
	return node;
}

void dir_node_unhash(struct dir *d, struct dir_node *node)
{
	uint32_t *link = &d->buckets[bucket_of(d, node->device, node->inode)];
	uint32_t index = dir_node_index(d, node);

	while (*link && *link != index)
		link = &d->nodes[*link].next;
	if (*link)
		state_set32(d->state, link, node->next);
}

int dir_node_is_at(const struct dir *d, const struct dir_node *node, uint32_t parent,
		   const char *name)
{
	return node->parent == parent && name_is(d, node->name, name);
}

void dir_node_unname(struct dir *d, struct dir_node *node)
{
	uint32_t name = node->name;

	if (!name)
		return;
	state_set32(d->state, &node->name, 0);
	name_free(d, name);
}

int dir_node_move(struct dir *d, struct dir_node *node, uint32_t parent, const char *name)
{
	uint32_t made;

	if (node == &d->nodes[TRANSLATOR_ROOT] || dir_node_is_at(d, node, parent, name))
		return 0;
	/* Made before the old one is given back: what is undone must still be there. */
	made = name_make(d, name);
	if (!made)
		return -ENFILE;
	dir_node_unname(d, node);
	state_set32(d->state, &node->name, made);
	state_set32(d->state, &node->parent, parent);
	return 0;
}

struct dir_node *dir_node_see(struct dir *d, const struct statx *stx, uint32_t parent,
			      const char *name)
{
	struct dir_node *node = dir_node_find(d, dir_device(stx), stx->stx_ino);

	if (node && node != &d->nodes[TRANSLATOR_ROOT] && !dir_same_inode(node, stx)) {
		dir_node_unhash(d, node);
		node = NULL;
	}
	if (!node)
		node = node_new(d, stx);
	if (node && name && dir_node_move(d, node, parent, name) < 0)
		return NULL;
	return node;
}

static void node_free(struct dir *d, struct dir_node *node)
{
	uint32_t index = dir_node_index(d, node);

	dir_fds_forget(d, index);
	dir_node_unhash(d, node);
	dir_node_unname(d, node);
	pool_give(d, &d->area->nodes, index, &node->next);
}

void dir_node_forget(struct dir *d, struct dir_node *node, uint64_t count)
{
	uint64_t left = count < node->lookups ? node->lookups - count : 0;

	/* The root is not counted. */
	if (node == &d->nodes[TRANSLATOR_ROOT])
		return;
	state_set64(d->state, &node->lookups, left);
	/* What is forgotten may come sooner than what is closed, on another queue. */
	if (left == 0 && !node->handles)
		node_free(d, node);
}

/* --- open files ------------------------------------------------------------------------------- */

int dir_handle_new(struct dir *d, struct dir_node *node, int flags, int fd, uint64_t *handle)
{
	uint32_t index = pool_take(d, &d->area->handles, &d->handles[d->area->handles.free].next);
	struct dir_handle *h = &d->handles[index];

	if (!index) {
		fd_close(&fd);
		return -ENFILE;
	}
	state_set32(d->state, &h->next, node->handles);
	state_set32(d->state, &h->node, dir_node_index(d, node));
	h->flags = (uint32_t)flags;
	h->kept = 0;
	h->generation++;
	state_set32(d->state, &node->handles, index);
	d->handle_fds[index] = fd + 1;
	*handle = (uint64_t)h->generation << 32 | index;
	return 0;
}

struct dir_handle *dir_handle_get(struct dir *d, uint64_t handle)
{
	uint32_t index = (uint32_t)handle;

	if (index == 0 || index >= d->area->handles.high || d->handles[index].node == 0 ||
	    d->handles[index].generation != handle >> 32)
		return NULL;
	return &d->handles[index];
}

uint32_t dir_handle_index(const struct dir *d, const struct dir_handle *handle)
{
	return (uint32_t)(handle - d->handles);
}

void dir_handle_free(struct dir *d, uint64_t handle)
{
	struct dir_handle *h = dir_handle_get(d, handle);
	struct dir_node *node;
	uint32_t *link, index;
	int fd;

	if (!h)
		return;
	index = dir_handle_index(d, h);
	node = &d->nodes[h->node];
	for (link = &node->handles; *link && *link != index; link = &d->handles[*link].next)
		;
	if (*link)
		state_set32(d->state, link, h->next);
	state_set32(d->state, &h->node, 0);
	pool_give(d, &d->area->handles, index, &h->next);
	if (node->lookups == 0 && !node->handles)
		node_free(d, node);
	/* A second time there is nothing to close; until then nobody else has this number. */
	fd = d->handle_fds[index] - 1;
	d->handle_fds[index] = 0;
	fd_close(&fd);
	if (h->kept && d->options.drop)
		d->options.drop(d->options.context, d->options.first_key + index);
}
