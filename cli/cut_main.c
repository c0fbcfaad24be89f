// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock-cut: what `hillock cut` runs; its words are explained in cut.c.
 *
 * Theory of operation
 * -------------------
 * With an image it runs a cut: events go to standard error as a live line (on a terminal) and a
 * line for each probe, or with --json to standard output as a JSON object a line. With --list,
 * --show, --diff, --table or --plot it reads the history and prints.
 */
#include "cli/cut_main.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "cut/process.h"

struct cut_options cut_opt = { .machine = "um", .goal = "size" };

static const struct cli_option options[] = {
	{ 0, "base", CLI_VALUE, &cut_opt.base, "CONFIG",
	  "Begin with this configuration (the machine's general kernel)" },
	{ 0, "budget", CLI_LIST, &cut_opt.budget, "LIMIT",
	  "End after so long (90m, 2h) or so many builds (12)" },
	{ 0, "check", CLI_VALUE, &cut_opt.check, "CMD",
	  "What has to succeed, for /bin/sh (the image's command)" },
	{ 0, "check-timeout", CLI_VALUE, &cut_opt.check_timeout, "SECONDS",
	  "How long it may take (20 times what it takes at first)" },
	{ 0, "diff", CLI_FLAG, &cut_opt.diff, NULL,
	  "Compare two cuts, or probes of them (CUT:N)" },
	{ 0, "drop", CLI_LIST, &cut_opt.drop, "OPTION", "Leave this option out" },
	{ 0, "format", CLI_VALUE, &cut_opt.format, "F", "Of --table and --plot: text, csv, json, svg" },
	{ 0, "goal", CLI_VALUE, &cut_opt.goal, "GOAL", "size, memory, boot or surface (size)" },
	{ 0, "jobs", CLI_VALUE, &cut_opt.jobs, "N", "Compilers at once (one a CPU)" },
	{ 0, "json", CLI_FLAG, &cut_opt.json, NULL, "Print JSON" },
	{ 0, "keep", CLI_LIST, &cut_opt.keep, "OPTION", "Keep this option" },
	{ 0, "list", CLI_FLAG, &cut_opt.list, NULL, "List all cuts" },
	{ 0, "machine", CLI_VALUE, &cut_opt.machine, "M", "Where the kernel is to run (um)" },
	{ 'o', "output", CLI_VALUE, &cut_opt.name, "NAME", "Put the kernel into the store" },
	{ 0, "plot", CLI_FLAG, &cut_opt.plot, NULL, "Draw size by iteration of a cut" },
	{ 0, "run", CLI_VALUE, &cut_opt.run, "CMD", "Runs beside the check, for /bin/sh" },
	{ 0, "show", CLI_FLAG, &cut_opt.show, NULL, "Show a cut, and why each option stays" },
	{ 0, "source", CLI_VALUE, &cut_opt.source, "DIR", "Linux's source (the newest fetched)" },
	{ 0, "storage-opt", CLI_VALUE, &cut_opt.storage, "K=V",
	  "layer=disk or layer=memory, as for run (disk)" },
	{ 0, "table", CLI_FLAG, &cut_opt.table, NULL, "Show all probes of a cut" },
	{ 0 },
};

static const struct cli_verb verb = {
	.name = "cut",
	.usage = "[OPTIONS] IMAGE|ROOTFS\n"
		 "        hillock cut --list | --show [CUT] | --table [CUT] | --plot [CUT] | --diff A B",
	.summary = "Find the smallest kernel that passes a check. An interrupted cut goes on when it is\n"
		   "started again; the last one is meant where no CUT is named.",
	.example = "  hillock cut busybox --check 'su - -c id root' --budget 1h --budget 12 -o shell\n"
		   "  hillock cut --table",
	.options = options,
};

/* --- what was asked for ---------------------------------------------------------------------------- */

/* "90m", "2h", "30s": seconds; "12", "12 builds": builds. */
static int read_budget(struct cut_spec *spec, const char *text, struct err *err)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-' || n == 0 || n > 1000000)
		end = (char *)"?";
	end += strspn(end, " ");
	if (!*end || !strcmp(end, "builds") || !strcmp(end, "build"))
		spec->builds = (unsigned)n;
	else if (!strcmp(end, "s"))
		spec->seconds = n;
	else if (!strcmp(end, "m") || !strcmp(end, "min"))
		spec->seconds = n * 60;
	else if (!strcmp(end, "h"))
		spec->seconds = n * 3600;
	else
		return err_set(err, EINVAL, "--budget %s: it is a time (90m, 2h) or a number of builds",
			       text);
	return 0;
}

