// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read from Linux's Makefiles and source, on a small tree of their kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cut/evidence.h"
#include "cut/makefile.h"

/* --- Makefiles -------------------------------------------------------------------------------- */

struct heard {
	char text[2048];
};

static int hear(void *context, const struct makefile_assignment *a)
{
	struct heard *h = context;
	size_t used = strlen(h->text);

	used += (size_t)snprintf(h->text + used, sizeof(h->text) - used, "%s[%s]=%.*s", a->name,
				 a->option, (int)a->length, a->value);
	for (unsigned i = 0; i < a->option_count; i++)
		used += (size_t)snprintf(h->text + used, sizeof(h->text) - used, " {%s}",
					 a->options[i]);
	snprintf(h->text + used, sizeof(h->text) - used, "\n");
	return 0;
}

static void assert_reads(const char *text, const char *expected)
{
	struct heard h = { .text = "" };

	assert_int_equal(makefile_read(text, strlen(text), hear, &h), 0);
	assert_string_equal(h.text, expected);
}

static void assignments_with_their_options(void **state)
{
	assert_reads("obj-y := a.o b.o \\\n\tc.o # d.o\n", "obj-[y]= a.o b.o  \tc.o \n");
	assert_reads("obj-$(CONFIG_NET)+= net.o\n", "obj-[NET]= net.o\n");
	assert_reads("obj-$(subst m,y,$(CONFIG_PCI)) += p.o\n", "obj-[PCI]= p.o\n");
	assert_reads("foo-objs := x.o\nBITS := 64\n", "foo-objs[]= x.o\nBITS[]= 64\n");
	assert_reads("\t$(CC) -o x=y\nobj-m$(WHAT) = z.o\n", "");
}

static void conditionals_ask_for_options(void **state)
{
	assert_reads("ifdef CONFIG_A\nobj-y += a.o\nelse\nobj-y += b.o\nendif\nobj-y += c.o\n",
		     "obj-[y]= a.o {A}\nobj-[y]= b.o {!A}\nobj-[y]= c.o\n");
	assert_reads("ifeq ($(CONFIG_A),y)\nifneq ($(CONFIG_B),)\n\tobj-y += a.o\nendif\nendif\n",
		     "obj-[y]= a.o {A} {B}\n");
	assert_reads("ifeq ($(CONFIG_A),)\nobj-y += a.o\nendif\n", "obj-[y]= a.o {!A}\n");
	/* What asks for no single option is passed over, with what closes it. */
	assert_reads("ifeq ($(CONFIG_A)$(CONFIG_B),yy)\nobj-y += a.o\nendif\nifdef X\nobj-y += b.o\n"
		     "endif\n",
		     "obj-[y]= a.o\nobj-[y]= b.o\n");
}

static void nesting_without_end_is_survived(void **state)
{
	char text[4096] = "";
	struct heard h = { .text = "" };

	for (int i = 0; i < 100; i++)
		strcat(text, "ifdef CONFIG_A\n");
	for (int i = 0; i < 100; i++)
		strcat(text, "endif\n");
	strcat(text, "endif\nobj-y := a.o\n");
	assert_int_equal(makefile_read(text, strlen(text), hear, &h), 0);
	assert_string_equal(h.text, "obj-[y]= a.o\n");
}

/* --- a tree ----------------------------------------------------------------------------------- */

static char tree[] = "/tmp/cut-source-XXXXXX";

static void put(const char *name, const void *data, size_t size)
{
	char path[256], *slash;
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", tree, name);
	for (slash = path + strlen(tree) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0777);
	}
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

/* An object file with as many bytes that take memory, and some that do not. */
static void put_object(const char *name, uint64_t size)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Shdr sections[3];
	} file = { .head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
			     .e_shoff = sizeof(Elf64_Ehdr), .e_shentsize = sizeof(Elf64_Shdr),
			     .e_shnum = 3 },
		   .sections = { { .sh_size = 7 },
				 { .sh_size = size - 1, .sh_flags = SHF_ALLOC },
				 { .sh_size = 1, .sh_flags = SHF_ALLOC | SHF_WRITE } } };

	put(name, &file, sizeof(file));
}

