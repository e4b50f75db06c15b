// SPDX-License-Identifier: BSD-3-Clause
// The words of SIP's grammar (RFC 3261 §25.1), for the sources of lib/sip only.
//
// A lexer stands at the next *special* byte of a view: every byte but letters, digits, '-', '.'
// and '_', which every rule that we read allows everywhere. So a parser steps from delimiter to
// delimiter, and the plain runs between them need no look.
//
// Everything that moves a lexer is inlined, so that a parser's lexer lives in registers; a parser
// that is handed one by pointer works on a copy and stores it once.

#pragma once

#include <emmintrin.h>

#include "lib/base/addr.h"
#include "lib/base/view.h"
#include "lib/sip/message.h"

#define LEX_INLINE static inline __attribute__((always_inline))

enum lex_class {
	LEX_TOKEN = 1 << 0,
	LEX_WORD = 1 << 1,      // of a Call-ID
	LEX_USER = 1 << 2,      // of a SIP URI, also its password; '%' must begin an escape
	LEX_BARE_USER = 1 << 3, // the same where no angle brackets protect ',', ';' and '?'
	LEX_HOST = 1 << 4,      // also '_' and UTF-8: such names are in use
	LEX_URI_PARAM = 1 << 5, // here too '%' must begin an escape
	LEX_VALUE = 1 << 6,     // unquoted value of a field's parameter: visible, no delimiter
	LEX_HEX = 1 << 7,
};

extern const uint8_t lex_classes[256];

LEX_INLINE bool lex_is(uint8_t c, enum lex_class class)
{
	return lex_classes[c] & class;
}

// Digits are no class: the comparison is faster.
LEX_INLINE bool lex_is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') <= 9;
}

// Folds have been checked when the head was scanned, so CR and LF are white space here.
LEX_INLINE bool lex_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

LEX_INLINE bool lex_is_special(uint8_t c)
{
	uint8_t lower = c | 0x20;

	return (lower < 'a' || lower > 'z') && !lex_is_digit(c) && c != '-' && c != '.' && c != '_';
}

// min(x, n) == x: x <= n without sign.
LEX_INLINE __m128i lex_at_most(__m128i v, uint8_t n)
{
	return _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8((char)n)), v);
}

// Sixteen bytes at once.
LEX_INLINE unsigned lex_specials16(__m128i v)
{
	__m128i lower = _mm_or_si128(v, _mm_set1_epi8(0x20));
	__m128i letter = lex_at_most(_mm_sub_epi8(lower, _mm_set1_epi8('a')), 'z' - 'a');
	// '-' to '9' holds '/' too.
	__m128i digit = lex_at_most(_mm_sub_epi8(v, _mm_set1_epi8('-')), '9' - '-');
	__m128i plain = _mm_or_si128(letter, _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));

	digit = _mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('/')), digit);
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(plain, digit)) ^ 0xffff;
}

// One bit for each of n bytes, at most 64: set for a special one. Reads no others.
uint64_t lex_specials(const uint8_t *p, size_t n);
// The same by each way; avx512 only where lex_has_avx512().
uint64_t lex_specials_sse2(const uint8_t *p, size_t n);
uint64_t lex_specials_avx512(const uint8_t *p, size_t n);
bool lex_has_avx512(void);

struct lex {
	const uint8_t *at;
	size_t len;
	size_t base;                 // where the chunk of marks begins
	uint64_t marks;              // special bytes of the chunk beyond pos
	size_t pos;                  // the special byte where the lexer stands; len at the end
	const struct sip_message *m; // whose index knows the marks, NULL for none
	uint8_t c;                   // the byte at pos; at the end white space or 0
};

// So many bytes have their marks in any eight bytes of a message's marks, wherever they begin.
#define LEX_CHUNK 56

// Whether the index has the marks of LEX_CHUNK bytes from there on, if the head is as long.
LEX_INLINE bool lex_is_known(size_t at)
{
	return at < SIP_MARKED_BYTES - 64;
}

