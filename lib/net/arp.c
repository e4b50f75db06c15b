// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/arp.h"

#include "lib/base/wire.h"
#include "lib/net/ip.h"

#define HARDWARE_ETHERNET 1

static void get_ip(const uint8_t *at, struct ip_addr *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, at, 4);
	out->family = IP_V4;
}

enum reason arp_parse(struct view packet, struct arp *out)
{
	const uint8_t *p = packet.at;
	uint16_t operation;

	if (packet.len < ARP_BYTES || wire_get16(p) != HARDWARE_ETHERNET ||
		wire_get16(p + 2) != ETHER_TYPE_IPV4 || p[4] != ETHER_MAC_BYTES || p[5] != 4)
		return REASON_arp_malformed;
	operation = wire_get16(p + 6);
	if (operation != ARP_REQUEST && operation != ARP_REPLY)
		return REASON_arp_malformed;
	out->operation = (uint8_t)operation;
	memcpy(out->sender_mac, p + 8, ETHER_MAC_BYTES);
	get_ip(p + 14, &out->sender_ip);
	memcpy(out->target_mac, p + 18, ETHER_MAC_BYTES);
	get_ip(p + 24, &out->target_ip);
	// RFC 1812 §3.3.2: a group is nobody's address. Nor may a reply come from nobody.
	if (ether_is_group(out->sender_mac) ||
		(!ip_is_unspecified(&out->sender_ip) && !ip_is_host(&out->sender_ip)) ||
		(operation == ARP_REPLY && ip_is_unspecified(&out->sender_ip)))
		return REASON_arp_malformed;
	return REASON_none;
}

void arp_build(uint8_t *at, const struct arp *arp)
{
	wire_put16(at, HARDWARE_ETHERNET);
	wire_put16(at + 2, ETHER_TYPE_IPV4);
	at[4] = ETHER_MAC_BYTES;
	at[5] = 4;
	wire_put16(at + 6, arp->operation);
	memcpy(at + 8, arp->sender_mac, ETHER_MAC_BYTES);
	memcpy(at + 14, arp->sender_ip.bytes, 4);
	memcpy(at + 18, arp->target_mac, ETHER_MAC_BYTES);
	memcpy(at + 24, arp->target_ip.bytes, 4);
}
