// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One START: from a frame to a running process.
 *
 * Theory of operation
 * -------------------
 * What the process gets is made here: streams or a terminal, environment, account. The rest is the
 * child's own work (child.h). STARTED is said only once its program has been executed.
 *
 * Exit codes are docker's: 127 not found, 126 found and not executable, 125 anything before.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "guest/account.h"
#include "guest/child.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Packed lists become arrays here; untouched pages of it cost nothing. */
static char *argv_room[WIRE_STRINGS_MAX + 1];
static char *envp_room[WIRE_STRINGS_MAX + 5];

void spawn_failed(uint16_t id, uint32_t code, const struct err *err)
{
	struct wire_out *out = loop_out();
	char reason[sizeof(struct err)];
	size_t begun = wire_begin(out, WIRE_FAILED, id, 0);

	snprintf(reason, sizeof(reason), "%s%s%s", err->text, err->hint[0] ? "; " : "", err->hint);
	wire_put_u32(out, code);
	wire_put_string(out, reason, strlen(reason));
	wire_end(out, begun);
}

static char **make_array(const struct wire_list *list, char **room)
{
	struct wire_string item;
	size_t at = 0, count = 0;

	while (wire_list_next(list, &at, &item))
		room[count++] = guest_text(item);
	room[count] = NULL;
	return room;
}

static const char *env_get(char **envp, const char *name)
{
	size_t length = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, length) == 0 && (*envp)[length] == '=')
			return *envp + length + 1;
	return NULL;
}

/* Sets NAME=VALUE unless the host did. */
static void env_default(char **envp, const char *name, char *setting)
{
	size_t count = 0;

	if (env_get(envp, name))
		return;
	while (envp[count])
		count++;
	envp[count] = setting;
	envp[count + 1] = NULL;
}

/* Adds what docker gives to every process, where the host said nothing else. */
static void complete_env(struct guest *g, char **envp, const struct account *a, int terminal)
{
	static char path[] = "PATH=" PATH_DEFAULT, term[] = "TERM=xterm";
	static char home[sizeof("HOME=") + ACCOUNT_NAME_MAX];

	snprintf(home, sizeof(home), "HOME=%s", a->home);
	env_default(envp, "PATH", path);
	env_default(envp, "HOME", home);
	if (g->hostname_env[0])
		env_default(envp, "HOSTNAME", g->hostname_env);
	if (terminal)
		env_default(envp, "TERM", term);
}

static int open_terminal(struct proc *p, const struct wire_start *start, int fds[3],
			 struct err *err)
{
	struct winsize size = { .ws_row = start->rows, .ws_col = start->columns };
	int master, unlock = 0;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (master < 0)
		return err_sys(err, errno, "opening a terminal (/dev/ptmx)");
	p->terminal = 1;
	p->in_fd = p->out[0].fd = master;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, errno, "unlocking a terminal");
	fds[0] = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fds[0] < 0)
		return err_sys(err, errno, "opening a terminal's other side");
	fds[1] = fds[2] = fds[0];
	if (start->rows || start->columns)
		ioctl(master, TIOCSWINSZ, &size);
	return 0;
}

/* A pipe with one end for the child and a nonblocking one here. */
static int open_pipe(int *ours, int *theirs, int ours_reads, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "making a pipe");
	*ours = ends[!ours_reads];
	*theirs = ends[ours_reads];
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "making a pipe");
	return 0;
}

static int open_streams(struct proc *p, const struct wire_start *start, int fds[3], struct err *err)
{
	int rc;

	if (start->terminal)
		return open_terminal(p, start, fds, err);
	if (start->stdin_open && open_pipe(&p->in_fd, &fds[0], 0, err) < 0)
		return -err->code;
	rc = open_pipe(&p->out[0].fd, &fds[1], 1, err);
	if (rc == 0)
		rc = open_pipe(&p->out[1].fd, &fds[2], 1, err);
	return rc;
}

/* Another user could not open /dev/stdout otherwise. */
static void give_streams(const int fds[3], const struct wire_start *start, uid_t uid)
{
	if (uid == 0)
		return;
	for (int i = start->terminal || start->stdin_open ? 0 : 1; i < 3; i++)
		if (fchown(fds[i], uid, (gid_t)-1) < 0)
			return;
}

/* The workload's terminal is its console. It can do without. */
static void bind_console(const struct guest *g, int master)
{
	unsigned number;
	char name[32];

	if (g->rescue || ioctl(master, TIOCGPTN, &number) < 0)
		return;
	snprintf(name, sizeof(name), "/dev/pts/%u", number);
	if (mount(name, "/dev/console", NULL, MS_BIND, NULL) < 0)
		guest_log(g, "%s on /dev/console: %s", name, strerror(errno));
}

static void say_started(const struct proc *p)
{
	struct wire_out *out = loop_out();
	size_t begun = wire_begin(out, WIRE_STARTED, p->id, 0);

	wire_put_u32(out, (uint32_t)p->pid);
	wire_put_u64(out, guest_clock());
	wire_end(out, begun);
}

/* Starts `p`. 0, or the exit code of a failure. */
static uint32_t launch(struct guest *g, struct proc *p, const struct wire_start *start,
		       struct err *err)
{
	static struct account account;
	static struct child c;
	const char *user = guest_text(start->user);
	int rc;

	c = (struct child){ .fds = { g->null, -1, -1 }, .terminal = start->terminal };
	c.argv = make_array(&start->argv, argv_room);
	c.envp = make_array(&start->envp, envp_room);
	c.cwd = guest_text(start->cwd);
	if (account_find(&account, user, err) < 0)
		return 125;
	if (!g->rescue && (account.uid || account.gid || account.group_count > 1))
		c.account = &account;
	complete_env(g, c.envp, &account, start->terminal);
	c.path = env_get(c.envp, "PATH");
	rc = open_streams(p, start, c.fds, err);
	if (rc == 0) {
		give_streams(c.fds, start, account.uid);
		if (p->id == GUEST_WORKLOAD && start->terminal)
			bind_console(g, p->out[0].fd);
		p->pid = child_start(&c);
		if (p->pid < 0)
			rc = err_sys(err, errno, "making a process");
	}
	for (int i = 2; i >= 0; i--)
		if (c.fds[i] != g->null && (i == 0 || c.fds[i] != c.fds[0]))
			fd_close(&c.fds[i]);
	if (rc < 0)
		return 125;
	if (c.error)
		return child_explain(&c, user, err);
	return 0;
}

void spawn_start(struct guest *g, uint16_t id, const struct wire_start *start)
{
	struct err err = ERR_INIT;
	struct proc *p = procs_add(id);
	uint32_t code;

	if (!p) {
		err_set(&err, EAGAIN, "%d processes run here already", WIRE_PROCS_MAX);
		spawn_failed(id, 125, &err);
		return;
	}
	code = launch(g, p, start, &err);
	if (code) {
		procs_remove(p);
		spawn_failed(id, code, &err);
		return;
	}
	say_started(p);
}
