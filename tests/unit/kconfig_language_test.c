// SPDX-License-Identifier: GPL-2.0-or-later
/* Kconfig text: what is read, what is refused and in which words, what macros expand to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kconfig_given.h"

static void defines_options_of_every_type(void **state)
{
	struct kconfig *k = given_tree("config A\n\tbool \"a\"\n\tdefault y\n"
				       "config B\n\ttristate\n\tdefault m\n\tprompt 'b'\n"
				       "config C\n\tint \"c\"\n\tdefault 5\n"
				       "config D\n\thex \"d\"\n\tdefault 0x1f\n"
				       "config E\n\tstring \"e\"\n\tdefault \"x \\\"y\\\\\"\n"
				       "config F\n\tdef_bool y\n");

	given_becomes(k, "",
		      "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=5\nCONFIG_D=0x1f\n"
		      "CONFIG_E=\"x \\\"y\\\\\"\nCONFIG_F=y\n");
	assert_int_equal(kconfig_count(k), 6);
	assert_int_equal(kconfig_type(kconfig_find(k, "CONFIG_B")), KCONFIG_TRISTATE);
	assert_null(kconfig_find(k, "Z"));
	kconfig_free(k);
}

static void writes_menus_and_comments_around_options(void **state)
{
	static const char expected[] =
		"#\n# Automatically generated file; DO NOT EDIT.\n# The title\n#\n"
		"CONFIG_A=y\n\n#\n# Outer\n#\n\n#\n# Inner\n#\nCONFIG_B=y\n# end of Inner\n\n"
		"CONFIG_C=y\n\n#\n# seen\n#\n# end of Outer\n\nCONFIG_D=y\n";
	struct kconfig *k = given_tree("mainmenu \"The title\"\n"
				       "config A\n\tdef_bool y\n"
				       "menu \"Outer\"\n"
				       "menu \"Inner\"\nconfig B\n\tdef_bool y\nendmenu\n"
				       "config C\n\tdef_bool y\n"
				       "comment \"seen\"\n\tdepends on A\n"
				       "comment \"unseen\"\n\tdepends on !A\n"
				       "endmenu\n"
				       "menu \"None\"\n\tdepends on n\nendmenu\n"
				       "config D\n\tdef_bool y\n"
				       "config A\n\tbool\n");
	struct err err = ERR_INIT;
	struct buf text = { 0 };

	kconfig_solve(k);
	assert_int_equal(kconfig_write(k, &text, &err), 0);
	assert_int_equal(text.used, sizeof(expected) - 1);
	assert_memory_equal(buf_data(&text), expected, text.used);
	buf_free(&text);
	kconfig_free(k);
}

static void ends_a_help_text_where_its_indentation_ends(void **state)
{
	struct kconfig *k = given_tree("config A\n\tbool \"a\"\n\thelp\n"
				       "\t  config NOT\n\n\t    deeper  \n        \t  more\n"
				       "\n\tdefault y\nconfig B\n\tdef_bool y\n\thelp\n\t  end");

	assert_null(kconfig_find(k, "NOT"));
	given_becomes(k, "", "CONFIG_A=y\nCONFIG_B=y\n");
	kconfig_free(k);
}

static void joins_lines_and_skips_comments(void **state)
{
	struct kconfig *k = given_tree("# config NOT\nconfig A # here too\n\tbool \\\n\t\t\"a\"\n"
				       "\tdefault y if \\\n B || \\\n C\nconfig B\n\tbool\n"
				       "config C\n\tdef_bool y");

	given_becomes(k, "", "CONFIG_A=y\nCONFIG_C=y\n");
	kconfig_free(k);
}

static void binds_not_looser_than_a_comparison(void **state)
{
	struct kconfig *k = given_tree("config A\n\tstring\n\tdefault \"x\"\n"
				       "config B\n\tdef_bool !A=\"z\"\n"
				       "config C\n\tdef_bool y || n && n\n"
				       "config D\n\tdef_bool (y || n) && n\n"
				       "config E\n\tdef_bool !!(A!=\"x\") || !(n)\n");

	given_becomes(k, "", "CONFIG_A=\"x\"\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_E=y\n");
	kconfig_free(k);
}

static void compares_numbers_as_numbers_and_texts_as_texts(void **state)
{
	struct kconfig *k = given_tree("config N\n\tint\n\tdefault 9\n"
				       "config H\n\thex\n\tdefault 0x10\n"
				       "config S\n\tstring\n\tdefault \"9\"\n"
				       "config T\n\tstring\n\tdefault \"10\"\n"
				       "config A\n\tdef_bool N < 10\n"
				       "config B\n\tdef_bool H > 15\n"
				       "config C\n\tdef_bool S > T\n"
				       "config D\n\tdef_bool S < 10\n"
				       "config E\n\tdef_bool N >= \"abc\"\n"
				       "config F\n\tdef_bool NOBODY = \"NOBODY\"\n"
				       "config G\n\tdef_bool A = y && H != 0x11 && N <= 9\n");

	given_becomes(k, "",
		      "CONFIG_N=9\nCONFIG_H=0x10\nCONFIG_S=\"9\"\nCONFIG_T=\"10\"\n"
		      "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_D=y\nCONFIG_F=y\nCONFIG_G=y\n");
	kconfig_free(k);
}

static void names_file_line_and_what_was_expected(void **state)
{
	given_refused("menu \"x\"\nconfig A\n\tbool\n",
		      "Kconfig:4: expected 'endmenu' (for what began at line 1), found the end of "
		      "the file");
	given_refused("config A\n\tbool\nif A\nendmenu\n",
		      "Kconfig:4: expected a statement or 'endif' (for what began at line 3), "
		      "found 'endmenu'");
	given_refused("config A\n\tdepends A\n", "Kconfig:2: expected 'on', found 'A'");
	given_refused("config A\n\tdepends on A &&\n",
		      "Kconfig:2: expected a symbol or a quoted value, found the end of the line");
	given_refused("config A\n\tdepends on (A\n",
		      "Kconfig:2: expected ')', found the end of the line");
	given_refused("config A\n\tbool\n\tselect \"B\"\n",
		      "Kconfig:3: expected a symbol, found \"B\"");
	given_refused("config A B\n", "Kconfig:1: expected the end of the line, found 'B'");
	given_refused("config bool\n", "Kconfig:1: expected a symbol, found 'bool'");
	given_refused("\n\nnonsense here\n", "Kconfig:3: expected a statement, found 'nonsense'");
	given_refused("config A\n\tint \"a\"\n\trange 1\n",
		      "Kconfig:3: expected a symbol or a quoted value, found the end of the line");
	given_refused("choice\n\tprompt \"c\"\nmenu \"m\"\n",
		      "Kconfig:3: expected a statement or 'endchoice' (for what began at line 1), "
		      "found 'menu'");
	given_refused("source \"gone\"\n", "Kconfig:1: gone: No such file or directory");
}

static void refuses_what_makes_no_sense_only_at_the_end(void **state)
{
	given_refused("choice\nendchoice\n",
		      "Kconfig:1: expected a prompt for this choice, found none");
	given_refused("choice\n\tprompt \"c\"\nconfig A\n\tbool\nendchoice\n",
		      "Kconfig:3: expected a prompt for the choice's member 'A', found none");
	given_refused("choice\n\tprompt \"c\"\nconfig A\n\tint \"a\"\nendchoice\n",
		      "Kconfig:3: expected the choice's member 'A' to be bool, found int");
	given_refused("config A\n\tbool\n\ttransitional\n\tdefault y\n",
		      "Kconfig:4: expected nothing but a type and help for the transitional 'A', "
		      "found more");
	given_refused("config A\n\tbool\n\tmodules\nconfig B\n\tbool\n\tmodules\n",
		      "Kconfig:6: 'A' was declared to be the modules symbol already");
}

static void refuses_loops_of_dependencies_and_names_them(void **state)
{
	given_refused(
		"config A\n\tbool \"a\"\n\tdepends on B\nconfig B\n\tbool \"b\"\n"
		"\tdepends on C\nconfig C\n\tbool \"c\"\n\tselect B if A\n",
		"Kconfig:1: a loop of dependencies: A (Kconfig:1) needs B (Kconfig:4) needs A");
	given_refused("config A\n\tbool \"a\"\n\tdepends on A\n",
		      "Kconfig:1: a loop of dependencies: A (Kconfig:1) needs A");
	given_refused("choice\n\tprompt \"c\"\n\tdepends on A\nconfig A\n\tbool \"a\"\n"
		      "config B\n\tbool \"b\"\nendchoice\n",
		      "Kconfig:4: a loop of dependencies: A (Kconfig:4) needs a choice (Kconfig:1) "
		      "needs A");
}

static void takes_what_only_looks_like_a_loop(void **state)
{
	struct kconfig *k = given_tree("config A\n\tbool \"a\"\n\tdepends on B || !B\n"
				       "config B\n\tbool \"b\"\n\tdepends on A\n"
				       "config C\n\tint \"c\"\n\trange 1 D\n\tdefault 9\n"
				       "config D\n\tint \"d\"\n\trange 0 C\n\tdefault 5\n"
				       "config E\n\tbool \"e\"\n\tdepends on E && n\n");

	given_becomes(k, "CONFIG_A=y\nCONFIG_B=y\n",
		      "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=5\nCONFIG_D=5\n");
	kconfig_free(k);
}

/* --- files ------------------------------------------------------------------------------------ */

