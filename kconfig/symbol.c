// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols, and the tree as a whole.
 *
 * Theory of operation
 * -------------------
 * A word and the same text in quotes are two symbols; y, m and n are the same either way. A
 * symbol exists from the first time that somebody names it: it is defined once an entry is
 * there. What an undefined one is worth is n, and its text is its own name, which is how numbers
 * and constants come to their value.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/read.h"

static struct kconfig_symbol *add(struct kconfig *k, const char *name, bool constant)
{
	struct kconfig_symbol *s, **grown;
	size_t room;

	if (k->symbol_count == k->symbol_room) {
		room = k->symbol_room ? k->symbol_room * 2 : 4096;
		grown = room < KC_NODES_MAX ? realloc(k->symbols, room * sizeof(s)) : NULL;
		if (!grown)
			return NULL;
		k->symbols = grown;
		k->symbol_room = room;
	}
	s = kc_alloc(&k->arena, sizeof(*s));
	if (!s)
		return NULL;
	s->name = name;
	s->constant = constant;
	s->index = (uint32_t)k->symbol_count;
	k->symbols[k->symbol_count++] = s;
	return s;
}

struct kconfig_symbol *kc_symbol(struct kconfig *k, struct kc_name *name, bool constant)
{
	struct kconfig_symbol **slot = constant ? &name->constant : &name->symbol;

	if (!*slot)
		*slot = add(k, name->text, constant);
	return *slot;
}

struct kconfig_symbol *kc_symbol_unnamed(struct kconfig *k)
{
	struct kconfig_symbol *s = add(k, NULL, false);

	if (s)
		s->is_choice = true;
	return s;
}

static struct kconfig_symbol *add_truth(struct kconfig *k, const char *text)
{
	struct kc_name *name = kc_name(k, text, 1);
	struct kconfig_symbol *s = name ? kc_symbol(k, name, true) : NULL;

	if (s) {
		s->type = KCONFIG_TRISTATE;
		name->symbol = s;
	}
	return s;
}

struct kc_property *kc_property_add(struct kconfig *k, struct kc_entry *entry,
				    enum kc_property_kind kind, struct kconfig_place place)
{
	struct kc_property *p = kc_alloc(&k->arena, sizeof(*p));
	struct kconfig_symbol *s = entry->symbol;

	if (!p)
		return NULL;
	p->kind = kind;
	p->entry = entry;
	p->place = place;
	if (!s)
		return p;
	if (s->last_property)
		s->last_property->next = p;
	else
		s->properties = p;
	s->last_property = p;
	return p;
}

struct kc_choice *kc_choice_add(struct kconfig *k, struct kc_entry *entry)
{
	struct kc_choice *c = kc_alloc(&k->arena, sizeof(*c));

	if (!c)
		return NULL;
	c->entry = entry;
	c->symbol = entry->symbol;
	c->index = k->choice_count++;
	/* In old trees a choice has the type that it says, or its first member's. */
	if (!kc_is_before_6_11(k))
		c->symbol->type = KCONFIG_BOOL;
	if (k->last_choice)
		k->last_choice->next = c;
	else
		k->choices = c;
	k->last_choice = c;
	return c;
}

int kc_choice_add_member(struct kconfig *k, struct kc_choice *c, struct kconfig_symbol *s)
{
	struct kc_member *m;

	if (s->choice)
		return 0;
	m = kc_alloc(&k->arena, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->symbol = s;
	s->choice = c;
	if (c->last_member)
		c->last_member->next = m;
	else
		c->members = m;
	c->last_member = m;
	c->count++;
	k->member_count++;
	return 0;
}

bool kc_value_fits(enum kconfig_type type, const char *text)
{
	const char *at = text;

	if (type == KCONFIG_STRING)
		return true;
	if (type == KCONFIG_INT) {
		at += *at == '-';
		return *at && !at[strspn(at, "0123456789")] && (at[0] != '0' || !at[1]);
	}
	if (type == KCONFIG_HEX) {
		if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
			at += 2;
		return *at && !at[strspn(at, "0123456789abcdefABCDEF")];
	}
	return false;
}

/* --- messages ------------------------------------------------------------------------------ */

void kc_note(const struct kconfig *k, struct kconfig_place place, const char *fmt, ...)
{
	char text[1200];
	int used;
	va_list ap;

	if (!k->note)
		return;
	used = snprintf(text, sizeof(text), "%.400s:%u: ", place.file, place.line);
	va_start(ap, fmt);
	vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
	va_end(ap);
	k->note(k->note_context, text);
}

int kc_error(struct err *err, struct kconfig_place place, const char *fmt, ...)
{
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, EINVAL, "%.200s:%u: %s", place.file, place.line, text);
}

