/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: descriptors and deadlines, one thread, no allocation.
 *
 * Theory of operation
 * -------------------
 * A source is a descriptor with a function, embedded in the caller's own struct; a timer is a
 * deadline with a function. The loop owns neither. Any of them may be removed (and its memory
 * freed) inside any callback, its own included: events that were already fetched for it are
 * forgotten.
 */
#ifndef HILLOCK_BASE_LOOP_H
#define HILLOCK_BASE_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

/* The struct that a source or a timer is a member of. */
#define loop_owner(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct loop_source {
	int fd;          /* the owner's */
	uint32_t events; /* EPOLLIN, EPOLLOUT, as the loop has them now */
	void (*ready)(struct loop_source *source, uint32_t events);
};

struct loop_timer {
	uint64_t at; /* CLOCK_MONOTONIC in ns; 0: not set */
	void (*expired)(struct loop_timer *timer);
	struct loop_timer *next;
};

#define LOOP_BATCH 16

struct loop {
	int epoll_fd;
	struct loop_timer *timers;
	struct epoll_event batch[LOOP_BATCH];
	int batch_count, batch_at;
};

/* All of these return 0 or -errno. */
int loop_init(struct loop *loop);
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
/* Changes what is waited for; costs nothing when nothing changes. */
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
/* Call it before the descriptor is closed. */
void loop_remove(struct loop *loop, struct loop_source *source);
void loop_close(struct loop *loop);

/* Sets or moves a deadline, `ns` from now; it expires once. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t ns);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Waits for something and runs its callbacks. Returns 0 or -errno. */
int loop_turn(struct loop *loop);

/* CLOCK_MONOTONIC in ns. */
uint64_t loop_now(void);

#endif
