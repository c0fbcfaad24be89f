// SPDX-License-Identifier: GPL-2.0-or-later
/* Attempts to reach other processes: the host's, and those of another jail. */
#include "attack.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/securebits.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIDS_TRIED 40000

static int trace(pid_t pid)
{
	/* Seizing does not stop it, and ends with this process. */
	return outcome(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
}

static int trace_host(const struct bait *b)
{
	return trace(b->pid);
}

static int trace_other_jail(const struct bait *b)
{
	return trace(b->victim);
}

static int copy_memory(int call, pid_t pid, uint64_t address)
{
	char mine[16] = "written";
	struct iovec local = { mine, sizeof(mine) };
	struct iovec remote = { (void *)(uintptr_t)address, sizeof(mine) };

	return outcome(syscall(call, pid, &local, 1, &remote, 1, 0));
}

static int read_host_memory(const struct bait *b)
{
	return copy_memory(SYS_process_vm_readv, b->pid, b->secret);
}

static int read_other_jails_memory(const struct bait *b)
{
	return copy_memory(SYS_process_vm_readv, b->victim, b->secret);
}

/* The 16 bytes after the secret are there to be written. */
static int write_host_memory(const struct bait *b)
{
	return copy_memory(SYS_process_vm_writev, b->pid, b->secret + 16);
}

static int read_any_memory(const struct bait *b)
{
	pid_t pid, self = getpid();
	int rc = -ESRCH;

	for (pid = 1; pid < PIDS_TRIED; pid++)
		if (pid != self) {
			rc = copy_memory(SYS_process_vm_readv, pid, b->secret);
			if (rc == 0)
				return 0;
		}
	return rc;
}

static int open_host_memory(const struct bait *b)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", b->pid);
	return outcome(open(path, O_RDWR));
}

static int kill_host_nothing(const struct bait *b)
{
	return outcome(kill(b->pid, 0));
}

static int kill_host(const struct bait *b)
{
	return outcome(kill(b->pid, SIGALRM));
}

static int kill_other_jail(const struct bait *b)
{
	return outcome(kill(b->victim, SIGCONT));
}

static int kill_host_thread(const struct bait *b)
{
	return outcome(syscall(SYS_tgkill, b->pid, b->pid, SIGALRM));
}

static int kill_host_thread_old(const struct bait *b)
{
	return outcome(syscall(SYS_tkill, b->pid, SIGALRM));
}

static int queue_signal(const struct bait *b)
{
	siginfo_t info = { .si_signo = SIGALRM, .si_code = SI_QUEUE };

	return outcome(syscall(SYS_rt_tgsigqueueinfo, b->pid, b->pid, SIGALRM, &info));
}

static int queue_signal_to_other_jail(const struct bait *b)
{
	siginfo_t info = { .si_signo = SIGCONT, .si_code = SI_QUEUE };

	return outcome(syscall(SYS_rt_tgsigqueueinfo, b->victim, b->victim, SIGCONT, &info));
}

static int kill_everybody(const struct bait *b)
{
	return outcome(kill(-1, SIGCONT));
}

static int kill_group_of_host(const struct bait *b)
{
	return outcome(kill(-b->pid, SIGALRM));
}

static int signal_by_input(const struct bait *b)
{
	return outcome(fcntl(SOCKET_FD, F_SETOWN, b->pid));
}

static int open_process(const struct bait *b)
{
	return outcome(syscall(SYS_pidfd_open, b->pid, 0));
}

static int compare_processes(const struct bait *b)
{
	return outcome(syscall(SYS_kcmp, b->pid, b->pid, KCMP_VM, 0, 0));
}

static int priority_of_host(const struct bait *b)
{
	errno = 0;
	getpriority(PRIO_PROCESS, (id_t)b->pid);
	return -errno;
}

static int limits_of_host(const struct bait *b)
{
	struct rlimit limit;

	return outcome(prlimit(b->pid, RLIMIT_NOFILE, NULL, &limit));
}

static int affinity_of_host(const struct bait *b)
{
	cpu_set_t set;

	if (sched_getaffinity(b->pid, sizeof(set), &set) < 0)
		return -errno;
	return outcome(sched_setaffinity(b->pid, sizeof(set), &set));
}

static int own_affinity(const struct bait *b)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	return outcome(sched_setaffinity(0, sizeof(set), &set));
}

static int real_time(const struct bait *b)
{
	struct sched_param param = { .sched_priority = 1 };

	return outcome(sched_setscheduler(0, SCHED_FIFO, &param));
}

static int higher_priority(const struct bait *b)
{
	return outcome(setpriority(PRIO_PROCESS, 0, -10));
}

static int raise_limit(const struct bait *b)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	return outcome(prlimit(0, RLIMIT_CORE, &none, NULL));
}

static int another_user(const struct bait *b)
{
	return outcome(syscall(SYS_setresuid, 1, 1, 1));
}

static int another_group(const struct bait *b)
{
	return outcome(syscall(SYS_setresgid, 1, 1, 1));
}

static int more_groups(const struct bait *b)
{
	gid_t group = 1;

	return outcome(syscall(SYS_setgroups, 1, &group));
}

static int all_capabilities(const struct bait *b)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1u << CAP_CHOWN,
						    .permitted = 1u << CAP_CHOWN } };

	return outcome(syscall(SYS_capset, &header, caps));
}

