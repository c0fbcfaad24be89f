// SPDX-License-Identifier: GPL-2.0-or-later
/* Attempts to reach the host's files, and to run programs from them. */
#include "attack.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Opens a path made of two parts. */
static int open_joined(const char *before, const char *path, int flags)
{
	char joined[1024];

	snprintf(joined, sizeof(joined), "%s%s", before, path);
	return outcome(open(joined, flags));
}

static int open_absolute(const struct bait *b)
{
	return outcome(open(b->path, O_RDONLY));
}

static int open_old_call(const struct bait *b)
{
	return outcome(syscall(SYS_open, b->path, O_RDONLY));
}

static int open_new_call(const struct bait *b)
{
	struct open_how how = { .flags = O_RDONLY };

	return outcome(syscall(SYS_openat2, AT_FDCWD, b->path, &how, sizeof(how)));
}

static int open_path_only(const struct bait *b)
{
	return outcome(open(b->path, O_PATH));
}

static int create_by_creat(const struct bait *b)
{
	char name[256];
	long rc;

	snprintf(name, sizeof(name), "%s/created", b->dir);
	rc = syscall(SYS_creat, name, 0600);
	if (rc >= 0)
		unlink(name);
	return outcome(rc);
}

static int create_nameless(const struct bait *b)
{
	return outcome(open(b->dir, O_TMPFILE | O_RDWR, 0600));
}

static int create_nameless_in_descriptor(const struct bait *b)
{
	return outcome(openat(DIRECTORY_FD, ".", O_TMPFILE | O_RDWR, 0600));
}

static int climb(const struct bait *b)
{
	return open_joined("../../../../../../../..", b->path, O_RDONLY);
}

static int through_proc_root(const struct bait *b)
{
	return open_joined("/proc/self/root", b->path, O_RDONLY);
}

static int through_proc_of_init(const struct bait *b)
{
	return open_joined("/proc/1/root", b->path, O_RDONLY);
}

static int reopen_for_writing(const struct bait *b)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", FILE_FD);
	return outcome(open(link, O_WRONLY));
}

static int open_in_descriptor(const struct bait *b)
{
	return outcome(openat(DIRECTORY_FD, strrchr(b->path, '/') + 1, O_RDONLY));
}

static int climb_from_descriptor(const struct bait *b)
{
	char up[512];

	snprintf(up, sizeof(up), "../../../../../../..%s", b->path);
	return outcome(openat(DIRECTORY_FD, up, O_RDONLY));
}

static int list_the_host(const struct bait *b)
{
	return outcome(openat(DIRECTORY_FD, "../..", O_RDONLY | O_DIRECTORY));
}

static int list_descriptor(const struct bait *b)
{
	char entries[4096];

	return outcome(syscall(SYS_getdents64, DIRECTORY_FD, entries, sizeof(entries)));
}

static int change_directory(const struct bait *b)
{
	return outcome(chdir(b->dir));
}

static int change_to_descriptor(const struct bait *b)
{
	return outcome(fchdir(DIRECTORY_FD));
}

static int own_program_path(const struct bait *b)
{
	char path[256];

	return outcome(readlink("/proc/self/exe", path, sizeof(path)));
}

static int look(const struct bait *b)
{
	struct stat st;

	return outcome(stat(b->path, &st));
}

static int look_in_descriptor(const struct bait *b)
{
	struct stat st;

	return outcome(fstatat(DIRECTORY_FD, strrchr(b->path, '/') + 1, &st, 0));
}

static int file_systems(const struct bait *b)
{
	struct statfs st;

	return outcome(statfs(b->dir, &st));
}

static int make_directory(const struct bait *b)
{
	char name[256];
	int rc;

	snprintf(name, sizeof(name), "%s/made", b->dir);
	rc = outcome(mkdir(name, 0700));
	rmdir(name);
	return rc;
}

