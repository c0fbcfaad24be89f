// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions: why an option is what it is, what it needs, what a change takes along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kconfig_given.h"

static const char tree[] = "config NET\n\tbool \"net\"\n"
			   "if NET\n"
			   "config INET\n\tbool \"inet\"\n\tselect CRC\n\thelp\n\t  Help of INET.\n"
			   "config IPV6\n\tbool \"ipv6\"\n\tdepends on INET && (A || B)\n"
			   "\tdefault y\n\timply MORE if A\n"
			   "endif\n"
			   "config A\n\tbool \"a\"\n\tdefault y\n"
			   "config B\n\tbool \"b\" if A\n"
			   "config CRC\n\tbool\n"
			   "config MORE\n\tbool \"more\"\n"
			   "config NUM\n\tint \"num\"\n\trange 1 MAX\n\tdefault 8\n"
			   "config MAX\n\tint\n\tdefault 4\n"
			   "choice\n\tprompt \"w\"\nconfig ONE\n\tbool \"one\"\n"
			   "config TWO\n\tbool \"two\"\nendchoice\n";

static struct kconfig *solved(const char *config)
{
	struct kconfig *k = given_tree(tree);

	free(given_solve(k, config));
	return k;
}

static void reason_is(const struct kconfig *k, const char *name, size_t at,
		      enum kconfig_cause cause, const char *by, unsigned int line)
{
	struct kconfig_reason reasons[8];
	size_t n = kconfig_why(k, kconfig_find(k, name), reasons, 8);

	assert_true(at < n);
	assert_int_equal(reasons[at].cause, cause);
	assert_string_equal(reasons[at].by ? kconfig_name(reasons[at].by) : "", by);
	assert_int_equal(reasons[at].place.line, line);
}

static void tells_why_an_option_has_its_value(void **state)
{
	struct kconfig *k = solved("CONFIG_NET=y\nCONFIG_INET=y\n");

	reason_is(k, "NET", 0, KCONFIG_WANTED, "", 2);
	reason_is(k, "CRC", 0, KCONFIG_SELECTED, "INET", 6);
	reason_is(k, "IPV6", 0, KCONFIG_DEFAULT, "", 12);
	reason_is(k, "MORE", 0, KCONFIG_IMPLIED, "IPV6", 13);
	reason_is(k, "B", 0, KCONFIG_NOTHING, "", 0);
	reason_is(k, "NUM", 0, KCONFIG_LIMITED, "MAX", 26);
	reason_is(k, "NUM", 1, KCONFIG_DEFAULT, "", 27);
	reason_is(k, "ONE", 0, KCONFIG_CHOSEN, "", 34);
	reason_is(k, "TWO", 0, KCONFIG_PASSED, "ONE", 36);
	kconfig_free(k);
	k = solved("CONFIG_IPV6=y\n# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_TWO=y\n");
	reason_is(k, "IPV6", 0, KCONFIG_HIDDEN, "", 10);
	reason_is(k, "B", 0, KCONFIG_HIDDEN, "", 19);
	reason_is(k, "A", 0, KCONFIG_WANTED, "", 16);
	reason_is(k, "TWO", 0, KCONFIG_WANTED, "", 36);
	kconfig_free(k);
}

static void names_what_selects_against_dependencies(void **state)
{
	struct kconfig *k = given_tree("config MODULES\n\tdef_bool y\n\tmodules\n"
				       "config A\n\ttristate\n\tdefault m\n\tselect T\n"
				       "config T\n\tbool \"t\"\n\tdepends on !A\n");

	kconfig_solve(k);
	assert_string_equal(kconfig_value(k, kconfig_find(k, "T")), "y");
	reason_is(k, "T", 0, KCONFIG_SELECTED, "A", 7);
	kconfig_free(k);
	k = given_tree("config A\n\tbool \"a\"\n\tselect T\n"
		       "config T\n\tbool \"t\"\n\tdepends on NOBODY\n");
	free(given_solve(k, "CONFIG_A=y\n"));
	reason_is(k, "T", 0, KCONFIG_SELECTED, "A", 3);
	reason_is(k, "T", 1, KCONFIG_UNMET, "", 4);
	reason_is(k, "T", 2, KCONFIG_HIDDEN, "", 5);
	kconfig_free(k);
}

struct text {
	char text[2000];
};

