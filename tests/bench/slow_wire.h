// SPDX-License-Identifier: BSD-3-Clause
// The wires between the ports of a relay_world and peers on another core, long enough that those
// need not be punctual: a frame carries the time at which it arrives at the relay's queue, the peer
// lays it in before, and the worker gets it from then on. So arrivals are open-loop, and as even as
// the peer's plan, whatever the peer's own core does meanwhile. What the worker sends carries the
// time at which it was handed to the device.
//
// Also what the machine took: spans of time in which the worker could not run by its own clock, or
// stood still, or a peer was so late that its frames came in a heap; each from its beginning until
// the worker had nothing left to do. What was under way then says nothing of the worker.
//
// Receive and transmit callbacks of the relay's ports, in the worker's thread; the rest is main's,
// while the worker stands still.

#pragma once

#include "tests/bench/away.h"
#include "tests/bench/relay_world.h"

#define SLOW_WIRE_FRAMES 32768 // on a wire and in the queue behind it; more are lost
#define SLOW_WIRE_SPANS  65536

enum slow_wire_cause {
	SLOW_WIRE_AWAY,  // the thread could not run
	SLOW_WIRE_STOOD, // it ran, and nothing went on
	SLOW_WIRE_LATE,  // a peer's frame came after its time
	SLOW_WIRE_CAUSES,
};

struct slow_wire_span {
	uint64_t start, end; // TSC
	enum slow_wire_cause cause;
};

// Turns of one kind: how long all of them were, and how many stood.
struct slow_wire_turns {
	uint64_t ticks, n_stalls;
};

struct slow_wire_port {
	struct slow_wire *wire;
	unsigned port;
	struct rte_mbuf *held[SLOW_WIRE_FRAMES]; // ring
	unsigned first, n;
	bool flows; // of one that gathers
	uint64_t since;
	uint64_t n_lost;
};

struct slow_wire {
	struct relay_world *world;
	_Atomic bool gathers; // main: wo, worker: ro
	// worker; main while it stands still
	struct slow_wire_port ports[RELAY_WORLD_PORTS];
	struct away away;
	uint64_t last_turn;
	unsigned n_given;                // in the turn under way
	bool recovering;                 // the last span has no end yet
	struct slow_wire_turns turns[2]; // that found nothing, and others
	unsigned n_spans;
	uint64_t n_forgotten; // spans beyond those
	struct slow_wire_span *spans;
};

// Zero but for world. Exits with a text where it cannot.
void slow_wire_open(struct slow_wire *wire);
void slow_wire_close(struct slow_wire *wire);

// Whether frames are kept until many have come, whatever their time, and then given as fast as they
// are taken: how fast the worker is at most can be seen although the peer is slower.
void slow_wire_gather(struct slow_wire *wire, bool gathers);
// Forgets spans and losses; ends the span under way.
void slow_wire_begin(struct slow_wire *wire);
void slow_wire_end(struct slow_wire *wire);

// Times that frames carry, TSC. Of a frame to the relay: set by the peer when it sends it. A time
// that is over already makes it late.
void slow_wire_stamp(struct rte_mbuf *frame, uint64_t arrival, uint64_t now);
// Of a frame from the relay.
uint64_t slow_wire_departure(const struct rte_mbuf *frame);
