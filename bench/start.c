// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `hillock bench start`: how long until `true` has run in a new container?
 *
 * Theory of operation
 * -------------------
 * Whoever shares the machine disturbs; so all contenders run in turn within each round, in an
 * order that turns from round to round and is reversed in every second one: none always comes
 * after the same other, and a slow minute hits all. Ratios are taken within a round and only then
 * summed up, for the same reason.
 *
 * A run counts until the command returns. What it leaves to be done in the background is waited
 * for before the next one, and shown as the time until all is gone.
 *
 * Hillock's phases come from the very runs that are measured: $HILLOCK_TIMING names a file that
 * `hillock run` writes its time stamps to, on the clock that the runs are timed with. The guest
 * says at its first message for how long its clock has run; that splits the kernel's time in two:
 * before (loading, memory, the first steps), and after.
 */
#include "bench/start.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/host.h"

#define TIMING_FILE_MAX 65536
#define NS_PER_MS 1e6

static void leave_out(struct start_bench *b, struct contender *c, const struct err *why)
{
	c->out = 1;
	bench_leave_out(b->sheet, c->name, why);
}

/* --- contenders ------------------------------------------------------------------------------ */

static int samples_allocate(struct start_bench *b, double **samples, struct err *err)
{
	*samples = calloc(b->options->runs, sizeof(**samples));
	return *samples ? 0 : err_sys(err, ENOMEM, "cannot keep the samples");
}

static int hillock_open(struct start_bench *b, struct contender *c, struct err *err)
{
	const char *argv[] = { b->program, "run", "--rm", b->options->common.image, "true", NULL };
	char *set[] = { b->timing_variable, NULL };
	int ret = bench_program(b->program, err);

	if (ret)
		return ret;
	snprintf(b->timing, sizeof(b->timing), "%s/timing", b->site.work);
	snprintf(b->timing_variable, sizeof(b->timing_variable), "HILLOCK_TIMING=%s", b->timing);
	b->environment = process_environment(set);
	if (!b->environment)
		return err_sys(err, ENOMEM, "cannot run hillock");
	c->name = "hillock";
	c->call.spec = PROCESS_SPEC_INIT;
	memcpy(c->call.argv, argv, sizeof(argv));
	c->call.spec.argv = c->call.argv;
	c->call.spec.environment = b->environment;
	return 0;
}

static int contender_add(struct start_bench *b, const char *name, struct err *err)
{
	static const char *const command[] = { "true", NULL };
	struct contender *c = &b->contenders[b->count++];
	struct process_result result;
	struct err why = ERR_INIT;
	int ret = 0;

	for (size_t i = 0; !ret && i < SERIES; i++)
		ret = samples_allocate(b, &c->samples[i], err);
	if (!ret && !name)
		ret = hillock_open(b, c, err);
	if (ret)
		return ret;
	if (name) {
		c->name = name;
		ret = peer_open(&b->site, name, command, &c->peer, &why);
		if (!ret)
			peer_call_run(&c->peer, "start", 0, &c->call);
	} else {
		ret = process_run_well(&c->call.spec, &result, &why);
		process_result_free(&result);
	}
	if (process_interrupted())
		return err_set(err, EINTR, "interrupted");
	if (ret)
		leave_out(b, c, &why);
	return 0;
}

static int contenders_open(struct start_bench *b, struct err *err)
{
	const char *const *peers = b->options->common.peers;
	int ret = contender_add(b, NULL, err);

	for (size_t i = 0; !ret && peers[i]; i++)
		ret = contender_add(b, peers[i], err);
	for (size_t i = 0; !ret && i < PHASES; i++)
		ret = samples_allocate(b, &b->phases[i], err);
	return ret;
}

/* --- phases ---------------------------------------------------------------------------------- */

static double stamp(struct json_object *object, const char *key)
{
	struct json_object *value;
	int64_t ns = 0;

	if (json_object_object_get_ex(object, key, &value))
		ns = json_object_get_int64(value);
	return ns > 0 ? (double)ns : NAN;
}

