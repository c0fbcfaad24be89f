// SPDX-License-Identifier: GPL-2.0-or-later
/* hillock cut --list, --show, --table, --plot, --diff: questions to the history of cuts. */
#include "cli/cut_main.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cut/report.h"

int cut_history_asked(void)
{
	return cut_opt.list || cut_opt.show || cut_opt.diff || cut_opt.table || cut_opt.plot;
}

static void print_text(const char *text)
{
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' ? ' ' : *text);
}

/* --- the list ---------------------------------------------------------------------------------------- */

struct list {
	struct cli_table table;
	struct json_object *array;
};

static void add_json(struct json_object *array, const struct history_cut *c)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "Id", json_object_new_int64(c->id));
	json_object_object_add(o, "Name", cli_json_text(c->name));
	json_object_object_add(o, "Image", cli_json_text(c->image));
	json_object_object_add(o, "Check", cli_json_text(c->check));
	json_object_object_add(o, "Machine", cli_json_text(c->machine));
	json_object_object_add(o, "Base", cli_json_text(c->base));
	json_object_object_add(o, "Source", cli_json_text(c->source));
	json_object_object_add(o, "Goal", cli_json_text(c->goal));
	json_object_object_add(o, "State", cli_json_text(c->state));
	json_object_object_add(o, "Message", cli_json_text(c->message));
	json_object_object_add(o, "Started", json_object_new_int64(c->started));
	json_object_object_add(o, "Finished", json_object_new_int64(c->finished));
	json_object_array_add(array, o);
}