static void add_need(void *context, const struct kconfig_expr *part, int worth)
{
	struct text *t = context;
	struct buf text = { 0 };

	assert_int_equal(kconfig_expr_print(part, &text), 0);
	snprintf(t->text + strlen(t->text), sizeof(t->text) - strlen(t->text), "%d %.*s\n", worth,
		 (int)text.used, (const char *)buf_data(&text));
	buf_free(&text);
}

static void lists_what_an_option_needs(void **state)
{
	struct kconfig *k = solved("CONFIG_NET=y\n");
	struct text found = { "" };

	kconfig_needs(k, kconfig_find(k, "IPV6"), add_need, &found);
	assert_string_equal(found.text, "2 NET\n0 INET\n2 A || B\n");
	found.text[0] = '\0';
	kconfig_needs(k, kconfig_find(k, "CRC"), add_need, &found);
	assert_string_equal(found.text, "");
	kconfig_free(k);
}

static void add_change(void *context, const struct kconfig_change *c)
{
	struct text *t = context;

	snprintf(t->text + strlen(t->text), sizeof(t->text) - strlen(t->text), "%s %s %s\n",
		 kconfig_name(c->symbol), c->before ? c->before : "-", c->after ? c->after : "-");
}

static void tells_what_a_change_takes_along_and_leaves_all_as_it_was(void **state)
{
	struct kconfig *k = solved("CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_ONE=y\n");
	struct text found = { "" };
	struct err err = ERR_INIT;

	assert_int_equal(
		kconfig_consequences(k, kconfig_find(k, "NET"), "n", add_change, &found, &err), 5);
	assert_string_equal(found.text, "NET y n\nINET y -\nIPV6 y -\nCRC y -\nMORE y n\n");
	found.text[0] = '\0';
	assert_int_equal(
		kconfig_consequences(k, kconfig_find(k, "TWO"), "y", add_change, &found, &err), 2);
	assert_string_equal(found.text, "ONE y n\nTWO n y\n");
	found.text[0] = '\0';
	assert_int_equal(
		kconfig_consequences(k, kconfig_find(k, "CRC"), "n", add_change, &found, &err), 0);
	assert_int_equal(
		kconfig_consequences(k, kconfig_find(k, "NUM"), "x", add_change, &found, &err),
		-22);
	kconfig_solve(k);
	assert_string_equal(kconfig_value(k, kconfig_find(k, "INET")), "y");
	assert_string_equal(kconfig_wanted(k, kconfig_find(k, "NET")), "y");
	assert_null(kconfig_wanted(k, kconfig_find(k, "TWO")));
	kconfig_free(k);
}

static void add_statement(void *context, const struct kconfig_statement *s)
{
	struct text *t = context;

	snprintf(t->text + strlen(t->text), sizeof(t->text) - strlen(t->text), "%d:%u %s%s%s\n",
		 (int)s->kind, s->place.line, s->text ? s->text : "", s->other ? "@" : "",
		 s->other ? kconfig_name(s->other) : "");
}

static void tells_what_the_tree_says_of_an_option(void **state)
{
	struct kconfig *k = solved("");
	struct text found = { "" };
	char expected[200];

	kconfig_statements(k, kconfig_find(k, "INET"), add_statement, &found);
	snprintf(expected, sizeof(expected), "%d:4 Help of INET.\n%d:5 inet\n%d:6 @CRC\n",
		 KCONFIG_STATE_DEFINED, KCONFIG_STATE_PROMPT, KCONFIG_STATE_SELECT);
	assert_string_equal(found.text, expected);
	found.text[0] = '\0';
	kconfig_statements(k, kconfig_find(k, "MORE"), add_statement, &found);
	snprintf(expected, sizeof(expected), "%d:22 \n%d:23 more\n%d:13 @IPV6\n",
		 KCONFIG_STATE_DEFINED, KCONFIG_STATE_PROMPT, KCONFIG_STATE_IMPLIED_BY);
	assert_string_equal(found.text, expected);
	kconfig_free(k);
}

static void print_prompt_condition(void *context, const struct kconfig_statement *s)
{
	struct text *t = context;
	struct buf text = { 0 };

	if (s->kind != KCONFIG_STATE_PROMPT)
		return;
	assert_int_equal(kconfig_expr_print(s->condition, &text), 0);
	snprintf(t->text, sizeof(t->text), "%.*s", (int)text.used, (const char *)buf_data(&text));
	buf_free(&text);
}

