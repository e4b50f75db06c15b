// SPDX-License-Identifier: BSD-3-Clause
// Names of header fields and methods, inlined for the sources of lib/sip: a slot by length and
// letters, then one comparison.

#pragma once

#include <emmintrin.h>

#include "lib/sip/message.h"

#define NAME_BYTES 16

struct sip_header_name {
	const char *text;
	const char *compact; // NULL for none
	bool list;
};

// What a long name is compared with.
struct sip_header_slot {
	_Alignas(2 * NAME_BYTES) char text[NAME_BYTES]; // in lower case, padded with zeros
	uint8_t id;                                     // enum sip_header_id
};

struct sip_method_name {
	char text[NAME_BYTES]; // padded with zeros
	bool dialog;
};

extern const struct sip_header_name sip_header_names[SIP_H_N];
extern const struct sip_method_name sip_method_names[SIP_M_N];

// Letters in lower case. No two names share a slot: the compiler refuses a second initializer.
#define HEADER_SLOT(len, first, last) ((2 * (size_t)(len) + 32 * (size_t)(first) + (last)) & 63)
#define METHOD_SLOT(len, first)       ((11 * (size_t)(len) + (first)) & 31)
extern const struct sip_header_slot sip_header_slots[64];
extern const uint8_t sip_method_slots[32];

enum sip_header_id sip_header_find_compact(uint8_t letter);

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

// As sip_header_find().
static inline enum sip_header_id sip_header_find_within(struct view name, const uint8_t *end)
{
	const struct sip_header_slot *slot;
	__m128i text, letters, folded;
	uint8_t first, last;

	if (name.len - 1 >= NAME_BYTES - 1)
		return SIP_H_OTHER;
	if (name.len == 1)
		return sip_header_find_compact(name.at[0]);
	first = name.at[0] | 0x20;
	last = name.at[name.len - 1] | 0x20;
	slot = &sip_header_slots[HEADER_SLOT(name.len, first, last)];
	text = _mm_loadu_si128((const __m128i *)slot->text);
	letters = _mm_cmpgt_epi8(text, _mm_set1_epi8('@'));
	folded = _mm_or_si128(
		sip_name_load(name, end), _mm_and_si128(letters, _mm_set1_epi8('a' - 'A')));
	return _mm_movemask_epi8(_mm_cmpeq_epi8(folded, text)) == 0xffff
		? (enum sip_header_id)slot->id
		: SIP_H_OTHER;
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
