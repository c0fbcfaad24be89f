// SPDX-License-Identifier: GPL-2.0-or-later
/* Attempts to talk to anybody beyond the descriptors that were handed over. */
#include "attack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FAMILIES 46

static int any_family(const struct bait *b)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };
	int family, rc = -EPERM;
	size_t i;

	for (family = 0; family < FAMILIES; family++)
		for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			rc = outcome(socket(family, types[i], 0));
			if (rc == 0)
				return 0;
		}
	return rc;
}

static int one_family(int family, int type)
{
	int fd = socket(family, type, 0);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int unix_socket(const struct bait *b)
{
	return one_family(AF_UNIX, SOCK_STREAM);
}

static int internet_socket(const struct bait *b)
{
	return one_family(AF_INET, SOCK_DGRAM);
}

static int netlink_socket(const struct bait *b)
{
	return one_family(AF_NETLINK, SOCK_RAW);
}

static int packet_socket(const struct bait *b)
{
	return one_family(AF_PACKET, SOCK_RAW);
}

static int vsock_socket(const struct bait *b)
{
	return one_family(AF_VSOCK, SOCK_STREAM);
}

static int crypto_socket(const struct bait *b)
{
	return one_family(AF_ALG, SOCK_SEQPACKET);
}

static socklen_t unix_address(struct sockaddr_un *address, const char *name, int abstract)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path + abstract, sizeof(address->sun_path) - 1, "%s", name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract +
			   strlen(name) + (abstract ? 0 : 1));
}

static int connect_unix(const char *name, int abstract)
{
	struct sockaddr_un address;
	socklen_t size = unix_address(&address, name, abstract);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), rc;

	if (fd < 0)
		return -errno;
	rc = outcome(connect(fd, (struct sockaddr *)&address, size));
	close(fd);
	return rc;
}

static int connect_abstract(const struct bait *b)
{
	return connect_unix(b->abstract, 1);
}

static int connect_path(const struct bait *b)
{
	return connect_unix(b->listener, 0);
}

static int connect_tcp(const struct bait *b)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(b->port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), rc;

	if (fd < 0)
		return -errno;
	rc = outcome(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	close(fd);
	return rc;
}

static int listen_tcp(const struct bait *b)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), rc;

	if (fd < 0)
		return -errno;
	rc = outcome(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	close(fd);
	return rc;
}

/* A pair needs no socket(), and a datagram socket may send to any name. */
static int send_from_pair(const struct bait *b)
{
	struct sockaddr_un address;
	socklen_t size = unix_address(&address, b->datagram, 1);
	int fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) < 0)
		return -errno;
	rc = outcome(sendto(fds[0], "x", 1, 0, (struct sockaddr *)&address, size));
	close(fds[0]);
	close(fds[1]);
	return rc;
}

static int packet_pair(const struct bait *b)
{
	int fds[2];

	return outcome(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
}

static int send_to_address(const struct bait *b)
{
	struct sockaddr_un address;
	socklen_t size = unix_address(&address, b->abstract, 1);

	return outcome(sendto(SOCKET_FD, "x", 1, 0, (struct sockaddr *)&address, size));
}

static int connect_handed(const struct bait *b)
{
	struct sockaddr_un address;
	socklen_t size = unix_address(&address, b->abstract, 1);

	return outcome(connect(SOCKET_FD, (struct sockaddr *)&address, size));
}

static int who_is_the_peer(const struct bait *b)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return outcome(getsockopt(SOCKET_FD, SOL_SOCKET, SO_PEERCRED, &peer, &size));
}

static int set_option(const struct bait *b)
{
	int size = 1 << 16;

	return outcome(setsockopt(SOCKET_FD, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
}

static int forge_credentials(const struct bait *b)
{
	union {
		char room[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct ucred forged = { .pid = b->pid, .uid = 0, .gid = 0 };
	struct iovec iov = { (void *)(uintptr_t)"x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_CREDENTIALS;
	control.align.cmsg_len = CMSG_LEN(sizeof(forged));
	memcpy(CMSG_DATA(&control.align), &forged, sizeof(forged));
	return outcome(sendmsg(SOCKET_FD, &msg, MSG_NOSIGNAL));
}

const struct attack attacks_over_sockets[] = {
	{ "make a socket of any family", any_family, FILTERS, WORKS, WORKS },
	{ "make a Unix socket", unix_socket, FILTERS, WORKS, WORKS },
	{ "make an internet socket", internet_socket, FILTERS, WORKS, WORKS },
	{ "make a netlink socket", netlink_socket, FILTERS, WORKS, WORKS },
	{ "make a packet socket", packet_socket, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "make a vsock socket", vsock_socket, FILTERS, DIFFERS, DIFFERS },
	{ "make a crypto socket", crypto_socket, FILTERS, DIFFERS, DIFFERS },
	{ "connect to an abstract socket of the host", connect_abstract, DENIED, WORKS, WORKS },
	{ "connect to a socket file of the host", connect_path, EVERYWHERE, WORKS, WORKS },
	{ "connect to a TCP port of the host", connect_tcp, DENIED, WORKS, WORKS },
	{ "listen on TCP", listen_tcp, DENIED, WORKS, WORKS },
	{ "send to the host from a socket pair", send_from_pair, EVERYWHERE, WORKS, WORKS },
	{ "make a packet pair", packet_pair, FILTERS, WORKS, WORKS },
	{ "send to an address by what it was handed", send_to_address, FILTERS, DIFFERS, DIFFERS },
	{ "connect what it was handed", connect_handed, FILTERS, DIFFERS, DIFFERS },
	{ "ask who the peer is", who_is_the_peer, FILTERS, WORKS, WORKS },
	{ "set a socket option", set_option, FILTERS, WORKS, WORKS },
	{ "forge credentials", forge_credentials, EVERYWHERE, WORKS, UNKNOWN },
	{ 0 },
};
