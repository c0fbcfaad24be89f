// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The image maker's jail, attacked from inside: a process enters it and then tries what code that
 * got hold of the maker would try. Each attempt is one bit of its exit status; none may succeed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/mkimage/jail.h"

static char place[] = "/tmp/hillock-jail-test.XXXXXX"; /* its own: a hole should do no harm */
static int tree_fd;                                    /* place/tree; the secret lies beside it */
static char secret[64], made[64];

static int tries_files(void)
{
	return open(secret, O_RDONLY) >= 0 || open(place, O_RDONLY | O_DIRECTORY) >= 0 ||
	       open(made, O_WRONLY | O_CREAT, 0600) >= 0 || mkdir(made, 0700) == 0 ||
	       unlink(secret) == 0 || rename(secret, made) == 0 || chmod(secret, 0777) == 0 ||
	       truncate(secret, 0) == 0 || chdir("/") == 0 ||
	       syscall(SYS_memfd_create, "x", 0) >= 0;
}

static int tries_processes(void)
{
	char *const argv[] = { (char *)"true", NULL };

	return fork() >= 0 || syscall(SYS_clone3, NULL, 0) >= 0 || execv("/bin/true", argv) == 0 ||
	       kill(getppid(), 0) == 0 || syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ||
	       ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 ||
	       syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) >= 0 ||
	       fcntl(STDOUT_FILENO, F_SETOWN, getppid()) == 0;
}

static int tries_the_system(void)
{
	struct rlimit more = { RLIM_INFINITY, RLIM_INFINITY };

	return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ||
	       mount("none", "/tmp", "tmpfs", 0, NULL) == 0 || unshare(CLONE_NEWUSER) == 0 ||
	       setuid(0) == 0 || setrlimit(RLIMIT_AS, &more) == 0 ||
	       syscall(SYS_bpf, 0, NULL, 0) >= 0 || syscall(SYS_keyctl, 0, 0, 0, 0, 0) >= 0 ||
	       syscall(SYS_io_uring_setup, 1, NULL) >= 0 || syscall(SYS_userfaultfd, 0) >= 0;
}

static int tries_new_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ||
	       mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

/* Runs what is tried in a jail of its own; gives its exit status, 99 when there was no jail. */
static int attack(int readable_fd, int (*tries)(void))
{
	struct err err = ERR_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(jail_enter(readable_fd, &err) < 0 ? 99 : tries());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void an_archive_s_reader_opens_nothing(void **state)
{
	assert_int_equal(attack(-1, tries_files), 0);
}

static void it_reaches_no_other_process(void **state)
{
	assert_int_equal(attack(-1, tries_processes), 0);
}

static void it_gets_nothing_from_the_system(void **state)
{
	assert_int_equal(attack(-1, tries_the_system), 0);
}

static void it_cannot_bring_code(void **state)
{
	assert_int_equal(attack(-1, tries_new_code), 0);
}

static int reads_the_tree(void)
{
	char text[5] = "";
	int fd = openat(tree_fd, "dir/file", O_RDONLY);

	return fd < 0 || read(fd, text, 4) != 4 || strcmp(text, "text") != 0;
}

static int leaves_the_tree(void)
{
	return openat(tree_fd, "../secret", O_RDONLY) >= 0 ||
	       openat(tree_fd, "dir/out", O_RDONLY) >= 0 || open(secret, O_RDONLY) >= 0 ||
	       openat(tree_fd, "dir/file", O_WRONLY) >= 0 ||
	       openat(tree_fd, "new", O_WRONLY | O_CREAT, 0600) >= 0 ||
	       unlinkat(tree_fd, "dir/file", 0) == 0 || fork() >= 0 ||
	       socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static void a_tree_s_reader_reads_that_tree_only(void **state)
{
	assert_int_equal(attack(tree_fd, reads_the_tree), 0);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0)
		assert_int_equal(attack(tree_fd, leaves_the_tree), 0);
}

static void put_file(const char *name, const char *text)
{
	cleanup_close int fd = openat(tree_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
}

static int place_begin(void **state)
{
	char tree[64];

	if (!mkdtemp(place))
		return -1;
	snprintf(secret, sizeof(secret), "%s/secret", place);
	snprintf(made, sizeof(made), "%s/made", place);
	snprintf(tree, sizeof(tree), "%s/tree", place);
	if (mkdir(tree, 0700) < 0)
		return -1;
	tree_fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree_fd < 0 || mkdirat(tree_fd, "dir", 0700) < 0 ||
	    symlinkat(secret, tree_fd, "dir/out") < 0)
		return -1;
	put_file("dir/file", "text");
	put_file("../secret", "secret");
	return 0;
}

static int place_end(void **state)
{
	struct err err = ERR_INIT;

	close(tree_fd);
	return fd_remove_tree(AT_FDCWD, place, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_s_reader_opens_nothing),
		cmocka_unit_test(it_reaches_no_other_process),
		cmocka_unit_test(it_gets_nothing_from_the_system),
		cmocka_unit_test(it_cannot_bring_code),
		cmocka_unit_test(a_tree_s_reader_reads_that_tree_only),
	};

	return cmocka_run_group_tests(tests, place_begin, place_end);
}
