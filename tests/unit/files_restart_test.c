// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server that is killed in the middle.
 *
 * Each request is carried out by a process that is killed at its first system call, then by one
 * that is killed at its second, and so on, before and after each; what another then makes of it
 * must be what one that was not killed would have made. The changes of the state, between two
 * system calls, are tried the same way, killed at each instruction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "files_guest.h"
#include "translators/dir_room.h"

#define STOPS_MAX 100000

static struct fg fg;
static uint64_t node, node2, handle;

static const char *base_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp ? tmp : "/tmp";
}

static const char *host(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", fg.root, name);
	return path;
}

static int exists(const char *name)
{
	return faccessat(AT_FDCWD, host(name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_content(const char *name, const char *text)
{
	char data[200] = "";
	cleanup_close int fd = open(host(name), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, data, sizeof(data) - 1) >= 0);
	assert_string_equal(data, text);
}

/* --- killing ---------------------------------------------------------------------------------- */

/* Runs `act` in a process that is killed at its stop number `when`. Returns 1 when it ended before
 * that. `how`: PTRACE_SYSCALL or PTRACE_SINGLESTEP. */
static int run_and_kill(void (*act)(void), int how, long when)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	for (long stop = 0; stop < when; stop++) {
		assert_int_equal(ptrace(how, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return 1;
		}
		assert_true(WIFSTOPPED(status));
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

struct scenario {
	const char *name;
	void (*prepare)(void);
	int (*act)(void);
	void (*check)(void);
};

static const struct scenario *now;

/* As virtio/session.c drives it. */
static void carry_out(void)
{
	struct state_head *head = fg.state.head;

	*(volatile uint32_t *)&head->virtio.phase = VIRTIO_RUNNING;
	if (now->act() < 0)
		_exit(2);
	*(volatile uint32_t *)&head->virtio.phase = VIRTIO_IDLE;
}

static void act_in_child(void)
{
	fg_start(&fg, DIR_OWNERS_ASIDE);
	carry_out();
}

static void go_on(void)
{
	fg_start(&fg, DIR_OWNERS_ASIDE);
	if (fg.state.head->virtio.phase == VIRTIO_RUNNING) {
		fg.unique++;
		fg.again = 1;
		assert_int_equal(now->act(), 0);
		fg.state.head->virtio.phase = VIRTIO_IDLE;
	} else if (fg.state.head->virtio.phase == VIRTIO_IDLE) {
		/* Not begun, or finished; if not begun it is now. */
		if (fg.state.head->unique == fg.unique + 1)
			fg.unique++;
		else
			assert_int_equal(now->act(), 0);
	}
}

static void kill_everywhere(const struct scenario *s)
{
	long when = 1;
	int ended;

	now = s;
	do {
		fg_open(&fg, base_dir(), DIR_OWNERS_ASIDE);
		fg.uid = fg.gid = 1000;
		s->prepare();
		fg_stop(&fg);
		ended = run_and_kill(act_in_child, PTRACE_SYSCALL, when++);
		go_on();
		s->check();
		fg_close(&fg);
	} while (!ended && when < STOPS_MAX);
	assert_true(ended);
	/* It made some system calls, at least those that open the state. */
	assert_true(when > 10);
}

static uint64_t lookups_of(const char *name)
{
	const struct dir_node *n;
	struct statx stx;

	assert_int_equal(dir_statx(fg.root_fd, name, &stx), 0);
	n = dir_node_find(fg.dir, dir_device(&stx), stx.stx_ino);
	return n ? n->lookups : 0;
}

static void nothing(void)
{
}

static int act_mkdir(void)
{
	return fg_mkdir(&fg, 1, "d", 0751, NULL);
}

static void check_owned(const char *name, uint32_t mode)
{
	struct fuse_attr attr;
	uint64_t n;

	assert_int_equal(lookups_of(name), 1);
	assert_int_equal(fg_lookup(&fg, 1, name, &n), 0);
	assert_int_equal(fg_getattr(&fg, n, &attr), 0);
	assert_int_equal(attr.mode, mode);
	assert_int_equal(attr.uid, 1000);
}

static void check_mkdir(void)
{
	check_owned("d", S_IFDIR | 0751);
}

static int act_mknod(void)
{
	return fg_mknod(&fg, 1, "n", S_IFCHR | 0622, 5 << 8 | 1, NULL);
}

static void check_mknod(void)
{
	check_owned("n", S_IFCHR | 0622);
}

static int act_create(void)
{
	return fg_create(&fg, 1, "f", 0640, O_RDWR | O_EXCL, &node, &handle);
}

static void check_create(void)
{
	struct dir_node *n;
	struct statx stx;

	check_owned("f", S_IFREG | 0640);
	assert_int_equal(dir_statx(fg.root_fd, "f", &stx), 0);
	n = dir_node_find(fg.dir, dir_device(&stx), stx.stx_ino);
	/* One open file, not two. */
	assert_true(n && n->handles && !fg.dir->handles[n->handles].next);
	assert_int_equal(fg.dir->area->handles.high, 2);
	assert_int_equal(fg.dir->area->nodes.high, 3);
}

static int act_symlink(void)
{
	return fg_symlink(&fg, 1, "s", "target");
}

static void check_symlink(void)
{
	assert_int_equal(lookups_of("s"), 1);
}

static void prepare_file(void)
{
	assert_int_equal(fg_create(&fg, 1, "f", 0644, O_RDWR, &node, &handle), 0);
	assert_int_equal(fg_write(&fg, node, handle, 0, "old", 0), 3);
}

static int act_link(void)
{
	return fg_link(&fg, node, 1, "g");
}

static void check_link(void)
{
	assert_int_equal(lookups_of("g"), 2);
	assert_content("g", "old");
}

static int act_unlink(void)
{
	return fg_name(&fg, FUSE_UNLINK, 1, "f");
}

static void check_unlink(void)
{
	assert_false(exists("f"));
	assert_int_equal(fg.dir->nodes[node].name, 0);
}

static void prepare_directory(void)
{
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &node), 0);
}

static int act_rmdir(void)
{
	return fg_name(&fg, FUSE_RMDIR, 1, "d");
}

static void check_rmdir(void)
{
	assert_false(exists("d"));
}

#define LONG_NAME "a-victim-with-quite-a-long-name-that-takes-two-parts"

static void prepare_rename(void)
{
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &node2), 0);
	assert_int_equal(fg_mknod(&fg, node2, LONG_NAME, S_IFREG | 0644, 0, NULL), 0);
	prepare_file();
}

