// SPDX-License-Identifier: GPL-2.0-or-later
/* What options come to: dependencies, selects, defaults, ranges, choices, modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kconfig_given.h"

#define MODULES "config MODULES\n\tbool \"modules\"\n\tmodules\n"

static void asks_only_where_dependencies_hold(void **state)
{
	struct kconfig *k =
		given_tree("config A\n\tbool \"a\"\n"
			   "config B\n\tbool \"b\"\n\tdepends on A\n\tdefault y\n"
			   "if B\nconfig C\n\tbool \"c\" if A\nendif\n"
			   "menu \"m\"\n\tdepends on !A\nconfig D\n\tbool \"d\"\nendmenu\n");

	given_becomes(k, "CONFIG_B=y\nCONFIG_C=y\nCONFIG_D=y\n",
		      "# CONFIG_A is not set\nCONFIG_D=y\n");
	given_becomes(k, "CONFIG_A=y\nCONFIG_C=y\nCONFIG_D=y\n",
		      "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n");
	given_becomes(k, "CONFIG_A=y\n# CONFIG_B is not set\n",
		      "CONFIG_A=y\n# CONFIG_B is not set\n");
	kconfig_free(k);
}

static void takes_the_first_default_that_holds(void **state)
{
	struct kconfig *k =
		given_tree("config A\n\tbool \"a\"\n"
			   "config S\n\tstring\n\tdefault \"one\" if A\n\tdefault \"two\"\n"
			   "config B\n\tdef_bool A\n\tdepends on !A\n");

	given_becomes(k, "CONFIG_A=y\n", "CONFIG_A=y\nCONFIG_S=\"one\"\n");
	given_becomes(k, "", "# CONFIG_A is not set\nCONFIG_S=\"two\"\n");
	kconfig_free(k);
}

static void selects_whatever_the_selected_depends_on(void **state)
{
	struct kconfig *k = given_tree("config A\n\tbool \"a\"\n\tselect T if C\n\tselect NOBODY\n"
				       "config C\n\tbool \"c\"\n"
				       "config T\n\tbool \"t\"\n\tdepends on n\n");

	given_becomes(k, "CONFIG_A=y\nCONFIG_C=y\n", "CONFIG_A=y\nCONFIG_C=y\nCONFIG_T=y\n");
	given_becomes(k, "CONFIG_A=y\n# CONFIG_T is not set\n",
		      "CONFIG_A=y\n# CONFIG_C is not set\n");
	kconfig_free(k);
}

/* The table of "imply" in kconfig-language.rst; BAR is turned by what it depends on. */
static void implies_as_the_specification_says(void **state)
{
	static const char *const rows[][4] = {
		/* FOO, BAR, BAZ when nobody says anything, BAZ when n is asked for */
		{ "n", "y", "n", "n" }, { "m", "y", "m", "n" }, { "y", "y", "y", "n" },
		{ "n", "m", "n", "n" }, { "m", "m", "m", "n" }, { "y", "m", "m", "n" },
		{ "y", "n", "n", "n" },
	};
	struct kconfig *k =
		given_tree(MODULES "config FOO\n\ttristate \"foo\"\n\timply BAZ\n"
				   "config BAR\n\ttristate \"bar\"\n"
				   "config BAZ\n\ttristate \"baz\"\n\tdepends on BAR\n");
	char text[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int asked = 0; asked < 2; asked++) {
			snprintf(text, sizeof(text),
				 "CONFIG_MODULES=y\nCONFIG_FOO=%s\nCONFIG_BAR=%s\n%s", rows[i][0],
				 rows[i][1], asked ? "CONFIG_BAZ=n\n" : "");
			free(given_solve(k, text));
			assert_string_equal(kconfig_value(k, kconfig_find(k, "BAZ")),
					    rows[i][2 + asked]);
		}
	}
	kconfig_free(k);
}

