// SPDX-License-Identifier: BSD-3-Clause
// A relay_world with fedload on both sides: a caller among the partners outside and the callee
// inside, on the first core, next to the worker on the second, over slow_wire. A request arrives at
// the relay a fixed time after it fell due, its answer a fixed time after that, whatever the relay
// did with the request meanwhile; when each of them leaves the relay is seen in what comes out.
//
// Thread: main, but for what slow_wire does in the worker's.

#pragma once

#include "tests/bench/slow_wire.h"
#include "tests/load/load.h"

#define RELAY_LOAD_MESSAGES (1 << 21) // requests of a run that are remembered, a power of two
#define RELAY_LOAD_DOMAINS  10000     // that send
#define RELAY_LOAD_CONNS    64        // of the caller; of UDP as many ports
#define RELAY_LOAD_GAPS     4096

enum {
	RELAY_LOAD_CALLER, // outside
	RELAY_LOAD_CALLEE, // inside
	RELAY_LOAD_ENDS,
};

enum {
	RELAY_LOAD_REQUEST,
	RELAY_LOAD_ANSWER,
	RELAY_LOAD_KINDS,
};

// At the relay, TSC; 0: not yet. planned: when it was to arrive, which a peer that is late misses.
struct relay_load_times {
	uint64_t planned, arrived, left;
	bool again; // it was sent more than once
};

struct relay_load;

struct relay_load_end {
	struct relay_load *all;
	struct core_map map;
	struct pools pools;
	struct port port;
	struct load *load;
	size_t sent_at, received_at; // where the last frame had its Call-ID
};

struct relay_load {
	struct relay_world *world;
	struct slow_wire wire;
	struct relay_load_end ends[RELAY_LOAD_ENDS];
	// By kind and number of the request.
	struct relay_load_times *times[RELAY_LOAD_KINDS];
	uint64_t wire_ticks;
	uint64_t last_planned;  // of a request
	uint64_t first;         // number of the last run's first request
	bool began;             // that is known
	uint64_t measured_from; // of the last run, TSC: what arrives before is warm-up
	bool runs;              // the worker, on its core
	// Times in which core 0 did not turn for half of a wire's length, each with a grace in
	// which a TCP gets over it: what was under way then is not the worker's.
	struct slow_wire_span gaps[RELAY_LOAD_GAPS];
	unsigned n_gaps;
	uint64_t last_turn, grace_ticks;
	// What else core 0 does between two turns of fedload's; NULL: nothing.
	void (*meanwhile)(void *arg);
	void *meanwhile_arg;
};

// Everything up to the first answered request, and all connections. Exits with a text where it
// cannot.
struct relay_load *relay_load_open(enum transport transport, uint32_t n_names);
// Likewise, with a worker that listens for TLS too where tls is set, which somebody else speaks,
// and a wire of so many milliseconds; 0: the usual.
struct relay_load_config {
	enum transport transport;
	uint32_t n_names;
	bool tls;
	double wire_ms;
};
struct relay_load *relay_load_open_with(const struct relay_load_config *config);
void relay_load_close(struct relay_load *l);

void relay_load_start_worker(struct relay_load *l);
void relay_load_stop_worker(struct relay_load *l);
// Turns both ends, and the worker too where it does not run by itself.
void relay_load_turn(struct relay_load *l);

struct relay_load_trial {
	double rate; // requests a second
	bool gathers;
	double warm_up_ms, measure_ms, drain_ms;
};
// With the worker on its core. Times of all messages are in l->times afterwards.
void relay_load_run(
	struct relay_load *l, const struct relay_load_trial *trial, struct load_result *result);
