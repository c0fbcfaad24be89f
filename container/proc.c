// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor's processes: the workload, and what exec starts beside it.
 *
 * Theory of operation
 * -------------------
 * A process is known by the number that the guest has for it. It is started once and ends once;
 * in between its frames are checked against what is due at that point, counted, written to the
 * log if it is the workload, and passed on to its sessions. Numbers are used again: the wire is
 * in order, so nothing that was meant for the old bearer comes after its EXIT.
 *
 * Credit: a channel's `sent` is what the guest has sent since the start, and each session's
 * `consumed` what of it that session has passed on. The guest is granted up to the lowest of
 * them, or all when there is no session.
 */
#include "container/monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

enum { KILL_SECONDS = 3 }; /* from SIGKILL to the machine's end, if nothing happens */

static void send_size(struct monitor *m, struct proc *proc)
{
	uint8_t raw[4];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u16(&out, proc->rows);
	wire_put_u16(&out, proc->columns);
	monitor_send(m, WIRE_WINSIZE, proc->number, 0, raw, sizeof(raw));
	proc->resized = 0;
}

void proc_grant(struct monitor *m, struct proc *proc, unsigned flow)
{
	struct flow *f = &proc->flows[flow];
	uint64_t allowed = f->sent;

	if (proc->state == PROC_FREE || f->eof)
		return;
	for (struct conn *c = m->conns; c; c = c->next) {
		if (c->proc == proc && !c->gone && c->consumed[flow] < allowed)
			allowed = c->consumed[flow];
	}
	if (allowed - f->granted < CREDIT_STEP)
		return;
	monitor_send_u32(m, WIRE_CREDIT, proc->number, (uint8_t)(WIRE_STDOUT + flow),
			 (uint32_t)(allowed - f->granted));
	f->granted = allowed;
}

void proc_signal(struct monitor *m, struct proc *proc, uint32_t signal)
{
	if (proc->state == PROC_RUNNING)
		monitor_send_u32(m, WIRE_SIGNAL, proc->number, 0, signal);
	else
		proc->signals |= 1ull << (signal - 1);
	if (signal != SIGKILL || proc->number != WORKLOAD || m->phase > MONITOR_UP)
		return;
	if (proc->state == PROC_RUNNING && !m->kill_timer.at)
		loop_timer_set(&m->loop, &m->kill_timer, KILL_SECONDS * SECONDS);
	else if (proc->state != PROC_RUNNING)
		monitor_killed(&m->kill_timer);
}

struct proc *proc_new(struct monitor *m)
{
	for (uint16_t i = WORKLOAD + 1; i < WIRE_PROCS_MAX; i++) {
		struct proc *proc = &m->procs[i];

		if (proc->state != PROC_FREE)
			continue;
		*proc = (struct proc){ .number = i,
				       .state = PROC_STARTING,
				       .stdin_room = WIRE_WINDOW };
		return proc;
	}
	return NULL;
}

/* --- from the guest ------------------------------------------------------------------------- */

static int on_started(struct monitor *m, struct proc *proc, const uint8_t *payload, size_t size)
{
	struct wire_in in = { .data = payload, .size = size };

	proc->pid = wire_get_u32(&in);
	wire_get_u64(&in);
	if (wire_get_end(&in) < 0 || proc->state != PROC_STARTING || m->phase == MONITOR_BOOT)
		return -EPROTO;
	proc->state = PROC_RUNNING;
	if (proc->number == WORKLOAD) {
		loop_timer_clear(&m->loop, &m->boot_timer);
		monitor_tell(m, &(struct report){ .kind = REPORT_STARTED, .value = proc->pid });
	}
	for (uint32_t n = 1; proc->signals && n <= 64; n++) {
		if (proc->signals & 1ull << (n - 1))
			proc_signal(m, proc, n);
	}
	proc->signals = 0;
	if (proc->resized)
		send_size(m, proc);
	return 0;
}

