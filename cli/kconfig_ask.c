// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock kconfig show, why, depends: what an option is, why it is what it is, what it needs and
 * what goes with it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cli/kconfig.h"

enum { CHAIN_MAX = 8, JSON_REASONS_MAX = 64 };

static const struct cli_option options[] = { CLI_KCONFIG_OPTIONS, { 0 } };

/* --- show ------------------------------------------------------------------------------------- */

static const char *const statement_names[] = {
	[KCONFIG_STATE_DEFINED] = "defined",         [KCONFIG_STATE_PROMPT] = "prompt",
	[KCONFIG_STATE_DEFAULT] = "default",         [KCONFIG_STATE_SELECT] = "selects",
	[KCONFIG_STATE_IMPLY] = "implies",           [KCONFIG_STATE_RANGE] = "range",
	[KCONFIG_STATE_SELECTED_BY] = "selected by", [KCONFIG_STATE_IMPLIED_BY] = "implied by",
};

static void print_statement(void *context, const struct kconfig_statement *s)
{
	cleanup_free char *condition = cli_kconfig_condition(s->condition), *value = NULL,
			  *what = NULL;
	char place[512];
	int rc;

	cli_kconfig_place(&s->place, place, sizeof(place));
	if (s->kind == KCONFIG_STATE_DEFINED) {
		cli_kconfig_say("  %-12s %s\n", "defined", place);
		if (condition && *condition)
			cli_kconfig_say("  %-12s %s\n", "depends on", condition + 4);
		return;
	}
	if (s->kind == KCONFIG_STATE_DEFAULT)
		value = cli_kconfig_expr(s->value);
	if (s->kind == KCONFIG_STATE_PROMPT)
		rc = asprintf(&what, "\"%s\"", s->text);
	else if (s->kind == KCONFIG_STATE_RANGE)
		rc = asprintf(&what, "%s to %s", kconfig_name(s->other), kconfig_name(s->high));
	else
		rc = asprintf(&what, "%s", value ? value : kconfig_name(s->other));
	if (rc >= 0)
		cli_kconfig_say("  %-12s %s\n", statement_names[s->kind], what);
	if (rc >= 0 && condition && *condition)
		cli_kconfig_say("  %-12s  %s\n", "", condition);
}

static void print_help(void *context, const struct kconfig_statement *s)
{
	if (s->kind != KCONFIG_STATE_DEFINED || !s->text)
		return;
	puts("");
	for (const char *line = s->text; *line; line += *line == '\n') {
		int length = (int)strcspn(line, "\n");

		cli_kconfig_say("%s%.*s\n", length ? "  " : "", length, line);
		line += length;
	}
}

static void add_statement(void *context, const struct kconfig_statement *s)
{
	struct json_object *o = json_object_new_object();

	cli_kconfig_add_text(o, "Kind", statement_names[s->kind]);
	cli_kconfig_add_place(o, &s->place);
	cli_kconfig_add_text(o, s->kind == KCONFIG_STATE_DEFINED ? "Help" : "Text", s->text);
	if (s->other)
		cli_kconfig_add_text(o, s->kind == KCONFIG_STATE_RANGE ? "From" : "Option",
				     kconfig_name(s->other));
	if (s->high)
		cli_kconfig_add_text(o, "To", kconfig_name(s->high));
	cli_kconfig_add_expr(o, "Value", s->value);
	cli_kconfig_add_expr(o, s->kind == KCONFIG_STATE_DEFINED ? "DependsOn" : "If",
			     s->condition);
	json_object_array_add(context, o);
}

static struct json_object *describe(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct json_object *o = json_object_new_object();

	cli_kconfig_add_text(o, "Name", kconfig_name(s));
	cli_kconfig_add_text(o, "Type", kconfig_type_name(kconfig_type(s)));
	cli_kconfig_add_text(o, "Value", kconfig_value(k, s));
	json_object_object_add(o, "Written", json_object_new_boolean(kconfig_written(k, s)));
	cli_kconfig_add_text(o, "Wanted", kconfig_wanted(k, s));
	return o;
}

static int show(struct cli *cli, int argc, char **argv)
{
	struct kconfig *k;
	struct kconfig_symbol *s = cli_kconfig_open_one(cli, &k, argv[0]);

	if (!s)
		return EXIT_ERROR;
	if (cli_kconfig_opt.json) {
		struct json_object *o = describe(k, s), *list = json_object_new_array();

		kconfig_statements(k, s, add_statement, list);
		json_object_object_add(o, "Statements", list);
		cli_json(o);
	} else {
		cli_kconfig_say("CONFIG_%s (%s)\n", kconfig_name(s),
				kconfig_type_name(kconfig_type(s)));
		cli_kconfig_say("  %-12s %s%s\n", "value", kconfig_value(k, s),
				cli_kconfig_opt.config ? "" : " (when nothing is set)");
		kconfig_statements(k, s, print_statement, NULL);
		kconfig_statements(k, s, print_help, NULL);
	}
	kconfig_free(k);
	return cli_flush();
}

