// SPDX-License-Identifier: GPL-2.0-or-later
/* Placement of a machine on the host's CPUs; the theory stands in place.h. */
#include "machine/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum { SHORTEST_MS = 250, LONGEST_MS = 16000 };

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int bind_one(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set);
}

void place_start(struct place *place, pid_t pid)
{
	cpu_set_t allowed;

	*place = (struct place){ .interval_ms = SHORTEST_MS };
	place->cpu = sched_getcpu();
	/* With one CPU, or where the host will not say, there is nothing to choose. */
	if (place->cpu < 0 || place->cpu >= PLACE_CPUS_MAX ||
	    sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || CPU_COUNT(&allowed) < 2)
		return;
	if (bind_one(pid, place->cpu) < 0)
		return;
	place->pid = pid;
	place->at = now_ns();
}

/* Calls `each` for every thread of the kernel process and, through them, for every child. */
static void for_all(pid_t pid, void (*each)(pid_t tid, void *arg), void *arg)
{
	struct dirent *ent;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((ent = readdir(tasks))) {
		cleanup_free char *children = NULL;
		char name[300], *at, *end;
		long tid;

		if (ent->d_name[0] == '.')
			continue;
		each((pid_t)atoi(ent->d_name), arg);
		snprintf(name, sizeof(name), "%s/children", ent->d_name);
		if (fd_read_file(dirfd(tasks), name, 1 << 20, &children, NULL, NULL) < 0)
			continue;
		for (at = children; (tid = strtol(at, &end, 10)) > 0 && end != at; at = end)
			each((pid_t)tid, arg);
	}
	closedir(tasks);
}

static void move_one(pid_t tid, void *cpu)
{
	bind_one(tid, *(int *)cpu);
}

struct times {
	uint64_t ran, waited; /* ns */
};

static void add_times(pid_t tid, void *sum)
{
	cleanup_free char *text = NULL;
	struct times *times = sum;
	uint64_t ran, waited;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)tid);
	if (fd_read_file(AT_FDCWD, path, 256, &text, NULL, NULL) < 0 ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		return;
	times->ran += ran;
	times->waited += waited;
}

/* What came on top; a process that is gone has taken its share along. */
static uint64_t more(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/*
 * Reads each CPU's idle ticks; returns the allowed CPU that was idle longest since the last look
 * and how much of that time, in percent, or -1 on a first look or a failure.
 */
static int most_idle(struct place *place, uint64_t now, unsigned *percent)
{
	uint64_t ticks = (now - place->idle_at) / (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
	int best = -1, first = place->idle_at == 0;
	uint64_t best_idle = 0;
	cpu_set_t allowed;
	char *line = NULL;
	size_t room = 0;
	FILE *stat;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return -1;
	stat = fopen("/proc/stat", "re");
	if (!stat)
		return -1;
	while (getline(&line, &room, stat) > 0 && !strncmp(line, "cpu", 3)) {
		uint64_t user, nice, system, idle, since;
		unsigned cpu;

		if (sscanf(line, "cpu%u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &cpu,
			   &user, &nice, &system, &idle) != 5 ||
		    cpu >= PLACE_CPUS_MAX)
			continue;
		since = idle - place->idle[cpu];
		place->idle[cpu] = idle;
		if (!first && CPU_ISSET(cpu, &allowed) && since > best_idle) {
			best_idle = since;
			best = (int)cpu;
		}
	}
	free(line);
	fclose(stat);
	place->idle_at = now;
	*percent = ticks ? (unsigned)(best_idle * 100 / ticks) : 0;
	return best;
}

int place_check(struct place *place)
{
	uint64_t now = now_ns(), elapsed = now - place->at, ran, waited;
	struct times times = { 0 };
	unsigned idle_percent = 0;
	int cpu;

	if (!place->pid)
		return -1;
	for_all(place->pid, add_times, &times);
	if (!times.ran)
		return -1;
	if (elapsed == 0)
		return (int)place->interval_ms;
	ran = more(times.ran, place->ran);
	waited = more(times.waited, place->waited);
	if (ran + waited < elapsed / 50)
		place->interval_ms = place->interval_ms * 2 < LONGEST_MS ? place->interval_ms * 2 :
									   LONGEST_MS;
	else
		place->interval_ms = SHORTEST_MS;
	if (waited > elapsed / 4) {
		cpu = most_idle(place, now, &idle_percent);
		if (cpu >= 0 && cpu != place->cpu && idle_percent > 50) {
			for_all(place->pid, move_one, &cpu);
			place->cpu = cpu;
			place->idle_at = 0;
		}
	} else {
		place->idle_at = 0;
	}
	place->at = now;
	place->ran = times.ran;
	place->waited = times.waited;
	return (int)place->interval_ms;
}
