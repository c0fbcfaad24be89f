// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's PID 1 over a real wire, running real programs: streams, credit, exits, signals,
 * terminals, and a host that breaks the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/guest_host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *init_path;

static void assert_output(const struct seen *s, int channel, const char *expected)
{
	const struct bytes *out = &s->out[channel];

	assert_string_equal(out->data ? out->data : "", expected);
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in '%s'", part, text);
}

/* Sends what the proc's window takes; returns how much. */
static size_t send_input(struct host *h, uint16_t proc, const char *data, size_t size)
{
	struct seen *s = &h->procs[proc];
	size_t n = size < s->credit ? size : s->credit;

	if (n > WIRE_DATA_MAX)
		n = WIRE_DATA_MAX;
	if (n > 0)
		host_send(h, WIRE_DATA, proc, WIRE_STDIN, data, n);
	s->credit -= (uint32_t)n;
	return n;
}

/* --- streams ------------------------------------------------------------------------------ */

static void output_and_error_stay_apart(void **state)
{
	struct host *h = host_open_ready(init_path);
	struct seen *s;

	(void)state;
	host_shell(h, 1, NULL, "echo out; echo err >&2");
	s = host_finish(h, 1);
	assert_int_equal(s->started, 1);
	assert_true(s->pid > 0);
	assert_int_equal(s->code, 0);
	assert_output(s, WIRE_STDOUT, "out\n");
	assert_output(s, WIRE_STDERR, "err\n");
	assert_int_equal(s->eof[WIRE_STDERR], 1);
	host_close(h);
}

static void frames_may_come_in_pieces(void **state)
{
	struct host *h = host_open(init_path);
	struct wire_setup setup = { .hostname = WSTR("box"), .init_only = 1 };
	char *argv[] = { (char *)"echo", (char *)"pieces", NULL };
	struct wire_start start = { 0 };
	uint8_t frames[512];
	struct wire_out out = { .data = frames, .room = sizeof(frames) };
	size_t begun;

	(void)state;
	begun = wire_begin(&out, WIRE_SETUP, 0, 0);
	wire_put_setup(&out, &setup);
	assert_int_equal(wire_end(&out, begun), 0);
	begun = wire_begin(&out, WIRE_START, 1, 0);
	wire_put_start(&out, &start, argv, argv + 2);
	assert_int_equal(wire_end(&out, begun), 0);
	for (size_t i = 0; i < out.used; i++)
		assert_int_equal(write(h->fd, frames + i, 1), 1);
	assert_output(host_finish(h, 1), WIRE_STDOUT, "pieces\n");
	host_close(h);
}

static void ten_megabytes_go_through_unchanged(void **state)
{
	const size_t total = 10 * 1024 * 1024;
	struct wire_start start = { .stdin_open = 1 };
	struct host *h = host_open_ready(init_path);
	char *data = malloc(total);
	struct seen *s = &h->procs[1];
	uint32_t x = 1;
	size_t sent = 0;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < total; i++) {
		x = x * 1103515245 + 12345;
		data[i] = (char)(x >> 16);
	}
	host_shell(h, 1, &start, "exec cat");
	while (sent < total) {
		size_t n = send_input(h, 1, data + sent, total - sent);

		sent += n;
		if (n == 0)
			assert_true(host_turn(h));
	}
	host_send(h, WIRE_EOF, 1, WIRE_STDIN, NULL, 0);
	host_finish(h, 1);
	assert_int_equal(s->code, 0);
	assert_int_equal(s->out[WIRE_STDOUT].used, total);
	assert_memory_equal(s->out[WIRE_STDOUT].data, data, total);
	free(data);
	host_close(h);
}

static void a_reader_that_stops_holds_up_its_own_channel_only(void **state)
{
	struct host *h = host_open_ready(init_path);
	struct seen *s = &h->procs[1];

	(void)state;
	h->hold = 1;
	/* Standard error is written by a process of its own, or it would wait for the other. */
	host_shell(
		h, 1, NULL,
		"head -c 1000000 /dev/zero & (head -c 1000000 /dev/zero >&2; echo x >&2) & wait");
	while (s->owed[WIRE_STDOUT] < WIRE_WINDOW || s->owed[WIRE_STDERR] < WIRE_WINDOW)
		assert_true(host_turn(h));
	/* Both windows are used up; another proc is not held up by that. */
	host_shell(h, 2, NULL, "echo alive");
	assert_output(host_finish(h, 2), WIRE_STDOUT, "alive\n");
	assert_int_equal(s->out[WIRE_STDOUT].used, WIRE_WINDOW);
	assert_int_equal(s->out[WIRE_STDERR].used, WIRE_WINDOW);
	assert_false(s->ended);
	h->hold = 0;
	host_grant(h, 1);
	host_finish(h, 1);
	assert_int_equal(s->out[WIRE_STDOUT].used, 1000000);
	assert_int_equal(s->out[WIRE_STDERR].used, 1000002);
	host_close(h);
}

