// SPDX-License-Identifier: BSD-3-Clause
// Bytes one way on one connection, as fast as they go, over a path without delay. The two ends are
// timed apart: the sender writes (a copy into the engine) and lays out packets (a copy out of it);
// the receiver parses, queues (a copy) and reads in place. With a device that sums and cuts to
// MTU-sized segments, and all in software.

#include "tests/bench/bench.h"
#include "tests/bench/tcp_pair.h"

#define WRITE_BYTES  16384
#define BUFFER_BYTES (1 << 20)
#define BULK_BYTES   (200ull << 20)
#define TURN_NS      20000 // of virtual time

static uint8_t text[WRITE_BYTES];
static struct pair_host hosts[2];
static uint64_t now = 1000000000, n_written, n_read;

static void on_event_of_sender(struct pair_host *h, const struct tcp_event *e)
{
	(void)h;
	pair_require(!(e->what & TCP_CLOSED), "the connection ends");
}

static void on_event_of_receiver(struct pair_host *h, const struct tcp_event *e)
{
	if (!(e->what & TCP_READABLE))
		return;
	for (struct view v; (v = tcp_peek(h->tcp, e->conn)).len > 0;) {
		bench_keep(v.at[0]);
		n_read += v.len;
		tcp_consume(h->tcp, e->conn, (uint32_t)v.len);
	}
}

static void send_bulk(tcp_conn_id id, uint64_t n_bytes)
{
	uint64_t end = n_written + n_bytes;

	while (n_read < end) {
		uint64_t started = bench_now_ns();

		while (n_written < end && tcp_room(hosts[0].tcp, id) >= WRITE_BYTES) {
			pair_require(
				tcp_write(hosts[0].tcp, id, text, WRITE_BYTES) == 0, "no room");
			n_written += WRITE_BYTES;
		}
		hosts[0].busy_ns += bench_now_ns() - started;
		pair_turn(&hosts[0], now);
		pair_turn(&hosts[1], now);
		now += TURN_NS;
	}
}

static void time_case(enum pair_offload offload, const char *const names[3])
{
	uint64_t n_bytes = bench_quick() ? BULK_BYTES / 50 : BULK_BYTES;
	struct bench_samples ends[2] = {0}, both = {0};
	struct tcp_config config;
	tcp_conn_id id;

	tcp_config_default(&config, 16);
	config.chunk_bytes = 1460;
	config.n_chunks = 4096;
	config.send_bytes_max = config.receive_bytes_max = BUFFER_BYTES;
	pair_open(hosts, &config, offload, now);
	hosts[0].on_event = on_event_of_sender;
	hosts[1].on_event = on_event_of_receiver;
	id = pair_dial(hosts, 0, now);
	pair_settle(hosts, now);
	n_bytes -= n_bytes % WRITE_BYTES;
	n_written = n_read = 0;
	for (unsigned run = 0; run <= BENCH_RUNS; run++) {
		pair_reset(hosts);
		send_bulk(id, n_bytes);
		if (run == 0) // the window opens
			continue;
		for (unsigned i = 0; i < 2; i++)
			bench_add(&ends[i], (double)hosts[i].busy_ns * 1460 / (double)n_bytes);
		bench_add(&both,
			(double)(hosts[0].busy_ns + hosts[1].busy_ns) * 1460 / (double)n_bytes);
	}
	// Eight bits a byte, so that GB/s becomes Gb/s.
	bench_report(names[0], &ends[0], 1460 * 8, "Gb/s", NULL, NULL);
	bench_report(names[1], &ends[1], 1460 * 8, "Gb/s", NULL, NULL);
	bench_report(names[2], &both, 1460 * 8, "Gb/s", NULL, NULL);
	pair_close(hosts);
}

int main(int argc, char **argv)
{
	static const char *const device[3] = {
		"sender, device sums and cuts", "receiver, device sums", "both, device"};
	static const char *const software[3] = {
		"sender, software", "receiver, software", "both, software"};

	bench_init(argc, argv, "tcp_bulk");
	time_case(PAIR_DEVICE, device);
	time_case(PAIR_SOFTWARE, software);
	return 0;
}
