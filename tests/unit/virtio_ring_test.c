// SPDX-License-Identifier: GPL-2.0-or-later
/* Rings as a hostile guest may write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "virtio/virtio.h"
#include "virtio_guest.h"

#define FEATURES (1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VIRTIO_RING_F_EVENT_IDX)

static struct virtio_region regions[VIRTIO_REGIONS_MAX];
static struct virtio_memory memory;
static struct virtio_ring ring;
static struct guest g;
static struct iovec pieces[VIRTIO_IOV_MAX];
static struct virtio_request request;

static void open_ring(uint64_t features)
{
	const struct virtio_queue_state queue = { .desc = GUEST_USER,
						  .avail = GUEST_USER + 1024,
						  .used = GUEST_USER + 2048,
						  .size = GUEST_RING_SIZE };

	assert_int_equal(vring_open(&ring, &memory, features, &queue), 0);
}

static int set_up(void **state)
{
	const struct virtio_region region = { GUEST_BASE, GUEST_SIZE, GUEST_USER, 0 };

	guest_open(&g);
	memset(&memory, 0, sizeof(memory));
	memory.regions = regions;
	assert_int_equal(virtio_memory_map(&memory, 0, &region, g.memory_fd), 0);
	open_ring(FEATURES);
	return 0;
}

static int tear_down(void **state)
{
	virtio_memory_unmap(&memory, 0);
	fd_close(&g.server);
	guest_close(&g);
	return 0;
}

static void desc(unsigned int index, uint64_t offset, uint32_t size, uint16_t flags, uint16_t next)
{
	guest_desc(&g, 0)[index] = (struct vring_desc){ GUEST_BASE + offset, size, flags, next };
}

static int read_chain(uint32_t head)
{
	return vring_read(&ring, head, pieces, &request);
}

static void a_chain_becomes_two_lists(void **state)
{
	desc(3, GUEST_BUFFERS, 40, VRING_DESC_F_NEXT, 1);
	desc(1, GUEST_BUFFERS + 100, 10, VRING_DESC_F_NEXT, 2);
	desc(2, GUEST_BUFFERS + 200, 16, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 5);
	desc(5, GUEST_BUFFERS + 300, 4, VRING_DESC_F_WRITE, 0);
	assert_int_equal(read_chain(3), 0);
	assert_int_equal(request.in_count, 2);
	assert_int_equal(request.in_size, 50);
	assert_int_equal(request.out_count, 2);
	assert_int_equal(request.out_size, 20);
	guest_desc(&g, 0)[3].len = 1;
	g.memory[GUEST_BUFFERS] = 77;
	assert_int_equal(*(uint8_t *)request.in[0].iov_base, 77);
	assert_int_equal(request.in[0].iov_len, 40);
}

static void pieces_that_touch_become_one(void **state)
{
	desc(0, GUEST_BUFFERS, 40, VRING_DESC_F_NEXT, 1);
	desc(1, GUEST_BUFFERS + 40, 24, VRING_DESC_F_NEXT, 2);
	desc(2, GUEST_BUFFERS + 64, 16, VRING_DESC_F_WRITE, 0);
	assert_int_equal(read_chain(0), 0);
	assert_int_equal(request.in_count, 1);
	assert_int_equal(request.in[0].iov_len, 64);
	/* Not across the border between what is read and what is written. */
	assert_int_equal(request.out_count, 1);
	assert_int_equal(request.out[0].iov_len, 16);
}

static void an_indirect_table_is_followed(void **state)
{
	struct vring_desc *table = (void *)(g.memory + GUEST_BUFFERS);

	desc(0, GUEST_BUFFERS, 2 * 16, VRING_DESC_F_INDIRECT, 0);
	table[0] =
		(struct vring_desc){ GUEST_BASE + GUEST_BUFFERS + 1000, 8, VRING_DESC_F_NEXT, 1 };
	table[1] =
		(struct vring_desc){ GUEST_BASE + GUEST_BUFFERS + 2000, 9, VRING_DESC_F_WRITE, 0 };
	assert_int_equal(read_chain(0), 0);
	assert_int_equal(request.in_size, 8);
	assert_int_equal(request.out_size, 9);
	/* Not where it was not agreed on. */
	open_ring(0);
	assert_int_equal(read_chain(0), -EPROTO);
}

