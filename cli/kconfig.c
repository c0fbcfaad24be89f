// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hillock kconfig show, why, depends, set: what Linux's options are, why they are what they are,
 * what they need, and what a change takes along.
 *
 * Theory of operation
 * -------------------
 * Every verb reads Linux's Kconfig tree as its own build would (kconfig/), takes a configuration
 * if one is named, and solves. What follows is questions to the solution. The tree is taken from
 * --source, else the newest that kernel/fetch put into the data directory; there, too, is kept
 * what the compiler answered, so only the first run has to ask it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "kconfig/kconfig.h"

enum { REASONS_MAX = 16, CHAIN_MAX = 8, NOTES_SHOWN = 5, CONFIG_MAX = 16 << 20 };

static struct {
	const char *source, *arch, *config, *out;
	int json, rest_no;
} opt;

#define TREE_OPTIONS                                                                                 \
	{ 0, "source", CLI_VALUE, &opt.source, "DIR", "Linux's source (the newest fetched)" },       \
		{ 0, "arch", CLI_VALUE, &opt.arch, "ARCH", "Architecture: um, x86, arm64, … (um)" }, \
		{ 0,           "config", CLI_VALUE,                                                  \
		  &opt.config, "FILE",   "The configuration (none: all defaults)" },                 \
	{                                                                                            \
		0, "json", CLI_FLAG, &opt.json, NULL, "Print JSON"                                   \
	}

static const struct cli_option ask_options[] = { TREE_OPTIONS, { 0 } };

static const struct cli_option set_options[] = {
	TREE_OPTIONS,
	{ 0, "allnoconfig", CLI_FLAG, &opt.rest_no, NULL,
	  "Answer what FILE leaves open with no, as make allnoconfig does" },
	{ 'o', "output", CLI_VALUE, &opt.out, "FILE",
	  "Write the whole configuration ('-': print it)" },
	{ 0 },
};

/* --- text ----------------------------------------------------------------------------------- */

/* What a tree says goes to a terminal: line by line, without what is no text. */
static void print_clean(const char *text, const char *indent)
{
	char line[512];
	size_t length;

	for (; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		utf8_clean(line, sizeof(line), text, length);
		printf("%s%s\n", *line ? indent : "", line);
	}
}

static char *text_of(const struct kconfig_expr *expr)
{
	struct buf text = { 0 };

	if (kconfig_expr_print(expr, &text) < 0 || buf_append(&text, "", 1, SIZE_MAX) < 0)
		buf_free(&text);
	return (char *)text.data;
}

/* " if CONDITION", or nothing when it always holds. */
static char *condition_text(const struct kconfig_expr *expr)
{
	cleanup_free char *text = text_of(expr);
	char *whole;

	if (!expr || !text || !strcmp(text, "y"))
		return strdup("");
	return asprintf(&whole, " if %s", text) < 0 ? NULL : whole;
}

static void place_text(const struct kconfig_place *place, char *out, size_t room)
{
	if (place->file)
		snprintf(out, room, "%s:%u", place->file, place->line);
	else
		*out = '\0';
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	if (text)
		json_object_object_add(o, key, cli_json_text(text));
}

static void add_expr(struct json_object *o, const char *key, const struct kconfig_expr *expr)
{
	cleanup_free char *text = expr ? text_of(expr) : NULL;

	add_text(o, key, text);
}

