// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock version: of the program, of its kernels, and what can run here. */
#include "cli/cli.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

static int json;

static const struct cli_option options[] = {
	{ 0, "json", CLI_FLAG, &json, NULL, "Print JSON" },
	{ 0 },
};

/* The default kernel's version, or what stands in its way. */
static void kernel_version(struct cli *cli, char *out, size_t room)
{
	struct container_store store;
	struct container_kernel *list = NULL;
	size_t count = 0;

	snprintf(out, room, "none");
	if (container_store_open(&store, cli->root, NULL) < 0)
		return;
	if (container_kernel_list(&store, &list, &count, NULL) == 0) {
		for (size_t i = 0; i < count; i++) {
			if (list[i].is_default)
				snprintf(out, room, "%s (%s)", list[i].version, list[i].name);
		}
	}
	free(list);
	container_store_close(&store);
}

static void machine_text(const struct machine_ops *machine, char *out, size_t room)
{
	struct err err = ERR_INIT;

	if (machine->probe(&err) == 0)
		snprintf(out, room, "can run here");
	else
		snprintf(out, room, "cannot run here: %s", err.text);
}

static void print_json(const char *kernel, const struct utsname *host)
{
	struct json_object *o = json_object_new_object(), *machines = json_object_new_object();
	char text[1200];

	json_object_object_add(o, "Version", json_object_new_string(HILLOCK_VERSION));
	json_object_object_add(o, "Kernel", cli_json_text(kernel));
	json_object_object_add(o, "HostKernel", cli_json_text(host->release));
	for (size_t i = 0; machine_all[i]; i++) {
		machine_text(machine_all[i], text, sizeof(text));
		json_object_object_add(machines, machine_all[i]->name, cli_json_text(text));
	}
	json_object_object_add(o, "Machines", machines);
	cli_json(o);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct utsname host = { 0 };
	char kernel[256], text[1200];

	uname(&host);
	kernel_version(cli, kernel, sizeof(kernel));
	if (json) {
		print_json(kernel, &host);
		return cli_flush();
	}
	printf("hillock         %s\ndefault kernel  %s\nhost kernel     %s\n", HILLOCK_VERSION,
	       kernel, host.release);
	for (size_t i = 0; machine_all[i]; i++) {
		machine_text(machine_all[i], text, sizeof(text));
		printf("machine %-7s %s\n", machine_all[i]->name, text);
	}
	return cli_flush();
}

const struct cli_verb cli_version = {
	.name = "version",
	.usage = "[OPTIONS]",
	.summary = "Print versions, and which machines can run here",
	.example = "  hillock version --json",
	.options = options,
	.run = run,
};
