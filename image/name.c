// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of images; the rules stand in room.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/room.h"

int image_is_path(const char *reference)
{
	return reference[0] == '.' || strchr(reference, '/') != NULL;
}

static int is_word(char c, int upper)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper && c >= 'A' && c <= 'Z');
}

static int check_part(const char *text, size_t size, size_t max, int upper)
{
	if (size == 0 || size > max || !is_word(text[0], upper) || !is_word(text[size - 1], upper))
		return 0;
	for (size_t i = 0; i < size; i++) {
		if (is_word(text[i], upper))
			continue;
		if (text[i] == '\0' || !strchr("._-", text[i]) || !is_word(text[i + 1], upper))
			return 0;
	}
	return 1;
}

int image_name_parse(const char *reference, char full[256], struct err *err)
{
	size_t size = strcspn(reference, ":");
	const char *tag = reference[size] ? reference + size + 1 : "latest";

	if (strchr(reference, '@'))
		return err_set(err, EINVAL, "'%.200s': images are not kept by digest here",
			       reference);
	if (!check_part(reference, size, IMAGE_NAME_MAX, 0)) {
		err_set(err, EINVAL, "'%.200s' is not a name for an image", reference);
		err_hint(err,
			 "a name is lower-case letters and digits, with single '.', '_' or '-' "
			 "between them, as in 'debian-12:slim'; a path has a '/' in it");
		return -EINVAL;
	}
	if (!check_part(tag, strlen(tag), IMAGE_TAG_MAX, 1))
		return err_set(err, EINVAL, "'%.200s': the part behind ':' is not a tag",
			       reference);
	snprintf(full, 256, "%.*s:%s", (int)size, reference, tag);
	return 0;
}
