// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A jail's file tree: empty, read-only, and the bind mounts that were asked for.
 *
 * Theory of operation
 * -------------------
 * Mounts are made detached, finished while nobody can reach them by a path, and then attached. A
 * bind is a copy of the mount at its source, with nosuid, nodev and, if asked for, read-only (not
 * noexec: a guest that asks whether it may execute a file means a program of its own).
 *
 * A root caller makes the copies in its own mount namespace, before the jail lets go of it, and
 * maps their ids so that what belongs to user 0 on the disk belongs to the jail's only user; a
 * file system that cannot do that is bound as it is. An ordinary caller may copy mounts only in
 * the jail's new namespace, where the source's descriptor does not belong: the path is looked up
 * again there, without following links, and must lead to the very same file.
 *
 * The new namespace belongs to a new user namespace, so its mounts are slaves of the host's:
 * nothing that is mounted here shows there.
 */
#include "guard/jail.h"

#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "guard/sys.h"

static int make_bind_point(int root, const struct guard_bind *bind, size_t index, struct err *err)
{
	char name[32];
	struct stat st;
	int fd, rc;

	snprintf(name, sizeof(name), "v/%zu", index);
	if (fstat(bind->source_fd, &st) < 0)
		return err_sys(err, errno, "jail: volume %zu", index);
	if (S_ISDIR(st.st_mode)) {
		rc = mkdirat(root, name, 0755);
	} else {
		rc = fd = openat(root, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		fd_close(&fd);
	}
	return rc < 0 ? err_sys(err, errno, "jail: making /%s", name) : 0;
}

int guard_root_make(const struct guard_bind *binds, size_t count, struct err *err)
{
	cleanup_close int context = -1, root = -1;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	size_t i;
	int rc;

	context = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (context < 0 || sys_fsconfig(context, FSCONFIG_SET_STRING, "size", "64k") < 0 ||
	    sys_fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755") < 0 ||
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return err_sys(err, errno, "jail: making an empty root (tmpfs)");
	root = sys_fsmount(context, FSMOUNT_CLOEXEC,
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
				   (count ? 0 : MOUNT_ATTR_RDONLY));
	if (root < 0)
		return err_sys(err, errno, "jail: mounting an empty root (tmpfs)");
	if (count == 0)
		return fd_steal(&root);
	if (mkdirat(root, "v", 0755) < 0)
		return err_sys(err, errno, "jail: making /v");
	for (i = 0; i < count; i++) {
		rc = make_bind_point(root, &binds[i], i, err);
		if (rc < 0)
			return rc;
	}
	if (sys_mount_setattr(root, AT_EMPTY_PATH, &attr) < 0)
		return err_sys(err, errno, "jail: making the root read-only");
	return fd_steal(&root);
}

/* Opens `path` anew where it leads to the same file as `fd`. */
static int open_same(int fd, const char *path, struct err *err)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_NO_SYMLINKS };
	cleanup_close int again = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	struct stat then, now;

	if (again < 0)
		return err_sys(err, errno, "jail: volume %s", path);
	if (fstat(fd, &then) < 0 || fstat(again, &now) < 0)
		return err_sys(err, errno, "jail: volume %s", path);
	if (then.st_dev != now.st_dev || then.st_ino != now.st_ino)
		return err_set(err, ESTALE, "jail: volume %s: another file took its place", path);
	return fd_steal(&again);
}

int guard_root_bind(const struct guard_bind *bind, const char *path, int userns, struct err *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    (bind->read_only ? MOUNT_ATTR_RDONLY : 0),
	};
	struct mount_attr ids = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };
	cleanup_close int again = -1, mount = -1;

	if (path) {
		again = open_same(bind->source_fd, path, err);
		if (again < 0)
			return again;
	}
	mount = sys_open_tree(path ? again : bind->source_fd, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (mount < 0)
		return err_sys(err, errno, "jail: binding volume %s", path ? path : "");
	if (sys_mount_setattr(mount, AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0)
		return err_sys(err, errno, "jail: restricting volume %s", path ? path : "");
	if (userns >= 0)
		sys_mount_setattr(mount, AT_EMPTY_PATH | AT_RECURSIVE, &ids);
	return fd_steal(&mount);
}

int guard_root_path(int fd, char **path, struct err *err)
{
	cleanup_free char *found = malloc(PATH_MAX);
	char link[64];
	ssize_t n;

	if (!found)
		return err_sys(err, ENOMEM, "jail");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, found, PATH_MAX);
	if (n < 0 || n == PATH_MAX)
		return err_sys(err, n < 0 ? errno : ENAMETOOLONG, "jail: %s", link);
	found[n] = '\0';
	*path = steal(&found);
	return 0;
}

int guard_root_enter(int root, const int *mounts, size_t count, struct err *err)
{
	char name[32];
	size_t i;

	/* Over the present root: no directory of the host is needed to stand on. */
	if (sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, errno, "jail: attaching the empty root");
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "v/%zu", i);
		if (sys_move_mount(mounts[i], "", root, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return err_sys(err, errno, "jail: attaching /%s", name);
	}
	if (fchdir(root) < 0 || sys_pivot_root(".", ".") < 0)
		return err_sys(err, errno, "jail: changing to the empty root (pivot_root)");
	/* "." now has the old root on top of the new one. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(err, errno, "jail: letting go of the host's files");
	return 0;
}

int guard_root_hostname(struct err *err)
{
	static const char name[] = "hillock", none[] = "(none)";

	if (sethostname(name, sizeof(name) - 1) < 0 || setdomainname(none, sizeof(none) - 1) < 0)
		return err_sys(err, errno, "jail: setting the host name");
	return 0;
}
