// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines about memory.
 *
 * Theory of operation
 * -------------------
 * A page fault is the first touch of a page of a fresh mapping: a write where it is anonymous, a
 * read where it is a file's (whose pages are in the kernel's cache: they were just written).
 * Small pages are asked for, since one huge page would stand for 512 faults. Whoever serves a
 * fault may map neighbours with it; random order shows what that is worth. The two lines of memory
 * that is there already take whatever pages the kernel gives them unasked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/probe/probe.h"

#define PAGE 4096u
#define PAGES 2048u       /* touched in a batch, at most: 8 MB */
#define SPARSE 4u         /* random touches are spread over so many times as much */
#define MAPPING 65536u    /* of mmap() and munmap() */
#define LARGE (32u << 20) /* beyond what caches near the CPU hold */
#define LINE 64u          /* bytes in a cache line */
#define STREAM 65536u     /* bytes in an operation */

static unsigned char *area;
static size_t area_size;
static uint32_t order[PAGES * SPARSE]; /* which page comes when */
static int fd = -1;

static volatile unsigned sink; /* keeps the compiler from leaving reads out */

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The same shuffle each time. */
static void shuffle(uint32_t *numbers, uint32_t count)
{
	uint32_t state = 2463534242u;

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = i;
	for (uint32_t i = count - 1; i; i--) {
		uint32_t j = random_next(&state) % (i + 1), other = numbers[j];

		numbers[j] = numbers[i];
		numbers[i] = other;
	}
}

static int map(size_t size, int protection, int flags)
{
	area = mmap(NULL, size, protection, flags, fd, 0);
	area_size = size;
	if (area == MAP_FAILED)
		return -errno;
	/* A kernel that has no huge pages says EINVAL. */
	madvise(area, size, MADV_NOHUGEPAGE);
	return 0;
}

static int unmap(unsigned runs)
{
	return munmap(area, area_size) < 0 ? -errno : 0;
}

/* --- faults ---------------------------------------------------------------------------------- */

static int sequence_open(void)
{
	for (uint32_t i = 0; i < PAGES; i++)
		order[i] = i;
	return 0;
}

static int random_open(void)
{
	shuffle(order, PAGES * SPARSE);
	return 0;
}

static int file_make(size_t pages)
{
	static const unsigned char page[PAGE] = { 1 };

	fd = open("mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (pages--)
		if (write(fd, page, PAGE) != PAGE)
			return -errno;
	return 0;
}

static int file_sequence_open(void)
{
	int ret = sequence_open();

	return ret ? ret : file_make(PAGES);
}

static int file_random_open(void)
{
	int ret = random_open();

	return ret ? ret : file_make(PAGES * SPARSE);
}

static int map_anonymous(unsigned runs)
{
	return map((size_t)PAGES * SPARSE * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS);
}

static int map_file(unsigned runs)
{
	return map((size_t)lseek(fd, 0, SEEK_END), PROT_READ, MAP_SHARED);
}

static int fault_write(unsigned runs)
{
	for (unsigned i = 0; i < runs; i++)
		((volatile unsigned char *)area)[(size_t)order[i] * PAGE] = 1;
	return 0;
}

static int fault_read(unsigned runs)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < runs; i++)
		sum += ((volatile unsigned char *)area)[(size_t)order[i] * PAGE];
	return sum == runs ? 0 : -EIO;
}

static int mmap_run(unsigned runs)
{
	while (runs--) {
		void *at = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);

		if (at == MAP_FAILED || munmap(at, MAPPING) < 0)
			return -errno;
	}
	return 0;
}

/* --- memory that is there -------------------------------------------------------------------- */

static int large_make(void)
{
	area = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	memset(area, 1, LARGE);
	return 0;
}

static int stream_run(unsigned runs)
{
	static size_t at;

	while (runs--) {
		uint64_t *words = (uint64_t *)(void *)(area + at);

		for (size_t i = 0; i < STREAM / sizeof(*words); i++)
			words[i] += i;
		at = (at + STREAM) % LARGE;
	}
	sink += area[at];
	return 0;
}

/* A ring through all cache lines, in random order: each says where the next one is. */
static int chase_open(void)
{
	uint32_t count = LARGE / LINE, *numbers = malloc(count * sizeof(*numbers));
	int ret = large_make();

	if (ret || !numbers)
		return ret ? ret : -ENOMEM;
	shuffle(numbers, count);
	for (uint32_t i = 0; i < count; i++)
		memcpy(area + (size_t)numbers[i] * LINE, &numbers[(i + 1) % count],
		       sizeof(*numbers));
	free(numbers);
	return 0;
}

static int chase_run(unsigned runs)
{
	static uint32_t at;

	while (runs--)
		at = *(volatile uint32_t *)(void *)(area + (size_t)at * LINE);
	sink += at;
	return 0;
}

const struct probe_line probe_memory[] = {
	{ "fault-anon-seq", "page fault, anonymous, in sequence", PAGES, .open = sequence_open,
	  .prepare = map_anonymous, .run = fault_write, .finish = unmap },
	{ "fault-anon-rand", "page fault, anonymous, at random", PAGES, .open = random_open,
	  .prepare = map_anonymous, .run = fault_write, .finish = unmap },
	{ "fault-file-seq", "page fault, mapped file, in sequence", PAGES,
	  .open = file_sequence_open, .prepare = map_file, .run = fault_read, .finish = unmap },
	{ "fault-file-rand", "page fault, mapped file, at random", PAGES, .open = file_random_open,
	  .prepare = map_file, .run = fault_read, .finish = unmap },
	{ "mmap-munmap", "mmap() and munmap() of 64 KB, untouched", .run = mmap_run },
	{ "memory-stream", "64 KB of 32 MB read and written", .open = large_make,
	  .run = stream_run },
	{ "memory-random", "a cache line of 32 MB, at random", .open = chase_open,
	  .run = chase_run },
	{ 0 },
};
