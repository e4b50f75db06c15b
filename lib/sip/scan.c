// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/scan.h"

#include <immintrin.h>

#include "lib/sip/lex.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// One bit for each of 64 bytes, the first byte lowest.
struct masks {
	uint64_t cr, lf, space;
	uint64_t bad;     // control characters but CR, LF and HTAB
	uint64_t special; // for lex.h
};

// The lowest bit's number; of nothing, any number.
ALWAYS_INLINE uint32_t lowest(uint64_t marks)
{
	return (uint32_t)__builtin_ctzll(marks | UINT64_C(1) << 63);
}

// How a block of bytes is looked at, and how the lines that begin in it are appended. Behind the
// n-th byte nothing is marked.
typedef struct masks look_fn(const uint8_t *p, size_t n);
typedef void put_fn(uint64_t starts, uint32_t base, uint16_t *at);

// How many lines a block has is what predictors miss, so some are written in any case.
ALWAYS_INLINE void put_each(uint64_t starts, uint32_t base, uint16_t *at)
{
	for (unsigned i = 0; i < 3; i++, starts &= starts - 1)
		*at++ = (uint16_t)(base + lowest(starts));
	for (; starts != 0; starts &= starts - 1)
		*at++ = (uint16_t)(base + lowest(starts));
}

// Counts in locals: through out, every store of a line might change them.
ALWAYS_INLINE void scan(
	const uint8_t *bytes, size_t len, struct sip_scan *out, look_fn *look, put_fn *put)
{
	uint64_t *specials = out->specials;
	uint64_t cr = 0, lf = 0, end = 0; // cr, lf: 1 where the block before ended with one
	uint32_t n_lines = 0, suspect = UINT32_MAX;

	for (size_t base = 0; base < len; base += 64) {
		struct masks b = look(bytes + base, len - base);
		uint64_t starts = (b.lf << 1 | lf) & ~b.space;
		uint64_t suspects = ((b.cr << 1 | cr) ^ b.lf) | b.bad;

		cr = b.cr >> 63;
		lf = b.lf >> 63;
		// Nothing beyond the CR of the empty line is ours.
		end = starts & b.cr;
		if (end != 0) {
			starts &= end ^ (end - 1);
			suspects &= end ^ (end - 1);
		}
		if (base < SIP_MARKED_BYTES)
			specials[base / 64] = b.special;
		if (__builtin_expect(suspects != 0 && suspect == UINT32_MAX, 0))
			suspect = (uint32_t)base + lowest(suspects);
		put(starts, (uint32_t)base, out->lines + n_lines);
		n_lines += (uint32_t)__builtin_popcountll(starts);
		if (end != 0 || __builtin_expect(n_lines > SIP_SCAN_LINES_MAX, 0))
			break;
	}
	// A line cannot begin, nor a CR be found alone, where the bytes end.
	if (end == 0 && n_lines > 0 && out->lines[n_lines - 1] >= len)
		n_lines--;
	out->n = n_lines;
	out->suspect = suspect < len ? suspect : (uint32_t)len;
	out->ended = end != 0;
}

ALWAYS_INLINE struct masks look_scalar(const uint8_t *p, size_t n)
{
	struct masks b = {0};

	for (size_t i = 0; i < n && i < 64; i++) {
		bool space = p[i] == ' ' || p[i] == '\t', end = p[i] == '\r' || p[i] == '\n';

		b.cr |= (uint64_t)(p[i] == '\r') << i;
		b.lf |= (uint64_t)(p[i] == '\n') << i;
		b.space |= (uint64_t)space << i;
		b.bad |= (uint64_t)((p[i] < 0x20 && !space && !end) || p[i] == 0x7f) << i;
		b.special |= (uint64_t)lex_is_special(p[i]) << i;
	}
	return b;
}

// The last block, padded so that it marks nothing.
ALWAYS_INLINE const uint8_t *padded(const uint8_t *p, size_t n, uint8_t block[64])
{
	if (n >= 64)
		return p;
	memset(block, '.', 64);
	memcpy(block, p, n);
	return block;
}

ALWAYS_INLINE struct masks look_sse2(const uint8_t *p, size_t n)
{
	uint8_t block[64];
	struct masks b = {0};

	p = padded(p, n, block);
	for (unsigned i = 0; i < 64; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i space = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')),
			_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')));
		__m128i control =
			_mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v),
				_mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
		__m128i cr = _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'));
		__m128i lf = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));

		b.cr |= (uint64_t)(unsigned)_mm_movemask_epi8(cr) << i;
		b.lf |= (uint64_t)(unsigned)_mm_movemask_epi8(lf) << i;
		b.space |= (uint64_t)(unsigned)_mm_movemask_epi8(space) << i;
		b.bad |= (uint64_t)(unsigned)_mm_movemask_epi8(control) << i;
		b.special |= (uint64_t)lex_specials16(v) << i;
	}
	b.bad &= ~(b.cr | b.lf | b.space);
	return b;
}

// As lex_specials16().
__attribute__((target("avx2"))) ALWAYS_INLINE unsigned specials32(__m256i v)
{
	__m256i letter =
		_mm256_sub_epi8(_mm256_or_si256(v, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
	__m256i digit = _mm256_sub_epi8(v, _mm256_set1_epi8('-'));
	__m256i plain = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('_'));

	letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8('z' - 'a')), letter);
	digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8('9' - '-')), digit);
	digit = _mm256_andnot_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('/')), digit);
	plain = _mm256_or_si256(plain, _mm256_or_si256(letter, digit));
	return ~(unsigned)_mm256_movemask_epi8(plain);
}

