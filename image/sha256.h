/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 (FIPS 180-4): names what an image was made from. */
#ifndef HILLOCK_IMAGE_SHA256_H
#define HILLOCK_IMAGE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

struct sha256 {
	uint32_t state[8];
	uint64_t length;           /* bytes taken so far */
	unsigned char pending[64]; /* the last length % 64 of them */
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t size);
void sha256_end(struct sha256 *sha, unsigned char digest[SHA256_SIZE]);

/* The first `digits` / 2 bytes of a digest in hexadecimal, and a NUL. */
void sha256_hex(const unsigned char digest[SHA256_SIZE], unsigned digits, char *text);

#endif
