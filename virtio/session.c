// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a session: its socket, its queues, and going on where a predecessor was killed.
 *
 * Theory of operation
 * -------------------
 * A message is peeked at, whole and with its descriptors; only when it has been carried out is it
 * taken off the socket. A front end that sends one in parts has those taken as they come; such a
 * session cannot be gone on with if the process is killed between two of them.
 *
 * Kicks are edges: each write to the event descriptor wakes us, and it is never read, which saves
 * a system call a kick and cannot block.
 *
 * A queue is worked on until it is empty, but at most QUEUE_TURN requests at a time, so that one
 * that never gets empty does not keep the loop from the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "virtio/room.h"

#define QUEUE_TURN 256

/* In front of and behind what another process may have to make sense of. */
#define ORDER() atomic_signal_fence(memory_order_seq_cst)

void virtio_keep(struct virtio *v, unsigned int key, int fd)
{
	if (v->device.keep)
		v->device.keep(v->device.context, key, fd);
}

void virtio_drop(struct virtio *v, unsigned int key)
{
	if (v->device.drop)
		v->device.drop(v->device.context, key);
}

void virtio_fail(struct virtio *v, const char *reason)
{
	if (v->failed)
		return;
	v->failed = 1;
	err_set(&v->failure, EPROTO, "%s", reason);
}

/* --- queues ----------------------------------------------------------------------------------- */

static void wake_guest(struct virtio_queue *q)
{
	static const uint64_t one = 1;

	/* A full pipe or counter means that the guest has enough to wake up for. */
	if (q->call_fd >= 0 && write(q->call_fd, &one, sizeof(one)) < 0)
		errno = 0;
}

/* Hands the answer to the request in hand over; may be done twice. */
static void hand_over(struct virtio *v)
{
	struct virtio_state *s = v->state;
	struct virtio_queue_state *qs = &s->queues[s->queue];
	struct virtio_ring *ring = &v->queues[s->queue].ring;

	v->device.done(v->device.context);
	vring_answer(ring, (uint16_t)(s->next_used - 1), s->head, s->written);
	ring->last_avail = s->next_avail;
	qs->last_avail = s->next_avail;
	qs->last_used = s->next_used;
	ORDER();
	s->phase = VIRTIO_IDLE;
	ORDER();
}

/* Carries out the request in hand. */
static int work(struct virtio *v, int again)
{
	struct virtio_state *s = v->state;
	struct virtio_request request = { .queue = s->queue, .again = again };
	int rc;

	rc = vring_read(&v->queues[s->queue].ring, s->head, v->pieces, &request);
	if (rc < 0) {
		s->phase = VIRTIO_IDLE;
		virtio_fail(v, "the guest queued a request that makes no sense");
		return rc;
	}
	s->written = (uint32_t)v->device.handle(v->device.context, &request);
	ORDER();
	s->phase = VIRTIO_DONE;
	ORDER();
	hand_over(v);
	return v->failed || v->memory.lost ? -EPROTO : 0;
}

static int take_one(struct virtio *v, unsigned int index)
{
	struct virtio_state *s = v->state;
	struct virtio_queue *q = &v->queues[index];
	uint16_t before = q->ring.last_used;
	uint32_t head;
	int rc;

	if (vring_peek(&q->ring, &head) < 0) {
		virtio_fail(v, "the guest queued a descriptor that is not there");
		return -EPROTO;
	}
	s->queue = index;
	s->head = head;
	s->next_avail = (uint16_t)(q->ring.last_avail + 1);
	s->next_used = (uint16_t)(before + 1);
	ORDER();
	s->phase = VIRTIO_RUNNING;
	ORDER();
	rc = work(v, 0);
	if (rc == 0 && vring_wants_call(&q->ring, before))
		wake_guest(q);
	return rc;
}

static void run_queue(struct virtio *v, unsigned int index)
{
	struct virtio_queue *q = &v->queues[index];
	int left = QUEUE_TURN, waiting;

	q->pending = 0;
	vring_ask_kicks(&q->ring, 0);
	for (;;) {
		waiting = vring_waiting(&q->ring);
		if (waiting == 0) {
			vring_ask_kicks(&q->ring, 1);
			waiting = vring_waiting(&q->ring);
			if (waiting == 0)
				return;
		}
		if (waiting < 0) {
			virtio_fail(v, "the guest's index of a ring makes no sense");
			return;
		}
		if (left-- == 0) {
			q->pending = 1;
			loop_timer_set(v->loop, &v->more, 0);
			return;
		}
		if (take_one(v, index) < 0)
			return;
	}
}

