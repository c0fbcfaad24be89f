// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock bench start|idle|syscalls|programs: Hillock measured beside others, on this machine. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/peers.h"
#include "bench/process.h"
#include "bench/stats.h"

static const char *image = "busybox", *peers = "crun,runc,runsc", *output;
static const char *runs = "30", *warmup = "3", *count = "50", *window = "10", *memory;
static const char *contest_runs = "5", *contest_warmup = "0", *contest_peers = "crun,runsc";
static const char *programs_warmup = "1", *programs_image, *cpus = "1", *ms = "100", *only;
static struct cli_list kernels, modes;
static int json, csv, no_smallest, best;

static const struct cli_option start_options[] = {
	{ 0, "runs", CLI_VALUE, &runs, "N", "Rounds to measure (30)" },
	{ 0, "warmup", CLI_VALUE, &warmup, "N", "Rounds before that which do not count (3)" },
	{ 0, "image", CLI_VALUE, &image, "IMAGE", "What to run (busybox)" },
	{ 0, "peers", CLI_VALUE, &peers, "LIST", "Compare with these (crun,runc,runsc)" },
	{ 0, "json", CLI_FLAG, &json, NULL, "Print JSON, with every sample" },
	{ 0, "csv", CLI_FLAG, &csv, NULL, "Print CSV, with every sample" },
	{ 'o', "output", CLI_VALUE, &output, "FILE", "Print to a file" },
	{ 0 },
};

static const struct cli_option idle_options[] = {
	{ 0, "count", CLI_VALUE, &count, "N", "Containers at once (50)" },
	{ 0, "window", CLI_VALUE, &window, "SECONDS", "How long to count wake-ups (10)" },
	{ 'm', "memory", CLI_VALUE, &memory, "SIZE", "Memory of each container" },
	{ 0, "no-smallest", CLI_FLAG, &no_smallest, NULL,
	  "Do not look for the smallest memory that starts" },
	{ 0, "image", CLI_VALUE, &image, "IMAGE", "What to run (busybox)" },
	{ 0, "peers", CLI_VALUE, &peers, "LIST", "Compare with these (crun,runc,runsc)" },
	{ 0, "json", CLI_FLAG, &json, NULL, "Print JSON" },
	{ 0, "csv", CLI_FLAG, &csv, NULL, "Print CSV" },
	{ 'o', "output", CLI_VALUE, &output, "FILE", "Print to a file" },
	{ 0 },
};

static const struct cli_option syscalls_options[] = {
	{ 0, "runs", CLI_VALUE, &contest_runs, "N", "Rounds to measure (5)" },
	{ 0, "warmup", CLI_VALUE, &contest_warmup, "N", "Rounds before that (0)" },
	{ 0, "only", CLI_VALUE, &only, "LINE,...", "Measure these lines" },
	{ 0, "best", CLI_FLAG, &best, NULL,
	  "Each round's best batch counts, not its median: for a busy machine" },
	{ 0, "ms", CLI_VALUE, &ms, "N", "Milliseconds for each line in a round (100)" },
	{ 0, "peers", CLI_VALUE, &contest_peers, "LIST", "Compare with these (crun,runsc)" },
	{ 0, "kernel", CLI_LIST, &kernels, "K", "Run on this kernel; several stand side by side" },
	{ 0, "um-mode", CLI_LIST, &modes, "M", "Likewise, for run's --um-mode" },
	{ 0, "cpus", CLI_VALUE, &cpus, "N", "CPUs for each contender (1)" },
	{ 'm', "memory", CLI_VALUE, &memory, "SIZE", "Memory of hillock's containers" },
	{ 0, "json", CLI_FLAG, &json, NULL, "Print JSON, with every sample" },
	{ 0, "csv", CLI_FLAG, &csv, NULL, "Print CSV, with every sample" },
	{ 'o', "output", CLI_VALUE, &output, "FILE", "Print to a file" },
	{ 0 },
};

