// SPDX-License-Identifier: GPL-2.0-or-later
/* What a front end may and may not say about the guest's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "virtio/virtio.h"

#define PAGE 4096u

static struct virtio_region regions[VIRTIO_REGIONS_MAX];
static struct virtio_memory memory;
static int file;

static int set_up(void **state)
{
	memset(&memory, 0, sizeof(memory));
	memset(regions, 0, sizeof(regions));
	memory.regions = regions;
	file = memfd_create("guest", MFD_CLOEXEC);
	return file < 0 || ftruncate(file, 16 * PAGE) < 0;
}

static int tear_down(void **state)
{
	virtio_memory_guard(NULL);
	for (unsigned int i = 0; i < VIRTIO_REGIONS_MAX; i++)
		virtio_memory_unmap(&memory, i);
	fd_close(&file);
	return 0;
}

static int map(unsigned int index, uint64_t guest, uint64_t size, uint64_t user, uint64_t offset)
{
	const struct virtio_region region = { guest, size, user, offset };

	return virtio_memory_map(&memory, index, &region, file);
}

static void addresses_lead_into_the_file(void **state)
{
	uint64_t size = 100;
	uint8_t *p;

	assert_int_equal(map(0, 0x10000, 4 * PAGE, 0x700000, PAGE), 0);
	p = virtio_memory_guest(&memory, 0x10010, &size);
	assert_non_null(p);
	assert_int_equal(size, 100);
	*p = 42;
	assert_int_equal(pread(file, p, 1, PAGE + 0x10), 1);
	assert_int_equal(*p, 42);
	assert_ptr_equal(virtio_memory_user(&memory, 0x700010, 100, 1), p);
}

static void an_offset_need_not_be_a_page(void **state)
{
	uint8_t *p, byte = 7;

	assert_int_equal(pwrite(file, &byte, 1, PAGE + 100), 1);
	assert_int_equal(map(0, 0, PAGE, 0, PAGE + 100), 0);
	p = virtio_memory_user(&memory, 0, 1, 1);
	assert_non_null(p);
	assert_int_equal(*p, 7);
}

static void a_span_is_cut_at_the_end_of_its_region(void **state)
{
	uint64_t size = 2 * PAGE;

	assert_int_equal(map(0, 0, PAGE, 0x1000000, 0), 0);
	assert_int_equal(map(1, PAGE, PAGE, 0x2000000, PAGE), 0);
	assert_non_null(virtio_memory_guest(&memory, PAGE - 16, &size));
	assert_int_equal(size, 16);
	/* What has to be in one piece is not there. */
	assert_null(virtio_memory_user(&memory, 0x1000000 + PAGE - 16, 32, 1));
	assert_non_null(virtio_memory_user(&memory, 0x1000000 + PAGE - 16, 16, 1));
}

static void what_is_in_no_region_is_not_there(void **state)
{
	uint64_t size = 1;

	assert_int_equal(map(0, PAGE, PAGE, PAGE, 0), 0);
	assert_null(virtio_memory_guest(&memory, 0, &size));
	assert_null(virtio_memory_guest(&memory, 2 * PAGE, &size));
	assert_null(virtio_memory_guest(&memory, UINT64_MAX, &size));
	assert_null(virtio_memory_user(&memory, PAGE, UINT64_MAX, 1));
	assert_null(virtio_memory_user(&memory, PAGE + 1, 2, 2));
}

static void regions_do_not_overlap(void **state)
{
	assert_int_equal(map(0, 0, 2 * PAGE, 0, 0), 0);
	assert_int_equal(map(1, PAGE, PAGE, 0x100000, 0), -EEXIST);
	assert_int_equal(map(1, 0x100000, PAGE, PAGE, 0), -EEXIST);
	assert_int_equal(map(1, 2 * PAGE, PAGE, 2 * PAGE, 0), 0);
}

static void numbers_that_overflow_are_refused(void **state)
{
	assert_int_equal(map(0, UINT64_MAX - 10, PAGE, 0, 0), -EINVAL);
	assert_int_equal(map(0, 0, PAGE, UINT64_MAX - 10, 0), -EINVAL);
	assert_int_equal(map(0, 0, PAGE, 0, UINT64_MAX - 10), -EINVAL);
	assert_int_equal(map(0, 0, PAGE, 0, INT64_MAX), -EINVAL);
	assert_int_equal(map(0, 0, 0, 0, 0), -EINVAL);
	assert_int_equal(map(0, 0, UINT64_MAX, 0, 0), -EINVAL);
}

static void a_region_is_no_larger_than_its_file(void **state)
{
	assert_int_equal(map(0, 0, 16 * PAGE, 0, PAGE), -EINVAL);
	assert_int_equal(map(0, 0, 16 * PAGE, 0, 0), 0);
}

static void memory_is_a_file_and_no_device(void **state)
{
	fd_close(&file);
	file = open("/dev/zero", O_RDWR | O_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(map(0, 0, PAGE, 0, 0), -EINVAL);
}

static void memory_that_is_taken_away_reads_as_zeroes(void **state)
{
	volatile uint8_t *p;

	assert_int_equal(map(0, 0, 4 * PAGE, 0, 0), 0);
	assert_int_equal(virtio_memory_guard(&memory), 0);
	p = virtio_memory_user(&memory, 2 * PAGE, 1, 1);
	assert_non_null(p);
	*p = 1;
	assert_int_equal(ftruncate(file, PAGE), 0);
	assert_int_equal(*p, 0);
	assert_true(memory.lost);
	*p = 2;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(addresses_lead_into_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_offset_need_not_be_a_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_span_is_cut_at_the_end_of_its_region, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_in_no_region_is_not_there, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(regions_do_not_overlap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_that_overflow_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_region_is_no_larger_than_its_file, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(memory_is_a_file_and_no_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_that_is_taken_away_reads_as_zeroes, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