static void add_place(struct json_object *o, const struct kconfig_place *place)
{
	char text[512];

	place_text(place, text, sizeof(text));
	if (*text)
		add_text(o, "At", text);
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
	struct kconfig_linux tree = { .source = opt.source, .arch = opt.arch ? opt.arch : "um" };
	cleanup_free char *source = NULL, *cache = NULL;
	struct container_store store;
	int rc = container_store_open(&store, cli->root, err);

	if (rc < 0 && !opt.source)
		return rc;
	if (rc == 0) {
		source = newest_source(store.path);
		if (asprintf(&cache, "%s/kconfig-answers", store.path) < 0)
			cache = NULL;
		container_store_close(&store);
	}
	if (!opt.source && !source) {
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

static int prepare(struct cli *cli, struct kconfig **k)
{
	struct notes notes = { 0 };
	struct err err = ERR_INIT;
	int rc = load(cli, k, &err);

	if (rc == 0 && opt.config)
		rc = kconfig_read_file(*k, AT_FDCWD, opt.config, note, &notes, &err);
	if (rc < 0) {
		cli_error(&err);
		return rc;
	}
	if (notes.count > NOTES_SHOWN)
		cli_warn("%s: %u more lines like these", opt.config, notes.count - NOTES_SHOWN);
	if (opt.rest_no)
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

static struct kconfig_symbol *find(const struct kconfig *k, const char *name)
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
static struct kconfig_symbol *prepare_one(struct cli *cli, struct kconfig **k, const char *name)
{
	struct kconfig_symbol *s;

	if (prepare(cli, k) < 0)
		return NULL;
	s = find(*k, name);
	if (!s)
		kconfig_free(*k);
	return s;
}

/* --- show ------------------------------------------------------------------------------------- */

static const char *const statement_names[] = {
	[KCONFIG_STATE_DEFINED] = "defined",         [KCONFIG_STATE_PROMPT] = "prompt",
	[KCONFIG_STATE_DEFAULT] = "default",         [KCONFIG_STATE_SELECT] = "selects",
	[KCONFIG_STATE_IMPLY] = "implies",           [KCONFIG_STATE_RANGE] = "range",
	[KCONFIG_STATE_SELECTED_BY] = "selected by", [KCONFIG_STATE_IMPLIED_BY] = "implied by",
};

static void print_statement(void *context, const struct kconfig_statement *s)
{
	cleanup_free char *condition = condition_text(s->condition), *value = NULL, *what = NULL;
	char place[512];
	int rc;

	place_text(&s->place, place, sizeof(place));
	if (s->kind == KCONFIG_STATE_DEFINED) {
		printf("  %-12s %s\n", "defined", place);
		if (condition && *condition)
			printf("  %-12s %s\n", "depends on", condition + 4);
		return;
	}
	if (s->kind == KCONFIG_STATE_DEFAULT)
		value = text_of(s->value);
	if (s->kind == KCONFIG_STATE_PROMPT)
		rc = asprintf(&what, "\"%s\"", s->text);
	else if (s->kind == KCONFIG_STATE_RANGE)
		rc = asprintf(&what, "%s to %s", kconfig_name(s->other), kconfig_name(s->high));
	else
		rc = asprintf(&what, "%s", value ? value : kconfig_name(s->other));
	if (rc >= 0)
		printf("  %-12s ", statement_names[s->kind]);
	if (rc >= 0)
		print_clean(what, "");
	if (rc >= 0 && condition && *condition)
		printf("  %-12s  %s\n", "", condition);
}

static void print_help(void *context, const struct kconfig_statement *s)
{
	if (s->kind != KCONFIG_STATE_DEFINED || !s->text)
		return;
	printf("\n");
	print_clean(s->text, "  ");
}

static void add_statement(void *context, const struct kconfig_statement *s)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "Kind", statement_names[s->kind]);
	add_place(o, &s->place);
	add_text(o, s->kind == KCONFIG_STATE_DEFINED ? "Help" : "Text", s->text);
	if (s->other)
		add_text(o, s->kind == KCONFIG_STATE_RANGE ? "From" : "Option",
			 kconfig_name(s->other));
	if (s->high)
		add_text(o, "To", kconfig_name(s->high));
	add_expr(o, "Value", s->value);
	add_expr(o, s->kind == KCONFIG_STATE_DEFINED ? "DependsOn" : "If", s->condition);
	json_object_array_add(context, o);
}

static struct json_object *describe(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "Name", kconfig_name(s));
	add_text(o, "Type", kconfig_type_name(kconfig_type(s)));
	add_text(o, "Value", kconfig_value(k, s));
	json_object_object_add(o, "Written", json_object_new_boolean(kconfig_written(k, s)));
	add_text(o, "Wanted", kconfig_wanted(k, s));
	return o;
}

