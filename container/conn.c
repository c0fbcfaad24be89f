// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor's clients.
 *
 * Theory of operation
 * -------------------
 * A client's first frame says what it is: START makes a process in the guest and the connection
 * its session, ATTACH makes it one more session of the workload; SIGNAL without either goes to
 * the workload; a client that says nothing only waits for the end. The session that `run` began
 * with is there from the start.
 *
 * Clients belong to the container's owner, but they are checked like the guest: one that breaks
 * the rules is cut off, and nothing else happens. A session that ends without having said EOF
 * closes its process's standard input, unless there is a terminal, to which somebody may come
 * back.
 */
#include "container/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum { READ_SIZE = 32 * 1024 };

/* --- sending --------------------------------------------------------------------------------- */

static void put_frame(struct conn *c, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_header own = *h;
	uint8_t head[WIRE_HEADER_SIZE];

	own.proc = WORKLOAD;
	wire_header_put(head, &own);
	if (buf_append(&c->out, head, sizeof(head), CONN_OUT_LIMIT) < 0 ||
	    buf_append(&c->out, payload, h->length, CONN_OUT_LIMIT) < 0)
		c->gone = 1;
}

static void put_small(struct conn *c, enum wire_type type, uint8_t channel,
		      const struct wire_out *payload)
{
	struct wire_header h = { .type = (uint8_t)type,
				 .channel = channel,
				 .length = (uint32_t)payload->used };

	put_frame(c, &h, payload->data);
}

static void put_credit(struct conn *c, uint8_t channel, uint32_t n)
{
	uint8_t raw[4];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, n);
	put_small(c, WIRE_CREDIT, channel, &out);
}

static void put_started(struct conn *c)
{
	uint8_t raw[12];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, c->proc->pid);
	wire_put_u64(&out, loop_now());
	put_small(c, WIRE_STARTED, 0, &out);
}

static void put_failed(struct conn *c, const char *why)
{
	uint8_t raw[256];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, 125);
	wire_put_string(&out, why, strlen(why));
	put_small(c, WIRE_FAILED, 0, &out);
	c->closing = 1;
}

/* The machine ended under a process: as if by SIGKILL. */
static void put_killed(struct conn *c)
{
	uint8_t raw[16];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, 128 + SIGKILL);
	wire_put_u32(&out, SIGKILL);
	wire_put_u64(&out, loop_now());
	put_small(c, WIRE_EXIT, 0, &out);
}

