// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/text.h"

#include <endian.h>
#include <tmmintrin.h>

static unsigned count_digits(uint32_t value)
{
	unsigned n = 5;

	if (value < 100)
		return value < 10 ? 1 : 2;
	if (value < 10000)
		return value < 1000 ? 3 : 4;
	for (uint64_t limit = 100000; value >= limit; limit *= 10)
		n++;
	return n;
}

// Two digits at a time: each division takes as long as all the rest.
void text_add_number(struct text *t, uint32_t value)
{
	unsigned n_digits = count_digits(value);
	uint8_t *at = text_reserve(t, n_digits);

	if (at == NULL)
		return;
	for (at += n_digits; value >= 100; value /= 100) {
		at -= 2;
		at[0] = (uint8_t)('0' + value % 100 / 10);
		at[1] = (uint8_t)('0' + value % 10);
	}
	at[-1] = (uint8_t)('0' + value % 10);
	if (value >= 10)
		at[-2] = (uint8_t)('0' + value / 10);
}

void text_add_hex64(struct text *t, uint64_t value)
{
	const __m128i digits = _mm_setr_epi8(
		'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f');
	const __m128i nibble = _mm_set1_epi8(15);
	uint8_t *at = text_reserve(t, TEXT_HEX64_BYTES);
	__m128i low, high;

	if (at == NULL)
		return;
	low = _mm_cvtsi64_si128((long long)htobe64(value));
	high = _mm_and_si128(_mm_srli_epi64(low, 4), nibble);
	low = _mm_and_si128(low, nibble);
	_mm_storeu_si128((__m128i *)at, _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(high, low)));
}
