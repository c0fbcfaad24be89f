// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose file is it inside? The rules stand in idmap.h, the file's format in subuid(5). */
#include "image/mkimage/idmap.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define SUBID_FILE_MAX (1u << 20)

static int read_number(const char **at, uint32_t *value)
{
	uint64_t n = 0;
	const char *start = *at;

	while (**at >= '0' && **at <= '9' && n <= UINT32_MAX)
		n = n * 10 + (uint64_t)(*(*at)++ - '0');
	*value = (uint32_t)n;
	return *at > start && n <= UINT32_MAX;
}

/* The line's first field is the name or the number. */
static int is_for(const char *line, size_t size, const char *name, uid_t uid)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	return (name && strlen(name) == size && !memcmp(line, name, size)) ||
	       (strlen(number) == size && !memcmp(line, number, size));
}

void idmap_parse(struct idmap *map, const char *text, const char *name, uid_t uid, uint32_t own)
{
	uint32_t inside = 1;

	memset(map, 0, sizeof(*map));
	map->own = own;
	while (*text && map->range_count < IDMAP_RANGES_MAX) {
		size_t size = strcspn(text, ":\n");
		const char *at = text + size;
		uint32_t first, count;

		if (*at == ':' && is_for(text, size, name, uid) &&
		    (at++, read_number(&at, &first)) && *at == ':' &&
		    (at++, read_number(&at, &count)) && (*at == '\n' || !*at) && count &&
		    count - 1 <= UINT32_MAX - first && count <= UINT32_MAX - inside) {
			map->ranges[map->range_count].first = first;
			map->ranges[map->range_count].count = count;
			map->ranges[map->range_count++].inside = inside;
			inside += count;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

static void load(struct idmap *map, const char *file, const char *name, uid_t uid, uint32_t own)
{
	cleanup_free char *text = NULL;

	/* No such file: no ranges. */
	if (fd_read_file(AT_FDCWD, file, SUBID_FILE_MAX, &text, NULL, NULL) < 0)
		idmap_parse(map, "", name, uid, own);
	else
		idmap_parse(map, text, name, uid, own);
}

void idmap_load(struct idmap *users, struct idmap *groups)
{
	uid_t uid = geteuid();
	struct passwd *who = getpwuid(uid);
	const char *name = who ? who->pw_name : NULL;

	load(users, "/etc/subuid", name, uid, uid);
	load(groups, "/etc/subgid", name, uid, getegid());
	users->identity = groups->identity = uid == 0;
}

uint32_t idmap_inside(const struct idmap *map, uint32_t id)
{
	if (map->identity)
		return id;
	if (id == map->own)
		return 0;
	for (unsigned i = 0; i < map->range_count; i++)
		if (id >= map->ranges[i].first && id - map->ranges[i].first < map->ranges[i].count)
			return map->ranges[i].inside + (id - map->ranges[i].first);
	return id;
}