static void knows_m_only_where_there_are_modules(void **state)
{
	struct kconfig *k = given_tree(MODULES "config A\n\ttristate \"a\"\n"
					       "config B\n\ttristate \"b\"\n\tdepends on A\n"
					       "config C\n\ttristate \"c\"\n\tdepends on m\n"
					       "config D\n\tdef_bool A=m\n"
					       "config E\n\ttristate\n\tdefault !A\n"
					       "config F\n\tbool \"f\"\n\tdepends on A\n");

	given_becomes(
		k, "CONFIG_MODULES=y\nCONFIG_A=m\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_F=y\n",
		"CONFIG_MODULES=y\nCONFIG_A=m\nCONFIG_B=m\nCONFIG_C=m\nCONFIG_D=y\nCONFIG_E=m\n"
		"CONFIG_F=y\n");
	given_becomes(
		k, "CONFIG_A=m\nCONFIG_B=m\nCONFIG_C=m\n",
		"# CONFIG_MODULES is not set\nCONFIG_A=y\nCONFIG_B=y\n# CONFIG_F is not set\n");
	kconfig_free(k);
}

static void limits_a_tristate_by_a_conditional_dependency(void **state)
{
	struct kconfig *k =
		given_tree(MODULES "config BAR\n\ttristate \"bar\"\n"
				   "config A\n\ttristate \"a\"\n\tdepends on BAR if BAR\n"
				   "config B\n\ttristate \"b\"\n"
				   "\tdepends on BAR if !(MODULES && n)\n");

	given_becomes(k, "CONFIG_MODULES=y\nCONFIG_A=y\nCONFIG_B=y\n",
		      "CONFIG_MODULES=y\n# CONFIG_BAR is not set\nCONFIG_A=y\n");
	given_becomes(k, "CONFIG_MODULES=y\nCONFIG_BAR=m\nCONFIG_A=y\nCONFIG_B=y\n",
		      "CONFIG_MODULES=y\nCONFIG_BAR=m\nCONFIG_A=m\nCONFIG_B=m\n");
	kconfig_free(k);
}

static void hides_prompts_below_an_invisible_menu_but_not_defaults(void **state)
{
	struct kconfig *k =
		given_tree("config V\n\tbool \"v\"\n"
			   "menu \"m\"\n\tvisible if V\n"
			   "config A\n\tbool \"a\"\n\tdefault y\n"
			   "menu \"inner\"\nconfig B\n\tbool \"b\"\nendmenu\nendmenu\n");

	given_becomes(k, "# CONFIG_A is not set\nCONFIG_B=y\n",
		      "# CONFIG_V is not set\nCONFIG_A=y\n");
	given_becomes(k, "CONFIG_V=y\n# CONFIG_A is not set\nCONFIG_B=y\n",
		      "CONFIG_V=y\n# CONFIG_A is not set\nCONFIG_B=y\n");
	kconfig_free(k);
}

static void brings_numbers_into_their_range(void **state)
{
	static const char text[] = "config LOW\n\tint \"low\"\n\tdefault 3\n"
				   "config A\n\tint \"a\"\n\trange LOW 10 if LOW < 5\n\trange 0 1\n"
				   "\tdefault 7\n"
				   "config H\n\thex \"h\"\n\trange 0x10 0x20\n"
				   "config N\n\tint \"n\"\n";
	struct kconfig *k = given_tree(text);

	given_becomes(k, "CONFIG_A=99\nCONFIG_H=0x5\nCONFIG_N=-7\n",
		      "CONFIG_LOW=3\nCONFIG_A=10\nCONFIG_H=0x10\nCONFIG_N=-7\n");
	given_becomes(k, "CONFIG_A=1\nCONFIG_LOW=5\n",
		      "CONFIG_LOW=5\nCONFIG_A=1\nCONFIG_H=0x10\nCONFIG_N=0\n");
	given_becomes(k, "CONFIG_A=1\n", "CONFIG_LOW=3\nCONFIG_A=3\nCONFIG_H=0x10\nCONFIG_N=0\n");
	kconfig_free(k);
	/* Old trees go back to the default, and know no 0 of their own. */
	k = given_old_tree(text);
	given_becomes(k, "CONFIG_A=99\n", "CONFIG_LOW=3\nCONFIG_A=7\nCONFIG_H=0x10\nCONFIG_N=\n");
	kconfig_free(k);
}

