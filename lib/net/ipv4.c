// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/checksum.h"
#include "lib/net/ip.h"

#define FLAG_RESERVED        0x8000
#define FLAG_DONT_FRAGMENT   0x4000
#define FLAG_MORE_FRAGMENTS  0x2000
#define FRAGMENT_OFFSET_MASK 0x1fff

static void get_address(const uint8_t *at, struct ip_addr *out)
{
	*out = (struct ip_addr){.family = IP_V4};
	memcpy(out->bytes, at, 4);
}

enum reason ipv4_parse(struct view packet, struct ip_header *out)
{
	const uint8_t *p = packet.at;
	unsigned header_bytes, total_bytes;
	uint16_t fragment;

	if (packet.len < IPV4_BYTES || p[0] >> 4 != 4)
		return REASON_ip_malformed;
	header_bytes = (p[0] & 0xfu) * 4;
	total_bytes = wire_get16(p + 2);
	fragment = wire_get16(p + 6);
	if (header_bytes < IPV4_BYTES || total_bytes < header_bytes || total_bytes > packet.len ||
		(fragment & FLAG_RESERVED))
		return REASON_ip_malformed;
	if (header_bytes != IPV4_BYTES)
		return REASON_ip_options;
	get_address(p + 12, &out->source);
	get_address(p + 16, &out->destination);
	out->id = wire_get16(p + 4);
	out->n_bytes = IPV4_BYTES;
	out->payload_bytes = (uint16_t)(total_bytes - IPV4_BYTES);
	out->fragment_offset = (uint16_t)((fragment & FRAGMENT_OFFSET_MASK) * 8);
	out->protocol = p[9];
	out->hop_limit = p[8];
	out->more_fragments = fragment & FLAG_MORE_FRAGMENTS;
	out->dont_fragment = fragment & FLAG_DONT_FRAGMENT;
	// RFC 791 §3.2: every fragment but the last is a multiple of eight bytes.
	if (ip_is_fragment(out) &&
		(out->payload_bytes == 0 || (out->more_fragments && out->payload_bytes % 8 != 0) ||
			out->fragment_offset + total_bytes > UINT16_MAX))
		return REASON_ip_fragment_bad;
	return REASON_none;
}

bool ipv4_checksum_holds(const uint8_t *header)
{
	return checksum_holds(checksum_add(0, header, IPV4_BYTES));
}

void ipv4_build(uint8_t *at, const struct ip_header *h)
{
	uint16_t checksum;

	at[0] = 4 << 4 | IPV4_BYTES / 4;
	at[1] = 0;
	wire_put16(at + 2, (uint16_t)(IPV4_BYTES + h->payload_bytes));
	wire_put16(at + 4, (uint16_t)h->id);
	wire_put16(at + 6,
		(uint16_t)(h->fragment_offset / 8 | (h->dont_fragment ? FLAG_DONT_FRAGMENT : 0) |
			(h->more_fragments ? FLAG_MORE_FRAGMENTS : 0)));
	at[8] = h->hop_limit;
	at[9] = h->protocol;
	memset(at + IPV4_CHECKSUM_AT, 0, 2);
	memcpy(at + 12, h->source.bytes, 4);
	memcpy(at + 16, h->destination.bytes, 4);
	checksum = checksum_end(checksum_add(0, at, IPV4_BYTES));
	memcpy(at + IPV4_CHECKSUM_AT, &checksum, sizeof(checksum));
}
