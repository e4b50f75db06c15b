// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/state.h"

#include "lib/net/arp.h"
#include "lib/net/nd.h"

static struct rte_mbuf *get_packet(struct net *n, size_t n_bytes)
{
	struct rte_mbuf *packet = pools_get(n->pools, n_bytes);

	if (packet == NULL)
		packet = pools_get_reserve(n->pools, n_bytes);
	if (packet != NULL)
		rte_pktmbuf_append(packet, (uint16_t)n_bytes);
	return packet;
}

static void send_arp_request(struct net *n, const struct net_port *p, const struct ip_addr *source,
	const struct ip_addr *target, const uint8_t mac[ETHER_MAC_BYTES])
{
	struct rte_mbuf *packet = get_packet(n, ARP_BYTES);
	struct arp arp = {.operation = ARP_REQUEST, .sender_ip = *source, .target_ip = *target};

	if (packet == NULL)
		return;
	memcpy(arp.sender_mac, p->mac, sizeof(arp.sender_mac));
	arp_build(rte_pktmbuf_mtod(packet, uint8_t *), &arp);
	net_send_frame(n, p, packet, ETHER_TYPE_ARP, mac);
}

// An IPv6 packet of n_bytes of payload, which begins at *payload, from source to destination.
static struct rte_mbuf *get_packet6(struct net *n, const struct ip_addr *source,
	const struct ip_addr *destination, uint8_t protocol, uint8_t hop_limit, size_t n_bytes,
	uint8_t **payload)
{
	struct rte_mbuf *packet = get_packet(n, IPV6_BYTES + n_bytes);
	struct ip_header h = {.source = *source,
		.destination = *destination,
		.payload_bytes = (uint16_t)n_bytes,
		.protocol = protocol,
		.hop_limit = hop_limit};

	if (packet != NULL) {
		ipv6_build(rte_pktmbuf_mtod(packet, uint8_t *), &h);
		*payload = rte_pktmbuf_mtod_offset(packet, uint8_t *, IPV6_BYTES);
	}
	return packet;
}

static void send_nd(struct net *n, const struct net_port *p, struct nd_message *m,
	const struct ip_addr *source, const struct ip_addr *destination,
	const uint8_t mac[ETHER_MAC_BYTES])
{
	uint8_t *payload;
	struct rte_mbuf *packet = get_packet6(n, source, destination, IP_PROTOCOL_ICMP6,
		ND_HOP_LIMIT, ND_BYTES + ND_OPTION_BYTES, &payload);

	if (packet == NULL)
		return;
	m->mac = p->mac;
	nd_build(payload, m, source, destination);
	net_send_frame(n, p, packet, ETHER_TYPE_IPV6, mac);
}

// all: everybody on the link, since nobody knows the address yet; otherwise the neighbour itself.
// Without a buffer nothing is asked now, and the deadline asks again.
static void ask(struct net *n, const struct net_port *p, const struct neighbour *e, bool all)
{
	const struct net_local *from = net_port_on_link(p, &e->ip);
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_SOLICITATION, .target = e->ip};
	uint8_t group_mac[ETHER_MAC_BYTES];
	struct ip_addr group;

	if (from == NULL)
		return;
	if (e->ip.family == IP_V4) {
		send_arp_request(n, p, &from->ip, &e->ip, all ? ether_broadcast : e->mac);
		return;
	}
	ip_solicited_node(&e->ip, &group);
	ether_group_of(&group, group_mac);
	send_nd(n, p, &m, &from->ip, all ? &group : &e->ip, all ? group_mac : e->mac);
}

static void step(struct net *n, struct neighbour *e, enum neighbour_event event, uint64_t now)
{
	const struct net_port *p = &n->ports[e->port];
	enum neighbour_action action = neighbour_step(&n->neighbours, e, event, now);
	struct rte_mbuf *packet;

	switch (action) {
	case NEIGHBOUR_DO_NOTHING:
		break;
	case NEIGHBOUR_DO_ASK_ALL:
	case NEIGHBOUR_DO_ASK_IT:
		ask(n, p, e, action == NEIGHBOUR_DO_ASK_ALL);
		break;
	case NEIGHBOUR_DO_SEND_WAITING:
		while ((packet = neighbour_next_waiting(&n->neighbours, e)) != NULL)
			net_send_ip(n, p, packet, e->mac);
		break;
	case NEIGHBOUR_DO_DROP_WAITING:
		while ((packet = neighbour_next_waiting(&n->neighbours, e)) != NULL)
			net_drop(n, packet, REASON_neighbour_unresolved);
		break;
	}
}

// A neighbour to ask for, where that many may be asked for at once.
static struct neighbour *add_unresolved(
	struct net *n, const struct net_port *p, const struct ip_addr *ip, uint64_t now)
{
	if (n->neighbours.n_unresolved >= NEIGHBOUR_UNRESOLVED_MAX)
		return NULL;
	return neighbour_add(&n->neighbours, p->index, ip, now);
}

void net_send_to(struct net *n, struct net_port *p, struct rte_mbuf *packet,
	const struct ip_addr *next_hop, uint64_t now)
{
	struct neighbour *e = neighbour_find(&n->neighbours, p->index, next_hop);

	if (unlikely(e == NULL)) {
		// Nobody to ask for; so none of these ever comes to be in the table.
		if (!net_port_is_other_host(p, next_hop)) {
			net_drop(n, packet, REASON_no_route);
			return;
		}
		e = add_unresolved(n, p, next_hop, now);
		if (e == NULL) {
			net_drop(n, packet, REASON_neighbour_table_full);
			return;
		}
	}
	e->used = now;
	if (unlikely(e->state != NEIGHBOUR_REACHABLE))
		step(n, e, NEIGHBOUR_USE, now);
	if (likely(neighbour_has_mac(e)))
		net_send_ip(n, p, packet, e->mac);
	else if (!neighbour_wait(&n->neighbours, e, packet))
		net_drop(n, packet, REASON_neighbour_queue_full);
}

