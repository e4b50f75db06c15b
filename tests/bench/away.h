// SPDX-License-Identifier: BSD-3-Clause
// Time that the machine takes from a thread which only ever polls: what the thread's own clock did
// not run of what the TSC did. A bench reports it apart from what its code took.
// Thread: the one that is watched.

#pragma once

#include <stdint.h>

// Zero but for what away_read() keeps.
struct away {
	uint64_t last_clock; // TSC; 0: not read yet
	uint64_t last_cpu_ns;
	long n_waits; // that the thread chose
};

// Ticks since the last reading in which the thread could not run; 0 at the first. Where it chose to
// wait, for a lock or a page, none is the machine's. Costs two system calls.
uint64_t away_read(struct away *a, uint64_t now);