int kc_out_of_memory(const struct kconfig *k, struct err *err)
{
	if (k->arena.total > KC_ARENA_MAX / 2)
		return err_set(err, E2BIG, "the Kconfig tree needs more than %zu MB of memory",
			       KC_ARENA_MAX >> 20);
	return err_set(err, ENOMEM, "out of memory while reading the Kconfig tree");
}

/* --- the tree as a whole ------------------------------------------------------------------- */

static int prepare(struct kconfig *k)
{
	if (kc_names_init(k) < 0)
		return -ENOMEM;
	k->no = add_truth(k, "n");
	k->mod = add_truth(k, "m");
	k->yes = add_truth(k, "y");
	return k->no && k->mod && k->yes ? 0 : -ENOMEM;
}

int kconfig_load(const struct kconfig_source *source, struct kconfig **tree, struct err *err)
{
	struct kconfig *k = calloc(1, sizeof(*k));
	struct kc_reader reader = { .k = k, .source = source, .err = err };
	int rc;

	if (!k)
		return err_sys(err, ENOMEM, "reading a Kconfig tree");
	k->version = source->version ? source->version : KCONFIG_NEWEST;
	k->note = source->note;
	k->note_context = source->context;
	rc = prepare(k) < 0 ? kc_out_of_memory(k, err) : kc_read_files(&reader);
	if (rc == 0)
		rc = kc_tree_finish(k, err);
	if (rc == 0)
		rc = kc_graph_build(k, err);
	if (rc < 0) {
		kconfig_free(k);
		return rc;
	}
	k->note = NULL;
	kconfig_clear(k);
	*tree = k;
	return 0;
}

void kconfig_free(struct kconfig *k)
{
	if (!k)
		return;
	kc_graph_free(k->graph);
	kc_exprs_free(&k->exprs);
	free(k->names.buckets);
	free(k->symbols);
	free(k->defined);
	free(k->states);
	free(k->worth);
	free(k->ranks);
	free(k->choice_at);
	kc_arena_free(&k->arena);
	free(k);
}

struct kconfig_symbol *kconfig_find(const struct kconfig *k, const char *name)
{
	const struct kc_name *known;

	if (!strncmp(name, "CONFIG_", 7))
		name += 7;
	known = kc_name_known(k, name, strlen(name));
	return known && known->symbol && known->symbol->entries ? known->symbol : NULL;
}

size_t kconfig_count(const struct kconfig *k)
{
	return k->defined_count;
}

struct kconfig_symbol *kconfig_at(const struct kconfig *k, size_t index)
{
	return k->defined[index];
}

const char *kconfig_name(const struct kconfig_symbol *symbol)
{
	return symbol->name ? symbol->name : "<choice>";
}

enum kconfig_type kconfig_type(const struct kconfig_symbol *symbol)
{
	return symbol->type;
}

const char *kconfig_type_name(enum kconfig_type type)
{
	static const char *const names[] = {
		[KCONFIG_UNKNOWN] = "unknown",   [KCONFIG_BOOL] = "bool",
		[KCONFIG_TRISTATE] = "tristate", [KCONFIG_INT] = "int",
		[KCONFIG_HEX] = "hex",           [KCONFIG_STRING] = "string",
	};

	return names[type];
}