static int act_rename(void)
{
	return fg_rename(&fg, 1, "f", node2, LONG_NAME, 0);
}

static void check_rename(void)
{
	uint64_t again;

	assert_false(exists("f"));
	assert_content("d/" LONG_NAME, "old");
	assert_int_equal(fg_getattr(&fg, node, NULL), 0);
	assert_int_equal(fg_lookup(&fg, node2, LONG_NAME, &again), 0);
	assert_int_equal(again, node);
}

static void prepare_exchange(void)
{
	prepare_file();
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &node2), 0);
}

static int act_exchange(void)
{
	return fg_rename(&fg, 1, "f", 1, "d", 2);
}

static void check_exchange(void)
{
	assert_content("d", "old");
	assert_int_equal(fg_mkdir(&fg, node2, "e", 0755, NULL), 0);
	assert_true(exists("f/e"));
}

static int act_append(void)
{
	int n = fg_write(&fg, node, handle, 0, "appended", O_APPEND);

	return n == 8 ? 0 : -EIO;
}

static void check_append(void)
{
	assert_content("f", "oldappended");
}

static int act_xattr(void)
{
	return fg_setxattr(&fg, node, "user.a", "value", 1 /* XATTR_CREATE */);
}

static void check_xattr(void)
{
	assert_int_equal(fg_setxattr(&fg, node, "user.a", "value", 1), -EEXIST);
}

static int act_release(void)
{
	return fg_release(&fg, node, handle);
}

static void check_release(void)
{
	assert_int_equal(fg_read(&fg, node, handle, 0, 1), -EBADF);
	assert_int_equal(fg.dir->nodes[node].handles, 0);
}

static int act_forget(void)
{
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one one[2];
	} batch = { { 2, 0 }, { { node, 1 }, { node2, 1 } } };

	return fg_call(&fg, FUSE_BATCH_FORGET, 0, &batch, sizeof(batch), NULL, 0);
}

static void prepare_forget(void)
{
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, &node), 0);
	assert_int_equal(fg_mkdir(&fg, 1, "e", 0755, &node2), 0);
	assert_int_equal(fg_lookup(&fg, 1, "e", NULL), 0);
}

