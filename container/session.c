// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A session: one process in a container, and the terminal or pipes of whoever started it.
 *
 * Theory of operation
 * -------------------
 * One poll loop. Frames from the monitor go into a queue for each output, at most a window of
 * bytes, and from there to the descriptor; credit is given back for what was written. Input is
 * read only while the guest has room for it. So a reader that stops holds up its own stream, and
 * this process still hears of signals and of the end.
 *
 * The outputs belong to others too, so they are not made non-blocking (the flag would be seen by
 * all who share them): a pipe or terminal is written to when poll() says so, in pieces that then
 * do not block, or by a call that does not wait where the kernel has one.
 *
 * The terminal is raw while a pty is on the other side, and restored on every way out of here.
 * Ctrl-P is held back until the next key shows whether it is Ctrl-Q: leave, and let it run.
 */
#include "container/room.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

enum {
	READ_SIZE = 32 * 1024,
	FRAMES_MAX = 256 * 1024, /* of ours that may wait for the monitor */
	CREDIT_STEP = WIRE_WINDOW / 4,
	KEY_CTRL_P = 0x10,
	KEY_CTRL_Q = 0x11,
	PROC = 1, /* what every client calls its process */
};

struct sink {
	int fd;
	mode_t type;   /* S_IFIFO, … */
	int no_nowait; /* RWF_NOWAIT does not work here */
	struct buf queue;
	uint32_t owed; /* credit not given back yet */
	int broken;    /* errno of the write that failed: what comes is dropped */
};

struct session {
	const struct container_session *spec;
	struct container_session_result *result;
	struct err *err;
	struct buf in, out;
	struct sink sinks[2];
	uint32_t stdin_window;
	int stdin_open, held_ctrl_p;
	int signal_fd;
	int session_over; /* no more frames will come */
	int told;         /* EXIT or FAILED came */
	int news_over;    /* OVER came, or there is no keeper to wait for */
	int stop;         /* leave now */
	struct termios saved;
	int is_raw;
};

/* --- frames to the monitor ------------------------------------------------------------------- */

static void put(struct session *s, enum wire_type type, uint8_t channel, const void *payload,
		size_t size)
{
	struct wire_header h = {
		.type = (uint8_t)type, .channel = channel, .proc = PROC, .length = (uint32_t)size
	};
	uint8_t head[WIRE_HEADER_SIZE];

	if (s->session_over)
		return;
	wire_header_put(head, &h);
	if (buf_append(&s->out, head, sizeof(head), FRAMES_MAX) < 0 ||
	    buf_append(&s->out, payload, size, FRAMES_MAX) < 0)
		s->session_over = 1;
}

static void put_u32(struct session *s, enum wire_type type, uint8_t channel, uint32_t value)
{
	uint8_t raw[4];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };

	wire_put_u32(&out, value);
	put(s, type, channel, raw, sizeof(raw));
}

void container_terminal_size(int fd, uint16_t *rows, uint16_t *columns)
{
	struct winsize size = { 0 };

	ioctl(fd, TIOCGWINSZ, &size);
	*rows = size.ws_row;
	*columns = size.ws_col;
}

static void put_size(struct session *s)
{
	uint8_t raw[4];
	struct wire_out out = { .data = raw, .room = sizeof(raw) };
	uint16_t rows, columns;

	container_terminal_size(STDIN_FILENO, &rows, &columns);
	if (!rows)
		container_terminal_size(STDOUT_FILENO, &rows, &columns);
	if (!rows)
		return;
	wire_put_u16(&out, rows);
	wire_put_u16(&out, columns);
	put(s, WIRE_WINSIZE, 0, raw, sizeof(raw));
}

