// SPDX-License-Identifier: BSD-3-Clause
// Honest strangers at the outside port of a relay_world, at an address of their own: they connect,
// one after the other at a rate of the clock, send a keepalive, wait for its answer (RFC 5626
// §3.5.1), which only an established connection gives, and close. By lib/tcp's engine.
// Thread: one.

#pragma once

#include "tests/bench/relay_world.h"
#include "tests/load/histogram.h"

struct newcomers;

struct newcomers_counts {
	uint64_t n_begun, n_answered, n_failed;
	struct histogram latency; // ns, from SYN to the answer
};

// Exits with a text where it cannot.
struct newcomers *newcomers_open(struct relay_world *w);
void newcomers_close(struct newcomers *n);

// From now on at this rate; forgets what was counted.
void newcomers_pace(struct newcomers *n, double rate);
// Nobody new any more.
void newcomers_stop(struct newcomers *n);
void newcomers_turn(struct newcomers *n);
// A frame from the relay; whether it is theirs. It stays the caller's.
bool newcomers_take(struct newcomers *n, const struct rte_mbuf *frame);
// Those that have begun and neither succeeded nor failed.
unsigned newcomers_waiting(const struct newcomers *n);
const struct newcomers_counts *newcomers_counts(const struct newcomers *n);
// Lets the worker know their neighbour's address and the gateway's. The worker stands still.
void newcomers_teach(struct relay_world *w);
