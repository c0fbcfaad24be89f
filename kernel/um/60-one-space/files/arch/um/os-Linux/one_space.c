// SPDX-License-Identifier: GPL-2.0-only
/*
 * One address space: the kernel lives in each of its processes.
 *
 * Theory of operation
 * -------------------
 * In um's other modes user code runs in a process beside the kernel's, and each system call and
 * each fault is handed over and back: two process switches of the host. Here the kernel's memory
 * (its data and all guest memory, which are one shared file) is mapped at the same place in every
 * process, so the kernel runs in whichever process user code left, on the task's own kernel
 * stack, as a kernel on hardware does.
 *
 * A host process that carries a guest address space is a carrier. Its host mappings are a cache
 * of the guest's page tables, like a TLB: it may be empty at any time, and what lacks comes back
 * by faults. So there are at most CARRIERS of them; one without an owner is kept for the next,
 * and when all are taken one is taken away from its owner. A carrier that the host killed is
 * made again.
 *
 * Just one carrier runs, all others wait for their futex. Kernel code, of whatever task, runs in
 * the one that runs; only on the way to user code of another address space does the kernel hop
 * to that carrier (one_space_attach()): it leaves its registers in memory, wakes the other
 * process and waits, on a small stack that each carrier has for itself. The other goes on with
 * these registers as if nothing had happened.
 *
 * carriers[0] is the process that the kernel was started as. It never carries: it makes the
 * others, from a memory without user mappings, and holds the kernel's helper threads and the
 * stack on which the kernel ends.
 *
 * A system call of user code is trapped by a filter that allows calls from the kernel's text
 * only; any signal whose frame points outside of the kernel means that user code came back.
 * That frame is not returned to: its registers are copied, and user code is entered by loading
 * them (one_enter()). Therefore no signal is ever blocked by its own delivery.
 *
 * Carriers share descriptors but not timers nor signals: each has a timer, set when it runs;
 * a signal for a carrier that waits is sent on to the one that runs.
 */
#define __FRAME_OFFSETS
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <elf.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <as-layout.h>
#include <init.h>
#include <kern_util.h>
#include <mem_user.h>
#include <one_space.h>
#include <os.h>
#include <registers.h>
#include <skas.h>
#include <sysdep/mcontext.h>
#include <sysdep/ptrace.h>
#include <sysdep/stub.h>
#include "internal.h"

#define CARRIERS	256
#define SIGNAL_STACK	(64 * 1024)
#define WAIT_STACK	(16 * 1024)

struct carrier {
	int pid;			/* 0: there is no such process */
	unsigned int go;		/* futex: 1: it is to run */
	struct mm_id *owner;		/* whose user code it runs, or NULL */
	enum { MAPS_OWN, MAPS_OTHERS, MAPS_NOTHING } maps; /* what of user code's there is in it */
	unsigned long kernel_age;	/* kernel_age when it last ran */
	long long armed;		/* what its timer is set to */
	int timer;			/* -1: none yet */
} __attribute__((aligned(64)));

/* What each process has for itself, at the same address. */
struct own {
	struct carrier *me;
	char wait_stack[WAIT_STACK] __attribute__((aligned(64)));
	char signal_stack[SIGNAL_STACK] __attribute__((aligned(64)));
};

int one_space;

static struct carrier carriers[CARRIERS];
static unsigned int carrier_count = 1;
static struct carrier *running = &carriers[0];
static struct own *own;

static struct carrier *hop_to;
static int hop_error;

static unsigned long kernel_age;
static long long deadline, period;

/* The kernel's image, and the host's vDSO, which user code may be in too. */
static unsigned long image_start, image_end, vdso_start, vdso_end;
static void *host_clock;

unsigned long one_kernel_fs;
unsigned long one_fp_mask;
struct uml_pt_regs *one_user_regs;
void *one_user_fp;
static siginfo_t user_siginfo;