static void flush_frames(struct session *s)
{
	while (s->out.used > 0 && !s->session_over) {
		ssize_t n = send(s->spec->fd, buf_data(&s->out), s->out.used,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* full: wait; broken: reading will tell, after what is left */
		buf_consume(&s->out, (size_t)n);
	}
}

/* --- output ---------------------------------------------------------------------------------- */

/* Writes what goes without waiting, now that poll() says that something does. */
static ssize_t write_some(struct sink *sink)
{
	const void *data = buf_data(&sink->queue);
	size_t size = sink->queue.used;

	if (S_ISSOCK(sink->type))
		return send(sink->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (S_ISREG(sink->type))
		return write(sink->fd, data, size);
	if (S_ISFIFO(sink->type) && !sink->no_nowait) {
		struct iovec iov = { (void *)(uintptr_t)data, size };
		ssize_t n = pwritev2(sink->fd, &iov, 1, -1, RWF_NOWAIT);

		if (n >= 0 || (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS))
			return n;
		sink->no_nowait = 1;
	}
	return write(sink->fd, data, size < PIPE_BUF ? size : PIPE_BUF);
}

static void credit(struct session *s, unsigned index, size_t size)
{
	struct sink *sink = &s->sinks[index];

	sink->owed += (uint32_t)size;
	if (sink->owed < CREDIT_STEP)
		return;
	put_u32(s, WIRE_CREDIT, (uint8_t)(WIRE_STDOUT + index), sink->owed);
	sink->owed = 0;
}

static void flush_sink(struct session *s, unsigned index)
{
	struct sink *sink = &s->sinks[index];
	ssize_t n = write_some(sink);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && errno == EPIPE) {
		s->result->end = SESSION_PIPE;
		s->stop = 1;
		return;
	}
	if (n < 0) {
		sink->broken = errno;
		n = (ssize_t)sink->queue.used;
	}
	buf_consume(&sink->queue, (size_t)n);
	credit(s, index, (size_t)n);
}

/* --- frames from the monitor ----------------------------------------------------------------- */

static int on_data(struct session *s, const struct wire_header *h, const uint8_t *payload)
{
	struct sink *sink;

	if (h->channel != WIRE_STDOUT && h->channel != WIRE_STDERR)
		return -EPROTO;
	sink = &s->sinks[h->channel - WIRE_STDOUT];
	if (sink->broken) {
		credit(s, h->channel - WIRE_STDOUT, h->length);
		return 0;
	}
	return buf_append(&sink->queue, payload, h->length, WIRE_WINDOW);
}

static int on_end(struct session *s, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = h->length };

	s->told = 1;
	s->result->exit_code = (int)(wire_get_u32(&in) & 255);
	s->result->end = h->type == WIRE_EXIT ? SESSION_EXITED : SESSION_FAILED;
	if (h->type == WIRE_FAILED) {
		struct wire_string why = wire_get_string(&in);

		err_set(s->err, ENOEXEC, "%.*s", (int)why.length, why.data);
	}
	return in.bad ? -EPROTO : 0;
}

static int on_frame(struct session *s, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = h->length };

	if (h->proc != PROC)
		return -EPROTO;
	switch (h->type) {
	case WIRE_DATA:
		return on_data(s, h, payload);
	case WIRE_CREDIT:
		s->stdin_window += wire_get_u32(&in);
		return in.bad || s->stdin_window > WIRE_WINDOW ? -EPROTO : 0;
	case WIRE_EXIT:
	case WIRE_FAILED:
		return on_end(s, h, payload);
	case WIRE_STARTED:
		if (s->spec->detach) {
			s->result->end = SESSION_DETACHED;
			s->stop = 1;
		}
		return 0;
	case WIRE_EOF:
		return 0;
	default:
		return -EPROTO;
	}
}

static void take_frames(struct session *s)
{
	const uint8_t *payload;
	struct wire_header h;

	while (!s->stop) {
		long size = wire_frame_get(buf_data(&s->in), s->in.used, &h, &payload);

		if (size == 0)
			return;
		if (size < 0 || on_frame(s, &h, payload) < 0) {
			s->session_over = 1;
			return;
		}
		buf_consume(&s->in, (size_t)size);
	}
}

static void read_frames(struct session *s)
{
	uint8_t *at =
		buf_reserve(&s->in, READ_SIZE, WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX + READ_SIZE);
	ssize_t n = at ? recv(s->spec->fd, at, READ_SIZE, MSG_DONTWAIT) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->session_over = 1;
		return;
	}
	buf_commit(&s->in, (size_t)n);
	take_frames(s);
}

