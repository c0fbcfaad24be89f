/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Kconfig language: trees, configurations, and why an option is what it is.
 *
 * Theory of operation
 * -------------------
 * kconfig_load() reads a tree of Kconfig files into a `struct kconfig`: everything that was read
 * lives in one arena and goes with kconfig_free(). Beside the tree stand what the user wants
 * (kconfig_read(), kconfig_set(): as lines of a .config say it) and the solution: a value for
 * every symbol. kconfig_solve() brings the solution up to date; after a single change it looks
 * only at what the change reaches.
 *
 * The specification is Documentation/kbuild/kconfig-language.rst and kconfig-macro-language.rst
 * in Linux's source; where they are silent, what the tree's own scripts/kconfig/conf does counts:
 * a solution is what `conf --olddefconfig` would write. docs/KCONFIG.md says how that is checked.
 *
 * A tree is a stranger's text: errors name FILE:LINE and what was expected, and depth, size and
 * include loops are bounded. Commands in it ($(shell,…)) run only through the caller's callback.
 *
 * Nothing here is safe for two threads on one `struct kconfig`; two trees share nothing.
 */
#ifndef HILLOCK_KCONFIG_KCONFIG_H
#define HILLOCK_KCONFIG_KCONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct kconfig;
struct kconfig_symbol;
struct kconfig_expr;

enum kconfig_type {
	KCONFIG_UNKNOWN, /* referred to but never defined, or defined without a type */
	KCONFIG_BOOL,
	KCONFIG_TRISTATE,
	KCONFIG_INT,
	KCONFIG_HEX,
	KCONFIG_STRING,
};

struct kconfig_place {
	const char *file; /* as `source` named it */
	unsigned int line;
};

/* --- reading a tree ------------------------------------------------------------------------ */

/*
 * What decides how a tree is solved changed between releases of Linux; a version is
 * KCONFIG_VERSION(6, 12). A tree that is not Linux's is best read as the newest.
 */
#define KCONFIG_VERSION(major, minor) ((unsigned int)(major) << 16 | (unsigned int)(minor))
#define KCONFIG_NEWEST KCONFIG_VERSION(0x7fff, 0)

struct kconfig_source {
	int directory;    /* what file names are relative to; AT_FDCWD will do */
	const char *file; /* the first file; NULL: "Kconfig" */
	/* "NAME=VALUE", …, NULL: what $(NAME) finds when the tree did not set it. May be NULL. */
	const char *const *variables;
	unsigned int version; /* 0: KCONFIG_NEWEST */
	/*
	 * Gives what a command prints, as far as it fits, NUL-terminated; the tree's rules for
	 * line ends are applied by the caller. NULL: a tree with $(shell,…) is refused.
	 */
	int (*shell)(void *context, const char *command, char *output, size_t size,
		     struct err *err);
	/* Gives a file's bytes in memory to be freed. NULL: files below `directory`. */
	int (*read)(void *context, const char *name, char **data, size_t *size, struct err *err);
	/* Hears what is odd but no error ("FILE:LINE: …"), and $(info,…). May be NULL. */
	void (*note)(void *context, const char *text);
	void *context;
};

/* Reads a tree. -EINVAL for a tree that breaks the language's rules, -E2BIG over a bound. */
int kconfig_load(const struct kconfig_source *source, struct kconfig **tree, struct err *err);
void kconfig_free(struct kconfig *k);

/* Linux's own tree, with the variables that its Makefile would set. */
struct kconfig_linux {
	const char *source;  /* the directory of Linux's source */
	const char *arch;    /* as make's ARCH=: "um", "x86", …; NULL: this machine's */
	const char *subarch; /* for um; NULL: this machine's */
	const char *cache;   /* a file that keeps what commands said; NULL: none is kept */
	void (*note)(void *context, const char *text);
	void *context;
};

/*
 * CC, LD, HOSTCC, RUSTC, … are taken from the environment, as the kernel's own build does. What a
 * command printed is taken from the cache while the tools, the scripts that it names and the
 * variables are the same; a cache that cannot be read or written is no error.
 */
int kconfig_linux_load(const struct kconfig_linux *linux_tree, struct kconfig **tree,
		       struct err *err);

/* --- what the user wants ------------------------------------------------------------------- */

/* Forgets everything that was wanted. */
void kconfig_clear(struct kconfig *k);

/*
 * Takes the lines of a .config (or of a fragment) into account, over what was wanted before.
 * Lines that mean nothing in this tree are told to `note`, if given, and passed over; `name` is
 * what they are called there.
 */
int kconfig_read(struct kconfig *k, const char *name, const char *text, size_t size,
		 void (*note)(void *context, const char *text), void *context, struct err *err);
int kconfig_read_file(struct kconfig *k, int directory, const char *name,
		      void (*note)(void *context, const char *text), void *context,
		      struct err *err);

/* Wants one value ("y", "m", "n", a number, a string without quotes). -EINVAL: not of its type. */
int kconfig_set(struct kconfig *k, struct kconfig_symbol *symbol, const char *value,
		struct err *err);
void kconfig_unset(struct kconfig *k, struct kconfig_symbol *symbol);

/* Answers every question that is still open with no, as `make allnoconfig` does. */
void kconfig_set_rest_no(struct kconfig *k);

/* --- the solution -------------------------------------------------------------------------- */

void kconfig_solve(struct kconfig *k);

/* Appends the solution as a .config, in the tree's order and form. */
int kconfig_write(struct kconfig *k, struct buf *out, struct err *err);

