// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is computed from what, and in which order.
 *
 * Theory of operation
 * -------------------
 * Expressions, symbols and choices are nodes; a node's inputs are the nodes that it is computed
 * from. One depth-first search puts all nodes in an order in which inputs come first, starting
 * with the symbol that enables modules: what it is computed from is worked out as if there were
 * none. Solving then is one sweep along the order, with no recursion at all, and a change only
 * touches what comes after it.
 *
 * A loop among the inputs is a mistake in the tree, with one exception: what bounds a number's
 * range is not looked at by scripts/kconfig when it searches for loops. So if there is a loop the
 * search is done again without these loose inputs, and numbers are brought into their ranges when
 * everything else is solved.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/tree.h"

enum { UNSEEN, OPEN, DONE };

#define NOWHERE UINT32_MAX

/* The inputs of node n: inputs[first[n]] up to inputs[first[n + 1]], from loose[n] on the loose. */
struct build {
	struct kconfig *k;
	struct kc_graph *g;
	uint32_t nodes;
	uint32_t *first, *loose;
	struct buf inputs;
	int failed;
	bool ignore_loose;
	uint8_t *color;
	struct step {
		uint32_t node, next;
	} * path; /* from the root of the search to where it is */
	uint32_t depth;
};

/* --- inputs -------------------------------------------------------------------------------- */

static void add(struct build *b, uint32_t input)
{
	if (b->failed == 0)
		b->failed = buf_append(&b->inputs, &input, sizeof(input), KC_ARENA_MAX);
}

static uint32_t input_count(const struct build *b)
{
	return (uint32_t)(b->inputs.used / sizeof(uint32_t));
}

static void add_expr(struct build *b, const struct kconfig_expr *e)
{
	if (e)
		add(b, e->id);
}

static void add_symbol(struct build *b, const struct kconfig_symbol *s)
{
	add(b, kc_node_of_symbol(b->k, s));
}

static void inputs_of_expr(struct build *b, const struct kconfig_expr *e)
{
	uint32_t i;

	for (i = 0; kc_expr_has_items(e) && i < e->count; i++)
		add(b, e->items[i]->id);
	for (i = 0; !kc_expr_has_items(e) && i < 2 && e->symbols[i]; i++)
		add_symbol(b, e->symbols[i]);
}

static void inputs_of_property(struct build *b, const struct kc_property *p)
{
	enum kconfig_type type = p->entry->symbol->type;

	if (p->kind == PROP_SELECT || p->kind == PROP_IMPLY)
		return;
	add_expr(b, p->condition);
	if (p->kind != PROP_DEFAULT || !p->value)
		return;
	add_expr(b, p->value);
	/* A text is taken over from a symbol whose worth may stay the same. */
	if (type != KCONFIG_BOOL && type != KCONFIG_TRISTATE && p->value->kind == EXPR_SYMBOL)
		add_symbol(b, p->value->symbols[0]);
}

static void inputs_of_reverse(struct build *b, const struct kc_property *p)
{
	for (; p; p = p->next_reverse) {
		add_symbol(b, p->entry->symbol);
		add_expr(b, p->condition);
	}
}

static void inputs_of_symbol(struct build *b, const struct kconfig_symbol *s)
{
	const struct kc_property *p;

	if (s->choice) {
		add(b, kc_node_of_choice(b->k, s->choice));
		return;
	}
	for (p = s->properties; p; p = p->next)
		if (!s->is_choice || p->kind == PROP_PROMPT)
			inputs_of_property(b, p);
	add_expr(b, s->depends);
	inputs_of_reverse(b, s->selected_by);
	inputs_of_reverse(b, s->implied_by);
}

static void loose_inputs_of_symbol(struct build *b, const struct kconfig_symbol *s)
{
	const struct kc_property *p;

	for (p = s->properties; p && !s->choice; p = p->next) {
		if (p->kind != PROP_RANGE)
			continue;
		add_symbol(b, p->other);
		add_symbol(b, p->high);
	}
}

