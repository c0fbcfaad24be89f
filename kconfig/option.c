// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an entry says of itself.
 *
 * Theory of operation
 * -------------------
 * Behind `config`, `choice`, `menu` and `comment` stand lines that begin with a word from the
 * table below; each has a function that takes the rest of its line and adds to `reader->entry`.
 * The first line that begins otherwise is the next statement.
 */
#include <errno.h>
#include <string.h>

#include "kconfig/read.h"

static int add_property(struct kc_reader *r, enum kc_property_kind kind, struct kc_property **p)
{
	*p = kc_property_add(r->k, r->entry, kind, r->statement);
	return *p ? 0 : kc_no_memory(r);
}

int kc_add_prompt(struct kc_reader *r, const char *text, struct kconfig_expr *condition)
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
		[KW_BOOL] = KCONFIG_BOOL,         [KW_DEF_BOOL] = KCONFIG_BOOL,
		[KW_TRISTATE] = KCONFIG_TRISTATE, [KW_DEF_TRISTATE] = KCONFIG_TRISTATE,
		[KW_INT] = KCONFIG_INT,           [KW_HEX] = KCONFIG_HEX,
		[KW_STRING] = KCONFIG_STRING,
	};

	return types[keyword];
}

/* prompt "TEXT" [if EXPR], also behind a type. */
static int parse_prompt(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *condition;
	const char *text = NULL;
	int rc = kc_take_quoted(r, "a quoted prompt", &text);

	if (rc == 0)
		rc = kc_parse_last_condition(r, &condition);
	return rc ? rc : kc_add_prompt(r, text, condition);
}

static int parse_type(struct kc_reader *r, enum kc_keyword keyword)
{
	set_type(r, type_of(keyword));
	if (r->token.kind == TOKEN_LINE || r->token.kind == TOKEN_END)
		return kc_take_line_end(r);
	return parse_prompt(r, keyword);
}

/* What is said about another symbol: select, imply, and which one a choice starts with. */
static int parse_about(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *condition;
	struct kconfig_symbol *other;
	struct kc_property *p;
	int rc = kc_take_symbol(r, false, &other);

	if (rc == 0)
		rc = kc_parse_last_condition(r, &condition);
	if (rc == 0)
		rc = add_property(r,
				  keyword == KW_SELECT  ? PROP_SELECT
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
	rc = kc_parse_expr(r, &value);
	if (rc == 0)
		rc = kc_parse_last_condition(r, &condition);
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
	int rc = kc_take_symbol(r, true, &from);

	if (rc == 0)
		rc = kc_take_symbol(r, true, &to);
	if (rc == 0)
		rc = kc_parse_last_condition(r, &condition);
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
		return kc_expected(r, "'on'");
	rc = kc_lexer_next(r);
	if (rc == 0)
		rc = kc_parse_expr(r, &dep);
	if (rc == 0)
		rc = kc_parse_last_condition(r, &condition);
	if (rc)
		return rc;
	if (condition) {
		either[0] = dep;
		either[1] = kc_expr_is_no(r->k, condition, false);
		if (!either[1] || !(dep = kc_expr_join(r->k, EXPR_OR, either, 2)))
			return kc_no_memory(r);
	}
	r->entry->own_dep = kc_expr_add(r->k, r->entry->own_dep, dep, &rc);
	return rc ? kc_no_memory(r) : 0;
}

static int parse_visible(struct kc_reader *r, enum kc_keyword keyword)
{
	struct kconfig_expr *condition;
	int rc;

	if (r->token.keyword != KW_IF)
		return kc_expected(r, "'if'");
	rc = kc_parse_last_condition(r, &condition);
	if (rc)
		return rc;
	r->entry->own_visible = kc_expr_add(r->k, r->entry->own_visible, condition, &rc);
	return rc ? kc_no_memory(r) : 0;
}

/* The token is the end of the `help` line: the text starts behind it. */
static int parse_help(struct kc_reader *r, enum kc_keyword keyword)
{
	const char *text;
	int rc;

	if (r->token.kind == TOKEN_END)
		return 0;
	if (r->token.kind != TOKEN_LINE)
		return kc_expected(r, "the end of the line");
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
		return kc_error(r->err, r->statement,
				"'%s' was declared to be the modules symbol already",
				r->k->modules->name);
	r->k->modules = r->entry->symbol;
	return kc_take_line_end(r);
}

static int parse_flag(struct kc_reader *r, enum kc_keyword keyword)
{
	if (keyword == KW_OPTIONAL)
		r->entry->symbol->optional = true;
	else
		r->entry->symbol->transitional = true;
	return kc_take_line_end(r);
}

/* What may be said, and of what. */
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
int kc_parse_options(struct kc_reader *r, unsigned int of)
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
		r->statement = kc_here(r);
		rc = kc_lexer_next(r);
		if (rc == 0)
			rc = options[keyword].parse(r, keyword);
	}
	return rc;
}
