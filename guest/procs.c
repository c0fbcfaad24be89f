// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processes that run for the host.
 *
 * Theory of operation
 * -------------------
 * A stream is waited for only while it can move: output while the host has given credit and the
 * buffer to it has room, input while bytes wait that its pipe did not take. That is all of the
 * back pressure.
 *
 * EXIT comes after all output. The workload (proc 1) takes everything with it when it ends, so
 * its pipes come to their end by themselves. Another proc may leave children that keep its pipes
 * open; then what was in them when it ended is sent, and no more.
 *
 * A terminal is one descriptor, the master, read and written; it ends with EIO once nobody has
 * the other side open. When the host's input ends, the terminal's end-of-file character is
 * typed: twice behind a line that was not ended, where the first only hands on the line.
 */
#include "guest/guest.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"

/* The most that a terminal holds behind what one read gives; a bound, not a size. */
#define TERMINAL_LEFT (64 * 1024)

static struct proc procs[WIRE_PROCS_MAX];
static unsigned procs_end; /* no record in use from here on */

/* The record in use behind `p`, or the first; NULL at the end. */
static struct proc *next_proc(const struct proc *p)
{
	for (unsigned i = p ? (unsigned)(p - procs) + 1 : 0; i < procs_end; i++)
		if (procs[i].id)
			return &procs[i];
	return NULL;
}

struct proc *procs_find(uint16_t id)
{
	struct proc *p = NULL;

	while ((p = next_proc(p)))
		if (p->id == id)
			return p;
	return NULL;
}

struct proc *procs_add(uint16_t id)
{
	struct proc *p = procs;

	while (p < procs + WIRE_PROCS_MAX && p->id)
		p++;
	if (p == procs + WIRE_PROCS_MAX)
		return NULL;
	if (p == procs + procs_end)
		procs_end++;
	*p = (struct proc){ .id = id, .in_fd = -1 };
	for (int i = 0; i < 2; i++)
		p->out[i] = (struct stream){ .fd = -1, .credit = WIRE_WINDOW, .left = -1 };
	return p;
}

static void close_input(struct proc *p)
{
	if (!p->terminal)
		fd_close(&p->in_fd);
	p->in_fd = -1;
}

void procs_remove(struct proc *p)
{
	close_input(p);
	fd_close(&p->out[0].fd);
	fd_close(&p->out[1].fd);
	wire_queue_free(&p->in);
	p->id = 0;
	while (procs_end > 0 && !procs[procs_end - 1].id)
		procs_end--;
}

static void say_credit(const struct proc *p, uint32_t credit)
{
	struct wire_out *out = loop_out();
	size_t begun;

	if (credit == 0)
		return;
	begun = wire_begin(out, WIRE_CREDIT, p->id, WIRE_STDIN);
	wire_put_u32(out, credit);
	wire_end(out, begun);
}

/* --- input ------------------------------------------------------------------------------- */

static void finish_input(struct proc *p)
{
	struct termios t;
	char end[2];

	if (p->terminal && p->in_fd >= 0 && tcgetattr(p->in_fd, &t) == 0) {
		end[0] = end[1] = (char)t.c_cc[VEOF];
		/* A terminal too full to take it has a reader that does not read. */
		if (write(p->in_fd, end, p->in_last == '\n' || !p->in_last ? 1 : 2) < 0)
			p->in_last = 0;
	}
	close_input(p);
}

/* Writes what the reader takes now. How many bytes are done with; a reader that is gone takes
 * all. */
