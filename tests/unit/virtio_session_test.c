// SPDX-License-Identifier: GPL-2.0-or-later
/* A session from the first message to its end, and one that is gone on with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "virtio/room.h"
#include "virtio_guest.h"

#define KEYS 256

static struct guest g;
static struct loop loop;
static struct virtio *virtio;
static struct virtio_state state;
static int ended, handled, again, resets;
static char reason[1024];
static int kept[KEYS];

static size_t handle(void *context, struct virtio_request *request)
{
	handled++;
	again = request->again;
	assert_true(request->out_size >= 4);
	memcpy(request->out[0].iov_base, "done", 4);
	return 4;
}

static void done(void *context)
{
}

static void reset(void *context)
{
	resets++;
}

static void keep(void *context, unsigned int key, int fd)
{
	fd_close(&kept[key]);
	kept[key] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void drop(void *context, unsigned int key)
{
	fd_close(&kept[key]);
}

static void end(void *context, const struct err *err)
{
	ended = 1;
	strcpy(reason, err->text);
}

static const uint8_t config[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static const struct virtio_device device = {
	.queue_count = 2,
	.config = config,
	.config_size = sizeof(config),
	.handle = handle,
	.done = done,
	.reset = reset,
	.keep = keep,
	.drop = drop,
	.end = end,
};

static int set_up(void **unused)
{
	struct err err = ERR_INIT;

	ended = handled = again = resets = 0;
	memset(kept, -1, sizeof(kept));
	memset(&state, 0, sizeof(state));
	guest_open(&g);
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(virtio_open(&virtio, &loop, &device, &state, g.server, NULL, 0, &err), 0);
	g.server = -1;
	return 0;
}

static int tear_down(void **unused)
{
	virtio_close(virtio);
	virtio = NULL;
	loop_close(&loop);
	guest_close(&g);
	for (int i = 0; i < KEYS; i++)
		fd_close(&kept[i]);
	return 0;
}

/* Turns until nothing is left to do. */
static void settle(void)
{
	struct pollfd p = { .fd = loop.epoll_fd, .events = POLLIN };

	while (!ended && (loop.timers || poll(&p, 1, 0) > 0))
		assert_int_equal(loop_turn(&loop), 0);
}

static void say(uint32_t request, const void *payload, uint32_t size)
{
	guest_send(&g, request, 0, payload, size, NULL, 0);
	settle();
}

static uint64_t ask(uint32_t request)
{
	struct vhost_message reply = { 0 };

	say(request, NULL, 0);
	assert_int_equal(guest_receive(&g, &reply), 0);
	assert_int_equal(reply.header.request, request);
	assert_int_equal(reply.header.flags, VHOST_VERSION | VHOST_REPLY);
	assert_int_equal(reply.header.size, 8);
	return reply.payload.u64;
}

static void connect_guest(void)
{
	uint64_t features = ask(VHOST_GET_FEATURES), protocol = ask(VHOST_GET_PROTOCOL_FEATURES);

	say(VHOST_SET_OWNER, NULL, 0);
	say(VHOST_SET_PROTOCOL_FEATURES, &protocol, 8);
	say(VHOST_SET_FEATURES, &features, 8);
	guest_send_memory(&g);
	guest_send_ring(&g, 0);
	settle();
	assert_false(ended);
}

static void make_request(unsigned int first, uint32_t room)
{
	struct vring_desc *d = guest_desc(&g, 0) + first;

	d[0] = (struct vring_desc){ GUEST_BASE + GUEST_BUFFERS, 8, VRING_DESC_F_NEXT,
				    (uint16_t)(first + 1) };
	d[1] = (struct vring_desc){ GUEST_BASE + GUEST_BUFFERS + 64, room, VRING_DESC_F_WRITE, 0 };
}

static void a_request_is_answered(void **unused)
{
	uint64_t calls;

	connect_guest();
	make_request(0, 16);
	guest_offer(&g, 0);
	settle();
	assert_int_equal(handled, 1);
	assert_int_equal(again, 0);
	assert_int_equal(guest_used(&g, 0)[1], 1);
	assert_memory_equal(g.memory + GUEST_BUFFERS + 64, "done", 4);
	assert_int_equal(read(g.call, &calls, 8), 8);
}

static void many_requests_are_answered_in_turns(void **unused)
{
	connect_guest();
	make_request(0, 16);
	for (int i = 0; i < 2000; i++) {
		guest_offer(&g, 0);
		if (i % GUEST_RING_SIZE == GUEST_RING_SIZE - 1)
			settle();
	}
	settle();
	assert_int_equal(handled, 2000);
	assert_int_equal(guest_used(&g, 0)[1], 2000);
}

static void the_configuration_can_be_read_to_its_end_and_no_further(void **unused)
{
	struct vhost_config wanted = { .offset = 2, .size = 10 };
	struct vhost_message reply;
	uint8_t got[10];

	say(VHOST_GET_CONFIG, &wanted, 12 + 10);
	assert_int_equal(guest_receive(&g, &reply), 0);
	assert_int_equal(reply.header.size, 12 + 10);
	memcpy(got, (const uint8_t *)&reply.payload + 12, sizeof(got));
	assert_memory_equal(got, "\3\4\5\6\7\10\0\0\0\0", 10);
	wanted.size = UINT32_MAX;
	say(VHOST_GET_CONFIG, &wanted, 12);
	assert_true(ended);
}

