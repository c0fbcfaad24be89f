/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls and constants that the oldest supported build host (Debian 12: glibc 2.36, kernel
 * headers 6.1) does not name. Each wrapper behaves as a libc function: -1 and errno.
 */
#ifndef HILLOCK_GUARD_SYS_H
#define HILLOCK_GUARD_SYS_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>
#include <linux/mount.h>

#if !defined(__x86_64__)
#error "guard/ knows the x86-64 system call table only"
#endif

/* Landlock by ABI version; the header at hand may stop anywhere. */
#define GUARD_LL_FS_ABI1	 ((1ULL << 13) - 1)
#define GUARD_LL_FS_REFER	 (1ULL << 13) /* ABI 2 */
#define GUARD_LL_FS_TRUNCATE	 (1ULL << 14) /* ABI 3 */
#define GUARD_LL_FS_IOCTL_DEV	 (1ULL << 15) /* ABI 5 */
#define GUARD_LL_NET_BIND_TCP	 (1ULL << 0)  /* ABI 4 */
#define GUARD_LL_NET_CONNECT_TCP (1ULL << 1)  /* ABI 4 */
#define GUARD_LL_SCOPE_ABSTRACT	 (1ULL << 0)  /* ABI 6 */
#define GUARD_LL_SCOPE_SIGNAL	 (1ULL << 1)  /* ABI 6 */

/* struct landlock_ruleset_attr as of ABI 6; older kernels take a prefix of it. */
struct guard_ll_attr {
	uint64_t fs, net, scoped;
};

static inline int sys_landlock_create_ruleset(const struct guard_ll_attr *attr, size_t size,
					      uint32_t flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

static inline int sys_landlock_add_rule(int ruleset, const struct landlock_path_beneath_attr *rule)
{
	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0);
}

static inline int sys_landlock_restrict_self(int ruleset)
{
	return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

static inline int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path,
				 unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int sys_fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int sys_fsconfig(int fd, unsigned int cmd, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, 0);
}

static inline int sys_fsmount(int fd, unsigned int flags, unsigned int attrs)
{
	return (int)syscall(SYS_fsmount, fd, flags, attrs);
}

static inline int sys_mount_setattr(int fd, unsigned int flags, const struct mount_attr *attr)
{
	return (int)syscall(SYS_mount_setattr, fd, "", flags, attr, sizeof(*attr));
}

static inline int sys_pivot_root(const char *root, const char *old)
{
	return (int)syscall(SYS_pivot_root, root, old);
}

static inline int sys_execveat(int fd, char *const argv[], char *const envp[])
{
	return (int)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
}

#endif
