// SPDX-License-Identifier: BSD-3-Clause
// Ethernet II with at most one 802.1Q tag. Pure.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/reason.h"

#define ETHER_MAC_BYTES    6
#define ETHER_BYTES        14
#define ETHER_VLAN_BYTES   4
#define ETHER_MIN_BYTES    60 // without the FCS; shorter ones are padded
#define ETHER_HEADER_BYTES (ETHER_BYTES + ETHER_VLAN_BYTES)

#define ETHER_TYPE_IPV4 0x0800
#define ETHER_TYPE_ARP  0x0806
#define ETHER_TYPE_VLAN 0x8100
#define ETHER_TYPE_IPV6 0x86dd

struct ether_header {
	const uint8_t *destination, *source; // in the frame
	uint16_t type;                       // of what follows, tag or not
	uint16_t vlan;                       // 0: no tag, or one with a priority only
	uint16_t n_bytes;                    // of header and tag
};

extern const uint8_t ether_broadcast[ETHER_MAC_BYTES];

static inline bool ether_is_group(const uint8_t mac[ETHER_MAC_BYTES])
{
	return mac[0] & 1;
}

static inline bool ether_equal(const uint8_t a[ETHER_MAC_BYTES], const uint8_t b[ETHER_MAC_BYTES])
{
	return memcmp(a, b, ETHER_MAC_BYTES) == 0;
}

// REASON_none, eth_short, or eth_not_ours for a source that is a group: no station has one.
enum reason ether_parse(struct view frame, struct ether_header *out);

// Writes ETHER_BYTES, or ETHER_HEADER_BYTES with a tag unless vlan is 0; returns how many.
size_t ether_build(uint8_t *at, const uint8_t destination[ETHER_MAC_BYTES],
	const uint8_t source[ETHER_MAC_BYTES], uint16_t vlan, uint16_t type);

// Where an IPv6 group is sent to (RFC 2464 §7).
void ether_group_of(const struct ip_addr *group, uint8_t mac[ETHER_MAC_BYTES]);