extern char __binary_start[], _end[];
extern unsigned long start_vm, end_vm, task_size, uml_physmem;
extern unsigned long *exec_fp_regs;

extern int one_enter(struct uml_pt_regs *regs, const unsigned long *flags, unsigned int work,
		     void *fp);
extern int one_enter_frame(void *frame);
extern void one_leave(int sig) __attribute__((noreturn));
extern void one_hop(void *stack);
extern void one_land(void) __attribute__((noreturn));
extern char one_enter_begin[], one_enter_end[], one_enter_abort[];
void one_hopped(void) __attribute__((noreturn));

static int __init one_space_setup(char *line, int *add)
{
	*add = 0;
	one_space = !strcmp(line, "on");
	return 0;
}

__uml_setup("one_space=", one_space_setup,
"one_space=<on/off>\n"
"    Lets the kernel live in the address space of each of its processes: much\n"
"    faster system calls and faults. One CPU; user code can reach the kernel's\n"
"    memory, so what confines it must be around the kernel.\n\n"
);

static int filter_fd = -1;

static int __init one_filter_setup(char *line, int *add)
{
	*add = 0;
	if (line[0] == '@')
		filter_fd = atoi(line + 1);
	return 0;
}

__uml_setup("one_filter=", one_filter_setup,
"one_filter=@<descriptor>\n"
"    A system call filter, as an array of struct sock_filter, that the kernel\n"
"    puts on itself before user code runs in one address space with it.\n\n"
);

static inline unsigned long fs_base(void)
{
	unsigned long base;

	asm volatile("rdfsbase %0" : "=r" (base));
	return base;
}

static inline unsigned long gs_base(void)
{
	unsigned long base;

	asm volatile("rdgsbase %0" : "=r" (base));
	return base;
}

static inline void set_fs_base(unsigned long base)
{
	asm volatile("wrfsbase %0" : : "r" (base) : "memory");
}

static inline int in_kernel(unsigned long ip, unsigned long fs)
{
	return (ip >= image_start && ip < image_end) ||
	       (fs == one_kernel_fs && ip >= vdso_start && ip < vdso_end);
}

/* --- hops ---------------------------------------------------------------------------------- */

static void futex_wake(unsigned int *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	stub_syscall3(__NR_futex, (unsigned long)word, FUTEX_WAKE, 1);
}

/* In the first process. In the new carrier this does not return. */
static void make_carrier(struct carrier *c)
{
	unsigned long all = ~0ul, old;
	long pid;

	c->go = 0;
	c->maps = MAPS_NOTHING;
	c->armed = 0;
	c->timer = -1;
	c->kernel_age = kernel_age;
	/* No signal finds either of both while it does not know yet who it is. */
	stub_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (unsigned long)&all, (unsigned long)&old, 8);
	running = c;
	pid = stub_syscall5(__NR_clone, CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD, 0,
			    (unsigned long)&c->pid, 0, 0);
	if (pid == 0) {
		own->me = c;
		stub_syscall2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
	} else if (pid < 0) {
		hop_error = pid;
		running = own->me;
	}
	stub_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (unsigned long)&old, 0, 8);
	if (pid <= 0)
		one_land();
}

/* On the carrier's own stack, from one_hop(): no word of the kernel's memory may be changed after
 * the other carrier was told to run. */
void one_hopped(void)
{
	struct carrier *me = own->me, *to = hop_to;

	if (to->pid || me != carriers) {
		to = to->pid ? to : carriers;
		running = to;
		futex_wake(&to->go);
	} else {
		make_carrier(to);
	}
	for (;;) {
		while (!__atomic_exchange_n(&me->go, 0, __ATOMIC_ACQUIRE))
			stub_syscall4(__NR_futex, (unsigned long)&me->go, FUTEX_WAIT, 0, 0);
		if (hop_to == me)
			one_land();
		make_carrier(hop_to);
	}
}

