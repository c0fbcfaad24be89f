// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PID 1 of a um kernel in a jail: makes it use every host call that it has use for. Writes a line
 * "name<tab>errno" for each thing done to /dev/hillock, and powers off. Words after "--" on the
 * kernel's command line: "volume" (mount /v/0 of the jail), "panic" (end by a panic).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024 * 1024)

static int outcome(int failed)
{
	return failed ? errno ? errno : EINVAL : 0;
}

/* --- processes, memory, signals: stubs and their faults --------------------------------------- */

static int exec_many(void)
{
	int i, status;

	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/init", "child", NULL);
			_exit(1);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			return outcome(1);
	}
	return 0;
}

static int use_memory(void)
{
	char *at = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	if (at == MAP_FAILED)
		return errno;
	memset(at, 1, 8 * MIB);
	pid = fork();
	if (pid == 0) {
		memset(at, 2, 4 * MIB);
		_exit(0);
	}
	return outcome(pid < 0 || waitpid(pid, &status, 0) < 0 || status || at[0] != 1 ||
		       madvise(at, 4 * MIB, MADV_DONTNEED) < 0 || at[0] != 0 ||
		       mprotect(at, 4096, PROT_READ) < 0 || munmap(at, 8 * MIB) < 0);
}

static void *count_up(void *counter)
{
	int i;

	for (i = 0; i < 100000; i++)
		__atomic_fetch_add((int *)counter, 1, __ATOMIC_RELAXED);
	return NULL;
}

static int use_threads(void)
{
	pthread_t threads[4];
	int counter = 0, i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, count_up, &counter))
			return EAGAIN;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return outcome(counter != 400000);
}

static volatile sig_atomic_t ticks;

static void tick(int sig)
{
	ticks++;
}

static int use_timers(void)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { { 0 } };

	signal(SIGALRM, tick);
	setitimer(ITIMER_REAL, &often, NULL);
	while (ticks < 5)
		pause();
	return outcome(setitimer(ITIMER_REAL, &never, NULL) < 0);
}

static int busy_child_is_killed(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		for (;;)
			;
	usleep(20000);
	return outcome(kill(pid, SIGKILL) < 0 || waitpid(pid, &status, 0) < 0 ||
		       !WIFSIGNALED(status));
}

static int dies_of(void (*how)(void), int sig)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		how();
		_exit(0);
	}
	return outcome(pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSIGNALED(status) ||
		       WTERMSIG(status) != sig);
}

static void touch_nothing(void)
{
	volatile uintptr_t nothing = 16;

	*(volatile int *)nothing = 1;
}

static void do_nonsense(void)
{
	__asm__ volatile("ud2");
}

static void divide(void)
{
	volatile int zero = 0;

	zero = 1000 / zero;
}

static int fault_on_memory(void)
{
	return dies_of(touch_nothing, SIGSEGV);
}

static int fault_on_nonsense(void)
{
	return dies_of(do_nonsense, SIGILL);
}

static int fault_on_division(void)
{
	return dies_of(divide, SIGFPE);
}

static int step(void)
{
	pid_t pid = fork();
	int status, i;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	for (i = 0; i < 20; i++)
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0 || waitpid(pid, &status, 0) < 0)
			return errno;
	ptrace(PTRACE_CONT, pid, 0, 0);
	return outcome(waitpid(pid, &status, 0) < 0 || status);
}

/* --- disks and volumes ------------------------------------------------------------------------ */

static int read_disk(void)
{
	int fd = open("/dev/ubda", O_RDONLY);
	char text[512];

	return outcome(fd < 0 || read(fd, text, sizeof(text)) != sizeof(text) ||
		       memcmp(text, "root", 4) != 0 || close(fd) < 0);
}

static int write_disk(void)
{
	int fd = open("/dev/ubdb", O_RDWR);
	const uint64_t range[2] = { 64 * 1024, 64 * 1024 }, zeroes[2] = { 256 * 1024, 64 * 1024 };
	char text[4096] = "layer";

	return outcome(fd < 0 || pwrite(fd, text, sizeof(text), 4096) != sizeof(text) ||
		       fsync(fd) < 0 || ioctl(fd, BLKDISCARD, range) < 0 ||
		       ioctl(fd, BLKZEROOUT, zeroes) < 0 || close(fd) < 0);
}

static int use_volume(void)
{
	struct statfs fs;
	struct stat st;
	char text[16];
	int fd;

	if (mount("none", "/volume", "hostfs", 0, "/v/0") < 0 || chdir("/volume") < 0)
		return errno;
	fd = open("file", O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0 || write(fd, "text", 4) != 4 || fsync(fd) < 0 || fchmod(fd, 0640) < 0 ||
	    fchown(fd, 0, 0) < 0 || ftruncate(fd, 2) < 0 || futimens(fd, NULL) < 0 || close(fd) < 0)
		return outcome(1);
	if (mkdir("dir", 0755) < 0 || rename("file", "dir/file") < 0 ||
	    link("dir/file", "hard") < 0 || symlink("hard", "soft") < 0 ||
	    readlink("soft", text, sizeof(text)) != 4 || stat("soft", &st) < 0 || st.st_size != 2 ||
	    chmod("hard", 0600) < 0 || chown("hard", 0, 0) < 0 || truncate("hard", 1) < 0 ||
	    utimensat(AT_FDCWD, "hard", NULL, 0) < 0 || mkfifo("pipe", 0600) < 0 ||
	    access("hard", R_OK) < 0 || statfs(".", &fs) < 0)
		return outcome(1);
	if (renameat2(AT_FDCWD, "soft", AT_FDCWD, "softer", RENAME_NOREPLACE) < 0 ||
	    unlink("softer") < 0 || unlink("hard") < 0 || unlink("pipe") < 0 ||
	    unlink("dir/file") < 0 || rmdir("dir") < 0 || chdir("/") < 0)
		return outcome(1);
	return outcome(umount2("/volume", 0) < 0);
}

/* --- start ---------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} all[] = {
		{ "exec", exec_many },	     { "memory", use_memory },	 { "threads", use_threads },
		{ "timers", use_timers },    { "busy child", busy_child_is_killed },
		{ "memory fault", fault_on_memory }, { "nonsense", fault_on_nonsense },
		{ "division by zero", fault_on_division }, { "single steps", step },
		{ "root disk", read_disk },
		{ "layer disk", write_disk }, { "volume", use_volume },
	};
	int port, volume = 0, panic = 0, i;

	if (getpid() != 1)
		return 0;
	for (i = 1; i < argc; i++) {
		volume |= !strcmp(argv[i], "volume");
		panic |= !strcmp(argv[i], "panic");
	}
	mount("none", "/dev", "devtmpfs", 0, NULL);
	mkdir("/volume", 0755);
	port = open("/dev/hillock", O_RDWR);
	for (i = 0; i < (int)(sizeof(all) / sizeof(all[0])) && !panic; i++) {
		if (all[i].run == use_volume && !volume)
			continue;
		errno = 0;
		dprintf(port, "%s\t%d\n", all[i].name, all[i].run());
	}
	if (panic)
		return 1;
	dprintf(port, "end\n");
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
