// SPDX-License-Identifier: BSD-3-Clause
// SIP over UDP through one worker on one core: the product's own turns, from frames in a receive
// ring to frames in a transmit ring. Rounds: frames are laid in, the worker's turns are timed until
// the ring is empty, and then every frame that came out is checked. A worker that keeps up finds
// eight bursts waiting; what it costs to work off a whole queue of a device, whose frames have left
// the core's cache, is told apart. What a driver and a wire would cost is not in it; all checksums,
// which a device would take over, are.

#include "tests/bench/bench.h"
#include "tests/bench/foreign.h"
#include "tests/bench/kamailio.h"
#include "tests/bench/relay_world.h"

#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUND_FRAMES (4 * QUEUE_BURST)

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

// All messages once, so many at a time.
static struct round run(struct relay_world *w, unsigned n_frames)
{
	struct round r = {0};
	uint64_t start;

	relay_world_begin(w);
	for (uint32_t at = 0; at < TRAFFIC_MESSAGES; at += n_frames) {
		relay_world_teach(w);
		feed(w, at, n_frames);
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

struct samples {
	struct bench_samples wall, busy;
};

static void measure(struct relay_world *w, unsigned n_frames, struct samples *out)
{
	const unsigned n_runs = bench_quick() ? 1 : BENCH_RUNS;

	*out = (struct samples){0};
	for (unsigned i = 0; i < n_runs; i++) {
		uint64_t busy_ns = w->worker->counters.busy_ns;
		struct round r = run(w, n_frames);

		if (r.n_bad > 0) {
			fprintf(stderr, "bench: %lu messages lost, doubled or wrong\n",
				(unsigned long)r.n_bad);
			exit(1);
		}
		bench_add(&out->wall,
			(double)r.ticks * 1e9 / (double)rte_get_tsc_hz() / TRAFFIC_MESSAGES);
		bench_add(&out->busy,
			(double)(w->worker->counters.busy_ns - busy_ns) / TRAFFIC_MESSAGES);
	}
}

int main(int argc, char **argv)
{
	struct bench_samples baseline;
	struct samples kept_up, full;
	struct relay_world *w;
	bool has_baseline;
	size_t n_bytes;
	int fd;

	bench_init(argc, argv, "relay_sip_udp");
	has_baseline = measure_baseline(&baseline);
	w = relay_world_open((unsigned)sched_getcpu(), TRANSPORT_UDP);
	fd = relay_world_image(TRAFFIC_NAMES, 0, 0, 1, TRANSPORT_UDP, &n_bytes);
	relay_world_publish(w, fd, n_bytes, 1);
	close(fd);
	// Not judged: the worker asks for its neighbours with the first messages, and not all of
	// them can wait for the answer.
	run(w, ROUND_FRAMES);
	measure(w, ROUND_FRAMES, &kept_up);
	measure(w, RELAY_WORLD_DESCRIPTORS, &full);
	bench_report("512 B MESSAGE, 10^5 names, one core", &kept_up.wall, 1e9, "messages/s", NULL,
		NULL);
	bench_report("512 B MESSAGE, busy", &kept_up.busy, 1e9, "messages/s",
		has_baseline ? "kamailio_udp" : NULL, has_baseline ? &baseline : NULL);
	bench_report("512 B MESSAGE, a full queue", &full.wall, 1e9, "messages/s", NULL, NULL);
	relay_world_close(w);
	return 0;
}
