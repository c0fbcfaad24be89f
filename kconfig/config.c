// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the user wants: .config files, single values; and the solution written as a .config.
 *
 * Theory of operation
 * -------------------
 * A .config has one line for each option: `CONFIG_NAME=value`, or `# CONFIG_NAME is not set` for
 * n. Everything else that starts with # is a comment. The last line about an option counts, and
 * of the members of a choice the one that was set last has the first say. A value that is not of
 * the option's type is as if the line were not there; whether it can be seen, or is in its range,
 * is the solver's matter.
 *
 * It is written in the order of the tree, each option where it is first defined, with the titles
 * of the visible menus and comments around.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "kconfig/tree.h"

#define PREFIX "CONFIG_"
enum { PREFIX_SIZE = sizeof(PREFIX) - 1 };

/* --- wishes -------------------------------------------------------------------------------- */

/*
 * An old choice is wanted as much as any of its members; but when one is to be m that was spoken
 * of after another that is to be y, nothing is.
 */
static void wish_for_choice(struct kconfig *k, const struct kc_choice *c)
{
	struct kc_state *state = &k->states[c->symbol->index];
	const struct kc_state *member;
	uint32_t rank;

	state->has_wish = true;
	state->wish = NO;
	for (rank = c->count; rank > 0; rank--) {
		member = &k->states[k->ranks[c->first_rank + rank - 1]];
		if (!member->has_wish)
			continue;
		if (member->wish == MOD && state->wish == YES)
			state->has_wish = false;
		if (member->wish > state->wish)
			state->wish = member->wish;
	}
}

/* The latest wish has the first say. */
static void rank_first(struct kconfig *k, const struct kconfig_symbol *s)
{
	uint32_t *ranks = k->ranks + s->choice->first_rank, i = 0;

	while (ranks[i] != s->index)
		i++;
	memmove(ranks + 1, ranks, i * sizeof(*ranks));
	ranks[0] = s->index;
}

static void rank_as_in_tree(struct kconfig *k)
{
	const struct kc_choice *c;
	const struct kc_member *m;
	uint32_t i = 0;

	for (c = k->choices; c; c = c->next)
		for (m = c->members; m; m = m->next)
			k->ranks[i++] = m->symbol->index;
}

void kconfig_clear(struct kconfig *k)
{
	size_t i;

	for (i = 0; i < k->symbol_count; i++) {
		k->states[i].has_wish = false;
		k->states[i].wish = NO;
		k->states[i].wish_text = NULL;
	}
	k->rest_is_no = false;
	rank_as_in_tree(k);
	kc_mark_all(k);
}

static void wished(struct kconfig *k, const struct kconfig_symbol *s)
{
	if (s->choice)
		rank_first(k, s);
	if (s->choice && kc_is_before_6_11(k))
		wish_for_choice(k, s->choice);
	kc_mark_wish(k, s);
}

/* False: the text is no value for this symbol. Only the first letter of y, m and n is looked at. */
static bool wish_logical(struct kconfig *k, const struct kconfig_symbol *s, const char *text)
{
	struct kc_state *state = &k->states[s->index];

	if (*text != 'y' && *text != 'n' && (*text != 'm' || s->type != KCONFIG_TRISTATE))
		return false;
	state->wish = *text == 'y' ? YES : *text == 'm' ? MOD : NO;
	state->has_wish = true;
	wished(k, s);
	return true;
}

static int wish_text(struct kconfig *k, const struct kconfig_symbol *s, const char *text)
{
	struct kc_state *state = &k->states[s->index];
	struct kc_name *name = kc_name(k, text, strlen(text));

	if (!name)
		return -ENOMEM;
	state->wish_text = name->text;
	state->has_wish = true;
	wished(k, s);
	return 0;
}

int kconfig_set(struct kconfig *k, struct kconfig_symbol *s, const char *value, struct err *err)
{
	bool logical = s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE;

	if (logical ? (!*value || value[1] || !wish_logical(k, s, value))
		    : !kc_value_fits(s->type, value)) {
		err_set(err, EINVAL, "'%.200s' is no value for %s, which is %s", value,
			kconfig_name(s), kconfig_type_name(s->type));
		if (logical)
			err_hint(err, "it can be y%s or n", s->type == KCONFIG_BOOL ? "" : ", m");
		return -EINVAL;
	}
	if (!logical && wish_text(k, s, value) < 0)
		return err_sys(err, ENOMEM, "setting %s", kconfig_name(s));
	return 0;
}

