// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watching a command by ptrace.
 *
 * Theory of operation
 * -------------------
 * Every task stops when it enters a system call and when it leaves. At the entry its arguments say
 * which uses the call is; at the exit its result says whether they were granted. A use that is to
 * fail has its call's number replaced by one that does not exist, and its result at the exit.
 *
 * PTRACE_GET_SYSCALL_INFO is not to be had on um, so entry and exit are told apart by counting.
 */
#include "cut/tracer/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TASKS = 4096, USES_OF_CALL = 6, ERRNO_MAX = 4095, RESTARTS = 512 };

struct task {
	pid_t pid;
	int inside;	 /* between entry and exit of a call */
	int begun;	 /* its first stop has been seen */
	int deny;	 /* the errno that this call is to have, or 0 */
	struct use *uses[USES_OF_CALL];
	unsigned use_count;
};

static struct task tasks[TASKS];

static struct task *task_find(pid_t pid)
{
	struct task *empty = NULL;

	for (unsigned i = 0; i < TASKS; i++) {
		if (tasks[i].pid == pid)
			return &tasks[i];
		if (!tasks[i].pid && !empty)
			empty = &tasks[i];
	}
	if (empty)
		*empty = (struct task){ .pid = pid };
	return empty;
}

/* --- a call's uses ----------------------------------------------------------------------------- */

static void add(struct task *t, struct use *use)
{
	if (use && t->use_count < USES_OF_CALL)
		t->uses[t->use_count++] = use;
}

/* A string of the task, cut where it does not fit; 0 when it cannot be read. */
static int read_text(pid_t pid, unsigned long at, char *out, size_t room)
{
	size_t have = 0;

	while (have + 1 < room) {
		unsigned long aligned = (at + have) & ~(sizeof(long) - 1);
		size_t skip = at + have - aligned;
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, (void *)aligned, NULL);
		if (errno)
			return 0;
		for (; skip < sizeof(word) && have + 1 < room; skip++) {
			out[have] = ((char *)&word)[skip];
			if (!out[have++])
				return 1;
		}
	}
	out[have] = '\0';
	return 1;
}

/* The number of a process in a path is of no interest, and without end. */
static void add_path(struct task *t, unsigned long at)
{
	char path[PATH_MAX], plain[160];
	size_t digits;

	if (!read_text(t->pid, at, path, sizeof(path)))
		return;
	if (strncmp(path, "/proc", 5) != 0 && strncmp(path, "/sys", 4) != 0 &&
	    strncmp(path, "/dev", 4) != 0)
		return;
	digits = strncmp(path, "/proc/", 6) ? 0 : strspn(path + 6, "0123456789");
	if (digits && (path[6 + digits] == '/' || !path[6 + digits]))
		snprintf(plain, sizeof(plain), "/proc/self%.120s", path + 6 + digits);
	else
		snprintf(plain, sizeof(plain), "%.150s", path);
	add(t, use_find("path", plain));
}

static void add_execution(struct task *t, unsigned long at)
{
	char path[PATH_MAX], name[PATH_MAX + 64], first[2] = { 0 };
	int fd;

	if (!read_text(t->pid, at, path, sizeof(path)))
		return;
	if (path[0] == '/')
		snprintf(name, sizeof(name), "%s", path);
	else
		snprintf(name, sizeof(name), "/proc/%d/cwd/%s", (int)t->pid, path);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	if (read(fd, first, 2) == 2)
		add(t, use_find(!memcmp(first, "#!", 2) ? "script" : "elf", ""));
	close(fd);
}

static void add_clone(struct task *t, unsigned long flags)
{
	static const unsigned long spaces[] = { CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS,
						CLONE_NEWIPC,  CLONE_NEWUSER,   CLONE_NEWPID,
						CLONE_NEWNET };

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (flags & spaces[i])
			add(t, use_number("clone", spaces[i]));
	}
}

