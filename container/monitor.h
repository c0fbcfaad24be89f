/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What monitor.c (the whole), proc.c (processes) and conn.c (clients) share. */
#ifndef HILLOCK_CONTAINER_MONITOR_H
#define HILLOCK_CONTAINER_MONITOR_H

#include "base/buf.h"
#include "base/loop.h"
#include "container/room.h"

/* Frames of credit, signals and the like may wait for the guest up to here; then nobody who could
 * cause more of them is read from. A window of input of each process comes on top. */
#define WIRE_OUT_HIGH (128 * 1024)
#define WIRE_OUT_LIMIT (16 * 1024 * 1024)
/* A window of each of two channels in frames of one byte each, and some control frames. */
#define CONN_OUT_LIMIT (2 * WIRE_WINDOW * (WIRE_HEADER_SIZE + 1) + 64 * 1024)
#define CONNS_MAX 256
#define WORKLOAD 1 /* its proc number, with the guest and with every client */

#define SECONDS 1000000000ull /* in the ns of timers */

/* Credit is given back in pieces of this size, to spare frames. */
#define CREDIT_STEP (WIRE_WINDOW / 4)

/* One output channel of a process: bytes since it started. */
struct flow {
	uint64_t sent, granted; /* by the guest; to the guest beyond the first window */
	int eof;
};

enum proc_state { PROC_FREE, PROC_STARTING, PROC_RUNNING };

struct conn;

struct proc {
	uint16_t number;
	enum proc_state state;
	int terminal, stdin_open, stdin_eof;
	struct flow flows[2]; /* WIRE_STDOUT, WIRE_STDERR */
	uint32_t stdin_room;  /* what the guest still takes */
	struct conn *stdin_owner;
	uint64_t signals; /* to be sent when it runs: bit n-1 for signal n */
	uint16_t rows, columns;
	int resized;
	uint32_t pid;
};

/* A client. It talks about one process, which it calls WORKLOAD whatever its number is. */
struct conn {
	struct loop_source source; /* first: the loop hands this back */
	struct monitor *monitor;
	struct conn *next;
	struct proc *proc;    /* whose session it is, or NULL */
	uint64_t consumed[2]; /* of proc's flows, as `sent` counts */
	struct buf in, out;
	int closing; /* flush, then close */
	int gone;    /* to be freed at the end of the turn */
};

enum monitor_phase { MONITOR_BOOT, MONITOR_UP, MONITOR_STOPPING, MONITOR_LOST, MONITOR_OVER };

struct monitor {
	const struct monitor_spec *spec;
	struct loop loop;
	enum monitor_phase phase;
	struct loop_source wire, kernel_log, listener, keeper;
	struct buf wire_in, wire_out;
	int wire_open; /* the guest has said hello: wire_out may flow */
	struct log_writer log, klog;
	uint64_t log_lost_told;
	struct reason reason;
	struct proc procs[WIRE_PROCS_MAX]; /* by number; 0 is not used */
	struct conn *conns;
	unsigned conn_count;
	struct report end; /* what the keeper will be told last */
	struct loop_timer boot_timer, kill_timer, stop_timer, drain_timer;
};

/* --- monitor.c ------------------------------------------------------------------------------- */

/* What monitor_run() does, without the jail: for tests. `m` is zeroed, `spec` outlives it. */
int monitor_prepare(struct monitor *m, const struct monitor_spec *spec);
int monitor_serve(struct monitor *m);

/* Queues a frame for the guest. A failure ends the container. */
void monitor_send(struct monitor *m, enum wire_type type, uint16_t proc, uint8_t channel,
		  const void *payload, size_t size);
void monitor_send_u32(struct monitor *m, enum wire_type type, uint16_t proc, uint8_t channel,
		      uint32_t value);
void monitor_tell(struct monitor *m, struct report *r);
/* How it ends; monitor_finish() tells the keeper, who then kills the machine. */
void monitor_end(struct monitor *m, enum report_kind kind, uint32_t value, const char *text);
void monitor_finish(struct monitor *m);
/* The guest is not to be talked to any more, though it may still run. */
void monitor_lose(struct monitor *m, const char *why);
/* A FAILED that ends everything: its payload. 0 or -EPROTO. */
int monitor_failed(struct monitor *m, const uint8_t *payload, size_t size);
/* The workload is over: has everything written back, if that is needed, and finishes. */
void monitor_wind_down(struct monitor *m);
/* Ends the machine as if its workload had died of SIGKILL. */
void monitor_killed(struct loop_timer *timer);
/* Reads what the kernel's log has by now. */
void monitor_catch_up(struct monitor *m);

/* --- proc.c ---------------------------------------------------------------------------------- */

/* A frame of a process, from the guest. 0 or -EPROTO. */
int proc_frame(struct monitor *m, const struct wire_header *h, const uint8_t *payload);
/* Gives the guest the credit that the slowest reader allows. */
void proc_grant(struct monitor *m, struct proc *proc, unsigned flow);
/* A signal for a process: now, or as soon as it runs. SIGKILL for a workload that has not
 * started, or does not die of it, ends the machine. */
void proc_signal(struct monitor *m, struct proc *proc, uint32_t signal);
/* One that is not in use, or NULL. */
struct proc *proc_new(struct monitor *m);

/* --- conn.c ---------------------------------------------------------------------------------- */

/* Takes over `fd`. `proc`: it is that process's session from the start. -errno on failure. */
int conn_add(struct monitor *m, int fd, struct proc *proc);
void conn_accept(struct loop_source *listener, uint32_t events);
/* Passes a frame of a process on to its sessions. */
void conn_pass_on(struct monitor *m, struct proc *proc, const struct wire_header *h,
		  const uint8_t *payload);
/* The process is over: its sessions end when they have read everything. */
void conn_end_sessions(struct monitor *m, struct proc *proc);
/* All is over: whoever has no session is let go at once. */
void conn_end_all(struct monitor *m);
void conn_flush_all(struct monitor *m);
/* Frees the connections that ended. */
void conn_reap(struct monitor *m);
/* Waits for what the others can do now. */
void conn_await(struct monitor *m);

#endif
