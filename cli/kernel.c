// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock kernel ls, kernel build: the private kernels of the store. */
#include "cli/cli.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	int quiet, json;
} opt;

static const struct cli_option ls_options[] = {
	{ 0, "json", CLI_FLAG, &opt.json, NULL, "Print JSON" },
	{ 'q', "quiet", CLI_FLAG, &opt.quiet, NULL, "Print names only" },
	{ 0 },
};

static void print_table(const struct container_kernel *list, size_t count)
{
	struct cli_table table = { .columns = 4 };

	cli_table_row(&table, (const char *const[]){ "NAME", "VERSION", "SIZE", "DEFAULT" });
	for (size_t i = 0; i < count; i++) {
		char size[32];

		cli_size(list[i].size, size, sizeof(size));
		cli_table_row(&table, (const char *const[]){ list[i].name, list[i].version, size,
							     list[i].is_default ? "yes" : "" });
	}
	cli_table_print(&table);
}

static void print_json(const struct container_kernel *list, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "Name", cli_json_text(list[i].name));
		json_object_object_add(o, "Version", cli_json_text(list[i].version));
		json_object_object_add(o, "Size", json_object_new_int64((int64_t)list[i].size));
		json_object_object_add(o, "Default", json_object_new_boolean(list[i].is_default));
		json_object_object_add(o, "Installed", json_object_new_boolean(list[i].installed));
		json_object_array_add(array, o);
	}
	cli_json(array);
}

static int ls(struct cli *cli, int argc, char **argv)
{
	struct container_kernel *list = NULL;
	struct container_store store;
	struct err err = ERR_INIT;
	size_t count = 0;
	int rc = container_store_open(&store, cli->root, &err);

	if (rc == 0)
		rc = container_kernel_list(&store, &list, &count, &err);
	if (rc < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
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

const struct cli_verb cli_kernel_ls = {
	.name = "kernel ls",
	.usage = "[OPTIONS]",
	.summary = "List private kernels",
	.example = "  hillock kernel ls",
	.options = ls_options,
	.run = ls,
};

/* The script has options of its own, and its own --help. */
static int build(struct cli *cli, int argc, char **argv)
{
	struct container_store store;
	struct err err = ERR_INIT;
	char path[PATH_MAX], **words = calloc((size_t)argc + 2, sizeof(*words));
	int rc = words ? container_libexec_path("kernel/build", path, &err) : -ENOMEM;

	if (rc == 0)
		rc = container_store_open(&store, cli->root, &err);
	if (rc == 0) {
		words[0] = path;
		memcpy(words + 1, argv, (size_t)argc * sizeof(*words));
		setenv("HILLOCK_HOME", store.path, 1);
		execv(path, words);
		err_sys(&err, errno, "running %s", path);
	}
	cli_error(&err);
	return EXIT_ERROR;
}

const struct cli_verb cli_kernel_build = {
	.name = "kernel build",
	.usage = "[OPTIONS]",
	.summary = "Build a private kernel ('hillock kernel build --help' says how)",
	.example = "  hillock kernel build --default",
	.raw = 1,
	.most = -1,
	.run = build,
};
