// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system call filter against the tables it is made from. The program is run by an
 * interpreter of classic BPF, so that every call number and every kind of argument can be tried
 * without making the call; tests/behaviour/jail/ runs it in the host kernel.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/calls.h"
#include "guard/jail.h"

#define NUMBERS	   1024
#define ALLOW	   SECCOMP_RET_ALLOW
#define REFUSE(e)  (SECCOMP_RET_ERRNO | (e))
#define AUDIT_I386 AUDIT_ARCH_I386

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset <= sizeof(*data) - sizeof(word));
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

/* What the host kernel would answer; every jump is checked. */
static uint32_t run(const struct sock_fprog *prog, const struct seccomp_data *data)
{
	uint32_t a = 0;
	size_t at = 0;

	for (;;) {
		const struct sock_filter *i = &prog->filter[at];
		int yes = 0;

		assert_true(at < prog->len);
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(data, i->k);
			at++;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			at += 1 + i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = (a & i->k) != 0;
			break;
		default:
			fail_msg("unknown instruction %#x at %zu", i->code, at);
		}
		at += 1u + (yes ? i->jt : i->jf);
	}
}

static const struct guard_rule *find(const struct guard_rule **rules, size_t count, int nr)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (rules[i]->nr == nr)
			return rules[i];
	return NULL;
}

/* The answer by the tables alone, written as plainly as can be. */
static uint32_t expected(const struct guard_rule *rule, const struct seccomp_data *data)
{
	int i;

	if (!rule)
		return REFUSE(GUARD_REFUSAL);
	if (rule->error)
		return REFUSE((uint32_t)rule->error);
	for (i = 0; i < GUARD_CONDS_MAX && rule->conds[i].what; i++) {
		const struct guard_cond *c = &rule->conds[i];
		uint64_t arg = c->wide ? data->args[c->arg] : (uint32_t)data->args[c->arg];
		const struct guard_value *v;
		uint64_t bits = 0;
		int same = 0;

		for (v = c->values; v->name; v++) {
			bits |= v->value;
			same |= v->value == arg;
		}
		if (c->test == GUARD_ONE_OF ? !same : (arg & ~bits) != 0)
			return REFUSE(GUARD_REFUSAL);
	}
	return ALLOW;
}

static void each_profile(void (*test)(const struct guard_rule **rules, size_t count,
				      const struct sock_fprog *prog))
{
	const struct guard_rule *rules[GUARD_RULES_MAX];
	struct sock_fprog prog;
	struct err err;
	int profile;

	for (profile = 0; profile < GUARD_PROFILES; profile++) {
		assert_int_equal(guard_filter_get((enum guard_profile)profile, &prog, &err), 0);
		assert_true(prog.len <= BPF_MAXINSNS);
		test(rules, guard_rules_get((enum guard_profile)profile, rules), &prog);
	}
}

static void check_numbers(const struct guard_rule **rules, size_t count,
			  const struct sock_fprog *prog)
{
	struct seccomp_data data = { .arch = AUDIT_ARCH_X86_64 };

	for (data.nr = 0; data.nr < NUMBERS; data.nr++)
		assert_int_equal(run(prog, &data),
				 expected(find(rules, count, data.nr), &data));
}

static void every_number_is_answered_as_the_table_says(void **state)
{
	each_profile(check_numbers);
}

/* Tries values around those of each condition, in both halves of the argument. */
static void check_arguments(const struct guard_rule **rules, size_t count,
			    const struct sock_fprog *prog)
{
	static const uint64_t high[] = { 0, 1ULL << 32, 1ULL << 63, 0xffffffffULL << 32 };
	size_t i, h;

	for (i = 0; i < count; i++) {
		const struct guard_cond *c;

		for (c = rules[i]->conds; c < rules[i]->conds + GUARD_CONDS_MAX && c->what; c++) {
			const struct guard_value *v;
			struct seccomp_data data = { .nr = rules[i]->nr,
						     .arch = AUDIT_ARCH_X86_64 };

			/* The other conditions fulfilled. */
			for (const struct guard_cond *o = rules[i]->conds;
			     o < rules[i]->conds + GUARD_CONDS_MAX && o->what; o++)
				data.args[o->arg] = o->values[0].value;
			assert_int_equal(run(prog, &data), ALLOW);
			for (v = c->values; v->name; v++) {
				for (h = 0; h < sizeof(high) / sizeof(high[0]); h++) {
					int bit;

					data.args[c->arg] = v->value | high[h];
					assert_int_equal(run(prog, &data),
							 expected(rules[i], &data));
					for (bit = 0; bit < 64; bit++) {
						data.args[c->arg] = (v->value | high[h]) ^
								    1ULL << bit;
						assert_int_equal(run(prog, &data),
								 expected(rules[i], &data));
					}
				}
			}
		}
	}
}

static void every_condition_holds_on_every_bit(void **state)
{
	each_profile(check_arguments);
}

static void check_foreign(const struct guard_rule **rules, size_t count,
			  const struct sock_fprog *prog)
{
	struct seccomp_data data = { 0 };

	for (data.nr = 0; data.nr < NUMBERS; data.nr++) {
		data.arch = AUDIT_I386;
		assert_int_equal(run(prog, &data), REFUSE(ENOSYS));
		data.arch = AUDIT_ARCH_X86_64;
		data.nr |= 0x40000000;
		assert_int_equal(run(prog, &data), REFUSE(ENOSYS));
		data.nr &= ~0x40000000;
	}
	data.nr = -1;
	assert_int_equal(run(prog, &data), REFUSE(ENOSYS));
}

