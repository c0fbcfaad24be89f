// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From what the files say to what it means.
 *
 * Theory of operation
 * -------------------
 * What stands around an entry holds for it too: the `depends on` and `if` of all blocks it is in
 * become part of its own dependency, and that becomes part of the condition of each of its
 * properties; the `visible if` of the menus around it become part of the condition of its prompt
 * alone. A symbol that is defined in several places depends on any of them. Then every select and
 * imply is hung on the symbol that it speaks of.
 *
 * One oddity is the language's: a definition without any dependency does not make a symbol that
 * has other definitions free of theirs.
 *
 * In trees before Linux 6.11 a choice is itself a symbol, y or m, and its members depend on it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/tree.h"

struct kc_entry *kc_entry_next(const struct kc_entry *e)
{
	if (e->child)
		return e->child;
	while (e && !e->next)
		e = e->parent;
	return e ? e->next : NULL;
}

static int simplify(struct kconfig *k, struct kconfig_expr **e)
{
	if (!*e)
		return 0;
	*e = kc_expr_simplify(k, *e, false);
	return *e ? 0 : -ENOMEM;
}

/* Of old choices: the choice is as its first member, and members without a type as the choice. */
static void complete_types(struct kc_choice *c)
{
	struct kc_member *m;

	for (m = c->members; m && c->symbol->type == KCONFIG_UNKNOWN; m = m->next)
		c->symbol->type = m->symbol->type;
	for (m = c->members; m; m = m->next)
		if (m->symbol->type == KCONFIG_UNKNOWN)
			m->symbol->type = c->symbol->type;
}

/* What the entries directly inside `e` inherit. */
static struct kconfig_expr *dep_inside(struct kconfig *k, struct kc_entry *e, int *failed)
{
	struct kconfig_expr *dep = e->dep;

	if (e->kind == ENTRY_CHOICE && kc_is_before_6_11(k)) {
		dep = kc_expr_symbol(k, e->symbol);
		if (!dep)
			*failed = -ENOMEM;
	}
	return dep;
}

/* A bool in an old choice that may be m: it can only be chosen where the choice is y. */
static struct kconfig_expr *choice_is_yes(struct kconfig *k, struct kc_entry *e, int *failed)
{
	struct kconfig_symbol *s = e->symbol;
	struct kconfig_expr *expr;
	struct kc_entry *around;

	if (!kc_is_before_6_11(k) || !s || !s->choice || s->type == KCONFIG_TRISTATE ||
	    s->choice->symbol->type != KCONFIG_TRISTATE)
		return NULL;
	for (around = e->parent; around->kind == ENTRY_IF; around = around->parent)
		;
	if (around != s->choice->entry)
		return NULL;
	expr = kc_expr_compare(k, EXPR_EQUAL, s->choice->symbol, k->yes);
	if (!expr)
		*failed = -ENOMEM;
	return expr;
}

static int inherit(struct kconfig *k, struct kc_entry *e)
{
	struct kconfig_expr *visible = e->own_visible;
	int rc = 0;

	if (simplify(k, &e->own_dep) < 0 || simplify(k, &visible) < 0)
		return -ENOMEM;
	if (!e->parent)
		return 0;
	e->dep = kc_expr_both(k, dep_inside(k, e->parent, &rc), e->own_dep, &rc);
	e->dep = kc_expr_both(k, choice_is_yes(k, e, &rc), e->dep, &rc);
	e->visible = kc_expr_both(k, e->parent->visible, visible, &rc);
	return rc;
}

static int set_condition(struct kconfig *k, struct kc_property *p)
{
	struct kc_entry *e = p->entry;
	int rc = 0;

	p->condition = p->own;
	if (simplify(k, &p->condition) < 0)
		return -ENOMEM;
	if (p->kind == PROP_PROMPT && e->symbol && e->parent)
		p->condition = kc_expr_both(k, p->condition, e->parent->visible, &rc);
	p->condition = kc_expr_both(k, e->dep, p->condition, &rc);
	return rc;
}

