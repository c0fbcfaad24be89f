// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock stop: SIGTERM, and after a while SIGKILL. */
#include "cli/cli.h"

#include <stdio.h>

static const char *seconds_text;
static uint64_t seconds = 10;

static const struct cli_option options[] = {
	{ 't', "time", CLI_VALUE, &seconds_text, "SECONDS", "From SIGTERM to SIGKILL (10)" },
	{ 0, "timeout", CLI_VALUE, &seconds_text, "SECONDS", "The same" },
	{ 0 },
};

static int stop_one(const struct container_store *store, struct container *c, const char *reference,
		    struct err *err)
{
	int rc = container_stop(c, (unsigned)seconds, err);

	if (rc == 0)
		printf("%s\n", reference);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (seconds_text && cli_number(seconds_text, "--time", 0, 86400, &seconds, &err) < 0) {
		cli_error(&err);
		return EXIT_USAGE;
	}
	return cli_each(cli, argc, argv, stop_one);
}

const struct cli_verb cli_stop = {
	.name = "stop",
	.usage = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "End containers: SIGTERM, after a while SIGKILL",
	.example = "  hillock stop -t 3 web",
	.options = options,
	.least = 1,
	.most = -1,
	.run = run,
};
