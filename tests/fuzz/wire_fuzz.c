// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames from a stranger. Whatever the decoder accepts, the encoder has to give back byte for
 * byte: a payload has one encoding, so nothing was read that was not there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

static uint8_t again[WIRE_PAYLOAD_MAX + 16];

static void must(int so)
{
	if (!so)
		abort();
}

static void check_setup(const uint8_t *payload, size_t size)
{
	struct wire_out out = { .data = again, .room = sizeof(again) };
	static struct wire_setup setup;

	if (wire_get_setup(payload, size, &setup) < 0)
		return;
	wire_put_setup(&out, &setup);
	must(!out.overflow && out.used == size && memcmp(again, payload, size) == 0);
}

/* C strings of a list's items, in `text`. */
static char *array_of(const struct wire_list *list, char **items, char *text)
{
	struct wire_string item;
	size_t at = 0, count = 0;

	while (wire_list_next(list, &at, &item)) {
		items[count++] = text;
		memcpy(text, item.data, item.length);
		text[item.length] = '\0';
		text += item.length + 1;
	}
	items[count] = NULL;
	must(count == list->count);
	return text;
}

static void check_start(const uint8_t *payload, size_t size)
{
	struct wire_out out = { .data = again, .room = sizeof(again) };
	static char *argv[WIRE_STRINGS_MAX + 1], *envp[WIRE_STRINGS_MAX + 1];
	static char text[2 * WIRE_PAYLOAD_MAX];
	struct wire_start start;

	if (wire_get_start(payload, size, &start) < 0)
		return;
	array_of(&start.envp, envp, array_of(&start.argv, argv, text));
	wire_put_start(&out, &start, argv, envp);
	must(!out.overflow && out.used == size && memcmp(again, payload, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *payload;
	struct wire_header h;
	long n;

	while ((n = wire_frame_get(data, size, &h, &payload)) > 0) {
		uint8_t header[WIRE_HEADER_SIZE];

		must((size_t)n <= size && (size_t)n == WIRE_HEADER_SIZE + (size_t)h.length);
		wire_header_put(header, &h);
		must(memcmp(header, data, sizeof(header)) == 0);
		if (h.type == WIRE_SETUP)
			check_setup(payload, h.length);
		if (h.type == WIRE_START)
			check_start(payload, h.length);
		data += n;
		size -= (size_t)n;
	}
	return 0;
}
