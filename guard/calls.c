// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system calls of each profile.
 *
 * Theory of operation
 * -------------------
 * A row says: this call, under these conditions, because of this reason. Rows are data, so that
 * the filter (filter.c) and the words that `hillock inspect` prints are made from the same source
 * and cannot differ. What no row allows is answered with GUARD_REFUSAL.
 *
 * The um rows were measured: a kernel traced with `strace -f` from start to power off, with one
 * CPU and with two, with processes, disks and volumes in use, and its source read for the paths
 * that such a run does not take (panic, out of memory). tests/behaviour/jail/ holds a run of
 * today's kernel against this list. The stubs, in which the guest's programs run, inherit the
 * filter and put a narrower one on top.
 *
 * Rows with an error are calls that a C library tries first and replaces when they do not exist:
 * ENOSYS makes it do so, where EPERM would be taken for the answer.
 */
#include "guard/calls.h"

#include <asm/prctl.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "guard/sys.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define CALL(call) .nr = SYS_##call, .name = #call
#define V(constant)		    { #constant, (uint64_t)(constant) }
#define VALUES(name, ...) static const struct guard_value name[] = { __VA_ARGS__, { NULL, 0 } }

/* A condition on an argument that the kernel takes as an int, or as 64 bits. */
#define INT_IS(n, name, list)	{ .what = name, .arg = n, .test = GUARD_ONE_OF, .values = list }
#define INT_ONLY(n, name, list) { .what = name, .arg = n, .test = GUARD_ONLY, .values = list }
#define LONG_IS(n, name, list)                                                                     \
	{ .what = name, .arg = n, .wide = 1, .test = GUARD_ONE_OF, .values = list }
#define LONG_ONLY(n, name, list)                                                                   \
	{ .what = name, .arg = n, .wide = 1, .test = GUARD_ONLY, .values = list }

VALUES(null, { "NULL", 0 });
VALUES(unix_family, V(AF_UNIX));
VALUES(stream_type, V(SOCK_STREAM), V(SOCK_CLOEXEC), V(SOCK_NONBLOCK));

/* --- um: the kernel and its stubs ----------------------------------------------------------- */

/* musl's threads also pass CLONE_DETACHED, which the kernel ignores. */
#define THREAD_FLAGS                                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

VALUES(um_clone_flags,
       { "a carrier of an address space (CLONE_FILES|CLONE_PARENT_SETTID|SIGCHLD)",
	 CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD },
       { "that of a stub (CLONE_VM|CLONE_VFORK|SIGCHLD)",
			 CLONE_VM | CLONE_VFORK | SIGCHLD },
       { "the same without SIGCHLD", CLONE_VM | CLONE_VFORK }, { "a thread", THREAD_FLAGS },
       { "a thread in musl's way", THREAD_FLAGS | CLONE_DETACHED });
VALUES(um_prctl, V(PR_SET_NAME), V(PR_SET_PDEATHSIG), V(PR_SET_NO_NEW_PRIVS));
VALUES(um_seccomp, V(SECCOMP_SET_MODE_FILTER));
VALUES(um_fcntl, V(F_SETFD), V(F_GETFL), V(F_SETFL), V(F_SETOWN), V(F_SETSIG), V(F_DUPFD_CLOEXEC),
       V(F_GETLK), V(F_SETLK), V(F_ADD_SEALS));
VALUES(um_ioctl, V(TCGETS));
VALUES(um_fstatat, V(AT_EMPTY_PATH));
VALUES(um_memfd, V(MFD_CLOEXEC), V(MFD_ALLOW_SEALING), V(MFD_EXEC), V(MFD_NOEXEC_SEAL));
VALUES(um_mmap, V(MAP_SHARED), V(MAP_PRIVATE), V(MAP_FIXED), V(MAP_ANONYMOUS), V(MAP_NORESERVE),
       V(MAP_STACK), V(MAP_POPULATE));
VALUES(um_madvise, V(MADV_DONTNEED), V(MADV_REMOVE));
VALUES(um_fallocate, V(FALLOC_FL_PUNCH_HOLE), V(FALLOC_FL_KEEP_SIZE), V(FALLOC_FL_ZERO_RANGE));
VALUES(um_arch_prctl, V(ARCH_SET_FS), V(ARCH_SET_GS));
/* Not SIGABRT: a panicking kernel sends itself that until it dies or is refused, and the first
 * process of a pid namespace does not die of it. Refused, it exits with 127. */
