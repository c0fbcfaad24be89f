// SPDX-License-Identifier: GPL-2.0-or-later
/* The tracer, run here: what it sees, what it refuses. argv[1] is the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "cut/process.h"

static const char *tracer, *self;

static struct process_said run(const char *const *words)
{
	const char *argv[32] = { tracer };
	const struct process_order order = { .argv = argv, .seconds = 60 };
	struct process_said said;
	struct err err = ERR_INIT;

	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	if (cut_process(&order, &said, &err) < 0)
		fail_msg("%s", err.text);
	return said;
}

static int says(const struct process_said *said, const char *kind, unsigned long number)
{
	char line[64];

	snprintf(line, sizeof(line), "%s\t%lu\t", kind, number);
	return strstr(said->out, line) != NULL;
}

/* What this program does when it is the one that is traced. */
static int act(const char *what)
{
	int fd;

	if (!strcmp(what, "socket"))
		return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
	if (!strcmp(what, "path")) {
		fd = open("/proc/self/stat", O_RDONLY);
		return fd < 0 ? errno : 0;
	}
	if (!strcmp(what, "child")) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(syscall(SYS_getpgid, 0) > 0 ? 7 : 8);
		return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
	}
	if (!strcmp(what, "signal"))
		abort();
	printf("a line\n");
	return 0;
}

static void a_report_is_alone_on_standard_output(void **state)
{
	struct process_said said = run((const char *const[]){ self, "act", "print", NULL });

	assert_int_equal(said.code, 0);
	assert_non_null(strstr(said.err, "a line"));
	assert_null(strstr(said.out, "a line"));
	assert_non_null(strstr(said.out, "\nexit\t0\n"));
	cut_process_free(&said);
}

static void uses_are_counted_with_their_results(void **state)
{
	struct process_said said = run((const char *const[]){ self, "act", "socket", NULL });

	assert_int_equal(said.code, 0);
	assert_true(says(&said, "call", SYS_socket));
	assert_non_null(strstr(said.out, "socket\t1\t1\t0\t0\t"));
	assert_non_null(strstr(said.out, "elf\t\t"));
	cut_process_free(&said);
}

static void children_are_watched_and_statuses_passed_on(void **state)
{
	struct process_said said = run((const char *const[]){ self, "act", "child", NULL });

	assert_int_equal(said.code, 7);
	assert_true(says(&said, "call", SYS_getpgid));
	assert_non_null(strstr(said.out, "exit\t7\n"));
	cut_process_free(&said);
	said = run((const char *const[]){ self, "act", "signal", NULL });
	assert_int_equal(said.code, 134);
	cut_process_free(&said);
}

static void what_is_denied_fails_as_if_it_were_not_built(void **state)
{
	static const struct {
		const char *denial, *act;
		int error;
	} cases[] = { { "socket=1", "socket", EAFNOSUPPORT },
		      { "call=41", "socket", ENOSYS },
		      { "socket=2", "socket", 0 },
		      { "path=/proc/self", "path", ENOENT },
		      { "path=/proc/self/stat", "path", ENOENT },
		      { "path=/proc/self/sta", "path", 0 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct process_said said = run((const char *const[]){ "--deny", cases[i].denial,
								      self, "act", cases[i].act,
								      NULL });

		assert_int_equal(said.code, cases[i].error);
		cut_process_free(&said);
	}
}

static void what_is_no_command_is_said(void **state)
{
	struct process_said said = run((const char *const[]){ "/nonexistent/x", NULL });

	assert_int_equal(said.code, 127);
	assert_non_null(strstr(said.err, "/nonexistent/x"));
	cut_process_free(&said);
	said = run((const char *const[]){ "--deny", "everything", self, NULL });
	assert_int_equal(said.code, 125);
	cut_process_free(&said);
}

static void a_scan_finds_what_files_could_do(void **state)
{
	char tree[] = "/tmp/cut-tracer-XXXXXX", path[64], copy[128];
	struct process_said said;
	FILE *out;

	assert_non_null(mkdtemp(tree));
	snprintf(path, sizeof(path), "%s/script", tree);
	out = fopen(path, "w");
	fputs("#!/bin/sh\ntrue\n", out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/cut", tree);
	out = fopen(path, "w");
	fwrite("\177ELF\2\1\1", 1, 7, out);
	fclose(out);
	/* The tracer is static: its own calls are in it. */
	snprintf(copy, sizeof(copy), "cp %s %s/program", tracer, tree);
	assert_int_equal(system(copy), 0);
	said = run((const char *const[]){ "--scan", tree, NULL });
	assert_int_equal(said.code, 0);
	assert_non_null(strstr(said.out, "script\t\t1\t"));
	assert_non_null(strstr(said.out, "/script\n"));
	assert_non_null(strstr(said.out, "elf\t\t1\t"));
	assert_true(says(&said, "call", SYS_execve));
	assert_false(says(&said, "call", SYS_bpf));
	assert_non_null(strstr(said.out, "exit\t0\n"));
	cut_process_free(&said);
	assert_int_equal(fd_remove_tree(AT_FDCWD, tree, NULL), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_alone_on_standard_output),
		cmocka_unit_test(uses_are_counted_with_their_results),
		cmocka_unit_test(children_are_watched_and_statuses_passed_on),
		cmocka_unit_test(what_is_denied_fails_as_if_it_were_not_built),
		cmocka_unit_test(what_is_no_command_is_said),
		cmocka_unit_test(a_scan_finds_what_files_could_do),
	};

	if (argc == 3 && !strcmp(argv[1], "act")) {
		int status = act(argv[2]);

		/* Without what runs at exit: a leak checker is a tracer too, and there is one already. */
		fflush(stdout);
		_exit(status);
	}
	tracer = argv[1];
	self = realpath("/proc/self/exe", NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
