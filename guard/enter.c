// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calling process jailed for good: the monitor.
 *
 * Theory of operation
 * -------------------
 * As root, the process first becomes host_uid, but keeps its capabilities for the moment: some
 * hosts let only a privileged process make a user namespace. It maps its one id itself, which it
 * may do for its own id alone, and only while it is dumpable. From then on the stages are those
 * of a spawned program.
 *
 * What it uses from then on are descriptors from before. One of a directory would belong to the
 * host's mount namespace, where ".." leads to the host's root: Landlock denies that, and the
 * filter has no call that takes a name.
 */
#include "guard/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "guard/sys.h"

/* Another user, with the same capabilities as before. */
static int become_user(uid_t uid, gid_t gid, struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	if (uid == 0)
		return err_set(err, EINVAL, "jail: a jailed process does not run as root");
	if (syscall(SYS_capget, &header, caps) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
	    setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_sys(err, errno, "jail: becoming user %u", (unsigned int)uid);
	caps[0].effective = caps[0].permitted;
	caps[1].effective = caps[1].permitted;
	if (syscall(SYS_capset, &header, caps) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "jail: keeping capabilities");
	return 0;
}

static int write_self(const char *name, const char *text, struct err *err)
{
	cleanup_close int fd = open(name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_sys(err, errno, "jail: writing %s", name);
	return 0;
}

static int map_self(uid_t uid, gid_t gid, struct err *err)
{
	char text[32];
	int rc;

	rc = write_self("/proc/self/setgroups", "deny", err);
	snprintf(text, sizeof(text), "0 %u 1", (unsigned int)gid);
	if (rc == 0)
		rc = write_self("/proc/self/gid_map", text, err);
	snprintf(text, sizeof(text), "0 %u 1", (unsigned int)uid);
	if (rc == 0)
		rc = write_self("/proc/self/uid_map", text, err);
	return rc;
}

static int enter_namespaces(struct err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
		    CLONE_NEWPID) < 0) {
		err_sys(err, errno, "jail: making namespaces");
		err_hint(err, "this user may not make user namespaces here; see sysctl "
			      "user.max_user_namespaces, kernel.unprivileged_userns_clone and "
			      "kernel.apparmor_restrict_unprivileged_userns");
		return -err->code;
	}
	return map_self(uid, gid, err);
}

static int enter_root(struct err *err)
{
	cleanup_close int root = guard_root_make(NULL, 0, err);
	int rc;

	if (root < 0)
		return root;
	rc = guard_root_enter(root, NULL, 0, err);
	return rc == 0 ? guard_root_hostname(err) : rc;
}

int guard_enter_walls(enum guard_profile profile, uid_t host_uid, gid_t host_gid,
		      struct err *err)
{
	static const struct guard_rlimits limits = { 0 };
	int by_root = geteuid() == 0, rc = 0;

	if (by_root)
		rc = become_user(host_uid, host_gid, err);
	if (rc == 0)
		rc = enter_namespaces(err);
	if (rc == 0)
		rc = enter_root(err);
	if (rc == 0)
		rc = guard_limits_set(profile, &limits, err);
	if (rc == 0)
		rc = guard_drop_all(err);
	/* An ordinary user's process stays as open to that user as any other; host_uid's are
	 * nobody's business but root's. */
	if (rc == 0 && by_root && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		rc = err_sys(err, errno, "jail: closing its memory to others");
	return rc == 0 ? guard_landlock_enter(-1, -1, err) : rc;
}

int guard_enter(enum guard_profile profile, uid_t host_uid, gid_t host_gid, struct err *err)
{
	struct sock_fprog filter;
	struct err own = ERR_INIT;
	int rc;

	if (!err)
		err = &own;
	rc = guard_filter_get(profile, &filter, err);
	if (rc == 0)
		rc = guard_enter_walls(profile, host_uid, host_gid, err);
	return rc == 0 ? guard_filter_install(&filter, err) : rc;
}
