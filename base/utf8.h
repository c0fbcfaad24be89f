/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from strangers: is it UTF-8, and may a terminal see it? */
#ifndef HILLOCK_BASE_UTF8_H
#define HILLOCK_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `p` (1 to 4; `size` are there), or 0 if that is not valid UTF-8. */
size_t utf8_size(const void *p, size_t size);

/* Is all of it valid? */
int utf8_valid(const void *data, size_t size);

/*
 * Copies as much as fits into `out` (always terminated), with '?' for what is not valid UTF-8 or
 * is a control character; never cuts a character in two.
 */
void utf8_clean(char *out, size_t room, const void *data, size_t size);

#endif
