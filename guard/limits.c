// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resource limits of one process and its children: what holds where no cgroup can be had, and
 * what a cgroup does not count.
 *
 * Theory of operation
 * -------------------
 * Memory. A um kernel's memory is a shared mapping of a memory file, which RLIMIT_DATA does not
 * count; what it counts, private memory, is small in the kernel and in stubs, so the limit can be
 * tight. RLIMIT_AS is a wide fence: a guest may map its memory more than once. RLIMIT_FSIZE keeps
 * every file, memory files too, to the size that the largest of its disks or its memory needs.
 *
 * Processes. From Linux 5.14 on, RLIMIT_NPROC counts within a user namespace, of which each jail
 * has its own. Before, it counts over the whole host by user, so that one container could use up
 * what belongs to its neighbour: there, it is not set.
 *
 * Core dumps. A limit of 0 does not keep a core from a host's pipe handler; a limit of 1 does.
 */
#include "guard/jail.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "guard/sys.h"

#define MIB (1024ULL * 1024)
#define GIB (1024 * MIB)

#define UM_PROCESSES	4096
#define UM_PRIVATE	(256 * MIB)
#define UM_SPACE_FACTOR 16
#define UM_SPACE_BASE	(4 * GIB)
#define MONITOR_MEMORY	(256 * MIB)
#define MONITOR_FILES	1024
#define STACK		(8 * MIB)

uint64_t guard_limits_file_max(const int *fds, size_t count)
{
	uint64_t max = 0;
	struct stat st;
	size_t i;

	for (i = 0; i < count; i++)
		if (fds[i] >= 0 && fstat(fds[i], &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size > max)
			max = (uint64_t)st.st_size;
	return max;
}

static int nproc_is_per_namespace(void)
{
	unsigned int major, minor;
	struct utsname host;

	if (uname(&host) < 0 || sscanf(host.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major > 5 || (major == 5 && minor >= 14);
}

/* Both limits, or as far down from the present hard limit as it is; never up. */
static int set(int resource, const char *name, uint64_t value, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return err_sys(err, errno, "jail: reading the limit %s", name);
	if (limit.rlim_max > value)
		limit.rlim_max = value;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(resource, &limit) < 0)
		return err_sys(err, errno, "jail: setting the limit %s", name);
	return 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t um_space(uint64_t memory)
{
	uint64_t space;

	if (!memory || __builtin_mul_overflow(memory, UM_SPACE_FACTOR, &space) ||
	    __builtin_add_overflow(space, UM_SPACE_BASE, &space))
		return RLIM_INFINITY;
	return space;
}

int guard_limits_set(enum guard_profile profile, const struct guard_rlimits *limits,
		     struct err *err)
{
	int um = profile != GUARD_MONITOR;
	uint64_t processes = limits->process_max ? limits->process_max : UM_PROCESSES;
	uint64_t files = um && limits->memory_max && !guard_has_volumes(profile) ?
				 larger(limits->memory_max, limits->file_max) :
				 RLIM_INFINITY;
	const struct {
		int resource;
		const char *name;
		uint64_t value;
	} all[] = {
		{ RLIMIT_CORE, "core", 1 },
		{ RLIMIT_MEMLOCK, "memlock", 0 },
		{ RLIMIT_MSGQUEUE, "msgqueue", 0 },
		{ RLIMIT_NICE, "nice", 0 },
		{ RLIMIT_RTPRIO, "rtprio", 0 },
		{ RLIMIT_SIGPENDING, "sigpending", 4096 },
		{ RLIMIT_STACK, "stack", STACK },
		{ RLIMIT_DATA, "data", um ? UM_PRIVATE : MONITOR_MEMORY },
		{ RLIMIT_AS, "as", um ? um_space(limits->memory_max) : GIB },
		{ RLIMIT_FSIZE, "fsize", files },
		/* One socket for each stub. */
		{ RLIMIT_NOFILE, "nofile", um ? processes + 256 : MONITOR_FILES },
		{ RLIMIT_NPROC, "nproc",
		  !um ? 0 : nproc_is_per_namespace() ? processes : RLIM_INFINITY },
	};
	size_t i;
	int rc;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		rc = set(all[i].resource, all[i].name, all[i].value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
