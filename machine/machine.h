/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines: where a private kernel runs.
 *
 * Each kind of machine is one `const struct machine_ops` in machine_all[]. The monitor hands it
 * open descriptors and gets back a process; from then on both talk over the wire (wire/wire.h).
 */
#ifndef HILLOCK_MACHINE_MACHINE_H
#define HILLOCK_MACHINE_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "guard/guard.h"
#include "machine/place.h"

struct machine_volume {
	int source_fd; /* O_PATH; the caller's */
	int read_only;
};

struct machine_spec {
	int kernel_fd;	  /* kernel image */
	int initrd_fd;	  /* cpio with /init */
	int root_fd;	  /* read-only root image */
	int layer_fd;	  /* writable layer's disk image, or -1 */
	int wire_fd;	  /* the machine's end of the wire: a stream socket */
	int log_fd;	  /* write end of the kernel log's pipe */
	uint64_t memory;  /* bytes of guest memory */
	unsigned cpus;	  /* virtual CPUs, at least 1 */
	const char *mode; /* one of machine_ops.modes, or NULL: the best for it */
	const char *extra; /* more words for the kernel's command line, or NULL */
	const char *name; /* the container's id, for process listings */
	struct machine_volume volumes[GUARD_BINDS_MAX];
	unsigned volume_count;
	uid_t host_uid;
	gid_t host_gid;
	const struct guard_cgroup *cgroup; /* or NULL */
};

struct machine {
	pid_t pid;
	int pidfd; /* owned; readable when the machine is over */
	struct place place; /* ask place_check() while it runs */
};

struct machine_ops {
	const char *name;
	const char *smp_kernel; /* what a kernel for several CPUs is called in the store */
	/* Can it run here? 0, or -errno with the reason in words. */
	int (*probe)(struct err *err);
	/* Is this file a kernel for it? 0, or -errno (missing parts, truncated, other arch). */
	int (*check_kernel)(int kernel_fd, struct err *err);
	int (*start)(const struct machine_spec *spec, struct machine *m, struct err *err);
	/* Ways in which it can run user code, NULL-terminated, and the one taken for so many CPUs if
	 * none is named; NULL where there is only one. */
	const char *const *modes;
	const char *(*mode_default)(unsigned cpus);
	/* What the guest calls its disks and where it finds volume i: for WIRE_SETUP. */
	const char *root_device, *layer_device;
	const char *volume_source_format; /* printf format, one %u: the volume's index */
	enum guard_profile (*profile)(const struct machine_spec *spec);
	/* The profile that it is in once user code runs: the same, or a narrower one. */
	enum guard_profile (*profile_running)(const struct machine_spec *spec);
	/* What its descriptors 0, 1, … are, in words, for `hillock inspect`. */
	const char *const *rights;
	size_t right_count;
};

/* NULL-terminated. */
extern const struct machine_ops *const machine_all[];

/* By name, or NULL. */
const struct machine_ops *machine_find(const char *name);

#endif