static void read_news(struct session *s)
{
	struct container_news news;

	if (container_news_read(s->spec->news_fd, &news, s->err) < 0) {
		s->result->end = SESSION_FAILED;
		s->result->exit_code = 125;
		s->stop = 1;
		return;
	}
	if (news.kind != CONTAINER_NEWS_OVER)
		return;
	s->news_over = 1;
	memcpy(s->result->phases, news.phases, sizeof(news.phases));
	s->result->exit_code = news.exit_code;
	s->result->end = news.failed ? SESSION_FAILED : SESSION_EXITED;
	if (news.failed && s->err)
		*s->err = news.err;
}

/* --- input ----------------------------------------------------------------------------------- */

/* Sends typed bytes, looking for the detach keys; at most one byte more than came. */
static void put_keys(struct session *s, const uint8_t *keys, size_t size)
{
	uint8_t out[2 * READ_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < size && !s->stop; i++) {
		if (s->held_ctrl_p && keys[i] == KEY_CTRL_Q) {
			s->result->end = SESSION_DETACHED;
			s->stop = 1;
			break;
		}
		if (s->held_ctrl_p)
			out[used++] = KEY_CTRL_P;
		s->held_ctrl_p = keys[i] == KEY_CTRL_P;
		if (!s->held_ctrl_p)
			out[used++] = keys[i];
	}
	s->stdin_window -= (uint32_t)used;
	if (used > 0)
		put(s, WIRE_DATA, WIRE_STDIN, out, used);
}

static void end_input(struct session *s)
{
	static const uint8_t held[] = { KEY_CTRL_P };

	if (s->held_ctrl_p)
		put(s, WIRE_DATA, WIRE_STDIN, held, sizeof(held));
	s->stdin_open = 0;
	put(s, WIRE_EOF, WIRE_STDIN, NULL, 0);
}

static void read_input(struct session *s)
{
	size_t room = s->stdin_window < WIRE_DATA_MAX ? s->stdin_window : WIRE_DATA_MAX;
	uint8_t data[WIRE_DATA_MAX];
	ssize_t n;

	if (s->held_ctrl_p)
		room--;
	n = read(s->spec->stdin_fd, data, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_input(s);
	} else if (s->spec->terminal) {
		put_keys(s, data, (size_t)n);
	} else {
		s->stdin_window -= (uint32_t)n;
		put(s, WIRE_DATA, WIRE_STDIN, data, (size_t)n);
	}
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && s->spec->terminal)
			put_size(s);
		else if (info.ssi_signo != SIGWINCH && s->spec->sig_proxy)
			put_u32(s, WIRE_SIGNAL, 0, info.ssi_signo);
	}
}

/* --- the loop -------------------------------------------------------------------------------- */

static int is_done(const struct session *s)
{
	if (s->stop)
		return 1;
	if (s->sinks[0].queue.used > 0 || s->sinks[1].queue.used > 0)
		return 0;
	return (s->told || s->session_over) && s->news_over;
}

static void turn(struct session *s)
{
	/* Two bytes: a held Ctrl-P and what follows it. */
	int input = s->stdin_open && s->stdin_window >= 2 && !s->told && !s->session_over &&
		    s->out.used < WIRE_WINDOW;
	struct pollfd p[] = {
		{ .fd = s->session_over ? -1 : s->spec->fd,
		  .events = (short)(POLLIN | (s->out.used ? POLLOUT : 0)) },
		{ .fd = s->news_over ? -1 : s->spec->news_fd, .events = POLLIN },
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = input ? s->spec->stdin_fd : -1, .events = POLLIN },
		{ .fd = s->sinks[0].queue.used ? s->sinks[0].fd : -1, .events = POLLOUT },
		{ .fd = s->sinks[1].queue.used ? s->sinks[1].fd : -1, .events = POLLOUT },
	};

	if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
		return;
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		read_frames(s);
	if (p[1].revents)
		read_news(s);
	if (p[2].revents)
		read_signals(s);
	if (p[3].revents)
		read_input(s);
	for (unsigned i = 0; i < 2; i++) {
		if (p[4 + i].revents && !s->stop)
			flush_sink(s, i);
	}
	flush_frames(s);
}