static void flush(struct conn *c)
{
	while (!c->gone && c->out.used > 0) {
		ssize_t n = send(c->source.fd, buf_data(&c->out), c->out.used,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			c->gone = 1;
		else
			buf_consume(&c->out, (size_t)n);
	}
	if (c->closing)
		c->gone = 1;
}

void conn_flush_all(struct monitor *m)
{
	for (struct conn *c = m->conns; c; c = c->next)
		flush(c);
}

/* --- sessions -------------------------------------------------------------------------------- */

static void begin_session(struct conn *c, struct proc *proc)
{
	c->proc = proc;
	for (unsigned i = 0; i < 2; i++)
		c->consumed[i] = proc->flows[i].sent;
	if (proc->stdin_open && !proc->stdin_eof && !proc->stdin_owner)
		proc->stdin_owner = c;
}

static void leave_session(struct conn *c)
{
	struct monitor *m = c->monitor;
	struct proc *proc = c->proc;

	c->proc = NULL;
	if (!proc || proc->state == PROC_FREE)
		return;
	if (proc->stdin_owner == c) {
		proc->stdin_owner = NULL;
		if (!proc->terminal && !proc->stdin_eof) {
			proc->stdin_eof = 1;
			monitor_send(m, WIRE_EOF, proc->number, WIRE_STDIN, NULL, 0);
		}
	}
	for (unsigned i = 0; i < 2; i++)
		proc_grant(m, proc, i);
}

void conn_pass_on(struct monitor *m, struct proc *proc, const struct wire_header *h,
		  const uint8_t *payload)
{
	for (struct conn *c = m->conns; c; c = c->next) {
		if (c->proc != proc || c->gone || c->closing)
			continue;
		if (h->type == WIRE_CREDIT && proc->stdin_owner != c)
			continue;
		put_frame(c, h, payload);
	}
}

void conn_end_sessions(struct monitor *m, struct proc *proc)
{
	for (struct conn *c = m->conns; c; c = c->next) {
		if (c->proc == proc) {
			c->proc = NULL;
			c->closing = 1;
		}
	}
}

void conn_end_all(struct monitor *m)
{
	for (struct conn *c = m->conns; c; c = c->next) {
		/* The workload's sessions hear from it, or from the keeper, how it ended. */
		if (c->proc && c->proc->number == WORKLOAD && c->proc->state == PROC_FREE)
			continue;
		if (c->proc && c->proc->number != WORKLOAD)
			put_killed(c);
		c->proc = NULL;
		c->closing = 1;
	}
}

/* --- receiving ------------------------------------------------------------------------------- */

static int on_start(struct conn *c, const uint8_t *payload, size_t size)
{
	struct monitor *m = c->monitor;
	struct wire_start start;
	struct proc *proc;

	if (c->proc || wire_get_start(payload, size, &start) < 0)
		return -EPROTO;
	if (m->phase != MONITOR_UP || m->procs[WORKLOAD].state != PROC_RUNNING) {
		put_failed(c, "the container is not running yet, or not any more");
		return 0;
	}
	proc = proc_new(m);
	if (!proc) {
		put_failed(c, "the container runs as many processes for its host as it can");
		return 0;
	}
	proc->terminal = start.terminal;
	proc->stdin_open = start.stdin_open;
	begin_session(c, proc);
	monitor_send(m, WIRE_START, proc->number, 0, payload, size);
	return 0;
}

static int on_attach(struct conn *c, size_t size)
{
	struct proc *workload = &c->monitor->procs[WORKLOAD];

	if (c->proc || size != 0)
		return -EPROTO;
	if (workload->state != PROC_RUNNING || c->monitor->phase != MONITOR_UP) {
		put_failed(c, "the container is not running yet, or not any more");
		return 0;
	}
	begin_session(c, workload);
	put_started(c);
	if (workload->stdin_owner == c && workload->stdin_room > 0)
		put_credit(c, WIRE_STDIN, workload->stdin_room);
	return 0;
}

static int on_input(struct conn *c, const struct wire_header *h, const uint8_t *payload)
{
	struct proc *proc = c->proc;

	if (!proc || h->channel != WIRE_STDIN || proc->stdin_owner != c || proc->stdin_eof)
		return -EPROTO;
	if (h->type == WIRE_EOF) {
		if (h->length != 0)
			return -EPROTO;
		proc->stdin_eof = 1;
	} else {
		if (h->length == 0 || h->length > WIRE_DATA_MAX || h->length > proc->stdin_room)
			return -EPROTO;
		proc->stdin_room -= h->length;
	}
	monitor_send(c->monitor, (enum wire_type)h->type, proc->number, WIRE_STDIN, payload,
		     h->length);
	return 0;
}

static int on_credit(struct conn *c, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = h->length };
	uint32_t n = wire_get_u32(&in);
	unsigned flow = h->channel - WIRE_STDOUT;

	if (wire_get_end(&in) < 0 || !c->proc || flow > 1 ||
	    n > c->proc->flows[flow].sent - c->consumed[flow])
		return -EPROTO;
	c->consumed[flow] += n;
	proc_grant(c->monitor, c->proc, flow);
	return 0;
}

static int on_signal(struct conn *c, const uint8_t *payload, size_t size)
{
	struct wire_in in = { .data = payload, .size = size };
	struct proc *proc = c->proc ? c->proc : &c->monitor->procs[WORKLOAD];
	uint32_t signal = wire_get_u32(&in);

	if (wire_get_end(&in) < 0 || signal < 1 || signal > 64)
		return -EPROTO;
	if (proc->state != PROC_FREE)
		proc_signal(c->monitor, proc, signal);
	return 0;
}