static void add_uses(struct task *t, const struct user_regs_struct *r)
{
	char text[160];

	add(t, use_number("call", r->orig_rax));
	switch (r->orig_rax) {
	case SYS_socket:
	case SYS_socketpair:
		add(t, use_number("socket", r->rdi));
		break;
	case SYS_mount:
		if (r->rdx && read_text(t->pid, r->rdx, text, sizeof(text)))
			add(t, use_find("mount", text));
		break;
	case SYS_open:
	case SYS_creat:
	case SYS_stat:
	case SYS_lstat:
	case SYS_access:
	case SYS_readlink:
	case SYS_chdir:
	case SYS_statfs:
	case SYS_truncate:
		add_path(t, r->rdi);
		break;
	case SYS_openat:
	case SYS_openat2:
	case SYS_newfstatat:
	case SYS_statx:
	case SYS_faccessat:
	case SYS_faccessat2:
	case SYS_readlinkat:
		add_path(t, r->rsi);
		break;
	case SYS_execve:
		add_execution(t, r->rdi);
		break;
	case SYS_ioctl:
		add(t, use_number("ioctl", r->rsi & 0xffffffff));
		break;
	case SYS_fcntl:
		add(t, use_number("fcntl", r->rsi & 0xffffffff));
		break;
	case SYS_clone:
	case SYS_unshare:
		add_clone(t, r->rdi);
		break;
	case SYS_mmap:
		if ((r->r10 & (MAP_SHARED | MAP_ANONYMOUS)) == (MAP_SHARED | MAP_ANONYMOUS))
			add(t, use_find("shared", ""));
		break;
	default:
		break;
	}
}

static void enter_call(struct task *t)
{
	struct user_regs_struct regs;

	t->use_count = 0;
	t->deny = 0;
	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &regs) < 0)
		return;
	add_uses(t, &regs);
	for (unsigned i = 0; i < t->use_count && !t->deny; i++)
		t->deny = deny_check(t->uses[i]);
	if (!t->deny)
		return;
	regs.orig_rax = (unsigned long)-1;
	if (ptrace(PTRACE_SETREGS, t->pid, NULL, &regs) < 0)
		t->deny = 0;
}

static void leave_call(struct task *t)
{
	struct user_regs_struct regs;
	long result;

	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &regs) < 0)
		return;
	if (t->deny) {
		regs.rax = (unsigned long)-t->deny;
		ptrace(PTRACE_SETREGS, t->pid, NULL, &regs);
	}
	result = (long)regs.rax;
	for (unsigned i = 0; i < t->use_count; i++) {
		/* What a signal interrupts was granted. */
		if (result < 0 && result >= -ERRNO_MAX && -result != EINTR && -result < RESTARTS) {
			t->uses[i]->failed++;
			t->uses[i]->error = (int)-result;
		} else {
			t->uses[i]->done++;
		}
	}
	t->use_count = 0;
}

/* --- the loop ---------------------------------------------------------------------------------- */

static void call_stop(struct task *t)
{
	t->inside = !t->inside;
	if (t->inside)
		enter_call(t);
	else
		leave_call(t);
}

/* Returns the signal that the task is to get when it goes on. */
static int stopped(struct task *t, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		call_stop(t);
		return 0;
	}
	if (status >> 16)
		return 0; /* an event: a fork, an execve */
	if (!t->begun && signal == SIGSTOP) {
		t->begun = 1;
		return 0;
	}
	return signal;
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* The report is alone on standard output. */
	if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(125);
	raise(SIGSTOP);
	execvp(argv[0], argv);
	fprintf(stderr, "hillock-tracer: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int watch(pid_t first)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		struct task *t = pid > 0 ? task_find(pid) : NULL;

		if (!t)
			continue;
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)stopped(t, status));
			continue;
		}
		t->pid = 0;
		if (pid == first)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return 125;
}

int trace_run(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	pid_t pid = start(argv);
	int status;

	if (pid < 0 || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, options) < 0) {
		fprintf(stderr, "hillock-tracer: %s cannot be traced: %s\n", argv[0],
			strerror(errno));
		return 125;
	}
	task_find(pid)->begun = 1;
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	status = watch(pid);
	use_print();
	printf("exit\t%d\n", status);
	return fflush(stdout) == 0 ? status : 125;
}
