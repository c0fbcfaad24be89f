// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's side of the wire, for tests; what it offers stands in guest_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/guest_host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(99);
	close(fd);
}

/* A pid namespace for the next child. 0, or -1 where this may not be. */
static int enter_namespaces(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (uid == 0)
		return unshare(CLONE_NEWPID);
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
		return -1;
	write_map("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_map("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_map("/proc/self/gid_map", map);
	return 0;
}

/* As the kernel starts PID 1. By the system call: the C library keeps some signals to itself, but
 * whoever runs the tests may ignore those too. Its struct begins with the handler, SIG_DFL is 0. */
static void default_signals(void)
{
	static const unsigned long standard[8];

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, standard, NULL, 8);
}

/* The middle process: makes the namespace, starts init in it, and ends as init ends. */
static void __attribute__((noreturn)) keep_init(const char *init, int wire, int report)
{
	char is_init = enter_namespaces() == 0;
	int status;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(report, &is_init, 1) != 1)
		_exit(99);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		default_signals();
		if (dup2(wire, 3) < 0)
			_exit(99);
		execl(init, init, "--wire-fd", "3", (char *)NULL);
		_exit(99);
	}
	close(wire);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		_exit(98);
	_exit(WEXITSTATUS(status));
}

struct host *host_open(const char *init)
{
	struct host *h = calloc(1, sizeof(*h));
	int wire[2], report[2];
	char is_init;

	assert_non_null(h);
	signal(SIGPIPE, SIG_IGN); /* writing to a guest that is gone is a result */
	for (int i = 0; i < HOST_PROCS; i++)
		h->procs[i].credit = WIRE_WINDOW;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0)
		keep_init(init, wire[1], report[1]);
	close(wire[1]);
	close(report[1]);
	assert_int_equal(fd_read_full(report[0], &is_init, 1), 1);
	close(report[0]);
	h->is_init = is_init;
	h->fd = wire[0];
	return h;
}

struct host *host_open_ready(const char *init)
{
	struct host *h = host_open(init);

	host_setup(h);
	host_wait(h, &h->ready);
	return h;
}

static void free_host(struct host *h)
{
	for (int i = 0; i < HOST_PROCS; i++)
		for (int c = 0; c < 3; c++)
			free(h->procs[i].out[c].data);
	close(h->fd);
	free(h);
}

void host_expect_end(struct host *h, int status)
{
	int got;

	while (host_turn(h))
		;
	assert_int_equal(waitpid(h->pid, &got, 0), h->pid);
	assert_true(WIFEXITED(got));
	assert_int_equal(WEXITSTATUS(got), status);
	free_host(h);
}

void host_close(struct host *h)
{
	host_send(h, WIRE_SHUTDOWN, 0, 0, NULL, 0);
	host_wait(h, &h->down);
	host_expect_end(h, 0);
}

/* --- to the guest ------------------------------------------------------------------------- */

void host_send(struct host *h, enum wire_type type, uint16_t proc, uint8_t channel,
	       const void *payload, size_t size)
{
	static uint8_t frame[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];
	struct wire_header header = { (uint8_t)type, channel, proc, (uint32_t)size };

	assert_true(size <= WIRE_PAYLOAD_MAX);
	wire_header_put(frame, &header);
	if (size)
		memcpy(frame + WIRE_HEADER_SIZE, payload, size);
	assert_int_equal(fd_write_full(h->fd, frame, WIRE_HEADER_SIZE + size), 0);
}

void host_send_u32(struct host *h, enum wire_type type, uint16_t proc, uint8_t channel,
		   uint32_t value)
{
	uint8_t payload[4];
	struct wire_out out = { .data = payload, .room = sizeof(payload) };

	wire_put_u32(&out, value);
	host_send(h, type, proc, channel, payload, out.used);
}

void host_setup(struct host *h)
{
	struct wire_setup setup = { .hostname = WSTR("box"), .init_only = 1 };
	uint8_t payload[256];
	struct wire_out out = { .data = payload, .room = sizeof(payload) };

	wire_put_setup(&out, &setup);
	host_send(h, WIRE_SETUP, 0, 0, payload, out.used);
}

void host_start(struct host *h, uint16_t proc, const struct wire_start *start, char *const argv[],
		char *const envp[])
{
	static uint8_t payload[WIRE_PAYLOAD_MAX];
	struct wire_out out = { .data = payload, .room = sizeof(payload) };

	wire_put_start(&out, start, argv, envp);
	assert_false(out.overflow);
	host_send(h, WIRE_START, proc, 0, payload, out.used);
}

void host_shell(struct host *h, uint16_t proc, const struct wire_start *start, const char *script)
{
	const struct wire_start plain = { 0 };
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL };

	host_start(h, proc, start ? start : &plain, argv, argv + 3);
}

