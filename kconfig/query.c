// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Questions about a tree and its solution.
 *
 * Theory of operation
 * -------------------
 * Nothing is noted down while solving: why a symbol has its value is worked out from the solution
 * when somebody asks, by the same rules. A snapshot is a copy of what changes from solution to
 * solution, so "what would happen if" is: copy, set, solve, compare, put back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/tree.h"

static const struct kc_state *state_of(const struct kconfig *k, const struct kconfig_symbol *s)
{
	return &k->states[s->index];
}

static const char *value_of(const struct kconfig_symbol *s, const struct kc_state *state)
{
	static const char *const truths[] = { [NO] = "n", [MOD] = "m", [YES] = "y" };

	if (s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE)
		return truths[state->worth];
	return state->text ? state->text : "";
}

const char *kconfig_value(const struct kconfig *k, const struct kconfig_symbol *s)
{
	return value_of(s, state_of(k, s));
}

const char *kconfig_wanted(const struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kc_state wish = { .worth = state_of(k, s)->wish, .text = state_of(k, s)->wish_text };

	return state_of(k, s)->has_wish ? value_of(s, &wish) : NULL;
}

bool kconfig_written(const struct kconfig *k, const struct kconfig_symbol *s)
{
	return state_of(k, s)->written;
}

/* --- comparing ----------------------------------------------------------------------------- */

struct kconfig_snapshot {
	struct kc_state *states;
	uint32_t *ranks;
	uint8_t *worth;
	bool rest_is_no;
};

struct kconfig_snapshot *kconfig_snapshot(const struct kconfig *k)
{
	size_t states = k->symbol_count * sizeof(*k->states);
	size_t ranks = k->member_count * sizeof(*k->ranks);
	struct kconfig_snapshot *shot = malloc(sizeof(*shot) + states + ranks + k->exprs.used);

	if (!shot)
		return NULL;
	shot->states = (struct kc_state *)(shot + 1);
	shot->ranks = (uint32_t *)(shot->states + k->symbol_count);
	shot->worth = (uint8_t *)(shot->ranks + k->member_count);
	shot->rest_is_no = k->rest_is_no;
	memcpy(shot->states, k->states, states);
	memcpy(shot->ranks, k->ranks, ranks);
	memcpy(shot->worth, k->worth, k->exprs.used);
	return shot;
}

void kconfig_restore(struct kconfig *k, const struct kconfig_snapshot *shot)
{
	memcpy(k->states, shot->states, k->symbol_count * sizeof(*k->states));
	memcpy(k->ranks, shot->ranks, k->member_count * sizeof(*k->ranks));
	memcpy(k->worth, shot->worth, k->exprs.used);
	k->rest_is_no = shot->rest_is_no;
}

size_t kconfig_compare(const struct kconfig *k, const struct kconfig_snapshot *shot,
		       void (*each)(void *context, const struct kconfig_change *change),
		       void *context)
{
	struct kconfig_change change;
	const struct kc_state *old, *new;
	size_t count = 0, i;

	for (i = 0; i < k->defined_count; i++) {
		change.symbol = k->defined[i];
		old = &shot->states[change.symbol->index];
		new = state_of(k, change.symbol);
		change.before = old->written ? value_of(change.symbol, old) : NULL;
		change.after = new->written ? value_of(change.symbol, new) : NULL;
		if (!change.before == !change.after &&
		    (!change.before || !strcmp(change.before, change.after)))
			continue;
		count++;
		each(context, &change);
	}
	return count;
}

int kconfig_consequences(struct kconfig *k, struct kconfig_symbol *symbol, const char *value,
			 void (*each)(void *context, const struct kconfig_change *change),
			 void *context, struct err *err)
{
	struct kconfig_snapshot *before;
	int rc;

	kconfig_solve(k);
	before = kconfig_snapshot(k);
	if (!before)
		return err_sys(err, ENOMEM, "asking what %s=%s changes", kconfig_name(symbol),
			       value);
	rc = kconfig_set(k, symbol, value, err);
	if (rc == 0) {
		kconfig_solve(k);
		rc = (int)kconfig_compare(k, before, each, context);
		kconfig_restore(k, before);
	}
	free(before);
	return rc;
}

/* --- why ----------------------------------------------------------------------------------- */

struct answer {
	struct kconfig_reason *reasons;
	size_t max, count;
};

