// SPDX-License-Identifier: BSD-3-Clause
// All state of one core. See loop.c for what it does with it.

#pragma once

#include "dataplane/net/net.h"
#include "dataplane/port/steering.h"
#include "dataplane/relay/relay.h"
#include "dataplane/relay/streams.h"
#include "dataplane/tcp/conns.h"
#include "dataplane/worker/exchange.h"
#include "dataplane/worker/generation.h"
#include "lib/link/ring.h"
#include "lib/record/crypto.h"

#include <stdatomic.h>

// As many as a burst that goes to connections takes and gives back.
#define WORKER_SPARE_PARCELS RELAY_BURST

// One attachment's rings as this worker uses them. Worker only.
struct worker_link {
	uint32_t epoch; // 0: not attached
	struct link_segment *segment;
	struct link_consumer mailbox;
	struct link_producer outbox;
};

struct worker {
	// main: wo, worker: ro. Release by main pairs with acquire at the top of the loop.
	_Atomic bool stop;
	_Atomic(struct generation *) offered_generation;
	_Atomic(struct worker_segment *) offered_segment; // NULL: revoked
	// worker: wo, main: ro. Release pairs with main's acquire: what the former generation or
	// segment used is no longer touched by this worker and may be freed.
	_Alignas(64) _Atomic(struct generation *) applied_generation;
	_Atomic(struct worker_segment *) applied_segment;

	// worker: wo; main reads with relaxed loads
	_Alignas(64) struct worker_counters counters;

	// constant after start
	_Alignas(64) unsigned index;
	unsigned core;
	int numa_node;
	enum idle_mode idle;
	uint64_t hz;
	uint64_t ns_per_tick; // of the TSC, in 2^-32 ns
	const struct core_map *map;
	const struct port *ports;
	char sent_by[CORE_MAP_LISTENERS_MAX][CORE_MAP_DEVICE_BYTES]; // the relay keeps views

	// worker only
	struct queue queues[CORE_MAP_PORTS_MAX];
	struct pools *pools;
	struct net *net;
	struct conns *conns; // NULL: no listener takes TCP
	struct relay *relay;
	struct streams *streams;                    // NULL: likewise
	void *bodies;                               // of the map's n_bodies units
	struct record_crypto *crypto;               // theirs
	struct relay_host host;                     // theirs
	struct parcel *spare[WORKER_SPARE_PARCELS]; // small ones, to be written to next
	unsigned n_spare;
	struct steering steering;
	struct exchange *exchange; // rings to and from the other workers
	struct worker_link link;
	uint64_t next_timers; // TSC
	uint64_t now;         // TSC, of the turn under way
};

// What main hands a worker of a new attachment. Main allocates; freed by main after every worker
// shows another one in applied_segment.
struct worker_segment {
	uint32_t epoch;
	struct link_segment *segment;
};

// Everything a worker needs, on its NUMA node. 0 or -errno with error set. Main thread.
int worker_init(struct worker *w, const struct core_map *map, unsigned index, struct port ports[],
	struct pools *pools, struct exchange *exchange);
void worker_fini(struct worker *w);

// The loop, on its core, until stop. For rte_eal_remote_launch().
int worker_run(void *worker);

// One turn of it: poll every queue once, and everything else that is due. True if it found
// something. For the loop and for benches.
bool worker_turn(struct worker *w);
// The same by a clock of the caller's, for tests. now: TSC, never backwards, from worker_init() on.
bool worker_turn_at(struct worker *w, uint64_t now);

static inline uint64_t worker_ns(const struct worker *w, uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * w->ns_per_tick >> 32);
}

// Says it to control under the attachment's epoch. False, and it is not said: control is away or
// does not read. last: it may use the slots that are kept for ends. Its shape is that of the
// streams' callback.
bool worker_tell_control(void *worker, const struct link_message *m, bool last);

// A buffer for what a payload of that length becomes; from the reserve, with room for a refusal
// only, when the pools are empty. NULL when that is empty too.
struct rte_mbuf *worker_get_buffer(struct worker *w, size_t payload_bytes);
// The same for each datagram of a burst, n ≤ QUEUE_BURST: out[i] is for datagrams[i], NULL without.
void worker_get_buffers(struct worker *w, const struct net_datagram datagrams[], unsigned n,
	struct rte_mbuf *out[]);

// Takes up what main has offered: segment, generation. Called between two bursts. generation.c
// and link.c beside this file.
void worker_link_poll(struct worker *w);
void worker_generation_poll(struct worker *w);
