// SPDX-License-Identifier: BSD-3-Clause
// IPv4 (RFC 791, RFC 1122) and IPv6 (RFC 8200) headers in one form. Pure.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/reason.h"

#define IPV4_BYTES          20
#define IPV4_CHECKSUM_AT    10
#define IPV6_BYTES          40
#define IPV6_FRAGMENT_BYTES 8
#define IP_HOP_LIMIT        64 // RFC 1700's recommended default TTL

enum ip_protocol {
	IP_PROTOCOL_HOP_BY_HOP = 0,
	IP_PROTOCOL_ICMP = 1,
	IP_PROTOCOL_TCP = 6,
	IP_PROTOCOL_UDP = 17,
	IP_PROTOCOL_FRAGMENT = 44,
	IP_PROTOCOL_ICMP6 = 58,
	IP_PROTOCOL_NONE = 59,
	IP_PROTOCOL_DESTINATION = 60,
};

struct ip_header {
	struct ip_addr source, destination;
	uint32_t id;              // of the datagram that this is a fragment of
	uint16_t n_bytes;         // of header and extension headers
	uint16_t payload_bytes;   // what follows them, without Ethernet's padding
	uint16_t fragment_offset; // bytes
	uint8_t protocol;         // of the payload; of a fragment: of the fragmentable part
	uint8_t hop_limit;
	bool more_fragments;
	bool dont_fragment; // IPv4
};

static inline bool ip_is_fragment(const struct ip_header *h)
{
	return h->more_fragments || h->fragment_offset != 0;
}

static inline size_t ip_header_bytes(uint8_t family)
{
	return family == IP_V4 ? IPV4_BYTES : IPV6_BYTES;
}

bool ip_is_unspecified(const struct ip_addr *ip);
bool ip_is_multicast(const struct ip_addr *ip);
// A unicast address that may stand in a packet on a link: not unspecified, loopback, multicast,
// nor IPv4's 0/8, 240/4 and 255.255.255.255, nor an IPv4 address mapped into IPv6 (RFC 1122
// §3.2.1.3, RFC 4291 §2.5).
bool ip_is_host(const struct ip_addr *ip);

// fe80::/64 with the modified EUI-64 of a MAC address (RFC 4291 §2.5.6, RFC 2464 §4).
void ip_link_local(const uint8_t mac[6], struct ip_addr *out);
// ff02::1:ffXX:XXXX (RFC 4291 §2.7.1).
void ip_solicited_node(const struct ip_addr *ip, struct ip_addr *out);

// packet: from the IP header to the end of the frame. REASON_none, ip_malformed, ip_options or,
// for a fragment that cannot be one, ip_fragment_bad. The IPv4 checksum is ipv4_checksum_holds()'s,
// for a device may have checked it.
//
// IPv4 options are not accepted: no host has needed them since source routing died (RFC 7126).
// IPv6: one hop-by-hop header and one of destination options are skipped, where all they hold is
// padding and options that ask to be skipped (RFC 8200 §4.2); a fragment header must follow the
// IPv6 header at once; routing headers and all others are refused. An atomic fragment is a whole
// packet (RFC 6946).
enum reason ipv4_parse(struct view packet, struct ip_header *out);
enum reason ipv6_parse(struct view packet, struct ip_header *out);
bool ipv4_checksum_holds(const uint8_t *header);

// Writes IPV4_BYTES with the checksum. n_bytes is not read.
void ipv4_build(uint8_t *at, const struct ip_header *h);
// Writes IPV6_BYTES, and the fragment header where ip_is_fragment(); returns how many.
size_t ipv6_build(uint8_t *at, const struct ip_header *h);
// Either, by the family of the source; returns how many bytes.
size_t ip_build(uint8_t *at, const struct ip_header *h);
