// SPDX-License-Identifier: BSD-3-Clause
// SIP over UDP through one worker on one core: the product's own turns, from frames in a receive
// ring to frames in a transmit ring. Rounds of 1024 frames, as many as a device's queue has
// descriptors: they are laid in, the worker's turns are timed until the ring is empty, and then
// every frame that came out is checked. What a driver and a wire would cost is not in it; all
// checksums, which a device would take over, are.

#include "tests/bench/bench.h"
#include "tests/bench/foreign.h"
#include "tests/bench/kamailio.h"
#include "tests/bench/relay_world.h"

#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

struct round {
	uint64_t ticks; // of the turns
	uint64_t n_bad;
};

static void feed(struct relay_world *w, uint32_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = relay_world_frame(w, first + i);

		if (m == NULL || rte_ring_sp_enqueue(w->rx[RELAY_WORLD_OUTSIDE], m) != 0) {
			fprintf(stderr, "bench: the feed is empty\n");
			exit(1);
		}
	}
}

// All messages once.
static struct round run(struct relay_world *w)
{
	struct round r = {0};
	uint64_t start;

	relay_world_begin(w);
	for (uint32_t at = 0; at < TRAFFIC_MESSAGES; at += RELAY_WORLD_DESCRIPTORS) {
		relay_world_teach(w);
		feed(w, at, RELAY_WORLD_DESCRIPTORS);
		start = rte_rdtsc_precise();
		while (worker_turn(w->worker))
			;
		r.ticks += rte_rdtsc_precise() - start;
		relay_world_check(w);
	}
	r.n_bad = relay_world_end(w, TRAFFIC_MESSAGES);
	return r;
}

// Kamailio on this machine, now: what the relay's own time is to be seen next to. Before EAL, whose
// memory a fork would copy. Says by itself why it cannot.
static bool measure_baseline(struct bench_samples *cpu)
{
	struct kamailio_cpu kamailio;

	if (!foreign_is_installed("kamailio")) {
		bench_skip("baseline kamailio_udp: kamailio is not installed");
		return false;
	}
	if (!kamailio_measure(
		    bench_quick() ? 5000 : 50000, bench_quick() ? 1 : BENCH_RUNS, &kamailio))
		return false;
	*cpu = kamailio.both;
	return true;
}

int main(int argc, char **argv)
{
	struct bench_samples baseline, wall = {0}, busy = {0};
	unsigned n_runs, core;
	struct relay_world *w;
	bool has_baseline;
	size_t n_bytes;
	uint64_t n_bad = 0;
	int fd;

	bench_init(argc, argv, "relay_sip_udp");
	has_baseline = measure_baseline(&baseline);
	core = (unsigned)sched_getcpu();
	n_runs = bench_quick() ? 1 : BENCH_RUNS;
	w = relay_world_open(core, TRANSPORT_UDP);
	fd = relay_world_image(TRAFFIC_NAMES, 0, 0, 1, TRANSPORT_UDP, &n_bytes);
	relay_world_publish(w, fd, n_bytes, 1);
	close(fd);
	// Not judged: the worker asks for its neighbours with the first messages, and not all of
	// them can wait for the answer.
	run(w);
	for (unsigned i = 0; i < n_runs && n_bad == 0; i++) {
		uint64_t busy_ns = w->worker->counters.busy_ns;
		struct round r = run(w);

		n_bad += r.n_bad;
		bench_add(
			&wall, (double)r.ticks * 1e9 / (double)rte_get_tsc_hz() / TRAFFIC_MESSAGES);
		bench_add(
			&busy, (double)(w->worker->counters.busy_ns - busy_ns) / TRAFFIC_MESSAGES);
	}
	if (n_bad > 0) {
		fprintf(stderr, "bench: %lu messages lost, doubled or wrong\n",
			(unsigned long)n_bad);
		return 1;
	}
	bench_report("512 B MESSAGE, 10^5 names, one core", &wall, 1e9, "messages/s", NULL, NULL);
	bench_report("512 B MESSAGE, busy", &busy, 1e9, "messages/s",
		has_baseline ? "kamailio_udp" : NULL, has_baseline ? &baseline : NULL);
	relay_world_close(w);
	return 0;
}
