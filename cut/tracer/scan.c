// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the files of a tree could ask of a kernel, without running them.
 *
 * Theory of operation
 * -------------------
 * Every regular file below the root is looked at once. A "#!" is a script. In ELF files:
 *   - a program's own code may contain `syscall` with the number loaded just before it;
 *   - what a program or a library imports is remembered by name;
 *   - what a library exports is followed, from the function through its direct calls, to the
 *     `syscall` instructions that it can reach.
 * In the end every imported name gives the calls of the function that is exported under it. That
 * is what C libraries' system calls look like; a number that is computed is not found, and a call
 * that is found need never be made: this ranks, it does not decide.
 *
 * The files are strangers': every offset is checked against the file's size before it is used.
 */
#include "cut/tracer/tracer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CALLS = 512,	      /* numbers that are looked for */
	NAMES = 1 << 17,      /* imported and exported names */
	FILE_MOST = 256 << 20,
	LOOK_BACK = 40,	      /* bytes before `syscall` in which the number is loaded */
	FUNCTION_MOST = 4096, /* bytes of a function of unknown size */
	DEPTH_MOST = 24,
	VISITS_MOST = 400,
};

struct name {
	char *text;
	char *importer; /* the first file that imports it */
	uint8_t calls[CALLS / 8];
};

static struct name *names;
static size_t name_count;

static struct name *name_find(const char *text)
{
	size_t hash = 5381, at;

	for (const char *c = text; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (at = hash % NAMES; names[at].text; at = (at + 1) % NAMES)
		if (!strcmp(names[at].text, text))
			return &names[at];
	if (name_count >= NAMES / 4 * 3)
		return NULL;
	names[at].text = strdup(text);
	if (!names[at].text)
		return NULL;
	name_count++;
	return &names[at];
}

/* --- a file ------------------------------------------------------------------------------------ */

struct elf {
	const uint8_t *data;
	size_t size;
	const char *path;
	const Elf64_Phdr *segments;
	unsigned segment_count;
	const Elf64_Sym *symbols;
	size_t symbol_count;
	const char *strings;
	size_t string_size;
	int library;
	/* of the function that is being followed */
	uint64_t visited[VISITS_MOST];
	unsigned visit_count;
};

static const void *part(const struct elf *e, uint64_t at, uint64_t size)
{
	return at <= e->size && size <= e->size - at ? e->data + at : NULL;
}

/* The code at an address, and how much of it there is; NULL if none. */
static const uint8_t *code_at(const struct elf *e, uint64_t address, uint64_t *room)
{
	for (unsigned i = 0; i < e->segment_count; i++) {
		const Elf64_Phdr *p = &e->segments[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || address < p->p_vaddr ||
		    address - p->p_vaddr >= p->p_filesz || !part(e, p->p_offset, p->p_filesz))
			continue;
		*room = p->p_filesz - (address - p->p_vaddr);
		return e->data + p->p_offset + (address - p->p_vaddr);
	}
	return NULL;
}

/* Which call is made by the `syscall` at code[at]? -1: that cannot be seen. */
static int call_number(const uint8_t *code, size_t at)
{
	size_t low = at > LOOK_BACK ? at - LOOK_BACK : 0;
	uint32_t number;

	for (size_t i = at; i-- > low;) {
		if (code[i] == 0xb8 && at - i >= 5) { /* mov $number,%eax */
			memcpy(&number, code + i + 1, 4);
			if (number < CALLS)
				return (int)number;
		}
		if (code[i] == 0x31 && code[i + 1] == 0xc0) /* xor %eax,%eax */
			return 0;
	}
	return -1;
}

/* Reads a section header table's dynamic symbols; a file without has none. */
static void read_symbols(struct elf *e, const Elf64_Ehdr *head)
{
	const Elf64_Shdr *sections = part(e, head->e_shoff, (uint64_t)head->e_shnum * sizeof(*sections));

	if (!sections || head->e_shentsize != sizeof(*sections) || head->e_shoff % 8)
		return;
	for (unsigned i = 0; i < head->e_shnum; i++) {
		const Elf64_Shdr *s = &sections[i], *strings;

		if (s->sh_type != SHT_DYNSYM || s->sh_link >= head->e_shnum || s->sh_offset % 8)
			continue;
		strings = &sections[s->sh_link];
		e->symbols = part(e, s->sh_offset, s->sh_size);
		e->strings = part(e, strings->sh_offset, strings->sh_size);
		if (!e->symbols || !e->strings || !strings->sh_size ||
		    e->strings[strings->sh_size - 1])
			return;
		e->symbol_count = s->sh_size / sizeof(*e->symbols);
		e->string_size = strings->sh_size;
		return;
	}
}

static int elf_open(struct elf *e)
{
	const Elf64_Ehdr *head = part(e, 0, sizeof(*head));

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
	    head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_machine != EM_X86_64 ||
	    (head->e_type != ET_EXEC && head->e_type != ET_DYN) ||
	    head->e_phentsize != sizeof(*e->segments) || head->e_phoff % 8)
		return 0;
	e->segments = part(e, head->e_phoff, (uint64_t)head->e_phnum * sizeof(*e->segments));
	if (!e->segments)
		return 0;
	e->segment_count = head->e_phnum;
	/* glibc's library names an interpreter, and static programs may be ET_DYN: the name tells. */
	e->library = head->e_type == ET_DYN && strstr(strrchr(e->path, '/'), ".so");
	read_symbols(e, head);
	return 1;
}

/* --- what it can call ---------------------------------------------------------------------------- */

