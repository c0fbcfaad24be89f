// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program started in a jail of its own.
 *
 * Theory of operation
 * -------------------
 * One clone makes the process and all its namespaces. Parent and child talk over a socket pair:
 *
 *	parent				child
 *	writes the id maps		joins version 1 cgroups, makes its empty root
 *	root: copies of the volumes'
 *	mounts, ids mapped
 *	GO (with those mounts)	  --->	becomes user 0 of its namespace, takes its descriptors,
 *					limits itself, drops privileges, enters Landlock
 *				  <---	READY
 *					enters the filter, executes the program
 *				  <---	end of file: the exec closed the socket
 *
 * Instead of READY, or after it, the child may send a `struct err` and exit: what failed, in
 * words. End of file without READY means that it was killed on the way. If the parent dies, the
 * child sees end of file in place of GO, fails to send READY, or is killed by its parent-death
 * signal from then on; so no jail outlives who started it.
 *
 * The child is a plain fork, not one that shares memory: it changes its user id, and the kernel
 * then marks the memory as not dumpable, which would be the parent's too.
 *
 * A child joins a version 1 cgroup by writing 0 to its `tasks`: a thread that moves itself alone
 * does not have to take the host-wide lock (and the RCU grace period of several milliseconds)
 * that moving another process takes. A version 2 cgroup it is born into.
 */
#include "guard/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "guard/sys.h"

#define NAMESPACES                                                                                 \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define CGROUPS_MAX 16

struct spawn {
	const struct guard_spec *spec;
	int by_root;
	struct sock_fprog filter;
	struct guard_rlimits limits;
	int null_fd;
	int sock[2]; /* 0: the parent's end */
	int cgroup_tasks[CGROUPS_MAX];
	size_t cgroup_count;
	char *bind_paths[GUARD_BINDS_MAX];  /* ordinary caller */
	int bind_mounts[GUARD_BINDS_MAX];   /* the child's; by_root: sent by the parent */
};

/* --- the child ----------------------------------------------------------------------------- */

/* The system call itself: a C library keeps some signals to itself, but who called us may have
 * ignored those too. Its struct begins with the handler, SIG_DFL is 0. */
