// SPDX-License-Identifier: BSD-3-Clause
// The words of SIP's grammar (RFC 3261 §25.1), for the sources of lib/sip only.
//
// A lexer stands at the next *special* byte of a view: every byte but letters, digits, '-', '.'
// and '_', which every rule that we read allows everywhere. So a parser steps from delimiter to
// delimiter, and the plain runs between them need no look.

#pragma once

#include <emmintrin.h>

#include "lib/base/addr.h"

enum lex_class {
	LEX_TOKEN = 1 << 0,
	LEX_WORD = 1 << 1,      // of a Call-ID
	LEX_USER = 1 << 2,      // of a SIP URI, also its password; '%' must begin an escape
	LEX_HOST = 1 << 3,      // also '_' and UTF-8: such names are in use
	LEX_URI_PARAM = 1 << 4, // likewise '%'
	LEX_SCHEME = 1 << 5,
	LEX_VALUE = 1 << 6, // unquoted value of a field's parameter: all visible but the delimiters
	LEX_HEX = 1 << 7,
};

extern const uint8_t lex_classes[256];

static inline bool lex_is(uint8_t c, enum lex_class class)
{
	return lex_classes[c] & class;
}

// Digits are no class: the comparison is faster.
static inline bool lex_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') <= 9;
}

// Folds have been checked when the head was scanned, so CR and LF are white space here.
static inline bool lex_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct lex {
	const uint8_t *at;
	size_t len;
	size_t base;    // where the chunk of marks begins
	uint64_t marks; // special bytes of the chunk beyond pos
	size_t pos;     // the special byte where the lexer stands; len at the end
	uint8_t c;      // that byte, 0 at the end
};

// One bit a byte: not a letter, a digit, '-', '.' or '_'.
static inline unsigned lex_specials16(__m128i v)
{
	__m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
	__m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('-'));
	__m128i plain;

	// min(x, n) == x: x <= n without sign. '-' to '9' holds '/' too.
	letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8('z' - 'a')), letter);
	digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8('9' - '-')), digit);
	digit = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), digit);
	plain = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
	return (unsigned)_mm_movemask_epi8(plain) ^ 0xffff;
}

// The first n bytes at p, fewer than 16, and what must be ignored behind them; reads no others.
static inline __m128i lex_load_short(const uint8_t *p, size_t n)
{
	uint64_t lo = 0, hi = 0;
	uint32_t a, b;

	if (n >= 8) {
		memcpy(&lo, p, 8);
		memcpy(&hi, p + n - 8, 8);
		hi = n == 8 ? 0 : hi >> (128 - 8 * n);
	} else if (n >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
		lo = a | (uint64_t)b << (8 * n - 32);
	} else if (n > 0) {
		lo = p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) |
			(uint64_t)p[n - 1] << (8 * (n - 1));
	}
	return _mm_set_epi64x((long long)hi, (long long)lo);
}

// Marks of the at most 64 bytes from base on.
static inline uint64_t lex_specials(const struct lex *x, size_t base)
{
	const uint8_t *p = x->at + base;
	size_t n = x->len - base < 64 ? x->len - base : 64;
	uint64_t marks = 0;
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		marks |= (uint64_t)lex_specials16(_mm_loadu_si128((const __m128i *)(p + i))) << i;
	if (i < n)
		marks |= (uint64_t)(lex_specials16(lex_load_short(p + i, n - i)) &
				 ((1U << (n - i)) - 1))
			<< i;
	return marks;
}

// On to the next special byte.
static inline void lex_step(struct lex *x)
{
	while (x->marks == 0) {
		x->base += 64;
		if (x->base >= x->len) {
			x->base = x->len;
			x->pos = x->len;
			x->c = 0;
			return;
		}
		x->marks = lex_specials(x, x->base);
	}
	x->pos = x->base + (size_t)__builtin_ctzll(x->marks);
	x->marks &= x->marks - 1;
	x->c = x->at[x->pos];
}

static inline void lex_init(struct lex *x, struct view text)
{
	*x = (struct lex){.at = text.at, .len = text.len};
	x->marks = text.len > 0 ? lex_specials(x, 0) : 0;
	lex_step(x);
}

static inline struct view lex_view(const struct lex *x, size_t from, size_t to)
{
	return view_of(x->at + from, to - from);
}

// Where white space that begins at from ends. The lexer stands at or beyond from, and so after.
static inline size_t lex_skip_space(struct lex *x, size_t from)
{
	while (x->pos == from && lex_is_space(x->c)) {
		from++;
		lex_step(x);
	}
	return from;
}

// On over every byte of a class; the end of that run.
static inline size_t lex_skip_class(struct lex *x, enum lex_class class)
{
	while (lex_is(x->c, class))
		lex_step(x);
	return x->pos;
}

// A token, and not an empty one.
bool lex_is_token(struct view v);

// From the opening quote where the lexer stands to behind the closing one (RFC 3261 §25.1,
// quoted-string): the offset there, or 0 without a closing one. The lexer stands at or beyond it.
size_t lex_skip_quoted(struct lex *x);

// A parameter of a header field: *(SEMI generic-param).
struct lex_param {
	struct view name;
	struct view value; // with its quotes; at == NULL without "="
};

// The lexer stands at a ';' or at the end of what it was given. 1 and the parameter, with the
// lexer at what follows it and white space; 0 where there is no ';'; -EINVAL.
int lex_param_next(struct lex *x, struct lex_param *out);

// An IPv6 reference from the '[' where the lexer stands to behind the ']' (RFC 3261 §25.1): the
// offset there, 0 if malformed. RFC 5118 §4.10: three colons before an IPv4 tail are tolerated,
// since the grammar of RFC 3261 once asked for them.
size_t lex_skip_ipv6(struct lex *x, struct ip_addr *out);

// Decimal digits and nothing else, more than max counted as max + 1. False for other text.
bool lex_number(struct view text, uint32_t max, uint32_t *out);
