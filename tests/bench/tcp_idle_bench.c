// SPDX-License-Identifier: BSD-3-Clause
// A million connections that are established and idle: how much memory each takes, all tables
// included, by establishing them one and all; and what a turn of the timers costs with them.

#include "tests/bench/bench.h"
#include "tests/bench/idle.h"
#include "tests/bench/tcp_pair.h"

#include <stdio.h>
#include <stdlib.h>

#define N_CONNS   1000000
#define N_AT_ONCE IDLE_AT_ONCE
#define N_CHUNKS  64 // idle connections hold none
#define TURNS     1000
#define SECOND_NS 1000000000ull
#define IDLE_S    10

static uint64_t counters[REASON_N];

static unsigned count_opened(struct tcp *t)
{
	struct tcp_event e;
	unsigned n = 0;

	while (tcp_next_event(t, &e))
		n += (e.what & TCP_OPENED) != 0;
	return n;
}

int main(int argc, char **argv)
{
	struct endpoint server = {.port = PAIR_PORT,
		.transport = TRANSPORT_TCP,
		.ip = {.family = IP_V4, .bytes = {192, 0, 2, 1}}};
	struct bench_samples setup = {0}, turns = {0};
	size_t n_bytes, resident = idle_resident_bytes();
	unsigned n_conns, n_opened = 0;
	uint64_t now = SECOND_NS, started;
	struct tcp_config config;
	void *memory;
	struct tcp *t;

	bench_init(argc, argv, "tcp_idle");
	n_conns = bench_quick() ? N_CONNS / 100 / N_AT_ONCE * N_AT_ONCE : N_CONNS;
	tcp_config_default(&config, n_conns);
	config.n_time_waits = 1;
	config.n_chunks = N_CHUNKS;
	n_bytes = tcp_memory_bytes(&config);
	memory = aligned_alloc(4096, (n_bytes + 4095) / 4096 * 4096);
	pair_require(n_bytes > 0 && memory != NULL, "no memory, or sizes out of range");
	memset(memory, 0, n_bytes);
	t = tcp_init(memory, &config, counters, now);
	pair_require(t != NULL && tcp_listen(t, &server, PAIR_MTU, 0) == 0, "no engine");

	started = bench_now_ns();
	for (unsigned i = 0; i < n_conns; i += N_AT_ONCE) {
		idle_establish(t, &server, i, now);
		n_opened += count_opened(t);
		now += N_AT_ONCE * 1000;
	}
	pair_require(n_opened == n_conns, "a connection is missing");
	bench_add(&setup, (double)(bench_now_ns() - started) / n_conns);
	bench_report("to accept one, engine only", &setup, 1e9, "connections/s", NULL, NULL);
	bench_report_size("memory each, of all tables", (double)n_bytes / n_conns, "bytes");
	bench_report_size("resident each, of the process",
		(double)(idle_resident_bytes() - resident) / n_conns, "bytes");
	for (unsigned run = 0; run < BENCH_RUNS; run++) {
		started = bench_now_ns();
		for (unsigned i = 0; i < TURNS; i++) {
			now += IDLE_S * SECOND_NS / TURNS / BENCH_RUNS;
			tcp_timers(t, now, 256);
		}
		bench_add(&turns, (double)(bench_now_ns() - started) / TURNS);
	}
	bench_report("a turn of the timers", &turns, 1e9, "turns/s", NULL, NULL);
	free(memory);
	return 0;
}