static int hop(struct carrier *to)
{
	hop_to = to;
	hop_error = 0;
	one_hop(own->wait_stack + sizeof(own->wait_stack));
	return hop_error;
}

/* --- carriers ------------------------------------------------------------------------------ */

/* Takes one away from its owner, each in its turn. */
static struct carrier *steal_carrier(void)
{
	static unsigned int hand;
	struct carrier *c;

	do {
		hand = hand + 1 < carrier_count ? hand + 1 : 1;
		c = &carriers[hand];
	} while (c == running && carrier_count > 2);
	return c;
}

static struct carrier *pick_carrier(void)
{
	unsigned int i;

	if (running != carriers && !running->owner)
		return running;
	for (i = 1; i < carrier_count; i++)
		if (!carriers[i].owner)
			return &carriers[i];
	if (carrier_count < CARRIERS)
		return &carriers[carrier_count++];
	return steal_carrier();
}

static void give_carrier(struct carrier *c, struct mm_id *id)
{
	c->owner = id;
	c->maps = MAPS_OTHERS;
	id->carrier = c - carriers;
}

static void set_timer(void)
{
	struct carrier *me = running;
	struct itimerspec its = {
		.it_value.tv_sec = deadline / UM_NSEC_PER_SEC,
		.it_value.tv_nsec = deadline % UM_NSEC_PER_SEC,
	};

	if (me->timer < 0) {
		struct sigevent sev = {
			.sigev_notify = SIGEV_SIGNAL,
			.sigev_signo = SIGALRM,
		};

		if (stub_syscall3(__NR_timer_create, CLOCK_MONOTONIC, (unsigned long)&sev,
				  (unsigned long)&me->timer) < 0)
			panic("one_space: no timer");
	}
	me->armed = deadline;
	stub_syscall4(__NR_timer_settime, me->timer, TIMER_ABSTIME, (unsigned long)&its, 0);
}

int one_space_timer(long long when, long long each)
{
	deadline = when;
	period = each;
	set_timer();
	return 0;
}

/* A period is never left to the host: the timer of a carrier that waits would go on. */
static void timer_again(int sig)
{
	if (sig == SIGALRM && period)
		one_space_timer(deadline + period, period);
}

static void unmap_user(void)
{
	stub_syscall2(__NR_munmap, 0, ONE_SLOTS);
	stub_syscall2(__NR_munmap, end_vm, task_size - end_vm);
}

/* What was unmapped from the kernel's virtual memory while this carrier waited. */
static void forget_kernel(struct carrier *me)
{
	if (me->kernel_age == kernel_age)
		return;
	stub_syscall2(__NR_munmap, start_vm, end_vm - start_vm);
	me->kernel_age = kernel_age;
}

/* After a hop: what the carrier missed while it waited. */
static void catch_up(struct carrier *me)
{
	forget_kernel(me);
	if (me->armed != deadline)
		set_timer();
}

/* In the first process, whose helper threads are meant too. */
static void close_down(void)
{
	static struct sock_filter filter[2048];
	struct sock_fprog prog = { .filter = filter };
	long n = os_pread_file(filter_fd, filter, sizeof(filter), 0);

	prog.len = n < 0 ? 0 : n / sizeof(filter[0]);
	if (stub_syscall3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			  (unsigned long)&prog))
		panic("one_space: the filter of one_filter= cannot be put on");
	close(filter_fd);
	filter_fd = -1;
}

int one_space_attach(struct mm_id *id)
{
	struct carrier *c = &carriers[id->carrier];
	int tries;

	if (filter_fd >= 0)
		close_down();

	if (c != carriers && c->owner == id && c == running && c->maps == MAPS_OWN)
		return 0;
	if (c == carriers || c->owner != id) {
		c = pick_carrier();
		give_carrier(c, id);
	}
	for (tries = 0; c != running; tries++) {
		if (hop(c) == 0) {
			catch_up(c);
			break;
		}
		/* The host has no process for us: some carrier that there is must do. */
		if (tries == CARRIERS)
			panic("one_space: the host makes no process, error %d", hop_error);
		c->owner = NULL;
		c = steal_carrier();
		give_carrier(c, id);
	}
	if (c->maps == MAPS_OWN)
		return 0;
	if (c->maps == MAPS_OTHERS)
		unmap_user();
	c->maps = MAPS_OWN;
	return 1;
}

