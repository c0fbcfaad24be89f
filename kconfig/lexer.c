// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kconfig text to tokens.
 *
 * Theory of operation
 * -------------------
 * A line is a statement, unless a backslash stands before its end. Words, quoted texts and
 * operators are told apart by their first byte; a word or quoted text may hold macro references,
 * which are expanded here, so that the parser never sees them. What an expansion gives is not
 * read again: it cannot become a keyword, an operator, or two words; if it gives nothing there is
 * no token. A byte that means nothing is noted and skipped, as scripts/kconfig does.
 *
 * Two kinds of text are not made of tokens: the value of a macro assignment runs to the end of
 * its line, and a help text to the first line that is indented less than its first.
 */
#include <errno.h>
#include <string.h>

#include "kconfig/read.h"

static int put(struct kc_reader *r, struct buf *b, const void *bytes, size_t size)
{
	int rc = buf_append(b, bytes, size, KC_FILE_MAX);

	if (rc == -ENOBUFS)
		return kc_error(r->err, r->lexer->place, "a text is longer than %d bytes",
				KC_FILE_MAX);
	return rc ? kc_no_memory(r) : 0;
}

static const char *line_end(const struct kc_lexer *x)
{
	const char *end = memchr(x->at, '\n', (size_t)(x->end - x->at));

	return end ? end : x->end;
}

/* The text becomes the token's; an empty word is no token. */
static int take_text(struct kc_reader *r, enum kc_token_kind kind, const void *text, size_t size)
{
	r->token.name = kc_name(r->k, text, size);
	if (!r->token.name)
		return kc_no_memory(r);
	r->token.kind = kind;
	return 1;
}

static int lex_word(struct kc_reader *r)
{
	struct kc_lexer *x = r->lexer;
	const char *start = x->at;
	struct buf text = { 0 };
	int rc;

	while (x->at < x->end && kc_is_word(*x->at))
		x->at++;
	if (x->at == x->end || *x->at != '$') {
		rc = take_text(r, TOKEN_WORD, start, (size_t)(x->at - start));
		if (rc > 0)
			r->token.keyword = r->token.name->keyword;
		return rc;
	}
	x->at = start;
	rc = kc_macro_word(r, &x->at, line_end(x), &text);
	if (rc == 0 && text.used > 0)
		rc = take_text(r, TOKEN_WORD, kc_bytes(&text), text.used);
	buf_free(&text);
	return rc;
}

static int lex_quoted(struct kc_reader *r)
{
	struct kc_lexer *x = r->lexer;
	struct buf text = { 0 };
	char quote = *x->at++;
	int rc = 0;

	while (rc == 0 && x->at < x->end && *x->at != quote && *x->at != '\n') {
		if (*x->at == '$') {
			rc = kc_macro_reference(r, &x->at, line_end(x), &text);
			continue;
		}
		if (*x->at == '\\' && (++x->at == x->end || *x->at == '\n'))
			break;
		if (*x->at)
			rc = put(r, &text, x->at, 1);
		x->at++;
	}
	if (rc == 0) {
		if (x->at < x->end && *x->at == quote)
			x->at++;
		else
			kc_note(r->k, x->place, "a quoted text does not end on its line");
		rc = take_text(r, TOKEN_QUOTED, kc_bytes(&text), text.used);
	}
	buf_free(&text);
	return rc;
}

/* An operator at x->at, or TOKEN_END for none. */
static enum kc_token_kind lex_operator(struct kc_lexer *x)
{
	static const struct {
		char text[3];
		enum kc_token_kind kind;
	} operators[] = {
		{ "||", TOKEN_OR },
		{ "&&", TOKEN_AND },
		{ "!=", TOKEN_UNEQUAL },
		{ "<=", TOKEN_LESS_EQUAL },
		{ ">=", TOKEN_GREATER_EQUAL },
		{ ":=", TOKEN_ASSIGN },
		{ "+=", TOKEN_APPEND },
		{ "=", TOKEN_EQUAL },
		{ "<", TOKEN_LESS },
		{ ">", TOKEN_GREATER },
		{ "!", TOKEN_NOT },
		{ "(", TOKEN_OPEN },
		{ ")", TOKEN_CLOSE },
	};
	size_t i, length;

	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		length = strlen(operators[i].text);
		if ((size_t)(x->end - x->at) >= length &&
		    !memcmp(x->at, operators[i].text, length)) {
			x->at += length;
			return operators[i].kind;
		}
	}
	return TOKEN_END;
}

