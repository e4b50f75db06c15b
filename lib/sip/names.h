// SPDX-License-Identifier: BSD-3-Clause
// Names of header fields and methods, inlined for the sources of lib/sip: a slot by length and
// letters, then one comparison.

#pragma once

#include <emmintrin.h>

#include "lib/sip/message.h"

#define NAME_BYTES 16

struct sip_header_name {
	char text[NAME_BYTES]; // padded with zeros
	const char *compact;   // NULL for none
	bool list;
};

struct sip_method_name {
	char text[NAME_BYTES]; // padded with zeros
	bool dialog;
};

extern const struct sip_header_name sip_header_names[SIP_H_N];
extern const struct sip_method_name sip_method_names[SIP_M_N];

// Letters in lower case. No two names share a slot: the compiler refuses a second initializer.
#define HEADER_SLOT(len, first, last) ((2 * (len) + 32 * (first) + (last)) & 63)
#define METHOD_SLOT(len, first)       ((11 * (len) + (first)) & 31)
extern const uint8_t sip_header_slots[64]; // long names only
extern const uint8_t sip_method_slots[32];

enum sip_header_id sip_header_find_compact(uint8_t letter);

// A name of at most 16 bytes, zeros behind it. end: up to there may be read.
static inline __m128i sip_name_load(struct view name, const uint8_t *end)
{
	static const uint8_t masks[2 * NAME_BYTES] = {[0 ... NAME_BYTES - 1] = 0xff};
	uint8_t copy[NAME_BYTES] = {0};

	if (end - name.at >= NAME_BYTES)
		return _mm_and_si128(_mm_loadu_si128((const __m128i *)name.at),
			_mm_loadu_si128((const __m128i *)(masks + NAME_BYTES - name.len)));
	memcpy(copy, name.at, name.len);
	return _mm_loadu_si128((const __m128i *)copy);
}

// As sip_header_find().
static inline enum sip_header_id sip_header_find_within(struct view name, const uint8_t *end)
{
	__m128i text, diff, may_differ;
	uint8_t first, last, id;

	if (name.len - 1 >= NAME_BYTES - 1)
		return SIP_H_OTHER;
	first = name.at[0] | 0x20;
	if (name.len == 1)
		return sip_header_find_compact(name.at[0]);
	last = name.at[name.len - 1] | 0x20;
	id = sip_header_slots[HEADER_SLOT(name.len, first, last)];
	text = _mm_loadu_si128((const __m128i *)sip_header_names[id].text);
	diff = _mm_xor_si128(sip_name_load(name, end), text);
	// The bit that tells cases apart, of letters only.
	may_differ =
		_mm_and_si128(_mm_cmpgt_epi8(text, _mm_set1_epi8('@')), _mm_set1_epi8('a' - 'A'));
	diff = _mm_cmpeq_epi8(_mm_andnot_si128(may_differ, diff), _mm_setzero_si128());
	return _mm_movemask_epi8(diff) == 0xffff ? (enum sip_header_id)id : SIP_H_OTHER;
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