/* Last in every callback: `v` may be gone afterwards. */
static void finish(struct virtio *v)
{
	struct err failure;

	if (v->memory.lost)
		virtio_fail(v, "the guest took back memory that is in use");
	failure = v->failure;
	if (!v->failed)
		return;
	loop_remove(v->loop, &v->socket);
	virtio_reset_queues(v);
	for (unsigned int i = 0; i < VIRTIO_REGIONS_MAX; i++) {
		if (v->memory.maps[i].map)
			virtio_drop(v, VIRTIO_KEEP_REGION + i);
		virtio_memory_unmap(&v->memory, i);
	}
	memset(v->state, 0, sizeof(*v->state));
	v->device.reset(v->device.context);
	v->device.end(v->device.context, &failure);
}

static void on_kick(struct loop_source *source, uint32_t events)
{
	struct virtio_queue *q = loop_owner(source, struct virtio_queue, kick);
	struct virtio *v = q->virtio;

	if (q->running)
		run_queue(v, (unsigned int)(q - v->queues));
	finish(v);
}

static void on_more(struct loop_timer *timer)
{
	struct virtio *v = loop_owner(timer, struct virtio, more);
	unsigned int i;

	for (i = 0; i < v->device.queue_count && !v->failed; i++)
		if (v->queues[i].pending && v->queues[i].running)
			run_queue(v, i);
	finish(v);
}

void virtio_queue_stop(struct virtio *v, unsigned int index)
{
	struct virtio_queue *q = &v->queues[index];

	if (q->running)
		loop_remove(v->loop, &q->kick);
	q->running = 0;
	q->pending = 0;
}

int virtio_queue_update(struct virtio *v, unsigned int index, struct err *err)
{
	struct virtio_queue *q = &v->queues[index];
	struct virtio_queue_state *s = &v->state->queues[index];
	int wanted, rc;

	wanted = q->kick.fd >= 0 && s->size && s->desc &&
		 (s->enabled || !(v->state->features & 1ULL << VHOST_F_PROTOCOL_FEATURES));
	if (wanted == q->running)
		return 0;
	if (!wanted) {
		virtio_queue_stop(v, index);
		return 0;
	}
	rc = vring_open(&q->ring, &v->memory, v->state->features, s);
	if (rc < 0)
		return err_set(err, EPROTO, "vhost-user: ring %u is not in the guest's memory",
			       index);
	rc = loop_add(v->loop, &q->kick, EPOLLIN | EPOLLET);
	if (rc < 0)
		return err_sys(err, -rc, "vhost-user: the kick of ring %u", index);
	q->running = 1;
	q->pending = 1;
	loop_timer_set(v->loop, &v->more, 0);
	return 0;
}

int virtio_queue_set_kick(struct virtio *v, unsigned int index, int fd, struct err *err)
{
	struct virtio_queue *q = &v->queues[index];

	virtio_queue_stop(v, index);
	fd_close(&q->kick.fd);
	q->kick.fd = fd;
	if (fd >= 0)
		virtio_keep(v, VIRTIO_KEEP_KICK + index, fd);
	else if (v->state->queues[index].have_kick)
		virtio_drop(v, VIRTIO_KEEP_KICK + index);
	v->state->queues[index].have_kick = fd >= 0;
	return virtio_queue_update(v, index, err);
}

void virtio_queue_set_call(struct virtio *v, unsigned int index, int fd)
{
	struct virtio_queue *q = &v->queues[index];

	fd_close(&q->call_fd);
	q->call_fd = fd;
	if (fd >= 0) {
		fd_set_nonblock(fd, 1);
		virtio_keep(v, VIRTIO_KEEP_CALL + index, fd);
		/* What was answered before there was anything to call with. */
		wake_guest(q);
	} else if (v->state->queues[index].have_call) {
		virtio_drop(v, VIRTIO_KEEP_CALL + index);
	}
	v->state->queues[index].have_call = fd >= 0;
}

void virtio_reset_queues(struct virtio *v)
{
	for (unsigned int i = 0; i < v->device.queue_count; i++) {
		virtio_queue_set_kick(v, i, -1, NULL);
		virtio_queue_set_call(v, i, -1);
		memset(&v->state->queues[i], 0, sizeof(v->state->queues[i]));
	}
}

/* --- the socket ------------------------------------------------------------------------------- */