// These marks. On a little-endian machine, which vectors make it, bits go on from byte to byte.
LEX_INLINE uint64_t lex_known(const struct sip_message *m, size_t at)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)m->specials + at / 8, sizeof(word));
	return word >> at % 8 & ((UINT64_C(1) << LEX_CHUNK) - 1);
}

struct lex_found {
	uint64_t marks;
	size_t base;
};

// The marks of the first chunk that has any, from base on; 0 where the text ends before it. Of a
// message, those behind the text too: what follows it is special.
struct lex_found lex_find(const struct sip_message *m, const uint8_t *at, size_t len, size_t base);

// To the first mark there is.
LEX_INLINE void lex_take(struct lex *x)
{
	x->pos = x->base + (unsigned)__builtin_ctzll(x->marks);
	x->marks &= x->marks - 1;
	x->c = x->at[x->pos];
}

// To the first mark from base on, or to the end.
LEX_INLINE void lex_refill(struct lex *x, size_t base)
{
	struct lex_found found = lex_find(x->m, x->at, x->len, base);

	x->marks = found.marks;
	x->base = found.base;
	x->pos = x->len;
	x->c = 0;
	if (found.marks != 0)
		lex_take(x);
}

// On to the next special byte, or to the end. Not from there.
LEX_INLINE void lex_step(struct lex *x)
{
	if (__builtin_expect(x->marks != 0, 1))
		lex_take(x);
	else
		lex_refill(x, x->base + LEX_CHUNK);
}

// Of a part of an indexed message that white space follows, or of any text without one.
LEX_INLINE struct lex lex_start(struct view text, const struct sip_message *m)
{
	struct lex x = {.at = text.at, .len = text.len, .m = m};

	if (m != NULL && lex_is_known((size_t)(text.at - m->bytes.at)))
		x.marks = lex_known(m, (size_t)(text.at - m->bytes.at));
	if (__builtin_expect(x.marks != 0, 1))
		lex_take(&x);
	else
		lex_refill(&x, 0);
	return x;
}

LEX_INLINE struct lex lex_of(struct view text)
{
	return lex_start(text, NULL);
}

LEX_INLINE bool lex_ended(const struct lex *x)
{
	return x->pos >= x->len;
}

LEX_INLINE struct view lex_view(const struct lex *x, size_t from, size_t to)
{
	return view_of(x->at + from, to - from);
}

// Where white space that begins at from ends. The lexer stands at or beyond from, and so after.
LEX_INLINE size_t lex_skip_space(struct lex *x, size_t from)
{
	while (x->pos == from && lex_is_space(x->c) && !lex_ended(x)) {
		from++;
		lex_step(x);
	}
	return from;
}

// Whether nothing but white space lies between from and where the lexer stands then.
LEX_INLINE bool lex_follows_space(struct lex *x, size_t from)
{
	size_t end = lex_skip_space(x, from);

	return end == x->pos;
}

// On over every byte of a class, none of white space; the end of that run.
LEX_INLINE size_t lex_skip_class(struct lex *x, enum lex_class class)
{
	while (lex_is(x->c, class))
		lex_step(x);
	return x->pos;
}

// From the opening quote where the lexer stands to behind the closing one (RFC 3261 §25.1,
// quoted-string): the offset there, or 0 without a closing one. The lexer stands at or beyond it.
LEX_INLINE size_t lex_skip_quoted(struct lex *x)
{
	size_t at;
	uint8_t c;

	lex_step(x);
	while (!lex_ended(x)) {
		at = x->pos;
		c = x->c;
		lex_step(x);
		if (c == '"')
			return at + 1;
		// A quoted-pair: the byte behind the backslash says nothing.
		if (c == '\\' && x->pos == at + 1 && !lex_ended(x))
			lex_step(x);
	}
	return 0;
}

// A parameter of a header field: *(SEMI generic-param).
struct lex_param {
	struct view name;
	struct view value; // with its quotes; at == NULL without "="
	bool is_token;     // the value is one
};