static void a_message_may_come_in_parts(void **unused)
{
	const struct vhost_header header = { VHOST_GET_FEATURES, VHOST_VERSION, 0 };
	struct vhost_message reply;

	for (size_t i = 0; i < sizeof(header); i++) {
		assert_int_equal(send(g.socket, (const uint8_t *)&header + i, 1, 0), 1);
		settle();
	}
	assert_int_equal(guest_receive(&g, &reply), 0);
	assert_int_equal(reply.header.request, VHOST_GET_FEATURES);
}

static void um_is_told_of_the_message_that_agrees_on_being_told(void **unused)
{
	uint64_t features = 1ULL << VHOST_P_REPLY_ACK | 1ULL << VHOST_P_CONFIG;
	struct vhost_message reply;

	guest_send(&g, VHOST_SET_PROTOCOL_FEATURES, VHOST_NEED_REPLY, &features, 8, NULL, 0);
	settle();
	assert_int_equal(guest_receive(&g, &reply), 0);
	assert_int_equal(reply.payload.u64, 0);
}

static void the_end_of_the_socket_is_the_end(void **unused)
{
	connect_guest();
	assert_int_equal(shutdown(g.socket, SHUT_RDWR), 0);
	settle();
	assert_true(ended);
	assert_string_equal(reason, "");
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(kept[i], -1);
}

/* --- hostile front ends ----------------------------------------------------------------------- */

struct hostile {
	uint32_t request;
	uint32_t size;
	uint64_t words[5];
};

static const struct hostile hostile[] = {
	{ 0, 0, { 0 } },
	{ 6, 8, { 0 } },
	{ 21, 0, { 0 } },
	{ 1000, 8, { 0 } },
	{ VHOST_SET_FEATURES, 8, { UINT64_MAX } },
	{ VHOST_SET_FEATURES, 4, { 0 } },
	{ VHOST_SET_PROTOCOL_FEATURES, 8, { UINT64_MAX } },
	{ VHOST_SET_MEM_TABLE, 8, { 9 } },
	{ VHOST_SET_MEM_TABLE, 8, { 1 } },
	{ VHOST_SET_MEM_TABLE, 40, { 1, 0, 4096, 0, 0 } },
	{ VHOST_SET_VRING_NUM, 8, { 3ULL << 32 } },
	{ VHOST_SET_VRING_NUM, 8, { 2 | 16ULL << 32 } },
	{ VHOST_SET_VRING_NUM, 8, { UINT64_MAX } },
	{ VHOST_SET_VRING_BASE, 8, { UINT32_MAX } },
	{ VHOST_SET_VRING_ADDR, 40, { 2 } },
	{ VHOST_SET_VRING_ADDR, 39, { 0 } },
	{ VHOST_SET_VRING_KICK, 8, { 0 } },
	{ VHOST_SET_VRING_KICK, 8, { VHOST_NO_FD } },
	{ VHOST_SET_VRING_CALL, 8, { 255 } },
	{ VHOST_SET_VRING_ENABLE, 8, { 77 } },
	{ VHOST_GET_VRING_BASE, 8, { 2 } },
	{ VHOST_ADD_MEM_REG, 40, { 0, 0, 4096, 0, 0 } },
	{ VHOST_GET_CONFIG, 4, { 0 } },
	{ VHOST_GET_FEATURES, 5000, { 0 } },
};

static void a_message_that_makes_no_sense_ends_the_session(void **unused)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct vhost_header header = { hostile[i].request, VHOST_VERSION, hostile[i].size };
		size_t size = hostile[i].size < 40 ? hostile[i].size : 40;

		assert_int_equal(send(g.socket, &header, sizeof(header), 0), sizeof(header));
		if (size)
			assert_int_equal(send(g.socket, hostile[i].words, size, 0), size);
		for (int turns = 0; turns < 8 && !ended; turns++)
			settle();
		if (!ended)
			fail_msg("message %u (number %zu) did not end it", header.request, i);
		assert_true(reason[0]);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_ring_outside_the_memory_ends_the_session(void **unused)
{
	const struct vhost_addr addr = { .desc = 16, .avail = 1024, .used = 2048 };

	connect_guest();
	say(VHOST_SET_VRING_ADDR, &addr, sizeof(addr));
	assert_true(ended);
}

static void memory_under_a_working_ring_may_go(void **unused)
{
	const struct vhost_table none = { 0 };

	connect_guest();
	say(VHOST_SET_MEM_TABLE, &none, 8);
	assert_true(ended);
}

static void a_guest_that_takes_its_memory_away_ends_its_session(void **unused)
{
	static const uint64_t one = 1;

	connect_guest();
	make_request(0, 16);
	/* The test's frame has put a handler of its own in the place. */
	assert_int_equal(virtio_memory_guard(&virtio->memory), 0);
	assert_int_equal(ftruncate(g.memory_fd, 0), 0);
	assert_int_equal(write(g.kick, &one, sizeof(one)), sizeof(one));
	settle();
	assert_int_equal(handled, 0);
	assert_true(ended);
}

