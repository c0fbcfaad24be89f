// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock kconfig: Linux's options. What its verbs share: the tree, and how they say things.
 *
 * Theory of operation
 * -------------------
 * Every verb reads Linux's Kconfig tree as its own build would (kconfig/), takes a configuration
 * if one is named, and solves. What follows is questions to the solution. The tree is taken from
 * --source, else the newest that kernel/fetch put into the data directory; there, too, is kept
 * what the compiler answered, so only the first run has to ask it.
 */
#include "cli/kconfig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/utf8.h"

enum { NOTES_SHOWN = 5 };

struct cli_kconfig_opt cli_kconfig_opt;

/* --- text ----------------------------------------------------------------------------------- */

/* A line, without its end. */
static void print_line(const char *text, size_t length)
{
	cleanup_free char *clean = malloc(length + 1);

	if (!clean)
		return;
	utf8_clean(clean, length + 1, text, length);
	puts(clean);
}

void cli_kconfig_say(const char *fmt, ...)
{
	cleanup_free char *whole = NULL;
	const char *text;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vasprintf(&whole, fmt, ap);
	va_end(ap);
	if (rc < 0) {
		whole = NULL;
		return;
	}
	for (text = whole; *text; text += *text == '\n') {
		size_t length = strcspn(text, "\n");

		print_line(text, length);
		text += length;
	}
}

char *cli_kconfig_expr(const struct kconfig_expr *expr)
{
	struct buf text = { 0 };

	if (kconfig_expr_print(expr, &text) < 0 || buf_append(&text, "", 1, SIZE_MAX) < 0)
		buf_free(&text);
	return (char *)text.data;
}

/* " if CONDITION", or nothing when it always holds. */
char *cli_kconfig_condition(const struct kconfig_expr *expr)
{
	cleanup_free char *text = cli_kconfig_expr(expr);
	char *whole;

	if (!expr || !text || !strcmp(text, "y"))
		return strdup("");
	return asprintf(&whole, " if %s", text) < 0 ? NULL : whole;
}

void cli_kconfig_place(const struct kconfig_place *place, char *out, size_t room)
{
	if (place->file)
		snprintf(out, room, "%s:%u", place->file, place->line);
	else
		*out = '\0';
}

void cli_kconfig_add_text(struct json_object *o, const char *key, const char *text)
{
	if (text)
		json_object_object_add(o, key, cli_json_text(text));
}

void cli_kconfig_add_expr(struct json_object *o, const char *key, const struct kconfig_expr *expr)
{
	cleanup_free char *text = expr ? cli_kconfig_expr(expr) : NULL;

	cli_kconfig_add_text(o, key, text);
}

void cli_kconfig_add_place(struct json_object *o, const struct kconfig_place *place)
{
	char text[512];

	cli_kconfig_place(place, text, sizeof(text));
	if (*text)
		cli_kconfig_add_text(o, "At", text);
}

/* --- reasons and changes ---------------------------------------------------------------------- */

/* One sentence, on the heap. */
char *cli_kconfig_reason(const struct kconfig *k, const struct kconfig_symbol *s,
			 const struct kconfig_reason *r)
{
	cleanup_free char *condition = cli_kconfig_condition(r->condition);
	const char *by = r->by ? kconfig_name(r->by) : "",
		   *worth = r->by ? kconfig_value(k, r->by) : "";
	const char *tail = condition ? condition : "", *wanted = kconfig_wanted(k, s);
	char *text;
	int rc = -1;

	switch (r->cause) {
	case KCONFIG_WANTED:
		rc = asprintf(&text, "%s=%s is asked for%s%s", kconfig_name(s),
			      wanted ? wanted : "?", cli_kconfig_opt.config ? " in " : "",
			      cli_kconfig_opt.config ? cli_kconfig_opt.config : "");
		break;
	case KCONFIG_SELECTED:
		rc = asprintf(&text, "%s=%s selects it%s", by, worth, tail);
		break;
	case KCONFIG_UNMET:
		rc = asprintf(&text, "what it depends on does not hold:%s",
			      *tail ? tail + 3 : " ?");
		break;
	case KCONFIG_IMPLIED:
		rc = asprintf(&text, "%s=%s implies it%s", by, worth, tail);
		break;
	case KCONFIG_DEFAULT:
		if (r->by)
			rc = asprintf(&text, "its default is that of %s=%s%s", by, worth, tail);
		else
			rc = asprintf(&text, "it is its default%s", tail);
		break;
	case KCONFIG_CHOSEN:
		rc = asprintf(&text, "one of its choice must be on, and it is the first to be");
		break;
	case KCONFIG_PASSED:
		if (r->by)
			rc = asprintf(&text, "of its choice, %s is on", by);
		else
			rc = asprintf(&text, "none of its choice is on");
		break;
	case KCONFIG_LIMITED:
		rc = asprintf(&text, "its range ends at %s%s%s", by, strcmp(by, worth) ? "=" : "",
			      strcmp(by, worth) ? worth : "");
		break;
	case KCONFIG_HIDDEN:
		if (r->place.file)
			rc = asprintf(&text, "it can only be set%s", tail);
		else
			rc = asprintf(&text, "it cannot be set, only other options turn it on");
		break;
	case KCONFIG_NOTHING:
		rc = asprintf(&text, "nothing asks for it, selects it or makes it the default");
		break;
	}
	return rc < 0 ? NULL : text;
}

