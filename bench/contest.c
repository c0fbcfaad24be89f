// SPDX-License-Identifier: GPL-2.0-or-later
/* Contenders and rounds; the theory stands in contest.h. */
#include "bench/contest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/host.h"

/* How far a job's clock may be from the host's: a part, and a time that is nothing to wonder at. */
#define CLOCK_PART 0.05
#define CLOCK_NS 500000000.0

/* --- what gave no figure --------------------------------------------------------------------- */

static int interrupted(struct err *err)
{
	return err_set(err, EINTR, "interrupted");
}

/* A line without a figure: said once. */
static void say_line(struct contest *c, struct contest_contender *contender, size_t line,
		     const char *why)
{
	if (contender->said[line])
		return;
	contender->said[line] = 1;
	sheet_say(c->sheet, "no_figure", "%s gave no figure for %s: %s", contender->name,
		  c->lines[line].name, why);
}

/* A whole job, which is not tried again. */
static void say_job(struct contest *c, struct contest_contender *contender, size_t job,
		    const struct err *why)
{
	contender->failed[job] = 1;
	for (size_t i = 0; i < c->line_count; i++)
		if (c->lines[i].job == job)
			contender->said[i] = 1;
	sheet_say(c->sheet, "no_figure", "%s failed at %s: %s%s%s%s", contender->name,
		  c->jobs[job].name, why->text, *why->hint ? " (" : "", why->hint,
		  *why->hint ? ")" : "");
}

/* --- one run --------------------------------------------------------------------------------- */

/* Runs a job to its end. -EINTR: all shall end; others: it failed, and is gone. */
static int run_job(struct contest *c, struct contest_contender *contender,
		   const struct contest_job *job, struct process_result *result, struct err *err)
{
	struct contest_call call;
	int ret;

	*result = (struct process_result){ 0 };
	ret = contest_call_make(c, contender, job, &call, err);
	if (!ret) {
		ret = process_run(&call.spec, result, err);
		if (ret || result->code)
			contest_call_remove(c, contender, &call);
	}
	contest_call_free(&call);
	return process_interrupted() ? interrupted(err) : ret;
}

/* Did it come to its end, and in the time that it says? */
static int check_end(const struct contest_contender *contender, const char *name,
		     const struct process_result *result, struct err *err)
{
	const char *at = result->said ? result->said : "";
	double passed, counted = NAN;
	struct contest_entry entry;
	enum contest_said said;

	while ((said = contest_read(&at, &entry)))
		if (said == SAID_END)
			counted = (double)entry.ns;
	if (isnan(counted)) {
		const char *text = result->said ? result->said : "";
		size_t length = strlen(text);

		return err_set(err, EIO, "%s ended early, with status %d: %s", name, result->code,
			       text + (length > 300 ? length - 300 : 0));
	}
	passed = (double)result->wall_ns;
	if (counted > passed * (1 + CLOCK_PART) ||
	    counted < passed * (1 - CLOCK_PART) - 2 * (double)contender->start_ns - CLOCK_NS)
		return err_set(err, ERANGE, "its clock counted %.2f s while %.2f s passed",
			       counted / 1e9, passed / 1e9);
	return 0;
}

static void take_entry(struct contest *c, struct contest_contender *contender, size_t job,
		       enum contest_said said, const struct contest_entry *entry)
{
	for (size_t i = 0; i < c->line_count; i++) {
		const struct contest_line *line = &c->lines[i];
		struct contest_sample *s = &contender->samples[i * c->options->runs + c->rounds];

		if (line->job != job || strlen(line->name) != entry->name_length ||
		    memcmp(line->name, entry->name, entry->name_length))
			continue;
		if (said == SAID_FAIL)
			say_line(c, contender, i, entry->why);
		else
			*s = (struct contest_sample){ entry->sample.value * line->scale,
						      entry->sample.min * line->scale,
						      entry->sample.spread * line->scale };
	}
}

