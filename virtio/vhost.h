/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vhost-user messages as they stand on the socket; names as in its specification (QEMU's
 * docs/interop/vhost-user.rst). Private to virtio/ and its tests.
 */
#ifndef HILLOCK_VIRTIO_VHOST_H
#define HILLOCK_VIRTIO_VHOST_H

#include <stdint.h>

enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_RESET_OWNER = 4,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_SET_VRING_ERR = 14,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
	VHOST_GET_CONFIG = 24,
	VHOST_SET_CONFIG = 25,
	VHOST_RESET_DEVICE = 34,
	VHOST_GET_MAX_MEM_SLOTS = 36,
	VHOST_ADD_MEM_REG = 37,
	VHOST_REM_MEM_REG = 38,
};

#define VHOST_VERSION 1u
#define VHOST_REPLY (1u << 2)
#define VHOST_NEED_REPLY (1u << 3)

#define VHOST_F_PROTOCOL_FEATURES 30

#define VHOST_P_MQ 0
#define VHOST_P_REPLY_ACK 3
#define VHOST_P_CONFIG 9
#define VHOST_P_RESET_DEVICE 13
#define VHOST_P_CONFIGURE_MEM_SLOTS 15

#define VHOST_NO_FD (1u << 8) /* SET_VRING_KICK and the like come without a descriptor */
#define VHOST_TABLE_MAX 8     /* regions of one SET_MEM_TABLE */
#define VHOST_HEADER_SIZE 12

struct vhost_header {
	uint32_t request, flags, size;
};

struct vhost_ring {
	uint32_t index, num;
};

struct vhost_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct vhost_region {
	uint64_t guest, size, user, offset;
};

struct vhost_table {
	uint32_t count, padding;
	struct vhost_region regions[VHOST_TABLE_MAX];
};

struct vhost_one_region {
	uint64_t padding;
	struct vhost_region region;
};

struct vhost_config {
	uint32_t offset, size, flags;
	uint8_t data[256];
};

struct vhost_message {
	struct vhost_header header;
	union {
		uint64_t u64;
		struct vhost_ring ring;
		struct vhost_addr addr;
		struct vhost_table table;
		struct vhost_one_region one;
		struct vhost_config config;
	} __attribute__((packed)) payload;
} __attribute__((packed));

_Static_assert(sizeof(struct vhost_header) == VHOST_HEADER_SIZE, "as on the wire");
_Static_assert(sizeof(struct vhost_addr) == 40, "as on the wire");
_Static_assert(sizeof(struct vhost_table) == 8 + 32 * VHOST_TABLE_MAX, "as on the wire");

#endif
