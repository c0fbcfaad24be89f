/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stages of a jail, as spawn.c (a new process) and enter.c (this process) put them together.
 * Private to guard/. Each stage returns 0 or -errno with err set, and is only right after those
 * that stand above it:
 *
 *	1. namespaces	 a user namespace that maps one id, with all capabilities in it; in it
 *			 new pid, mount, net, ipc and uts namespaces (spawn.c, enter.c)
 *	2. root.c	 an empty, read-only file tree, with the bind mounts that were asked for
 *	3. limits.c	 resource limits
 *	4. drop.c	 capabilities, securebits, no_new_privs, keyring
 *	5. landlock.c	 no file by name, no signal and no abstract socket beyond the jail
 *	6. filter.c	 the system call filter, from the tables in calls.c
 */
#ifndef HILLOCK_GUARD_JAIL_H
#define HILLOCK_GUARD_JAIL_H

#include <linux/filter.h>

#include "guard/guard.h"

/* Does this profile reach files through bind mounts? */
static inline int guard_has_volumes(enum guard_profile profile)
{
	return profile == GUARD_UM_VOLUMES || profile == GUARD_UM_VOLUMES_RUNNING ||
	       profile == GUARD_UM_VOLUMES_PTRACE;
}

/* --- root.c ------------------------------------------------------------------------------- */

/*
 * A detached, writable-for-now tmpfs with an empty file or directory `v/INDEX` for each bind.
 * Returns its descriptor.
 */
int guard_root_make(const struct guard_bind *binds, size_t count, struct err *err);

/*
 * A detached copy of the mount at a bind's source. `path` NULL: straight from the descriptor,
 * which must be in the caller's mount namespace. Otherwise the path is looked up anew and must
 * lead to the same file. `userns` >= 0: ids on disk are those of that namespace where the file
 * system can do it. Returns the mount's descriptor.
 */
int guard_root_bind(const struct guard_bind *bind, const char *path, int userns, struct err *err);

/* The path of an open file as its mount namespace knows it; the caller frees it. */
int guard_root_path(int fd, char **path, struct err *err);

/*
 * Makes `root` the root of this process' mount namespace, hangs `mounts` into it as /v/0, /v/1, …
 * makes it read-only and lets go of everything else.
 */
int guard_root_enter(int root, const int *mounts, size_t count, struct err *err);

/* Names this host "hillock": the host's own name is none of the jail's business. */
int guard_root_hostname(struct err *err);

/* --- limits.c ------------------------------------------------------------------------------- */

struct guard_rlimits {
	uint64_t memory_max;  /* 0: none */
	uint64_t process_max; /* 0: the profile's default */
	uint64_t file_max;    /* largest file size that a handed descriptor may need; 0: none */
};

/* The largest size that any writable regular file among these has or may grow to. */
uint64_t guard_limits_file_max(const int *fds, size_t count);
int guard_limits_set(enum guard_profile profile, const struct guard_rlimits *limits,
		     struct err *err);

/* --- drop.c ------------------------------------------------------------------------------- */

/* No capability, now or by any exec; no new privileges; a session keyring of its own. */
int guard_drop_all(struct err *err);

/* --- landlock.c --------------------------------------------------------------------------- */

/*
 * `exec_fd`: the one file that may be executed, or -1. `volumes_fd`: the directory below which
 * files may be used by name, or -1. Does nothing on a host without Landlock.
 */
int guard_landlock_enter(int exec_fd, int volumes_fd, struct err *err);

/* --- filter.c ------------------------------------------------------------------------------- */

/* The profile's program, built once and kept; its storage is static. */
int guard_filter_get(enum guard_profile profile, struct sock_fprog *prog, struct err *err);
int guard_filter_install(const struct sock_fprog *prog, struct err *err);

/* --- enter.c -------------------------------------------------------------------------------- */

/* guard_enter() without the filter: so that tests can attack the walls behind it. */
int guard_enter_walls(enum guard_profile profile, uid_t host_uid, gid_t host_gid,
		      struct err *err);

#endif
