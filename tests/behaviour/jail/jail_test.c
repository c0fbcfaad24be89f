// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * jail_test HOSTILE [nobody]: attacks every kind of jail from inside. Output is TAP.
 *
 * Theory of operation
 * -------------------
 * The test lays out bait on the host: files, sockets, processes, memory, keys, all as open as
 * permissions make them. The hostile program (hostile.c) tries to get at it, once in each kind of
 * jail and once outside of any. An attempt counts as repelled when it failed inside, and when the
 * same attempt, made outside by the same user, worked or at least failed in another way; where
 * that cannot be known the table of attacks says so. In the end, nothing of the bait may have
 * changed, and no signal may have arrived here.
 *
 * With "nobody", a root caller first becomes that user.
 */
#include "attack.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bait.h"
#include "guard/guard.h"
#include "inspect.h"
#include "tap.h"

#define NOBODY	     65534
#define SKIPPED	     77
#define LINE_NAME    128
#define RESULTS_MAX  256
#define PROCESS_MAX  64
#define MEMORY_MAX   (64ULL << 20)
#define MIB_PRIVATE  256
#define OTHER_FILES  256
#define SCOPES_ABI   6 /* of Landlock: the first with all that is tried */
#define FORGOTTEN_FD 500
#define PATIENCE     60000 /* ms */

struct results {
	struct {
		char name[LINE_NAME];
		int error;
	} lines[RESULTS_MAX];
	size_t count;
	int ended;
};

static struct {
	int hostile_fd;
	struct laid_bait laid;
} test;

/* --- running the hostile program ---------------------------------------------------------- */

/* A running hostile program, and the ends of its pipe and socket. */
struct run {
	pid_t pid;
	int pidfd; /* -1 if it was not spawned by guard */
	int output, socket;
};

static void hand_over(int fds[], const struct bait *bait, int output, int socket)
{
	int bait_fd = memfd_create("bait", MFD_CLOEXEC);

	if (bait_fd < 0 || write(bait_fd, bait, sizeof(*bait)) != (ssize_t)sizeof(*bait))
		exit(2);
	fds[0] = -1;
	fds[1] = output;
	fds[2] = 2;
	fds[BAIT_FD] = bait_fd;
	fds[FILE_FD] = test.laid.file_fd;
	fds[SOCKET_FD] = socket;
	fds[PROGRAM_FD] = test.laid.program_fd;
	fds[NAMESPACE_FD] = test.laid.namespace_fd;
	fds[DIRECTORY_FD] = test.laid.dir_fd;
}

static pid_t start_plain(char *const argv[], const int fds[])
{
	char *const envp[] = { NULL };
	pid_t pid = fork();
	int fd, high[DIRECTORY_FD + 1], program;

	if (pid)
		return pid;
	program = fcntl(test.hostile_fd, F_DUPFD_CLOEXEC, DIRECTORY_FD + 1);
	for (fd = 1; fd <= DIRECTORY_FD; fd++)
		high[fd] = fcntl(fds[fd], F_DUPFD_CLOEXEC, DIRECTORY_FD + 1);
	for (fd = 1; fd <= DIRECTORY_FD; fd++)
		dup2(high[fd], fd);
	fexecve(program, argv, envp);
	_exit(2);
}

