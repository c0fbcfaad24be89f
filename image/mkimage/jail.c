// SPDX-License-Identifier: GPL-2.0-or-later
/* The image maker's own jail; what it keeps out stands in jail.h. */
#include "image/mkimage/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/fstree.h"

/* Decompressors keep windows of up to 2 GiB (zstd --long=31), the file tree takes the rest. */
#define MEMORY_MAX (4ull << 30)
#define FILES_MAX (FS_DEPTH_MAX * 2 + 64)

/* A sanitizer maps terabytes of shadow memory, and looks for leaks from a second process. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#undef MEMORY_MAX
#define MEMORY_MAX RLIM_INFINITY
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* What libarchive, libext2fs, malloc, stdio and sanitizers need on descriptors that are open. */
static const int calls_always[] = {
	SCMP_SYS(read),         SCMP_SYS(write),
	SCMP_SYS(writev),       SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),     SCMP_SYS(lseek),
	SCMP_SYS(fstat),        SCMP_SYS(newfstatat),
	SCMP_SYS(close),        SCMP_SYS(dup),
	SCMP_SYS(ftruncate),    SCMP_SYS(fallocate),
	SCMP_SYS(fsync),        SCMP_SYS(munmap),
	SCMP_SYS(mremap),       SCMP_SYS(madvise),
	SCMP_SYS(brk),          SCMP_SYS(futex),
	SCMP_SYS(getrandom),    SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime),
	SCMP_SYS(exit),         SCMP_SYS(exit_group),
	SCMP_SYS(sigaltstack),
};

static const int calls_tree[] = {
	SCMP_SYS(openat),     SCMP_SYS(openat2),   SCMP_SYS(getdents64), SCMP_SYS(readlinkat),
	SCMP_SYS(flistxattr), SCMP_SYS(fgetxattr), SCMP_SYS(llistxattr), SCMP_SYS(lgetxattr),
};

/* No owner of a descriptor can be set: that would be a way to send signals. */
static const int fcntl_commands[] = { F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC };

static int limit(int resource, rlim_t value, struct err *err)
{
	struct rlimit old, new = { value, value };

	if (getrlimit(resource, &old) < 0)
		return err_sys(err, errno, "limits of the image maker");
	if (old.rlim_max < value)
		new.rlim_cur = new.rlim_max = old.rlim_max;
	return setrlimit(resource, &new) < 0 ? err_sys(err, errno, "limits of the image maker") : 0;
}

/* Root reads any tree and its trusted attributes; for an archive not even root needs a right. */
static int drop_capabilities(int tree_fd, struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint32_t kept = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return err_sys(err, errno, "reading capabilities");
	if (tree_fd >= 0)
		kept = data[0].permitted & (1u << CAP_DAC_READ_SEARCH | 1u << CAP_SYS_ADMIN);
	data[0] = (struct __user_cap_data_struct){ .effective = kept, .permitted = kept };
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &header, data) < 0)
		return err_sys(err, errno, "dropping capabilities");
	return 0;
}

static int enter_landlock(int tree_fd, struct err *err)
{
	const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	/* The first version's thirteen rights: all that opens, makes or removes a file. */
	struct landlock_ruleset_attr attr = { .handled_access_fs = (1ull << 13) - 1 };
	struct landlock_path_beneath_attr rule = { .allowed_access = reading,
						   .parent_fd = tree_fd };
	cleanup_close int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0) /* no Landlock here: the filter alone has to do */
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : err_sys(err, errno, "Landlock");
	if (tree_fd >= 0 &&
	    syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_sys(err, errno, "Landlock");
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
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
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);

	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
	for (size_t i = 0; rc == 0 && i < sizeof(fcntl_commands) / sizeof(*fcntl_commands); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				      SCMP_A1_32(SCMP_CMP_EQ, (unsigned)fcntl_commands[i]));
	return rc;
}

static int enter_filter(int tree_fd, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (!filter)
		return err_sys(err, ENOMEM, "a system call filter");
	rc = allow(filter, calls_always, sizeof(calls_always) / sizeof(*calls_always));
	if (rc == 0)
		rc = allow_some(filter);
	if (rc == 0 && tree_fd >= 0)
		rc = allow(filter, calls_tree, sizeof(calls_tree) / sizeof(*calls_tree));
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc < 0 ? err_sys(err, -rc, "a system call filter") : 0;
}

int jail_enter(int tree_fd, struct err *err)
{
	int rc = limit(RLIMIT_AS, MEMORY_MAX, err);

	if (rc == 0)
		rc = limit(RLIMIT_CORE, 0, err);
	if (rc == 0)
		rc = limit(RLIMIT_NOFILE, FILES_MAX, err);
	if (rc == 0)
		rc = limit(RLIMIT_FSIZE, FS_BLOCKS_MAX * FS_BLOCK, err);
	if (rc < 0)
		return rc;
	signal(SIGXFSZ, SIG_IGN);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "no_new_privs");
	rc = drop_capabilities(tree_fd, err);
	if (rc == 0)
		rc = enter_landlock(tree_fd, err);
	return rc < 0 ? rc : enter_filter(tree_fd, err);
}
