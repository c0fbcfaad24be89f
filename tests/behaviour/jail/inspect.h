/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A jailed process as the host sees it in /proc: what it is, what it holds, what it shares. Walls
 * that stand behind another wall cannot be attacked from inside, but they can be looked at.
 */
#ifndef HILLOCK_TESTS_JAIL_INSPECT_H
#define HILLOCK_TESTS_JAIL_INSPECT_H

#include <stddef.h>
#include <sys/types.h>

/* `uid`: whose it is on the host; it holds `descriptors` and sees `volumes`. */
void inspect_jail(pid_t pid, uid_t uid, size_t volumes, int descriptors);

/* The same for one that jailed itself, and is its namespaces' only process already. */
void inspect_entered(pid_t pid, uid_t uid);

#endif
