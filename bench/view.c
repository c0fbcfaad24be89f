// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Views on the host that commands are started in; process.h says which.
 *
 * Theory of operation
 * -------------------
 * A child makes the namespaces and what is mounted in them, says that it has, and waits; its
 * parent opens them through /proc and ends it. From then on they live by the open descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "bench/process.h"

/* What is to be made: either of them. */
struct plan {
	const char *hide;
	const char *tree;
	const char *const *tmpfs;
};

static int map_write(const char *name, const char *text)
{
	cleanup_close int fd = open(name, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
}

/* For all but root: a user namespace in which we are 0. Returns 0 or a positive errno. */
static int user_make(uid_t uid, gid_t gid)
{
	char text[64];
	int ret;

	if (!uid)
		return 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return errno;
	snprintf(text, sizeof(text), "0 %u 1\n", uid);
	if ((ret = map_write("/proc/self/setgroups", "deny")) ||
	    (ret = map_write("/proc/self/uid_map", text)))
		return -ret;
	snprintf(text, sizeof(text), "0 %u 1\n", gid);
	return -map_write("/proc/self/gid_map", text);
}

/* Without the flags that it has already, an ordinary user may not change a mount. */
static int make_read_only(const char *path)
{
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return -1;
	flags |= fs.f_flag & ST_NOSUID ? MS_NOSUID : 0;
	flags |= fs.f_flag & ST_NODEV ? MS_NODEV : 0;
	flags |= fs.f_flag & ST_NOEXEC ? MS_NOEXEC : 0;
	flags |= fs.f_flag & ST_NOATIME ? MS_NOATIME : 0;
	flags |= fs.f_flag & ST_RELATIME ? MS_RELATIME : 0;
	return mount(NULL, path, NULL, flags, NULL);
}

/* Our directory is the tree. */
static int fill_tree(const char *const *tmpfs)
{
	if (mount("/dev", "dev", NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) < 0)
		return errno;
	for (; *tmpfs; tmpfs++)
		if (mount("tmpfs", *tmpfs + 1, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
			return errno;
	return 0;
}

static int enter_tree(const struct plan *plan)
{
	int ret;

	if (mount(plan->tree, plan->tree, NULL, MS_BIND, NULL) < 0 ||
	    make_read_only(plan->tree) < 0 || chdir(plan->tree) < 0)
		return errno;
	ret = fill_tree(plan->tmpfs);
	if (ret)
		return ret;
	/* The old root comes to lie over the new one, and goes. */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return errno;
	return 0;
}

/* In the child. Returns 0 or a positive errno. */
static int view_make(const struct plan *plan, uid_t uid, gid_t gid)
{
	int ret = user_make(uid, gid);

	if (ret)
		return ret;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | (uid ? MS_SLAVE : MS_PRIVATE), NULL) < 0)
		return errno;
	if (plan->tree)
		return enter_tree(plan);
	return mount("none", plan->hide, "tmpfs", 0, "mode=755") < 0 ? errno : 0;
}

static int view_take(struct process_view *view, pid_t pid, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	view->mount_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (view->mount_fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	if (!geteuid())
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	view->user_fd = open(path, O_RDONLY | O_CLOEXEC);
	return view->user_fd < 0 ? err_sys(err, errno, "cannot open %s", path) : 0;
}

static void __attribute__((noreturn)) child(const struct plan *plan, int report_fd)
{
	int failed;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	failed = view_make(plan, geteuid(), getegid());
	if (fd_write_full(report_fd, &failed, sizeof(failed)) < 0)
		_exit(1);
	/* The namespaces live while this process does: until the parent has them. */
	for (;;)
		pause();
}

static int view_open(struct process_view *view, const struct plan *plan, struct err *err)
{
	cleanup_close int ours = -1, theirs = -1;
	int ends[2], failed = 0, ret;
	pid_t pid;

	*view = (struct process_view){ -1, -1 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "cannot make a process");
	if (!pid)
		child(plan, theirs);
	fd_close(&theirs);
	if (fd_read_full(ours, &failed, sizeof(failed)) != sizeof(failed))
		failed = EIO;
	ret = failed ? err_sys(err, failed, "cannot %s %s in a namespace",
			       plan->tree ? "make a root of" : "hide",
			       plan->tree ? plan->tree : plan->hide)
		     : view_take(view, pid, err);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (ret)
		process_view_close(view);
	return ret;
}

int process_view_hide(struct process_view *view, const char *hide, struct err *err)
{
	return view_open(view, &(struct plan){ .hide = hide }, err);
}

int process_view_tree(struct process_view *view, const char *tree, const char *const *tmpfs,
		      struct err *err)
{
	return view_open(view, &(struct plan){ .tree = tree, .tmpfs = tmpfs }, err);
}

void process_view_close(struct process_view *view)
{
	fd_close(&view->user_fd);
	fd_close(&view->mount_fd);
}
