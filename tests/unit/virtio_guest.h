/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A front end and its guest, for tests: memory, one ring or more, the messages. */
#ifndef HILLOCK_TESTS_VIRTIO_GUEST_H
#define HILLOCK_TESTS_VIRTIO_GUEST_H

#include <linux/virtio_ring.h>
#include <stddef.h>
#include <stdint.h>

#include "virtio/vhost.h"

#define GUEST_SIZE (256 * 1024u)
#define GUEST_BASE 0x100000u    /* guest physical */
#define GUEST_USER 0x7f0000000u /* the front end's own */
#define GUEST_RING_SIZE 16u
#define GUEST_RING_ROOM 4096u      /* for each ring, from the start of the memory */
#define GUEST_BUFFERS (64 * 1024u) /* from here on, the test's own */

struct guest {
	int memory_fd, socket, server; /* both ends of the connection */
	uint8_t *memory;
	int kick, call; /* of ring 0 */
	uint16_t avail, used;
};

void guest_open(struct guest *g);
void guest_close(struct guest *g);

/* Sends a message with descriptors. */
void guest_send(struct guest *g, uint32_t request, uint32_t flags, const void *payload,
		uint32_t size, const int *fds, size_t fd_count);
/* Receives a reply; 0, or -1 when the other side has closed. */
int guest_receive(struct guest *g, struct vhost_message *reply);

/* The messages that make ring `index` work. `features`: of the device. */
void guest_send_memory(struct guest *g);
void guest_send_ring(struct guest *g, unsigned int index);

struct vring_desc *guest_desc(struct guest *g, unsigned int ring);
uint16_t *guest_avail(struct guest *g, unsigned int ring); /* flags, idx, ring… */
uint16_t *guest_used(struct guest *g, unsigned int ring);  /* flags, idx, elements… */

/* Makes the chain at `head` available and kicks. */
void guest_offer(struct guest *g, uint16_t head);

#endif
