// SPDX-License-Identifier: BSD-3-Clause
// Names of header fields and methods: a slot by length and letters, then one comparison.

#include "lib/sip/lex.h"
#include "lib/sip/message.h"

#define NAME_BYTES 16

struct header_name {
	char text[NAME_BYTES]; // padded with zeros, as lex_load_short() pads
	const char *compact;   // NULL for none
	bool list;
};

static const struct header_name headers[SIP_H_N] = {
#define SIP_HEADER(id, name, compact, list) [SIP_H_##id] = {name, compact, list},
#include "lib/sip/header.def"
#undef SIP_HEADER
};

// Long names only. No two share a slot: the compiler refuses a second initializer.
#define HEADER_SLOT(len, first, last) ((2 * (len) + 32 * (first) + (last)) & 63)
static const uint8_t header_slots[64] = {
	[HEADER_SLOT(3, 'v', 'a')] = SIP_H_VIA,
	[HEADER_SLOT(5, 'r', 'e')] = SIP_H_ROUTE,
	[HEADER_SLOT(12, 'r', 'e')] = SIP_H_RECORD_ROUTE,
	[HEADER_SLOT(4, 'f', 'm')] = SIP_H_FROM,
	[HEADER_SLOT(2, 't', 'o')] = SIP_H_TO,
	[HEADER_SLOT(7, 'c', 'd')] = SIP_H_CALL_ID,
	[HEADER_SLOT(4, 'c', 'q')] = SIP_H_CSEQ,
	[HEADER_SLOT(12, 'm', 's')] = SIP_H_MAX_FORWARDS,
	[HEADER_SLOT(7, 'c', 't')] = SIP_H_CONTACT,
	[HEADER_SLOT(14, 'c', 'h')] = SIP_H_CONTENT_LENGTH,
	[HEADER_SLOT(12, 'c', 'e')] = SIP_H_CONTENT_TYPE,
	[HEADER_SLOT(13, 'p', 'e')] = SIP_H_PROXY_REQUIRE,
	[HEADER_SLOT(5, 'e', 't')] = SIP_H_EVENT,
	[HEADER_SLOT(11, 'r', 'r')] = SIP_H_RETRY_AFTER,
	[HEADER_SLOT(9, 't', 'p')] = SIP_H_TIMESTAMP,
};

static enum sip_header_id find_compact(uint8_t letter)
{
	for (unsigned id = SIP_H_OTHER + 1; id < SIP_H_N; id++) {
		if (headers[id].compact != NULL && headers[id].compact[0] == (char)letter)
			return (enum sip_header_id)id;
	}
	return SIP_H_OTHER;
}

enum sip_header_id sip_header_find(struct view name)
{
	__m128i text, diff, may_differ;
	uint8_t first, last, id;

	if (name.len == 0 || name.len >= NAME_BYTES)
		return SIP_H_OTHER;
	first = ascii_lower(name.at[0]);
	if (name.len == 1)
		return find_compact(first);
	last = ascii_lower(name.at[name.len - 1]);
	id = header_slots[HEADER_SLOT(name.len, first, last)];
	text = _mm_loadu_si128((const __m128i *)headers[id].text);
	diff = _mm_xor_si128(lex_load_short(name.at, name.len), text);
	may_differ =
		_mm_and_si128(_mm_cmpgt_epi8(text, _mm_set1_epi8('@')), _mm_set1_epi8('a' - 'A'));
	diff = _mm_cmpeq_epi8(_mm_andnot_si128(may_differ, diff), _mm_setzero_si128());
	return _mm_movemask_epi8(diff) == 0xffff ? (enum sip_header_id)id : SIP_H_OTHER;
}

bool sip_header_is_list(enum sip_header_id id)
{
	return id < SIP_H_N && headers[id].list;
}

struct method_name {
	char text[NAME_BYTES];
	bool dialog;
};

static const struct method_name methods[SIP_M_N] = {
#define SIP_METHOD(name, dialog) [SIP_M_##name] = {#name, dialog},
#include "lib/sip/method.def"
#undef SIP_METHOD
};

#define METHOD_SLOT(len, first) ((11 * (len) + (first)) & 31)
static const uint8_t method_slots[32] = {
	[METHOD_SLOT(6, 'I')] = SIP_M_INVITE,
	[METHOD_SLOT(3, 'A')] = SIP_M_ACK,
	[METHOD_SLOT(3, 'B')] = SIP_M_BYE,
	[METHOD_SLOT(6, 'C')] = SIP_M_CANCEL,
	[METHOD_SLOT(7, 'O')] = SIP_M_OPTIONS,
	[METHOD_SLOT(8, 'R')] = SIP_M_REGISTER,
	[METHOD_SLOT(7, 'M')] = SIP_M_MESSAGE,
	[METHOD_SLOT(9, 'S')] = SIP_M_SUBSCRIBE,
	[METHOD_SLOT(6, 'N')] = SIP_M_NOTIFY,
	[METHOD_SLOT(5, 'R')] = SIP_M_REFER,
	[METHOD_SLOT(4, 'I')] = SIP_M_INFO,
	[METHOD_SLOT(5, 'P')] = SIP_M_PRACK,
	[METHOD_SLOT(6, 'U')] = SIP_M_UPDATE,
	[METHOD_SLOT(7, 'P')] = SIP_M_PUBLISH,
};

enum sip_method sip_method_find(struct view name)
{
	__m128i text, same;
	uint8_t method;

	if (name.len == 0 || name.len >= NAME_BYTES)
		return SIP_M_OTHER;
	method = method_slots[METHOD_SLOT(name.len, name.at[0])];
	text = _mm_loadu_si128((const __m128i *)methods[method].text);
	same = _mm_cmpeq_epi8(lex_load_short(name.at, name.len), text);
	return _mm_movemask_epi8(same) == 0xffff ? (enum sip_method)method : SIP_M_OTHER;
}

bool sip_method_makes_dialog(enum sip_method method)
{
	return method < SIP_M_N && methods[method].dialog;
}
