// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stranger's passwd and group. The input: one byte that says how large the pieces are, then
 * USER[:GROUP], passwd and group, each ended by a NUL. Pieces must not change the answer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/account.h"

struct part {
	const char *text;
	size_t size;
};

static struct part next_part(const uint8_t **data, size_t *size)
{
	const uint8_t *nul = memchr(*data, '\0', *size);
	struct part p = { (const char *)*data, nul ? (size_t)(nul - *data) : *size };

	*data += p.size + (nul != NULL);
	*size -= p.size + (nul != NULL);
	return p;
}

static void feed(struct account *a, struct part file, size_t piece,
		 size_t (*scan)(struct account *a, const char *text, size_t size, int last))
{
	size_t at = 0, end = 0;

	while (end < file.size) {
		end = file.size - end > piece ? end + piece : file.size;
		at += scan(a, file.text + at, end - at, end == file.size);
		if (at > end)
			abort();
	}
	if (at != file.size)
		abort();
}

static int resolve(struct account *a, const char *spec, struct part passwd, struct part group,
		   size_t piece)
{
	if (account_begin(a, spec, NULL) < 0)
		return -1;
	feed(a, passwd, piece, account_scan_passwd);
	feed(a, group, piece, account_scan_group);
	return account_end(a, NULL);
}

static int alike(const struct account *a, const struct account *b)
{
	return a->uid == b->uid && a->gid == b->gid && a->group_count == b->group_count &&
	       memcmp(a->groups, b->groups, a->group_count * sizeof(a->groups[0])) == 0 &&
	       strcmp(a->name, b->name) == 0 && strcmp(a->home, b->home) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct account whole, cut;
	struct part spec, passwd, group;
	size_t piece;
	char *user;
	int rc;

	if (size == 0)
		return 0;
	piece = (size_t)data[0] + 1;
	data++;
	size--;
	spec = next_part(&data, &size);
	passwd = next_part(&data, &size);
	group = (struct part){ (const char *)data, size };
	user = strndup(spec.text, spec.size);
	if (!user)
		abort();
	rc = resolve(&whole, user, passwd, group, (size_t)-1);
	if (rc != resolve(&cut, user, passwd, group, piece) || (rc == 0 && !alike(&whole, &cut)))
		abort();
	if (rc == 0 && (!memchr(whole.home, '\0', sizeof(whole.home)) || whole.group_count < 1 ||
			whole.group_count > ACCOUNT_GROUPS_MAX))
		abort();
	free(user);
	return 0;
}