VALUES(um_signals, V(SIGKILL), V(SIGTERM), V(SIGSTOP), V(SIGCONT), V(SIGALRM), V(SIGIO));

static const struct guard_rule um_rules[] = {
	/* what it was handed */
	{ CALL(read), .reason = "console, wire, signals" },
	{ CALL(write), .reason = "kernel log, wire" },
	{ CALL(writev), .reason = "as write, in other C libraries" },
	{ CALL(pread64), .reason = "disks, initramfs" },
	{ CALL(pwrite64), .reason = "disks" },
	{ CALL(lseek), .reason = "disks; size of its memory file" },
	{ CALL(fallocate), .conds = { INT_ONLY(1, "mode", um_fallocate) },
	  .reason = "disks: discard and write zeroes" },
	{ CALL(fsync), .reason = "disks: flush" },
	{ CALL(fdatasync), .reason = "disks: flush" },
	{ CALL(fstat), .reason = "as newfstatat, in other C libraries" },
	{ CALL(newfstatat), .conds = { INT_IS(3, "flags", um_fstatat) },
	  .reason = "size and kind of a descriptor" },
	{ CALL(close), .reason = "descriptors that it is done with" },
	{ CALL(close_range), .reason = "stubs: keep the memory file and the socket only" },
	{ CALL(dup2), .reason = "stubs: socket to descriptor 0" },
	{ CALL(fcntl), .conds = { INT_IS(1, "command", um_fcntl) },
	  .reason = "copies of what it was handed, signals on input, locks on disks, seals" },
	{ CALL(ioctl), .conds = { INT_IS(1, "request", um_ioctl) },
	  .reason = "libc: is its log a terminal" },

	/* waiting */
	{ CALL(poll), .reason = "sleep when idle" },
	{ CALL(epoll_create), .reason = "interrupts from descriptors" },
	{ CALL(epoll_create1), .reason = "as epoll_create, in other C libraries" },
	{ CALL(epoll_ctl), .reason = "interrupts from descriptors" },
	{ CALL(epoll_wait), .reason = "interrupts from descriptors" },
	{ CALL(epoll_pwait), .reason = "as epoll_wait, in other C libraries" },
	{ CALL(signalfd4), .reason = "sleep when idle" },
	{ CALL(rt_sigsuspend), .reason = "sleep when idle, in one address space" },
	{ CALL(futex), .reason = "hand-over between kernel and stubs; threads" },
	{ CALL(restart_syscall), .reason = "waits that a stop interrupted" },
	{ CALL(sched_getaffinity), .reason = "several CPUs: which of the host's it may use" },
	{ CALL(sched_setaffinity), .reason = "several CPUs: a stub runs where its kernel thread does" },

	/* memory */
	{ CALL(memfd_create), .conds = { INT_ONLY(1, "flags", um_memfd) },
	  .reason = "its memory; the stub's program" },
	{ CALL(mmap), .conds = { LONG_ONLY(3, "flags", um_mmap) },
	  .reason = "its memory, and in stubs that of the guest's programs; no huge pages of the "
		    "host's pool, nothing locked" },
	{ CALL(munmap), .reason = "as mmap" },
	{ CALL(mprotect), .reason = "as mmap" },
	{ CALL(madvise), .conds = { INT_IS(2, "advice", um_madvise) },
	  .reason = "gives memory back" },
	{ CALL(brk), .reason = "libc's allocator" },

	/* stubs and threads */
	{ CALL(clone), .conds = { LONG_IS(0, "flags", um_clone_flags) },
	  .reason = "a stub for each address space, a thread for each CPU; no namespace" },
	{ CALL(clone3), .error = ENOSYS, .reason = "its flags cannot be looked at; libc uses clone" },
	{ CALL(execveat), .conds = { INT_IS(4, "flags", um_fstatat) },
	  .reason = "its own start; the stub's program, from memory" },
	{ CALL(socketpair),
	  .conds = { INT_IS(0, "family", unix_family), INT_ONLY(1, "type", stream_type) },
	  .reason = "one to each stub, to pass it the memory file" },
	{ CALL(sendmsg), .reason = "passes the memory file to a stub" },
	{ CALL(recvmsg), .reason = "stubs: receive the memory file" },
	{ CALL(wait4), .reason = "stubs that ended" },
	{ CALL(exit), .reason = "threads and stubs" },
	{ CALL(exit_group), .reason = "power off; stubs" },
	{ CALL(seccomp), .conds = { INT_IS(0, "operation", um_seccomp) },
	  .reason = "stubs put a narrower filter on top of this one" },
	{ CALL(prctl), .conds = { INT_IS(0, "option", um_prctl) },
	  .reason = "stubs: name, die with the kernel" },
	{ CALL(arch_prctl), .conds = { INT_IS(0, "code", um_arch_prctl) },
	  .reason = "thread pointers of the guest's programs" },
	{ CALL(set_tid_address), .reason = "libc's start" },
	{ CALL(set_robust_list), .reason = "libc's start" },
	{ CALL(rseq), .reason = "libc's start" },
	{ CALL(prlimit64), .conds = { LONG_IS(2, "new limit", null) },
	  .reason = "reads its stack limit" },

	/* signals are its interrupts */
	{ CALL(kill), .conds = { INT_IS(1, "signal", um_signals) },
	  .reason = "ends and interrupts stubs; its pid namespace holds nobody else" },
	{ CALL(tgkill), .reason = "ends its own threads" },
	{ CALL(tkill), .reason = "as tgkill, in other C libraries" },
	{ CALL(rt_tgsigqueueinfo), .reason = "interrupts between CPUs" },
	{ CALL(rt_sigaction), .reason = "interrupt handlers" },
	{ CALL(rt_sigprocmask), .reason = "switches interrupts off and on" },
	{ CALL(rt_sigreturn), .reason = "end of an interrupt" },
	{ CALL(sigaltstack), .reason = "interrupt stacks" },
	{ CALL(timer_create), .reason = "clock interrupts" },
	{ CALL(timer_settime), .reason = "clock interrupts" },

	/* small things */
	{ CALL(clock_gettime), .reason = "time, on hosts whose vDSO cannot tell it" },
	{ CALL(getpid), .reason = "signals to itself" },
	{ CALL(gettid), .reason = "timers of its threads" },
	{ CALL(getuid), .reason = "interrupts between CPUs (pthread_sigqueue)" },
	{ CALL(getrandom), .reason = "the guest's first random numbers; libc" },
	{ CALL(uname), .reason = "kind of machine" },
};

