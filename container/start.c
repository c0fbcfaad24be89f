// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a container comes to life: what the keeper makes before it begins to wait.
 *
 * Theory of operation
 * -------------------
 * First only what the kernel needs: its cgroup, the two ends of the wire, the pipe of its log.
 * When it has been executed, and boots on one CPU, the rest is made on another: the control
 * socket, the log files, the monitor, config.json and state.json. In the end each of the two
 * holds what it needs and no descriptor more; the monitor's have fixed numbers (enum
 * container_right), so that `hillock inspect` can say what they are.
 */
#include "container/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

enum {
	MEMORY_OVERHEAD = 64 << 20, /* the kernel's own and its stubs', beside the guest's */
	PROCESSES_DEFAULT = 4096,
	LOG_SIZE = 64 << 20,
	KERNEL_LOG_SIZE = 1 << 20,
};

/* A session of its own; nothing of the caller's terminal or pipes stays open in it. */
static int detach(struct keeper *k, struct err *err)
{
	cleanup_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	static const int ignored[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE,
				       SIGUSR1, SIGUSR2, SIGTSTP, SIGXFSZ };
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
		.mode = config->mode,
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
		spec->dir_fd,    spec->lock_fd, spec->news_fd,    spec->store->containers_fd,
		k->signal_fd,    k->report_fd,  k->machine.pidfd, spec->store->names_fd,
		k->cgroup.v2_fd,
	};

	keep_only(fds, sizeof(fds) / sizeof(fds[0]));
}

int keeper_start(struct keeper *k, struct err *err)
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
