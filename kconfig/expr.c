// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Expressions: built once, made simple, computed, printed.
 *
 * Theory of operation
 * -------------------
 * Two expressions with the same operator and the same operands are one object, so that what many
 * options share (the dependencies of the menu they stand in) is kept and computed once. A chain of
 * && or || is one object with many operands: no recursion here is deeper than the parentheses in
 * the source.
 *
 * n, m and y count as 0, 1 and 2; && is the least, || the greatest, ! is 2 minus. A comparison
 * gives n or y. Simplifying never changes what an expression is worth; it is needed because a tree
 * may hold loops that only look like ones (`A || !A`), and because people read the result.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/tree.h"

enum { BUCKETS_FIRST = 1 << 12, CHAIN_MAX = 1024, PRINT_MAX = 1 << 20 };

/* --- one object for equal expressions ------------------------------------------------------ */

static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash ^= value + 0x9e3779b9u + (hash << 6) + (hash >> 2);
	return hash;
}

static bool same(const struct kconfig_expr *a, const struct kconfig_expr *b)
{
	if (a->hash != b->hash || a->kind != b->kind || a->count != b->count)
		return false;
	if (kc_expr_has_items(a))
		return !memcmp(a->items, b->items, a->count * sizeof(*a->items));
	return a->symbols[0] == b->symbols[0] && a->symbols[1] == b->symbols[1];
}

static int widen(struct kc_exprs *exprs)
{
	size_t room = exprs->room ? exprs->room * 2 : BUCKETS_FIRST;
	struct kconfig_expr **all, **wider, **bucket;
	uint32_t i;

	all = realloc(exprs->all, room * sizeof(*all));
	if (!all)
		return -ENOMEM;
	exprs->all = all;
	wider = calloc(room, sizeof(*wider));
	if (!wider)
		return -ENOMEM;
	for (i = 0; i < exprs->used; i++) {
		bucket = &wider[all[i]->hash & (room - 1)];
		all[i]->next = *bucket;
		*bucket = all[i];
	}
	free(exprs->buckets);
	exprs->buckets = wider;
	exprs->room = room;
	return 0;
}

/* `like` needs kind, count and operands only; items are copied if it is new. */
static struct kconfig_expr *make(struct kconfig *k, struct kconfig_expr *like)
{
	struct kconfig_expr *e, **bucket;
	uint32_t i;

	like->hash = mix((uint32_t)like->kind, like->count);
	if (kc_expr_has_items(like)) {
		for (i = 0; i < like->count; i++)
			like->hash = mix(like->hash, like->items[i]->id);
	} else {
		like->hash = mix(like->hash, like->symbols[0]->index);
		if (like->symbols[1])
			like->hash = mix(like->hash, like->symbols[1]->index);
	}
	if (k->exprs.used >= k->exprs.room && widen(&k->exprs) < 0)
		return NULL;
	bucket = &k->exprs.buckets[like->hash & (k->exprs.room - 1)];
	for (e = *bucket; e; e = e->next)
		if (same(e, like))
			return e;
	e = k->exprs.used < KC_NODES_MAX ? kc_alloc(&k->arena, sizeof(*e)) : NULL;
	if (!e)
		return NULL;
	*e = *like;
	if (kc_expr_has_items(like)) {
		e->items = kc_alloc(&k->arena, like->count * sizeof(*e->items));
		if (!e->items)
			return NULL;
		memcpy(e->items, like->items, like->count * sizeof(*e->items));
	}
	e->id = k->exprs.used++;
	k->exprs.all[e->id] = e;
	e->next = *bucket;
	*bucket = e;
	return e;
}

struct kconfig_expr *kc_expr_symbol(struct kconfig *k, struct kconfig_symbol *symbol)
{
	return make(k, &(struct kconfig_expr){ .kind = EXPR_SYMBOL, .symbols = { symbol } });
}

