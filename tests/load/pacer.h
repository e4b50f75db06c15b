// SPDX-License-Identifier: BSD-3-Clause
// When the next request is due. Open loop: dues lie on a grid of the clock that no delay of ours
// moves, so what is sent late is late by its own due, and a stall shows in the latencies of all
// that it held up. Pure; time is the caller's.

#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pacer {
	uint64_t start_ns;
	uint64_t interval; // in 2^-20 ns; 0: nothing is ever due
	uint64_t n_taken;
	uint64_t n_max; // nothing is due beyond so many
};

// rate: requests a second, 0 to 10^9. The first is due at start_ns.
void pacer_start(struct pacer *p, double rate, uint64_t start_ns);
// True, and when it was due, if a request is due and was not taken yet.
bool pacer_peek(const struct pacer *p, uint64_t now_ns, uint64_t *due_ns);
void pacer_take(struct pacer *p);
// Nothing falls due from end_ns on. How many did before, taken or not.
uint64_t pacer_end(struct pacer *p, uint64_t end_ns);
