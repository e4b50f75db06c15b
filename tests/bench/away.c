// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/away.h"

#include "tests/bench/bench.h"

#include <rte_cycles.h>
#include <sys/resource.h>

uint64_t away_read(struct away *a, uint64_t now)
{
	const uint64_t cpu_ns = bench_cpu_ns(), ticks = now - a->last_clock;
	const double ran = (double)(cpu_ns - a->last_cpu_ns) * 1e-9 * (double)rte_get_tsc_hz();
	bool is_taken = a->last_clock != 0 && ran < (double)ticks;
	struct rusage usage;

	(void)getrusage(RUSAGE_THREAD, &usage);
	is_taken = is_taken && usage.ru_nvcsw == a->n_waits;
	a->n_waits = usage.ru_nvcsw;
	a->last_cpu_ns = cpu_ns;
	a->last_clock = now;
	return is_taken ? ticks - (uint64_t)ran : 0;
}
