// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `hillock bench syscalls`: what does a kernel take for the things that programs ask of it?
 *
 * Theory of operation
 * -------------------
 * One program, hillock-probe (probe/probe.h), measures all lines by itself. It is all that there
 * is in the tree that every contender runs; hillock's image is made of that tree in a store of
 * the benchmark's own, which has the user's kernels in it and goes with the rest at the end.
 * Files that it makes are in /dev/shm, a file system in memory that all contenders have: this is
 * about kernels, not about what is below their files. Native has one of its own in a mount
 * namespace, if that can be had, so that nothing stays in the host's when all is interrupted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/contest.h"

#define NAME "hillock-probe"
#define IN_TREE "/" NAME
#define LINES_MAX 64
#define US_PER_NS 1e-3

/* What the project has set itself, in times of native. */
static const struct {
	const char *line;
	double target;
} targets[] = {
	{ "fault-anon-seq", 1.5 },  { "fault-anon-rand", 1.5 }, { "fault-file-seq", 1.5 },
	{ "fault-file-rand", 1.5 }, { "fork-exec", 3 },         { "cpu", 1.02 },
	{ "memory-stream", 1.02 },  { "memory-random", 1.02 },
};

struct syscalls {
	const struct bench_syscalls *options;
	struct contest contest;
	char probe[PATH_MAX];
	char *list; /* what the probe says that it measures; lines point into it */
	struct contest_line lines[LINES_MAX];
	char store[PATH_MAX + 32], names[2048], ms[16];
};

/* --- lines ----------------------------------------------------------------------------------- */

static double target_of(const char *name)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (!strcmp(targets[i].line, name))
			return targets[i].target;
	return 0;
}

static int line_add(struct syscalls *s, const char *name, const char *what, struct err *err)
{
	struct contest *c = &s->contest;
	size_t used = strlen(s->names);
	int length;

	length = snprintf(s->names + used, sizeof(s->names) - used, "%s%s", used ? "," : "", name);
	if ((size_t)length >= sizeof(s->names) - used)
		return err_set(err, E2BIG, "%s --list: too long", s->probe);
	s->lines[c->line_count++] = (struct contest_line){ .name = name,
							   .what = what,
							   .unit = "us",
							   .scale = US_PER_NS,
							   .target = target_of(name) };
	return 0;
}

/* "NAME\tWHAT\n" each; the text is cut into strings. */
static int lines_parse(struct syscalls *s, struct err *err)
{
	const char *names[LINES_MAX + 1] = { NULL }, *whats[LINES_MAX];
	const char *only = s->options->contest.only;
	char *rest = NULL, *at = strtok_r(s->list, "\n", &rest);
	size_t count = 0;
	int ret;

	for (; at; at = strtok_r(NULL, "\n", &rest)) {
		char *tab = strchr(at, '\t');

		if (!tab || count == LINES_MAX)
			return err_set(err, EPROTO, "%s --list: cannot make sense of it", s->probe);
		*tab = 0;
		names[count] = at;
		whats[count++] = tab + 1;
	}
	ret = contest_check_only(only, names, err);
	for (size_t i = 0; !ret && i < count; i++)
		if (contest_wants(only, names[i]))
			ret = line_add(s, names[i], whats[i], err);
	s->contest.lines = s->lines;
	return ret;
}

static int lines_ask(struct syscalls *s, struct err *err)
{
	const char *argv[] = { s->probe, "--list", NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;
	struct process_result result;
	int ret;

	spec.argv = argv;
	spec.keep_output = 1;
	ret = process_run_well(&spec, &result, err);
	s->list = result.said;
	if (!ret && !s->list)
		ret = err_sys(err, ENOMEM, "cannot ask %s what it measures", s->probe);
	return ret ? ret : lines_parse(s, err);
}

/* --- the tree -------------------------------------------------------------------------------- */

static int copy_probe(const struct syscalls *s, int tree_fd, struct err *err)
{
	cleanup_close int from = open(s->probe, O_RDONLY | O_CLOEXEC);
	cleanup_close int to = openat(tree_fd, NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ssize_t done = 1;

	if (from < 0 || to < 0)
		return err_sys(err, errno, "cannot copy %s", s->probe);
	while (done > 0)
		done = sendfile(to, from, NULL, 1 << 20);
	if (done < 0 || fchmod(to, 0755) < 0)
		return err_sys(err, errno, "cannot copy %s", s->probe);
	return 0;
}

static int make_tree(struct syscalls *s, struct err *err)
{
	static const char *const directories[] = { "dev", "etc", "proc", "run", "sys", "tmp" };
	const char *tree = s->contest.site.tree;
	cleanup_close int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", tree);
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		if (mkdirat(fd, directories[i], 0755) < 0)
			return err_sys(err, errno, "cannot make %s/%s", tree, directories[i]);
	return copy_probe(s, fd, err);
}

/* A store of our own, with the user's kernels. */
static int make_store(struct syscalls *s, struct err *err)
{
	const char *path = s->options->common.store->path;
	char store[PATH_MAX], from[PATH_MAX + 16], to[PATH_MAX + 16];
	static char *set[2];

	snprintf(store, sizeof(store), "%s/store", s->contest.site.work);
	snprintf(from, sizeof(from), "%s/kernels", path);
	snprintf(to, sizeof(to), "%s/kernels", store);
	snprintf(s->store, sizeof(s->store), "HILLOCK_HOME=%s", store);
	if (mkdir(store, 0700) < 0 || symlink(from, to) < 0)
		return err_sys(err, errno, "cannot make %s", store);
	set[0] = s->store;
	s->contest.environment = process_environment(set);
	if (!s->contest.environment)
		return err_sys(err, ENOMEM, "cannot run hillock");
	return 0;
}

/* --- all ------------------------------------------------------------------------------------- */

static int prepare(struct syscalls *s, struct err *err)
{
	struct contest *c = &s->contest;
	int ret = container_libexec_path(NAME, s->probe, err);

	if (!ret)
		ret = lines_ask(s, err);
	if (!ret)
		ret = peer_site_open(&c->site, s->options->common.store->path, NULL, err);
	if (!ret)
		ret = make_tree(s, err);
	if (!ret)
		ret = make_store(s, err);
	if (!ret)
		process_view_hide(&c->native, "/dev/shm", NULL);
	snprintf(s->ms, sizeof(s->ms), "%u", s->options->ms);
	c->image = c->site.tree;
	return ret;
}

int bench_syscalls(const struct bench_syscalls *options, struct sheet *sheet, struct err *err)
{
	struct syscalls s = { .options = options };
	const char *trial_words[] = { IN_TREE, "--lines", "none", NULL };
	const char *words[] = { IN_TREE, "--lines", s.names, "--ms", s.ms, NULL };
	struct contest_job trial = { "nothing", trial_words, 60 };
	struct contest_job job = { "the probe", words, 0 };
	struct contest *c = &s.contest;
	int ret;

	*c = (struct contest){ .common = &options->common,
			       .options = &options->contest,
			       .sheet = sheet,
			       .trial = &trial,
			       .jobs = &job,
			       .job_count = 1,
			       .site = { .hidden = { -1, -1 } },
			       .native = { -1, -1 } };
	ret = prepare(&s, err);
	/* Calibration comes on top of what is asked for, and a line or two may hang for a minute.
	 */
	job.seconds = 180 + (unsigned)c->line_count * (2 + options->ms * 3 / 1000);
	if (!ret)
		ret = contest_run(c, err);
	contest_close(c);
	process_view_close(&c->native);
	peer_site_close(&c->site);
	free(c->environment);
	free(s.list);
	return ret;
}
