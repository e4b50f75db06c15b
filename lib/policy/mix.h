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
