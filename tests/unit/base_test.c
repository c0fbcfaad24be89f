// SPDX-License-Identifier: GPL-2.0-or-later
/* base/: byte queues, the event loop, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/utf8.h"

/* --- buf ------------------------------------------------------------------------------------- */

static void a_queue_gives_back_what_was_put_in(void **state)
{
	struct buf b = { 0 };
	uint8_t in[1000], next_in = 0, next_out = 0;

	/* In and out in steps that do not divide each other, so that it wraps in every way. */
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)(round * 7 % 997) + 1, out = b.used < 300 ? b.used : 300;

		if (b.used < 5000) {
			for (size_t i = 0; i < n; i++)
				in[i] = next_in++;
			assert_int_equal(buf_append(&b, in, n, 1 << 20), 0);
		}
		for (size_t i = 0; i < out; i++)
			assert_int_equal(buf_data(&b)[i], next_out++);
		buf_consume(&b, out);
	}
	buf_free(&b);
}

static void a_queue_takes_no_byte_over_its_limit(void **state)
{
	uint8_t data[100] = { 0 };
	struct buf b = { 0 };

	assert_int_equal(buf_append(&b, data, 60, 100), 0);
	assert_int_equal(buf_append(&b, data, 41, 100), -ENOBUFS);
	assert_int_equal(buf_append(&b, data, SIZE_MAX, 100), -ENOBUFS);
	assert_int_equal(buf_append(&b, data, 40, 100), 0);
	assert_null(buf_reserve(&b, 1, 100));
	buf_consume(&b, 10);
	assert_non_null(buf_reserve(&b, 10, 100));
	assert_int_equal(b.used, 90);
	buf_free(&b);
}

static void an_empty_queue_gives_large_room_back(void **state)
{
	static uint8_t data[64 * 1024];
	struct buf b = { 0 };

	assert_int_equal(buf_append(&b, data, sizeof(data), sizeof(data)), 0);
	buf_consume(&b, sizeof(data));
	assert_null(b.data);
	assert_int_equal(buf_append(&b, data, 100, sizeof(data)), 0);
	buf_consume(&b, 100);
	assert_non_null(b.data);
	buf_free(&b);
}

/* --- loop ------------------------------------------------------------------------------------ */

struct pipe_end {
	struct loop_source source;
	struct loop *loop;
	struct pipe_end *other;
	int seen;
};

static void see(struct loop_source *source, uint32_t events)
{
	struct pipe_end *end = loop_owner(source, struct pipe_end, source);

	end->seen++;
	if (end->other)
		loop_remove(end->loop, &end->other->source);
}

static void open_end(struct loop *loop, struct pipe_end *end, int *writer)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	*writer = fds[1];
	*end = (struct pipe_end){ .source = { .fd = fds[0], .ready = see }, .loop = loop };
	assert_int_equal(loop_add(loop, &end->source, EPOLLIN), 0);
}

static void a_source_is_called_when_it_is_ready(void **state)
{
	struct pipe_end end;
	struct loop loop;
	int writer;

	assert_int_equal(loop_init(&loop), 0);
	open_end(&loop, &end, &writer);
	assert_int_equal(write(writer, "x", 1), 1);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(end.seen, 1);
	assert_int_equal(loop_change(&loop, &end.source, 0), 0);
	close(writer);
	close(end.source.fd);
	loop_close(&loop);
}

static void a_source_removed_in_a_turn_is_not_called_in_it(void **state)
{
	struct pipe_end one, two;
	int writers[2];
	struct loop loop;

	assert_int_equal(loop_init(&loop), 0);
	open_end(&loop, &one, &writers[0]);
	open_end(&loop, &two, &writers[1]);
	one.other = &two;
	two.other = &one;
	assert_int_equal(write(writers[0], "x", 1), 1);
	assert_int_equal(write(writers[1], "x", 1), 1);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(one.seen + two.seen, 1);
	close(writers[0]);
	close(writers[1]);
	close(one.source.fd);
	close(two.source.fd);
	loop_close(&loop);
}

static struct loop_timer timers[3];
static int order[4], expired;

static void expire(struct loop_timer *timer)
{
	order[expired++] = (int)(timer - timers);
}

static void timers_expire_in_order_and_once(void **state)
{
	struct loop loop;

	assert_int_equal(loop_init(&loop), 0);
	expired = 0;
	for (int i = 0; i < 3; i++)
		timers[i] = (struct loop_timer){ .expired = expire };
	loop_timer_set(&loop, &timers[0], 3000000);
	loop_timer_set(&loop, &timers[1], 1000000);
	loop_timer_set(&loop, &timers[2], 2000000);
	loop_timer_set(&loop, &timers[1], 4000000);
	while (expired < 3)
		assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 0);
	assert_int_equal(order[2], 1);
	assert_null(loop.timers);
	loop_close(&loop);
}

static void a_timer_that_was_cleared_does_not_expire(void **state)
{
	struct loop loop;

	assert_int_equal(loop_init(&loop), 0);
	expired = 0;
	timers[0] = timers[1] = (struct loop_timer){ .expired = expire };
	loop_timer_set(&loop, &timers[0], 1000000);
	loop_timer_set(&loop, &timers[1], 2000000);
	loop_timer_clear(&loop, &timers[0]);
	while (expired < 1)
		assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(order[0], 1);
	loop_close(&loop);
}

/* --- utf8 ------------------------------------------------------------------------------------ */

static void utf8_takes_the_shortest_forms_only(void **state)
{
	static const char *const good[] = { "a",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xc2",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xe2\x82",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(utf8_size(good[i], strlen(good[i])), strlen(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(utf8_size(bad[i], strlen(bad[i])), 0);
	assert_int_equal(utf8_valid("gr\xc3\xbc\xc3\x9f", 6), 1);
	assert_int_equal(utf8_valid("gr\xfc", 3), 0);
}

static void cleaned_text_upsets_no_terminal(void **state)
{
	char out[16];

	utf8_clean(out, sizeof(out), "a\033[1mb\177\n", 8);
	assert_string_equal(out, "a?[1mb??");
	utf8_clean(out, sizeof(out),
		   "\xc2\x9b"
		   "1m\xff",
		   5); /* CSI as one character */
	assert_string_equal(out, "?1m?");
	utf8_clean(out, sizeof(out), "\xc3\xbc", 2);
	assert_string_equal(out, "\xc3\xbc");
	/* A character that does not fit as a whole is left out as a whole. */
	utf8_clean(out, 4, "ab\xc3\xbc", 4);
	assert_string_equal(out, "ab");
	utf8_clean(out, 1, "ab", 2);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_gives_back_what_was_put_in),
		cmocka_unit_test(a_queue_takes_no_byte_over_its_limit),
		cmocka_unit_test(an_empty_queue_gives_large_room_back),
		cmocka_unit_test(a_source_is_called_when_it_is_ready),
		cmocka_unit_test(a_source_removed_in_a_turn_is_not_called_in_it),
		cmocka_unit_test(timers_expire_in_order_and_once),
		cmocka_unit_test(a_timer_that_was_cleared_does_not_expire),
		cmocka_unit_test(utf8_takes_the_shortest_forms_only),
		cmocka_unit_test(cleaned_text_upsets_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
