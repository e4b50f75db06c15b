// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/udp.h"

#include "lib/base/wire.h"
#include "lib/net/checksum.h"

enum reason udp_parse(struct view packet, struct udp *out)
{
	size_t n_bytes;

	if (packet.len < UDP_BYTES)
		return REASON_udp_malformed;
	n_bytes = wire_get16(packet.at + 4);
	if (n_bytes < UDP_BYTES || n_bytes > packet.len)
		return REASON_udp_malformed;
	out->source = wire_get16(packet.at);
	out->destination = wire_get16(packet.at + 2);
	out->payload = view_of(packet.at + UDP_BYTES, n_bytes - UDP_BYTES);
	return REASON_none;
}

bool udp_checksum_holds(const uint8_t *header, const struct ip_header *ip)
{
	uint16_t n_bytes = wire_get16(header + 4);
	uint64_t sum;

	if (wire_get16(header + UDP_CHECKSUM_AT) == 0)
		return ip->source.family == IP_V4;
	sum = checksum_add(0, header, n_bytes);
	return checksum_holds(
		checksum_add_pseudo(sum, &ip->source, &ip->destination, IP_PROTOCOL_UDP, n_bytes));
}

void udp_build(uint8_t *at, uint16_t source, uint16_t destination, size_t n_bytes)
{
	wire_put16(at, source);
	wire_put16(at + 2, destination);
	wire_put16(at + 4, (uint16_t)(UDP_BYTES + n_bytes));
	wire_put16(at + UDP_CHECKSUM_AT, 0);
}

void udp_checksum_fill(
	uint8_t *header, const struct ip_addr *source, const struct ip_addr *destination)
{
	uint16_t n_bytes = wire_get16(header + 4), checksum;
	uint64_t sum = checksum_add(0, header, n_bytes);

	sum = checksum_add_pseudo(sum, source, destination, IP_PROTOCOL_UDP, n_bytes);
	checksum = checksum_end(sum);
	if (checksum == 0)
		checksum = 0xffff;
	memcpy(header + UDP_CHECKSUM_AT, &checksum, sizeof(checksum));
}

void udp_checksum_begin(
	uint8_t *header, const struct ip_addr *source, const struct ip_addr *destination)
{
	uint16_t n_bytes = wire_get16(header + 4);
	uint16_t begin = checksum_fold(
		checksum_add_pseudo(0, source, destination, IP_PROTOCOL_UDP, n_bytes));

	memcpy(header + UDP_CHECKSUM_AT, &begin, sizeof(begin));
}