static void reset_signals(void)
{
	static const unsigned long standard[8];
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, standard, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int join_cgroups(const struct spawn *s, struct err *err)
{
	size_t i;

	for (i = 0; i < s->cgroup_count; i++)
		if (write(s->cgroup_tasks[i], "0", 1) < 0)
			return err_sys(err, errno, "jail: joining cgroup %s",
				       s->spec->cgroup_procs[i]);
	return 0;
}

/* Waits for GO and takes the mounts that come with it. */
static int await_go(struct spawn *s, struct err *err)
{
	size_t wanted = s->by_root ? s->spec->bind_count : 0;
	union {
		char room[CMSG_SPACE(sizeof(s->bind_mounts))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(s->sock[1], &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		_exit(1);
	c = CMSG_FIRSTHDR(&msg);
	if (wanted == 0)
		return 0;
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(wanted * sizeof(int)))
		return err_set(err, EMFILE, "jail: the volumes' mounts did not arrive");
	memcpy(s->bind_mounts, CMSG_DATA(c), wanted * sizeof(int));
	return 0;
}

static int copy_own_mounts(struct spawn *s, struct err *err)
{
	size_t i;

	for (i = 0; i < s->spec->bind_count; i++) {
		s->bind_mounts[i] =
			guard_root_bind(&s->spec->binds[i], s->bind_paths[i], -1, err);
		if (s->bind_mounts[i] < 0)
			return s->bind_mounts[i];
	}
	return 0;
}

static int become_jailed_user(const struct spawn *s, struct err *err)
{
	/* An ordinary caller's other groups cannot be left: its map came without setgroups. */
	if (s->by_root && setgroups(0, NULL) < 0)
		return err_sys(err, errno, "jail: leaving groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, errno, "jail: becoming the jail's user");
	return 0;
}

static int fail_descriptor(const struct spawn *s, size_t i, struct err *err)
{
	if (i < s->spec->fd_count)
		return err_sys(err, errno, "jail: descriptor %zu", i);
	return err_sys(err, errno, "jail: the program's descriptor");
}

/*
 * Descriptors 0 to n-1 from the caller's list; the program at n and the socket at n+1, both to be
 * closed by the exec; nothing else.
 */
static int take_descriptors(struct spawn *s, struct err *err)
{
	size_t n = s->spec->fd_count, i;
	int from[GUARD_FDS_MAX + 2];

	for (i = 0; i < n; i++)
		from[i] = s->spec->fds[i] >= 0 ? s->spec->fds[i] : s->null_fd;
	from[n] = s->spec->exec_fd;
	from[n + 1] = s->sock[1];
	/* First out of the way of every target, then into place. */
	for (i = 0; i < n + 2; i++) {
		from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, GUARD_FDS_MAX + 2);
		if (from[i] < 0)
			return fail_descriptor(s, i, err);
	}
	for (i = 0; i < n + 2; i++)
		if (dup3(from[i], (int)i, i < n ? 0 : O_CLOEXEC) < 0)
			return fail_descriptor(s, i, err);
	s->sock[1] = (int)n + 1;
	if (close_range((unsigned int)n + 2, ~0U, 0) < 0)
		return err_sys(err, errno, "jail: closing the caller's descriptors");
	return 0;
}

static int enter_root(struct spawn *s, struct err *err)
{
	cleanup_close int root = -1;
	int rc = 0;

	root = guard_root_make(s->spec->binds, s->spec->bind_count, err);
	if (root < 0)
		return root;
	if (!s->by_root)
		rc = copy_own_mounts(s, err);
	if (rc == 0)
		rc = guard_root_enter(root, s->bind_mounts, s->spec->bind_count, err);
	return rc == 0 ? guard_root_hostname(err) : rc;
}

static int enter_landlock(const struct spawn *s, struct err *err)
{
	cleanup_close int volumes = -1;

	if (s->spec->bind_count) {
		volumes = open("/v", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (volumes < 0)
			return err_sys(err, errno, "jail: /v");
	}
	return guard_landlock_enter((int)s->spec->fd_count, volumes, err);
}

static int enter_jail(struct spawn *s, struct err *err)
{
	int has_binds = s->spec->bind_count > 0, rc;

	setsid();
	umask(022);
	rc = join_cgroups(s, err);
	/* Files can be made only by a user that has an id; the bare root needs none. */
	if (rc == 0 && !has_binds)
		rc = enter_root(s, err);
	if (rc == 0)
		rc = await_go(s, err);
	if (rc == 0)
		rc = become_jailed_user(s, err);
	if (rc == 0 && has_binds)
		rc = enter_root(s, err);
	if (rc == 0)
		rc = take_descriptors(s, err);
	if (rc == 0)
		rc = guard_limits_set(s->spec->profile, &s->limits, err);
	if (rc == 0)
		rc = guard_drop_all(err);
	if (rc < 0)
		return rc;
	/* After the last change of credentials, which would clear it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(err, errno, "jail: tying it to its parent");
	/* A um kernel would do this itself, and execute itself again by a path. */
	if (personality(PER_LINUX | ADDR_NO_RANDOMIZE) < 0)
		return err_sys(err, errno, "jail: switching address randomisation off");
	return enter_landlock(s, err);
}

static _Noreturn void child_main(struct spawn *s)
{
	struct err err = ERR_INIT;

	reset_signals();
	fd_close(&s->sock[0]);
	if (enter_jail(s, &err) < 0)
		goto fail;
	if (send(s->sock[1], "", 1, MSG_NOSIGNAL) < 0)
		_exit(1);
	if (guard_filter_install(&s->filter, &err) < 0)
		goto fail;
	sys_execveat((int)s->spec->fd_count, s->spec->argv, s->spec->envp);
	err_sys(&err, errno, "jail: executing %s", s->spec->argv[0]);
	if (err.code == EACCES)
		err_hint(&err, "the file must be executable for the jail's user, on a file system "
			       "that is not mounted noexec");
fail:
	if (write(s->sock[1], &err, sizeof(err)) < 0)
		_exit(2);
	_exit(1);
}

/* --- the parent --------------------------------------------------------------------------- */

static int write_map(int proc, const char *name, const char *text, struct err *err)
{
	cleanup_close int fd = openat(proc, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_sys(err, errno, "jail: writing %s", name);
	return 0;
}

static int write_maps(const struct spawn *s, int proc, struct err *err)
{
	uid_t uid = s->by_root ? s->spec->host_uid : geteuid();
	gid_t gid = s->by_root ? s->spec->host_gid : getegid();
	char uids[32], gids[32];
	int rc = 0;

	snprintf(uids, sizeof(uids), "0 %u 1", (unsigned int)uid);
	snprintf(gids, sizeof(gids), "0 %u 1", (unsigned int)gid);
	if (!s->by_root)
		rc = write_map(proc, "setgroups", "deny", err);
	if (rc == 0)
		rc = write_map(proc, "gid_map", gids, err);
	if (rc == 0)
		rc = write_map(proc, "uid_map", uids, err);
	if (rc < 0 && s->by_root)
		err_hint(err, "user %u and group %u must exist in the caller's user namespace",
			 (unsigned int)uid, (unsigned int)gid);
	return rc;
}

static int send_go(int sock, const int *fds, size_t count, struct err *err)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * GUARD_BINDS_MAX)];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)(uintptr_t)"", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
	}
	/* EPIPE: the child has failed; what it says is worth more. */
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return err_sys(err, errno, "jail: starting it");
	return 0;
}

