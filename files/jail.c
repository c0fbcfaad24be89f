// SPDX-License-Identifier: GPL-2.0-or-later
/* The file server's own jail; what it keeps out stands in jail.h. */
#include "files/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#define FS_ABI1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)    /* ABI 2 */
#define FS_TRUNCATE (1ull << 14) /* ABI 3 */
#define FS_IOCTL (1ull << 15)    /* ABI 5 */

/* Linux 6.6; libseccomp at hand may not know its name. */
#define NR_FCHMODAT2 452

/* The guest's memory, its messages and wake-ups; the loop; the C library. */
static const int calls_always[] = {
	SCMP_SYS(recvmsg),       SCMP_SYS(sendmsg),         SCMP_SYS(sendto),
	SCMP_SYS(accept4),       SCMP_SYS(write),           SCMP_SYS(close),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),       SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),   SCMP_SYS(clock_gettime),   SCMP_SYS(futex),
	SCMP_SYS(munmap),        SCMP_SYS(mremap),          SCMP_SYS(madvise),
	SCMP_SYS(brk),           SCMP_SYS(rt_sigaction),    SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall), SCMP_SYS(exit),
	SCMP_SYS(exit_group),    SCMP_SYS(getrandom),       SCMP_SYS(sigaltstack),
	SCMP_SYS(geteuid),       SCMP_SYS(getegid),
};

/* Files below the root. */
static const int calls_reading[] = {
	SCMP_SYS(openat2),   SCMP_SYS(statx),      SCMP_SYS(fstat),      SCMP_SYS(newfstatat),
	SCMP_SYS(fstatfs),   SCMP_SYS(getdents64), SCMP_SYS(lseek),      SCMP_SYS(preadv),
	SCMP_SYS(fgetxattr), SCMP_SYS(flistxattr), SCMP_SYS(readlinkat),
};

static const int calls_writing[] = {
	SCMP_SYS(pwritev),      SCMP_SYS(pwritev2),  SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
	SCMP_SYS(fsync),        SCMP_SYS(fdatasync), SCMP_SYS(syncfs),    SCMP_SYS(copy_file_range),
	SCMP_SYS(mkdirat),      SCMP_SYS(mknodat),   SCMP_SYS(symlinkat), SCMP_SYS(linkat),
	SCMP_SYS(unlinkat),     SCMP_SYS(renameat2), SCMP_SYS(renameat),  SCMP_SYS(fchown),
	SCMP_SYS(fchownat),     SCMP_SYS(fchmod),    SCMP_SYS(utimensat), SCMP_SYS(fsetxattr),
	SCMP_SYS(fremovexattr), NR_FCHMODAT2,
};

/* No owner of a descriptor can be set: that would be a way to send signals. */
static const int fcntl_commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	const uint32_t wanted = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER |
				1u << CAP_FSETID | 1u << CAP_MKNOD | 1u << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &header, data) < 0)
		return err_sys(err, errno, "reading capabilities");
	/* SYS_ADMIN: "trusted." attributes, of which overlays of a guest's own are made. */
	data[0].permitted &= wanted;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &header, data) < 0)
		return err_sys(err, errno, "dropping capabilities");
	return 0;
}

static int enter_landlock(int root_fd, int read_only, struct err *err)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { .handled_access_fs = FS_ABI1 | FS_REFER };
	struct landlock_path_beneath_attr rule = { .parent_fd = root_fd };
	cleanup_close int fd = -1;

	/* The first version refuses every rename to another directory: then the filter alone. */
	if (abi < 2)
		return 0;
	if (abi >= 3)
		attr.handled_access_fs |= FS_TRUNCATE;
	if (abi >= 5)
		attr.handled_access_fs |= FS_IOCTL;
	rule.allowed_access =
		read_only ? LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR
			  : attr.handled_access_fs & ~(LANDLOCK_ACCESS_FS_EXECUTE | FS_IOCTL);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (fd < 0 ||
	    syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_sys(err, errno, "Landlock");
	return 0;
}

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

/* Calls that are allowed with some arguments only. No new code: nothing becomes executable. */
static int allow_some(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp no_code = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct scmp_arg_cmp how_much = SCMP_A1_32(SCMP_CMP_EQ, FIONREAD);
	const struct scmp_arg_cmp ask_only = SCMP_A2_64(SCMP_CMP_EQ, 0);
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);

	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, how_much);
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, ask_only);
	for (size_t i = 0; rc == 0 && i < COUNT(fcntl_commands); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				      SCMP_A1_32(SCMP_CMP_EQ, (unsigned)fcntl_commands[i]));
	return rc;
}

static int enter_filter(int read_only, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (!filter)
		return err_sys(err, ENOMEM, "a system call filter");
	/* Wakes us a little sooner: the filter is a tree, not a list. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = allow(filter, calls_always, COUNT(calls_always));
	if (rc == 0)
		rc = allow(filter, calls_reading, COUNT(calls_reading));
	if (rc == 0 && !read_only)
		rc = allow(filter, calls_writing, COUNT(calls_writing));
	if (rc == 0)
		rc = allow_some(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc < 0 ? err_sys(err, -rc, "a system call filter") : 0;
}

int jail_enter(int root_fd, int read_only, struct err *err)
{
	const struct rlimit no_core = { 1, 1 };
	int rc;

	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "the file server's jail");
	rc = drop_capabilities(err);
	if (rc == 0)
		rc = enter_landlock(root_fd, read_only, err);
	return rc < 0 ? rc : enter_filter(read_only, err);
}