static void takes_over_texts_but_no_truths(void **state)
{
	struct kconfig *k =
		given_tree("config A\n\tstring \"a\"\n\tdefault B\n"
			   "config B\n\tstring\n\tdefault \"b\"\n"
			   "config C\n\tstring\n\tdefault T\n"
			   "config T\n\tdef_bool y\n"
			   "config I\n\tint\n\tdefault J\nconfig J\n\tint \"j\"\n\tdefault 4\n");

	given_becomes(k, "",
		      "CONFIG_A=\"b\"\nCONFIG_B=\"b\"\nCONFIG_C=\"n\"\nCONFIG_T=y\nCONFIG_I="
		      "4\nCONFIG_J=4\n");
	given_becomes(k, "CONFIG_J=9\nCONFIG_A=\"x\"\n",
		      "CONFIG_A=\"x\"\nCONFIG_B=\"b\"\nCONFIG_C=\"n\"\nCONFIG_T=y\nCONFIG_I="
		      "9\nCONFIG_J=9\n");
	kconfig_free(k);
}

static void depends_on_any_of_several_definitions(void **state)
{
	struct kconfig *k = given_tree("config X\n\tbool \"x\"\nconfig Y\n\tbool \"y\"\n"
				       "config A\n\tbool\n\tdepends on X\n"
				       "config A\n\tbool \"a\"\n\tdepends on Y\n"
				       "config S\n\tdef_bool y\n\timply A\n");

	given_becomes(k, "CONFIG_X=y\n",
		      "CONFIG_X=y\n# CONFIG_Y is not set\nCONFIG_A=y\nCONFIG_S=y\n");
	given_becomes(k, "CONFIG_Y=y\nCONFIG_A=n\n",
		      "# CONFIG_X is not set\nCONFIG_Y=y\n# CONFIG_A is not set\nCONFIG_S=y\n");
	kconfig_free(k);
}

static void passes_a_transitional_value_on(void **state)
{
	struct kconfig *k = given_tree("config NEW\n\tbool \"new\"\n\tdefault OLD\n"
				       "config OLD\n\tbool\n\ttransitional\n");

	given_becomes(k, "CONFIG_OLD=y\n", "CONFIG_NEW=y\n");
	given_becomes(k, "CONFIG_OLD=y\nCONFIG_NEW=n\n", "# CONFIG_NEW is not set\n");
	kconfig_free(k);
}

/* --- choices ---------------------------------------------------------------------------------- */

#define CHOICE                                                             \
	"config X\n\tbool \"x\"\n\tdefault y\n"                            \
	"choice\n\tprompt \"which\"\n\tdefault B\n"                        \
	"config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on X\n" \
	"if X\nconfig C\n\tbool \"c\"\nendif\nendchoice\n"

static void turns_one_of_a_choice_on(void **state)
{
	struct kconfig *k = given_tree(CHOICE);

	given_becomes(k, "",
		      "CONFIG_X=y\n# CONFIG_A is not set\nCONFIG_B=y\n# CONFIG_C is not set\n");
	given_becomes(k, "CONFIG_A=y\nCONFIG_C=y\n",
		      "CONFIG_X=y\n# CONFIG_A is not set\n# CONFIG_B is not set\nCONFIG_C=y\n");
	given_becomes(k, "CONFIG_C=y\nCONFIG_A=y\n",
		      "CONFIG_X=y\nCONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_C is not set\n");
	given_becomes(k, "CONFIG_X=n\nCONFIG_B=y\n", "# CONFIG_X is not set\nCONFIG_A=y\n");
	kconfig_free(k);
}

