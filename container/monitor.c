// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor: between a guest, which may be hostile, and its clients.
 *
 * Theory of operation
 * -------------------
 * The keeper forks it when the kernel is already booting. It jails itself before the guest can
 * have said anything; from then on it owns only open descriptors: the wire, the kernel log's
 * pipe, the control socket, the log files, a socket to the keeper. It opens, makes and kills
 * nothing: when the machine must end it tells the keeper.
 *
 * Frames are passed on, not interpreted: a client knows its process as proc 1, the monitor puts
 * the guest's number in and back. The windows of wire.h run from end to end: the monitor passes a
 * client's credit on to the guest, so at most a window of each channel waits in here, and a
 * client that stops reading holds up its own process's channel only. With several sessions on
 * the workload the slowest one counts; with none, output goes to the log alone and is granted at
 * once. Everything that can queue up has a bound; past it the side that causes the queue is not
 * read from until it has drained.
 *
 * What the guest sends is checked against what it may send at that point: each process starts
 * once, ends once, sends no byte over its window and none after its end. Anything else ends the
 * machine, and only that machine.
 *
 * The end: the workload's EXIT comes after all its output. If the layer or volumes outlive the
 * machine the guest is asked to write them back (SHUTDOWN, DOWN) within a time; then the keeper
 * is told to kill. A guest that vanishes without EXIT has panicked or was killed: the kernel's
 * log is read to its end first, because it says why. After that the monitor stays only until its
 * sessions have taken what they were owed.
 */
#include "container/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/utf8.h"

enum {
	BOOT_SECONDS = 30,
	STOP_SECONDS = 10, /* for writing back */
	DRAIN_SECONDS = 2, /* for the rest of a dying kernel's log */
	READ_SIZE = 32 * 1024,
	LOG_READS_MAX = 64,
};

/* --- to the keeper --------------------------------------------------------------------------- */

void monitor_tell(struct monitor *m, struct report *r)
{
	if (!r->ns)
		r->ns = loop_now();
	/* If the keeper is gone the kernel is too, and the wire will say so. */
	send(m->keeper.fd, r, sizeof(*r), MSG_NOSIGNAL);
}

static void tell_phase(struct monitor *m, enum container_phase phase)
{
	monitor_tell(m, &(struct report){ .kind = REPORT_PHASE, .phase = phase });
}

/* The last word. The keeper kills the machine when it reads it. */
void monitor_finish(struct monitor *m)
{
	if (m->phase == MONITOR_OVER)
		return;
	m->phase = MONITOR_OVER;
	m->end.last = 1;
	m->end.log_lost = m->log.lost;
	monitor_tell(m, &m->end);
	loop_timer_clear(&m->loop, &m->boot_timer);
	loop_timer_clear(&m->loop, &m->kill_timer);
	loop_timer_clear(&m->loop, &m->stop_timer);
	if (m->wire.fd >= 0) {
		loop_remove(&m->loop, &m->wire);
		fd_close(&m->wire.fd);
	}
	loop_remove(&m->loop, &m->listener);
	fd_close(&m->listener.fd);
	conn_end_all(m);
	loop_timer_set(&m->loop, &m->drain_timer, DRAIN_SECONDS * SECONDS);
}

void monitor_end(struct monitor *m, enum report_kind kind, uint32_t value, const char *text)
{
	m->end.kind = kind;
	m->end.value = value;
	snprintf(m->end.text, sizeof(m->end.text), "%s", text);
}

/* The guest is not to be talked to any more, though it may still run. */
void monitor_lose(struct monitor *m, const char *why)
{
	if (m->phase == MONITOR_OVER)
		return;
	monitor_end(m, REPORT_LOST, 125, why);
	monitor_finish(m);
}

static void boot_expired(struct loop_timer *timer)
{
	struct monitor *m = loop_owner(timer, struct monitor, boot_timer);
	char text[300];

	snprintf(text, sizeof(text), "its kernel did not come up in time%s%s",
		 m->reason.last[0] ? "; the last that it said: " : "", m->reason.last);
	monitor_lose(m, text);
}

void monitor_killed(struct loop_timer *timer)
{
	struct monitor *m = loop_owner(timer, struct monitor, kill_timer);

	monitor_end(m, REPORT_EXIT, 128 + SIGKILL, "");
	m->end.extra = SIGKILL;
	monitor_finish(m);
}

