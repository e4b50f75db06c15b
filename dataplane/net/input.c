// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/listeners.h"
#include "dataplane/net/state.h"

#include "lib/base/wire.h"
#include "lib/net/tcp.h"
#include "lib/net/udp.h"

#include <rte_prefetch.h>

#define PREFETCH_AHEAD 4

// What the device found, where it says that it looks: false leaves *holds alone.
static bool device_checked(
	bool looks, uint64_t flags, uint64_t mask, uint64_t good, uint64_t bad, bool *holds)
{
	if (!looks || ((flags & mask) != good && (flags & mask) != bad))
		return false;
	*holds = (flags & mask) == good;
	return true;
}

static bool ip_checksum_holds(const struct net_frame *f, const uint8_t *header)
{
	bool holds;

	if (f->ip.source.family == IP_V6)
		return true;
	if (device_checked(f->port->device->rx_ip_checksum, f->packet->ol_flags,
		    RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
		    RTE_MBUF_F_RX_IP_CKSUM_BAD, &holds))
		return holds;
	return ipv4_checksum_holds(header);
}

// A device cannot have checked what came in fragments, and over IPv6 calls no checksum good.
static bool device_checked_payload(const struct net_frame *f, bool looks, bool *holds)
{
	return device_checked(looks && !f->reassembled, f->packet->ol_flags,
		RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
		RTE_MBUF_F_RX_L4_CKSUM_BAD, holds);
}

static bool udp_checksum_is_good(const struct net_frame *f, const uint8_t *header)
{
	bool none = wire_get16(header + UDP_CHECKSUM_AT) == 0, holds;

	if (!none && device_checked_payload(f, f->port->device->rx_udp_checksum, &holds))
		return holds;
	return udp_checksum_holds(header, &f->ip);
}

// packet: the UDP header and what follows it.
static enum reason udp_input(
	struct net *n, struct net_frame *f, struct view packet, struct net_arrivals *out)
{
	enum reason reason;
	struct net_datagram *d;
	struct udp udp;
	int listener;

	reason = udp_parse(packet, &udp);
	if (reason != REASON_none)
		return reason;
	listener = listeners_find(n, f->port->index, &f->ip.destination, udp.destination);
	if (listener < 0)
		return REASON_udp_no_listener;
	if (!udp_checksum_is_good(f, packet.at))
		return REASON_udp_checksum;
	d = &out->datagrams[out->n_datagrams++];
	d->packet = f->packet;
	d->payload = udp.payload;
	d->source = (struct endpoint){
		.ip = f->ip.source, .port = udp.source, .transport = TRANSPORT_UDP};
	d->listener = (uint16_t)listener;
	f->packet = NULL;
	return REASON_none;
}

// What the segment is worth is said by those above, who count it.
static enum reason tcp_input(
	struct net *n, struct net_frame *f, struct view packet, struct net_arrivals *out)
{
	bool holds;

	if (n->map->tcp.n_conns == 0)
		return REASON_ip_protocol_unknown;
	if (packet.len < TCP_BYTES)
		return REASON_tcp_malformed;
	if (!device_checked_payload(f, f->port->device->rx_tcp_checksum, &holds))
		holds = tcp_checksum_holds(packet, &f->ip);
	if (!holds)
		return REASON_tcp_checksum;
	out->segments[out->n_segments++] = (struct net_segment){.packet = f->packet,
		.bytes = packet,
		.source = f->ip.source,
		.destination = f->ip.destination};
	f->packet = NULL;
	return REASON_none;
}

// An unspecified IPv6 source is one that tries out an address (RFC 4862 §5.4.2), which only
// neighbour discovery may do.
static bool source_may_be(const struct net_frame *f)
{
	const struct ip_addr *source = &f->ip.source;

	if (!ip_is_host(source))
		return source->family == IP_V6 && ip_is_unspecified(source) &&
			f->ip.protocol == IP_PROTOCOL_ICMP6;
	return net_port_is_other_host(f->port, source);
}

// Whether the packet is for us; RFC 1122 §3.3.6: an address of ours in a frame to everybody is not.
static enum reason check_destination(struct net_frame *f)
{
	f->to_us = net_port_local(f->port, &f->ip.destination) != NULL;
	if (f->to_us)
		return f->to_group ? REASON_eth_not_ours : REASON_none;
	if (f->ip.protocol == IP_PROTOCOL_ICMP6 && !ip_is_fragment(&f->ip) &&
		net_port_listens_to(f->port, &f->ip.destination))
		return REASON_none;
	return REASON_ip_not_ours;
}

