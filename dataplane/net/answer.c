// SPDX-License-Identifier: BSD-3-Clause
// Answers are written into the buffer that the question came in: they need no other, and cost
// whoever asks as much as us.

#include "dataplane/net/state.h"

#include "lib/net/arp.h"
#include "lib/net/nd.h"

#define ECHO_PER_S   1000 // answered by a worker
#define ECHO_AT_ONCE 100

#define MLD_QUERY_HOP_LIMIT 1

// The frame's buffer with n_bytes in it, its own again; NULL where they do not fit.
static uint8_t *reuse(struct net_frame *f, size_t n_bytes)
{
	struct rte_mbuf *packet = f->packet;

	if (n_bytes > (size_t)packet->data_len + rte_pktmbuf_tailroom(packet))
		return NULL;
	packet->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
	packet->data_len = (uint16_t)n_bytes;
	packet->pkt_len = (uint32_t)n_bytes;
	return rte_pktmbuf_mtod(packet, uint8_t *);
}

static enum reason answer_arp(struct net *n, struct net_frame *f, const struct arp *request)
{
	struct arp reply = {.operation = ARP_REPLY,
		.sender_ip = request->target_ip,
		.target_ip = request->sender_ip};
	uint8_t *at;

	memcpy(reply.sender_mac, f->port->mac, sizeof(reply.sender_mac));
	memcpy(reply.target_mac, request->sender_mac, sizeof(reply.target_mac));
	rte_pktmbuf_adj(f->packet, f->ether.n_bytes);
	at = reuse(f, ARP_BYTES);
	if (at == NULL)
		return REASON_no_buffer;
	arp_build(at, &reply);
	net_send_frame(n, f->port, f->packet, ETHER_TYPE_ARP, request->sender_mac);
	f->packet = NULL;
	return REASON_arp_answered;
}

enum reason net_arp_input(struct net *n, struct net_frame *f)
{
	struct net_news news = {.override = true};
	bool to_us, known;
	struct arp arp;

	if (arp_parse(net_bytes(f->packet, f->ether.n_bytes), &arp) != REASON_none)
		return REASON_arp_malformed;
	// RFC 5227 §2.4: somebody uses an address of ours.
	if (net_port_local(f->port, &arp.sender_ip) != NULL)
		return ether_equal(arp.sender_mac, f->port->mac) ? REASON_arp_not_ours
								 : REASON_address_conflict;
	to_us = net_port_local(f->port, &arp.target_ip) != NULL;
	news.ip = &arp.sender_ip;
	news.mac = arp.sender_mac;
	news.answers = to_us && arp.operation == ARP_REPLY && !f->to_group;
	news.addressed = to_us && arp.operation == ARP_REQUEST;
	known = net_hear(n, f->port, &news, f->now);
	if (to_us && arp.operation == ARP_REQUEST)
		return answer_arp(n, f, &arp);
	return known ? REASON_neighbour_learned : REASON_arp_not_ours;
}

static bool may_answer_echo(struct net *n, uint64_t now)
{
	uint64_t each = n->hz / ECHO_PER_S;
	uint64_t new_tokens = (now - n->echo_filled) / each;

	if (new_tokens > 0) {
		n->echo_filled += new_tokens * each;
		n->echo_tokens = (uint32_t)RTE_MIN(n->echo_tokens + new_tokens, ECHO_AT_ONCE);
	}
	if (n->echo_tokens == 0)
		return false;
	n->echo_tokens--;
	return true;
}

// The packet goes back to where the frame came from, with an IP header of our own; extension
// headers are left out.
static enum reason answer_echo(struct net *n, struct net_frame *f)
{
	size_t header_bytes = ip_header_bytes(f->ip.source.family);
	struct ip_header h = {.source = f->ip.destination,
		.destination = f->ip.source,
		.payload_bytes = f->ip.payload_bytes,
		.protocol = f->ip.protocol,
		.hop_limit = IP_HOP_LIMIT,
		.dont_fragment = true};
	uint8_t *at;

	if (!may_answer_echo(n, f->now))
		return REASON_icmp_rate_limited;
	rte_pktmbuf_adj(f->packet, (uint16_t)(f->ip.n_bytes - header_bytes));
	at = reuse(f, header_bytes + f->ip.payload_bytes);
	if (at == NULL)
		return REASON_no_buffer;
	icmp_answer_echo(at + header_bytes, h.source.family);
	ip_build(at, &h);
	net_send_ip(n, f->port, f->packet, f->sender);
	f->packet = NULL;
	return REASON_echo_answered;
}

