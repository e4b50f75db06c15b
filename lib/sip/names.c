// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/names.h"

#include "lib/base/view.h"

static const bool is_list[SIP_H_N] = {
#define SIP_HEADER(id, name, compact, list) [SIP_H_##id] = (list),
#include "lib/sip/header.def"
#undef SIP_HEADER
};

#define SLOT(name, header)                                 \
	{                                                  \
		name ":", SIP_H_##header, sizeof(name) - 1 \
	}
#define AT(a, b, c) HEADER_SLOT(HEADER_LETTERS(a, b, c))

const struct sip_header_slot sip_header_slots[32] = {
	[AT('v', 'i', 'a')] = SLOT("via", VIA),
	[AT('r', 'o', 'u')] = SLOT("route", ROUTE),
	[AT('r', 'e', 'c')] = SLOT("record-route", RECORD_ROUTE),
	[AT('f', 'r', 'o')] = SLOT("from", FROM),
	[AT('t', 'o', ':')] = SLOT("to", TO),
	[AT('c', 'a', 'l')] = SLOT("call-id", CALL_ID),
	[AT('c', 's', 'e')] = SLOT("cseq", CSEQ),
	[AT('m', 'a', 'x')] = SLOT("max-forwards", MAX_FORWARDS),
	[AT('p', 'r', 'o')] = SLOT("proxy-require", PROXY_REQUIRE),
	[AT('e', 'v', 'e')] = SLOT("event", EVENT),
	[AT('r', 'e', 't')] = SLOT("retry-after", RETRY_AFTER),
	[AT('t', 'i', 'm')] = SLOT("timestamp", TIMESTAMP),
};

const struct sip_header_slot sip_header_con_slots[4] = {
	[HEADER_CON_SLOT(' ')] = SLOT("contact", CONTACT),
	[HEADER_CON_SLOT('<')] = SLOT("contact", CONTACT),
	[HEADER_CON_SLOT('l')] = SLOT("content-length", CONTENT_LENGTH),
	[HEADER_CON_SLOT('t')] = SLOT("content-type", CONTENT_TYPE),
};

const uint8_t sip_header_compact[32] = {
	['v' & 31] = SIP_H_VIA,
	['f' & 31] = SIP_H_FROM,
	['t' & 31] = SIP_H_TO,
	['i' & 31] = SIP_H_CALL_ID,
	['m' & 31] = SIP_H_CONTACT,
	['l' & 31] = SIP_H_CONTENT_LENGTH,
	['c' & 31] = SIP_H_CONTENT_TYPE,
	['o' & 31] = SIP_H_EVENT,
};

const struct sip_method_name sip_method_names[SIP_M_N] = {
#define SIP_METHOD(name, dialog) [SIP_M_##name] = {#name, dialog},
#include "lib/sip/method.def"
#undef SIP_METHOD
};

const uint8_t sip_method_slots[32] = {
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

__m128i sip_name_load_exact(struct view name)
{
	uint8_t copy[NAME_BYTES] = {0};

	memcpy(copy, name.at, name.len);
	return _mm_loadu_si128((const __m128i *)copy);
}

enum sip_header_id sip_header_find(struct view name)
{
	uint8_t copy[NAME_BYTES] = {0};
	const struct sip_header_slot *slot;

	if (name.len - 1 >= NAME_BYTES - 1)
		return SIP_H_OTHER;
	if (name.len == 1)
		return sip_header_find_compact(name.at[0]);
	memcpy(copy, name.at, name.len);
	copy[name.len] = ':';
	slot = sip_header_guess(copy);
	return slot != NULL && slot->len == name.len ? (enum sip_header_id)slot->id : SIP_H_OTHER;
}

bool sip_header_is_list(enum sip_header_id id)
{
	return id < SIP_H_N && is_list[id];
}

enum sip_method sip_method_find(struct view name)
{
	return sip_method_find_within(name, name.at + name.len);
}

bool sip_method_makes_dialog(enum sip_method method)
{
	return method < SIP_M_N && sip_method_names[method].dialog;
}
