// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: process.h. */
#include "cut/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

#define SECOND 1000000000ull

enum { SAID_MOST = 4 << 20, GRACE = 10, TURN_MS = 250 };

static volatile sig_atomic_t interrupted;

void cut_interrupt(void)
{
	interrupted = 1;
}

int cut_interrupted(void)
{
	return interrupted;
}

struct stream {
	int fd;
	char *data;
	size_t size;
};

/* Keeps the end of what is said. */
static void keep(struct stream *s, const char *data, size_t size)
{
	char *grown;

	if (s->size + size > SAID_MOST) {
		size_t drop = s->size / 2;

		memmove(s->data, s->data + drop, s->size - drop);
		s->size -= drop;
	}
	grown = realloc(s->data, s->size + size + 1);
	if (!grown)
		return;
	s->data = grown;
	memcpy(grown + s->size, data, size);
	s->size += size;
	grown[s->size] = '\0';
}

static void hear(struct stream *s, const struct process_order *order)
{
	char piece[4096];
	ssize_t n = read(s->fd, piece, sizeof(piece));

	if (n > 0) {
		keep(s, piece, (size_t)n);
		if (order && order->heard)
			order->heard(order->context, piece, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		fd_close(&s->fd);
	}
}

static void __attribute__((noreturn)) child(const struct process_order *order, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	if (order->nice)
		setpriority(PRIO_PROCESS, 0, order->nice);
	signal(SIGPIPE, SIG_DFL);
	for (size_t i = 0; order->set && order->set[i]; i++)
		putenv((char *)order->set[i]);
	if (null >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2)
		execv(order->argv[0], (char *const *)order->argv);
	dprintf(err, "%s: %s\n", order->argv[0], strerror(errno));
	_exit(127);
}

struct run {
	pid_t pid;
	int pidfd;
	struct stream out, err;
	uint64_t begun, deadline, killed; /* deadline, killed: 0: none */
	int reason;			  /* -ETIMEDOUT, -EINTR, or 0 */
};

static void end_it(struct run *r, int reason)
{
	if (!r->reason) {
		r->reason = reason;
		r->killed = loop_now() + GRACE * SECOND;
		kill(-r->pid, SIGTERM);
	} else if (loop_now() > r->killed) {
		kill(-r->pid, SIGKILL);
	}
}

static void wait_for_end(struct run *r, const struct process_order *order)
{
	for (;;) {
		struct pollfd fds[] = { { r->pidfd, POLLIN, 0 },
					{ r->out.fd, POLLIN, 0 },
					{ r->err.fd, POLLIN, 0 } };

		poll(fds, 3, TURN_MS);
		if (fds[1].revents)
			hear(&r->out, NULL);
		if (fds[2].revents)
			hear(&r->err, order);
		else if (order->heard)
			order->heard(order->context, "", 0);
		if (fds[0].revents && !fds[1].revents && !fds[2].revents)
			return;
		if (interrupted)
			end_it(r, -EINTR);
		else if (r->deadline && loop_now() > r->deadline)
			end_it(r, -ETIMEDOUT);
	}
}

static int start(struct run *r, const struct process_order *order, struct err *err)
{
	int out[2], error[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(err, errno, "running %s", order->argv[0]);
	if (pipe2(error, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return err_sys(err, errno, "running %s", order->argv[0]);
	}
	r->begun = loop_now();
	r->deadline = order->seconds ? r->begun + order->seconds * SECOND : 0;
	r->pid = fork();
	if (r->pid == 0)
		child(order, out[1], error[1]);
	close(out[1]);
	close(error[1]);
	r->out.fd = out[0];
	r->err.fd = error[0];
	if (r->pid < 0)
		return err_sys(err, errno, "running %s", order->argv[0]);
	setpgid(r->pid, r->pid);
	fd_set_nonblock(out[0], 1);
	fd_set_nonblock(error[0], 1);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return 0;
}

int cut_process(const struct process_order *order, struct process_said *said, struct err *err)
{
	struct run r = { .pidfd = -1, .out.fd = -1, .err.fd = -1 };
	int rc = start(&r, order, err), status = 0;

	*said = (struct process_said){ .code = 127 };
	if (rc == 0) {
		wait_for_end(&r, order);
		while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
			;
		said->wall_ns = loop_now() - r.begun;
		said->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		rc = r.reason;
	}
	fd_close(&r.out.fd);
	fd_close(&r.err.fd);
	fd_close(&r.pidfd);
	said->out = r.out.data ? r.out.data : strdup("");
	said->err = r.err.data ? r.err.data : strdup("");
	said->out_size = r.out.size;
	said->err_size = r.err.size;
	if (rc == -ETIMEDOUT)
		err_set(err, ETIMEDOUT, "%s took longer than %u s", order->argv[0],
			order->seconds);
	else if (rc == -EINTR)
		err_set(err, EINTR, "interrupted");
	return rc;
}

void cut_process_free(struct process_said *said)
{
	free(said->out);
	free(said->err);
	*said = (struct process_said){ .out = NULL };
}
