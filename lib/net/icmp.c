// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/icmp.h"

#include "lib/base/wire.h"
#include "lib/net/checksum.h"

#define CHECKSUM_AT 2

#define QUOTED_BYTES     8    // of the quoted packet's payload: ports and one word
#define CODE_TOO_BIG     4    // of ICMP_UNREACHABLE (RFC 1191 §4)
#define IPV4_MTU_MIN     68   // RFC 791 §3.2
#define IPV6_MTU_MIN     1280 // RFC 8200 §5
#define IPV4_OFFSET_MASK 0x1fff

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

bool icmp_is_error(uint8_t type, uint8_t family)
{
	if (family == IP_V6)
		return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER_PROBLEM;
	return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
		type == ICMP_PARAMETER_PROBLEM;
}

static void read_ip4(struct ip_addr *out, const uint8_t *at)
{
	*out = (struct ip_addr){.family = IP_V4};
	memcpy(out->bytes, at, 4);
}

static void read_ip6(struct ip_addr *out, const uint8_t *at)
{
	*out = (struct ip_addr){.family = IP_V6};
	memcpy(out->bytes, at, 16);
}

// The quoted header; how many bytes it takes, 0 for one that cannot be ours.
static size_t read_quoted4(struct view quoted, struct icmp_error *out)
{
	size_t n;

	if (quoted.len < IPV4_BYTES || quoted.at[0] >> 4 != 4)
		return 0;
	n = (size_t)(quoted.at[0] & 0x0f) * 4;
	if (n < IPV4_BYTES || (wire_get16(quoted.at + 6) & IPV4_OFFSET_MASK) != 0)
		return 0;
	out->protocol = quoted.at[9];
	read_ip4(&out->source, quoted.at + 12);
	read_ip4(&out->destination, quoted.at + 16);
	return n;
}

static size_t read_quoted6(struct view quoted, struct icmp_error *out)
{
	if (quoted.len < IPV6_BYTES || quoted.at[0] >> 4 != 6)
		return 0;
	out->protocol = quoted.at[6];
	read_ip6(&out->source, quoted.at + 8);
	read_ip6(&out->destination, quoted.at + 24);
	return IPV6_BYTES;
}

// A router that knows no MTU says 0 (RFC 1191 §4): then it is the least that there is.
static uint32_t error_mtu(struct view message, uint8_t family)
{
	uint32_t mtu;

	if (family == IP_V6) {
		mtu = wire_get32(message.at + 4);
		if (message.at[0] != ICMP6_TOO_BIG)
			return 0;
		return mtu < IPV6_MTU_MIN ? IPV6_MTU_MIN : mtu;
	}
	mtu = wire_get16(message.at + 6);
	if (message.at[0] != ICMP_UNREACHABLE || message.at[1] != CODE_TOO_BIG)
		return 0;
	return mtu < IPV4_MTU_MIN ? IPV4_MTU_MIN : mtu;
}

enum reason icmp_error_parse(struct view message, uint8_t family, struct icmp_error *out)
{
	struct view quoted = view_of(message.at + ICMP_BYTES, message.len - ICMP_BYTES);
	size_t n = family == IP_V4 ? read_quoted4(quoted, out) : read_quoted6(quoted, out);

	if (n == 0 || quoted.len < n + QUOTED_BYTES)
		return REASON_icmp_malformed;
	out->source_port = wire_get16(quoted.at + n);
	out->destination_port = wire_get16(quoted.at + n + 2);
	out->first_word = wire_get32(quoted.at + n + 4);
	out->mtu = error_mtu(message, family);
	return REASON_none;
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
