// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper: the one process of a container that is not jailed.
 *
 * Theory of operation
 * -------------------
 * It is the kernel's parent and does what the jailed cannot: it starts everything (start.c),
 * kills the kernel when the monitor says so, writes state.json, and takes everything away at the
 * end. It reads no byte that a guest wrote: the monitor's reports are structs of one fixed size
 * whose numbers are only stored and whose text was cleaned.
 *
 * It ends on four occasions: the monitor says that it is over; the monitor died; the kernel died
 * and the monitor did not say why in time; somebody sent SIGTERM, which the monitor hears of by
 * the end of their socket and answers by the first. SIGKILL takes the kernel along, and leaves a
 * free lock for the next who looks.
 */
#include "container/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/utf8.h"

enum {
	REASON_MS = 4000, /* how long a dead kernel's monitor may look for why */
	DYING_MS = 500,   /* how long a kernel takes from closing its files to its end */
};

static int64_t realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void send_news(struct keeper *k, enum container_news_kind kind)
{
	struct container_news news = {
		.kind = kind,
		.exit_code = k->state->exit_code,
		.failed = k->err.code != 0,
		.err = k->err,
	};

	memcpy(news.phases, k->state->phases, sizeof(news.phases));
	send(k->spec->news_fd, &news, sizeof(news), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- while it runs --------------------------------------------------------------------------- */

static void on_report(struct keeper *k, const struct report *r)
{
	struct container_state *s = k->state;

	switch (r->kind) {
	case REPORT_JAILED:
		s->phases[PHASE_MONITOR] = r->ns;
		break;
	case REPORT_PHASE:
		if (r->phase > PHASE_MONITOR && r->phase < PHASE_KILLED)
			s->phases[r->phase] = r->ns;
		break;
	case REPORT_STARTED:
		s->phases[PHASE_STARTED] = r->ns;
		s->status = CONTAINER_RUNNING;
		s->started = realtime();
		s->guest_pid = r->value;
		/* Before the client of `run -d` hears it: it may look at once. */
		state_write(k->spec->dir_fd, s, NULL);
		send_news(k, CONTAINER_NEWS_STARTED);
		break;
	case REPORT_LOG:
		s->log_lost = r->log_lost;
		state_write(k->spec->dir_fd, s, NULL);
		break;
	default:
		break;
	}
	if (r->last)
		k->end = *r;
}

static void read_report(struct keeper *k)
{
	struct report r;
	ssize_t n = recv(k->report_fd, &r, sizeof(r), 0);

	if (n == (ssize_t)sizeof(r) && r.kind >= REPORT_JAILED && r.kind < REPORT_KINDS) {
		r.text[sizeof(r.text) - 1] = '\0';
		on_report(k, &r);
	} else {
		k->end = (struct report){ .kind = REPORT_LOST, .value = 125, .ns = loop_now() };
		snprintf(k->end.text, sizeof(k->end.text), "its monitor was killed");
	}
}

/* Somebody wants the end. Closing our half of the socket tells the monitor. */
static void on_signal(struct keeper *k)
{
	struct signalfd_siginfo info;

	if (read(k->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		shutdown(k->report_fd, SHUT_WR);
}

static void serve(struct keeper *k)
{
	int look_ms = place_check(&k->machine.place);

	while (!k->end.kind) {
		struct pollfd p[] = {
			{ .fd = k->report_fd, .events = POLLIN },
			{ .fd = k->machine_gone ? -1 : k->machine.pidfd, .events = POLLIN },
			{ .fd = k->signal_fd, .events = POLLIN },
		};
		int n = poll(p, 3, k->machine_gone ? REASON_MS : look_ms);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && !k->machine_gone) {
			look_ms = place_check(&k->machine.place);
			continue;
		}
		if (n <= 0) {
			k->end = (struct report){ .kind = REPORT_LOST, .value = 125 };
			break;
		}
		if (p[0].revents)
			read_report(k);
		if (p[1].revents)
			k->machine_gone = 1;
		if (p[2].revents)
			on_signal(k);
	}
}

/* --- the end --------------------------------------------------------------------------------- */

/* A kernel that is gone without the monitor's knowing why: what does its end tell? */
static void machine_reason(struct keeper *k)
{
	char *reason = k->state->reason;
	size_t room = sizeof(k->state->reason);
	const siginfo_t *end = &k->machine_end;

	if (!k->machine_gone)
		snprintf(reason, room, "its kernel closed the wire");
	else if (end->si_code == CLD_KILLED && end->si_status == SIGKILL)
		snprintf(reason, room,
			 "its kernel was killed by SIGKILL: by somebody, or because the host or "
			 "its cgroup ran out of memory");
	else if (end->si_code == CLD_KILLED || end->si_code == CLD_DUMPED)
		snprintf(reason, room, "its kernel was killed by signal %d (%s)", end->si_status,
			 strsignal(end->si_status));
	else
		snprintf(reason, room, "its kernel ended by itself with status %d", end->si_status);
}

static void kill_machine(struct keeper *k)
{
	struct pollfd p = { .fd = k->machine.pidfd, .events = POLLIN };

	/* Its descriptors are closed a moment before it has ended: did it end by itself? */
	if (k->end.kind == REPORT_LOST && !k->end.text[0] && poll(&p, 1, DYING_MS) > 0)
		k->machine_gone = 1;
	if (k->machine.pidfd >= 0)
		syscall(SYS_pidfd_send_signal, k->machine.pidfd, SIGKILL, NULL, 0);
}

/* Its pid namespace ends with it, so when this returns no stub is left either. */
static void reap_machine(struct keeper *k)
{
	if (k->machine.pidfd >= 0)
		waitid(P_PIDFD, (id_t)k->machine.pidfd, &k->machine_end, WEXITED);
	k->state->phases[PHASE_KILLED] = loop_now();
}

static void conclude(struct keeper *k)
{
	struct container_state *s = k->state;
	const struct report *end = &k->end;

	s->status = CONTAINER_EXITED;
	s->finished = realtime();
	s->exit_code = end->value > 255 ? 125 : (int)end->value;
	s->signal = end->kind == REPORT_EXIT && end->extra <= 64 ? (int)end->extra : 0;
	s->out_of_memory = end->out_of_memory != 0;
	if (end->log_lost > s->log_lost)
		s->log_lost = end->log_lost;
	utf8_clean(s->reason, sizeof(s->reason), end->text, strlen(end->text));
	if (end->kind == REPORT_EXIT) {
		if (!s->phases[PHASE_EXIT])
			s->phases[PHASE_EXIT] = end->ns;
		return;
	}
	if (end->kind == REPORT_LOST && !s->reason[0])
		machine_reason(k);
	if (end->kind == REPORT_LOST)
		err_set(&k->err, EIO, "container %.*s ended early: %s", CONTAINER_ID_SHORT,
			k->spec->launch->config->id, s->reason);
	else
		err_set(&k->err, ENOEXEC, "%s", s->reason);
	if (end->kind == REPORT_LOST && !k->spec->launch->config->auto_remove)
		err_hint(&k->err, "its kernel's log tells more: hillock logs --kernel %.*s",
			 CONTAINER_ID_SHORT, k->spec->launch->config->id);
}

/* Gives the exit code to those who wait on the lock, and then the lock. */
static void unlock(struct keeper *k)
{
	char code[8];
	int n = snprintf(code, sizeof(code), "%d\n", k->state->exit_code & 255);

	/* The file has these bytes already, so no disk is too full for them. */
	ssize_t written = pwrite(k->spec->lock_fd, code, (size_t)n, 0);

	(void)written;
	flock(k->spec->lock_fd, LOCK_UN);
}

static void finish(struct keeper *k, int remove)
{
	const struct container_config *config = k->spec->launch->config;

	kill_machine(k);
	/* While the kernel's memory is freed on another CPU. */
	if (remove)
		claim_remove(k->spec->store, config->id, config->name, NULL);
	reap_machine(k);
	guard_cgroup_remove(&k->cgroup);
	k->state->phases[PHASE_REMOVED] = loop_now();
	if (k->end.kind)
		conclude(k);
	if (!remove)
		state_write(k->spec->dir_fd, k->state, NULL);
	unlock(k);
	send_news(k, CONTAINER_NEWS_OVER);
}

void keeper_run(struct keeper_spec *spec)
{
	struct keeper k = {
		.spec = spec,
		.state = &spec->state,
		.machine = { .pid = -1, .pidfd = -1 },
		.cgroup = { .v2_fd = -1 },
		.report_fd = -1,
		.signal_fd = -1,
	};

	spec->state.phases[PHASE_KEEPER] = loop_now();
	spec->state.keeper = getpid();
	if (keeper_start(&k, &k.err) < 0) {
		/* Nothing ran, so there is nothing to look at afterwards. */
		spec->state.exit_code = 125;
		finish(&k, 1);
		_exit(125);
	}
	serve(&k);
	finish(&k, spec->launch->config->auto_remove);
	_exit(0);
}