static void stop_expired(struct loop_timer *timer)
{
	struct monitor *m = loop_owner(timer, struct monitor, stop_timer);

	if (m->phase == MONITOR_STOPPING)
		snprintf(m->end.text, sizeof(m->end.text),
			 "its kernel did not write everything back within %d seconds and was "
			 "killed: the last changes to its layer and volumes may be lost",
			 STOP_SECONDS);
	monitor_finish(m);
}

/* What the kernel's log says about the end of a machine that did not say EXIT. */
static void say_why(struct monitor *m)
{
	if (m->reason.panic[0])
		monitor_end(m, REPORT_LOST, 125, m->reason.panic);
	else
		monitor_end(m, REPORT_LOST, 125, m->reason.oom);
}

static void drain_expired(struct loop_timer *timer)
{
	struct monitor *m = loop_owner(timer, struct monitor, drain_timer);

	if (m->phase != MONITOR_OVER) {
		say_why(m);
		monitor_finish(m);
	} else if (m->kernel_log.fd >= 0) {
		loop_remove(&m->loop, &m->kernel_log);
		fd_close(&m->kernel_log.fd);
	}
}

/* --- to the guest ---------------------------------------------------------------------------- */

void monitor_send(struct monitor *m, enum wire_type type, uint16_t proc, uint8_t channel,
		  const void *payload, size_t size)
{
	struct wire_header h = {
		.type = (uint8_t)type, .channel = channel, .proc = proc, .length = (uint32_t)size
	};
	uint8_t head[WIRE_HEADER_SIZE];

	if (m->phase > MONITOR_STOPPING)
		return;
	wire_header_put(head, &h);
	if (buf_append(&m->wire_out, head, sizeof(head), WIRE_OUT_LIMIT) < 0 ||
	    buf_append(&m->wire_out, payload, size, WIRE_OUT_LIMIT) < 0)
		monitor_lose(m, "the monitor ran out of memory");
}

void monitor_send_u32(struct monitor *m, enum wire_type type, uint16_t proc, uint8_t channel,
		      uint32_t value)
{
	uint8_t raw[4];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, value);
	monitor_send(m, type, proc, channel, raw, sizeof(raw));
}

/* --- from the guest -------------------------------------------------------------------------- */

static int on_hello(struct monitor *m, const uint8_t *payload, size_t size)
{
	struct wire_in in = { .data = payload, .size = size };
	uint32_t version = wire_get_u32(&in);
	uint64_t age = wire_get_u64(&in), now = loop_now();

	if (wire_get_end(&in) < 0 || m->wire_open)
		return -EPROTO;
	if (version != WIRE_VERSION) {
		char text[128];

		snprintf(text, sizeof(text),
			 "its init speaks version %u of the wire, this hillock %d", version,
			 WIRE_VERSION);
		monitor_lose(m, text);
		return 0;
	}
	m->wire_open = 1;
	if (age < now)
		monitor_tell(m, &(struct report){ .kind = REPORT_PHASE,
						  .phase = PHASE_CLOCK,
						  .ns = now - age });
	tell_phase(m, PHASE_HELLO);
	return 0;
}

static int on_ready(struct monitor *m)
{
	if (!m->wire_open || m->phase != MONITOR_BOOT)
		return -EPROTO;
	m->phase = MONITOR_UP;
	tell_phase(m, PHASE_READY);
	return 0;
}

/* FAILED, of the guest as a whole or of the workload: how it ended. */
int monitor_failed(struct monitor *m, const uint8_t *payload, size_t size)
{
	struct wire_in in = { .data = payload, .size = size };
	uint32_t code = wire_get_u32(&in);
	struct wire_string why = wire_get_string(&in);
	char text[sizeof(m->end.text)];

	if (wire_get_end(&in) < 0 || code < 125 || code > 127)
		return -EPROTO;
	utf8_clean(text, sizeof(text), why.data, why.length);
	monitor_end(m, REPORT_FAILED, code, text);
	monitor_finish(m);
	return 0;
}

/* The workload is over: what is left to do before the machine may be cut off? */
void monitor_wind_down(struct monitor *m)
{
	loop_timer_clear(&m->loop, &m->kill_timer);
	if (!m->spec->sync) {
		monitor_finish(m);
		return;
	}
	tell_phase(m, PHASE_EXIT);
	m->phase = MONITOR_STOPPING;
	monitor_send(m, WIRE_SHUTDOWN, 0, 0, NULL, 0);
	loop_timer_set(&m->loop, &m->stop_timer, STOP_SECONDS * SECONDS);
}