static int add_row(void *context, const struct history_cut *c)
{
	struct list *list = context;
	char id[24], when[32] = "", check[48];
	time_t started = (time_t)c->started;
	struct tm tm;

	if (list->array) {
		add_json(list->array, c);
		return 0;
	}
	snprintf(id, sizeof(id), "%" PRId64, c->id);
	snprintf(check, sizeof(check), "%.40s%s", c->check, strlen(c->check) > 40 ? "…" : "");
	for (char *at = check; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	if (gmtime_r(&started, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	cli_table_row(&list->table, (const char *const[]){ id, when, c->machine, c->image, c->goal,
							   c->state, c->name, check });
	return 0;
}

static int print_list(struct history *h, struct err *err)
{
	struct list list = { .table = { .columns = 8 } };
	int rc;

	if (cut_opt.json)
		list.array = json_object_new_array();
	else
		cli_table_row(&list.table,
			      (const char *const[]){ "CUT", "STARTED", "MACHINE", "IMAGE", "GOAL",
						     "STATE", "NAME", "CHECK" });
	rc = history_cuts(h, add_row, &list, err);
	if (list.array)
		cli_json(list.array);
	else
		cli_table_print(&list.table);
	return rc;
}

/* --- one cut ------------------------------------------------------------------------------------------ */

struct wanted {
	const char *name; /* a number, the name of its kernel, or NULL: the newest */
	struct history_cut cut;
};

static int match(void *context, const struct history_cut *c)
{
	struct wanted *w = context;
	char id[24];

	snprintf(id, sizeof(id), "%" PRId64, c->id);
	if (!w->name || !strcmp(w->name, id) || (*c->name && !strcmp(w->name, c->name)))
		w->cut = *c;
	return 0;
}

static int find(struct history *h, const char *name, struct history_cut *cut, struct err *err)
{
	struct wanted w = { .name = name };
	int rc = history_cuts(h, match, &w, err);

	if (rc == 0 && !w.cut.id) {
		rc = name ? err_set(err, ENOENT, "no such cut: %s", name) :
			    err_set(err, ENOENT, "there are no cuts yet");
		err_hint(err, name ? "'hillock cut --list' lists them" :
				     "hillock cut IMAGE --check 'COMMAND' makes one");
	}
	*cut = w.cut;
	return rc;
}

static const struct cut_probe *result_of(const struct history_cut *cut,
					 const struct report_probes *probes)
{
	for (size_t i = 0; i < probes->count; i++)
		if (!strcmp(probes->list[i].digest, cut->best))
			return &probes->list[i];
	return NULL;
}

/* "CONFIG_X\n  denied: …\n", for every option of the result that has evidence. */
static void print_evidence(const struct evidence_set *set, const struct cut_probe *result)
{
	const char *last = "";

	for (size_t i = 0; i < set->count; i++) {
		const struct evidence *e = &set->list[i];
		char line[160];

		if (!*e->option)
			continue;
		snprintf(line, sizeof(line), "\nCONFIG_%.128s=", e->option);
		if (strcmp(last, e->option) != 0)
			printf("%s%s\n", e->option,
			       result && result->config && strstr(result->config, line) ?
				       "" : " (not in the result)");
		last = e->option;
		printf("  %s: ", evidence_kind_names[e->kind]);
		print_text(e->reason);
		printf("%s%s%s\n", *e->source ? " (" : "", e->source, *e->source ? ")" : "");
	}
}

static int print_show(struct history *h, const struct history_cut *cut,
		      const struct report_probes *probes, struct err *err)
{
	const struct cut_probe *result = result_of(cut, probes);
	struct evidence_set set = { .count = 0 };
	int rc = history_evidence(h, cut->id, &set, err);

	if (rc == 0) {
		printf("cut %" PRId64 " of %s for the %s machine, goal %s, %s: %s\ncheck: ", cut->id,
		       cut->image, cut->machine, cut->goal, cut->source, cut->state);
		print_text(cut->check);
		if (*cut->message)
			printf("\n%s", cut->message);
		printf("\n\n");
		report_table(stdout, REPORT_TEXT, probes);
		for (size_t i = 0; i < probes->count; i++) {
			if (probes->list[i].verdict == CUT_PASSED)
				continue;
			printf("\n%d %s:\n%s\n", probes->list[i].number,
			       cut_verdict_names[probes->list[i].verdict], probes->list[i].cause);
		}
		printf("\n");
		print_evidence(&set, result);
	}
	evidence_free(&set);
	return rc;
}

static int read_form(enum report_form *form, struct err *err)
{
	static const char *const names[REPORT_FORMS] = { "text", "csv", "json", "svg" };

	*form = cut_opt.json ? REPORT_JSON : REPORT_TEXT;
	if (!cut_opt.format)
		return 0;
	for (int i = 0; i < REPORT_FORMS; i++) {
		int fits = cut_opt.plot ? i == REPORT_TEXT || i == REPORT_SVG : i != REPORT_SVG;

		if (fits && !strcmp(cut_opt.format, names[i])) {
			*form = (enum report_form)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "--format %s: it is %s", cut_opt.format,
		       cut_opt.plot ? "text or svg" : "text, csv or json");
}

static int print_one(struct history *h, const char *name, struct err *err)
{
	struct report_probes probes = { .count = 0 };
	struct history_cut cut;
	enum report_form form;
	int rc = read_form(&form, err);

	if (rc == 0)
		rc = find(h, name, &cut, err);
	if (rc == 0)
		rc = report_read(h, cut.id, &probes, err);
	if (rc == 0 && cut_opt.show)
		rc = print_show(h, &cut, &probes, err);
	else if (rc == 0 && cut_opt.plot)
		report_plot(stdout, form, &cut, &probes);
	else if (rc == 0)
		report_table(stdout, form, &probes);
	report_probes_free(&probes);
	return rc;
}

/* --- two ----------------------------------------------------------------------------------------------- */

/* The .config of "CUT" (its result) or "CUT:N" (probe N); the caller frees. */
static int find_config(struct history *h, const char *text, char **config, struct err *err)
{
	const char *colon = strrchr(text, ':');
	cleanup_free char *name = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct report_probes probes = { .count = 0 };
	const struct cut_probe *found = NULL;
	struct history_cut cut;
	int rc = name ? find(h, name, &cut, err) : -ENOMEM;

	*config = NULL;
	if (rc == 0)
		rc = report_read(h, cut.id, &probes, err);
	if (rc == 0 && !colon)
		found = result_of(&cut, &probes);
	for (size_t i = 0; rc == 0 && colon && i < probes.count; i++)
		if (probes.list[i].number == atoi(colon + 1))
			found = &probes.list[i];
	if (rc == 0 && (!found || !found->config))
		rc = err_set(err, ENOENT, "%s: %s", text,
			     colon ? "no such probe" : "that cut has no result");
	else if (rc == 0)
		*config = strdup(found->config);
	report_probes_free(&probes);
	return rc;
}

static int print_diff(struct history *h, char **argv, struct err *err)
{
	cleanup_free char *before = NULL, *after = NULL;
	int rc = find_config(h, argv[0], &before, err);

	if (rc == 0)
		rc = find_config(h, argv[1], &after, err);
	if (rc < 0)
		return rc;
	report_diff(stdout, before, after, "\n");
	if (report_diff_count(before, after))
		putchar('\n');
	return 0;
}

int cut_history_print(const char *store, int argc, char **argv, struct err *err)
{
	struct history h = { .db = NULL };
	char path[PATH_MAX];
	int rc;

	if (cut_opt.list + cut_opt.show + cut_opt.diff + cut_opt.table + cut_opt.plot > 1)
		return err_set(err, EINVAL, "one of --list, --show, --diff, --table and --plot");
	if (argc > 1 + cut_opt.diff - cut_opt.list || (cut_opt.diff && argc != 2))
		return err_set(err, EINVAL, "too many or too few cuts are named");
	snprintf(path, sizeof(path), "%s/cut/history.db", store);
	if (access(path, F_OK) < 0) {
		err_set(err, ENOENT, "there are no cuts yet");
		err_hint(err, "hillock cut IMAGE --check 'COMMAND' makes one");
		return -ENOENT;
	}
	rc = history_open(&h, path, err);
	if (rc < 0)
		return rc;
	if (cut_opt.list)
		rc = print_list(&h, err);
	else if (cut_opt.diff)
		rc = print_diff(&h, argv, err);
	else
		rc = print_one(&h, argc ? argv[0] : NULL, err);
	history_close(&h);
	return rc;
}