const struct cli_verb cli_kconfig_show = {
	.name = "kconfig show",
	.usage = "[OPTIONS] OPTION",
	.summary = "Print what an option of Linux is",
	.example = "  hillock kconfig show EPOLL",
	.options = options,
	.least = 1,
	.most = 1,
	.run = show,
};

/* --- why -------------------------------------------------------------------------------------- */

static const char *const cause_names[] = {
	[KCONFIG_WANTED] = "wanted",   [KCONFIG_SELECTED] = "selected", [KCONFIG_UNMET] = "unmet",
	[KCONFIG_IMPLIED] = "implied", [KCONFIG_DEFAULT] = "default",   [KCONFIG_CHOSEN] = "chosen",
	[KCONFIG_PASSED] = "passed",   [KCONFIG_LIMITED] = "limited",   [KCONFIG_HIDDEN] = "hidden",
	[KCONFIG_NOTHING] = "nothing",
};

struct told {
	const struct kconfig_symbol *symbols[64];
	size_t count;
};

static int is_told(struct told *told, const struct kconfig_symbol *s)
{
	for (size_t i = 0; i < told->count; i++)
		if (told->symbols[i] == s)
			return 1;
	if (told->count < sizeof(told->symbols) / sizeof(told->symbols[0]))
		told->symbols[told->count++] = s;
	return 0;
}

/* The reasons; and, for each option that is behind one, its own reasons. */
static void print_why(const struct kconfig *k, const struct kconfig_symbol *s, int depth,
		      struct told *told)
{
	struct kconfig_reason reasons[CLI_KCONFIG_REASONS];
	size_t n = kconfig_why(k, s, reasons, CLI_KCONFIG_REASONS),
	       shown = n < CLI_KCONFIG_REASONS ? n : CLI_KCONFIG_REASONS;

	for (size_t i = 0; i < shown; i++) {
		cleanup_free char *text = cli_kconfig_reason(k, s, &reasons[i]);
		char place[512];

		cli_kconfig_place(&reasons[i].place, place, sizeof(place));
		cli_kconfig_say("%*s%s%s%s%s\n", 2 * depth, "", text ? text : "?",
				*place ? " (" : "", place, *place ? ")" : "");
		if (reasons[i].by &&
		    kconfig_find(k, kconfig_name(reasons[i].by)) == reasons[i].by &&
		    depth < CHAIN_MAX && !is_told(told, reasons[i].by))
			print_why(k, reasons[i].by, depth + 1, told);
	}
	if (n > shown)
		cli_kconfig_say("%*s… and %zu more\n", 2 * depth, "", n - shown);
}

static struct json_object *reasons_of(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kconfig_reason reasons[JSON_REASONS_MAX];
	size_t n = kconfig_why(k, s, reasons, JSON_REASONS_MAX);
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n && i < JSON_REASONS_MAX; i++) {
		struct json_object *o = json_object_new_object();
		cleanup_free char *text = cli_kconfig_reason(k, s, &reasons[i]);

		cli_kconfig_add_text(o, "Cause", cause_names[reasons[i].cause]);
		cli_kconfig_add_text(o, "Text", text);
		cli_kconfig_add_place(o, &reasons[i].place);
		if (reasons[i].by)
			cli_kconfig_add_text(o, "By", kconfig_name(reasons[i].by));
		cli_kconfig_add_expr(o, "If", reasons[i].condition);
		json_object_array_add(list, o);
	}
	return list;
}

static void print_value(const struct kconfig *k, const struct kconfig_symbol *s)
{
	if (!kconfig_written(k, s))
		cli_kconfig_say("CONFIG_%s is not there (%s)\n", kconfig_name(s),
				kconfig_value(k, s));
	else if (kconfig_type(s) == KCONFIG_STRING)
		cli_kconfig_say("CONFIG_%s=\"%s\"\n", kconfig_name(s), kconfig_value(k, s));
	else
		cli_kconfig_say("CONFIG_%s=%s\n", kconfig_name(s), kconfig_value(k, s));
}