/* Its pid namespace holds nobody else, and what is outside has other owners. */
static const struct guard_rule um_ptrace_rules[] = {
	{ CALL(ptrace), .reason = "runs its stubs" },
	{ CALL(getppid), .reason = "tries whether it can" },
	{ CALL(fork), .reason = "tries whether it can" },
};

VALUES(carrier_flags,
       { "a carrier of an address space (CLONE_FILES|CLONE_PARENT_SETTID|SIGCHLD)",
	 CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD });
VALUES(running_prctl, V(PR_SET_PDEATHSIG));

/*
 * The um kernel in one address space with user code, from the first instruction of that on. Who
 * has taken over such a kernel has these calls, and no others.
 */
static const struct guard_rule um_running_rules[] = {
	{ CALL(read), .reason = "console, wire, signals" },
	{ CALL(write), .reason = "kernel log, wire" },
	{ CALL(writev), .reason = "kernel log" },
	{ CALL(pread64), .reason = "disks" },
	{ CALL(pwrite64), .reason = "disks" },
	{ CALL(lseek), .reason = "size of a disk" },
	{ CALL(fallocate), .conds = { INT_ONLY(1, "mode", um_fallocate) },
	  .reason = "disks: discard and write zeroes" },
	{ CALL(fsync), .reason = "disks: flush" },
	{ CALL(fdatasync), .reason = "disks: flush" },
	{ CALL(newfstatat), .conds = { INT_IS(3, "flags", um_fstatat) },
	  .reason = "kind of a descriptor" },
	{ CALL(close), .reason = "disks and consoles that nobody uses any more" },
	{ CALL(fcntl), .conds = { INT_IS(1, "command", um_fcntl) },
	  .reason = "disks and consoles that are opened: copies, signals on input" },
	{ CALL(rt_sigsuspend), .reason = "sleep when idle" },
	{ CALL(epoll_ctl), .reason = "interrupts from descriptors" },
	{ CALL(epoll_pwait), .reason = "interrupts from descriptors" },
	{ CALL(poll), .reason = "disks: waits for work" },
	{ CALL(futex), .reason = "hops from one carrier to another; threads" },
	{ CALL(restart_syscall), .reason = "waits that a stop interrupted" },
	{ CALL(mmap), .conds = { LONG_ONLY(3, "flags", um_mmap) },
	  .reason = "memory of the guest's programs" },
	{ CALL(munmap), .reason = "as mmap" },
	{ CALL(madvise), .conds = { INT_IS(2, "advice", um_madvise) },
	  .reason = "gives memory back" },
	{ CALL(clone), .conds = { LONG_IS(0, "flags", carrier_flags) },
	  .reason = "a process for an address space; no namespace" },
	{ CALL(prctl), .conds = { INT_IS(0, "option", running_prctl) },
	  .reason = "carriers die with the kernel" },
	{ CALL(wait4), .reason = "carriers that the host ended" },
	{ CALL(exit), .reason = "threads" },
	{ CALL(exit_group), .reason = "power off" },
	{ CALL(kill), .conds = { INT_IS(1, "signal", um_signals) },
	  .reason = "interrupts for the carrier that runs; its pid namespace holds nobody else" },
	{ CALL(tkill), .reason = "ends its own threads" },
	{ CALL(rt_sigaction), .reason = "power off" },
	{ CALL(rt_sigprocmask), .reason = "sleep when idle" },
	{ CALL(rt_sigreturn), .reason = "end of an interrupt" },
	{ CALL(timer_create), .reason = "a clock for each carrier" },
	{ CALL(timer_settime), .reason = "clock interrupts" },
	{ CALL(clock_gettime), .reason = "time, on hosts whose vDSO cannot tell it" },
	{ CALL(getpid), .reason = "signals to itself" },
};