static void a_workload_that_does_not_read_holds_up_its_input_only(void **state)
{
	struct wire_start start = { .stdin_open = 1 };
	struct host *h = host_open_ready(init_path);
	struct seen *s = &h->procs[1];
	static char data[WIRE_DATA_MAX];
	size_t sent = 0, more = 0;

	(void)state;
	host_shell(h, 1, &start, "trap 'wc -c; exit 0' TERM; echo ready; sleep 1000 & wait");
	host_wait_output(h, 1, "ready\n");
	/* Its pipe and its window take some; then another proc's run shows that no more credit
	 * is on the way. */
	do {
		sent += more;
		while ((more = send_input(h, 1, data, sizeof(data))) > 0)
			sent += more;
		h->procs[2] = (struct seen){ .credit = WIRE_WINDOW };
		host_shell(h, 2, NULL, "echo alive");
		assert_output(host_finish(h, 2), WIRE_STDOUT, "alive\n");
		free(h->procs[2].out[WIRE_STDOUT].data);
		h->procs[2].out[WIRE_STDOUT] = (struct bytes){ 0 };
	} while ((more = send_input(h, 1, data, sizeof(data))) > 0);
	assert_true(sent >= WIRE_WINDOW);
	host_send_u32(h, WIRE_SIGNAL, 1, 0, SIGTERM);
	host_send(h, WIRE_EOF, 1, WIRE_STDIN, NULL, 0);
	host_finish(h, 1);
	assert_int_equal(strtoul(s->out[WIRE_STDOUT].data + strlen("ready\n"), NULL, 10), sent);
	host_close(h);
}

static void input_to_a_reader_that_is_gone_is_taken_and_dropped(void **state)
{
	struct wire_start start = { .stdin_open = 1 };
	struct host *h = host_open_ready(init_path);
	static char data[WIRE_DATA_MAX];
	size_t sent = 0;

	(void)state;
	host_shell(h, 1, &start, "exec <&-; echo ready; exec sleep 1000");
	host_wait_output(h, 1, "ready\n");
	while (sent < 4 * WIRE_WINDOW) {
		size_t n = send_input(h, 1, data, sizeof(data));

		sent += n;
		if (n == 0)
			assert_true(host_turn(h));
	}
	host_send_u32(h, WIRE_SIGNAL, 1, 0, SIGKILL);
	assert_int_equal(host_finish(h, 1)->signal, SIGKILL);
	host_close(h);
}

static void closed_standard_input_is_empty(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, NULL, "wc -c");
	assert_int_equal(atoi(host_finish(h, 1)->out[WIRE_STDOUT].data), 0);
	assert_int_equal(h->procs[1].code, 0);
	host_close(h);
}

static void a_host_that_does_not_read_loses_nothing(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	/* More than the wire and the guest's buffer take, then frames that all want answers. */
	for (uint16_t p = 2; p < 22; p++)
		host_shell(h, p, NULL, "head -c 65536 /dev/zero; head -c 65536 /dev/zero >&2");
	for (uint16_t p = 22; p < 60; p++)
		host_shell(h, p, NULL, "exit 9");
	for (uint16_t p = 2; p < 22; p++) {
		assert_int_equal(host_finish(h, p)->code, 0);
		assert_int_equal(h->procs[p].out[WIRE_STDOUT].used, 65536);
		assert_int_equal(h->procs[p].out[WIRE_STDERR].used, 65536);
	}
	for (uint16_t p = 22; p < 60; p++)
		assert_int_equal(host_finish(h, p)->code, 9);
	host_close(h);
}

/* --- ends --------------------------------------------------------------------------------- */