static const struct cli_option programs_options[] = {
	{ 0, "runs", CLI_VALUE, &contest_runs, "N", "Rounds to measure (5)" },
	{ 0, "warmup", CLI_VALUE, &programs_warmup, "N", "Rounds before that (1)" },
	{ 0, "only", CLI_VALUE, &only, "PROGRAM,...",
	  "Of redis, gcc, python, sqlite, nginx, shell, tar" },
	{ 0, "image", CLI_VALUE, &programs_image, "IMAGE", "With all of these (debian-programs)" },
	{ 0, "peers", CLI_VALUE, &contest_peers, "LIST", "Compare with these (crun,runsc)" },
	{ 0, "kernel", CLI_LIST, &kernels, "K", "Run on this kernel; several stand side by side" },
	{ 0, "um-mode", CLI_LIST, &modes, "M", "Likewise, for run's --um-mode" },
	{ 0, "cpus", CLI_VALUE, &cpus, "N", "CPUs for each contender (1)" },
	{ 'm', "memory", CLI_VALUE, &memory, "SIZE", "Memory of hillock's containers (1g)" },
	{ 0, "json", CLI_FLAG, &json, NULL, "Print JSON, with every sample" },
	{ 0, "csv", CLI_FLAG, &csv, NULL, "Print CSV, with every sample" },
	{ 'o', "output", CLI_VALUE, &output, "FILE", "Print to a file" },
	{ 0 },
};

/* On a terminal, one line that is written over; an empty text takes it away. */
static void progress(const char *text)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s\033[K", text);
}

static int parse_peers(struct bench_common *common, const char *names, struct err *err)
{
	char *list = strdup(names), *rest = NULL;
	size_t used = 0, before;

	if (!list)
		return err_sys(err, ENOMEM, "--peers");
	for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		size_t i = 0;

		while (peer_names[i] && strcmp(peer_names[i], name))
			i++;
		for (before = 0; before < used && common->peers[before] != peer_names[i];)
			before++;
		if (!peer_names[i] || before < used) {
			err_set(err, EINVAL, "invalid argument \"%s\" for --peers", name);
			err_hint(err, "name some of crun, runc and runsc, each once");
			break;
		}
		common->peers[used++] = peer_names[i];
	}
	free(list);
	return -err->code;
}

static int parse_number(const char *text, const char *what, uint64_t low, uint64_t high,
			unsigned *number, struct err *err)
{
	uint64_t value;
	int ret = cli_number(text, what, low, high, &value, err);

	*number = (unsigned)value;
	return ret;
}

/* Better now than after minutes of measuring. */
static int check_output(struct err *err)
{
	FILE *file = output ? fopen(output, "ae") : NULL;

	if (output && !file)
		return err_sys(err, errno, "cannot write %s", output);
	return file && fclose(file) ? err_sys(err, errno, "cannot write %s", output) : 0;
}

static int open_common(struct cli *cli, struct bench_common *common, const char *from,
		       const char *with, struct container_store *store, struct err *err)
{
	int ret = json && csv ? err_set(err, EINVAL, "--json and --csv exclude each other") : 0;

	*common = (struct bench_common){ .store = store, .image = from, .progress = progress };
	if (!ret)
		ret = parse_peers(common, with, err);
	if (!ret)
		ret = check_output(err);
	/* The hillocks that will be started must use the same store. */
	if (!ret && cli->root && setenv("HILLOCK_HOME", cli->root, 1) < 0)
		ret = err_sys(err, errno, "--root");
	if (!ret)
		ret = container_store_open(store, cli->root, err);
	if (!ret)
		ret = process_init(err);
	return ret;
}

static int print(const struct sheet *sheet, struct err *err)
{
	FILE *file = output ? fopen(output, "we") : stdout;
	int ret;

	if (!file)
		return err_sys(err, errno, "cannot write %s", output);
	ret = sheet_print(sheet, file, json ? SHEET_JSON : csv ? SHEET_CSV : SHEET_TEXT);
	if (output && fclose(file) && !ret)
		ret = -errno;
	return ret ? err_sys(err, -ret, "cannot write %s", output ? output : "the results") : 0;
}

/* Prints what there is, even if not all could be measured. */
static int finish(struct container_store *store, struct sheet *sheet, int ret, struct err *err)
{
	struct err printing = ERR_INIT;

	progress("");
	if (ret != -EINTR && sheet->first && print(sheet, &printing)) {
		cli_error(&printing);
		ret = printing.code;
	}
	if (err->code)
		cli_error(err);
	sheet_free(sheet);
	container_store_close(store);
	return ret == -EINTR ? 130 : ret ? EXIT_ERROR : EXIT_OK;
}

static int run_start(struct cli *cli, int argc, char **argv)
{
	struct bench_start options = { 0 };
	struct container_store store = { -1, -1, -1, NULL };
	struct err err = ERR_INIT;
	struct sheet sheet;
	int ret;

	sheet_init(&sheet);
	ret = open_common(cli, &options.common, image, peers, &store, &err);
	if (!ret)
		ret = parse_number(runs, "--runs", 1, STATS_SAMPLES_MAX, &options.runs, &err);
	if (!ret)
		ret = parse_number(warmup, "--warmup", 0, 1000, &options.warmup, &err);
	if (!ret)
		ret = bench_start(&options, &sheet, &err);
	return finish(&store, &sheet, ret, &err);
}