/* hostfs. Paths are looked up in the jail's root, where nothing but the volumes is. */
static const struct guard_rule volume_rules[] = {
	{ CALL(openat), .reason = "opens files and directories" },
	{ CALL(open), .reason = "as openat, in other C libraries" },
	{ CALL(access), .reason = "permissions" },
	{ CALL(statx), .reason = "what a file is" },
	{ CALL(statfs), .reason = "room in a volume" },
	{ CALL(getdents64), .reason = "reads directories" },
	{ CALL(readlink), .reason = "reads links" },
	{ CALL(mkdir), .reason = "makes directories" },
	{ CALL(rmdir), .reason = "removes directories" },
	{ CALL(unlink), .reason = "removes files" },
	{ CALL(rename), .reason = "moves files" },
	{ CALL(renameat2), .reason = "moves files, if nothing is there; swaps them" },
	{ CALL(link), .reason = "makes links" },
	{ CALL(symlink), .reason = "makes links" },
	{ CALL(mknodat), .reason = "makes pipes and sockets; a device needs a capability" },
	{ CALL(mknod), .reason = "as mknodat, in other C libraries" },
	{ CALL(chmod), .reason = "changes permissions" },
	{ CALL(fchmod), .reason = "changes permissions" },
	{ CALL(chown), .reason = "changes owners, within its one id" },
	{ CALL(fchown), .reason = "changes owners, within its one id" },
	{ CALL(truncate), .reason = "changes sizes" },
	{ CALL(ftruncate), .reason = "changes sizes" },
	{ CALL(utimensat), .reason = "changes times" },
};

/* --- the monitor ---------------------------------------------------------------------------- */

VALUES(data_only, V(PROT_READ), V(PROT_WRITE));
VALUES(monitor_mmap, V(MAP_PRIVATE), V(MAP_ANONYMOUS), V(MAP_NORESERVE), V(MAP_STACK));
VALUES(monitor_fcntl, V(F_SETFD), V(F_GETFL), V(F_SETFL));
VALUES(monitor_ioctl, V(TCGETS));
VALUES(monitor_madvise, V(MADV_DONTNEED));
VALUES(monitor_accept, V(SOCK_CLOEXEC), V(SOCK_NONBLOCK));

