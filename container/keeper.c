// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper: the one process of a container that is not jailed.
 *
 * Theory of operation
 * -------------------
 * It is the kernel's parent and does what the jailed cannot: it makes the cgroup, starts the
 * machine, makes the files that the monitor writes, forks the monitor while the kernel boots,
 * kills the kernel when the monitor says so, writes state.json, and takes everything away at the
 * end. It reads no byte that a guest wrote: the monitor's reports are structs of one fixed size
 * whose numbers are only stored and whose text was cleaned.
 *
 * It ends on four occasions: the monitor says that it is over; the monitor died; the kernel died
 * and the monitor did not say why in time; somebody sent SIGTERM, which the monitor hears of by
 * the end of their socket and answers by the first. SIGKILL takes the kernel along, and leaves a
 * free lock for the next who looks.
 */
#include "container/room.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/utf8.h"

enum {
	REASON_MS = 4000,	       /* how long a dead kernel's monitor may look for why */
	DYING_MS = 500,
	MEMORY_OVERHEAD = 64 << 20,    /* the kernel's own and its stubs', beside the guest's */
	PROCESSES_DEFAULT = 4096,
	LOG_SIZE = 64 << 20,
	KERNEL_LOG_SIZE = 1 << 20,
};

struct keeper {
	struct keeper_spec *spec;
	struct container_state *state;
	struct guard_cgroup cgroup;
	struct machine machine;
	int report_fd, signal_fd;
	int machine_gone;
	siginfo_t machine_end;
	struct report end; /* kind 0: none yet */
	struct err err;	   /* why it failed, when it did */
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

/* --- starting --------------------------------------------------------------------------------------- */

/* A session of its own; nothing of the caller's terminal or pipes stays open in it. */
static int detach(struct keeper *k, struct err *err)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP, SIGXFSZ };
	sigset_t blocked;

	if (null < 0)
		return err_sys(err, errno, "opening /dev/null");
	setsid();
	prctl(PR_SET_NAME, "hillock-keeper");
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(null, fd) < 0)
			return err_sys(err, errno, "closing the caller's files");
	}
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	k->signal_fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k->signal_fd < 0)
		return err_sys(err, errno, "watching for signals");
	return 0;
}

static int start_machine(struct keeper *k, int wire_fd, int log_fd, struct err *err)
{
	const struct container_launch *launch = k->spec->launch;
	const struct container_config *config = launch->config;
	const struct guard_limits limits = {
		.memory = config->memory + MEMORY_OVERHEAD,
		.cpus = config->cpus,
		.pids = config->pids ? config->pids : PROCESSES_DEFAULT,
	};
	struct machine_spec spec = {
		.kernel_fd = launch->kernel_fd,
		.initrd_fd = launch->initrd_fd,
		.root_fd = launch->root_fd,
		.layer_fd = k->spec->layer_fd,
		.wire_fd = wire_fd,
		.log_fd = log_fd,
		.memory = config->memory,
		.cpus = config->vcpus,
		.name = config->id,
		.host_uid = config->host_uid,
		.host_gid = config->host_gid,
		.cgroup = &k->cgroup,
	};
	int rc;

	for (unsigned i = 0; i < config->mount_count; i++) {
		if (strcmp(config->mounts[i].kind, "volume") != 0)
			continue;
		spec.volumes[spec.volume_count] = (struct machine_volume){
			.source_fd = launch->volume_fds[spec.volume_count],
			.read_only = config->mounts[i].read_only,
		};
		spec.volume_count++;
	}
	rc = guard_cgroup_create(config->id, &limits, &k->cgroup, err);
	if (rc < 0)
		return err_context(err, "limiting the container");
	snprintf(k->state->unlimited, sizeof(k->state->unlimited), "%s", k->cgroup.missing);
	k->state->phases[PHASE_JAIL] = loop_now();
	rc = launch->machine->start(&spec, &k->machine, err);
	if (rc < 0)
		return err_context(err, "starting the %s machine", launch->machine->name);
	k->state->phases[PHASE_KERNEL] = loop_now();
	k->state->machine = k->machine.pid;
	return 0;
}

