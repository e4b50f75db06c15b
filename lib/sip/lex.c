// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/lex.h"

#include <immintrin.h>

#define T LEX_TOKEN
#define W LEX_WORD
#define U LEX_USER
#define H LEX_HOST
#define P LEX_URI_PARAM
#define B LEX_BARE_USER
#define V LEX_VALUE
#define X LEX_HEX

const uint8_t lex_classes[256] = {
	['0' ... '9'] = T | W | U | B | H | P | V | X,
	['A' ... 'F'] = T | W | U | B | H | P | V | X,
	['G' ... 'Z'] = T | W | U | B | H | P | V,
	['a' ... 'f'] = T | W | U | B | H | P | V | X,
	['g' ... 'z'] = T | W | U | B | H | P | V,
	['-'] = T | W | U | B | H | P | V,
	['.'] = T | W | U | B | H | P | V,
	['_'] = T | W | U | B | H | P | V,
	['+'] = T | W | U | B | P | V,
	['!'] = T | W | U | B | P | V,
	['~'] = T | W | U | B | P | V,
	['*'] = T | W | U | B | P | V,
	['\''] = T | W | U | B | P | V,
	['%'] = T | W | U | B | P | V,
	['`'] = T | W | V,
	['('] = W | U | B | P | V,
	[')'] = W | U | B | P | V,
	['/'] = W | U | B | P | V,
	['?'] = W | U | V,
	[':'] = W | P | V,
	['['] = W | P | V,
	[']'] = W | P | V,
	['{'] = W | V,
	['}'] = W | V,
	['<'] = W,
	['>'] = W,
	['"'] = W,
	['\\'] = W,
	['&'] = U | B | P | V,
	['$'] = U | B | P | V,
	['='] = U | B | V,
	[','] = U,
	[';'] = U,
	['#'] = V,
	['@'] = V,
	['^'] = V,
	['|'] = V,
	[0x80 ... 0xff] = H,
};

uint64_t lex_specials_sse2(const uint8_t *p, size_t n)
{
	uint8_t rest[16] = {0};
	uint64_t marks = 0;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		marks |= (uint64_t)lex_specials16(_mm_loadu_si128((const __m128i *)(p + i))) << i;
	if (i < n) {
		memcpy(rest, p + i, n - i);
		marks |= (uint64_t)(lex_specials16(_mm_loadu_si128((const __m128i *)rest)) &
				 ((1U << (n - i)) - 1))
			<< i;
	}
	return marks;
}

__attribute__((target("avx512f,avx512bw"))) uint64_t lex_specials_avx512(const uint8_t *p, size_t n)
{
	// n is at most 64, and 0 does not occur. A masked load does not touch what it leaves out.
	__mmask64 have = UINT64_MAX >> (64 - n);
	__m512i v = _mm512_maskz_loadu_epi8(have, p);
	__m512i lower = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
	__m512i letter = _mm512_sub_epi8(lower, _mm512_set1_epi8('a'));
	__m512i digit = _mm512_sub_epi8(v, _mm512_set1_epi8('-'));
	__mmask64 other = _mm512_mask_cmpgt_epu8_mask(have, letter, _mm512_set1_epi8('z' - 'a'));
	__mmask64 slash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('/'));

	other = _mm512_mask_cmpneq_epi8_mask(other, v, _mm512_set1_epi8('_'));
	return _mm512_mask_cmpgt_epu8_mask(other, digit, _mm512_set1_epi8('9' - '-')) | slash;
}

bool lex_has_avx512(void)
{
	return __builtin_cpu_supports("avx512bw");
}

uint64_t lex_specials(const uint8_t *p, size_t n)
{
	return __builtin_cpu_supports("avx512bw") ? lex_specials_avx512(p, n)
						  : lex_specials_sse2(p, n);
}

// Cold, so that every call of it lies apart from the code that rarely needs it.
__attribute__((noinline, cold)) struct lex_found lex_find(
	const struct sip_message *m, const uint8_t *at, size_t len, size_t base)
{
	struct lex_found found = {0, base};

	for (; found.base < len; found.base += LEX_CHUNK) {
		size_t left = len - found.base;
		const uint8_t *from = at + found.base;

		found.marks = m != NULL && lex_is_known((size_t)(from - m->bytes.at))
			? lex_known(m, (size_t)(from - m->bytes.at))
			: lex_specials(from, left < LEX_CHUNK ? left : LEX_CHUNK);
		if (found.marks != 0)
			break;
	}
	return found;
}

bool lex_is_token(struct view v)
{
	struct lex x = lex_of(v);

	return lex_skip_class(&x, LEX_TOKEN) == v.len && v.len > 0;
}

// What the grammar of RFC 3261 makes of "::" before an IPv4 address, and no other one knows.
__attribute__((noinline, cold)) static bool read_three_colons(struct view text, struct ip_addr *out)
{
	const uint8_t *colons = memmem(text.at, text.len, ":::", 3);
	uint8_t repaired[IP_TEXT_BYTES];
	size_t before;

	if (text.len > sizeof(repaired) || colons == NULL ||
		memchr(colons, '.', (size_t)(text.at + text.len - colons)) == NULL)
		return false;
	before = (size_t)(colons - text.at);
	memcpy(repaired, text.at, before);
	memcpy(repaired + before, colons + 1, text.len - before - 1);
	return ip_parse(view_of(repaired, text.len - 1), out) == 0 && out->family == IP_V6;
}

bool lex_ipv6(struct view text, struct ip_addr *out)
{
	if (ip_parse(text, out) == 0)
		return out->family == IP_V6;
	return read_three_colons(text, out);
}

__attribute__((noinline, cold)) bool lex_long_number(struct view text, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!lex_is_digit(text.at[i]))
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
		if (value > max)
			value = (uint64_t)max + 1;
	}
	*out = (uint32_t)value;
	return text.len > 0;
}