static void give_reason(struct answer *a, struct kconfig_reason reason)
{
	if (a->count < a->max)
		a->reasons[a->count] = reason;
	a->count++;
}

static void give(struct answer *a, enum kconfig_cause cause, const struct kc_property *p,
		 const struct kconfig_symbol *by)
{
	struct kconfig_reason reason = { .cause = cause, .by = by };

	if (p) {
		reason.place = p->place;
		reason.condition = p->condition;
	}
	give_reason(a, reason);
}

/* Those that turn it up to `worth` at least; for a bool m is enough. */
static void give_reverse(struct answer *a, const struct kconfig *k, const struct kconfig_symbol *s,
			 const struct kc_property *p, enum kconfig_cause cause, uint8_t worth)
{
	if (s->type == KCONFIG_BOOL && worth == YES)
		worth = MOD;
	for (; p; p = p->next_reverse)
		if (state_of(k, p->entry->symbol)->worth >= worth &&
		    kc_worth(k, p->condition) >= worth)
			give(a, cause, p, p->entry->symbol);
}

static const struct kc_property *prompt_of(const struct kconfig_symbol *s)
{
	const struct kc_property *p = s->properties;

	while (p && p->kind != PROP_PROMPT)
		p = p->next;
	return p;
}

static const struct kconfig_symbol *on_in(const struct kconfig *k, const struct kc_choice *c)
{
	const struct kc_member *m;

	for (m = c->members; m; m = m->next)
		if (state_of(k, m->symbol)->worth == YES)
			return m->symbol;
	return NULL;
}

static void why_member(struct answer *a, const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_state *state = state_of(k, s);

	if (state->visible == NO)
		give(a, KCONFIG_HIDDEN, prompt_of(s), NULL);
	else if (state->has_wish && state->wish == state->worth)
		give(a, KCONFIG_WANTED, prompt_of(s), NULL);
	else if (state->worth == NO)
		give(a, KCONFIG_PASSED, prompt_of(s), on_in(k, s->choice));
	else
		give(a, KCONFIG_CHOSEN, prompt_of(s), NULL);
}

static void why_default(struct answer *a, const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_property *p = kc_active_property(k, s, PROP_DEFAULT);

	if (p)
		give(a, KCONFIG_DEFAULT, p, kconfig_expr_symbol(p->value));
}

static void why_logical(struct answer *a, const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_state *state = state_of(k, s);
	bool heard = kc_is_heard(k, s);
	uint8_t wish = heard && state->wish < state->visible ? state->wish : state->visible;
	const struct kc_property *p = kc_active_property(k, s, PROP_DEFAULT);

	if (heard && wish == state->worth)
		give(a, KCONFIG_WANTED, prompt_of(s), NULL);
	if (state->selected != NO && state->selected == state->worth)
		give_reverse(a, k, s, s->selected_by, KCONFIG_SELECTED, state->worth);
	if (state->direct < state->selected)
		give_reason(a, (struct kconfig_reason){ .cause = KCONFIG_UNMET,
							.place = s->entries->place,
							.condition = s->depends });
	if (!heard && p && kc_worth(k, p->value) != NO && state->worth != NO &&
	    (state->implied == NO || state->direct != NO))
		why_default(a, k, s);
	if (!heard && state->implied != NO && state->worth != NO)
		give_reverse(a, k, s, s->implied_by, KCONFIG_IMPLIED, state->implied);
	if (state->visible == NO && (prompt_of(s) || state->has_wish))
		give(a, KCONFIG_HIDDEN, prompt_of(s), NULL);
}

static void why_text(struct answer *a, const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_state *state = state_of(k, s);
	const struct kc_property *p = kc_active_property(k, s, PROP_DEFAULT);
	bool heard = kc_is_heard(k, s);
	const char *text = heard ? state->wish_text
			   : p && p->value->kind == EXPR_SYMBOL
				   ? kc_text_of(k, p->value->symbols[0])
				   : NULL;

	if (text && kc_broken_bound(k, s, text))
		give(a, KCONFIG_LIMITED, kc_active_property(k, s, PROP_RANGE),
		     kc_broken_bound(k, s, text));
	if (heard)
		give(a, KCONFIG_WANTED, prompt_of(s), NULL);
	else
		why_default(a, k, s);
	if (state->visible == NO && (prompt_of(s) || state->has_wish))
		give(a, KCONFIG_HIDDEN, prompt_of(s), NULL);
}