static void inputs_of_choice(struct build *b, const struct kc_choice *c)
{
	const struct kc_property *p;
	const struct kc_member *m;

	if (kc_is_before_6_11(b->k))
		add_symbol(b, c->symbol);
	for (p = c->symbol->properties; p; p = p->next)
		add_expr(b, p->condition);
	for (m = c->members; m; m = m->next) {
		for (p = m->symbol->properties; p; p = p->next)
			inputs_of_property(b, p);
		/* Neither counts for a member, but a loop through them is a mistake too. */
		add_expr(b, m->symbol->depends);
		inputs_of_reverse(b, m->symbol->selected_by);
		inputs_of_reverse(b, m->symbol->implied_by);
	}
}

static void collect_inputs(struct build *b)
{
	struct kconfig *k = b->k;
	const struct kc_choice *c;
	uint32_t node = 0, i;

	for (i = 0; i < k->exprs.used; i++, node++) {
		b->first[node] = input_count(b);
		inputs_of_expr(b, k->exprs.all[i]);
		b->loose[node] = input_count(b);
	}
	for (i = 0; i < k->symbol_count; i++, node++) {
		b->first[node] = input_count(b);
		if (k->symbols[i]->entries)
			inputs_of_symbol(b, k->symbols[i]);
		b->loose[node] = input_count(b);
		if (k->symbols[i]->entries)
			loose_inputs_of_symbol(b, k->symbols[i]);
	}
	for (c = k->choices; c; c = c->next, node++) {
		b->first[node] = input_count(b);
		inputs_of_choice(b, c);
		b->loose[node] = input_count(b);
	}
	b->first[node] = input_count(b);
	add(b, 0); /* nobody's: so that there is an array even if there are no inputs */
}

static const uint32_t *inputs_of(const struct build *b, uint32_t node, uint32_t *count)
{
	*count = (b->ignore_loose ? b->loose[node] : b->first[node + 1]) - b->first[node];
	return (const uint32_t *)(const void *)b->inputs.data + b->first[node];
}

/* --- order --------------------------------------------------------------------------------- */

/* True if the search met a node that it is still inside of: path[depth - 1] closes the loop. */
static bool search(struct build *b, uint32_t root)
{
	const uint32_t *inputs;
	uint32_t count, input;
	struct step *top;

	if (b->color[root] != UNSEEN)
		return false;
	b->path[0] = (struct step){ root, 0 };
	b->depth = 1;
	b->color[root] = OPEN;
	while (b->depth > 0) {
		top = &b->path[b->depth - 1];
		inputs = inputs_of(b, top->node, &count);
		if (top->next == count) {
			b->color[top->node] = DONE;
			b->g->position[top->node] = b->g->count;
			b->g->order[b->g->count++] = top->node;
			b->depth--;
			continue;
		}
		input = inputs[top->next++];
		if (b->color[input] == OPEN)
			return true;
		if (b->color[input] == UNSEEN) {
			b->color[input] = OPEN;
			b->path[b->depth++] = (struct step){ input, 0 };
		}
	}
	return false;
}

static bool search_entry(struct build *b, const struct kc_entry *e)
{
	if (e->own_visible && search(b, e->own_visible->id))
		return true;
	return e->prompt && e->prompt->condition && search(b, e->prompt->condition->id);
}

static bool search_all(struct build *b)
{
	struct kconfig *k = b->k;
	const struct kc_entry *e;
	uint32_t i;

	memset(b->color, UNSEEN, b->nodes);
	memset(b->g->position, 0xff, b->nodes * sizeof(*b->g->position));
	b->g->count = 0;
	b->g->modules = NOWHERE;
	if (k->modules) {
		if (search(b, kc_node_of_symbol(k, k->modules)))
			return true;
		b->g->modules = b->g->count - 1;
	}
	for (i = k->exprs.used; i < b->nodes; i++)
		if (search(b, i))
			return true;
	for (e = &k->root; e; e = kc_entry_next(e))
		if (search_entry(b, e))
			return true;
	return false;
}

static const struct kconfig_symbol *symbol_of_node(const struct kconfig *k, uint32_t node)
{
	if (node < k->exprs.used)
		return NULL;
	node -= k->exprs.used;
	if (node < k->symbol_count)
		return k->symbols[node];
	return k->choice_at[node - k->symbol_count]->symbol;
}

