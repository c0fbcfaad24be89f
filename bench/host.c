// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: host.h. */
#include "bench/host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"

#define FILE_LIMIT (1024 * 1024)

int host_list_add(struct host_list *list, pid_t pid, struct err *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		pid_t *pids = reallocarray(list->pids, room, sizeof(*pids));

		if (!pids)
			return err_sys(err, ENOMEM, "cannot list processes");
		list->pids = pids;
		list->room = room;
	}
	list->pids[list->count++] = pid;
	return 0;
}

int host_list_has(const struct host_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->pids[i] == pid)
			return 1;
	return 0;
}

void host_list_free(struct host_list *list)
{
	free(list->pids);
	*list = (struct host_list){ 0 };
}

/* The parent, or -1 when the process is over. Its name may hold anything, so from behind. */
static pid_t parent_of(const char *pid)
{
	cleanup_free char *text = NULL;
	char path[300];
	const char *end;
	char state;
	int parent;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (fd_read_file(AT_FDCWD, path, FILE_LIMIT, &text, NULL, NULL))
		return -1;
	end = strrchr(text, ')');
	if (!end || sscanf(end, ") %c %d", &state, &parent) != 2 || state == 'Z' || state == 'X')
		return -1;
	return parent;
}

/* Lists of all processes and, at the same places, of their parents. */
static int snapshot(struct host_list *all, struct host_list *parents, struct err *err)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return err_sys(err, errno, "cannot list /proc");
	while (!ret && (entry = readdir(dir))) {
		pid_t parent;

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		parent = parent_of(entry->d_name);
		if (parent < 0)
			continue;
		ret = host_list_add(all, (pid_t)strtol(entry->d_name, NULL, 10), err);
		if (!ret)
			ret = host_list_add(parents, parent, err);
	}
	closedir(dir);
	return ret;
}

int host_below(pid_t root, const struct host_list *without, struct host_list *list, struct err *err)
{
	struct host_list all = { 0 }, parents = { 0 };
	size_t next = list->count;
	pid_t of = root;
	int ret = snapshot(&all, &parents, err);

	while (!ret) {
		for (size_t i = 0; !ret && i < parents.count; i++)
			if (parents.pids[i] == of &&
			    !(without && host_list_has(without, all.pids[i])))
				ret = host_list_add(list, all.pids[i], err);
		if (next == list->count)
			break;
		of = list->pids[next++];
	}
	host_list_free(&all);
	host_list_free(&parents);
	return ret;
}

int host_alive(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return parent_of(text) >= 0;
}

/* --- memory ---------------------------------------------------------------------------------- */

/* The kilobytes behind "KEY:" at the start of a line, as bytes; 0 if there is no such line. */
static uint64_t kilobytes_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == ':')
			return strtoull(line + length + 1, NULL, 10) * 1024;
	}
	return 0;
}

int host_memory_read(pid_t pid, uint64_t bytes[MEMORY_KINDS], struct err *err)
{
	cleanup_free char *text = NULL;
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	ret = fd_read_file(AT_FDCWD, path, FILE_LIMIT, &text, NULL, err);
	if (ret)
		return ret == -ENOENT ? -ESRCH : ret;
	bytes[MEMORY_PSS] = kilobytes_of(text, "Pss") + kilobytes_of(text, "SwapPss");
	bytes[MEMORY_ANON] = kilobytes_of(text, "Pss_Anon");
	bytes[MEMORY_FILE] = kilobytes_of(text, "Pss_File");
	bytes[MEMORY_SHMEM] = kilobytes_of(text, "Pss_Shmem");
	bytes[MEMORY_DIRTY] = kilobytes_of(text, "Private_Dirty");
	return 0;
}

int host_memory_shared(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

int host_available_read(uint64_t *bytes, struct err *err)
{
	cleanup_free char *text = NULL;
	int ret = fd_read_file(AT_FDCWD, "/proc/meminfo", FILE_LIMIT, &text, NULL, err);

	if (!ret)
		*bytes = kilobytes_of(text, "MemAvailable");
	return ret;
}

/* --- context switches ------------------------------------------------------------------------ */

int host_switches_read(pid_t pid, uint64_t *switches, struct err *err)
{
	const char *key = "\nvoluntary_ctxt_switches:";
	struct dirent *entry;
	char path[300];
	DIR *dir;

	*switches = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : err_sys(err, errno, "cannot list %s", path);
	while ((entry = readdir(dir))) {
		cleanup_free char *text = NULL;
		const char *line;

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, entry->d_name);
		if (fd_read_file(AT_FDCWD, path, FILE_LIMIT, &text, NULL, NULL))
			continue; /* a thread that has just ended */
		line = strstr(text, key);
		if (line)
			*switches += strtoull(line + strlen(key), NULL, 10);
	}
	closedir(dir);
	return 0;
}

/* --- the host itself ------------------------------------------------------------------------- */

static void processor(char *text, size_t size)
{
	const char *key = "\nmodel name";
	cleanup_free char *info = NULL;
	const char *line;

	snprintf(text, size, "an unnamed processor");
	if (fd_read_file(AT_FDCWD, "/proc/cpuinfo", FILE_LIMIT * 8, &info, NULL, NULL))
		return;
	line = strstr(info, key);
	line = line ? strchr(line + 1, ':') : NULL;
	if (line) {
		line += 1 + strspn(line + 1, " \t");
		snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
	}
}

void host_describe(char *text, size_t size)
{
	char model[128];
	struct utsname name;
	double load = 0;

	processor(model, sizeof(model));
	uname(&name);
	getloadavg(&load, 1);
	snprintf(text, size, "%s %s, %ld CPUs, %s, load %.2f", name.sysname, name.release,
		 sysconf(_SC_NPROCESSORS_ONLN), model, load);
}