static void hang(struct kc_property *p, struct kc_property **first, struct kc_property **last)
{
	if (*last)
		(*last)->next_reverse = p;
	else
		*first = p;
	*last = p;
}

static int finish_properties(struct kconfig *k, struct kconfig_symbol *s)
{
	struct kc_property *p;

	for (p = s->properties; p; p = p->next) {
		if (set_condition(k, p) < 0)
			return -ENOMEM;
		if (p->kind == PROP_SELECT)
			hang(p, &p->other->selected_by, &p->other->last_selected_by);
		else if (p->kind == PROP_IMPLY)
			hang(p, &p->other->implied_by, &p->other->last_implied_by);
	}
	return 0;
}

static int set_depends(struct kconfig *k, struct kconfig_symbol *s)
{
	struct buf deps = { 0 };
	struct kc_entry *e;
	int rc = 0;

	if (s->is_choice)
		return 0;
	for (e = s->entries; e && rc == 0; e = e->next_of_symbol)
		if (e->dep)
			rc = buf_append(&deps, &e->dep, sizeof(e->dep), KC_ARENA_MAX);
	if (rc == 0 && deps.used > 0) {
		s->depends = kc_expr_join(k, EXPR_OR, (struct kconfig_expr **)(void *)deps.data,
					  (uint32_t)(deps.used / sizeof(e->dep)));
		if (!s->depends)
			rc = -ENOMEM;
	}
	buf_free(&deps);
	return rc;
}

/* --- checks -------------------------------------------------------------------------------- */

static int check_transitional(const struct kconfig *k, const struct kconfig_symbol *s,
			      struct err *err)
{
	const struct kc_entry *e;

	if (!s->transitional)
		return 0;
	for (e = s->entries; e; e = e->next_of_symbol)
		if (e->dep && !kc_expr_is_symbol(e->dep, k->yes))
			return kc_error(err, e->place,
					"expected nothing but a type and help for the transitional "
					"'%s', found a dependency",
					s->name);
	if (s->properties)
		return kc_error(err, s->properties->place,
				"expected nothing but a type and help for the transitional '%s', "
				"found more",
				s->name);
	return 0;
}

static int check_member(const struct kconfig_symbol *s, struct err *err)
{
	const struct kc_property *p;
	bool prompted = false;

	for (p = s->properties; p; p = p->next) {
		if (p->kind == PROP_DEFAULT)
			return kc_error(err, p->place,
					"a default for '%s', which is a choice's member: the "
					"choice has the default",
					s->name);
		prompted |= p->kind == PROP_PROMPT;
	}
	if (!prompted)
		return kc_error(err, s->entries->place,
				"expected a prompt for the choice's member '%s', found none",
				s->name);
	if (s->type != KCONFIG_BOOL)
		return kc_error(err, s->entries->place,
				"expected the choice's member '%s' to be bool, found %s", s->name,
				kconfig_type_name(s->type));
	return 0;
}

static bool is_number(const struct kconfig_symbol *of, const struct kconfig_symbol *s)
{
	return s->type == KCONFIG_INT || s->type == KCONFIG_HEX ||
	       (s->type == KCONFIG_UNKNOWN && kc_value_fits(of->type, s->name));
}

static void note_property(const struct kconfig *k, const struct kconfig_symbol *s,
			  const struct kc_property *p)
{
	bool logical = s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE;
	bool number = s->type == KCONFIG_INT || s->type == KCONFIG_HEX;

	switch (p->kind) {
	case PROP_DEFAULT:
		if (s->is_choice || logical || s->type == KCONFIG_UNKNOWN)
			return;
		if (p->value->kind != EXPR_SYMBOL)
			kc_note(k, p->place, "the default of '%s' is more than one value", s->name);
		else if (number && !is_number(s, p->value->symbols[0]))
			kc_note(k, p->place, "the default of '%s' is not a number", s->name);
		return;
	case PROP_SELECT:
	case PROP_IMPLY:
		if (!logical)
			kc_note(k, p->place, "'%s' is not bool or tristate: it selects nothing",
				kconfig_name(s));
		return;
	case PROP_RANGE:
		if (!number || !is_number(s, p->other) || !is_number(s, p->high))
			kc_note(k, p->place, "a range of '%s' that is not one of numbers", s->name);
		return;
	case PROP_PROMPT:
		return;
	}
}

