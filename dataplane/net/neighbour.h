// SPDX-License-Identifier: BSD-3-Clause
// The neighbours of one worker: which MAC address an IP address on a link has, and the packets that
// wait to know. A table of fixed size in buckets, so that a flood costs neither memory nor time:
// a neighbour in use is never displaced, and few may be unresolved at once.
//
// Knows nothing of ARP and neighbour discovery: it says what is to be done, and resolve.c does it.
// Thread: the worker's.

#pragma once

#include "lib/net/ether.h"

#include <rte_mbuf.h>

#define NEIGHBOUR_BUCKETS 256
#define NEIGHBOUR_WAYS    8
#define NEIGHBOUR_N       (NEIGHBOUR_BUCKETS * NEIGHBOUR_WAYS)

#define NEIGHBOUR_ASK_TIMES      3  // MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT (RFC 4861 §10)
#define NEIGHBOUR_RETRANS_S      1  // RETRANS_TIMER
#define NEIGHBOUR_REACHABLE_S    30 // REACHABLE_TIME
#define NEIGHBOUR_STALE_S        600
#define NEIGHBOUR_KEEP_S         60 // after its last use an entry may be displaced
#define NEIGHBOUR_WAITING_EACH   4
#define NEIGHBOUR_WAITING_ALL    64
#define NEIGHBOUR_UNRESOLVED_MAX 64

enum neighbour_state {
#define NEIGHBOUR_STATE(name) NEIGHBOUR_##name,
#include "dataplane/net/neighbour_state.def"
#undef NEIGHBOUR_STATE
	NEIGHBOUR_STATE_N,
};

enum neighbour_event {
#define NEIGHBOUR_EVENT(name) NEIGHBOUR_##name,
#include "dataplane/net/neighbour_event.def"
#undef NEIGHBOUR_EVENT
	NEIGHBOUR_EVENT_N,
};

enum neighbour_action {
	NEIGHBOUR_DO_NOTHING,
	NEIGHBOUR_DO_ASK_ALL,      // by broadcast or the solicited-node group
	NEIGHBOUR_DO_ASK_IT,       // by unicast
	NEIGHBOUR_DO_SEND_WAITING, // the packets that waited
	NEIGHBOUR_DO_DROP_WAITING,
};

struct neighbour {
	struct ip_addr ip;
	uint16_t port;
	uint8_t state;   // enum neighbour_state
	uint8_t n_asked; // in this state
	uint8_t mac[ETHER_MAC_BYTES];
	uint8_t n_waiting;
	uint8_t first_waiting; // index + 1, 0: none
	uint64_t deadline;     // of the state
	uint64_t used;         // when last sent to; 0: never
};

struct neighbour_waiting {
	struct rte_mbuf *packet;
	uint8_t next; // index + 1, 0: none
};

struct neighbours {
	uint64_t hash_key, hz;
	unsigned n_unresolved;
	uint8_t free_waiting; // index + 1, 0: none
	struct neighbour_waiting waiting[NEIGHBOUR_WAITING_ALL];
	unsigned cursor; // of the sweep for deadlines
	struct neighbour entries[NEIGHBOUR_N];
};

// t: zeroed memory. hash_key: secret, so that nobody can aim at a bucket.
void neighbours_init(struct neighbours *t, uint64_t hash_key, uint64_t hz);

// NULL for none.
struct neighbour *neighbour_find(struct neighbours *t, uint16_t port, const struct ip_addr *ip);
// A new one in NEIGHBOUR_NONE, perhaps in place of one that nobody has used for long. NULL where
// all are in use.
struct neighbour *neighbour_add(
	struct neighbours *t, uint16_t port, const struct ip_addr *ip, uint64_t now);

static inline bool neighbour_has_mac(const struct neighbour *e)
{
	return e->state >= NEIGHBOUR_REACHABLE;
}

// The one place where a state changes. An event that cannot be in the state changes nothing.
enum neighbour_action neighbour_step(
	struct neighbours *t, struct neighbour *e, enum neighbour_event event, uint64_t now);

// The next neighbour whose deadline has passed, among at most *budget entries looked at, which are
// taken off it. NULL when there is none.
struct neighbour *neighbour_next_due(struct neighbours *t, uint64_t now, unsigned *budget);

// Takes ownership of the packet when true; false when too many wait.
bool neighbour_wait(struct neighbours *t, struct neighbour *e, struct rte_mbuf *packet);
// The packet that has waited longest, the caller's from then on; NULL when none is left.
struct rte_mbuf *neighbour_next_waiting(struct neighbours *t, struct neighbour *e);
