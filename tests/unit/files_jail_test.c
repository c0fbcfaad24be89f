// SPDX-License-Identifier: GPL-2.0-or-later
/* What a file server that the guest has taken over may still do on the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "files/jail.h"

static char place[64];
static int root_fd, place_fd;

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(place, sizeof(place), "%.40s/files-jail-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(place));
	place_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(place_fd, "root", 0755), 0);
	root_fd = openat(place_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = openat(place_fd, "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(root_fd >= 0 && write(fd, "secret", 6) == 6);
	close(fd);
	fd = openat(root_fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	fd_close(&root_fd);
	fd_close(&place_fd);
	return fd_remove_tree(AT_FDCWD, place, NULL);
}

static int open2(int fd, const char *name, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .mode = flags & O_CREAT ? 0600 : 0 };

	return (int)syscall(SYS_openat2, fd, name, &how, sizeof(how));
}

/* An attack returns 0 (or more) where it succeeds. */
struct attack {
	const char *name;
	long (*run)(void);
};

static long read_above(void)
{
	return open2(root_fd, "../secret", O_RDONLY);
}

static long read_by_path(void)
{
	return open2(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long list_above(void)
{
	return open2(root_fd, "..", O_RDONLY | O_DIRECTORY);
}

static long list_the_host(void)
{
	return open2(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
}

static long make_above(void)
{
	return open2(root_fd, "../new", O_WRONLY | O_CREAT);
}

static long open_in_the_old_way(void)
{
	return syscall(SYS_openat, root_fd, "f", O_RDONLY, 0);
}

static long rename_out(void)
{
	return renameat(root_fd, "f", root_fd, "../f");
}

static long rename_in(void)
{
	return renameat(root_fd, "../secret", root_fd, "secret");
}

static long link_in(void)
{
	return linkat(root_fd, "../secret", root_fd, "secret", 0);
}

static long remove_above(void)
{
	return unlinkat(root_fd, "../secret", 0);
}

static long make_a_directory_above(void)
{
	return mkdirat(root_fd, "../new", 0700);
}

static long make_a_link_above(void)
{
	return symlinkat("/", root_fd, "../new");
}

static long make_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long make_a_local_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long run_a_program(void)
{
	char *const argv[] = { (char *)"true", NULL };

	return execve("/bin/true", argv, NULL);
}

static long start_a_process(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long send_a_signal(void)
{
	return kill(getppid(), 0);
}

static long look_into_a_process(void)
{
	return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static long make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) == MAP_FAILED
		       ? -1
		       : 0;
}

static long make_code_of_data(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long have_signals_sent(void)
{
	return fcntl(place_fd, F_SETOWN, 1);
}

static long raise_a_limit(void)
{
	const uint64_t limit[2] = { 4096, 4096 };

	return syscall(SYS_prlimit64, 0, 7, limit, NULL);
}

static long change_the_root(void)
{
	return fchdir(place_fd) < 0 ? -1 : chroot(".");
}

static long make_a_namespace(void)
{
	return syscall(SYS_unshare, 0x10000000);
}

static long use_io_uring(void)
{
	char params[120] = { 0 };

	return syscall(425, 1, params);
}

static long write_a_read_only_tree(void)
{
	return open2(root_fd, "f", O_WRONLY);
}

static long truncate_a_read_only_tree(void)
{
	return open2(root_fd, "f", O_RDONLY | O_TRUNC);
}

static long mode_in_a_read_only_tree(void)
{
	int fd = open2(root_fd, "f", O_RDONLY);

	return fd < 0 ? 0 : fchmod(fd, 0777);
}

static const struct attack attacks[] = {
	{ "read a file above the root", read_above },
	{ "read a file of the host by its path", read_by_path },
	{ "list the directory above", list_above },
	{ "list the host's root", list_the_host },
	{ "make a file above the root", make_above },
	{ "open a file in the old way", open_in_the_old_way },
	{ "rename a file out of the tree", rename_out },
	{ "rename a file into the tree", rename_in },
	{ "link a file into the tree", link_in },
	{ "remove a file above the root", remove_above },
	{ "make a directory above the root", make_a_directory_above },
	{ "make a link above the root", make_a_link_above },
	{ "make an Internet socket", make_a_socket },
	{ "make a local socket", make_a_local_socket },
	{ "run a program", run_a_program },
	{ "start a process", start_a_process },
	{ "send a signal", send_a_signal },
	{ "look into another process", look_into_a_process },
	{ "make memory that can be executed", make_code },
	{ "make data executable", make_code_of_data },
	{ "have signals sent", have_signals_sent },
	{ "raise a limit", raise_a_limit },
	{ "change the root", change_the_root },
	{ "make a namespace", make_a_namespace },
	{ "use io_uring", use_io_uring },
};

static const struct attack read_only_attacks[] = {
	{ "write a file that is served read-only", write_a_read_only_tree },
	{ "truncate it", truncate_a_read_only_tree },
	{ "set its mode", mode_in_a_read_only_tree },
};

/* In a process of its own, jailed or not. Returns whether it succeeded. */
static int try_attack(const struct attack *attack, int jailed, int read_only)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = ERR_INIT;

		if (jailed && jail_enter(root_fd, read_only, &err) < 0)
			_exit(77);
		_exit(attack->run() >= 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 77);
	return WEXITSTATUS(status) == 0;
}

static void attacks_are_repelled(void **state)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (try_attack(&attacks[i], 1, 0))
			fail_msg("it can %s", attacks[i].name);
}

static void a_read_only_tree_is_not_written(void **state)
{
	for (size_t i = 0; i < sizeof(read_only_attacks) / sizeof(read_only_attacks[0]); i++)
		if (try_attack(&read_only_attacks[i], 1, 1))
			fail_msg("it can %s", read_only_attacks[i].name);
}

/* An attack that never works proves nothing. Where this machine itself forbids one, to this user,
 * it is no test here; most of them work anywhere. */
static void the_attacks_work_without_a_jail(void **state)
{
	size_t works = 0;

	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		tear_down(NULL);
		set_up(NULL);
		works += (size_t)try_attack(&attacks[i], 0, 0);
	}
	assert_true(works >= sizeof(attacks) / sizeof(attacks[0]) - 4);
	for (size_t i = 0; i < sizeof(read_only_attacks) / sizeof(read_only_attacks[0]); i++)
		assert_true(try_attack(&read_only_attacks[i], 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(attacks_are_repelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_only_tree_is_not_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_attacks_work_without_a_jail, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
