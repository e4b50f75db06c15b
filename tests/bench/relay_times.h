// SPDX-License-Identifier: BSD-3-Clause
// How long the messages of a relay_load's run were in the relay, from their frame's arrival in the
// receive queue to the transmit burst.

#pragma once

#include "tests/bench/relay_load.h"
#include "tests/load/histogram.h"

struct relay_times {
	struct histogram all; // ns
	// But for those that were under way while the machine had taken something away.
	struct histogram calm;
	// In neither: over TCP, sent more than once, or cut in two by a segment's end.
	uint64_t n_unseen;
};

#define RELAY_TIMES_CAUSE(cause) (1U << (cause))
#define RELAY_TIMES_ANY_CAUSE    UINT32_MAX

// Adds the last run's. causes: of those spans (enum slow_wire_cause) that count as taken; gaps of
// the peers' core always do.
void relay_times_add(struct relay_times *out, const struct relay_load *l, uint32_t causes);
double relay_times_ns(uint64_t ticks);
