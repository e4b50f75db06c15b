// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/frame.h"

#include "lib/base/wire.h"

const char frame_not_udp[] = "not UDP";

// RFC 1071, two bytes at a time.
static uint32_t sum(uint32_t start, const uint8_t *at, size_t n_bytes)
{
	for (size_t i = 0; i + 1 < n_bytes; i += 2)
		start += wire_get16(at + i);
	return n_bytes % 2 == 1 ? start + ((uint32_t)at[n_bytes - 1] << 8) : start;
}

static uint16_t fold(uint32_t s)
{
	while (s > 0xffff)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

// Over the pseudo-header and the datagram; all ones when a filled-in checksum is right.
static uint16_t udp_sum(const struct frame_ends *ends, const uint8_t *udp, size_t n_bytes)
{
	size_t n_address = ends->family == IP_V4 ? 4 : 16;
	uint32_t s = sum(0, ends->source_ip, n_address);

	s = sum(s, ends->destination_ip, n_address);
	return fold(sum(s + 17 + (uint32_t)n_bytes, udp, n_bytes));
}

size_t frame_build(
	const struct frame_ends *ends, const uint8_t *payload, size_t n_bytes, uint8_t *frame)
{
	bool four = ends->family == IP_V4;
	uint8_t *ip = frame + 14, *udp = ip + (four ? 20 : 40);
	uint16_t s;

	memset(frame, 0, (size_t)(udp - frame) + 8);
	memcpy(frame, ends->destination_mac, 6);
	memcpy(frame + 6, ends->source_mac, 6);
	wire_put16(frame + 12, four ? 0x0800 : 0x86dd);
	if (four) {
		ip[0] = 0x45;
		wire_put16(ip + 2, (uint16_t)(28 + n_bytes));
		ip[8] = 64;
		ip[9] = 17;
		memcpy(ip + 12, ends->source_ip, 4);
		memcpy(ip + 16, ends->destination_ip, 4);
		wire_put16(ip + 10, (uint16_t)~fold(sum(0, ip, 20)));
	} else {
		ip[0] = 0x60;
		wire_put16(ip + 4, (uint16_t)(8 + n_bytes));
		ip[6] = 17;
		ip[7] = 64;
		memcpy(ip + 8, ends->source_ip, 16);
		memcpy(ip + 24, ends->destination_ip, 16);
	}
	wire_put16(udp, 5060);
	wire_put16(udp + 2, 5060);
	wire_put16(udp + 4, (uint16_t)(8 + n_bytes));
	memcpy(udp + 8, payload, n_bytes);
	s = (uint16_t)~udp_sum(ends, udp, 8 + n_bytes);
	wire_put16(udp + 6, s != 0 ? s : 0xffff);
	return (size_t)(udp - frame) + 8 + n_bytes;
}

static const char *read_udp(const uint8_t *udp, size_t n_bytes, const struct frame_ends *ends,
	struct frame_payload *payload)
{
	if (n_bytes < 8 || wire_get16(udp + 4) != n_bytes)
		return "UDP length is not IP's";
	if (wire_get16(udp) != 5060 || wire_get16(udp + 2) != 5060)
		return "wrong UDP port";
	if (wire_get16(udp + 6) == 0 || udp_sum(ends, udp, n_bytes) != 0xffff)
		return "wrong UDP checksum";
	*payload = (struct frame_payload){udp + 8, n_bytes - 8, ends->family};
	return NULL;
}

const char *frame_read(const uint8_t *frame, size_t n_bytes, struct frame_ends *ends,
	struct frame_payload *payload)
{
	const uint8_t *ip = frame + 14;

	memset(ends, 0, sizeof(*ends));
	if (n_bytes < 14 + 20)
		return "frame too short";
	memcpy(ends->destination_mac, frame, 6);
	memcpy(ends->source_mac, frame + 6, 6);
	if (wire_get16(frame + 12) == 0x0800 && ip[9] == 17) {
		ends->family = IP_V4;
		if (ip[0] != 0x45 || wire_get16(ip + 2) != n_bytes - 14)
			return "wrong IPv4 length";
		if (fold(sum(0, ip, 20)) != 0xffff)
			return "wrong IPv4 checksum";
		memcpy(ends->source_ip, ip + 12, 4);
		memcpy(ends->destination_ip, ip + 16, 4);
		return read_udp(ip + 20, n_bytes - 34, ends, payload);
	}
	if (wire_get16(frame + 12) == 0x86dd && n_bytes >= 14 + 40 && ip[6] == 17) {
		ends->family = IP_V6;
		if (wire_get16(ip + 4) != n_bytes - 54)
			return "wrong IPv6 length";
		memcpy(ends->source_ip, ip + 8, 16);
		memcpy(ends->destination_ip, ip + 24, 16);
		return read_udp(ip + 40, n_bytes - 54, ends, payload);
	}
	return frame_not_udp;
}