void one_space_release(struct mm_id *id)
{
	struct carrier *c = &carriers[id->carrier];

	if (c != carriers && c->owner == id)
		c->owner = NULL;
}

void one_space_home(void)
{
	if (running == carriers)
		return;
	hop(carriers);
	catch_up(carriers);
}

int one_space_home_pid(void)
{
	return one_space ? carriers[0].pid : os_getpid();
}

/* Nobody else has what it had in its registers. */
static void lost_running(int status)
{
	char text[] = "Kernel panic - not syncing: the host ended the process that ran (status 0x0000)\n";
	char *digit = text + sizeof(text) - 4;
	int i;

	for (i = 0; i < 4; i++, status >>= 4)
		*digit-- = "0123456789abcdef"[status & 15];
	stub_syscall3(__NR_write, 2, (unsigned long)text, sizeof(text) - 1);
	stub_syscall1(__NR_exit_group, 127);
}

/* The host ended one of the others. In the first process, at any time. */
static void reap_carriers(void)
{
	unsigned int i;
	int status;
	long pid;

	while ((pid = stub_syscall4(__NR_wait4, -1, (unsigned long)&status, WNOHANG, 0)) > 0) {
		for (i = 1; i < CARRIERS && carriers[i].pid != pid; i++)
			;
		if (i == CARRIERS)
			continue;
		if (&carriers[i] == running)
			lost_running(status);
		carriers[i].pid = 0;
	}
}

/* --- signals ------------------------------------------------------------------------------- */

/* For a carrier that waits. Its memory is the kernel's too: nothing of the C library here. */
static void stray(int sig)
{
	switch (sig) {
	case SIGALRM:
		own->me->armed = 0;
		break;
	case SIGCHLD:
		reap_carriers();
		break;
	case SIGIO:
	case SIGWINCH:
	case SIGUSR1:
		stub_syscall2(__NR_kill, running->pid, sig);
		break;
	default:
		stub_syscall1(__NR_exit_group, 126);
	}
}

static void user_came_back(int sig, siginfo_t *si, mcontext_t *mc, unsigned long fs)
{
	struct uml_pt_regs *regs = one_user_regs;

	get_regs_from_mc(regs, mc);
	regs->gp[FS_BASE / sizeof(long)] = fs;
	regs->gp[GS_BASE / sizeof(long)] = gs_base();
	memcpy(regs->fp, mc->fpregs, host_fp_size);
	user_siginfo = *si;
	PT_SYSCALL_NR(regs->gp) = sig == SIGSYS ? si->si_syscall : -1;
	if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP)
		GET_FAULTINFO_FROM_MC(regs->faultinfo, mc);
	one_leave(sig);
}

void one_space_handler(int sig, siginfo_t *si, void *context)
{
	mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
	unsigned long fs = fs_base(), ip = mc->gregs[REG_RIP];

	if (own->me != running) {
		stray(sig);
		return;
	}
	set_fs_base(one_kernel_fs);
	if (!in_kernel(ip, fs)) {
		timer_again(sig);
		user_came_back(sig, si, mc, fs);
	}
	if (sig == SIGCHLD) {
		if (own->me == carriers)
			reap_carriers();
	} else {
		forget_kernel(own->me); /* it may be about to land */
		timer_again(sig);
		hard_handler(sig, si, context);
	}
	if (ip >= (unsigned long)one_enter_begin && ip < (unsigned long)one_enter_end)
		mc->gregs[REG_RIP] = (unsigned long)one_enter_abort;
	set_fs_base(fs);
}