// The lexer stands at a ';'. 0 with the parameter, and the lexer at what follows it and white
// space; -1 if malformed.
LEX_INLINE int lex_param(struct lex *x, struct lex_param *out)
{
	size_t from = x->pos + 1, to;

	lex_step(x);
	from = lex_skip_space(x, from);
	to = lex_skip_class(x, LEX_TOKEN);
	if (to == from)
		return -1;
	out->name = lex_view(x, from, to);
	out->value = VIEW_NONE;
	out->is_token = false;
	to = lex_skip_space(x, to);
	if (x->c == '=' && x->pos == to) {
		lex_step(x);
		from = lex_skip_space(x, to + 1);
		if (x->c == '"' && x->pos == from) {
			to = lex_skip_quoted(x);
		} else {
			lex_skip_class(x, LEX_TOKEN);
			out->is_token = !lex_is(x->c, LEX_VALUE);
			to = lex_skip_class(x, LEX_VALUE);
		}
		if (to <= from)
			return -1;
		out->value = lex_view(x, from, to);
		to = lex_skip_space(x, to);
	}
	return x->pos == to ? 0 : -1;
}

// Two, four or eight letters in lower case; what was none is not told apart from all others.
// Each has its own load: a word put together in memory would stall on its parts.
LEX_INLINE uint64_t lex_folded(const uint8_t *p, size_t width)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;

	if (width == 8) {
		memcpy(&eight, p, 8);
		return eight | UINT64_C(0x2020202020202020);
	}
	if (width == 4) {
		memcpy(&four, p, 4);
		return four | 0x20202020;
	}
	memcpy(&two, p, 2);
	return two | 0x2020;
}

// Whether v is the literal in any case; the literal is of 2 to 16 lower-case letters.
#define LEX_NAME_IS(v, literal) lex_name_is((v), (const uint8_t *)("" literal), sizeof(literal) - 1)

// Two words that overlap cover every length; all of it is folded to two comparisons.
LEX_INLINE bool lex_name_is(struct view v, const uint8_t *literal, size_t n)
{
	size_t width = n >= 8 ? 8 : n >= 4 ? 4 : 2;

	return v.len == n && lex_folded(v.at, width) == lex_folded(literal, width) &&
		lex_folded(v.at + n - width, width) == lex_folded(literal + n - width, width);
}

// A token, and not an empty one.
bool lex_is_token(struct view v);

// The address between the brackets of an IPv6 reference. RFC 5118 §4.10: three colons before an
// IPv4 tail are tolerated, since the grammar of RFC 3261 once asked for them.
bool lex_ipv6(struct view text, struct ip_addr *out);

// From the '[' of an IPv6 reference where the lexer stands to behind its ']' (RFC 3261 §25.1): the
// offset there, 0 if malformed.
LEX_INLINE size_t lex_skip_ipv6(struct lex *x, struct ip_addr *out)
{
	size_t from = x->pos + 1, end;

	do
		lex_step(x);
	while (x->c == ':');
	end = x->pos;
	if (x->c != ']' || !lex_ipv6(lex_view(x, from, end), out))
		return 0;
	lex_step(x);
	return end + 1;
}

// As lex_number(), of any length.
bool lex_long_number(struct view text, uint32_t max, uint32_t *out);

// Decimal digits and nothing else, more than max counted as max + 1; max is below UINT32_MAX. False
// for other text.
LEX_INLINE bool lex_number(struct view text, uint32_t max, uint32_t *out)
{
	const uint8_t *at = text.at, *end = text.at + text.len;
	uint32_t value = 0;

	if (__builtin_expect(text.len > 9, 0))
		return lex_long_number(text, max, out);
	if (at == end)
		return false;
	do {
		if (!lex_is_digit(*at))
			return false;
		value = value * 10 + (uint32_t)(*at - '0');
	} while (++at < end);
	*out = value <= max ? value : max + 1;
	return true;
}
