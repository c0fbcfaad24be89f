/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest: PID 1 of a private kernel.
 *
 * Theory of operation
 * -------------------
 * The kernel unpacks an initramfs with nothing in it but this program and a few empty
 * directories, and starts it. It opens the wire (wire/wire.h), says HELLO, puts the container's
 * root in place when SETUP comes, and from then on runs what START frames name, until SHUTDOWN or
 * the end of the wire. Everything is one thread around one poll().
 *
 * main.c	start, and what happens at the end
 * loop.c	the wire: buffers, frames, the poll loop
 * procs.c	the processes that run for the host: their streams, credit, end
 * spawn.c	one START: streams or terminal, environment, account
 * child.c	between vfork() and exec
 * account.c	USER[:GROUP] against the image's passwd and group
 * root.c	the container's root and what is mounted into it
 * options.c	mount options of a tmpfs
 *
 * The host is trusted as little as the workload: a frame out of turn ends the machine. The
 * workload is root in this kernel and may do to PID 1 whatever root may; it then harms its own
 * container only.
 *
 * What the kernel already gives to PID 1 is not asked for again: the out-of-memory killer passes
 * it over, umask is 022, no signal without a handler reaches it.
 */
#ifndef HILLOCK_GUEST_GUEST_H
#define HILLOCK_GUEST_GUEST_H

#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "wire/queue.h"
#include "wire/wire.h"

enum guest_state { GUEST_BARE, GUEST_READY, GUEST_BROKEN };

#define GUEST_HOSTNAME_MAX 64
#define GUEST_WORKLOAD 1 /* the proc that the container lives for */

struct guest {
	int wire;   /* nonblocking */
	int log;    /* /dev/kmsg */
	int null;   /* /dev/null */
	int child;  /* signalfd: readable when a child has ended */
	int rescue; /* an ordinary process runs this (tests): no mounts, no power to switch off */
	enum guest_state state;
	int sync;      /* sync before DOWN */
	int layer_dir; /* root of the writable layer's disk, or -1 */
	char hostname_env[sizeof("HOSTNAME=") + GUEST_HOSTNAME_MAX];
};

/* --- main.c */

/* Writes one line to the kernel's log. */
void guest_log(const struct guest *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t guest_clock(void);

/* The bytes of a string of a payload, as a C string made in place: its bytes move to where its
 * length stood. Only once for each string, and only for payloads in the guest's own buffer. */
char *guest_text(struct wire_string s);

/* Kills every process but this one. */
void guest_kill_all(void);

/* --- loop.c */

/* Runs until the session is over. 0 after SHUTDOWN (DOWN has been sent) or the end of the wire,
 * -EPROTO when the host broke the rules, another -errno when the wire failed. */
int guest_loop(struct guest *g);

/* Where frames to the host are put; the room is checked before (loop_room()). */
struct wire_out *loop_out(void);
/* Is there room for the largest answer that one event can have? */
int loop_room(void);
/* How many bytes of data a frame can carry now. */
uint32_t loop_data_room(void);

/* --- procs.c */

struct stream {
	int fd;          /* -1: over, EOF was sent */
	uint32_t credit; /* bytes that the host takes */
	int32_t left;    /* after the process's end: bytes still to send; -1: all until EOF */
	int slot;        /* in the poll set, or -1 */
};

struct proc {
	uint16_t id; /* 0: free */
	uint8_t terminal, ended, stdin_over;
	pid_t pid; /* 0: reaped */
	uint32_t code, signal;
	int in_fd; /* standard input; the terminal's master, which is out[0].fd; -1: none */
	int in_slot;
	struct wire_queue in;
	char in_last; /* last byte that went into a terminal */
	struct stream out[2];
};

/* The proc's record, or NULL. */
struct proc *procs_find(uint16_t id);
/* A free record for `id`, or NULL: too many. */
struct proc *procs_add(uint16_t id);
void procs_remove(struct proc *p);

/* What the host sent. 0, or -EPROTO when it may not. A proc that is over is no error: both sides
 * cannot know at once. */
int procs_data(uint16_t id, const uint8_t *data, uint32_t size);
int procs_eof(uint16_t id);
int procs_credit(uint16_t id, uint8_t channel, uint32_t credit);
int procs_signal(uint16_t id, uint32_t signal);
void procs_winsize(uint16_t id, uint16_t rows, uint16_t columns);

#define PROCS_POLL_MAX (WIRE_PROCS_MAX * 3)

/* Fills in what to wait for; returns how many. */
unsigned procs_poll(struct pollfd *set);
/* Moves bytes after a poll. */
void procs_move(const struct pollfd *set);
/* Reaps every child that has ended. */
void procs_reap(const struct guest *g);
/* Reports what has come to its end. */
void procs_finish(void);
/* Kills the process group of everything that runs for the host. */
void procs_kill(void);

/* --- spawn.c */

/* Runs what `start` says and answers STARTED or FAILED. Changes `start`'s payload. */
void spawn_start(struct guest *g, uint16_t id, const struct wire_start *start);
/* Answers FAILED, with the error's hint behind its text. */
void spawn_failed(uint16_t id, uint32_t code, const struct err *err);

/* --- root.c */

/* SETUP: the root is in place, and `g` knows what it needs for the end. Changes the payload. */
int root_set_up(struct guest *g, const struct wire_setup *setup, struct err *err);
/* What was written is on disk, and the layer's file system is left clean. */
void root_sync(const struct guest *g);

#endif