static int why(struct cli *cli, int argc, char **argv)
{
	struct told told = { 0 };
	struct kconfig *k;
	struct kconfig_symbol *s = cli_kconfig_open_one(cli, &k, argv[0]);

	if (!s)
		return EXIT_ERROR;
	if (cli_kconfig_opt.json) {
		struct json_object *o = describe(k, s);

		json_object_object_add(o, "Reasons", reasons_of(k, s));
		cli_json(o);
	} else {
		print_value(k, s);
		is_told(&told, s);
		print_why(k, s, 1, &told);
	}
	kconfig_free(k);
	return cli_flush();
}

const struct cli_verb cli_kconfig_why = {
	.name = "kconfig why",
	.usage = "[OPTIONS] OPTION",
	.summary = "Print why an option has its value",
	.example = "  hillock kconfig why EVENTFD --config .config",
	.options = options,
	.least = 1,
	.most = 1,
	.run = why,
};

/* --- depends ---------------------------------------------------------------------------------- */

static const char *const worths[] = { "n", "m", "y" };

static void print_need(void *context, const struct kconfig_expr *part, int worth)
{
	cleanup_free char *text = cli_kconfig_expr(part);

	cli_kconfig_say("  %s  %s\n", worths[worth], text ? text : "?");
	++*(int *)context;
}

static void add_need(void *context, const struct kconfig_expr *part, int worth)
{
	struct json_object *o = json_object_new_object();

	cli_kconfig_add_expr(o, "Needs", part);
	cli_kconfig_add_text(o, "Is", worths[worth]);
	json_object_array_add(context, o);
}

static int is_logical(const struct kconfig_symbol *s)
{
	return kconfig_type(s) == KCONFIG_BOOL || kconfig_type(s) == KCONFIG_TRISTATE;
}

/* The value whose consequences are of interest: on for what is off, off for what is on. */
static const char *other_value(const struct kconfig *k, const struct kconfig_symbol *s)
{
	return *kconfig_value(k, s) == 'n' ? "y" : "n";
}

static void ignore_change(void *context, const struct kconfig_change *c)
{
}

static int print_depends(struct kconfig *k, struct kconfig_symbol *s, struct err *err)
{
	const char *other = is_logical(s) ? other_value(k, s) : NULL;
	cleanup_free char *why_not = NULL;
	int parts = 0, changes;

	print_value(k, s);
	cli_kconfig_say("needs%s\n",
			cli_kconfig_opt.config ? "" : " (and what that is when nothing is set)");
	kconfig_needs(k, s, print_need, &parts);
	if (!parts)
		cli_kconfig_say("  nothing\n");
	if (!other)
		return 0;
	changes = kconfig_consequences(k, s, other, ignore_change, NULL, err);
	if (changes < 0)
		return changes;
	if (changes == 0) {
		why_not = cli_kconfig_obstacle(k, s);
		cli_kconfig_say("setting it to %s changes nothing: %s\n", other,
				why_not ? why_not : "?");
		return 0;
	}
	cli_kconfig_say("setting it to %s %s\n", other,
			changes > 1 ? "changes" : "changes nothing else");
	changes = kconfig_consequences(k, s, other, cli_kconfig_print_change, s, err);
	return changes < 0 ? changes : 0;
}

static int json_depends(struct kconfig *k, struct kconfig_symbol *s, struct err *err)
{
	struct json_object *o = describe(k, s), *needs = json_object_new_array();
	struct json_object *changes = json_object_new_array();
	int rc = 0;

	kconfig_needs(k, s, add_need, needs);
	json_object_object_add(o, "Needs", needs);
	if (is_logical(s)) {
		cli_kconfig_add_text(o, "IfSetTo", other_value(k, s));
		rc = kconfig_consequences(k, s, other_value(k, s), cli_kconfig_add_change, changes,
					  err);
	}
	json_object_object_add(o, "Changes", changes);
	cli_json(o);
	return rc < 0 ? rc : 0;
}

static int depends(struct cli *cli, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct kconfig *k;
	struct kconfig_symbol *s = cli_kconfig_open_one(cli, &k, argv[0]);
	int rc;

	if (!s)
		return EXIT_ERROR;
	rc = cli_kconfig_opt.json ? json_depends(k, s, &err) : print_depends(k, s, &err);
	if (rc < 0)
		cli_error(&err);
	kconfig_free(k);
	return cli_flush() == EXIT_OK && rc == 0 ? EXIT_OK : EXIT_ERROR;
}

const struct cli_verb cli_kconfig_depends = {
	.name = "kconfig depends",
	.usage = "[OPTIONS] OPTION",
	.summary = "Print what an option needs, and what turning it on or off changes",
	.example = "  hillock kconfig depends EPOLL --config .config",
	.options = options,
	.least = 1,
	.most = 1,
	.run = depends,
};
