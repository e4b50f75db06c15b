// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/base64.h"

#include <errno.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_encode(const uint8_t *bytes, size_t n_bytes, uint8_t *text)
{
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
