// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The macro language.
 *
 * Theory of operation
 * -------------------
 * A reference is `$(name)` or `$(name,argument,…)`; parentheses inside it must pair, and only
 * commas outside of inner parentheses separate. Name and arguments are expanded first; then the
 * name is looked for among the tree's variables, the built-in functions, and the caller's
 * variables; an unknown one is empty. A variable made with `:=` holds its text as it is; one made
 * with `=` is expanded anew at each use, with $(1), $(2), … standing for the arguments.
 *
 * A hostile tree can nest, recurse and double without end: depth, the size of one expansion and
 * the work of all of them are bounded.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig/read.h"

enum { ARGUMENTS_MAX = 16 };

struct kc_variable {
	bool simple; /* := */
	unsigned int expanding;
	const char *value;
	size_t size;
};

struct arguments {
	unsigned int count;
	struct buf text[ARGUMENTS_MAX];
};

static int expand(struct kc_reader *r, const char *text, const char *end,
		  const struct arguments *args, struct buf *out);

static int put(struct kc_reader *r, struct buf *out, const char *text, size_t size)
{
	int rc;

	r->macro_work += size;
	if (r->macro_work > KC_MACRO_WORK_MAX)
		return kc_error(r->err, r->lexer->place,
				"the macros of this tree expand without end");
	rc = buf_append(out, text, size, KC_MACRO_SIZE_MAX);
	if (rc == -ENOBUFS)
		return kc_error(r->err, r->lexer->place, "a macro expands to more than %d bytes",
				KC_MACRO_SIZE_MAX);
	return rc ? kc_no_memory(r) : 0;
}

static int put_string(struct kc_reader *r, struct buf *out, const char *text)
{
	return put(r, out, text, strlen(text));
}

static bool is(const struct buf *b, const char *text)
{
	return b->used == strlen(text) && !memcmp(kc_bytes(b), text, b->used);
}

/* --- built-in functions -------------------------------------------------------------------- */

/* Trailing line ends go, the others become blanks. */
static size_t tidy_output(char *text)
{
	size_t size = strlen(text), i;

	while (size > 0 && text[size - 1] == '\n')
		size--;
	for (i = 0; i < size; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	return size;
}

static int run_command(struct kc_reader *r, struct kc_name *command)
{
	char printed[KC_SHELL_MAX];
	int rc;

	if (!r->source->shell)
		return kc_error(
			r->err, r->lexer->place,
			"this tree runs commands, which is not allowed here: $(shell,%.200s)",
			command->text);
	rc = r->source->shell(r->source->context, command->text, printed, sizeof(printed), r->err);
	if (rc < 0) {
		err_context(r->err, "%s:%u", r->lexer->place.file, r->lexer->place.line);
		return rc;
	}
	command->printed = kc_copy(&r->k->arena, printed, tidy_output(printed));
	return command->printed ? 0 : kc_no_memory(r);
}

static int do_shell(struct kc_reader *r, struct arguments *args, struct buf *out)
{
	const struct buf *text = &args->text[0];
	struct kc_name *command = kc_name(r->k, kc_bytes(text), text->used);
	int rc = 0;

	if (!command)
		return kc_no_memory(r);
	if (!command->printed)
		rc = run_command(r, command);
	return rc ? rc : put_string(r, out, command->printed);
}

static int do_filename(struct kc_reader *r, struct arguments *args, struct buf *out)
{
	return put_string(r, out, r->lexer->place.file);
}

static int do_lineno(struct kc_reader *r, struct arguments *args, struct buf *out)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", r->lexer->place.line);
	return put_string(r, out, text);
}

static int do_info(struct kc_reader *r, struct arguments *args, struct buf *out)
{
	char text[1024];

	snprintf(text, sizeof(text), "%.*s", (int)args->text[0].used, kc_bytes(&args->text[0]));
	if (r->k->note)
		r->k->note(r->k->note_context, text);
	return 0;
}