static void take_figures(struct contest *c, struct contest_contender *contender, size_t job,
			 const char *text)
{
	struct contest_entry entry;
	enum contest_said said;

	while ((said = contest_read(&text, &entry)))
		if (said != SAID_END)
			take_entry(c, contender, job, said, &entry);
	for (size_t i = 0; i < c->line_count; i++)
		if (c->lines[i].job == job &&
		    isnan(contender->samples[i * c->options->runs + c->rounds].value))
			say_line(c, contender, i, "it said nothing of it");
}

static int measure(struct contest *c, struct contest_contender *contender, size_t job, int counts,
		   struct err *err)
{
	struct process_result result;
	struct err why = ERR_INIT;
	int ret = run_job(c, contender, &c->jobs[job], &result, &why);

	if (!ret)
		ret = check_end(contender, c->jobs[job].name, &result, &why);
	if (ret == -EINTR)
		*err = why;
	else if (ret)
		say_job(c, contender, job, &why);
	else if (counts)
		take_figures(c, contender, job, result.said);
	process_result_free(&result);
	return ret == -EINTR ? ret : 0;
}

/* --- rounds ---------------------------------------------------------------------------------- */

static int run_round(struct contest *c, unsigned round, int counts, struct err *err)
{
	const struct bench_contest *o = c->options;
	int ret = 0;

	for (size_t job = 0; !ret && job < c->job_count; job++) {
		for (size_t i = 0; !ret && i < c->count; i++) {
			size_t turn = (round + (round % 2 ? c->count - i : i)) % c->count;
			struct contest_contender *contender = &c->contenders[turn];

			if (contender->out || contender->failed[job])
				continue;
			bench_progress(c->common, "round %u of %u%s: %s, %s", round + 1,
				       o->warmup + o->runs, counts ? "" : " (warming up)",
				       c->jobs[job].name, contender->name);
			ret = measure(c, contender, job, counts, err);
		}
	}
	return ret;
}

static int run_rounds(struct contest *c, struct err *err)
{
	unsigned all = c->options->warmup + c->options->runs;
	int ret = 0;

	for (unsigned round = 0; !ret && round < all; round++) {
		int counts = round >= c->options->warmup;

		ret = run_round(c, round, counts, err);
		c->rounds += (unsigned)counts;
	}
	return ret;
}

/* --- contenders ------------------------------------------------------------------------------ */

static int samples_allocate(const struct contest *c, struct contest_contender *contender,
			    struct err *err)
{
	size_t count = c->line_count * c->options->runs;

	contender->samples = calloc(count, sizeof(*contender->samples));
	contender->failed = calloc(c->job_count, 1);
	contender->said = calloc(c->line_count, 1);
	if (!contender->samples || !contender->failed || !contender->said)
		return err_sys(err, ENOMEM, "cannot keep the samples");
	for (size_t i = 0; i < count; i++)
		contender->samples[i] = (struct contest_sample){ NAN, NAN, NAN };
	return 0;
}

/* Runs the job that does nothing, which tells what starting costs. */
static int contender_try(struct contest *c, struct contest_contender *contender, struct err *err)
{
	struct process_result result;
	int ret = run_job(c, contender, c->trial, &result, err);

	contender->start_ns = UINT32_MAX; /* whatever it takes is right */
	if (!ret)
		ret = check_end(contender, c->trial->name, &result, err);
	contender->start_ns = result.wall_ns;
	process_result_free(&result);
	return ret;
}

static int contender_add(struct contest *c, enum contender_kind kind, const char *name,
			 const char *kernel, const char *mode, struct err *err)
{
	struct contest_contender *contender = &c->contenders[c->count++];
	struct err why = ERR_INIT;
	int ret = samples_allocate(c, contender, err);

	if (ret)
		return ret;
	contender->kind = kind;
	contender->kernel = kernel;
	contender->mode = mode;
	snprintf(contender->name, sizeof(contender->name), "%s%s%s%s%s", name, kernel ? ":" : "",
		 kernel ? kernel : "", mode ? "/" : "", mode ? mode : "");
	bench_progress(c->common, "trying %s", contender->name);
	if (kind == CONTENDER_PEER)
		ret = peer_open(&c->site, name, c->trial->command, &contender->peer, &why);
	if (!ret)
		ret = contender_try(c, contender, &why);
	if (process_interrupted())
		return interrupted(err);
	contender->out = ret != 0;
	if (ret)
		bench_leave_out(c->sheet, contender->name, &why);
	return 0;
}

