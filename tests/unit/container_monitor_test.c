// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor between a guest that keeps the rules or breaks them, and clients that do.
 *
 * The monitor is a process, as it always is (without its jail, which tests/behaviour looks at);
 * this side plays the guest on the wire, the keeper, and the clients.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/monitor.h"

enum { PATIENCE_MS = 20 * 1000 };

static struct {
	pid_t pid;
	int guest, kernel_log, keeper, session;
	struct sockaddr_un control;
	socklen_t control_size;
	char directory[64];
} rig;

/* --- the other sides ------------------------------------------------------------------------- */

static int listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* No name: the kernel chooses an abstract one. */
	rig.control = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_int_equal(bind(fd, (struct sockaddr *)&rig.control, sizeof(sa_family_t)), 0);
	rig.control_size = sizeof(rig.control);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&rig.control, &rig.control_size), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

struct options {
	int attach, sync, terminal, stdin_open;
};

static void start_monitor(struct options options)
{
	static struct monitor m;
	struct monitor_spec spec = { .session_fd = -1,
				     .sync = options.sync,
				     .terminal = options.terminal,
				     .stdin_open = options.stdin_open };
	int wire[2], log[2], keeper[2], session[2] = { -1, -1 }, dir;

	strcpy(rig.directory, "/tmp/hillock-monitor-test.XXXXXX");
	assert_non_null(mkdtemp(rig.directory));
	dir = open(rig.directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(log_create(&spec.log, dir, "log", 1 << 20, NULL), 0);
	assert_int_equal(log_create(&spec.kernel_log, dir, "kernel", 1 << 20, NULL), 0);
	close(dir);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, wire), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, keeper), 0);
	assert_int_equal(pipe(log), 0);
	if (options.attach)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, session), 0);
	spec.wire_fd = wire[1];
	spec.kernel_log_fd = log[0];
	spec.report_fd = keeper[1];
	spec.session_fd = session[1];
	spec.listen_fd = listen_somewhere();
	spec.setup = (const uint8_t *)"";
	spec.start = (const uint8_t *)"begin";
	spec.start_size = 5;
	rig.pid = fork();
	if (rig.pid == 0) {
		close(wire[0]);
		close(log[1]);
		close(keeper[0]);
		if (session[0] >= 0)
			close(session[0]);
		_exit(monitor_prepare(&m, &spec) < 0 || monitor_serve(&m) < 0);
	}
	close(spec.log.fds[0]);
	close(spec.log.fds[1]);
	close(spec.kernel_log.fds[0]);
	close(spec.kernel_log.fds[1]);
	close(spec.listen_fd);
	close(wire[1]);
	close(log[0]);
	close(keeper[1]);
	if (session[1] >= 0)
		close(session[1]);
	rig.guest = wire[0];
	rig.kernel_log = log[1];
	rig.keeper = keeper[0];
	rig.session = session[0];
}

/* It ends by itself once everybody has let go. */
static int end_monitor(void **state)
{
	int status = 0;

	fd_close(&rig.guest);
	fd_close(&rig.kernel_log);
	fd_close(&rig.keeper);
	fd_close(&rig.session);
	if (rig.pid > 0)
		waitpid(rig.pid, &status, 0);
	rig.pid = 0;
	fd_remove_tree(AT_FDCWD, rig.directory, NULL);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static void put(int fd, const void *data, size_t size)
{
	assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

static void put_frame(int fd, int type, int proc, int channel, const void *payload, size_t size)
{
	struct wire_header h = { (uint8_t)type, (uint8_t)channel, (uint16_t)proc, (uint32_t)size };
	uint8_t head[WIRE_HEADER_SIZE];

	wire_header_put(head, &h);
	put(fd, head, sizeof(head));
	if (size > 0)
		put(fd, payload, size);
}

static void put_numbers(int fd, int type, int proc, uint32_t a, int with_b, uint32_t b)
{
	uint8_t raw[16];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, a);
	if (with_b)
		wire_put_u32(&out, b);
	wire_put_u64(&out, 0);
	put_frame(fd, type, proc, 0, raw, out.used);
}

static void put_u32(int fd, int type, int proc, int channel, uint32_t n)
{
	uint8_t raw[4] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24) };

	put_frame(fd, type, proc, channel, raw, sizeof(raw));
}

static void hello(void)
{
	put_numbers(rig.guest, WIRE_HELLO, 0, WIRE_VERSION, 0, 0);
}

