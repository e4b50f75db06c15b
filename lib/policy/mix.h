// SPDX-License-Identifier: BSD-3-Clause
// Steps of fast hashing: unaligned words and the folded 64 by 64 bit product.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t mix_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t mix_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t mix_multiply(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// The first n_bytes bytes at p as a word, the others zero; 8 bytes must be readable.
static inline uint64_t mix_load_masked(const uint8_t *p, size_t n_bytes)
{
	uint64_t word = mix_load64(p);

	return n_bytes >= 8 ? word : word & ((UINT64_C(1) << (8 * n_bytes)) - 1);
}

// A quick hash of bytes that nothing lies behind. For caches: it is keyed, but no more than that.
static inline uint64_t mix_bytes(uint64_t seed, const uint8_t *p, size_t n_bytes)
{
	const uint64_t odd = 0x9e3779b97f4a7c15; // 2^64 / golden ratio
	uint64_t hash = seed ^ n_bytes * odd;
	uint64_t a = 0, b = 0;

	for (; n_bytes > 16; p += 16, n_bytes -= 16)
		hash = mix_multiply(mix_load64(p) ^ hash, mix_load64(p + 8) ^ odd);
	if (n_bytes >= 8) {
		a = mix_load64(p);
		b = mix_load64(p + n_bytes - 8);
	} else if (n_bytes >= 4) {
		a = mix_load32(p);
		b = mix_load32(p + n_bytes - 4);
	} else if (n_bytes > 0) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[n_bytes / 2] << 8 | p[n_bytes - 1];
	}
	return mix_multiply(a ^ hash, b ^ odd);
}
