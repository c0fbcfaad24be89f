// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock inspect: all that is known about containers, as JSON.
 *
 * The keys are docker's where the thing is docker's; what only Hillock has stands under
 * "Hillock": kernel, machine, phases, jail.
 */
#include "cli/cli.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static int json;

static const struct cli_option options[] = {
	{ 0, "json", CLI_FLAG, &json, NULL, "Accepted: it is always JSON" },
	{ 0 },
};

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, cli_json_text(text));
}

static void add_int(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void add_bool(struct json_object *o, const char *key, int value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static void add_time(struct json_object *o, const char *key, int64_t ns)
{
	char text[64];

	cli_time(ns, text, sizeof(text));
	add_text(o, key, text);
}

static struct json_object *list_of(char *const *items)
{
	struct json_object *array = json_object_new_array();

	for (; items && *items; items++)
		json_object_array_add(array, cli_json_text(*items));
	return array;
}

static struct json_object *state_of(const struct container *c)
{
	const struct container_state *s = &c->state;
	struct json_object *o = json_object_new_object();

	add_text(o, "Status", container_status_names[s->status]);
	add_bool(o, "Running", s->status == CONTAINER_RUNNING);
	add_bool(o, "OOMKilled", s->out_of_memory);
	add_bool(o, "Dead", s->status == CONTAINER_DEAD);
	add_int(o, "Pid", c->alive ? s->machine : 0);
	add_int(o, "ExitCode", s->exit_code);
	add_int(o, "Signal", s->signal);
	add_text(o, "Error", s->reason);
	add_time(o, "StartedAt", s->started);
	add_time(o, "FinishedAt", s->finished);
	return o;
}

static struct json_object *mounts_of(const struct container_config *config)
{
	struct json_object *array = json_object_new_array();

	for (unsigned i = 0; i < config->mount_count; i++) {
		const struct container_mount *m = &config->mounts[i];
		struct json_object *o = json_object_new_object();
		int volume = !strcmp(m->kind, "volume");

		add_text(o, "Type", volume ? "bind" : "tmpfs");
		add_text(o, "Source", m->source);
		add_text(o, "Destination", m->target);
		add_text(o, "Mode", volume ? (m->read_only ? "ro" : "rw") : m->options);
		add_bool(o, "RW", !m->read_only);
		json_object_array_add(array, o);
	}
	return array;
}

static struct json_object *host_config_of(const struct container_config *config)
{
	struct json_object *o = json_object_new_object(), *log = json_object_new_object();

	add_int(o, "Memory", (int64_t)config->memory);
	add_int(o, "NanoCpus", (int64_t)(config->cpus * 1e9));
	add_int(o, "PidsLimit", (int64_t)config->pids);
	add_bool(o, "ReadonlyRootfs", config->read_only);
	add_bool(o, "AutoRemove", config->auto_remove);
	add_text(log, "Type", config->no_log ? "none" : "hillock");
	json_object_object_add(o, "LogConfig", log);
	return o;
}

static struct json_object *config_of(const struct container_config *config)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "Hostname", config->hostname);
	add_text(o, "User", config->user);
	add_bool(o, "Tty", config->terminal);
	add_bool(o, "OpenStdin", config->stdin_open);
	json_object_object_add(o, "Env", list_of(config->env));
	json_object_object_add(o, "Cmd", list_of(config->argv));
	add_text(o, "Image", config->image);
	add_text(o, "WorkingDir", config->cwd);
	return o;
}

static struct json_object *phases_of(const struct container_state *s)
{
	struct json_object *o = json_object_new_object();
	uint64_t begin = s->phases[PHASE_CLIENT];

	for (int i = 0; i < CONTAINER_PHASES; i++) {
		if (s->phases[i])
			add_int(o, container_phase_names[i], (int64_t)(s->phases[i] - begin));
	}
	return o;
}

static struct json_object *layer_of(const struct container_config *config)
{
	struct json_object *o = json_object_new_object();

	if (config->read_only) {
		add_text(o, "Kind", "none");
	} else if (config->layer == CONTAINER_LAYER_MEMORY) {
		add_text(o, "Kind", "memory");
	} else {
		add_text(o, "Kind", "disk");
		add_int(o, "Size", (int64_t)config->layer_size);
	}
	return o;
}

static struct json_object *hillock_of(const struct container *c)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "Machine", c->config.machine);
	if (c->config.mode && *c->config.mode)
		add_text(o, "UmMode", c->config.mode);
	add_text(o, "Kernel", c->config.kernel);
	add_int(o, "VirtualCpus", c->config.vcpus);
	add_int(o, "GuestPid", c->state.guest_pid);
	add_int(o, "LogLostBytes", (int64_t)c->state.log_lost);
	json_object_object_add(o, "Layer", layer_of(&c->config));
	json_object_object_add(o, "PhasesNs", phases_of(&c->state));
	json_object_object_add(o, "Jail", cli_jail(c));
	return o;
}

static struct json_object *describe(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	char name[CONTAINER_NAME_MAX + 2];

	add_text(o, "Id", c->id);
	add_time(o, "Created", c->config.created);
	add_text(o, "Path", c->config.argv[0]);
	json_object_object_add(o, "Args", list_of(c->config.argv[0] ? c->config.argv + 1 : NULL));
	json_object_object_add(o, "State", state_of(c));
	add_text(o, "Image", c->config.image);
	snprintf(name, sizeof(name), "/%s", c->config.name);
	add_text(o, "Name", name);
	json_object_object_add(o, "HostConfig", host_config_of(&c->config));
	json_object_object_add(o, "Mounts", mounts_of(&c->config));
	json_object_object_add(o, "Config", config_of(&c->config));
	json_object_object_add(o, "Hillock", hillock_of(c));
	return o;
}

static struct json_object *found;

static int inspect_one(const struct container_store *store, struct container *c,
		       const char *reference, struct err *err)
{
	json_object_array_add(found, describe(c));
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	int status;

	found = json_object_new_array();
	status = cli_each(cli, argc, argv, inspect_one);
	cli_json(found);
	return cli_flush() == EXIT_OK ? status : EXIT_ERROR;
}

const struct cli_verb cli_inspect = {
	.name = "inspect",
	.usage = "CONTAINER [CONTAINER...]",
	.summary = "Print all about containers, their jails included (JSON)",
	.example = "  hillock inspect web",
	.options = options,
	.least = 1,
	.most = -1,
	.run = run,
};
