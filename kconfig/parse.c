// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The grammar: tokens to entries.
 *
 * Theory of operation
 * -------------------
 * Recursive descent; `reader->token` is the token that was read and not yet taken. A block (menu,
 * if, choice, a sourced file) is one recursion, an expression's parenthesis another, and all of
 * them together are bounded. The first mistake ends the reading: what follows one is mostly
 * nonsense. A block must end in the file that it began in.
 *
 * The language is the newest one's, and what older trees may say besides: `optional`, a type and
 * a name of a choice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kconfig/read.h"

static int parse_statements(struct kc_reader *r, enum kc_keyword end);
static int parse_expr(struct kc_reader *r, struct kconfig_expr **expr);

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

static struct kconfig_place here(const struct kc_reader *r)
{
	return (struct kconfig_place){ r->lexer->place.file, r->token.line };
}

static int expected(struct kc_reader *r, const char *what)
{
	char found[80];

	if (r->token.kind == TOKEN_WORD)
		snprintf(found, sizeof(found), "'%.60s'", r->token.name->text);
	else if (r->token.kind == TOKEN_QUOTED)
		snprintf(found, sizeof(found), "\"%.60s\"", r->token.name->text);
	else
		snprintf(found, sizeof(found), "%s", token_texts[r->token.kind]);
	return kc_error(r->err, here(r), "expected %s, found %s", what, found);
}

static int no_memory(struct kc_reader *r)
{
	return kc_out_of_memory(r->k, r->err);
}

static int take_line_end(struct kc_reader *r)
{
	if (r->token.kind == TOKEN_END)
		return 0;
	if (r->token.kind != TOKEN_LINE)
		return expected(r, "the end of the line");
	return kc_lexer_next(r);
}

static int take_quoted(struct kc_reader *r, const char *what, const char **text)
{
	if (r->token.kind != TOKEN_QUOTED)
		return expected(r, what);
	*text = r->token.name->text;
	return kc_lexer_next(r);
}

/* A symbol; a quoted text is one too where the language allows constants. */
static int take_symbol(struct kc_reader *r, bool constants, struct kconfig_symbol **symbol)
{
	bool quoted = r->token.kind == TOKEN_QUOTED;

	if (!(quoted && constants) && (r->token.kind != TOKEN_WORD || r->token.keyword))
		return expected(r, constants ? "a symbol or a quoted value" : "a symbol");
	*symbol = kc_symbol(r->k, r->token.name, quoted);
	return *symbol ? kc_lexer_next(r) : no_memory(r);
}

static int enter(struct kc_reader *r)
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
		[TOKEN_EQUAL] = EXPR_EQUAL,	    [TOKEN_UNEQUAL] = EXPR_UNEQUAL,
		[TOKEN_LESS] = EXPR_LESS,	    [TOKEN_LESS_EQUAL] = EXPR_LESS_EQUAL,
		[TOKEN_GREATER] = EXPR_GREATER,	    [TOKEN_GREATER_EQUAL] = EXPR_GREATER_EQUAL,
		[TOKEN_APPEND] = EXPR_SYMBOL,
	};

	return kinds[kind];
}

static int parse_comparison(struct kc_reader *r, struct kconfig_expr **expr)
{
	struct kconfig_symbol *left, *right;
	enum kc_expr_kind kind;
	int rc = take_symbol(r, true, &left);

	if (rc)
		return rc;
	kind = comparison(r->token.kind);
	if (kind == EXPR_SYMBOL) {
		*expr = kc_expr_symbol(r->k, left);
		return *expr ? 0 : no_memory(r);
	}
	rc = kc_lexer_next(r);
	if (rc == 0)
		rc = take_symbol(r, true, &right);
	if (rc)
		return rc;
	*expr = kc_expr_compare(r->k, kind, left, right);
	return *expr ? 0 : no_memory(r);
}

