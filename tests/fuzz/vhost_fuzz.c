// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vhost-user messages of a hostile front end. The input is the byte stream; a descriptor of guest
 * memory goes along with the first bytes of each message for which one is wanted. What is
 * promised: the session goes on or ends with a reason, and no more.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "virtio/vhost.h"
#include "virtio/virtio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ended;

static size_t handle(void *context, struct virtio_request *request)
{
	return 0;
}

static void nothing(void *context)
{
}

static void end(void *context, const struct err *err)
{
	ended = 1;
	if (err->code && !err->text[0])
		abort();
}

static void turn(struct loop *loop)
{
	struct pollfd p = { .fd = loop->epoll_fd, .events = POLLIN };

	for (int i = 0; i < 100 && !ended && (loop->timers || poll(&p, 1, 0) > 0); i++)
		if (loop_turn(loop) < 0)
			abort();
}

static void send_bytes(int fd, const uint8_t *data, size_t size, int right)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &right, sizeof(int));
	if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		ended = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct virtio_device device = {
		.queue_count = 2, .handle = handle, .done = nothing, .reset = nothing, .end = end
	};
	struct virtio_state state = { 0 };
	struct err err = ERR_INIT;
	struct virtio *virtio;
	struct loop loop;
	int pair[2], memory;

	ended = 0;
	memory = memfd_create("guest", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, 65536) < 0 || loop_init(&loop) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    virtio_open(&virtio, &loop, &device, &state, pair[0], NULL, 0, &err) < 0)
		abort();
	while (size && !ended) {
		struct vhost_header header = { 0 };
		size_t n;

		memcpy(&header, data, size < sizeof(header) ? size : sizeof(header));
		n = sizeof(header) + (header.size & 0x3ff);
		if (n > size)
			n = size;
		send_bytes(pair[1], data, n, memory);
		turn(&loop);
		data += n;
		size -= n;
	}
	virtio_close(virtio);
	loop_close(&loop);
	close(pair[1]);
	close(memory);
	return 0;
}
