// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes that wait for a slow reader; the contract stands in queue.h. */
#include "wire/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "wire/wire.h"

int wire_queue_check(const struct wire_queue *q, size_t size)
{
	return size > WIRE_WINDOW - wire_queue_size(q) - q->passed ? -EPROTO : 0;
}

int wire_queue_put(struct wire_queue *q, const void *data, size_t size)
{
	uint32_t waiting = wire_queue_size(q);

	if (wire_queue_check(q, size) < 0)
		return -EPROTO;
	if (size == 0)
		return 0;
	if (!q->data) {
		void *map = mmap(NULL, WIRE_WINDOW, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (map == MAP_FAILED)
			return -ENOMEM;
		q->data = map;
	}
	if (size > WIRE_WINDOW - q->tail) {
		memmove(q->data, q->data + q->head, waiting);
		q->head = 0;
		q->tail = waiting;
	}
	memcpy(q->data + q->tail, data, size);
	q->tail += (uint32_t)size;
	return 0;
}

uint32_t wire_queue_pass(struct wire_queue *q, uint32_t size)
{
	uint32_t grant;

	q->passed += size;
	if (q->passed < WIRE_WINDOW / 2)
		return 0;
	grant = q->passed;
	q->passed = 0;
	return grant;
}

uint32_t wire_queue_drop(struct wire_queue *q, uint32_t size)
{
	q->head += size;
	if (q->head == q->tail && q->data) {
		munmap(q->data, WIRE_WINDOW);
		q->data = NULL;
		q->head = q->tail = 0;
	}
	return wire_queue_pass(q, size);
}

void wire_queue_free(struct wire_queue *q)
{
	if (q->data)
		munmap(q->data, WIRE_WINDOW);
	*q = (struct wire_queue){ 0 };
}