static int make_tree(void **state)
{
	assert_non_null(mkdtemp(tree));
	put_text("Kbuild", "obj-y += fs/\nobj-$(CONFIG_NET) += net/\nobj-y += missing/ $(ARCH_CORE)\n");
	put_text("fs/Makefile",
		 "obj-y := open.o\nobj-$(CONFIG_EPOLL) += eventpoll.o\nobj-$(CONFIG_BIG) += big.o\n"
		 "obj-$(CONFIG_EPOLL) += shared.o\nobj-$(CONFIG_BIG) += shared.o\n"
		 "obj-$(CONFIG_SCRIPT) += binfmt_script.o\nBITS := 64\nobj-y += word_$(BITS).o\n"
		 "big-y := a.o b.o\nbig-$(CONFIG_BIG_ACL) += acl.o\n");
	put_text("net/Makefile", "obj-y := socket.o\nobj-$(CONFIG_UNIX) += unix/\n");
	put_text("net/unix/Makefile", "obj-y := af_unix.o\n");
	put_text("arch/um/Makefile", "ARCH_DIR := arch/um\ncore-y += $(ARCH_DIR)/kernel/\n");
	put_text("arch/um/kernel/Makefile", "obj-y := um.o\n");
	put_text("fs/open.c", "SYSCALL_DEFINE3(open, const char __user *, name, int, f, int, m)\n");
	put_text("fs/eventpoll.c",
		 "#ifdef CONFIG_EPOLL_MORE\nSYSCALL_DEFINE1(epoll_more, int, x)\n#else\n"
		 "SYSCALL_DEFINE1(epoll_less, int, x)\n#endif\n"
		 "SYSCALL_DEFINE4(epoll_wait, int, a)\nCOMPAT_SYSCALL_DEFINE4(epoll_32, int, a)\n");
	put_text("fs/a.c", "static struct file_system_type big = {\n\t.name = \"bigfs\",\n};\n"
			   "\t.name = \"no file system\",\n\tproc_create(\"bigstat\", 0, NULL, &x);\n");
	put_text("net/unix/af_unix.c", "static struct net_proto_family unix_ops = {\n"
				       "\t.family = PF_UNIX,\n};\n\tsock_register(&unix_ops);\n");
	put_text("include/linux/socket.h",
		 "#define AF_UNIX\t\t1\t/* sockets */\n#define AF_LOCAL\t1\n#define AF_INET 2\n");
	put_text("arch/x86/entry/syscalls/syscall_64.tbl",
		 "# numbers\n2\tcommon\topen\t\tsys_open\n232\tcommon\tepoll_wait\tsys_epoll_wait\n"
		 "3\tcommon\tless\tsys_epoll_less\n4\tcommon\tmore\tsys_epoll_more\n");
	put_object("out/fs/eventpoll.o", 1000);
	put_object("out/fs/a.o", 300);
	put_object("out/fs/acl.o", 50);
	put_text("out/fs/open.o", "no object");
	return 0;
}

static int remove_tree(void **state)
{
	return fd_remove_tree(AT_FDCWD, tree, NULL);
}

static bool on(void *context, const char *option)
{
	const char *all = context ? context : " EPOLL BIG NET UNIX SCRIPT ";
	char word[64];

	snprintf(word, sizeof(word), " %s ", option);
	return strstr(all, word) != NULL;
}

static struct owners read_owners(void)
{
	struct err err = ERR_INIT;
	struct owners o;

	if (owners_read(&o, tree, "um", &err) < 0)
		fail_msg("%s", err.text);
	return o;
}