/* It opens nothing, starts nothing and signals nobody: what it uses it held before. */
static const struct guard_rule monitor_rules[] = {
	{ CALL(read), .reason = "wire, kernel log, clients" },
	{ CALL(write), .reason = "wire, log files, clients" },
	{ CALL(readv), .reason = "as read" },
	{ CALL(writev), .reason = "as write" },
	{ CALL(pread64), .reason = "log files" },
	{ CALL(pwrite64), .reason = "log files" },
	{ CALL(lseek), .reason = "log files" },
	{ CALL(ftruncate), .reason = "a log that has grown too long" },
	{ CALL(fstat), .reason = "size of a log" },
	{ CALL(newfstatat), .conds = { INT_IS(3, "flags", um_fstatat) }, .reason = "size of a log" },
	{ CALL(sendto), .conds = { LONG_IS(4, "address", null) }, .reason = "wire, keeper, clients" },
	{ CALL(recvfrom), .conds = { LONG_IS(4, "address", null) },
	  .reason = "wire, keeper, clients" },
	{ CALL(sendmsg), .reason = "clients" },
	{ CALL(recvmsg), .reason = "clients" },
	{ CALL(accept4), .conds = { INT_ONLY(3, "flags", monitor_accept) },
	  .reason = "clients of the control socket" },
	{ CALL(shutdown), .reason = "end of a session" },
	{ CALL(close), .reason = "descriptors that it is done with" },
	{ CALL(fcntl), .conds = { INT_IS(1, "command", monitor_fcntl) },
	  .reason = "non-blocking descriptors" },
	{ CALL(ioctl), .conds = { INT_IS(1, "request", monitor_ioctl) },
	  .reason = "libc: is it a terminal" },
	{ CALL(poll), .reason = "waits for room to write" },
	{ CALL(epoll_create1), .reason = "event loop" },
	{ CALL(epoll_ctl), .reason = "event loop" },
	{ CALL(epoll_wait), .reason = "event loop" },
	{ CALL(epoll_pwait), .reason = "as epoll_wait, in other C libraries" },
	{ CALL(mmap),
	  .conds = { LONG_ONLY(2, "protection", data_only), LONG_ONLY(3, "flags", monitor_mmap) },
	  .reason = "memory, never executable" },
	{ CALL(mprotect), .conds = { LONG_ONLY(2, "protection", data_only) },
	  .reason = "memory, never executable" },
	{ CALL(munmap), .reason = "memory" },
	{ CALL(mremap), .reason = "memory" },
	{ CALL(madvise), .conds = { INT_IS(2, "advice", monitor_madvise) }, .reason = "memory" },
	{ CALL(brk), .reason = "memory" },
	{ CALL(futex), .reason = "libc's locks" },
	{ CALL(clock_gettime), .reason = "time, on hosts whose vDSO cannot tell it" },
	{ CALL(getrandom), .reason = "libc's allocator" },
	{ CALL(getpid), .reason = "libc" },
	{ CALL(rt_sigaction), .reason = "libc's abort" },
	{ CALL(rt_sigprocmask), .reason = "libc's abort" },
	{ CALL(rt_sigreturn), .reason = "end of a signal" },
	{ CALL(restart_syscall), .reason = "waits that a stop interrupted" },
	{ CALL(exit), .reason = "end" },
	{ CALL(exit_group), .reason = "end" },
};

