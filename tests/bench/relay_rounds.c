// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/relay_rounds.h"

#include <rte_cycles.h>
#include <stdlib.h>

// Frames that lie in the receive ring when a round begins: as many as come in a quarter of a
// millisecond at a million a second. A worker that keeps up finds no more; a full ring of
// RELAY_WORLD_DESCRIPTORS, with what it becomes in send queues and on its way out, is more than the
// caches next to a core hold, and would measure memory.
#define AT_ONCE 256
// Messages of a round: there are no more than two in a frame.
#define AT_ONCE_MAX (2 * AT_ONCE)

struct round {
	uint64_t ticks; // of the turns
	uint64_t n_bad;
};

static uint64_t turn_until_idle(struct relay_world *w)
{
	uint64_t start = rte_rdtsc_precise();

	while (worker_turn(w->worker))
		;
	return rte_rdtsc_precise() - start;
}

// All messages once.
static struct round run(struct relay_world *w, struct tcp_peers *p, unsigned n_together)
{
	unsigned n = RTE_MIN(AT_ONCE * n_together, AT_ONCE_MAX);
	struct round r = {0};

	tcp_peers_begin(p);
	for (uint32_t at = 0; at < TRAFFIC_MESSAGES; at += n) {
		tcp_peers_send(p, at, n, n_together);
		do {
			r.ticks += turn_until_idle(w);
		} while (tcp_peers_answer(p) > 0);
	}
	r.n_bad = tcp_peers_end(p, TRAFFIC_MESSAGES);
	return r;
}

__attribute__((noreturn)) static void fail(const struct relay_world *w, uint64_t n_bad)
{
	fprintf(stderr, "bench: %lu messages lost, doubled or wrong; the worker has counted:\n",
		(unsigned long)n_bad);
	for (unsigned i = 1; i < REASON_N; i++) {
		if (w->worker->counters.reason[i] > 0)
			fprintf(stderr, "  %s %lu\n", reason_name((enum reason)i),
				(unsigned long)w->worker->counters.reason[i]);
	}
	exit(1);
}

void relay_rounds_run(struct relay_world *w, struct tcp_peers *p, unsigned n_together,
	struct relay_rounds *rounds)
{
	unsigned n_runs = bench_quick() ? 1 : BENCH_RUNS;

	*rounds = (struct relay_rounds){0};
	// Not judged: windows and caches grow.
	run(w, p, n_together);
	for (unsigned i = 0; i < n_runs; i++) {
		uint64_t busy_ns = w->worker->counters.busy_ns;
		struct round r = run(w, p, n_together);

		if (r.n_bad > 0)
			fail(w, r.n_bad);
		bench_add(&rounds->wall,
			(double)r.ticks * 1e9 / (double)rte_get_tsc_hz() / TRAFFIC_MESSAGES);
		bench_add(&rounds->busy,
			(double)(w->worker->counters.busy_ns - busy_ns) / TRAFFIC_MESSAGES);
	}
}
