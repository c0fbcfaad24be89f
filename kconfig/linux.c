// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linux's own tree.
 *
 * Theory of operation
 * -------------------
 * Linux's Kconfig files look at variables that its Makefile sets: the architecture, the version,
 * the tools. They are worked out here by the same rules (the top Makefile, scripts/subarch.include
 * and scripts/Makefile.clang), so that no make has to run: a tool is what the variable of its name
 * says, else the usual one, with CROSS_COMPILE in front or, under LLVM=, LLVM's.
 *
 * What a command prints may be kept (shell.c) as long as the environment and the tools are the
 * same, no package was installed or removed, and no script of the tree changed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "kconfig/kconfig.h"
#include "kconfig/shell.h"

enum { MAKEFILE_MAX = 1 << 20, TEXT_MAX = 1 << 20, VARIABLES_MAX = 4096 };

/* --- variables ----------------------------------------------------------------------------- */

/* "NAME=VALUE", …, NULL; all of them on the heap. */
struct variables {
	char *list[VARIABLES_MAX + 1];
	size_t count;
	int failed;
};

static char **find(struct variables *v, const char *name)
{
	size_t length = strlen(name), i;

	for (i = 0; i < v->count; i++)
		if (!strncmp(v->list[i], name, length) && v->list[i][length] == '=')
			return &v->list[i];
	return NULL;
}

/* Empty for one that is not set, as in a Makefile. */
static const char *get(struct variables *v, const char *name)
{
	char **slot = find(v, name);

	return slot ? *slot + strlen(name) + 1 : "";
}

static void set(struct variables *v, const char *name, const char *value)
{
	char **slot = find(v, name), *text;

	if ((!slot && v->count == VARIABLES_MAX) || asprintf(&text, "%s=%s", name, value) < 0) {
		v->failed = -ENOMEM;
		return;
	}
	if (!slot)
		slot = &v->list[v->count++];
	free(*slot);
	*slot = text;
}

static void set_default(struct variables *v, const char *name, const char *value)
{
	if (!*get(v, name))
		set(v, name, value);
}

static void unset(struct variables *v, const char *name)
{
	char **slot = find(v, name);

	if (!slot)
		return;
	free(*slot);
	*slot = v->list[--v->count];
	v->list[v->count] = NULL;
}

static void take_environment(struct variables *v)
{
	char *const *e;

	for (e = environ; *e; e++) {
		if (!strchr(*e, '=') || v->count == VARIABLES_MAX)
			continue;
		v->list[v->count] = strdup(*e);
		if (v->list[v->count])
			v->count++;
		else
			v->failed = -ENOMEM;
	}
}

static void free_variables(struct variables *v)
{
	while (v->count > 0)
		free(v->list[--v->count]);
}

/* --- architecture and version -------------------------------------------------------------- */

/* What Linux calls a machine; `prefix` matches the start of its name only. */
static const struct {
	const char *machine, *arch;
	int prefix;
} machines[] = {
	{ "x86_64", "x86", 0 },  { "i386", "x86", 0 },      { "i486", "x86", 0 },
	{ "i586", "x86", 0 },    { "i686", "x86", 0 },      { "sun4u", "sparc64", 0 },
	{ "arm64", "arm64", 0 }, { "aarch64", "arm64", 1 }, { "arm", "arm", 1 },
	{ "sa110", "arm", 0 },   { "s390x", "s390", 0 },    { "ppc", "powerpc", 1 },
	{ "mips", "mips", 1 },   { "sh2", "sh", 1 },        { "sh3", "sh", 1 },
	{ "sh4", "sh", 1 },      { "riscv", "riscv", 1 },   { "loongarch", "loongarch", 1 },
};

static const char *this_machine(struct utsname *name)
{
	size_t i;

	if (uname(name) < 0)
		return "x86";
	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].prefix ? !strncmp(name->machine, machines[i].machine,
						  strlen(machines[i].machine))
				       : !strcmp(name->machine, machines[i].machine))
			return machines[i].arch;
	return name->machine;
}