static int read_numbers(struct cut_spec *spec, struct err *err)
{
	uint64_t number;
	int rc = 0;

	for (size_t i = 0; i < cut_opt.budget.count && rc == 0; i++)
		rc = read_budget(spec, cut_opt.budget.items[i], err);
	if (rc == 0 && cut_opt.jobs) {
		rc = cli_number(cut_opt.jobs, "--jobs", 1, 1024, &number, err);
		spec->jobs = (unsigned)number;
	}
	if (rc == 0 && cut_opt.check_timeout) {
		rc = cli_number(cut_opt.check_timeout, "--check-timeout", 1, 86400, &number, err);
		spec->check_seconds = (unsigned)number;
	}
	return rc;
}

static int read_goal(struct cut_spec *spec, struct err *err)
{
	for (int i = 0; i < CUT_GOALS; i++) {
		if (!strcmp(cut_goal_names[i], cut_opt.goal)) {
			spec->goal = (enum cut_goal)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "--goal %s: it is size, memory, boot or surface", cut_opt.goal);
}

static int read_spec(struct cut_spec *spec, struct err *err)
{
	const char *bad = cut_opt.name ? strpbrk(cut_opt.name, "/ \t\n") : NULL;

	if (strcmp(cut_opt.machine, "um") != 0)
		return err_set(err, EINVAL, "--machine %s: kernels can be cut for um only, so far",
			       cut_opt.machine);
	if (cut_opt.name && (bad || !*cut_opt.name || *cut_opt.name == '.' ||
			     strlen(cut_opt.name) >= CONTAINER_NAME_MAX ||
			     !strcmp(cut_opt.name, "default")))
		return err_set(err, EINVAL, "--output '%s' is no name for a kernel", cut_opt.name);
	if (cut_opt.storage && strcmp(cut_opt.storage, "layer=disk") != 0 &&
	    strcmp(cut_opt.storage, "layer=memory") != 0)
		return err_set(err, EINVAL, "--storage-opt %s: it is layer=disk or layer=memory",
			       cut_opt.storage);
	spec->layer = cut_opt.storage ? cut_opt.storage + strlen("layer=") : "disk";
	spec->check = cut_opt.check;
	spec->run = cut_opt.run;
	spec->machine = cut_opt.machine;
	spec->base = cut_opt.base;
	spec->source = cut_opt.source;
	spec->name = cut_opt.name;
	spec->keep = (const char *const *)cut_opt.keep.items;
	spec->drop = (const char *const *)cut_opt.drop.items;
	if (read_goal(spec, err) < 0)
		return -err->code;
	return read_numbers(spec, err);
}

/* --- events ---------------------------------------------------------------------------------------------- */

struct teller {
	int terminal, json;
	char step[256];
};

static void tell_json(const struct cut_event *e)
{
	static const char *const kinds[] = { "step", "progress", "probe", "note" };
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "event", json_object_new_string(kinds[e->kind]));
	if (e->text)
		json_object_object_add(o, "text", cli_json_text(e->text));
	if (e->probe) {
		const struct cut_probe *p = e->probe;

		json_object_object_add(o, "number", json_object_new_int(p->number));
		json_object_object_add(o, "verdict",
				       json_object_new_string(cut_verdict_names[p->verdict]));
		json_object_object_add(o, "why", cli_json_text(p->why));
		json_object_object_add(o, "cause", cli_json_text(p->cause));
		json_object_object_add(o, "options", json_object_new_int((int)p->options));
		json_object_object_add(o, "size", json_object_new_uint64(p->text + p->data));
		json_object_object_add(o, "boot_us", json_object_new_uint64(p->boot_us));
		json_object_object_add(o, "memory_kb", json_object_new_uint64(p->memory_kb));
		json_object_object_add(o, "remembered", json_object_new_boolean(p->remembered));
	}
	json_object_object_add(o, "builds", json_object_new_int((int)e->builds));
	json_object_object_add(o, "of_about", json_object_new_int((int)e->total));
	json_object_object_add(o, "elapsed_ms", json_object_new_uint64(e->elapsed_ms));
	json_object_object_add(o, "left_ms", json_object_new_uint64(e->left_ms));
	json_object_object_add(o, "best", json_object_new_uint64(e->best));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(stdout);
	json_object_put(o);
}