static void a_bad_chain_ends_the_session(void **unused)
{
	connect_guest();
	make_request(0, 16);
	guest_desc(&g, 0)[1].addr = 1;
	guest_offer(&g, 0);
	settle();
	assert_true(ended);
	assert_int_equal(handled, 0);
}

/* --- going on --------------------------------------------------------------------------------- */

/* The process dies here, and another takes over. */
static void die_and_go_on(void)
{
	struct virtio_kept list[KEYS];
	struct err err = ERR_INIT;
	size_t count = 0;
	int connection = fcntl(virtio->socket.fd, F_DUPFD_CLOEXEC, 0);

	virtio_close(virtio);
	for (unsigned int key = 0; key < KEYS; key++)
		if (kept[key] >= 0)
			list[count++] =
				(struct virtio_kept){ key, fcntl(kept[key], F_DUPFD_CLOEXEC, 0) };
	assert_int_equal(
		virtio_open(&virtio, &loop, &device, &state, connection, list, count, &err), 0);
	settle();
}

static void a_session_goes_on(void **unused)
{
	connect_guest();
	make_request(0, 16);
	guest_offer(&g, 0);
	settle();
	die_and_go_on();
	assert_int_equal(handled, 1);
	guest_offer(&g, 0);
	settle();
	assert_int_equal(handled, 2);
	assert_int_equal(guest_used(&g, 0)[1], 2);
}

static void what_was_being_worked_on_is_done_again(void **unused)
{
	connect_guest();
	make_request(0, 16);
	state.phase = VIRTIO_RUNNING;
	state.queue = 0;
	state.head = 0;
	state.next_avail = state.next_used = 1;
	guest_offer(&g, 0);
	die_and_go_on();
	assert_int_equal(handled, 1);
	assert_int_equal(again, 1);
	assert_int_equal(guest_used(&g, 0)[1], 1);
	guest_offer(&g, 0);
	settle();
	assert_int_equal(handled, 2);
	assert_int_equal(again, 0);
}

static void what_was_done_is_only_handed_over(void **unused)
{
	const uint32_t *element;

	connect_guest();
	make_request(0, 16);
	state.phase = VIRTIO_DONE;
	state.queue = 0;
	state.head = 0;
	state.written = 4;
	state.next_avail = state.next_used = 1;
	guest_offer(&g, 0);
	die_and_go_on();
	assert_int_equal(handled, 0);
	assert_int_equal(guest_used(&g, 0)[1], 1);
	element = (const uint32_t *)(const void *)(guest_used(&g, 0) + 2);
	assert_int_equal(element[1], 4);
	guest_offer(&g, 0);
	settle();
	assert_int_equal(handled, 1);
	assert_int_equal(guest_used(&g, 0)[1], 2);
}

static void a_kick_while_nobody_was_there_is_not_lost(void **unused)
{
	connect_guest();
	make_request(0, 16);
	guest_offer(&g, 0);
	die_and_go_on();
	assert_int_equal(handled, 1);
}

static void a_reply_that_was_prepared_is_sent_once(void **unused)
{
	struct vhost_message reply = { .header = { VHOST_GET_FEATURES, VHOST_VERSION | VHOST_REPLY,
						   8 } };

	/* Killed before the message was taken: it is asked, and answered, anew. */
	guest_send(&g, VHOST_GET_FEATURES, 0, NULL, 0, NULL, 0);
	state.reply_stage = 1;
	state.reply_size = 20;
	memcpy(state.reply, &reply, 20);
	die_and_go_on();
	assert_int_equal(guest_receive(&g, &reply), 0);
	assert_int_not_equal(reply.payload.u64, 0);
	assert_int_equal(recv(g.socket, &reply, 1, MSG_DONTWAIT), -1);
	/* Killed after it was taken: the prepared one. */
	state.reply_stage = 2;
	state.reply_size = 20;
	die_and_go_on();
	assert_int_equal(guest_receive(&g, &reply), 0);
	assert_int_equal(recv(g.socket, &reply, 1, MSG_DONTWAIT), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered),
		TEST(many_requests_are_answered_in_turns),
		TEST(the_configuration_can_be_read_to_its_end_and_no_further),
		TEST(a_message_may_come_in_parts),
		TEST(um_is_told_of_the_message_that_agrees_on_being_told),
		TEST(the_end_of_the_socket_is_the_end),
		TEST(a_message_that_makes_no_sense_ends_the_session),
		TEST(a_ring_outside_the_memory_ends_the_session),
		TEST(memory_under_a_working_ring_may_go),
		TEST(a_guest_that_takes_its_memory_away_ends_its_session),
		TEST(a_bad_chain_ends_the_session),
		TEST(a_session_goes_on),
		TEST(what_was_being_worked_on_is_done_again),
		TEST(what_was_done_is_only_handed_over),
		TEST(a_kick_while_nobody_was_there_is_not_lost),
		TEST(a_reply_that_was_prepared_is_sent_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