static void moments_read(const struct start_bench *b, const struct process_result *result,
			 double moments[MOMENTS])
{
	cleanup_free char *text = NULL;
	struct json_object *all = NULL, *phases;

	for (size_t i = 0; i < MOMENTS; i++)
		moments[i] = NAN;
	moments[MOMENT_SPAWNED] = (double)result->start_ns;
	moments[MOMENT_RETURNED] = (double)(result->start_ns + result->wall_ns);
	if (!fd_read_file(AT_FDCWD, b->timing, TIMING_FILE_MAX, &text, NULL, NULL))
		all = json_tokener_parse(text);
	if (json_object_object_get_ex(all, "phases", &phases)) {
		moments[MOMENT_KEEPER] = stamp(phases, container_phase_names[PHASE_KEEPER]);
		moments[MOMENT_KERNEL] = stamp(phases, container_phase_names[PHASE_KERNEL]);
		moments[MOMENT_CLOCK] = stamp(phases, container_phase_names[PHASE_CLOCK]);
		moments[MOMENT_HELLO] = stamp(phases, container_phase_names[PHASE_HELLO]);
		moments[MOMENT_STARTED] = stamp(phases, container_phase_names[PHASE_STARTED]);
		moments[MOMENT_EXIT] = stamp(phases, container_phase_names[PHASE_EXIT]);
	}
	json_object_put(all);
}

static void phases_record(struct start_bench *b, const struct process_result *result)
{
	double moments[MOMENTS];

	moments_read(b, result, moments);
	unlink(b->timing);
	for (size_t i = 0; i < PHASES; i++) {
		size_t next = i + 1;

		while (isnan(moments[next]))
			next++;
		b->phases[i][b->rounds] = (moments[next] - moments[i]) / NS_PER_MS;
	}
}

/* --- rounds ---------------------------------------------------------------------------------- */

static int run_one(struct start_bench *b, struct contender *c, int counts, struct err *err)
{
	struct process_result result;
	struct err why = ERR_INIT;
	int ret = process_run_well(&c->call.spec, &result, &why);

	process_result_free(&result);
	if (ret && c->peer.kind)
		peer_remove(&c->peer, "start");
	if (process_interrupted())
		return err_set(err, EINTR, "interrupted");
	if (ret) {
		leave_out(b, c, &why);
		return 0;
	}
	if (!counts)
		return 0;
	c->samples[WALL][b->rounds] = (double)result.wall_ns / NS_PER_MS;
	c->samples[SETTLED][b->rounds] = (double)result.settled_ns / NS_PER_MS;
	c->samples[CPU][b->rounds] = (double)result.cpu_ns / NS_PER_MS;
	if (!c->peer.kind)
		phases_record(b, &result);
	return 0;
}

static int run_round(struct start_bench *b, unsigned round, int counts, struct err *err)
{
	for (size_t i = 0; i < b->count; i++) {
		size_t turn = (round + (round % 2 ? b->count - i : i)) % b->count;
		int ret = 0;

		if (!b->contenders[turn].out)
			ret = run_one(b, &b->contenders[turn], counts, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int run_rounds(struct start_bench *b, struct err *err)
{
	unsigned warmup = b->options->warmup, all = warmup + b->options->runs;

	for (unsigned round = 0; round < all; round++) {
		int counts = round >= warmup, ret;

		bench_progress(&b->options->common, "round %u of %u%s", round + 1, all,
			       counts ? "" : " (warming up)");
		ret = run_round(b, round, counts, err);
		if (ret)
			return ret;
		b->rounds += (size_t)counts;
	}
	return 0;
}

static void start_close(struct start_bench *b)
{
	for (size_t i = 0; i < b->count; i++) {
		for (size_t s = 0; s < SERIES; s++)
			free(b->contenders[i].samples[s]);
		peer_close(&b->contenders[i].peer);
	}
	for (size_t i = 0; i < PHASES; i++)
		free(b->phases[i]);
	free(b->environment);
	peer_site_close(&b->site);
	image_close(&b->image);
}

/* Under load, those lose most who consist of many processes: each has to wait its turn. */
static void say_host(struct sheet *sheet)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char host[512];
	double load = 0;

	host_describe(host, sizeof(host));
	sheet_say(sheet, "host", "On %s:", host);
	if (getloadavg(&load, 1) == 1 && load >= (double)cpus)
		sheet_say(sheet, "busy",
			  "Others keep this machine busy, so wall times are longer than "
			  "on an idle one, and ratios less certain.");
}

int bench_start(const struct bench_start *options, struct sheet *sheet, struct err *err)
{
	struct start_bench b = { .options = options, .sheet = sheet };
	const struct bench_common *common = &options->common;
	int ret = image_open(common->store->fd, common->image, &b.image, err);

	if (ret)
		return ret;
	ret = peer_site_open(&b.site, common->store->path, common->peers[0] ? &b.image : NULL, err);
	if (ret) {
		image_close(&b.image);
		return ret;
	}
	say_host(sheet);
	ret = contenders_open(&b, err);
	if (!ret)
		ret = run_rounds(&b, err);
	if (!ret)
		start_show(&b);
	if (!ret && !start_find(&b, "hillock"))
		ret = err_set(err, EIO, "hillock itself did not run");
	start_close(&b);
	return ret;
}