/* Blanks, comments and ends of lines that end nothing. True if there is something left. */
static bool skip_blank(struct kc_lexer *x)
{
	while (x->at < x->end) {
		if (*x->at == ' ' || *x->at == '\t') {
			x->at++;
		} else if (*x->at == '#') {
			x->at = line_end(x);
		} else if (*x->at == '\\' && x->end - x->at > 1 && x->at[1] == '\n') {
			x->at += 2;
			x->place.line++;
		} else {
			return true;
		}
	}
	return false;
}

int kc_lexer_next(struct kc_reader *r)
{
	struct kc_lexer *x = r->lexer;
	int rc = 0;

	r->token = (struct kc_token){ TOKEN_END };
	while (skip_blank(x)) {
		r->token.line = x->place.line;
		if (*x->at == '\n') {
			x->at++;
			x->place.line++;
			r->token.kind = TOKEN_LINE;
			return 0;
		}
		if (kc_is_word(*x->at) || *x->at == '$')
			rc = lex_word(r);
		else if (*x->at == '"' || *x->at == '\'')
			rc = lex_quoted(r);
		else if ((r->token.kind = lex_operator(x)) != TOKEN_END)
			return 0;
		else
			kc_note(r->k, x->place, "byte 0x%02x means nothing here",
				(unsigned char)*x->at++);
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	r->token.line = x->place.line;
	return 0;
}

int kc_lexer_rest(struct kc_reader *r, struct buf *line)
{
	struct kc_lexer *x = r->lexer;
	const char *end = line_end(x);
	int rc;

	while (x->at < end && (*x->at == ' ' || *x->at == '\t'))
		x->at++;
	rc = put(r, line, x->at, (size_t)(end - x->at));
	x->at = end;
	return rc;
}

/* How far blanks at the start of a line indent it, and how many bytes they are. */
static unsigned int indentation(const char *at, const char *end, size_t *bytes)
{
	unsigned int columns = 0;
	const char *start = at;

	for (; at < end && (*at == ' ' || *at == '\t'); at++)
		columns = *at == '\t' ? (columns & ~7u) + 8 : columns + 1;
	*bytes = (size_t)(at - start);
	return columns;
}

static int help_line(struct kc_reader *r, const char *at, const char *end, unsigned int indent,
		     struct buf *text)
{
	int rc = 0;

	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	while (rc == 0 && indent-- > 0)
		rc = put(r, text, " ", 1);
	return rc ? rc : put(r, text, at, (size_t)(end - at));
}

/*
 * Starts behind the end of the `help` line. A line without indentation ends the text, but not if
 * it is the first; blank lines belong to it.
 */
int kc_lexer_help(struct kc_reader *r, const char **help)
{
	struct kc_lexer *x = r->lexer;
	unsigned int first = 0, columns;
	struct buf text = { 0 };
	const char *end;
	size_t blanks;
	int rc = 0;

	while (rc == 0 && x->at < x->end) {
		end = line_end(x);
		columns = indentation(x->at, end, &blanks);
		if (x->at + blanks < end) {
			if (columns < first) {
				x->at += blanks;
				break;
			}
			if (!first)
				first = columns;
			rc = help_line(r, x->at + blanks, end, columns - first, &text);
		}
		x->at = end;
		if (rc || end == x->end)
			break;
		x->at++;
		x->place.line++;
		if (x->at < x->end && *x->at != ' ' && *x->at != '\t' && *x->at != '\n')
			break;
		rc = put(r, &text, "\n", 1);
	}
	if (rc == 0) {
		while (text.used > 0 && buf_data(&text)[text.used - 1] == '\n')
			text.used--;
		*help = kc_copy(&r->k->arena, kc_bytes(&text), text.used);
		if (!*help)
			rc = kc_no_memory(r);
	}
	buf_free(&text);
	return rc;
}
