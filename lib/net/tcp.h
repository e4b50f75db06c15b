// SPDX-License-Identifier: BSD-3-Clause
// TCP's checksum in packets (RFC 9293 §3.1): all that the layer of packets knows of TCP. What the
// rest of the header says is lib/tcp's. Pure.

#pragma once

#include "lib/net/ip.h"

// segment: the payload of the IP packet, at least TCP's header of 20 bytes.
bool tcp_checksum_holds(struct view segment, const struct ip_header *ip);

// Fills in the checksum of a segment that lies in one piece, header and payload of n_bytes.
void tcp_checksum_fill(uint8_t *segment, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination);
// Fills in the sum of the pseudo header alone, which a device that does the rest starts from.
// n_bytes: of the whole segment; 0 where the device cuts it, for then it adds the length of each.
void tcp_checksum_begin(uint8_t *header, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination);
