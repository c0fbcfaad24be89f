/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jails: what a process of a container may still do on the host.
 *
 * A process is jailed after it holds its rights (open descriptors) and before it reads a byte
 * that a guest wrote. The jail: own user, pid, mount (empty root), net, ipc and uts namespaces;
 * no capabilities, bounding set included; no_new_privs; Landlock where the host has it; resource
 * limits; a system call filter that allows a list and answers the rest with an errno (never KILL:
 * the um kernel's stubs inherit it, and KILL would win over their own TRAP).
 *
 * guard_spawn() starts a jailed program (a private kernel, a server). guard_enter() jails the
 * caller's own future: the monitor.
 */
#ifndef HILLOCK_GUARD_GUARD_H
#define HILLOCK_GUARD_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* What kind of process this is: picks the system call list and the resource limits. */
enum guard_profile {
	GUARD_UM,	  /* a um kernel and its stubs: no file is opened by name, no socket made */
	GUARD_UM_VOLUMES, /* the same with hostfs: files below the bind mounts in its root */
	/* What is left of these two when user code begins to run, where the kernel lives in the
	 * same address spaces as that: it puts the filter on itself, from guard_filter_file(). */
	GUARD_UM_RUNNING,
	GUARD_UM_VOLUMES_RUNNING,
	/* A um kernel that traces its stubs. */
	GUARD_UM_PTRACE,
	GUARD_UM_VOLUMES_PTRACE,
	GUARD_MONITOR,
	GUARD_PROFILES
};

/* A host path that stands in the jail's root: as `/v/INDEX`. */
struct guard_bind {
	int source_fd;	 /* O_PATH descriptor of the file or directory; the caller's */
	int read_only;
};

#define GUARD_BINDS_MAX 64
#define GUARD_FDS_MAX	32

struct guard_spec {
	enum guard_profile profile;
	int exec_fd;		  /* program to run (execveat, AT_EMPTY_PATH) */
	char *const *argv, *const *envp; /* um wants envp not empty: it looks for its stack's top */
	int fds[GUARD_FDS_MAX];	  /* becomes descriptor 0, 1, 2, … in the jail; -1: /dev/null.
				     No datagram sockets: they reach beyond their peer */
	size_t fd_count;
	struct guard_bind binds[GUARD_BINDS_MAX];
	size_t bind_count;
	uid_t host_uid;		  /* as root: whom the process is on the host, not 0; else
				     ignored */
	gid_t host_gid;
	uint64_t memory_max;	  /* bytes: RLIMIT_AS and friends are derived; 0: none */
	uint64_t process_max;	  /* RLIMIT_NPROC; 0: profile's default */
	int cgroup_fd;		  /* cgroup v2 directory to be born into, or -1 */
	const char *const *cgroup_procs; /* NULL-terminated paths of cgroup.procs (v1), or NULL */
};

/*
 * Starts the program in a jail of its own. The parent writes the id maps, so the caller may be
 * root (the process then is host_uid on the host, 0 in its own namespace) or anyone (the caller's
 * own uid). Returns 0 with *pid and *pidfd (owned by the caller, O_CLOEXEC) once the program has
 * been executed; an error from inside the jail, up to and including the exec, comes back in err.
 * The process is killed when the thread that called this ends.
 */
int guard_spawn(const struct guard_spec *spec, pid_t *pid, int *pidfd, struct err *err);

/*
 * Jails the calling process for good (GUARD_MONITOR); it keeps every descriptor that it has open,
 * and can open nothing more. Called by a process that was made for it: single-threaded. As root
 * it becomes host_uid. Its pid namespace is new only for children, of which the filter allows
 * none.
 */
int guard_enter(enum guard_profile profile, uid_t host_uid, gid_t host_gid, struct err *err);

/*
 * A profile's filter as a file for whoever puts it on itself later: an array of struct
 * sock_filter, sealed. Returns its descriptor, which is the caller's.
 */
int guard_filter_file(enum guard_profile profile, struct err *err);

/* --- limits of the container as a whole --------------------------------------------------- */

struct guard_limits {
	uint64_t memory;  /* bytes for everything in it; 0: none */
	double cpus;	  /* share in CPUs, 0: none */
	uint64_t pids;	  /* 0: none */
};

struct guard_cgroup {
	char *paths[16];  /* directories made, NULL-terminated; owned */
	char *procs[16];  /* their cgroup.procs, NULL-terminated; owned */
	int v2_fd;	  /* v2 directory, or -1 */
	char missing[256];/* what could not be limited, and why, in words; empty: nothing */
};

/*
 * Makes a cgroup `hillock-ID` below the caller's own (v2, v1, hybrid) where the caller may, and
 * sets what can be set. Never fails because the host has no cgroups for this caller: it says in
 * `missing` what stays unlimited.
 */
int guard_cgroup_create(const char *id, const struct guard_limits *limits, struct guard_cgroup *cg,
			struct err *err);
/* Kills what is left in it and removes it. */
void guard_cgroup_remove(struct guard_cgroup *cg);
/* Removes the cgroup that somebody who was killed made for `id` and left behind, empty. */
void guard_cgroup_discard(const char *id);
void guard_cgroup_free(struct guard_cgroup *cg);

/* --- for `hillock inspect` ------------------------------------------------------------------ */

struct guard_call {
	const char *name;      /* system call */
	const char *condition; /* what its arguments must be, in words; "" if any */
	const char *reason;    /* who needs it */
};

/* The profile's list, sorted by name; static storage. */
const struct guard_call *guard_profile_calls(enum guard_profile profile, size_t *count);
const char *guard_profile_name(enum guard_profile profile);

/* Landlock's ABI version on this host, 0: none. */
int guard_landlock_abi(void);

#endif
