// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire's promises: what is written is read back, what is cut or forged is refused, and a
 * window is never overrun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "wire/queue.h"
#include "wire/wire.h"

#define STR(text) ((struct wire_string){ text, sizeof(text) - 1 })

static uint8_t room[2 * WIRE_PAYLOAD_MAX];

static struct wire_out new_out(size_t size)
{
	return (struct wire_out){ .data = room, .room = size };
}

static void assert_string(struct wire_string s, const char *expected)
{
	assert_int_equal(s.length, strlen(expected));
	assert_memory_equal(s.data, expected, s.length);
}

static const struct wire_setup full_setup = {
	.hostname = STR("box"),
	.root_device = STR("/dev/ubda"),
	.root_type = STR("ext4"),
	.layer_device = STR("/dev/ubdb"),
	.sync = 1,
	.mount_count = 2,
	.mounts = {
		{ STR("tmpfs"), STR("/run"), STR(""), STR("size=1m"), 0, 0 },
		{ STR("volume"), STR("/data"), STR("/v/0"), STR(""), 1, 1 },
	},
};

static size_t put_setup(const struct wire_setup *setup)
{
	struct wire_out out = new_out(sizeof(room));

	wire_put_setup(&out, setup);
	assert_false(out.overflow);
	return out.used;
}

static size_t put_start(void)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"", NULL };
	char *envp[] = { (char *)"A=1", (char *)"B=", NULL };
	struct wire_start start = {
		.cwd = STR("/srv"), .user = STR("ann:29"), .terminal = 1, .rows = 24, .columns = 80
	};
	struct wire_out out = new_out(sizeof(room));

	wire_put_start(&out, &start, argv, envp);
	assert_false(out.overflow);
	return out.used;
}

static void numbers_and_strings_come_back(void **state)
{
	struct wire_out out = new_out(sizeof(room));
	struct wire_in in = { .data = room };

	(void)state;
	wire_put_u8(&out, 0xfe);
	wire_put_u16(&out, 0x1234);
	wire_put_u32(&out, 0x89abcdef);
	wire_put_u64(&out, 0x0123456789abcdefULL);
	wire_put_string(&out, "hello", 5);
	wire_put_string(&out, NULL, 0);
	in.size = out.used;
	assert_int_equal(room[1], 0x34); /* little-endian */
	assert_int_equal(wire_get_u8(&in), 0xfe);
	assert_int_equal(wire_get_u16(&in), 0x1234);
	assert_int_equal(wire_get_u32(&in), 0x89abcdef);
	assert_true(wire_get_u64(&in) == 0x0123456789abcdefULL);
	assert_string(wire_get_string(&in), "hello");
	assert_string(wire_get_string(&in), "");
	assert_int_equal(wire_get_end(&in), 0);
}

static void reading_past_the_end_is_sticky(void **state)
{
	const uint8_t two[] = { 1, 2 };
	struct wire_in in = { .data = two, .size = sizeof(two) };

	(void)state;
	assert_int_equal(wire_get_u32(&in), 0);
	assert_int_equal(wire_get_u8(&in), 0);
	assert_int_equal(wire_get_end(&in), -EPROTO);
}

static void bytes_left_over_are_refused(void **state)
{
	const uint8_t two[] = { 1, 2 };
	struct wire_in in = { .data = two, .size = sizeof(two) };

	(void)state;
	assert_int_equal(wire_get_u8(&in), 1);
	assert_int_equal(wire_get_end(&in), -EPROTO);
}

static void a_string_with_a_nul_is_refused(void **state)
{
	const uint8_t bytes[] = { 3, 0, 0, 0, 'a', 0, 'b' };
	struct wire_in in = { .data = bytes, .size = sizeof(bytes) };

	(void)state;
	assert_string(wire_get_string(&in), "");
	assert_int_equal(wire_get_end(&in), -EPROTO);
}

static void a_string_longer_than_its_payload_is_refused(void **state)
{
	const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	struct wire_in in = { .data = bytes, .size = sizeof(bytes) };

	(void)state;
	assert_string(wire_get_string(&in), "");
	assert_int_equal(wire_get_end(&in), -EPROTO);
}