/* Names the symbols of the loop that the search ended in. */
static int refuse_loop(struct build *b, struct err *err)
{
	struct step *top = &b->path[b->depth - 1];
	uint32_t count, from = 0, closing = inputs_of(b, top->node, &count)[top->next - 1];
	const struct kconfig_symbol *s, *first = NULL;
	char text[700] = "";
	size_t used = 0;

	while (b->path[from].node != closing)
		from++;
	for (; from < b->depth && used < sizeof(text) - 200; from++) {
		s = symbol_of_node(b->k, b->path[from].node);
		if (!s)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.80s (%.60s:%u)",
					 first ? " needs " : "", s->name ? s->name : "a choice",
					 s->entries->place.file, s->entries->place.line);
		first = first ? first : s;
	}
	snprintf(text + used, sizeof(text) - used, "%s", from < b->depth ? " needs …" : "");
	return kc_error(err, first->entries->place, "a loop of dependencies: %s needs %s", text,
			first->name ? first->name : "the choice");
}

/* --- users --------------------------------------------------------------------------------- */

/* The inputs, turned round: what must be computed again when a node changes. */
static int turn_round(struct build *b)
{
	struct kc_graph *g = b->g;
	uint32_t i, j, node, count, *fill;
	const uint32_t *inputs;

	g->first_user = calloc((size_t)b->nodes + 2, sizeof(*g->first_user));
	g->users = malloc((input_count(b) + 1) * sizeof(*g->users));
	if (!g->first_user || !g->users)
		return -ENOMEM;
	/* Shifted by one place, so that filling leaves each start where it belongs. */
	fill = g->first_user + 1;
	for (i = 0; i < g->count; i++) {
		inputs = inputs_of(b, g->order[i], &count);
		for (j = 0; j < count; j++)
			fill[inputs[j] + 1]++;
	}
	for (node = 0; node < b->nodes; node++)
		fill[node + 1] += fill[node];
	for (i = 0; i < g->count; i++) {
		node = g->order[i];
		inputs = inputs_of(b, node, &count);
		for (j = 0; j < count; j++)
			g->users[fill[inputs[j]]++] = node;
	}
	return 0;
}

static int prepare(struct build *b)
{
	struct kconfig *k = b->k;
	struct kc_graph *g = calloc(1, sizeof(*g));
	size_t nodes = (size_t)k->exprs.used + k->symbol_count + k->choice_count;

	if (!g || nodes >= KC_NODES_MAX) {
		free(g);
		return -ENOMEM;
	}
	k->graph = b->g = g;
	b->nodes = (uint32_t)nodes;
	g->exprs = k->exprs.used;
	g->symbols = (uint32_t)k->symbol_count;
	g->choices = k->choice_count;
	g->order = malloc((nodes + 1) * sizeof(*g->order));
	g->position = malloc((nodes + 1) * sizeof(*g->position));
	g->dirty = calloc(nodes / 64 + 1, sizeof(*g->dirty));
	b->first = malloc((nodes + 1) * sizeof(*b->first));
	b->loose = malloc((nodes + 1) * sizeof(*b->loose));
	b->color = malloc(nodes + 1);
	b->path = malloc((nodes + 1) * sizeof(*b->path));
	return g->order && g->position && g->dirty && b->first && b->loose && b->color && b->path
		       ? 0
		       : -ENOMEM;
}

int kc_graph_build(struct kconfig *k, struct err *err)
{
	struct build b = { .k = k };
	bool loop = false;
	int rc = prepare(&b);

	if (rc == 0) {
		collect_inputs(&b);
		rc = b.failed;
	}
	if (rc == 0)
		loop = search_all(&b);
	if (loop) {
		b.ignore_loose = b.g->bounds_loop = true;
		loop = search_all(&b);
	}
	if (loop)
		rc = refuse_loop(&b, err);
	else if (rc == 0)
		rc = turn_round(&b);
	if (rc < 0 && !loop)
		kc_out_of_memory(k, err);
	buf_free(&b.inputs);
	free(b.first);
	free(b.loose);
	free(b.color);
	free(b.path);
	return rc;
}

void kc_graph_free(struct kc_graph *g)
{
	if (!g)
		return;
	free(g->order);
	free(g->position);
	free(g->users);
	free(g->first_user);
	free(g->dirty);
	free(g);
}