static int listen_control(int dir_fd, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "control" };
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int failed;

	if (fd < 0)
		return err_sys(err, errno, "making the control socket");
	/* A socket's path has room for 108 bytes only: go where it is short. */
	if (fchdir(dir_fd) < 0)
		return err_sys(err, errno, "entering the container's directory");
	failed = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0;
	if (failed)
		failed = errno;
	if (chdir("/") < 0 && !failed)
		failed = errno;
	return failed ? err_sys(err, failed, "making the control socket") : fd_steal(&fd);
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Closes everything but the standard three and these (-1: none). */
static void keep_only(int *fds, size_t count)
{
	int next = 3;

	qsort(fds, count, sizeof(*fds), compare_ints);
	for (size_t i = 0; i < count; i++) {
		if (fds[i] < next)
			continue;
		if (fds[i] > next)
			syscall(SYS_close_range, next, fds[i] - 1, 0);
		next = fds[i] + 1;
	}
	syscall(SYS_close_range, next, ~0u, 0);
}

const char *const container_right_names[CONTAINER_RIGHTS] = {
	[0] = "nothing",
	[1] = "nothing",
	[2] = "nothing",
	[RIGHT_WIRE] = "the wire to the guest",
	[RIGHT_KERNEL_LOG] = "the kernel's log, to be read",
	[RIGHT_CONTROL] = "the control socket: accepts clients",
	[RIGHT_KEEPER] = "reports to the keeper",
	[RIGHT_LOG_0] = "log.0",
	[RIGHT_LOG_1] = "log.1",
	[RIGHT_KERNEL_0] = "kernel.0",
	[RIGHT_KERNEL_1] = "kernel.1",
	[RIGHT_LOCK] = "the container's lock",
	[RIGHT_EPOLL] = "waits for all of these",
	[RIGHT_SESSION] = "a client's session",
};

/* Gives the monitor's descriptors their numbers, so that they can be told apart from outside, and
 * closes all others. */
static int arrange_rights(struct monitor_spec *spec, int lock_fd)
{
	int *const fds[CONTAINER_RIGHTS] = {
		[RIGHT_WIRE] = &spec->wire_fd,
		[RIGHT_KERNEL_LOG] = &spec->kernel_log_fd,
		[RIGHT_CONTROL] = &spec->listen_fd,
		[RIGHT_KEEPER] = &spec->report_fd,
		[RIGHT_LOG_0] = &spec->log.fds[0],
		[RIGHT_LOG_1] = &spec->log.fds[1],
		[RIGHT_KERNEL_0] = &spec->kernel_log.fds[0],
		[RIGHT_KERNEL_1] = &spec->kernel_log.fds[1],
		[RIGHT_LOCK] = &lock_fd,
		[RIGHT_SESSION] = &spec->session_fd,
	};

	/* Up, out of each other's way, before they come down. */
	for (int i = RIGHT_WIRE; i < CONTAINER_RIGHTS; i++) {
		if (!fds[i] || *fds[i] < 0)
			continue;
		*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, CONTAINER_RIGHTS);
		if (*fds[i] < 0)
			return -errno;
	}
	for (int i = RIGHT_WIRE; i < CONTAINER_RIGHTS; i++) {
		if (!fds[i] || *fds[i] < 0)
			close(i); /* the monitor's epoll takes the first that is free */
		else if (dup3(*fds[i], i, O_CLOEXEC) < 0)
			return -errno;
		else
			*fds[i] = i;
	}
	return syscall(SYS_close_range, CONTAINER_RIGHTS, ~0u, 0) < 0 ? -errno : 0;
}

static int fork_monitor(struct keeper *k, struct monitor_spec *spec, struct err *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "making the monitor's socket");
	spec->report_fd = pair[1];
	pid = fork();
	if (pid == 0) {
		if (arrange_rights(spec, k->spec->lock_fd) == 0)
			monitor_run(spec);
		_exit(1);
	}
	if (pid < 0) {
		int code = errno;

		close(pair[0]);
		close(pair[1]);
		return err_sys(err, code, "forking the monitor");
	}
	close(pair[1]);
	k->report_fd = pair[0];
	k->state->monitor = pid;
	return 0;
}

