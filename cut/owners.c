// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: owners.h. */
#include "cut/owners.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cut/makefile.h"

enum { DEPTH_MOST = 16, MAKEFILE_MOST = 1 << 20, OBJECT_MOST = 64 << 20, COMPOSITES = 4 };

/* --- texts and objects ------------------------------------------------------------------------- */

static const char *keep(struct owners *o, const char *text)
{
	char *copy;

	if (o->string_count == o->string_room) {
		size_t room = o->string_room ? 2 * o->string_room : 1024;
		char **grown = realloc(o->strings, room * sizeof(*grown));

		if (!grown)
			return NULL;
		o->strings = grown;
		o->string_room = room;
	}
	copy = strdup(text);
	if (copy)
		o->strings[o->string_count++] = copy;
	return copy;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct owners_object *)a)->path,
		      ((const struct owners_object *)b)->path);
}

struct owners_object *owners_find(const struct owners *o, const char *path)
{
	const struct owners_object key = { .path = path };

	return o->count ? bsearch(&key, o->objects, o->count, sizeof(key), by_path) : NULL;
}

static int add_object(struct owners *o, const char *path, const struct owners_way *way)
{
	if (o->count == o->room) {
		size_t room = o->room ? 2 * o->room : 4096;
		struct owners_object *grown = realloc(o->objects, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		o->objects = grown;
		o->room = room;
	}
	o->objects[o->count] = (struct owners_object){ .path = keep(o, path), .way_count = 1 };
	if (!o->objects[o->count].path)
		return -ENOMEM;
	o->objects[o->count++].ways[0] = *way;
	return 0;
}

/* One entry a path, with all its ways; by path. */
static void merge(struct owners *o)
{
	size_t kept = 0;

	if (o->count > 1)
		qsort(o->objects, o->count, sizeof(*o->objects), by_path);
	for (size_t i = 0; i < o->count; i++) {
		struct owners_object *last = kept ? &o->objects[kept - 1] : NULL;

		if (!last || strcmp(last->path, o->objects[i].path) != 0)
			o->objects[kept++] = o->objects[i];
		else if (last->way_count < OWNERS_WAYS)
			last->ways[last->way_count++] = o->objects[i].ways[0];
	}
	o->count = kept;
}

/* Appends an option, unless the way asks for it already. A way that is full stays as it is. */
static void extend(struct owners_way *way, const char *option)
{
	for (unsigned i = 0; i < way->count; i++)
		if (!strcmp(way->options[i], option))
			return;
	if (way->count < OWNERS_OPTIONS)
		way->options[way->count++] = option;
}

/* --- one directory ------------------------------------------------------------------------------- */

struct statement {
	char *name; /* "obj-", "foo-", "foo-objs" */
	char *words;
	struct owners_way way;
};

struct directory {
	struct owners *owners;
	const char *tree, *path; /* path: "" or "fs/ext4/" */
	struct owners_way way;
	struct statement *statements;
	size_t count;
	unsigned depth;
	struct err *err;
};

static int collect(void *context, const struct makefile_assignment *a)
{
	struct directory *d = context;
	struct statement *grown = realloc(d->statements, (d->count + 1) * sizeof(*grown)), *s;

	if (!grown)
		return -ENOMEM;
	d->statements = grown;
	s = &grown[d->count];
	*s = (struct statement){ .name = strdup(a->name), .words = strndup(a->value, a->length) };
	if (!s->name || !s->words) {
		free(s->name);
		free(s->words);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < a->option_count; i++)
		extend(&s->way, keep(d->owners, a->options[i]));
	if (a->option[0] && strcmp(a->option, "y") != 0)
		extend(&s->way, keep(d->owners, a->option));
	d->count++;
	return 0;
}

static void join(struct owners_way *way, const struct owners_way *more)
{
	for (unsigned i = 0; i < more->count; i++)
		if (more->options[i])
			extend(way, more->options[i]);
}

/* A word with the directory's own variables in it filled in; 0 when it holds others. */
static int expand(const struct directory *d, const char *word, char *out, size_t room)
{
	size_t used = 0;

	while (*word) {
		const char *end = word[0] == '$' && word[1] == '(' ? strchr(word, ')') : NULL;
		const char *value = NULL;

		if (*word == '$' && !end)
			return 0;
		if (!end) {
			if (used + 1 >= room)
				return 0;
			out[used++] = *word++;
			continue;
		}
		for (size_t i = 0; i < d->count; i++) {
			const struct statement *s = &d->statements[i];

			if (strlen(s->name) == (size_t)(end - word - 2) &&
			    !strncmp(s->name, word + 2, (size_t)(end - word - 2)))
				value = s->words + strspn(s->words, " \t");
		}
		if (!value || strchr(value, '$'))
			return 0;
		while (*value && !strchr(" \t", *value) && used + 1 < room)
			out[used++] = *value++;
		word = end + 1;
	}
	out[used] = '\0';
	return used > 0;
}

static int read_directory(struct owners *o, const char *tree, const char *path,
			  const struct owners_way *way, unsigned depth, struct err *err);
static int add_target(struct directory *d, const char *name, const struct owners_way *way,
		      unsigned nested);

/* The parts of `stem`.o, if it is a composite. Returns how many statements name parts. */
static int add_parts(struct directory *d, const char *stem, const struct owners_way *way,
		     unsigned nested, int *rc)
{
	size_t length = strlen(stem);
	int found = 0;

	for (size_t i = 0; i < d->count && *rc == 0; i++) {
		const struct statement *s = &d->statements[i];
		struct owners_way longer = *way;
		cleanup_free char *words = NULL;
		char *save = NULL;

		if (strncmp(s->name, stem, length) != 0 ||
		    (strcmp(s->name + length, "-") != 0 && strcmp(s->name + length, "-objs") != 0))
			continue;
		found++;
		join(&longer, &s->way);
		words = strdup(s->words);
		for (char *w = words ? strtok_r(words, " \t", &save) : NULL; w && *rc == 0;
		     w = strtok_r(NULL, " \t", &save))
			*rc = add_target(d, w, &longer, nested + 1);
	}
	return found;
}

static int add_target(struct directory *d, const char *word, const struct owners_way *way,
		      unsigned nested)
{
	char name[PATH_MAX / 4], path[PATH_MAX];
	size_t length;
	int rc = 0;

	if (!expand(d, word, name, sizeof(name)) || name[0] == '/')
		return 0;
	length = strlen(name);
	if (snprintf(path, sizeof(path), "%s%s", d->path, name) >= (int)sizeof(path))
		return 0;
	if (name[length - 1] == '/')
		return read_directory(d->owners, d->tree, path, way, d->depth + 1, d->err);
	if (length < 3 || strcmp(name + length - 2, ".o") != 0)
		return 0;
	name[length - 2] = '\0';
	if (nested < COMPOSITES && add_parts(d, name, way, nested, &rc))
		return rc;
	return add_object(d->owners, path, way);
}

/* "obj-", "lib-"; in the architecture's Makefile "core-", "drivers-", "libs-" with whole paths. */
static int is_list(const char *name, int top)
{
	static const char *const lists[] = { "obj-", "lib-", "core-", "drivers-", "libs-" };

	for (unsigned i = 0; i < (top ? 5u : 2u); i++)
		if (!strcmp(name, lists[i]))
			return 1;
	return 0;
}

static int add_lists(struct directory *d, int top)
{
	int rc = 0;

	for (size_t i = 0; i < d->count && rc == 0; i++) {
		const struct statement *s = &d->statements[i];
		struct owners_way way = d->way;
		cleanup_free char *words = NULL;
		char *save = NULL;

		if (!is_list(s->name, top))
			continue;
		join(&way, &s->way);
		words = strdup(s->words);
		for (char *w = words ? strtok_r(words, " \t", &save) : NULL; w && rc == 0;
		     w = strtok_r(NULL, " \t", &save))
			rc = add_target(d, w, &way, 0);
	}
	return rc;
}

static int read_file(struct owners *o, const char *tree, const char *path, const char *file,
		     const struct owners_way *way, unsigned depth, int top, struct err *err)
{
	struct directory d = { .owners = o, .tree = tree, .path = path, .way = *way,
			       .depth = depth, .err = err };
	cleanup_free char *text = NULL;
	char name[PATH_MAX];
	size_t size;
	int rc;

	if (snprintf(name, sizeof(name), "%s/%s%s", tree, top ? "" : path, file) >=
	    (int)sizeof(name))
		return err_set(err, ENAMETOOLONG, "%s%s", path, file);
	rc = fd_read_file(AT_FDCWD, name, MAKEFILE_MOST, &text, &size, err);
	if (rc < 0)
		return rc;
	rc = makefile_read(text, size, collect, &d);
	if (rc == 0)
		rc = add_lists(&d, top);
	for (size_t i = 0; i < d.count; i++) {
		free(d.statements[i].name);
		free(d.statements[i].words);
	}
	free(d.statements);
	return rc < 0 && !(err && err->code) ? err_sys(err, -rc, "reading %s", name) : rc;
}

static int read_directory(struct owners *o, const char *tree, const char *path,
			  const struct owners_way *way, unsigned depth, struct err *err)
{
	struct err own = ERR_INIT;
	int rc;

	if (depth > DEPTH_MOST)
		return 0;
	rc = read_file(o, tree, path, "Kbuild", way, depth, 0, &own);
	if (rc == -ENOENT || rc == -ENOTDIR) {
		own = ERR_INIT;
		rc = read_file(o, tree, path, "Makefile", way, depth, 0, &own);
	}
	/* A directory that comes with some configurations only, or is generated. */
	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc < 0 && err)
		*err = own;
	return rc;
}