struct siginfo *one_space_siginfo(void)
{
	return (struct siginfo *)&user_siginfo;
}

/* A frame for the host's sigreturn, in memory that is ours alone. */
static int run_single_step(struct uml_pt_regs *regs)
{
	static char fp[16384] __attribute__((aligned(64)));
	static ucontext_t uc;
	const unsigned int sw_reserved = 464, sw_size = 48;
	const unsigned int magic2 = 0x46505845; /* ends a frame's extended state */

	if (host_fp_size + sizeof(magic2) > sizeof(fp))
		return SIGSEGV;
	memcpy(fp, regs->fp, host_fp_size);
	memcpy(fp + sw_reserved, (char *)exec_fp_regs + sw_reserved, sw_size);
	memcpy(fp + host_fp_size, &magic2, sizeof(magic2));
	memset(&uc, 0, sizeof(uc));
	uc.uc_flags = 1 | 2 | 4; /* extended state; SS is there; and is meant */
	uc.uc_mcontext.gregs[REG_CSGSFS] = 0x33;
	uc.uc_mcontext.fpregs = (void *)fp;
	get_mc_from_regs(regs, &uc.uc_mcontext, 1);
	set_fs_base(regs->gp[FS_BASE / sizeof(long)]);
	asm volatile("wrgsbase %0" : : "r" (regs->gp[GS_BASE / sizeof(long)]));
	return one_enter_frame(&uc);
}

int one_space_run(struct uml_pt_regs *regs, const unsigned long *flags, unsigned int work,
		  int single_step)
{
	one_user_regs = regs;
	one_user_fp = regs->fp;
	if (single_step || (regs->gp[HOST_EFLAGS] & 0x100))
		return run_single_step(regs);
	return one_enter(regs, flags, work, regs->fp);
}

void one_space_idle(void)
{
	unsigned long none = 0, old;
	unsigned long block = 1ul << (SIGALRM - 1) | 1ul << (SIGIO - 1) | 1ul << (SIGWINCH - 1) |
			      1ul << (SIGUSR1 - 1);

	/* Interrupts are disabled, so a handler only notes that it ran: what comes after the look
	 * must come when we sleep. */
	stub_syscall4(__NR_rt_sigprocmask, SIG_BLOCK, (unsigned long)&block, (unsigned long)&old,
		      8);
	if (!uml_need_resched() && !one_space_pending())
		stub_syscall2(__NR_rt_sigsuspend, (unsigned long)&none, 8);
	stub_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, (unsigned long)&old, 0, 8);
}

/* --- mappings ------------------------------------------------------------------------------ */

/* What map and unmap are about to do: neighbours are added to it. */
static struct {
	unsigned long address, len;
	int prot, fd; /* fd -1: unmap */
	unsigned long long offset;
} pending;

int one_space_flush(void)
{
	long r;

	if (!pending.len)
		return 0;
	if (pending.fd < 0) {
		r = stub_syscall2(__NR_munmap, pending.address, pending.len);
	} else {
		r = stub_syscall6(__NR_mmap, pending.address, pending.len, pending.prot,
				  MAP_SHARED | MAP_FIXED | MAP_POPULATE, pending.fd,
				  pending.offset);
		r = r == pending.address ? 0 : r;
	}
	pending.len = 0;
	return r;
}

static int add(unsigned long address, unsigned long len, int prot, int fd,
	       unsigned long long offset)
{
	int r;

	if (pending.len && pending.fd == fd && pending.prot == prot &&
	    pending.address + pending.len == address &&
	    (fd < 0 || pending.offset + pending.len == offset)) {
		pending.len += len;
		return 0;
	}
	r = one_space_flush();
	pending.address = address;
	pending.len = len;
	pending.prot = prot;
	pending.fd = fd;
	pending.offset = offset;
	return r;
}

int one_space_map(unsigned long address, unsigned long len, int prot, int fd,
		  unsigned long long offset)
{
	return add(address, len, prot, fd, offset);
}

