// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * um_test KERNEL GUEST: a um kernel does all its work in its jail, as whoever runs this. Output is
 * TAP. GUEST is um_guest, which becomes the kernel's PID 1; what it does there says which of the
 * host's calls the kernel needs, and so whether its filter still allows them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "guard/guard.h"
#include "tap.h"

#define NOBODY	   65534
#define MIB	   (1024ULL * 1024)
#define MEMORY	   (48 * MIB)
#define DISK	   (4 * MIB)
#define PATIENCE   60000 /* ms for a whole run: a panic that loops must not pass */
#define REPORT_MAX 4096
#define HALTED	   0
#define PANICKED   127 /* guard/calls.c says why */

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(2);
}

/* --- what it is handed ------------------------------------------------------------------------ */

/* One entry of an archive in cpio's "newc" format: header, name and content on multiples of 4. */
static void put_entry(int fd, const char *name, unsigned int mode, const char *data, size_t size)
{
	size_t name_size = strlen(name) + 1;
	char header[128] = "";
	const char zeroes[4] = "";

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s", 1, mode, 0, 0, 1,
		 0, size, 0, 0, 0, 0, name_size, 0, name);
	if (fd_write_full(fd, header, strlen(header) + 1) < 0 ||
	    fd_write_full(fd, zeroes, (4 - (strlen(header) + 1) % 4) % 4) < 0 ||
	    fd_write_full(fd, data, size) < 0 || fd_write_full(fd, zeroes, (4 - size % 4) % 4) < 0)
		die("initramfs");
}

static int make_initramfs(const char *guest)
{
	int fd = memfd_create("initramfs", MFD_CLOEXEC);
	char *data;
	size_t size;
	struct err err;

	if (fd < 0 || fd_read_file(AT_FDCWD, guest, 64 * MIB, &data, &size, &err) < 0)
		die(guest);
	put_entry(fd, "dev", S_IFDIR | 0755, "", 0);
	put_entry(fd, "init", S_IFREG | 0755, data, size);
	put_entry(fd, "TRAILER!!!", 0, "", 0);
	free(data);
	return fd;
}

static int make_disk(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, DISK) < 0 || pwrite(fd, name, strlen(name), 0) < 0)
		die("disk");
	return fd;
}

static int make_volume(char *path)
{
	int fd;

	strcpy(path, "/tmp/hillock-um-XXXXXX");
	if (!mkdtemp(path))
		die(path);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -1 : fd;
}

/* --- a run ---------------------------------------------------------------------------------- */

struct machine {
	int kernel, initramfs, root, layer, volume, log;
};

struct outcome {
	char report[REPORT_MAX]; /* what the guest wrote */
	int status;		 /* exit status; 128 + signal; -1: it had to be killed */
};

static void show_log(const struct machine *m)
{
	char line[1024];
	FILE *log = fdopen(dup(m->log), "r");

	if (!log)
		return;
	rewind(log);
	while (fgets(line, sizeof(line), log))
		printf("# %s", line);
	fclose(log);
}

static int start(const struct machine *m, const char *cpus, const char *words, int wire, pid_t *pid,
		 int *pidfd)
{
	char cpu_count[32];
	char *argv[] = { (char *)(uintptr_t)"hillock-um", (char *)(uintptr_t)"mem=48M",
			 (char *)(uintptr_t)"lpj=5000000", (char *)(uintptr_t)"seccomp=on",
			 (char *)(uintptr_t)"quiet", (char *)(uintptr_t)"loglevel=1",
			 (char *)(uintptr_t)"con=null", (char *)(uintptr_t)"con0=null",
			 (char *)(uintptr_t)"initrd=@3", (char *)(uintptr_t)"rdinit=/init",
			 (char *)(uintptr_t)"ubd0rdc=@4", (char *)(uintptr_t)"hillock_port=5",
			 (char *)(uintptr_t)"ubd1d=@6", cpu_count, (char *)(uintptr_t)"--",
			 (char *)(uintptr_t)words, NULL };
	char *const envp[] = { (char *)(uintptr_t)"HOME=/", NULL };
	struct guard_spec spec = {
		.profile = m->volume >= 0 ? GUARD_UM_VOLUMES : GUARD_UM,
		.exec_fd = m->kernel,
		.argv = argv,
		.envp = envp,
		.fds = { -1, m->log, m->log, m->initramfs, m->root, wire, m->layer },
		.fd_count = 7,
		.binds = { { .source_fd = m->volume } },
		.bind_count = m->volume >= 0,
		.host_uid = NOBODY,
		.host_gid = NOBODY,
		.memory_max = MEMORY,
		.cgroup_fd = -1,
	};
	struct err err = ERR_INIT;

	snprintf(cpu_count, sizeof(cpu_count), "ncpus=%s", cpus);
	/* The kernel reads from where its descriptor stands. */
	if (lseek(m->initramfs, 0, SEEK_SET) < 0 || ftruncate(m->log, 0) < 0 ||
	    lseek(m->log, 0, SEEK_SET) < 0)
		die("rewinding");
	if (guard_spawn(&spec, pid, pidfd, &err) == 0)
		return 0;
	printf("# %s (%s)\n", err.text, err.hint);
	return -1;
}

