// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The smallest memory that a container starts with.
 *
 * Halving the range between what fails and what works, in whole MiB. A size works when `true` runs
 * to its end five times in a row; the first failure is enough to call it too small. A kernel that
 * is not up after ten seconds will not come.
 */
#include "bench/bench.h"

#include <errno.h>
#include <limits.h>

#include "bench/process.h"

#define TIMES 5
#define ENOUGH_MIB 128
#define TARGET_MIB 16

/* 1: it works; 0: it does not, and `why` says what went wrong; -EINTR. */
static int works(const struct bench_common *options, const char *program, unsigned mib,
		 struct err *why)
{
	char memory[16];
	const char *argv[] = { program,    "run",  "--rm",         "--boot-timeout", "10",
			       "--memory", memory, options->image, "true",           NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;

	snprintf(memory, sizeof(memory), "%uM", mib);
	spec.argv = argv;
	for (unsigned time = 1; time <= TIMES; time++) {
		struct process_result result;
		int ret;

		bench_progress(options, "smallest memory: %u MiB, %u of %d", mib, time, TIMES);
		*why = ERR_INIT;
		ret = process_run_well(&spec, &result, why);
		process_result_free(&result);
		if (process_interrupted())
			return -EINTR;
		if (ret)
			return 0;
	}
	return 1;
}

static void show(struct sheet *sheet, unsigned mib, const struct err *below)
{
	static const struct table_column columns[] = {
		{ "mib", "MiB", TABLE_NUMBER },
		{ "below", "one less", TABLE_TEXT },
	};
	struct table *table = sheet_table(
		sheet, "smallest", "Smallest --memory that starts 5 times of 5", columns, 2, 0);

	table_number(table, mib);
	table_text(table, "%s", below->text);
	sheet_say(sheet, "target", "Target 'a container starts with --memory %dM': %s.", TARGET_MIB,
		  mib <= TARGET_MIB ? "holds" : "does not hold");
}

int bench_smallest(const struct bench_common *options, struct sheet *sheet, struct err *err)
{
	unsigned fails = 0, enough = ENOUGH_MIB;
	struct err why = ERR_INIT, below = ERR_INIT;
	char program[PATH_MAX];
	int ret = bench_program(program, err);

	if (ret)
		return ret;
	ret = works(options, program, enough, &why);
	if (!ret) {
		*err = why;
		return err_context(err, "a container of %u MiB", enough);
	}
	while (ret >= 0 && enough - fails > 1) {
		unsigned middle = fails + (enough - fails) / 2;

		ret = works(options, program, middle, &why);
		if (ret == 1) {
			enough = middle;
		} else {
			fails = middle;
			below = why;
		}
	}
	if (ret < 0)
		return err_set(err, EINTR, "interrupted");
	show(sheet, enough, &below);
	return 0;
}
