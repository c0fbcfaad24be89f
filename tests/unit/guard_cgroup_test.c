// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cgroups on the host that the test runs on, whatever it has: what can be limited is read back,
 * what cannot must be named. As an ordinary user on most hosts nothing can.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "guard/guard.h"

#define MEMORY	(48ULL * 1024 * 1024)
#define PROCESSES 37

static const struct guard_limits every = { .memory = MEMORY, .cpus = 1.5, .pids = PROCESSES };
static char id[64];

/* Is that file in one of the cgroup's directories, with this text in it? */
static int has_value(const struct guard_cgroup *cg, const char *name, const char *value)
{
	char path[4096];
	int i;

	for (i = 0; cg->paths[i]; i++) {
		cleanup_free char *text = NULL;

		snprintf(path, sizeof(path), "%s/%s", cg->paths[i], name);
		if (fd_read_file(AT_FDCWD, path, 4096, &text, NULL, NULL) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (!strcmp(text, value))
			return 1;
	}
	return 0;
}

static int count(char *const list[])
{
	int n = 0;

	while (list[n])
		n++;
	return n;
}

static void every_limit_is_set_or_named(void **state)
{
	struct guard_cgroup cg;
	struct err err = ERR_INIT;

	assert_int_equal(guard_cgroup_create(id, &every, &cg, &err), 0);
	if (*cg.missing)
		print_message("not limited here: %s\n", cg.missing);
	assert_int_equal(!strstr(cg.missing, "memory: "),
			 has_value(&cg, "memory.limit_in_bytes", "50331648") ||
				 has_value(&cg, "memory.max", "50331648"));
	assert_int_equal(!strstr(cg.missing, "cpus: "),
			 has_value(&cg, "cpu.cfs_quota_us", "150000") ||
				 has_value(&cg, "cpu.max", "150000 100000"));
	assert_int_equal(!strstr(cg.missing, "processes: "), has_value(&cg, "pids.max", "37"));
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
	assert_null(cg.paths[0]);
}

static void what_is_not_limited_makes_no_cgroup(void **state)
{
	const struct guard_limits none = { 0 };
	struct guard_cgroup cg;

	assert_int_equal(guard_cgroup_create(id, &none, &cg, NULL), 0);
	assert_string_equal(cg.missing, "");
	assert_null(cg.paths[0]);
	assert_int_equal(cg.v2_fd, -1);
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
}

static void a_bad_name_is_refused(void **state)
{
	struct guard_cgroup cg;
	struct err err = ERR_INIT;

	assert_int_equal(guard_cgroup_create("a/../b", &every, &cg, &err), -EINVAL);
	assert_non_null(strstr(err.text, "a/../b"));
	assert_int_equal(guard_cgroup_create("", &every, &cg, &err), -EINVAL);
	guard_cgroup_free(&cg);
}

static void nothing_stays_behind(void **state)
{
	char *paths[16] = { NULL };
	struct guard_cgroup cg;
	int i;

	assert_int_equal(guard_cgroup_create(id, &every, &cg, NULL), 0);
	for (i = 0; i < count(cg.paths); i++) {
		paths[i] = strdup(cg.paths[i]);
		assert_int_equal(access(paths[i], F_OK), 0);
	}
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
	for (i = 0; paths[i]; i++) {
		assert_int_equal(access(paths[i], F_OK), -1);
		free(paths[i]);
	}
}

/* A child that joins every directory of it and stays. */
static pid_t start_member(const struct guard_cgroup *cg)
{
	int ready[2], i;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; cg->paths[i]; i++) {
			char path[4096];
			int fd;

			snprintf(path, sizeof(path), "%s/cgroup.procs", cg->paths[i]);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd < 0 || write(fd, "0", 1) != 1)
				_exit(1);
		}
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &(char){ 0 }, 1), 1);
	close(ready[0]);
	return pid;
}

static void removal_ends_who_is_in_it(void **state)
{
	struct guard_cgroup cg;
	int status;
	pid_t pid;

	assert_int_equal(guard_cgroup_create(id, &every, &cg, NULL), 0);
	if (!cg.paths[0]) {
		guard_cgroup_free(&cg);
		skip();
	}
	pid = start_member(&cg);
	guard_cgroup_remove(&cg);
	assert_int_equal(access(cg.paths[0], F_OK), -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	guard_cgroup_free(&cg);
}

static void an_empty_leftover_is_taken_over(void **state)
{
	struct guard_cgroup left, cg;

	assert_int_equal(guard_cgroup_create(id, &every, &left, NULL), 0);
	assert_int_equal(guard_cgroup_create(id, &every, &cg, NULL), 0);
	assert_string_equal(left.missing, cg.missing);
	assert_int_equal(count(left.paths), count(cg.paths));
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
	/* What is gone already is no trouble. */
	guard_cgroup_remove(&left);
	guard_cgroup_free(&left);
}

static void somebody_elses_is_left_alone(void **state)
{
	struct guard_cgroup theirs, cg;
	pid_t pid;

	assert_int_equal(guard_cgroup_create(id, &every, &theirs, NULL), 0);
	if (!theirs.paths[0]) {
		guard_cgroup_free(&theirs);
		skip();
	}
	pid = start_member(&theirs);
	assert_int_equal(guard_cgroup_create(id, &every, &cg, NULL), 0);
	assert_null(cg.paths[0]);
	assert_true(*cg.missing);
	guard_cgroup_remove(&cg);
	guard_cgroup_free(&cg);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	guard_cgroup_remove(&theirs);
	guard_cgroup_free(&theirs);
	waitpid(pid, NULL, 0);
}

static void a_forgotten_one_is_discarded(void **state)
{
	struct guard_cgroup cg;
	int i;

	assert_int_equal(guard_cgroup_create(id, &every, &cg, NULL), 0);
	guard_cgroup_discard(id);
	for (i = 0; cg.paths[i]; i++)
		assert_int_equal(access(cg.paths[i], F_OK), -1);
	guard_cgroup_free(&cg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_is_set_or_named),
		cmocka_unit_test(what_is_not_limited_makes_no_cgroup),
		cmocka_unit_test(a_bad_name_is_refused),
		cmocka_unit_test(nothing_stays_behind),
		cmocka_unit_test(removal_ends_who_is_in_it),
		cmocka_unit_test(an_empty_leftover_is_taken_over),
		cmocka_unit_test(somebody_elses_is_left_alone),
		cmocka_unit_test(a_forgotten_one_is_discarded),
	};

	snprintf(id, sizeof(id), "test-%d", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
