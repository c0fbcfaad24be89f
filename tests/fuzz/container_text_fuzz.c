// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel's log on its way to a reason, and text on its way to a terminal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "container/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	if (length == room || !utf8_valid(text, length))
		abort();
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reason whole = { .length = 0 }, parts = { .length = 0 };
	size_t room, step;
	char out[300];

	if (size < 2)
		return 0;
	room = data[0] + 1u;
	step = data[1] % 64 + 1u;
	data += 2;
	size -= 2;
	utf8_clean(out, room, data, size);
	check_clean(out, room);
	reason_feed(&whole, data, size);
	for (size_t at = 0; at < size; at += step)
		reason_feed(&parts, data + at, size - at < step ? size - at : step);
	if (strcmp(whole.panic, parts.panic) != 0 || strcmp(whole.oom, parts.oom) != 0 ||
	    strcmp(whole.last, parts.last) != 0)
		abort();
	check_clean(whole.panic, sizeof(whole.panic));
	check_clean(whole.oom, sizeof(whole.oom));
	check_clean(whole.last, sizeof(whole.last));
	return 0;
}