/* By name, with or without "CONFIG_"; NULL when the tree does not define it. */
struct kconfig_symbol *kconfig_find(const struct kconfig *k, const char *name);

/* The defined symbols in the order in which the tree first defines them. */
size_t kconfig_count(const struct kconfig *k);
struct kconfig_symbol *kconfig_at(const struct kconfig *k, size_t index);

const char *kconfig_name(const struct kconfig_symbol *symbol);
enum kconfig_type kconfig_type(const struct kconfig_symbol *symbol);
const char *kconfig_type_name(enum kconfig_type type);

/* "n", "m", "y", or the text: kept until kconfig_free(), though the next solution may differ. */
const char *kconfig_value(const struct kconfig *k, const struct kconfig_symbol *symbol);

/* What the user wants, or NULL. */
const char *kconfig_wanted(const struct kconfig *k, const struct kconfig_symbol *symbol);

/* Does it stand in the .config? (What nobody can see and nothing turns on does not.) */
bool kconfig_written(const struct kconfig *k, const struct kconfig_symbol *symbol);

/* --- comparing solutions ------------------------------------------------------------------- */

/* What is wanted and what was solved, to come back to. Solve first. To be freed with free(). */
struct kconfig_snapshot *kconfig_snapshot(const struct kconfig *k);
void kconfig_restore(struct kconfig *k, const struct kconfig_snapshot *snapshot);

struct kconfig_change {
	struct kconfig_symbol *symbol;
	const char *before, *after; /* NULL: not in the .config */
};

/* Tells `each` every symbol whose line differs now from the snapshot's; returns how many. */
size_t kconfig_compare(const struct kconfig *k, const struct kconfig_snapshot *snapshot,
		       void (*each)(void *context, const struct kconfig_change *change),
		       void *context);

/*
 * What would change, were `symbol` set to `value`: told to `each` as above, after which
 * everything is as it was. Returns how many, or -errno.
 */
int kconfig_consequences(struct kconfig *k, struct kconfig_symbol *symbol, const char *value,
			 void (*each)(void *context, const struct kconfig_change *change),
			 void *context, struct err *err);

/* --- why, and what it needs ---------------------------------------------------------------- */

enum kconfig_cause {
	KCONFIG_WANTED,   /* the user's value */
	KCONFIG_SELECTED, /* `by` selects it */
	KCONFIG_UNMET,    /* selected, though what it depends on does not hold */
	KCONFIG_IMPLIED,  /* `by` implies it, and nobody objects */
	KCONFIG_DEFAULT,  /* a default of its own */
	KCONFIG_CHOSEN,   /* the one of its choice that is on, as its default or the first */
	KCONFIG_PASSED,   /* its choice took `by` instead */
	KCONFIG_LIMITED,  /* the value before was outside its range */
	KCONFIG_HIDDEN,   /* nobody is asked: what its prompt depends on is off */
	KCONFIG_NOTHING,  /* nothing speaks for it */
};

struct kconfig_reason {
	enum kconfig_cause cause;
	struct kconfig_place place;           /* the statement; no file for what has none */
	const struct kconfig_symbol *by;      /* or NULL */
	const struct kconfig_expr *condition; /* under which it holds; NULL: always */
};

/*
 * Why a symbol has its value: the reason that decided first, then the others that would have
 * led to it or that kept a wish from being heard. Returns how many there are; at most `max` are
 * filled in.
 */
size_t kconfig_why(const struct kconfig *k, const struct kconfig_symbol *symbol,
		   struct kconfig_reason *reasons, size_t max);

/* A statement about a symbol in the tree. */
enum kconfig_statement_kind {
	KCONFIG_STATE_DEFINED, /* one for each `config`; text: its help */
	KCONFIG_STATE_PROMPT,
	KCONFIG_STATE_DEFAULT,
	KCONFIG_STATE_SELECT, /* it selects `other` */
	KCONFIG_STATE_IMPLY,
	KCONFIG_STATE_RANGE,       /* from `other` to `high` */
	KCONFIG_STATE_SELECTED_BY, /* `other` selects it */
	KCONFIG_STATE_IMPLIED_BY,
};

struct kconfig_statement {
	enum kconfig_statement_kind kind;
	struct kconfig_place place;
	const char *text; /* the prompt, or the help; or NULL */
	const struct kconfig_symbol *other, *high;
	const struct kconfig_expr *value;     /* of a default */
	const struct kconfig_expr *condition; /* under which it counts */
};

/* Tells `each` everything that the tree says of a symbol. */
void kconfig_statements(const struct kconfig *k, const struct kconfig_symbol *symbol,
			void (*each)(void *context, const struct kconfig_statement *statement),
			void *context);

/*
 * What must hold for a symbol: the parts of its dependency that are joined by "and", told to
 * `each` one by one with what they are worth now (0 n, 1 m, 2 y), without doubles.
 */
void kconfig_needs(const struct kconfig *k, const struct kconfig_symbol *symbol,
		   void (*each)(void *context, const struct kconfig_expr *part, int worth),
		   void *context);

/* If the expression is one symbol, or one symbol compared with y, m or not n: that symbol. */
struct kconfig_symbol *kconfig_expr_symbol(const struct kconfig_expr *expr);

/* What it is worth in the present solution: 0 n, 1 m, 2 y. NULL is worth y. */
int kconfig_expr_worth(const struct kconfig *k, const struct kconfig_expr *expr);

/* Appends it as the tree would have it written. 0, or -errno. */
int kconfig_expr_print(const struct kconfig_expr *expr, struct buf *out);

#endif
