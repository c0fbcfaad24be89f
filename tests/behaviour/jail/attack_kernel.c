// SPDX-License-Identifier: GPL-2.0-or-later
/* Attempts at the host kernel itself: mounts, namespaces, modules, clocks, odd call gates. */
#include "attack.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <linux/quota.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/quota.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SYSLOG_SIZE 10

/* --- mounts and namespaces ------------------------------------------------------------------ */

static int mount_something(const struct bait *b)
{
	int rc = outcome(mount("none", b->dir, "tmpfs", 0, NULL));

	if (rc == 0)
		umount2(b->dir, MNT_DETACH);
	return rc;
}

static int mount_proc(const struct bait *b)
{
	int rc = outcome(mount("none", "/", "proc", 0, NULL));

	if (rc == 0)
		umount2("/", MNT_DETACH);
	return rc;
}

static int unmount(const struct bait *b)
{
	return outcome(umount2(b->path, 0));
}

static int change_whole_root(const struct bait *b)
{
	return outcome(syscall(SYS_pivot_root, b->path, b->path));
}

static int open_file_system(const struct bait *b)
{
	return outcome(syscall(SYS_fsopen, "tmpfs", 0));
}

static int copy_mount(const struct bait *b)
{
	return outcome(syscall(SYS_open_tree, DIRECTORY_FD, "", OPEN_TREE_CLONE | AT_EMPTY_PATH));
}