/* --- frames */

static void frames_come_back_one_by_one(void **state)
{
	struct wire_out out = new_out(sizeof(room));
	const uint8_t *payload;
	struct wire_header h;
	size_t begun;
	long size;

	(void)state;
	begun = wire_begin(&out, WIRE_SIGNAL, 7, 0);
	wire_put_u32(&out, 15);
	assert_int_equal(wire_end(&out, begun), 0);
	begun = wire_begin(&out, WIRE_EOF, 0xffff, WIRE_STDERR);
	assert_int_equal(wire_end(&out, begun), 0);

	size = wire_frame_get(room, out.used, &h, &payload);
	assert_int_equal(size, WIRE_HEADER_SIZE + 4);
	assert_int_equal(h.type, WIRE_SIGNAL);
	assert_int_equal(h.proc, 7);
	assert_int_equal(h.length, 4);
	assert_ptr_equal(payload, room + WIRE_HEADER_SIZE);
	assert_int_equal(wire_frame_get(room + size, out.used - (size_t)size, &h, &payload),
			 WIRE_HEADER_SIZE);
	assert_int_equal(h.type, WIRE_EOF);
	assert_int_equal(h.channel, WIRE_STDERR);
	assert_int_equal(h.proc, 0xffff);
}

static void a_part_of_a_frame_asks_for_more(void **state)
{
	struct wire_out out = new_out(sizeof(room));
	const uint8_t *payload;
	struct wire_header h;
	size_t begun = wire_begin(&out, WIRE_DATA, 1, WIRE_STDOUT);

	(void)state;
	for (int i = 0; i < 100; i++)
		wire_put_u8(&out, (uint8_t)i);
	assert_int_equal(wire_end(&out, begun), 0);
	for (size_t n = 0; n < out.used; n++)
		assert_int_equal(wire_frame_get(room, n, &h, &payload), 0);
	assert_int_equal(wire_frame_get(room, out.used, &h, &payload), out.used);
}

static long header_alone(uint8_t type, uint8_t channel, uint16_t proc, uint32_t length)
{
	struct wire_header h = { type, channel, proc, length }, got;
	uint8_t bytes[WIRE_HEADER_SIZE];
	const uint8_t *payload;

	wire_header_put(bytes, &h);
	return wire_frame_get(bytes, sizeof(bytes), &got, &payload);
}

static void a_header_that_leads_nowhere_is_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(header_alone(0, 0, 0, 0), -EPROTO);
	assert_int_equal(header_alone(31, 0, 0, 0), -EPROTO);
	assert_int_equal(header_alone(255, 0, 0, 0), -EPROTO);
	assert_int_equal(header_alone(WIRE_SETUP, 0, 0, WIRE_PAYLOAD_MAX), 0);
	assert_int_equal(header_alone(WIRE_SETUP, 0, 0, WIRE_PAYLOAD_MAX + 1), -EPROTO);
	assert_int_equal(header_alone(WIRE_SETUP, 0, 0, 0xffffffff), -EPROTO);
	assert_int_equal(header_alone(WIRE_SETUP, 0, 1, 100), -EPROTO);
	assert_int_equal(header_alone(WIRE_SETUP, 1, 0, 100), -EPROTO);
	assert_int_equal(header_alone(WIRE_START, 0, 0, 100), -EPROTO);
	assert_int_equal(header_alone(WIRE_DATA, WIRE_STDOUT, 1, WIRE_DATA_MAX), 0);
	assert_int_equal(header_alone(WIRE_DATA, WIRE_STDOUT, 1, WIRE_DATA_MAX + 1), -EPROTO);
	assert_int_equal(header_alone(WIRE_DATA, WIRE_STDOUT, 1, 0), -EPROTO);
	assert_int_equal(header_alone(WIRE_DATA, WIRE_STDERR + 1, 1, 1), -EPROTO);
	assert_int_equal(header_alone(WIRE_CREDIT, WIRE_STDIN, 1, 3), -EPROTO);
	assert_int_equal(header_alone(WIRE_DOWN, 0, 0, 1), -EPROTO);
	assert_int_equal(header_alone(WIRE_ATTACH, 0, 1, 0), WIRE_HEADER_SIZE);
}

