// SPDX-License-Identifier: BSD-3-Clause
// What Kamailio spends on the same messages over loopback: its stateless forward() with one child
// and a block table of TRAFFIC_NAMES names (htable), with its fast memory manager (-x fm: the
// default one spends three quarters of the time in its own lists). CPU time of the children a
// message, user and system apart, since a kernel-bypass relay has no share of the second.

#pragma once

#include "tests/bench/bench.h"

struct kamailio_cpu {
	struct bench_samples user, system, both; // of a message
};

// Starts Kamailio, passes n messages through it in each of some runs, ends it. False, and why on
// stderr, where that did not work.
bool kamailio_measure(unsigned n, unsigned runs, struct kamailio_cpu *cpu);