static size_t list_length(const char *const *list)
{
	size_t length = 0;

	while (list && list[length])
		length++;
	return length;
}

/* Hillock on each kernel, in each mode. */
static int hillocks_add(struct contest *c, struct err *err)
{
	static const char *const unnamed[] = { NULL, NULL };
	const struct bench_contest *o = c->options;
	size_t kernels = list_length(o->kernels), modes = list_length(o->modes);
	int ret = 0;

	for (size_t i = 0; !ret && i < (kernels ? kernels : 1); i++)
		for (size_t j = 0; !ret && j < (modes ? modes : 1); j++)
			ret = contender_add(c, CONTENDER_HILLOCK, "hillock",
					    (kernels ? o->kernels : unnamed)[i],
					    (modes ? o->modes : unnamed)[j], err);
	return ret;
}

static int contenders_open(struct contest *c, struct err *err)
{
	const char *const *peers = c->common->peers;
	size_t kernels = list_length(c->options->kernels), modes = list_length(c->options->modes);
	size_t most = 1 + (kernels ? kernels : 1) * (modes ? modes : 1) + list_length(peers);
	int ret;

	c->contenders = calloc(most, sizeof(*c->contenders));
	if (!c->contenders)
		return err_sys(err, ENOMEM, "cannot keep the contenders");
	ret = contender_add(c, CONTENDER_NATIVE, "native", NULL, NULL, err);
	if (!ret)
		ret = hillocks_add(c, err);
	for (size_t i = 0; !ret && peers[i]; i++)
		ret = contender_add(c, CONTENDER_PEER, peers[i], NULL, NULL, err);
	return ret;
}

/* --- all ------------------------------------------------------------------------------------- */

/* The last CPUs of ours, as the first ones tend to have the interrupts. */
static int choose_cpus(struct contest *c, struct err *err)
{
	unsigned wanted = c->options->cpus;
	cpu_set_t ours;

	if (sched_getaffinity(0, sizeof(ours), &ours) < 0)
		return err_sys(err, errno, "cannot tell which CPUs there are");
	CPU_ZERO(&c->cpus);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && wanted; cpu--) {
		if (CPU_ISSET(cpu, &ours)) {
			CPU_SET(cpu, &c->cpus);
			wanted--;
		}
	}
	if (wanted)
		return err_set(err, EINVAL, "--cpus %u: there are only %d", c->options->cpus,
			       CPU_COUNT(&ours));
	return 0;
}

static int count_missing(const struct contest *c)
{
	int missing = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->contenders[i].kind != CONTENDER_HILLOCK)
			continue;
		for (size_t line = 0; line < c->line_count; line++)
			missing += c->contenders[i].out || c->contenders[i].said[line];
	}
	return missing;
}

int contest_run(struct contest *c, struct err *err)
{
	char host[512];
	int ret = bench_program(c->program, err);

	if (!ret)
		ret = choose_cpus(c, err);
	if (ret)
		return ret;
	host_describe(host, sizeof(host));
	sheet_say(c->sheet, "host", "On %s; each contender on %u CPU%s:", host, c->options->cpus,
		  c->options->cpus > 1 ? "s" : "");
	ret = contenders_open(c, err);
	if (!ret)
		ret = run_rounds(c, err);
	if (ret)
		return ret;
	contest_show(c);
	if (count_missing(c))
		return err_set(err, EIO, "hillock did not give every figure");
	return 0;
}

void contest_close(struct contest *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->contenders[i].samples);
		free(c->contenders[i].failed);
		free(c->contenders[i].said);
		peer_close(&c->contenders[i].peer);
	}
	free(c->contenders);
	c->contenders = NULL;
	c->count = 0;
}