static int no_securebits(const struct bait *b)
{
	return outcome(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}

/* Locked ones keep user 0 from meaning anything at an exec. */
static int find_securebits_open(const struct bait *b)
{
	int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

	if (bits < 0)
		return -errno;
	return bits & SECBIT_NOROOT_LOCKED && bits & SECBIT_NOROOT &&
			       bits & SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED &&
			       bits & SECBIT_NO_SETUID_FIXUP_LOCKED ?
		       -EPERM :
		       0;
}

static int ambient_capability(const struct bait *b)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &header, caps) < 0)
		return -errno;
	caps[0].inheritable |= 1u << CAP_CHOWN;
	if (syscall(SYS_capset, &header, caps) < 0)
		return -errno;
	return outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
}

static int become_dumpable(const struct bait *b)
{
	return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int attach_memory(const struct bait *b)
{
	void *at = shmat(b->shm, NULL, 0);

	return at == (void *)-1 ? -errno : 0;
}

static int find_memory(const struct bait *b)
{
	struct shmid_ds ds;

	return outcome(shmctl(b->shm, IPC_STAT, &ds));
}

static int send_message(const struct bait *b)
{
	struct {
		long type;
		char text[1];
	} message = { 1, "" };

	return outcome(msgsnd(b->msg, &message, 1, IPC_NOWAIT));
}

static int use_semaphore(const struct bait *b)
{
	return outcome(semctl(b->sem, 0, GETVAL));
}

static int open_queue(const struct bait *b)
{
	return outcome(mq_open(b->queue, O_RDONLY));
}

const struct attack attacks_on_processes[] = {
	{ "trace a process of the host", trace_host, EVERYWHERE, WORKS, UNKNOWN },
	{ "trace a process of another jail", trace_other_jail, EVERYWHERE, WORKS, UNKNOWN },
	{ "read memory of the host", read_host_memory, EVERYWHERE, WORKS, UNKNOWN },
	{ "read memory of another jail", read_other_jails_memory, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "write memory of the host", write_host_memory, EVERYWHERE, WORKS, UNKNOWN },
	{ "read memory of any process", read_any_memory, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "open memory of the host", open_host_memory, EVERYWHERE, WORKS, WORKS },
	{ "find a process of the host", kill_host_nothing, DENIED, WORKS, WORKS },
	{ "signal a process of the host", kill_host, DENIED, WORKS, WORKS },
	{ "signal a process of another jail", kill_other_jail, DENIED, WORKS, WORKS },
	{ "signal a thread of the host", kill_host_thread, DENIED, WORKS, WORKS },
	{ "signal a thread by the old call", kill_host_thread_old, DENIED, WORKS, WORKS },
	{ "queue a signal to the host", queue_signal, DENIED, WORKS, WORKS },
	{ "queue a signal to another jail", queue_signal_to_other_jail, DENIED, WORKS, WORKS },
	/* Outside, it would wake whatever anybody has stopped. */
	{ "signal everybody", kill_everybody, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "signal a process group of the host", kill_group_of_host, EVERYWHERE, WORKS, WORKS },
	{ "have input signalled to the host", signal_by_input, EVERYWHERE, WORKS, WORKS },
	{ "open a process of the host", open_process, EVERYWHERE, WORKS, WORKS },
	{ "compare processes of the host", compare_processes, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "see the priority of a process of the host", priority_of_host, EVERYWHERE, WORKS, WORKS },
	{ "see the limits of a process of the host", limits_of_host, EVERYWHERE, WORKS, WORKS },
	{ "place a process of the host", affinity_of_host, EVERYWHERE, WORKS, WORKS },
	/* A um kernel of several CPUs does: each stub runs where its kernel thread does. */
	{ "place itself", own_affinity, MONITOR, WORKS, WORKS },
	{ "run in real time", real_time, EVERYWHERE, WORKS, UNKNOWN },
	{ "raise its priority", higher_priority, EVERYWHERE, WORKS, UNKNOWN },
	{ "raise a limit", raise_limit, EVERYWHERE, WORKS, UNKNOWN },
	{ "become another user", another_user, EVERYWHERE, WORKS, UNKNOWN },
	{ "become another group", another_group, EVERYWHERE, WORKS, UNKNOWN },
	{ "join a group", more_groups, EVERYWHERE, WORKS, UNKNOWN },
	{ "take a capability", all_capabilities, EVERYWHERE, WORKS, UNKNOWN },
	{ "clear the securebits", no_securebits, EVERYWHERE, WORKS, UNKNOWN },
	{ "find the securebits open", find_securebits_open, EVERYWHERE, WORKS, WORKS },
	{ "raise an ambient capability", ambient_capability, EVERYWHERE, WORKS, UNKNOWN },
	{ "open its memory to others", become_dumpable, FILTERS, WORKS, WORKS },
	{ "attach shared memory of the host", attach_memory, EVERYWHERE, WORKS, WORKS },
	{ "look at shared memory of the host", find_memory, EVERYWHERE, WORKS, WORKS },
	{ "send a message to the host", send_message, EVERYWHERE, WORKS, WORKS },
	{ "use a semaphore of the host", use_semaphore, EVERYWHERE, WORKS, WORKS },
	{ "open a message queue of the host", open_queue, EVERYWHERE, WORKS, WORKS },
	{ 0 },
};
