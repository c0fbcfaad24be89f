// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * jailed [-p PROFILE] [-f FD]... [-v DIR[:ro]]... [-m BYTES] [-n PROCESSES] [-c ID] [-t]
 *        PROGRAM [ARG...]
 *
 * Runs a program in a jail as guard_spawn() makes it, waits for it and ends as it did. It gets
 * the descriptors named by -f as 3, 4, … after 0, 1 and 2. -c makes a cgroup with the memory and
 * process limits; -t prints how long the start took. As root, the program is user 65534.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard/guard.h"

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: jailed [-p um|um-volumes] [-f FD]... [-v DIR[:ro]]... [-m BYTES] "
			"[-n PROCESSES] [-c ID] [-t] PROGRAM [ARG...]\n");
	exit(2);
}

static void add_volume(struct guard_spec *spec, char *arg)
{
	char *colon = strrchr(arg, ':');
	struct guard_bind *bind = &spec->binds[spec->bind_count++];

	if (spec->bind_count > GUARD_BINDS_MAX)
		usage();
	bind->read_only = colon && !strcmp(colon, ":ro");
	if (bind->read_only)
		*colon = '\0';
	bind->source_fd = open(arg, O_PATH | O_CLOEXEC);
	if (bind->source_fd < 0) {
		perror(arg);
		exit(2);
	}
}

static void add_fd(struct guard_spec *spec, const char *arg)
{
	if (spec->fd_count == GUARD_FDS_MAX)
		usage();
	spec->fds[spec->fd_count++] = atoi(arg);
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static enum guard_profile profile_by_name(const char *name)
{
	int i;

	for (i = 0; i < GUARD_PROFILES; i++)
		if (!strcmp(guard_profile_name((enum guard_profile)i), name))
			return (enum guard_profile)i;
	usage();
}

/* Ends as the jailed program did. */
static int await(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	static struct guard_spec spec = { .fds = { 0, 1, 2 }, .fd_count = 3, .host_uid = 65534,
					  .host_gid = 65534, .cgroup_fd = -1 };
	/* Not empty: a um kernel looks for the top of its stack there. */
	static char home[] = "HOME=/";
	char *const envp[] = { home, NULL };
	struct guard_limits limits = { 0 };
	struct guard_cgroup cg;
	const char *id = NULL;
	struct err err = ERR_INIT;
	int option, timed = 0, pidfd, status;
	long long begin;
	pid_t pid;

	while ((option = getopt(argc, argv, "+p:f:v:m:n:c:t")) != -1) {
		switch (option) {
		case 'p':
			spec.profile = profile_by_name(optarg);
			break;
		case 'f':
			add_fd(&spec, optarg);
			break;
		case 'v':
			add_volume(&spec, optarg);
			break;
		case 'm':
			spec.memory_max = limits.memory = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			spec.process_max = limits.pids = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			id = optarg;
			break;
		case 't':
			timed = 1;
			break;
		default:
			usage();
		}
	}
	if (optind == argc)
		usage();
	spec.exec_fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
	if (spec.exec_fd < 0) {
		perror(argv[optind]);
		return 2;
	}
	spec.argv = argv + optind;
	spec.envp = envp;
	if (id) {
		if (guard_cgroup_create(id, &limits, &cg, &err) < 0)
			goto fail;
		if (*cg.missing)
			fprintf(stderr, "jailed: not limited: %s\n", cg.missing);
		spec.cgroup_fd = cg.v2_fd;
		spec.cgroup_procs = (const char *const *)cg.procs;
	}
	begin = now_ns();
	if (guard_spawn(&spec, &pid, &pidfd, &err) < 0)
		goto fail;
	if (timed)
		fprintf(stderr, "jailed: %lld us\n", (now_ns() - begin) / 1000);
	status = await(pid);
	if (id)
		guard_cgroup_remove(&cg);
	return status;
fail:
	fprintf(stderr, "jailed: %s\n%s%s\n", err.text, *err.hint ? "hint: " : "", err.hint);
	if (id)
		guard_cgroup_remove(&cg);
	return 125;
}
