// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/trial.h"

void trial_start(struct trial *t, const struct trial_times *times, uint64_t now_ns)
{
	*t = (struct trial){.measure_ns = now_ns + times->warm_up_ns, .phase = TRIAL_WARM_UP};
	t->drain_ns = t->measure_ns + times->measure_ns;
	t->done_ns = t->drain_ns + times->drain_ns;
}

enum trial_phase trial_step(struct trial *t, bool nothing_waits, uint64_t now_ns)
{
	if (t->phase == TRIAL_WARM_UP && now_ns >= t->measure_ns)
		t->phase = TRIAL_MEASURE;
	if (t->phase == TRIAL_MEASURE && now_ns >= t->drain_ns)
		t->phase = TRIAL_DRAIN;
	if (t->phase == TRIAL_DRAIN && (nothing_waits || now_ns >= t->done_ns))
		t->phase = TRIAL_DONE;
	return t->phase;
}
