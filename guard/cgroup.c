// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits of a container as a whole: cgroups, where this caller may make one.
 *
 * Theory of operation
 * -------------------
 * /proc/self/mountinfo says which hierarchies there are, /proc/self/cgroup where the caller
 * stands in each. A limit that is wanted is set in a new cgroup `hillock-ID`: in the version 1
 * hierarchy that has its controller, else in the version 2 one.
 *
 * Version 1: below the caller's own cgroup. Version 2 does not allow a cgroup with processes to
 * hand controllers to its children, so the new one is as near to the caller's own as it can be:
 * the search goes from there towards the root and takes the first place where a directory may be
 * made and every wanted controller is there, else the one with most of them.
 *
 * A limit that cannot be set is no error: `missing` says which, and why. A limit of nothing is
 * not set, and no cgroup is made for it.
 *
 * Removal kills what is left, waits for those processes' ends, and tries again for a few seconds:
 * a cgroup stays busy until the last one has left the CPU.
 */
#include "guard/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define PROC_FILE_MAX	 (1024 * 1024)
#define CPU_PERIOD	 100000 /* µs */
#define CPU_QUOTA_MIN	 1000	/* µs, the kernel's */
#define REMOVE_TIMEOUT	 5000	/* ms */
#define REMOVE_AT_ONCE	 64	/* processes waited for at a time */
#define PATHS_MAX	 ((int)(sizeof(((struct guard_cgroup *)0)->paths) / sizeof(char *)) - 1)

enum resource { MEMORY, CPUS, PIDS, RESOURCES };

static const struct {
	const char *controller, *says;
} resources[RESOURCES] = {
	[MEMORY] = { "memory", "memory" },
	[CPUS] = { "cpu", "cpus" },
	[PIDS] = { "pids", "processes" },
};

struct search {
	const char *id;
	const struct guard_limits *limits;
	struct guard_cgroup *cg;
	char *mountinfo, *own; /* the two files of /proc/self */
};

__attribute__((format(printf, 3, 4))) static void say_missing(struct guard_cgroup *cg,
							       enum resource r, const char *fmt,
							       ...)
{
	size_t used = strlen(cg->missing), room = sizeof(cg->missing);
	va_list ap;

	snprintf(cg->missing + used, room - used, "%s%s: ", used ? "; " : "", resources[r].says);
	used = strlen(cg->missing);
	va_start(ap, fmt);
	vsnprintf(cg->missing + used, room - used, fmt, ap);
	va_end(ap);
}

static int is_wanted(const struct guard_limits *limits, enum resource r)
{
	return r == MEMORY ? limits->memory > 0 : r == CPUS ? limits->cpus > 0 : limits->pids > 0;
}

/* --- where ---------------------------------------------------------------------------------- */

/* Is `word` in a list like "cpu,cpuacct" or "cpu memory\n"? */
static int has_word(const char *list, const char *word)
{
	size_t length = strlen(word), n;

	while (*list) {
		n = strcspn(list, ", \n");
		if (n == length && !strncmp(list, word, n))
			return 1;
		list += n + strspn(list + n, ", \n");
	}
	return 0;
}

/* A copy of the line that begins at `line`, and the next line's beginning. */
static char *take_line(const char **next)
{
	const char *line = *next, *end = strchrnul(line, '\n');

	*next = *end ? end + 1 : end;
	return strndup(line, (size_t)(end - line));
}

/* Undoes mountinfo's octal escapes in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/*
 * The mount of the hierarchy with `controller` (NULL: version 2): where it is mounted, and which
 * of its directories is seen there. Lines look like
 * "36 35 0:30 /ROOT /MOUNTPOINT options optional… - cgroup source SUPEROPTIONS".
 */
static int find_mount(const struct search *s, const char *controller, char *root, char *at)
{
	const char *next = s->mountinfo;

	while (*next) {
		cleanup_free char *line = take_line(&next);
		char *tail = line ? strstr(line, " - ") : NULL;
		char type[32], options[1024];

		if (!tail || sscanf(tail, " - %31s %*s %1023s", type, options) != 2 ||
		    strcmp(type, controller ? "cgroup" : "cgroup2") != 0 ||
		    (controller && !has_word(options, controller)) ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root, at) != 2)
			continue;
		unescape(root);
		unescape(at);
		return 1;
	}
	return 0;
}

