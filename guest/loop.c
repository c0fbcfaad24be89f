// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end of the wire and the loop around it.
 *
 * Theory of operation
 * -------------------
 * Two fixed buffers: one takes frames from the wire until they are whole, one collects frames
 * for the host so that a turn of the loop costs one write. Their pages cost memory only once
 * they have been used, and small frames use the first page only.
 *
 * Every event has an answer of bounded size, and nothing is begun unless there is room for it.
 * So when the host does not read, the guest first stops reading pipes, and then frames; it goes
 * on as soon as the wire takes bytes again. The host must always read (wire.h bounds what it
 * then has to hold), so this cannot lock both.
 */
#include "guest/guest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

/* The largest answer is FAILED with its reason. */
#define ANSWER_MAX (WIRE_HEADER_SIZE + 8 + sizeof(struct err))

static uint8_t in_data[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];
static size_t in_used;
static uint8_t out_data[64 * 1024];
static struct wire_out out = { .data = out_data, .room = sizeof(out_data) };

struct wire_out *loop_out(void)
{
	return &out;
}

int loop_room(void)
{
	return out.room - out.used >= ANSWER_MAX;
}

uint32_t loop_data_room(void)
{
	size_t room = out.room - out.used;

	if (room <= ANSWER_MAX)
		return 0;
	room -= ANSWER_MAX;
	return room > WIRE_DATA_MAX ? WIRE_DATA_MAX : (uint32_t)room;
}

/* Writes what the wire takes now. 0 or -errno. */
static int flush(struct guest *g)
{
	size_t done = 0;
	int rc = 0;

	while (done < out.used) {
		ssize_t n = write(g->wire, out.data + done, out.used - done);

		if (n < 0 && errno != EINTR) {
			rc = errno == EAGAIN ? 0 : -errno;
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	memmove(out.data, out.data + done, out.used - done);
	out.used -= done;
	return rc;
}

/* Reads what is there. 0 at the end of the wire, 1 when not, -errno. */
static int fill(struct guest *g)
{
	ssize_t n = read(g->wire, in_data + in_used, sizeof(in_data) - in_used);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	in_used += (size_t)n;
	return n > 0;
}

static void say_clock(enum wire_type type)
{
	size_t begun = wire_begin(&out, type, 0, 0);

	if (type == WIRE_HELLO)
		wire_put_u32(&out, WIRE_VERSION);
	wire_put_u64(&out, guest_clock());
	wire_end(&out, begun);
}

static int on_setup(struct guest *g, const uint8_t *payload, size_t size)
{
	static struct wire_setup setup;
	struct err err = ERR_INIT;

	if (g->state != GUEST_BARE || wire_get_setup(payload, size, &setup) < 0)
		return -EPROTO;
	if (root_set_up(g, &setup, &err) < 0) {
		g->state = GUEST_BROKEN;
		spawn_failed(0, 125, &err);
		return 0;
	}
	g->state = GUEST_READY;
	say_clock(WIRE_READY);
	return 0;
}

static int on_start(struct guest *g, uint16_t proc, const uint8_t *payload, size_t size)
{
	struct wire_start start;
	struct err err;

	if (g->state == GUEST_BARE || procs_find(proc) || wire_get_start(payload, size, &start) < 0)
		return -EPROTO;
	if (g->state == GUEST_READY) {
		spawn_start(g, proc, &start);
		return 0;
	}
	err_set(&err, ENOTCONN, "the container's root could not be set up");
	spawn_failed(proc, 125, &err);
	return 0;
}

/* One frame. 0, 1 for SHUTDOWN, or -EPROTO. */
static int on_frame(struct guest *g, const struct wire_header *h, const uint8_t *payload)
{
	struct wire_in in = { .data = payload, .size = h->length };
	uint16_t rows;

	switch (h->type) {
	case WIRE_SETUP:
		return on_setup(g, payload, h->length);
	case WIRE_START:
		return on_start(g, h->proc, payload, h->length);
	case WIRE_SIGNAL:
		return procs_signal(h->proc, wire_get_u32(&in));
	case WIRE_WINSIZE:
		rows = wire_get_u16(&in);
		procs_winsize(h->proc, rows, wire_get_u16(&in));
		return 0;
	case WIRE_SHUTDOWN:
		return 1;
	case WIRE_DATA:
		return h->channel != WIRE_STDIN ? -EPROTO : procs_data(h->proc, payload, h->length);
	case WIRE_EOF:
		return h->channel != WIRE_STDIN ? -EPROTO : procs_eof(h->proc);
	case WIRE_CREDIT:
		return procs_credit(h->proc, h->channel, wire_get_u32(&in));
	default:
		return -EPROTO; /* a guest's own frame */
	}
}

/* Handles whole frames while there is room for answers. 0, 1 for SHUTDOWN, or -EPROTO; *waiting
 * says whether frames had to stay. */
static int take_frames(struct guest *g, int *waiting)
{
	const uint8_t *payload = NULL;
	struct wire_header h;
	size_t at = 0;
	long size = 0;
	int rc = 0;

	*waiting = 0;
	while (rc == 0) {
		size = wire_frame_get(in_data + at, in_used - at, &h, &payload);
		if (size == 0)
			break;
		if (size > 0 && !loop_room()) {
			*waiting = 1;
			break;
		}
		rc = size < 0 ? (int)size : on_frame(g, &h, payload);
		if (rc < 0) {
			guest_log(g, "frame refused: type %u, channel %u, proc %u, %u bytes",
				  h.type, h.channel, h.proc, h.length);
			return rc;
		}
		at += (size_t)size;
	}
	memmove(in_data, in_data + at, in_used - at);
	in_used -= at;
	return rc;
}

/* Waits for something to do and moves bytes. 0, -ENODATA at the end of the wire, or -errno. */
static int turn(struct guest *g)
{
	static struct pollfd set[2 + PROCS_POLL_MAX];
	unsigned count = 2;
	int rc;

	set[0] = (struct pollfd){ .fd = g->wire };
	if (in_used < sizeof(in_data))
		set[0].events |= POLLIN;
	if (out.used > 0)
		set[0].events |= POLLOUT;
	set[1] = (struct pollfd){ .fd = g->child, .events = POLLIN };
	count += procs_poll(set + count);
	if (poll(set, count, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	procs_move(set + 2);
	if (set[1].revents)
		procs_reap(g);
	if (set[0].revents & (POLLIN | POLLHUP | POLLERR)) {
		rc = fill(g);
		if (rc <= 0)
			return rc == 0 ? -ENODATA : rc;
	}
	return 0;
}

static int shut_down(struct guest *g, int answer)
{
	guest_kill_all();
	if (g->sync)
		root_sync(g);
	if (!answer)
		return 0;
	wire_end(&out, wire_begin(&out, WIRE_DOWN, 0, 0));
	return fd_write_full(g->wire, out.data, out.used);
}

int guest_loop(struct guest *g)
{
	int rc, waiting;

	say_clock(WIRE_HELLO);
	for (;;) {
		rc = take_frames(g, &waiting);
		if (rc != 0)
			break;
		procs_finish();
		rc = flush(g);
		if (rc == 0 && !(waiting && loop_room()))
			rc = turn(g);
		if (rc < 0)
			break;
	}
	if (rc == 1)
		return shut_down(g, 1);
	shut_down(g, 0);
	return rc == -ENODATA ? 0 : rc;
}