static void prints_conditions_as_people_write_them(void **state)
{
	static const struct {
		const char *written, *printed;
	} pairs[] = {
		{ "A && (B || !C)", "A && (B || !C)" },
		{ "!(A && B) || N < 5", "!A || !B || N<5" },
		{ "A && A && (A && y)", "A" },
		{ "!(N >= 5 || S = \"x y\")", "N<5 && S!=\"x y\"" },
		{ "A != y || !!B", "!A || B" },
		{ "(A || n) && B = n", "A && !B" },
		{ "A = m || !A || A", "y" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct text found = { "" };
		struct kconfig *k;
		char text[400];

		snprintf(text, sizeof(text),
			 "config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\nconfig C\n\tbool \"c\"\n"
			 "config N\n\tint \"n\"\nconfig S\n\tstring \"s\"\n"
			 "if A || y\nconfig X\n\tbool \"x\"\n\tdepends on %s\nendif\n",
			 pairs[i].written);
		k = given_tree(text);
		kconfig_statements(k, kconfig_find(k, "X"), print_prompt_condition, &found);
		assert_string_equal(found.text, pairs[i].printed);
		kconfig_free(k);
	}
}

/* Random changes, one by one: each time the sweep over what changed must give what a sweep over
 * everything gives. */
static void solves_a_change_as_it_solves_everything(void **state)
{
	struct kconfig *k = given_tree(tree), *fresh = given_tree(tree);
	const char *const values[] = { "y", "n", "5" };
	uint32_t random = 12345;
	struct err err = ERR_INIT;

	kconfig_solve(k);
	for (int step = 0; step < 3000; step++) {
		struct kconfig_symbol *s;

		random = random * 1103515245u + 12345u;
		s = kconfig_at(k, (random >> 16) % kconfig_count(k));
		if ((random >> 8) % 3 == 0)
			kconfig_unset(k, s);
		else
			(void)kconfig_set(k, s, values[(random >> 4) % 3], &err);
		kconfig_solve(k);
		if (step % 10)
			continue;
		kconfig_clear(fresh);
		for (size_t i = 0; i < kconfig_count(k); i++)
			if (kconfig_wanted(k, kconfig_at(k, i)))
				assert_int_equal(kconfig_set(fresh, kconfig_at(fresh, i),
							     kconfig_wanted(k, kconfig_at(k, i)),
							     &err),
						 0);
		kconfig_solve(fresh);
		for (size_t i = 0; i < kconfig_count(k); i++) {
			const char *name = kconfig_name(kconfig_at(k, i));

			/* Which of a choice was set last is lost on the way. */
			if (strcmp(name, "ONE") != 0 && strcmp(name, "TWO") != 0)
				assert_string_equal(kconfig_value(k, kconfig_at(k, i)),
						    kconfig_value(fresh, kconfig_at(fresh, i)));
		}
	}
	kconfig_free(k);
	kconfig_free(fresh);
}

static void comes_back_to_a_snapshot(void **state)
{
	struct kconfig *k = solved("CONFIG_NET=y\nCONFIG_TWO=y\n");
	struct kconfig_snapshot *shot = kconfig_snapshot(k);
	struct text found = { "" };
	struct err err = ERR_INIT;

	assert_non_null(shot);
	assert_int_equal(kconfig_set(k, kconfig_find(k, "ONE"), "y", &err), 0);
	assert_int_equal(kconfig_set(k, kconfig_find(k, "NUM"), "2", &err), 0);
	kconfig_solve(k);
	assert_int_equal(kconfig_compare(k, shot, add_change, &found), 3);
	assert_string_equal(found.text, "NUM 4 2\nONE n y\nTWO y n\n");
	kconfig_restore(k, shot);
	assert_int_equal(kconfig_compare(k, shot, add_change, &found), 0);
	assert_int_equal(kconfig_set(k, kconfig_find(k, "A"), "n", &err), 0);
	kconfig_solve(k);
	assert_string_equal(kconfig_value(k, kconfig_find(k, "TWO")), "y");
	free(shot);
	kconfig_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_why_an_option_has_its_value),
		cmocka_unit_test(names_what_selects_against_dependencies),
		cmocka_unit_test(lists_what_an_option_needs),
		cmocka_unit_test(tells_what_a_change_takes_along_and_leaves_all_as_it_was),
		cmocka_unit_test(tells_what_the_tree_says_of_an_option),
		cmocka_unit_test(prints_conditions_as_people_write_them),
		cmocka_unit_test(solves_a_change_as_it_solves_everything),
		cmocka_unit_test(comes_back_to_a_snapshot),
	};

	return cmocka_run_group_tests_name("kconfig-query", tests, NULL, NULL);
}
