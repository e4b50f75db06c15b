// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/state.h"

#include "lib/net/tcp.h"
#include "lib/net/udp.h"

// On the link itself, or by the gateway of the family. False where nothing leads there.
static bool find_next_hop(
	const struct net_port *p, const struct ip_addr *destination, struct ip_addr *next_hop)
{
	const struct ip_addr *gateway = destination->family == IP_V4 ? &p->gateway4 : &p->gateway6;

	if (!ip_is_host(destination))
		return false;
	if (net_port_on_link(p, destination) != NULL) {
		*next_hop = *destination;
		return true;
	}
	*next_hop = *gateway;
	return gateway->family != IP_NONE;
}

// Leaves to the device what it can do; a packet that goes out in fragments has its checksums from
// here, since no device sees it whole.
static void fill_checksums(const struct net_port *p, struct rte_mbuf *packet, uint8_t *ip,
	uint8_t *udp, const struct ip_header *h)
{
	bool four = h->source.family == IP_V4;
	bool whole = packet->pkt_len <= p->mtu;

	packet->l3_len = (uint64_t)(udp - ip);
	if (whole && p->device->tx_ip_checksum && four) {
		packet->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		memset(ip + IPV4_CHECKSUM_AT, 0, 2);
	}
	if (whole && p->device->tx_udp_checksum) {
		packet->ol_flags |=
			RTE_MBUF_F_TX_UDP_CKSUM | (four ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
		udp_checksum_begin(udp, &h->source, &h->destination);
		return;
	}
	udp_checksum_fill(udp, &h->source, &h->destination);
}

// Puts UDP and IP headers before the payload. False without the room for them.
static bool prepend_headers(const struct net_port *p, struct rte_mbuf *packet,
	const struct endpoint *source, const struct endpoint *destination)
{
	size_t n_payload = packet->pkt_len, ip_bytes = ip_header_bytes(source->ip.family);
	struct ip_header h = {
		.source = source->ip,
		.destination = destination->ip,
		.payload_bytes = (uint16_t)(UDP_BYTES + n_payload),
		.protocol = IP_PROTOCOL_UDP,
		.hop_limit = IP_HOP_LIMIT,
		.dont_fragment = true, // RFC 6864 §4.1: then the identification may be any
	};
	uint8_t *ip = (uint8_t *)rte_pktmbuf_prepend(packet, (uint16_t)(ip_bytes + UDP_BYTES));

	if (ip == NULL)
		return false;
	udp_build(ip + ip_bytes, source->port, destination->port, n_payload);
	ip_build(ip, &h);
	fill_checksums(p, packet, ip, ip + ip_bytes, &h);
	return true;
}

// The route of a packet from a listener's address. REASON_none, or why there is none.
static enum reason find_route(struct net *n, uint16_t listener, const struct ip_addr *destination,
	struct net_port **port, struct ip_addr *next_hop)
{
	const struct core_map_listener *l = &n->map->listeners[listener];

	*port = &n->ports[l->port];
	if (destination->family != l->local.ip.family ||
		!find_next_hop(*port, destination, next_hop))
		return REASON_no_route;
	return REASON_none;
}

void net_output(struct net *n, struct rte_mbuf *packet, uint16_t listener,
	const struct endpoint *destination, uint64_t now)
{
	const struct endpoint *local = &n->map->listeners[listener].local;
	uint8_t family = local->ip.family;
	struct ip_addr next_hop;
	struct net_port *p;
	enum reason fault = find_route(n, listener, &destination->ip, &p, &next_hop);

	if (fault != REASON_none) {
		net_drop(n, packet, fault);
		return;
	}
	if (packet->nb_segs != 1 || packet->pkt_len > UDP_PAYLOAD_MAX(family) ||
		!net_can_send(p, family, UDP_BYTES + packet->pkt_len)) {
		net_drop(n, packet, REASON_too_large_to_send);
		return;
	}
	if (!prepend_headers(p, packet, local, destination)) {
		net_drop(n, packet, REASON_no_buffer);
		return;
	}
	net_send_to(n, p, packet, &next_hop, now);
}

// A device that cuts wants the pseudo header's sum without the length.
static void fill_tcp_checksums(const struct net_port *p, struct rte_mbuf *packet,
	const struct net_segment_out *how, size_t ip_bytes)
{
	uint8_t *ip = rte_pktmbuf_mtod(packet, uint8_t *), *tcp = ip + ip_bytes;
	bool four = how->local->family == IP_V4;
	uint64_t family = four ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;

	packet->l3_len = ip_bytes;
	packet->l4_len = how->header_bytes;
	if (p->device->tx_ip_checksum && four) {
		packet->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		memset(ip + IPV4_CHECKSUM_AT, 0, 2);
	}
	if (how->segment_bytes > 0) {
		packet->ol_flags |= family | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
		packet->tso_segsz = how->segment_bytes;
		tcp_checksum_begin(tcp, 0, how->local, how->remote);
		return;
	}
	if (p->device->tx_tcp_checksum) {
		packet->ol_flags |= family | RTE_MBUF_F_TX_TCP_CKSUM;
		tcp_checksum_begin(tcp, packet->pkt_len - ip_bytes, how->local, how->remote);
		return;
	}
	tcp_checksum_fill(tcp, packet->pkt_len - ip_bytes, how->local, how->remote);
}

void net_output_segment(
	struct net *n, struct rte_mbuf *packet, const struct net_segment_out *how, uint64_t now)
{
	size_t ip_bytes = ip_header_bytes(how->local->family);
	struct ip_header h = {
		.source = *how->local,
		.destination = *how->remote,
		.payload_bytes = (uint16_t)packet->pkt_len,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = IP_HOP_LIMIT,
		.dont_fragment = true,
	};
	struct ip_addr next_hop;
	struct net_port *p;
	enum reason fault = find_route(n, how->listener, how->remote, &p, &next_hop);
	uint8_t *ip;

	// Cut by nobody, it would have to fit: the engine knows the MTU.
	if (fault == REASON_none && how->segment_bytes == 0 && packet->pkt_len + ip_bytes > p->mtu)
		fault = REASON_too_large_to_send;
	if (fault != REASON_none) {
		net_drop(n, packet, fault);
		return;
	}
	ip = (uint8_t *)rte_pktmbuf_prepend(packet, (uint16_t)ip_bytes);
	if (ip == NULL) {
		net_drop(n, packet, REASON_no_buffer);
		return;
	}
	ip_build(ip, &h);
	fill_tcp_checksums(p, packet, how, ip_bytes);
	net_send_to(n, p, packet, &next_hop, now);
}
