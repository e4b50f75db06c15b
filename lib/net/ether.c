// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/ether.h"

#include "lib/base/wire.h"

#define VLAN_ID_MASK 0x0fff

const uint8_t ether_broadcast[ETHER_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

enum reason ether_parse(struct view frame, struct ether_header *out)
{
	if (frame.len < ETHER_BYTES)
		return REASON_eth_short;
	out->destination = frame.at;
	out->source = frame.at + ETHER_MAC_BYTES;
	out->type = wire_get16(frame.at + 12);
	out->vlan = 0;
	out->n_bytes = ETHER_BYTES;
	if (out->type == ETHER_TYPE_VLAN) {
		if (frame.len < ETHER_HEADER_BYTES)
			return REASON_eth_short;
		out->vlan = wire_get16(frame.at + 14) & VLAN_ID_MASK;
		out->type = wire_get16(frame.at + 16);
		out->n_bytes = ETHER_HEADER_BYTES;
	}
	return ether_is_group(out->source) ? REASON_eth_not_ours : REASON_none;
}

size_t ether_build(uint8_t *at, const uint8_t destination[ETHER_MAC_BYTES],
	const uint8_t source[ETHER_MAC_BYTES], uint16_t vlan, uint16_t type)
{
	memcpy(at, destination, ETHER_MAC_BYTES);
	memcpy(at + ETHER_MAC_BYTES, source, ETHER_MAC_BYTES);
	if (vlan == 0) {
		wire_put16(at + 12, type);
		return ETHER_BYTES;
	}
	wire_put16(at + 12, ETHER_TYPE_VLAN);
	wire_put16(at + 14, vlan);
	wire_put16(at + 16, type);
	return ETHER_HEADER_BYTES;
}

void ether_group_of(const struct ip_addr *group, uint8_t mac[ETHER_MAC_BYTES])
{
	mac[0] = 0x33;
	mac[1] = 0x33;
	memcpy(mac + 2, group->bytes + 12, 4);
}
