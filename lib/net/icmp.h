// SPDX-License-Identifier: BSD-3-Clause
// ICMP (RFC 792) and ICMPv6 (RFC 4443): header, checksum, and the answer to an echo. Pure.

#pragma once

#include "lib/net/ip.h"

#define ICMP_BYTES 8 // of every message that is read here, body aside

enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_ECHO = 8,
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

// An echo becomes its reply: type, and the checksum with it. Identifier, sequence number and data
// stay. For IPv6 the addresses change places, which the checksum does not see.
void icmp_answer_echo(uint8_t *message, uint8_t family);

// Fills in the checksum of an ICMPv6 message of n_bytes.
void icmp6_checksum_fill(uint8_t *message, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination);
