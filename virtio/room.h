/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's parts, as session.c (its life, the socket) and vhost.c (what messages mean) share
 * them. Private to virtio/.
 */
#ifndef HILLOCK_VIRTIO_ROOM_H
#define HILLOCK_VIRTIO_ROOM_H

#include "virtio/vhost.h"
#include "virtio/virtio.h"

struct virtio_queue {
	struct virtio *virtio;
	struct loop_source kick; /* fd -1: none */
	int call_fd;
	int running; /* the ring is open and watched */
	int pending; /* has to be looked at without a kick */
	struct virtio_ring ring;
};

struct virtio {
	struct loop *loop;
	struct virtio_device device;
	struct virtio_state *state;
	struct virtio_memory memory;
	struct loop_source socket;
	struct loop_timer more; /* queues are pending */
	struct virtio_queue queues[VIRTIO_QUEUES_MAX];
	struct iovec pieces[VIRTIO_IOV_MAX];

	/* A message that came in parts, taken off the socket as they came. */
	struct vhost_message partial;
	size_t partial_size;
	int fds[VHOST_TABLE_MAX];
	size_t fd_count;

	int failed;
	struct err failure;
};

/* --- vhost.c ---------------------------------------------------------------------------------- */

/*
 * Carries a whole message out. Takes the descriptors that it uses out of `fds` (-1 in their
 * place). `reply` is the answer, reply->header.request 0: none is due. An error ends the session.
 */
int vhost_handle(struct virtio *v, const struct vhost_message *message, int *fds, size_t fd_count,
		 struct vhost_message *reply, struct err *err);

/* --- session.c -------------------------------------------------------------------------------- */

void virtio_keep(struct virtio *v, unsigned int key, int fd);
void virtio_drop(struct virtio *v, unsigned int key);

/* Opens or closes the ring, as what is known of it now says. */
int virtio_queue_update(struct virtio *v, unsigned int index, struct err *err);
/* Lets go of the ring, to be opened anew or not at all. */
void virtio_queue_stop(struct virtio *v, unsigned int index);
int virtio_queue_set_kick(struct virtio *v, unsigned int index, int fd, struct err *err);
void virtio_queue_set_call(struct virtio *v, unsigned int index, int fd);
/* Everything back to how it was before the first message but memory and features. */
void virtio_reset_queues(struct virtio *v);

#endif