/* The directory of an architecture that has names of its own for parts of it. */
static const char *directory_of(const char *arch)
{
	static const char *const names[][2] = {
		{ "i386", "x86" },      { "x86_64", "x86" },      { "sparc32", "sparc" },
		{ "sparc64", "sparc" }, { "parisc64", "parisc" }, { "sh64", "sh" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(arch, names[i][0]))
			return names[i][1];
	return arch;
}

static int set_arch(struct variables *v, const struct kconfig_linux *l, int source, struct err *err)
{
	struct utsname name;
	const char *subarch = l->subarch ? l->subarch : this_machine(&name);
	const char *arch = l->arch ? l->arch : subarch;
	char path[300];

	snprintf(path, sizeof(path), "arch/%.200s/Kconfig", directory_of(arch));
	if (strchr(arch, '/') || faccessat(source, path, F_OK, 0) < 0) {
		err_set(err, EINVAL, "%s has no architecture '%s' (%s)", l->source, arch, path);
		err_hint(err, "name one as make's ARCH= does: um, x86, arm64, …");
		return -EINVAL;
	}
	set(v, "SUBARCH", subarch);
	set(v, "ARCH", arch);
	set(v, "SRCARCH", directory_of(arch));
	if (!strcmp(arch, "um"))
		set(v, "HEADER_ARCH", directory_of(subarch));
	return 0;
}

/* "NAME = VALUE" at the start of a line of the Makefile; empty if there is none. */
static void makefile_value(const char *text, const char *name, char *value, size_t size)
{
	size_t length = strlen(name), used;
	const char *line;

	*value = '\0';
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) || line[length] != ' ')
			continue;
		line += length + strspn(line + length, " ");
		if (*line++ != '=')
			continue;
		line += strspn(line, " \t");
		used = strcspn(line, " \t\n");
		snprintf(value, size, "%.*s", (int)used, line);
		return;
	}
}

static int set_version(struct variables *v, int source, const char *name, unsigned int *version,
		       struct err *err)
{
	static const char *const parts[] = { "VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION" };
	char part[4][64], whole[256];
	cleanup_free char *text = NULL;
	int i;

	if (fd_read_file(source, "Makefile", MAKEFILE_MAX, &text, NULL, err) < 0) {
		err_hint(err, "name the directory of Linux's source: --source DIR");
		return err_context(err, "reading Linux's source in %s", name);
	}
	for (i = 0; i < 4; i++)
		makefile_value(text, parts[i], part[i], sizeof(part[i]));
	if (!*part[0] || !*part[1]) {
		err_set(err, EINVAL, "%s/Makefile: expected VERSION and PATCHLEVEL, found none",
			name);
		err_hint(err, "name the directory of Linux's source: --source DIR");
		return -EINVAL;
	}
	snprintf(whole, sizeof(whole), "%s.%s%s%s%s", part[0], part[1], *part[2] ? "." : "",
		 part[2], part[3]);
	for (i = 0; i < 3; i++)
		set(v, parts[i], part[i]);
	set(v, "KERNELVERSION", whole);
	*version = KCONFIG_VERSION(strtoul(part[0], NULL, 10) & 0x7fff,
				   strtoul(part[1], NULL, 10) & 0xffff);
	return 0;
}

/* --- tools --------------------------------------------------------------------------------- */

/* `cross`: CROSS_COMPILE goes in front; `llvm`: what it is under LLVM=. */
static const struct {
	const char *name, *usual, *llvm;
	int cross;
} tools[] = {
	{ "CC", "gcc", "clang", 1 },
	{ "LD", "ld", "ld.lld", 1 },
	{ "AR", "ar", "llvm-ar", 1 },
	{ "NM", "nm", "llvm-nm", 1 },
	{ "OBJCOPY", "objcopy", "llvm-objcopy", 1 },
	{ "OBJDUMP", "objdump", "llvm-objdump", 1 },
	{ "READELF", "readelf", "llvm-readelf", 1 },
	{ "STRIP", "strip", "llvm-strip", 1 },
	{ "HOSTCC", "gcc", "clang", 0 },
	{ "HOSTCXX", "g++", "clang++", 0 },
	{ "RUSTC", "rustc", NULL, 0 },
	{ "HOSTRUSTC", "rustc", NULL, 0 },
	{ "RUSTDOC", "rustdoc", NULL, 0 },
	{ "BINDGEN", "bindgen", NULL, 0 },
	{ "PAHOLE", "pahole", NULL, 0 },
	{ "AWK", "awk", NULL, 0 },
	{ "PERL", "perl", NULL, 0 },
	{ "PYTHON3", "python3", NULL, 0 },
	{ "BASH", "bash", NULL, 0 },
	{ "CONFIG_SHELL", "sh", NULL, 0 },
};
enum { TOOLS = sizeof(tools) / sizeof(tools[0]) };

