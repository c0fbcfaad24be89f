// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: config.h. */
#include "cut/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "image/sha256.h"

enum { ROUNDS = 12 };

/* --- what is asked for -------------------------------------------------------------------------- */

const struct config_ask *config_asked(const struct config_asks *asks, const char *name)
{
	for (size_t i = 0; i < asks->count; i++)
		if (!strcmp(asks->list[i].name, name))
			return &asks->list[i];
	return NULL;
}

int config_ask(struct config_asks *asks, const char *name, const char *value, const char *for_whom)
{
	struct config_ask *ask = (struct config_ask *)config_asked(asks, name);

	if (!ask) {
		if (asks->count == asks->room) {
			size_t room = asks->room ? 2 * asks->room : 128;
			struct config_ask *grown = realloc(asks->list, room * sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			asks->list = grown;
			asks->room = room;
		}
		ask = &asks->list[asks->count++];
	}
	snprintf(ask->name, sizeof(ask->name), "%s", name);
	snprintf(ask->value, sizeof(ask->value), "%s", value);
	snprintf(ask->for_whom, sizeof(ask->for_whom), "%s", for_whom);
	return 0;
}

int config_ask_fragment(struct config_asks *asks, const char *text)
{
	cleanup_free char *copy = strdup(text);
	char *save = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(l, '=');
		size_t length;

		if (strncmp(l, "CONFIG_", 7) != 0 || !equals)
			continue;
		*equals++ = '\0';
		length = strlen(equals);
		if (length >= 2 && *equals == '"' && equals[length - 1] == '"') {
			equals[length - 1] = '\0';
			equals++;
		}
		if (config_ask(asks, l + 7, equals, "") < 0)
			return -ENOMEM;
	}
	return 0;
}

void config_asks_free(struct config_asks *asks)
{
	free(asks->list);
	*asks = (struct config_asks){ .count = 0 };
}

/* Numbers and switches stand bare; all else is text. */
static int is_bare(const char *value)
{
	if (!strcmp(value, "y") || !strcmp(value, "m") || !strcmp(value, "n"))
		return 1;
	value += *value == '-';
	if (!strncmp(value, "0x", 2))
		value += 2;
	return *value && !value[strspn(value, "0123456789abcdefABCDEF")] &&
	       isdigit((unsigned char)*value);
}

