// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: process.h. */
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "bench/host.h"

#define SECOND 1000000000ull
#define SETTLE_LIMIT (10 * SECOND)
#define GRACE (3 * SECOND)
#define SAID_MAX 600
#define OUTPUT_MAX 65536

extern char **environ;

static sigset_t watched, inherited;
static int interrupted;

int process_init(struct err *err)
{
	sigemptyset(&watched);
	sigaddset(&watched, SIGCHLD);
	sigaddset(&watched, SIGINT);
	sigaddset(&watched, SIGTERM);
	sigaddset(&watched, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &watched, &inherited) < 0)
		return err_sys(err, errno, "cannot block signals");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, errno, "cannot become a subreaper");
	return 0;
}

int process_interrupted(void)
{
	return interrupted;
}

static int say_interrupted(struct err *err)
{
	return err_set(err, EINTR, "interrupted");
}

/* Waits for a signal until `deadline`. Returns its number, or 0 when the time is over. */
static int signal_wait(uint64_t deadline)
{
	uint64_t now = loop_now();
	uint64_t left = deadline > now ? deadline - now : 0;
	struct timespec time = { (time_t)(left / SECOND), (long)(left % SECOND) };
	int signal = sigtimedwait(&watched, NULL, &time);

	if (signal > 0 && signal != SIGCHLD)
		interrupted = 1;
	return signal > 0 ? signal : 0;
}

int process_pause(uint64_t ns, struct err *err)
{
	uint64_t deadline = loop_now() + ns;

	while (!interrupted && loop_now() < deadline)
		signal_wait(deadline);
	return interrupted ? say_interrupted(err) : 0;
}

/* --- starting -------------------------------------------------------------------------------- */

struct launch {
	const struct process_spec *spec;
	int null_fd, errors_fd;
	volatile int failed; /* errno of the child, which shares our memory until it executes */
};

/* Moves `from` to descriptor `to`, open across exec. */
static int place(int from, int to)
{
	if (from == to)
		return fcntl(to, F_SETFD, 0);
	return dup2(from, to);
}

/* Runs in the vforked child: nothing here may change memory that the parent relies on. */
static void __attribute__((noinline, noreturn)) child(struct launch *launch)
{
	const struct process_spec *spec = launch->spec;
	int in = spec->stdin_fd < 0 ? launch->null_fd : spec->stdin_fd;
	int out = spec->keep_output ? launch->errors_fd : launch->null_fd;

	setpgid(0, 0);
	if ((spec->cpus && sched_setaffinity(0, sizeof(*spec->cpus), spec->cpus) < 0) ||
	    (spec->view && spec->view->user_fd >= 0 && setns(spec->view->user_fd, CLONE_NEWUSER)) ||
	    (spec->view && spec->view->mount_fd >= 0 && setns(spec->view->mount_fd, CLONE_NEWNS)) ||
	    place(in, 0) < 0 || place(out, 1) < 0 || place(launch->errors_fd, 2) < 0 ||
	    (spec->extra_fd >= 0 && place(spec->extra_fd, 3) < 0) ||
	    sigprocmask(SIG_SETMASK, &inherited, NULL) < 0) {
		launch->failed = errno;
		_exit(127);
	}
	/* execve() promises not to change the words, though its type does not. */
	execve(spec->argv[0], (char *const *)spec->argv,
	       spec->environment ? spec->environment : environ);
	launch->failed = errno;
	_exit(127);
}

static pid_t launch_child(struct launch *launch)
{
	pid_t pid = vfork();

	if (pid == 0)
		child(launch);
	return pid;
}

static int start(const struct process_spec *spec, int errors_fd, pid_t *pid, struct err *err)
{
	cleanup_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct launch launch = { .spec = spec, .null_fd = null_fd, .errors_fd = errors_fd };

	if (null_fd < 0)
		return err_sys(err, errno, "cannot open /dev/null");
	*pid = launch_child(&launch);
	if (*pid < 0)
		return err_sys(err, errno, "cannot make a process");
	if (launch.failed) {
		waitpid(*pid, NULL, 0);
		return err_sys(err, launch.failed, "cannot run %s", spec->argv[0]);
	}
	return 0;
}

/* --- waiting --------------------------------------------------------------------------------- */

struct run {
	pid_t pid;
	int over;  /* the command itself is */
	int alone; /* there is no child at all */
	int status;
	struct process_result *result;
};

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_usec * 1000;
}

/* Takes in all children that have ended. */
static void reap(struct run *run)
{
	uint64_t now = loop_now();
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		run->result->cpu_ns += timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
		if (pid != run->pid)
			continue;
		run->over = 1;
		run->status = status;
		run->result->wall_ns = now - run->result->start_ns;
	}
	run->alone = pid < 0;
	run->result->settled_ns = now - run->result->start_ns;
}

