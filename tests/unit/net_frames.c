// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/net_frames.h"

#include "lib/base/wire.h"
#include "lib/net/checksum.h"

#define IP_PAYLOAD_MAX 65535

static size_t put_ether(uint8_t *at, const struct frame_path *path, uint16_t type)
{
	return ether_build(at, path->destination_mac, path->source_mac, path->vlan, type);
}

static uint16_t type_of(const struct frame_path *path)
{
	return path->source.family == IP_V4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6;
}

size_t frame_ip(uint8_t *at, const struct frame_path *path, uint8_t protocol, uint8_t hop_limit,
	struct view payload)
{
	struct ip_header h = {.source = path->source,
		.destination = path->destination,
		.payload_bytes = (uint16_t)payload.len,
		.protocol = protocol,
		.hop_limit = hop_limit,
		.dont_fragment = true};
	size_t n = put_ether(at, path, type_of(path));

	n += ip_build(at + n, &h);
	memmove(at + n, payload.at, payload.len);
	return n + payload.len;
}

size_t frame_udp(uint8_t *at, const struct frame_path *path, uint16_t source_port,
	uint16_t destination_port, struct view payload)
{
	uint8_t udp[IP_PAYLOAD_MAX];

	udp_build(udp, source_port, destination_port, payload.len);
	if (payload.len > 0)
		memcpy(udp + UDP_BYTES, payload.at, payload.len);
	udp_checksum_fill(udp, &path->source, &path->destination);
	return frame_ip(
		at, path, IP_PROTOCOL_UDP, IP_HOP_LIMIT, view_of(udp, UDP_BYTES + payload.len));
}

size_t frame_echo(uint8_t *at, const struct frame_path *path, struct view data)
{
	bool four = path->source.family == IP_V4;
	uint8_t icmp[IP_PAYLOAD_MAX] = {four ? ICMP_ECHO : ICMP6_ECHO, 0, 0, 0, 0x12, 0x34, 0, 1};
	uint16_t checksum;

	if (data.len > 0)
		memcpy(icmp + ICMP_BYTES, data.at, data.len);
	if (four) {
		checksum = checksum_end(checksum_add(0, icmp, ICMP_BYTES + data.len));
		memcpy(icmp + 2, &checksum, sizeof(checksum));
	} else {
		icmp6_checksum_fill(icmp, ICMP_BYTES + data.len, &path->source, &path->destination);
	}
	return frame_ip(at, path, four ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMP6, IP_HOP_LIMIT,
		view_of(icmp, ICMP_BYTES + data.len));
}

size_t frame_arp(uint8_t *at, const struct frame_path *path, const struct arp *arp)
{
	size_t n = put_ether(at, path, ETHER_TYPE_ARP);

	arp_build(at + n, arp);
	return n + ARP_BYTES;
}

size_t frame_nd(uint8_t *at, const struct frame_path *path, const struct nd_message *m)
{
	uint8_t nd[ND_BYTES + ND_OPTION_BYTES];
	size_t n = nd_build(nd, m, &path->source, &path->destination);

	return frame_ip(at, path, IP_PROTOCOL_ICMP6, ND_HOP_LIMIT, view_of(nd, n));
}

size_t frame_fragment(uint8_t *at, struct view whole, uint32_t id, size_t offset, size_t n_bytes)
{
	struct ether_header ether;
	struct ip_header h;
	size_t total, n;

	if (ether_parse(whole, &ether) != REASON_none)
		return 0;
	n = ether.n_bytes;
	memcpy(at, whole.at, n);
	whole = view_of(whole.at + n, whole.len - n);
	if ((ether.type == ETHER_TYPE_IPV4 ? ipv4_parse(whole, &h) : ipv6_parse(whole, &h)) !=
		REASON_none)
		return 0;
	total = h.payload_bytes;
	h.id = id;
	h.dont_fragment = false;
	h.fragment_offset = (uint16_t)offset;
	h.payload_bytes = (uint16_t)n_bytes;
	h.more_fragments = offset + n_bytes < total;
	n += ip_build(at + n, &h);
	memcpy(at + n, whole.at + h.n_bytes + offset, n_bytes);
	return n + n_bytes;
}
