// SPDX-License-Identifier: GPL-2.0-or-later
/* UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, nothing above U+10FFFF. */
#include "base/utf8.h"

#include <string.h>

size_t utf8_size(const void *p, size_t size)
{
	const unsigned char *s = p;
	size_t n;
	uint32_t code;

	if (size == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (size < n)
		return 0;
	code = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	if (n == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
		return 0;
	if (n == 4 && (code < 0x10000 || code > 0x10ffff))
		return 0;
	return n;
}

int utf8_valid(const void *data, size_t size)
{
	const unsigned char *s = data;

	while (size > 0) {
		size_t n = utf8_size(s, size);

		if (n == 0)
			return 0;
		s += n;
		size -= n;
	}
	return 1;
}

void utf8_clean(char *out, size_t room, const void *data, size_t size)
{
	const unsigned char *s = data;
	size_t used = 0;

	while (size > 0) {
		size_t n = utf8_size(s, size);
		/* C0, DEL, and C1, which is U+0080 to U+009F. */
		int bad = n == 0 || s[0] < ' ' || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);

		if (used + (bad ? 1 : n) >= room)
			break;
		if (bad)
			out[used++] = '?';
		else
			memcpy(out + used, s, n), used += n;
		n = n ? n : 1;
		s += n;
		size -= n;
	}
	out[used] = '\0';
}
