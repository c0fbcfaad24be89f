// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory in which a hostile guest wrote what it liked: rings, tables, chains. The input is
 * the memory's first bytes (a ring of 16 lies at its start: descriptors, at 1024 what is
 * available, at 2048 what is used). What is promised: a request's pieces are within the memory,
 * there is an end to each, and nothing but the used ring is written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "virtio/virtio.h"

#define SIZE 8192u
#define BASE 0x10000u
#define USER 0x5000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct virtio_region regions[VIRTIO_REGIONS_MAX];
static struct virtio_memory memory = { .regions = regions };

/* Two regions that touch in the guest's addresses, and not in this process'. */
static void open_memory(void)
{
	const struct virtio_region a = { BASE, SIZE / 2, USER, 0 };
	const struct virtio_region b = { BASE + SIZE / 2, SIZE / 2, USER + SIZE, SIZE / 2 };
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SIZE) < 0 || virtio_memory_map(&memory, 0, &a, fd) < 0 ||
	    virtio_memory_map(&memory, 1, &b, fd) < 0)
		abort();
	close(fd);
}

static void check_pieces(const struct iovec *iov, size_t count, size_t size)
{
	for (; count; iov++, count--) {
		const uint8_t *p = iov->iov_base;
		int inside = 0;

		for (int i = 0; i < 2; i++)
			inside |= p >= memory.maps[i].base &&
				  p + iov->iov_len <= memory.maps[i].base + SIZE / 2;
		if (!inside || !iov->iov_len)
			abort();
		size -= iov->iov_len;
	}
	if (size)
		abort();
}

static void run(uint64_t features)
{
	static struct iovec pieces[VIRTIO_IOV_MAX];
	const struct virtio_queue_state queue = {
		.desc = USER, .avail = USER + 1024, .used = USER + 2048, .size = 16
	};
	struct virtio_request request;
	struct virtio_ring ring;
	uint32_t head;

	if (vring_open(&ring, &memory, features, &queue) < 0)
		abort();
	for (int i = 0; i < 64 && vring_waiting(&ring) == 1; i++) {
		if (vring_peek(&ring, &head) < 0 || vring_read(&ring, head, pieces, &request) < 0)
			return;
		if (request.in_count + request.out_count > VIRTIO_IOV_MAX)
			abort();
		check_pieces(request.in, request.in_count, request.in_size);
		check_pieces(request.out, request.out_count, request.out_size);
		vring_answer(&ring, ring.last_used, head, (uint32_t)request.out_size);
		ring.last_avail++;
		vring_wants_call(&ring, (uint16_t)(ring.last_used - 1));
		vring_ask_kicks(&ring, i & 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t features = 0;

	if (!memory.maps[0].map)
		open_memory();
	if (size == 0)
		return 0;
	features = (uint64_t)(data[0] & 3) << 28;
	data++;
	size--;
	if (size > SIZE)
		size = SIZE;
	for (int i = 0; i < 2; i++) {
		size_t n = size < SIZE / 2 ? size : SIZE / 2;

		memset(memory.maps[i].base, 0, SIZE / 2);
		memcpy(memory.maps[i].base, data, n);
		data += n;
		size -= n;
	}
	run(features);
	return 0;
}
