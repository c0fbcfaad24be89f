// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PID 1 from its first instruction to the power switch.
 *
 * Theory of operation
 * -------------------
 * Each system call of a guest costs a um machine some 10 us, so the way to HELLO is short: the
 * device file system, the wire, the kernel's log, two calls for signals. The wire is /dev/hillock
 * where the machine has one; elsewhere the kernel's command line names it as
 * hillock.wire=DEVICE.
 *
 * SIGCHLD is blocked and comes through a signalfd; SIGPIPE stays blocked: a write says EPIPE.
 * Children start with an empty mask.
 *
 * `init --wire-fd N` runs the same as an ordinary process, with the wire at descriptor N: it
 * takes part in tests, mounts nothing, changes no user, and exits where PID 1 would switch off (0:
 * SHUTDOWN or end of the wire; 1: the host broke the rules, or the wire failed).
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define WIRE_DEVICE "/dev/hillock"
#define WIRE_WORD "hillock.wire="

void guest_log(const struct guest *g, const char *fmt, ...)
{
	char line[512] = "<4>hillock: ";
	size_t used = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - 1 - used, fmt, ap);
	va_end(ap);
	used = strlen(line);
	line[used++] = '\n';
	/* Nothing can be done about a log that cannot be written. */
	if (g->log >= 0 && write(g->log, line, used) < 0)
		return;
}

uint64_t guest_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

char *guest_text(struct wire_string s)
{
	char *text = (char *)(uintptr_t)s.data - 1;

	/* What wire_get_string() gives for "" may be no part of the payload. */
	if (s.length == 0)
		return (char *)(uintptr_t) "";
	memmove(text, text + 1, s.length);
	text[s.length] = '\0';
	return text;
}

void guest_kill_all(void)
{
	if (getpid() == 1)
		kill(-1, SIGKILL);
	else
		procs_kill();
}

static int set_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGPIPE);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The value of hillock.wire= on the kernel's command line, in `line`; or NULL. */
static const char *wire_word(char *line, size_t room)
{
	cleanup_close int fd = -1;
	char *word, *rest = line;
	ssize_t n;

	if (mount("proc", "/proc", "proc", 0, NULL) < 0)
		return NULL;
	fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, line, room - 1);
	if (n < 0)
		return NULL;
	line[n] = '\0';
	while ((word = strsep(&rest, " \n")))
		if (strncmp(word, WIRE_WORD, strlen(WIRE_WORD)) == 0)
			return word + strlen(WIRE_WORD);
	return NULL;
}

/* A serial line has to carry bytes as they are. */
static void make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return;
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

static int open_wire(const struct guest *g)
{
	const int flags = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(WIRE_DEVICE, flags);
	const char *device;
	char line[4096];

	if (fd >= 0)
		return fd;
	device = wire_word(line, sizeof(line));
	if (!device) {
		guest_log(g, "no wire: the kernel has no %s, and its command line no %sDEVICE",
			  WIRE_DEVICE, WIRE_WORD);
		return -1;
	}
	fd = open(device, flags);
	if (fd < 0)
		guest_log(g, "no wire: %s: %s", device, strerror(errno));
	else
		make_raw(fd);
	return fd;
}

/*
 * Where the kernel found no console to open, these are descriptors 0 to 2: taken, so that what is
 * made for a child never gets one of the numbers that it is moved to.
 */
static void start_bare(struct guest *g)
{
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0)
		return; /* nothing to report it with */
	g->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	g->log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	g->wire = open_wire(g);
}

static int start_rescue(struct guest *g, const char *number)
{
	char *end;
	long fd = strtol(number, &end, 10);

	if (*end || fd < 3 || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fd_set_nonblock((int)fd, 1) < 0)
		return -1;
	g->rescue = 1;
	g->log = STDERR_FILENO;
	g->wire = (int)fd;
	g->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	make_raw(g->wire);
	/* Orphans come here, as they come to PID 1. */
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static void switch_off(const struct guest *g)
{
	reboot(RB_POWER_OFF);
	guest_log(g, "switching off failed: %s", strerror(errno));
	for (;;)
		pause();
}

int main(int argc, char *argv[])
{
	struct guest g = { .wire = -1, .log = -1, .null = -1, .layer_dir = -1 };
	int rc = -EIO;

	if (argc == 3 && strcmp(argv[1], "--wire-fd") == 0) {
		if (start_rescue(&g, argv[2]) < 0)
			return 2;
	} else {
		start_bare(&g);
	}
	g.child = set_signals();
	if (g.wire >= 0) {
		rc = guest_loop(&g);
		if (rc < 0)
			guest_log(&g, "the wire: %s; switching off", strerror(-rc));
	}
	if (g.rescue)
		return rc < 0 ? 1 : 0;
	switch_off(&g);
}
