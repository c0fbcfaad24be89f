// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The image room's smaller parsers: what a file is, image.json, names, /etc/subuid.
 *
 * What is promised: a name that is accepted is one harmless part of a path, and mapping ids never
 * leaves the range of ids.
 */
#include <stdlib.h>
#include <string.h>

#include "image/mkimage/idmap.h"
#include "image/room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_name(const char *text)
{
	struct err err = ERR_INIT;
	char full[256];

	if (image_name_parse(text, full, &err) < 0) {
		if (!err.text[0])
			abort();
		return;
	}
	if (strchr(full, '/') || full[0] == '.' || strstr(full, "..") || !strchr(full, ':'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct image_kind kind;
	struct image_meta meta;
	struct idmap map;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	image_kind_find(data, size, size, &kind);
	if (!kind.what)
		abort();
	image_meta_parse(text, size, &meta, NULL);
	image_meta_free(&meta);
	try_name(text);
	idmap_parse(&map, text, "joe", 1000, 1000);
	if (idmap_inside(&map, 1000) != 0 || map.range_count > IDMAP_RANGES_MAX)
		abort();
	free(text);
	return 0;
}