static void ready(void)
{
	put_frame(rig.guest, WIRE_READY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
}

static void started(int proc)
{
	put_numbers(rig.guest, WIRE_STARTED, proc, 100, 0, 0);
}

static void exited(int proc, uint32_t code)
{
	put_numbers(rig.guest, WIRE_EXIT, proc, code, 1, 0);
}

static void data(int fd, int proc, int channel, size_t size)
{
	static const uint8_t zeros[WIRE_DATA_MAX];

	while (size > 0) {
		size_t n = size < sizeof(zeros) ? size : sizeof(zeros);

		put_frame(fd, WIRE_DATA, proc, channel, zeros, n);
		size -= n;
	}
}

/* What the guest gets first. */
static void expect_start(void)
{
	char text[5];

	wait_readable(rig.guest);
	assert_int_equal(recv(rig.guest, text, 5, MSG_WAITALL), 5);
	assert_memory_equal(text, "begin", 5);
}

static void boot(void)
{
	hello();
	expect_start();
	ready();
	started(1);
}

/* Reads one frame; 0 at the end. */
static int get_frame(int fd, struct wire_header *h, uint8_t payload[WIRE_PAYLOAD_MAX])
{
	uint8_t head[WIRE_HEADER_SIZE];
	ssize_t n;

	wait_readable(fd);
	n = recv(fd, head, sizeof(head), MSG_WAITALL);
	if (n <= 0) /* reset: it had not read all of ours */
		return 0;
	assert_int_equal(n, sizeof(head));
	h->type = head[0];
	h->channel = head[1];
	h->proc = (uint16_t)(head[2] | head[3] << 8);
	h->length = head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 |
		    (uint32_t)head[7] << 24;
	if (h->length > 0)
		assert_int_equal(recv(fd, payload, h->length, MSG_WAITALL), h->length);
	return 1;
}

static uint8_t payload[WIRE_PAYLOAD_MAX];

static void expect_frame(int fd, int type, int proc, struct wire_header *h)
{
	assert_int_equal(get_frame(fd, h, payload), 1);
	assert_int_equal(h->type, type);
	assert_int_equal(h->proc, proc);
}

static uint32_t payload_u32(void)
{
	return payload[0] | (uint32_t)payload[1] << 8 | (uint32_t)payload[2] << 16 |
	       (uint32_t)payload[3] << 24;
}

/* The keeper waits for the last report. */
static struct report last_report(void)
{
	struct report r;

	do {
		wait_readable(rig.keeper);
		assert_int_equal(recv(rig.keeper, &r, sizeof(r), 0), sizeof(r));
	} while (!r.last);
	return r;
}

static struct report next_report(enum report_kind kind)
{
	struct report r;

	do {
		wait_readable(rig.keeper);
		assert_int_equal(recv(rig.keeper, &r, sizeof(r), 0), sizeof(r));
	} while (r.kind != kind && !r.last);
	assert_int_equal(r.kind, kind);
	return r;
}

static int connect_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&rig.control, rig.control_size), 0);
	return fd;
}

/* --- guests that keep the rules -------------------------------------------------------------- */

static void an_ordinary_life_is_reported(void **state)
{
	struct wire_header h;

	start_monitor((struct options){ .attach = 1 });
	boot();
	assert_int_equal(next_report(REPORT_STARTED).value, 100);
	expect_frame(rig.session, WIRE_STARTED, 1, &h);
	put_frame(rig.guest, WIRE_DATA, 1, WIRE_STDERR, "words", 5);
	expect_frame(rig.session, WIRE_DATA, 1, &h);
	assert_int_equal(h.channel, WIRE_STDERR);
	assert_memory_equal(payload, "words", 5);
	exited(1, 7);
	expect_frame(rig.session, WIRE_EXIT, 1, &h);
	assert_int_equal(payload_u32(), 7);
	struct report r = last_report();

	assert_int_equal(r.kind, REPORT_EXIT);
	assert_int_equal(r.value, 7);
	assert_int_equal(get_frame(rig.session, &h, payload), 0);
}

static void a_failed_start_is_reported_with_its_reason(void **state)
{
	uint8_t raw[64];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	start_monitor((struct options){ .attach = 0 });
	hello();
	expect_start();
	ready();
	wire_put_u32(&out, 127);
	wire_put_string(&out, "no such\033 thing", 14);
	put_frame(rig.guest, WIRE_FAILED, 1, 0, raw, out.used);
	struct report r = last_report();

	assert_int_equal(r.kind, REPORT_FAILED);
	assert_int_equal(r.value, 127);
	assert_string_equal(r.text, "no such? thing");
}

