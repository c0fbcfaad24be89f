// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock kill: a signal for the command, SIGKILL if none is named. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

static const char *signal_text;
static int number = SIGKILL;

static const struct cli_option options[] = {
	{ 's', "signal", CLI_VALUE, &signal_text, "SIGNAL", "Name or number (KILL)" },
	{ 0 },
};

static int kill_one(const struct container_store *store, struct container *c, const char *reference,
		    struct err *err)
{
	int rc;

	if (!c->alive)
		rc = err_set(err, ESRCH, "container %.*s (%s) is not running", CONTAINER_ID_SHORT,
			     c->id, c->config.name);
	else if (number == SIGKILL)
		rc = container_stop(c, 0, err);
	else
		rc = container_signal(c, number, err);
	if (rc == 0)
		printf("%s\n", reference);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (signal_text && cli_signal(signal_text, &number, &err) < 0) {
		cli_error(&err);
		return EXIT_USAGE;
	}
	return cli_each(cli, argc, argv, kill_one);
}

const struct cli_verb cli_kill = {
	.name = "kill",
	.usage = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Send a signal to the commands of containers",
	.example = "  hillock kill -s HUP web",
	.options = options,
	.least = 1,
	.most = -1,
	.run = run,
};
