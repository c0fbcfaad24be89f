/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Byte queues.
 *
 * Theory of operation
 * -------------------
 * Bytes are put in at the end and taken out at the front. The room grows on demand up to the
 * limit that the caller names with each growing call, so that whoever feeds a queue from a
 * stranger also says how much of the stranger's data may wait. An empty queue gives a large room
 * back: an idle container should not pay for the burst that it once had.
 */
#ifndef HILLOCK_BASE_BUF_H
#define HILLOCK_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t room, start, used; /* the bytes are data[start] to data[start + used - 1] */
};

/*
 * Room for `size` more bytes in one piece, or NULL when memory ran out or more than `limit`
 * bytes would then be in the queue. The bytes count only after buf_commit().
 */
uint8_t *buf_reserve(struct buf *b, size_t size, size_t limit);
void buf_commit(struct buf *b, size_t size);

/* 0, -ENOMEM, or -ENOBUFS when it would go over `limit`. */
int buf_append(struct buf *b, const void *data, size_t size, size_t limit);

static inline const uint8_t *buf_data(const struct buf *b)
{
	return b->data + b->start;
}

/* Drops the first `size` bytes. */
void buf_consume(struct buf *b, size_t size);
void buf_free(struct buf *b);

#endif