static int on_frame(struct monitor *m, const struct wire_header *h, const uint8_t *payload)
{
	if (h->type == WIRE_HELLO && h->proc == 0)
		return on_hello(m, payload, h->length);
	if (!m->wire_open)
		return -EPROTO;
	if (h->proc != 0)
		return proc_frame(m, h, payload);
	switch (h->type) {
	case WIRE_READY:
		return on_ready(m);
	case WIRE_FAILED:
		return m->phase == MONITOR_BOOT ? monitor_failed(m, payload, h->length) : -EPROTO;
	case WIRE_DOWN:
		if (m->phase != MONITOR_STOPPING)
			return -EPROTO;
		tell_phase(m, PHASE_DOWN);
		monitor_finish(m);
		return 0;
	default:
		return -EPROTO;
	}
}

/* The wire's other end is closed: the kernel is dead or dies. Its log says why. */
static void on_hangup(struct monitor *m)
{
	loop_remove(&m->loop, &m->wire);
	fd_close(&m->wire.fd);
	if (m->phase == MONITOR_STOPPING) {
		stop_expired(&m->stop_timer);
		return;
	}
	m->phase = MONITOR_LOST;
	if (m->kernel_log.fd < 0)
		drain_expired(&m->drain_timer);
	else
		loop_timer_set(&m->loop, &m->drain_timer, DRAIN_SECONDS * SECONDS);
}

static void take_frames(struct monitor *m)
{
	const uint8_t *payload;
	struct wire_header h;

	while (m->wire.fd >= 0) {
		long size = wire_frame_get(buf_data(&m->wire_in), m->wire_in.used, &h, &payload);

		if (size == 0)
			return;
		if (size < 0 || on_frame(m, &h, payload) < 0) {
			monitor_lose(m, "its init broke the rules of the wire");
			return;
		}
		buf_consume(&m->wire_in, (size_t)size);
	}
}

static void flush_wire(struct monitor *m)
{
	while (m->wire_open && m->wire.fd >= 0 && m->wire_out.used > 0) {
		ssize_t n = send(m->wire.fd, buf_data(&m->wire_out), m->wire_out.used,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* full: wait; broken: reading will tell */
		buf_consume(&m->wire_out, (size_t)n);
	}
}

static void wire_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *m = loop_owner(source, struct monitor, wire);
	size_t limit = WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX + READ_SIZE;
	uint8_t *at;
	ssize_t n;

	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	at = buf_reserve(&m->wire_in, READ_SIZE, limit);
	if (!at) {
		monitor_lose(m, "the monitor ran out of memory");
		return;
	}
	n = recv(source->fd, at, READ_SIZE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		on_hangup(m);
		return;
	}
	buf_commit(&m->wire_in, (size_t)n);
	take_frames(m);
}

/* --- the kernel's log ------------------------------------------------------------------------ */

static ssize_t read_kernel_log(struct monitor *m)
{
	char data[4096];
	ssize_t n = m->kernel_log.fd < 0 ? 0 : read(m->kernel_log.fd, data, sizeof(data));

	if (n < 0)
		return -errno;
	if (n > 0) {
		log_write(&m->klog, LOG_KERNEL, data, (size_t)n);
		reason_feed(&m->reason, data, (size_t)n);
	}
	return n;
}

/* The pipe is not the wire: what the kernel said before this frame may still be in it. */
void monitor_catch_up(struct monitor *m)
{
	for (int i = 0; i < LOG_READS_MAX && read_kernel_log(m) > 0; i++)
		;
}

static void kernel_log_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *m = loop_owner(source, struct monitor, kernel_log);
	ssize_t n = read_kernel_log(m);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n > 0) {
		/* A kernel that panicked and hangs instead of ending. */
		if (m->reason.panic[0] && m->phase < MONITOR_LOST && !m->drain_timer.at)
			loop_timer_set(&m->loop, &m->drain_timer, DRAIN_SECONDS * SECONDS);
		return;
	}
	loop_remove(&m->loop, source);
	fd_close(&source->fd);
	if (m->phase == MONITOR_LOST) {
		say_why(m);
		monitor_finish(m);
	}
}

/* --- the keeper ------------------------------------------------------------------------------ */