/* "not" binds looser than a comparison: !A=B is !(A=B). */
static int parse_term(struct kc_reader *r, struct kconfig_expr **expr)
{
	enum kc_token_kind kind = r->token.kind;
	int rc;

	if (kind != TOKEN_NOT && kind != TOKEN_OPEN)
		return parse_comparison(r, expr);
	rc = enter(r);
	if (rc == 0)
		rc = kc_lexer_next(r);
	if (rc == 0)
		rc = kind == TOKEN_NOT ? parse_term(r, expr) : parse_expr(r, expr);
	r->depth--;
	if (rc)
		return rc;
	if (kind == TOKEN_NOT) {
		*expr = kc_expr_not(r->k, *expr);
		return *expr ? 0 : no_memory(r);
	}
	return r->token.kind == TOKEN_CLOSE ? kc_lexer_next(r) : expected(r, "')'");
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
			rc = no_memory(r);
	} while (rc == 0 && r->token.kind == joint);
	if (rc == 0 && items.used > sizeof(*expr)) {
		*expr = kc_expr_join(r->k, kind, (struct kconfig_expr **)(void *)items.data,
				     (uint32_t)(items.used / sizeof(*expr)));
		if (!*expr)
			rc = no_memory(r);
	}
	buf_free(&items);
	return rc;
}

static int parse_expr(struct kc_reader *r, struct kconfig_expr **expr)
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
	return rc ? rc : parse_expr(r, condition);
}

/* The same, and the end of the line. */
static int parse_last_condition(struct kc_reader *r, struct kconfig_expr **condition)
{
	int rc = parse_condition(r, condition);

	return rc ? rc : take_line_end(r);
}

/* --- what an entry says of itself ---------------------------------------------------------- */

static int add_property(struct kc_reader *r, enum kc_property_kind kind, struct kc_property **p)
{
	*p = kc_property_add(r->k, r->entry, kind, r->statement);
	return *p ? 0 : no_memory(r);
}

static int add_prompt(struct kc_reader *r, const char *text, struct kconfig_expr *condition)
{
	struct kc_property *p;
	int rc = add_property(r, PROP_PROMPT, &p);

	if (rc)
		return rc;
	p->text = text + strspn(text, " \t\n\v\f\r");
	p->own = condition;
	if (r->entry->prompt)
		kc_note(r->k, r->statement, "a second prompt for one entry");
	r->entry->prompt = p;
	return 0;
}

static void set_type(struct kc_reader *r, enum kconfig_type type)
{
	struct kconfig_symbol *s = r->entry->symbol;

	if (s->type == KCONFIG_UNKNOWN)
		s->type = type;
	else if (s->type != type)
		kc_note(r->k, r->statement, "'%s' is a %s already; that it is a %s is passed over",
			s->name ? s->name : "the choice", kconfig_type_name(s->type),
			kconfig_type_name(type));
}

static enum kconfig_type type_of(enum kc_keyword keyword)
{
	static const enum kconfig_type types[KW_COUNT] = {
		[KW_BOOL] = KCONFIG_BOOL,	  [KW_DEF_BOOL] = KCONFIG_BOOL,
		[KW_TRISTATE] = KCONFIG_TRISTATE, [KW_DEF_TRISTATE] = KCONFIG_TRISTATE,
		[KW_INT] = KCONFIG_INT,		  [KW_HEX] = KCONFIG_HEX,
		[KW_STRING] = KCONFIG_STRING,
	};

	return types[keyword];
}

/* prompt "TEXT" [if EXPR], also behind a type. */
static int parse_prompt(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *condition;
	const char *text = NULL;
	int rc = take_quoted(r, "a quoted prompt", &text);

	if (rc == 0)
		rc = parse_last_condition(r, &condition);
	return rc ? rc : add_prompt(r, text, condition);
}

static int parse_type(struct kc_reader *r, enum kc_keyword keyword)
{
	set_type(r, type_of(keyword));
	if (r->token.kind == TOKEN_LINE || r->token.kind == TOKEN_END)
		return take_line_end(r);
	return parse_prompt(r, keyword);
}

/* What is said about another symbol: select, imply, and which one a choice starts with. */
static int parse_about(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *condition;
	struct kconfig_symbol *other;
	struct kc_property *p;
	int rc = take_symbol(r, false, &other);

	if (rc == 0)
		rc = parse_last_condition(r, &condition);
	if (rc == 0)
		rc = add_property(r,
				  keyword == KW_SELECT	? PROP_SELECT
				  : keyword == KW_IMPLY ? PROP_IMPLY
							: PROP_DEFAULT,
				  &p);
	if (rc)
		return rc;
	p->other = other;
	p->own = condition;
	return 0;
}