static void reads_sourced_files_and_finds_loops_among_them(void **state)
{
	static const char *const variables[] = { "ARCH=um", "DIR=a/b", NULL };
	static const struct given_file good[] = {
		{ "Kconfig", "source \"arch/$(ARCH)/Kconfig\"\nsource \"$(DIR)/Kconfig\"\n" },
		{ "arch/um/Kconfig", "config A\n\tdef_bool y" },
		{ "a/b/Kconfig", "if A\nconfig B\n\tdef_bool y\nendif\n" },
		{ 0 },
	};
	static const struct given_file loop[] = {
		{ "Kconfig", "\nsource \"one\"\n" },
		{ "one", "config A\n\tbool\nsource \"two\"\n" },
		{ "two", "source \"one\"\n" },
		{ 0 },
	};
	static const struct given_file open[] = {
		{ "Kconfig", "if y\nsource \"one\"\nendif\n" },
		{ "one", "config A\n\tbool\nendif\n" },
		{ 0 },
	};
	struct given given = { .files = good, .variables = variables };
	struct err err = ERR_INIT;
	struct kconfig *k;

	assert_int_equal(given_load(&given, &k, &err), 0);
	given_becomes(k, "", "CONFIG_A=y\nCONFIG_B=y\n");
	kconfig_free(k);
	given = (struct given){ .files = loop };
	assert_true(given_load(&given, &k, &err) < 0);
	assert_string_equal(err.text, "two:1: sources 'one', which is being read: it led here");
	given = (struct given){ .files = open };
	assert_true(given_load(&given, &k, &err) < 0);
	assert_string_equal(err.text, "one:3: expected a statement, found 'endif'");
}