int one_space_unmap(unsigned long address, unsigned long len)
{
	return add(address, len, 0, -1, 0);
}

void one_space_kernel_unmapped(void)
{
	running->kernel_age = ++kernel_age;
}

/* --- beginning ----------------------------------------------------------------------------- */

int __init one_space_share(unsigned long start, unsigned long data, unsigned long reserved,
			   unsigned long len)
{
	unsigned long heap = (unsigned long)sbrk(0), at;
	int fd = create_mem_file(len), trampolines, n;

	if (fd < 0)
		return fd;
	own = mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		return -ENOMEM;
	trampolines = create_mem_file(ONE_TRAMPOLINES + ONE_TRAMPOLINES_SIZE - ONE_SLOTS);
	if (trampolines < 0)
		return trampolines;
	n = os_map_memory((void *)ONE_SLOTS, trampolines, 0,
			  ONE_TRAMPOLINES + ONE_TRAMPOLINES_SIZE - ONE_SLOTS, 1, 1, 1);
	close(trampolines);
	if (n < 0)
		return n;
	own->me = &carriers[0];
	carriers[0].pid = os_getpid();
	carriers[0].timer = -1;
	asm volatile("xgetbv" : "=a" (one_fp_mask), "=d" (at) : "c" (0));
	one_fp_mask = (one_fp_mask | at << 32) & ~(3ul << 17); /* no AMX */
	one_kernel_fs = fs_base();

	/* Nothing of the kernel's may change from here on until it is mapped. */
	for (at = data; at < heap; at += n > 0 ? n : UM_KERN_PAGE_SIZE) {
		n = os_pwrite_file(fd, (void *)at, heap - at, at - start);
		if (n < 0 && n != -EFAULT) /* that is a gap between segments */
			return n;
	}
	return os_map_memory((void *)data, fd, data - start, reserved - data, 1, 1, 1) ?: fd;
}

static void __init find_symbols(unsigned long base, const Elf64_Dyn *dyn)
{
	const Elf64_Sym *sym = NULL, *end;
	const char *names = NULL;

	for (; dyn->d_tag != DT_NULL; dyn++) {
		if (dyn->d_tag == DT_SYMTAB)
			sym = (const void *)(base + dyn->d_un.d_ptr);
		else if (dyn->d_tag == DT_STRTAB)
			names = (const void *)(base + dyn->d_un.d_ptr);
	}
	/* Linux's vDSO has its names behind its symbols. */
	for (end = (const void *)names; sym && sym + 1 <= end; sym++)
		if (!strcmp(names + sym->st_name, "__vdso_clock_gettime"))
			host_clock = (void *)(base + sym->st_value);
}

static void __init find_vdso(void)
{
	unsigned long base = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Phdr *ph;
	int i;

	if (!base)
		return;
	ph = (const void *)(base + eh->e_phoff);
	for (i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD) {
			vdso_start = base;
			vdso_end = base + ph[i].p_memsz;
		} else if (ph[i].p_type == PT_DYNAMIC) {
			find_symbols(base, (const void *)(base + ph[i].p_vaddr));
		}
	}
}

void *one_space_host_clock(void)
{
	return host_clock;
}

/* Calls from the kernel are the outer filter's affair, all others are user code's. */
static void __init trap_user_calls(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, image_start >> 32, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned int)image_start, 0, 6),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned int)image_end, 5, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, vdso_start >> 32, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned int)vdso_start, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (unsigned int)vdso_end, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog prog = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		panic("one_space: no filter for system calls, errno = %d", errno);
}

void __init one_space_begin(void)
{
	image_start = (unsigned long)__binary_start;
	image_end = (unsigned long)_end;
	find_vdso();
	set_sigstack(own->signal_stack, sizeof(own->signal_stack));
	set_handler(SIGSYS);
	set_handler(SIGCHLD);
	trap_user_calls();
}
