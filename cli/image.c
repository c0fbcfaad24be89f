// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock image import, ls, rm: the root images of the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <json-c/json.h>

#include "cli/cli.h"
#include "image/image.h"

static struct {
	int quiet, json, force;
	struct cli_list env;
} opt;

static int fail(const struct err *err)
{
	cli_error(err);
	return EXIT_ERROR;
}

/* --- import ---------------------------------------------------------------------------------- */

static const struct cli_option import_options[] = {
	{ 'e', "env", CLI_LIST, &opt.env, "K=V", "Default environment of its containers" },
	{ 0 },
};

static int import(struct cli *cli, int argc, char **argv)
{
	struct container_store store;
	struct err err = ERR_INIT;
	int rc = container_store_open(&store, cli->root, &err);

	if (rc == 0)
		rc = image_import(store.fd, argv[0], argv[1],
				  argc > 2 ? (const char *const *)argv + 2 : NULL,
				  (const char *const *)opt.env.items, &err);
	if (rc < 0)
		return fail(&err);
	printf("%s\n", argv[0]);
	container_store_close(&store);
	return cli_flush();
}

const struct cli_verb cli_image_import = {
	.name = "image import",
	.usage = "[OPTIONS] NAME FILE.tar|DIR|- [COMMAND...]",
	.summary = "Make an image from a tar archive or a directory",
	.example = "  hillock image import busybox rootfs.tar.gz sh\n"
		   "  mmdebstrap bookworm - | hillock image import debian -",
	.options = import_options,
	.stop = 1,
	.least = 2,
	.most = -1,
	.run = import,
};

/* --- ls -------------------------------------------------------------------------------------- */

static const struct cli_option ls_options[] = {
	{ 0, "json", CLI_FLAG, &opt.json, NULL, "Print JSON" },
	{ 'q', "quiet", CLI_FLAG, &opt.quiet, NULL, "Print names only" },
	{ 0 },
};

static void print_table(const struct image_entry *list, size_t count)
{
	struct cli_table table = { .columns = 5 };

	cli_table_row(&table, (const char *const[]){ "IMAGE", "TYPE", "FILES", "CREATED", "SIZE" });
	for (size_t i = 0; i < count; i++) {
		char files[16], since[64], created[80], size[32];

		snprintf(files, sizeof(files), "%u", list[i].files);
		cli_duration(((int64_t)time(NULL) - list[i].created) * 1000000000, since,
			     sizeof(since));
		snprintf(created, sizeof(created), "%s ago", since);
		cli_size(list[i].size, size, sizeof(size));
		cli_table_row(&table, (const char *const[]){ list[i].name, list[i].type, files,
							     created, size });
	}
	cli_table_print(&table);
}

static void print_json(const struct image_entry *list, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_new_object();
		char created[64];

		cli_time(list[i].created * 1000000000, created, sizeof(created));
		json_object_object_add(o, "Name", cli_json_text(list[i].name));
		json_object_object_add(o, "Type", cli_json_text(list[i].type));
		json_object_object_add(o, "Size", json_object_new_int64((int64_t)list[i].size));
		json_object_object_add(o, "Content",
				       json_object_new_int64((int64_t)list[i].content));
		json_object_object_add(o, "Files", json_object_new_int64(list[i].files));
		json_object_object_add(o, "Created", json_object_new_string(created));
		json_object_array_add(array, o);
	}
	cli_json(array);
}

static int ls(struct cli *cli, int argc, char **argv)
{
	struct image_entry *list = NULL;
	struct container_store store;
	struct err err = ERR_INIT;
	size_t count = 0;
	int rc = container_store_open(&store, cli->root, &err);

	if (rc == 0)
		rc = image_list(store.fd, &list, &count, &err);
	if (rc < 0)
		return fail(&err);
	if (opt.json) {
		print_json(list, count);
	} else if (opt.quiet) {
		for (size_t i = 0; i < count; i++)
			printf("%s\n", list[i].name);
	} else {
		print_table(list, count);
	}
	free(list);
	container_store_close(&store);
	return cli_flush();
}

const struct cli_verb cli_image_ls = {
	.name = "image ls",
	.usage = "[OPTIONS]",
	.summary = "List images",
	.example = "  hillock image ls",
	.options = ls_options,
	.run = ls,
};

/* --- rm -------------------------------------------------------------------------------------- */

static const struct cli_option rm_options[] = {
	{ 'f', "force", CLI_FLAG, &opt.force, NULL, "An image that is not there is no error" },
	{ 0 },
};

static int rm(struct cli *cli, int argc, char **argv)
{
	struct container_store store;
	struct err err = ERR_INIT;
	int status = EXIT_OK;

	if (container_store_open(&store, cli->root, &err) < 0)
		return fail(&err);
	for (int i = 0; i < argc; i++) {
		int rc;

		err = ERR_INIT;
		rc = image_remove(store.fd, argv[i], &err);
		if (rc == 0)
			printf("%s\n", argv[i]);
		else if (rc != -ENOENT || !opt.force)
			status = fail(&err);
	}
	container_store_close(&store);
	return cli_flush() == EXIT_OK ? status : EXIT_ERROR;
}

const struct cli_verb cli_image_rm = {
	.name = "image rm",
	.usage = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Remove images; containers that run on them keep them",
	.example = "  hillock image rm busybox",
	.options = rm_options,
	.least = 1,
	.most = -1,
	.run = rm,
};
