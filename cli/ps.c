// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock ps: the containers, newest first. */
#include "cli/cli.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct {
	int all, quiet, no_trunc, json;
	struct cli_list filters;
} opt;

static const struct cli_option options[] = {
	{ 'a', "all", CLI_FLAG, &opt.all, NULL, "Those that ended, too" },
	{ 'f', "filter", CLI_LIST, &opt.filters, "K=V", "status=, name=, id= or ancestor=" },
	{ 0, "json", CLI_FLAG, &opt.json, NULL, "Print JSON" },
	{ 0, "no-trunc", CLI_FLAG, &opt.no_trunc, NULL, "Print all of everything" },
	{ 'q', "quiet", CLI_FLAG, &opt.quiet, NULL, "Print IDs only" },
	{ 0 },
};

enum { TEXT_MAX = 1024, COMMAND_SHORT = 20, REASON_SHORT = 60 };

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- filters --------------------------------------------------------------------------------- */

static int check_filters(struct err *err)
{
	static const char *const known[] = { "status=", "name=", "id=", "ancestor=" };

	for (size_t i = 0; i < opt.filters.count; i++) {
		int found = 0;

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			found |= !strncmp(opt.filters.items[i], known[k], strlen(known[k]));
		if (!found)
			return err_set(err, EINVAL,
				       "invalid filter '%s' (status=, name=, id= or ancestor=)",
				       opt.filters.items[i]);
		/* Asking for a status asks for all that have it. */
		if (!strncmp(opt.filters.items[i], "status=", 7))
			opt.all = 1;
	}
	return 0;
}

/* An image's name without ":latest" is the same image. */
static int is_image(const char *image, const char *asked)
{
	size_t length = strlen(asked);

	return !strncmp(image, asked, length) &&
	       (!image[length] || !strcmp(image + length, ":latest"));
}

/* 1, 0, or -1: not that kind of filter. */
static int match(const struct container *c, const char *filter, const char *kind)
{
	size_t length = strlen(kind);
	const char *value = filter + length;

	if (strncmp(filter, kind, length) != 0)
		return -1;
	if (!strcmp(kind, "status="))
		return !strcmp(container_status_names[c->state.status], value);
	if (!strcmp(kind, "name="))
		return strstr(c->config.name, value) != NULL;
	if (!strcmp(kind, "id="))
		return !strncmp(c->id, value, strlen(value));
	return is_image(c->config.image, value);
}

/* Of one kind any must fit, and of each kind one. */
static int is_shown(const struct container *c)
{
	static const char *const kinds[] = { "status=", "name=", "id=", "ancestor=" };

	if (!opt.all && !c->alive)
		return 0;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		int asked = 0, fits = 0;

		for (size_t i = 0; i < opt.filters.count; i++) {
			int m = match(c, opt.filters.items[i], kinds[k]);

			asked |= m >= 0;
			fits |= m > 0;
		}
		if (asked && !fits)
			return 0;
	}
	return 1;
}

/* --- one line -------------------------------------------------------------------------------- */

static void status_text(const struct container *c, char out[TEXT_MAX])
{
	const struct container_state *s = &c->state;
	char since[64];

	switch (s->status) {
	case CONTAINER_RUNNING:
		cli_duration(now_ns() - s->started, since, sizeof(since));
		snprintf(out, TEXT_MAX, "Up %s", since);
		return;
	case CONTAINER_EXITED:
		cli_duration(now_ns() - s->finished, since, sizeof(since));
		snprintf(out, TEXT_MAX, "Exited (%d) %s ago", s->exit_code, since);
		break;
	case CONTAINER_DEAD:
		snprintf(out, TEXT_MAX, "Dead");
		break;
	default:
		snprintf(out, TEXT_MAX, "Created");
		return;
	}
	if (s->reason[0])
		snprintf(out + strlen(out), TEXT_MAX - strlen(out), ": %.*s",
			 opt.no_trunc ? (int)sizeof(s->reason) : REASON_SHORT, s->reason);
}

