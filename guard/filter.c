// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system call filter: rules to classic BPF.
 *
 * Theory of operation
 * -------------------
 * The program looks at the architecture (a 32-bit or x32 call is answered with ENOSYS), then finds
 * the call's number in a balanced tree of comparisons, then tests arguments where the rule has
 * conditions. No path ends in KILL or TRAP: the answer is ALLOW or an errno. A number that is
 * allowed without condition is answered by the host kernel's own cache, which it fills by
 * running the program once for each number; so the hot calls cost next to nothing.
 *
 * Classic BPF only jumps forward, so the program is written from its end to its start: every
 * label is known when a jump to it is written, and a conditional jump that cannot reach its
 * target (255 instructions) gets an unconditional one put in between.
 */
#include "guard/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "guard/calls.h"
#include "guard/sys.h"

#define PROGRAM_MAX  2048
#define JUMP_REACH   250 /* of 255: one jump may need two trampolines */
#define X32_CALLS    0x40000000u
#define LEAF_ENTRIES 3

/* `code` is filled from the end; `at` is the first instruction so far, and so a label. */
struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned int at;
	int overflow;
};

typedef unsigned int label;

static label put(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (p->at == 0) {
		p->overflow = 1;
		p->at = PROGRAM_MAX;
	}
	p->code[--p->at] = (struct sock_filter){ code, jt, jf, k };
	return p->at;
}

static label within_reach(struct program *p, label target)
{
	if (target - p->at <= JUMP_REACH)
		return target;
	return put(p, BPF_JMP | BPF_JA, 0, 0, target - p->at);
}

static label branch(struct program *p, uint16_t test, uint32_t k, label yes, label no)
{
	yes = within_reach(p, yes);
	no = within_reach(p, no);
	return put(p, BPF_JMP | test | BPF_K, (uint8_t)(yes - p->at), (uint8_t)(no - p->at), k);
}

/* Falls through to what was written before. */
static label load(struct program *p, size_t offset)
{
	return put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static label give(struct program *p, uint32_t answer)
{
	return put(p, BPF_RET | BPF_K, 0, 0, answer);
}

static label refuse(struct program *p, int error)
{
	return give(p, SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA));
}

static size_t arg_low(unsigned int arg)
{
	return offsetof(struct seccomp_data, args) + 8 * arg;
}

static label test_one_of(struct program *p, const struct guard_cond *c, label yes, label no)
{
	const struct guard_value *v = c->values;
	label next = no;

	while (v->name)
		v++;
	while (v-- > c->values)
		next = branch(p, BPF_JEQ, (uint32_t)v->value, yes, next);
	next = load(p, arg_low(c->arg));
	if (c->wide) {
		branch(p, BPF_JEQ, 0, next, no);
		next = load(p, arg_low(c->arg) + 4);
	}
	return next;
}

static label test_only(struct program *p, const struct guard_cond *c, label yes, label no)
{
	const struct guard_value *v;
	uint64_t bits = 0;
	label next;

	for (v = c->values; v->name; v++)
		bits |= v->value;
	branch(p, BPF_JSET, ~(uint32_t)bits, no, yes);
	next = load(p, arg_low(c->arg));
	if (c->wide) {
		branch(p, BPF_JSET, ~(uint32_t)(bits >> 32), no, next);
		next = load(p, arg_low(c->arg) + 4);
	}
	return next;
}

/* What happens once the number is known to be this rule's. */
static label rule_leaf(struct program *p, const struct guard_rule *rule, label allow, label no)
{
	label next = allow;
	int i;

	if (rule->error)
		return refuse(p, rule->error);
	for (i = GUARD_CONDS_MAX - 1; i >= 0; i--) {
		const struct guard_cond *c = &rule->conds[i];

		if (!c->what)
			continue;
		next = c->test == GUARD_ONE_OF ? test_one_of(p, c, next, no) :
						 test_only(p, c, next, no);
	}
	return next;
}

/* Finds the number that is in the accumulator. */
static label tree(struct program *p, const struct guard_rule *const *rules, const label *leaves,
		  size_t count, label no)
{
	size_t middle = count / 2;
	label next = no, right;

	if (count > LEAF_ENTRIES) {
		right = tree(p, rules + middle, leaves + middle, count - middle, no);
		next = tree(p, rules, leaves, middle, no);
		return branch(p, BPF_JGE, (uint32_t)rules[middle]->nr, right, next);
	}
	while (count--)
		next = branch(p, BPF_JEQ, (uint32_t)rules[count]->nr, leaves[count], next);
	return next;
}

static int build(struct program *p, enum guard_profile profile)
{
	const struct guard_rule *rules[GUARD_RULES_MAX];
	label leaves[GUARD_RULES_MAX], allow, no, foreign, next;
	size_t count = guard_rules_get(profile, rules), i;

	p->at = PROGRAM_MAX;
	foreign = refuse(p, ENOSYS);
	no = refuse(p, GUARD_REFUSAL);
	allow = give(p, SECCOMP_RET_ALLOW);
	for (i = 0; i < count; i++)
		leaves[i] = rule_leaf(p, rules[i], allow, no);
	next = tree(p, rules, leaves, count, no);
	branch(p, BPF_JGE, X32_CALLS, foreign, next);
	next = load(p, offsetof(struct seccomp_data, nr));
	branch(p, BPF_JEQ, AUDIT_ARCH_X86_64, next, foreign);
	load(p, offsetof(struct seccomp_data, arch));
	return p->overflow ? -E2BIG : 0;
}

int guard_filter_get(enum guard_profile profile, struct sock_fprog *prog, struct err *err)
{
	static struct program programs[GUARD_PROFILES];
	struct program *p;

	if ((unsigned int)profile >= GUARD_PROFILES)
		return err_set(err, EINVAL, "jail: no such profile: %d", (int)profile);
	p = &programs[profile];
	if (!p->at && build(p, profile) < 0)
		return err_set(err, E2BIG, "jail: the system call filter of %s is too long",
			       guard_profile_name(profile));
	prog->len = (unsigned short)(PROGRAM_MAX - p->at);
	prog->filter = p->code + p->at;
	return 0;
}

int guard_filter_file(enum guard_profile profile, struct err *err)
{
	cleanup_close int fd = -1;
	struct sock_fprog prog;
	size_t size;
	int rc = guard_filter_get(profile, &prog, err);

	if (rc < 0)
		return rc;
	fd = (int)syscall(SYS_memfd_create, "filter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(err, errno, "jail: making a file for a filter");
	size = prog.len * sizeof(*prog.filter);
	if (pwrite(fd, prog.filter, size, 0) != (ssize_t)size ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(err, errno, "jail: writing a filter");
	return fd_steal(&fd);
}

int guard_filter_install(const struct sock_fprog *prog, struct err *err)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) < 0) {
		err_sys(err, errno, "jail: installing the system call filter");
		err_hint(err, "the host kernel needs CONFIG_SECCOMP_FILTER");
		return -err->code;
	}
	return 0;
}