static void what_outlives_the_machine_is_written_back_first(void **state)
{
	struct wire_header h;

	start_monitor((struct options){ .sync = 1 });
	boot();
	exited(1, 3);
	expect_frame(rig.guest, WIRE_SHUTDOWN, 0, &h);
	put_frame(rig.guest, WIRE_DOWN, 0, 0, NULL, 0);
	struct report r = last_report();

	assert_int_equal(r.kind, REPORT_EXIT);
	assert_int_equal(r.value, 3);
	assert_string_equal(r.text, "");
}

static void with_nobody_attached_output_is_granted_at_once(void **state)
{
	struct wire_header h;
	size_t granted = 0;

	start_monitor((struct options){ .attach = 0 });
	boot();
	data(rig.guest, 1, WIRE_STDOUT, WIRE_WINDOW);
	while (granted < WIRE_WINDOW) {
		expect_frame(rig.guest, WIRE_CREDIT, 1, &h);
		assert_int_equal(h.channel, WIRE_STDOUT);
		granted += payload_u32();
	}
	assert_int_equal(granted, WIRE_WINDOW);
	data(rig.guest, 1, WIRE_STDOUT, WIRE_WINDOW);
	exited(1, 0);
	assert_int_equal(last_report().kind, REPORT_EXIT);
}

static void the_slowest_session_decides_what_is_granted(void **state)
{
	struct wire_header h;
	int second;

	start_monitor((struct options){ .attach = 1 });
	boot();
	next_report(REPORT_STARTED);
	second = connect_client();
	put_frame(second, WIRE_ATTACH, 1, 0, NULL, 0);
	expect_frame(second, WIRE_STARTED, 1, &h);
	expect_frame(rig.session, WIRE_STARTED, 1, &h);
	data(rig.guest, 1, WIRE_STDOUT, WIRE_DATA_MAX);
	expect_frame(rig.session, WIRE_DATA, 1, &h);
	expect_frame(second, WIRE_DATA, 1, &h);
	put_u32(rig.session, WIRE_CREDIT, 1, WIRE_STDOUT, WIRE_DATA_MAX);
	/* Something else goes through after it, so the credit has been looked at and withheld. */
	put_u32(rig.session, WIRE_SIGNAL, 1, 0, SIGUSR1);
	expect_frame(rig.guest, WIRE_SIGNAL, 1, &h);
	put_u32(second, WIRE_CREDIT, 1, WIRE_STDOUT, WIRE_DATA_MAX);
	expect_frame(rig.guest, WIRE_CREDIT, 1, &h);
	assert_int_equal(payload_u32(), WIRE_DATA_MAX);
	/* And one that goes away counts no more. */
	data(rig.guest, 1, WIRE_STDOUT, WIRE_DATA_MAX);
	put_u32(rig.session, WIRE_CREDIT, 1, WIRE_STDOUT, WIRE_DATA_MAX);
	close(second);
	expect_frame(rig.guest, WIRE_CREDIT, 1, &h);
	exited(1, 0);
	assert_int_equal(last_report().kind, REPORT_EXIT);
}

static void a_client_s_process_has_a_number_of_its_own_in_the_guest(void **state)
{
	char *argv[] = { (char *)"ls", NULL }, *envp[] = { NULL };
	struct wire_start start = { .cwd = { "", 0 }, .user = { "", 0 } };
	struct wire_header h;
	int client;

	start_monitor((struct options){ .attach = 0 });
	boot();
	next_report(REPORT_STARTED);
	client = connect_client();
	assert_int_equal(container_session_start(client, &start, argv, envp, NULL), 0);
	expect_frame(rig.guest, WIRE_START, 2, &h);
	started(2);
	expect_frame(client, WIRE_STARTED, 1, &h);
	data(rig.guest, 2, WIRE_STDOUT, 3);
	expect_frame(client, WIRE_DATA, 1, &h);
	exited(2, 9);
	expect_frame(client, WIRE_EXIT, 1, &h);
	assert_int_equal(payload_u32(), 9);
	assert_int_equal(get_frame(client, &h, payload), 0);
	close(client);
	exited(1, 0);
	assert_int_equal(last_report().kind, REPORT_EXIT);
}

static void a_signal_waits_until_its_process_runs(void **state)
{
	struct wire_header h;

	start_monitor((struct options){ .attach = 1 });
	put_u32(rig.session, WIRE_SIGNAL, 1, 0, SIGTERM);
	boot();
	expect_frame(rig.guest, WIRE_SIGNAL, 1, &h);
	assert_int_equal(payload_u32(), SIGTERM);
	exited(1, 143);
	assert_int_equal(last_report().value, 143);
}