static int parse_default(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *value, *condition;
	struct kc_property *p;
	int rc;

	if (r->entry->kind == ENTRY_CHOICE)
		return parse_about(r, keyword);
	rc = parse_expr(r, &value);
	if (rc == 0)
		rc = parse_last_condition(r, &condition);
	if (rc == 0)
		rc = add_property(r, PROP_DEFAULT, &p);
	if (rc)
		return rc;
	p->value = value;
	p->own = condition;
	if (keyword != KW_DEFAULT)
		set_type(r, type_of(keyword));
	return 0;
}

static int parse_range(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_symbol *from, *to;
	struct kconfig_expr *condition;
	struct kc_property *p;
	int rc = take_symbol(r, true, &from);

	if (rc == 0)
		rc = take_symbol(r, true, &to);
	if (rc == 0)
		rc = parse_last_condition(r, &condition);
	if (rc == 0)
		rc = add_property(r, PROP_RANGE, &p);
	if (rc)
		return rc;
	p->other = from;
	p->high = to;
	p->own = condition;
	return 0;
}

/* depends on EXPR [if EXPR]: where the condition is n, the dependency does not count. */
static int parse_depends(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *dep, *condition, *either[2];
	int rc;

	if (r->token.keyword != KW_ON)
		return expected(r, "'on'");
	rc = kc_lexer_next(r);
	if (rc == 0)
		rc = parse_expr(r, &dep);
	if (rc == 0)
		rc = parse_last_condition(r, &condition);
	if (rc)
		return rc;
	if (condition) {
		either[0] = dep;
		either[1] = kc_expr_is_no(r->k, condition, false);
		if (!either[1] || !(dep = kc_expr_join(r->k, EXPR_OR, either, 2)))
			return no_memory(r);
	}
	r->entry->own_dep = kc_expr_add(r->k, r->entry->own_dep, dep, &rc);
	return rc ? no_memory(r) : 0;
}

static int parse_visible(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *condition;
	int rc;

	if (r->token.keyword != KW_IF)
		return expected(r, "'if'");
	rc = parse_last_condition(r, &condition);
	if (rc)
		return rc;
	r->entry->own_visible = kc_expr_add(r->k, r->entry->own_visible, condition, &rc);
	return rc ? no_memory(r) : 0;
}

/* The token is the end of the `help` line: the text starts behind it. */
static int parse_help(struct kc_reader *r, enum kc_keyword keyword)
{
	const char *text;
	int rc;

	if (r->token.kind == TOKEN_END)
		return 0;
	if (r->token.kind != TOKEN_LINE)
		return expected(r, "the end of the line");
	rc = kc_lexer_help(r, &text);
	if (rc)
		return rc;
	if (r->entry->help)
		kc_note(r->k, r->statement, "a second help text for one entry");
	if (!text[strspn(text, " \t\n\v\f\r")])
		kc_note(r->k, r->statement, "an empty help text");
	r->entry->help = text;
	return kc_lexer_next(r);
}

static int parse_modules(struct kc_reader *r, enum kc_keyword keyword)
{
	if (r->k->modules && r->k->modules != r->entry->symbol)
		return kc_error(r->err, r->statement, "'%s' was declared to be the modules symbol already",
				r->k->modules->name);
	r->k->modules = r->entry->symbol;
	return take_line_end(r);
}

static int parse_flag(struct kc_reader *r, enum kc_keyword keyword)
{
	if (keyword == KW_OPTIONAL)
		r->entry->symbol->optional = true;
	else
		r->entry->symbol->transitional = true;
	return take_line_end(r);
}

/* What may be said, and of what. */
enum { OF_CONFIG = 1, OF_CHOICE = 2, OF_MENU = 4, OF_COMMENT = 8, OF_ALL = 15 };