static int check(const struct kconfig *k, const struct kconfig_symbol *s, struct err *err)
{
	const struct kc_property *p;
	int rc = check_transitional(k, s, err);

	if (rc == 0 && s->choice && !kc_is_before_6_11(k))
		rc = check_member(s, err);
	if (rc < 0 || !k->note)
		return rc;
	if (s->type == KCONFIG_UNKNOWN)
		kc_note(k, s->entries->place, "'%s' has no type", kconfig_name(s));
	for (p = s->properties; p; p = p->next)
		note_property(k, s, p);
	return 0;
}

/* --- all of it ----------------------------------------------------------------------------- */

static int finish_entries(struct kconfig *k)
{
	struct kc_entry *e;

	for (e = &k->root; e; e = kc_entry_next(e)) {
		if (inherit(k, e) < 0)
			return -ENOMEM;
		if (!e->symbol && e->prompt && set_condition(k, e->prompt) < 0)
			return -ENOMEM;
		if (e->symbol && e->symbol->entries == e && !e->symbol->is_choice)
			k->defined[k->defined_count++] = e->symbol;
	}
	return 0;
}

static int name_root(struct kconfig *k)
{
	if (k->root.prompt)
		return 0;
	k->root.prompt = kc_property_add(k, &k->root, PROP_PROMPT, k->root.place);
	if (!k->root.prompt)
		return -ENOMEM;
	k->root.prompt->text = "Main menu";
	return 0;
}

static int make_states(struct kconfig *k)
{
	struct kc_choice *c;
	struct kc_state *state;
	uint32_t rank = 0;
	size_t i;

	k->states = calloc(k->symbol_count, sizeof(*k->states));
	k->worth = calloc((size_t)k->exprs.used + 1, sizeof(*k->worth));
	k->ranks = calloc((size_t)k->member_count + 1, sizeof(*k->ranks));
	k->choice_at = calloc((size_t)k->choice_count + 1, sizeof(struct kc_choice *));
	if (!k->states || !k->worth || !k->ranks || !k->choice_at)
		return -ENOMEM;
	for (i = 0; i < k->symbol_count; i++) {
		state = &k->states[i];
		state->text = k->symbols[i]->name;
		if (k->symbols[i]->entries && k->symbols[i]->type != KCONFIG_UNKNOWN)
			state->text = "";
		state->worth = k->symbols[i] == k->yes ? YES : k->symbols[i] == k->mod ? MOD : NO;
	}
	for (c = k->choices; c; c = c->next) {
		k->choice_at[c->index] = c;
		c->first_rank = rank;
		rank += c->count;
	}
	return 0;
}

int kc_tree_finish(struct kconfig *k, struct err *err)
{
	struct kc_choice *c;
	size_t i;
	int rc;

	if (kc_is_before_6_11(k))
		for (c = k->choices; c; c = c->next)
			complete_types(c);
	k->defined = calloc(k->symbol_count, sizeof(struct kconfig_symbol *));
	rc = k->defined ? name_root(k) : -ENOMEM;
	if (rc == 0)
		rc = finish_entries(k);
	for (i = 0; i < k->symbol_count && rc == 0; i++) {
		rc = finish_properties(k, k->symbols[i]);
		if (rc == 0)
			rc = set_depends(k, k->symbols[i]);
	}
	if (rc == 0)
		rc = make_states(k);
	if (rc < 0)
		return kc_out_of_memory(k, err);
	for (i = 0; i < k->defined_count && rc == 0; i++)
		rc = check(k, k->defined[i], err);
	return rc;
}