static void bounds_nesting(void **state)
{
	enum { DEEP = 5000 };
	char *text = malloc(DEEP * 8 + 100), *at = text;

	assert_non_null(text);
	for (int i = 0; i < DEEP; i++)
		at = stpcpy(at, "if y\n");
	given_refused(text, "Kconfig:257: nested deeper than 256");
	at = stpcpy(text, "config A\n\tbool\n\tdepends on ");
	memset(at, '(', DEEP);
	strcpy(at + DEEP, "y\n");
	given_refused(text, "Kconfig:3: nested deeper than 256");
	memset(at, '!', DEEP);
	given_refused(text, "Kconfig:3: nested deeper than 256");
	free(text);
}

/* A loop would take a stack frame for each of these if anything here recursed along them. */
static void takes_long_chains(void **state)
{
	enum { LONG = 100000 };
	char *text = malloc((size_t)LONG * 64), *at = text;
	struct kconfig *k;

	assert_non_null(text);
	at = stpcpy(at, "config A0\n\tdef_bool y\n");
	for (int i = 1; i < LONG; i++)
		at += sprintf(at, "config A%d\n\tdef_bool A%d\n", i, i - 1);
	k = given_tree(text);
	kconfig_solve(k);
	assert_string_equal(kconfig_value(k, kconfig_find(k, "A99999")), "y");
	kconfig_free(k);
	at = stpcpy(text, "config A\n\tbool\nconfig B\n\tdef_bool A");
	for (int i = 1; i < LONG; i++)
		at = stpcpy(at, i % 2 ? " || A" : " && A");
	strcpy(at, "\n");
	k = given_tree(text);
	kconfig_solve(k);
	assert_string_equal(kconfig_value(k, kconfig_find(k, "B")), "n");
	kconfig_free(k);
	at = stpcpy(text, "config A\n\tbool \"a\"\n");
	for (int i = 0; i < LONG / 50; i++)
		at = stpcpy(at, "\tdepends on B || C\n\tdepends on B\n");
	k = given_tree(text);
	given_becomes(k, "CONFIG_A=y\n", "");
	kconfig_free(k);
	free(text);
}

