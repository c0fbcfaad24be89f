// SPDX-License-Identifier: GPL-2.0-or-later
/* What the verbs on containers do alike. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>

int cli_container(struct cli *cli, const char *reference, struct container_store *store,
		  struct container *c)
{
	struct err err = ERR_INIT;
	int rc = container_store_open(store, cli->root, &err);

	if (rc == 0)
		rc = container_get(store, reference, c, &err);
	if (rc < 0)
		cli_error(&err);
	return rc;
}

int cli_each(struct cli *cli, int argc, char **argv,
	     int (*each)(const struct container_store *store, struct container *c,
			 const char *reference, struct err *err))
{
	struct container_store store;
	struct err err = ERR_INIT;
	int status = EXIT_OK;

	if (container_store_open(&store, cli->root, &err) < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
	for (int i = 0; i < argc; i++) {
		struct container c;
		int rc;

		err = ERR_INIT;
		rc = container_get(&store, argv[i], &c, &err);
		if (rc == 0) {
			rc = each(&store, &c, argv[i], &err);
			container_close(&c);
		}
		if (rc < 0) {
			cli_error(&err);
			status = EXIT_ERROR;
		}
	}
	container_store_close(&store);
	return cli_flush() == EXIT_OK ? status : EXIT_ERROR;
}