static uint32_t write_input(struct proc *p, const uint8_t *data, uint32_t size)
{
	ssize_t n;

	if (p->in_fd < 0)
		return size;
	do {
		n = write(p->in_fd, data, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0) {
		close_input(p);
		return size;
	}
	if (n > 0)
		p->in_last = (char)data[n - 1];
	return (uint32_t)n;
}

static void move_input(struct proc *p)
{
	uint32_t done = write_input(p, p->in.data + p->in.head, wire_queue_size(&p->in));

	say_credit(p, wire_queue_drop(&p->in, done));
	if (p->stdin_over && wire_queue_size(&p->in) == 0)
		finish_input(p);
}

int procs_data(uint16_t id, const uint8_t *data, uint32_t size)
{
	struct proc *p = procs_find(id);
	uint32_t done = 0;

	if (!p)
		return 0;
	if (p->stdin_over || wire_queue_check(&p->in, size) < 0)
		return -EPROTO;
	if (wire_queue_size(&p->in) == 0)
		done = write_input(p, data, size);
	say_credit(p, wire_queue_pass(&p->in, done));
	if (wire_queue_put(&p->in, data + done, size - done) == 0)
		return 0;
	/* Without memory for it the input ends here: better than a hole in it. */
	close_input(p);
	say_credit(p, wire_queue_pass(&p->in, size - done));
	move_input(p);
	return 0;
}

int procs_eof(uint16_t id)
{
	struct proc *p = procs_find(id);

	if (!p)
		return 0;
	if (p->stdin_over)
		return -EPROTO;
	p->stdin_over = 1;
	if (wire_queue_size(&p->in) == 0)
		finish_input(p);
	return 0;
}

/* --- output ------------------------------------------------------------------------------ */

int procs_credit(uint16_t id, uint8_t channel, uint32_t credit)
{
	struct proc *p = procs_find(id);
	struct stream *s;

	if (channel == WIRE_STDIN)
		return -EPROTO;
	if (!p)
		return 0;
	s = &p->out[channel - WIRE_STDOUT];
	if (credit > WIRE_WINDOW - s->credit)
		return -EPROTO;
	s->credit += credit;
	return 0;
}

static void end_stream(struct proc *p, int i)
{
	struct wire_out *out = loop_out();

	fd_close(&p->out[i].fd);
	wire_end(out, wire_begin(out, WIRE_EOF, p->id, (uint8_t)(WIRE_STDOUT + i)));
	if (p->terminal)
		close_input(p);
}

static uint32_t may_send(const struct stream *s)
{
	uint32_t most = loop_data_room();

	if (most > s->credit)
		most = s->credit;
	if (s->left >= 0 && most > (uint32_t)s->left)
		most = (uint32_t)s->left;
	return most;
}

/* Reads what is there straight into a frame. */
static void move_output(struct proc *p, int i)
{
	struct wire_out *out = loop_out();
	struct stream *s = &p->out[i];
	uint32_t most = may_send(s);
	size_t begun;
	ssize_t n;

	if (most == 0)
		return;
	begun = wire_begin(out, WIRE_DATA, p->id, (uint8_t)(WIRE_STDOUT + i));
	n = read(s->fd, out->data + out->used, most);
	if (n <= 0) {
		out->used = begun;
		if (n < 0 && errno == EINTR)
			return;
		if (n == 0 || errno != EAGAIN)
			end_stream(p, i);
		else if (p->ended && s->left >= 0)
			s->left = 0;
		return;
	}
	out->used += (size_t)n;
	wire_end(out, begun);
	s->credit -= (uint32_t)n;
	if (s->left >= 0)
		s->left -= (int32_t)n;
}

/* --- ends -------------------------------------------------------------------------------- */

/* A proc's children may hold its pipes open: only what is in them now is still its output. */
static void limit_output(struct proc *p)
{
	for (int i = 0; i < 2; i++) {
		struct stream *s = &p->out[i];
		int there = TERMINAL_LEFT;

		if (s->fd < 0)
			continue;
		if (!p->terminal && ioctl(s->fd, FIONREAD, &there) < 0)
			there = 0;
		s->left = there;
	}
}

static void proc_ended(struct proc *p, int status)
{
	p->pid = 0;
	p->ended = 1;
	p->signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
	p->code = p->signal ? 128 + p->signal : (uint32_t)WEXITSTATUS(status);
	if (p->id == GUEST_WORKLOAD)
		guest_kill_all();
	else
		limit_output(p);
}

void procs_reap(const struct guest *g)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	/* One for all: what it says is of no use, as signals of one kind merge. */
	if (read(g->child, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct proc *p = NULL;

		while ((p = next_proc(p)))
			if (p->pid == pid)
				proc_ended(p, status);
	}
}

/* Sends what is left of a limited stream, as far as it may, and its end. Does not wait for a
 * poll: a terminal that is empty says nothing there. */
static void finish_output(struct proc *p, int i)
{
	struct stream *s = &p->out[i];

	while (s->fd >= 0 && s->left > 0 && may_send(s) > 0)
		move_output(p, i);
	if (s->fd >= 0 && s->left == 0 && loop_room())
		end_stream(p, i);
}

void procs_finish(void)
{
	struct wire_out *out = loop_out();
	struct proc *p = NULL;

	while ((p = next_proc(p))) {
		size_t begun;

		if (!p->ended)
			continue;
		for (int i = 0; i < 2; i++)
			finish_output(p, i);
		if (p->out[0].fd >= 0 || p->out[1].fd >= 0 || !loop_room())
			continue;
		begun = wire_begin(out, WIRE_EXIT, p->id, 0);
		wire_put_u32(out, p->code);
		wire_put_u32(out, p->signal);
		wire_put_u64(out, guest_clock());
		wire_end(out, begun);
		procs_remove(p);
	}
}

int procs_signal(uint16_t id, uint32_t signal)
{
	struct proc *p = procs_find(id);

	if (signal < 1 || signal > (uint32_t)SIGRTMAX)
		return -EPROTO;
	if (p && p->pid)
		kill(p->pid, (int)signal);
	return 0;
}

void procs_winsize(uint16_t id, uint16_t rows, uint16_t columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };
	struct proc *p = procs_find(id);

	if (p && p->terminal && p->out[0].fd >= 0)
		ioctl(p->out[0].fd, TIOCSWINSZ, &size);
}

void procs_kill(void)
{
	struct proc *p = NULL;

	while ((p = next_proc(p)))
		if (p->pid)
			kill(-p->pid, SIGKILL);
}

/* --- waiting ----------------------------------------------------------------------------- */

unsigned procs_poll(struct pollfd *set)
{
	struct proc *p = NULL;
	unsigned count = 0;

	while ((p = next_proc(p))) {
		p->in_slot = -1;
		if (p->in_fd >= 0 && wire_queue_size(&p->in) > 0 && loop_room()) {
			p->in_slot = (int)count;
			set[count++] = (struct pollfd){ .fd = p->in_fd, .events = POLLOUT };
		}
		for (int i = 0; i < 2; i++) {
			struct stream *s = &p->out[i];

			s->slot = -1;
			if (s->fd < 0 || may_send(s) == 0)
				continue;
			s->slot = (int)count;
			set[count++] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
		}
	}
	return count;
}

void procs_move(const struct pollfd *set)
{
	struct proc *p = NULL;

	while ((p = next_proc(p))) {
		if (p->in_slot >= 0 && set[p->in_slot].revents && loop_room())
			move_input(p);
		for (int i = 0; i < 2; i++)
			if (p->out[i].slot >= 0 && set[p->out[i].slot].revents)
				move_output(p, i);
	}
}
