// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Split rings, from the device's side.
 *
 * Theory of operation
 * -------------------
 * A ring is three arrays in guest memory: descriptors, the heads of requests that the guest made
 * available, and those that the device has used. Only the used ring is written here, and nothing
 * of it is ever read back: the device's own place in it is its own.
 *
 * A descriptor is copied out before it is looked at. Where an indirect table is named, the chain
 * goes on there and ends there. A chain may have as many links as its table has entries, so one
 * that loops comes to an end; and it must not name more than VIRTIO_IOV_MAX pieces. Pieces that
 * touch each other become one.
 */
#include "virtio/virtio.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdatomic.h>
#include <string.h>

#define DESC_SIZE 16

/* Words of the guest's are volatile: read exactly once, whole. Little-endian, as this host is. */
static uint16_t load16(const volatile uint8_t *p)
{
	return *(const volatile uint16_t *)(const volatile void *)p;
}

static void store16(volatile uint8_t *p, uint16_t v)
{
	*(volatile uint16_t *)(volatile void *)p = v;
}

static void store32(volatile uint8_t *p, uint32_t v)
{
	*(volatile uint32_t *)(volatile void *)p = v;
}

static struct vring_desc load_desc(const volatile uint8_t *table, uint32_t index)
{
	const volatile struct vring_desc *d =
		(const volatile void *)(table + (size_t)index * DESC_SIZE);
	struct vring_desc copy;

	copy.addr = d->addr;
	copy.len = d->len;
	copy.flags = d->flags;
	copy.next = d->next;
	return copy;
}

int vring_open(struct virtio_ring *ring, const struct virtio_memory *memory, uint64_t features,
	       const struct virtio_queue_state *queue)
{
	uint32_t n = queue->size;

	if (n == 0 || n > VIRTIO_QUEUE_SIZE_MAX || (n & (n - 1)))
		return -EINVAL;
	ring->memory = memory;
	ring->size = n;
	ring->indirect = !!(features & 1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	ring->event = !!(features & 1ULL << VIRTIO_RING_F_EVENT_IDX);
	ring->last_avail = queue->last_avail;
	ring->last_used = queue->last_used;
	ring->desc = virtio_memory_user(memory, queue->desc, (uint64_t)n * DESC_SIZE, 16);
	ring->avail = virtio_memory_user(memory, queue->avail, 6 + 2ULL * n, 2);
	ring->used = virtio_memory_user(memory, queue->used, 6 + 8ULL * n, 4);
	return ring->desc && ring->avail && ring->used ? 0 : -EINVAL;
}

int vring_waiting(const struct virtio_ring *ring)
{
	uint16_t count = (uint16_t)(load16(ring->avail + 2) - ring->last_avail);

	/* What the index promises must be read after it. */
	atomic_thread_fence(memory_order_acquire);
	if (count > ring->size)
		return -EPROTO;
	return count != 0;
}

int vring_peek(const struct virtio_ring *ring, uint32_t *head)
{
	*head = load16(ring->avail + 4 + 2 * (ring->last_avail & (ring->size - 1)));
	return *head < ring->size ? 0 : -EPROTO;
}

struct pieces {
	struct iovec *at;
	size_t used;
	int writable; /* the guest's part to be filled has begun */
};

/* One descriptor's memory, cut where regions end. */
static int add_piece(const struct virtio_ring *ring, struct virtio_request *request,
		     struct pieces *to, const struct vring_desc *d)
{
	int writable = !!(d->flags & VRING_DESC_F_WRITE);
	uint64_t address = d->addr, left = d->len;
	size_t *count = writable ? &request->out_count : &request->in_count;

	if (to->writable && !writable)
		return -EPROTO;
	if (writable && !to->writable) {
		to->writable = 1;
		request->out = to->at + to->used;
	}
	while (left) {
		struct iovec *last = *count ? &to->at[to->used - 1] : NULL;
		uint64_t size = left;
		uint8_t *p = virtio_memory_guest(ring->memory, address, &size);

		if (!p)
			return -EPROTO;
		if (last && (uint8_t *)last->iov_base + last->iov_len == p) {
			last->iov_len += size;
		} else {
			if (to->used == VIRTIO_IOV_MAX)
				return -EPROTO;
			to->at[to->used++] = (struct iovec){ p, size };
			(*count)++;
		}
		*(writable ? &request->out_size : &request->in_size) += size;
		left -= size;
		/* Regions end below 2^64: no wrap unless nothing is left. */
		address += size;
	}
	return 0;
}

static int find_table(const struct virtio_ring *ring, const struct vring_desc *d,
		      const volatile uint8_t **table, uint32_t *entries)
{
	uint64_t size = d->len;

	if (!ring->indirect || size == 0 || size % DESC_SIZE ||
	    size / DESC_SIZE > VIRTIO_QUEUE_SIZE_MAX || d->flags & VRING_DESC_F_NEXT)
		return -EPROTO;
	*table = virtio_memory_guest(ring->memory, d->addr, &size);
	/* A table that goes over the end of a region is nothing that a guest needs. */
	if (!*table || size != d->len || (uintptr_t)*table % 8)
		return -EPROTO;
	*entries = (uint32_t)(size / DESC_SIZE);
	return 0;
}

int vring_read(const struct virtio_ring *ring, uint32_t head, struct iovec *pieces,
	       struct virtio_request *request)
{
	const volatile uint8_t *table = ring->desc;
	struct pieces to = { .at = pieces };
	uint32_t entries = ring->size, index = head, links = 0;
	struct vring_desc d;
	int rc, nested = 0;

	request->in = request->out = pieces;
	request->in_count = request->out_count = request->in_size = request->out_size = 0;
	for (;;) {
		if (index >= entries || ++links > entries)
			return -EPROTO;
		d = load_desc(table, index);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* The chain goes on in the table, from its first entry. */
			if (nested++)
				return -EPROTO;
			rc = find_table(ring, &d, &table, &entries);
			if (rc < 0)
				return rc;
			index = links = 0;
			continue;
		}
		rc = add_piece(ring, request, &to, &d);
		if (rc < 0)
			return rc;
		if (!(d.flags & VRING_DESC_F_NEXT))
			break;
		index = d.next;
	}
	if (!to.writable)
		request->out = pieces + to.used;
	return 0;
}

void vring_answer(struct virtio_ring *ring, uint16_t at, uint32_t head, uint32_t written)
{
	volatile uint8_t *slot = ring->used + 4 + 8 * (size_t)(at & (ring->size - 1));

	store32(slot, head);
	store32(slot + 4, written);
	/* The index promises what stands before it. */
	atomic_thread_fence(memory_order_release);
	ring->last_used = (uint16_t)(at + 1);
	store16(ring->used + 2, ring->last_used);
}

int vring_wants_call(const struct virtio_ring *ring, uint16_t before)
{
	uint16_t event, now = ring->last_used;

	/* The guest must see the answers before we look whether it sleeps. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!ring->event)
		return !(load16(ring->avail) & VRING_AVAIL_F_NO_INTERRUPT);
	event = load16(ring->avail + 4 + 2 * (size_t)ring->size);
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

void vring_ask_kicks(struct virtio_ring *ring, int on)
{
	if (!ring->event)
		store16(ring->used, on ? 0 : VRING_USED_F_NO_NOTIFY);
	else if (on)
		store16(ring->used + 4 + 8 * (size_t)ring->size, ring->last_avail);
	/* Whoever asks for kicks looks once more; the guest must have seen the wish by then. */
	if (on)
		atomic_thread_fence(memory_order_seq_cst);
}
