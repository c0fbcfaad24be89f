// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines that are one or two system calls of a process by itself, and those that are none. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench/probe/probe.h"

/* No C library answers this one by itself. */
static int null_run(unsigned runs)
{
	while (runs--)
		syscall(SYS_getppid);
	return 0;
}

static int getpid_run(unsigned runs)
{
	while (runs--)
		if (getpid() < 0)
			return -EINVAL;
	return 0;
}

static int clock_run(unsigned runs)
{
	struct timespec now;

	while (runs--)
		if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
			return -errno;
	return 0;
}

/* --- signals --------------------------------------------------------------------------------- */

static volatile unsigned signals_seen;

static void on_signal(int number)
{
	signals_seen++;
}

static int signal_open(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	return sigaction(SIGUSR1, &action, NULL) < 0 ? -errno : 0;
}

/* Not raise(): a C library may block signals around it. */
static int signal_run(unsigned runs)
{
	long pid = getpid(), tid = syscall(SYS_gettid);
	unsigned before = signals_seen;

	for (unsigned i = 0; i < runs; i++)
		if (syscall(SYS_tgkill, pid, tid, SIGUSR1) < 0)
			return -errno;
	return signals_seen - before == runs ? 0 : -EPROTO;
}

/* --- epoll ----------------------------------------------------------------------------------- */

static int epoll_fd, ready_fd;

static int epoll_open(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ready_fd = eventfd(1, EFD_CLOEXEC);
	if (epoll_fd < 0 || ready_fd < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ready_fd, &event) < 0)
		return -errno;
	return 0;
}

static int epoll_wait_run(unsigned runs)
{
	struct epoll_event event;

	while (runs--)
		if (epoll_wait(epoll_fd, &event, 1, -1) != 1)
			return -EPROTO;
	return 0;
}

static int epoll_ctl_run(unsigned runs)
{
	while (runs--) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = runs };

		if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, ready_fd, &event) < 0)
			return -errno;
	}
	return 0;
}

/* --- no system call at all ------------------------------------------------------------------- */

#define CPU_STEPS 1000

static volatile uint64_t result; /* keeps the compiler from leaving the work out */

static int cpu_run(unsigned runs)
{
	uint64_t x = result | 1;

	while (runs--) {
		for (unsigned i = 0; i < CPU_STEPS; i++) {
			x ^= x >> 29;
			x *= 0x9e3779b97f4a7c15u;
			x += x << 7;
		}
	}
	result = x;
	return 0;
}

const struct probe_line probe_calls[] = {
	{ "null", "getppid(), no library in between", .run = null_run },
	{ "getpid", "getpid() of the C library", .run = getpid_run },
	{ "clock", "clock_gettime() of the C library", .run = clock_run },
	{ "signal", "a signal to oneself, handled", .open = signal_open, .run = signal_run },
	{ "epoll-wait", "epoll_wait(), one is ready", .open = epoll_open, .run = epoll_wait_run },
	{ "epoll-ctl", "epoll_ctl(), changing one", .open = epoll_open, .run = epoll_ctl_run },
	{ "cpu", "1000 steps of arithmetic", .run = cpu_run },
	{ 0 },
};
