// SPDX-License-Identifier: BSD-3-Clause
// Two workers of the product with two ports of two queues each, and fedload around them: two
// callers among the partners outside, the callee inside. Everything is turned by hand in one
// thread, by a clock that goes on by the same step each turn. Between the queues and fedload lies a
// device as the case wants it: it spreads frames over the queues and says the hash by which it did,
// rightly, wrongly, or not at all.
//
// One world a process, since EAL starts once.

#pragma once

#include "dataplane/publish/publish.h"
#include "tests/load/load.h"
#include "tests/wire/device.h"

#define WORLD_WORKERS 2
#define WORLD_CONNS   32 // of a caller; over UDP as many ports

enum world_port {
	WORLD_INSIDE,
	WORLD_OUTSIDE,
	WORLD_PORTS,
};

enum world_end {
	WORLD_CALLER,   // outside, 192.0.2.2
	WORLD_NEWCOMER, // outside, 192.0.2.3
	WORLD_CALLEE,   // inside, 10.10.0.2
	WORLD_ENDS,
};

struct loaded_world {
	struct core_map map;
	struct pools pools[WORLD_WORKERS];
	struct port ports[WORLD_PORTS];
	struct rte_ring *rx[WORLD_PORTS][WORLD_WORKERS], *tx[WORLD_PORTS][WORLD_WORKERS];
	struct exchange *exchange;
	struct worker *workers;
	struct publisher publisher;
	uint64_t now;        // ticks of the TSC
	enum device device;  // a quiet one lags, as a TAP of Linux: the ACK of a handshake comes by
			     // the other queue, late
	unsigned n_shuffled; // by the device, a frame each
	uint64_t n_lost;     // frames that a queue did not take
	unsigned n_overtaken;                    // by four frames that followed them
	bool hashed[WORLD_PORTS][WORLD_WORKERS]; // something of IP came to that queue
	// What else happens before each turn; NULL: nothing.
	void (*meanwhile)(void *arg);
	void *meanwhile_arg;
	struct world_end_state {
		enum world_port at;
		struct core_map map;
		struct pools pools;
		struct port port;
		struct rte_ring *rx, *tx;
		struct load *load; // NULL: not there
	} ends[WORLD_ENDS];
};

extern struct loaded_world world;

// cmocka's group set-up and tear-down.
int loaded_world_open(void **state);
int loaded_world_close(void **state);

// Fresh workers with a policy, caller and callee, for one case; and their end, also cmocka's
// tear-down of a case, for one that has failed.
void loaded_world_begin(enum transport transport, enum device device);
int loaded_world_end(void **state);
// Another caller, with connections of its own.
void loaded_world_add_newcomer(enum transport transport);

// Turns everybody once; at times it says what control would of the server inside.
void loaded_world_turn(void);
// Until every connection of that caller is open and its first request answered.
void loaded_world_get_through(enum world_end caller);
// A trial of n requests, all of which are to be answered rightly, within bounded turns.
void loaded_world_call(enum world_end caller, unsigned n_requests);
// Turns until nobody has anything to do, 64 times at least.
void loaded_world_settle(void);

// A frame from outside into the queue that the device chooses. Takes it.
void loaded_world_receive(enum world_port port, struct rte_mbuf *frame);
uint64_t loaded_world_count(enum reason reason); // over all workers
