/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The OCI bundle that Hillock's peers run: the same for all of them.
 *
 * It is what the specification's tools call a default: read-only root, /proc, /dev, /sys and the
 * like mounted, namespaces for processes, network, IPC, host name and mounts, three capabilities,
 * no new privileges. No system call filter: runtimes add none by themselves.
 */
#ifndef HILLOCK_BENCH_BUNDLE_H
#define HILLOCK_BENCH_BUNDLE_H

#include <sys/types.h>

#include "base/err.h"

struct bundle {
	const char *tree;         /* root file tree, absolute */
	const char *const *argv;  /* NULL-terminated */
	const char *const *tmpfs; /* directories with a file system in memory, too; or NULL */
	int user_namespace;       /* with uid and gid 0 mapped to: */
	uid_t uid;
	gid_t gid;
};

/* Writes DIRECTORY/config.json. */
int bundle_write(const char *directory, const struct bundle *bundle, struct err *err);

#endif