/* The caller's cgroup in that hierarchy; lines look like "4:memory:/PATH", version 2: "0::/PATH". */
static int find_own(const struct search *s, const char *controller, char *path)
{
	const char *next = s->own;

	while (*next) {
		cleanup_free char *line = take_line(&next);
		char *list = line ? strchr(line, ':') : NULL, *name = list ? strchr(list + 1, ':')
									    : NULL;

		if (!name)
			continue;
		*name++ = '\0';
		if (controller ? !has_word(list + 1, controller) : list[1] != '\0')
			continue;
		return (size_t)snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	}
	return 0;
}

/* The caller's own directory as it can be reached, and the mount that it is below. */
static int find_directory(const struct search *s, const char *controller, char *at, char *dir)
{
	char root[PATH_MAX], path[PATH_MAX];
	const char *below = path;
	size_t length;

	if (!find_mount(s, controller, root, at) || !find_own(s, controller, path))
		return 0;
	length = strcmp(root, "/") ? strlen(root) : 0;
	if (!strncmp(path, root, length) && (path[length] == '/' || path[length] == '\0'))
		below = path + length;
	if (!strcmp(below, "/"))
		below = "";
	return (size_t)snprintf(dir, PATH_MAX, "%s%s", at, below) < PATH_MAX;
}

/* --- making and setting ----------------------------------------------------------------------- */

static int write_text(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	cleanup_close int fd = -1;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int write_number(const char *dir, const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_text(dir, name, text);
}

static uint64_t cpu_quota(double cpus)
{
	double quota = cpus * CPU_PERIOD;

	return quota < CPU_QUOTA_MIN ? CPU_QUOTA_MIN : quota > 1e12 ? 1000000000000ULL :
								      (uint64_t)quota;
}

/* A host that does not account for swap has no file for it. */
static int unless_absent(int rc)
{
	return rc == -ENOENT ? 0 : rc;
}

static int set_v1(const char *dir, enum resource r, const struct guard_limits *limits)
{
	int rc;

	if (r == PIDS)
		return write_number(dir, "pids.max", limits->pids);
	if (r == CPUS) {
		rc = write_number(dir, "cpu.cfs_period_us", CPU_PERIOD);
		return rc < 0 ? rc : write_number(dir, "cpu.cfs_quota_us", cpu_quota(limits->cpus));
	}
	rc = write_number(dir, "memory.limit_in_bytes", limits->memory);
	if (rc < 0)
		return rc;
	return unless_absent(write_number(dir, "memory.memsw.limit_in_bytes", limits->memory));
}

static int set_v2(const char *dir, enum resource r, const struct guard_limits *limits)
{
	char text[64];
	int rc;

	if (r == PIDS)
		return write_number(dir, "pids.max", limits->pids);
	if (r == CPUS) {
		snprintf(text, sizeof(text), "%llu %d", (unsigned long long)cpu_quota(limits->cpus),
			 CPU_PERIOD);
		return write_text(dir, "cpu.max", text);
	}
	rc = write_number(dir, "memory.max", limits->memory);
	if (rc == 0)
		rc = unless_absent(write_number(dir, "memory.swap.max", 0));
	/* The kernel and its stubs are one thing: none is left behind half dead. */
	return rc < 0 ? rc : unless_absent(write_text(dir, "memory.oom.group", "1"));
}

/* A leftover of that name that is empty may go. */
static int make_directory(const char *path)
{
	if (mkdir(path, 0755) == 0)
		return 0;
	if (errno == EEXIST && rmdir(path) == 0 && mkdir(path, 0755) == 0)
		return 0;
	return -errno;
}

/* Remembers a directory that was made; `with_procs`: children are moved into it by hand. */
static int remember(struct guard_cgroup *cg, const char *path, int with_procs)
{
	cleanup_free char *copy = strdup(path), *procs = NULL;
	int i, p;

	for (i = 0; i < PATHS_MAX && cg->paths[i]; i++)
		;
	for (p = 0; p < PATHS_MAX && cg->procs[p]; p++)
		;
	if (with_procs && asprintf(&procs, "%s/cgroup.procs", path) < 0)
		procs = NULL;
	if (!copy || i == PATHS_MAX || (with_procs && !procs))
		return -ENOMEM;
	cg->paths[i] = steal(&copy);
	cg->procs[p] = steal(&procs);
	return 0;
}

static int is_remembered(const struct guard_cgroup *cg, const char *path)
{
	int i;

	for (i = 0; i < PATHS_MAX && cg->paths[i]; i++)
		if (!strcmp(cg->paths[i], path))
			return 1;
	return 0;
}

/* Two controllers may be mounted together: then the directory is there already. */
static void limit_v1(struct search *s, enum resource r, const char *dir)
{
	char path[PATH_MAX];
	int rc = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/hillock-%s", dir, s->id) >= sizeof(path)) {
		say_missing(s->cg, r, "the path of its cgroup is too long");
		return;
	}
	if (!is_remembered(s->cg, path)) {
		rc = make_directory(path);
		if (rc == 0) {
			rc = remember(s->cg, path, 1);
			if (rc < 0)
				rmdir(path);
		}
	}
	if (rc < 0) {
		say_missing(s->cg, r, "no cgroup in %s (%s)", dir, strerror(-rc));
		return;
	}
	rc = set_v1(path, r, s->limits);
	if (rc < 0)
		say_missing(s->cg, r, "%s refused the limit (%s)", path, strerror(-rc));
}

