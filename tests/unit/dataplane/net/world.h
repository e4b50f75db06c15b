// SPDX-License-Identifier: BSD-3-Clause
// A small world around struct net: two ports, three listeners, a clock that only the test moves,
// and a queue that keeps what is sent. For the tests and the fuzz target of dataplane/net.
//
//   port 0, untagged: 192.0.2.1/24, 2001:db8::1/64, gateways .254 and ::fe; listener 0 and 1 (5060)
//   port 1, VLAN 7:   198.51.100.1/25; listener 2 (5060), no gateway

#pragma once

#include "dataplane/net/net.h"
#include "tests/unit/net_frames.h"

#define WORLD_HZ        UINT64_C(1000000)
#define WORLD_SENT_MAX  512
#define WORLD_MTU       1500
#define WORLD_PACKETS   1023
#define WORLD_FRAME_MAX 20000

struct world {
	struct core_map map;
	struct port ports[2];
	struct queue queues[2];
	struct pools pools;
	struct worker_counters counters;
	struct net *net;
	uint64_t now;
	struct net_arrivals arrivals; // of the last frame received
	size_t split_at; // frames are received in two segments, the first this long; 0: in one
	// what was sent and not yet looked at, the oldest first
	struct rte_mbuf *sent[WORLD_SENT_MAX];
	unsigned sent_port[WORLD_SENT_MAX];
	unsigned n_sent;
};

extern struct world world;

// EAL and pools, once a process.
void world_start(const char *name);
// A new net, announced already. world_close() frees it and all that was sent; true when every
// packet is back in its pool.
void world_open(void);
bool world_close(void);

// A packet with these bytes, the caller's.
struct rte_mbuf *world_packet_of(struct view bytes);

// Gives net a frame: how it ended, which its counter alone says. REASON_none: it is one of
// world.arrivals, and its packet is the caller's; a datagram is in *out too. REASON_N where not
// exactly one outcome was counted.
enum reason world_receive(unsigned port, struct view frame, struct net_datagram *out);
// The same with the flags that a device would set.
enum reason world_receive_flags(
	unsigned port, struct view frame, uint64_t ol_flags, struct net_datagram *out);

// Sends payload by net_output() to "ADDRESS:PORT".
void world_send(uint16_t listener, const char *destination, struct view payload);

// Moves the clock and calls the timers until all entries have been looked at.
void world_pass(uint64_t microseconds);

// The oldest frame sent, off the list; the caller frees it. NULL for none. Its port in *port.
struct rte_mbuf *world_next_sent(unsigned *port);
void world_forget_sent(void);

// Paths between hosts of this world and ours. to: "192.0.2.1", ...; from: an address on the link,
// whose MAC ends with its last byte.
struct ip_addr world_ip(const char *text);
struct frame_path world_path(unsigned port, const char *from, const char *to);
void world_mac_of(const struct ip_addr *ip, uint8_t mac[ETHER_MAC_BYTES]);