static void follow(struct elf *e, uint64_t address, uint64_t size, uint8_t *calls, int depth)
{
	const uint8_t *code;
	uint64_t room;

	for (unsigned i = 0; i < e->visit_count; i++)
		if (e->visited[i] == address)
			return;
	code = code_at(e, address, &room);
	if (!code || depth > DEPTH_MOST || e->visit_count == VISITS_MOST)
		return;
	e->visited[e->visit_count++] = address;
	if (size < room)
		room = size;
	for (uint64_t i = 0; i + 1 < room; i++) {
		int32_t distance;
		int number;

		if (code[i] == 0x0f && code[i + 1] == 0x05) {
			number = call_number(code, i);
			if (number >= 0)
				calls[number / 8] |= (uint8_t)(1 << number % 8);
		}
		if ((code[i] == 0xe8 || code[i] == 0xe9) && i + 5 <= room) {
			uint64_t target;

			memcpy(&distance, code + i + 1, 4);
			target = address + i + 5 + (uint64_t)(int64_t)distance;
			/* Compilers align functions: what is not aligned is no call, but data. */
			if (target % 16 == 0)
				follow(e, target, FUNCTION_MOST, calls, depth + 1);
		}
		/* The end of a function of unknown size: a return before the next one's alignment. */
		if (size == FUNCTION_MOST && code[i] == 0xc3 && (address + i + 1) % 16 == 0)
			return;
	}
}

/*
 * Is it a library that makes system calls itself? In large ones that do not, the instruction's two
 * bytes stand by chance, but rarely with a number before them.
 */
static int makes_calls(const struct elf *e)
{
	uint64_t found = 0, size = 0;

	for (unsigned i = 0; e->library && i < e->segment_count; i++) {
		const Elf64_Phdr *p = &e->segments[i];
		const uint8_t *code = part(e, p->p_offset, p->p_filesz);

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || !code)
			continue;
		size += p->p_filesz;
		for (size_t at = 0; at + 1 < p->p_filesz; at++)
			found += code[at] == 0x0f && code[at + 1] == 0x05 &&
				 call_number(code, at) >= 0;
	}
	return found > 0 && size / found < 65536;
}

static void add_names(struct elf *e)
{
	int follows = makes_calls(e);

	for (size_t i = 0; i < e->symbol_count; i++) {
		const Elf64_Sym *s = &e->symbols[i];
		struct name *name;

		if (s->st_name >= e->string_size || !e->strings[s->st_name])
			continue;
		if (s->st_shndx == SHN_UNDEF) {
			name = name_find(e->strings + s->st_name);
			if (name && !name->importer)
				name->importer = strdup(e->path);
		} else if (follows && ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_size) {
			name = name_find(e->strings + s->st_name);
			e->visit_count = 0;
			if (name)
				follow(e, s->st_value, s->st_size, name->calls, 0);
		}
	}
}

static void add_call(unsigned number, const char *path)
{
	struct use *use = use_number("call", number);

	if (!use)
		return;
	if (!use->done++)
		snprintf(use->where, sizeof(use->where), "%s", path);
}

/* All `syscall` instructions of a program that is its own C library. */
static void add_own_calls(const struct elf *e)
{
	for (unsigned i = 0; i < e->segment_count; i++) {
		const Elf64_Phdr *p = &e->segments[i];
		const uint8_t *code = part(e, p->p_offset, p->p_filesz);

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || !code)
			continue;
		for (size_t at = 0; at + 1 < p->p_filesz; at++) {
			int number = code[at] == 0x0f && code[at + 1] == 0x05 ?
					     call_number(code, at) : -1;

			if (number >= 0)
				add_call((unsigned)number, e->path);
		}
	}
}

static void scan_data(const char *path, const uint8_t *data, size_t size)
{
	struct elf *e;
	struct use *use;

	if (data[0] == '#' && data[1] == '!') {
		use = use_find("script", "");
		if (use && !use->done++)
			snprintf(use->where, sizeof(use->where), "%s", path);
		return;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	*e = (struct elf){ .data = data, .size = size, .path = path };
	if (elf_open(e)) {
		use = use_find("elf", "");
		if (use && !use->done++)
			snprintf(use->where, sizeof(use->where), "%s", path);
		add_names(e);
		if (!e->library)
			add_own_calls(e);
	}
	free(e);
}

/* --- the tree ------------------------------------------------------------------------------------ */

/* The third field of an fstab's lines. */
static void scan_fstab(const char *path, const char *data, size_t size)
{
	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		char line[512], type[128];

		snprintf(line, sizeof(line), "%.*s", (int)(length < 500 ? length : 500), data);
		data += length + (end != NULL);
		size -= length + (end != NULL);
		if (line[0] != '#' && sscanf(line, "%*s %*s %127s", type) == 1) {
			struct use *use = use_find("mount", type);

			if (use && !use->done++)
				snprintf(use->where, sizeof(use->where), "%s", path);
		}
	}
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *below = path + (!strncmp(path, "//", 2) ? 1 : 0);
	int fd;
	void *data;

	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size < 4 || st->st_size > FILE_MOST)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return 0;
	data = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return 0;
	if (!strcmp(below, "/etc/fstab"))
		scan_fstab(below, data, (size_t)st->st_size);
	else
		scan_data(below, data, (size_t)st->st_size);
	munmap(data, (size_t)st->st_size);
	return 0;
}

int scan_run(const char *root)
{
	names = calloc(NAMES, sizeof(*names));
	if (!names || nftw(root, visit, 32, FTW_PHYS | FTW_MOUNT) < 0) {
		fprintf(stderr, "hillock-tracer: %s: %s\n", root, strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < NAMES; i++) {
		for (unsigned n = 0; names[i].importer && n < CALLS; n++)
			if (names[i].calls[n / 8] & 1 << n % 8)
				add_call(n, names[i].importer);
	}
	use_print();
	printf("exit\t0\n");
	return fflush(stdout) == 0 ? 0 : 1;
}