/* What keeps it from being set: that it is hidden, if it is; else what made it what it is. */
char *cli_kconfig_obstacle(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kconfig_reason reasons[CLI_KCONFIG_REASONS];
	size_t n = kconfig_why(k, s, reasons, CLI_KCONFIG_REASONS), at = 0;

	for (size_t i = 0; i < n && i < CLI_KCONFIG_REASONS; i++)
		if (reasons[i].cause == KCONFIG_HIDDEN)
			at = i;
	return cli_kconfig_reason(k, s, &reasons[at]);
}

static const char *or_absent(const char *value)
{
	return value ? value : "absent";
}

void cli_kconfig_print_change(void *context, const struct kconfig_change *c)
{
	if (c->symbol != context)
		cli_kconfig_say("  %s: %s → %s\n", kconfig_name(c->symbol), or_absent(c->before),
				or_absent(c->after));
}

void cli_kconfig_add_change(void *context, const struct kconfig_change *c)
{
	struct json_object *o = json_object_new_object();

	cli_kconfig_add_text(o, "Name", kconfig_name(c->symbol));
	cli_kconfig_add_text(o, "Before", c->before);
	cli_kconfig_add_text(o, "After", c->after);
	json_object_array_add(context, o);
}

/* --- the tree --------------------------------------------------------------------------------- */

static int is_source(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "linux-", 6);
}

/* The newest in the store, or NULL. */
static char *newest_source(const char *store)
{
	cleanup_free char *directory = NULL;
	struct dirent **entries;
	char *path = NULL;
	int n;

	if (asprintf(&directory, "%s/source", store) < 0)
		return NULL;
	n = scandir(directory, &entries, is_source, versionsort);
	for (int i = 0; i < n; i++) {
		if (i == n - 1 && asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
			path = NULL;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return path;
}

static int load(struct cli *cli, struct kconfig **k, struct err *err)
{
	struct kconfig_linux tree = { .source = cli_kconfig_opt.source,
				      .arch = cli_kconfig_opt.arch ? cli_kconfig_opt.arch : "um" };
	cleanup_free char *source = NULL, *cache = NULL;
	struct container_store store;
	int rc = container_store_open(&store, cli->root, err);

	if (rc < 0 && !cli_kconfig_opt.source)
		return rc;
	if (rc == 0) {
		source = newest_source(store.path);
		if (asprintf(&cache, "%s/kconfig-answers", store.path) < 0)
			cache = NULL;
		container_store_close(&store);
	}
	if (!cli_kconfig_opt.source && !source) {
		err_set(err, ENOENT, "there is no Linux source in the data directory");
		err_hint(err, "name one with --source DIR, or fetch one with kernel/fetch");
		return -ENOENT;
	}
	*err = ERR_INIT;
	if (!tree.source)
		tree.source = source;
	tree.cache = cache;
	return kconfig_linux_load(&tree, k, err);
}

struct notes {
	unsigned int count;
};

static void note(void *context, const char *text)
{
	struct notes *notes = context;

	if (notes->count++ < NOTES_SHOWN)
		cli_warn("%s", text);
}

int cli_kconfig_open(struct cli *cli, struct kconfig **k)
{
	struct notes notes = { 0 };
	struct err err = ERR_INIT;
	int rc;

	*k = NULL;
	rc = load(cli, k, &err);
	if (rc == 0 && cli_kconfig_opt.config)
		rc = kconfig_read_file(*k, AT_FDCWD, cli_kconfig_opt.config, note, &notes, &err);
	if (rc < 0) {
		cli_error(&err);
		kconfig_free(*k);
		return rc;
	}
	if (notes.count > NOTES_SHOWN)
		cli_warn("%s: %u more lines like these", cli_kconfig_opt.config,
			 notes.count - NOTES_SHOWN);
	if (cli_kconfig_opt.rest_no)
		kconfig_set_rest_no(*k);
	kconfig_solve(*k);
	return 0;
}

/* Up to three options with a similar name. */
static void hint_similar(const struct kconfig *k, const char *name, struct err *err)
{
	char list[300] = "";
	size_t used = 0, found = 0;

	for (size_t i = 0; i < kconfig_count(k) && found < 3; i++) {
		const char *other = kconfig_name(kconfig_at(k, i));

		if (!strcasestr(other, name) && (strlen(other) < 3 || !strcasestr(name, other)))
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%.80s",
					 found++ ? ", " : "", other);
	}
	if (found)
		err_hint(err, "there is %s", list);
}

struct kconfig_symbol *cli_kconfig_find(const struct kconfig *k, const char *name)
{
	struct kconfig_symbol *s = kconfig_find(k, name);
	struct err err = ERR_INIT;

	if (s)
		return s;
	if (!strncmp(name, "CONFIG_", 7))
		name += 7;
	err_set(&err, ENOENT, "this tree has no option '%s'", name);
	if (strlen(name) >= 3)
		hint_similar(k, name, &err);
	cli_error(&err);
	return NULL;
}

/* The tree, and the option that a verb's only operand names. */
struct kconfig_symbol *cli_kconfig_open_one(struct cli *cli, struct kconfig **k, const char *name)
{
	struct kconfig_symbol *s;

	if (cli_kconfig_open(cli, k) < 0)
		return NULL;
	s = cli_kconfig_find(*k, name);
	if (!s)
		kconfig_free(*k);
	return s;
}
