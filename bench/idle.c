// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `hillock bench idle`: what does a container cost that only waits?
 *
 * Theory of operation
 * -------------------
 * Each contender in turn starts its containers one after another: a shell that reads a line which
 * never comes. All processes of a container count, and none is looked for by its name: the
 * benchmark is a subreaper, so what a start leaves behind becomes its child, and that with all
 * below it is the container. (For hillock that is the keeper with monitor, kernel and the
 * kernel's stubs; crun and runc leave only the shell, runsc its sandbox and file server.)
 *
 * When all wait, their context switches are counted over a fixed time, then their memory is read
 * (host.h says what PSS is). Processes that share one address space count once.
 */
#include "bench/idle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define SECOND 1000000000ull
#define SETTLE (2 * SECOND)
#define SLOW_COUNT 5 /* containers of a peer that takes long and much to start */
#define BYTES_PER_MB 1e6

static const char *const command[] = { "sh", "-c", "read line", NULL };

/* --- starting -------------------------------------------------------------------------------- */

/*
 * Finds what the last start left behind: what is below us and was not there before, nor descends
 * from what was.
 */
static int container_adopt(struct idle_bench *b, struct idle_container *c, struct err *err)
{
	int ret = host_below(getpid(), &b->known, &c->processes, err);

	for (size_t i = 0; !ret && i < c->processes.count; i++)
		ret = host_list_add(&b->known, c->processes.pids[i], err);
	return ret;
}

static int hillock_start(struct idle_bench *b, struct idle_container *c, struct err *err)
{
	const char *memory = b->options->memory;
	const char *argv[16] = { b->program, "run", "-d", "-i", "--name", c->name };
	struct process_spec spec = PROCESS_SPEC_INIT;
	struct process_result result;
	size_t used = 6;
	int ret;

	if (memory) {
		argv[used++] = "--memory";
		argv[used++] = memory;
	}
	argv[used++] = b->options->common.image;
	memcpy(&argv[used], command, sizeof(command));
	spec.argv = argv;
	spec.leaves = 1;
	ret = process_run_well(&spec, &result, err);
	process_result_free(&result);
	return ret;
}

/* Its state says whether the shell was started, and who is who. */
static int hillock_parts(struct idle_bench *b, struct idle_container *c, struct err *err)
{
	struct container container;
	int ret = container_get(b->options->common.store, c->name, &container, err);

	if (ret)
		return ret;
	if (container.state.status != CONTAINER_RUNNING)
		ret = err_set(err, ESRCH, "%s does not run: %s", c->name, container.state.reason);
	c->parts[PART_KEEPER] = container.state.keeper;
	c->parts[PART_MONITOR] = container.state.monitor;
	c->parts[PART_KERNEL] = container.state.machine;
	container_close(&container);
	return ret;
}

/* Drops what has ended since, and adds what descends from the rest by now. */
static int container_complete(struct idle_container *c, struct err *err)
{
	struct host_list adopted = c->processes;
	int ret = 0;

	c->processes = (struct host_list){ 0 };
	for (size_t i = 0; !ret && i < adopted.count; i++)
		if (host_alive(adopted.pids[i]))
			ret = host_list_add(&c->processes, adopted.pids[i], err);
	for (size_t i = 0; !ret && i < c->processes.count; i++)
		ret = host_below(c->processes.pids[i], &c->processes, &c->processes, err);
	host_list_free(&adopted);
	if (!ret && !c->processes.count)
		ret = err_set(err, ESRCH, "%s ended by itself", c->name);
	return ret;
}

static int container_start(struct idle_bench *b, struct group *g, struct err *err)
{
	struct idle_container *c = &g->containers[g->started];
	struct process_result result;
	struct peer_call call;
	int ret;

	g->started++; /* from here on there may be something to remove */
	if (!g->peer) {
		snprintf(c->name, sizeof(c->name), "hillock-bench-%d-%u", getpid(), g->started);
		ret = hillock_start(b, c, err);
	} else {
		snprintf(c->name, sizeof(c->name), "idle-%u", g->started);
		peer_call_run(g->peer, c->name, 1, &call);
		call.spec.stdin_fd = b->stdin_fds[0];
		ret = process_run_well(&call.spec, &result, err);
		process_result_free(&result);
	}
	return ret ? ret : container_adopt(b, c, err);
}

static int group_start(struct idle_bench *b, struct group *g, struct err *err)
{
	int ret = 0;

	while (!ret && g->started < g->count) {
		bench_progress(&b->options->common, "%s: starting %u of %u", g->name,
			       g->started + 1, g->count);
		ret = container_start(b, g, err);
	}
	return ret;
}

/* --- removing -------------------------------------------------------------------------------- */

static void hillock_remove(struct idle_bench *b, const char *name)
{
	struct container container;

	if (container_get(b->options->common.store, name, &container, NULL))
		return;
	container_remove(b->options->common.store, &container, 1, NULL);
	container_close(&container);
}

static void group_remove(struct idle_bench *b, struct group *g)
{
	for (unsigned i = 0; i < g->started; i++) {
		struct idle_container *c = &g->containers[i];

		bench_progress(&b->options->common, "%s: removing %u of %u", g->name, i + 1,
			       g->started);
		if (g->peer)
			peer_remove(g->peer, c->name);
		else
			hillock_remove(b, c->name);
		host_list_free(&c->processes);
	}
	process_kill_rest();
	host_list_free(&b->known);
}

/* --- measuring ------------------------------------------------------------------------------- */

static enum part part_of(const struct idle_container *c, pid_t pid)
{
	for (size_t part = 0; part < PART_OTHER; part++)
		if (c->parts[part] == pid)
			return (enum part)part;
	return PART_OTHER;
}

static int switches_of(const struct idle_container *c, uint64_t all[PARTS], struct err *err)
{
	memset(all, 0, PARTS * sizeof(*all));
	for (size_t i = 0; i < c->processes.count; i++) {
		uint64_t one;
		int ret = host_switches_read(c->processes.pids[i], &one, err);

		if (ret)
			return ret;
		all[part_of(c, c->processes.pids[i])] += one;
	}
	return 0;
}

static int shares_memory(const struct idle_container *c, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (host_memory_shared(c->processes.pids[i], c->processes.pids[index]))
			return 1;
	return 0;
}

static int memory_measure(struct group *g, unsigned index, struct err *err)
{
	const struct idle_container *c = &g->containers[index];

	for (size_t i = 0; i < c->processes.count; i++) {
		size_t part = MEMORY_OF_PART + part_of(c, c->processes.pids[i]) * MEMORY_KINDS;
		uint64_t bytes[MEMORY_KINDS];
		int ret;

		if (shares_memory(c, i))
			continue;
		ret = host_memory_read(c->processes.pids[i], bytes, err);
		if (ret)
			return ret;
		for (size_t kind = 0; kind < MEMORY_KINDS; kind++) {
			double mb = (double)bytes[kind] / BYTES_PER_MB;

			g->figures[MEMORY + kind][index] += mb;
			g->figures[part + kind][index] += mb;
		}
	}
	g->figures[PROCESSES][index] = (double)c->processes.count;
	return 0;
}

static int wakeups_measure(struct idle_bench *b, struct group *g, struct err *err)
{
	unsigned window = b->options->window;
	int ret = 0;

	for (unsigned i = 0; !ret && i < g->count; i++)
		ret = switches_of(&g->containers[i], g->containers[i].switches, err);
	if (!ret)
		ret = process_pause(window * SECOND, err);
	for (unsigned i = 0; !ret && i < g->count; i++) {
		uint64_t now[PARTS];

		ret = switches_of(&g->containers[i], now, err);
		for (size_t part = 0; !ret && part < PARTS; part++) {
			double more =
				(double)(now[part] - g->containers[i].switches[part]) / window;

			g->figures[WAKEUPS][i] += more;
			g->figures[WAKEUPS_OF_PART + part][i] = more;
		}
	}
	return ret;
}

static int group_measure(struct idle_bench *b, struct group *g, struct err *err)
{
	uint64_t before, after;
	int ret = host_available_read(&before, err);

	if (!ret)
		ret = group_start(b, g, err);
	bench_progress(&b->options->common, "%s: %u wait, for %u s", g->name, g->count,
		       b->options->window);
	if (!ret)
		ret = process_pause(SETTLE, err);
	for (unsigned i = 0; !ret && i < g->count; i++) {
		if (!g->peer)
			ret = hillock_parts(b, &g->containers[i], err);
		if (!ret)
			ret = container_complete(&g->containers[i], err);
	}
	if (!ret)
		ret = wakeups_measure(b, g, err);
	if (!ret)
		ret = host_available_read(&after, err);
	for (unsigned i = 0; !ret && i < g->count; i++)
		ret = memory_measure(g, i, err);
	if (!ret)
		g->host_mb = ((double)before - (double)after) / BYTES_PER_MB / g->count;
	return ret;
}

/* --- groups ---------------------------------------------------------------------------------- */

static int group_allocate(struct group *g, struct err *err)
{
	int failed = 0;

	g->containers = calloc(g->count, sizeof(*g->containers));
	for (size_t i = 0; i < FIGURES; i++) {
		g->figures[i] = calloc(g->count, sizeof(*g->figures[i]));
		failed |= !g->figures[i];
	}
	return failed || !g->containers ? err_sys(err, ENOMEM, "cannot keep the figures") : 0;
}

static void group_free(struct group *g)
{
	free(g->containers);
	for (size_t i = 0; i < FIGURES; i++)
		free(g->figures[i]);
}

/* Says why a contender is missing, and lets the others go on; not when all shall end. */
static int leave_out(struct idle_bench *b, const char *name, const struct err *why, struct err *err)
{
	if (process_interrupted())
		return err_set(err, EINTR, "interrupted");
	bench_leave_out(b->sheet, name, why);
	return 0;
}

static int group_run(struct idle_bench *b, const char *name, struct peer *peer, unsigned count,
		     struct err *err)
{
	struct group g = { .name = name, .peer = peer, .count = count };
	struct err why = ERR_INIT;
	int ret = group_allocate(&g, &why);

	if (!ret)
		ret = group_measure(b, &g, &why);
	group_remove(b, &g);
	if (ret)
		ret = leave_out(b, name, &why, err);
	else
		idle_show_group(b, &g);
	group_free(&g);
	return ret;
}

static int peer_run(struct idle_bench *b, const char *name, struct err *err)
{
	static const char *const trial[] = { "true", NULL };
	unsigned count = b->options->count;
	struct err why = ERR_INIT;
	struct peer peer = { 0 };
	int ret = peer_open(&b->site, name, trial, &peer, &why);

	if (!strcmp(name, "runsc") && count > SLOW_COUNT)
		count = SLOW_COUNT;
	if (!ret)
		ret = peer_set_command(&peer, command, &why);
	if (!ret)
		ret = group_run(b, name, &peer, count, err);
	else
		ret = leave_out(b, name, &why, err);
	peer_close(&peer);
	return ret;
}

static int groups_run(struct idle_bench *b, struct err *err)
{
	const struct bench_common *common = &b->options->common;
	int ret = group_run(b, "hillock", NULL, b->options->count, err);

	if (ret || !common->peers[0])
		return ret;
	ret = peer_site_open(&b->site, common->store->path, &b->image, err);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && common->peers[i]; i++)
		ret = peer_run(b, common->peers[i], err);
	peer_site_close(&b->site);
	return ret;
}

int bench_idle(const struct bench_idle *options, struct sheet *sheet, struct err *err)
{
	struct idle_bench b = { .options = options, .sheet = sheet };
	const struct bench_common *common = &options->common;
	cleanup_close int reader = -1, writer = -1;
	char host[512];
	int ret = bench_program(b.program, err);

	if (ret)
		return ret;
	if (pipe2(b.stdin_fds, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	reader = b.stdin_fds[0];
	writer = b.stdin_fds[1];
	ret = image_open(common->store->fd, common->image, &b.image, err);
	if (ret)
		return ret;
	host_describe(host, sizeof(host));
	sheet_say(sheet, "host", "On %s:", host);
	idle_show_begin(&b);
	ret = groups_run(&b, err);
	if (!ret && !b.hillock_ran)
		ret = err_set(err, EIO, "hillock itself did not run");
	image_close(&b.image);
	return ret;
}
