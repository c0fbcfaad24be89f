// SPDX-License-Identifier: GPL-2.0-or-later
/* USER[:GROUP] against passwd and group; theory and contracts stand in account.h. */
#include "guest/account.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* A link or a device may stand where a file should: whoever made it gets no more than this. */
#define FILE_MAX (4 * 1024 * 1024)
#define PIECE_MAX (32 * 1024)

#define ID_MAX 0x7fffffffu

/* A decimal number, all of it. 0 and *value, or -1. */
static int parse_id(const char *text, size_t length, uint32_t *value)
{
	uint64_t v = 0;

	if (length == 0 || length > 10)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	if (v > ID_MAX)
		return -1;
	*value = (uint32_t)v;
	return 0;
}

static int is_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return 0;
	return length > 0;
}

static int begin_name(struct account_name *n, const char *what, const char *text, size_t length,
		      struct err *err)
{
	*n = (struct account_name){ .name = text, .length = length };
	n->is_number = is_digits(text, length);
	if (n->is_number && parse_id(text, length, &n->number) < 0)
		return err_set(err, ERANGE, "%s '%.*s' is out of range (0 to %u)", what,
			       (int)length, text, ID_MAX);
	return 0;
}

int account_begin(struct account *a, const char *spec, struct err *err)
{
	const char *colon = strchr(spec, ':');
	size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
	int rc;

	*a = (struct account){ .home = "/" };
	rc = begin_name(&a->user, "user", spec, length, err);
	if (rc == 0 && colon)
		rc = begin_name(&a->group, "group", colon + 1, strlen(colon + 1), err);
	return rc;
}

struct field {
	const char *text;
	size_t length;
};

/* Cuts a line at its colons; the last field keeps what is left. Returns how many there are. */
static unsigned split(const char *line, size_t length, struct field *fields, unsigned max)
{
	unsigned count = 0;

	while (count + 1 < max) {
		const char *colon = memchr(line, ':', length);

		if (!colon)
			break;
		fields[count++] = (struct field){ line, (size_t)(colon - line) };
		length -= (size_t)(colon + 1 - line);
		line = colon + 1;
	}
	fields[count++] = (struct field){ line, length };
	return count;
}

static int field_is(const struct field *f, const char *text, size_t length)
{
	return f->length == length && memcmp(f->text, text, length) == 0;
}

static void passwd_line(struct account *a, const char *line, size_t length)
{
	struct field f[7];
	uint32_t uid, gid;
	int match;

	if (a->user_found || split(line, length, f, 7) < 6)
		return;
	if (f[0].length == 0 || f[0].length > ACCOUNT_NAME_MAX || f[5].length > ACCOUNT_NAME_MAX ||
	    parse_id(f[2].text, f[2].length, &uid) < 0 ||
	    parse_id(f[3].text, f[3].length, &gid) < 0)
		return;
	if (a->user.length == 0)
		match = uid == 0;
	else if (a->user.is_number)
		match = uid == a->user.number;
	else
		match = field_is(&f[0], a->user.name, a->user.length);
	if (!match)
		return;
	a->user_found = 1;
	a->uid = uid;
	a->gid = gid;
	memcpy(a->name, f[0].text, f[0].length);
	a->name[f[0].length] = '\0';
	if (f[5].length > 0) {
		memcpy(a->home, f[5].text, f[5].length);
		a->home[f[5].length] = '\0';
	}
}

static int list_has(const struct field *list, const char *name)
{
	const char *at = list->text;
	size_t left = list->length, length = strlen(name);

	for (;;) {
		const char *comma = memchr(at, ',', left);
		struct field item = { at, comma ? (size_t)(comma - at) : left };

		if (field_is(&item, name, length))
			return 1;
		if (!comma)
			return 0;
		left -= item.length + 1;
		at = comma + 1;
	}
}

static void add_group(struct account *a, gid_t gid)
{
	for (unsigned i = 0; i < a->group_count; i++)
		if (a->groups[i] == gid)
			return;
	if (a->group_count < ACCOUNT_GROUPS_MAX)
		a->groups[a->group_count++] = gid;
}

static void group_line(struct account *a, const char *line, size_t length)
{
	struct field f[4];
	uint32_t gid;

	if (split(line, length, f, 4) < 4 || parse_id(f[2].text, f[2].length, &gid) < 0)
		return;
	if (a->group.length > 0) {
		if (!a->group_found && !a->group.is_number &&
		    field_is(&f[0], a->group.name, a->group.length)) {
			a->group_found = 1;
			a->gid = gid;
		}
	} else if (a->name[0] && list_has(&f[3], a->name)) {
		add_group(a, gid);
	}
}

static size_t scan(struct account *a, const char *text, size_t size, int last,
		   void (*line)(struct account *a, const char *line, size_t length))
{
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - (text + at)) : size - at;

		if (!end && !last)
			break;
		line(a, text + at, length);
		at += length + (end != NULL);
	}
	return at;
}

size_t account_scan_passwd(struct account *a, const char *text, size_t size, int last)
{
	return scan(a, text, size, last, passwd_line);
}

size_t account_scan_group(struct account *a, const char *text, size_t size, int last)
{
	if (a->group_count == 0 && a->group.length == 0)
		add_group(a, a->gid);
	return scan(a, text, size, last, group_line);
}

int account_end(struct account *a, struct err *err)
{
	if (a->user.length > 0 && !a->user_found) {
		if (!a->user.is_number)
			return err_set(err, ENOENT,
				       "no such user '%.*s' in the image's /etc/passwd",
				       (int)a->user.length, a->user.name);
		a->uid = a->user.number;
	}
	if (a->group.length > 0 && !a->group_found) {
		if (!a->group.is_number)
			return err_set(err, ENOENT,
				       "no such group '%.*s' in the image's /etc/group",
				       (int)a->group.length, a->group.name);
		a->gid = a->group.number;
	}
	add_group(a, a->gid);
	return 0;
}

static int scan_file(struct account *a, const char *path,
		     size_t (*feed)(struct account *a, const char *text, size_t size, int last),
		     struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t used = 0, total = 0;
	char piece[PIECE_MAX];
	int skipping = 0, last = 0;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(err, errno, "reading the image's %s", path);
	while (!last) {
		ssize_t n = read(fd, piece + used, sizeof(piece) - used);
		size_t done = 0;

		if (n < 0)
			return err_sys(err, errno, "reading the image's %s", path);
		/* A file gives less than asked for at its end only: saves asking again. */
		last = (size_t)n < sizeof(piece) - used;
		total += (size_t)n;
		used += (size_t)n;
		if (total > FILE_MAX)
			return err_set(err, EFBIG, "the image's %s is larger than %d bytes", path,
				       FILE_MAX);
		if (skipping) {
			const char *end = memchr(piece, '\n', used);

			done = end ? (size_t)(end + 1 - piece) : used;
			skipping = !end;
		}
		done += feed(a, piece + done, used - done, last);
		if (done == 0 && used == sizeof(piece)) {
			skipping = 1; /* a line longer than any that counts */
			done = used;
		}
		memmove(piece, piece + done, used - done);
		used -= done;
	}
	return 0;
}

int account_find(struct account *a, const char *spec, struct err *err)
{
	int rc = account_begin(a, spec, err);

	if (rc == 0)
		rc = scan_file(a, "/etc/passwd", account_scan_passwd, err);
	if (rc == 0 && (a->group.length > 0 || a->name[0]))
		rc = scan_file(a, "/etc/group", account_scan_group, err);
	if (rc == 0)
		rc = account_end(a, err);
	return rc;
}