static void sigkill_ends_a_machine_that_has_not_started(void **state)
{
	int client;

	start_monitor((struct options){ .attach = 0 });
	client = connect_client();
	put_u32(client, WIRE_SIGNAL, 1, 0, SIGKILL);
	struct report r = last_report();

	assert_int_equal(r.kind, REPORT_EXIT);
	assert_int_equal(r.value, 128 + SIGKILL);
	close(client);
}

static void a_lost_session_closes_the_command_s_input(void **state)
{
	struct wire_header h;

	start_monitor((struct options){ .attach = 1, .stdin_open = 1 });
	boot();
	put_frame(rig.session, WIRE_DATA, 1, WIRE_STDIN, "in", 2);
	expect_frame(rig.guest, WIRE_DATA, 1, &h);
	fd_close(&rig.session);
	expect_frame(rig.guest, WIRE_EOF, 1, &h);
	assert_int_equal(h.channel, WIRE_STDIN);
	exited(1, 0);
	assert_int_equal(last_report().kind, REPORT_EXIT);
}

static void a_kernel_that_dies_is_reported_with_its_panic(void **state)
{
	static const char text[] = "[ 0.1] Kernel panic - not syncing: test\n";

	start_monitor((struct options){ .attach = 1 });
	boot();
	fd_close(&rig.guest);
	assert_int_equal(write(rig.kernel_log, text, sizeof(text) - 1), sizeof(text) - 1);
	fd_close(&rig.kernel_log);
	struct report r = last_report();

	assert_int_equal(r.kind, REPORT_LOST);
	assert_int_equal(r.value, 125);
	assert_string_equal(r.text, "Kernel panic - not syncing: test");
}

/* --- guests that break them ------------------------------------------------------------------ */

static void say_hello_twice(void)
{
	hello();
	hello();
}

static void say_ready_first(void)
{
	ready();
}

static void say_ready_twice(void)
{
	boot();
	ready();
}

static void start_before_ready(void)
{
	hello();
	started(1);
}

static void start_twice(void)
{
	boot();
	started(1);
}

static void start_what_nobody_asked_for(void)
{
	boot();
	started(2);
}

static void exit_before_start(void)
{
	hello();
	ready();
	exited(1, 0);
}

static void exit_with_an_odd_code(void)
{
	boot();
	exited(1, 256);
}

static void write_before_start(void)
{
	hello();
	ready();
	data(rig.guest, 1, WIRE_STDOUT, 1);
}

static void write_for_nobody(void)
{
	boot();
	data(rig.guest, 9, WIRE_STDOUT, 1);
}

static void write_to_standard_input(void)
{
	boot();
	data(rig.guest, 1, WIRE_STDIN, 1);
}

static void write_nothing(void)
{
	boot();
	put_frame(rig.guest, WIRE_DATA, 1, WIRE_STDOUT, NULL, 0);
}

static void write_after_the_end(void)
{
	boot();
	put_frame(rig.guest, WIRE_EOF, 1, WIRE_STDOUT, NULL, 0);
	data(rig.guest, 1, WIRE_STDOUT, 1);
}

/* Somebody is attached and does not read, so nothing is granted. */
static void write_over_the_window(void)
{
	boot();
	data(rig.guest, 1, WIRE_STDOUT, WIRE_WINDOW);
	data(rig.guest, 1, WIRE_STDOUT, 1);
}

static void grant_more_than_was_taken(void)
{
	boot();
	put_u32(rig.guest, WIRE_CREDIT, 1, WIRE_STDIN, 1);
}

static void grant_nothing(void)
{
	boot();
	put_u32(rig.guest, WIRE_CREDIT, 1, WIRE_STDIN, 0);
}

static void use_a_number_that_is_too_high(void)
{
	boot();
	started(WIRE_PROCS_MAX);
}

static void be_down_unasked(void)
{
	boot();
	put_frame(rig.guest, WIRE_DOWN, 0, 0, NULL, 0);
}

static void speak_like_a_host(void)
{
	boot();
	put_frame(rig.guest, WIRE_ATTACH, 1, 0, NULL, 0);
}

static void fail_in_an_odd_way(void)
{
	uint8_t raw[8] = { 3 };

	hello();
	put_frame(rig.guest, WIRE_FAILED, 1, 0, raw, sizeof(raw));
}

static void fail_after_the_start(void)
{
	uint8_t raw[8] = { 125 };

	boot();
	put_frame(rig.guest, WIRE_FAILED, 1, 0, raw, sizeof(raw));
}