struct kconfig_expr *kc_expr_compare(struct kconfig *k, enum kc_expr_kind kind,
				     struct kconfig_symbol *left, struct kconfig_symbol *right)
{
	return make(k, &(struct kconfig_expr){ .kind = kind, .symbols = { left, right } });
}

struct kconfig_expr *kc_expr_not(struct kconfig *k, struct kconfig_expr *expr)
{
	return make(k, &(struct kconfig_expr){ .kind = EXPR_NOT, .count = 1, .items = &expr });
}

struct kconfig_expr *kc_expr_join(struct kconfig *k, enum kc_expr_kind kind,
				  struct kconfig_expr **items, uint32_t count)
{
	if (count == 1)
		return items[0];
	return make(k, &(struct kconfig_expr){ .kind = kind, .count = count, .items = items });
}

struct kconfig_expr *kc_expr_both(struct kconfig *k, struct kconfig_expr *a, struct kconfig_expr *b,
				  int *failed)
{
	struct kconfig_expr *pair[2] = { a, b }, *joined;

	if (!a || !b)
		return a ? a : b;
	if (a == b || kc_expr_is_symbol(a, k->no) || kc_expr_is_symbol(b, k->yes))
		return a;
	if (kc_expr_is_symbol(b, k->no) || kc_expr_is_symbol(a, k->yes))
		return b;
	joined = kc_expr_join(k, EXPR_AND, pair, 2);
	if (!joined)
		*failed = -ENOMEM;
	return joined;
}

struct kconfig_expr *kc_expr_add(struct kconfig *k, struct kconfig_expr *chain,
				 struct kconfig_expr *item, int *failed)
{
	struct kconfig_expr **items;

	if (!chain || chain->kind != EXPR_AND || chain->count >= CHAIN_MAX)
		return kc_expr_both(k, chain, item, failed);
	items = malloc((chain->count + 1) * sizeof(struct kconfig_expr *));
	if (items) {
		memcpy(items, chain->items, chain->count * sizeof(*items));
		items[chain->count] = item;
		chain = kc_expr_join(k, EXPR_AND, items, chain->count + 1);
	}
	if (!items || !chain)
		*failed = -ENOMEM;
	free(items);
	return chain;
}

void kc_exprs_free(struct kc_exprs *exprs)
{
	free(exprs->buckets);
	free(exprs->all);
	*exprs = (struct kc_exprs){ 0 };
}

/* --- simpler expressions ------------------------------------------------------------------- */

static enum kc_expr_kind opposite(enum kc_expr_kind kind)
{
	static const enum kc_expr_kind kinds[] = {
		[EXPR_AND] = EXPR_OR,
		[EXPR_OR] = EXPR_AND,
		[EXPR_EQUAL] = EXPR_UNEQUAL,
		[EXPR_UNEQUAL] = EXPR_EQUAL,
		[EXPR_LESS] = EXPR_GREATER_EQUAL,
		[EXPR_GREATER_EQUAL] = EXPR_LESS,
		[EXPR_GREATER] = EXPR_LESS_EQUAL,
		[EXPR_LESS_EQUAL] = EXPR_GREATER,
	};

	return kinds[kind];
}

/* scripts/kconfig takes "!A is n" for "A is not n", which differs where A is m. So do we. */
struct kconfig_expr *kc_expr_is_no(struct kconfig *k, struct kconfig_expr *e, bool negate)
{
	struct kconfig_expr **items, *result = NULL;
	uint32_t i;

	if (e->kind == EXPR_SYMBOL)
		return kc_expr_compare(k, negate ? EXPR_UNEQUAL : EXPR_EQUAL, e->symbols[0], k->no);
	if (e->kind == EXPR_NOT)
		return kc_expr_is_no(k, e->items[0], !negate);
	if (!kc_expr_has_items(e))
		return negate ? e : kc_expr_not(k, e);
	items = malloc(e->count * sizeof(struct kconfig_expr *));
	if (!items)
		return NULL;
	for (i = 0; i < e->count; i++)
		if (!(items[i] = kc_expr_is_no(k, e->items[i], false)))
			break;
	if (i == e->count)
		result = kc_expr_join(k, opposite(e->kind), items, e->count);
	free(items);
	return result && negate ? kc_expr_not(k, result) : result;
}