static void set_tools(struct variables *v)
{
	const char *llvm = get(v, "LLVM"), *cross = get(v, "CROSS_COMPILE");
	const char *before = strchr(llvm, '/') ? llvm : "";
	const char *after = *llvm == '-' ? llvm : "";
	char name[4200];
	int i;

	for (i = 0; i < TOOLS; i++) {
		if (*llvm && tools[i].llvm)
			snprintf(name, sizeof(name), "%s%s%s", before, tools[i].llvm, after);
		else
			snprintf(name, sizeof(name), "%s%s", tools[i].cross ? cross : "",
				 tools[i].usual);
		set_default(v, tools[i].name, name);
	}
	set_default(v, "RUSTC_BOOTSTRAP", "1");
	set(v, "LC_COLLATE", "C");
	set(v, "LC_NUMERIC", "C");
	unset(v, "LC_ALL");
	unset(v, "MAKEFLAGS");
}

/* The flags that Linux gives to every clang; empty for another compiler. */
static void set_clang_flags(struct variables *v)
{
	static const char *const targets[][2] = {
		{ "arm", "arm-linux-gnueabi" },
		{ "arm64", "aarch64-linux-gnu" },
		{ "hexagon", "hexagon-linux-musl" },
		{ "i386", "i386-linux-gnu" },
		{ "loongarch", "loongarch64-linux-gnusf" },
		{ "m68k", "m68k-linux-gnu" },
		{ "mips", "mipsel-linux-gnu" },
		{ "powerpc", "powerpc64le-linux-gnu" },
		{ "riscv", "riscv64-linux-gnu" },
		{ "s390", "s390x-linux-gnu" },
		{ "sparc", "sparc64-linux-gnu" },
		{ "x86", "x86_64-linux-gnu" },
	};
	const char *arch = get(v, "SRCARCH"), *text = get(v, "CC_VERSION_TEXT");
	char flags[400] = "";
	size_t i;

	if (!strcmp(arch, "um"))
		arch = get(v, "SUBARCH");
	for (i = 0; strstr(text, "clang") && i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(arch, targets[i][0]))
			snprintf(flags, sizeof(flags),
				 "--target=%s -fintegrated-as -Werror=unknown-warning-option "
				 "-Werror=ignored-optimization-argument -Werror=option-ignored "
				 "-Werror=unused-command-line-argument",
				 targets[i][1]);
	set(v, "CLANG_FLAGS", flags);
}

/* What a tool says of itself, without the character that Make reads as a comment's start. */
static int set_said(struct variables *v, struct kc_shell *shell, const char *name,
		    const char *command, struct err *err)
{
	char text[4096], *from, *to = text;
	int rc = kc_shell_run(shell, command, text, sizeof(text), err);

	if (rc < 0)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	for (from = text; *from; from++)
		if (*from != '#')
			*to++ = *from;
	*to = '\0';
	set(v, name, text);
	return 0;
}

static int ask_tools(struct variables *v, struct kc_shell *shell, const char *source,
		     struct err *err)
{
	char command[8192];
	int rc;

	snprintf(command, sizeof(command), "LC_ALL=C %.4000s --version 2>/dev/null | head -n 1",
		 get(v, "CC"));
	rc = set_said(v, shell, "CC_VERSION_TEXT", command, err);
	snprintf(command, sizeof(command), "%.4000s --version 2>/dev/null", get(v, "RUSTC"));
	rc = rc ? rc : set_said(v, shell, "RUSTC_VERSION_TEXT", command, err);
	snprintf(command, sizeof(command), "%.3000s/scripts/pahole-version.sh %.4000s", source,
		 get(v, "PAHOLE"));
	rc = rc ? rc : set_said(v, shell, "PAHOLE_VERSION", command, err);
	if (rc == 0)
		set_clang_flags(v);
	return rc;
}

/* --- identity ------------------------------------------------------------------------------ */

static void put(struct buf *text, const char *a, const char *b)
{
	buf_append(text, a, strlen(a), TEXT_MAX);
	buf_append(text, b, strlen(b), TEXT_MAX);
}

static void put_file(struct buf *text, int directory, const char *name)
{
	struct stat st;
	char line[128] = " -\n";

	if (fstatat(directory, name, &st, 0) == 0)
		snprintf(line, sizeof(line), " %llu %lld %lld.%09ld\n",
			 (unsigned long long)st.st_ino, (long long)st.st_size,
			 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	put(text, name, line);
}

/* A tool's program, and with it whatever else its variable names ("ccache gcc"). */
static void put_tool(struct buf *text, const char *path, const char *words)
{
	char name[4200];
	const char *directory;
	size_t length, size;

	for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
		length = strcspn(words, " ");
		if (memchr(words, '/', length)) {
			snprintf(name, sizeof(name), "%.*s", (int)length, words);
			put_file(text, AT_FDCWD, name);
		}
		for (directory = path; *directory && !memchr(words, '/', length);
		     directory += size + (directory[size] == ':')) {
			size = strcspn(directory, ":");
			snprintf(name, sizeof(name), "%.*s/%.*s", (int)size, directory, (int)length,
				 words);
			if (access(name, X_OK) == 0) {
				put_file(text, AT_FDCWD, name);
				break;
			}
		}
		words += length;
	}
}