static enum reason protocol_input(struct net *n, struct net_frame *f, struct net_arrivals *out)
{
	uint8_t icmp = f->ip.source.family == IP_V4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMP6;
	struct view packet =
		view_of(rte_pktmbuf_mtod_offset(f->packet, const uint8_t *, f->ip.n_bytes),
			f->ip.payload_bytes);

	if (f->ip.protocol == IP_PROTOCOL_UDP)
		return f->to_us ? udp_input(n, f, packet, out) : REASON_ip_not_ours;
	if (f->ip.protocol == IP_PROTOCOL_TCP)
		return f->to_us ? tcp_input(n, f, packet, out) : REASON_ip_not_ours;
	if (f->ip.protocol == icmp)
		return net_icmp_input(n, f, out);
	return REASON_ip_protocol_unknown;
}

static enum reason ip_parse_packet(struct net_frame *f, uint16_t type)
{
	struct view packet = net_bytes(f->packet, 0);

	return type == ETHER_TYPE_IPV4 ? ipv4_parse(packet, &f->ip) : ipv6_parse(packet, &f->ip);
}

static enum reason ip_input(
	struct net *n, struct net_frame *f, uint16_t type, struct net_arrivals *out)
{
	enum reason reason;

	rte_pktmbuf_adj(f->packet, f->ether.n_bytes);
	reason = ip_parse_packet(f, type);
	if (reason != REASON_none)
		return reason;
	if (!ip_checksum_holds(f, rte_pktmbuf_mtod(f->packet, const uint8_t *)))
		return REASON_ip_checksum;
	if (!source_may_be(f))
		return REASON_ip_source_invalid;
	reason = check_destination(f);
	if (reason != REASON_none)
		return reason;
	// Ethernet's padding goes.
	rte_pktmbuf_trim(
		f->packet, (uint16_t)(f->packet->data_len - f->ip.n_bytes - f->ip.payload_bytes));
	if (ip_is_fragment(&f->ip)) {
		reason = net_reassemble(n, f);
		if (reason != REASON_none)
			return reason;
		reason = ip_parse_packet(f, type);
		// A fragment within fragments is refused, or this would go on and on.
		if (reason != REASON_none || ip_is_fragment(&f->ip))
			return REASON_ip_fragment_bad;
	}
	return protocol_input(n, f, out);
}

static enum reason frame_input(struct net *n, struct net_frame *f, struct net_arrivals *out)
{
	enum reason reason;

	if (unlikely(f->packet->nb_segs > 1)) {
		f->packet = net_linearise(n, f->packet);
		if (f->packet == NULL)
			return REASON_no_buffer;
	}
	reason = ether_parse(net_bytes(f->packet, 0), &f->ether);
	if (reason != REASON_none)
		return reason;
	if (f->ether.vlan != f->port->vlan)
		return REASON_vlan_unknown;
	f->to_group = ether_is_group(f->ether.destination);
	if (f->to_group ? !net_port_takes_group_mac(f->port, f->ether.destination)
			: !ether_equal(f->ether.destination, f->port->mac))
		return REASON_eth_not_ours;
	memcpy(f->sender, f->ether.source, sizeof(f->sender));
	switch (f->ether.type) {
	case ETHER_TYPE_IPV4:
	case ETHER_TYPE_IPV6:
		return ip_input(n, f, f->ether.type, out);
	case ETHER_TYPE_ARP:
		return net_arp_input(n, f);
	default:
		return REASON_eth_type_unknown;
	}
}

// A device leaves frames in the last cache at best, and all of one is read at once: its checksum,
// then its text.
static void prefetch_frame(const struct rte_mbuf *frame)
{
	const uint8_t *at = rte_pktmbuf_mtod(frame, const uint8_t *);
	const uint8_t *end = at + rte_pktmbuf_data_len(frame);

	for (; at < end; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(at);
}

void net_input(struct net *n, unsigned port, struct rte_mbuf *frames[], unsigned n_frames,
	uint64_t now, struct net_arrivals *out)
{
	struct net_frame f = {.port = &n->ports[port], .now = now};

	out->n_datagrams = 0;
	out->n_segments = 0;
	out->n_errors = 0;
	for (unsigned i = 0; i < n_frames && i < PREFETCH_AHEAD; i++)
		prefetch_frame(frames[i]);
	for (unsigned i = 0; i < n_frames; i++) {
		enum reason reason;

		if (i + PREFETCH_AHEAD < n_frames)
			prefetch_frame(frames[i + PREFETCH_AHEAD]);
		f.packet = frames[i];
		f.reassembled = false;
		reason = frame_input(n, &f, out);
		if (likely(reason == REASON_none))
			continue;
		net_count(n, reason);
		rte_pktmbuf_free(f.packet);
	}
}
