/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device behind a vhost-user socket.
 *
 * Theory of operation
 * -------------------
 * A private kernel (um's virtio_uml, or QEMU on a guest's behalf: the front end) hands over its
 * memory, its rings and the descriptors to wake each other up, as messages on a stream socket.
 * From then on a request costs one wake-up in each direction, or none where both are awake: the
 * device finds it in guest memory, answers it there, and says so.
 *
 *	memory.c   the guest's memory: regions mapped here, addresses checked and translated
 *	vring.c	   split rings (virtio 1.2, section 2.7): indirect descriptors, event index
 *	vhost.c	   the messages, and the life of a session
 *
 * A request is handed to the device as two lists of pieces of guest memory, what the guest wrote
 * and what it wants filled; nothing is copied. One thread runs everything.
 *
 * Everything here that the guest wrote is hostile: each word of a ring is read once, every
 * address and length is checked against the regions, chains have an end, and memory that the
 * guest takes away again under a running device ends its session, not the process.
 *
 * Restart without loss
 * --------------------
 * What a session consists of lives in `struct virtio_state`, which the caller may put into memory
 * that outlives the process; descriptors are given to `keep` as they come. A successor that gets
 * the same state and the kept descriptors back goes on where its predecessor was killed, in the
 * middle of whatever it was. Three rules make that true at every instant:
 *
 *	- a message is looked at, carried out and only then taken off the socket, so it is carried
 *	  out again rather than lost; carrying it out twice does no harm;
 *	- the request being worked on is named in the state: before it is touched (VIRTIO_RUNNING),
 *	  and from when its answer is complete (VIRTIO_DONE). Handing over an answer only sets words
 *	  to values that were fixed before, so doing that twice does no harm either;
 *	- a successor begins as if every queue had been kicked.
 */
#ifndef HILLOCK_VIRTIO_VIRTIO_H
#define HILLOCK_VIRTIO_VIRTIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/loop.h"

#define VIRTIO_QUEUES_MAX 17       /* one for urgent matters, and 16 */
#define VIRTIO_QUEUE_SIZE_MAX 1024 /* descriptors */
#define VIRTIO_REGIONS_MAX 32
#define VIRTIO_IOV_MAX 1024 /* pieces of one request, both lists together */
#define VIRTIO_CONFIG_MAX 256

/* --- what outlives the process ---------------------------------------------------------------- */

struct virtio_region {
	uint64_t guest;  /* guest physical address */
	uint64_t size;   /* 0: no region here */
	uint64_t user;   /* the front end's own address: rings are named by it */
	uint64_t offset; /* in the file */
};

struct virtio_queue_state {
	uint64_t desc, avail, used; /* front end addresses */
	uint32_t size;
	uint32_t enabled;
	uint16_t last_avail; /* requests taken, modulo 2^16 */
	uint16_t last_used;  /* answers given, modulo 2^16 */
	uint32_t have_kick, have_call;
};

enum virtio_phase { VIRTIO_IDLE, VIRTIO_RUNNING, VIRTIO_DONE };

struct virtio_state {
	uint64_t features, protocol_features;
	struct virtio_region regions[VIRTIO_REGIONS_MAX];
	struct virtio_queue_state queues[VIRTIO_QUEUES_MAX];

	/* The one request being worked on. */
	uint32_t phase; /* enum virtio_phase */
	uint32_t queue, head, written;
	uint16_t next_avail, next_used; /* of the queue, once it is handed over */

	/* A reply to a message: 1 before the message is taken off the socket, 2 after. */
	uint32_t reply_stage, reply_size;
	uint8_t reply[12 + 12 + VIRTIO_CONFIG_MAX];
};

/* Keys under which descriptors are kept. */
#define VIRTIO_KEEP_REGION 0
#define VIRTIO_KEEP_KICK 64
#define VIRTIO_KEEP_CALL 128
#define VIRTIO_KEEP_END 192

/* --- a request -------------------------------------------------------------------------------- */

struct virtio_request {
	unsigned int queue;
	int again;              /* a predecessor was killed while it worked on this one */
	struct iovec *in, *out; /* what the guest wrote; what it wants filled */
	size_t in_count, out_count;
	size_t in_size, out_size;
};

struct virtio_device {
	uint64_t features; /* offered beside those of the rings */
	unsigned int queue_count;
	const uint8_t *config;
	size_t config_size; /* at most VIRTIO_CONFIG_MAX */

