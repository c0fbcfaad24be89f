// SPDX-License-Identifier: GPL-2.0-or-later
/* Byte queues; the contract stands in buf.h. */
#include "base/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 512, ROOM_KEPT = 8192 };

uint8_t *buf_reserve(struct buf *b, size_t size, size_t limit)
{
	size_t need, room;
	uint8_t *grown;

	if (size > limit || b->used > limit - size)
		return NULL;
	need = b->used + size;
	if (b->room - b->start >= need)
		return b->data + b->start + b->used;
	if (b->start > 0) {
		memmove(b->data, b->data + b->start, b->used);
		b->start = 0;
		if (b->room >= need)
			return b->data + b->used;
	}
	room = b->room ? b->room : ROOM_FIRST;
	while (room < need)
		room = room > limit / 2 ? need : room * 2;
	grown = realloc(b->data, room);
	if (!grown)
		return NULL;
	b->data = grown;
	b->room = room;
	return b->data + b->used;
}

void buf_commit(struct buf *b, size_t size)
{
	b->used += size;
}

int buf_append(struct buf *b, const void *data, size_t size, size_t limit)
{
	uint8_t *at;

	if (size == 0)
		return 0;
	at = buf_reserve(b, size, limit);
	if (!at)
		return size > limit || b->used > limit - size ? -ENOBUFS : -ENOMEM;
	memcpy(at, data, size);
	buf_commit(b, size);
	return 0;
}

void buf_consume(struct buf *b, size_t size)
{
	b->start += size;
	b->used -= size;
	if (b->used > 0)
		return;
	b->start = 0;
	if (b->room > ROOM_KEPT)
		buf_free(b);
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
