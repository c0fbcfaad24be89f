// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Work for a um kernel: what a machine has to get right for its programs, for um.bats.
 *
 *	um_work NAME
 *
 * Theory of operation
 * -------------------
 * Static, so that it runs in any container. Each NAME does one thing that goes wrong first where a
 * kernel keeps page tables, registers or signals of a process that is not its own; it looks at
 * every byte that it expects, says what was wrong and ends with 1, or says nothing and ends with 0.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L

static void fail(const char *what, long at)
{
	fprintf(stderr, "um_work: wrong: %s (%ld; %s)\n", what, at, strerror(errno));
	_exit(1);
}

static void need(int right, const char *what, long at)
{
	if (!right)
		fail(what, at);
}

static uint64_t *map(long pages, int prot, int flags, int fd)
{
	uint64_t *p = mmap(NULL, (size_t)(pages * PAGE), prot, flags, fd, 0);

	need(p != MAP_FAILED, "mmap", pages);
	return p;
}

static uint64_t *anonymous(long pages, int flags)
{
	return map(pages, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1);
}

static uint64_t *page(uint64_t *p, long i)
{
	return p + i * PAGE / 8;
}

/* Every page has a word of its own, at a place of its own. */
static void mark(uint64_t *p, long i, uint64_t salt)
{
	page(p, i)[i % 512] = salt ^ (uint64_t)i;
}

static int marked(uint64_t *p, long i, uint64_t salt)
{
	return page(p, i)[i % 512] == (salt ^ (uint64_t)i);
}

static long random_below(long n)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (long)(state % (uint64_t)n);
}

/* The ways in which faults come: up, down, in strides, and in no order at all. */
enum { ORDERS = 4 };
static long in_order(int order, long i, long n)
{
	switch (order) {
	case 0:
		return i;
	case 1:
		return n - 1 - i;
	case 2:
		return i * 37 % n; /* n is no multiple of 37 */
	default:
		return random_below(n);
	}
}

static void finish(pid_t pid, const char *what)
{
	int status;

	need(waitpid(pid, &status, 0) == pid, "waitpid", pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail(what, status);
}

/* --- memory ------------------------------------------------------------------------------------ */

static void check_zero(uint64_t *p, long from, long to, const char *what)
{
	for (long i = from; i < to; i++)
		for (int w = 0; w < 512; w++)
			need(!page(p, i)[w], what, i);
}

/* New memory is empty, in whatever order it is touched, and holds what is written to it. */
static void fresh(void)
{
	enum { N = 1200 };

	for (int order = 0; order < ORDERS; order++) {
		uint64_t *p = anonymous(N, MAP_PRIVATE);
		char touched[N] = { 0 };

		for (long i = 0; i < N; i++) {
			long at = in_order(order, i, N);

			need(touched[at] ? marked(p, at, 1) : !page(p, at)[at % 512], "order",
			     order);
			mark(p, at, 1);
			touched[at] = 1;
		}
		for (long i = 0; i < N; i++) {
			need(touched[i] ? marked(p, i, 1) : !page(p, i)[i % 512], "page", i);
			page(p, i)[i % 512] = 0;
		}
		check_zero(p, 0, N, "a new page was not empty");
		munmap(p, N * PAGE);
	}
}

/* A child has its parent's memory, and neither sees what the other writes. */
static void forked(void)
{
	enum { N = 900 };

	for (int order = 0; order < ORDERS; order++) {
		uint64_t *p = anonymous(N, MAP_PRIVATE), *shared = anonymous(N, MAP_SHARED);
		int wrote[2];
		pid_t pid;
		char c;

		for (long i = 0; i < N; i++)
			mark(p, i, 1);
		need(pipe(wrote) == 0, "pipe", 0);
		pid = fork();
		if (!pid) {
			need(read(wrote[0], &c, 1) == 1, "read", 0);
			for (long i = 0; i < N; i++) {
				long at = in_order(order, i, N);

				need(order == 3 || marked(p, at, 1), "a child's page", at);
				mark(p, at, 2);
				mark(shared, at, 2);
			}
			_exit(0);
		}
		for (long i = 0; i < N; i += 2)
			mark(p, i, 3);
		need(write(wrote[1], "", 1) == 1, "write", 0);
		finish(pid, "the child");
		for (long i = 0; i < N; i++) {
			need(marked(p, i, i % 2 ? 1 : 3), "a parent's page", i);
			need(order == 3 || marked(shared, i, 2), "a shared page", i);
		}
		close(wrote[0]);
		close(wrote[1]);
		munmap(p, N * PAGE);
		munmap(shared, N * PAGE);
	}
}

static sigjmp_buf back;
static volatile sig_atomic_t caught;
static void *volatile caught_at;

static void jump(int sig, siginfo_t *si, void *context)
{
	(void)context;
	caught = sig;
	caught_at = si->si_addr;
	siglongjmp(back, 1);
}

static void catch (int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = jump, .sa_flags = SA_SIGINFO | flags };

	need(sigaction(sig, &sa, NULL) == 0, "sigaction", sig);
}