static int make_in_descriptor(const struct bait *b)
{
	int rc = outcome(mkdirat(DIRECTORY_FD, "made", 0700));

	unlinkat(DIRECTORY_FD, "made", AT_REMOVEDIR);
	return rc;
}

static int make_link(const struct bait *b)
{
	char name[256];
	int rc;

	snprintf(name, sizeof(name), "%s/linked", b->dir);
	rc = outcome(symlink("/", name));
	unlink(name);
	return rc;
}

static int make_pipe(const struct bait *b)
{
	char name[256];
	int rc;

	snprintf(name, sizeof(name), "%s/fifo", b->dir);
	rc = outcome(mknod(name, S_IFIFO | 0600, 0));
	unlink(name);
	return rc;
}

static int make_device(const struct bait *b)
{
	char name[256];
	int rc;

	snprintf(name, sizeof(name), "%s/device", b->dir);
	rc = outcome(mknod(name, S_IFCHR | 0600, makedev(1, 1)));
	unlink(name);
	return rc;
}

/* Of a directory that it may write in: what stands there is the test's. */
static int rename_in_descriptor(const struct bait *b)
{
	const char *name = strrchr(b->path, '/') + 1;
	int rc = outcome(renameat(DIRECTORY_FD, name, DIRECTORY_FD, "renamed"));

	if (rc == 0)
		rc = outcome(renameat(DIRECTORY_FD, "renamed", DIRECTORY_FD, name));
	return rc;
}

static int change_mode(const struct bait *b)
{
	return outcome(chmod(b->path, 0666));
}

static int change_mode_of_descriptor(const struct bait *b)
{
	return outcome(fchmod(FILE_FD, 0666));
}

static int change_times_of_descriptor(const struct bait *b)
{
	return outcome(futimens(FILE_FD, NULL));
}

static int truncate_descriptor(const struct bait *b)
{
	return outcome(ftruncate(FILE_FD, 1));
}

static int read_attribute(const struct bait *b)
{
	char value[16];

	return outcome(fgetxattr(FILE_FD, "user.none", value, sizeof(value)));
}

static int by_handle(const struct bait *b)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle;
	int mount;

	handle.h.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(FILE_FD, "", &handle.h, &mount, AT_EMPTY_PATH) < 0)
		return -errno;
	return outcome(open_by_handle_at(DIRECTORY_FD, &handle.h, O_RDONLY));
}

static int watch(const struct bait *b)
{
	return outcome(inotify_init1(0));
}

