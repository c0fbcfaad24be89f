// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's memory, as far as it was handed over.
 *
 * Theory of operation
 * -------------------
 * A region is a piece of a file that the front end shares, known by two addresses: the guest's
 * physical one, which descriptors name, and the front end's own, which names rings. Regions never
 * overlap, so an address is in one region or in none; a span may go over several.
 *
 * Who shares a file can cut it short at any time. A read then raises SIGBUS: the handler puts
 * empty memory in the place of the whole region and leaves a note; the session ends at the next
 * look at it. System calls on such memory fail with EFAULT, which is a failed request.
 */
#include "virtio/virtio.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct virtio_memory *guarded;

static int overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

int virtio_memory_check(const struct virtio_memory *memory, const struct virtio_region *region)
{
	uint64_t end;
	unsigned int i;

	if (region->size == 0 || region->size > (uint64_t)1 << 46 ||
	    __builtin_add_overflow(region->guest, region->size, &end) ||
	    __builtin_add_overflow(region->user, region->size, &end) ||
	    __builtin_add_overflow(region->offset, region->size, &end) || end > INT64_MAX)
		return -EINVAL;
	for (i = 0; i < VIRTIO_REGIONS_MAX; i++) {
		const struct virtio_region *other = &memory->regions[i];

		if (memory->maps[i].map &&
		    (overlap(region->guest, region->size, other->guest, other->size) ||
		     overlap(region->user, region->size, other->user, other->size)))
			return -EEXIST;
	}
	return 0;
}

int virtio_memory_map(struct virtio_memory *memory, unsigned int index,
		      const struct virtio_region *region, int fd)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start = region->offset & ~(page - 1);
	uint64_t lead = region->offset - start;
	struct stat st;
	void *map;
	int rc;

	rc = virtio_memory_check(memory, region);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* Memory is a file in memory or of a file system; a device may do anything. */
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < region->offset + region->size)
		return -EINVAL;
	map = mmap(NULL, region->size + lead, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		   fd, (off_t)start);
	if (map == MAP_FAILED)
		return -errno;
	madvise(map, region->size + lead, MADV_DONTDUMP);
	memory->regions[index] = *region;
	memory->maps[index].map = map;
	memory->maps[index].map_size = region->size + lead;
	memory->maps[index].base = (uint8_t *)map + lead;
	return 0;
}

void virtio_memory_unmap(struct virtio_memory *memory, unsigned int index)
{
	if (memory->maps[index].map)
		munmap(memory->maps[index].map, memory->maps[index].map_size);
	memset(&memory->maps[index], 0, sizeof(memory->maps[index]));
}

void *virtio_memory_user(const struct virtio_memory *memory, uint64_t address, uint64_t size,
			 size_t align)
{
	unsigned int i;

	for (i = 0; i < VIRTIO_REGIONS_MAX; i++) {
		const struct virtio_region *region = &memory->regions[i];
		uint64_t at = address - region->user;
		uint8_t *p;

		if (!memory->maps[i].map || address < region->user || at >= region->size ||
		    size > region->size - at)
			continue;
		p = memory->maps[i].base + at;
		return (uintptr_t)p % align ? NULL : p;
	}
	return NULL;
}

void *virtio_memory_guest(const struct virtio_memory *memory, uint64_t address, uint64_t *size)
{
	unsigned int i;

	for (i = 0; i < VIRTIO_REGIONS_MAX; i++) {
		const struct virtio_region *region = &memory->regions[i];
		uint64_t at = address - region->guest;

		if (!memory->maps[i].map || address < region->guest || at >= region->size)
			continue;
		if (*size > region->size - at)
			*size = region->size - at;
		return memory->maps[i].base + at;
	}
	return NULL;
}

static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	struct virtio_memory *memory = guarded;
	uint8_t *address = info->si_addr;
	unsigned int i;

	for (i = 0; memory && i < VIRTIO_REGIONS_MAX; i++) {
		uint8_t *map = memory->maps[i].map;

		if (!map || address < map || address >= map + memory->maps[i].map_size)
			continue;
		if (mmap(map, memory->maps[i].map_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
			 0) == MAP_FAILED)
			break;
		memory->lost = 1;
		return;
	}
	/* None of ours: back to dying of it. */
	signal(signal_number, SIG_DFL);
}

int virtio_memory_guard(struct virtio_memory *memory)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	guarded = memory;
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}