static int show(struct cli *cli, int argc, char **argv)
{
	struct kconfig *k;
	struct kconfig_symbol *s = prepare_one(cli, &k, argv[0]);

	if (!s)
		return EXIT_ERROR;
	if (opt.json) {
		struct json_object *o = describe(k, s), *list = json_object_new_array();

		kconfig_statements(k, s, add_statement, list);
		json_object_object_add(o, "Statements", list);
		cli_json(o);
	} else {
		printf("CONFIG_%s (%s)\n", kconfig_name(s), kconfig_type_name(kconfig_type(s)));
		printf("  %-12s %s%s\n", "value", kconfig_value(k, s),
		       opt.config ? "" : " (when nothing is set)");
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
	.options = ask_options,
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

/* One sentence, on the heap. */
static char *sentence(const struct kconfig *k, const struct kconfig_symbol *s,
		      const struct kconfig_reason *r)
{
	cleanup_free char *condition = condition_text(r->condition);
	const char *by = r->by ? kconfig_name(r->by) : "",
		   *worth = r->by ? kconfig_value(k, r->by) : "";
	const char *tail = condition ? condition : "", *wanted = kconfig_wanted(k, s);
	char *text;
	int rc = -1;

	switch (r->cause) {
	case KCONFIG_WANTED:
		rc = asprintf(&text, "%s=%s is asked for%s%s", kconfig_name(s),
			      wanted ? wanted : "?", opt.config ? " in " : "",
			      opt.config ? opt.config : "");
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
static char *obstacle(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kconfig_reason reasons[REASONS_MAX];
	size_t n = kconfig_why(k, s, reasons, REASONS_MAX), at = 0;

	for (size_t i = 0; i < n && i < REASONS_MAX; i++)
		if (reasons[i].cause == KCONFIG_HIDDEN)
			at = i;
	return sentence(k, s, &reasons[at]);
}

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
	struct kconfig_reason reasons[REASONS_MAX];
	size_t n = kconfig_why(k, s, reasons, REASONS_MAX),
	       shown = n < REASONS_MAX ? n : REASONS_MAX;

	for (size_t i = 0; i < shown; i++) {
		cleanup_free char *text = sentence(k, s, &reasons[i]);
		char place[512];

		place_text(&reasons[i].place, place, sizeof(place));
		printf("%*s%s%s%s%s\n", 2 * depth, "", text ? text : "?", *place ? " (" : "", place,
		       *place ? ")" : "");
		if (reasons[i].by &&
		    kconfig_find(k, kconfig_name(reasons[i].by)) == reasons[i].by &&
		    depth < CHAIN_MAX && !is_told(told, reasons[i].by))
			print_why(k, reasons[i].by, depth + 1, told);
	}
	if (n > shown)
		printf("%*s… and %zu more\n", 2 * depth, "", n - shown);
}

static struct json_object *reasons_of(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kconfig_reason reasons[64];
	size_t n = kconfig_why(k, s, reasons, 64);
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n && i < 64; i++) {
		struct json_object *o = json_object_new_object();
		cleanup_free char *text = sentence(k, s, &reasons[i]);

		add_text(o, "Cause", cause_names[reasons[i].cause]);
		add_text(o, "Text", text);
		add_place(o, &reasons[i].place);
		if (reasons[i].by)
			add_text(o, "By", kconfig_name(reasons[i].by));
		add_expr(o, "If", reasons[i].condition);
		json_object_array_add(list, o);
	}
	return list;
}

static void print_value(const struct kconfig *k, const struct kconfig_symbol *s)
{
	if (!kconfig_written(k, s))
		printf("CONFIG_%s is not there (%s)\n", kconfig_name(s), kconfig_value(k, s));
	else if (kconfig_type(s) == KCONFIG_STRING)
		printf("CONFIG_%s=\"%s\"\n", kconfig_name(s), kconfig_value(k, s));
	else
		printf("CONFIG_%s=%s\n", kconfig_name(s), kconfig_value(k, s));
}

static int why(struct cli *cli, int argc, char **argv)
{
	struct told told = { 0 };
	struct kconfig *k;
	struct kconfig_symbol *s = prepare_one(cli, &k, argv[0]);

	if (!s)
		return EXIT_ERROR;
	if (opt.json) {
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
	.options = ask_options,
	.least = 1,
	.most = 1,
	.run = why,
};

/* --- depends ---------------------------------------------------------------------------------- */

static const char *const worths[] = { "n", "m", "y" };

static void print_need(void *context, const struct kconfig_expr *part, int worth)
{
	cleanup_free char *text = text_of(part);

	printf("  %s  %s\n", worths[worth], text ? text : "?");
	++*(int *)context;
}

static void add_need(void *context, const struct kconfig_expr *part, int worth)
{
	struct json_object *o = json_object_new_object();

	add_expr(o, "Needs", part);
	add_text(o, "Is", worths[worth]);
	json_object_array_add(context, o);
}

static const char *or_absent(const char *value)
{
	return value ? value : "absent";
}

static void print_change(void *context, const struct kconfig_change *c)
{
	if (c->symbol != context)
		printf("  %s: %s → %s\n", kconfig_name(c->symbol), or_absent(c->before),
		       or_absent(c->after));
}

static void add_change(void *context, const struct kconfig_change *c)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "Name", kconfig_name(c->symbol));
	add_text(o, "Before", c->before);
	add_text(o, "After", c->after);
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
	printf("needs%s\n", opt.config ? "" : " (and what that is when nothing is set)");
	kconfig_needs(k, s, print_need, &parts);
	if (!parts)
		printf("  nothing\n");
	if (!other)
		return 0;
	changes = kconfig_consequences(k, s, other, ignore_change, NULL, err);
	if (changes < 0)
		return changes;
	if (changes == 0) {
		why_not = obstacle(k, s);
		printf("setting it to %s changes nothing: %s\n", other, why_not ? why_not : "?");
		return 0;
	}
	printf("setting it to %s %s\n", other, changes > 1 ? "changes" : "changes nothing else");
	changes = kconfig_consequences(k, s, other, print_change, s, err);
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
		add_text(o, "IfSetTo", other_value(k, s));
		rc = kconfig_consequences(k, s, other_value(k, s), add_change, changes, err);
	}
	json_object_object_add(o, "Changes", changes);
	cli_json(o);
	return rc < 0 ? rc : 0;
}

