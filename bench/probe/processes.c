// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines about processes, and about two that talk to each other. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/probe/probe.h"

static int wait_well(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -ECHILD : 0;
}

static int fork_exec_run(unsigned runs)
{
	static char option[] = "--exit";
	char *const argv[] = { (char *)probe_program, option, NULL };
	char *const environment[] = { NULL };
	int ret = 0;

	while (!ret && runs--) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid) {
			execve(probe_program, argv, environment);
			_exit(1);
		}
		ret = wait_well(pid);
	}
	return ret;
}

static int fork_exit_run(unsigned runs)
{
	int ret = 0;

	while (!ret && runs--) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid)
			_exit(0);
		ret = wait_well(pid);
	}
	return ret;
}

/* --- round trips ----------------------------------------------------------------------------- */

static int in, out;

/* Sends back whatever comes, in a process of its own. */
static int echo_start(int from, int to)
{
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid < 0 ? -errno : 0;
	while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1)
		;
	_exit(0);
}

static int pipe_open(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		return -errno;
	out = there[1];
	in = back[0];
	return echo_start(there[0], back[1]);
}

static int tcp_open(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server, one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in = out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || in < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    listen(listener, 1) < 0 ||
	    connect(in, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	server = accept(listener, NULL, NULL);
	if (server < 0 || setsockopt(in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		return -errno;
	return echo_start(server, server);
}

static int round_trip_run(unsigned runs)
{
	char byte = 0;

	while (runs--) {
		if (write(out, &byte, 1) != 1)
			return -errno;
		if (read(in, &byte, 1) != 1)
			return -EPIPE;
	}
	return 0;
}

const struct probe_line probe_processes[] = {
	{ "fork-exec", "fork(), exec() of a small static program, wait()", .run = fork_exec_run },
	{ "fork-exit", "fork(), exit(), wait()", .run = fork_exit_run },
	{ "pipe", "round trip to another process by pipes", .open = pipe_open,
	  .run = round_trip_run },
	{ "tcp", "round trip to another process by TCP, loopback", .open = tcp_open,
	  .run = round_trip_run },
	{ 0 },
};