__attribute__((target("avx2"))) ALWAYS_INLINE struct masks look_avx2(const uint8_t *p, size_t n)
{
	uint8_t block[64];
	struct masks b = {0};

	p = padded(p, n, block);
	for (unsigned i = 0; i < 64; i += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(p + i));
		__m256i space = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(' ')),
			_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')));
		__m256i control = _mm256_or_si256(
			_mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v),
			_mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7f)));
		__m256i cr = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r'));
		__m256i lf = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n'));

		b.cr |= (uint64_t)(unsigned)_mm256_movemask_epi8(cr) << i;
		b.lf |= (uint64_t)(unsigned)_mm256_movemask_epi8(lf) << i;
		b.space |= (uint64_t)(unsigned)_mm256_movemask_epi8(space) << i;
		b.bad |= (uint64_t)(unsigned)_mm256_movemask_epi8(control) << i;
		b.special |= (uint64_t)specials32(v) << i;
	}
	b.bad &= ~(b.cr | b.lf | b.space);
	return b;
}

// What a byte of ASCII is, for one look-up of 64.
enum {
	IS_CR = 1 << 0,
	IS_LF = 1 << 1,
	IS_SPACE = 1 << 2,
	IS_BAD = 1 << 3,
	IS_PLAIN = 1 << 4, // not special
};

static const uint8_t kinds[128] = {
	[0 ... 8] = IS_BAD,
	['\t'] = IS_SPACE,
	['\n'] = IS_LF,
	[11 ... 12] = IS_BAD,
	['\r'] = IS_CR,
	[14 ... 31] = IS_BAD,
	[' '] = IS_SPACE,
	['-' ... '.'] = IS_PLAIN,
	['0' ... '9'] = IS_PLAIN,
	['A' ... 'Z'] = IS_PLAIN,
	['_'] = IS_PLAIN,
	['a' ... 'z'] = IS_PLAIN,
	[127] = IS_BAD,
};

__attribute__((target("avx512f,avx512bw,avx512vbmi"))) ALWAYS_INLINE struct masks look_avx512(
	const uint8_t *p, size_t n)
{
	// A masked load does not touch what it leaves out.
	__m512i v = n >= 64
		? _mm512_loadu_si512(p)
		: _mm512_mask_loadu_epi8(_mm512_set1_epi8('.'), (__mmask64)(1ULL << n) - 1, p);
	__m512i low = _mm512_loadu_si512(kinds), high = _mm512_loadu_si512(kinds + 64);
	// The look-up takes seven bits; what has an eighth is nothing of the above.
	__m512i kind = _mm512_maskz_permutex2var_epi8(~_mm512_movepi8_mask(v), low, v, high);

	return (struct masks){
		.cr = _mm512_test_epi8_mask(kind, _mm512_set1_epi8(IS_CR)),
		.lf = _mm512_test_epi8_mask(kind, _mm512_set1_epi8(IS_LF)),
		.space = _mm512_test_epi8_mask(kind, _mm512_set1_epi8(IS_SPACE)),
		.bad = _mm512_test_epi8_mask(kind, _mm512_set1_epi8(IS_BAD)),
		.special = _mm512_testn_epi8_mask(kind, _mm512_set1_epi8(IS_PLAIN)),
	};
}

// The numbers of the bits that are set, side by side.
__attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vbmi2"))) ALWAYS_INLINE void put_avx512(
	uint64_t starts, uint32_t base, uint16_t *at)
{
	static const uint8_t numbers[64] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
		37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57,
		58, 59, 60, 61, 62, 63};
	__m512i set = _mm512_maskz_compress_epi8(starts, _mm512_loadu_si512(numbers));
	__m256i low = _mm256_cvtepu8_epi16(_mm512_castsi512_si128(set));

	_mm256_storeu_si256((__m256i *)at, _mm256_add_epi16(low, _mm256_set1_epi16((short)base)));
	if (__builtin_expect(__builtin_popcountll(starts) <= SIP_SCAN_SLACK, 1))
		return;
	for (; starts != 0; starts &= starts - 1)
		*at++ = (uint16_t)(base + lowest(starts));
}

bool sip_scan_head_scalar(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	scan(bytes, len, out, look_scalar, put_each);
	return true;
}

bool sip_scan_head_sse2(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	scan(bytes, len, out, look_sse2, put_each);
	return true;
}

__attribute__((target("avx2,bmi,popcnt"))) static void scan_avx2(
	const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	scan(bytes, len, out, look_avx2, put_each);
}

bool sip_scan_head_avx2(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi"))
		return false;
	scan_avx2(bytes, len, out);
	return true;
}

__attribute__((target("avx512f,avx512bw,avx512vbmi,avx512vbmi2,bmi,popcnt"))) static void
scan_avx512(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	scan(bytes, len, out, look_avx512, put_avx512);
}

bool sip_scan_head_avx512(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vbmi") ||
		!__builtin_cpu_supports("avx512vbmi2") || !__builtin_cpu_supports("bmi"))
		return false;
	scan_avx512(bytes, len, out);
	return true;
}

void sip_scan_head(const uint8_t *bytes, size_t len, struct sip_scan *out)
{
	if (!sip_scan_head_avx512(bytes, len, out) && !sip_scan_head_avx2(bytes, len, out))
		sip_scan_head_sse2(bytes, len, out);
}
