// SPDX-License-Identifier: GPL-2.0-or-later
/* A jailed process as the host sees it; the contract stands in inspect.h. */
#include "inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "tap.h"

#define STATUS_MAX (64 * 1024)

static char *proc_file(pid_t pid, const char *name)
{
	char path[64], *text = NULL;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (fd_read_file(AT_FDCWD, path, STATUS_MAX, &text, NULL, NULL) < 0)
		return strdup("");
	return text;
}

/* Is "NAME:\tVALUE" a line of it, but for blanks at the end? */
static void has_line(const char *status, const char *name, const char *value)
{
	char start[64], found[128] = "nothing";
	const char *line;

	snprintf(start, sizeof(start), "\n%s:\t", name);
	line = strstr(status, start);
	if (line)
		snprintf(found, sizeof(found), "%.*s", (int)strcspn(line + strlen(start), "\n"),
			 line + strlen(start));
	while (*found && found[strlen(found) - 1] == ' ')
		found[strlen(found) - 1] = '\0';
	tap_ok(!strcmp(found, value), "inspect: %s is %s (%s)", name, *value ? value : "empty", found);
}

static void has_no_privileges(pid_t pid, uid_t uid)
{
	cleanup_free char *status = proc_file(pid, "status");
	char ids[64];

	snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", uid, uid, uid, uid);
	has_line(status, "Uid", ids);
	has_line(status, "CapInh", "0000000000000000");
	has_line(status, "CapPrm", "0000000000000000");
	has_line(status, "CapEff", "0000000000000000");
	has_line(status, "CapBnd", "0000000000000000");
	has_line(status, "CapAmb", "0000000000000000");
	has_line(status, "NoNewPrivs", "1");
	has_line(status, "Seccomp", "2");
	/* An ordinary user cannot leave groups. */
	if (geteuid() == 0)
		has_line(status, "Groups", "");
}

/* The first `count` of all kinds. */
static void has_own_namespaces(pid_t pid, size_t count)
{
	static const char *const kinds[] = { "user", "mnt", "net", "ipc", "uts", "pid" };
	char path[64], theirs[64], ours[64];
	size_t i;

	for (i = 0; i < count; i++) {
		ssize_t a, b;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kinds[i]);
		a = readlink(path, theirs, sizeof(theirs) - 1);
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		b = readlink(path, ours, sizeof(ours) - 1);
		tap_ok(a > 0 && b > 0 && (a != b || memcmp(theirs, ours, (size_t)a) != 0),
		       "inspect: %s namespace of its own", kinds[i]);
	}
}

static void inherits_nothing(pid_t pid)
{
	cleanup_free char *status = proc_file(pid, "status");

	has_line(status, "SigIgn", "0000000000000000");
	has_line(status, "SigBlk", "0000000000000000");
	tap_ok(getsid(pid) == pid, "inspect: session of its own");
	tap_ok(getpgid(pid) == pid, "inspect: process group of its own");
}

/* How the root is mounted; fields 5 and 6 of a line are where and how. */
static size_t count_mounts(const char *mounts, char root[128])
{
	char at[128], how[128];
	size_t count = 0;

	*root = '\0';
	for (; *mounts; mounts = strchrnul(mounts, '\n'), mounts += *mounts == '\n') {
		count++;
		if (sscanf(mounts, "%*s %*s %*s %*s %127s %127s", at, how) == 2 && !strcmp(at, "/"))
			strcpy(root, how);
	}
	return count;
}

static void sees_an_empty_root(pid_t pid, size_t volumes)
{
	cleanup_free char *mounts = proc_file(pid, "mountinfo");
	size_t names = 0, count;
	char root[128], path[64];
	DIR *dir;

	count = count_mounts(mounts, root);
	tap_ok(count == 1 + volumes, "inspect: %zu mounts (%zu)", 1 + volumes, count);
	tap_ok(!strncmp(root, "ro,nosuid,nodev,noexec", 22), "inspect: the root is read-only (%s)",
	       root);
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		names++;
	if (dir)
		closedir(dir);
	tap_ok(names == 2 + (volumes > 0), "inspect: the root is empty but for volumes (%zu)", names);
}

static void holds_descriptors(pid_t pid, int count)
{
	char path[64];
	struct dirent *ent;
	int highest = -1, held = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (ent = readdir(dir)))
		if (*ent->d_name != '.') {
			held++;
			if (atoi(ent->d_name) > highest)
				highest = atoi(ent->d_name);
		}
	if (dir)
		closedir(dir);
	tap_ok(held == count && highest == count - 1, "inspect: descriptors 0 to %d (%d, up to %d)",
	       count - 1, held, highest);
}

/* Lines look like "Max core file size        SOFT        HARD        bytes". */
static void has_limit(pid_t pid, const char *name, unsigned long long most)
{
	cleanup_free char *limits = proc_file(pid, "limits");
	const char *line = strstr(limits, name);
	unsigned long long soft, hard;

	if (!tap_ok(line && sscanf(line + strlen(name), "%llu %llu", &soft, &hard) == 2,
		    "inspect: there is a limit: %s", name))
		return;
	tap_ok(soft <= most && hard <= most, "inspect: %s: %llu", name, hard);
}

static void is_fixed_in_memory(pid_t pid)
{
	cleanup_free char *personality = proc_file(pid, "personality");

	tap_ok(!strcmp(personality, "00040000\n"), "inspect: no address randomisation");
}

void inspect_jail(pid_t pid, uid_t uid, size_t volumes, int descriptors)
{
	has_no_privileges(pid, uid);
	has_own_namespaces(pid, 6);
	inherits_nothing(pid);
	sees_an_empty_root(pid, volumes);
	holds_descriptors(pid, descriptors);
	has_limit(pid, "Max core file size", 1);
	has_limit(pid, "Max locked memory", 0);
	has_limit(pid, "Max msgqueue size", 0);
	is_fixed_in_memory(pid);
}

void inspect_entered(pid_t pid, uid_t uid)
{
	has_no_privileges(pid, uid);
	/* Its pid namespace is for children only, of which there are none to see it by. */
	has_own_namespaces(pid, 5);
	sees_an_empty_root(pid, 0);
	has_limit(pid, "Max core file size", 1);
	has_limit(pid, "Max processes", 0);
}