/* Reads what the guest writes until the machine is over. */
static void follow(int wire, pid_t pid, int pidfd, struct outcome *o)
{
	struct pollfd over = { .fd = pidfd, .events = POLLIN };
	int status;
	ssize_t n;
	size_t used = 0;

	if (poll(&over, 1, PATIENCE) == 0) {
		kill(pid, SIGKILL);
		o->status = -1;
	}
	while (used < sizeof(o->report) - 1 &&
	       (n = recv(wire, o->report + used, sizeof(o->report) - 1 - used, MSG_DONTWAIT)) > 0)
		used += (size_t)n;
	o->report[used] = '\0';
	waitpid(pid, &status, 0);
	if (o->status == 0)
		o->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const struct machine *m, const char *cpus, const char *words, struct outcome *o)
{
	int wire[2], pidfd;
	pid_t pid;

	*o = (struct outcome){ .status = 0 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) < 0)
		die("socketpair");
	if (start(m, cpus, words, wire[1], &pid, &pidfd) < 0)
		return -1;
	close(wire[1]);
	follow(wire[0], pid, pidfd, o);
	close(wire[0]);
	close(pidfd);
	return 0;
}

static void works(const struct machine *m, const char *cpus, const char *words)
{
	struct outcome o;
	char *line, *rest;
	char layer[8] = "";
	int fine = 1;

	if (run(m, cpus, words, &o) < 0) {
		tap_ok(0, "%s CPUs, %s: starts", cpus, words);
		return;
	}
	for (line = strtok_r(o.report, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *tab = strchr(line, '\t');
		int error = tab ? atoi(tab + 1) : 0;

		if (!tab)
			break;
		*tab = '\0';
		fine &= tap_ok(error == 0, "%s CPUs, %s: %s%s%s", cpus, words, line,
			       error ? ": " : "", error ? strerror(error) : "");
	}
	fine &= tap_ok(line && !strcmp(line, "end"), "%s CPUs, %s: came to its end", cpus, words);
	fine &= tap_ok(o.status == HALTED, "%s CPUs, %s: switched off (%d)", cpus, words, o.status);
	fine &= tap_ok(pread(m->layer, layer, 5, 4096) == 5 && !strcmp(layer, "layer"),
		       "%s CPUs, %s: the layer disk holds what was written", cpus, words);
	if (!fine)
		show_log(m);
}

int main(int argc, char **argv)
{
	struct machine m = { .volume = -1 };
	struct outcome o;
	char volume[64];

	if (argc != 3)
		return 2;
	m.kernel = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (m.kernel < 0)
		die(argv[1]);
	m.initramfs = make_initramfs(argv[2]);
	m.root = make_disk("root");
	m.layer = make_disk("layer");
	m.log = memfd_create("log", MFD_CLOEXEC);
	works(&m, "1", "plain");
	works(&m, "2", "plain");
	m.volume = make_volume(volume);
	works(&m, "1", "volume");
	tap_ok(rmdir(volume) == 0, "the volume is empty again");
	close(m.volume);
	m.volume = -1;
	if (run(&m, "1", "panic", &o) == 0)
		tap_ok(o.status == PANICKED, "a panic ends the machine (%d)", o.status);
	else
		tap_ok(0, "panic: starts");
	return tap_end();
}
