/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeper.c (the life) and start.c (the birth of a container) share. */
#ifndef HILLOCK_CONTAINER_KEEPER_H
#define HILLOCK_CONTAINER_KEEPER_H

#include <signal.h>

#include "container/room.h"

struct keeper {
	struct keeper_spec *spec;
	struct container_state *state;
	struct guard_cgroup cgroup;
	struct machine machine;
	int report_fd, signal_fd; /* the monitor's reports; SIGTERM */
	int machine_gone;
	siginfo_t machine_end;
	struct report end; /* kind 0: none yet */
	struct err err;    /* why it failed, when it did */
};

/* Leaves the caller's session, starts machine and monitor, and writes what others may read. */
int keeper_start(struct keeper *k, struct err *err);

#endif