/* Which of the wanted controllers do children of this version 2 cgroup get? */
static unsigned int offered_v2(const char *dir, unsigned int wanted)
{
	cleanup_free char *list = NULL;
	char path[PATH_MAX], text[32];
	unsigned int offered = 0, r;

	for (r = 0; r < RESOURCES; r++) {
		snprintf(text, sizeof(text), "+%s", resources[r].controller);
		/* May fail where it is set already, or processes are in the way: what counts is
		 * what can be read afterwards. */
		if (wanted & 1u << r)
			write_text(dir, "cgroup.subtree_control", text);
	}
	if ((size_t)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir) >= sizeof(path) ||
	    fd_read_file(AT_FDCWD, path, PROC_FILE_MAX, &list, NULL, NULL) < 0)
		return 0;
	for (r = 0; r < RESOURCES; r++)
		if (wanted & 1u << r && has_word(list, resources[r].controller))
			offered |= 1u << r;
	return offered;
}

/* Goes up from `dir` to the mount; leaves the best place's new directory in `path`. */
static unsigned int place_v2(const struct search *s, const char *at, char *dir, unsigned int wanted,
			     char *path, int *why)
{
	char candidate[PATH_MAX];
	unsigned int best = 0, offered;
	char *slash;

	*why = -ENOENT;
	for (;;) {
		if ((size_t)snprintf(candidate, sizeof(candidate), "%s/hillock-%s", dir, s->id) >=
		    sizeof(candidate))
			return best;
		offered = access(dir, W_OK) == 0 ? offered_v2(dir, wanted) : 0;
		if (__builtin_popcount(offered) > __builtin_popcount(best)) {
			int rc = make_directory(candidate);

			if (rc < 0) {
				*why = rc;
			} else {
				if (best)
					rmdir(path);
				best = offered;
				strcpy(path, candidate);
			}
		} else if (!offered && *why == -ENOENT && access(dir, W_OK) < 0) {
			*why = -errno;
		}
		slash = strrchr(dir, '/');
		if (best == wanted || strlen(dir) <= strlen(at) || !slash)
			return best;
		*slash = '\0';
	}
}

/* Why there is no version 2 cgroup, in words. */
static const char *why_none(int why)
{
	if (why == -ENOENT)
		return "the host offers no cgroup controller";
	if (why == -EACCES || why == -EPERM || why == -EROFS)
		return "no delegated cgroup (try systemd-run --user --scope -p Delegate=yes)";
	return strerror(-why);
}

