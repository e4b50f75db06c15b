// SPDX-License-Identifier: BSD-3-Clause
// Rounds of all messages through a relay_world whose peers are tcp_peers: messages are laid in, the
// worker's turns are timed until it is idle, and again when its peers have answered, so that every
// ACK of theirs and ours is in what is measured; what the peers themselves cost is not, nor what a
// driver and a wire would.

#pragma once

#include "tests/bench/bench.h"
#include "tests/bench/tcp_peers.h"

struct relay_rounds {
	struct bench_samples wall, busy; // of a message
};

// n_together: messages in a write. Exits where a message is lost, doubled or wrong.
void relay_rounds_run(struct relay_world *w, struct tcp_peers *p, unsigned n_together,
	struct relay_rounds *rounds);
