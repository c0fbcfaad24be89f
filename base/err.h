/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors.
 *
 * Theory of operation
 * -------------------
 * A function that can fail takes a `struct err *` as its last argument and returns 0 (or a
 * useful non-negative value) on success and -errno on failure. The error holds one sentence that
 * says what was tried, on what, and why it failed; callers put their own context in front of it,
 * and whoever knows what the user can do about it adds a hint. The room is fixed, so failing
 * needs no memory; a text that does not fit is cut, never overflowed.
 *
 * Only cli/ prints an error for people. `err` may be NULL where a caller does not care.
 */
#ifndef HILLOCK_BASE_ERR_H
#define HILLOCK_BASE_ERR_H

#include <stddef.h>

struct err {
	int code;	 /* a positive errno value; 0 while nothing failed */
	char text[1024]; /* "context: context: cause", without a final newline */
	char hint[512];	 /* what to do next; may be empty */
};

#define ERR_INIT ((struct err){ 0 })

/* Sets the cause, replacing what was there. Returns -code. */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), and appends ": " and strerror(code). Returns -code. */
int err_sys(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of what is there. Returns -err->code (or -EIO when err is NULL). */
int err_context(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says what the user can do. The first hint stays: it is the nearest to the cause. */
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