static void limit_v2(struct search *s, unsigned int wanted)
{
	char at[PATH_MAX], dir[PATH_MAX], path[PATH_MAX];
	unsigned int got = 0, r;
	int why = -ENOENT, rc;

	if (find_directory(s, NULL, at, dir))
		got = place_v2(s, at, dir, wanted, path, &why);
	if (got) {
		s->cg->v2_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		why = s->cg->v2_fd < 0 ? -errno : remember(s->cg, path, 0);
		if (why < 0) {
			got = 0;
			fd_close(&s->cg->v2_fd);
			rmdir(path);
		}
	}
	for (r = 0; r < RESOURCES; r++) {
		if (!(wanted & 1u << r))
			continue;
		if (!(got & 1u << r)) {
			say_missing(s->cg, (enum resource)r, "%s", why_none(got ? -ENOENT : why));
			continue;
		}
		rc = set_v2(path, (enum resource)r, s->limits);
		if (rc < 0)
			say_missing(s->cg, (enum resource)r, "%s refused the limit (%s)", path,
				    strerror(-rc));
	}
}

int guard_cgroup_create(const char *id, const struct guard_limits *limits, struct guard_cgroup *cg,
			struct err *err)
{
	struct search s = { .id = id, .limits = limits, .cg = cg };
	cleanup_free char *mountinfo = NULL, *own = NULL;
	char at[PATH_MAX], dir[PATH_MAX];
	unsigned int rest = 0, r;
	int rc;

	memset(cg, 0, sizeof(*cg));
	cg->v2_fd = -1;
	if (!*id || strchr(id, '/'))
		return err_set(err, EINVAL, "cgroup: no name for one: '%s'", id);
	rc = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", PROC_FILE_MAX, &mountinfo, NULL, err);
	if (rc == 0)
		rc = fd_read_file(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &own, NULL, err);
	if (rc < 0)
		return err_context(err, "cgroup");
	s.mountinfo = mountinfo;
	s.own = own;
	for (r = 0; r < RESOURCES; r++) {
		if (!is_wanted(limits, (enum resource)r))
			continue;
		if (find_directory(&s, resources[r].controller, at, dir))
			limit_v1(&s, (enum resource)r, dir);
		else
			rest |= 1u << r;
	}
	if (rest)
		limit_v2(&s, rest);
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Kills the processes that are in it and waits for the end of those. Returns how many it saw. */
static int kill_members(const char *path, long until)
{
	cleanup_free char *procs = NULL;
	struct pollfd waits[REMOVE_AT_ONCE];
	char name[PATH_MAX];
	const char *next;
	int count = 0, i;

	write_text(path, "cgroup.kill", "1");
	if ((size_t)snprintf(name, sizeof(name), "%s/cgroup.procs", path) >= sizeof(name) ||
	    fd_read_file(AT_FDCWD, name, PROC_FILE_MAX, &procs, NULL, NULL) < 0)
		return 0;
	for (next = procs; *next && count < REMOVE_AT_ONCE;) {
		cleanup_free char *line = take_line(&next);
		int pid = line ? atoi(line) : 0;
		int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

		if (fd < 0)
			continue;
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		waits[count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	for (i = 0; i < count; i++) {
		long left = until - now_ms();

		poll(&waits[i], 1, left > 0 ? (int)left : 0);
		close(waits[i].fd);
	}
	return count;
}

static void remove_directory(const char *path)
{
	long until = now_ms() + REMOVE_TIMEOUT;

	while (rmdir(path) < 0 && errno == EBUSY && now_ms() < until)
		/* Nobody listed, still busy: the last one is on its way off the CPU, of which
		 * version 1 tells nobody. */
		if (kill_members(path, until) == 0)
			poll(NULL, 0, 1);
}

void guard_cgroup_remove(struct guard_cgroup *cg)
{
	int i;

	for (i = 0; i < PATHS_MAX && cg->paths[i]; i++)
		remove_directory(cg->paths[i]);
}

/* Making it again finds the place, and takes an empty one over. */
void guard_cgroup_discard(const char *id)
{
	static const struct guard_limits every = { .memory = UINT64_MAX / 2, .cpus = 1, .pids = 1 };
	struct guard_cgroup cg;

	if (guard_cgroup_create(id, &every, &cg, NULL) < 0)
		return;
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
}

void guard_cgroup_free(struct guard_cgroup *cg)
{
	int i;

	for (i = 0; i < PATHS_MAX; i++) {
		free(cg->paths[i]);
		free(cg->procs[i]);
	}
	fd_close(&cg->v2_fd);
	memset(cg, 0, sizeof(*cg));
	cg->v2_fd = -1;
}
