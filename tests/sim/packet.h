// SPDX-License-Identifier: BSD-3-Clause
// An engine's segments as IP packets with true checksums, and back: the work of a worker's packet
// layers, for tests and benches that run engines without one. Pure.

#pragma once

#include "lib/net/ip.h"
#include "lib/tcp/tcp.h"

#define PACKET_HEADERS_MAX (IPV6_BYTES + TCP_HEADER_BYTES_MAX)

// How many segments a packet of tcp_output() is on the wire: more than one when a device cuts it.
unsigned packet_segments(const struct tcp_packet *p);
// Writes the i-th of them as an IP packet: PACKET_HEADERS_MAX and the payload of one segment.
// Returns its length.
size_t packet_build(uint8_t *at, const struct tcp_packet *p, unsigned i);
// As a device that cuts and sums takes it: the headers of the whole packet with the sum of the
// pseudo header, and the payload in one piece behind them. Returns its length.
size_t packet_build_uncut(uint8_t *at, const struct tcp_packet *p);
// The same as packet_build() for a segment as its sender would describe it; local is the source.
size_t packet_of_segment(uint8_t *at, const struct tcp_segment *s);

// packet: from the IP header on. REASON_none and *out, addressed as its receiver sees it; or why
// it is no TCP segment with right checksums.
enum reason packet_parse(struct view packet, struct tcp_segment *out);
// The same where the device has found the checksums right.
enum reason packet_parse_checked(struct view packet, struct tcp_segment *out);
