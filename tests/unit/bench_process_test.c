// SPDX-License-Identifier: GPL-2.0-or-later
/* Running and measuring, with real processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/host.h"
#include "bench/process.h"

#define SECOND 1000000000ull

static struct process_result result;
static struct err err;

/* Runs a shell script. */
static int run_with(struct process_spec spec, const char *script)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	spec.argv = argv;
	err = ERR_INIT;
	process_result_free(&result);
	return process_run(&spec, &result, &err);
}

static int run(const char *script)
{
	return run_with(PROCESS_SPEC_INIT, script);
}

static void an_exit_status_is_told(void **state)
{
	assert_int_equal(run("exit 7"), 0);
	assert_int_equal(result.code, 7);
	assert_int_equal(run("kill -9 $$"), 0);
	assert_int_equal(result.code, 128 + SIGKILL);
}

static void the_wall_time_spans_the_run(void **state)
{
	assert_int_equal(run("exec sleep 0.05"), 0);
	assert_true(result.wall_ns >= SECOND / 20);
	assert_true(result.settled_ns >= result.wall_ns);
}

static void a_command_runs_on_the_cpus_that_it_is_given(void **state)
{
	struct process_spec spec = PROCESS_SPEC_INIT;
	char expected[64];
	cpu_set_t ours, one;
	int cpu = CPU_SETSIZE - 1;

	assert_int_equal(sched_getaffinity(0, sizeof(ours), &ours), 0);
	while (!CPU_ISSET(cpu, &ours))
		cpu--;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	spec.cpus = &one;
	spec.keep_output = 1;
	assert_int_equal(run_with(spec, "grep Cpus_allowed_list /proc/self/status"), 0);
	snprintf(expected, sizeof(expected), "Cpus_allowed_list:\t%d", cpu);
	assert_string_equal(result.said, expected);
}

/* As some runtimes do it: each writes where it thinks that the file is. */
static void output_and_errors_do_not_overwrite_each_other(void **state)
{
	struct process_spec spec = PROCESS_SPEC_INIT;

	spec.keep_output = 1;
	assert_int_equal(run_with(spec, "echo one; exec 2>>/proc/self/fd/2; echo two >&2; "
					"echo three"),
			 0);
	assert_string_equal(result.said, "one\ntwo\nthree");
}

static void all_output_is_kept_where_it_is_asked_for(void **state)
{
	struct process_spec spec = PROCESS_SPEC_INIT;

	spec.keep_output = 1;
	assert_int_equal(run_with(spec, "seq 5000"), 0);
	assert_memory_equal(result.said, "1\n2\n3\n", 6);
	assert_int_equal(run("seq 5000 >&2"), 0);
	assert_true(strlen(result.said) < 1000);
	assert_string_equal(result.said + strlen(result.said) - 5, "\n5000");
}