static void exit_codes_and_signals_are_reported(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 2, NULL, "exit 7");
	host_shell(h, 3, NULL, "kill -SEGV $$");
	assert_int_equal(host_finish(h, 2)->code, 7);
	assert_int_equal(h->procs[2].signal, 0);
	assert_int_equal(host_finish(h, 3)->code, 128 + SIGSEGV);
	assert_int_equal(h->procs[3].signal, SIGSEGV);
	host_close(h);
}

static void signals_reach_the_process(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, NULL, "trap 'echo got; exit 3' USR1; echo ready; sleep 1000 & wait");
	host_wait_output(h, 1, "ready\n");
	host_send_u32(h, WIRE_SIGNAL, 1, 0, SIGUSR1);
	assert_int_equal(host_finish(h, 1)->code, 3);
	assert_output(&h->procs[1], WIRE_STDOUT, "ready\ngot\n");
	/* To one that is over: no error. */
	host_send_u32(h, WIRE_SIGNAL, 1, 0, SIGUSR1);
	host_close(h);
}

static void children_start_with_no_signal_blocked_or_ignored(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, NULL, "exec grep -E '^Sig(Blk|Ign)' /proc/self/status");
	assert_output(host_finish(h, 1), WIRE_STDOUT,
		      "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	host_close(h);
}

static void what_cannot_start_says_why(void **state)
{
	char *missing[] = { (char *)"no-such-command", NULL };
	char *missing_path[] = { (char *)"/no/such/command", NULL };
	char *refused[] = { (char *)"/etc/passwd", NULL };
	char *plain[] = { (char *)"true", NULL };
	char *path[] = { (char *)"PATH=/no:/where", NULL };
	struct wire_start start = { 0 }, stranger = { .user = WSTR("no-such-user") };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_start(h, 2, &start, missing, missing + 1);
	assert_int_equal(host_finish(h, 2)->code, 127);
	assert_contains(h->procs[2].reason, "no such command 'no-such-command'");
	assert_contains(h->procs[2].reason, "/usr/bin");
	host_start(h, 3, &start, missing_path, missing + 1);
	assert_int_equal(host_finish(h, 3)->code, 127);
	assert_contains(h->procs[3].reason, "no such command '/no/such/command'");
	host_start(h, 4, &start, refused, missing + 1);
	assert_int_equal(host_finish(h, 4)->code, 126);
	assert_contains(h->procs[4].reason, "Permission denied");
	host_start(h, 5, &stranger, plain, missing + 1);
	assert_int_equal(host_finish(h, 5)->code, 125);
	assert_contains(h->procs[5].reason, "no such user 'no-such-user'");
	host_start(h, 6, &start, plain, path);
	assert_int_equal(host_finish(h, 6)->code, 127);
	assert_contains(h->procs[6].reason, "(/no:/where)");
	for (int p = 2; p <= 6; p++)
		assert_false(h->procs[p].started);
	/* The number is free again. */
	h->procs[2].failed = 0;
	host_shell(h, 2, NULL, "exit 0");
	assert_int_equal(host_finish(h, 2)->ended, 1);
	host_close(h);
}

