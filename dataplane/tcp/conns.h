// SPDX-License-Identifier: BSD-3-Clause
// The connections of one worker: lib/tcp's engine joined to packets. Segments of a burst go in with
// their checksums proved, those to be sent get buffers, and a connection that we open gets a source
// port whose return traffic comes to this very worker.
//
// Thread: the worker's.

#pragma once

#include "dataplane/net/net.h"
#include "dataplane/port/steering.h"
#include "lib/tcp/tcp.h"

struct conns;

struct conns_config {
	const struct core_map *map;
	const struct port *ports; // by index in the map
	struct net *net;
	struct queue *queues;
	struct pools *pools;
	struct worker_counters *counters;
	unsigned worker;
	int numa_node;
	uint64_t now_ns;
};

// Listens on every TCP listener of the map. NULL with errno.
struct conns *conns_new(const struct conns_config *config);
void conns_free(struct conns *c); // without a word to the peers

// The engine, for whoever uses the connections.
struct tcp *conns_engine(struct conns *c);

// Takes the TCP segments and ICMP errors of a burst; their packets are freed.
void conns_input(struct conns *c, const struct net_arrivals *arrivals, uint64_t now_ns);

// Sends what is to be sent, at most CONNS_OUTPUT_MAX packets a call, so that a turn stays short;
// true when there is more. now: TSC ticks, for net; now_ns for the engine.
#define CONNS_OUTPUT_MAX 256
bool conns_output(struct conns *c, uint64_t now, uint64_t now_ns);

// Opens a connection from the listener's address. 0 and *id; -EADDRNOTAVAIL where no source port is
// left, or what tcp_open() says.
int conns_open(struct conns *c, uint16_t listener, const struct endpoint *remote, uint64_t now_ns,
	tcp_conn_id *id);