static struct kconfig_expr *simple_symbol(struct kconfig *k, struct kconfig_expr *e, bool negate)
{
	struct kconfig_symbol *s = e->symbols[0];
	struct kconfig_expr *pair[2];

	if (s == k->yes || s == k->no)
		return kc_expr_symbol(k, (s == k->yes) != negate ? k->yes : k->no);
	if (s == k->mod && !k->modules)
		return kc_expr_symbol(k, negate ? k->yes : k->no);
	if (s == k->mod) {
		pair[0] = e;
		pair[1] = kc_expr_symbol(k, k->modules);
		e = pair[1] ? kc_expr_join(k, EXPR_AND, pair, 2) : NULL;
	}
	return e && negate ? kc_expr_not(k, e) : e;
}

static struct kconfig_expr *simple_comparison(struct kconfig *k, struct kconfig_expr *e,
					      bool negate)
{
	enum kc_expr_kind kind = negate ? opposite(e->kind) : e->kind;
	struct kconfig_symbol *left = e->symbols[0], *right = e->symbols[1];
	struct kconfig_expr *plain;
	bool equal = kind == EXPR_EQUAL;

	if (left->type != KCONFIG_BOOL || (!equal && kind != EXPR_UNEQUAL) ||
	    (right != k->yes && right != k->mod && right != k->no))
		return kc_expr_compare(k, kind, left, right);
	if (right == k->mod)
		return kc_expr_symbol(k, equal ? k->no : k->yes);
	plain = kc_expr_symbol(k, left);
	return plain && equal != (right == k->yes) ? kc_expr_not(k, plain) : plain;
}

/* Is the opposite of a plain bool among what this search has seen? Then "or" is always y. */
static bool opposite_seen(const struct kconfig_expr *e, uint32_t search)
{
	const struct kconfig_expr *plain = e->kind == EXPR_NOT ? e->items[0] : e;

	if (plain->kind != EXPR_SYMBOL || plain->symbols[0]->type != KCONFIG_BOOL)
		return false;
	if (e->kind == EXPR_NOT)
		return plain->seen == search;
	return e->simple[1] && e->simple[1]->seen == search;
}

/* Joins simple items: doubles go, y and n are folded, inner chains become part of this one. */
static struct kconfig_expr *simple_join(struct kconfig *k, enum kc_expr_kind kind,
					struct kconfig_expr *const *items, uint32_t count)
{
	struct kconfig_symbol *neutral = kind == EXPR_AND ? k->yes : k->no;
	struct kconfig_symbol *decisive = kind == EXPR_AND ? k->no : k->yes;
	uint32_t search = ++k->exprs.searches, i, j;
	struct kconfig_expr *result = NULL;
	struct buf kept = { 0 };

	for (i = 0; i < count; i++) {
		bool chain = items[i]->kind == kind;
		struct kconfig_expr *const *part = chain ? items[i]->items : &items[i];

		for (j = 0; j < (chain ? items[i]->count : 1); j++) {
			if (part[j]->seen == search || kc_expr_is_symbol(part[j], neutral))
				continue;
			part[j]->seen = search;
			if (kc_expr_is_symbol(part[j], decisive) ||
			    (kind == EXPR_OR && opposite_seen(part[j], search))) {
				result = kc_expr_symbol(k, decisive);
				goto out;
			}
			if (buf_append(&kept, &part[j], sizeof(part[j]), KC_ARENA_MAX) < 0)
				goto out;
		}
	}
	if (kept.used == 0)
		result = kc_expr_symbol(k, neutral);
	else
		result = kc_expr_join(k, kind, (struct kconfig_expr **)(void *)kept.data,
				      (uint32_t)(kept.used / sizeof(*items)));
out:
	buf_free(&kept);
	return result;
}

