// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines about threads and futexes.
 *
 * Theory of operation
 * -------------------
 * Context switch: a word in shared memory says whose turn it is; whoever has it gives it away and
 * sleeps until it comes back. That is two switches for each run.
 *
 * Contended futex: threads take one lock in turn, and yield while they hold it, so that the others
 * run into it even where there is one CPU. What counts is how often the lock was taken by all of
 * them together.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/probe/probe.h"

/* <linux/futex.h> is not every C library's. */
enum { WAIT = 0, WAKE = 1, PRIVATE = 128 };

static long futex(uint32_t *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* --- threads --------------------------------------------------------------------------------- */

static void *do_nothing(void *argument)
{
	return argument;
}

static int thread_run(unsigned runs)
{
	pthread_t thread;

	while (runs--) {
		int code = pthread_create(&thread, NULL, do_nothing, NULL);

		if (!code)
			code = pthread_join(thread, NULL);
		if (code)
			return -code;
	}
	return 0;
}

/* --- context switches ------------------------------------------------------------------------ */

enum { OURS, THEIRS };

static uint32_t *turn;
static int scope; /* PRIVATE: between threads */

static void turn_await(uint32_t whose)
{
	uint32_t now;

	while ((now = __atomic_load_n(turn, __ATOMIC_ACQUIRE)) != whose)
		futex(turn, WAIT | scope, now);
}

static void turn_give(uint32_t whose)
{
	__atomic_store_n(turn, whose, __ATOMIC_RELEASE);
	futex(turn, WAKE | scope, 1);
}

static void *partner(void *argument)
{
	for (;;) {
		turn_await(THEIRS);
		turn_give(OURS);
	}
	return argument;
}

static int turn_make(void)
{
	turn = mmap(NULL, sizeof(*turn), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return turn == MAP_FAILED ? -errno : 0;
}

static int switch_threads_open(void)
{
	pthread_t thread;
	int ret = turn_make();

	scope = PRIVATE;
	return ret ? ret : -pthread_create(&thread, NULL, partner, NULL);
}

static int switch_processes_open(void)
{
	int ret = turn_make();
	pid_t pid;

	if (ret)
		return ret;
	pid = fork();
	if (!pid)
		partner(NULL);
	return pid < 0 ? -errno : 0;
}

static int switch_run(unsigned runs)
{
	while (runs--) {
		turn_give(THEIRS);
		turn_await(OURS);
	}
	return 0;
}

/* --- futexes --------------------------------------------------------------------------------- */

#define CONTENDERS 3 /* besides the one that measures */

static int wake_run(unsigned runs)
{
	uint32_t word = 0;

	while (runs--)
		if (futex(&word, WAKE | PRIVATE, 1) < 0)
			return -errno;
	return 0;
}

/* 0: free, 1: taken, 2: taken, and somebody may wait for it. */
static uint32_t lock;
static uint32_t taken, wanted; /* guarded by the lock; `wanted` is waited at, too */

static void lock_take(void)
{
	uint32_t seen = 0;

	if (__atomic_compare_exchange_n(&lock, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock, 2, __ATOMIC_ACQUIRE))
		futex(&lock, WAIT | PRIVATE, 2);
}

static void lock_drop(void)
{
	if (__atomic_exchange_n(&lock, 0, __ATOMIC_RELEASE) == 2)
		futex(&lock, WAKE | PRIVATE, 1);
}

/* Takes the lock once; says whether it is still wanted. */
static int contend(void)
{
	int more;

	lock_take();
	more = taken != wanted;
	if (more) {
		taken++;
		sched_yield();
	}
	lock_drop();
	return more;
}

static void *contender(void *argument)
{
	for (;;) {
		uint32_t before = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);

		while (contend())
			;
		futex(&wanted, WAIT | PRIVATE, before);
	}
	return argument;
}

static int contended_open(void)
{
	pthread_t thread;
	int code = 0;

	for (unsigned i = 0; !code && i < CONTENDERS; i++)
		code = pthread_create(&thread, NULL, contender, NULL);
	return -code;
}

static int contended_run(unsigned runs)
{
	lock_take();
	__atomic_store_n(&wanted, wanted + runs, __ATOMIC_RELEASE);
	lock_drop();
	futex(&wanted, WAKE | PRIVATE, INT_MAX);
	while (contend())
		;
	return 0;
}

const struct probe_line probe_threads[] = {
	{ "thread", "pthread_create() and pthread_join()", .run = thread_run },
	{ "switch-threads", "context switch between threads", .per = 2, .open = switch_threads_open,
	  .run = switch_run },
	{ "switch-processes", "context switch between processes", .per = 2,
	  .open = switch_processes_open, .run = switch_run },
	{ "futex-wake", "FUTEX_WAKE with nobody waiting", .run = wake_run },
	{ "futex-contended", "a lock that 4 threads want", .open = contended_open,
	  .run = contended_run },
	{ 0 },
};