static int do_warning_if(struct kc_reader *r, struct arguments *args, struct buf *out)
{
	if (is(&args->text[0], "y"))
		kc_note(r->k, r->lexer->place, "%.*s", (int)args->text[1].used,
			kc_bytes(&args->text[1]));
	return 0;
}

static int do_error_if(struct kc_reader *r, struct arguments *args, struct buf *out)
{
	if (!is(&args->text[0], "y"))
		return 0;
	return kc_error(r->err, r->lexer->place, "%.*s", (int)args->text[1].used,
			kc_bytes(&args->text[1]));
}

static const struct function {
	const char *name;
	unsigned int arguments;
	int (*run)(struct kc_reader *r, struct arguments *args, struct buf *out);
} functions[] = {
	{ "error-if", 2, do_error_if }, { "filename", 0, do_filename },
	{ "info", 1, do_info },         { "lineno", 0, do_lineno },
	{ "shell", 1, do_shell },       { "warning-if", 2, do_warning_if },
};

/* --- references ---------------------------------------------------------------------------- */

static int expand_variable(struct kc_reader *r, const struct kc_name *name, struct arguments *args,
			   struct buf *out)
{
	struct kc_variable *v = name->variable;
	int rc;

	if (v->simple)
		return put(r, out, v->value, v->size);
	if (args->count == 0 && v->expanding)
		return kc_error(r->err, r->lexer->place, "the variable '%s' refers to itself",
				name->text);
	v->expanding++;
	rc = expand(r, v->value, v->value + v->size, args, out);
	v->expanding--;
	return rc;
}

static int expand_given(struct kc_reader *r, const struct buf *name, struct buf *out)
{
	const char *const *v = r->source->variables;

	for (; v && *v && name->used > 0; v++)
		if (strlen(*v) > name->used && !memcmp(*v, kc_bytes(name), name->used) &&
		    (*v)[name->used] == '=')
			return put_string(r, out, *v + name->used + 1);
	return 0;
}

static int expand_named(struct kc_reader *r, const struct buf *name, struct arguments *args,
			struct buf *out)
{
	const struct kc_name *known;
	size_t i;

	known = kc_name_known(r->k, kc_bytes(name), name->used);
	if (known && known->variable)
		return expand_variable(r, known, args, out);
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (!is(name, functions[i].name))
			continue;
		if (args->count != functions[i].arguments)
			return kc_error(r->err, r->lexer->place,
					"$(%s,…): expected %u arguments, found %u",
					functions[i].name, functions[i].arguments, args->count);
		return functions[i].run(r, args, out);
	}
	return args->count ? 0 : expand_given(r, name, out);
}

/* $(1): an argument of the function that is being expanded. */
static const struct buf *own_argument(const char *text, const char *end,
				      const struct arguments *args)
{
	unsigned int n = 0;

	if (!args || end - text < 1 || end - text > 2)
		return NULL;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (unsigned int)(*text - '0');
	return text == end && n > 0 && n <= args->count ? &args->text[n - 1] : NULL;
}

/* The end of what starts at `text`: a comma or the end, outside of inner parentheses. */
static const char *end_of_argument(const char *text, const char *end)
{
	int nested = 0;

	for (; text < end && (nested || *text != ','); text++)
		nested += (*text == '(') - (*text == ')');
	return text;
}