static void objects_and_the_options_that_own_them(void **state)
{
	struct owners o = read_owners();
	struct owners_object *object = owners_find(&o, "net/unix/af_unix.o");

	assert_non_null(object);
	assert_int_equal(object->ways[0].count, 2);
	assert_string_equal(object->ways[0].options[0], "NET");
	assert_string_equal(object->ways[0].options[1], "UNIX");
	object = owners_find(&o, "fs/acl.o");
	assert_non_null(object);
	assert_string_equal(object->ways[0].options[0], "BIG");
	assert_string_equal(object->ways[0].options[1], "BIG_ACL");
	assert_null(owners_find(&o, "fs/big.o"));
	assert_non_null(owners_find(&o, "fs/word_64.o"));
	assert_non_null(owners_find(&o, "arch/um/kernel/um.o"));
	owners_free(&o);
}

static void an_object_with_two_ways_is_built_by_either(void **state)
{
	struct owners o = read_owners();
	struct owners_object *object = owners_find(&o, "fs/shared.o");

	assert_non_null(object);
	assert_int_equal(object->way_count, 2);
	assert_non_null(owners_built(object, on, (void *)" BIG "));
	assert_non_null(owners_built(object, on, (void *)" EPOLL "));
	assert_null(owners_built(object, on, (void *)" NET "));
	owners_free(&o);
}

static void sizes_are_those_of_what_takes_memory(void **state)
{
	struct owners o = read_owners();
	char out[64];

	snprintf(out, sizeof(out), "%s/out", tree);
	assert_int_equal(owners_measure(&o, out), 3);
	assert_int_equal(owners_find(&o, "fs/eventpoll.o")->size, 1000);
	assert_int_equal(owners_find(&o, "fs/open.o")->size, 0);
	assert_int_equal(owners_measure(&o, "/nonexistent"), 0);
	assert_int_equal(owners_find(&o, "fs/eventpoll.o")->size, 0);
	owners_free(&o);
}

static void a_tree_that_is_none_is_refused(void **state)
{
	struct err err = ERR_INIT;
	struct owners o;

	assert_true(owners_read(&o, "/nonexistent", "um", &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent"));
}

static const struct fact *fact_of(const struct facts *f, const char *kind, const char *what)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->list[i].kind, kind) && !strcmp(f->list[i].what, what))
			return &f->list[i];
	return NULL;
}

static struct facts read_facts(const struct owners *o)
{
	struct err err = ERR_INIT;
	struct facts f;

	assert_int_equal(facts_read(&f, tree, o, on, NULL, &err), 0);
	return f;
}

static void facts_of_the_source(void **state)
{
	struct owners o = read_owners();
	struct facts f = read_facts(&o);
	const struct fact *fact = fact_of(&f, "call", "epoll_wait");

	assert_non_null(fact);
	assert_string_equal(fact->file, "fs/eventpoll.c");
	assert_int_equal(fact->line, 6);
	assert_string_equal(fact->way.options[0], "EPOLL");
	assert_non_null(fact_of(&f, "mount", "bigfs"));
	assert_non_null(fact_of(&f, "path", "bigstat"));
	assert_non_null(fact_of(&f, "socket", "1"));
	assert_string_equal(f.families[1], "UNIX");
	assert_string_equal(f.calls[232], "epoll_wait");
	/* Every kernel has it; it is off; it is for 32 bits; it is no file system. */
	assert_null(fact_of(&f, "call", "open"));
	assert_null(fact_of(&f, "call", "epoll_more"));
	assert_non_null(fact_of(&f, "call", "epoll_less"));
	assert_null(fact_of(&f, "call", "epoll_32"));
	assert_null(fact_of(&f, "mount", "no file system"));
	facts_free(&f);
	owners_free(&o);
}

/* --- evidence ---------------------------------------------------------------------------------- */

