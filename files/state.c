// SPDX-License-Identifier: GPL-2.0-or-later
/* State that outlives the server; the contract stands in state.h. */
#include "files/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x31736c6966634c48ULL /* and a version */

/* The successor is another process on the same machine: it sees memory as it was at any
 * instruction. Only the compiler must be kept from moving stores. */
#define ORDER() atomic_signal_fence(memory_order_seq_cst)

static size_t head_size(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct state_head) + page - 1) & ~(page - 1);
}

int state_open(struct state *state, int fd, size_t size, struct err *err)
{
	struct stat st;
	void *map;

	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			return err_sys(err, errno, "the file server's state");
		size = (size_t)st.st_size;
	}
	if (size <= head_size())
		return err_set(err, EINVAL, "the file server's state: %zu bytes are too few", size);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   (fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS) | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "mapping the file server's state");
	state->head = map;
	state->shared = fd >= 0;
	state->area = (uint8_t *)map + head_size();
	state->area_size = size - head_size();
	if (state->head->magic == 0) {
		state->head->size = size;
		ORDER();
		state->head->magic = MAGIC;
	}
	if (state->head->magic != MAGIC || state->head->size != size) {
		munmap(map, size);
		return err_set(err, EINVAL, "the file server's state is another version's");
	}
	state->head->starts++;
	return 0;
}

void state_close(struct state *state)
{
	if (state->head)
		munmap(state->head, state->head->size);
	state->head = NULL;
}

static void note(struct state *state, void *word, uint32_t size, uint64_t old)
{
	struct state_head *head = state->head;
	struct state_undo *undo = &head->undo[head->undo_count];

	/* No request makes so many changes: state.h. */
	if (head->undo_count >= STATE_UNDO_MAX)
		abort();
	undo->offset = (uint32_t)((uint8_t *)word - (uint8_t *)head);
	undo->size = size;
	undo->old = old;
	ORDER();
	head->undo_count++;
	ORDER();
}

void state_set32(struct state *state, uint32_t *word, uint32_t value)
{
	note(state, word, sizeof(*word), *word);
	*(volatile uint32_t *)word = value;
}

void state_set64(struct state *state, uint64_t *word, uint64_t value)
{
	note(state, word, sizeof(*word), *word);
	*(volatile uint64_t *)word = value;
}

size_t state_room(const struct state *state)
{
	return STATE_UNDO_MAX - state->head->undo_count;
}

void state_commit(struct state *state)
{
	ORDER();
	state->head->undo_count = 0;
	ORDER();
}

void state_rollback(struct state *state)
{
	struct state_head *head = state->head;

	while (head->undo_count) {
		const struct state_undo *undo = &head->undo[head->undo_count - 1];
		uint8_t *word = (uint8_t *)head + undo->offset;

		memcpy(word, &undo->old, undo->size);
		ORDER();
		head->undo_count--;
		ORDER();
	}
}

void state_reset(struct state *state)
{
	struct state_head *head = state->head;

	head->minor = head->writeback = head->undo_count = 0;
	head->unique = 0;
	head->opcode = head->progress = 0;
	head->note.count = 0;
}

void state_clear_area(struct state *state)
{
	/* Gives the memory back: a file's, or this process' own. Where neither can be done, zeroes
	 * have to do. */
	if (madvise(state->area, state->area_size, state->shared ? MADV_REMOVE : MADV_DONTNEED) < 0)
		memset(state->area, 0, state->area_size);
}