void kconfig_unset(struct kconfig *k, struct kconfig_symbol *s)
{
	struct kc_state *state = &k->states[s->index];

	state->has_wish = false;
	state->wish = NO;
	state->wish_text = NULL;
	if (s->choice && kc_is_before_6_11(k))
		wish_for_choice(k, s->choice);
	kc_mark_wish(k, s);
}

static bool is_asked(const struct kconfig_symbol *s)
{
	const struct kc_property *p;

	if (s->choice || (s->type != KCONFIG_BOOL && s->type != KCONFIG_TRISTATE))
		return false;
	for (p = s->properties; p; p = p->next)
		if (p->kind == PROP_PROMPT)
			return true;
	return false;
}

void kconfig_set_rest_no(struct kconfig *k)
{
	const struct kconfig_symbol *s;
	size_t i;

	for (i = 0; i < k->defined_count; i++) {
		s = k->defined[i];
		if (is_asked(s) && !k->states[s->index].has_wish)
			wish_logical(k, s, "n");
	}
	k->rest_is_no = true;
	kc_mark_all(k);
}

/* --- reading ------------------------------------------------------------------------------- */

struct reading {
	struct kconfig *k;
	struct kconfig_place place;
	void (*note)(void *context, const char *text);
	void *context;
};

static void note(struct reading *r, const char *what, const char *name, const char *value)
{
	char text[700];

	if (!r->note)
		return;
	snprintf(text, sizeof(text), "%.200s:%u: %s: %.200s%s%.200s", r->place.file, r->place.line,
		 what, name, *value ? "=" : "", value);
	r->note(r->context, text);
}

/* Takes the quotes and backslashes off, in place; NULL if it does not end in a quote. */
static char *unquote(char *text)
{
	char *from = text + 1, *to = text;

	for (; *from && *from != '"'; from++) {
		if (*from == '\\' && !*++from)
			return NULL;
		*to++ = *from;
	}
	if (!*from)
		return NULL;
	*to = '\0';
	return text;
}

static int read_value(struct reading *r, const struct kconfig_symbol *s, char *value)
{
	bool fits;

	if (s->type == KCONFIG_UNKNOWN)
		return 0;
	if (s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE) {
		fits = wish_logical(r->k, s, value);
	} else {
		/* "is not set" says nothing about a string, and n is no number. */
		if (s->type == KCONFIG_STRING && *value != '"')
			return 0;
		if (s->type == KCONFIG_STRING)
			value = unquote(value);
		fits = value && kc_value_fits(s->type, value);
		if (fits && wish_text(r->k, s, value) < 0)
			return -ENOMEM;
	}
	if (!fits)
		note(r, "no value for this option", s->name, value ? value : "a text without end");
	return 0;
}

/* Splits a line into name and value; NULL: it is not about an option. */
static char *split_line(struct reading *r, char *line, char **value)
{
	static char no[] = "n";
	char *name, *end;

	if (!strncmp(line, "# " PREFIX, 2 + PREFIX_SIZE)) {
		name = line + 2 + PREFIX_SIZE;
		end = strchr(name, ' ');
		if (!end || strcmp(end, " is not set"))
			return NULL;
		*value = no;
	} else if (*line == '#' || !*line) {
		return NULL;
	} else {
		name = line + PREFIX_SIZE;
		end = strncmp(line, PREFIX, PREFIX_SIZE) ? NULL : strchr(name, '=');
		if (!end) {
			note(r, "not a line of a .config", line, "");
			return NULL;
		}
		*value = end + 1;
	}
	*end = '\0';
	return name;
}

static int read_line(struct reading *r, char *line)
{
	char *value, *name = split_line(r, line, &value);
	const struct kc_name *known;

	if (!name)
		return 0;
	known = kc_name_known(r->k, name, strlen(name));
	if (!known || !known->symbol || !known->symbol->entries) {
		note(r, "no such option in this tree", name, value);
		return 0;
	}
	return read_value(r, known->symbol, value);
}