static void a_frame_without_room_is_taken_back(void **state)
{
	struct wire_out out = new_out(WIRE_HEADER_SIZE + 10);
	size_t begun = wire_begin(&out, WIRE_FAILED, 1, 0);

	(void)state;
	wire_put_u32(&out, 125);
	wire_put_string(&out, "too long", 8);
	assert_int_equal(wire_end(&out, begun), -EMSGSIZE);
	assert_int_equal(out.used, 0);
	begun = wire_begin(&out, WIRE_CREDIT, 1, 0);
	wire_put_u32(&out, 1);
	assert_int_equal(wire_end(&out, begun), 0);
}

static void a_payload_over_the_maximum_is_taken_back(void **state)
{
	struct wire_out out = new_out(sizeof(room));
	size_t begun = wire_begin(&out, WIRE_FAILED, 1, 0);
	static char text[WIRE_PAYLOAD_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	wire_put_u32(&out, 125);
	wire_put_string(&out, text, sizeof(text) - 8);
	assert_int_equal(wire_end(&out, begun), 0);
	out.used = 0;
	begun = wire_begin(&out, WIRE_FAILED, 1, 0);
	wire_put_u32(&out, 125);
	wire_put_string(&out, text, sizeof(text) - 7);
	assert_int_equal(wire_end(&out, begun), -EMSGSIZE);
}

/* --- SETUP */

static void a_setup_comes_back(void **state)
{
	size_t size = put_setup(&full_setup);
	struct wire_setup got;

	(void)state;
	assert_int_equal(wire_get_setup(room, size, &got), 0);
	assert_string(got.hostname, "box");
	assert_string(got.root_device, "/dev/ubda");
	assert_string(got.root_type, "ext4");
	assert_string(got.layer_device, "/dev/ubdb");
	assert_int_equal(got.read_only, 0);
	assert_int_equal(got.sync, 1);
	assert_int_equal(got.init_only, 0);
	assert_int_equal(got.mount_count, 2);
	assert_string(got.mounts[0].options, "size=1m");
	assert_string(got.mounts[1].kind, "volume");
	assert_string(got.mounts[1].target, "/data");
	assert_string(got.mounts[1].source, "/v/0");
	assert_int_equal(got.mounts[1].read_only, 1);
	assert_int_equal(got.mounts[1].is_file, 1);
}

/* A copy of exactly `size` bytes, so that a sanitizer sees one read too far. */
static int setup_of(const uint8_t *data, size_t size)
{
	struct wire_setup got;
	uint8_t *copy = malloc(size + !size);
	int rc;

	assert_non_null(copy);
	memcpy(copy, data, size);
	rc = wire_get_setup(copy, size, &got);
	free(copy);
	return rc;
}

static int start_of(const uint8_t *data, size_t size)
{
	struct wire_start got;
	uint8_t *copy = malloc(size + !size);
	int rc;

	assert_non_null(copy);
	memcpy(copy, data, size);
	rc = wire_get_start(copy, size, &got);
	free(copy);
	return rc;
}

static void a_cut_setup_is_refused_at_every_length(void **state)
{
	size_t size = put_setup(&full_setup);

	(void)state;
	for (size_t n = 0; n < size; n++)
		assert_int_equal(setup_of(room, n), -EPROTO);
	assert_int_equal(setup_of(room, size), 0);
	room[size] = 0;
	assert_int_equal(setup_of(room, size + 1), -EPROTO);
}

static void a_setup_with_wrong_content_is_refused(void **state)
{
	struct wire_setup setup = full_setup;

	(void)state;
	setup.root_device = STR("dev/ubda");
	assert_int_equal(setup_of(room, put_setup(&setup)), -EPROTO);
	setup.root_device = STR("");
	assert_int_equal(setup_of(room, put_setup(&setup)), -EPROTO);
	setup.init_only = 1;
	assert_int_equal(setup_of(room, put_setup(&setup)), 0);
	setup.sync = 2;
	assert_int_equal(setup_of(room, put_setup(&setup)), -EPROTO);
	setup.sync = 0;
	setup.mounts[1].target = STR("data");
	assert_int_equal(setup_of(room, put_setup(&setup)), -EPROTO);
	setup.mounts[1].target = STR("");
	assert_int_equal(setup_of(room, put_setup(&setup)), -EPROTO);
}

static void a_setup_with_too_many_mounts_is_refused(void **state)
{
	struct wire_setup setup = full_setup;
	struct wire_out out = new_out(sizeof(room));
	const size_t count_at = 4 + 3 + 4 + 9 + 4 + 4 + 4 + 9 + 3;
	size_t size = put_setup(&full_setup);

	(void)state;
	assert_int_equal(room[count_at], 2);
	room[count_at] = WIRE_MOUNTS_MAX + 1;
	assert_int_equal(setup_of(room, size), -EPROTO);
	memset(room + count_at, 0xff, 4);
	assert_int_equal(setup_of(room, size), -EPROTO);
	setup.mount_count = WIRE_MOUNTS_MAX + 1;
	wire_put_setup(&out, &setup);
	assert_true(out.overflow);
}

/* --- START */

static void a_start_comes_back(void **state)
{
	static const char *const argv[] = { "sh", "-c", "" }, *const envp[] = { "A=1", "B=" };
	size_t size = put_start(), at = 0;
	struct wire_string item;
	struct wire_start got;
	int i;

	(void)state;
	assert_int_equal(wire_get_start(room, size, &got), 0);
	assert_int_equal(got.argv.count, 3);
	for (i = 0; wire_list_next(&got.argv, &at, &item); i++)
		assert_string(item, argv[i]);
	assert_int_equal(i, 3);
	assert_int_equal(got.envp.count, 2);
	for (i = 0, at = 0; wire_list_next(&got.envp, &at, &item); i++)
		assert_string(item, envp[i]);
	assert_int_equal(i, 2);
	assert_string(got.cwd, "/srv");
	assert_string(got.user, "ann:29");
	assert_int_equal(got.terminal, 1);
	assert_int_equal(got.stdin_open, 0);
	assert_int_equal(got.rows, 24);
	assert_int_equal(got.columns, 80);
}

static void a_cut_start_is_refused_at_every_length(void **state)
{
	size_t size = put_start();

	(void)state;
	for (size_t n = 0; n < size; n++)
		assert_int_equal(start_of(room, n), -EPROTO);
	assert_int_equal(start_of(room, size), 0);
	room[size] = 0;
	assert_int_equal(start_of(room, size + 1), -EPROTO);
}

static void a_start_without_a_command_is_refused(void **state)
{
	char *none[] = { NULL };
	struct wire_start start = { 0 };
	struct wire_out out = new_out(sizeof(room));

	(void)state;
	wire_put_start(&out, &start, none, none);
	assert_int_equal(start_of(room, out.used), -EPROTO);
}

static void a_start_with_a_relative_directory_is_refused(void **state)
{
	char *argv[] = { (char *)"true", NULL };
	struct wire_start start = { .cwd = STR("srv") };
	struct wire_out out = new_out(sizeof(room));

	(void)state;
	wire_put_start(&out, &start, argv, argv + 1);
	assert_int_equal(start_of(room, out.used), -EPROTO);
}

static void a_start_with_hostile_counts_is_refused(void **state)
{
	size_t size = put_start();

	(void)state;
	memset(room, 0xff, 4);
	assert_int_equal(start_of(room, size), -EPROTO);
	put_start();
	room[0] = 4; /* one more than there are: the next list is read as a string */
	assert_int_equal(start_of(room, size), -EPROTO);
}

static void the_number_of_strings_is_bounded(void **state)
{
	static char *argv[WIRE_STRINGS_MAX + 2];
	struct wire_start start = { 0 };
	struct wire_out out = new_out(sizeof(room));

	(void)state;
	for (int i = 0; i < WIRE_STRINGS_MAX; i++)
		argv[i] = (char *)"x";
	wire_put_start(&out, &start, argv, argv + WIRE_STRINGS_MAX);
	assert_false(out.overflow);
	assert_int_equal(start_of(room, out.used), 0);
	argv[WIRE_STRINGS_MAX] = (char *)"x";
	out = new_out(sizeof(room));
	wire_put_start(&out, &start, argv, argv + WIRE_STRINGS_MAX + 1);
	assert_true(out.overflow);
}

/* --- queue */

static void a_queue_gives_bytes_back_in_order(void **state)
{
	struct wire_queue q = { 0 };
	uint8_t next_in = 0, next_out = 0, chunk[1000];
	uint32_t granted = 0;

	(void)state;
	for (int round = 0; round < 500; round++) {
		uint32_t taken;

		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = next_in++;
		assert_int_equal(wire_queue_put(&q, chunk, sizeof(chunk)), 0);
		/* Takes more and less than what came, so that the bytes wander. */
		taken = round % 3 ? 900 : wire_queue_size(&q);
		for (uint32_t i = 0; i < taken; i++)
			assert_int_equal(q.data[q.head + i], next_out++);
		granted += wire_queue_drop(&q, taken);
	}
	granted += wire_queue_drop(&q, wire_queue_size(&q));
	assert_int_equal(granted + q.passed, 500 * sizeof(chunk));
	assert_null(q.data);
}

static void a_sender_that_overruns_its_window_is_caught(void **state)
{
	static uint8_t bytes[WIRE_WINDOW + 1];
	struct wire_queue q = { 0 };

	(void)state;
	assert_int_equal(wire_queue_check(&q, WIRE_WINDOW + 1), -EPROTO);
	assert_int_equal(wire_queue_put(&q, bytes, WIRE_WINDOW + 1), -EPROTO);
	assert_int_equal(wire_queue_put(&q, bytes, WIRE_WINDOW), 0);
	assert_int_equal(wire_queue_put(&q, bytes, 1), -EPROTO);
	/* Passed on, but not granted: still under way as far as the sender may know. */
	assert_int_equal(wire_queue_drop(&q, WIRE_WINDOW / 2 - 1), 0);
	assert_int_equal(wire_queue_put(&q, bytes, 1), -EPROTO);
	assert_int_equal(wire_queue_drop(&q, 1), WIRE_WINDOW / 2);
	assert_int_equal(wire_queue_put(&q, bytes, WIRE_WINDOW / 2), 0);
	assert_int_equal(wire_queue_put(&q, bytes, 1), -EPROTO);
	wire_queue_free(&q);
	assert_int_equal(wire_queue_check(&q, WIRE_WINDOW), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_strings_come_back),
		cmocka_unit_test(reading_past_the_end_is_sticky),
		cmocka_unit_test(bytes_left_over_are_refused),
		cmocka_unit_test(a_string_with_a_nul_is_refused),
		cmocka_unit_test(a_string_longer_than_its_payload_is_refused),
		cmocka_unit_test(frames_come_back_one_by_one),
		cmocka_unit_test(a_part_of_a_frame_asks_for_more),
		cmocka_unit_test(a_header_that_leads_nowhere_is_refused_at_once),
		cmocka_unit_test(a_frame_without_room_is_taken_back),
		cmocka_unit_test(a_payload_over_the_maximum_is_taken_back),
		cmocka_unit_test(a_setup_comes_back),
		cmocka_unit_test(a_cut_setup_is_refused_at_every_length),
		cmocka_unit_test(a_setup_with_wrong_content_is_refused),
		cmocka_unit_test(a_setup_with_too_many_mounts_is_refused),
		cmocka_unit_test(a_start_comes_back),
		cmocka_unit_test(a_cut_start_is_refused_at_every_length),
		cmocka_unit_test(a_start_without_a_command_is_refused),
		cmocka_unit_test(a_start_with_a_relative_directory_is_refused),
		cmocka_unit_test(a_start_with_hostile_counts_is_refused),
		cmocka_unit_test(the_number_of_strings_is_bounded),
		cmocka_unit_test(a_queue_gives_bytes_back_in_order),
		cmocka_unit_test(a_sender_that_overruns_its_window_is_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
