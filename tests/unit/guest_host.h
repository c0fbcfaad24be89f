/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host for the guest's PID 1 under test: the other end of its wire.
 *
 * The real init runs as an ordinary process (init --wire-fd 3), as PID 1 of a pid namespace of
 * its own where the machine lets anyone make one, so that "kill everything" is its to do. Every
 * wait here is for an event on the wire and fails the test after HOST_PATIENCE seconds.
 */
#ifndef HILLOCK_TESTS_UNIT_GUEST_HOST_H
#define HILLOCK_TESTS_UNIT_GUEST_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/wire.h"

#define HOST_PATIENCE 60
#define HOST_PROCS 80

struct bytes {
	char *data;
	size_t used, room;
};

/* What came for one proc. */
struct seen {
	uint32_t pid, code, signal, credit; /* credit: what may be sent to its standard input */
	int started, failed, ended;
	int eof[3];
	uint32_t owed[3];    /* bytes of output that were not granted back */
	struct bytes out[3]; /* [WIRE_STDOUT], [WIRE_STDERR] */
	char reason[2048];
};

struct host {
	int fd;
	pid_t pid;
	int is_init; /* PID 1 of a namespace */
	int ended;   /* the wire's end was seen */
	int hello, ready, down;
	int hold; /* grant nothing back */
	uint8_t in[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];
	size_t in_used;
	struct seen procs[HOST_PROCS];
};

/* Starts an init; the path of its program is the test's first argument. */
struct host *host_open(const char *init);
/* The same, and sends SETUP (init_only). */
struct host *host_open_ready(const char *init);
/* Ends it by SHUTDOWN and expects DOWN and exit status 0. */
void host_close(struct host *h);
/* Waits for the wire's end and expects this exit status. */
void host_expect_end(struct host *h, int status);

void host_send(struct host *h, enum wire_type type, uint16_t proc, uint8_t channel,
	       const void *payload, size_t size);
void host_send_u32(struct host *h, enum wire_type type, uint16_t proc, uint8_t channel,
		   uint32_t value);
void host_setup(struct host *h);
/* START with the strings of `start` set by the caller. */
void host_start(struct host *h, uint16_t proc, const struct wire_start *start, char *const argv[],
		char *const envp[]);
/* START of `sh -c SCRIPT`. */
void host_shell(struct host *h, uint16_t proc, const struct wire_start *start, const char *script);

/* Takes what comes, granting credit back, until *flag is not 0. */
void host_wait(struct host *h, const int *flag);
/* Until the proc's standard output has this text in it. */
void host_wait_output(struct host *h, uint16_t proc, const char *text);
/* Until the proc has ended or failed. */
struct seen *host_finish(struct host *h, uint16_t proc);
/* Takes what comes in one read, waiting for it. 0 at the wire's end. */
int host_turn(struct host *h);
/* Grants back what was held. */
void host_grant(struct host *h, uint16_t proc);

#define WSTR(text) ((struct wire_string){ text, (uint32_t)(sizeof(text) - 1) })

#endif
