/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one end of the wire keeps for a data channel: bytes that wait for a slow reader, and the
 * credit owed for them.
 *
 * Theory of operation
 * -------------------
 * The receiving side of a channel never holds more than WIRE_WINDOW bytes. A queue counts every
 * byte that arrived until its sender has been granted it back, so a sender that ignores its
 * window is caught (-EPROTO), and grants go out in half windows, not one a byte. Memory is
 * mapped when a byte has to wait and given back when the last one has left: a reader that keeps
 * up costs none.
 */
#ifndef HILLOCK_WIRE_QUEUE_H
#define HILLOCK_WIRE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct wire_queue {
	uint8_t *data;       /* mapped while bytes wait */
	uint32_t head, tail; /* the waiting bytes are data[head..tail) */
	uint32_t passed;     /* bytes passed on and not granted yet */
};

/* Bytes that wait. */
static inline uint32_t wire_queue_size(const struct wire_queue *q)
{
	return q->tail - q->head;
}

/* May `size` bytes arrive now? 0, or -EPROTO: the sender overran its window. */
int wire_queue_check(const struct wire_queue *q, size_t size);

/* Keeps bytes behind those that wait. 0, -EPROTO (as above) or -ENOMEM. */
int wire_queue_put(struct wire_queue *q, const void *data, size_t size);

/* The first `size` waiting bytes (at most wire_queue_size()) have been passed on. Returns the
 * credit to grant now: 0 or at least half a window. */
uint32_t wire_queue_drop(struct wire_queue *q, uint32_t size);

/* The same for bytes that never had to wait, so were never put. */
uint32_t wire_queue_pass(struct wire_queue *q, uint32_t size);

/* Gives the memory back; the queue is as new. */
void wire_queue_free(struct wire_queue *q);

#endif