static const struct option {
	unsigned int of;
	int (*parse)(struct kc_reader *r, enum kc_keyword keyword);
} options[KW_COUNT] = {
	[KW_BOOL] = { OF_CONFIG | OF_CHOICE, parse_type },
	[KW_TRISTATE] = { OF_CONFIG | OF_CHOICE, parse_type },
	[KW_INT] = { OF_CONFIG, parse_type },
	[KW_HEX] = { OF_CONFIG, parse_type },
	[KW_STRING] = { OF_CONFIG, parse_type },
	[KW_DEFAULT] = { OF_CONFIG | OF_CHOICE, parse_default },
	[KW_DEF_BOOL] = { OF_CONFIG, parse_default },
	[KW_DEF_TRISTATE] = { OF_CONFIG, parse_default },
	[KW_DEPENDS] = { OF_ALL, parse_depends },
	[KW_HELP] = { OF_CONFIG | OF_CHOICE, parse_help },
	[KW_IMPLY] = { OF_CONFIG, parse_about },
	[KW_MODULES] = { OF_CONFIG, parse_modules },
	[KW_OPTIONAL] = { OF_CHOICE, parse_flag },
	[KW_PROMPT] = { OF_CONFIG | OF_CHOICE, parse_prompt },
	[KW_RANGE] = { OF_CONFIG, parse_range },
	[KW_SELECT] = { OF_CONFIG, parse_about },
	[KW_TRANSITIONAL] = { OF_CONFIG, parse_flag },
	[KW_VISIBLE] = { OF_MENU, parse_visible },
};

/* The lines that belong to r->entry, up to the first that does not. */
static int parse_options(struct kc_reader *r, unsigned int of)
{
	enum kc_keyword keyword;
	int rc = 0;

	while (rc == 0) {
		if (r->token.kind == TOKEN_LINE) {
			rc = kc_lexer_next(r);
			continue;
		}
		keyword = r->token.keyword;
		if (!(options[keyword].of & of))
			return 0;
		r->statement = here(r);
		rc = kc_lexer_next(r);
		if (rc == 0)
			rc = options[keyword].parse(r, keyword);
	}
	return rc;
}

/* --- entries ------------------------------------------------------------------------------- */

static int add_entry(struct kc_reader *r, enum kc_entry_kind kind, struct kconfig_symbol *symbol)
{
	struct kc_entry *e = kc_alloc(&r->k->arena, sizeof(*e));

	if (!e)
		return no_memory(r);
	e->kind = kind;
	e->parent = r->parent;
	e->place = r->statement;
	e->symbol = symbol;
	if (r->parent->last)
		r->parent->last->next = e;
	else
		r->parent->child = e;
	r->parent->last = e;
	if (symbol) {
		if (symbol->last_entry)
			symbol->last_entry->next_of_symbol = e;
		else
			symbol->entries = e;
		symbol->last_entry = e;
	}
	r->entry = e;
	return 0;
}

/* The statements of a block whose entry is r->entry, and the word that ends it. */
static int parse_block(struct kc_reader *r, enum kc_keyword end)
{
	struct kc_entry *outer = r->parent;
	int rc = enter(r);

	r->parent = r->entry;
	if (rc == 0)
		rc = parse_statements(r, end);
	r->parent = outer;
	r->depth--;
	if (rc == 0)
		rc = kc_lexer_next(r);
	return rc ? rc : take_line_end(r);
}

static int parse_config(struct kc_reader *r)
{
	struct kconfig_symbol *symbol;
	int rc = take_symbol(r, false, &symbol);

	if (rc == 0)
		rc = take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, ENTRY_CONFIG, symbol);
	if (rc)
		return rc;
	rc = parse_options(r, OF_CONFIG);
	if (rc)
		return rc;
	if (r->choice && kc_choice_add_member(r->k, r->choice, symbol) < 0)
		return no_memory(r);
	return 0;
}

static int parse_menuconfig(struct kc_reader *r)
{
	int rc = parse_config(r);

	if (rc == 0 && !r->entry->prompt)
		kc_note(r->k, r->entry->place, "a menuconfig without a prompt");
	return rc;
}

