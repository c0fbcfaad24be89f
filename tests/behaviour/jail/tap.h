/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test output in TAP: a line for each case, and how many there were. */
#ifndef HILLOCK_TESTS_JAIL_TAP_H
#define HILLOCK_TESTS_JAIL_TAP_H

/* Returns whether it passed. */
int tap_ok(int passed, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints the plan; returns main()'s value. */
int tap_end(void);

#endif
