/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Little-endian numbers in blocks. */
#ifndef HILLOCK_IMAGE_MKIMAGE_BYTES_H
#define HILLOCK_IMAGE_MKIMAGE_BYTES_H

#include <stdint.h>

static inline void put16(unsigned char *at, uint16_t value)
{
	at[0] = (unsigned char)value;
	at[1] = (unsigned char)(value >> 8);
}

static inline void put32(unsigned char *at, uint32_t value)
{
	put16(at, (uint16_t)value);
	put16(at + 2, (uint16_t)(value >> 16));
}

static inline void put64(unsigned char *at, uint64_t value)
{
	put32(at, (uint32_t)value);
	put32(at + 4, (uint32_t)(value >> 32));
}

#endif