static int on_winsize(struct conn *c, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = h->length };
	uint16_t rows = wire_get_u16(&in), columns = wire_get_u16(&in);

	if (wire_get_end(&in) < 0 || !c->proc)
		return -EPROTO;
	if (c->proc->state == PROC_RUNNING) {
		monitor_send(c->monitor, WIRE_WINSIZE, c->proc->number, 0, payload, h->length);
		return 0;
	}
	c->proc->rows = rows;
	c->proc->columns = columns;
	c->proc->resized = 1;
	return 0;
}

static int on_frame(struct conn *c, const struct wire_header *h, const uint8_t *payload)
{
	if (h->proc != WORKLOAD)
		return -EPROTO;
	switch (h->type) {
	case WIRE_START:
		return on_start(c, payload, h->length);
	case WIRE_ATTACH:
		return on_attach(c, h->length);
	case WIRE_DATA:
	case WIRE_EOF:
		return on_input(c, h, payload);
	case WIRE_CREDIT:
		return on_credit(c, h, payload);
	case WIRE_SIGNAL:
		return on_signal(c, payload, h->length);
	case WIRE_WINSIZE:
		return on_winsize(c, h, payload);
	default:
		return -EPROTO;
	}
}

static void take_frames(struct conn *c)
{
	const uint8_t *payload;
	struct wire_header h;

	while (!c->gone && !c->closing) {
		long size = wire_frame_get(buf_data(&c->in), c->in.used, &h, &payload);

		if (size == 0)
			return;
		if (size < 0 || on_frame(c, &h, payload) < 0) {
			c->gone = 1;
			return;
		}
		buf_consume(&c->in, (size_t)size);
	}
}

static void conn_ready(struct loop_source *source, uint32_t events)
{
	struct conn *c = loop_owner(source, struct conn, source);
	uint8_t *at;
	ssize_t n;

	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	at = buf_reserve(&c->in, READ_SIZE, WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX + READ_SIZE);
	n = at ? recv(source->fd, at, READ_SIZE, MSG_DONTWAIT) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->gone = 1;
		return;
	}
	buf_commit(&c->in, (size_t)n);
	if (c->closing) /* what it says about a process that is over needs no answer */
		buf_consume(&c->in, c->in.used);
	else
		take_frames(c);
}

/* --- coming and going ------------------------------------------------------------------------ */

int conn_add(struct monitor *m, int fd, struct proc *proc)
{
	struct conn *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->monitor = m;
	c->source.fd = fd;
	c->source.ready = conn_ready;
	rc = loop_add(&m->loop, &c->source, EPOLLIN);
	if (rc < 0) {
		free(c);
		return rc;
	}
	if (proc)
		begin_session(c, proc);
	c->next = m->conns;
	m->conns = c;
	m->conn_count++;
	return 0;
}

void conn_accept(struct loop_source *listener, uint32_t events)
{
	struct monitor *m = loop_owner(listener, struct monitor, listener);
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && (m->conn_count >= CONNS_MAX || conn_add(m, fd, NULL) < 0))
		close(fd);
}

void conn_reap(struct monitor *m)
{
	struct conn **slot = &m->conns;

	while (*slot) {
		struct conn *c = *slot;

		if (!c->gone) {
			slot = &c->next;
			continue;
		}
		*slot = c->next;
		m->conn_count--;
		loop_remove(&m->loop, &c->source);
		leave_session(c);
		close(c->source.fd);
		buf_free(&c->in);
		buf_free(&c->out);
		free(c);
	}
}

void conn_await(struct monitor *m)
{
	for (struct conn *c = m->conns; c; c = c->next) {
		uint32_t events = 0;

		/* A session that ended is read on, to notice when its client goes. */
		if (m->wire_out.used < WIRE_OUT_HIGH && c->out.used < CONN_OUT_LIMIT / 2)
			events |= EPOLLIN;
		if (c->out.used > 0)
			events |= EPOLLOUT;
		loop_change(&m->loop, &c->source, events);
	}
}
