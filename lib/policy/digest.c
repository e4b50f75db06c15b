// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/digest.h"

#include "lib/policy/mix.h"

#include <string.h>

#define N_LANES     4
#define BLOCK_BYTES (N_LANES * 16)

// Fractional digits of pi: numbers with nothing up their sleeve.
static const uint64_t pi[2 * N_LANES] = {
	0x243f6a8885a308d3,
	0x13198a2e03707344,
	0xa4093822299f31d0,
	0x082efa98ec4e6c89,
	0x452821e638d01377,
	0xbe5466cf34e90c6c,
	0xc0ac29b7c97c50dd,
	0x3f84d5b5b5470917,
};

// Four independent lanes keep the multiplier busy. A lane adds its former value outside the
// product, so that a factor of zero cannot erase it; pi[4] is odd.
static void absorb(uint64_t lanes[N_LANES], const uint8_t block[BLOCK_BYTES])
{
	for (unsigned i = 0; i < N_LANES; i++) {
		uint64_t a = mix_load64(block + 16 * i) ^ pi[2 * i];
		uint64_t b = mix_load64(block + 16 * i + 8) ^ pi[2 * i + 1];

		lanes[i] =
			((lanes[i] << 23 | lanes[i] >> 41) + mix_multiply(a ^ lanes[i], b)) * pi[4];
	}
}

struct digest digest_of(const void *bytes, size_t n_bytes)
{
	uint64_t lanes[N_LANES] = {pi[4], pi[5], pi[6], pi[7]};
	const uint8_t *p = bytes;
	uint8_t tail[BLOCK_BYTES] = {0};
	size_t left = n_bytes;
	struct digest d;

	for (; left >= BLOCK_BYTES; p += BLOCK_BYTES, left -= BLOCK_BYTES)
		absorb(lanes, p);
	if (left > 0)
		memcpy(tail, p, left);
	absorb(lanes, tail);
	d.low = mix_multiply(lanes[0] ^ n_bytes, lanes[1] ^ pi[0]) + lanes[2];
	d.high = mix_multiply(lanes[2] ^ d.low, lanes[3] ^ pi[1]) + lanes[0];
	d.low ^= mix_multiply(lanes[1] + d.high, lanes[3] ^ pi[3]);
	return d;
}