static void write_program(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void files_that_are_no_programs_say_what_is_wrong(void **state)
{
	char dir[] = "/tmp/hillock-guest-test-XXXXXX", plain[64], lost[64], path[64];
	char *argv[] = { (char *)"plain", NULL }, *envp[] = { path, NULL };
	struct wire_start start = { 0 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(plain, sizeof(plain), "%s/plain", dir);
	snprintf(lost, sizeof(lost), "%s/lost", dir);
	snprintf(path, sizeof(path), "PATH=/no:%s", dir);
	write_program(plain, "echo not a script\n");
	write_program(lost, "#!/no/such/interpreter\n");
	host_start(h, 2, &start, argv, envp);
	argv[0] = (char *)"lost";
	host_start(h, 3, &start, argv, envp);
	assert_int_equal(host_finish(h, 2)->code, 126);
	assert_contains(h->procs[2].reason, "exec format error");
	assert_contains(h->procs[2].reason, plain);
	assert_int_equal(host_finish(h, 3)->code, 127);
	assert_contains(h->procs[3].reason, lost);
	assert_contains(h->procs[3].reason, "interpreter");
	unlink(plain);
	unlink(lost);
	rmdir(dir);
	host_close(h);
}

static void a_side_process_does_not_wait_for_what_it_left_behind(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 2, NULL, "sleep 1000 & head -c 40000 /dev/zero; exit 4");
	assert_int_equal(host_finish(h, 2)->code, 4);
	assert_int_equal(h->procs[2].out[WIRE_STDOUT].used, 40000);
	host_close(h);
}

static void a_side_process_on_a_terminal_does_not_wait_either(void **state)
{
	struct wire_start start = { .terminal = 1 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 2, &start, "trap '' HUP; sleep 1000 & echo done");
	assert_int_equal(host_finish(h, 2)->code, 0);
	assert_output(&h->procs[2], WIRE_STDOUT, "done\r\n");
	host_close(h);
}

static void the_workload_takes_everything_with_it(void **state)
{
	struct wire_start start = { .stdin_open = 1 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	if (!h->is_init) {
		host_close(h);
		skip();
	}
	host_shell(h, 1, &start, "setsid sleep 1000 & read x; echo bye; exit 5");
	host_shell(h, 2, NULL, "echo ready; exec sleep 1000");
	host_wait_output(h, 2, "ready\n");
	host_send(h, WIRE_EOF, 1, WIRE_STDIN, NULL, 0);
	assert_int_equal(host_finish(h, 1)->code, 5);
	assert_output(&h->procs[1], WIRE_STDOUT, "bye\n");
	assert_int_equal(host_finish(h, 2)->signal, SIGKILL);
	host_close(h);
}

static void shutdown_ends_what_runs(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, NULL, "trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done");
	host_wait_output(h, 1, "ready\n");
	host_close(h);
}

static void the_end_of_the_wire_ends_the_guest(void **state)
{
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, NULL, "echo ready; exec sleep 1000");
	host_wait_output(h, 1, "ready\n");
	assert_int_equal(shutdown(h->fd, SHUT_WR), 0);
	host_expect_end(h, 0);
}

static void a_full_table_is_said(void **state)
{
	struct host *h = host_open_ready(init_path);
	const uint16_t first = 2, over = first + WIRE_PROCS_MAX;

	(void)state;
	for (uint16_t p = first; p <= over; p++)
		host_shell(h, p, NULL, "exec sleep 1000");
	assert_int_equal(host_finish(h, over)->code, 125);
	assert_contains(h->procs[over].reason, "64 processes");
	host_send_u32(h, WIRE_SIGNAL, first, 0, SIGKILL);
	host_finish(h, first);
	h->procs[over].failed = 0;
	host_shell(h, over, NULL, "exit 0");
	assert_int_equal(host_finish(h, over)->ended, 1);
	host_close(h);
}

/* --- surroundings ------------------------------------------------------------------------- */

