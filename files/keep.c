// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors in safe-keeping; keep.h has the theory. */
#include "files/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum { KEEP_PUT = 1, KEEP_DROP, KEEP_GIVE, KEEP_END };

struct packet {
	uint32_t what, key;
};

static int send_packet(int socket, uint32_t what, uint32_t key, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct packet packet = { what, key };
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(socket, &m, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* 0 and the descriptor (or -1); -EPIPE at the end. */
static int receive_packet(int socket, int flags, struct packet *packet, int *fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { packet, sizeof(*packet) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(socket, &m, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 ? -EPIPE : -errno;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	if (n != sizeof(*packet)) {
		fd_close(fd);
		return -EPROTO;
	}
	return 0;
}

/* --- the keeper's side ------------------------------------------------------------------------ */

static int set_slot(struct keep *keep, uint32_t key, int fd)
{
	int old;

	if (key >= KEEP_KEYS_MAX) {
		fd_close(&fd);
		return -EPROTO;
	}
	if (key >= keep->room) {
		uint32_t room = (key + 256) & ~255u;
		int *grown = realloc(keep->fds, room * sizeof(*grown));

		if (!grown) {
			fd_close(&fd);
			return -ENOMEM;
		}
		memset(grown + keep->room, 0, (room - keep->room) * sizeof(*grown));
		keep->fds = grown;
		keep->room = room;
	}
	old = keep->fds[key] - 1;
	keep->fds[key] = fd + 1;
	fd_close(&old);
	return 0;
}

int keep_read(struct keep *keep)
{
	struct packet packet;
	int fd, rc;

	for (;;) {
		rc = receive_packet(keep->socket, MSG_DONTWAIT, &packet, &fd);
		if (rc < 0)
			return rc == -EAGAIN ? 0 : rc;
		if (packet.what == KEEP_PUT && fd >= 0) {
			rc = set_slot(keep, packet.key, fd);
		} else {
			fd_close(&fd);
			if (packet.what == KEEP_DROP && packet.key < keep->room)
				rc = set_slot(keep, packet.key, -1);
		}
		if (rc < 0)
			return rc;
	}
}

int keep_start(struct keep *keep, int *server, struct err *err)
{
	int pair[2];

	if (keep->socket >= 0)
		keep_read(keep);
	fd_close(&keep->socket);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "a socket for the file server");
	keep->socket = pair[0];
	*server = pair[1];
	return 0;
}

int keep_give(struct keep *keep, struct err *err)
{
	int rc = 0;

	for (uint32_t key = 0; rc == 0 && key < keep->room; key++)
		if (keep->fds[key])
			rc = send_packet(keep->socket, KEEP_GIVE, key, keep->fds[key] - 1);
	if (rc == 0)
		rc = send_packet(keep->socket, KEEP_END, 0, -1);
	return rc < 0 ? err_sys(err, -rc, "giving the file server its descriptors back") : 0;
}

void keep_close(struct keep *keep)
{
	for (uint32_t key = 0; key < keep->room; key++) {
		int fd = keep->fds[key] - 1;

		fd_close(&fd);
	}
	free(keep->fds);
	keep->fds = NULL;
	keep->room = 0;
	fd_close(&keep->socket);
}

/* --- the server's side ------------------------------------------------------------------------ */

void keep_put(int socket, uint32_t key, int fd)
{
	/* A keeper that is gone has nobody to start again either. */
	send_packet(socket, KEEP_PUT, key, fd);
}

void keep_drop(int socket, uint32_t key)
{
	send_packet(socket, KEEP_DROP, key, -1);
}

int keep_receive(int socket, void (*take)(void *context, uint32_t key, int fd), void *context,
		 struct err *err)
{
	struct packet packet;
	int fd, rc;

	for (;;) {
		rc = receive_packet(socket, 0, &packet, &fd);
		if (rc < 0)
			return err_sys(err, -rc, "getting back what was kept");
		if (packet.what == KEEP_END) {
			fd_close(&fd);
			return 0;
		}
		if (packet.what == KEEP_GIVE && fd >= 0)
			take(context, packet.key, fd);
		else
			fd_close(&fd);
	}
}
