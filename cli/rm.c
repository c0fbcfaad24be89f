// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock rm: removes containers, and what dead ones left behind. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>

static int force, volumes;

static const struct cli_option options[] = {
	{ 'f', "force", CLI_FLAG, &force, NULL, "Kill it first if it runs" },
	{ 'v', "volumes", CLI_FLAG, &volumes, NULL, "Accepted as docker does; there are none" },
	{ 0 },
};

static int remove_one(const struct container_store *store, const char *reference, struct err *err)
{
	struct container c;
	int rc = container_get(store, reference, &c, err);

	if (rc == -EBADMSG && force)
		return container_remove_damaged(store, reference, err);
	if (rc < 0)
		return rc;
	rc = container_remove(store, &c, force, err);
	container_close(&c);
	return rc < 0 ? err_context(err, "cannot remove it") : 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct container_store store;
	struct err err = ERR_INIT;
	int status = EXIT_OK;

	if (container_store_open(&store, cli->root, &err) < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
	for (int i = 0; i < argc; i++) {
		int rc = remove_one(&store, argv[i], &err);

		if (rc == 0)
			printf("%s\n", argv[i]);
		else
			cli_error(&err);
		/* As docker has it: with --force one that is not there is said, but no failure. */
		if (rc < 0 && !(rc == -ENOENT && force))
			status = EXIT_ERROR;
		err = ERR_INIT;
	}
	container_sweep(&store);
	container_store_close(&store);
	return cli_flush() == EXIT_OK ? status : EXIT_ERROR;
}

const struct cli_verb cli_rm = {
	.name = "rm",
	.usage = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Remove containers",
	.example = "  hillock rm -f web",
	.options = options,
	.least = 1,
	.most = -1,
	.run = run,
};