static int watch_all(const struct bait *b)
{
	return outcome(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
}

static int lock_file(const struct bait *b)
{
	return outcome(flock(FILE_FD, LOCK_SH));
}

static int change_root(const struct bait *b)
{
	return outcome(chroot("/"));
}

/* --- programs --------------------------------------------------------------------------- */

static int (*exec_attempt)(const struct bait *b);

static int exec_child(void *bait)
{
	return -exec_attempt(bait);
}

/* In a child where there can be one: a program that runs takes the place of what started it. */
static int execute(const struct bait *b, int (*attempt)(const struct bait *b))
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	int status, pid;

	exec_attempt = attempt;
	pid = clone(exec_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
		    (void *)(uintptr_t)b);
	if (pid < 0)
		return attempt(b);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static char *const arguments[] = { (char *)(uintptr_t)"intruder", NULL };
static char *const environment[] = { NULL };

static int exec_path(const struct bait *b)
{
	return outcome(execve(b->program, arguments, environment));
}

static int exec_descriptor(const struct bait *b)
{
	return outcome(syscall(SYS_execveat, PROGRAM_FD, "", arguments, environment,
			       AT_EMPTY_PATH));
}

static int exec_in_descriptor(const struct bait *b)
{
	return outcome(syscall(SYS_execveat, DIRECTORY_FD, strrchr(b->program, '/') + 1, arguments,
			       environment, 0));
}

static int run_path(const struct bait *b)
{
	return execute(b, exec_path);
}

static int run_descriptor(const struct bait *b)
{
	return execute(b, exec_descriptor);
}

static int run_in_descriptor(const struct bait *b)
{
	return execute(b, exec_in_descriptor);
}

const struct attack attacks_on_files[] = {
	{ "open a file by its path", open_absolute, DENIED, WORKS, WORKS },
	{ "open it by the old call", open_old_call, DENIED, WORKS, WORKS },
	{ "open it by openat2", open_new_call, DENIED, WORKS, WORKS },
	{ "open it for its path only", open_path_only, EVERYWHERE, WORKS, WORKS },
	{ "climb out by ..", climb, DENIED, WORKS, WORKS },
	{ "go through /proc/self/root", through_proc_root, DENIED, WORKS, WORKS },
	{ "go through /proc/1/root", through_proc_of_init, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "open a read-only descriptor again for writing", reopen_for_writing, DENIED, WORKS,
	  WORKS },
	{ "open a file in a directory's descriptor", open_in_descriptor, LANDLOCKED, WORKS, WORKS },
	{ "climb out of a directory's descriptor", climb_from_descriptor, LANDLOCKED, WORKS, WORKS },
	{ "list the host from a directory's descriptor", list_the_host, LANDLOCKED, WORKS, WORKS },
	{ "list a directory's descriptor", list_descriptor, UM | MONITOR, WORKS, WORKS },
	{ "create a file", create_by_creat, DENIED, WORKS, WORKS },
	{ "create a nameless file", create_nameless, DENIED, WORKS, WORKS },
	{ "create a nameless file in a descriptor", create_nameless_in_descriptor, LANDLOCKED,
	  WORKS, WORKS },
	{ "change directory", change_directory, EVERYWHERE, WORKS, WORKS },
	{ "change to a directory's descriptor", change_to_descriptor, FILTERS, WORKS, WORKS },
	{ "find its own program", own_program_path, EVERYWHERE, WORKS, WORKS },
	{ "look at a file", look, EVERYWHERE, WORKS, WORKS },
	{ "look at a file in a descriptor", look_in_descriptor, UM | MONITOR, WORKS, WORKS },
	{ "look at file systems", file_systems, EVERYWHERE, WORKS, WORKS },
	{ "make a directory", make_directory, DENIED, WORKS, WORKS },
	{ "make a directory in a descriptor", make_in_descriptor, LANDLOCKED, WORKS, WORKS },
	{ "make a symbolic link", make_link, DENIED, WORKS, WORKS },
	{ "make a named pipe", make_pipe, DENIED, WORKS, WORKS },
	{ "make a device", make_device, DENIED, WORKS, UNKNOWN },
	{ "rename a file in a descriptor", rename_in_descriptor, LANDLOCKED, WORKS, WORKS },
	{ "change permissions", change_mode, EVERYWHERE, WORKS, WORKS },
	{ "change permissions of a descriptor", change_mode_of_descriptor, UM | MONITOR, WORKS,
	  WORKS },
	{ "change times of a descriptor", change_times_of_descriptor, UM | MONITOR, WORKS, WORKS },
	{ "truncate a read-only descriptor", truncate_descriptor, UM, DIFFERS, DIFFERS },
	{ "read extended attributes", read_attribute, FILTERS, DIFFERS, DIFFERS },
	{ "open a file by its handle", by_handle, EVERYWHERE, WORKS, UNKNOWN },
	{ "watch files", watch, FILTERS, WORKS, WORKS },
	{ "watch all files", watch_all, FILTERS, DIFFERS, UNKNOWN },
	{ "lock a file", lock_file, FILTERS, WORKS, WORKS },
	{ "change root", change_root, EVERYWHERE, WORKS, UNKNOWN },
	{ "execute a program by its path", run_path, DENIED, WORKS, WORKS },
	{ "execute a program by a descriptor", run_descriptor, LANDLOCKED, WORKS, WORKS },
	{ "execute a program in a directory's descriptor", run_in_descriptor, LANDLOCKED, WORKS,
	  WORKS },
	{ 0 },
};
