// SPDX-License-Identifier: BSD-3-Clause
// Names of header fields and methods, inlined for the sources of lib/sip: a slot by a few letters,
// then one comparison.

#pragma once

#include <emmintrin.h>

#include "lib/sip/message.h"

#define NAME_BYTES 16

// What a long name is compared with.
struct sip_header_slot {
	// In lower case, with its colon; the zeros behind it match anything.
	_Alignas(2 * NAME_BYTES) char text[NAME_BYTES];
	uint8_t id;  // enum sip_header_id
	uint8_t len; // of the name
};

struct sip_method_name {
	char text[NAME_BYTES]; // padded with zeros
	bool dialog;
};

extern const struct sip_method_name sip_method_names[SIP_M_N];

// Letters in lower case. No two names share a slot: the compiler refuses a second initializer.
#define HEADER_LETTERS(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)
#define HEADER_SLOT(letters)    ((uint32_t)((letters)*0x5c19U) >> 27)
#define METHOD_SLOT(len, first) ((11 * (size_t)(len) + (first)) & 31)
extern const struct sip_header_slot sip_header_slots[32];
extern const uint8_t sip_method_slots[32];

// Three names begin with "con"; their ninth byte tells them apart, mostly.
#define HEADER_CON_SLOT(ninth) ((ninth) >> 3 & 3)
extern const struct sip_header_slot sip_header_con_slots[4];

// By the letter's low five bits.
extern const uint8_t sip_header_compact[32];

static inline enum sip_header_id sip_header_find_compact(uint8_t c)
{
	uint8_t lower = c | 0x20;

	return lower >= 'a' && lower <= 'z' ? (enum sip_header_id)sip_header_compact[lower & 31]
					    : SIP_H_OTHER;
}

__m128i sip_name_load_exact(struct view name); // reads no byte behind it

// A name of at most 16 bytes, zeros behind it. end: up to there may be read.
static inline __m128i sip_name_load(struct view name, const uint8_t *end)
{
	static const uint8_t masks[2 * NAME_BYTES] = {[0 ... NAME_BYTES - 1] = 0xff};

	if (__builtin_expect(end - name.at < NAME_BYTES, 0))
		return sip_name_load_exact(name);
	return _mm_and_si128(_mm_loadu_si128((const __m128i *)name.at),
		_mm_loadu_si128((const __m128i *)(masks + NAME_BYTES - name.len)));
}

// The slot of the field that begins there, if that is a known long name with its colon right behind
// it; else NULL. Of NAME_BYTES that may be read. "Contact" may be missed.
static inline const struct sip_header_slot *sip_header_guess(const uint8_t *p)
{
	const struct sip_header_slot *slot;
	__m128i text, letters, folded, same;
	uint32_t start;

	memcpy(&start, p, sizeof(start));
	start = (start & 0xffffff) | 0x202020;
	slot = &sip_header_slots[HEADER_SLOT(start)];
	if (start == HEADER_LETTERS('c', 'o', 'n'))
		slot = &sip_header_con_slots[HEADER_CON_SLOT(p[8] | 0x20)];
	text = _mm_load_si128((const __m128i *)slot->text);
	letters = _mm_cmpgt_epi8(text, _mm_set1_epi8('@'));
	folded = _mm_or_si128(_mm_loadu_si128((const __m128i *)p),
		_mm_and_si128(letters, _mm_set1_epi8('a' - 'A')));
	same = _mm_or_si128(
		_mm_cmpeq_epi8(folded, text), _mm_cmpeq_epi8(text, _mm_setzero_si128()));
	return _mm_movemask_epi8(same) == 0xffff && slot->len > 0 ? slot : NULL;
}

// As sip_method_find().
static inline enum sip_method sip_method_find_within(struct view name, const uint8_t *end)
{
	__m128i text, same;
	uint8_t method;

	if (name.len - 1 >= NAME_BYTES - 1)
		return SIP_M_OTHER;
	method = sip_method_slots[METHOD_SLOT(name.len, name.at[0])];
	text = _mm_loadu_si128((const __m128i *)sip_method_names[method].text);
	same = _mm_cmpeq_epi8(sip_name_load(name, end), text);
	return _mm_movemask_epi8(same) == 0xffff ? (enum sip_method)method : SIP_M_OTHER;
}
