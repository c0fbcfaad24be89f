// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: facts.h. */
#include "cut/facts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { FILE_MOST = 4 << 20, NESTING = 32, WORD = 96 };

static const char *keep(struct facts *f, const char *text)
{
	char *copy;

	if (f->string_count == f->string_room) {
		size_t room = f->string_room ? 2 * f->string_room : 512;
		char **grown = realloc(f->strings, room * sizeof(*grown));

		if (!grown)
			return NULL;
		f->strings = grown;
		f->string_room = room;
	}
	copy = strdup(text);
	if (copy)
		f->strings[f->string_count++] = copy;
	return copy;
}

/* --- what stands around a line --------------------------------------------------------------------- */

struct place {
	struct facts *facts;
	const char *file;
	unsigned line, depth, too_deep;
	const struct owners_way *way;
	const char *around[NESTING]; /* the option that each open #if asks for, or NULL */
	int registers_family, in_file_system, in_device;
};

static void enter(struct place *p, const char *text)
{
	const char *option = strstr(text, "CONFIG_");
	char name[WORD];
	size_t length = 0;
	int negative = !strncmp(text, "ifndef", 6) || strchr(text, '!');

	if (p->depth == NESTING) {
		p->too_deep++;
		return;
	}
	p->around[p->depth] = NULL;
	/* Alternatives and opposites ask for no one option. */
	if (option && !negative && !strstr(text, "||")) {
		for (option += 7; isalnum((unsigned char)option[length]) || option[length] == '_';)
			length++;
		/* The compiler's own suffix for "built as a module". */
		if (length > 7 && !strncmp(option + length - 7, "_MODULE", 7))
			length -= 7;
		if (length && length < sizeof(name)) {
			memcpy(name, option, length);
			name[length] = '\0';
			p->around[p->depth] = keep(p->facts, name);
		}
	}
	p->depth++;
}

static void preprocessor(struct place *p, const char *line)
{
	line += 1 + strspn(line + 1, " \t");
	if (!strncmp(line, "if", 2)) {
		enter(p, line);
	} else if (!strncmp(line, "el", 2)) {
		if (p->depth && !p->too_deep)
			p->around[p->depth - 1] = NULL;
	} else if (!strncmp(line, "endif", 5)) {
		if (p->too_deep)
			p->too_deep--;
		else if (p->depth)
			p->depth--;
	}
}

static int add(struct place *p, const char *kind, const char *what)
{
	struct facts *f = p->facts;
	struct fact *fact;

	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 1024;
		struct fact *grown = realloc(f->list, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		f->list = grown;
		f->room = room;
	}
	fact = &f->list[f->count];
	*fact = (struct fact){ .what = keep(f, what), .file = p->file, .line = p->line };
	snprintf(fact->kind, sizeof(fact->kind), "%s", kind);
	if (p->way)
		fact->way = *p->way;
	for (unsigned i = 0; i < p->depth; i++)
		if (p->around[i] && fact->way.count < OWNERS_OPTIONS)
			fact->way.options[fact->way.count++] = p->around[i];
	if (!fact->what)
		return -ENOMEM;
	f->count += fact->way.count > 0;
	return 0;
}

/* --- idioms ---------------------------------------------------------------------------------------- */

/* The word behind `at`, after what may stand before it. */
static int read_word(const char *at, const char *skip, char out[WORD])
{
	size_t length = 0;

	at += strspn(at, skip);
	while (isalnum((unsigned char)at[length]) || at[length] == '_')
		length++;
	if (!length || length >= WORD)
		return 0;
	memcpy(out, at, length);
	out[length] = '\0';
	return 1;
}

/* The text between the first two quotes. */
static int read_quoted(const char *at, char out[WORD])
{
	const char *end;

	at = strchr(at, '"');
	end = at ? strchr(at + 1, '"') : NULL;
	if (!end || end == at + 1 || end - at > WORD)
		return 0;
	memcpy(out, at + 1, (size_t)(end - at - 1));
	out[end - at - 1] = '\0';
	return 1;
}

static int add_family(struct place *p, const char *name)
{
	char number[16];

	for (unsigned i = 0; i < 64; i++) {
		if (!p->facts->families[i] || strcmp(p->facts->families[i], name + 3) != 0)
			continue;
		snprintf(number, sizeof(number), "%u", i);
		return add(p, "socket", number);
	}
	return 0;
}

static int scan_call(struct place *p, const char *line)
{
	const char *at = strstr(line, "SYSCALL_DEFINE");
	char word[WORD];

	/* Calls of 32-bit programs have entries of their own. */
	if (!at || (at != line && at[-1] == '_') || !isdigit((unsigned char)at[14]) ||
	    !read_word(at + 15, "( \t", word))
		return 0;
	return add(p, "call", word);
}

/* Names within a struct that is being initialised: until its closing brace. */
static int scan_struct(struct place *p, const char *line)
{
	const char *at;
	char word[WORD];

	if (strstr(line, "struct file_system_type ") && strchr(line, '{'))
		p->in_file_system = 1;
	if (strstr(line, "struct miscdevice ") && strchr(line, '{'))
		p->in_device = 1;
	if (line[0] == '}')
		p->in_file_system = p->in_device = 0;
	at = strstr(line, ".name");
	if (at && (p->in_file_system || p->in_device) && read_quoted(at, word))
		return add(p, p->in_file_system ? "mount" : "device", word);
	at = strstr(line, ".family");
	if (at && p->registers_family && (at = strchr(at, '=')) && read_word(at + 1, " \t", word) &&
	    (!strncmp(word, "PF_", 3) || !strncmp(word, "AF_", 3)))
		return add_family(p, word);
	return 0;
}

