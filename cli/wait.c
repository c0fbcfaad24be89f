// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock wait: until containers end; prints their exit statuses. */
#include "cli/cli.h"

#include <stdio.h>

static int wait_one(const struct container_store *store, struct container *c, const char *reference,
		    struct err *err)
{
	int code, rc = container_wait(c, &code, err);

	if (rc == 0)
		printf("%d\n", code);
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	return cli_each(cli, argc, argv, wait_one);
}

const struct cli_verb cli_wait = {
	.name = "wait",
	.usage = "CONTAINER [CONTAINER...]",
	.summary = "Wait until containers end, and print their exit statuses",
	.example = "  hillock wait web",
	.least = 1,
	.most = -1,
	.run = run,
};
