// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/ip.h"

#define OPTION_PAD1          0
#define OPTION_ACTION_MASK   0xc0 // RFC 8200 §4.2; 00: skip what is not known
#define FRAGMENT_MORE        1
#define FRAGMENT_OFFSET_MASK 0xfff8

// Walks a hop-by-hop or destination options header. Its length, or 0 where it is not to be
// skipped, with *why.
static size_t skip_options(struct view rest, enum reason *why)
{
	size_t n_bytes, i;

	*why = REASON_ip_malformed;
	if (rest.len < 8)
		return 0;
	n_bytes = ((size_t)rest.at[1] + 1) * 8;
	if (n_bytes > rest.len)
		return 0;
	for (i = 2; i < n_bytes;) {
		if (rest.at[i] == OPTION_PAD1) {
			i++;
			continue;
		}
		if (i + 2 > n_bytes || i + 2 + rest.at[i + 1] > n_bytes)
			return 0;
		if (rest.at[i] & OPTION_ACTION_MASK) {
			*why = REASON_ip_options;
			return 0;
		}
		i += 2u + rest.at[i + 1];
	}
	return n_bytes;
}

static enum reason parse_fragment(const uint8_t *p, struct ip_header *out)
{
	uint16_t word = wire_get16(p + 2);

	out->protocol = p[0];
	out->n_bytes += IPV6_FRAGMENT_BYTES;
	out->payload_bytes -= IPV6_FRAGMENT_BYTES;
	out->fragment_offset = word & FRAGMENT_OFFSET_MASK;
	out->more_fragments = word & FRAGMENT_MORE;
	out->id = wire_get32(p + 4);
	// RFC 8200 §4.5: whole words of eight but in the last, and no more than 65,535 bytes.
	if (ip_is_fragment(out) &&
		(out->payload_bytes == 0 || (out->more_fragments && out->payload_bytes % 8 != 0) ||
			out->fragment_offset + out->payload_bytes > UINT16_MAX))
		return REASON_ip_fragment_bad;
	return REASON_none;
}

// Steps over the extension headers that are accepted, each kind once and in RFC 8200 §4.1's order.
static enum reason skip_extensions(struct view packet, struct ip_header *out)
{
	bool hop_by_hop_may_follow = true;

	for (;;) {
		struct view rest = view_of(packet.at + out->n_bytes, out->payload_bytes);
		enum reason why;
		size_t n_bytes;

		switch (out->protocol) {
		case IP_PROTOCOL_HOP_BY_HOP:
			if (!hop_by_hop_may_follow)
				return REASON_ip_options;
			break;
		case IP_PROTOCOL_DESTINATION:
			break;
		case IP_PROTOCOL_FRAGMENT:
			if (out->n_bytes != IPV6_BYTES)
				return REASON_ip_options;
			if (rest.len < IPV6_FRAGMENT_BYTES)
				return REASON_ip_malformed;
			why = parse_fragment(rest.at, out);
			if (why != REASON_none || ip_is_fragment(out))
				return why;
			hop_by_hop_may_follow = false;
			continue;
		default:
			return REASON_none;
		}
		n_bytes = skip_options(rest, &why);
		if (n_bytes == 0)
			return why;
		if (out->protocol == IP_PROTOCOL_DESTINATION &&
			rest.at[0] == IP_PROTOCOL_DESTINATION)
			return REASON_ip_options;
		hop_by_hop_may_follow = false;
		out->protocol = rest.at[0];
		out->n_bytes = (uint16_t)(out->n_bytes + n_bytes);
		out->payload_bytes = (uint16_t)(out->payload_bytes - n_bytes);
	}
}

static void get_address(const uint8_t *at, struct ip_addr *out)
{
	*out = (struct ip_addr){.family = IP_V6};
	memcpy(out->bytes, at, 16);
}

enum reason ipv6_parse(struct view packet, struct ip_header *out)
{
	const uint8_t *p = packet.at;
	unsigned payload_bytes;

	if (packet.len < IPV6_BYTES || p[0] >> 4 != 6)
		return REASON_ip_malformed;
	payload_bytes = wire_get16(p + 4);
	if (IPV6_BYTES + payload_bytes > packet.len)
		return REASON_ip_malformed;
	get_address(p + 8, &out->source);
	get_address(p + 24, &out->destination);
	out->id = 0;
	out->n_bytes = IPV6_BYTES;
	out->payload_bytes = (uint16_t)payload_bytes;
	out->fragment_offset = 0;
	out->protocol = p[6];
	out->hop_limit = p[7];
	out->more_fragments = false;
	out->dont_fragment = true;
	if (out->protocol == IP_PROTOCOL_UDP || out->protocol == IP_PROTOCOL_ICMP6)
		return REASON_none;
	return skip_extensions(packet, out);
}

size_t ipv6_build(uint8_t *at, const struct ip_header *h)
{
	bool fragment = ip_is_fragment(h);
	size_t extra = fragment ? IPV6_FRAGMENT_BYTES : 0;

	wire_put32(at, 6u << 28);
	wire_put16(at + 4, (uint16_t)(h->payload_bytes + extra));
	at[6] = fragment ? IP_PROTOCOL_FRAGMENT : h->protocol;
	at[7] = h->hop_limit;
	memcpy(at + 8, h->source.bytes, 16);
	memcpy(at + 24, h->destination.bytes, 16);
	if (fragment) {
		at[IPV6_BYTES] = h->protocol;
		at[IPV6_BYTES + 1] = 0;
		wire_put16(at + IPV6_BYTES + 2,
			(uint16_t)(h->fragment_offset | (h->more_fragments ? FRAGMENT_MORE : 0)));
		wire_put32(at + IPV6_BYTES + 4, h->id);
	}
	return IPV6_BYTES + extra;
}
