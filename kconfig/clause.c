// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parts of statements: tokens that must stand here, expressions, conditions.
 *
 * Theory of operation
 * -------------------
 * What is taken is at `reader->token`, and the next token is read at once. An expression's
 * parentheses and "not"s are recursions, counted together with the blocks and files that they
 * stand in; a chain of && or || is a loop and becomes one flat expression.
 */
#include <errno.h>
#include <stdio.h>

#include "kconfig/read.h"

/* --- tokens -------------------------------------------------------------------------------- */

static const char *const token_texts[] = {
	[TOKEN_END] = "the end of the file",
	[TOKEN_LINE] = "the end of the line",
	[TOKEN_OR] = "'||'",
	[TOKEN_AND] = "'&&'",
	[TOKEN_NOT] = "'!'",
	[TOKEN_EQUAL] = "'='",
	[TOKEN_UNEQUAL] = "'!='",
	[TOKEN_LESS] = "'<'",
	[TOKEN_LESS_EQUAL] = "'<='",
	[TOKEN_GREATER] = "'>'",
	[TOKEN_GREATER_EQUAL] = "'>='",
	[TOKEN_OPEN] = "'('",
	[TOKEN_CLOSE] = "')'",
	[TOKEN_ASSIGN] = "':='",
	[TOKEN_APPEND] = "'+='",
};

struct kconfig_place kc_here(const struct kc_reader *r)
{
	return (struct kconfig_place){ r->lexer->place.file, r->token.line };
}

int kc_expected(struct kc_reader *r, const char *what)
{
	char found[80];

	if (r->token.kind == TOKEN_WORD)
		snprintf(found, sizeof(found), "'%.60s'", r->token.name->text);
	else if (r->token.kind == TOKEN_QUOTED)
		snprintf(found, sizeof(found), "\"%.60s\"", r->token.name->text);
	else
		snprintf(found, sizeof(found), "%s", token_texts[r->token.kind]);
	return kc_error(r->err, kc_here(r), "expected %s, found %s", what, found);
}

int kc_no_memory(struct kc_reader *r)
{
	return kc_out_of_memory(r->k, r->err);
}

int kc_take_line_end(struct kc_reader *r)
{
	if (r->token.kind == TOKEN_END)
		return 0;
	if (r->token.kind != TOKEN_LINE)
		return kc_expected(r, "the end of the line");
	return kc_lexer_next(r);
}

int kc_take_quoted(struct kc_reader *r, const char *what, const char **text)
{
	if (r->token.kind != TOKEN_QUOTED)
		return kc_expected(r, what);
	*text = r->token.name->text;
	return kc_lexer_next(r);
}

/* A symbol; a quoted text is one too where the language allows constants. */
int kc_take_symbol(struct kc_reader *r, bool constants, struct kconfig_symbol **symbol)
{
	bool quoted = r->token.kind == TOKEN_QUOTED;

	if (!(quoted && constants) && (r->token.kind != TOKEN_WORD || r->token.keyword))
		return kc_expected(r, constants ? "a symbol or a quoted value" : "a symbol");
	*symbol = kc_symbol(r->k, r->token.name, quoted);
	return *symbol ? kc_lexer_next(r) : kc_no_memory(r);
}

int kc_enter(struct kc_reader *r)
{
	if (++r->depth <= KC_DEPTH_MAX)
		return 0;
	return kc_error(r->err, r->statement, "nested deeper than %d", KC_DEPTH_MAX);
}

/* --- expressions --------------------------------------------------------------------------- */

/* EXPR_SYMBOL: not a comparison. */
static enum kc_expr_kind comparison(enum kc_token_kind kind)
{
	static const enum kc_expr_kind kinds[] = {
		[TOKEN_EQUAL] = EXPR_EQUAL,     [TOKEN_UNEQUAL] = EXPR_UNEQUAL,
		[TOKEN_LESS] = EXPR_LESS,       [TOKEN_LESS_EQUAL] = EXPR_LESS_EQUAL,
		[TOKEN_GREATER] = EXPR_GREATER, [TOKEN_GREATER_EQUAL] = EXPR_GREATER_EQUAL,
		[TOKEN_APPEND] = EXPR_SYMBOL,
	};

