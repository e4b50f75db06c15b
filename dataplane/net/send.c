// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/state.h"

#include "lib/net/udp.h"

void net_send_frame(struct net *n, const struct net_port *p, struct rte_mbuf *packet, uint16_t type,
	const uint8_t mac[ETHER_MAC_BYTES])
{
	uint16_t n_bytes = p->vlan != 0 ? ETHER_HEADER_BYTES : ETHER_BYTES;
	char *at = rte_pktmbuf_prepend(packet, n_bytes);

	if (unlikely(at == NULL)) {
		net_drop(n, packet, REASON_no_buffer);
		return;
	}
	ether_build((uint8_t *)at, mac, p->mac, p->vlan, type);
	packet->l2_len = n_bytes;
	queue_send(&n->queues[p->index], packet);
}

// Bytes of payload in each fragment but the last.
static size_t fragment_payload_bytes(const struct net_port *p, uint8_t family)
{
	size_t header = family == IP_V4 ? IPV4_BYTES : IPV6_BYTES + IPV6_FRAGMENT_BYTES;

	return (p->mtu - header) & ~(size_t)7;
}

size_t net_datagram_bytes_max(const struct net *n, uint16_t listener)
{
	const struct core_map_listener *l = &n->map->listeners[listener];

	return NET_FRAGMENTS_MAX * fragment_payload_bytes(&n->ports[l->port], l->local.ip.family) -
		UDP_BYTES;
}

bool net_can_send(const struct net_port *p, uint8_t family, size_t payload_bytes)
{
	return ip_header_bytes(family) + payload_bytes <= p->mtu ||
		payload_bytes <= NET_FRAGMENTS_MAX * fragment_payload_bytes(p, family);
}

// All or none, so that a datagram is not sent in part. The number taken, 0 for none.
static unsigned get_buffers(struct net *n, struct rte_mbuf *out[], unsigned wanted, size_t n_bytes)
{
	for (unsigned i = 0; i < wanted; i++) {
		out[i] = pools_get(n->pools, n_bytes);
		if (out[i] == NULL) {
			rte_pktmbuf_free_bulk(out, i);
			return 0;
		}
	}
	return wanted;
}

static void write_fragment(struct rte_mbuf *out, const struct ip_header *h, const uint8_t *payload)
{
	size_t header_bytes = ip_build(rte_pktmbuf_mtod(out, uint8_t *), h);

	memcpy(rte_pktmbuf_mtod_offset(out, uint8_t *, header_bytes), payload, h->payload_bytes);
	out->data_len = (uint16_t)(header_bytes + h->payload_bytes);
	out->pkt_len = out->data_len;
}

// The datagram's own numbers never repeat before they wrap, and do not show how many there were
// (RFC 7739): an odd factor permutes, the low sixteen bits too.
static uint32_t next_id(struct net *n)
{
	return n->next_id++ * 0x9e3779b1 ^ n->id_key;
}

static void send_fragments(struct net *n, const struct net_port *p, struct rte_mbuf *packet,
	struct ip_header *h, const uint8_t mac[ETHER_MAC_BYTES])
{
	uint16_t type = h->source.family == IP_V4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6;
	size_t each = fragment_payload_bytes(p, h->source.family);
	size_t n_bytes = h->payload_bytes;
	const uint8_t *payload = rte_pktmbuf_mtod_offset(packet, const uint8_t *, h->n_bytes);
	unsigned wanted = (unsigned)((n_bytes + each - 1) / each);
	struct rte_mbuf *out[NET_FRAGMENTS_MAX];

	if (wanted > NET_FRAGMENTS_MAX) {
		net_drop(n, packet, REASON_too_large_to_send);
		return;
	}
	if (get_buffers(n, out, wanted, p->mtu) == 0) {
		net_drop(n, packet, REASON_no_buffer);
		return;
	}
	h->id = next_id(n);
	h->dont_fragment = false;
	for (unsigned i = 0; i < wanted; i++) {
		h->fragment_offset = (uint16_t)(i * each);
		h->more_fragments = i + 1 < wanted;
		h->payload_bytes = (uint16_t)(h->more_fragments ? each : n_bytes - i * each);
		write_fragment(out[i], h, payload + h->fragment_offset);
		net_send_frame(n, p, out[i], type, mac);
	}
	rte_pktmbuf_free(packet);
}

void net_send_ip(struct net *n, const struct net_port *p, struct rte_mbuf *packet,
	const uint8_t mac[ETHER_MAC_BYTES])
{
	struct view bytes = net_bytes(packet, 0);
	bool four = bytes.at[0] >> 4 == 4;
	struct ip_header h;

	if (likely(bytes.len <= p->mtu || (packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0)) {
		net_send_frame(n, p, packet, four ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6, mac);
		return;
	}
	if ((four ? ipv4_parse(bytes, &h) : ipv6_parse(bytes, &h)) != REASON_none) {
		net_drop(n, packet, REASON_too_large_to_send);
		return;
	}
	send_fragments(n, p, packet, &h, mac);
}
