/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share with each other, and with nobody else. */
#ifndef HILLOCK_CONTAINER_ROOM_H
#define HILLOCK_CONTAINER_ROOM_H

#include "container/container.h"

/* --- claim.c: directories, names, locks ------------------------------------------------------ */

/*
 * Makes the directory of a new container, takes its lock and its name (a made-up one where
 * config->name is empty), and fills in config->id and ->name. On failure nothing is left behind.
 */
int claim_create(const struct container_store *store, struct container_config *config, int *dir_fd,
		 int *lock_fd, struct err *err);
/* Removes directory and name. The caller holds the container's lock. */
int claim_remove(const struct container_store *store, const char *id, const char *name,
		 struct err *err);

int claim_id_valid(const char *id);
int claim_name_valid(const char *name);

/* --- state.c: JSON on disk ------------------------------------------------------------------- */

int config_write(int dir_fd, const struct container_config *config, struct err *err);
int config_read(int dir_fd, struct container_config *config, struct err *err);
int state_write(int dir_fd, const struct container_state *state, struct err *err);
int state_read(int dir_fd, struct container_state *state, struct err *err);

/* --- layer.c --------------------------------------------------------------------------------- */

/* Makes `layer.img` in `dir_fd`, an empty ext4 file system; returns its descriptor. */
int layer_create(const struct container_store *store, int dir_fd, uint64_t size, struct err *err);

/* --- launch.c -------------------------------------------------------------------------------- */

/* Does the guest write anything that outlives the machine? */
int launch_needs_sync(const struct container_config *config);

/* --- log.c: writing -------------------------------------------------------------------------- */

#define LOG_SEGMENTS 2

struct log_writer {
	int fds[LOG_SEGMENTS];
	unsigned current;
	uint64_t sequence, used, segment_size;
	uint64_t lost; /* bytes, all in all */
	uint64_t lost_unsaid;
};

/* Creates the files NAME.0 and NAME.1; `size` bounds both together. */
int log_create(struct log_writer *log, int dir_fd, const char *name, uint64_t size,
	       struct err *err);
/* Never fails: what cannot be written is counted in ->lost, and said in the log later. */
void log_write(struct log_writer *log, enum container_log_stream stream, const void *data,
	       size_t size);

/* --- keeper.c, monitor.c --------------------------------------------------------------------- */

/* What the monitor tells the keeper: whole datagrams, nothing in them is trusted. */
enum report_kind {
	REPORT_JAILED = 1,
	REPORT_PHASE,   /* phase */
	REPORT_STARTED, /* value: pid in the guest */
	REPORT_LOG,     /* log_lost */
	REPORT_FAILED,  /* value: 125, 126, 127; text */
	REPORT_EXIT,    /* value: code, extra: signal; text if there is more to say */
	REPORT_LOST,    /* the guest is gone or not to be talked to; text: why, if known */
	REPORT_KINDS
};

struct report {
	uint32_t kind, phase;
	uint32_t value, extra, out_of_memory;
	uint32_t last; /* the machine may be killed */
	uint64_t log_lost, ns;
	char text[512];
};

struct monitor_spec {
	int wire_fd, kernel_log_fd, listen_fd, session_fd, report_fd;
	struct log_writer log, kernel_log;
	const uint8_t *setup, *start; /* whole frames */
	size_t setup_size, start_size;
	int terminal, stdin_open, sync, no_log;
	unsigned boot_seconds;
	uid_t host_uid;
	gid_t host_gid;
};

/* Jails itself and serves until all is over. */
void monitor_run(const struct monitor_spec *spec) __attribute__((noreturn));

struct keeper_spec {
	const struct container_store *store;
	const struct container_launch *launch;
	struct container_state state;
	int dir_fd, lock_fd, layer_fd;
	int session_fd, news_fd; /* this side's ends */
	const uint8_t *setup, *start;
	size_t setup_size, start_size;
};

/* The keeper's whole life; called in the forked child. */
void keeper_run(struct keeper_spec *spec) __attribute__((noreturn));

/* --- reason.c -------------------------------------------------------------------------------- */

/* Watches a kernel's log go by for the lines that say why it died. Fixed room, hostile input. */
struct reason {
	char panic[200], oom[200];
	char line[256];
	size_t length;
	char last[200]; /* the last whole line */
};

void reason_feed(struct reason *r, const void *data, size_t size);

#endif