/* --- profiles to lists -------------------------------------------------------------------- */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct profile {
	const char *name;
	struct {
		const struct guard_rule *rules;
		size_t count;
	} lists[3];
} profiles[GUARD_PROFILES] = {
	[GUARD_UM] = { "um", { { um_rules, COUNT(um_rules) } } },
	[GUARD_UM_VOLUMES] = { "um-volumes",
			       { { um_rules, COUNT(um_rules) },
				 { volume_rules, COUNT(volume_rules) } } },
	[GUARD_UM_RUNNING] = { "um-running", { { um_running_rules, COUNT(um_running_rules) } } },
	[GUARD_UM_VOLUMES_RUNNING] = { "um-volumes-running",
				       { { um_running_rules, COUNT(um_running_rules) },
					 { volume_rules, COUNT(volume_rules) } } },
	[GUARD_UM_PTRACE] = { "um-ptrace",
			      { { um_rules, COUNT(um_rules) },
				{ um_ptrace_rules, COUNT(um_ptrace_rules) } } },
	[GUARD_UM_VOLUMES_PTRACE] = { "um-volumes-ptrace",
				      { { um_rules, COUNT(um_rules) },
					{ um_ptrace_rules, COUNT(um_ptrace_rules) },
					{ volume_rules, COUNT(volume_rules) } } },
	[GUARD_MONITOR] = { "monitor", { { monitor_rules, COUNT(monitor_rules) } } },
};

_Static_assert(COUNT(um_rules) + COUNT(um_ptrace_rules) + COUNT(volume_rules) <= GUARD_RULES_MAX, "too many um rules");
_Static_assert(COUNT(um_running_rules) <= 35, "a promise: see docs/UM.md");
_Static_assert(COUNT(monitor_rules) <= GUARD_RULES_MAX, "too many monitor rules");

static int by_number(const void *a, const void *b)
{
	const struct guard_rule *const *left = a, *const *right = b;

	return (*left)->nr - (*right)->nr;
}

static int by_name(const void *a, const void *b)
{
	const struct guard_call *left = a, *right = b;

	return strcmp(left->name, right->name);
}

size_t guard_rules_get(enum guard_profile profile, const struct guard_rule *out[])
{
	size_t list, i, count = 0;

	for (list = 0; list < COUNT(profiles[0].lists); list++)
		for (i = 0; i < profiles[profile].lists[list].count; i++)
			out[count++] = &profiles[profile].lists[list].rules[i];
	qsort(out, count, sizeof(out[0]), by_number);
	return count;
}

const char *guard_profile_name(enum guard_profile profile)
{
	return (unsigned int)profile < GUARD_PROFILES ? profiles[profile].name : "unknown";
}

/* --- in words --------------------------------------------------------------------------- */

/* Room for the conditions' text of one profile. */
struct words {
	char text[8192];
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *w, const char *fmt, ...)
{
	size_t room = sizeof(w->text) - w->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->text + w->used, room, fmt, ap);
	va_end(ap);
	w->used += n > 0 && (size_t)n < room ? (size_t)n : room - 1;
}

static void say_condition(struct words *w, const struct guard_cond *c)
{
	const struct guard_value *v;

	say(w, c->test == GUARD_ONE_OF ? "%s is " : "%s only of ", c->what);
	for (v = c->values; v->name; v++)
		say(w, "%s%s", v == c->values ? "" : v[1].name ? ", " : " or ", v->name);
}

/* "command is A, B or C; flags only of D or E", NUL-terminated in `w`. */
static const char *say_conditions(struct words *w, const struct guard_rule *rule)
{
	const char *begin = w->text + w->used;
	int i;

	for (i = 0; i < GUARD_CONDS_MAX && rule->conds[i].what; i++) {
		if (i)
			say(w, "; ");
		say_condition(w, &rule->conds[i]);
	}
	if (begin == w->text + w->used)
		return "";
	w->used++;
	return begin;
}

const struct guard_call *guard_profile_calls(enum guard_profile profile, size_t *count)
{
	static struct guard_call calls[GUARD_PROFILES][GUARD_RULES_MAX];
	static size_t counts[GUARD_PROFILES];
	static struct words words[GUARD_PROFILES];
	const struct guard_rule *rules[GUARD_RULES_MAX];
	size_t i, n;

	*count = 0;
	if ((unsigned int)profile >= GUARD_PROFILES)
		return NULL;
	n = counts[profile] ? 0 : guard_rules_get(profile, rules);
	for (i = 0; i < n; i++)
		if (!rules[i]->error)
			calls[profile][counts[profile]++] = (struct guard_call){
				.name = rules[i]->name,
				.condition = say_conditions(&words[profile], rules[i]),
				.reason = rules[i]->reason,
			};
	if (n)
		qsort(calls[profile], counts[profile], sizeof(calls[profile][0]), by_name);
	*count = counts[profile];
	return calls[profile];
}
