// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makefiles, sources, object files and tracer's reports from strangers: the first byte says which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cut/config.h"
#include "cut/evidence.h"
#include "cut/makefile.h"
#include "cut/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int hear(void *context, const struct makefile_assignment *a)
{
	const char *text = context;

	/* What is told lies where it may be read, and has the promised form. */
	if (!*a->name || memchr(a->value, '\n', a->length) || a->option_count > MAKEFILE_OPTIONS)
		abort();
	for (unsigned i = 0; i < a->option_count; i++)
		if (!a->options[i][0])
			abort();
	return text ? 0 : -1;
}

static bool on(void *context, const char *option)
{
	return *option % 2;
}

static void try_source(const char *text, size_t size)
{
	static const struct owners_way way = { .options = { "A" }, .count = 1 };
	struct facts f = { .families = { [1] = "UNIX" } };

	facts_scan(&f, "fs/proc/base.c", text, size, &way);
	for (size_t i = 0; i < f.count; i++)
		if (!f.list[i].way.count || !*f.list[i].what)
			abort();
	facts_free(&f);
}

static void try_report(const char *text, size_t size)
{
	struct fact fact = { .kind = "call", .what = "read", .file = "f.c",
			     .way = { .options = { "A" }, .count = 1 } };
	struct facts f = { .list = &fact, .count = 1, .calls = { [0] = "read" } };
	struct owners o = { .count = 0 };
	struct evidence_set set = { .count = 0 };
	int status;

	evidence_read(&set, text, size, EVIDENCE_TRACED, &f, &o, on, NULL, &status, NULL);
	evidence_read_fragment(&set, "fuzz", text, size, EVIDENCE_MACHINE);
	evidence_free(&set);
}

static void try_configs(const char *text, size_t size)
{
	struct config_asks asks = { .count = 0 };
	char *copy = strndup(text, size), *fragment;

	if (copy && config_ask_fragment(&asks, copy) == 0) {
		fragment = config_fragment(&asks);
		if (fragment && report_diff_count(fragment, fragment) != 0 && asks.count == 1)
			abort();
		free(fragment);
	}
	config_asks_free(&asks);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	switch (data[0]) {
	case 'm':
		makefile_read(text, size - 1, hear, text);
		break;
	case 's':
		try_source(text, size - 1);
		break;
	case 'o':
		owners_object_size(text, size - 1);
		break;
	case 'r':
		try_report(text, size - 1);
		break;
	case 'c':
		try_configs(text, size - 1);
		break;
	default:
		break;
	}
	free(text);
	return 0;
}
