/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a file server knows, in memory that outlives it.
 *
 * Theory of operation
 * -------------------
 * The state is a file in memory that somebody else holds open too: whoever starts the server. Its
 * head is fixed: the virtio session, the FUSE session, the request in hand. The rest belongs to
 * the translator.
 *
 * A server is killed at any instruction. So every word that a request changes is changed through
 * state_set32() or state_set64(), which first write down what it was. Whoever starts next puts
 * all of that back if the request had not been finished (virtio/virtio.h says what that is) and
 * carries it out again from the start: a request's changes are there as a whole or not at all.
 * What nothing points at yet may be written as one likes.
 */
#ifndef HILLOCK_FILES_STATE_H
#define HILLOCK_FILES_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "files/translator.h"
#include "virtio/virtio.h"

#define STATE_UNDO_MAX 16384
/* A request that may make many changes stops making more when so few are left. */
#define STATE_UNDO_LOW 64

struct state_undo {
	uint32_t offset, size; /* of the word; 4 or 8 */
	uint64_t old;
};

struct state_head {
	uint64_t magic, size;
	uint32_t starts; /* how many servers have used it */

	struct virtio_state virtio;

	/* The FUSE session. */
	uint32_t minor; /* 0: no INIT yet */
	uint32_t writeback;

	/* The request in hand. */
	uint64_t unique;
	uint32_t opcode;
	uint32_t progress; /* of one that is finished piece by piece */
	struct translator_note note;

	uint32_t undo_count;
	struct state_undo undo[STATE_UNDO_MAX];
};

struct state {
	struct state_head *head;
	uint8_t *area; /* the translator's, zeroes at first; aligned to a page */
	size_t area_size;
	int shared; /* a file */
};

/*
 * Maps the file `fd`, which has its size already; a file of zeroes becomes a fresh state. fd -1:
 * `size` bytes of this process' own. 0 or -errno.
 */
int state_open(struct state *state, int fd, size_t size, struct err *err);
void state_close(struct state *state);

void state_set32(struct state *state, uint32_t *word, uint32_t value);
void state_set64(struct state *state, uint64_t *word, uint64_t value);
/* How many more changes can be undone. */
size_t state_room(const struct state *state);
/* What has been changed stays. */
void state_commit(struct state *state);
/* What has been changed since is put back. */
void state_rollback(struct state *state);
/* A fresh FUSE session; the translator's area is the translator's. */
void state_reset(struct state *state);
/* The translator's area is all zeroes again. */
void state_clear_area(struct state *state);

#endif
