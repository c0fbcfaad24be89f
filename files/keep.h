/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors in safe-keeping while a server is killed and started again.
 *
 * Theory of operation
 * -------------------
 * The keeper is whoever starts the server: it reads nothing that a guest wrote and does little,
 * so it lives. Over a socket of packets the server hands it descriptors under a number (a later
 * one takes the place of an earlier) and takes them back out. When the server has died, the
 * keeper reads what it still had to say, and gives the next one everything.
 */
#ifndef HILLOCK_FILES_KEEP_H
#define HILLOCK_FILES_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define KEEP_KEYS_MAX (1u << 17)

/* --- the keeper's side ------------------------------------------------------------------------ */

struct keep {
	int socket; /* becomes readable when the server has something to say; -1: none */
	int *fds;   /* by key; descriptor plus one */
	uint32_t room;
};

/* A socket for the next server, which `*server` is; what the last one still said is read. */
int keep_start(struct keep *keep, int *server, struct err *err);
/* Gives the server on the other side everything; it must be running. */
int keep_give(struct keep *keep, struct err *err);
/* Reads what there is. 0; -EPIPE when the server has closed its side; another -errno. */
int keep_read(struct keep *keep);
void keep_close(struct keep *keep);

/* --- the server's side ------------------------------------------------------------------------ */

void keep_put(int socket, uint32_t key, int fd);
void keep_drop(int socket, uint32_t key);
/* Calls `take` for everything that was kept; it owns the descriptor then. */
int keep_receive(int socket, void (*take)(void *context, uint32_t key, int fd), void *context,
		 struct err *err);

#endif