/* The volumes' mounts, made here because only the host's root may map their ids. */
static int make_mounts(const struct spawn *s, int proc, int *mounts, size_t *made,
		       struct err *err)
{
	cleanup_close int userns = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);

	if (userns < 0)
		return err_sys(err, errno, "jail: its user namespace");
	for (*made = 0; *made < s->spec->bind_count; ++*made) {
		mounts[*made] = guard_root_bind(&s->spec->binds[*made], NULL, userns, err);
		if (mounts[*made] < 0)
			return mounts[*made];
	}
	return 0;
}

static int release(const struct spawn *s, pid_t pid, struct err *err)
{
	cleanup_close int proc = -1;
	int mounts[GUARD_BINDS_MAX], rc;
	size_t made = 0;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_sys(err, errno, "jail: %s", path);
	rc = write_maps(s, proc, err);
	if (rc == 0 && s->by_root && s->spec->bind_count)
		rc = make_mounts(s, proc, mounts, &made, err);
	if (rc == 0)
		rc = send_go(s->sock[0], mounts, made, err);
	while (made--)
		close(mounts[made]);
	return rc;
}

/*
 * Waits until the child's exec, or its end, closes the socket, and reads what it said. READY alone
 * wakes nobody: poll() asks for nothing but the hang-up.
 */
static int await_exec(const struct spawn *s, struct err *err)
{
	struct pollfd hangup = { .fd = s->sock[0] };
	union {
		struct err err;
		char byte;
	} message;
	int ready = 0;
	ssize_t n;

	while (poll(&hangup, 1, -1) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "jail: waiting for it");
	for (;;) {
		n = recv(s->sock[0], &message, sizeof(message), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "jail: waiting for it");
		if (n == 0)
			return ready ? 0 : err_set(err, ECHILD, "jail: killed while being made");
		ready = n == 1;
		if (n == (ssize_t)sizeof(message)) {
			if (err)
				*err = message.err;
			return -message.err.code;
		}
	}
}