/* `text` is what stands between $( and its ). */
static int expand_clause(struct kc_reader *r, const char *text, const char *end,
			 const struct arguments *outer, struct buf *out)
{
	const struct buf *own = own_argument(text, end, outer);
	struct arguments args = { 0 };
	struct buf name = { 0 };
	const char *part_end;
	int rc;

	if (own)
		return put(r, out, kc_bytes(own), own->used);
	part_end = end_of_argument(text, end);
	rc = expand(r, text, part_end, outer, &name);
	while (rc == 0 && part_end < end) {
		if (args.count == ARGUMENTS_MAX - 1) {
			rc = kc_error(r->err, r->lexer->place, "a macro has at most %d arguments",
				      ARGUMENTS_MAX - 1);
			break;
		}
		text = part_end + 1;
		part_end = end_of_argument(text, end);
		rc = expand(r, text, part_end, outer, &args.text[args.count++]);
	}
	if (rc == 0)
		rc = expand_named(r, &name, &args, out);
	while (args.count > 0)
		buf_free(&args.text[--args.count]);
	buf_free(&name);
	return rc;
}

static int expand_reference(struct kc_reader *r, const char **at, const char *end,
			    const struct arguments *args, struct buf *out)
{
	const char *start = *at + 2, *close = start;
	unsigned int nested = 0;
	int rc;

	if (end - *at < 2 || (*at)[1] != '(') {
		(*at)++;
		return put(r, out, "$", 1);
	}
	for (; close < end && (nested || *close != ')'); close++)
		nested = *close == '(' ? nested + 1 : *close == ')' ? nested - 1 : nested;
	if (close == end)
		return kc_error(r->err, r->lexer->place,
				"expected ')' after '$(%.*s', found the end",
				(int)(close - start > 60 ? 60 : close - start), start);
	*at = close + 1;
	if (++r->macro_depth > KC_MACRO_DEPTH_MAX)
		rc = kc_error(r->err, r->lexer->place, "macros nest deeper than %d",
			      KC_MACRO_DEPTH_MAX);
	else
		rc = expand_clause(r, start, close, args, out);
	r->macro_depth--;
	return rc;
}

static int expand(struct kc_reader *r, const char *text, const char *end,
		  const struct arguments *args, struct buf *out)
{
	const char *dollar;
	int rc = 0;

	while (rc == 0 && text < end) {
		dollar = memchr(text, '$', (size_t)(end - text));
		if (!dollar)
			return put(r, out, text, (size_t)(end - text));
		rc = put(r, out, text, (size_t)(dollar - text));
		text = dollar;
		if (rc == 0)
			rc = expand_reference(r, &text, end, args, out);
	}
	return rc;
}

int kc_macro_reference(struct kc_reader *r, const char **at, const char *end, struct buf *out)
{
	return expand_reference(r, at, end, NULL, out);
}

int kc_macro_word(struct kc_reader *r, const char **at, const char *end, struct buf *out)
{
	const char *start;
	int rc = 0;

	while (rc == 0 && *at < end) {
		for (start = *at; *at < end && kc_is_word(**at); (*at)++)
			;
		rc = put(r, out, start, (size_t)(*at - start));
		if (rc || *at == end || **at != '$')
			break;
		rc = expand_reference(r, at, end, NULL, out);
	}
	return rc;
}

/* --- assignments --------------------------------------------------------------------------- */

int kc_macro_assign(struct kc_reader *r, struct kc_name *name, enum kc_token_kind how,
		    const char *text, size_t size)
{
	struct kc_variable *v = name->variable;
	bool add = how == TOKEN_APPEND && v;
	struct buf value = { 0 };
	int rc = 0;

	if (!v) {
		v = kc_alloc(&r->k->arena, sizeof(*v));
		if (!v)
			return kc_no_memory(r);
	}
	if (!add)
		v->simple = how == TOKEN_ASSIGN;
	if (add) {
		rc = put(r, &value, v->value, v->size);
		if (rc == 0)
			rc = put(r, &value, " ", 1);
	}
	if (rc == 0)
		rc = v->simple ? expand(r, text, text + size, NULL, &value)
			       : put(r, &value, text, size);
	if (rc == 0) {
		v->size = value.used;
		v->value = kc_copy(&r->k->arena, kc_bytes(&value), value.used);
		if (v->value)
			name->variable = v;
		else
			rc = kc_no_memory(r);
	}
	buf_free(&value);
	return rc;
}