/* Which signal does touching this give? */
static int touch(volatile char *at, int write)
{
	caught = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*at = 1;
		else
			(void)*at;
	}
	need(!caught || caught_at == (void *)at, "a fault's address", (long)caught_at);
	return caught;
}

/* What was unmapped, protected, dropped or moved is so at once, for the first and the last page. */
static void changed(void)
{
	enum { N = 1100 }; /* more than two page tables */
	uint64_t *p = anonymous(N, MAP_PRIVATE);
	char *bytes = (char *)p;
	uint64_t *q;

	catch (SIGSEGV, 0);
	for (long i = 0; i < N; i++)
		mark(p, i, 1);
	mprotect(p, N * PAGE, PROT_READ);
	need(touch(bytes, 1) == SIGSEGV && touch(bytes + N * PAGE - 1, 1) == SIGSEGV, "read-only",
	     0);
	mprotect(p, N * PAGE, PROT_NONE);
	need(touch(bytes, 0) == SIGSEGV && touch(bytes + N * PAGE - 1, 0) == SIGSEGV, "no access",
	     0);
	mprotect(p, N * PAGE, PROT_READ | PROT_WRITE);
	for (long i = 0; i < N; i++)
		need(marked(p, i, 1), "a page after mprotect", i);

	need(madvise(page(p, 10), 600 * PAGE, MADV_DONTNEED) == 0, "madvise", 0);
	check_zero(p, 10, 610, "a page after MADV_DONTNEED");
	need(marked(p, 9, 1) && marked(p, 610, 1), "a page beside MADV_DONTNEED", 0);

	q = mremap(p, N * PAGE, 2 * N * PAGE, MREMAP_MAYMOVE);
	need(q != MAP_FAILED, "mremap", 0);
	need(marked(q, 9, 1) && marked(q, N - 1, 1), "a page after mremap", 0);
	need(q == p || touch(bytes, 0) == SIGSEGV, "where a mapping was", 0);
	check_zero(q, N, 2 * N, "a page that mremap added");

	need(mmap(q, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == q,
	     "mmap over it", 0);
	check_zero(q, 0, N, "a page mapped over another");
	munmap(q, 2 * N * PAGE);
	need(touch((char *)q, 0) == SIGSEGV && touch((char *)page(q, 2 * N) - 1, 1) == SIGSEGV,
	     "unmapped", 0);
}

/* A file's pages, read and written through mappings of either kind, and by read and write. */
static void filed(void)
{
	enum { N = 700 };
	char name[] = "/tmp/um_work.XXXXXX";
	int fd = mkstemp(name);
	uint64_t word, *shared, *private;

	need(fd >= 0, name, 0);
	unlink(name);
	for (long i = 0; i < N; i++) {
		word = (uint64_t)i * 3;
		need(pwrite(fd, &word, 8, i * PAGE) == 8, "pwrite", i);
	}
	need(ftruncate(fd, N * PAGE) == 0, "ftruncate", N);
	for (int order = 0; order < ORDERS; order++) {
		private = map(N, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
		shared = map(N, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
		for (long i = 0; i < N; i++) {
			long at = in_order(order, i, N);

			need(*page(private, at) == (uint64_t)at * 3, "read through a mapping", at);
			page(private, at)[1] = 77;
			page(shared, at)[2] = (uint64_t)(at + order);
			need(pread(fd, &word, 8, at * PAGE + 8) == 8 && !word, "private to a file",
			     at);
			need(pread(fd, &word, 8, at * PAGE + 16) == 8 &&
				     word == (uint64_t)(at + order),
			     "shared to a file", at);
		}
		munmap(private, N * PAGE);
		munmap(shared, N * PAGE);
	}
	shared = map(N, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	for (long i = 0; i < N; i++)
		page(shared, i)[3] = 1;
	need(ftruncate(fd, 100 * PAGE) == 0, "ftruncate", 100);
	catch (SIGBUS, 0);
	need(touch((char *)page(shared, 100), 0) == SIGBUS, "behind a file's end", 100);
	need(touch((char *)page(shared, 99), 1) == 0, "before a file's end", 99);
}

static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size, pages = 0;

	need(f && fscanf(f, "%ld %ld", &size, &pages) == 2, "/proc/self/statm", 0);
	fclose(f);
	return pages;
}

/* Memory that nobody touched is not taken: none at random, no more than was touched in a row. */
static void frugal(void)
{
	enum { N = 16384, TOUCHED = 600, ROW = 150, SLACK = 40 };
	uint64_t *p = anonymous(N, MAP_PRIVATE);
	long before = resident();

	for (long i = 0; i < TOUCHED; i++)
		mark(p, i * 7919 % N, 1);
	need(resident() - before <= TOUCHED + SLACK, "pages taken at random", resident() - before);
	munmap(p, N * PAGE);

	p = anonymous(N, MAP_PRIVATE);
	before = resident();
	for (long i = 0; i < ROW; i++)
		mark(p, i, 1);
	need(resident() - before <= 2 * ROW + SLACK, "pages taken in a row", resident() - before);
}

/* --- processes and threads --------------------------------------------------------------------- */

static void *add_one(void *p)
{
	__atomic_fetch_add((long *)p, 1, __ATOMIC_SEQ_CST);
	pause();
	return NULL;
}

static void threads(void)
{
	enum { N = 400 };
	pthread_t t;
	long count = 0;

	for (long i = 0; i < N; i++)
		need(pthread_create(&t, NULL, add_one, &count) == 0, "pthread_create", i);
	while (__atomic_load_n(&count, __ATOMIC_SEQ_CST) < N)
		sched_yield();
}

static void vforked(void)
{
	for (int i = 0; i < 50; i++) {
		volatile int seen = 0;
		pid_t pid = vfork();

		if (!pid) {
			seen = 1; /* the same memory */
			execl("/proc/self/exe", "um_work", "nothing", (char *)NULL);
			_exit(2);
		}
		need(seen, "vfork's memory", i);
		finish(pid, "vfork and exec");
	}
}

/* More processes at once than any pool of them holds, again and again; all forks work. */
static void many(void)
{
	for (int round = 0; round < 6; round++) {
		pid_t pids[40];

		for (int i = 0; i < 40; i++) {
			pids[i] = fork();
			need(pids[i] >= 0, "fork", i);
			if (!pids[i]) {
				uint64_t *p = anonymous(20, MAP_PRIVATE);

				check_zero(p, 0, 20, "a new process' memory");
				_exit(i);
			}
		}
		for (int i = 0; i < 40; i++) {
			int status;

			need(waitpid(pids[i], &status, 0) == pids[i] && status == i << 8, "child",
			     i);
		}
	}
}

/* A fork that the host refuses fails, and nothing more: to be run where it allows few processes. */
static void refused(void)
{
	for (int round = 0; round < 5; round++) {
		pid_t pids[200];
		int n = 0;

		while (n < 200 && (pids[n] = fork()) > 0)
			n++;
		if (n < 200 && !pids[n])
			for (;;)
				pause();
		need(n >= 2 && n < 200 && (errno == EAGAIN || errno == ENOMEM), "forks", n);
		while (n--) {
			kill(pids[n], SIGKILL);
			need(waitpid(pids[n], NULL, 0) == pids[n], "waitpid", n);
		}
	}
}

/* --- registers ----------------------------------------------------------------------------------
 */

/* Loads, lets others run, and compares, with no call of a C function between that could use them.
 */
__attribute__((target("avx"))) static void avx_rounds(unsigned char value)
{
	unsigned char in[32], low[32], high[32];

	memset(in, value, sizeof(in));
	for (int i = 0; i < 3000; i++) {
		long nr = SYS_sched_yield;

		__asm__ volatile("vmovdqu %3, %%ymm3\n\t"
				 "vmovdqu %3, %%ymm15\n\t"
				 "syscall\n\t"
				 "vmovdqu %%ymm3, %1\n\t"
				 "vmovdqu %%ymm15, %2\n\t"
				 : "+a"(nr), "=m"(low), "=m"(high)
				 : "m"(in)
				 : "rcx", "r11", "xmm3", "xmm15", "memory");
		need(!memcmp(low, in, 32) && !memcmp(high, in, 32), "AVX registers", i);
	}
}

static void *avx_thread(void *p)
{
	avx_rounds((unsigned char)(uintptr_t)p);
	return NULL;
}

static void avx(void)
{
	pthread_t t[3];
	pid_t pid;

	if (!__builtin_cpu_supports("avx"))
		return;
	pid = fork();
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, avx_thread, (void *)(i + (pid ? 1 : 100)));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	if (!pid)
		_exit(0);
	finish(pid, "AVX in another process");
}

static void *segment_thread(void *p)
{
	unsigned long words[2] = { (unsigned long)(uintptr_t)p, 0 }, got;

	need(syscall(SYS_arch_prctl, ARCH_SET_GS, words) == 0, "ARCH_SET_GS", 0);
	for (int i = 0; i < 300; i++) {
		__asm__ volatile("mov %%gs:0, %0" : "=r"(got)::"memory");
		need(got == words[0], "gs", i);
		sched_yield();
	}
	return NULL;
}

static void segments(void)
{
	pthread_t t[3];

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, segment_thread, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

/* --- code that writes code
 * -------------------------------------------------------------------------- */

/* mov $n, %eax; ret */
static void write_code(unsigned char *at, uint32_t n)
{
	at[0] = 0xb8;
	memcpy(at + 1, &n, 4);
	at[5] = 0xc3;
}

static void jit(void)
{
	int fd = memfd_create("code", 0);
	unsigned char *both, *writes, *runs;

	both = (unsigned char *)map(1, PROT_READ | PROT_WRITE | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1);
	need(fd >= 0 && ftruncate(fd, PAGE) == 0, "memfd", 0);
	writes = (unsigned char *)map(1, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	runs = (unsigned char *)map(1, PROT_READ | PROT_EXEC, MAP_SHARED, fd);
	for (uint32_t n = 0; n < 200; n++) {
		write_code(both, n);
		need(((uint32_t(*)(void))(void *)both)() == n, "code in a writable page", n);
		write_code(writes, n + 1);
		need(((uint32_t(*)(void))(void *)runs)() == n + 1, "code in two mappings", n);
		mprotect(both, PAGE, PROT_READ | PROT_EXEC);
		need(((uint32_t(*)(void))(void *)both)() == n, "code after mprotect", n);
		mprotect(both, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	}
}

/* --- signals and time
 * ---------------------------------------------------------------------------------- */

static char *volatile deepest;

__attribute__((noinline)) static int deeper(int n)
{
	volatile char here[1024];

	here[0] = (char)n;
	deepest = (char *)here;
	return n < 0 ? 0 : deeper(n + 1) + here[0];
}

/* A stack that overflows is caught on another stack, more than once. */
static void alternate(void)
{
	stack_t stack = { .ss_size = 64 * 1024 };
	struct rlimit limit = { 256 * 1024, 256 * 1024 };

	stack.ss_sp = anonymous(16, MAP_PRIVATE);
	need(sigaltstack(&stack, NULL) == 0, "sigaltstack", 0);
	setrlimit(RLIMIT_STACK, &limit);
	catch (SIGSEGV, SA_ONSTACK);
	for (volatile int i = 0; i < 3; i++) {
		caught = 0;
		if (!sigsetjmp(back, 1))
			deeper(1);
		need(caught == SIGSEGV, "a stack overflow", i);
		need((char *)caught_at <= deepest && deepest - (char *)caught_at < 3 * PAGE,
		     "where a stack overflowed", i);
	}
}

static volatile sig_atomic_t alarms;

static void count_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A timer that counts user time fires in a program that makes no system call. */
static void timer(void)
{
	static const struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
	double start = cpu_seconds();

	signal(SIGVTALRM, count_alarm);
	need(setitimer(ITIMER_VIRTUAL, &every, NULL) == 0, "setitimer", 0);
	while (alarms < 5)
		for (volatile int i = 0; i < 1000000; i++)
			;
	need(cpu_seconds() - start >= 0.08, "a timer came early", alarms);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*work)(void);
} all[] = {
	{ "alternate", alternate }, { "avx", avx },         { "changed", changed },
	{ "filed", filed },         { "forked", forked },   { "fresh", fresh },
	{ "frugal", frugal },       { "jit", jit },         { "many", many },
	{ "nothing", nothing },     { "refused", refused }, { "segments", segments },
	{ "threads", threads },     { "timer", timer },     { "vfork", vforked },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(argv[1], all[i].name)) {
			all[i].work();
			return 0;
		}
	fprintf(stderr, "Usage: um_work NAME\n");
	return 2;
}
