/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share.
 *
 * Theory of operation
 * -------------------
 * Four things are built one after another and never change afterwards:
 *
 *   names	every word once (arena.c); a name knows the symbol, the quoted constant, the macro
 *		variable and the keyword that it may stand for
 *   entries	the menu structure as it stands in the files (parse.c), with symbols and their
 *		properties hanging on it
 *   exprs	expressions, equal ones only once (expr.c); tree.c joins what an entry inherits to
 *		what it says itself
 *   graph	which symbol or expression is computed from which (graph.c), in an order in which
 *		everything comes after what it is computed from
 *
 * What changes is kept apart, in three arrays: `states` (one for each symbol), `worth` (one byte
 * for each expression) and `ranks` (the order of a choice's members). A snapshot copies them.
 */
#ifndef HILLOCK_KCONFIG_TREE_H
#define HILLOCK_KCONFIG_TREE_H

#include <stdint.h>

#include "kconfig/kconfig.h"

/* Bounds on strangers' trees. Linux 7.3 has 1,900 files with 7 MB, of which an architecture reads
 * most, and 19,000 options. */
enum {
	KC_FILE_MAX = 16 << 20,
	KC_FILES_MAX = 50000,
	KC_INPUT_MAX = 256 << 20,
	KC_DEPTH_MAX = 256, /* blocks, files, parentheses, each within the other */
	KC_MACRO_DEPTH_MAX = 200,
	KC_MACRO_SIZE_MAX = 1 << 20,
	KC_MACRO_WORK_MAX = 256 << 20, /* bytes that all expansions made */
	KC_NODES_MAX = 1 << 26,
	KC_SHELL_MAX = 4096, /* of what a command prints, scripts/kconfig reads no more either */
};
#define KC_ARENA_MAX ((size_t)1 << 30)

enum { NO, MOD, YES };

/* --- arena.c: memory that lives as long as the tree, and names ----------------------------- */

struct kc_arena {
	struct kc_block *blocks;
	size_t total;
};

/* Zeroed; NULL when memory ran out or the tree grew over KC_ARENA_MAX. */
void *kc_alloc(struct kc_arena *arena, size_t size);
char *kc_copy(struct kc_arena *arena, const char *text, size_t size);
void kc_arena_free(struct kc_arena *arena);

/* The bytes of a buffer that may be empty. */
static inline const char *kc_bytes(const struct buf *b)
{
	return b->used ? (const char *)buf_data(b) : "";
}

enum kc_keyword {
	KW_NONE,
	KW_BOOL,
	KW_CHOICE,
	KW_COMMENT,
	KW_CONFIG,
	KW_DEF_BOOL,
	KW_DEF_TRISTATE,
	KW_DEFAULT,
	KW_DEPENDS,
	KW_ENDCHOICE,
	KW_ENDIF,
	KW_ENDMENU,
	KW_HELP,
	KW_HEX,
	KW_IF,
	KW_IMPLY,
	KW_INT,
	KW_MAINMENU,
	KW_MENU,
	KW_MENUCONFIG,
	KW_MODULES,
	KW_ON,
	KW_OPTIONAL,
	KW_PROMPT,
	KW_RANGE,
	KW_SELECT,
	KW_SOURCE,
	KW_STRING,
	KW_TRANSITIONAL,
	KW_TRISTATE,
	KW_VISIBLE,
	KW_COUNT,
};

struct kc_name {
	struct kc_name *next; /* in its bucket */
	const char *text;
	uint32_t length, hash;
	enum kc_keyword keyword;
	struct kconfig_symbol *symbol, *constant;
	struct kc_variable *variable;
	const char *printed; /* by the command with this text, once it ran */
};

struct kc_names {
	struct kc_name **buckets;
	size_t room, used;
};

/* The one name with these bytes; NULL when memory ran out. */
struct kc_name *kc_name(struct kconfig *k, const char *text, size_t length);
struct kc_name *kc_name_known(const struct kconfig *k, const char *text, size_t length);
int kc_names_init(struct kconfig *k);
const char *kc_keyword_text(enum kc_keyword keyword);

/* --- entries, symbols, properties ---------------------------------------------------------- */

enum kc_entry_kind {
	ENTRY_ROOT,
	ENTRY_CONFIG,
	ENTRY_CHOICE,
	ENTRY_COMMENT,
	ENTRY_IF,
	ENTRY_MENU,
};

struct kc_entry {
	enum kc_entry_kind kind;
	struct kc_entry *parent, *child, *last, *next;
	struct kc_entry *next_of_symbol;
	struct kconfig_symbol *symbol; /* of ENTRY_CONFIG and ENTRY_CHOICE */
	struct kc_property *prompt;    /* the last that was given */
	struct kconfig_place place;
	const char *help;
	struct kconfig_expr *own_dep, *own_visible; /* as written */
	struct kconfig_expr *dep;     /* with all that stands around; NULL: nobody said anything */
	struct kconfig_expr *visible; /* all the `visible if` from here upwards */
};

enum kc_property_kind { PROP_PROMPT, PROP_DEFAULT, PROP_SELECT, PROP_IMPLY, PROP_RANGE };

struct kc_property {
	enum kc_property_kind kind;
	struct kc_property *next;         /* of the same symbol */
	struct kc_property *next_reverse; /* of those that select or imply the same symbol */
	struct kc_entry *entry;
	struct kconfig_place place;
	const char *text;                    /* PROP_PROMPT */
	struct kconfig_expr *value;          /* PROP_DEFAULT */
	struct kconfig_symbol *other, *high; /* PROP_SELECT, PROP_IMPLY; PROP_RANGE: from, to */
	struct kconfig_expr *own;            /* as written after `if` */
	struct kconfig_expr *condition;      /* with all that stands around */
};

struct kconfig_symbol {
	const char *name; /* NULL: a choice without a name */
	uint32_t index;   /* in k->symbols, k->states */
	enum kconfig_type type;
	bool constant;     /* quoted, or y, m, n */
	bool transitional; /* read, never written */
	bool is_choice;
	bool optional; /* of a choice: none of it need be on */
	struct kc_entry *entries, *last_entry;
	struct kc_property *properties, *last_property;
	struct kc_property *selected_by, *last_selected_by;
	struct kc_property *implied_by, *last_implied_by;
	struct kc_choice *choice;     /* whose member it is */
	struct kconfig_expr *depends; /* any of its entries' dep */
};

struct kc_choice {
	struct kc_choice *next;
	uint32_t index;
	struct kconfig_symbol *symbol;
	struct kc_entry *entry;
	struct kc_member *members, *last_member; /* in the tree's order */
	uint32_t count;
	uint32_t first_rank; /* ranks[first_rank…]: the members' symbols, the latest wish first */
};

struct kc_member {
	struct kc_member *next;
	struct kconfig_symbol *symbol;
};

/* --- expressions (expr.c) ------------------------------------------------------------------ */

enum kc_expr_kind {
	EXPR_SYMBOL,
	EXPR_NOT,
	EXPR_AND,
	EXPR_OR,
	EXPR_EQUAL,
	EXPR_UNEQUAL,
	EXPR_LESS,
	EXPR_LESS_EQUAL,
	EXPR_GREATER,
	EXPR_GREATER_EQUAL,
};

struct kconfig_expr {
	struct kconfig_expr *next;      /* in its bucket */
	struct kconfig_expr *simple[2]; /* this, and its negation, made simpler; once known */
	uint32_t id, hash, count;
	uint32_t seen; /* by the search with this number */
	enum kc_expr_kind kind;
	union {
		struct kconfig_symbol *symbols[2]; /* EXPR_SYMBOL: one; comparisons: two */
		struct kconfig_expr **items;       /* EXPR_NOT: one; EXPR_AND, EXPR_OR: `count` */
	};
};

struct kc_exprs {
	struct kconfig_expr **buckets;
	struct kconfig_expr **all; /* by id */
	size_t room;               /* of both */
	uint32_t used, searches;
};

/* These give NULL when memory ran out. */
struct kconfig_expr *kc_expr_symbol(struct kconfig *k, struct kconfig_symbol *symbol);
struct kconfig_expr *kc_expr_compare(struct kconfig *k, enum kc_expr_kind kind,
				     struct kconfig_symbol *left, struct kconfig_symbol *right);
struct kconfig_expr *kc_expr_not(struct kconfig *k, struct kconfig_expr *expr);
struct kconfig_expr *kc_expr_join(struct kconfig *k, enum kc_expr_kind kind,
				  struct kconfig_expr **items, uint32_t count);

/*
 * Joins two by "and". NULL means that nothing was said, which is not the same as y: the result is
 * NULL only if both are. *failed becomes -ENOMEM when memory ran out.
 */
struct kconfig_expr *kc_expr_both(struct kconfig *k, struct kconfig_expr *a, struct kconfig_expr *b,
				  int *failed);

/* The same for a chain that grows line by line: it stays one chain, however long. */
struct kconfig_expr *kc_expr_add(struct kconfig *k, struct kconfig_expr *chain,
				 struct kconfig_expr *item, int *failed);

/* What scripts/kconfig compares when it asks whether `expr` is n (or is not, with `negate`). */
struct kconfig_expr *kc_expr_is_no(struct kconfig *k, struct kconfig_expr *expr, bool negate);

/*
 * The same condition with y and n folded away, "not" pushed down to single terms, and m only
 * where there are modules. Types must be known.
 */
struct kconfig_expr *kc_expr_simplify(struct kconfig *k, struct kconfig_expr *expr, bool negate);

/* Computes one from its parts, which must be up to date. */
uint8_t kc_expr_compute(const struct kconfig *k, const struct kconfig_expr *expr);

static inline bool kc_expr_has_items(const struct kconfig_expr *expr)
{
	return expr->kind == EXPR_NOT || expr->kind == EXPR_AND || expr->kind == EXPR_OR;
}

void kc_exprs_free(struct kc_exprs *exprs);

static inline bool kc_expr_is_symbol(const struct kconfig_expr *expr,
				     const struct kconfig_symbol *symbol)
{
	return expr && expr->kind == EXPR_SYMBOL && expr->symbols[0] == symbol;
}

/* --- symbols (symbol.c) -------------------------------------------------------------------- */

struct kconfig_symbol *kc_symbol(struct kconfig *k, struct kc_name *name, bool constant);
struct kconfig_symbol *kc_symbol_unnamed(struct kconfig *k);
struct kc_property *kc_property_add(struct kconfig *k, struct kc_entry *entry,
				    enum kc_property_kind kind, struct kconfig_place place);
struct kc_choice *kc_choice_add(struct kconfig *k, struct kc_entry *entry);
int kc_choice_add_member(struct kconfig *k, struct kc_choice *choice,
			 struct kconfig_symbol *symbol);

/* Is the text a value of that type? (Of strings, any is.) */
bool kc_value_fits(enum kconfig_type type, const char *text);

/* --- the tree ------------------------------------------------------------------------------ */

/* What changes from solution to solution. Texts are names' texts: never freed, compared by
 * pointer. */
struct kc_state {
	const char *wish_text;
	const char *text;
	uint8_t has_wish, wish;
	uint8_t worth;   /* as tristate */
	uint8_t visible; /* how far the user may turn it up */
	uint8_t direct, selected, implied;
	uint8_t written;
};

struct kconfig {
	struct kc_arena arena;
	struct kc_names names;
	struct kc_exprs exprs;
	unsigned int version;

	struct kconfig_symbol **symbols;
	size_t symbol_count, symbol_room;
	struct kconfig_symbol *yes, *mod, *no, *modules;
	struct kconfig_symbol **defined; /* in the order of their first entry */
	size_t defined_count;
	struct kc_entry root;
	struct kc_choice *choices, *last_choice;
	struct kc_choice **choice_at; /* by index */
	uint32_t choice_count, member_count;

	struct kc_state *states;
	uint8_t *worth;
	uint32_t *ranks;
	bool rest_is_no; /* kconfig_set_rest_no() was called */
	struct kc_graph *graph;
	void (*note)(void *context, const char *text);
	void *note_context;
};

/* What a choice means, and what becomes of a number out of its range, changed with 6.11; what a
 * number without a default is, with 6.8. */
static inline bool kc_is_before_6_11(const struct kconfig *k)
{
	return k->version < KCONFIG_VERSION(6, 11);
}

static inline bool kc_numbers_default_to_zero(const struct kconfig *k)
{
	return k->version >= KCONFIG_VERSION(6, 8);
}

void kc_note(const struct kconfig *k, struct kconfig_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int kc_error(struct err *err, struct kconfig_place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int kc_out_of_memory(const struct kconfig *k, struct err *err);

/* tree.c: hands dependencies down, checks what can only be checked at the end. */
int kc_tree_finish(struct kconfig *k, struct err *err);

/* The entry after `e` in the order of the files. */
struct kc_entry *kc_entry_next(const struct kc_entry *e);

/* --- the graph (graph.c) ------------------------------------------------------------------- */

/* A node is an expression, a symbol, or a choice: numbered in this order. */
struct kc_graph {
	uint32_t exprs, symbols, choices; /* how many of each */
	uint32_t count;                   /* nodes in `order` */
	uint32_t *order, *position;
	uint32_t *users, *first_user; /* those computed from node n: users[first_user[n]…] */
	uint32_t modules; /* position of the symbol that enables m; up to it there are no modules */
	uint64_t *dirty;  /* by position */
	bool bounds_loop; /* the order does not heed what bounds a range… */
	bool ignore_bounds; /* …so a first sweep does not bring numbers into it */
};

int kc_graph_build(struct kconfig *k, struct err *err);
void kc_graph_free(struct kc_graph *graph);

static inline uint32_t kc_node_of_symbol(const struct kconfig *k, const struct kconfig_symbol *s)
{
	return k->graph->exprs + s->index;
}

static inline uint32_t kc_node_of_choice(const struct kconfig *k, const struct kc_choice *c)
{
	return k->graph->exprs + k->graph->symbols + c->index;
}

/* --- solving (solve.c) --------------------------------------------------------------------- */

/* What the next kconfig_solve() must look at again. */
void kc_mark_all(struct kconfig *k);
void kc_mark_wish(struct kconfig *k, const struct kconfig_symbol *symbol);

static inline uint8_t kc_worth(const struct kconfig *k, const struct kconfig_expr *expr)
{
	return expr ? k->worth[expr->id] : YES;
}

/* The first property of a kind whose condition holds. */
struct kc_property *kc_active_property(const struct kconfig *k, const struct kconfig_symbol *s,
				       enum kc_property_kind kind);

/* Its text where another symbol takes it over, or is bound by it: a bool's is always "n". */
const char *kc_text_of(const struct kconfig *k, const struct kconfig_symbol *s);

/* The end of its range that a number would break, or NULL. */
const struct kconfig_symbol *kc_broken_bound(const struct kconfig *k,
					     const struct kconfig_symbol *s, const char *text);

/* Does the user want something of a symbol (not of a choice's member) that counts? */
bool kc_is_heard(const struct kconfig *k, const struct kconfig_symbol *s);

bool kc_has_modules(const struct kconfig *k, const struct kconfig_symbol *s);

#endif