static ssize_t receive(int socket, void *to, size_t size, int flags, int *fds, size_t *fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * VHOST_TABLE_MAX)];
	} control;
	struct iovec iov = { to, size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fds) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	n = recvmsg(socket, &m, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	for (c = fds ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*fd_count < VHOST_TABLE_MAX)
				fds[(*fd_count)++] = fd;
			else
				fd_close(&fd);
		}
	}
	return n;
}

static void close_all(int *fds, size_t *count)
{
	while (*count)
		fd_close(&fds[--*count]);
}

static void send_reply(struct virtio *v)
{
	struct virtio_state *s = v->state;

	if (send(v->socket.fd, s->reply, s->reply_size, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)s->reply_size)
		virtio_fail(v, "the front end does not take replies");
	s->reply_stage = 0;
}

/* Carries out `message`; `peeked`: it is still on the socket. */
static void handle_message(struct virtio *v, const struct vhost_message *message, int peeked)
{
	static uint8_t rest[sizeof(struct vhost_message)];
	struct virtio_state *s = v->state;
	struct vhost_message reply;

	if (vhost_handle(v, message, v->fds, v->fd_count, &reply, &v->failure) < 0) {
		v->failed = 1;
		return;
	}
	if (reply.header.request) {
		s->reply_size = VHOST_HEADER_SIZE + reply.header.size;
		memcpy(s->reply, &reply, s->reply_size);
		ORDER();
		s->reply_stage = 1;
		ORDER();
	}
	if (peeked && receive(v->socket.fd, rest, VHOST_HEADER_SIZE + message->header.size, 0, NULL,
			      NULL) < 0)
		virtio_fail(v, "the front end's socket broke");
	if (reply.header.request) {
		s->reply_stage = 2;
		ORDER();
		send_reply(v);
	}
}

static int message_size(const struct vhost_message *message, size_t *size)
{
	if (message->header.size > sizeof(struct vhost_message) - VHOST_HEADER_SIZE)
		return -EPROTO;
	*size = VHOST_HEADER_SIZE + message->header.size;
	return 0;
}

/* Takes what there is of a message that comes in parts. 1: it is whole now. */
static ssize_t take_part(struct virtio *v)
{
	size_t want = VHOST_HEADER_SIZE;
	ssize_t n;

	if (v->partial_size >= want && message_size(&v->partial, &want) < 0)
		return -EPROTO;
	n = v->partial_size == want ? 1
				    : receive(v->socket.fd, (char *)&v->partial + v->partial_size,
					      want - v->partial_size, 0, v->fds, &v->fd_count);
	if (n <= 0)
		return n == 0 ? -ECONNRESET : n;
	if (v->partial_size < want)
		v->partial_size += (size_t)n;
	if (v->partial_size < VHOST_HEADER_SIZE || message_size(&v->partial, &want) < 0)
		return v->partial_size < VHOST_HEADER_SIZE ? 0 : -EPROTO;
	return v->partial_size == want;
}

/* Looks at the next message. 1: whole, in `message`; 0: it comes in parts. */
static ssize_t peek(struct virtio *v, struct vhost_message *message)
{
	size_t size;
	ssize_t n;

	memset(message, 0, sizeof(*message));
	n = receive(v->socket.fd, message, VHOST_HEADER_SIZE, MSG_PEEK, NULL, NULL);
	if (n <= 0)
		return n == 0 ? -ECONNRESET : n;
	if (n < VHOST_HEADER_SIZE)
		return 0;
	if (message_size(message, &size) < 0)
		return -EPROTO;
	n = receive(v->socket.fd, message, size, MSG_PEEK, v->fds, &v->fd_count);
	if (n < 0)
		return n;
	if ((size_t)n == size)
		return 1;
	close_all(v->fds, &v->fd_count);
	return 0;
}

static void on_socket(struct loop_source *source, uint32_t events)
{
	struct virtio *v = loop_owner(source, struct virtio, socket);
	struct vhost_message message;
	ssize_t n = 0;

	if (v->partial_size == 0)
		n = peek(v, &message);
	if (n == 1) {
		handle_message(v, &message, 1);
		close_all(v->fds, &v->fd_count);
	} else if (n == 0) {
		n = take_part(v);
		if (n == 1) {
			handle_message(v, &v->partial, 0);
			close_all(v->fds, &v->fd_count);
			memset(&v->partial, 0, sizeof(v->partial));
			v->partial_size = 0;
		}
	}
	if (n == -ECONNRESET || n == -EPIPE) {
		v->failed = 1;
		v->failure = ERR_INIT;
	} else if (n < 0 && n != -EAGAIN && n != -EINTR) {
		virtio_fail(v, "the front end sent a message that makes no sense");
	}
	finish(v);
}

