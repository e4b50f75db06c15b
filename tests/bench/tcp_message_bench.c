// SPDX-License-Identifier: BSD-3-Clause
// A message of 512 bytes in and one out on an established connection, one a segment, read in place
// and answered, 32 connections in a burst: what one end costs, ns for the pair of segments. With
// headers built and parsed; checksums by the device, and in software. On few connections, and on so
// many that each is cold.

#include "tests/bench/bench.h"
#include "tests/bench/tcp_pair.h"

#include <stdio.h>

#define MESSAGE_BYTES 512
#define N_MESSAGES    400000
#define N_AT_ONCE     32
#define CONNS_MAX     100000

static uint8_t message[MESSAGE_BYTES];
static struct pair_host hosts[2];
static tcp_conn_id conns[CONNS_MAX];
static uint64_t now = 1000000000, n_read, n_answers;

static void on_event_of_client(struct pair_host *h, const struct tcp_event *e)
{
	if (e->what & TCP_READABLE) {
		uint32_t n = tcp_readable(h->tcp, e->conn);

		n_answers += n;
		tcp_consume(h->tcp, e->conn, n);
	}
	pair_require(!(e->what & TCP_CLOSED), "a connection ends");
}

static void on_event_of_server(struct pair_host *h, const struct tcp_event *e)
{
	if (!(e->what & TCP_READABLE))
		return;
	for (struct view v; (v = tcp_peek(h->tcp, e->conn)).len > 0;) {
		n_read += v.len;
		pair_require(tcp_write(h->tcp, e->conn, v.at, (uint32_t)v.len) == 0, "no room");
		tcp_consume(h->tcp, e->conn, (uint32_t)v.len);
	}
}

static double time_messages(unsigned n_conns, unsigned n_messages)
{
	unsigned at = 0;

	pair_reset(hosts);
	n_read = n_answers = 0;
	for (unsigned n = 0; n < n_messages; n += N_AT_ONCE) {
		for (unsigned i = 0; i < N_AT_ONCE; i++, at = (at + 1) % n_conns)
			pair_require(
				tcp_write(hosts[0].tcp, conns[at], message, MESSAGE_BYTES) == 0,
				"no room");
		pair_turn(&hosts[0], now);
		pair_turn(&hosts[1], now);
		// About what a worker needs for them.
		now += N_AT_ONCE * 1000;
	}
	pair_settle(hosts, now);
	pair_require(n_read == (uint64_t)n_messages * MESSAGE_BYTES && n_answers == n_read,
		"a message is missing");
	return (double)hosts[1].busy_ns / n_messages;
}

static void time_case(enum pair_offload offload, unsigned n_conns, const char *name)
{
	unsigned n_messages = bench_quick() ? 12800 : N_MESSAGES;
	struct bench_samples samples = {0};
	struct tcp_config config;

	tcp_config_default(&config, n_conns);
	config.n_half_open = n_conns;
	config.n_chunks = n_conns * 4 + 4096;
	pair_open(hosts, &config, offload, now);
	hosts[0].on_event = on_event_of_client;
	hosts[1].on_event = on_event_of_server;
	for (unsigned i = 0; i < n_conns; i++) {
		conns[i] = pair_dial(hosts, i, now);
		if (i % 256 == 255)
			pair_settle(hosts, now);
	}
	pair_settle(hosts, now);
	time_messages(n_conns, n_messages);
	for (unsigned run = 0; run < BENCH_RUNS; run++)
		bench_add(&samples, time_messages(n_conns, n_messages));
	bench_report(name, &samples, 1e9, "messages/s", NULL, NULL);
	pair_close(hosts);
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "tcp_message");
	time_case(PAIR_DEVICE, 64, "64 connections, sums by the device");
	time_case(PAIR_SOFTWARE, 64, "64 connections");
	time_case(PAIR_DEVICE, CONNS_MAX, "100,000 connections, sums by the device");
	time_case(PAIR_SOFTWARE, CONNS_MAX, "100,000 connections");
	return 0;
}