static void hostile_tables_are_refused(void **state)
{
	struct vring_desc *table = (void *)(g.memory + GUEST_BUFFERS);

	/* In itself, of odd length, of no length, too long, with more behind it, outside. */
	table[0] = (struct vring_desc){ GUEST_BASE + GUEST_BUFFERS, 16, VRING_DESC_F_INDIRECT, 0 };
	desc(0, GUEST_BUFFERS, 16, VRING_DESC_F_INDIRECT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_BUFFERS, 17, VRING_DESC_F_INDIRECT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_BUFFERS, 0, VRING_DESC_F_INDIRECT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_BUFFERS, 16 * (VIRTIO_QUEUE_SIZE_MAX + 1), VRING_DESC_F_INDIRECT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_BUFFERS, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_SIZE - 8, 16, VRING_DESC_F_INDIRECT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	/* Its entries lead out of it. */
	desc(0, GUEST_BUFFERS, 16, VRING_DESC_F_INDIRECT, 0);
	table[0] = (struct vring_desc){ GUEST_BASE, 1, VRING_DESC_F_NEXT, 1 };
	assert_int_equal(read_chain(0), -EPROTO);
}

static void a_chain_that_loops_ends(void **state)
{
	desc(0, GUEST_BUFFERS, 1, VRING_DESC_F_NEXT, 1);
	desc(1, GUEST_BUFFERS + 10, 1, VRING_DESC_F_NEXT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_BUFFERS, 0, VRING_DESC_F_NEXT, 0);
	assert_int_equal(read_chain(0), -EPROTO);
}

static void a_chain_does_not_leave_its_ring_or_the_memory(void **state)
{
	desc(0, GUEST_BUFFERS, 1, VRING_DESC_F_NEXT, GUEST_RING_SIZE);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_SIZE, 1, 0, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_SIZE - 1, 2, 0, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	desc(0, GUEST_BUFFERS, UINT32_MAX, 0, 0);
	assert_int_equal(read_chain(0), -EPROTO);
	guest_desc(&g, 0)[0] = (struct vring_desc){ UINT64_MAX, 2, 0, 0 };
	assert_int_equal(read_chain(0), -EPROTO);
	assert_int_equal(read_chain(GUEST_RING_SIZE), -EPROTO);
}

static void what_is_to_be_filled_comes_last(void **state)
{
	desc(0, GUEST_BUFFERS, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	desc(1, GUEST_BUFFERS + 10, 1, 0, 0);
	assert_int_equal(read_chain(0), -EPROTO);
}

static void an_index_that_runs_ahead_is_refused(void **state)
{
	uint32_t head;

	assert_int_equal(vring_waiting(&ring), 0);
	guest_avail(&g, 0)[1] = GUEST_RING_SIZE;
	assert_int_equal(vring_waiting(&ring), 1);
	guest_avail(&g, 0)[1] = GUEST_RING_SIZE + 1;
	assert_int_equal(vring_waiting(&ring), -EPROTO);
	guest_avail(&g, 0)[1] = UINT16_MAX;
	assert_int_equal(vring_waiting(&ring), -EPROTO);
	guest_avail(&g, 0)[2] = GUEST_RING_SIZE;
	assert_int_equal(vring_peek(&ring, &head), -EPROTO);
}

static void answers_stand_where_the_guest_looks(void **state)
{
	const uint32_t *element;

	for (uint16_t i = 0; i < GUEST_RING_SIZE + 2; i++)
		vring_answer(&ring, i, i % GUEST_RING_SIZE, 100u + i);
	assert_int_equal(guest_used(&g, 0)[1], GUEST_RING_SIZE + 2);
	element = (const uint32_t *)(const void *)(guest_used(&g, 0) + 2);
	assert_int_equal(element[0], 0);
	assert_int_equal(element[1], 116);
	assert_int_equal(element[2 * 15], 15);
}

static void the_guest_is_called_when_it_asked_for_it(void **state)
{
	uint16_t *used_event = guest_avail(&g, 0) + 2 + GUEST_RING_SIZE;

	*used_event = 1;
	vring_answer(&ring, 0, 0, 0);
	assert_false(vring_wants_call(&ring, 0));
	vring_answer(&ring, 1, 0, 0);
	assert_true(vring_wants_call(&ring, 1));
	vring_answer(&ring, 2, 0, 0);
	assert_false(vring_wants_call(&ring, 2));
	/* Several at once that go over it. */
	assert_true(vring_wants_call(&ring, 0));
	open_ring(0);
	guest_avail(&g, 0)[0] = VRING_AVAIL_F_NO_INTERRUPT;
	assert_false(vring_wants_call(&ring, 0));
	guest_avail(&g, 0)[0] = 0;
	assert_true(vring_wants_call(&ring, 0));
}

static void a_ring_is_where_it_can_be(void **state)
{
	struct virtio_queue_state queue = {
		.desc = GUEST_USER, .avail = GUEST_USER + 1024, .used = GUEST_USER + 2048, .size = 3
	};

	assert_int_equal(vring_open(&ring, &memory, 0, &queue), -EINVAL);
	queue.size = 0;
	assert_int_equal(vring_open(&ring, &memory, 0, &queue), -EINVAL);
	queue.size = 2 * VIRTIO_QUEUE_SIZE_MAX;
	assert_int_equal(vring_open(&ring, &memory, 0, &queue), -EINVAL);
	queue.size = 16;
	queue.desc++;
	assert_int_equal(vring_open(&ring, &memory, 0, &queue), -EINVAL);
	queue.desc = GUEST_USER + GUEST_SIZE - 16;
	assert_int_equal(vring_open(&ring, &memory, 0, &queue), -EINVAL);
	queue.desc = GUEST_USER;
	queue.used = GUEST_USER + GUEST_SIZE - 8;
	assert_int_equal(vring_open(&ring, &memory, 0, &queue), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_becomes_two_lists),
		TEST(pieces_that_touch_become_one),
		TEST(an_indirect_table_is_followed),
		TEST(hostile_tables_are_refused),
		TEST(a_chain_that_loops_ends),
		TEST(a_chain_does_not_leave_its_ring_or_the_memory),
		TEST(what_is_to_be_filled_comes_last),
		TEST(an_index_that_runs_ahead_is_refused),
		TEST(answers_stand_where_the_guest_looks),
		TEST(the_guest_is_called_when_it_asked_for_it),
		TEST(a_ring_is_where_it_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
