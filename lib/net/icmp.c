// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/icmp.h"

#include "lib/net/checksum.h"

#define CHECKSUM_AT 2

enum reason icmp_check(struct view message, const struct ip_header *ip)
{
	uint64_t sum;

	if (message.len < ICMP_BYTES)
		return REASON_icmp_malformed;
	sum = checksum_add(0, message.at, message.len);
	if (ip->source.family == IP_V6)
		sum = checksum_add_pseudo(sum, &ip->source, &ip->destination, IP_PROTOCOL_ICMP6,
			(uint32_t)message.len);
	return checksum_holds(sum) ? REASON_none : REASON_icmp_malformed;
}

void icmp_answer_echo(uint8_t *message, uint8_t family)
{
	uint16_t was, is, checksum;

	memcpy(&was, message, sizeof(was));
	message[0] = family == IP_V4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY;
	memcpy(&is, message, sizeof(is));
	memcpy(&checksum, message + CHECKSUM_AT, sizeof(checksum));
	checksum = checksum_replace(checksum, was, is);
	memcpy(message + CHECKSUM_AT, &checksum, sizeof(checksum));
}

void icmp6_checksum_fill(uint8_t *message, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination)
{
	uint16_t checksum = 0;
	uint64_t sum;

	memcpy(message + CHECKSUM_AT, &checksum, sizeof(checksum));
	sum = checksum_add(0, message, n_bytes);
	sum = checksum_add_pseudo(sum, source, destination, IP_PROTOCOL_ICMP6, (uint32_t)n_bytes);
	checksum = checksum_end(sum);
	memcpy(message + CHECKSUM_AT, &checksum, sizeof(checksum));
}