static void a_failure_quotes_what_was_said(void **state)
{
	const char *argv[] = { "/bin/sh", "-c", "echo out; echo no such thing >&2; exit 3", NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;

	spec.argv = argv;
	err = ERR_INIT;
	process_result_free(&result);
	assert_int_equal(process_run_well(&spec, &result, &err), -EIO);
	assert_string_equal(err.text, "/bin/sh ended with status 3: no such thing");
}

static void a_program_that_is_not_there_is_an_error(void **state)
{
	const char *argv[] = { "/nonexistent/program", NULL };
	struct process_spec spec = PROCESS_SPEC_INIT;

	spec.argv = argv;
	process_result_free(&result);
	assert_int_equal(process_run(&spec, &result, &err), -ENOENT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The shell returns at once; what it left behind ends when it likes. */
static void orphans_are_waited_for(void **state)
{
	assert_int_equal(run("sleep 0.2 & exit 0"), 0);
	assert_true(result.settled_ns >= SECOND / 5);
	assert_true(result.wall_ns < result.settled_ns);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void what_is_to_stay_stays_until_it_is_killed(void **state)
{
	struct process_spec spec = PROCESS_SPEC_INIT;
	struct host_list below = { 0 };

	spec.leaves = 1;
	assert_int_equal(run_with(spec, "sleep 1000 & exit 0"), 0);
	assert_int_equal(host_below(getpid(), NULL, &below, &err), 0);
	assert_int_equal(below.count, 1);
	assert_true(host_alive(below.pids[0]));
	process_kill_rest();
	assert_false(host_alive(below.pids[0]));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	host_list_free(&below);
}

static void what_takes_too_long_is_killed_with_all_its_processes(void **state)
{
	struct process_spec spec = PROCESS_SPEC_INIT;

	spec.seconds = 1;
	assert_int_equal(run_with(spec, "setsid sleep 1000 & sleep 1000; true"), -ETIMEDOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void descendants_below_known_ones_are_left_out(void **state)
{
	struct host_list known = { 0 }, all = { 0 }, rest = { 0 };
	struct process_spec spec = PROCESS_SPEC_INIT;

	spec.leaves = 1;
	assert_int_equal(run_with(spec, "(sleep 1000 & wait) & exit 0"), 0);
	/* The child of the subshell comes when it comes. */
	while (all.count < 2) {
		host_list_free(&all);
		assert_int_equal(host_below(getpid(), NULL, &all, &err), 0);
	}
	assert_int_equal(host_list_add(&known, all.pids[0], &err), 0);
	assert_int_equal(host_below(getpid(), &known, &rest, &err), 0);
	assert_int_equal(rest.count, 0);
	process_kill_rest();
	host_list_free(&known);
	host_list_free(&all);
}

static void memory_of_a_process_is_read_in_bytes(void **state)
{
	uint64_t bytes[MEMORY_KINDS];
	size_t size = 8 << 20;
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	assert_ptr_not_equal(data, MAP_FAILED);
	assert_int_equal(host_memory_read(getpid(), bytes, &err), 0);
	assert_true(bytes[MEMORY_PSS] >= size && bytes[MEMORY_PSS] < 64 * size);
	assert_true(bytes[MEMORY_DIRTY] >= size);
	assert_true(bytes[MEMORY_ANON] >= size);
	munmap(data, size);
}

static void sleeping_counts_as_a_switch(void **state)
{
	uint64_t before, after;

	assert_int_equal(host_switches_read(getpid(), &before, &err), 0);
	usleep(1000);
	assert_int_equal(host_switches_read(getpid(), &after, &err), 0);
	assert_true(after > before);
}

static void one_address_space_is_known_as_one(void **state)
{
	assert_true(host_memory_shared(getpid(), getpid()));
	assert_false(host_memory_shared(getpid(), getppid()));
}

static void an_environment_replaces_by_name(void **state)
{
	char set[] = "BENCH_TEST=new";
	char *sets[] = { set, NULL }, **all;
	size_t found = 0;

	setenv("BENCH_TEST", "old", 1);
	setenv("BENCH_TEST_LONGER", "kept", 1);
	all = process_environment(sets);
	for (size_t i = 0; all[i]; i++) {
		found += !strcmp(all[i], "BENCH_TEST=new") ||
			 !strcmp(all[i], "BENCH_TEST_LONGER=kept");
		assert_string_not_equal(all[i], "BENCH_TEST=old");
	}
	assert_int_equal(found, 2);
	free(all);
}

/* Last: there is no way back from it. A command may still end by itself, and cleaning up works. */
static void a_signal_ends_the_benchmark_but_not_its_cleaning_up(void **state)
{
	struct process_spec spec = PROCESS_SPEC_INIT;
	char script[128];

	snprintf(script, sizeof(script), "kill -TERM %d; sleep 0.1; exit 5", getpid());
	assert_int_equal(run(script), -EINTR);
	assert_int_equal(result.code, 5);
	assert_true(process_interrupted());
	assert_int_equal(run("exit 0"), -EINTR);
	assert_int_equal(process_pause(1000 * SECOND, &err), -EINTR);
	spec.cleanup = 1;
	assert_int_equal(run_with(spec, "exit 6"), 0);
	assert_int_equal(result.code, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exit_status_is_told),
		cmocka_unit_test(the_wall_time_spans_the_run),
		cmocka_unit_test(a_command_runs_on_the_cpus_that_it_is_given),
		cmocka_unit_test(output_and_errors_do_not_overwrite_each_other),
		cmocka_unit_test(all_output_is_kept_where_it_is_asked_for),
		cmocka_unit_test(a_failure_quotes_what_was_said),
		cmocka_unit_test(a_program_that_is_not_there_is_an_error),
		cmocka_unit_test(orphans_are_waited_for),
		cmocka_unit_test(what_is_to_stay_stays_until_it_is_killed),
		cmocka_unit_test(what_takes_too_long_is_killed_with_all_its_processes),
		cmocka_unit_test(descendants_below_known_ones_are_left_out),
		cmocka_unit_test(memory_of_a_process_is_read_in_bytes),
		cmocka_unit_test(sleeping_counts_as_a_switch),
		cmocka_unit_test(one_address_space_is_known_as_one),
		cmocka_unit_test(an_environment_replaces_by_name),
		cmocka_unit_test(a_signal_ends_the_benchmark_but_not_its_cleaning_up),
	};
	int failed;

	if (process_init(&err))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	process_result_free(&result);
	return failed;
}