// For the other workers, who may be the ones that asked.
static void tell(struct net *n, const struct net_port *p, const struct net_news *news)
{
	struct net_neighbour *out;

	if (n->n_learned == NET_LEARNED_MAX)
		return;
	out = &n->learned[n->n_learned++];
	*out = (struct net_neighbour){.port = p->index,
		.ip = *news->ip,
		.answers = news->answers,
		.override = news->override};
	memcpy(out->mac.addr_bytes, news->mac, ETHER_MAC_BYTES);
}

// RFC 4861 §7.2.5 and, for ARP, RFC 826's rule that what is known is updated. An answer that
// nobody here waits for is no more than an announcement.
static bool take(struct net *n, const struct net_port *p, const struct net_news *news, uint64_t now)
{
	struct neighbour *e = neighbour_find(&n->neighbours, p->index, news->ip);
	bool asked, same;

	if (e == NULL) {
		if (!news->addressed)
			return false;
		e = neighbour_add(&n->neighbours, p->index, news->ip, now);
		if (e == NULL)
			return false;
	}
	asked = e->state == NEIGHBOUR_INCOMPLETE || e->state == NEIGHBOUR_PROBE;
	same = neighbour_has_mac(e) && ether_equal(e->mac, news->mac);
	if (neighbour_has_mac(e) && !same && !news->override) {
		// Somebody else claims it and may not replace it: prove it again when it is used.
		if (e->state == NEIGHBOUR_REACHABLE)
			step(n, e, NEIGHBOUR_ANNOUNCE, now);
		return false;
	}
	if (!(news->answers && asked) && same)
		return false;
	memcpy(e->mac, news->mac, sizeof(e->mac));
	step(n, e, news->answers && asked ? NEIGHBOUR_ANSWER : NEIGHBOUR_ANNOUNCE, now);
	return true;
}

bool net_hear(struct net *n, struct net_port *p, const struct net_news *news, uint64_t now)
{
	bool taken;

	if (net_port_on_link(p, news->ip) == NULL || !ip_is_host(news->ip) ||
		!net_port_is_other_host(p, news->ip) || ether_is_group(news->mac))
		return false;
	taken = take(n, p, news, now);
	if (taken || news->answers)
		tell(n, p, news);
	return taken || news->answers;
}

unsigned net_learned(struct net *n, struct net_neighbour out[], unsigned max)
{
	unsigned n_out = n->n_learned < max ? n->n_learned : max;

	memcpy(out, n->learned, n_out * sizeof(out[0]));
	n->n_learned -= n_out;
	memmove(n->learned, n->learned + n_out, n->n_learned * sizeof(out[0]));
	return n_out;
}

void net_learn(struct net *n, const struct net_neighbour *neighbour, uint64_t now)
{
	const struct net_news news = {.ip = &neighbour->ip,
		.mac = neighbour->mac.addr_bytes,
		.answers = neighbour->answers,
		.override = neighbour->override};

	take(n, &n->ports[neighbour->port], &news, now);
}

void net_resolve_timers(struct net *n, uint64_t now, unsigned budget)
{
	struct neighbour *e;

	while ((e = neighbour_next_due(&n->neighbours, now, &budget)) != NULL)
		step(n, e, e->n_asked >= NEIGHBOUR_ASK_TIMES ? NEIGHBOUR_EXHAUSTED : NEIGHBOUR_DUE,
			now);
}

void net_report_groups(struct net *n, const struct net_port *p)
{
	struct ip_addr groups[NET_LOCALS_MAX], link_local;
	unsigned n_groups = 0;
	uint8_t *payload, mac[ETHER_MAC_BYTES];
	struct rte_mbuf *packet;

	ip_link_local(p->mac, &link_local);
	for (unsigned i = 0; i < p->n_locals; i++) {
		if (p->locals[i].ip.family == IP_V6)
			ip_solicited_node(&p->locals[i].ip, &groups[n_groups++]);
	}
	packet = get_packet6(n, &link_local, &mld_all_routers, IP_PROTOCOL_HOP_BY_HOP, 1,
		MLD_ALERT_BYTES + MLD_REPORT_BYTES + n_groups * MLD_RECORD_BYTES, &payload);
	if (packet == NULL)
		return;
	mld_build(payload, &link_local, groups, n_groups);
	ether_group_of(&mld_all_routers, mac);
	net_send_frame(n, p, packet, ETHER_TYPE_IPV6, mac);
}

// RFC 5227 §2.3 and RFC 4861 §7.2.6: neighbours that know our address under another MAC learn
// this one.
static void announce_local(struct net *n, const struct net_port *p, const struct net_local *l)
{
	struct nd_message m = {
		.type = ICMP6_NEIGHBOUR_ADVERTISEMENT, .target = l->ip, .override = true};
	uint8_t mac[ETHER_MAC_BYTES];

	if (l->ip.family == IP_V4) {
		send_arp_request(n, p, &l->ip, &l->ip, ether_broadcast);
		return;
	}
	ether_group_of(&nd_all_nodes, mac);
	send_nd(n, p, &m, &l->ip, &nd_all_nodes, mac);
}

void net_announce(struct net *n)
{
	for (unsigned i = 0; i < n->map->n_ports; i++) {
		const struct net_port *p = &n->ports[i];

		net_report_groups(n, p);
		for (unsigned j = 0; j < p->n_locals; j++)
			announce_local(n, p, &p->locals[j]);
	}
}
