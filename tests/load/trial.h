// SPDX-License-Identifier: BSD-3-Clause
// One run at one rate: a while that does not count, one that does, then waiting for what is still
// to come. Pure; time is the caller's.

#pragma once

#include <stdbool.h>
#include <stdint.h>

enum trial_phase {
	TRIAL_WARM_UP,
	TRIAL_MEASURE,
	TRIAL_DRAIN, // nothing falls due any more
	TRIAL_DONE,
};

struct trial {
	uint64_t measure_ns, drain_ns, done_ns; // when each of them begins
	enum trial_phase phase;
};

struct trial_times {
	uint64_t warm_up_ns, measure_ns;
	uint64_t drain_ns; // at most
};

void trial_start(struct trial *t, const struct trial_times *times, uint64_t now_ns);
// The phase of this moment; nothing_waits ends the drain early.
enum trial_phase trial_step(struct trial *t, bool nothing_waits, uint64_t now_ns);