static void live_line(const struct teller *t, const struct cut_event *e)
{
	char left[48] = "", best[48] = "";

	if (!t->terminal)
		return;
	if (e->left_ms)
		snprintf(left, sizeof(left), ", %" PRIu64 ":%02" PRIu64 " left",
			 e->left_ms / 60000, e->left_ms / 1000 % 60);
	if (e->best)
		snprintf(best, sizeof(best), ", best %.3f MB", (double)e->best / 1e6);
	fprintf(stderr, "\r%u of about %u%s%s: %.70s\033[K", e->builds, e->total, best, left,
		e->text ? e->text : t->step);
}

static void hear(void *context, const struct cut_event *e)
{
	struct teller *t = context;

	if (t->json) {
		tell_json(e);
		return;
	}
	if (t->terminal && e->kind != CUT_PROGRESS)
		fprintf(stderr, "\r\033[K");
	switch (e->kind) {
	case CUT_STEP:
		snprintf(t->step, sizeof(t->step), "%s", e->text);
		if (!t->terminal)
			fprintf(stderr, "%s\n", e->text);
		break;
	case CUT_NOTE:
		fprintf(stderr, "%s\n", e->text);
		break;
	case CUT_PROBE:
		fprintf(stderr, "%3d  %-12s %8.3f MB  %4u options  %s%s\n", e->probe->number,
			cut_verdict_names[e->probe->verdict],
			(double)(e->probe->text + e->probe->data) / 1e6, e->probe->options,
			e->probe->why, e->probe->remembered ? " (remembered)" : "");
		break;
	case CUT_PROGRESS:
		break;
	}
	live_line(t, e);
}

static void on_signal(int signal)
{
	cut_interrupt();
}

static void print_result(const struct cut_spec *spec, const struct cut_result *r)
{
	char boot[48] = "";

	if (r->best.boot_us)
		snprintf(boot, sizeof(boot), ", boots in %.1f ms", (double)r->best.boot_us / 1e3);
	printf("cut %" PRId64 ": %.3f MB of text and data (the base: %.3f MB), %u options%s, "
	       "%u builds\n",
	       r->id, (double)(r->best.text + r->best.data) / 1e6, (double)r->base_size / 1e6,
	       r->best.options, boot, r->builds);
	if (spec->name)
		printf("kernel %s is in the store: hillock run --kernel %s %s\n", spec->name,
		       spec->name, spec->image);
}

static int run_cut(struct cut_spec *spec, struct err *err)
{
	struct teller t = { .terminal = isatty(STDERR_FILENO), .json = cut_opt.json };
	const struct sigaction action = { .sa_handler = on_signal };
	struct cut_result result;
	int rc = read_spec(spec, err);

	if (rc < 0)
		return rc;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	rc = cut_run(spec, hear, &t, &result, err);
	if (t.terminal && !t.json)
		fprintf(stderr, "\r\033[K");
	if (rc == 0 && !t.json)
		print_result(spec, &result);
	if (rc == -EINTR)
		err_hint(err, "the same command goes on where it was");
	free(result.best.config);
	return rc;
}

/* --- the program --------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	struct cut_spec spec = { .store = argc > 1 ? argv[1] : NULL };
	char build[PATH_MAX], apply[PATH_MAX], fetch[PATH_MAX], configs[PATH_MAX];
	struct err err = ERR_INIT;
	int count, rc;

	if (argc < 6) {
		fprintf(stderr, "hillock-cut is run by 'hillock cut'\n");
		return EXIT_USAGE;
	}
	spec.program = argv[2];
	spec.tracer = argv[3];
	spec.floors = argv[4];
	snprintf(build, sizeof(build), "%s/build", argv[5]);
	snprintf(apply, sizeof(apply), "%s/apply", argv[5]);
	snprintf(fetch, sizeof(fetch), "%s/fetch", argv[5]);
	snprintf(configs, sizeof(configs), "%s/configs", argv[5]);
	spec.kernel_build = build;
	spec.kernel_apply = apply;
	spec.kernel_fetch = fetch;
	spec.kernel_configs = configs;
	argv += 6;
	count = cli_parse(options, 0, argc - 6, argv, &err);
	if (count == -ECANCELED) {
		cli_help(&verb);
		return cli_flush();
	}
	if (count >= 0 && cut_history_asked()) {
		rc = cut_history_print(spec.store, count, argv, &err);
	} else if (count >= 0 && count != 1) {
		count = err_set(&err, EINVAL, "'hillock cut' requires one image or root directory");
		rc = count;
	} else if (count == 1) {
		spec.image = argv[0];
		rc = run_cut(&spec, &err);
	} else {
		rc = count;
	}
	if (rc < 0) {
		if (count < 0)
			err_hint(&err, "see 'hillock cut --help'");
		cli_error(&err);
		return count < 0 ? EXIT_USAGE : EXIT_ERROR;
	}
	return cli_flush();
}
