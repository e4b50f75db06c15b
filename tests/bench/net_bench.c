// SPDX-License-Identifier: BSD-3-Clause
// One frame from Ethernet to its datagram, and one payload from UDP to Ethernet, half of them
// IPv6, checksums in software. DESIGN section 10 gives each way 60 ns beside burst and TCP.

#include "bench.h"
#include "tests/unit/dataplane/net/world.h"

#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>

#define N_FRAMES      512
#define PAYLOAD_BYTES 512

static struct rte_mbuf *packets[N_FRAMES];
static uint16_t data_off[N_FRAMES], data_len[N_FRAMES];

static void require(bool holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "net: %s\n", what);
		exit(1);
	}
}

static void keep_shapes(void)
{
	for (unsigned i = 0; i < N_FRAMES; i++) {
		data_off[i] = packets[i]->data_off;
		data_len[i] = packets[i]->data_len;
	}
}

// As they were before headers were taken off or put on.
static void restore_shapes(void)
{
	for (unsigned i = 0; i < N_FRAMES; i++) {
		packets[i]->data_off = data_off[i];
		packets[i]->data_len = data_len[i];
		packets[i]->pkt_len = data_len[i];
		packets[i]->ol_flags = 0;
	}
}

static void make_frames(void)
{
	static uint8_t frame[WORLD_FRAME_MAX], payload[PAYLOAD_BYTES];

	for (unsigned i = 0; i < N_FRAMES; i++) {
		struct frame_path path = i % 2 ? world_path(0, "2001:db8::9", "2001:db8::1")
					       : world_path(0, "192.0.2.9", "192.0.2.1");

		memset(payload, (int)i, sizeof(payload));
		packets[i] = world_packet_of(view_of(frame,
			frame_udp(frame, &path, (uint16_t)(1024 + i), 5060,
				view_of(payload, sizeof(payload)))));
	}
	keep_shapes();
}

static double time_input(unsigned n_rounds)
{
	static struct net_arrivals out;
	uint64_t ns = 0, started;
	unsigned n_out = 0;

	for (unsigned round = 0; round < n_rounds; round++) {
		restore_shapes();
		started = bench_now_ns();
		for (unsigned i = 0; i < N_FRAMES; i += QUEUE_BURST) {
			net_input(world.net, 0, packets + i, QUEUE_BURST, world.now, &out);
			n_out += out.n_datagrams;
		}
		ns += bench_now_ns() - started;
	}
	require(n_out == n_rounds * N_FRAMES, "not every frame became a datagram");
	return (double)ns / n_out;
}

static double time_output(unsigned n_rounds, const struct endpoint to[2])
{
	uint64_t ns = 0, started;
	unsigned n_sent = 0;

	for (unsigned round = 0; round < n_rounds; round++) {
		restore_shapes();
		started = bench_now_ns();
		for (unsigned i = 0; i < N_FRAMES; i++)
			net_output(world.net, packets[i], i % 2, &to[i % 2], world.now);
		ns += bench_now_ns() - started;
		n_sent += world.n_sent;
		world.n_sent = 0;
	}
	require(n_sent == n_rounds * N_FRAMES, "not every payload became a frame");
	return (double)ns / n_sent;
}

// Both neighbours answer once, so that nothing waits.
static void resolve(const struct endpoint to[2])
{
	for (unsigned i = 0; i < 2; i++) {
		struct net_neighbour n = {.ip = to[i].ip, .answers = true, .override = true};

		world_mac_of(&to[i].ip, n.mac.addr_bytes);
		net_output(world.net, world_packet_of(VIEW("x")), (uint16_t)i, &to[i], world.now);
		net_learn(world.net, &n, world.now);
	}
	world_forget_sent();
}

int main(int argc, char **argv)
{
	const unsigned n_rounds = 200;
	struct bench_samples in = {0}, out = {0};
	struct endpoint to[2];

	bench_init(argc, argv, "net");
	world_start("net_bench");
	world_open();
	to[0] = (struct endpoint){.ip = world_ip("192.0.2.9"), .port = 5060};
	to[1] = (struct endpoint){.ip = world_ip("2001:db8::9"), .port = 5060};
	make_frames();
	for (unsigned run = 0; run < BENCH_RUNS; run++)
		bench_add(&in, time_input(bench_quick() ? 2 : n_rounds));
	bench_report("in_512", &in, 1e9, "frames/s", NULL, NULL);
	rte_pktmbuf_free_bulk(packets, N_FRAMES);

	resolve(to);
	for (unsigned i = 0; i < N_FRAMES; i++) {
		static uint8_t payload[PAYLOAD_BYTES];

		packets[i] = world_packet_of(view_of(payload, sizeof(payload)));
	}
	keep_shapes();
	for (unsigned run = 0; run < BENCH_RUNS; run++)
		bench_add(&out, time_output(bench_quick() ? 2 : n_rounds, to));
	bench_report("out_512", &out, 1e9, "frames/s", NULL, NULL);
	rte_pktmbuf_free_bulk(packets, N_FRAMES);
	require(world_close(), "packets are missing from their pools");
	return 0;
}
