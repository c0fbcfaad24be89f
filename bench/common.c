// SPDX-License-Identifier: GPL-2.0-or-later
/* What the benchmarks share; bench.h. */
#include "bench/bench.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <unistd.h>

void bench_progress(const struct bench_common *options, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (!options->progress)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	options->progress(text);
}

void bench_leave_out(struct sheet *sheet, const char *name, const struct err *why)
{
	sheet_say(sheet, "left_out", "%s is left out: %s%s%s%s", name, why->text,
		  *why->hint ? " (" : "", why->hint, *why->hint ? ")" : "");
}

int bench_program(char *path, struct err *err)
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (length < 0)
		return err_sys(err, errno, "cannot tell where hillock is: /proc/self/exe");
	path[length] = 0;
	return 0;
}
