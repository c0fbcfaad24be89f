// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The jail, as inspect shows it: for each process of a container what it may ask of the host, and
 * what it holds.
 *
 * Theory of operation
 * -------------------
 * What was meant comes from guard/ (system call lists with their reasons) and from the tables of
 * what descriptor is what. What is so comes from /proc, while the process lives: its descriptors,
 * its namespaces (its own, or shared with the host), its limits, its capabilities. Where /proc is
 * not open to this user, that is said instead. /proc answers about a number; that the container's
 * lock is held makes sure that the number still is the process.
 */
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

enum { PROC_FILE_MAX = 64 * 1024 };

struct process {
	const char *role;
	pid_t pid; /* 0: not alive */
	enum guard_profile start, profile; /* before user code runs, and after */
	int jailed;
	const char *const *rights; /* by descriptor */
	size_t right_count;
};

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, cli_json_text(text));
}

static struct json_object *calls_of(enum guard_profile profile)
{
	struct json_object *array = json_object_new_array();
	size_t count;
	const struct guard_call *calls = guard_profile_calls(profile, &count);

	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_new_object();

		add_text(o, "Name", calls[i].name);
		if (calls[i].condition[0])
			add_text(o, "Condition", calls[i].condition);
		add_text(o, "Reason", calls[i].reason);
		json_object_array_add(array, o);
	}
	return array;
}

/* --- from /proc ------------------------------------------------------------------------------ */

static int open_proc(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The numbers in PROC/fd, sorted; NULL if this user may not see them. */
static int *descriptors(int proc_fd, size_t *count)
{
	int fd = openat(proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), *numbers = NULL;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *ent;

	*count = 0;
	if (!dir) {
		fd_close(&fd);
		return NULL;
	}
	while ((ent = readdir(dir))) {
		int *grown;

		if (ent->d_name[0] == '.')
			continue;
		grown = realloc(numbers, (*count + 1) * sizeof(*grown));
		if (!grown)
			break;
		numbers = grown;
		numbers[(*count)++] = atoi(ent->d_name);
	}
	closedir(dir);
	if (*count > 1)
		qsort(numbers, *count, sizeof(*numbers), compare_numbers);
	return numbers;
}

static struct json_object *rights_of(const struct process *p, int proc_fd)
{
	struct json_object *array = json_object_new_array();
	size_t count;
	int *numbers = descriptors(proc_fd, &count);

	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_new_object();
		char path[32], target[PATH_MAX];
		ssize_t n;

		snprintf(path, sizeof(path), "fd/%d", numbers[i]);
		n = readlinkat(proc_fd, path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		json_object_object_add(o, "Descriptor", json_object_new_int(numbers[i]));
		if ((size_t)numbers[i] < p->right_count && p->rights[numbers[i]])
			add_text(o, "Right", p->rights[numbers[i]]);
		add_text(o, "What", target);
		json_object_array_add(array, o);
	}
	free(numbers);
	return array;
}

static struct json_object *namespaces_of(int proc_fd)
{
	static const char *const kinds[] = { "user", "pid", "mnt", "net", "ipc", "uts", "cgroup" };
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char path[64], theirs[64], ours[64];
		ssize_t a, b;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		a = readlink(path, ours, sizeof(ours));
		/* The one that its children are in: the monitor's own would be the host's. */
		snprintf(path, sizeof(path), "ns/%s%s", kinds[i],
			 !strcmp(kinds[i], "pid") ? "_for_children" : "");
		b = readlinkat(proc_fd, path, theirs, sizeof(theirs));
		if (b < 0)
			add_text(o, kinds[i],
				 errno == EACCES ? "not to be seen by this user"
						 : "own, and nobody may be in it");
		else
			add_text(o, kinds[i],
				 a == b && !memcmp(ours, theirs, (size_t)a) ? "shared" : "own");
	}
	return o;
}

/* Lines like "Max open files            64                   64                   files". */
static struct json_object *limits_of(int proc_fd)
{
	static const char *const wanted[] = { "Max address space",   "Max processes",
					      "Max open files",      "Max file size",
					      "Max locked memory",   "Max core file size",
					      "Max pending signals", "Max msgqueue size" };
	struct json_object *o = json_object_new_object();
	cleanup_free char *text = NULL;