static void the_environment_is_completed(void **state)
{
	char *argv[] = { (char *)"/usr/bin/env", NULL };
	char *given[] = { (char *)"HOME=/here", (char *)"PATH=/there", NULL };
	struct wire_start start = { 0 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_start(h, 2, &start, argv, argv + 1);
	assert_output(host_finish(h, 2), WIRE_STDOUT,
		      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
		      "HOME=/root\nHOSTNAME=box\n");
	host_start(h, 3, &start, argv, given);
	assert_output(host_finish(h, 3), WIRE_STDOUT, "HOME=/here\nPATH=/there\nHOSTNAME=box\n");
	start.terminal = 1;
	host_start(h, 4, &start, argv, given);
	assert_output(host_finish(h, 4), WIRE_STDOUT,
		      "HOME=/here\r\nPATH=/there\r\nHOSTNAME=box\r\nTERM=xterm\r\n");
	host_close(h);
}

static void the_working_directory_is_made(void **state)
{
	char dir[] = "/tmp/hillock-guest-test-XXXXXX", deep[64], expected[80], up[64];
	struct wire_start start = { 0 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(up, sizeof(up), "%s/a", dir);
	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	snprintf(expected, sizeof(expected), "%s\n", deep);
	start.cwd = (struct wire_string){ deep, (uint32_t)strlen(deep) };
	host_shell(h, 2, &start, "pwd");
	assert_output(host_finish(h, 2), WIRE_STDOUT, expected);
	start.cwd = WSTR("/etc/passwd/x");
	host_shell(h, 3, &start, "pwd");
	assert_int_equal(host_finish(h, 3)->code, 125);
	assert_contains(h->procs[3].reason, "'/etc/passwd/x'");
	rmdir(deep);
	rmdir(up);
	rmdir(dir);
	host_close(h);
}

/* --- terminals ---------------------------------------------------------------------------- */

static void a_terminal_has_its_size_and_its_session(void **state)
{
	struct wire_start start = { .terminal = 1, .rows = 11, .columns = 22 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, &start,
		   "stty size; test -t 0 && test -t 1 && test -t 2 && echo all; echo e >&2;"
		   "echo ctl > /dev/tty");
	assert_output(host_finish(h, 1), WIRE_STDOUT, "11 22\r\nall\r\ne\r\nctl\r\n");
	assert_output(&h->procs[1], WIRE_STDERR, "");
	host_close(h);
}

static void a_new_size_reaches_the_program(void **state)
{
	const uint8_t size[] = { 33, 0, 44, 0 };
	struct wire_start start = { .terminal = 1, .rows = 11, .columns = 22 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, &start, "trap 'stty size; exit 0' WINCH; echo ready; sleep 1000 & wait");
	host_wait_output(h, 1, "ready\r\n");
	host_send(h, WIRE_WINSIZE, 1, 0, size, sizeof(size));
	assert_output(host_finish(h, 1), WIRE_STDOUT, "ready\r\n33 44\r\n");
	host_close(h);
}

static void a_typed_interrupt_is_a_signal(void **state)
{
	struct wire_start start = { .terminal = 1, .stdin_open = 1 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, &start, "echo ready; exec sleep 1000");
	host_wait_output(h, 1, "ready\r\n");
	host_send(h, WIRE_DATA, 1, WIRE_STDIN, "\003", 1);
	assert_int_equal(host_finish(h, 1)->signal, SIGINT);
	host_close(h);
}

static void the_end_of_input_is_typed_into_a_terminal(void **state)
{
	struct wire_start start = { .terminal = 1, .stdin_open = 1 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 1, &start, "stty -echo; echo ready; cat; echo over");
	host_wait_output(h, 1, "ready\r\n");
	host_send(h, WIRE_DATA, 1, WIRE_STDIN, "a line\nand a part", 17);
	host_send(h, WIRE_EOF, 1, WIRE_STDIN, NULL, 0);
	assert_output(host_finish(h, 1), WIRE_STDOUT, "ready\r\na line\r\nand a partover\r\n");
	host_close(h);
}

static void a_terminal_loses_no_output_to_a_slow_reader(void **state)
{
	struct wire_start start = { .terminal = 1 };
	struct host *h = host_open_ready(init_path);
	struct seen *s = &h->procs[1];

	(void)state;
	h->hold = 1;
	host_shell(h, 1, &start, "stty raw; head -c 300000 /dev/zero");
	while (s->owed[WIRE_STDOUT] < WIRE_WINDOW)
		assert_true(host_turn(h));
	h->hold = 0;
	host_grant(h, 1);
	host_finish(h, 1);
	assert_int_equal(s->out[WIRE_STDOUT].used, 300000);
	host_close(h);
}

/* --- a host that breaks the rules ----------------------------------------------------------- */

struct offence {
	const char *name;
	int ready; /* after SETUP and the start of proc 1 (cat); else right after HELLO */
	enum wire_type type;
	uint16_t proc;
	uint8_t channel;
	unsigned size, times;
};

static const struct offence offences[] = {
	{ "no frame at all", 0, (enum wire_type)200, 0, 0, 0, 1 },
	{ "a guest's own frame", 0, WIRE_DOWN, 0, 0, 0, 1 },
	{ "a client's frame", 1, WIRE_ATTACH, 1, 0, 0, 1 },
	{ "START before SETUP", 0, WIRE_START, 1, 0, 100, 1 },
	{ "SETUP that is none", 0, WIRE_SETUP, 0, 0, 100, 1 },
	{ "a length over the maximum", 0, WIRE_DATA, 1, WIRE_STDIN, WIRE_DATA_MAX + 1, 1 },
	{ "START that is none", 1, WIRE_START, 2, 0, 100, 1 },
	{ "START of a proc that runs", 1, WIRE_START, 1, 0, 100, 1 },
	{ "DATA on standard output", 1, WIRE_DATA, 1, WIRE_STDOUT, 1, 1 },
	{ "more DATA than the window", 1, WIRE_DATA, 1, WIRE_STDIN, WIRE_DATA_MAX, 100 },
	{ "EOF twice", 1, WIRE_EOF, 1, WIRE_STDIN, 0, 2 },
	{ "EOF of output", 1, WIRE_EOF, 1, WIRE_STDERR, 0, 1 },
	{ "CREDIT nobody owes", 1, WIRE_CREDIT, 1, WIRE_STDOUT, 4, 1 },
	{ "CREDIT for input", 1, WIRE_CREDIT, 1, WIRE_STDIN, 4, 1 },
	{ "a signal that is none", 1, WIRE_SIGNAL, 1, 0, 4, 1 },
};

static void a_broken_rule_ends_the_session(void **state)
{
	static const uint8_t payload[WIRE_PAYLOAD_MAX] = { 0xff, 0xff };
	struct wire_start start = { .stdin_open = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(offences) / sizeof(offences[0]); i++) {
		const struct offence *o = &offences[i];
		struct host *h = o->ready ? host_open_ready(init_path) : host_open(init_path);

		print_message("  %s\n", o->name);
		if (o->ready) {
			host_shell(h, 1, &start, "exec sleep 1000");
			host_wait(h, &h->procs[1].started);
		}
		h->procs[1].credit = 0; /* what comes now is granted for what it did not own */
		for (unsigned t = 0; t < o->times; t++) {
			struct wire_header header = { (uint8_t)o->type, o->channel, o->proc,
						      o->size };
			uint8_t bytes[WIRE_HEADER_SIZE];

			wire_header_put(bytes, &header);
			if (write(h->fd, bytes, sizeof(bytes)) < 0 ||
			    (o->size && write(h->fd, payload, o->size) < 0))
				break; /* it has closed already */
		}
		host_expect_end(h, 1);
	}
}

static void frames_for_a_proc_that_is_over_are_no_offence(void **state)
{
	const uint8_t size[] = { 1, 0, 1, 0 };
	struct host *h = host_open_ready(init_path);

	(void)state;
	host_shell(h, 2, NULL, "exit 0");
	host_finish(h, 2);
	host_send(h, WIRE_DATA, 2, WIRE_STDIN, "late", 4);
	host_send(h, WIRE_EOF, 2, WIRE_STDIN, NULL, 0);
	host_send_u32(h, WIRE_CREDIT, 2, WIRE_STDOUT, 10);
	host_send(h, WIRE_WINSIZE, 2, 0, size, sizeof(size));
	host_close(h);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_error_stay_apart),
		cmocka_unit_test(frames_may_come_in_pieces),
		cmocka_unit_test(ten_megabytes_go_through_unchanged),
		cmocka_unit_test(a_reader_that_stops_holds_up_its_own_channel_only),
		cmocka_unit_test(a_workload_that_does_not_read_holds_up_its_input_only),
		cmocka_unit_test(input_to_a_reader_that_is_gone_is_taken_and_dropped),
		cmocka_unit_test(closed_standard_input_is_empty),
		cmocka_unit_test(a_host_that_does_not_read_loses_nothing),
		cmocka_unit_test(exit_codes_and_signals_are_reported),
		cmocka_unit_test(signals_reach_the_process),
		cmocka_unit_test(children_start_with_no_signal_blocked_or_ignored),
		cmocka_unit_test(what_cannot_start_says_why),
		cmocka_unit_test(files_that_are_no_programs_say_what_is_wrong),
		cmocka_unit_test(a_side_process_does_not_wait_for_what_it_left_behind),
		cmocka_unit_test(a_side_process_on_a_terminal_does_not_wait_either),
		cmocka_unit_test(the_workload_takes_everything_with_it),
		cmocka_unit_test(shutdown_ends_what_runs),
		cmocka_unit_test(the_end_of_the_wire_ends_the_guest),
		cmocka_unit_test(a_full_table_is_said),
		cmocka_unit_test(the_environment_is_completed),
		cmocka_unit_test(the_working_directory_is_made),
		cmocka_unit_test(a_terminal_has_its_size_and_its_session),
		cmocka_unit_test(a_new_size_reaches_the_program),
		cmocka_unit_test(a_typed_interrupt_is_a_signal),
		cmocka_unit_test(the_end_of_input_is_typed_into_a_terminal),
		cmocka_unit_test(a_terminal_loses_no_output_to_a_slow_reader),
		cmocka_unit_test(a_broken_rule_ends_the_session),
		cmocka_unit_test(frames_for_a_proc_that_is_over_are_no_offence),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s INIT\n", argv[0]);
		return 2;
	}
	init_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