static int wait_for_command(struct run *run, const struct process_spec *spec, struct err *err)
{
	uint64_t deadline = run->result->start_ns + spec->seconds * SECOND;
	int hurried = spec->cleanup;

	for (reap(run); !run->over; reap(run)) {
		uint64_t now = loop_now();

		if (interrupted && !hurried) {
			hurried = 1;
			if (deadline > now + GRACE)
				deadline = now + GRACE;
		}
		if (now >= deadline)
			break;
		signal_wait(deadline);
	}
	if (run->over)
		return 0;
	kill(-run->pid, SIGKILL);
	while (!run->over)
		if (signal_wait(loop_now() + SECOND))
			reap(run);
	if (!spec->leaves)
		process_kill_rest();
	return err_set(err, ETIMEDOUT, "%s: not over after %llu s", spec->argv[0],
		       run->result->wall_ns / SECOND);
}

static int wait_for_rest(struct run *run, const char *name, struct err *err)
{
	uint64_t deadline = loop_now() + SETTLE_LIMIT;

	for (reap(run); !run->alone; reap(run)) {
		if (loop_now() >= deadline) {
			process_kill_rest();
			return err_set(err, ETIMEDOUT,
				       "%s: processes that it left behind did not end", name);
		}
		signal_wait(deadline);
	}
	return 0;
}

/* The last `room` bytes of what the command wrote, without a final newline. */
static char *said_read(int fd, size_t room)
{
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > (off_t)room ? size - (off_t)room : 0;
	char *text = calloc(1, room + 1);
	ssize_t got = text ? pread(fd, text, room, from) : 0;

	while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\r'))
		text[--got] = 0;
	return text;
}

int process_run(const struct process_spec *spec, struct process_result *result, struct err *err)
{
	cleanup_close int errors_fd = memfd_create("errors", MFD_CLOEXEC);
	struct run run = { .result = result };
	int ret;

	*result = (struct process_result){ 0 };
	/* A runtime may keep places of its own for output and errors: both are to go to the end. */
	if (errors_fd < 0 || fcntl(errors_fd, F_SETFL, O_APPEND) < 0)
		return err_sys(err, errno, "cannot make a file in memory");
	if (interrupted && !spec->cleanup)
		return say_interrupted(err);
	result->start_ns = loop_now();
	ret = start(spec, errors_fd, &run.pid, err);
	if (ret)
		return ret;
	ret = wait_for_command(&run, spec, err);
	if (spec->leaves)
		result->settled_ns = result->wall_ns;
	else if (!ret)
		ret = wait_for_rest(&run, spec->argv[0], err);
	if (interrupted && !spec->cleanup)
		ret = say_interrupted(err);
	result->said = said_read(errors_fd, spec->keep_output ? OUTPUT_MAX : SAID_MAX);
	result->code =
		WIFSIGNALED(run.status) ? 128 + WTERMSIG(run.status) : WEXITSTATUS(run.status);
	return ret;
}

int process_run_well(const struct process_spec *spec, struct process_result *result,
		     struct err *err)
{
	int ret = process_run(spec, result, err);
	char *said = result->said;

	if (ret || !result->code)
		return ret;
	if (!said || !*said)
		return err_set(err, EIO, "%s ended with status %d", spec->argv[0], result->code);
	if (strlen(said) > SAID_MAX)
		said += strlen(said) - SAID_MAX;
	for (char *at = said; (at = strchr(at, '\n'));)
		*at = ' ';
	return err_set(err, EIO, "%s ended with status %d: %s", spec->argv[0], result->code, said);
}

void process_result_free(struct process_result *result)
{
	free(result->said);
	result->said = NULL;
}

void process_kill_rest(void)
{
	uint64_t deadline = loop_now() + SETTLE_LIMIT;
	struct process_result nothing = { 0 };
	struct run run = { .result = &nothing };

	for (reap(&run); !run.alone && loop_now() < deadline; reap(&run)) {
		struct host_list below = { 0 };

		/* Without a list there is nobody to name: wait then for what ends by itself. */
		if (!host_below(getpid(), NULL, &below, NULL))
			for (size_t i = 0; i < below.count; i++)
				kill(below.pids[i], SIGKILL);
		host_list_free(&below);
		signal_wait(loop_now() + SECOND / 10);
	}
}

/* --- environment and programs ---------------------------------------------------------------- */

static int same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return !strncmp(a, b, length) && b[length] == '=';
}

char **process_environment(char *const set[])
{
	size_t ours = 0, more = 0, used = 0;
	char **all;

	while (environ[ours])
		ours++;
	while (set[more])
		more++;
	all = calloc(ours + more + 1, sizeof(*all));
	for (size_t i = 0; all && i < ours; i++) {
		size_t j = 0;

		while (j < more && !same_name(set[j], environ[i]))
			j++;
		if (j == more)
			all[used++] = environ[i];
	}
	for (size_t i = 0; all && i < more; i++)
		all[used++] = set[i];
	return all;
}

int process_find(const char *name, char path[PATH_MAX])
{
	const char *places = getenv("PATH");
	char list[PATH_MAX], *place, *rest = NULL;

	snprintf(list, sizeof(list), "%s:/usr/local/sbin:/usr/sbin:/sbin",
		 places && *places ? places : "/usr/local/bin:/usr/bin:/bin");
	for (place = strtok_r(list, ":", &rest); place; place = strtok_r(NULL, ":", &rest)) {
		int length = snprintf(path, PATH_MAX, "%s/%s", place, name);

		if (length > 0 && length < PATH_MAX && *place == '/' && !access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}