/* It says nothing; the end of its side means that the container must end. */
static void keeper_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *m = loop_owner(source, struct monitor, keeper);

	loop_remove(&m->loop, source);
	if (m->phase <= MONITOR_UP)
		proc_signal(m, &m->procs[WORKLOAD], SIGKILL);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void tell_lost(struct monitor *m)
{
	if (m->log.lost == m->log_lost_told || m->phase == MONITOR_OVER)
		return;
	/* Once a doubling is enough to know how bad it is. */
	if (m->log.lost < 2 * m->log_lost_told)
		return;
	m->log_lost_told = m->log.lost;
	monitor_tell(m, &(struct report){ .kind = REPORT_LOG, .log_lost = m->log.lost });
}

/* After each turn: everything that can be sent is sent, then the waiting is set right. */
static void settle(struct monitor *m)
{
	uint32_t events = 0;

	conn_flush_all(m);
	conn_reap(m);
	flush_wire(m);
	if (m->wire.fd >= 0) {
		if (m->wire_out.used < WIRE_OUT_HIGH)
			events |= EPOLLIN;
		if (m->wire_open && m->wire_out.used > 0)
			events |= EPOLLOUT;
		loop_change(&m->loop, &m->wire, events);
	}
	conn_await(m);
	tell_lost(m);
}

static int watch(struct monitor *m, struct loop_source *source, int fd,
		 void (*ready)(struct loop_source *, uint32_t))
{
	source->fd = fd;
	source->ready = ready;
	return loop_add(&m->loop, source, EPOLLIN);
}

int monitor_prepare(struct monitor *m, const struct monitor_spec *spec)
{
	struct proc *workload = &m->procs[WORKLOAD];
	int rc;

	m->spec = spec;
	m->log = spec->log;
	m->klog = spec->kernel_log;
	m->boot_timer.expired = boot_expired;
	m->kill_timer.expired = monitor_killed;
	m->stop_timer.expired = stop_expired;
	m->drain_timer.expired = drain_expired;
	*workload = (struct proc){
		.number = WORKLOAD,
		.state = PROC_STARTING,
		.terminal = spec->terminal,
		.stdin_open = spec->stdin_open,
		.stdin_room = WIRE_WINDOW,
	};
	rc = loop_init(&m->loop);
	if (rc == 0)
		rc = watch(m, &m->wire, spec->wire_fd, wire_ready);
	if (rc == 0)
		rc = watch(m, &m->kernel_log, spec->kernel_log_fd, kernel_log_ready);
	if (rc == 0)
		rc = watch(m, &m->listener, spec->listen_fd, conn_accept);
	if (rc == 0)
		rc = watch(m, &m->keeper, spec->report_fd, keeper_ready);
	if (rc == 0 && spec->session_fd >= 0)
		rc = conn_add(m, spec->session_fd, workload);
	if (rc == 0)
		rc = buf_append(&m->wire_out, spec->setup, spec->setup_size, WIRE_OUT_LIMIT);
	if (rc == 0)
		rc = buf_append(&m->wire_out, spec->start, spec->start_size, WIRE_OUT_LIMIT);
	return rc;
}

int monitor_serve(struct monitor *m)
{
	unsigned seconds = m->spec->boot_seconds ? m->spec->boot_seconds : BOOT_SECONDS;

	loop_timer_set(&m->loop, &m->boot_timer, seconds * SECONDS);
	while (m->phase != MONITOR_OVER || m->conns || m->kernel_log.fd >= 0) {
		int rc = loop_turn(&m->loop);

		if (rc < 0)
			return rc;
		settle(m);
	}
	return 0;
}

void monitor_run(const struct monitor_spec *spec)
{
	struct monitor *m = calloc(1, sizeof(*m));
	struct err err = ERR_INIT;
	int rc;

	prctl(PR_SET_NAME, "hillock-monitor");
	rc = m ? monitor_prepare(m, spec) : -ENOMEM;
	if (rc < 0)
		err_sys(&err, -rc, "starting the monitor");
	else
		rc = guard_enter(GUARD_MONITOR, spec->host_uid, spec->host_gid, &err);
	if (rc < 0) {
		struct report lost = { .kind = REPORT_LOST, .value = 125, .last = 1 };

		snprintf(lost.text, sizeof(lost.text), "%.*s", (int)sizeof(lost.text) - 1,
			 err.text);
		send(spec->report_fd, &lost, sizeof(lost), MSG_NOSIGNAL);
		_exit(1);
	}
	monitor_tell(m, &(struct report){ .kind = REPORT_JAILED });
	_exit(monitor_serve(m) < 0);
}