static void heeds_what_is_not_wanted_of_a_choice(void **state)
{
	struct kconfig *k = given_tree(CHOICE);

	given_becomes(k, "CONFIG_B=n\n",
		      "CONFIG_X=y\nCONFIG_A=y\n# CONFIG_B is not set\n# CONFIG_C is not set\n");
	given_becomes(k, "CONFIG_B=n\nCONFIG_A=n\n",
		      "CONFIG_X=y\n# CONFIG_A is not set\n# CONFIG_B is not set\nCONFIG_C=y\n");
	given_becomes(k, "CONFIG_B=n\nCONFIG_A=n\nCONFIG_C=n\n",
		      "CONFIG_X=y\n# CONFIG_A is not set\nCONFIG_B=y\n# CONFIG_C is not set\n");
	kconfig_free(k);
}

static void solves_choices_of_old_trees_their_way(void **state)
{
	struct kconfig *k = given_old_tree(CHOICE);

	/* What is not wanted counts for nothing; a wish for what is hidden is the only one heard.
	 */
	given_becomes(k, "CONFIG_B=n\n",
		      "CONFIG_X=y\n# CONFIG_A is not set\nCONFIG_B=y\n# CONFIG_C is not set\n");
	given_becomes(k, "CONFIG_X=y\nCONFIG_A=y\nCONFIG_C=y\n",
		      "CONFIG_X=y\n# CONFIG_A is not set\n# CONFIG_B is not set\nCONFIG_C=y\n");
	kconfig_free(k);
	k = given_old_tree(MODULES "choice\n\ttristate \"t\"\n\toptional\n"
				   "config A\n\ttristate \"a\"\nconfig B\n\ttristate \"b\"\n"
				   "config C\n\tbool \"c\"\nendchoice\n");
	given_becomes(k, "CONFIG_MODULES=y\nCONFIG_A=m\nCONFIG_B=m\n",
		      "CONFIG_MODULES=y\nCONFIG_A=m\nCONFIG_B=m\n");
	given_becomes(
		k, "CONFIG_MODULES=y\nCONFIG_A=m\nCONFIG_B=y\n",
		"CONFIG_MODULES=y\n# CONFIG_A is not set\nCONFIG_B=y\n# CONFIG_C is not set\n");
	given_becomes(k, "CONFIG_MODULES=y\n", "CONFIG_MODULES=y\n");
	kconfig_free(k);
}

/* --- configurations --------------------------------------------------------------------------- */

static void told(void *context, const char *text)
{
	strcat(context, text);
	strcat(context, "\n");
}

static void reads_a_config_line_by_line(void **state)
{
	static const char text[] =
		"# a comment\n#CONFIG_A=n\n\nCONFIG_A=m\nCONFIG_A=y\n"
		"CONFIG_S=\"a \\\"b\\\\\" rest\r\nCONFIG_I=007\nCONFIG_I=12\n"
		"CONFIG_GONE=y\nnonsense\n# CONFIG_S is not set\nCONFIG_T=\"open\n"
		"CONFIG_U=bare\nCONFIG_B=yes";
	struct kconfig *k =
		given_tree("config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n"
			   "config S\n\tstring \"s\"\nconfig T\n\tstring \"t\"\n"
			   "config U\n\tstring \"u\"\n\tdefault \"d\"\nconfig I\n\tint \"i\"\n");
	struct err err = ERR_INIT;
	char notes[1000] = "";

	given_becomes(k, text,
		      "CONFIG_A=y\nCONFIG_B=y\nCONFIG_S=\"a \\\"b\\\\\"\nCONFIG_T=\"\"\n"
		      "CONFIG_U=\"d\"\nCONFIG_I=12\n");
	assert_int_equal(kconfig_read(k, "f", text, sizeof(text) - 1, told, notes, &err), 0);
	assert_string_equal(notes, "f:4: no value for this option: A=m\n"
				   "f:7: no value for this option: I=007\n"
				   "f:9: no such option in this tree: GONE=y\n"
				   "f:10: not a line of a .config: nonsense\n"
				   "f:12: no value for this option: T=a text without end\n");
	kconfig_free(k);
}

