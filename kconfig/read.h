/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lexer, macros and parser share while the files of a tree are being read. */
#ifndef HILLOCK_KCONFIG_READ_H
#define HILLOCK_KCONFIG_READ_H

#include "kconfig/tree.h"

enum kc_token_kind {
	TOKEN_END,  /* of the file */
	TOKEN_LINE, /* end of a line */
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_OR,
	TOKEN_AND,
	TOKEN_NOT,
	TOKEN_EQUAL,
	TOKEN_UNEQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_ASSIGN, /* := */
	TOKEN_APPEND, /* += */
};

struct kc_token {
	enum kc_token_kind kind;
	enum kc_keyword keyword; /* a word that was written out, not made by a macro */
	struct kc_name *name;    /* of words and quoted texts */
	unsigned int line;
};

/* One file being read. */
struct kc_lexer {
	struct kc_lexer *outer; /* the file that sources it */
	const char *at, *end;
	struct kconfig_place place; /* of the byte at `at` */
};

struct kc_reader {
	struct kconfig *k;
	const struct kconfig_source *source;
	struct err *err;
	struct kc_lexer *lexer;
	struct kc_token token; /* the next one, not yet taken */
	struct kconfig_place statement;
	struct kc_entry *parent, *entry;
	struct kc_choice *choice;
	unsigned int depth, macro_depth;
	size_t macro_work, files, input;
};

/* lexer.c. All give 0 or -errno, with reader->err set. */
int kc_lexer_next(struct kc_reader *reader);
int kc_lexer_rest(struct kc_reader *reader, struct buf *line); /* raw, to the end of the line */
int kc_lexer_help(struct kc_reader *reader, const char **text);
static inline bool kc_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/*
 * macro.c. Both append to `out` what stands at *at once it is expanded, and put *at behind it:
 * a reference (at the `$`), and a word with references in it. Neither reads behind `end`.
 */
int kc_macro_reference(struct kc_reader *reader, const char **at, const char *end, struct buf *out);
int kc_macro_word(struct kc_reader *reader, const char **at, const char *end, struct buf *out);
int kc_macro_assign(struct kc_reader *reader, struct kc_name *name, enum kc_token_kind how,
		    const char *text, size_t size);

/*
 * clause.c. All give 0 or -errno. A clause is taken, and the token behind it is the reader's.
 */
struct kconfig_place kc_here(const struct kc_reader *reader); /* of the token */
int kc_expected(struct kc_reader *reader, const char *what);
int kc_no_memory(struct kc_reader *reader);
int kc_take_line_end(struct kc_reader *reader);
int kc_take_quoted(struct kc_reader *reader, const char *what, const char **text);
int kc_take_symbol(struct kc_reader *reader, bool constants, struct kconfig_symbol **symbol);
int kc_parse_expr(struct kc_reader *reader, struct kconfig_expr **expr);
/* `if` and an expression, or nothing (NULL); then the end of the line. */
int kc_parse_last_condition(struct kc_reader *reader, struct kconfig_expr **condition);
/* One level deeper; whoever calls it counts reader->depth down again, in any case. */
int kc_enter(struct kc_reader *reader);

/* option.c. What may be said of which entries: the lines behind an entry, up to the first that is
 * about something else. */
enum { OF_CONFIG = 1, OF_CHOICE = 2, OF_MENU = 4, OF_COMMENT = 8, OF_ALL = 15 };
int kc_parse_options(struct kc_reader *reader, unsigned int of);
int kc_add_prompt(struct kc_reader *reader, const char *text, struct kconfig_expr *condition);

/* parse.c */
int kc_read_files(struct kc_reader *reader);

#endif
