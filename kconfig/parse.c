// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Statements: tokens to entries.
 *
 * Theory of operation
 * -------------------
 * Recursive descent; `reader->token` is the token that was read and not yet taken. A block (menu,
 * if, choice, a sourced file) is one recursion, and how deep they go is bounded. The first mistake
 * ends the reading: what follows one is mostly nonsense. A block must end in the file that it
 * began in.
 *
 * The language is the newest one's, and what older trees may say besides: `optional`, a type and
 * a name of a choice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kconfig/read.h"

static int parse_statements(struct kc_reader *r, enum kc_keyword end);

/* --- entries ------------------------------------------------------------------------------- */

static int add_entry(struct kc_reader *r, enum kc_entry_kind kind, struct kconfig_symbol *symbol)
{
	struct kc_entry *e = kc_alloc(&r->k->arena, sizeof(*e));

	if (!e)
		return kc_no_memory(r);
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
	int rc = kc_enter(r);

	r->parent = r->entry;
	if (rc == 0)
		rc = parse_statements(r, end);
	r->parent = outer;
	r->depth--;
	if (rc == 0)
		rc = kc_lexer_next(r);
	return rc ? rc : kc_take_line_end(r);
}

static int parse_config(struct kc_reader *r)
{
	struct kconfig_symbol *symbol;
	int rc = kc_take_symbol(r, false, &symbol);

	if (rc == 0)
		rc = kc_take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, ENTRY_CONFIG, symbol);
	if (rc)
		return rc;
	rc = kc_parse_options(r, OF_CONFIG);
	if (rc)
		return rc;
	if (r->choice && kc_choice_add_member(r->k, r->choice, symbol) < 0)
		return kc_no_memory(r);
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
		return kc_no_memory(r);
	if (r->token.kind == TOKEN_WORD && !r->token.keyword) {
		symbol->name = r->token.name->text;
		rc = kc_lexer_next(r);
	}
	if (rc == 0)
		rc = kc_take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, ENTRY_CHOICE, symbol);
	if (rc)
		return rc;
	choice = kc_choice_add(r->k, r->entry);
	if (!choice)
		return kc_no_memory(r);
	rc = kc_parse_options(r, OF_CHOICE);
	if (rc)
		return rc;
	if (!r->entry->prompt && !kc_is_before_6_11(r->k))
		return kc_error(r->err, r->entry->place,
				"expected a prompt for this choice, found none");
	r->choice = choice;
	rc = parse_block(r, KW_ENDCHOICE);
	r->choice = NULL;
	return rc;
}

static int parse_if(struct kc_reader *r)
{
	struct kconfig_expr *condition;
	int rc = kc_parse_expr(r, &condition);

	if (rc == 0)
		rc = kc_take_line_end(r);
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
	int rc = kc_take_quoted(r, "a quoted title", &text);

	if (rc == 0)
		rc = kc_take_line_end(r);
	if (rc == 0)
		rc = add_entry(r, kind, NULL);
	return rc ? rc : kc_add_prompt(r, text, NULL);
}

static int parse_menu(struct kc_reader *r)
{
	int rc = parse_titled(r, ENTRY_MENU);

	if (rc == 0)
		rc = kc_parse_options(r, OF_MENU);
	return rc ? rc : parse_block(r, KW_ENDMENU);
}

static int parse_comment(struct kc_reader *r)
{
	int rc = parse_titled(r, ENTRY_COMMENT);

	return rc ? rc : kc_parse_options(r, OF_COMMENT);
}

static int parse_mainmenu(struct kc_reader *r)
{
	const char *text = NULL;
	int rc = kc_take_quoted(r, "a quoted title", &text);

	if (rc == 0)
		rc = kc_take_line_end(r);
	if (rc)
		return rc;
	r->entry = &r->k->root;
	return kc_add_prompt(r, text, NULL);
}

static int parse_assignment(struct kc_reader *r)
{
	struct kc_name *name = r->token.name;
	struct kconfig_place place = kc_here(r);
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
	return rc ? rc : kc_take_line_end(r);
}

/* --- files --------------------------------------------------------------------------------- */

/* Only ordinary files: a tree must not be able to make its reader wait on a pipe. */
static int read_below(int directory, const char *name, char **data, size_t *size, struct err *err)
{
	cleanup_close int fd =
		openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
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
						  "sources '%s', which is being read: it led here",
						  name);
	return 0;
}

static int parse_source(struct kc_reader *r)
{
	const char *name = NULL;
	int rc = kc_take_quoted(r, "a quoted file name", &name);

	if (rc)
		return rc;
	if (r->token.kind != TOKEN_LINE && r->token.kind != TOKEN_END)
		return kc_expected(r, "the end of the line");
	rc = refuse_loop(r, name);
	if (rc == 0)
		rc = kc_enter(r);
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
	return kc_expected(r, what);
}

static const struct {
	int (*parse)(struct kc_reader *r);
	bool in_choice;
} statements[KW_COUNT] = {
	[KW_CHOICE] = { parse_choice, false },         [KW_COMMENT] = { parse_comment, true },
	[KW_CONFIG] = { parse_config, true },          [KW_IF] = { parse_if, true },
	[KW_MAINMENU] = { parse_mainmenu, false },     [KW_MENU] = { parse_menu, false },
	[KW_MENUCONFIG] = { parse_menuconfig, false }, [KW_SOURCE] = { parse_source, false },
};

static int parse_statement(struct kc_reader *r, enum kc_keyword end)
{
	enum kc_keyword keyword = r->token.keyword;
	int rc;

	r->statement = kc_here(r);
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
		return kc_no_memory(r);
	r->parent = &r->k->root;
	r->k->root.place = (struct kconfig_place){ name->text, 1 };
	return parse_file(r, name->text);
}