static int run_idle(struct cli *cli, int argc, char **argv)
{
	struct bench_idle options = { 0 };
	struct container_store store = { -1, -1, -1, NULL };
	struct err err = ERR_INIT;
	struct sheet sheet;
	uint64_t bytes;
	int ret;

	sheet_init(&sheet);
	ret = open_common(cli, &options.common, image, peers, &store, &err);
	if (!ret)
		ret = parse_number(count, "--count", 1, 1000, &options.count, &err);
	if (!ret)
		ret = parse_number(window, "--window", 1, 3600, &options.window, &err);
	if (!ret && memory)
		ret = cli_bytes(memory, &bytes, &err);
	options.memory = memory;
	if (!ret)
		ret = bench_idle(&options, &sheet, &err);
	if (!ret && !no_smallest)
		ret = bench_smallest(&options.common, &sheet, &err);
	return finish(&store, &sheet, ret, &err);
}

/* What both contests are told. */
static int parse_contest(struct bench_contest *contest, const char *rounds_before, struct err *err)
{
	uint64_t bytes;
	int ret = parse_number(contest_runs, "--runs", 1, STATS_SAMPLES_MAX, &contest->runs, err);

	if (!ret)
		ret = parse_number(rounds_before, "--warmup", 0, 1000, &contest->warmup, err);
	if (!ret)
		ret = parse_number(cpus, "--cpus", 1, CONTAINER_CPUS_MAX, &contest->cpus, err);
	if (!ret && memory)
		ret = cli_bytes(memory, &bytes, err);
	contest->memory = memory;
	contest->only = only;
	contest->best = best;
	contest->kernels = (const char *const *)kernels.items;
	contest->modes = (const char *const *)modes.items;
	return ret;
}

static int run_syscalls(struct cli *cli, int argc, char **argv)
{
	struct container_store store = { -1, -1, -1, NULL };
	struct bench_syscalls options = { 0 };
	struct err err = ERR_INIT;
	struct sheet sheet;
	int ret;

	sheet_init(&sheet);
	ret = open_common(cli, &options.common, NULL, contest_peers, &store, &err);
	if (!ret)
		ret = parse_contest(&options.contest, contest_warmup, &err);
	if (!ret)
		ret = parse_number(ms, "--ms", 1, 10000, &options.ms, &err);
	if (!ret)
		ret = bench_syscalls(&options, &sheet, &err);
	return finish(&store, &sheet, ret, &err);
}

static int run_programs(struct cli *cli, int argc, char **argv)
{
	struct container_store store = { -1, -1, -1, NULL };
	struct bench_programs options = { 0 };
	struct err err = ERR_INIT;
	struct sheet sheet;
	int ret;

	sheet_init(&sheet);
	ret = open_common(cli, &options.common, programs_image, contest_peers, &store, &err);
	if (!ret)
		ret = parse_contest(&options.contest, programs_warmup, &err);
	if (!ret)
		ret = bench_programs(&options, &sheet, &err);
	return finish(&store, &sheet, ret, &err);
}

const struct cli_verb cli_bench_start = {
	.name = "bench start",
	.usage = "[OPTIONS]",
	.summary = "Measure how long a container takes, beside other runtimes",
	.example = "  hillock bench start --runs 100 --peers crun,runc",
	.options = start_options,
	.run = run_start,
};

const struct cli_verb cli_bench_idle = {
	.name = "bench idle",
	.usage = "[OPTIONS]",
	.summary = "Measure what waiting containers cost, beside other runtimes",
	.example = "  hillock bench idle --count 50 --json -o idle.json",
	.options = idle_options,
	.run = run_idle,
};

const struct cli_verb cli_bench_syscalls = {
	.name = "bench syscalls",
	.usage = "[OPTIONS]",
	.summary = "Measure system calls, faults and switches, beside the host and others",
	.example = "  hillock bench syscalls --only null,fault-anon-seq,fork-exec\n"
		   "  hillock bench syscalls --kernel um-base --kernel um-new --peers runsc",
	.options = syscalls_options,
	.run = run_syscalls,
};

const struct cli_verb cli_bench_programs = {
	.name = "bench programs",
	.usage = "[OPTIONS]",
	.summary = "Measure real programs, beside the host and others",
	.example = "  hillock bench programs --only redis,gcc --runs 3",
	.options = programs_options,
	.run = run_programs,
};
