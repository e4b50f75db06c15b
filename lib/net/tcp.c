// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/tcp.h"

#include "lib/net/checksum.h"

#define CHECKSUM_AT 16

static uint64_t sum_of(
	struct view segment, const struct ip_addr *source, const struct ip_addr *destination)
{
	return checksum_add_pseudo(checksum_add(0, segment.at, segment.len), source, destination,
		IP_PROTOCOL_TCP, (uint32_t)segment.len);
}

bool tcp_checksum_holds(struct view segment, const struct ip_header *ip)
{
	return checksum_holds(sum_of(segment, &ip->source, &ip->destination));
}

void tcp_checksum_fill(uint8_t *segment, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination)
{
	uint16_t checksum;

	memset(segment + CHECKSUM_AT, 0, sizeof(checksum));
	checksum = checksum_end(sum_of(view_of(segment, n_bytes), source, destination));
	memcpy(segment + CHECKSUM_AT, &checksum, sizeof(checksum));
}

void tcp_checksum_begin(uint8_t *header, size_t n_bytes, const struct ip_addr *source,
	const struct ip_addr *destination)
{
	uint16_t begin = checksum_fold(
		checksum_add_pseudo(0, source, destination, IP_PROTOCOL_TCP, (uint32_t)n_bytes));

	memcpy(header + CHECKSUM_AT, &begin, sizeof(begin));
}
