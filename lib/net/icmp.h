// SPDX-License-Identifier: BSD-3-Clause
// ICMP (RFC 792) and ICMPv6 (RFC 4443): header, checksum, and the answer to an echo. Pure.

#pragma once

#include "lib/net/ip.h"

#define ICMP_BYTES 8 // of every message that is read here, body aside

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER_PROBLEM = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_MLD_QUERY = 130,
	ICMP6_NEIGHBOUR_SOLICITATION = 135,
	ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMP6_MLD2_REPORT = 143,
};

// message: the payload of the IP packet; of ICMP or ICMPv6 by the family in ip. Length and
// checksum are checked. REASON_none or icmp_malformed.
enum reason icmp_check(struct view message, const struct ip_header *ip);

// Whether a message of this type quotes the packet that it is about.
bool icmp_is_error(uint8_t type, uint8_t family);

// What an error says of a packet that we sent, by the part of it that is quoted (RFC 792, RFC 4443
// §2.4(c)): its addresses, protocol, and the first eight bytes behind its headers.
struct icmp_error {
	struct ip_addr source, destination; // of the quoted packet: source is ours
	uint16_t source_port, destination_port;
	uint32_t first_word; // after the ports
	uint32_t mtu;        // of "too big", at least 68 or 1280; 0 for other errors
	uint8_t protocol;
};

// message: what icmp_check() took, of a type that is an error. REASON_none; icmp_malformed where
// the quotation is too short, a later fragment, or of extension headers.
enum reason icmp_error_parse(struct view message, uint8_t family, struct icmp_error *out);

// An echo becomes its reply: type, and the checksum with it. Identifier, sequence number and data
// stay. For IPv6 the addresses change places, which the checksum does not see.
void icmp_answer_echo(uint8_t *message, uint8_t family);

// Fills in the checksum of an ICMPv6 message of n_bytes.
void icmp6_checksum_fill(uint8_t *message, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination);
