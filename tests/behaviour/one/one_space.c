// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * one_space TEST: user code that shares its address space with its kernel, from inside.
 *
 * calls      takes the kernel over: makes every system call of the host from the kernel's own
 *            text, as a program may that has found it. Prints what was not refused.
 * forms      each form of system call that the kernel replaces, before and after, with all
 *            registers looked at; jumps into the middle; restarts; handlers in between
 * threads    threads that wait in a call while others make it often
 * vectors    vector registers across calls, faults, signals and switches of processes
 * clock      the clock that is read without a call agrees with the one that is asked
 * many N     N processes alive at once, each with memory of its own
 * kernel     the kernel's part of the address space cannot be unmapped or mapped over
 *
 * Prints "ok" when all is well; what is not, one line each.
 */
#include <errno.h>
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("line %d: %s\n", __LINE__, #condition);                             \
			failures++;                                                                \
		}                                                                                  \
	} while (0)

/* --- calls ----------------------------------------------------------------------------------- */

#define KERNEL_START 0x60001000ul
#define KERNEL_END   0x60800000ul
#define CALLS_MAX    480

/* The kernel's own, which it needs: what the jail promises is that there are no more. */
static const int needed[] = {
	SYS_read, SYS_write, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_fallocate,
	SYS_fsync, SYS_fdatasync, SYS_newfstatat, SYS_close, SYS_fcntl, SYS_rt_sigsuspend,
	SYS_epoll_ctl, SYS_poll, SYS_epoll_pwait, SYS_futex, SYS_restart_syscall, SYS_mmap,
	SYS_munmap, SYS_madvise, SYS_clone, SYS_prctl, SYS_wait4, SYS_exit, SYS_exit_group,
	SYS_kill, SYS_tkill, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
	SYS_timer_create, SYS_timer_settime, SYS_clock_gettime, SYS_getpid,
};

/* `syscall; ret` in the kernel's text, or NULL. */
static const unsigned char *kernel_syscall(void)
{
	const unsigned char *at = (const unsigned char *)KERNEL_START;

	for (; at < (const unsigned char *)KERNEL_END; at++)
		if (at[0] == 0x0f && at[1] == 0x05 && at[2] == 0xc3)
			return at;
	return NULL;
}

static long host_call(const void *at, long nr, long a, long b, long c, long d)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = 0;
	register long r9 asm("r9") = 0;
	long ret;

	asm volatile("call *%1"
		     : "=a"(ret)
		     : "r"(at), "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

static int is_needed(int nr)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (needed[i] == nr)
			return 1;
	return 0;
}

static void test_calls(void)
{
	const void *at = kernel_syscall();
	long ret;

	CHECK(at != NULL);
	if (!at)
		return;
	/* The way is open, so that a refusal below is one. */
	CHECK(host_call(at, SYS_getpid, 0, 0, 0, 0) > 0);
	for (int nr = 0; nr < CALLS_MAX; nr++) {
		/* uretprobe and uprobe: Linux lets no filter see them, and answers with SIGILL. */
		if (is_needed(nr) || nr == 335 || nr == 336)
			continue;
		ret = host_call(at, nr, 0, 0, 0, 0);
		if (ret != -EPERM && ret != -ENOSYS) {
			printf("call %d was not refused: %ld\n", nr, ret);
			failures++;
		}
	}
	CHECK(host_call(at, SYS_openat, AT_FDCWD, (long)"/", O_RDONLY, 0) == -EPERM);
	CHECK(host_call(at, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0) == -EPERM);
	CHECK(host_call(at, SYS_clone, CLONE_NEWNS | CLONE_FILES | SIGCHLD, 0, 0, 0) == -EPERM);
	CHECK(host_call(at, SYS_mmap, 0, 4096, PROT_READ, MAP_HUGETLB | MAP_PRIVATE) == -EPERM);
	CHECK(host_call(at, SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0) == -EPERM);
	CHECK(host_call(at, SYS_fcntl, 1, F_NOTIFY, 1, 0) == -EPERM);
	CHECK(host_call(at, SYS_madvise, 0, 4096, MADV_MERGEABLE, 0) == -EPERM);
	CHECK(host_call(at, SYS_kill, 1, SIGSEGV, 0, 0) == -EPERM);
}