// RFC 4861 §7.2.4. To an address that is only being tried out the answer goes to all nodes.
static enum reason answer_solicitation(
	struct net *n, struct net_frame *f, const struct nd_message *question)
{
	bool probe = ip_is_unspecified(&f->ip.source);
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_ADVERTISEMENT,
		.target = question->target,
		.mac = f->port->mac,
		.solicited = !probe,
		.override = true};
	struct ip_header h = {.source = question->target,
		.destination = probe ? nd_all_nodes : f->ip.source,
		.payload_bytes = ND_BYTES + ND_OPTION_BYTES,
		.protocol = IP_PROTOCOL_ICMP6,
		.hop_limit = ND_HOP_LIMIT};
	uint8_t mac[ETHER_MAC_BYTES];
	uint8_t *at;

	memcpy(mac, question->mac != NULL ? question->mac : f->sender, sizeof(mac));
	if (probe)
		ether_group_of(&nd_all_nodes, mac);
	at = reuse(f, IPV6_BYTES + ND_BYTES + ND_OPTION_BYTES);
	if (at == NULL)
		return REASON_no_buffer;
	ipv6_build(at, &h);
	nd_build(at + IPV6_BYTES, &m, &h.source, &h.destination);
	net_send_frame(n, f->port, f->packet, ETHER_TYPE_IPV6, mac);
	f->packet = NULL;
	return REASON_nd_answered;
}

static enum reason nd_input(struct net *n, struct net_frame *f, struct view message)
{
	struct net_news news = {.ip = &f->ip.source, .override = true, .addressed = true};
	struct nd_message m;
	bool known;

	// RFC 6980: never in fragments, for then nobody can filter it.
	if (f->reassembled || nd_parse(message, &f->ip, &m) != REASON_none)
		return REASON_nd_malformed;
	news.mac = m.mac;
	if (m.type == ICMP6_NEIGHBOUR_SOLICITATION) {
		if (net_port_local(f->port, &m.target) == NULL)
			return REASON_ip_not_ours;
		if (m.mac != NULL)
			net_hear(n, f->port, &news, f->now);
		return answer_solicitation(n, f, &m);
	}
	if (net_port_local(f->port, &m.target) != NULL)
		return REASON_address_conflict;
	news.ip = &m.target;
	news.addressed = false;
	news.answers = m.solicited;
	news.override = m.override;
	// RFC 4861 §4.4: an answer to a unicast question need not name the address again.
	if (news.mac == NULL && m.solicited)
		news.mac = f->sender;
	known = news.mac != NULL && net_hear(n, f->port, &news, f->now);
	return known ? REASON_neighbour_learned : REASON_nd_unasked;
}

// RFC 3810 §5.1.14, §6.2: answered with all our groups, at most once a second.
static enum reason mld_query_input(struct net_frame *f)
{
	if (f->ip.hop_limit != MLD_QUERY_HOP_LIMIT || f->ip.source.bytes[0] != 0xfe ||
		f->ip.source.bytes[1] != 0x80)
		return REASON_icmp_malformed;
	f->port->report_groups = true;
	return REASON_mld_answered;
}

// An error about a TCP segment of ours: told to those above, who know whether to believe it.
static enum reason error_input(
	const struct net_frame *f, struct view message, struct net_arrivals *out)
{
	struct net_error *e = &out->errors[out->n_errors];
	struct icmp_error error;

	if (icmp_error_parse(message, f->ip.source.family, &error) != REASON_none)
		return REASON_icmp_malformed;
	if (error.protocol != IP_PROTOCOL_TCP || !ip_equal(&error.source, &f->ip.destination))
		return REASON_icmp_unhandled;
	*e = (struct net_error){
		.local = {.ip = error.source, .port = error.source_port},
		.remote = {.ip = error.destination, .port = error.destination_port},
		.first_word = error.first_word,
		.mtu = error.mtu,
	};
	out->n_errors++;
	return REASON_icmp_error_taken;
}

enum reason net_icmp_input(struct net *n, struct net_frame *f, struct net_arrivals *out)
{
	struct view message =
		view_of(rte_pktmbuf_mtod_offset(f->packet, const uint8_t *, f->ip.n_bytes),
			f->ip.payload_bytes);
	bool four = f->ip.source.family == IP_V4;

	if (icmp_check(message, &f->ip) != REASON_none)
		return REASON_icmp_malformed;
	if (!four &&
		(message.at[0] == ICMP6_NEIGHBOUR_SOLICITATION ||
			message.at[0] == ICMP6_NEIGHBOUR_ADVERTISEMENT))
		return nd_input(n, f, message);
	if (ip_is_unspecified(&f->ip.source))
		return REASON_ip_source_invalid;
	if (!four && message.at[0] == ICMP6_MLD_QUERY)
		return mld_query_input(f);
	if (f->to_us && message.at[0] == (four ? ICMP_ECHO : ICMP6_ECHO) && message.at[1] == 0)
		return answer_echo(n, f);
	if (f->to_us && n->map->tcp.n_conns > 0 &&
		icmp_is_error(message.at[0], f->ip.source.family))
		return error_input(f, message, out);
	return REASON_icmp_unhandled;
}