int owners_read(struct owners *o, const char *tree, const char *srcarch, struct err *err)
{
	const struct owners_way none = { .count = 0 };
	char file[256], path[256];
	int rc;

	*o = (struct owners){ .count = 0 };
	rc = read_file(o, tree, "", "Kbuild", &none, 0, 0, err);
	snprintf(file, sizeof(file), "arch/%s/Makefile", srcarch);
	snprintf(path, sizeof(path), "arch/%s/", srcarch);
	if (rc == 0)
		rc = read_directory(o, tree, path, &none, 1, err);
	if (rc == 0)
		rc = read_file(o, tree, "", file, &none, 1, 1, err);
	if (rc == 0 && !strcmp(srcarch, "um"))
		rc = read_directory(o, tree, "arch/x86/um/", &none, 1, err);
	if (rc < 0) {
		owners_free(o);
		return err_context(err, "which options own which files of %s", tree);
	}
	merge(o);
	return 0;
}

void owners_free(struct owners *o)
{
	for (size_t i = 0; i < o->string_count; i++)
		free(o->strings[i]);
	free(o->strings);
	free(o->objects);
	*o = (struct owners){ .count = 0 };
}

/* --- a configuration, and a build ---------------------------------------------------------------- */

static bool way_open(const struct owners_way *way, bool (*on)(void *context, const char *option),
		     void *context)
{
	for (unsigned i = 0; i < way->count; i++) {
		const char *option = way->options[i];

		if (on(context, option + (*option == '!')) == (*option == '!'))
			return false;
	}
	return true;
}

