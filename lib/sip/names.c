// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/names.h"

#include "lib/base/view.h"

const struct sip_header_name sip_header_names[SIP_H_N] = {
#define SIP_HEADER(id, name, compact, list) [SIP_H_##id] = {name, compact, list},
#include "lib/sip/header.def"
#undef SIP_HEADER
};

const struct sip_header_slot sip_header_slots[64] = {
	[HEADER_SLOT(3, 'v', 'a')] = {"via", SIP_H_VIA},
	[HEADER_SLOT(5, 'r', 'e')] = {"route", SIP_H_ROUTE},
	[HEADER_SLOT(12, 'r', 'e')] = {"record-route", SIP_H_RECORD_ROUTE},
	[HEADER_SLOT(4, 'f', 'm')] = {"from", SIP_H_FROM},
	[HEADER_SLOT(2, 't', 'o')] = {"to", SIP_H_TO},
	[HEADER_SLOT(7, 'c', 'd')] = {"call-id", SIP_H_CALL_ID},
	[HEADER_SLOT(4, 'c', 'q')] = {"cseq", SIP_H_CSEQ},
	[HEADER_SLOT(12, 'm', 's')] = {"max-forwards", SIP_H_MAX_FORWARDS},
	[HEADER_SLOT(7, 'c', 't')] = {"contact", SIP_H_CONTACT},
	[HEADER_SLOT(14, 'c', 'h')] = {"content-length", SIP_H_CONTENT_LENGTH},
	[HEADER_SLOT(12, 'c', 'e')] = {"content-type", SIP_H_CONTENT_TYPE},
	[HEADER_SLOT(13, 'p', 'e')] = {"proxy-require", SIP_H_PROXY_REQUIRE},
	[HEADER_SLOT(5, 'e', 't')] = {"event", SIP_H_EVENT},
	[HEADER_SLOT(11, 'r', 'r')] = {"retry-after", SIP_H_RETRY_AFTER},
	[HEADER_SLOT(9, 't', 'p')] = {"timestamp", SIP_H_TIMESTAMP},
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

enum sip_header_id sip_header_find_compact(uint8_t letter)
{
	uint8_t lower = ascii_lower(letter);

	for (unsigned id = SIP_H_OTHER + 1; id < SIP_H_N; id++) {
		const char *compact = sip_header_names[id].compact;

		if (compact != NULL && (uint8_t)compact[0] == lower)
			return (enum sip_header_id)id;
	}
	return SIP_H_OTHER;
}

enum sip_header_id sip_header_find(struct view name)
{
	return sip_header_find_within(name, name.at + name.len);
}

bool sip_header_is_list(enum sip_header_id id)
{
	return id < SIP_H_N && sip_header_names[id].list;
}

enum sip_method sip_method_find(struct view name)
{
	return sip_method_find_within(name, name.at + name.len);
}

bool sip_method_makes_dialog(enum sip_method method)
{
	return method < SIP_M_N && sip_method_names[method].dialog;
}