/* --- macros ----------------------------------------------------------------------------------- */

static void expands_macros(void **state)
{
	static const char *const variables[] = { "FROM_CALLER=given", NULL };
	static const struct given_file files[] = {
		{ "Kconfig",
		  "NOW := early\nSIMPLE := $(NOW)\nLATE = $(NOW)\nNOW := late\n"
		  "LATE += more\ncomma := ,\nf = [$(2)|$(1)|$(3)]\n"
		  "g = $(f,$(1)1,$(1)2)\nempty :=\n$(empty)\n"
		  "$(info,$(SIMPLE) $(LATE) $(f,a$(comma)b,(c,d)) $(g,x))\n"
		  "$(info,$(FROM_CALLER) [$(NOBODY)] [$(NOBODY,x)] $ $$ $(shell,echo hi))\n"
		  "$(warning-if,n,not this)\n$(warning-if,y,$(filename) $(lineno))\n"
		  "name = A\nconfig $(name)$(name)-1\n\tdefault \"$(name) '$(shell,echo a)\"\n"
		  "\tstring\n\tdepends on $(shell,echo y)\n" },
		{ 0 },
	};
	struct given given = { .files = files, .variables = variables };
	struct err err = ERR_INIT;
	struct kconfig *k;

	if (given_load(&given, &k, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(given.notes, "early late more [(c,d)|a,b|] [x2|x1|]\n"
					 "given [] [] $ $$ hi\nKconfig:14: Kconfig 14\n");
	given_becomes(k, "", "CONFIG_AA-1=\"A 'a\"\n");
	assert_int_equal(given.commands, 3);
	kconfig_free(k);
}

static void runs_a_command_once_however_often_it_stands_there(void **state)
{
	static const struct given_file files[] = {
		{ "Kconfig", "f = $(shell,echo $(1))\nconfig A\n\tdef_bool $(f,y)\n"
			     "config B\n\tdef_bool $(f,y)\nconfig C\n\tdef_bool $(f,n)\n" },
		{ 0 },
	};
	struct given given = { .files = files };
	struct err err = ERR_INIT;
	struct kconfig *k;

	assert_int_equal(given_load(&given, &k, &err), 0);
	assert_int_equal(given.commands, 2);
	kconfig_free(k);
}

static void refuses_macros_without_end(void **state)
{
	given_refused("A = $(A)\n$(A)\n", "Kconfig:2: the variable 'A' refers to itself");
	given_refused("f = $(f,$(1))\n$(f,x)\n", "Kconfig:2: macros nest deeper than 200");
	given_refused("A = 0123456789012345\nB = $(A)$(A)$(A)$(A)$(A)$(A)$(A)$(A)\n"
		      "C = $(B)$(B)$(B)$(B)$(B)$(B)$(B)$(B)\nD = $(C)$(C)$(C)$(C)$(C)$(C)$(C)$(C)\n"
		      "E = $(D)$(D)$(D)$(D)$(D)$(D)$(D)$(D)\nF = $(E)$(E)$(E)$(E)$(E)$(E)$(E)$(E)\n"
		      "config $(F)$(F)$(F)\n",
		      "Kconfig:7: a macro expands to more than 1048576 bytes");
	given_refused("$(info,x\n", "Kconfig:1: expected ')' after '$(info,x', found the end");
	given_refused("$(shell,a,b)\n", "Kconfig:1: $(shell,…): expected 1 arguments, found 2");
	given_refused("\n$(error-if,y,no compiler)\n", "Kconfig:2: no compiler");
}

static void refuses_commands_when_nobody_runs_them(void **state)
{
	struct kconfig_source source = { .directory = -1, .file = "/dev/null" };
	struct err err = ERR_INIT;
	struct kconfig *k;

	assert_true(kconfig_load(&source, &k, &err) < 0);
	assert_string_equal(err.text, "/dev/null: not an ordinary file");
}

static void notes_what_is_odd(void **state)
{
	static const struct given_file files[] = {
		{ "Kconfig", "config A\n\tbool \"a\"\n\ttristate\n\tprompt \"  again\"\n"
			     "config B\n\tint \"unended\n\tdefault abc\n\trange 1 z\n; \n"
			     "config C\n\tstring\n\tselect A\n\thelp\n" },
		{ 0 },
	};
	struct given given = { .files = files };
	struct err err = ERR_INIT;
	struct kconfig *k;

	if (given_load(&given, &k, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(
		given.notes,
		"Kconfig:3: 'A' is a bool already; that it is a tristate is passed over\n"
		"Kconfig:4: a second prompt for one entry\n"
		"Kconfig:6: a quoted text does not end on its line\n"
		"Kconfig:9: byte 0x3b means nothing here\n"
		"Kconfig:13: an empty help text\n"
		"Kconfig:7: the default of 'B' is not a number\n"
		"Kconfig:8: a range of 'B' that is not one of numbers\n"
		"Kconfig:12: 'C' is not bool or tristate: it selects nothing\n");
	kconfig_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defines_options_of_every_type),
		cmocka_unit_test(writes_menus_and_comments_around_options),
		cmocka_unit_test(ends_a_help_text_where_its_indentation_ends),
		cmocka_unit_test(joins_lines_and_skips_comments),
		cmocka_unit_test(binds_not_looser_than_a_comparison),
		cmocka_unit_test(compares_numbers_as_numbers_and_texts_as_texts),
		cmocka_unit_test(names_file_line_and_what_was_expected),
		cmocka_unit_test(refuses_what_makes_no_sense_only_at_the_end),
		cmocka_unit_test(refuses_loops_of_dependencies_and_names_them),
		cmocka_unit_test(takes_what_only_looks_like_a_loop),
		cmocka_unit_test(reads_sourced_files_and_finds_loops_among_them),
		cmocka_unit_test(bounds_nesting),
		cmocka_unit_test(takes_long_chains),
		cmocka_unit_test(expands_macros),
		cmocka_unit_test(runs_a_command_once_however_often_it_stands_there),
		cmocka_unit_test(refuses_macros_without_end),
		cmocka_unit_test(refuses_commands_when_nobody_runs_them),
		cmocka_unit_test(notes_what_is_odd),
	};

	return cmocka_run_group_tests_name("kconfig-language", tests, NULL, NULL);
}
