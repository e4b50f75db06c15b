// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/domain.h"

#include "lib/policy/idna.h"
#include "lib/policy/mix.h"

#include <errno.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK_BYTES 16

// Sixteen bytes of a name, the first lowest.
struct block {
	uint64_t low, high;
};

// What they are; bit i is about byte i.
struct kinds {
	uint16_t valid; // letter, digit, hyphen, underscore or dot
	uint16_t dots;
};

#ifdef __SSE2__
// Bytes between first and last.
static __m128i in_range(__m128i bytes, char first, char last)
{
	__m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));

	return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(last - first))), above);
}

// Writes the block in lower case.
static struct kinds lower_block(struct block in, uint8_t out[BLOCK_BYTES])
{
	__m128i bytes = _mm_set_epi64x((long long)in.high, (long long)in.low);
	__m128i upper = in_range(bytes, 'A', 'Z');
	__m128i lowered = _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
	// '-', '.', '/' and the digits follow each other in ASCII.
	__m128i others = _mm_andnot_si128(
		_mm_cmpeq_epi8(bytes, _mm_set1_epi8('/')), in_range(bytes, '-', '9'));
	__m128i valid = _mm_or_si128(_mm_or_si128(in_range(lowered, 'a', 'z'), others),
		_mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')));

	_mm_storeu_si128((__m128i *)(void *)out, lowered);
	return (struct kinds){
		(uint16_t)_mm_movemask_epi8(valid),
		(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'))),
	};
}
#else
static struct kinds lower_block(struct block in, uint8_t out[BLOCK_BYTES])
{
	struct kinds kinds = {0, 0};

	memcpy(out, &in, BLOCK_BYTES);
	for (unsigned i = 0; i < BLOCK_BYTES; i++) {
		uint8_t c = out[i] = ascii_lower(out[i]);
		bool valid = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
			c == '.' || c == '_';

		kinds.valid |= (uint16_t)(valid << i);
		kinds.dots |= (uint16_t)((c == '.') << i);
	}
	return kinds;
}
#endif

static struct block load_block(const uint8_t *p)
{
	return (struct block){mix_load64(p), mix_load64(p + 8)};
}

// n < 16 bytes with nothing readable behind them, by loads that overlap; zeros follow.
static struct block load_short_block(const uint8_t *p, size_t n)
{
	struct block b = {0, 0};

	if (n > 8) {
		b.low = mix_load64(p);
		b.high = mix_load64(p + n - 8) >> 8 * (16 - n);
	} else if (n >= 4) {
		b.low = mix_load32(p) | (uint64_t)mix_load32(p + n - 4) << 8 * (n - 4);
	} else if (n > 0) {
		b.low = p[0] | (uint64_t)p[n / 2] << 8 * (n / 2) |
			(uint64_t)p[n - 1] << 8 * (n - 1);
	}
	return b;
}

// Lowers the name into out and finds its dots. False: it holds something else than a name of ASCII
// may hold.
static bool lower(struct view name, struct domain *out)
{
	bool valid = true;
	size_t at = 0;

	memset(out->dots, 0, sizeof(out->dots));
	for (; at + BLOCK_BYTES <= name.len; at += BLOCK_BYTES) {
		struct kinds k = lower_block(load_block(name.at + at), out->text + at);

		out->dots[at / 64] |= (uint64_t)k.dots << at % 64;
		valid &= k.valid == 0xffff;
	}
	if (at < name.len) {
		size_t n = name.len - at;
		uint16_t mask = (uint16_t)((1U << n) - 1);
		struct kinds k = lower_block(load_short_block(name.at + at, n), out->text + at);

		out->dots[at / 64] |= (uint64_t)k.dots << at % 64;
		valid &= (k.valid & mask) == mask;
	}
	out->len = (uint8_t)name.len;
	memset(out->text + out->len, 0, DOMAIN_PADDING);
	return valid;
}

static bool labels_fit(const struct domain *d)
{
	size_t end = d->len;

	for (;;) {
		size_t start = domain_label_start(d, end);

		if (start == end || end - start > DOMAIN_LABEL_BYTES_MAX)
			return false;
		if (start == 0)
			return true;
		end = start - 1;
	}
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

// No top-level domain is a number; an IPv4 literal always ends in one.
static bool ends_in_number(const struct domain *d)
{
	size_t len = d->len;

	while (len > 0 && is_digit(d->text[len - 1]))
		len--;
	return len == 0 || d->text[len - 1] == '.';
}

static int canonical_ascii(struct view name, struct domain *out)
{
	if (name.len > 0 && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > DOMAIN_BYTES_MAX || !lower(name, out))
		return -EINVAL;
	return labels_fit(out) && !ends_in_number(out) ? 0 : -EINVAL;
}

static bool is_ascii(struct view name)
{
	uint8_t any = 0;

	for (size_t i = 0; i < name.len; i++)
		any |= name.at[i];
	return any < 0x80;
}

int domain_canonical(struct view name, struct domain *out)
{
	uint8_t ascii[DOMAIN_BYTES_MAX + 1];
	int len;

	if (canonical_ascii(name, out) == 0)
		return 0;
	if (name.len > DOMAIN_SPELLING_BYTES_MAX || is_ascii(name))
		return -EINVAL;
	len = idna_to_ascii(name, ascii);
	return len < 0 ? len : canonical_ascii(view_of(ascii, (size_t)len), out);
}
