// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The solution.
 *
 * Theory of operation
 * -------------------
 * Nodes that may have changed are marked, by their place in the graph's order. A sweep takes the
 * marks from front to back: the node is computed, and if it came out different, those that are
 * computed from it are marked; they all lie further back. So every node is computed at most once,
 * and a change that makes no difference ends where it was found to make none.
 *
 * A bool or tristate is what the user wants, as far as it can be seen; if nobody wants anything,
 * its first default that holds, or what implies it, as far as its dependencies allow; in any case
 * at least what selects it, whatever it depends on. A number or text is what the user wants, or
 * its first default that holds, brought into its range.
 *
 * Of a choice exactly one visible member is on: the one wanted last; else its default, unless
 * that one is not wanted; else the first that nobody spoke of; else the one unwanted first.
 * Before Linux 6.11 wishes for n counted for nothing, only one wish was heard, and a tristate
 * choice that is m let any number of its members be m.
 */
#include <stdlib.h>
#include <string.h>

#include "kconfig/tree.h"

static struct kc_state *state_of(const struct kconfig *k, const struct kconfig_symbol *s)
{
	return &k->states[s->index];
}

static uint8_t least(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

static uint8_t most(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* --- marks --------------------------------------------------------------------------------- */

static void mark_position(struct kc_graph *g, uint32_t position)
{
	g->dirty[position / 64] |= (uint64_t)1 << position % 64;
}

static void mark_users(struct kconfig *k, uint32_t node)
{
	struct kc_graph *g = k->graph;
	uint32_t i;

	for (i = g->first_user[node]; i < g->first_user[node + 1]; i++)
		mark_position(g, g->position[g->users[i]]);
}

static void mark_from(struct kc_graph *g, uint32_t position)
{
	for (; position < g->count; position++)
		mark_position(g, position);
}

void kc_mark_all(struct kconfig *k)
{
	mark_from(k->graph, 0);
}

void kc_mark_wish(struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kc_graph *g = k->graph;

	mark_position(g, g->position[kc_node_of_symbol(k, s)]);
	if (!s->choice)
		return;
	mark_position(g, g->position[kc_node_of_choice(k, s->choice)]);
	mark_position(g, g->position[kc_node_of_symbol(k, s->choice->symbol)]);
}

/* --- what holds now ------------------------------------------------------------------------ */

struct kc_property *kc_active_property(const struct kconfig *k, const struct kconfig_symbol *s,
				       enum kc_property_kind kind)
{
	struct kc_property *p;

	for (p = s->properties; p; p = p->next)
		if (p->kind == kind && kc_worth(k, p->condition) != NO)
			return p;
	return NULL;
}

bool kc_has_modules(const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_graph *g = k->graph;
	uint32_t node = s->choice ? kc_node_of_choice(k, s->choice) : kc_node_of_symbol(k, s);

	return k->modules && g->position[node] > g->modules && state_of(k, k->modules)->worth != NO;
}

/* A bool cannot be m, nor can a tristate where there are no modules. */
static uint8_t rounded(uint8_t worth, bool tristate)
{
	return worth == MOD && !tristate ? YES : worth;
}

const char *kc_text_of(const struct kconfig *k, const struct kconfig_symbol *s)
{
	if ((s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE) && !s->constant)
		return k->no->name;
	return state_of(k, s)->text;
}

static uint8_t prompts(const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_property *p;
	uint8_t worth = NO;

	for (p = s->properties; p; p = p->next)
		if (p->kind == PROP_PROMPT)
			worth = most(worth, kc_worth(k, p->condition));
	return worth;
}

static uint8_t reverse(const struct kconfig *k, const struct kc_property *p)
{
	uint8_t worth = NO;

	for (; p; p = p->next_reverse)
		worth = most(worth, least(state_of(k, p->entry->symbol)->worth,
					  kc_worth(k, p->condition)));
	return worth;
}

/* An old choice that is not optional is at least m where it can be seen. */
static uint8_t selected(const struct kconfig *k, const struct kconfig_symbol *s)
{
	if (!s->is_choice)
		return reverse(k, s->selected_by);
	return s->optional ? NO : least(prompts(k, s), MOD);
}

static void look(const struct kconfig *k, const struct kconfig_symbol *s, struct kc_state *state)
{
	bool tristate = s->type == KCONFIG_TRISTATE && kc_has_modules(k, s);

	if (s->transitional) {
		state->visible = YES;
		return;
	}
	state->visible = rounded(prompts(k, s), tristate);
	state->direct = rounded(kc_worth(k, s->depends), tristate);
	state->selected = rounded(selected(k, s), tristate);
	state->implied = rounded(reverse(k, s->implied_by), tristate);
}

/* --- symbols ------------------------------------------------------------------------------- */

/* What it is when nobody wants anything that counts. */
static uint8_t unasked(const struct kconfig *k, const struct kconfig_symbol *s,
		       struct kc_state *state)
{
	const struct kc_property *p = kc_active_property(k, s, PROP_DEFAULT);
	uint8_t worth = NO;

	if (state->selected != NO)
		state->written = true;
	if (s->is_choice)
		return NO;
	if (p)
		worth = least(kc_worth(k, p->value), kc_worth(k, p->condition));
	if (worth != NO)
		state->written = true;
	if (state->implied != NO) {
		state->written = true;
		worth = least(most(worth, state->implied), state->direct);
	}
	return worth;
}

static void compute_logical(const struct kconfig *k, const struct kconfig_symbol *s,
			    struct kc_state *state)
{
	bool tristate = s->type == KCONFIG_TRISTATE && kc_has_modules(k, s);

	if (kc_is_heard(k, s))
		state->worth = least(state->wish, state->visible);
	else
		state->worth = unasked(k, s, state);
	state->worth = rounded(most(state->worth, state->selected), tristate);
}

static long long bound(const struct kconfig *k, const struct kconfig_symbol *s, int base)
{
	if (s->type == KCONFIG_INT)
		base = 10;
	else if (s->type == KCONFIG_HEX)
		base = 16;
	return strtoll(kc_text_of(k, s), NULL, base);
}

const struct kconfig_symbol *kc_broken_bound(const struct kconfig *k,
					     const struct kconfig_symbol *s, const char *text)
{
	const struct kc_property *range;
	int base = s->type == KCONFIG_HEX ? 16 : 10;
	long long value;

	if (s->type != KCONFIG_INT && s->type != KCONFIG_HEX)
		return NULL;
	range = kc_active_property(k, s, PROP_RANGE);
	if (!range)
		return NULL;
	value = strtoll(text, NULL, base);
	if (value < bound(k, range->other, base))
		return range->other;
	return value > bound(k, range->high, base) ? range->high : NULL;
}

static const char *text_without(const struct kconfig *k, const struct kconfig_symbol *s)
{
	if (s->type == KCONFIG_STRING || !kc_numbers_default_to_zero(k))
		return "";
	return s->type == KCONFIG_HEX ? "0x0" : "0";
}

bool kc_is_heard(const struct kconfig *k, const struct kconfig_symbol *s)
{
	const struct kc_state *state = state_of(k, s);

	if (!state->has_wish || state->visible == NO)
		return false;
	/* `olddefconfig` of old trees forgets a number out of its range, all others bring it in. */
	return !kc_is_before_6_11(k) || k->rest_is_no || !state->wish_text ||
	       !kc_broken_bound(k, s, state->wish_text);
}

static void compute_text(const struct kconfig *k, const struct kconfig_symbol *s,
			 struct kc_state *state)
{
	const struct kc_property *p = kc_active_property(k, s, PROP_DEFAULT);
	const struct kconfig_symbol *broken;

	state->worth = NO;
	if (kc_is_heard(k, s)) {
		state->text = state->wish_text;
	} else if (p && p->value->kind == EXPR_SYMBOL) {
		state->written = true;
		state->text = kc_text_of(k, p->value->symbols[0]);
	} else {
		state->text = text_without(k, s);
	}
	broken = k->graph->ignore_bounds ? NULL : kc_broken_bound(k, s, state->text);
	if (broken)
		state->text = kc_text_of(k, broken);
}

static bool compute_symbol(struct kconfig *k, const struct kconfig_symbol *s)
{
	struct kc_state *state = state_of(k, s), before = *state;

	if (!s->entries || s->choice || s->type == KCONFIG_UNKNOWN)
		return false;
	look(k, s, state);
	state->written = state->visible != NO;
	if (s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE)
		compute_logical(k, s, state);
	else
		compute_text(k, s, state);
	if (s->transitional || s->is_choice)
		state->written = false;
	return state->worth != before.worth || state->text != before.text;
}

/* --- choices ------------------------------------------------------------------------------- */

static const struct kconfig_symbol *ranked(const struct kconfig *k, const struct kc_choice *c,
					   uint32_t rank)
{
	return k->symbols[k->ranks[c->first_rank + rank]];
}

static const struct kconfig_symbol *default_of(const struct kconfig *k, const struct kc_choice *c)
{
	const struct kc_property *p;
	const struct kc_member *m;

	for (p = c->symbol->properties; p; p = p->next)
		if (p->kind == PROP_DEFAULT && kc_worth(k, p->condition) != NO &&
		    state_of(k, p->other)->visible != NO)
			return p->other;
	for (m = c->members; m; m = m->next)
		if (state_of(k, m->symbol)->visible != NO)
			return m->symbol;
	return NULL;
}

static const struct kconfig_symbol *chosen(const struct kconfig *k, const struct kc_choice *c)
{
	const struct kconfig_symbol *s;
	const struct kc_member *m;
	const struct kc_state *state;
	uint32_t rank;

	for (rank = 0; rank < c->count; rank++) {
		s = ranked(k, c, rank);
		state = state_of(k, s);
		if (state->has_wish && state->wish == YES && state->visible != NO)
			return s;
		if (state->has_wish && state->wish == YES && kc_is_before_6_11(k))
			break;
	}
	s = default_of(k, c);
	if (!s || kc_is_before_6_11(k))
		return s;
	state = state_of(k, s);
	if (!state->has_wish || state->wish != NO)
		return s;
	for (m = c->members; m; m = m->next) {
		state = state_of(k, m->symbol);
		if (state->visible != NO && !state->has_wish)
			return m->symbol;
	}
	for (rank = c->count; rank > 0; rank--)
		if (state_of(k, ranked(k, c, rank - 1))->visible != NO)
			return ranked(k, c, rank - 1);
	return NULL;
}

/* Of an old choice: a member that the choice's being m, or nothing at all, leaves to itself. */
static void compute_loose_member(const struct kconfig *k, const struct kconfig_symbol *s,
				 struct kc_state *state)
{
	state->direct = state->selected = state->implied = NO;
	compute_logical(k, s, state);
}

static uint8_t member_visible(const struct kconfig *k, const struct kc_choice *c,
			      const struct kconfig_symbol *s)
{
	bool tristate = s->type == KCONFIG_TRISTATE;
	const struct kc_property *p;
	uint8_t worth = NO, one;

	for (p = s->properties; p; p = p->next) {
		if (p->kind != PROP_PROMPT)
			continue;
		one = kc_worth(k, p->condition);
		/* Old choices: what can only be m is not on offer where one must be y. */
		if (kc_is_before_6_11(k) && tristate && one == MOD &&
		    state_of(k, c->symbol)->worth == YES)
			one = NO;
		worth = most(worth, one);
	}
	return rounded(worth, tristate && kc_has_modules(k, s));
}

static void compute_choice(struct kconfig *k, const struct kc_choice *c)
{
	bool old = kc_is_before_6_11(k);
	const struct kconfig_symbol *on = NULL;
	const struct kc_member *m;
	struct kc_state *state;
	uint8_t before;

	for (m = c->members; m; m = m->next)
		state_of(k, m->symbol)->visible = member_visible(k, c, m->symbol);
	if (!old || state_of(k, c->symbol)->worth == YES)
		on = chosen(k, c);
	for (m = c->members; m; m = m->next) {
		if (m->symbol->type != KCONFIG_BOOL && m->symbol->type != KCONFIG_TRISTATE)
			continue;
		state = state_of(k, m->symbol);
		before = state->worth;
		state->written = state->visible != NO;
		if (old && state->visible != YES)
			compute_loose_member(k, m->symbol, state);
		else
			state->worth = m->symbol == on ? YES : NO;
		if (state->worth != before)
			mark_users(k, kc_node_of_symbol(k, m->symbol));
	}
}

/* --- the sweep ----------------------------------------------------------------------------- */

static void compute(struct kconfig *k, uint32_t node)
{
	struct kc_graph *g = k->graph;
	uint8_t worth;

	if (node < g->exprs) {
		worth = kc_expr_compute(k, k->exprs.all[node]);
		if (worth != k->worth[node]) {
			k->worth[node] = worth;
			mark_users(k, node);
		}
	} else if (node - g->exprs < g->symbols) {
		if (!compute_symbol(k, k->symbols[node - g->exprs]))
			return;
		mark_users(k, node);
		if (g->position[node] == g->modules)
			mark_from(g, g->modules + 1);
	} else {
		compute_choice(k, k->choice_at[node - g->exprs - g->symbols]);
	}
}

static void sweep(struct kconfig *k)
{
	struct kc_graph *g = k->graph;
	uint32_t word, words = g->count / 64 + 1, bit;

	for (word = 0; word < words; word++) {
		while (g->dirty[word]) {
			bit = (uint32_t)__builtin_ctzll(g->dirty[word]);
			g->dirty[word] &= g->dirty[word] - 1;
			compute(k, g->order[word * 64 + bit]);
		}
	}
}

static bool has_range(const struct kconfig_symbol *s)
{
	const struct kc_property *p = s->properties;

	while (p && p->kind != PROP_RANGE)
		p = p->next;
	return p;
}

static void mark_numbers_with_a_range(struct kconfig *k)
{
	size_t i;

	for (i = 0; i < k->defined_count; i++)
		if (has_range(k->defined[i]))
			kc_mark_wish(k, k->defined[i]);
}

void kconfig_solve(struct kconfig *k)
{
	struct kc_graph *g = k->graph;

	if (g->bounds_loop) {
		mark_numbers_with_a_range(k);
		g->ignore_bounds = true;
		sweep(k);
		mark_numbers_with_a_range(k);
		g->ignore_bounds = false;
	}
	sweep(k);
}
