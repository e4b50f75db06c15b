// SPDX-License-Identifier: BSD-3-Clause
// SYNs from addresses all over the internet, which nobody means: laid into the outside queue of a
// relay_world at a rate of the clock.
// Thread: one.

#pragma once

#include "tests/bench/relay_world.h"

struct flood {
	struct relay_world *world;
	struct rte_mempool *pool;
	double rate; // a second; 0: none
	uint64_t start, n_due;
	uint64_t n_sent;
	uint64_t n_lost; // the queue was full, or memory out
};

// Exits with a text where it cannot.
void flood_open(struct flood *f, struct relay_world *w);
void flood_close(struct flood *f);

// From now on at this rate; forgets what was counted.
void flood_pace(struct flood *f, double rate);
// Sends what is due, at most a burst.
void flood_turn(struct flood *f);
// Sends n at once, whatever the rate.
void flood_send(struct flood *f, unsigned n);
