// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that lives as long as the tree, and names.
 *
 * Theory of operation
 * -------------------
 * Memory is handed out from large blocks and given back all at once. The total is bounded, so a
 * tree made to grow without end becomes an error and not a dead machine.
 *
 * Every word of the tree and every text that an option has as a value is kept once, as a name:
 * texts can be compared by pointer, and looking up a symbol, a variable or a keyword is one
 * search.
 */
#include "kconfig/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 256 << 10, BUCKETS_FIRST = 1 << 12 };

struct kc_block {
	struct kc_block *next;
	size_t used, room;
	_Alignas(16) unsigned char bytes[];
};

void *kc_alloc(struct kc_arena *arena, size_t size)
{
	struct kc_block *block = arena->blocks;
	size_t room;

	if (size > KC_ARENA_MAX)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	if (!block || block->room - block->used < size) {
		room = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
		if (room > KC_ARENA_MAX - arena->total)
			return NULL;
		block = calloc(1, sizeof(*block) + room);
		if (!block)
			return NULL;
		block->room = room;
		arena->total += room;
		if (room != BLOCK_SIZE && arena->blocks) {
			/* Of its own size, so full: the one in use stays in use. */
			block->next = arena->blocks->next;
			arena->blocks->next = block;
		} else {
			block->next = arena->blocks;
			arena->blocks = block;
		}
	}
	block->used += size;
	return block->bytes + block->used - size;
}

char *kc_copy(struct kc_arena *arena, const char *text, size_t size)
{
	char *copy = kc_alloc(arena, size + 1);

	if (copy && size)
		memcpy(copy, text, size);
	return copy;
}

void kc_arena_free(struct kc_arena *arena)
{
	struct kc_block *block, *next;

	for (block = arena->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	*arena = (struct kc_arena){ 0 };
}

static uint32_t hash_of(const char *text, size_t length)
{
	uint32_t hash = 2166136261u;

	while (length--)
		hash = (hash ^ (unsigned char)*text++) * 16777619u;
	return hash ^ hash >> 15;
}

struct kc_name *kc_name_known(const struct kconfig *k, const char *text, size_t length)
{
	uint32_t hash = hash_of(text, length);
	struct kc_name *name;

	for (name = k->names.buckets[hash & (k->names.room - 1)]; name; name = name->next)
		if (name->hash == hash && name->length == length &&
		    !memcmp(name->text, text, length))
			return name;
	return NULL;
}

/* More buckets as names come: on failure the search just gets slower. */
static void widen(struct kc_names *names)
{
	struct kc_name **wider = calloc(names->room * 2, sizeof(*wider));
	struct kc_name *name, *next;
	size_t i;

	if (!wider)
		return;
	for (i = 0; i < names->room; i++) {
		for (name = names->buckets[i]; name; name = next) {
			struct kc_name **bucket = &wider[name->hash & (names->room * 2 - 1)];

			next = name->next;
			name->next = *bucket;
			*bucket = name;
		}
	}
	free(names->buckets);
	names->buckets = wider;
	names->room *= 2;
}

struct kc_name *kc_name(struct kconfig *k, const char *text, size_t length)
{
	struct kc_name *name = kc_name_known(k, text, length), **bucket;

	if (name)
		return name;
	if (length > UINT32_MAX)
		return NULL;
	name = kc_alloc(&k->arena, sizeof(*name));
	if (!name)
		return NULL;
	name->text = kc_copy(&k->arena, text, length);
	if (!name->text)
		return NULL;
	name->length = (uint32_t)length;
	name->hash = hash_of(text, length);
	if (k->names.used++ > k->names.room)
		widen(&k->names);
	bucket = &k->names.buckets[name->hash & (k->names.room - 1)];
	name->next = *bucket;
	*bucket = name;
	return name;
}

static const char *const keywords[] = {
	[KW_BOOL] = "bool",
	[KW_CHOICE] = "choice",
	[KW_COMMENT] = "comment",
	[KW_CONFIG] = "config",
	[KW_DEF_BOOL] = "def_bool",
	[KW_DEF_TRISTATE] = "def_tristate",
	[KW_DEFAULT] = "default",
	[KW_DEPENDS] = "depends",
	[KW_ENDCHOICE] = "endchoice",
	[KW_ENDIF] = "endif",
	[KW_ENDMENU] = "endmenu",
	[KW_HELP] = "help",
	[KW_HEX] = "hex",
	[KW_IF] = "if",
	[KW_IMPLY] = "imply",
	[KW_INT] = "int",
	[KW_MAINMENU] = "mainmenu",
	[KW_MENU] = "menu",
	[KW_MENUCONFIG] = "menuconfig",
	[KW_MODULES] = "modules",
	[KW_ON] = "on",
	[KW_OPTIONAL] = "optional",
	[KW_PROMPT] = "prompt",
	[KW_RANGE] = "range",
	[KW_SELECT] = "select",
	[KW_SOURCE] = "source",
	[KW_STRING] = "string",
	[KW_TRANSITIONAL] = "transitional",
	[KW_TRISTATE] = "tristate",
	[KW_VISIBLE] = "visible",
};
_Static_assert(sizeof(keywords) / sizeof(keywords[0]) == KW_COUNT, "a keyword has no text");

const char *kc_keyword_text(enum kc_keyword keyword)
{
	return keywords[keyword];
}

int kc_names_init(struct kconfig *k)
{
	struct kc_name *name;
	unsigned int i;

	k->names.room = BUCKETS_FIRST;
	k->names.buckets = calloc(k->names.room, sizeof(*k->names.buckets));
	if (!k->names.buckets)
		return -ENOMEM;
	for (i = KW_NONE + 1; i < KW_COUNT; i++) {
		name = kc_name(k, keywords[i], strlen(keywords[i]));
		if (!name)
			return -ENOMEM;
		name->keyword = i;
	}
	return 0;
}