static int on_failed(struct monitor *m, struct proc *proc, const uint8_t *payload, size_t size)
{
	struct wire_in in = { .data = payload, .size = size };

	if (proc->state != PROC_STARTING)
		return -EPROTO;
	proc->state = PROC_FREE;
	if (proc->number == WORKLOAD)
		return monitor_failed(m, payload, size);
	wire_get_u32(&in);
	wire_get_string(&in);
	return wire_get_end(&in);
}

static int on_exit_frame(struct monitor *m, struct proc *proc, const uint8_t *payload, size_t size)
{
	struct wire_in in = { .data = payload, .size = size };
	uint32_t code = wire_get_u32(&in), signal = wire_get_u32(&in);

	wire_get_u64(&in);
	if (wire_get_end(&in) < 0 || code > 255 || signal > 64 || proc->state != PROC_RUNNING)
		return -EPROTO;
	proc->state = PROC_FREE;
	if (proc->number != WORKLOAD || m->phase > MONITOR_UP)
		return 0;
	monitor_end(m, REPORT_EXIT, code, "");
	m->end.extra = signal;
	if (signal == SIGKILL)
		monitor_catch_up(m);
	if (signal == SIGKILL && m->reason.oom[0]) {
		m->end.out_of_memory = 1;
		snprintf(m->end.text, sizeof(m->end.text), "%s", m->reason.oom);
	}
	monitor_wind_down(m);
	return 0;
}

static int on_output(struct monitor *m, struct proc *proc, const struct wire_header *h,
		     const uint8_t *payload)
{
	struct flow *f;

	if ((h->channel != WIRE_STDOUT && h->channel != WIRE_STDERR) || proc->state != PROC_RUNNING)
		return -EPROTO;
	f = &proc->flows[h->channel - WIRE_STDOUT];
	if (f->eof)
		return -EPROTO;
	if (h->type == WIRE_EOF) {
		f->eof = 1;
		return h->length ? -EPROTO : 0;
	}
	if (h->length == 0 || h->length > WIRE_DATA_MAX ||
	    f->sent + h->length > f->granted + WIRE_WINDOW)
		return -EPROTO;
	f->sent += h->length;
	if (proc->number == WORKLOAD && !m->spec->no_log)
		log_write(&m->log, h->channel == WIRE_STDOUT ? LOG_STDOUT : LOG_STDERR, payload,
			  h->length);
	return 0;
}

static int on_credit(struct proc *proc, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = h->length };
	uint32_t n = wire_get_u32(&in);

	if (wire_get_end(&in) < 0 || h->channel != WIRE_STDIN || n == 0 ||
	    n > WIRE_WINDOW - proc->stdin_room)
		return -EPROTO;
	proc->stdin_room += n;
	return 0;
}

int proc_frame(struct monitor *m, const struct wire_header *h, const uint8_t *payload)
{
	struct proc *proc;
	int rc;

	if (h->proc == 0 || h->proc >= WIRE_PROCS_MAX)
		return -EPROTO;
	proc = &m->procs[h->proc];
	if (proc->state == PROC_FREE)
		return -EPROTO;
	switch (h->type) {
	case WIRE_STARTED:
		rc = on_started(m, proc, payload, h->length);
		break;
	case WIRE_FAILED:
		rc = on_failed(m, proc, payload, h->length);
		break;
	case WIRE_EXIT:
		rc = on_exit_frame(m, proc, payload, h->length);
		break;
	case WIRE_DATA:
	case WIRE_EOF:
		rc = on_output(m, proc, h, payload);
		break;
	case WIRE_CREDIT:
		rc = on_credit(proc, h, payload);
		break;
	default:
		return -EPROTO;
	}
	if (rc < 0)
		return rc;
	conn_pass_on(m, proc, h, payload);
	if (proc->state == PROC_FREE)
		conn_end_sessions(m, proc);
	else if (h->type == WIRE_DATA)
		proc_grant(m, proc, h->channel - WIRE_STDOUT);
	return 0;
}