static int scan_proc(struct place *p, const char *line)
{
	static const char *const makers[] = { "proc_create", "proc_mkdir", "proc_symlink",
					      ".procname" };
	static const char *const entries[] = { "\tONE(\"", "\tREG(\"", "\tLNK(\"", "\tDIR(\"",
					       "\tATTR(\"" };
	char word[WORD];
	const char *at;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if ((at = strstr(line, makers[i])) && read_quoted(at, word))
			return add(p, "path", word);
	if (strcmp(p->file, "fs/proc/base.c") != 0)
		return 0;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (!strncmp(line, entries[i], strlen(entries[i])) && read_quoted(line, word))
			return add(p, "path", word);
	return 0;
}

int facts_scan(struct facts *f, const char *file, const char *text, size_t size,
	       const struct owners_way *way)
{
	struct place p = { .facts = f, .file = file, .way = way };
	int rc = 0;

	p.registers_family = memmem(text, size, "sock_register(", 14) != NULL;
	while (size > 0 && rc == 0) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		char line[512];

		p.line++;
		memcpy(line, text, length < sizeof(line) ? length : sizeof(line) - 1);
		line[length < sizeof(line) ? length : sizeof(line) - 1] = '\0';
		text += length + (end != NULL);
		size -= length + (end != NULL);
		if (line[0] == '#') {
			preprocessor(&p, line);
			continue;
		}
		rc = scan_call(&p, line);
		if (rc == 0)
			rc = scan_struct(&p, line);
		if (rc == 0)
			rc = scan_proc(&p, line);
	}
	return rc;
}

/* --- the tree ---------------------------------------------------------------------------------------- */

static int read_source(const char *tree, const char *file, char **text, size_t *size)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s/%s", tree, file) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	return fd_read_file(AT_FDCWD, name, FILE_MOST, text, size, NULL);
}

/* "0  common  read  sys_read": the entry point's name is the one that SYSCALL_DEFINE has. */
static void read_calls(struct facts *f, const char *tree)
{
	cleanup_free char *text = NULL;
	char *save = NULL;
	size_t size;

	if (read_source(tree, "arch/x86/entry/syscalls/syscall_64.tbl", &text, &size) < 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char abi[16], name[64], entry[WORD] = "";
		unsigned number;

		if (sscanf(l, "%u %15s %63s %95s", &number, abi, name, entry) >= 4 &&
		    number < 512 && strcmp(abi, "x32") != 0)
			f->calls[number] = keep(f, !strncmp(entry, "sys_", 4) ? entry + 4 : entry);
	}
}

/* "#define AF_UNIX 1": the first name of a number counts, later ones are aliases. */
static void read_families(struct facts *f, const char *tree)
{
	cleanup_free char *text = NULL;
	char *save = NULL;
	size_t size;

	if (read_source(tree, "include/linux/socket.h", &text, &size) < 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char name[WORD];
		unsigned number;

		if (sscanf(l, "#define AF_%95s %u", name, &number) == 2 && number < 64 &&
		    !f->families[number])
			f->families[number] = keep(f, name);
	}
}

/* Drops those from `first` on that stand in an #ifdef that is off. */
static void drop_off(struct facts *f, size_t first,
		     bool (*on)(void *context, const char *option), void *context)
{
	size_t kept = first;

	for (size_t i = first; i < f->count; i++) {
		const struct owners_way *way = &f->list[i].way;
		unsigned at = 0;

		while (at < way->count && (way->options[at][0] == '!' || on(context, way->options[at])))
			at++;
		if (at == way->count)
			f->list[kept++] = f->list[i];
	}
	f->count = kept;
}

int facts_read(struct facts *f, const char *tree, const struct owners *o,
	       bool (*on)(void *context, const char *option), void *context, struct err *err)
{
	*f = (struct facts){ .count = 0 };
	read_calls(f, tree);
	read_families(f, tree);
	for (size_t i = 0; i < o->count; i++) {
		const struct owners_way *way = owners_built(&o->objects[i], on, context);
		cleanup_free char *text = NULL;
		char file[PATH_MAX];
		const char *kept;
		size_t size, first = f->count;

		if (!way || snprintf(file, sizeof(file), "%s", o->objects[i].path) < 3)
			continue;
		file[strlen(file) - 1] = 'c';
		if (read_source(tree, file, &text, &size) < 0)
			continue;
		kept = keep(f, file);
		if (!kept || facts_scan(f, kept, text, size, way) < 0)
			return err_set(err, ENOMEM, "reading %s: out of memory", file);
		drop_off(f, first, on, context);
	}
	return 0;
}

void facts_free(struct facts *f)
{
	for (size_t i = 0; i < f->string_count; i++)
		free(f->strings[i]);
	free(f->strings);
	free(f->list);
	*f = (struct facts){ .count = 0 };
}