/* --- beginning, and beginning again ----------------------------------------------------------- */

static int restore(struct virtio *v, const struct virtio_kept *kept, size_t count, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned int key = kept[i].key;
		int fd = kept[i].fd;

		if (key >= VIRTIO_KEEP_CALL && key - VIRTIO_KEEP_CALL < v->device.queue_count) {
			v->queues[key - VIRTIO_KEEP_CALL].call_fd = fd;
			v->state->queues[key - VIRTIO_KEEP_CALL].have_call = 1;
		} else if (key >= VIRTIO_KEEP_KICK &&
			   key - VIRTIO_KEEP_KICK < v->device.queue_count) {
			v->queues[key - VIRTIO_KEEP_KICK].kick.fd = fd;
			v->state->queues[key - VIRTIO_KEEP_KICK].have_kick = 1;
		} else {
			const struct virtio_region region = key < VIRTIO_REGIONS_MAX
								    ? v->state->regions[key]
								    : (struct virtio_region){ 0 };

			/* Kept, but not yet in the table: its message will come again. */
			if (region.size)
				rc = virtio_memory_map(&v->memory, key, &region, fd);
			fd_close(&fd);
			if (rc < 0)
				return err_sys(err, -rc, "the guest's memory of before");
		}
	}
	return 0;
}

/* Was the message whose reply is prepared taken off the socket? Front ends wait for a reply before
 * they send more. */
static void settle_reply(struct virtio *v)
{
	int waiting = 0;

	if (v->state->reply_stage == 1 &&
	    (ioctl(v->socket.fd, FIONREAD, &waiting) < 0 || waiting > 0))
		v->state->reply_stage = 0;
	if (v->state->reply_stage)
		send_reply(v);
}

static int go_on(struct virtio *v, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < v->device.queue_count; i++) {
		rc = virtio_queue_update(v, i, err);
		/* Whether the last answers were called out nobody knows. */
		if (v->queues[i].running)
			wake_guest(&v->queues[i]);
	}
	settle_reply(v);
	if (rc < 0 || v->state->phase == VIRTIO_IDLE)
		return rc;
	if (v->state->queue >= v->device.queue_count || !v->queues[v->state->queue].running) {
		v->state->phase = VIRTIO_IDLE;
		return 0;
	}
	if (v->state->phase == VIRTIO_DONE)
		hand_over(v);
	else
		work(v, 1);
	wake_guest(&v->queues[v->state->queue]);
	return 0;
}

int virtio_open(struct virtio **virtio, struct loop *loop, const struct virtio_device *device,
		struct virtio_state *state, int socket, const struct virtio_kept *kept,
		size_t kept_count, struct err *err)
{
	struct virtio *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return err_sys(err, ENOMEM, "vhost-user session");
	v->loop = loop;
	v->device = *device;
	v->state = state;
	v->memory.regions = state->regions;
	v->socket = (struct loop_source){ .fd = -1, .ready = on_socket };
	v->more.expired = on_more;
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		v->queues[i].virtio = v;
		v->queues[i].call_fd = -1;
		v->queues[i].kick = (struct loop_source){ .fd = -1, .ready = on_kick };
	}
	rc = virtio_memory_guard(&v->memory);
	if (rc == 0)
		rc = restore(v, kept, kept_count, err);
	v->socket.fd = socket;
	if (rc == 0)
		rc = loop_add(loop, &v->socket, EPOLLIN);
	if (rc == 0)
		rc = go_on(v, err);
	if (rc < 0) {
		loop_remove(loop, &v->socket);
		v->socket.fd = -1;
		virtio_close(v);
		return err && err->code ? rc : err_sys(err, -rc, "vhost-user session");
	}
	*virtio = v;
	return 0;
}

void virtio_close(struct virtio *v)
{
	if (!v)
		return;
	loop_timer_clear(v->loop, &v->more);
	virtio_memory_guard(NULL);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		virtio_queue_stop(v, i);
		fd_close(&v->queues[i].kick.fd);
		fd_close(&v->queues[i].call_fd);
	}
	for (unsigned int i = 0; i < VIRTIO_REGIONS_MAX; i++)
		virtio_memory_unmap(&v->memory, i);
	if (v->socket.fd >= 0)
		loop_remove(v->loop, &v->socket);
	close_all(v->fds, &v->fd_count);
	fd_close(&v->socket.fd);
	free(v);
}