static void answers_the_rest_with_no(void **state)
{
	struct kconfig *k =
		given_tree("config A\n\tbool \"a\"\n\tdefault y\n"
			   "config B\n\tbool\n\tdefault y\n"
			   "config C\n\tbool \"c\"\n\tdefault y\n"
			   "config I\n\tint \"i\"\n\tdefault 3\n"
			   "choice\n\tprompt \"w\"\nconfig D\n\tbool \"d\"\nendchoice\n");
	struct err err = ERR_INIT;
	char *found;

	kconfig_clear(k);
	assert_int_equal(kconfig_set(k, kconfig_find(k, "C"), "y", &err), 0);
	kconfig_set_rest_no(k);
	kconfig_solve(k);
	assert_string_equal(kconfig_value(k, kconfig_find(k, "A")), "n");
	assert_string_equal(kconfig_value(k, kconfig_find(k, "B")), "y");
	assert_string_equal(kconfig_value(k, kconfig_find(k, "C")), "y");
	assert_string_equal(kconfig_value(k, kconfig_find(k, "D")), "y");
	assert_string_equal(kconfig_value(k, kconfig_find(k, "I")), "3");
	found = given_solve(k, "");
	assert_string_equal(found, "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\nCONFIG_I=3\nCONFIG_D=y\n");
	free(found);
	kconfig_free(k);
}

static void refuses_values_of_another_type(void **state)
{
	struct kconfig *k = given_tree("config A\n\tbool \"a\"\nconfig I\n\tint \"i\"\n"
				       "config H\n\thex \"h\"\nconfig T\n\ttristate \"t\"\n");
	static const char *const bad[][2] = { { "A", "m" }, { "A", "" },    { "A", "yes" },
					      { "I", "" },  { "I", "0x1" }, { "I", "01" },
					      { "I", "-" }, { "H", "0x" },  { "H", "g" },
					      { "T", "x" } };
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(kconfig_set(k, kconfig_find(k, bad[i][0]), bad[i][1], &err) < 0);
	assert_string_equal(err.text, "'x' is no value for T, which is tristate");
	assert_string_equal(err.hint, "it can be y, m or n");
	assert_int_equal(kconfig_set(k, kconfig_find(k, "H"), "ff", &err), 0);
	kconfig_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_only_where_dependencies_hold),
		cmocka_unit_test(takes_the_first_default_that_holds),
		cmocka_unit_test(selects_whatever_the_selected_depends_on),
		cmocka_unit_test(implies_as_the_specification_says),
		cmocka_unit_test(knows_m_only_where_there_are_modules),
		cmocka_unit_test(limits_a_tristate_by_a_conditional_dependency),
		cmocka_unit_test(hides_prompts_below_an_invisible_menu_but_not_defaults),
		cmocka_unit_test(brings_numbers_into_their_range),
		cmocka_unit_test(takes_over_texts_but_no_truths),
		cmocka_unit_test(depends_on_any_of_several_definitions),
		cmocka_unit_test(passes_a_transitional_value_on),
		cmocka_unit_test(turns_one_of_a_choice_on),
		cmocka_unit_test(heeds_what_is_not_wanted_of_a_choice),
		cmocka_unit_test(solves_choices_of_old_trees_their_way),
		cmocka_unit_test(reads_a_config_line_by_line),
		cmocka_unit_test(answers_the_rest_with_no),
		cmocka_unit_test(refuses_values_of_another_type),
	};

	return cmocka_run_group_tests_name("kconfig-solve", tests, NULL, NULL);
}