	return kinds[kind];
}

static int parse_comparison(struct kc_reader *r, struct kconfig_expr **expr)
{
	struct kconfig_symbol *left, *right;
	enum kc_expr_kind kind;
	int rc = kc_take_symbol(r, true, &left);

	if (rc)
		return rc;
	kind = comparison(r->token.kind);
	if (kind == EXPR_SYMBOL) {
		*expr = kc_expr_symbol(r->k, left);
		return *expr ? 0 : kc_no_memory(r);
	}
	rc = kc_lexer_next(r);
	if (rc == 0)
		rc = kc_take_symbol(r, true, &right);
	if (rc)
		return rc;
	*expr = kc_expr_compare(r->k, kind, left, right);
	return *expr ? 0 : kc_no_memory(r);
}

/* "not" binds looser than a comparison: !A=B is !(A=B). */
static int parse_term(struct kc_reader *r, struct kconfig_expr **expr)
{
	enum kc_token_kind kind = r->token.kind;
	int rc;

	if (kind != TOKEN_NOT && kind != TOKEN_OPEN)
		return parse_comparison(r, expr);
	rc = kc_enter(r);
	if (rc == 0)
		rc = kc_lexer_next(r);
	if (rc == 0)
		rc = kind == TOKEN_NOT ? parse_term(r, expr) : kc_parse_expr(r, expr);
	r->depth--;
	if (rc)
		return rc;
	if (kind == TOKEN_NOT) {
		*expr = kc_expr_not(r->k, *expr);
		return *expr ? 0 : kc_no_memory(r);
	}
	return r->token.kind == TOKEN_CLOSE ? kc_lexer_next(r) : kc_expected(r, "')'");
}

/* Terms joined by && (or alternatives of these, joined by ||), as one flat expression. */
static int parse_joined(struct kc_reader *r, enum kc_expr_kind kind, struct kconfig_expr **expr)
{
	enum kc_token_kind joint = kind == EXPR_OR ? TOKEN_OR : TOKEN_AND;
	struct buf items = { 0 };
	int rc;

	do {
		if (items.used > 0 && (rc = kc_lexer_next(r)) < 0)
			break;
		rc = kind == EXPR_OR ? parse_joined(r, EXPR_AND, expr) : parse_term(r, expr);
		if (rc == 0 && buf_append(&items, expr, sizeof(*expr), KC_ARENA_MAX) < 0)
			rc = kc_no_memory(r);
	} while (rc == 0 && r->token.kind == joint);
	if (rc == 0 && items.used > sizeof(*expr)) {
		*expr = kc_expr_join(r->k, kind, (struct kconfig_expr **)(void *)items.data,
				     (uint32_t)(items.used / sizeof(*expr)));
		if (!*expr)
			rc = kc_no_memory(r);
	}
	buf_free(&items);
	return rc;
}

int kc_parse_expr(struct kc_reader *r, struct kconfig_expr **expr)
{
	return parse_joined(r, EXPR_OR, expr);
}

/* What may end a statement: `if` and a condition; NULL for none. */
static int parse_condition(struct kc_reader *r, struct kconfig_expr **condition)
{
	int rc;

	*condition = NULL;
	if (r->token.keyword != KW_IF)
		return 0;
	rc = kc_lexer_next(r);
	return rc ? rc : kc_parse_expr(r, condition);
}

/* The same, and the end of the line. */
int kc_parse_last_condition(struct kc_reader *r, struct kconfig_expr **condition)
{
	int rc = parse_condition(r, condition);

	return rc ? rc : kc_take_line_end(r);
}