static void say_too_much(void)
{
	hello();
	put_frame(rig.guest, WIRE_READY, 0, 0, "\0\0\0\0\0\0\0\0\0", 9);
}

static void talk_nonsense(void)
{
	put(rig.guest, "GET / HTTP/1.0\r\n\r\n", 18);
}

static void a_guest_that_breaks_the_rules_ends_only_itself(void **state)
{
	static void (*const offences[])(void) = {
		say_hello_twice,
		say_ready_first,
		say_ready_twice,
		start_before_ready,
		start_twice,
		start_what_nobody_asked_for,
		exit_before_start,
		exit_with_an_odd_code,
		write_before_start,
		write_for_nobody,
		write_to_standard_input,
		write_nothing,
		write_after_the_end,
		write_over_the_window,
		grant_more_than_was_taken,
		grant_nothing,
		use_a_number_that_is_too_high,
		be_down_unasked,
		speak_like_a_host,
		fail_in_an_odd_way,
		fail_after_the_start,
		say_too_much,
		talk_nonsense,
	};

	for (size_t i = 0; i < sizeof(offences) / sizeof(offences[0]); i++) {
		struct report r;

		start_monitor((struct options){ .attach = 1 });
		offences[i]();
		r = last_report();
		assert_int_equal(r.kind, REPORT_LOST);
		assert_int_equal(r.value, 125);
		assert_string_equal(r.text, "its init broke the rules of the wire");
		assert_int_equal(end_monitor(NULL), 0);
	}
}

static void a_guest_of_another_version_is_told_apart(void **state)
{
	struct report r;

	start_monitor((struct options){ .attach = 0 });
	put_numbers(rig.guest, WIRE_HELLO, 0, WIRE_VERSION + 1, 0, 0);
	r = last_report();
	assert_int_equal(r.kind, REPORT_LOST);
	assert_non_null(strstr(r.text, "speaks version"));
}

/* --- clients that break them ----------------------------------------------------------------- */

static void a_client_that_breaks_the_rules_is_cut_off_and_nobody_else(void **state)
{
	struct wire_header h;

	start_monitor((struct options){ .attach = 1 });
	boot();
	next_report(REPORT_STARTED);
	for (int i = 0; i < 6; i++) {
		int client = connect_client();

		switch (i) {
		case 0:
			put(client, "GET / HTTP/1.0\r\n\r\n", 18);
			break;
		case 1: /* as a guest would */
			put_numbers(client, WIRE_STARTED, 1, 1, 0, 0);
			break;
		case 2: /* no session */
			data(client, 1, WIRE_STDIN, 5);
			break;
		case 3: /* a START that is none */
			put_frame(client, WIRE_START, 1, 0, "xxxx", 4);
			break;
		case 4: /* credit for what was never sent */
			put_frame(client, WIRE_ATTACH, 1, 0, NULL, 0);
			expect_frame(client, WIRE_STARTED, 1, &h);
			put_u32(client, WIRE_CREDIT, 1, WIRE_STDOUT, 1);
			break;
		default:
			put_u32(client, WIRE_SIGNAL, 1, 0, 65);
		}
		assert_int_equal(get_frame(client, &h, payload), 0);
		close(client);
	}
	exited(1, 5);
	assert_int_equal(last_report().value, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_ordinary_life_is_reported, end_monitor),
		cmocka_unit_test_teardown(a_failed_start_is_reported_with_its_reason, end_monitor),
		cmocka_unit_test_teardown(what_outlives_the_machine_is_written_back_first,
					  end_monitor),
		cmocka_unit_test_teardown(with_nobody_attached_output_is_granted_at_once,
					  end_monitor),
		cmocka_unit_test_teardown(the_slowest_session_decides_what_is_granted, end_monitor),
		cmocka_unit_test_teardown(a_client_s_process_has_a_number_of_its_own_in_the_guest,
					  end_monitor),
		cmocka_unit_test_teardown(a_signal_waits_until_its_process_runs, end_monitor),
		cmocka_unit_test_teardown(sigkill_ends_a_machine_that_has_not_started, end_monitor),
		cmocka_unit_test_teardown(a_lost_session_closes_the_command_s_input, end_monitor),
		cmocka_unit_test_teardown(a_kernel_that_dies_is_reported_with_its_panic,
					  end_monitor),
		cmocka_unit_test(a_guest_that_breaks_the_rules_ends_only_itself),
		cmocka_unit_test_teardown(a_guest_of_another_version_is_told_apart, end_monitor),
		cmocka_unit_test_teardown(a_client_that_breaks_the_rules_is_cut_off_and_nobody_else,
					  end_monitor),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
