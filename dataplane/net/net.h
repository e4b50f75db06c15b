// SPDX-License-Identifier: BSD-3-Clause
// Frames to datagrams and back, for one worker: Ethernet, VLAN, ARP, IPv4, ICMP, neighbour
// discovery, IPv6, ICMPv6, reassembly, fragmentation, checksums, UDP. The parsing and building of
// headers is lib/net's; this is where packets meet them.
//
// Thread: the worker's. Takes ownership of every frame given to it.

#pragma once

#include "dataplane/core_map/core_map.h"
#include "dataplane/port/pool.h"
#include "dataplane/port/port.h"
#include "dataplane/port/queue.h"

struct net;

// A UDP datagram for a listener. payload lies in packet, in one piece; whoever consumes the
// datagram frees the packet.
struct net_datagram {
	struct rte_mbuf *packet;
	struct view payload;
	struct endpoint source;
	uint16_t listener; // index in the core map
};

// A TCP segment to one of our addresses, its checksum right.
struct net_segment {
	struct rte_mbuf *packet;
	struct view bytes; // from its header on, in packet, in one piece
	struct ip_addr source, destination;
};

// An ICMP error about a TCP segment that we sent, as far as it quotes it.
struct net_error {
	struct endpoint local, remote;
	uint32_t first_word; // after the ports: the sequence number
	uint32_t mtu;        // of "too big"; 0: the peer is said to be unreachable
};

// What a burst brought for those above. Whoever consumes a datagram or segment frees its packet.
struct net_arrivals {
	unsigned n_datagrams, n_segments, n_errors;
	struct net_datagram datagrams[QUEUE_BURST];
	struct net_segment segments[QUEUE_BURST];
	struct net_error errors[QUEUE_BURST];
};

// What another worker must know too.
struct net_neighbour {
	uint16_t port;
	struct ip_addr ip;
	struct rte_ether_addr mac;
	bool answers;  // somebody's question; otherwise told unasked
	bool override; // may replace what is known
	uint8_t zero[2];
};

struct net_config {
	const struct core_map *map;
	const struct port *ports;         // by index in the map
	struct queue *queues;             // the worker's, by index of the port
	struct pools *pools;              // the worker's
	struct worker_counters *counters; // the worker's
	int numa_node;
	uint64_t hz; // ticks of `now` in a second
};

struct net *net_new(const struct net_config *config); // NULL with errno
void net_free(struct net *n);

// n ≤ QUEUE_BURST frames of one port. Answers what is to be answered, holds fragments, drops with
// a counter, and gives what is for those above. now: TSC ticks.
void net_input(struct net *n, unsigned port, struct rte_mbuf *frames[], unsigned n_frames,
	uint64_t now, struct net_arrivals *out);

// The largest payload that net_output() sends from the listener: in as many fragments as it may.
size_t net_datagram_bytes_max(const struct net *n, uint16_t listener);

// Sends payload as UDP from the listener's address and port: packet holds the payload alone, in one
// segment, with the headroom that pools_get() leaves.
// Finds port and neighbour, asks for the neighbour if need be (the packet then waits, bounded),
// prepends headers, fragments over the MTU (at most 8 pieces). Takes ownership.
void net_output(struct net *n, struct rte_mbuf *packet, uint16_t listener,
	const struct endpoint *destination, uint64_t now);

// How a TCP segment leaves.
struct net_segment_out {
	const struct ip_addr *local, *remote;
	uint16_t listener; // whose port it leaves by
	uint16_t header_bytes;
	uint16_t segment_bytes; // payload of each, where the device is to cut; 0: it is one
};

// Sends a packet that begins with its TCP header, its checksum field zero: fills that, or has the
// device do so, and does the rest as net_output() does, but never fragments. Takes ownership.
void net_output_segment(
	struct net *n, struct rte_mbuf *packet, const struct net_segment_out *how, uint64_t now);

// Announces our addresses when first called, expires fragments, and looks at budget entries of the
// neighbour table: asks again, gives up. Call every millisecond or so.
void net_timers(struct net *n, uint64_t now, unsigned budget);

// Neighbours learned since the last call, for the other workers; and what they learned.
unsigned net_learned(struct net *n, struct net_neighbour out[], unsigned max);
void net_learn(struct net *n, const struct net_neighbour *neighbour, uint64_t now);