const struct owners_way *owners_built(const struct owners_object *object,
				      bool (*on)(void *context, const char *option), void *context)
{
	for (unsigned i = 0; i < object->way_count; i++)
		if (way_open(&object->ways[i], on, context))
			return &object->ways[i];
	return NULL;
}

uint64_t owners_object_size(const void *data, size_t size)
{
	const Elf64_Ehdr *head = data;
	const Elf64_Shdr *sections;
	uint64_t sum = 0;

	if (size < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
	    head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_shentsize != sizeof(*sections) ||
	    head->e_shoff % 8 || head->e_shoff > size ||
	    head->e_shnum > (size - head->e_shoff) / sizeof(*sections))
		return 0;
	sections = (const void *)((const char *)data + head->e_shoff);
	for (unsigned i = 0; i < head->e_shnum; i++)
		if (sections[i].sh_flags & SHF_ALLOC && sections[i].sh_size <= OBJECT_MOST)
			sum += sections[i].sh_size;
	return sum;
}

size_t owners_measure(struct owners *o, const char *out)
{
	cleanup_close int dir = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t measured = 0;

	for (size_t i = 0; i < o->count; i++) {
		cleanup_free char *data = NULL;
		size_t size;

		o->objects[i].size = 0;
		if (dir >= 0 && fd_read_file(dir, o->objects[i].path, OBJECT_MOST, &data, &size,
					     NULL) == 0)
			o->objects[i].size = owners_object_size(data, size);
		measured += o->objects[i].size > 0;
	}
	return measured;
}
