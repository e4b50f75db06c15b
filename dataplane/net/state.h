// SPDX-License-Identifier: BSD-3-Clause
// What the files of this folder share: the state behind struct net and a frame on its way up.
// Only they include it.
//
//   up    net_input -> input.c (Ethernet, IP, UDP) -> reassembly.c, answer.c (ARP, ICMP, ND)
//   down  net_output -> output.c (route, headers) -> resolve.c (neighbours) -> send.c
//
// Each step up gives the reason with which the frame ended, which net_input() counts: so every
// frame has exactly one.

#pragma once

#include "dataplane/net/neighbour.h"
#include "dataplane/net/net.h"
#include "lib/net/ether.h"
#include "lib/net/ip.h"

#include <rte_ip_frag.h>

#define NET_LOCALS_MAX     (CORE_MAP_ADDRESSES_MAX + 1) // and the link-local one
#define NET_LISTENER_SLOTS 256
#define NET_LEARNED_MAX    64
#define NET_FRAGMENTS_MAX  8 // of one datagram, either way

// An address of ours with the prefix around it, as words for comparing.
struct net_local {
	struct ip_addr ip;
	uint64_t words[2], mask[2];
	uint8_t prefix_bits;
};

struct net_port {
	const struct port *device;
	struct net_local locals[NET_LOCALS_MAX];
	unsigned n_locals;
	struct ip_addr gateway4, gateway6;
	uint16_t index, mtu, vlan;
	uint8_t mac[ETHER_MAC_BYTES];
	bool report_groups; // somebody has asked which groups we listen to
};

struct net {
	const struct core_map *map;
	struct net_port ports[CORE_MAP_PORTS_MAX];
	struct queue *queues;
	struct pools *pools;
	uint64_t *reasons; // counters
	uint64_t hz;
	int numa_node;

	uint8_t listener_slots[NET_LISTENER_SLOTS]; // index + 1, 0: free
	struct rte_ip_frag_tbl *fragments;
	struct rte_ip_frag_death_row dead_fragments;

	uint32_t next_id, id_key; // of fragmented datagrams
	uint32_t echo_tokens;
	uint64_t echo_filled;
	unsigned n_announced;
	uint64_t announce_due, report_due;

	struct net_neighbour learned[NET_LEARNED_MAX];
	unsigned n_learned;
	struct neighbours neighbours;
};

// One frame on its way up.
struct net_frame {
	struct rte_mbuf *packet; // from the Ethernet header on; NULL once somebody took it
	struct net_port *port;
	struct ether_header ether;
	uint8_t sender[ETHER_MAC_BYTES]; // the source, kept beside the bytes
	struct ip_header ip;
	bool to_group; // the Ethernet destination
	bool to_us;    // the IP destination is an address of ours
	bool reassembled;
	uint64_t now;
};

static inline void net_count(struct net *n, enum reason reason)
{
	n->reasons[reason]++;
}

static inline void net_drop(struct net *n, struct rte_mbuf *packet, enum reason reason)
{
	net_count(n, reason);
	rte_pktmbuf_free(packet);
}

static inline struct view net_bytes(const struct rte_mbuf *packet, size_t from)
{
	return view_of(rte_pktmbuf_mtod_offset(packet, const uint8_t *, from),
		rte_pktmbuf_data_len(packet) - from);
}

static inline void net_words(const struct ip_addr *ip, uint64_t words[2])
{
	memcpy(words, ip->bytes, 2 * sizeof(words[0]));
}

// port.c: which addresses are ours, and which are next to us.
void net_port_init(struct net_port *p, const struct core_map_port *map, const struct port *device);
const struct net_local *net_port_local(const struct net_port *p, const struct ip_addr *ip);
// The address of ours whose prefix covers ip; NULL when it is not on this link.
const struct net_local *net_port_on_link(const struct net_port *p, const struct ip_addr *ip);
bool net_port_listens_to(const struct net_port *p, const struct ip_addr *group);
bool net_port_takes_group_mac(const struct net_port *p, const uint8_t mac[ETHER_MAC_BYTES]);
// Neither ours nor a broadcast address of one of our links.
bool net_port_is_other_host(const struct net_port *p, const struct ip_addr *ip);

// reassembly.c. Takes the frame's packet, whose IP header is f->ip. REASON_none: the datagram is
// whole and f->packet holds it in one piece from its IP header on. Otherwise how the frame ended.
enum reason net_reassemble(struct net *n, struct net_frame *f);
void net_reassembly_timers(struct net *n, uint64_t now);
// A copy in one buffer, and the chain freed. NULL, and the chain is freed too, without a buffer.
struct rte_mbuf *net_linearise(struct net *n, struct rte_mbuf *chain);

// answer.c: ARP, ICMP and ICMPv6 to us.
enum reason net_arp_input(struct net *n, struct net_frame *f);
enum reason net_icmp_input(struct net *n, struct net_frame *f, struct net_arrivals *out);

// resolve.c
// Takes a packet from its IP header on, to next_hop on this link.
void net_send_to(struct net *n, struct net_port *p, struct rte_mbuf *packet,
	const struct ip_addr *next_hop, uint64_t now);
// What a neighbour told about itself. True where it was worth knowing.
struct net_news {
	const struct ip_addr *ip;
	const uint8_t *mac;
	bool answers;   // it may answer a request, ours or another worker's
	bool addressed; // it addresses us: we may take a new neighbour from it
	bool override;  // it may replace what we know
};
bool net_hear(struct net *n, struct net_port *p, const struct net_news *news, uint64_t now);
void net_resolve_timers(struct net *n, uint64_t now, unsigned budget);
// ARP announcements, unsolicited advertisements and reports of groups, of every port.
void net_announce(struct net *n);
void net_report_groups(struct net *n, const struct net_port *p);

// send.c
// Takes a packet from its network header on, puts Ethernet before it and queues it.
void net_send_frame(struct net *n, const struct net_port *p, struct rte_mbuf *packet, uint16_t type,
	const uint8_t mac[ETHER_MAC_BYTES]);
// The same for an IP packet, in fragments where it is over the MTU.
void net_send_ip(struct net *n, const struct net_port *p, struct rte_mbuf *packet,
	const uint8_t mac[ETHER_MAC_BYTES]);
// Whether payload after an IP header of this family goes out in at most NET_FRAGMENTS_MAX pieces.
bool net_can_send(const struct net_port *p, uint8_t family, size_t payload_bytes);
