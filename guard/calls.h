/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system call tables: one list of rules a profile, from which come both the filter that the
 * host kernel runs (filter.c) and what `hillock inspect` shows (calls.c). Private to guard/.
 */
#ifndef HILLOCK_GUARD_CALLS_H
#define HILLOCK_GUARD_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "guard/guard.h"

/* A constant with the name that people know it by; a list ends with a NULL name. */
struct guard_value {
	const char *name;
	uint64_t value;
};

enum guard_test {
	GUARD_ONE_OF, /* the argument equals one of the values */
	GUARD_ONLY,   /* the argument has no bit that is in none of the values */
};

/* What one argument must be. */
struct guard_cond {
	const char *what; /* the argument's name; NULL: no condition */
	uint8_t arg;	  /* 0 to 5 */
	uint8_t wide;	  /* the kernel looks at 64 bits; else at the lower 32, as for an int */
	enum guard_test test;
	const struct guard_value *values; /* those of ONE_OF fit in 32 bits */
};

#define GUARD_CONDS_MAX 3
#define GUARD_RULES_MAX 160

struct guard_rule {
	int nr;
	const char *name;
	int error; /* 0: allowed under these conditions. Else the answer, for callers that fall
		      back on ENOSYS only; then there are no conditions */
	struct guard_cond conds[GUARD_CONDS_MAX];
	const char *reason;
};

/* The answer to everything that no rule allows. */
#define GUARD_REFUSAL EPERM

/*
 * The profile's rules sorted by number, into `out` of GUARD_RULES_MAX; returns how many. No two
 * have the same number.
 */
size_t guard_rules_get(enum guard_profile profile, const struct guard_rule *out[]);

#endif
