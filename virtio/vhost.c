// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the vhost-user messages mean.
 *
 * Theory of operation
 * -------------------
 * Every message sets something to a value that it carries, so a message may be carried out twice
 * (virtio.h says when that happens). One that asks for what was not offered, names a ring that is
 * not there or memory that cannot be ends the session: a front end that works does not do that,
 * and from one that does not nothing good comes any more. The exception is a message for which
 * the front end wants to know whether it succeeded: it is told.
 *
 * Not offered: a channel back to the front end and notifications over it (um would then wait for
 * an answer to each), logging of writes (for migration), shared in-flight buffers (struct
 * virtio_state serves their purpose without the front end's help).
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "base/fd.h"
#include "virtio/room.h"

#define PROTOCOL_FEATURES                                                          \
	(1ULL << VHOST_P_MQ | 1ULL << VHOST_P_REPLY_ACK | 1ULL << VHOST_P_CONFIG | \
	 1ULL << VHOST_P_RESET_DEVICE | 1ULL << VHOST_P_CONFIGURE_MEM_SLOTS)

static uint64_t offered(const struct virtio *v)
{
	return v->device.features | 1ULL << VIRTIO_F_VERSION_1 |
	       1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VIRTIO_RING_F_EVENT_IDX |
	       1ULL << VHOST_F_PROTOCOL_FEATURES;
}

static int refuse(struct err *err, const char *what)
{
	return err_set(err, EPROTO, "vhost-user: %s", what);
}

static void reply_u64(struct vhost_message *reply, uint64_t value)
{
	reply->header.size = sizeof(value);
	reply->payload.u64 = value;
}

static int update_queues(struct virtio *v, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < v->device.queue_count; i++) {
		virtio_queue_stop(v, i);
		rc = virtio_queue_update(v, i, err);
	}
	return rc;
}

/* --- memory ----------------------------------------------------------------------------------- */

static void forget_region(struct virtio *v, unsigned int index)
{
	virtio_memory_unmap(&v->memory, index);
	memset(&v->state->regions[index], 0, sizeof(v->state->regions[index]));
	virtio_drop(v, VIRTIO_KEEP_REGION + index);
}

static int add_region(struct virtio *v, unsigned int index, const struct vhost_region *from, int fd,
		      struct err *err)
{
	const struct virtio_region region = { from->guest, from->size, from->user, from->offset };
	int rc;

	virtio_keep(v, VIRTIO_KEEP_REGION + index, fd);
	rc = virtio_memory_map(&v->memory, index, &region, fd);
	if (rc < 0) {
		virtio_drop(v, VIRTIO_KEEP_REGION + index);
		return err_sys(err, -rc, "vhost-user: memory region at %#llx of %llu bytes",
			       (unsigned long long)region.guest, (unsigned long long)region.size);
	}
	return 0;
}

static void stop_queues(struct virtio *v)
{
	for (unsigned int i = 0; i < v->device.queue_count; i++)
		virtio_queue_stop(v, i);
}

static int set_mem_table(struct virtio *v, const struct vhost_table *table, const int *fds,
			 size_t fd_count, struct err *err)
{
	int rc = 0;
	uint32_t i;

	if (table->count > VHOST_TABLE_MAX || table->count != fd_count)
		return refuse(err, "a memory table without a descriptor for each region");
	stop_queues(v);
	for (i = 0; i < VIRTIO_REGIONS_MAX; i++)
		if (v->memory.maps[i].map)
			forget_region(v, i);
	for (i = 0; rc == 0 && i < table->count; i++)
		rc = add_region(v, i, &table->regions[i], fds[i], err);
	return rc < 0 ? rc : update_queues(v, err);
}

static int same_region(const struct virtio_region *a, const struct vhost_region *b)
{
	return a->guest == b->guest && a->size == b->size && a->user == b->user;
}

static int find_region(const struct virtio *v, const struct vhost_region *wanted)
{
	for (int i = 0; i < VIRTIO_REGIONS_MAX; i++)
		if (v->memory.maps[i].map && same_region(&v->memory.regions[i], wanted))
			return i;
	return -1;
}

static int add_mem_reg(struct virtio *v, const struct vhost_region *region, const int *fds,
		       size_t fd_count, struct err *err)
{
	unsigned int i;

	if (fd_count != 1)
		return refuse(err, "a memory region without a descriptor");
	if (find_region(v, region) >= 0)
		return 0;
	for (i = 0; i < VIRTIO_REGIONS_MAX; i++)
		if (!v->memory.maps[i].map)
			return add_region(v, i, region, fds[0], err);
	return refuse(err, "too many memory regions");
}

static int rem_mem_reg(struct virtio *v, const struct vhost_region *region, struct err *err)
{
	int index = find_region(v, region);

	/* Not there: carried out before. */
	if (index < 0)
		return 0;
	stop_queues(v);
	forget_region(v, (unsigned int)index);
	return update_queues(v, err);
}

/* --- rings ------------------------------------------------------------------------------------ */