static int change_mount(const struct bait *b)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOATIME };

	return outcome(syscall(SYS_mount_setattr, FILE_FD, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
}

static int make_root_writable(const struct bait *b)
{
	return outcome(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int enter_namespace(const struct bait *b)
{
	return outcome(setns(NAMESPACE_FD, 0));
}

static int new_user_namespace(const struct bait *b)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int new_net_namespace(const struct bait *b)
{
	return outcome(unshare(CLONE_NEWNET));
}

/* A child that is made ends at once: the raw call returns in it as well. */
static int clone_and_reap(int call, long flags, const void *args, size_t size)
{
	long pid = call == SYS_clone3 ? syscall(call, args, size) : syscall(call, flags, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, __WALL);
	return outcome(pid);
}

static int clone_user_namespace(const struct bait *b)
{
	return clone_and_reap(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, 0);
}

static int clone_untraced(const struct bait *b)
{
	return clone_and_reap(SYS_clone, CLONE_UNTRACED | SIGCHLD, NULL, 0);
}

static int clone_beside_parent(const struct bait *b)
{
	return clone_and_reap(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, 0);
}

static int clone_by_structure(const struct bait *b)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };

	return clone_and_reap(SYS_clone3, 0, &args, sizeof(args));
}

static int fork_old_call(const struct bait *b)
{
	return clone_and_reap(SYS_fork, 0, NULL, 0);
}

/* --- privileged calls ------------------------------------------------------------------------ */

static int swap_on(const struct bait *b)
{
	return outcome(swapon("/none", 0));
}

static int swap_off(const struct bait *b)
{
	return outcome(swapoff("/none"));
}

static int restart_host(const struct bait *b)
{
	return outcome(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int account(const struct bait *b)
{
	return outcome(syscall(SYS_acct, "/none/at/all"));
}

static int load_kernel(const struct bait *b)
{
	return outcome(syscall(SYS_kexec_load, 0, 0, NULL, ~0UL));
}

static int load_module(const struct bait *b)
{
	return outcome(syscall(SYS_init_module, NULL, 0, ""));
}

static int load_module_file(const struct bait *b)
{
	return outcome(syscall(SYS_finit_module, FILE_FD, "", 0));
}

static int read_kernel_log(const struct bait *b)
{
	return outcome(klogctl(SYSLOG_SIZE, NULL, 0));
}

static int set_quota(const struct bait *b)
{
	return outcome(quotactl(QCMD(Q_QUOTAON, USRQUOTA), "/none", QFMT_VFS_V1, NULL));
}

static int set_clock(const struct bait *b)
{
	const struct timespec never = { .tv_nsec = -1 };

	return outcome(syscall(SYS_clock_settime, CLOCK_REALTIME, &never));
}

static int adjust_clock(const struct bait *b)
{
	struct timex t = { .modes = 0 };

	return outcome(adjtimex(&t));
}

static int set_host_name(const struct bait *b)
{
	return outcome(syscall(SYS_sethostname, "", -1L));
}

static int open_ports(const struct bait *b)
{
	return outcome(ioperm(0x80, 1, 1));
}

static int open_all_ports(const struct bait *b)
{
	return outcome(iopl(3));
}

static int segments(const struct bait *b)
{
	char table[16];

	return outcome(syscall(SYS_modify_ldt, 0, table, sizeof(table)));
}

static int hang_up(const struct bait *b)
{
	return outcome(vhangup());
}

/* --- large and young interfaces ----------------------------------------------------------------- */

static int load_bpf(const struct bait *b)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

	return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int count_events(const struct bait *b)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.exclude_kernel = 1 };

	return outcome(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int handle_faults(const struct bait *b)
{
	return outcome(syscall(SYS_userfaultfd, 0));
}

static int make_ring(const struct bait *b)
{
	return outcome(syscall(SYS_io_uring_setup, 1, NULL));
}

static int read_key(const struct bait *b)
{
	char text[64];

	return outcome(syscall(SYS_keyctl, KEYCTL_READ, b->key, text, sizeof(text), 0));
}

static int find_key(const struct bait *b)
{
	return outcome(syscall(SYS_request_key, "user", "hillock-bait", NULL, 0));
}

static int add_key(const struct bait *b)
{
	return outcome(syscall(SYS_add_key, "user", "hillock-mine", "x", 1,
			       KEY_SPEC_PROCESS_KEYRING));
}

static int session_keyring(const struct bait *b)
{
	return outcome(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}

static int memory_policy(const struct bait *b)
{
	return outcome(syscall(SYS_set_mempolicy, 0, NULL, 0));
}

static int huge_pages(const struct bait *b)
{
	void *at = mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	return at == MAP_FAILED ? -errno : 0;
}

static int huge_memory_file(const struct bait *b)
{
	return outcome(memfd_create("huge", MFD_HUGETLB));
}

static int lock_memory(const struct bait *b)
{
	static char page[4096];

	return outcome(mlock(page, sizeof(page)));
}

static int executable_memory(const struct bait *b)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -errno : 0;
}

static int make_executable(const struct bait *b)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -errno : outcome(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int see_personality(const struct bait *b)
{
	return outcome(personality(0xffffffff));
}

static int other_ioctl(const struct bait *b)
{
	int n;

	return outcome(ioctl(SOCKET_FD, FIONREAD, &n));
}

static int other_fcntl(const struct bait *b)
{
	return outcome(fcntl(FILE_FD, F_SETLEASE, F_UNLCK)) == -EAGAIN ?
		       0 :
		       outcome(fcntl(1, F_GETPIPE_SZ));
}

static int other_base(const struct bait *b)
{
	unsigned long base;

	return outcome(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
}

/* --- other doors into the kernel ---------------------------------------------------------------- */

static sigjmp_buf door_is_closed;

static void at_closed_door(int sig)
{
	siglongjmp(door_is_closed, 1);
}

/* getpid as a 32-bit program asks for it; a fault where the host has no such gate. */
static int by_interrupt(const struct bait *b)
{
	struct sigaction act = { .sa_handler = at_closed_door, .sa_flags = SA_NODEFER }, before;
	long rc = -ENOSYS;

	sigaction(SIGSEGV, &act, &before);
	if (sigsetjmp(door_is_closed, 1) == 0)
		__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20L) : "r8", "r9", "r10", "r11",
								      "memory");
	sigaction(SIGSEGV, &before, NULL);
	return rc < 0 ? (int)rc : 0;
}

static int by_x32(const struct bait *b)
{
	return outcome(syscall(0x40000000 | SYS_getpid));
}

static int far_beyond(const struct bait *b)
{
	return outcome(syscall(100000));
}

const struct attack attacks_on_the_kernel[] = {
	{ "mount a file system", mount_something, DENIED, WORKS, UNKNOWN },
	{ "mount proc", mount_proc, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "unmount", unmount, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "pivot the root", change_whole_root, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "make a file system by fsopen", open_file_system, EVERYWHERE, WORKS, UNKNOWN },
	{ "copy a mount by open_tree", copy_mount, EVERYWHERE, WORKS, UNKNOWN },
	{ "change a mount", change_mount, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "make its root writable", make_root_writable, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "enter a namespace of the host", enter_namespace, EVERYWHERE, WORKS, UNKNOWN },
	{ "make a user namespace", new_user_namespace, FILTERS, WORKS, WORKS },
	{ "make a net namespace", new_net_namespace, EVERYWHERE, WORKS, UNKNOWN },
	{ "make a user namespace by clone", clone_user_namespace, FILTERS, WORKS, WORKS },
	{ "make a user namespace by clone3", clone_by_structure, FILTERS, WORKS, WORKS },
	{ "make an untraceable process", clone_untraced, FILTERS, WORKS, WORKS },
	{ "make a process beside its parent", clone_beside_parent, FILTERS, WORKS, WORKS },
	{ "fork by the old call", fork_old_call, FILTERS, WORKS, WORKS },
	{ "switch swap on", swap_on, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "switch swap off", swap_off, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "restart the host", restart_host, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "switch accounting on", account, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "load a kernel", load_kernel, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "load a module", load_module, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "load a module from a descriptor", load_module_file, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "read the kernel's log", read_kernel_log, FILTERS, WORKS, UNKNOWN },
	{ "set a quota", set_quota, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "set the clock", set_clock, FILTERS, DIFFERS, DIFFERS },
	{ "look at the clock's discipline", adjust_clock, FILTERS, WORKS, WORKS },
	{ "set the host's name", set_host_name, EVERYWHERE, DIFFERS, UNKNOWN },
	{ "open an I/O port", open_ports, FILTERS, DIFFERS, UNKNOWN },
	{ "open all I/O ports", open_all_ports, FILTERS, DIFFERS, UNKNOWN },
	{ "read its segment table", segments, FILTERS, DIFFERS, DIFFERS },
	{ "hang up the terminal", hang_up, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "make a BPF map", load_bpf, FILTERS, DIFFERS, UNKNOWN },
	{ "count events", count_events, FILTERS, UNKNOWN, UNKNOWN },
	{ "handle faults", handle_faults, FILTERS, UNKNOWN, UNKNOWN },
	{ "make an io_uring", make_ring, EVERYWHERE, UNKNOWN, UNKNOWN },
	{ "read a key of the host", read_key, EVERYWHERE, WORKS, WORKS },
	{ "find a key of the host", find_key, EVERYWHERE, WORKS, WORKS },
	{ "add a key", add_key, FILTERS, WORKS, WORKS },
	{ "find its session keyring", session_keyring, FILTERS, WORKS, WORKS },
	{ "set a memory policy", memory_policy, FILTERS, DIFFERS, DIFFERS },
	{ "take huge pages", huge_pages, FILTERS, DIFFERS, DIFFERS },
	{ "take huge pages by a memory file", huge_memory_file, FILTERS, DIFFERS, DIFFERS },
	{ "lock memory", lock_memory, EVERYWHERE, WORKS, WORKS },
	{ "map executable memory", executable_memory, MONITOR, WORKS, WORKS },
	{ "make memory executable", make_executable, MONITOR, WORKS, WORKS },
	{ "see its personality", see_personality, FILTERS, WORKS, WORKS },
	{ "use another ioctl", other_ioctl, FILTERS, WORKS, WORKS },
	{ "use another fcntl", other_fcntl, FILTERS, WORKS, WORKS },
	{ "use another arch_prctl", other_base, FILTERS, WORKS, WORKS },
	{ "call by interrupt 0x80", by_interrupt, FILTERS, UNKNOWN, UNKNOWN },
	{ "call by an x32 number", by_x32, FILTERS, UNKNOWN, UNKNOWN },
	{ "call a number that is none", far_beyond, FILTERS, DIFFERS, DIFFERS },
	{ 0 },
};