static int depends(struct cli *cli, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct kconfig *k;
	struct kconfig_symbol *s = prepare_one(cli, &k, argv[0]);
	int rc;

	if (!s)
		return EXIT_ERROR;
	rc = opt.json ? json_depends(k, s, &err) : print_depends(k, s, &err);
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
	.options = ask_options,
	.least = 1,
	.most = 1,
	.run = depends,
};

/* --- set -------------------------------------------------------------------------------------- */

static int set_one(struct kconfig *k, char *word, struct err *err)
{
	char *value = strchr(word, '=');
	struct kconfig_symbol *s;
	int rc;

	if (!value) {
		err_set(err, EINVAL, "'%s' is no assignment", word);
		err_hint(err, "write OPTION=VALUE, as in EPOLL=n");
		return -EINVAL;
	}
	*value++ = '\0';
	s = find(k, word);
	if (!s)
		return -ENOENT;
	rc = kconfig_set(k, s, value, err);
	value[-1] = '=';
	return rc;
}

/* Did the wish come true? Kconfig itself drops one without a word. */
static int check_one(const struct kconfig *k, const char *word)
{
	cleanup_free char *name = strndup(word, strcspn(word, "="));
	const char *value = strchr(word, '=') + 1;
	const struct kconfig_symbol *s = name ? kconfig_find(k, name) : NULL;
	cleanup_free char *text = NULL;
	struct err err = ERR_INIT;

	if (!s || !strcmp(kconfig_value(k, s), value))
		return 0;
	text = obstacle(k, s);
	err_set(&err, EINVAL, "%s cannot be %s here, it is %s: %s", kconfig_name(s), value,
		kconfig_value(k, s), text ? text : "?");
	err_hint(&err, "see 'hillock kconfig depends %s'", kconfig_name(s));
	cli_error(&err);
	return -EINVAL;
}

