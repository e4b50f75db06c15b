// SPDX-License-Identifier: BSD-3-Clause
// The wire before a worker and the receive queue behind it, with as many descriptors as a device
// has: the receive callback of a relay_world's outside port, in the worker's own thread. Arrivals
// are open-loop: what is due by the clock and does not fit the queue any more is lost. At rate 0
// there always is something to take, which gives the worker's maximum.
//
// The wire also keeps account of what the machine takes from the worker, since a virtual one gives
// its cores away for whole milliseconds, or half of a core's units to a neighbour: time that the
// worker's thread could not run, by its own clock, turns that are far too long, and lack of speed,
// by a yardstick of arithmetic that touches no memory, which nothing on another core can slow. A
// second queue, in numbers only, gets that time back as messages taken at the maximum: what
// overflows it would be lost on a machine that keeps its speed too. What publishing does to the
// worker, a long turn when it takes up a generation or a colder cache in all of them, lengthens
// both.

#pragma once

#include "tests/bench/away.h"
#include "tests/bench/relay_world.h"

#define WIRE_PHASES 8 // the caller's own numbers

// Of one phase; written by the worker's thread, read with relaxed loads by main.
struct wire_phase {
	_Atomic uint64_t first_turn, last_turn; // TSC; the first with the gap before it
	_Atomic uint64_t n_taken, n_lost, longest_queue;
	_Atomic uint64_t n_lost_anyway, longest_queue_anyway; // of the second queue
	_Atomic uint64_t away_ticks;                          // the thread could not run
	_Atomic uint64_t stood_ticks;                         // it ran, and nothing went on
	_Atomic uint64_t longest_turn;                        // but for both
	_Atomic uint64_t slow_ticks;          // as much work was not done for lack of speed
	_Atomic uint64_t yard_ticks, n_yards; // the yardstick's readings
};

#define WIRE_YARDS 4 // the readings, of a millisecond, that give the speed

struct wire {
	struct relay_world *world;
	// main: wo, worker: ro
	_Atomic unsigned phase;
	_Atomic uint64_t rate;       // messages in 2^32 ticks; 0: as fast as they are taken
	_Atomic uint64_t maximum;    // likewise
	_Atomic uint64_t usual_yard; // ticks, at the maximum
	// worker: wo, main: ro
	_Atomic uint64_t swap_ticks; // from the offer of the last generation to its use, at most
	// worker
	struct wire_phase phases[WIRE_PHASES];
	uint64_t clocked_rate, n_due; // the open-loop clock
	uint64_t start;
	uint64_t waiting, waiting_anyway; // in the queue and in the second one
	uint64_t given_back;              // to the second one, in 2^-32 messages
	uint64_t next_frame;
	uint64_t last_turn, turn_before;
	struct away away;
	const struct generation *generation;
	uint64_t yards[WIRE_YARDS], n_yards, yards_sum, shortest_yard;
};

// Zero but for world. Exits with a text where the port takes no callback.
void wire_open(struct wire *wire);

// From main. Whatever arrives from now on counts for this phase and comes at this rate (messages a
// second; 0: as fast as they are taken).
void wire_enter(struct wire *wire, unsigned phase, double rate);
// From main: the phase just left was at rate 0, and its rate and yardstick are those that the load
// and the second queue go by. Messages a second.
double wire_learn_maximum(struct wire *wire, const struct wire_phase *p);
// Forgets all phases. The worker stands still.
void wire_reset(struct wire *wire);

// Messages taken a second, from the first to the last turn of a phase but for the time away.
double wire_phase_rate(const struct wire_phase *p);
double wire_ticks_ms(uint64_t ticks);

// Frees what the worker has sent. By whoever drives the worker.
void wire_take_sent(struct wire *wire);