size_t kconfig_why(const struct kconfig *k, const struct kconfig_symbol *s,
		   struct kconfig_reason *reasons, size_t max)
{
	struct answer a = { reasons, max, 0 };

	if (s->choice)
		why_member(&a, k, s);
	else if (s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE)
		why_logical(&a, k, s);
	else if (s->type != KCONFIG_UNKNOWN)
		why_text(&a, k, s);
	if (a.count == 0)
		give(&a, KCONFIG_NOTHING, NULL, NULL);
	return a.count;
}

/* --- what the tree says -------------------------------------------------------------------- */

static void state_property(const struct kc_property *p, enum kconfig_statement_kind kind,
			   const struct kconfig_symbol *other,
			   void (*each)(void *, const struct kconfig_statement *), void *context)
{
	each(context, &(struct kconfig_statement){ .kind = kind,
						   .place = p->place,
						   .text = p->text,
						   .other = other,
						   .high = p->high,
						   .value = p->value,
						   .condition = p->condition });
}

void kconfig_statements(const struct kconfig *k, const struct kconfig_symbol *s,
			void (*each)(void *context, const struct kconfig_statement *statement),
			void *context)
{
	static const enum kconfig_statement_kind kinds[] = {
		[PROP_PROMPT] = KCONFIG_STATE_PROMPT, [PROP_DEFAULT] = KCONFIG_STATE_DEFAULT,
		[PROP_SELECT] = KCONFIG_STATE_SELECT, [PROP_IMPLY] = KCONFIG_STATE_IMPLY,
		[PROP_RANGE] = KCONFIG_STATE_RANGE,
	};
	const struct kc_property *p;
	const struct kc_entry *e;

	for (e = s->entries; e; e = e->next_of_symbol) {
		each(context, &(struct kconfig_statement){ .kind = KCONFIG_STATE_DEFINED,
							   .place = e->place,
							   .text = e->help,
							   .condition = e->dep });
		for (p = s->properties; p; p = p->next)
			if (p->entry == e)
				state_property(p, kinds[p->kind], p->other, each, context);
	}
	for (p = s->selected_by; p; p = p->next_reverse)
		state_property(p, KCONFIG_STATE_SELECTED_BY, p->entry->symbol, each, context);
	for (p = s->implied_by; p; p = p->next_reverse)
		state_property(p, KCONFIG_STATE_IMPLIED_BY, p->entry->symbol, each, context);
}

struct kconfig_symbol *kconfig_expr_symbol(const struct kconfig_expr *e)
{
	const struct kconfig_symbol *right;

	if (!e || kc_expr_has_items(e) || e->symbols[0]->constant || !e->symbols[0]->entries)
		return NULL;
	if (e->kind == EXPR_SYMBOL)
		return e->symbols[0];
	right = e->symbols[1];
	if (e->kind == EXPR_EQUAL && (!strcmp(right->name, "y") || !strcmp(right->name, "m")))
		return e->symbols[0];
	return e->kind == EXPR_UNEQUAL && !strcmp(right->name, "n") ? e->symbols[0] : NULL;
}

struct needs {
	const struct kconfig *k;
	void (*each)(void *context, const struct kconfig_expr *part, int worth);
	void *context;
	struct buf told;
};

static void need(struct needs *n, const struct kconfig_expr *e)
{
	const struct kconfig_expr *const *told = (const void *)n->told.data;
	size_t count = n->told.used / sizeof(*told), i;

	if (!e || kc_expr_is_symbol(e, n->k->yes))
		return;
	if (e->kind == EXPR_AND) {
		for (i = 0; i < e->count; i++)
			need(n, e->items[i]);
		return;
	}
	for (i = 0; i < count; i++)
		if (told[i] == e)
			return;
	if (buf_append(&n->told, &e, sizeof(e), KC_ARENA_MAX) < 0)
		return;
	n->each(n->context, e, kc_worth(n->k, e));
}

void kconfig_needs(const struct kconfig *k, const struct kconfig_symbol *s,
		   void (*each)(void *context, const struct kconfig_expr *part, int worth),
		   void *context)
{
	const struct kc_property *prompt = prompt_of(s), *other = prompt ? prompt->next : NULL;
	struct needs n = { k, each, context, { 0 } };

	while (other && other->kind != PROP_PROMPT)
		other = other->next;
	/* With several prompts any of them will do, and that is what `depends` says. */
	need(&n, prompt && !other ? prompt->condition : s->depends);
	buf_free(&n.told);
}
