// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/base64.h"

#include <errno.h>
#include <tmmintrin.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Twelve bytes to sixteen digits; sixteen bytes are read. Each group of three is laid into a lane
// as its bytes 1, 0, 2, 1, so that two multiplications shift its four sixes of bits to their
// places.
static void encode_wide(const uint8_t *bytes, uint8_t *text)
{
	const __m128i spread = _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	// What is to be added to a six: by kind, A to Z the last, a to z the first, then each
	// digit.
	const __m128i offsets =
		_mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
			'0' - 52, '0' - 52, '0' - 52, '0' - 52, '-' - 62, '_' - 63, 'A', 0, 0);
	__m128i v = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes), spread);
	__m128i high = _mm_mulhi_epu16(
		_mm_and_si128(v, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
	__m128i low = _mm_mullo_epi16(
		_mm_and_si128(v, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
	__m128i six = _mm_or_si128(high, low);
	__m128i kind = _mm_subs_epu8(six, _mm_set1_epi8(51));
	__m128i upper = _mm_cmplt_epi8(six, _mm_set1_epi8(26));

	kind = _mm_or_si128(kind, _mm_and_si128(upper, _mm_set1_epi8(13)));
	_mm_storeu_si128((__m128i *)text, _mm_add_epi8(six, _mm_shuffle_epi8(offsets, kind)));
}

void base64_encode(const uint8_t *bytes, size_t n_bytes, uint8_t *text)
{
	for (; n_bytes >= 16; n_bytes -= 12, bytes += 12, text += 16)
		encode_wide(bytes, text);
	for (; n_bytes >= 3; n_bytes -= 3, bytes += 3, text += 4) {
		uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

		text[0] = (uint8_t)alphabet[group >> 18];
		text[1] = (uint8_t)alphabet[group >> 12 & 63];
		text[2] = (uint8_t)alphabet[group >> 6 & 63];
		text[3] = (uint8_t)alphabet[group & 63];
	}
}

// 64 or more for a byte outside the alphabet.
static unsigned digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26U;
	if (c >= '0' && c <= '9')
		return c - '0' + 52U;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : 64;
}

int base64_decode(const uint8_t *text, size_t n_text, uint8_t *bytes)
{
	unsigned outside = 0;

	for (; n_text >= 4; n_text -= 4, text += 4, bytes += 3) {
		unsigned a = digit(text[0]), b = digit(text[1]);
		unsigned c = digit(text[2]), d = digit(text[3]);
		uint32_t group = a << 18 | b << 12 | c << 6 | d;

		outside |= (a | b | c | d) & 64;
		bytes[0] = (uint8_t)(group >> 16);
		bytes[1] = (uint8_t)(group >> 8);
		bytes[2] = (uint8_t)group;
	}
	return outside != 0 ? -EINVAL : 0;
}