static struct kconfig_expr *simple_chain(struct kconfig *k, struct kconfig_expr *e, bool negate)
{
	struct kconfig_expr **items = malloc(e->count * sizeof(struct kconfig_expr *));
	struct kconfig_expr *result = NULL;
	uint32_t i;

	if (!items)
		return NULL;
	for (i = 0; i < e->count; i++)
		if (!(items[i] = kc_expr_simplify(k, e->items[i], negate)))
			break;
	if (i == e->count)
		result = simple_join(k, negate ? opposite(e->kind) : e->kind, items, e->count);
	free(items);
	return result;
}

struct kconfig_expr *kc_expr_simplify(struct kconfig *k, struct kconfig_expr *e, bool negate)
{
	if (!e || e->simple[negate])
		return e ? e->simple[negate] : NULL;
	if (e->kind == EXPR_SYMBOL)
		e->simple[negate] = simple_symbol(k, e, negate);
	else if (e->kind == EXPR_NOT)
		e->simple[negate] = kc_expr_simplify(k, e->items[0], !negate);
	else if (kc_expr_has_items(e))
		e->simple[negate] = simple_chain(k, e, negate);
	else
		e->simple[negate] = simple_comparison(k, e, negate);
	return e->simple[negate];
}

/* --- what they are worth ------------------------------------------------------------------- */

struct number {
	enum { WORDS, SIGNED, UNSIGNED } kind;
	long long value;
};

static struct number number_of(const struct kconfig_symbol *s, const char *text)
{
	struct number n = { SIGNED, 0 };
	char *tail;

	if (s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE) {
		n.value = *text == 'n' ? NO : *text == 'm' ? MOD : YES;
		return n;
	}
	errno = 0;
	if (s->type == KCONFIG_HEX) {
		n.kind = UNSIGNED;
		n.value = (long long)strtoull(text, &tail, 16);
	} else {
		n.value = strtoll(text, &tail, s->type == KCONFIG_INT ? 10 : 0);
	}
	if (errno || *tail || tail == text || !isxdigit((unsigned char)tail[-1]))
		n.kind = WORDS;
	return n;
}

/* Below, at or above 0. Numbers are compared as numbers unless both are declared as strings. */
static int order_of(const struct kconfig *k, const struct kconfig_symbol *a,
		    const struct kconfig_symbol *b)
{
	const char *left = kconfig_value(k, a), *right = kconfig_value(k, b);
	struct number m = { WORDS, 0 }, n = { WORDS, 0 };

	if (a->type != KCONFIG_STRING || b->type != KCONFIG_STRING) {
		m = number_of(a, left);
		n = number_of(b, right);
	}
	if (m.kind == WORDS || n.kind == WORDS)
		return strcmp(left, right);
	if (m.kind == UNSIGNED || n.kind == UNSIGNED)
		return ((unsigned long long)m.value > (unsigned long long)n.value) -
		       ((unsigned long long)m.value < (unsigned long long)n.value);
	return (m.value > n.value) - (m.value < n.value);
}

static bool holds(const struct kconfig *k, const struct kconfig_expr *e)
{
	int order = order_of(k, e->symbols[0], e->symbols[1]);

	switch (e->kind) {
	case EXPR_EQUAL:
		return order == 0;
	case EXPR_UNEQUAL:
		return order != 0;
	case EXPR_LESS:
		return order < 0;
	case EXPR_LESS_EQUAL:
		return order <= 0;
	case EXPR_GREATER:
		return order > 0;
	default:
		return order >= 0;
	}
}

uint8_t kc_expr_compute(const struct kconfig *k, const struct kconfig_expr *e)
{
	uint8_t worth, item;
	uint32_t i;

	if (e->kind == EXPR_SYMBOL)
		return k->states[e->symbols[0]->index].worth;
	if (e->kind == EXPR_NOT)
		return (uint8_t)(YES - k->worth[e->items[0]->id]);
	if (!kc_expr_has_items(e))
		return holds(k, e) ? YES : NO;
	worth = k->worth[e->items[0]->id];
	for (i = 1; i < e->count; i++) {
		item = k->worth[e->items[i]->id];
		if (e->kind == EXPR_AND ? item < worth : item > worth)
			worth = item;
	}
	return worth;
}