static int clone_process(const struct spawn *s, int *pidfd, struct err *err)
{
	struct clone_args args = {
		.flags = NAMESPACES | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (s->spec->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)s->spec->cgroup_fd;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid >= 0)
		return (int)pid;
	err_sys(err, errno, "jail: making its namespaces");
	if (errno == EPERM || errno == ENOSPC || errno == EUSERS)
		err_hint(err, "this user may not make user namespaces here; see sysctl "
			      "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
			      "kernel.apparmor_restrict_unprivileged_userns");
	return -err->code;
}

static int start(struct spawn *s, pid_t *pid, int *pidfd, struct err *err)
{
	cleanup_close int fd = -1;
	sigset_t all, before;
	int child, rc;

	/* No handler of the caller's runs in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	child = clone_process(s, &fd, err);
	if (child == 0)
		child_main(s);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (child < 0)
		return child;
	fd_close(&s->sock[1]);
	rc = release(s, child, err);
	if (rc == 0)
		rc = await_exec(s, err);
	if (rc < 0) {
		kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		return rc;
	}
	*pid = child;
	*pidfd = fd_steal(&fd);
	return 0;
}

static int open_cgroups(struct spawn *s, struct err *err)
{
	const char *const *path;

	for (path = s->spec->cgroup_procs; path && *path; path++) {
		const char *slash = strrchr(*path, '/');
		char tasks[4096];
		int fd;

		if (s->cgroup_count == CGROUPS_MAX || !slash ||
		    (size_t)snprintf(tasks, sizeof(tasks), "%.*s/tasks", (int)(slash - *path),
				     *path) >= sizeof(tasks))
			return err_set(err, EINVAL, "jail: cgroup %s", *path);
		fd = open(tasks, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, errno, "jail: cgroup %s", tasks);
		s->cgroup_tasks[s->cgroup_count++] = fd;
	}
	return 0;
}

static int prepare(struct spawn *s, struct err *err)
{
	const struct guard_spec *spec = s->spec;
	size_t i;
	int rc;

	if (spec->fd_count > GUARD_FDS_MAX || spec->bind_count > GUARD_BINDS_MAX)
		return err_set(err, EINVAL, "jail: too many descriptors or volumes");
	if (spec->bind_count && !guard_has_volumes(spec->profile))
		return err_set(err, EINVAL, "jail: profile %s has no volumes",
			       guard_profile_name(spec->profile));
	if (s->by_root && spec->host_uid == 0)
		return err_set(err, EINVAL, "jail: a jailed process does not run as root");
	rc = guard_filter_get(spec->profile, &s->filter, err);
	if (rc < 0)
		return rc;
	s->limits = (struct guard_rlimits){
		.memory_max = spec->memory_max,
		.process_max = spec->process_max,
		.file_max = guard_limits_file_max(spec->fds, spec->fd_count),
	};
	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null_fd < 0)
		return err_sys(err, errno, "jail: /dev/null");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->sock) < 0)
		return err_sys(err, errno, "jail: making a socket pair");
	for (i = 0; !s->by_root && i < spec->bind_count; i++) {
		rc = guard_root_path(spec->binds[i].source_fd, &s->bind_paths[i], err);
		if (rc < 0)
			return rc;
	}
	return open_cgroups(s, err);
}

static void clean_up(struct spawn *s)
{
	size_t i;

	fd_close(&s->null_fd);
	fd_close(&s->sock[0]);
	fd_close(&s->sock[1]);
	for (i = 0; i < s->cgroup_count; i++)
		fd_close(&s->cgroup_tasks[i]);
	for (i = 0; i < GUARD_BINDS_MAX; i++)
		free(s->bind_paths[i]);
}

int guard_spawn(const struct guard_spec *spec, pid_t *pid, int *pidfd, struct err *err)
{
	struct spawn s = { .spec = spec, .by_root = geteuid() == 0, .null_fd = -1,
			   .sock = { -1, -1 } };
	struct err own = ERR_INIT;
	int rc;

	if (!err)
		err = &own;
	rc = prepare(&s, err);
	if (rc == 0)
		rc = start(&s, pid, pidfd, err);
	clean_up(&s);
	return rc;
}
