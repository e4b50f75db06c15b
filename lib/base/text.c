// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/text.h"

#include <endian.h>

void text_add_number(struct text *t, uint32_t value)
{
	unsigned n_digits = 1;
	uint8_t *at;

	for (uint64_t limit = 10; value >= limit; limit *= 10)
		n_digits++;
	at = text_reserve(t, n_digits);
	if (at == NULL)
		return;
	for (at += n_digits; n_digits > 0; n_digits--) {
		*--at = (uint8_t)('0' + value % 10);
		value /= 10;
	}
}

// Eight nibbles of a word spread over its eight bytes, the highest in the highest, then turned
// into digits at once: 6 carries a nibble over nine into bit 4, and a letter is 39 above where a
// digit would be.
static uint64_t hex32(uint32_t value)
{
	uint64_t x = value, over_nine;

	x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	over_nine = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return x + UINT64_C(0x3030303030303030) + over_nine * ('a' - '9' - 1);
}

void text_add_hex64(struct text *t, uint64_t value)
{
	uint8_t *at = text_reserve(t, TEXT_HEX64_BYTES);
	uint64_t half;

	if (at == NULL)
		return;
	half = htobe64(hex32((uint32_t)(value >> 32)));
	memcpy(at, &half, sizeof(half));
	half = htobe64(hex32((uint32_t)value));
	memcpy(at + sizeof(half), &half, sizeof(half));
}
