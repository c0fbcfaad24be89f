/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host has to lose, in a jail test: laid out before, looked at after, removed. */
#ifndef HILLOCK_TESTS_JAIL_BAIT_H
#define HILLOCK_TESTS_JAIL_BAIT_H

#include "attack.h"

struct laid_bait {
	struct bait bait;
	int file_fd, program_fd, dir_fd, namespace_fd; /* handed to the hostile program */
	int volume_fd, volume_ro_fd;		       /* O_PATH, for guard_spec.binds */
	int listeners[4];
	char base[64]; /* directory that holds all of it */
};

/* `program_fd`: any static program; copies of it are laid out as executables. 0, or -1, errno. */
int bait_lay(struct laid_bait *laid, int program_fd);

/* Is every file, and the secret in memory, as it was laid? */
int bait_is_whole(const struct laid_bait *laid);

void bait_remove(struct laid_bait *laid);

#endif