static void make_raw(struct session *s)
{
	struct termios raw;

	if (!s->spec->terminal || s->spec->stdin_fd < 0 || s->spec->detach ||
	    tcgetattr(s->spec->stdin_fd, &s->saved) < 0)
		return;
	raw = s->saved;
	cfmakeraw(&raw);
	s->is_raw = tcsetattr(s->spec->stdin_fd, TCSANOW, &raw) == 0;
}

static void open_sinks(struct session *s)
{
	static const int fds[] = { STDOUT_FILENO, STDERR_FILENO };

	for (unsigned i = 0; i < 2; i++) {
		struct stat st;

		s->sinks[i].fd = fds[i];
		if (fstat(fds[i], &st) == 0)
			s->sinks[i].type = st.st_mode & S_IFMT;
		else
			s->sinks[i].broken = errno; /* the caller closed it */
	}
}

static void conclude(struct session *s)
{
	struct container_session_result *result = s->result;

	if (!s->stop && !s->told && s->spec->news_fd < 0) {
		result->end = SESSION_FAILED;
		result->exit_code = 125;
		err_set(s->err, ECONNRESET, "the monitor of the container closed the connection");
	}
	for (unsigned i = 0; i < 2; i++) {
		int code = s->sinks[i].broken;

		if (result->end != SESSION_EXITED || !code || code == EBADF)
			continue;
		result->end = SESSION_FAILED;
		if (result->exit_code == 0)
			result->exit_code = 125;
		err_sys(s->err, code, "some of the container's %s could not be written",
			i ? "standard error" : "standard output");
	}
}

void container_session_run(const struct container_session *spec,
			   struct container_session_result *result, struct err *err)
{
	struct session s = {
		.spec = spec,
		.result = result,
		.err = err,
		.stdin_open = spec->stdin_fd >= 0,
		.stdin_window = spec->attached ? 0 : WIRE_WINDOW,
		.signal_fd = -1,
		.news_over = spec->news_fd < 0,
	};
	struct sigaction ignore = { .sa_handler = SIG_IGN }, pipe_action;

	*result = (struct container_session_result){ .end = SESSION_FAILED, .exit_code = 125 };
	sigaction(SIGPIPE, &ignore, &pipe_action);
	if (spec->signals)
		s.signal_fd = signalfd(-1, spec->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	open_sinks(&s);
	make_raw(&s);
	/* The size may have changed since START was put together. */
	if (spec->terminal && spec->attached)
		put_size(&s);
	flush_frames(&s);
	while (!is_done(&s))
		turn(&s);
	if (s.is_raw)
		tcsetattr(spec->stdin_fd, TCSANOW, &s.saved);
	conclude(&s);
	sigaction(SIGPIPE, &pipe_action, NULL);
	fd_close(&s.signal_fd);
	buf_free(&s.in);
	buf_free(&s.out);
	buf_free(&s.sinks[0].queue);
	buf_free(&s.sinks[1].queue);
}

/* --- beginning ------------------------------------------------------------------------------- */

int container_session_start(int fd, const struct wire_start *start, char *const argv[],
			    char *const envp[], struct err *err)
{
	uint8_t frame[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];
	struct wire_out out = { .data = frame, .room = sizeof(frame) };
	size_t begun = wire_begin(&out, WIRE_START, PROC, 0);
	int rc;

	wire_put_start(&out, start, argv, envp);
	if (wire_end(&out, begun) < 0)
		return err_set(err, E2BIG, "argument list and environment take more than %d bytes",
			       WIRE_PAYLOAD_MAX);
	rc = fd_write_full(fd, frame, out.used);
	return rc < 0 ? err_sys(err, -rc, "reaching the monitor") : 0;
}

int container_session_attach(int fd, struct err *err)
{
	uint8_t frame[WIRE_HEADER_SIZE];
	struct wire_out out = { .data = frame, .room = sizeof(frame) };
	int rc;

	wire_end(&out, wire_begin(&out, WIRE_ATTACH, PROC, 0));
	rc = fd_write_full(fd, frame, out.used);
	return rc < 0 ? err_sys(err, -rc, "reaching the monitor") : 0;
}