static void check_forget(void)
{
	assert_int_equal(fg_getattr(&fg, node, NULL), -ESTALE);
	assert_int_equal(lookups_of("e"), 1);
}

static const struct scenario scenarios[] = {
	{ "mkdir", nothing, act_mkdir, check_mkdir },
	{ "mknod", nothing, act_mknod, check_mknod },
	{ "create", nothing, act_create, check_create },
	{ "symlink", nothing, act_symlink, check_symlink },
	{ "link", prepare_file, act_link, check_link },
	{ "unlink", prepare_file, act_unlink, check_unlink },
	{ "rmdir", prepare_directory, act_rmdir, check_rmdir },
	{ "rename", prepare_rename, act_rename, check_rename },
	{ "exchange", prepare_exchange, act_exchange, check_exchange },
	{ "append", prepare_file, act_append, check_append },
	{ "setxattr", prepare_file, act_xattr, check_xattr },
	{ "release", prepare_file, act_release, check_release },
	{ "forget", prepare_forget, act_forget, check_forget },
};

static void a_request_is_carried_out_once_wherever_it_was_killed(void **unused)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		print_message("    %s\n", scenarios[i].name);
		kill_everywhere(&scenarios[i]);
	}
}

static void what_was_so_before_is_still_an_error(void **unused)
{
	fg_open(&fg, base_dir(), DIR_OWNERS_ASIDE);
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, NULL), 0);
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, NULL), -EEXIST);
	fg.again = 1;
	assert_int_equal(fg_mkdir(&fg, 1, "d", 0755, NULL), -EEXIST);
	assert_int_equal(fg_name(&fg, FUSE_UNLINK, 1, "none"), -ENOENT);
	fg.again = 1;
	assert_int_equal(fg_name(&fg, FUSE_UNLINK, 1, "none"), -ENOENT);
	fg_close(&fg);
}

/* --- the state -------------------------------------------------------------------------------- */

#define WORDS 3

/* At each instruction; a sanitizer makes many of one. */
#define STRIDE 1
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SANITIZED)
#undef STRIDE
#define STRIDE 199
#endif

static struct state state;
static int state_fd;

static uint64_t *words(void)
{
	return (uint64_t *)(void *)state.area;
}

static void change_state(void)
{
	uint32_t *half = (uint32_t *)(void *)&words()[1];

	state_set64(&state, &words()[0], 100);
	state_set32(&state, half, 101);
	state_set64(&state, &words()[2], 102);
	state_set64(&state, &words()[0], 103);
	*(volatile uint32_t *)&state.head->virtio.phase = VIRTIO_DONE;
	state_commit(&state);
	*(volatile uint32_t *)&state.head->virtio.phase = VIRTIO_IDLE;
}

static void changes_are_there_as_a_whole_or_not_at_all(void **unused)
{
	struct err err = ERR_INIT;
	int ended, before = 0, after = 0;
	long when = 1;

	do {
		struct files files = { .state = &state };

		state_fd = memfd_create("state", MFD_CLOEXEC);
		assert_int_equal(ftruncate(state_fd, 1 << 20), 0);
		assert_int_equal(state_open(&state, state_fd, 0, &err), 0);
		for (uint64_t i = 0; i < WORDS; i++)
			words()[i] = i;
		state.head->virtio.phase = VIRTIO_RUNNING;
		ended = run_and_kill(change_state, PTRACE_SINGLESTEP, when);
		when += STRIDE;
		files_recover(&files);
		assert_int_equal(state.head->undo_count, 0);
		if (state.head->virtio.phase == VIRTIO_RUNNING) {
			before++;
			for (uint64_t i = 0; i < WORDS; i++)
				assert_int_equal(words()[i], i);
		} else {
			after++;
			assert_int_equal(words()[0], 103);
			assert_int_equal(words()[1], 101);
			assert_int_equal(words()[2], 102);
		}
		state_close(&state);
		fd_close(&state_fd);
	} while (!ended && when < STOPS_MAX);
	assert_true(ended);
	assert_true(before > 2 && after >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_carried_out_once_wherever_it_was_killed),
		cmocka_unit_test(what_was_so_before_is_still_an_error),
		cmocka_unit_test(changes_are_there_as_a_whole_or_not_at_all),
	};
	cpu_set_t one;

	/* Tracer and traced take turns: on one CPU that costs a fifth. */
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