static int set_vring_num(struct virtio *v, const struct vhost_ring *ring, struct err *err)
{
	uint32_t n = ring->num;

	if (n == 0 || n > VIRTIO_QUEUE_SIZE_MAX || (n & (n - 1)))
		return refuse(err, "a ring of an impossible size");
	virtio_queue_stop(v, ring->index);
	v->state->queues[ring->index].size = n;
	return virtio_queue_update(v, ring->index, err);
}

static int set_vring_base(struct virtio *v, const struct vhost_ring *ring, struct err *err)
{
	struct virtio_queue_state *state = &v->state->queues[ring->index];

	/* Requests are answered in their order, so nothing is open where a ring was stopped. */
	virtio_queue_stop(v, ring->index);
	state->last_avail = state->last_used = (uint16_t)ring->num;
	return virtio_queue_update(v, ring->index, err);
}

static int set_vring_addr(struct virtio *v, const struct vhost_addr *addr, struct err *err)
{
	struct virtio_queue_state *state = &v->state->queues[addr->index];

	virtio_queue_stop(v, addr->index);
	state->desc = addr->desc;
	state->avail = addr->avail;
	state->used = addr->used;
	return virtio_queue_update(v, addr->index, err);
}

static int set_vring_fd(struct virtio *v, uint32_t request, uint64_t value, int *fds,
			size_t fd_count, struct err *err)
{
	unsigned int index = value & 0xff;
	int fd = -1;

	if (!(value & VHOST_NO_FD)) {
		if (fd_count != 1)
			return refuse(err, "a ring's descriptor did not come");
		fd = fd_steal(&fds[0]);
	}
	if (request == VHOST_SET_VRING_CALL) {
		virtio_queue_set_call(v, index, fd);
		return 0;
	}
	if (request == VHOST_SET_VRING_ERR) {
		fd_close(&fd);
		return 0;
	}
	if (fd < 0)
		return refuse(err, "a ring that has to be polled");
	return virtio_queue_set_kick(v, index, fd, err);
}

static void get_vring_base(struct virtio *v, unsigned int index, struct vhost_message *reply)
{
	virtio_queue_stop(v, index);
	virtio_queue_set_kick(v, index, -1, NULL);
	reply->header.size = sizeof(reply->payload.ring);
	reply->payload.ring.index = index;
	reply->payload.ring.num = v->state->queues[index].last_avail;
}

static int set_vring_enable(struct virtio *v, const struct vhost_ring *ring, struct err *err)
{
	v->state->queues[ring->index].enabled = !!ring->num;
	return virtio_queue_update(v, ring->index, err);
}

/* --- the device ------------------------------------------------------------------------------- */

static int get_config(struct virtio *v, const struct vhost_message *message,
		      struct vhost_message *reply, struct err *err)
{
	struct vhost_config config;
	uint64_t end;

	memcpy(&config, &message->payload, sizeof(config));
	end = (uint64_t)config.offset + config.size;
	if (end > sizeof(config.data) || message->header.size < 12)
		return refuse(err, "configuration beyond its end");
	memset(config.data, 0, sizeof(config.data));
	if (config.offset < v->device.config_size)
		memcpy(config.data, v->device.config + config.offset,
		       v->device.config_size - config.offset < config.size
			       ? v->device.config_size - config.offset
			       : config.size);
	reply->header.size = 12 + config.size;
	memcpy(&reply->payload, &config, reply->header.size);
	return 0;
}

/* How long each message's payload is; 0 for none. GET_CONFIG and SET_CONFIG: at least. */
static int payload_size(uint32_t request)
{
	switch (request) {
	case VHOST_GET_FEATURES:
	case VHOST_SET_OWNER:
	case VHOST_RESET_OWNER:
	case VHOST_GET_PROTOCOL_FEATURES:
	case VHOST_GET_QUEUE_NUM:
	case VHOST_RESET_DEVICE:
	case VHOST_GET_MAX_MEM_SLOTS:
		return 0;
	case VHOST_SET_FEATURES:
	case VHOST_SET_PROTOCOL_FEATURES:
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_ENABLE:
		return 8;
	case VHOST_SET_VRING_ADDR:
		return sizeof(struct vhost_addr);
	case VHOST_SET_MEM_TABLE:
		return 8;
	case VHOST_ADD_MEM_REG:
	case VHOST_REM_MEM_REG:
		return sizeof(struct vhost_one_region);
	case VHOST_GET_CONFIG:
	case VHOST_SET_CONFIG:
		return 12;
	default:
		return -1;
	}
}

/* Which ring a message is about: the first word's low byte or all of it; -1: about none. */
static int64_t ring_of(const struct vhost_message *m)
{
	switch (m->header.request) {
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
		return (int64_t)(m->payload.u64 & 0xff);
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_ENABLE:
	case VHOST_SET_VRING_ADDR:
		return m->payload.ring.index;
	default:
		return -1;
	}
}