static int take(struct evidence_set *set, const char *report, enum evidence_kind kind, int *status)
{
	struct owners o = read_owners();
	struct facts f = read_facts(&o);
	struct err err = ERR_INIT;
	int rc = evidence_read(set, report, strlen(report), kind, &f, &o, on, NULL, status, &err);

	facts_free(&f);
	owners_free(&o);
	return rc;
}

static void a_report_speaks_for_options(void **state)
{
	struct evidence_set set = { .count = 0 };
	int status = -1;

	assert_int_equal(take(&set,
			      "call\t2\t5\t0\t0\t\ncall\t232\t3\t1\t4\t\nsocket\t1\t1\t0\t0\t\n"
			      "script\t\t2\t0\t0\t\npath\t/proc/bigstat\t1\t0\t0\t\n"
			      "mount\tbigfs\t0\t2\t1\t\nexit\t3\n",
			      EVIDENCE_TRACED, &status),
			 0);
	assert_int_equal(status, 3);
	assert_true(evidence_has(&set, "EPOLL", EVIDENCE_TRACED));
	assert_true(evidence_has(&set, "UNIX", EVIDENCE_TRACED));
	assert_true(evidence_has(&set, "SCRIPT", EVIDENCE_TRACED));
	assert_true(evidence_has(&set, "BIG", EVIDENCE_TRACED));
	assert_true(evidence_has(&set, "BIG", EVIDENCE_REFUSED));
	assert_int_equal(evidence_strongest(&set, "NET"), -1);
	assert_string_equal(set.list[0].option, "EPOLL");
	assert_string_equal(set.list[0].reason, "the check uses epoll_wait() (3 times)");
	assert_string_equal(set.list[0].source, "fs/eventpoll.c:6");
	assert_string_equal(set.list[0].denial, "call=232");
	evidence_free(&set);
}

static void a_broken_report_is_refused_or_passed_over(void **state)
{
	struct evidence_set set = { .count = 0 };
	int status = -1;

	assert_true(take(&set, "call\t232\t3\t1\t4\t\n", EVIDENCE_TRACED, &status) < 0);
	evidence_free(&set);
	assert_int_equal(take(&set,
			      "call\ncall\t99999999999999999999\t1\t0\t0\t\nsocket\t-1\t1\t0\t0\t\n"
			      "path\tnothing\t1\t0\t0\t\n\t\t\t\t\t\nexit\t0\n",
			      EVIDENCE_TRACED, &status),
			 0);
	assert_int_equal(set.count, 0);
	evidence_free(&set);
}

static void comments_of_a_fragment_are_reasons(void **state)
{
	static const char text[] = "# It waits.\nCONFIG_EPOLL=y\nCONFIG_NAME=\"x\"\n\n"
				   "# CONFIG_NET is not set\nCONFIG_BIG=y\n";
	struct evidence_set set = { .count = 0 };

	assert_int_equal(evidence_read_fragment(&set, "um", text, strlen(text), EVIDENCE_MACHINE),
			 0);
	assert_int_equal(set.count, 3);
	assert_string_equal(set.list[1].option, "NAME");
	assert_string_equal(set.list[1].reason, "It waits.");
	assert_int_equal(evidence_strongest(&set, "BIG"), EVIDENCE_MACHINE);
	evidence_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assignments_with_their_options),
		cmocka_unit_test(conditionals_ask_for_options),
		cmocka_unit_test(nesting_without_end_is_survived),
		cmocka_unit_test(objects_and_the_options_that_own_them),
		cmocka_unit_test(an_object_with_two_ways_is_built_by_either),
		cmocka_unit_test(sizes_are_those_of_what_takes_memory),
		cmocka_unit_test(a_tree_that_is_none_is_refused),
		cmocka_unit_test(facts_of_the_source),
		cmocka_unit_test(a_report_speaks_for_options),
		cmocka_unit_test(a_broken_report_is_refused_or_passed_over),
		cmocka_unit_test(comments_of_a_fragment_are_reasons),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
