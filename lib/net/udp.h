// SPDX-License-Identifier: BSD-3-Clause
// UDP (RFC 768, RFC 8200 §8.1). Pure.

#pragma once

#include "lib/net/ip.h"

#define UDP_BYTES          8
#define UDP_CHECKSUM_AT    6
#define UDP_PAYLOAD_MAX(f) (UINT16_MAX - UDP_BYTES - ((f) == IP_V4 ? IPV4_BYTES : 0))

struct udp {
	uint16_t source, destination; // ports, host order
	struct view payload;          // in the packet, cut to UDP's own length
};

// packet: the payload of the IP packet. REASON_none or udp_malformed.
enum reason udp_parse(struct view packet, struct udp *out);

// False for a wrong checksum, and for none at all over IPv6. For what udp_parse() took.
bool udp_checksum_holds(const uint8_t *header, const struct ip_header *ip);

// Writes UDP_BYTES in front of a payload of n_bytes, ≤ UDP_PAYLOAD_MAX; the checksum is zero.
void udp_build(uint8_t *at, uint16_t source, uint16_t destination, size_t n_bytes);
// Fills in the checksum over header and payload; never zero, which would mean none.
void udp_checksum_fill(
	uint8_t *header, const struct ip_addr *source, const struct ip_addr *destination);
// Fills in the sum of the pseudo header alone, which a device that does the rest starts from.
void udp_checksum_begin(
	uint8_t *header, const struct ip_addr *source, const struct ip_addr *destination);