static int check(const struct virtio *v, const struct vhost_message *m, struct err *err)
{
	int size = payload_size(m->header.request);

	if (size < 0)
		return err_set(err, EPROTO, "vhost-user: message %u is not known here",
			       m->header.request);
	if (m->header.size < (uint32_t)size)
		return err_set(err, EPROTO, "vhost-user: message %u is too short",
			       m->header.request);
	if (m->header.request == VHOST_SET_MEM_TABLE &&
	    (m->payload.table.count > VHOST_TABLE_MAX ||
	     m->header.size < 8 + m->payload.table.count * sizeof(struct vhost_region)))
		return refuse(err, "a memory table that is cut short");
	if (ring_of(m) >= (int64_t)v->device.queue_count)
		return err_set(err, EPROTO, "vhost-user: message %u for ring %lld of %u",
			       m->header.request, (long long)ring_of(m), v->device.queue_count);
	return 0;
}

/* Messages that are answered by their nature; 1: it was one. */
static int handle_question(struct virtio *v, const struct vhost_message *m,
			   struct vhost_message *reply, struct err *err)
{
	switch (m->header.request) {
	case VHOST_GET_FEATURES:
		reply_u64(reply, offered(v));
		return 1;
	case VHOST_GET_PROTOCOL_FEATURES:
		reply_u64(reply, PROTOCOL_FEATURES);
		return 1;
	case VHOST_GET_QUEUE_NUM:
		reply_u64(reply, v->device.queue_count);
		return 1;
	case VHOST_GET_MAX_MEM_SLOTS:
		reply_u64(reply, VIRTIO_REGIONS_MAX);
		return 1;
	case VHOST_GET_VRING_BASE:
		get_vring_base(v, m->payload.ring.index, reply);
		return 1;
	case VHOST_GET_CONFIG:
		return get_config(v, m, reply, err) < 0 ? -EPROTO : 1;
	default:
		return 0;
	}
}

static int set_features(struct virtio *v, uint64_t features, struct err *err)
{
	if (features & ~offered(v))
		return refuse(err, "features that were not offered");
	v->state->features = features;
	return update_queues(v, err);
}

static int handle_order(struct virtio *v, const struct vhost_message *m, int *fds, size_t fd_count,
			struct err *err)
{
	struct vhost_table table;
	struct vhost_one_region one;
	struct vhost_addr addr;
	struct vhost_ring ring;

	memcpy(&table, &m->payload, sizeof(table));
	memcpy(&one, &m->payload, sizeof(one));
	memcpy(&addr, &m->payload, sizeof(addr));
	memcpy(&ring, &m->payload, sizeof(ring));
	switch (m->header.request) {
	case VHOST_SET_FEATURES:
		return set_features(v, m->payload.u64, err);
	case VHOST_SET_PROTOCOL_FEATURES:
		if (m->payload.u64 & ~PROTOCOL_FEATURES)
			return refuse(err, "protocol features that were not offered");
		v->state->protocol_features = m->payload.u64;
		return 0;
	case VHOST_RESET_OWNER:
	case VHOST_RESET_DEVICE:
		virtio_reset_queues(v);
		v->device.reset(v->device.context);
		return 0;
	case VHOST_SET_MEM_TABLE:
		return set_mem_table(v, &table, fds, fd_count, err);
	case VHOST_ADD_MEM_REG:
		return add_mem_reg(v, &one.region, fds, fd_count, err);
	case VHOST_REM_MEM_REG:
		return rem_mem_reg(v, &one.region, err);
	case VHOST_SET_VRING_NUM:
		return set_vring_num(v, &ring, err);
	case VHOST_SET_VRING_BASE:
		return set_vring_base(v, &ring, err);
	case VHOST_SET_VRING_ADDR:
		return set_vring_addr(v, &addr, err);
	case VHOST_SET_VRING_ENABLE:
		return set_vring_enable(v, &ring, err);
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
		return set_vring_fd(v, m->header.request, m->payload.u64, fds, fd_count, err);
	default: /* SET_OWNER, SET_CONFIG: nothing to do */
		return 0;
	}
}

int vhost_handle(struct virtio *v, const struct vhost_message *message, int *fds, size_t fd_count,
		 struct vhost_message *reply, struct err *err)
{
	int rc;

	memset(reply, 0, sizeof(*reply));
	if ((message->header.flags & ~VHOST_NEED_REPLY) != VHOST_VERSION)
		return refuse(err, "a message of another version");
	rc = check(v, message, err);
	if (rc < 0)
		return rc;
	reply->header.flags = VHOST_VERSION | VHOST_REPLY;
	rc = handle_question(v, message, reply, err);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		reply->header.request = message->header.request;
		return 0;
	}
	rc = handle_order(v, message, fds, fd_count, err);
	/* Looked at afterwards: um wants to be told even of the message that agrees on it. */
	if (!(message->header.flags & VHOST_NEED_REPLY) ||
	    !(v->state->protocol_features & 1ULL << VHOST_P_REPLY_ACK))
		return rc;
	reply->header.request = message->header.request;
	reply_u64(reply, rc < 0);
	return 0;
}