static void calls_of_another_architecture_do_not_exist(void **state)
{
	each_profile(check_foreign);
}

static void check_answers(const struct guard_rule **rules, size_t count,
			  const struct sock_fprog *prog)
{
	int i;

	for (i = 0; i < prog->len; i++)
		if (BPF_CLASS(prog->filter[i].code) == BPF_RET)
			assert_true(prog->filter[i].k == ALLOW ||
				    (prog->filter[i].k & SECCOMP_RET_ACTION_FULL) ==
					    SECCOMP_RET_ERRNO);
}

static void no_answer_kills_or_traps(void **state)
{
	each_profile(check_answers);
}

static void check_rules(const struct guard_rule **rules, size_t count,
			const struct sock_fprog *prog)
{
	size_t i;

	assert_true(count > 0 && count <= GUARD_RULES_MAX);
	for (i = 0; i < count; i++) {
		const struct guard_cond *c;
		const struct guard_value *v;

		assert_true(i == 0 || rules[i - 1]->nr < rules[i]->nr);
		assert_true(*rules[i]->name && *rules[i]->reason);
		for (c = rules[i]->conds; c < rules[i]->conds + GUARD_CONDS_MAX && c->what; c++) {
			assert_int_equal(rules[i]->error, 0);
			assert_true(c->arg < 6 && c->values[0].name);
			for (v = c->values; c->test == GUARD_ONE_OF && v->name; v++)
				assert_true(v->value <= UINT32_MAX);
		}
	}
}

static void rules_are_well_formed_and_unique(void **state)
{
	each_profile(check_rules);
}

static const struct guard_call *call(enum guard_profile profile, const char *name)
{
	size_t count, i;
	const struct guard_call *calls = guard_profile_calls(profile, &count);

	for (i = 0; i < count; i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	return NULL;
}

static void the_words_name_what_the_filter_allows(void **state)
{
	const struct guard_rule *rules[GUARD_RULES_MAX];
	int profile;

	for (profile = 0; profile < GUARD_PROFILES; profile++) {
		size_t count, words, allowed = 0, i;
		const struct guard_call *calls =
			guard_profile_calls((enum guard_profile)profile, &words);

		count = guard_rules_get((enum guard_profile)profile, rules);
		for (i = 0; i < count; i++) {
			const struct guard_call *c =
				call((enum guard_profile)profile, rules[i]->name);

			assert_int_equal(rules[i]->error == 0, c != NULL);
			if (!c)
				continue;
			allowed++;
			assert_int_equal(rules[i]->conds[0].what != NULL, *c->condition != '\0');
		}
		assert_int_equal(allowed, words);
		for (i = 1; i < words; i++)
			assert_true(strcmp(calls[i - 1].name, calls[i].name) < 0);
	}
	assert_string_equal(call(GUARD_UM, "socketpair")->condition,
			    "family is AF_UNIX; type only of SOCK_STREAM, SOCK_CLOEXEC or "
			    "SOCK_NONBLOCK");
	assert_string_equal(call(GUARD_MONITOR, "mprotect")->condition,
			    "protection only of PROT_READ or PROT_WRITE");
	assert_string_equal(call(GUARD_UM, "futex")->condition, "");
}

static void dangerous_calls_are_in_no_table(void **state)
{
	static const char *const never[] = {
		"socket", "connect", "bind", "listen", "ptrace", "process_vm_readv", "mount",
		"umount2", "unshare", "setns", "pivot_root", "chroot", "openat2", "bpf",
		"perf_event_open", "io_uring_setup", "userfaultfd", "keyctl", "add_key",
		"request_key", "execve", "fork", "vfork", "clone3", "setuid", "setresuid",
		"capset", "kexec_load", "init_module", "open_by_handle_at", "pidfd_open",
		"pidfd_getfd", "personality", "process_madvise",
	};
	size_t i;
	int profile;

	for (profile = 0; profile < GUARD_PROFILES; profile++) {
		/* Those are there to trace their own, alone in their pid namespace. */
		int traces = profile == GUARD_UM_PTRACE || profile == GUARD_UM_VOLUMES_PTRACE;

		for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			if (!traces || (strcmp(never[i], "ptrace") != 0 && strcmp(never[i], "fork")))
				assert_null(call((enum guard_profile)profile, never[i]));
	}
	assert_null(call(GUARD_UM, "open"));
	assert_null(call(GUARD_UM, "openat"));
	assert_null(call(GUARD_MONITOR, "open"));
	assert_null(call(GUARD_MONITOR, "openat"));
	assert_null(call(GUARD_MONITOR, "clone"));
	assert_null(call(GUARD_MONITOR, "execveat"));
	assert_null(call(GUARD_MONITOR, "kill"));
}

static void an_unknown_profile_is_refused(void **state)
{
	struct sock_fprog prog;
	struct err err;
	size_t count = 1;

	assert_int_equal(guard_filter_get(GUARD_PROFILES, &prog, &err), -EINVAL);
	assert_null(guard_profile_calls(GUARD_PROFILES, &count));
	assert_int_equal(count, 0);
	assert_string_equal(guard_profile_name(GUARD_PROFILES), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_answered_as_the_table_says),
		cmocka_unit_test(every_condition_holds_on_every_bit),
		cmocka_unit_test(calls_of_another_architecture_do_not_exist),
		cmocka_unit_test(no_answer_kills_or_traps),
		cmocka_unit_test(rules_are_well_formed_and_unique),
		cmocka_unit_test(the_words_name_what_the_filter_allows),
		cmocka_unit_test(dangerous_calls_are_in_no_table),
		cmocka_unit_test(an_unknown_profile_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