/* In the jail of `profile`, or GUARD_PROFILES: in none that is made for it. */
static int start(struct run *run, const char *where, enum guard_profile profile,
		 const struct bait *bait, struct guard_spec *spec)
{
	char *const argv[] = { (char *)(uintptr_t)"hostile", (char *)(uintptr_t)where, NULL };
	char *const envp[] = { NULL };
	int pipes[2], pair[2];
	struct err err = ERR_INIT;

	if (pipe2(pipes, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*run = (struct run){ .pidfd = -1, .output = pipes[0], .socket = pair[0] };
	hand_over(spec->fds, bait, pipes[1], pair[1]);
	spec->fd_count = DIRECTORY_FD + 1;
	if (profile == GUARD_PROFILES) {
		run->pid = start_plain(argv, spec->fds);
	} else {
		spec->profile = profile;
		spec->exec_fd = test.hostile_fd;
		spec->argv = argv;
		spec->envp = envp;
		spec->host_uid = spec->host_gid = NOBODY;
		if (guard_spawn(spec, &run->pid, &run->pidfd, &err) < 0)
			printf("# %s: %s (%s)\n", where, err.text, err.hint);
	}
	close(spec->fds[BAIT_FD]);
	close(pipes[1]);
	close(pair[1]);
	return run->pid > 0 ? 0 : -ECHILD;
}

static void finish(struct run *run)
{
	close(run->socket);
	close(run->output);
	if (run->pidfd >= 0)
		close(run->pidfd);
	waitpid(run->pid, NULL, 0);
}

/* Reads lines until the program closes its output, or has said `until`. */
static void collect(const struct run *run, struct results *r, const char *until)
{
	FILE *lines = fdopen(dup(run->output), "r");
	char line[LINE_NAME + 32];

	*r = (struct results){ .count = 0 };
	while (lines && fgets(line, sizeof(line), lines)) {
		char *tab = strchr(line, '\t');

		r->ended = !strcmp(line, "end\n");
		if (!tab || r->count == RESULTS_MAX)
			continue;
		*tab = '\0';
		snprintf(r->lines[r->count].name, LINE_NAME, "%.*s", LINE_NAME - 1, line);
		r->lines[r->count++].error = atoi(tab + 1);
		if (until && !strcmp(line, until))
			break;
	}
	if (lines)
		fclose(lines);
}

static int result_of(const struct results *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		if (!strcmp(r->lines[i].name, name))
			return r->lines[i].error;
	return -1;
}

static struct bait bait_for(enum where where)
{
	struct bait bait = test.laid.bait;

	if (where == VOLUMES) {
		strcpy(bait.volume, "/v/0");
		strcpy(bait.volume_ro, "/v/1");
	}
	return bait;
}

static void attack(const char *name, enum where where, enum guard_profile profile,
		   struct results *r)
{
	static struct guard_spec spec;
	struct bait bait = bait_for(where);
	struct run run;

	memset(&spec, 0, sizeof(spec));
	spec.cgroup_fd = -1;
	if (where == VOLUMES) {
		spec.binds[0].source_fd = test.laid.volume_fd;
		spec.binds[1] = (struct guard_bind){ test.laid.volume_ro_fd, 1 };
		spec.bind_count = 2;
	}
	*r = (struct results){ .count = 0 };
	if (start(&run, name, profile, &bait, &spec) < 0) {
		tap_ok(0, "%s: starts", name);
		return;
	}
	collect(&run, r, NULL);
	finish(&run);
	tap_ok(r->ended, "%s: all attempts were made", name);
}

/* --- judging ------------------------------------------------------------------------------- */

static const char *said(int error)
{
	return error < 0 ? "not tried" : error == 0 ? "it worked" : strerror(error);
}

static int is_proven(enum control control, int inside, int outside)
{
	return control == UNKNOWN || (control == WORKS && outside == 0) ||
	       (control == DIFFERS && outside >= 0 && outside != inside);
}

static void judge(const struct attack *table, const char *name, enum where where,
		  const struct results *inside, const struct results *outside)
{
	const struct attack *a;

	for (a = table; a->name; a++) {
		enum control control = geteuid() == 0 ? a->as_root : a->as_user;
		int in = result_of(inside, a->name), out = result_of(outside, a->name);

		if (!(a->refused_in & where))
			continue;
		if (a->refused_in & LANDLOCK && where & (VOLUMES | WALLS) && !guard_landlock_abi()) {
			tap_ok(1, "%s: %s # SKIP this host has no Landlock", name, a->name);
			continue;
		}
		tap_ok(in > 0 && is_proven(control, in, out), "%s: %s: %s (outside: %s)", name, a->name,
		   said(in), said(out));
	}
}

static void judge_all(const char *name, enum where where, const struct results *inside,
		      const struct results *outside)
{
	judge(attacks_on_files, name, where, inside, outside);
	judge(attacks_on_processes, name, where, inside, outside);
	judge(attacks_on_the_kernel, name, where, inside, outside);
	judge(attacks_over_sockets, name, where, inside, outside);
	judge(attacks_through_volumes, name, where, inside, outside);
}

static void judge_rights(const struct results *inside)
{
	const struct attack *a;

	for (a = rights_in_volumes; a->name; a++)
		tap_ok(result_of(inside, a->name) == 0, "volumes: may %s: %s", a->name,
		   said(result_of(inside, a->name)));
}

/* --- taking all there is --------------------------------------------------------------------- */

static void expect_between(const struct results *r, const char *what, int least, int most)
{
	int got = result_of(r, what);

	tap_ok(got >= least && got <= most, "exhaust: %s: %d (limit %d)", what, got, most);
}

static void exhaust(void)
{
	static struct guard_spec spec, other;
	struct run run, neighbour;
	struct results r;

	spec = (struct guard_spec){ .cgroup_fd = -1, .process_max = PROCESS_MAX,
				    .memory_max = MEMORY_MAX };
	other = spec;
	if (start(&run, "exhaust", GUARD_UM, &test.laid.bait, &spec) < 0) {
		tap_ok(0, "exhaust: starts");
		return;
	}
	collect(&run, &r, "processes");
	expect_between(&r, "processes", PROCESS_MAX / 2, PROCESS_MAX);
	expect_between(&r, "descriptors", PROCESS_MAX, PROCESS_MAX + OTHER_FILES);
	expect_between(&r, "memory", 1, MIB_PRIVATE);
	expect_between(&r, "file", (int)(MEMORY_MAX >> 20), (int)(MEMORY_MAX >> 20));
	tap_ok(start(&neighbour, "wait", GUARD_UM, &test.laid.bait, &other) == 0,
	   "exhaust: a neighbour of the same user starts meanwhile");
	finish(&neighbour);
	finish(&run);
}

static void exhaust_in(struct guard_cgroup *cg)
{
	static struct guard_spec spec;
	struct results r;
	struct run run;

	spec = (struct guard_spec){ .cgroup_fd = cg->v2_fd, .memory_max = MEMORY_MAX,
				    .cgroup_procs = (const char *const *)cg->procs };
	if (start(&run, "exhaust", GUARD_UM, &test.laid.bait, &spec) < 0) {
		tap_ok(0, "cgroup: a jail starts in it");
		return;
	}
	collect(&run, &r, "processes");
	expect_between(&r, "processes", 2, PROCESS_MAX / 2);
	/* It is at its limit and waits: removing the cgroup has to end it. */
	guard_cgroup_remove(cg);
	tap_ok(access(cg->paths[0], F_OK) < 0 && errno == ENOENT, "cgroup: gone, and who was in it");
	finish(&run);
}

static void gorge_in(struct guard_cgroup *cg)
{
	static struct guard_spec spec;
	struct results r;
	struct run run;
	siginfo_t end = { 0 };

	spec = (struct guard_spec){ .cgroup_fd = cg->v2_fd,
				    .cgroup_procs = (const char *const *)cg->procs };
	if (start(&run, "gorge", GUARD_UM, &test.laid.bait, &spec) < 0) {
		tap_ok(0, "cgroup: a jail starts in it");
		return;
	}
	collect(&run, &r, NULL);
	waitid(P_PID, (id_t)run.pid, &end, WEXITED | WNOWAIT);
	tap_ok(!r.ended && end.si_code == CLD_KILLED && end.si_status == SIGKILL,
	   "cgroup: killed when it takes too much memory");
	finish(&run);
}

/* Limits held by a cgroup, where one can be had. */
static void with_cgroup(const char *resource, const struct guard_limits *limits,
			void (*what)(struct guard_cgroup *cg))
{
	struct guard_cgroup cg;
	struct err err = ERR_INIT;
	char id[32];

	snprintf(id, sizeof(id), "jail-test-%d", (int)getpid());
	if (guard_cgroup_create(id, limits, &cg, &err) < 0) {
		tap_ok(0, "cgroup: %s", err.text);
		return;
	}
	if (strstr(cg.missing, resource))
		tap_ok(1, "cgroup: limits %s # SKIP %s", resource, cg.missing);
	else
		what(&cg);
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
}

/* --- from the host ---------------------------------------------------------------------------- */

static void is_what_it_should_be(enum guard_profile profile)
{
	static struct guard_spec spec;
	uid_t uid = geteuid() ? geteuid() : NOBODY;
	struct run run;

	spec = (struct guard_spec){ .cgroup_fd = -1, .bind_count = profile == GUARD_UM_VOLUMES };
	spec.binds[0].source_fd = test.laid.volume_fd;
	if (!tap_ok(start(&run, "stay", profile, &test.laid.bait, &spec) == 0, "inspect: starts"))
		return;
	inspect_jail(run.pid, uid, spec.bind_count, DIRECTORY_FD + 1);
	kill(run.pid, SIGKILL);
	finish(&run);
}

/* The same of a process that jailed itself: a monitor. */
static void is_monitor_as_it_should_be(void)
{
	static struct guard_spec spec;
	struct results r;
	struct run run;

	if (!tap_ok(start(&run, "stay-monitor", GUARD_PROFILES, &test.laid.bait, &spec) == 0,
		    "inspect: starts"))
		return;
	collect(&run, &r, "jailed");
	inspect_entered(run.pid, geteuid() ? geteuid() : NOBODY);
	kill(run.pid, SIGKILL);
	finish(&run);
}

/* --- starting and ending --------------------------------------------------------------------- */

/* Starts a jail in a process of its own, says which, and waits to be killed. */
static _Noreturn void be_its_starter(int tell)
{
	static struct guard_spec spec;
	struct run run;

	spec = (struct guard_spec){ .cgroup_fd = -1 };
	if (start(&run, "stay", GUARD_UM, &test.laid.bait, &spec) < 0 ||
	    write(tell, &run.pid, sizeof(run.pid)) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void dies_with_its_starter(void)
{
	struct pollfd over = { .fd = -1, .events = POLLIN };
	int pipes[2];
	pid_t starter, jailed;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		exit(2);
	starter = fork();
	if (starter == 0)
		be_its_starter(pipes[1]);
	close(pipes[1]);
	if (read(pipes[0], &jailed, sizeof(jailed)) == (ssize_t)sizeof(jailed))
		over.fd = (int)syscall(SYS_pidfd_open, jailed, 0);
	tap_ok(over.fd >= 0 && poll(&over, 1, 0) == 0, "a jail runs while its starter does");
	kill(starter, SIGKILL);
	waitpid(starter, NULL, 0);
	tap_ok(over.fd >= 0 && poll(&over, 1, PATIENCE) == 1, "a jail dies with its starter");
	syscall(SYS_pidfd_send_signal, over.fd, SIGKILL, NULL, 0);
	close(over.fd);
	close(pipes[0]);
}

static void refuses(const char *what, struct guard_spec *spec, int code, const char *says)
{
	char *const argv[] = { (char *)(uintptr_t)"program", NULL };
	struct err err = ERR_INIT;
	int pidfd, rc;
	pid_t pid;

	spec->argv = spec->envp = argv;
	rc = guard_spawn(spec, &pid, &pidfd, &err);
	tap_ok(rc == -code && err.code == code && strstr(err.text, says), "%s: %s", what, err.text);
	tap_ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "%s: no process is left", what);
}

static void says_what_failed(void)
{
	struct guard_spec good = { .host_uid = NOBODY, .host_gid = NOBODY, .cgroup_fd = -1,
				   .exec_fd = test.hostile_fd }, spec = good;
	const char *const nowhere[] = { "/sys/fs/cgroup/none/at/all/cgroup.procs", NULL };

	spec.exec_fd = test.laid.file_fd;
	refuses("a file that is not executable", &spec, EACCES, "executing program");
	spec = good;
	spec.exec_fd = -1;
	refuses("no program", &spec, EBADF, "the program's descriptor");
	spec = good;
	spec.fds[0] = 9999;
	spec.fd_count = 1;
	refuses("a descriptor that is none", &spec, EBADF, "descriptor 0");
	spec = good;
	spec.bind_count = 1;
	refuses("volumes for who has none", &spec, EINVAL, "has no volumes");
	spec = good;
	spec.cgroup_procs = nowhere;
	refuses("a cgroup that is not there", &spec, ENOENT, "none/at/all");
	spec = good;
	spec.host_uid = 0;
	if (geteuid() == 0)
		refuses("root for a user", &spec, EINVAL, "does not run as root");
}

/* --- start ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t alarms;

static void count_alarm(int sig)
{
	alarms++;
}

static void attack_everything(void)
{
	static struct results um, volumes, monitor, walls, landlock, outside;

	attack("um", UM, GUARD_UM, &um);
	attack("volumes", VOLUMES, GUARD_UM_VOLUMES, &volumes);
	attack("monitor", MONITOR, GUARD_PROFILES, &monitor);
	attack("walls", WALLS, GUARD_PROFILES, &walls);
	if (guard_landlock_abi() >= SCOPES_ABI)
		attack("landlock", ALONE, GUARD_PROFILES, &landlock);
	else
		tap_ok(1, "landlock # SKIP this host's ABI version is %d", guard_landlock_abi());
	tap_ok(alarms == 0, "no signal came out (%d)", (int)alarms);
	tap_ok(bait_is_whole(&test.laid), "the bait is as it was");
	attack("outside", EVERYWHERE, GUARD_PROFILES, &outside);
	judge_rights(&volumes);
	judge_all("um", UM, &um, &outside);
	judge_all("volumes", VOLUMES, &volumes, &outside);
	judge_all("monitor", MONITOR, &monitor, &outside);
	judge_all("walls", WALLS, &walls, &outside);
	if (guard_landlock_abi() >= SCOPES_ABI)
		judge_all("landlock", ALONE, &landlock, &outside);
}

static void attack_with_victim(void)
{
	static struct guard_spec spec;
	struct run victim;

	spec = (struct guard_spec){ .cgroup_fd = -1 };
	if (start(&victim, "wait", GUARD_UM, &test.laid.bait, &spec) < 0) {
		tap_ok(0, "a jail to be attacked starts");
		return;
	}
	test.laid.bait.victim = victim.pid;
	attack_everything();
	tap_ok(waitpid(victim.pid, NULL, WNOHANG) == 0, "the other jail is still there");
	finish(&victim);
}

/* What a jail must not inherit: signal dispositions, descriptors, groups. */
static void be_untidy(void)
{
	const gid_t group = 1;
	sigset_t blocked;

	/* A group of its own: signals to it must not reach who runs the test. */
	setpgid(0, 0);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	fcntl(test.hostile_fd, F_DUPFD, FORGOTTEN_FD);
	if (geteuid() == 0)
		setgroups(1, &group);
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = count_alarm, .sa_flags = SA_RESTART };

	if (argc < 2)
		return 2;
	test.hostile_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (test.hostile_fd < 0) {
		perror(argv[1]);
		return 2;
	}
	if (argc > 2 && geteuid() != 0) {
		printf("1..0 # SKIP only root can become nobody\n");
		return SKIPPED;
	}
	if (argc > 2 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			 setresuid(NOBODY, NOBODY, NOBODY) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)) {
		perror("becoming nobody");
		return 2;
	}
	be_untidy();
	sigaction(SIGALRM, &act, NULL);
	if (bait_lay(&test.laid, test.hostile_fd) < 0) {
		perror("laying the bait");
		return 2;
	}
	is_what_it_should_be(GUARD_UM);
	is_what_it_should_be(GUARD_UM_VOLUMES);
	is_monitor_as_it_should_be();
	says_what_failed();
	dies_with_its_starter();
	attack_with_victim();
	exhaust();
	with_cgroup("processes", &(struct guard_limits){ .pids = PROCESS_MAX / 2 }, exhaust_in);
	with_cgroup("memory", &(struct guard_limits){ .memory = MEMORY_MAX }, gorge_in);
	bait_remove(&test.laid);
	return tap_end();
}