static int is_script(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 3 && !strcmp(entry->d_name + length - 3, ".sh");
}

static void put_scripts(struct buf *text, int source)
{
	cleanup_close int directory = openat(source, "scripts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries;
	int n = scandirat(source, "scripts", &entries, is_script, alphasort), i;

	for (i = 0; i < n; i++) {
		put_file(text, directory, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Everything that a command's answer may hang on. */
static char *identity_of(struct variables *v, int source, const char *name)
{
	static const char *const package_lists[] = {
		"/var/lib/dpkg/status",      "/lib/apk/db/installed",
		"/var/lib/pacman/local",     "/usr/lib/sysimage/rpm/rpmdb.sqlite",
		"/var/lib/rpm/rpmdb.sqlite",
	};
	static const char *const others[] = {
		"PATH",          "ARCH",         "SUBARCH",       "KERNELVERSION",
		"CROSS_COMPILE", "LLVM",         "LLVM_IAS",      "CFLAGS",
		"CPATH",         "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX",
	};
	const char *path = *get(v, "PATH") ? get(v, "PATH") : "/usr/bin:/bin";
	struct buf text = { 0 };
	size_t i;

	put(&text, name, "\n");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		put(&text, others[i], "=");
		put(&text, get(v, others[i]), "\n");
	}
	for (i = 0; i < TOOLS; i++) {
		put(&text, tools[i].name, "=");
		put(&text, get(v, tools[i].name), "\n");
		put_tool(&text, path, get(v, tools[i].name));
	}
	put_tool(&text, path, "as ld cc1");
	for (i = 0; i < sizeof(package_lists) / sizeof(package_lists[0]); i++)
		put_file(&text, AT_FDCWD, package_lists[i]);
	put_scripts(&text, source);
	if (buf_append(&text, "", 1, TEXT_MAX) < 0)
		buf_free(&text);
	return (char *)text.data;
}

/* --- loading ------------------------------------------------------------------------------- */

struct told {
	const struct kconfig_linux *l;
	struct kc_shell *shell;
};

static void tell(void *context, const char *text)
{
	const struct told *t = context;

	if (t->l->note)
		t->l->note(t->l->context, text);
}

static int run(void *context, const char *command, char *output, size_t size, struct err *err)
{
	const struct told *t = context;

	return kc_shell_run(t->shell, command, output, size, err);
}

static int prepare(struct variables *v, const struct kconfig_linux *l, int source, const char *path,
		   unsigned int *version, struct err *err)
{
	int rc;

	take_environment(v);
	set(v, "srctree", path);
	rc = set_arch(v, l, source, err);
	rc = rc ? rc : set_version(v, source, l->source, version, err);
	set_tools(v);
	return rc == 0 && v->failed ? err_sys(err, -v->failed, "reading %s", l->source) : rc;
}

static int load(struct variables *v, const struct kconfig_linux *l, int source, const char *path,
		struct kconfig **tree, struct err *err)
{
	struct kconfig_source s = { .directory = source, .shell = run, .note = tell };
	cleanup_free char *identity = NULL;
	struct told told = { l, NULL };
	int rc = prepare(v, l, source, path, &s.version, err);

	if (rc < 0)
		return rc;
	identity = identity_of(v, source, path);
	if (!identity)
		return err_sys(err, ENOMEM, "reading %s", l->source);
	told.shell = kc_shell_open(path, l->cache, identity, err);
	if (!told.shell)
		return -ENOMEM;
	kc_shell_set_environment(told.shell, v->list);
	rc = ask_tools(v, told.shell, path, err);
	s.variables = (const char *const *)v->list;
	s.context = &told;
	rc = rc ? rc : kconfig_load(&s, tree, err);
	kc_shell_close(told.shell);
	return rc;
}

int kconfig_linux_load(const struct kconfig_linux *l, struct kconfig **tree, struct err *err)
{
	cleanup_close int source = open(l->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *path = realpath(l->source, NULL);
	struct variables *v;
	int rc;

	if (source < 0 || !path) {
		rc = err_sys(err, errno, "opening Linux's source in %s", l->source);
		err_hint(err, "name the directory of Linux's source: --source DIR");
		return rc;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		return err_sys(err, ENOMEM, "reading %s", l->source);
	rc = load(v, l, source, path, tree, err);
	free_variables(v);
	free(v);
	return rc;
}