	if (fd_read_file(proc_fd, "limits", PROC_FILE_MAX, &text, NULL, NULL) < 0)
		return o;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char *line = strstr(text, wanted[i]);
		char soft[32];

		if (line && sscanf(line + strlen(wanted[i]), "%31s", soft) == 1)
			add_text(o, wanted[i] + strlen("Max "), soft);
	}
	return o;
}

/* "CapBnd:\t0000" and the like, of PROC/status. */
static void add_status(struct json_object *o, int proc_fd)
{
	static const struct {
		const char *field, *key;
	} wanted[] = { { "\nCapEff:", "CapabilitiesEffective" },
		       { "\nCapBnd:", "CapabilitiesBounding" },
		       { "\nNoNewPrivs:", "NoNewPrivileges" },
		       { "\nSeccomp:", "SeccompMode" },
		       { "\nUid:", "HostUid" } };
	cleanup_free char *text = NULL;

	if (fd_read_file(proc_fd, "status", PROC_FILE_MAX, &text, NULL, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char *line = strstr(text, wanted[i].field);
		char value[32];

		if (line && sscanf(line + strlen(wanted[i].field), "%31s", value) == 1)
			add_text(o, wanted[i].key, value);
	}
}

static struct json_object *cgroups_of(int proc_fd)
{
	struct json_object *array = json_object_new_array();
	cleanup_free char *text = NULL;
	char *rest, *line;

	if (fd_read_file(proc_fd, "cgroup", PROC_FILE_MAX, &text, NULL, NULL) < 0)
		return array;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (strstr(line, "/hillock-"))
			json_object_array_add(array, cli_json_text(line));
	}
	return array;
}

/* --- all of it ------------------------------------------------------------------------------- */

static struct json_object *describe(const struct process *p)
{
	struct json_object *o = json_object_new_object();
	cleanup_close int proc = p->pid > 0 ? open_proc(p->pid) : -1;

	add_text(o, "Process", p->role);
	if (p->jailed) {
		add_text(o, "Profile", guard_profile_name(p->profile));
		json_object_object_add(o, "SystemCalls", calls_of(p->profile));
		if (p->start != p->profile)
			json_object_object_add(o, "SystemCallsAtStart", calls_of(p->start));
	} else {
		add_text(o, "Profile", "not jailed: it reads nothing that a guest wrote");
	}
	if (proc < 0)
		return o;
	json_object_object_add(o, "Pid", json_object_new_int(p->pid));
	add_status(o, proc);
	json_object_object_add(o, "Rights", rights_of(p, proc));
	json_object_object_add(o, "Namespaces", namespaces_of(proc));
	json_object_object_add(o, "Limits", limits_of(proc));
	json_object_object_add(o, "Cgroups", cgroups_of(proc));
	return o;
}

static void machine_profiles(const struct container *c, struct process *p)
{
	const struct machine_ops *machine = machine_find(c->config.machine);
	struct machine_spec spec = { .cpus = c->config.vcpus, .mode = c->config.mode };

	for (unsigned i = 0; i < c->config.mount_count; i++)
		spec.volume_count += !strcmp(c->config.mounts[i].kind, "volume");
	p->start = machine ? machine->profile(&spec) : GUARD_UM;
	p->profile = machine ? machine->profile_running(&spec) : GUARD_UM;
}

struct json_object *cli_jail(const struct container *c)
{
	const struct machine_ops *machine = machine_find(c->config.machine);
	struct process processes[] = {
		{ .role = "kernel",
		  .pid = c->alive ? c->state.machine : 0,
		  .jailed = 1,
		  .rights = machine ? machine->rights : NULL,
		  .right_count = machine ? machine->right_count : 0 },
		{ .role = "monitor",
		  .pid = c->alive ? c->state.monitor : 0,
		  .start = GUARD_MONITOR,
		  .profile = GUARD_MONITOR,
		  .jailed = 1,
		  .rights = container_right_names,
		  .right_count = CONTAINER_RIGHTS },
		{ .role = "keeper", .pid = c->alive ? c->state.keeper : 0 },
	};
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();

	machine_profiles(c, &processes[0]);
	json_object_object_add(o, "LandlockAbi", json_object_new_int(c->state.landlock));
	add_text(o, "NotLimited", c->state.unlimited);
	for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
		json_object_array_add(array, describe(&processes[i]));
	json_object_object_add(o, "Processes", array);
	return o;
}