/* The kernel boots already: what follows costs its start nothing. */
static int start_monitor(struct keeper *k, int wire_fd, int log_fd, struct err *err)
{
	const struct container_config *config = k->spec->launch->config;
	struct monitor_spec spec = {
		.wire_fd = wire_fd,
		.kernel_log_fd = log_fd,
		.session_fd = k->spec->session_fd,
		.setup = k->spec->setup,
		.setup_size = k->spec->setup_size,
		.start = k->spec->start,
		.start_size = k->spec->start_size,
		.terminal = config->terminal,
		.stdin_open = config->stdin_open,
		.sync = launch_needs_sync(config),
		.no_log = config->no_log,
		.boot_seconds = k->spec->launch->boot_seconds,
		.host_uid = config->host_uid,
		.host_gid = config->host_gid,
	};
	cleanup_close int listener = listen_control(k->spec->dir_fd, err);
	int rc;

	if (listener < 0)
		return listener;
	spec.listen_fd = listener;
	rc = log_create(&spec.log, k->spec->dir_fd, "log", LOG_SIZE, err);
	if (rc == 0)
		rc = log_create(&spec.kernel_log, k->spec->dir_fd, "kernel", KERNEL_LOG_SIZE, err);
	if (rc == 0)
		rc = fork_monitor(k, &spec, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < LOG_SEGMENTS; i++) {
		fd_close(&spec.log.fds[i]);
		fd_close(&spec.kernel_log.fds[i]);
	}
	return 0;
}

/* The machine has what it needs: here only what the end needs stays open. */
static void keep_rights(struct keeper *k)
{
	const struct keeper_spec *spec = k->spec;
	int fds[] = {
		spec->dir_fd,  spec->lock_fd, spec->news_fd,	 spec->store->containers_fd,
		k->signal_fd,  k->report_fd,  k->machine.pidfd,	 spec->store->names_fd,
		k->cgroup.v2_fd,
	};

	keep_only(fds, sizeof(fds) / sizeof(fds[0]));
}

static int start(struct keeper *k, struct err *err)
{
	cleanup_close int wire = -1, guest_wire = -1, log = -1, guest_log = -1;
	int pair[2], rc;

	rc = detach(k, err);
	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "making the wire");
	wire = pair[0];
	guest_wire = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "making the kernel log's pipe");
	log = pair[0];
	guest_log = pair[1];
	if (fd_set_nonblock(log, 1) < 0)
		return err_sys(err, errno, "making the kernel log's pipe");
	rc = start_machine(k, guest_wire, guest_log, err);
	if (rc < 0)
		return rc;
	fd_close(&guest_wire);
	fd_close(&guest_log);
	rc = start_monitor(k, wire, log, err);
	if (rc < 0)
		return rc;
	fd_close(&wire);
	fd_close(&log);
	keep_rights(k);
	rc = config_write(k->spec->dir_fd, k->spec->launch->config, err);
	if (rc == 0)
		rc = state_write(k->spec->dir_fd, k->state, err);
	return rc;
}

/* --- while it runs --------------------------------------------------------------------------------- */

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
		send_news(k, CONTAINER_NEWS_STARTED);
		state_write(k->spec->dir_fd, s, NULL);
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

		if (n < 0 && errno != EINTR)
			break;
		if (n == 0 && !k->machine_gone) {
			look_ms = place_check(&k->machine.place);
			continue;
		}
		if (n == 0) {
			k->end = (struct report){ .kind = REPORT_LOST, .value = 125 };
			break;
		}
		if (n < 0)
			continue;
		if (p[0].revents)
			read_report(k);
		if (p[1].revents)
			k->machine_gone = 1;
		if (p[2].revents)
			on_signal(k);
	}
}

/* --- the end ----------------------------------------------------------------------------------------- */

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
		snprintf(reason, room, "its kernel ended by itself with status %d",
			 end->si_status);
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
	char code[16];
	int n = snprintf(code, sizeof(code), "%d\n", k->state->exit_code);

	/* With no room for it on the disk, state.json is what is left. */
	n = (int)pwrite(k->spec->lock_fd, code, (size_t)n, 0);
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
	if (start(&k, &k.err) < 0) {
		/* Nothing ran, so there is nothing to look at afterwards. */
		spec->state.exit_code = 125;
		finish(&k, 1);
		_exit(125);
	}
	serve(&k);
	finish(&k, spec->launch->config->auto_remove);
	_exit(0);
}
