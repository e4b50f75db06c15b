// SPDX-License-Identifier: BSD-3-Clause
// Connections a second: opened, one request and its response of 200 bytes each, closed, of 32 at a
// time. With IP and TCP headers built and parsed, and checksums in software. The two ends are timed
// apart; `both` is their sum, one core for both.

#include "tests/bench/bench.h"
#include "tests/bench/tcp_pair.h"

#define N_AT_ONCE  32
#define N_ROUNDS   2000
#define TEXT_BYTES 200
#define NS_A_ROUND 100000 // of virtual time
#define N_PAIRS    400000 // before the first one comes again

static const uint8_t text[TEXT_BYTES];
static struct pair_host hosts[2];
static unsigned n_dialled, n_closed[2];
static uint64_t now = 1000000000;

static void on_event_of_client(struct pair_host *h, const struct tcp_event *e)
{
	if (e->what & TCP_OPENED)
		pair_require(tcp_write(h->tcp, e->conn, text, TEXT_BYTES) == 0, "no room");
	if (e->what & TCP_READABLE) {
		tcp_consume(h->tcp, e->conn, tcp_readable(h->tcp, e->conn));
		tcp_close(h->tcp, e->conn, now);
	}
	if (e->what & TCP_CLOSED) {
		pair_require(e->reason == REASON_tcp_closed, "a connection does not end well");
		n_closed[0]++;
	}
}

static void on_event_of_server(struct pair_host *h, const struct tcp_event *e)
{
	if (e->what & TCP_READABLE) {
		tcp_consume(h->tcp, e->conn, tcp_readable(h->tcp, e->conn));
		pair_require(tcp_write(h->tcp, e->conn, text, TEXT_BYTES) == 0, "no room");
	}
	if ((e->what & TCP_PEER_FINISHED) && !(e->what & TCP_CLOSED))
		tcp_close(h->tcp, e->conn, now);
	if (e->what & TCP_CLOSED) {
		pair_require(e->reason == REASON_tcp_closed, "a connection does not end well");
		n_closed[1]++;
	}
}

static void round_of_connections(void)
{
	uint64_t started = bench_now_ns();

	for (unsigned i = 0; i < N_AT_ONCE; i++)
		pair_dial(hosts, n_dialled++ % N_PAIRS, now);
	hosts[0].busy_ns += bench_now_ns() - started;
	pair_settle(hosts, now);
	now += NS_A_ROUND;
}

int main(int argc, char **argv)
{
	struct bench_samples both = {0}, ends[2] = {0};
	unsigned n_rounds, n;
	struct tcp_config config;

	bench_init(argc, argv, "tcp_setup");
	n_rounds = bench_quick() ? 50 : N_ROUNDS;
	n = n_rounds * N_AT_ONCE;
	tcp_config_default(&config, 4096);
	config.n_time_waits = 65536;
	pair_open(hosts, &config, PAIR_SOFTWARE, now);
	hosts[0].on_event = on_event_of_client;
	hosts[1].on_event = on_event_of_server;
	for (unsigned run = 0; run <= BENCH_RUNS; run++) {
		pair_reset(hosts);
		n_closed[0] = n_closed[1] = 0;
		for (unsigned i = 0; i < n_rounds; i++)
			round_of_connections();
		pair_require(n_closed[0] == n && n_closed[1] == n, "a connection is missing");
		if (run == 0) // tables and pages are cold
			continue;
		for (unsigned i = 0; i < 2; i++)
			bench_add(&ends[i], (double)hosts[i].busy_ns / n);
		bench_add(&both, (double)(hosts[0].busy_ns + hosts[1].busy_ns) / n);
	}
	bench_report("client", &ends[0], 1e9, "connections/s", NULL, NULL);
	bench_report("server", &ends[1], 1e9, "connections/s", NULL, NULL);
	bench_report("both", &both, 1e9, "connections/s", NULL, NULL);
	pair_close(hosts);
	return 0;
}
