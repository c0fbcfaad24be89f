// SPDX-License-Identifier: GPL-2.0-or-later
/* From vfork() to exec; theory and contracts stand in child.h. */
#include "guest/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- in the child: 0, or -1 with errno ---------------------------------------------------- */

static int make_directories(const char *path)
{
	char part[PATH_MAX];

	for (size_t i = 0;; i++) {
		if (i >= sizeof(part)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (i > 0 && (path[i] == '/' || path[i] == '\0')) {
			part[i] = '\0';
			if (mkdir(part, 0755) < 0 && errno != EEXIST)
				return -1;
		}
		if (path[i] == '\0')
			return 0;
		part[i] = path[i];
	}
}

static int enter_cwd(const char *cwd)
{
	if (chdir(cwd) == 0)
		return 0;
	if (errno != ENOENT || make_directories(cwd) < 0)
		return -1;
	return chdir(cwd);
}

static int become(const struct account *a)
{
	if (syscall(SYS_setgroups, a->group_count, a->groups) < 0 ||
	    syscall(SYS_setresgid, a->gid, a->gid, a->gid) < 0 ||
	    syscall(SYS_setresuid, a->uid, a->uid, a->uid) < 0)
		return -1;
	return 0;
}

/* The next directory of a PATH with the command behind it; 0 when there are no more. */
static int next_file(const char **path, const char *name, char *file, size_t room)
{
	const char *at = *path;
	size_t length, name_length = strlen(name);

	while (at) {
		length = strcspn(at, ":");
		*path = at[length] ? at + length + 1 : NULL;
		if (length + 1 + name_length + 1 <= room) {
			memcpy(file, at, length);
			if (length > 0)
				file[length++] = '/';
			memcpy(file + length, name, name_length + 1);
			return 1;
		}
		at = *path;
	}
	return 0;
}

static void execute(struct child *c)
{
	const char *path = strchr(c->argv[0], '/') ? "" : c->path;
	const char *at = path;
	int denied = 0;

	while (next_file(&at, c->argv[0], c->file, sizeof(c->file))) {
		execve(c->file, c->argv, c->envp);
		if (errno == EACCES) {
			denied = 1;
		} else if (errno != ENOENT && errno != ENOTDIR) {
			c->error = errno;
			c->found = 1;
			return;
		}
	}
	/* It was in none of them, or the kernel would not say more. */
	c->error = denied ? EACCES : ENOENT;
	at = path;
	while (next_file(&at, c->argv[0], c->file, sizeof(c->file)))
		if (access(c->file, F_OK) == 0) {
			c->found = 1;
			return;
		}
}

static void __attribute__((noreturn)) run(struct child *c)
{
	sigset_t none;

	c->step = CHILD_SESSION;
	setsid();
	/* What has its number already keeps its close-on-exec flag too. */
	for (int i = 0; i < 3; i++)
		if (c->fds[i] == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(c->fds[i], i) < 0)
			goto failed;
	if (c->terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		goto failed;
	c->step = CHILD_CWD;
	if (c->cwd[0] && enter_cwd(c->cwd) < 0)
		goto failed;
	c->step = CHILD_USER;
	if (c->account && become(c->account) < 0)
		goto failed;
	c->step = CHILD_EXEC;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execute(c);
	_exit(127);
failed:
	c->error = errno;
	_exit(127);
}

/* Not inlined: vfork() returns twice into this frame. */
pid_t __attribute__((noinline)) child_start(struct child *c)
{
	pid_t pid = vfork();

	if (pid == 0)
		run(c);
	return pid;
}

uint32_t child_explain(const struct child *c, const char *user, struct err *err)
{
	const char *name = c->argv[0];
	int in_path = !strchr(name, '/');

	switch (c->step) {
	case CHILD_SESSION:
		err_sys(err, c->error, "setting up the session%s",
			c->terminal ? " on its terminal" : "");
		return 125;
	case CHILD_CWD:
		err_sys(err, c->error, "entering the working directory '%s'", c->cwd);
		if (c->error == EROFS)
			err_hint(err, "the root is read-only and the image has no such directory");
		return 125;
	case CHILD_USER:
		err_sys(err, c->error, "becoming user '%s'", user);
		return 125;
	case CHILD_EXEC:
		break;
	}
	if (c->error == ENOENT && c->found) {
		err_set(err, ENOENT,
			"'%s' is there, but not the interpreter or dynamic loader that it names",
			c->file);
		return 127;
	}
	if (c->error == ENOENT && in_path) {
		err_set(err, ENOENT, "no such command '%s' in the image's PATH (%s)", name,
			c->path);
		return 127;
	}
	if (c->error == ENOENT) {
		err_set(err, ENOENT, "no such command '%s' in the image", name);
		return 127;
	}
	if (c->error == ENOEXEC)
		err_set(err, ENOEXEC,
			"exec format error: '%s' is neither a program for this machine nor a "
			"script that begins with #!",
			c->file);
	else
		err_sys(err, c->error, "cannot execute '%s'", c->found ? c->file : name);
	return 126;
}
