// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/base64.h"

#include "lib/base/wire.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define EVERY_BYTE UINT64_C(0x0101010101010101)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Eight sextets of 48 bits spread over eight bytes, the highest in the highest.
static uint64_t spread(uint64_t x)
{
	x = (x & UINT64_C(0xffffff000000)) << 8 | (x & UINT64_C(0xffffff));
	x = (x & UINT64_C(0x00fff00000fff000)) << 4 | (x & UINT64_C(0x00000fff00000fff));
	return (x & UINT64_C(0x0fc00fc00fc00fc0)) << 2 | (x & UINT64_C(0x003f003f003f003f));
}

// 1 in each byte that is at least `least`; all are below 64.
static uint64_t at_least(uint64_t x, unsigned least)
{
	return (x + EVERY_BYTE * (0x80 - least)) >> 7 & EVERY_BYTE;
}

// The alphabet's digits for eight sextets at once. Each range of the alphabet lies at a distance
// of its own from the sextets; no byte overflows on the way, for what adds comes first.
static uint64_t digits(uint64_t x)
{
	uint64_t small = at_least(x, 26), figure = at_least(x, 52);
	uint64_t minus = at_least(x, 62), underscore = at_least(x, 63);

	x += EVERY_BYTE * 'A' + small * ('a' - 'A' - 26) + underscore * ('_' - '-' - 1);
	return x - figure * ('a' - 26 - '0' + 52) - minus * ('0' + 10 - '-');
}

void base64_encode(const uint8_t *bytes, size_t n_bytes, uint8_t *text)
{
	for (; n_bytes >= 6; n_bytes -= 6, bytes += 6, text += 8) {
		uint64_t group = (uint64_t)wire_get32(bytes) << 16 | wire_get16(bytes + 4);

		group = htobe64(digits(spread(group)));
		memcpy(text, &group, sizeof(group));
	}
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