	/* Carries a request out and returns how many bytes of `out` it wrote. */
	size_t (*handle)(void *context, struct virtio_request *request);
	/* The request has been carried out for good: VIRTIO_DONE. May be called twice. */
	void (*done)(void *context);
	/* The front end has reset the device, or has gone. */
	void (*reset)(void *context);
	/* Hands descriptors into safe-keeping and takes them out again; may be NULL. */
	void (*keep)(void *context, unsigned int key, int fd);
	void (*drop)(void *context, unsigned int key);
	/* The session is over: reason in err->text; code 0 when the front end closed the socket. */
	void (*end)(void *context, const struct err *err);
	void *context;
};

struct virtio;

/*
 * A device on a connected socket, whose ownership passes on success. `state`: a new session needs
 * it zeroed; one that goes on finds there what its predecessor left, and `kept` then lists what
 * was kept (key, descriptor; taken over). All must outlive the session.
 */
struct virtio_kept {
	unsigned int key;
	int fd;
};

int virtio_open(struct virtio **virtio, struct loop *loop, const struct virtio_device *device,
		struct virtio_state *state, int socket, const struct virtio_kept *kept,
		size_t kept_count, struct err *err);
/* Closes everything; the state stays as it is. */
void virtio_close(struct virtio *virtio);

/* The session cannot go on, as the device found: ends it from the loop. */
void virtio_fail(struct virtio *virtio, const char *reason);

/* --- memory.c --------------------------------------------------------------------------------- */

struct virtio_memory {
	struct virtio_region *regions; /* VIRTIO_REGIONS_MAX of them */
	struct {
		uint8_t *map; /* NULL: not mapped */
		size_t map_size;
		uint8_t *base; /* where the region begins in the mapping */
	} maps[VIRTIO_REGIONS_MAX];
	volatile int lost; /* the guest took memory away that was in use */
};

/*
 * Maps region `index` from `fd`, of which it keeps nothing. Refuses what overflows, overlaps
 * another region in either address space, or is larger than the file. 0 or -errno.
 */
int virtio_memory_map(struct virtio_memory *memory, unsigned int index,
		      const struct virtio_region *region, int fd);
void virtio_memory_unmap(struct virtio_memory *memory, unsigned int index);
/* Can `region` stand beside the others? 0 or -errno. */
int virtio_memory_check(const struct virtio_memory *memory, const struct virtio_region *region);

/* All of [address, address + size) in one piece, aligned to `align`; NULL if it is not there. */
void *virtio_memory_user(const struct virtio_memory *memory, uint64_t address, uint64_t size,
			 size_t align);
/* As much of [address, address + *size) as is in one piece; *size tells. NULL if none is. */
void *virtio_memory_guest(const struct virtio_memory *memory, uint64_t address, uint64_t *size);

/*
 * From now on an access to guest memory that has gone reads zeroes and sets `lost`. For the whole
 * process; one memory at a time, or NULL.
 */
int virtio_memory_guard(struct virtio_memory *memory);

/* --- vring.c ---------------------------------------------------------------------------------- */

struct virtio_ring {
	const struct virtio_memory *memory;
	uint32_t size;
	const volatile uint8_t *desc, *avail;
	volatile uint8_t *used;
	int indirect, event; /* negotiated */
	uint16_t last_avail, last_used;
};

/* 0, or -EINVAL when the ring cannot be where the front end says. */
int vring_open(struct virtio_ring *ring, const struct virtio_memory *memory, uint64_t features,
	       const struct virtio_queue_state *queue);

/* Is there a request? 1, 0, or -EPROTO when the guest's index makes no sense. */
int vring_waiting(const struct virtio_ring *ring);
/* The head of the next request; -EPROTO when it names no descriptor. Takes nothing. */
int vring_peek(const struct virtio_ring *ring, uint32_t *head);
/*
 * The pieces of the request at `head`, in `pieces[VIRTIO_IOV_MAX]`. -EPROTO when the chain makes
 * no sense (loops, leaves the guest's memory, is too long).
 */
int vring_read(const struct virtio_ring *ring, uint32_t head, struct iovec *pieces,
	       struct virtio_request *request);
/* Puts an answer in place `at` and shows it to the guest. */
void vring_answer(struct virtio_ring *ring, uint16_t at, uint32_t head, uint32_t written);
/* Does the guest want to be told that its answers went from `before` to what they are now? */
int vring_wants_call(const struct virtio_ring *ring, uint16_t before);
/* Asks for kicks, or for none, while requests are being looked for anyway. */
void vring_ask_kicks(struct virtio_ring *ring, int on);

#endif