/* --- from the guest ----------------------------------------------------------------------- */

static void append(struct bytes *b, const uint8_t *data, size_t size)
{
	if (b->used + size + 1 > b->room) {
		b->room = (b->used + size + 1) * 2;
		b->data = realloc(b->data, b->room);
		assert_non_null(b->data);
	}
	memcpy(b->data + b->used, data, size);
	b->used += size;
	b->data[b->used] = '\0';
}

void host_grant(struct host *h, uint16_t proc)
{
	struct seen *s = &h->procs[proc];

	for (uint8_t c = WIRE_STDOUT; c <= WIRE_STDERR; c++) {
		if (s->owed[c] && !s->ended)
			host_send_u32(h, WIRE_CREDIT, proc, c, s->owed[c]);
		s->owed[c] = 0;
	}
}

static void take_output(struct host *h, const struct wire_header *header, const uint8_t *payload)
{
	struct seen *s = &h->procs[header->proc];

	assert_true(header->channel == WIRE_STDOUT || header->channel == WIRE_STDERR);
	assert_false(s->eof[header->channel]);
	append(&s->out[header->channel], payload, header->length);
	s->owed[header->channel] += header->length;
	assert_true(s->owed[header->channel] <= WIRE_WINDOW);
	if (!h->hold && s->owed[header->channel] >= WIRE_WINDOW / 2)
		host_grant(h, header->proc);
}

static void take_failure(struct seen *s, struct wire_in *in)
{
	struct wire_string reason;

	s->code = wire_get_u32(in);
	reason = wire_get_string(in);
	assert_true(reason.length < sizeof(s->reason));
	memcpy(s->reason, reason.data, reason.length);
	s->failed = 1;
}

static void take_frame(struct host *h, const struct wire_header *header, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = header->length };
	struct seen *s = &h->procs[header->proc];

	assert_true(header->proc < HOST_PROCS);
	assert_false(s->ended); /* EXIT is a proc's last frame */
	assert_true(h->hello || header->type == WIRE_HELLO);
	switch (header->type) {
	case WIRE_HELLO:
		assert_int_equal(wire_get_u32(&in), WIRE_VERSION);
		h->hello++;
		return;
	case WIRE_READY:
		h->ready++;
		return;
	case WIRE_DOWN:
		h->down++;
		return;
	case WIRE_STARTED:
		s->pid = wire_get_u32(&in);
		s->started++;
		return;
	case WIRE_FAILED:
		take_failure(s, &in);
		return;
	case WIRE_EXIT:
		assert_true(s->eof[WIRE_STDOUT]);
		s->code = wire_get_u32(&in);
		s->signal = wire_get_u32(&in);
		s->ended++;
		return;
	case WIRE_DATA:
		take_output(h, header, payload);
		return;
	case WIRE_EOF:
		s->eof[header->channel]++;
		return;
	case WIRE_CREDIT:
		assert_int_equal(header->channel, WIRE_STDIN);
		s->credit += wire_get_u32(&in);
		assert_true(s->credit <= WIRE_WINDOW);
		return;
	default:
		fail_msg("a guest sent a frame of type %u", header->type);
	}
}

int host_turn(struct host *h)
{
	struct pollfd set = { .fd = h->fd, .events = POLLIN };
	const uint8_t *payload;
	struct wire_header header;
	size_t at = 0;
	ssize_t n;
	long size;

	if (poll(&set, 1, HOST_PATIENCE * 1000) != 1)
		fail_msg("nothing came from the guest for %d seconds", HOST_PATIENCE);
	n = read(h->fd, h->in + h->in_used, sizeof(h->in) - h->in_used);
	if (n <= 0)
		return 0;
	h->in_used += (size_t)n;
	while ((size = wire_frame_get(h->in + at, h->in_used - at, &header, &payload)) > 0) {
		take_frame(h, &header, payload);
		at += (size_t)size;
	}
	assert_int_equal(size, 0);
	memmove(h->in, h->in + at, h->in_used - at);
	h->in_used -= at;
	return 1;
}

void host_wait(struct host *h, const int *flag)
{
	while (!*flag)
		if (!host_turn(h))
			fail_msg("the guest closed the wire");
}

void host_wait_output(struct host *h, uint16_t proc, const char *text)
{
	const struct bytes *out = &h->procs[proc].out[WIRE_STDOUT];

	while (!out->data || !memmem(out->data, out->used, text, strlen(text)))
		if (!host_turn(h))
			fail_msg("the guest closed the wire");
}

struct seen *host_finish(struct host *h, uint16_t proc)
{
	struct seen *s = &h->procs[proc];

	while (!s->ended && !s->failed)
		if (!host_turn(h))
			fail_msg("the guest closed the wire");
	return s;
}