int kconfig_read(struct kconfig *k, const char *name, const char *text, size_t size,
		 void (*note_fn)(void *context, const char *text), void *context, struct err *err)
{
	struct reading r = { k, { name, 0 }, note_fn, context };
	const char *end = text + size, *line_end;
	char *line = NULL;
	size_t length;
	int rc = 0;

	for (; text < end && rc == 0; text = line_end + 1) {
		line_end = memchr(text, '\n', (size_t)(end - text));
		if (!line_end)
			line_end = end;
		length = (size_t)(line_end - text);
		if (length > 0 && text[length - 1] == '\r')
			length--;
		r.place.line++;
		line = strndup(text, length);
		rc = line ? read_line(&r, line) : -ENOMEM;
		free(line);
	}
	return rc < 0 ? err_sys(err, -rc, "reading %s", name) : 0;
}

int kconfig_read_file(struct kconfig *k, int directory, const char *name,
		      void (*note_fn)(void *context, const char *text), void *context,
		      struct err *err)
{
	cleanup_free char *data = NULL;
	size_t size;

	if (fd_read_file(directory, name, KC_FILE_MAX, &data, &size, err) < 0)
		return err_context(err, "reading a kernel configuration");
	return kconfig_read(k, name, data, size, note_fn, context, err);
}

/* --- writing ------------------------------------------------------------------------------- */

struct writing {
	struct kconfig *k;
	struct buf *out;
	uint8_t *done; /* by symbol */
	bool gap;      /* a menu ended, so the next option starts after an empty line */
	int rc;
};

static void put(struct writing *w, const char *text, size_t size)
{
	if (w->rc == 0)
		w->rc = buf_append(w->out, text, size, KC_ARENA_MAX);
}

static void put_all(struct writing *w, const char *const *texts)
{
	for (; *texts; texts++)
		put(w, *texts, strlen(*texts));
}

#define PUT(w, ...) put_all((w), (const char *const[]){ __VA_ARGS__, NULL })

static void put_quoted(struct writing *w, const char *text)
{
	size_t plain;

	put(w, "\"", 1);
	while (*text) {
		plain = strcspn(text, "\"\\");
		put(w, text, plain);
		text += plain;
		if (*text) {
			put(w, "\\", 1);
			put(w, text++, 1);
		}
	}
	put(w, "\"", 1);
}

static void write_symbol(struct writing *w, const struct kconfig_symbol *s)
{
	const struct kc_state *state = &w->k->states[s->index];

	if (w->done[s->index] || !state->written)
		return;
	w->done[s->index] = true;
	if (w->gap)
		put(w, "\n", 1);
	w->gap = false;
	if ((s->type == KCONFIG_BOOL || s->type == KCONFIG_TRISTATE) && state->worth == NO) {
		PUT(w, "# " PREFIX, s->name, " is not set\n");
		return;
	}
	PUT(w, PREFIX, s->name, "=");
	if (s->type == KCONFIG_STRING)
		put_quoted(w, state->text);
	else
		PUT(w, kconfig_value(w->k, s));
	put(w, "\n", 1);
}

static bool is_visible(const struct kconfig *k, const struct kc_entry *e)
{
	return e->prompt && kc_worth(k, e->own_visible) != NO &&
	       kc_worth(k, e->prompt->condition) != NO;
}

static void enter_entry(struct writing *w, const struct kc_entry *e)
{
	if (e->symbol && !e->symbol->is_choice) {
		write_symbol(w, e->symbol);
	} else if (!e->symbol && is_visible(w->k, e)) {
		PUT(w, "\n#\n# ", e->prompt->text, "\n#\n");
		w->gap = false;
	}
}

static void leave_entry(struct writing *w, const struct kc_entry *e)
{
	if (e->kind != ENTRY_MENU || !is_visible(w->k, e))
		return;
	PUT(w, "# end of ", e->prompt->text, "\n");
	w->gap = true;
}

int kconfig_write(struct kconfig *k, struct buf *out, struct err *err)
{
	struct writing w = { k, out, calloc(k->symbol_count, 1), false, 0 };
	const struct kc_entry *e = k->root.child;

	if (!w.done)
		return err_sys(err, ENOMEM, "writing a kernel configuration");
	PUT(&w, "#\n# Automatically generated file; DO NOT EDIT.\n# ", k->root.prompt->text,
	    "\n#\n");
	while (e) {
		enter_entry(&w, e);
		if (e->child) {
			e = e->child;
			continue;
		}
		while (e) {
			leave_entry(&w, e);
			if (e->next)
				break;
			e = e->parent;
		}
		e = e ? e->next : NULL;
	}
	free(w.done);
	return w.rc < 0 ? err_sys(err, -w.rc, "writing a kernel configuration") : 0;
}