int kconfig_expr_worth(const struct kconfig *k, const struct kconfig_expr *expr)
{
	return kc_worth(k, expr);
}

/* --- for people ---------------------------------------------------------------------------- */

static int put(struct buf *out, const char *text)
{
	return buf_append(out, text, strlen(text), PRINT_MAX);
}

static int print_symbol(const struct kconfig_symbol *s, struct buf *out)
{
	bool plain = !s->constant || !strcmp(s->name, "y") || !strcmp(s->name, "m") ||
		     !strcmp(s->name, "n");
	int rc;

	if (!s->name)
		return put(out, "<choice>");
	if (plain)
		return put(out, s->name);
	rc = put(out, "\"");
	rc = rc ? rc : put(out, s->name);
	return rc ? rc : put(out, "\"");
}

static int print(const struct kconfig_expr *e, enum kc_expr_kind around, struct buf *out);

/* What is joined by one operator, without doubles as far as there is room to remember them. */
struct chain {
	enum kc_expr_kind kind;
	const struct kconfig_expr *printed[64];
	uint32_t count;
};

static int print_chain(const struct kconfig_expr *e, struct chain *c, struct buf *out)
{
	const uint32_t room = sizeof(c->printed) / sizeof(c->printed[0]);
	uint32_t i, j, known;
	int rc = 0;

	for (i = 0; rc == 0 && i < e->count; i++) {
		if (e->items[i]->kind == c->kind) {
			rc = print_chain(e->items[i], c, out);
			continue;
		}
		known = c->count < room ? c->count : room;
		for (j = 0; j < known && c->printed[j] != e->items[i]; j++)
			;
		if (j < known)
			continue;
		if (known < room)
			c->printed[known] = e->items[i];
		if (c->count++ > 0)
			rc = put(out, c->kind == EXPR_AND ? " && " : " || ");
		rc = rc ? rc : print(e->items[i], c->kind, out);
	}
	return rc;
}

static int print_comparison(const struct kconfig_expr *e, struct buf *out)
{
	static const char *const operators[] = {
		[EXPR_EQUAL] = "=",       [EXPR_UNEQUAL] = "!=", [EXPR_LESS] = "<",
		[EXPR_LESS_EQUAL] = "<=", [EXPR_GREATER] = ">",  [EXPR_GREATER_EQUAL] = ">=",
	};
	int rc = print_symbol(e->symbols[0], out);

	rc = rc ? rc : put(out, operators[e->kind]);
	return rc ? rc : print_symbol(e->symbols[1], out);
}

static int print(const struct kconfig_expr *e, enum kc_expr_kind around, struct buf *out)
{
	bool enclosed = (e->kind == EXPR_OR && around == EXPR_AND) ||
			(around == EXPR_NOT && e->kind != EXPR_SYMBOL && e->kind != EXPR_NOT);
	struct chain chain = { .kind = e->kind };
	int rc = enclosed ? put(out, "(") : 0;

	if (rc)
		return rc;
	if (e->kind == EXPR_SYMBOL) {
		rc = print_symbol(e->symbols[0], out);
	} else if (e->kind == EXPR_NOT) {
		rc = put(out, "!");
		rc = rc ? rc : print(e->items[0], EXPR_NOT, out);
	} else if (kc_expr_has_items(e)) {
		rc = print_chain(e, &chain, out);
	} else {
		rc = print_comparison(e, out);
	}
	return rc == 0 && enclosed ? put(out, ")") : rc;
}

int kconfig_expr_print(const struct kconfig_expr *expr, struct buf *out)
{
	return expr ? print(expr, EXPR_OR, out) : put(out, "y");
}