/* --- forms ----------------------------------------------------------------------------------- */

/*
 * long call_FORM(struct registers *r): makes the call with all registers from *r, and leaves them
 * there. In files of their own text: what is replaced is the same bytes for all who call.
 */
struct registers {
	uint64_t ax, bx, cx, dx, si, di, bp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
};

#define CALL_FORM(name, text)                                                                      \
	void name(struct registers *r);                                                            \
	asm(".text\n.balign 64\n.globl " #name "\n.type " #name ",@function\n" #name ":\n"         \
	    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rdi\n"        \
	    "mov 8(%rdi),%rbx; mov 24(%rdi),%rdx; mov 32(%rdi),%rsi; mov 48(%rdi),%rbp\n"          \
	    "mov 56(%rdi),%r8; mov 64(%rdi),%r9; mov 72(%rdi),%r10; mov 88(%rdi),%r12\n"           \
	    "mov 96(%rdi),%r13; mov 104(%rdi),%r14; mov 112(%rdi),%r15\n"                          \
	    "mov 0(%rdi),%rax; mov 40(%rdi),%rdi\n" text "\n"                                      \
	    "pushfq; push %rdi; mov 16(%rsp),%rdi\n"                                               \
	    "mov %rax,0(%rdi); mov %rbx,8(%rdi); mov %rdx,24(%rdi); mov %rsi,32(%rdi)\n"           \
	    "pop %rax; mov %rax,40(%rdi); mov %rbp,48(%rdi); mov %r8,56(%rdi)\n"                   \
	    "mov %r9,64(%rdi); mov %r10,72(%rdi); mov %r12,88(%rdi); mov %r13,96(%rdi)\n"          \
	    "mov %r14,104(%rdi); mov %r15,112(%rdi); pop %rax; mov %rax,120(%rdi)\n"               \
	    "pop %rdi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n")

CALL_FORM(call_mov, "mov $39,%eax; .globl call_mov_middle; call_mov_middle: syscall");
CALL_FORM(call_cmp, "syscall; cmp $-4095,%rax");
CALL_FORM(call_plain, "syscall; nop; nop; nop; nop; nop; nop; nop");
/* The read() whose call a handler interrupts, and makes too. */
CALL_FORM(read_cmp, "syscall; cmp $-4095,%rax");
CALL_FORM(read_mov, "mov $0,%eax; syscall");
extern char call_mov_middle[];

static struct registers filled(long nr)
{
	return (struct registers){ (uint64_t)nr, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
}

static void check_form(void (*call)(struct registers *), int flags)
{
	struct registers r = filled(SYS_getpid), want = r;

	call(&r);
	want.ax = (uint64_t)getpid();
	want.cx = r.cx;
	want.r11 = r.r11;
	want.flags = r.flags;
	CHECK(!memcmp(&r, &want, sizeof(r)));
	/* The cmp was made: a pid is below -4095, unsigned. */
	if (flags)
		CHECK(r.flags & 1);
}

/* Enters call_mov at its second instruction, behind the frame that it would have made. */
static void check_middle(void)
{
	struct registers r = filled(SYS_getppid), *at = &r;
	long ax = SYS_getppid;

	asm volatile("sub $128,%%rsp\n" /* what the compiler keeps below the stack */
		     "lea 1f(%%rip),%%rcx\n"
		     "push %%rcx\n"
		     "push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n"
		     "push %%rdi\n"
		     "jmp call_mov_middle\n"
		     "1: add $128,%%rsp\n"
		     : "+a"(ax), "+D"(at)
		     :
		     : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK(r.ax == (uint64_t)getppid());
}

static int pipe_fds[2];
static void (*interrupted)(struct registers *);
static volatile int handled;

static void handler(int sig)
{
	(void)sig;
	/* Often enough for it to be replaced while its frame is above us. */
	for (int i = 0; i < 100; i++) {
		struct registers r = filled(SYS_read);

		r.di = (uint64_t)-1;
		interrupted(&r);
		CHECK((int64_t)r.ax == -EBADF);
	}
	handled++;
}

/* A read() that waits, and is interrupted: returns EINTR, or is restarted. */
static void check_interrupted(void (*call)(struct registers *), int restart)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct registers r = filled(SYS_read);
	pid_t child = 0;
	char c = 0;

	interrupted = call;
	handled = 0;
	sigaction(SIGALRM, &action, NULL);
	if (restart && !(child = fork())) {
		usleep(60000);
		_exit(write(pipe_fds[1], "x", 1) != 1);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	r.di = (uint64_t)pipe_fds[0];
	r.si = (uint64_t)&c;
	r.dx = 1;
	call(&r);
	CHECK(handled == 1);
	CHECK((int64_t)r.ax == (restart ? 1 : -EINTR));
	CHECK(c == (restart ? 'x' : 0));
	CHECK(r.bx == 2 && r.bp == 7 && r.r12 == 12 && r.r15 == 15);
	if (child)
		waitpid(child, NULL, 0);
}

static void test_forms(void)
{
	CHECK(pipe(pipe_fds) == 0);
	check_interrupted(read_cmp, 0);
	check_interrupted(read_mov, 0);
	for (int i = 0; i < 100; i++) {
		check_form(call_mov, 0);
		check_form(call_cmp, 1);
		check_form(call_plain, 0);
		check_middle();
	}
	check_interrupted(read_cmp, 0);
	check_interrupted(read_cmp, 1);
	check_interrupted(read_mov, 0);
	check_interrupted(read_mov, 1);
	for (int i = 0; i < 50; i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			check_form(call_mov, 0);
			check_form(call_cmp, 1);
			_exit(failures != 0);
		}
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
}

/* --- threads --------------------------------------------------------------------------------- */

static int thread_pipe[2];

static void *waiter(void *arg)
{
	char c;

	(void)arg;
	return (void *)(read(thread_pipe[0], &c, 1) == 1 ? 1L : 0L);
}

static void test_threads(void)
{
	pthread_t threads[16];
	void *ret;
	char c;
	int other[2];

	CHECK(pipe(thread_pipe) == 0 && pipe(other) == 0);
	for (int i = 0; i < 16; i++)
		CHECK(pthread_create(&threads[i], NULL, waiter, NULL) == 0);
	for (int i = 0; i < 500; i++) {
		CHECK(write(other[1], "y", 1) == 1);
		CHECK(read(other[0], &c, 1) == 1 && c == 'y');
		sched_yield();
	}
	for (int i = 0; i < 16; i++)
		CHECK(write(thread_pipe[1], "x", 1) == 1);
	for (int i = 0; i < 16; i++)
		CHECK(pthread_join(threads[i], &ret) == 0 && ret == (void *)1L);
}

/* --- vectors --------------------------------------------------------------------------------- */

static volatile int vector_signals;

__attribute__((target("sse2"))) static void vector_handler(int sig)
{
	__m128i all = _mm_set1_epi32(-sig);

	asm volatile("movdqa %0,%%xmm3; movdqa %0,%%xmm15" : : "x"(all) : "xmm3", "xmm15");
	vector_signals++;
}

/* Rounds of calls and faults between setting the registers and looking at them. */
static int vectors_hold(uint32_t mark, int rounds)
{
	uint32_t in[8], out[8];
	char *page;
	int wrong = 0;

	for (int i = 0; i < rounds; i++) {
		for (int k = 0; k < 8; k++)
			in[k] = mark * 2654435761u + (uint32_t)(i * 8 + k);
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		asm volatile("vmovdqu (%1),%%ymm3; vmovdqu (%1),%%ymm15\n"
			     "mov $24,%%eax; syscall\n" /* sched_yield */
			     "movb $1,(%2)\n"		/* a fault */
			     "mov $39,%%eax; syscall\n"
			     "vmovdqu %%ymm3,(%0)\n"
			     "vpxor (%0),%%ymm15,%%ymm15; vptest %%ymm15,%%ymm15\n"
			     "jz 1f; movl $0,(%0); 1: vzeroupper\n"
			     :
			     : "r"(out), "r"(in), "r"(page)
			     : "rax", "rcx", "r11", "xmm3", "xmm15", "memory", "cc");
		wrong += memcmp(in, out, sizeof(in)) != 0;
		munmap(page, 4096);
	}
	return wrong;
}

static void test_vectors(void)
{
	struct sigaction action = { .sa_handler = vector_handler };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	int status;

	if (!__builtin_cpu_supports("avx2"))
		return;
	sigaction(SIGALRM, &action, NULL);
	for (uint32_t p = 1; p <= 3; p++)
		if (!fork())
			_exit(vectors_hold(p, 3000) != 0);
	setitimer(ITIMER_REAL, &often, NULL);
	while (vector_signals < 20)
		CHECK(vectors_hold(9, 500) == 0);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	for (int p = 0; p < 3; p++)
		CHECK(wait(&status) > 0 && status == 0);
}

/* --- clock ----------------------------------------------------------------------------------- */

static int64_t ns_of(struct timespec t)
{
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void test_clock(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	struct timespec before, read, after;
	struct timeval tv;

	for (int i = 0; i < 20000; i++) {
		clockid_t clock = clocks[i % 3];

		CHECK(syscall(SYS_clock_gettime, clock, &before) == 0);
		CHECK(clock_gettime(clock, &read) == 0);
		CHECK(syscall(SYS_clock_gettime, clock, &after) == 0);
		CHECK(ns_of(before) <= ns_of(read) && ns_of(read) <= ns_of(after));
		CHECK(read.tv_nsec >= 0 && read.tv_nsec < 1000000000);
		if (failures)
			return;
	}
	CHECK(clock_gettime(CLOCK_REALTIME, &before) == 0 && gettimeofday(&tv, NULL) == 0);
	CHECK(tv.tv_sec - before.tv_sec <= 1 && time(NULL) - before.tv_sec <= 1);
}

/* --- many ------------------------------------------------------------------------------------ */

static void test_many(int count)
{
	int (*pipes)[2] = calloc((size_t)count, sizeof(*pipes)), status;
	int value;

	for (int i = 0; i < count; i++) {
		pid_t child;

		CHECK(pipe(pipes[i]) == 0);
		child = fork();
		CHECK(child >= 0);
		if (child)
			continue;
		/* Two rounds: memory of its own, and what became of it when it was not there. */
		int *own = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		own[0] = i;
		own[2000] = -i;
		if (read(pipes[i][0], &value, sizeof(value)) != sizeof(value))
			_exit(1);
		_exit(own[0] != i || own[2000] != -i || value != i * 3);
	}
	for (int i = 0; i < count; i++) {
		value = i * 3;
		CHECK(write(pipes[i][1], &value, sizeof(value)) == sizeof(value));
	}
	for (int i = 0; i < count; i++)
		CHECK(wait(&status) > 0 && status == 0);
}

/* --- kernel ---------------------------------------------------------------------------------- */

static void test_kernel(void)
{
	void *at = (void *)0x61000000ul;

	CHECK(munmap(at, 4096) < 0 && errno == EPERM);
	CHECK(munmap((void *)0x50000000ul, 0x20000000ul) < 0);
	CHECK(mprotect(at, 4096, PROT_NONE) < 0);
	CHECK(mmap(at, 4096, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	      MAP_FAILED);
	CHECK(mremap(at, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED);
	/* As a place to be filled by a call it does not count. */
	CHECK(read(open("/dev/zero", O_RDONLY), at, 1) < 0 && errno == EFAULT);
	/* A mere wish for that place gets another. */
	at = mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(at != MAP_FAILED && at != (void *)0x61000000ul);
}

int main(int argc, char **argv)
{
	const char *test = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(test, "calls"))
		test_calls();
	else if (!strcmp(test, "forms"))
		test_forms();
	else if (!strcmp(test, "threads"))
		test_threads();
	else if (!strcmp(test, "vectors"))
		test_vectors();
	else if (!strcmp(test, "clock"))
		test_clock();
	else if (!strcmp(test, "many"))
		test_many(argc > 2 ? atoi(argv[2]) : 300);
	else if (!strcmp(test, "kernel"))
		test_kernel();
	else
		return 2;
	if (!failures)
		printf("ok\n");
	return failures != 0;
}
