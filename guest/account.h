/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounts: USER[:GROUP] against an image's /etc/passwd and /etc/group, as docker reads them.
 *
 * Theory of operation
 * -------------------
 * Both files are foreign. They are read once each, in pieces, by a scan that keeps only what was
 * asked for: no line is trusted to be whole, short, or well formed; one that is not is skipped.
 * A scan is a pure function over the pieces and gives the same answer however they are cut.
 *
 * Numbers need no entry. A USER without GROUP brings the user's own group and all groups that
 * list the user; with GROUP, that group alone. No USER at all is uid 0.
 */
#ifndef HILLOCK_GUEST_ACCOUNT_H
#define HILLOCK_GUEST_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define ACCOUNT_NAME_MAX 255
#define ACCOUNT_GROUPS_MAX 256

struct account_name {
	const char *name; /* not NUL-terminated */
	size_t length;
	int is_number;
	uint32_t number;
};

struct account {
	struct account_name user, group; /* what was asked for; views of the caller's text */
	int user_found, group_found;
	char name[ACCOUNT_NAME_MAX + 1]; /* of the matched user; empty: none */
	char home[ACCOUNT_NAME_MAX + 1]; /* "/" if nothing better is known */
	uid_t uid;
	gid_t gid;
	gid_t groups[ACCOUNT_GROUPS_MAX]; /* supplementary, `gid` first */
	unsigned group_count;
};

/* Starts a scan for "USER", "USER:GROUP", ":GROUP" or "". Fails on a number out of range. */
int account_begin(struct account *a, const char *spec, struct err *err);

/*
 * Scans the lines of a piece of passwd or group; passwd has to be done first. Returns how many
 * bytes it has used: a last line without its end is left for the next piece, unless `last`.
 */
size_t account_scan_passwd(struct account *a, const char *text, size_t size, int last);
size_t account_scan_group(struct account *a, const char *text, size_t size, int last);

/* Makes up the result; fails when a name was not found. */
int account_end(struct account *a, struct err *err);

/* All of that with the files /etc/passwd and /etc/group; one that is missing counts as empty. */
int account_find(struct account *a, const char *spec, struct err *err);

#endif
