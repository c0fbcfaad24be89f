// SPDX-License-Identifier: GPL-2.0-or-later
/* Theory of operation: evidence.h. */
#include "cut/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

const char *const evidence_kind_names[EVIDENCE_KINDS] = {
	[EVIDENCE_STATIC] = "static",   [EVIDENCE_REFUSED] = "refused",
	[EVIDENCE_SPARED] = "spared",   [EVIDENCE_TRACED] = "traced",
	[EVIDENCE_DENIED] = "denied",   [EVIDENCE_MACHINE] = "machine",
	[EVIDENCE_GOAL] = "goal",       [EVIDENCE_HARDENING] = "hardening",
	[EVIDENCE_KEPT] = "kept",       [EVIDENCE_PROBE] = "probe",
};

/* --- the set ----------------------------------------------------------------------------------- */

int evidence_add(struct evidence_set *set, enum evidence_kind kind, const char *option,
		 const char *reason, const char *source, const char *denial)
{
	struct evidence *e;

	for (size_t i = 0; i < set->count; i++) {
		e = &set->list[i];
		if (e->kind == kind && !strcmp(e->option, option) && !strcmp(e->reason, reason))
			return 0;
	}
	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 128;
		struct evidence *grown = realloc(set->list, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->list = grown;
		set->room = room;
	}
	e = &set->list[set->count];
	*e = (struct evidence){ .kind = kind, .option = strdup(option), .reason = strdup(reason),
				.source = strdup(source), .denial = strdup(denial) };
	set->count++;
	return e->option && e->reason && e->source && e->denial ? 0 : -ENOMEM;
}

void evidence_free(struct evidence_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->list[i].option);
		free(set->list[i].reason);
		free(set->list[i].source);
		free(set->list[i].denial);
	}
	free(set->list);
	*set = (struct evidence_set){ .count = 0 };
}

int evidence_strongest(const struct evidence_set *set, const char *option)
{
	int strongest = -1;

	for (size_t i = 0; i < set->count; i++)
		if ((int)set->list[i].kind > strongest && !strcmp(set->list[i].option, option))
			strongest = (int)set->list[i].kind;
	return strongest;
}

bool evidence_has(const struct evidence_set *set, const char *option, enum evidence_kind kind)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].kind == kind && !strcmp(set->list[i].option, option))
			return true;
	return false;
}

/* --- a report ------------------------------------------------------------------------------------ */

struct line {
	char kind[8], what[160], where[136];
	unsigned long done, failed;
	int error;
};

struct reader {
	struct evidence_set *set;
	enum evidence_kind kind;
	const struct facts *facts;
	const struct owners *owners;
	bool (*on)(void *context, const char *option);
	void *context;
};

/* Takes the next field, up to a tab. */
static int field(char **at, char *out, size_t room)
{
	char *start = strsep(at, "\t");

	return start && (size_t)snprintf(out, room, "%s", start) < room;
}

static int read_line(char *text, struct line *l)
{
	char number[32];

	if (!field(&text, l->kind, sizeof(l->kind)) || !field(&text, l->what, sizeof(l->what)) ||
	    !field(&text, number, sizeof(number)))
		return 0;
	l->done = strtoul(number, NULL, 10);
	if (!field(&text, number, sizeof(number)))
		return 0;
	l->failed = strtoul(number, NULL, 10);
	if (!field(&text, number, sizeof(number)))
		return 0;
	l->error = atoi(number);
	return field(&text, l->where, sizeof(l->where));
}

static int add(const struct reader *r, const struct line *l, const struct owners_way *way,
	       const char *use, const char *source)
{
	char reason[512], denial[192];
	const char *option = NULL;
	enum evidence_kind kind = r->kind;

	/* What must be off for it is no option to keep. */
	for (unsigned i = 0; i < way->count; i++)
		if (way->options[i][0] != '!')
			option = way->options[i];
	if (!option)
		return 0;
	if (kind == EVIDENCE_TRACED && !l->done)
		kind = EVIDENCE_REFUSED;
	if (kind == EVIDENCE_STATIC)
		snprintf(reason, sizeof(reason), "%s could use %s", *l->where ? l->where : "the image",
			 use);
	else if (kind == EVIDENCE_REFUSED)
		snprintf(reason, sizeof(reason), "the check asks for %s and is refused: %s", use,
			 strerror(l->error));
	else
		snprintf(reason, sizeof(reason), "the check uses %s (%lu times)", use, l->done);
	snprintf(denial, sizeof(denial), "%s=%s", l->kind, l->what);
	return evidence_add(r->set, kind, option, reason, source, denial);
}

/* Everything that the source says of (kind, what). Returns how many facts there were, or -errno. */
static int add_facts(const struct reader *r, const struct line *l, const char *kind,
		     const char *what, const char *use)
{
	int found = 0;

	for (size_t i = 0; i < r->facts->count; i++) {
		const struct fact *f = &r->facts->list[i];
		char source[256];

		if (strcmp(f->kind, kind) != 0 || strcmp(f->what, what) != 0)
			continue;
		found++;
		snprintf(source, sizeof(source), "%s:%u", f->file, f->line);
		if (add(r, l, &f->way, use, source) < 0)
			return -ENOMEM;
	}
	return found;
}

/* The options of an object file, for what has no name in the source. */
static int add_object(const struct reader *r, const struct line *l, const char *path,
		      const char *use)
{
	const struct owners_object *o = owners_find(r->owners, path);
	const struct owners_way *way = o ? owners_built(o, r->on, r->context) : NULL;

	return way ? add(r, l, way, use, path) : 0;
}

