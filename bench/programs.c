// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `hillock bench programs`: how fast are programs as people use them?
 *
 * Theory of operation
 * -------------------
 * programs/ has a script for each program; bash runs it in the container, with programs/common in
 * front. All that a script starts, servers and those who ask them, is in the one container. The
 * tree is that of an image of Debian's packages (scripts/debian-programs): hillock runs the image,
 * all others its unpacked tree, which is read-only for them. /tmp and /run are in memory for all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "bench/contest.h"

#define SCRIPT_MAX 16384
#define SECONDS 300 /* for a program, on a busy machine */
#define IMAGE "debian-programs"
#define MEMORY "1g"

static const char *const names[] = { "redis", "gcc",   "python", "sqlite",
				     "nginx", "shell", "tar",    NULL };

enum { REDIS, GCC, PYTHON, SQLITE, NGINX, SHELL, TAR, PROGRAMS };

static const struct contest_line all_lines[] = {
	{ "redis-set", "redis: SET, 10 clients", "requests/s", 1, .higher = 1, .job = REDIS },
	{ "redis-get-16", "redis: GET, 16 in a pipeline", "requests/s", 1, .higher = 1,
	  .job = REDIS },
	{ "gcc", "gcc -O2 of a small file", "s", 1, .job = GCC },
	{ "python", "python3: sqlite3, threads, subprocesses, loop", "s", 1, .job = PYTHON },
	{ "sqlite", "sqlite3: inserts, an index, queries", "s", 1, .job = SQLITE },
	{ "nginx", "nginx: 1 KB, 10 connections", "requests/s", 1, .higher = 1, .job = NGINX },
	{ "shell", "sh: 300 programs and command substitutions", "s", 1, .job = SHELL },
	{ "tar", "tar: a tree packed and unpacked", "s", 1, .job = TAR },
};
#define LINES (sizeof(all_lines) / sizeof(*all_lines))

static const char *const tmpfs[] = { "/tmp", "/run", NULL };
static const char *const run_options[] = { "--tmpfs", "/tmp:exec", "--tmpfs", "/run:exec", NULL };

struct programs {
	struct bench_contest options;
	struct bench_common common;
	struct contest contest;
	struct image image;
	char *scripts[PROGRAMS];
	const char *commands[PROGRAMS][4];
	struct contest_job jobs[PROGRAMS];
	struct contest_line lines[LINES];
	char image_name[sizeof(((struct image_entry *)0)->name)];
};

/* --- scripts --------------------------------------------------------------------------------- */

static int file_read(const char *name, char **text, struct err *err)
{
	char below[64], path[PATH_MAX];
	int ret;

	snprintf(below, sizeof(below), "bench/programs/%s", name);
	ret = container_libexec_path(below, path, err);
	return ret ? ret : fd_read_file(AT_FDCWD, path, SCRIPT_MAX, text, NULL, err);
}

static int script_read(const char *name, char **script, struct err *err)
{
	cleanup_free char *common = NULL, *own = NULL;
	int ret = file_read("common", &common, err);

	if (!ret)
		ret = file_read(name, &own, err);
	if (!ret && asprintf(script, "%s%s", common, own) < 0) {
		*script = NULL;
		ret = err_sys(err, ENOMEM, "cannot read the script of %s", name);
	}
	return ret;
}

/* The jobs that are wanted, and their lines. */
static int jobs_make(struct programs *p, struct err *err)
{
	struct contest *c = &p->contest;
	int ret = contest_check_only(p->options.only, names, err);

	for (size_t i = 0; !ret && i < PROGRAMS; i++) {
		size_t job = c->job_count;

		if (!contest_wants(p->options.only, names[i]))
			continue;
		ret = script_read(names[i], &p->scripts[job], err);
		p->commands[job][0] = "/bin/bash";
		p->commands[job][1] = "-c";
		p->commands[job][2] = p->scripts[job];
		p->jobs[c->job_count++] =
			(struct contest_job){ names[i], p->commands[job], SECONDS };
		for (size_t line = 0; line < LINES; line++) {
			if (all_lines[line].job != i)
				continue;
			p->lines[c->line_count] = all_lines[line];
			p->lines[c->line_count++].job = job;
		}
	}
	c->jobs = p->jobs;
	c->lines = p->lines;
	return ret;
}

/* --- the tree -------------------------------------------------------------------------------- */

/* The one of Debian's programs, whatever its tag. */
static int image_find(struct programs *p, struct err *err)
{
	struct image_entry *entries = NULL;
	int64_t newest = INT64_MIN;
	size_t count = 0;
	int ret = image_list(p->common.store->fd, &entries, &count, err);

	for (size_t i = 0; !ret && i < count; i++) {
		if (strncmp(entries[i].name, IMAGE ":", strlen(IMAGE ":")) != 0 ||
		    entries[i].created < newest)
			continue;
		newest = entries[i].created;
		snprintf(p->image_name, sizeof(p->image_name), "%s", entries[i].name);
	}
	free(entries);
	if (!ret && !*p->image_name) {
		ret = err_set(err, ENOENT, "there is no image " IMAGE);
		err_hint(err, "scripts/debian-programs HILLOCK makes it (`make bench` does)");
	}
	p->common.image = p->image_name;
	return ret;
}

static int prepare(struct programs *p, struct err *err)
{
	struct contest *c = &p->contest;
	int ret = jobs_make(p, err);

	if (!ret && !p->common.image)
		ret = image_find(p, err);
	if (!ret)
		ret = image_open(p->common.store->fd, p->common.image, &p->image, err);
	if (ret)
		return ret;
	bench_progress(&p->common, "unpacking %s", p->common.image);
	ret = peer_site_open(&c->site, p->common.store->path, &p->image, err);
	c->site.tmpfs = tmpfs;
	c->native_rooted = 1;
	c->image = p->common.image;
	c->run = run_options;
	return ret;
}

int bench_programs(const struct bench_programs *options, struct sheet *sheet, struct err *err)
{
	static const char *const words[] = { "/bin/bash", "-c", "echo end 0", NULL };
	const struct contest_job trial = { "nothing", words, 60 };
	struct programs p = { .options = options->contest,
			      .common = options->common,
			      .image = { .root_fd = -1 } };
	struct contest *c = &p.contest;
	int ret;

	if (!p.options.memory)
		p.options.memory = MEMORY;
	*c = (struct contest){ .common = &p.common,
			       .options = &p.options,
			       .sheet = sheet,
			       .trial = &trial,
			       .site = { .hidden = { -1, -1 } },
			       .native = { -1, -1 } };
	ret = prepare(&p, err);
	if (!ret)
		ret = contest_run(c, err);
	contest_close(c);
	peer_site_close(&c->site);
	image_close(&p.image);
	for (size_t i = 0; i < PROGRAMS; i++)
		free(p.scripts[i]);
	return ret;
}
