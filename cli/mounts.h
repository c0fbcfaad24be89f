/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -v and --tmpfs. */
#ifndef HILLOCK_CLI_MOUNTS_H
#define HILLOCK_CLI_MOUNTS_H

#include "cli/cli.h"

struct cli_mounts {
	struct container_mount mounts[WIRE_MOUNTS_MAX];
	unsigned count;
	int volume_fds[CONTAINER_VOLUMES_MAX]; /* O_PATH, in the order of the volumes */
	unsigned volume_count;
};

/* Opens the volumes, making directories that are missing as docker does. */
int cli_mounts(const struct cli_list *volumes, const struct cli_list *tmpfs,
	       struct cli_mounts *mounts, struct err *err);

#endif
