// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile WHERE: a program that stands where a container's process would, and is nobody's friend.
 *
 * WHERE is um or volumes (it is jailed already), monitor, walls or landlock (it jails itself
 * first), outside (it is not jailed: the control), exhaust (uses up what it can and says how much
 * it got), gorge (touches 192 MiB), wait (does nothing until its socket is closed), stay (does
 * nothing for ever) or stay-monitor (the same, as monitor).
 *
 * It reads what it needs to know from BAIT_FD and writes a line for each attempt: name, tab, 0 if
 * it worked or an errno. The last line is "end".
 * Called as "intruder" it only says by its exit status that it could be executed.
 */
#include "attack.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/guard.h"
#include "guard/jail.h"

#define NOBODY	    65534
#define DEPTH_MAX   1000
#define FRAME	    (16 * 1024)
#define MEMORY_STEP (16ULL << 20)
#define GORGE_STEPS 12

static const struct attack *const tables[] = {
	rights_in_volumes,	attacks_on_files,     attacks_on_processes,
	attacks_on_the_kernel,	attacks_over_sockets, attacks_through_volumes,
};

static void report(const char *name, int rc)
{
	dprintf(1, "%s\t%d\n", name, -rc);
}

/* Outside, each in a process of its own: it may work, and then change who it is. */
static int try_in_child(const struct attack *a, const struct bait *bait)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(-a->try(bait));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EFAULT;
}

static void try_all(const struct bait *bait, enum where where, int outside)
{
	const struct attack *a;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (a = tables[i]; a->name; a++) {
			if (outside)
				report(a->name, try_in_child(a, bait));
			else if (a->refused_in & where)
				report(a->name, a->try(bait));
		}
}

/* It may signal its own group: whoever started it must not be in that. */
static void try_spawned(const struct bait *bait, enum where where)
{
	kill(0, SIGALRM);
	try_all(bait, where, 0);
}

static int jail_self(enum where where)
{
	struct err err = ERR_INIT;
	int rc;

	if (where == MONITOR)
		rc = guard_enter(GUARD_MONITOR, NOBODY, NOBODY, &err);
	else
		rc = guard_enter_walls(GUARD_UM, NOBODY, NOBODY, &err);
	if (rc < 0)
		dprintf(2, "hostile: %s\n", err.text);
	return rc;
}

static int attack_as_monitor(const struct bait *bait)
{
	if (jail_self(MONITOR) < 0)
		return 1;
	try_all(bait, MONITOR, 0);
	return 0;
}

static int stay_as_monitor(void)
{
	if (jail_self(MONITOR) < 0)
		return 1;
	report("jailed", 0);
	return poll(NULL, 0, -1) != 0;
}

static int attack_landlock(const struct bait *bait)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || guard_landlock_enter(-1, -1, NULL) < 0)
		return 1;
	try_all(bait, ALONE, 0);
	return 0;
}

/* In a child: the new pid namespace is only for children. */
static int attack_walls(const struct bait *bait)
{
	pid_t pid;
	int status;

	if (jail_self(WALLS) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		try_all(bait, WALLS, 0);
		_exit(0);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 || status;
}

static void wait_for_end(void)
{
	char byte;

	while (read(SOCKET_FD, &byte, 1) > 0)
		;
}

/* --- taking all there is -------------------------------------------------------------------- */

static struct {
	int depth;
	char *stacks;
} family;

/* Every process has a child and waits for its end: all of them are there at once. */
static int breed(void *unused)
{
	char *stack = family.stacks + (size_t)++family.depth * FRAME;

	if (family.depth < DEPTH_MAX &&
	    clone(breed, stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL) >= 0)
		_exit(0);
	/* The last one holds all of them where they are until the test has looked. */
	report("processes", -family.depth);
	wait_for_end();
	dprintf(1, "end\n");
	_exit(0);
}

static int count_descriptors(void)
{
	int count = 0;

	while (fcntl(FILE_FD, F_DUPFD_CLOEXEC, 0) >= 0)
		count++;
	return count;
}

static int count_private_memory(void)
{
	int mebibytes = 0;

	while (mebibytes < 1 << 20 && mmap(NULL, MEMORY_STEP, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		mebibytes += (int)(MEMORY_STEP >> 20);
	return mebibytes;
}

/* Where, in MiB, a file in memory stops growing. */
static int count_file(void)
{
	int fd = memfd_create("large", MFD_CLOEXEC), mebibytes = 0;

	while (fd >= 0 && mebibytes < 1 << 20 &&
	       pwrite(fd, "", 1, ((off_t)mebibytes << 20) + (1 << 20) - 1) == 1)
		mebibytes++;
	close(fd);
	return mebibytes;
}

/* More than a cgroup of the test's gives; only its end says that it was too much. */
static void gorge(void)
{
	char *at;
	size_t i;

	for (i = 0; i < GORGE_STEPS; i++) {
		at = mmap(NULL, MEMORY_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
		if (at != MAP_FAILED)
			memset(at, 1, MEMORY_STEP);
	}
}

static void exhaust(void)
{
	report("file", -count_file());
	family.stacks = mmap(NULL, (size_t)DEPTH_MAX * FRAME, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	report("memory", -count_private_memory());
	report("descriptors", -count_descriptors());
	breed(NULL);
}

/* --- start ---------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	struct bait bait;
	int rc = 0;

	if (!strcmp(argv[0], "intruder"))
		return 0;
	if (argc != 2 || pread(BAIT_FD, &bait, sizeof(bait), 0) != (ssize_t)sizeof(bait))
		return 2;
	if (!strcmp(argv[1], "stay"))
		return poll(NULL, 0, -1) != 0;
	signal(SIGALRM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!strcmp(argv[1], "um"))
		try_spawned(&bait, UM);
	else if (!strcmp(argv[1], "volumes"))
		try_spawned(&bait, VOLUMES);
	else if (!strcmp(argv[1], "monitor"))
		rc = attack_as_monitor(&bait);
	else if (!strcmp(argv[1], "stay-monitor"))
		rc = stay_as_monitor();
	else if (!strcmp(argv[1], "walls"))
		rc = attack_walls(&bait);
	else if (!strcmp(argv[1], "landlock"))
		rc = attack_landlock(&bait);
	else if (!strcmp(argv[1], "outside"))
		try_all(&bait, EVERYWHERE, 1);
	else if (!strcmp(argv[1], "exhaust"))
		exhaust();
	else if (!strcmp(argv[1], "gorge"))
		gorge();
	else if (!strcmp(argv[1], "wait"))
		wait_for_end();
	else
		rc = 2;
	if (rc == 0)
		dprintf(1, "end\n");
	return rc ? 1 : 0;
}
