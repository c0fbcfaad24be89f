// SPDX-License-Identifier: GPL-2.0-or-later
/* A front end and its guest, for tests. */
#include "virtio_guest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

void guest_open(struct guest *g)
{
	int pair[2];

	memset(g, 0, sizeof(*g));
	g->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(g->memory_fd >= 0);
	assert_int_equal(ftruncate(g->memory_fd, GUEST_SIZE), 0);
	g->memory = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, g->memory_fd, 0);
	assert_ptr_not_equal(g->memory, MAP_FAILED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	g->socket = pair[0];
	g->server = pair[1];
	g->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	g->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void guest_close(struct guest *g)
{
	munmap(g->memory, GUEST_SIZE);
	fd_close(&g->memory_fd);
	fd_close(&g->socket);
	fd_close(&g->kick);
	fd_close(&g->call);
}

void guest_send(struct guest *g, uint32_t request, uint32_t flags, const void *payload,
		uint32_t size, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int) * VHOST_TABLE_MAX)];
	} control = { 0 };
	struct vhost_header header = { request, VHOST_VERSION | flags, size };
	struct iovec iov[2] = { { &header, sizeof(header) }, { (void *)(uintptr_t)payload, size } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd_count) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * fd_count);
	}
	assert_int_equal(sendmsg(g->socket, &m, MSG_NOSIGNAL), sizeof(header) + size);
}

int guest_receive(struct guest *g, struct vhost_message *reply)
{
	ssize_t n = recv(g->socket, reply, VHOST_HEADER_SIZE, MSG_WAITALL);

	if (n != VHOST_HEADER_SIZE)
		return -1;
	assert_true(reply->header.size <= sizeof(reply->payload));
	if (reply->header.size)
		assert_int_equal(recv(g->socket, &reply->payload, reply->header.size, MSG_WAITALL),
				 reply->header.size);
	return 0;
}

void guest_send_memory(struct guest *g)
{
	const struct vhost_table table = {
		.count = 1, .regions = { { GUEST_BASE, GUEST_SIZE, GUEST_USER, 0 } }
	};

	guest_send(g, VHOST_SET_MEM_TABLE, 0, &table, 8 + 32, &g->memory_fd, 1);
}

void guest_send_ring(struct guest *g, unsigned int index)
{
	const struct vhost_ring size = { index, GUEST_RING_SIZE }, base = { index, 0 };
	const struct vhost_ring on = { index, 1 };
	const uint64_t start = GUEST_USER + (uint64_t)index * GUEST_RING_ROOM;
	const struct vhost_addr addr = {
		.index = index, .desc = start, .avail = start + 1024, .used = start + 2048
	};
	uint64_t number = index;

	guest_send(g, VHOST_SET_VRING_NUM, 0, &size, 8, NULL, 0);
	guest_send(g, VHOST_SET_VRING_BASE, 0, &base, 8, NULL, 0);
	guest_send(g, VHOST_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL, 0);
	guest_send(g, VHOST_SET_VRING_CALL, 0, &number, 8, &g->call, 1);
	guest_send(g, VHOST_SET_VRING_KICK, 0, &number, 8, &g->kick, 1);
	guest_send(g, VHOST_SET_VRING_ENABLE, 0, &on, 8, NULL, 0);
}

struct vring_desc *guest_desc(struct guest *g, unsigned int ring)
{
	return (struct vring_desc *)(void *)(g->memory + ring * GUEST_RING_ROOM);
}

uint16_t *guest_avail(struct guest *g, unsigned int ring)
{
	return (uint16_t *)(void *)(g->memory + ring * GUEST_RING_ROOM + 1024);
}

uint16_t *guest_used(struct guest *g, unsigned int ring)
{
	return (uint16_t *)(void *)(g->memory + ring * GUEST_RING_ROOM + 2048);
}

void guest_offer(struct guest *g, uint16_t head)
{
	static const uint64_t one = 1;
	uint16_t *avail = guest_avail(g, 0);

	avail[2 + g->avail % GUEST_RING_SIZE] = head;
	avail[1] = ++g->avail;
	assert_int_equal(write(g->kick, &one, sizeof(one)), sizeof(one));
}