static int parse_choice(struct kc_reader *r)
{
	struct kconfig_symbol *symbol = kc_symbol_unnamed(r->k);
	struct kc_choice *choice;
	int rc = 0;

	if (!symbol)
		return no_memory(r);
	if (r->token.kind == TOKEN_WORD && !r->token.keyword) {
		symbol->name = r->token.name->text;
		rc = kc_lexer_next(r);
	}
	if (rc == 0)
		rc = take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, ENTRY_CHOICE, symbol);
	if (rc)
		return rc;
	choice = kc_choice_add(r->k, r->entry);
	if (!choice)
		return no_memory(r);
	rc = parse_options(r, OF_CHOICE);
	if (rc)
		return rc;
	if (!r->entry->prompt && !kc_is_before_6_11(r->k))
		return kc_error(r->err, r->entry->place, "expected a prompt for this choice, found none");
	r->choice = choice;
	rc = parse_block(r, KW_ENDCHOICE);
	r->choice = NULL;
	return rc;
}

static int parse_if(struct kc_reader *r)
{
	struct kconfig_expr *condition;
	int rc = parse_expr(r, &condition);

	if (rc == 0)
		rc = take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, ENTRY_IF, NULL);
	if (rc)
		return rc;
	r->entry->own_dep = condition;
	return parse_block(r, KW_ENDIF);
}

static int parse_titled(struct kc_reader *r, enum kc_entry_kind kind)
{
	const char *text = NULL;
	int rc = take_quoted(r, "a quoted title", &text);

	if (rc == 0)
		rc = take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, kind, NULL);
	return rc ? rc : add_prompt(r, text, NULL);
}

static int parse_menu(struct kc_reader *r)
{
	int rc = parse_titled(r, ENTRY_MENU);

	if (rc == 0)
		rc = parse_options(r, OF_MENU);
	return rc ? rc : parse_block(r, KW_ENDMENU);
}

static int parse_comment(struct kc_reader *r)
{
	int rc = parse_titled(r, ENTRY_COMMENT);

	return rc ? rc : parse_options(r, OF_COMMENT);
}

static int parse_mainmenu(struct kc_reader *r)
{
	const char *text = NULL;
	int rc = take_quoted(r, "a quoted title", &text);

	if (rc == 0)
		rc = take_line_end(r);
	if (rc)
		return rc;
	r->entry = &r->k->root;
	return add_prompt(r, text, NULL);
}

static int parse_assignment(struct kc_reader *r)
{
	struct kc_name *name = r->token.name;
	struct kconfig_place place = here(r);
	enum kc_token_kind how;
	struct buf text = { 0 };
	int rc = kc_lexer_next(r);

	if (rc)
		return rc;
	how = r->token.kind;
	if (how != TOKEN_EQUAL && how != TOKEN_ASSIGN && how != TOKEN_APPEND)
		return kc_error(r->err, place, "expected a statement, found '%.60s'", name->text);
	rc = kc_lexer_rest(r, &text);
	if (rc == 0)
		rc = kc_macro_assign(r, name, how, kc_bytes(&text), text.used);
	buf_free(&text);
	if (rc == 0)
		rc = kc_lexer_next(r);
	return rc ? rc : take_line_end(r);
}

/* --- files --------------------------------------------------------------------------------- */

/* Only ordinary files: a tree must not be able to make its reader wait on a pipe. */
static int read_below(int directory, const char *name, char **data, size_t *size, struct err *err)
{
	cleanup_close int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s: not an ordinary file", name);
	if (st.st_size > KC_FILE_MAX)
		return err_set(err, E2BIG, "%s: longer than %d bytes", name, KC_FILE_MAX);
	*data = malloc((size_t)st.st_size + 1);
	if (!*data)
		return err_sys(err, ENOMEM, "%s", name);
	n = fd_read_full(fd, *data, (size_t)st.st_size);
	if (n < 0) {
		free(steal(data));
		return err_sys(err, (int)-n, "%s", name);
	}
	*size = (size_t)n;
	return 0;
}

static int read_source(struct kc_reader *r, const char *name, char **data, size_t *size)
{
	const struct kconfig_source *s = r->source;
	int rc;

	if (++r->files > KC_FILES_MAX)
		return err_set(r->err, E2BIG, "more than %d files", KC_FILES_MAX);
	rc = s->read ? s->read(s->context, name, data, size, r->err)
		     : read_below(s->directory, name, data, size, r->err);
	if (rc < 0)
		return rc;
	if (*size > KC_INPUT_MAX - r->input) {
		free(steal(data));
		return err_set(r->err, E2BIG, "the tree is longer than %d bytes", KC_INPUT_MAX);
	}
	r->input += *size;
	return 0;
}