static int add_call(const struct reader *r, const struct line *l)
{
	unsigned long number = strtoul(l->what, NULL, 10);
	const char *name = number < 512 ? r->facts->calls[number] : NULL;
	char use[128];

	if (!name)
		return 0;
	snprintf(use, sizeof(use), "%s()", name);
	return add_facts(r, l, "call", name, use);
}

static int add_socket(const struct reader *r, const struct line *l)
{
	unsigned long number = strtoul(l->what, NULL, 10);
	const char *name = number < 64 ? r->facts->families[number] : NULL;
	char use[256];

	snprintf(use, sizeof(use), "sockets of family AF_%s", name ? name : l->what);
	return add_facts(r, l, "socket", l->what, use);
}

static int add_path(const struct reader *r, const struct line *l)
{
	const char *last = strrchr(l->what, '/') + 1, *first = l->what;
	int found;

	if (!strncmp(l->what, "/dev/pts", 8) || !strcmp(l->what, "/dev/ptmx"))
		return add_facts(r, l, "mount", "devpts", l->what);
	if (!strncmp(l->what, "/dev", 4))
		return add_facts(r, l, "device", last, l->what);
	if (!strncmp(l->what, "/sys", 4))
		return add_facts(r, l, "mount", "sysfs", l->what);
	if (!strncmp(first, "/proc/", 6)) {
		found = add_facts(r, l, "path", last, l->what);
		if (found)
			return found;
	}
	return add_facts(r, l, "mount", "proc", l->what);
}

/* fcntl's commands are numbers of the ABI; what stands behind them is a file of the source. */
static int add_fcntl(const struct reader *r, const struct line *l)
{
	unsigned long command = strtoul(l->what, NULL, 10);

	if ((command >= 5 && command <= 7) || (command >= 36 && command <= 38))
		return add_object(r, l, "fs/locks.o", "record locks");
	if (command == 1024 || command == 1025)
		return add_object(r, l, "fs/locks.o", "leases");
	if (command == 1026)
		return add_object(r, l, "fs/notify/dnotify/dnotify.o", "F_NOTIFY");
	return 0;
}

static int add_clone(const struct reader *r, const struct line *l)
{
	static const struct {
		unsigned long flag;
		const char *option;
	} spaces[] = { { 0x04000000, "UTS_NS" }, { 0x08000000, "IPC_NS" }, { 0x10000000, "USER_NS" },
		       { 0x20000000, "PID_NS" }, { 0x40000000, "NET_NS" }, { 0x02000000, "CGROUPS" } };
	unsigned long flag = strtoul(l->what, NULL, 10);

	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		const struct owners_way way = { .options = { spaces[i].option }, .count = 1 };

		if (spaces[i].flag == flag && r->on(r->context, spaces[i].option))
			return add(r, l, &way, "a name space of its own", "kernel/nsproxy.c");
	}
	return 0;
}

static int take(const struct reader *r, const struct line *l)
{
	if (!strcmp(l->kind, "call"))
		return add_call(r, l);
	if (!strcmp(l->kind, "socket"))
		return add_socket(r, l);
	if (!strcmp(l->kind, "mount"))
		return add_facts(r, l, "mount", l->what, l->what);
	if (!strcmp(l->kind, "path") && strchr(l->what, '/'))
		return add_path(r, l);
	if (!strcmp(l->kind, "fcntl"))
		return add_fcntl(r, l);
	if (!strcmp(l->kind, "clone"))
		return add_clone(r, l);
	if (!strcmp(l->kind, "script"))
		return add_object(r, l, "fs/binfmt_script.o", "scripts (#!)");
	if (!strcmp(l->kind, "elf"))
		return add_object(r, l, "fs/binfmt_elf.o", "ELF programs");
	if (!strcmp(l->kind, "shared"))
		return add_object(r, l, "mm/shmem.o", "memory shared between processes");
	return 0;
}

int evidence_read(struct evidence_set *set, const char *report, size_t size,
		  enum evidence_kind kind, const struct facts *facts, const struct owners *owners,
		  bool (*on)(void *context, const char *option), void *context, int *status,
		  struct err *err)
{
	const struct reader r = { set, kind, facts, owners, on, context };
	cleanup_free char *copy = strndup(report, size);
	char *rest = copy, *text;
	int ended = 0;

	if (!copy)
		return err_set(err, ENOMEM, "reading the tracer's report: out of memory");
	while ((text = strsep(&rest, "\n"))) {
		struct line l;

		if (!strncmp(text, "exit\t", 5)) {
			*status = atoi(text + 5);
			ended = 1;
		} else if (read_line(text, &l) && take(&r, &l) < 0) {
			return err_set(err, ENOMEM, "reading the tracer's report: out of memory");
		}
	}
	return ended ? 0 : err_set(err, EINVAL, "the tracer's report has no end");
}

/* --- a fragment ------------------------------------------------------------------------------------ */

int evidence_read_fragment(struct evidence_set *set, const char *name, const char *text,
			   size_t size, enum evidence_kind kind)
{
	cleanup_free char *copy = strndup(text, size);
	char *rest = copy, *line, reason[512] = "";

	if (!copy)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n"))) {
		size_t length;

		if (!strncmp(line, "# CONFIG_", 9) || !*line)
			continue;
		if (line[0] == '#') {
			snprintf(reason, sizeof(reason), "%s", line + 1 + strspn(line + 1, " "));
			continue;
		}
		length = strcspn(line, "=");
		if (strncmp(line, "CONFIG_", 7) != 0 || !line[length])
			continue;
		line[length] = '\0';
		if (evidence_add(set, kind, line + 7, *reason ? reason : name, name, "") < 0)
			return -ENOMEM;
	}
	return 0;
}
