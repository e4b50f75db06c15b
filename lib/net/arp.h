// SPDX-License-Identifier: BSD-3-Clause
// ARP for IPv4 over Ethernet (RFC 826), with the checks of RFC 5227. Pure.

#pragma once

#include "lib/net/ether.h"

#define ARP_BYTES 28

enum arp_operation {
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
};

struct arp {
	uint8_t operation; // enum arp_operation
	uint8_t sender_mac[ETHER_MAC_BYTES], target_mac[ETHER_MAC_BYTES];
	struct ip_addr sender_ip, target_ip; // sender 0.0.0.0: a probe (RFC 5227 §1.1)
};

// packet: what follows the Ethernet header, padding included. REASON_none or arp_malformed.
enum reason arp_parse(struct view packet, struct arp *out);
// Writes ARP_BYTES.
void arp_build(uint8_t *at, const struct arp *arp);