static int parse_file(struct kc_reader *r, const char *name)
{
	struct kc_lexer lexer = { .outer = r->lexer };
	cleanup_free char *data = NULL;
	size_t size = 0;
	int rc = read_source(r, name, &data, &size);

	if (rc < 0 && lexer.outer)
		err_context(r->err, "%s:%u", r->statement.file, r->statement.line);
	if (rc < 0)
		return rc;
	lexer.at = data;
	lexer.end = data + size;
	lexer.place = (struct kconfig_place){ name, 1 };
	r->lexer = &lexer;
	rc = kc_lexer_next(r);
	if (rc == 0)
		rc = parse_statements(r, KW_NONE);
	r->lexer = lexer.outer;
	return rc;
}

static int refuse_loop(struct kc_reader *r, const char *name)
{
	const struct kc_lexer *x;

	for (x = r->lexer; x; x = x->outer)
		if (!strcmp(x->place.file, name))
			return x == r->lexer
				       ? kc_error(r->err, r->statement, "the file sources itself")
				       : kc_error(r->err, r->statement,
						  "sources '%s', which is being read: it led here", name);
	return 0;
}

static int parse_source(struct kc_reader *r)
{
	const char *name = NULL;
	int rc = take_quoted(r, "a quoted file name", &name);

	if (rc)
		return rc;
	if (r->token.kind != TOKEN_LINE && r->token.kind != TOKEN_END)
		return expected(r, "the end of the line");
	rc = refuse_loop(r, name);
	if (rc == 0)
		rc = enter(r);
	if (rc == 0)
		rc = parse_file(r, name);
	r->depth--;
	return rc ? rc : kc_lexer_next(r);
}

/* --- statements ---------------------------------------------------------------------------- */

static int bad_statement(struct kc_reader *r, enum kc_keyword end)
{
	char what[120] = "a statement";

	if (end != KW_NONE)
		snprintf(what, sizeof(what), "%s'%s' (for what began at line %u)",
			 r->token.kind == TOKEN_END ? "" : "a statement or ", kc_keyword_text(end),
			 r->parent->place.line);
	return expected(r, what);
}

static const struct {
	int (*parse)(struct kc_reader *r);
	bool in_choice;
} statements[KW_COUNT] = {
	[KW_CHOICE] = { parse_choice, false }, [KW_COMMENT] = { parse_comment, true },
	[KW_CONFIG] = { parse_config, true },  [KW_IF] = { parse_if, true },
	[KW_MAINMENU] = { parse_mainmenu, false }, [KW_MENU] = { parse_menu, false },
	[KW_MENUCONFIG] = { parse_menuconfig, false }, [KW_SOURCE] = { parse_source, false },
};

static int parse_statement(struct kc_reader *r, enum kc_keyword end)
{
	enum kc_keyword keyword = r->token.keyword;
	int rc;

	r->statement = here(r);
	if (r->token.kind == TOKEN_WORD && !keyword && !r->choice)
		return parse_assignment(r);
	if (!statements[keyword].parse || (r->choice && !statements[keyword].in_choice))
		return bad_statement(r, end);
	rc = kc_lexer_next(r);
	return rc ? rc : statements[keyword].parse(r);
}

/* Up to the word that ends the block, which is left; KW_NONE: to the end of the file. */
static int parse_statements(struct kc_reader *r, enum kc_keyword end)
{
	int rc = 0;

	while (rc == 0) {
		if (r->token.kind == TOKEN_LINE) {
			rc = kc_lexer_next(r);
			continue;
		}
		if (r->token.kind == TOKEN_END)
			return end == KW_NONE ? 0 : bad_statement(r, end);
		if (end != KW_NONE && r->token.keyword == end)
			return 0;
		rc = parse_statement(r, end);
	}
	return rc;
}

int kc_read_files(struct kc_reader *r)
{
	struct kc_name *name;
	const char *file = r->source->file ? r->source->file : "Kconfig";

	name = kc_name(r->k, file, strlen(file));
	if (!name)
		return no_memory(r);
	r->parent = &r->k->root;
	r->k->root.place = (struct kconfig_place){ name->text, 1 };
	return parse_file(r, name->text);
}
