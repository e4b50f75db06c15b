// SPDX-License-Identifier: BSD-3-Clause
// SIP over TCP through one worker on one core: the product's own turns, from frames in a receive
// ring to frames in a transmit ring, both ends TCP: 64 connections of partners in, those of the
// relay to one server out. Up to 1024 frames are laid in, the worker's turns are timed until it is
// idle, and again when its peers have answered, so that every ACK of theirs and ours is in what is
// measured; what the peers themselves cost is not, nor what a driver and a wire would. All
// checksums are software's; nothing cuts segments.

#include "tests/bench/bench.h"
#include "tests/bench/tcp_peers.h"

#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

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
	unsigned n = RELAY_WORLD_DESCRIPTORS * n_together;
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

static void measure(
	struct relay_world *w, struct tcp_peers *p, unsigned n_together, const char *const names[2])
{
	struct bench_samples wall = {0}, busy = {0};
	unsigned n_runs = bench_quick() ? 1 : BENCH_RUNS;

	// Not judged: windows and caches grow.
	run(w, p, n_together);
	for (unsigned i = 0; i < n_runs; i++) {
		uint64_t busy_ns = w->worker->counters.busy_ns;
		struct round r = run(w, p, n_together);

		if (r.n_bad > 0) {
			fprintf(stderr, "bench: %lu messages lost, doubled or wrong\n",
				(unsigned long)r.n_bad);
			exit(1);
		}
		bench_add(
			&wall, (double)r.ticks * 1e9 / (double)rte_get_tsc_hz() / TRAFFIC_MESSAGES);
		bench_add(
			&busy, (double)(w->worker->counters.busy_ns - busy_ns) / TRAFFIC_MESSAGES);
	}
	bench_report(names[0], &wall, 1e9, "messages/s", NULL, NULL);
	bench_report(names[1], &busy, 1e9, "messages/s", NULL, NULL);
}

int main(int argc, char **argv)
{
	static const char *const one[] = {
		"512 B MESSAGE, 64 connections, one a segment", "one a segment, busy"};
	static const char *const two[] = {
		"512 B MESSAGE, 64 connections, two a segment", "two a segment, busy"};
	struct relay_world *w;
	struct tcp_peers *p;
	size_t n_bytes;
	int fd;

	bench_init(argc, argv, "relay_sip_tcp");
	w = relay_world_open((unsigned)sched_getcpu(), TRANSPORT_TCP);
	fd = relay_world_image(TRAFFIC_NAMES, 0, 0, 1, TRANSPORT_TCP, &n_bytes);
	relay_world_publish(w, fd, n_bytes, 1);
	close(fd);
	p = tcp_peers_open(w);
	measure(w, p, 1, one);
	measure(w, p, 2, two);
	tcp_peers_close(p);
	relay_world_close(w);
	return 0;
}