char *config_fragment(const struct config_asks *asks)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < asks->count; i++) {
		const struct config_ask *a = &asks->list[i];

		if (!strcmp(a->value, "n"))
			fprintf(out, "# CONFIG_%s is not set\n", a->name);
		else if (is_bare(a->value))
			fprintf(out, "CONFIG_%s=%s\n", a->name, a->value);
		else
			fprintf(out, "CONFIG_%s=\"%s\"\n", a->name, a->value);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- the tree -------------------------------------------------------------------------------------- */

int config_open(struct config *c, const char *tree, const char *arch, const char *cache,
		struct err *err)
{
	const struct kconfig_linux source = { .source = tree, .arch = arch, .cache = cache };

	*c = (struct config){ .kconfig = NULL };
	return kconfig_linux_load(&source, &c->kconfig, err);
}

static void free_base(struct config *c)
{
	for (size_t i = 0; i < c->base_count; i++)
		free(c->base[i]);
	free(c->base);
	c->base = NULL;
	c->base_count = 0;
}

void config_close(struct config *c)
{
	free_base(c);
	kconfig_free(c->kconfig);
	c->kconfig = NULL;
}

bool config_on(void *context, const char *name)
{
	const struct config *c = context;
	const struct kconfig_symbol *s = kconfig_find(c->kconfig, name);

	return s && !strcmp(kconfig_value(c->kconfig, s), "y");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool config_base_on(const struct config *c, const char *name)
{
	return c->base_count &&
	       bsearch(&name, c->base, c->base_count, sizeof(*c->base), by_text) != NULL;
}

static int solve_text(struct config *c, const char *text, size_t size, struct err *err)
{
	int rc;

	kconfig_clear(c->kconfig);
	rc = kconfig_read(c->kconfig, "the configuration", text, size, NULL, NULL, err);
	if (rc < 0)
		return rc;
	kconfig_set_rest_no(c->kconfig);
	kconfig_solve(c->kconfig);
	return 0;
}

int config_base(struct config *c, const char *text, size_t size, struct err *err)
{
	size_t count = kconfig_count(c->kconfig);
	int rc = solve_text(c, text, size, err);

	if (rc < 0)
		return rc;
	free_base(c);
	c->base = calloc(count + 1, sizeof(*c->base));
	if (!c->base)
		return err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const char *name = kconfig_name(kconfig_at(c->kconfig, i));

		if (config_on(c, name) && !(c->base[c->base_count++] = strdup(name)))
			return err_set(err, ENOMEM, "out of memory");
	}
	qsort(c->base, c->base_count, sizeof(*c->base), by_text);
	return 0;
}

/* --- completing -------------------------------------------------------------------------------------- */

struct completion {
	struct config *config;
	struct config_asks *asks;
	const char *name;
	int added, settable, failed;
};

static void need(struct completion *x, const char *name)
{
	if (config_on(x->config, name) || !config_base_on(x->config, name) ||
	    config_asked(x->asks, name))
		return;
	x->failed |= config_ask(x->asks, name, "y", x->name) < 0;
	x->added++;
}

/* Every option that a condition names, if it is on in the base. */
static void need_part(void *context, const struct kconfig_expr *part, int worth)
{
	struct completion *x = context;
	struct buf text = { 0 };
	char *save = NULL;

	if (worth == 2)
		return;
	if (kconfig_expr_print(part, &text) == 0 && buf_append(&text, "", 1, SIZE_MAX) == 0) {
		const char *separators = " ()&|!=<>";

		for (char *w = strtok_r((char *)text.data, separators, &save); w;
		     w = strtok_r(NULL, separators, &save))
			need(x, w);
	}
	buf_free(&text);
}

static void need_selector(void *context, const struct kconfig_statement *s)
{
	struct completion *x = context;

	if (s->kind == KCONFIG_STATE_PROMPT)
		x->settable = 1;
	/* One who selects it is enough. */
	if (s->kind == KCONFIG_STATE_SELECTED_BY && s->other && !x->settable && !x->added)
		need(x, kconfig_name(s->other));
}

static void look_for_prompt(void *context, const struct kconfig_statement *s)
{
	struct completion *x = context;

	x->settable |= s->kind == KCONFIG_STATE_PROMPT;
}

bool config_settable(const struct config *c, const char *name)
{
	const struct kconfig_symbol *s = kconfig_find(c->kconfig, name);
	struct completion x = { .settable = 0 };

	if (s)
		kconfig_statements(c->kconfig, s, look_for_prompt, &x);
	return x.settable;
}

/* Adds what keeps an asked option from coming out. Returns how many were added, or -ENOMEM. */
static int complete(struct config *c, struct config_asks *asks)
{
	size_t count = asks->count;
	int added = 0;

	for (size_t i = 0; i < count; i++) {
		char name[sizeof(asks->list[0].name)];
		struct completion x = { .config = c, .asks = asks, .name = name };
		const struct kconfig_symbol *s;

		snprintf(name, sizeof(name), "%s", asks->list[i].name);
		s = kconfig_find(c->kconfig, name);
		if (!s || strcmp(asks->list[i].value, "y") != 0 || config_on(c, name))
			continue;
		kconfig_needs(c->kconfig, s, need_part, &x);
		x.settable = config_settable(c, name);
		kconfig_statements(c->kconfig, s, need_selector, &x);
		if (x.failed)
			return -ENOMEM;
		added += x.added;
	}
	return added;
}

int config_solve(struct config *c, struct config_asks *asks, struct err *err)
{
	for (int round = 0; round < ROUNDS; round++) {
		cleanup_free char *text = config_fragment(asks);
		int rc = text ? solve_text(c, text, strlen(text), err) :
				err_set(err, ENOMEM, "out of memory");

		if (rc < 0)
			return rc;
		rc = complete(c, asks);
		if (rc < 0)
			return err_set(err, ENOMEM, "out of memory");
		if (rc == 0)
			return 0;
	}
	return 0;
}

/* --- the solution ------------------------------------------------------------------------------------ */

char *config_text(struct config *c, char digest[CONFIG_DIGEST + 1], struct err *err)
{
	unsigned char raw[SHA256_SIZE];
	struct buf out = { 0 };
	struct sha256 sha;

	if (kconfig_write(c->kconfig, &out, err) < 0)
		return NULL;
	sha256_init(&sha);
	sha256_add(&sha, buf_data(&out), out.used);
	sha256_end(&sha, raw);
	sha256_hex(raw, CONFIG_DIGEST, digest);
	if (buf_append(&out, "", 1, SIZE_MAX) < 0) {
		buf_free(&out);
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return (char *)out.data;
}

struct off {
	struct config *config;
	const char *names[256];
	size_t count;
};

static void collect_off(void *context, const struct kconfig_change *change)
{
	struct off *off = context;

	if (change->before && !strcmp(change->before, "y") &&
	    (!change->after || strcmp(change->after, "y") != 0) &&
	    off->count < sizeof(off->names) / sizeof(off->names[0]))
		off->names[off->count++] = kconfig_name(change->symbol);
}

static bool on_without(void *context, const char *name)
{
	const struct off *off = context;

	for (size_t i = 0; i < off->count; i++)
		if (!strcmp(off->names[i], name))
			return false;
	return config_on(off->config, name);
}

uint64_t config_weight(struct config *c, const struct owners *o, const char *name)
{
	struct kconfig_symbol *s = kconfig_find(c->kconfig, name);
	struct off off = { .config = c };
	uint64_t sum = 0;

	if (!s || kconfig_consequences(c->kconfig, s, "n", collect_off, &off, NULL) < 0)
		return 0;
	if (!off.count)
		return 0;
	for (size_t i = 0; i < o->count; i++)
		if (o->objects[i].size && owners_built(&o->objects[i], config_on, c) &&
		    !owners_built(&o->objects[i], on_without, &off))
			sum += o->objects[i].size;
	return sum;
}
