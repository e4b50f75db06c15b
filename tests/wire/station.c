// SPDX-License-Identifier: BSD-3-Clause

#include "tests/wire/station.h"

#include "lib/net/arp.h"
#include "lib/net/nd.h"
#include "tests/sim/packet.h"

#define BURSTS_MAX 8

static const struct ip_addr *own_address(const struct station *s, uint8_t family)
{
	return &s->ip[family == IP_V6];
}

static bool is_ours(const struct station *s, const struct ip_addr *ip)
{
	return ip->family != IP_NONE && ip_equal(ip, own_address(s, ip->family));
}

static struct station_neighbour *find(struct station *s, const struct ip_addr *ip)
{
	for (unsigned i = 0; i < s->n_neighbours && i < STATION_NEIGHBOURS; i++) {
		if (ip_equal(&s->neighbours[i].ip, ip))
			return &s->neighbours[i];
	}
	return NULL;
}

static void learn(struct station *s, const struct ip_addr *ip, const uint8_t *mac)
{
	struct station_neighbour *n = find(s, ip);

	if (!ip_is_host(ip) || ether_is_group(mac))
		return;
	if (n == NULL)
		n = &s->neighbours[s->n_neighbours++ % STATION_NEIGHBOURS];
	n->ip = *ip;
	memcpy(n->mac, mac, sizeof(n->mac));
}

static void send_arp(struct station *s, const struct arp *arp, const uint8_t *to)
{
	uint8_t frame[ETHER_BYTES + ARP_BYTES];

	ether_build(frame, to, s->mac, 0, ETHER_TYPE_ARP);
	arp_build(frame + ETHER_BYTES, arp);
	frame_port_send(s->fd, frame, sizeof(frame));
}

static void send_nd(struct station *s, const struct nd_message *m, const struct ip_addr *to,
	const uint8_t *to_mac)
{
	uint8_t frame[ETHER_BYTES + IPV6_BYTES + ND_BYTES + ND_OPTION_BYTES];
	struct ip_header h = {
		.source = s->ip[1],
		.destination = *to,
		.payload_bytes = ND_BYTES + ND_OPTION_BYTES,
		.protocol = IP_PROTOCOL_ICMP6,
		.hop_limit = ND_HOP_LIMIT,
	};

	ether_build(frame, to_mac, s->mac, 0, ETHER_TYPE_IPV6);
	ip_build(frame + ETHER_BYTES, &h);
	nd_build(frame + ETHER_BYTES + IPV6_BYTES, m, &h.source, &h.destination);
	frame_port_send(s->fd, frame, sizeof(frame));
}

bool station_knows(struct station *s, const struct ip_addr *ip)
{
	struct arp arp = {.operation = ARP_REQUEST, .sender_ip = s->ip[0], .target_ip = *ip};
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_SOLICITATION, .target = *ip, .mac = s->mac};
	struct ip_addr group;
	uint8_t mac[ETHER_MAC_BYTES];

	if (find(s, ip) != NULL)
		return true;
	if (ip->family == IP_V4) {
		memcpy(arp.sender_mac, s->mac, sizeof(arp.sender_mac));
		send_arp(s, &arp, ether_broadcast);
	} else {
		ip_solicited_node(ip, &group);
		ether_group_of(&group, mac);
		send_nd(s, &m, &group, mac);
	}
	return false;
}

static void take_arp(struct station *s, struct view packet)
{
	struct arp arp, answer = {.operation = ARP_REPLY};

	if (arp_parse(packet, &arp) != REASON_none)
		return;
	learn(s, &arp.sender_ip, arp.sender_mac);
	if (arp.operation != ARP_REQUEST || !is_ours(s, &arp.target_ip))
		return;
	answer.sender_ip = arp.target_ip;
	answer.target_ip = arp.sender_ip;
	memcpy(answer.sender_mac, s->mac, sizeof(s->mac));
	memcpy(answer.target_mac, arp.sender_mac, sizeof(arp.sender_mac));
	send_arp(s, &answer, arp.sender_mac);
}

static void take_nd(struct station *s, struct view packet, const uint8_t *from)
{
	struct nd_message m, answer = {.type = ICMP6_NEIGHBOUR_ADVERTISEMENT, .solicited = true};
	struct ip_header h;
	struct view message;

	if (ipv6_parse(packet, &h) != REASON_none || h.protocol != IP_PROTOCOL_ICMP6)
		return;
	message = view_of(packet.at + h.n_bytes, h.payload_bytes);
	if (icmp_check(message, &h) != REASON_none || nd_parse(message, &h, &m) != REASON_none)
		return;
	if (m.type == ICMP6_NEIGHBOUR_ADVERTISEMENT) {
		learn(s, &m.target, m.mac != NULL ? m.mac : from);
		return;
	}
	learn(s, &h.source, m.mac != NULL ? m.mac : from);
	if (!is_ours(s, &m.target))
		return;
	answer.target = m.target;
	answer.mac = s->mac;
	answer.override = true;
	send_nd(s, &answer, &h.source, from);
}

static void take(struct station *s, struct view frame)
{
	struct tcp_segment *segment = &s->burst[s->n_burst];
	struct ether_header ether;
	struct view packet;

	if (ether_parse(frame, &ether) != REASON_none)
		return;
	packet = view_of(frame.at + ether.n_bytes, frame.len - ether.n_bytes);
	if (!ether_equal(ether.destination, s->mac) && !ether_is_group(ether.destination))
		return;
	if (ether.type == ETHER_TYPE_ARP) {
		take_arp(s, packet);
	} else if (packet_parse(packet, segment) == REASON_none && is_ours(s, &segment->local.ip)) {
		learn(s, &segment->remote.ip, ether.source);
		s->n_burst++;
	} else if (ether.type == ETHER_TYPE_IPV6) {
		take_nd(s, packet, ether.source);
	} else {
		s->n_bad++;
	}
}

bool station_receive(struct station *s, uint64_t now)
{
	bool is_up = true;
	size_t n_bytes = 1;

	for (unsigned i = 0; i < BURSTS_MAX && n_bytes > 0; i++) {
		for (s->n_burst = 0; s->n_burst < TCP_BURST;) {
			uint8_t *frame = s->frames[s->n_burst];

			is_up = frame_port_receive(s->fd, frame, &n_bytes);
			if (n_bytes == 0)
				break;
			s->n_frames_in++;
			take(s, view_of(frame, n_bytes));
		}
		if (s->n_burst > 0)
			tcp_input_burst(s->tcp, s->burst, s->n_burst, now);
	}
	return is_up;
}

void station_send(struct station *s, uint64_t now)
{
	static uint8_t frame[ETHER_BYTES + PACKET_HEADERS_MAX + FRAME_BYTES_MAX];
	struct tcp_packet p;

	while (tcp_output(s->tcp, now, TCP_OUTPUT_ALL, s->mtu, &p)) {
		const struct station_neighbour *n = find(s, &p.remote);

		// The engine sends it again, once the neighbour has answered.
		if (n == NULL) {
			station_knows(s, &p.remote);
			continue;
		}
		ether_build(frame, n->mac, s->mac, 0,
			p.remote.family == IP_V4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
		frame_port_send(
			s->fd, frame, ETHER_BYTES + packet_build(frame + ETHER_BYTES, &p, 0));
		s->n_frames_out++;
	}
}