static void command_text(const struct container *c, char out[TEXT_MAX])
{
	size_t used = 0, most = opt.no_trunc ? TEXT_MAX - 8 : COMMAND_SHORT - 1;
	char *const *word = c->config.argv;

	out[used++] = '"';
	for (; *word && used <= most; word++)
		used += (size_t)snprintf(out + used, TEXT_MAX - used, "%s%s",
					 word == c->config.argv ? "" : " ", *word);
	if (used > most || *word)
		used = most + (size_t)snprintf(out + most, TEXT_MAX - most, "…");
	if (used > TEXT_MAX - 2)
		used = TEXT_MAX - 2;
	out[used++] = '"';
	out[used] = '\0';
}

static void add_row(struct cli_table *table, const struct container *c)
{
	char id[CONTAINER_ID_LENGTH + 1], command[TEXT_MAX], created[80], status[TEXT_MAX];
	char since[64];

	snprintf(id, sizeof(id), "%.*s", opt.no_trunc ? CONTAINER_ID_LENGTH : CONTAINER_ID_SHORT,
		 c->id);
	command_text(c, command);
	cli_duration(now_ns() - c->config.created, since, sizeof(since));
	snprintf(created, sizeof(created), "%s ago", since);
	status_text(c, status);
	cli_table_row(table, (const char *const[]){ id, c->config.image, command, created, status,
						    c->config.name });
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, cli_json_text(text));
}

static struct json_object *as_json(const struct container *c)
{
	struct json_object *o = json_object_new_object(), *argv = json_object_new_array();
	char text[TEXT_MAX];

	add_text(o, "ID", c->id);
	add_text(o, "Name", c->config.name);
	add_text(o, "Image", c->config.image);
	add_text(o, "Kernel", c->config.kernel);
	for (char **word = c->config.argv; *word; word++)
		json_object_array_add(argv, cli_json_text(*word));
	json_object_object_add(o, "Command", argv);
	cli_time(c->config.created, text, sizeof(text));
	add_text(o, "CreatedAt", text);
	add_text(o, "State", container_status_names[c->state.status]);
	status_text(c, text);
	add_text(o, "Status", text);
	json_object_object_add(o, "ExitCode", json_object_new_int(c->state.exit_code));
	add_text(o, "Reason", c->state.reason);
	return o;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void print_all(const struct container *list, size_t count)
{
	struct json_object *array = opt.json ? json_object_new_array() : NULL;
	struct cli_table table = { .columns = 6 };

	cli_table_row(&table, (const char *const[]){ "CONTAINER ID", "IMAGE", "COMMAND", "CREATED",
						     "STATUS", "NAMES" });
	for (size_t i = 0; i < count; i++) {
		if (!is_shown(&list[i]))
			continue;
		if (opt.json)
			json_object_array_add(array, as_json(&list[i]));
		else if (opt.quiet)
			printf("%.*s\n", opt.no_trunc ? CONTAINER_ID_LENGTH : CONTAINER_ID_SHORT,
			       list[i].id);
		else
			add_row(&table, &list[i]);
	}
	if (opt.json)
		cli_json(array);
	else if (!opt.quiet)
		cli_table_print(&table);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct container_store store;
	struct container *list;
	struct err err = ERR_INIT;
	size_t count;
	int rc = check_filters(&err);

	if (rc == 0)
		rc = container_store_open(&store, cli->root, &err);
	if (rc == 0) {
		container_sweep(&store);
		rc = container_list(&store, &list, &count, &err);
	}
	if (rc < 0) {
		cli_error(&err);
		return EXIT_ERROR;
	}
	print_all(list, count);
	for (size_t i = 0; i < count; i++)
		container_close(&list[i]);
	free(list);
	container_store_close(&store);
	return cli_flush();
}

const struct cli_verb cli_ps = {
	.name = "ps",
	.usage = "[OPTIONS]",
	.summary = "List containers",
	.example = "  hillock ps -a --filter status=exited",
	.options = options,
	.run = run,
};