static int write_out(struct kconfig *k, struct err *err)
{
	struct buf text = { 0 };
	const char *slash = strrchr(opt.out, '/');
	cleanup_free char *above =
		slash ? strndup(opt.out, (size_t)(slash - opt.out) + 1) : strdup(".");
	cleanup_close int directory = -1;
	int rc = kconfig_write(k, &text, err);

	if (rc == 0 && !strcmp(opt.out, "-")) {
		fwrite(buf_data(&text), 1, text.used, stdout);
	} else if (rc == 0) {
		directory = above ? open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		rc = directory < 0 ? err_sys(err, errno, "writing %s", opt.out)
				   : fd_replace_file(directory, slash ? slash + 1 : opt.out,
						     buf_data(&text), text.used, 0644, err);
	}
	buf_free(&text);
	return rc;
}

/* Nothing is written if a wish did not come true. */
static int finish_set(struct kconfig *k, const struct kconfig_snapshot *before, int argc,
		      char **argv, struct err *err)
{
	struct json_object *list = json_object_new_array();
	int failed = 0;

	kconfig_solve(k);
	for (int i = 0; i < argc; i++)
		failed |= check_one(k, argv[i]);
	if (!failed && opt.json) {
		kconfig_compare(k, before, add_change, list);
		cli_json(json_object_get(list));
	} else if (!failed && (!opt.out || strcmp(opt.out, "-") != 0)) {
		kconfig_compare(k, before, print_change, NULL);
	}
	json_object_put(list);
	if (failed)
		return -EINVAL;
	return opt.out ? write_out(k, err) : 0;
}

static int set(struct cli *cli, int argc, char **argv)
{
	struct kconfig_snapshot *before = NULL;
	struct err err = ERR_INIT;
	struct kconfig *k;
	int rc = prepare(cli, &k);

	if (rc < 0)
		return EXIT_ERROR;
	if (opt.json && opt.out && !strcmp(opt.out, "-"))
		rc = err_set(&err, EINVAL, "--json and -o - would both print");
	if (rc == 0 && !(before = kconfig_snapshot(k)))
		rc = err_sys(&err, ENOMEM, "setting options");
	for (int i = 0; i < argc && rc == 0; i++)
		rc = set_one(k, argv[i], &err);
	if (rc == 0)
		rc = finish_set(k, before, argc, argv, &err);
	if (rc < 0 && err.code)
		cli_error(&err);
	free(before);
	kconfig_free(k);
	return cli_flush() == EXIT_OK && rc == 0 ? EXIT_OK : EXIT_ERROR;
}

const struct cli_verb cli_kconfig_set = {
	.name = "kconfig set",
	.usage = "[OPTIONS] [OPTION=VALUE...]",
	.summary = "Set options, and print or write what comes of it",
	.example =
		"  hillock kconfig set EPOLL=n --config .config             # what would change\n"
		"  hillock kconfig set EPOLL=n --config .config -o .config  # do it",
	.options = set_options,
	.most = -1,
	.run = set,
};
