// SPDX-License-Identifier: BSD-3-Clause
// What loss makes of the engine, without the noise of a machine: two engines in virtual time over
// tests/sim's wire, 20 ms each way, many seeds. Bulk: goodput of one connection, next to what
// Mathis, Semke, Mahdavi and Ott (1997) give a Reno sender of the same segments and loss, each
// sample the mean of several streams. Thin: how late messages of 512 bytes are, 1000 a second.
// The same figures on every machine: what changes them is a change of the engine.

#include "tests/bench/bench.h"
#include "tests/bench/tcp_pair.h"
#include "tests/sim/packet.h"
#include "tests/sim/wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DELAY_US       20000
#define BUFFER_BYTES   (4u << 20)
#define SEGMENT_BYTES  1448 // with timestamps, over Ethernet
#define WRITE_BYTES    65536
#define STREAMS_A_RUN  8
#define RUNS           25
#define MESSAGE_BYTES  512
#define MESSAGES_PER_S 1000
#define MESSAGES       10000
#define TIMERS_NS      1000000
#define TIMERS_BUDGET  64
#define BYTES_PER_MS   125000                 // 1 Gb/s: never full, but segments arrive one by one
#define NEVER_NS       (3600 * 1000000000ull) // longer than any run takes

struct end {
	struct tcp *tcp;
	void *memory;
	struct ip_addr ip;
	uint64_t counters[REASON_N];
	tcp_conn_id conn;
};

static struct end ends[2]; // who sends, who reads
static struct wire wire;
static uint64_t now, n_read;
static uint8_t bytes[WRITE_BYTES];

static void end_open(struct end *e, unsigned index)
{
	struct endpoint listen = {.port = PAIR_PORT, .transport = TRANSPORT_TCP};
	struct tcp_config config;
	size_t n_bytes;

	tcp_config_default(&config, 4);
	config.chunk_bytes = 1460;
	config.n_chunks = 8192;
	config.send_bytes_max = config.receive_bytes_max = BUFFER_BYTES;
	n_bytes = tcp_memory_bytes(&config);
	// Not touched, for most of it is never used.
	*e = (struct end){.memory = calloc(1, n_bytes + 63)};
	pair_require(n_bytes > 0 && e->memory != NULL, "no memory for an engine");
	e->tcp = tcp_init(
		(void *)(((uintptr_t)e->memory + 63) / 64 * 64), &config, e->counters, now);
	pair_require(e->tcp != NULL, "the engine refuses its sizes");
	e->ip = (struct ip_addr){.family = IP_V4, .bytes = {192, 0, 2, (uint8_t)(1 + index)}};
	listen.ip = e->ip;
	pair_require(tcp_listen(e->tcp, &listen, PAIR_MTU, 0) == 0, "a listener is refused");
}

static void open_both(uint64_t seed, uint32_t loss)
{
	struct wire_way way = {.delay_us = DELAY_US,
		.loss = loss,
		.mtu = PAIR_MTU,
		.bytes_per_ms = BYTES_PER_MS,
		.queue_bytes = 2 * BUFFER_BYTES};
	struct endpoint local = {.port = PAIR_PORT + 1, .transport = TRANSPORT_TCP};
	struct endpoint remote = {.port = PAIR_PORT, .transport = TRANSPORT_TCP};

	now = 1000000000;
	n_read = 0;
	wire_init(&wire, seed);
	wire.ways[0] = wire.ways[1] = way;
	end_open(&ends[0], 0);
	end_open(&ends[1], 1);
	local.ip = ends[0].ip;
	remote.ip = ends[1].ip;
	pair_require(tcp_open(ends[0].tcp, &local, &remote, PAIR_MTU, 0, now, &ends[0].conn) == 0,
		"a connection cannot be opened");
}

static void close_both(void)
{
	wire_fini(&wire);
	free(ends[0].memory);
	free(ends[1].memory);
}

static void receive(void)
{
	struct wire_packet *p;
	struct tcp_segment s;

	while ((p = wire_take(&wire, now)) != NULL) {
		pair_require(packet_parse(view_of(p->bytes, p->n_bytes), &s) == REASON_none,
			"a packet is damaged");
		tcp_input_burst(ends[p->to].tcp, &s, 1, now);
		free(p);
	}
}

static void take_events(unsigned index)
{
	struct end *e = &ends[index];
	struct tcp_event event;

	while (tcp_next_event(e->tcp, &event)) {
		pair_require(!(event.what & TCP_CLOSED), "a connection ends");
		if (index == 1 && (event.what & TCP_READABLE)) {
			uint32_t n = tcp_readable(e->tcp, event.conn);

			n_read += n;
			tcp_consume(e->tcp, event.conn, n);
		}
	}
}

static void send_out(unsigned index)
{
	static uint8_t packet[PACKET_HEADERS_MAX + PAIR_MTU];
	struct tcp_packet p;

	while (tcp_output(ends[index].tcp, now, TCP_OUTPUT_ALL, 0, &p))
		wire_send(&wire, !index, packet, packet_build(packet, &p, 0), now);
}

// From one moment at which something is to be done to the next, but no later than until.
static void turn(uint64_t *timers_ns, uint64_t until)
{
	uint64_t next;

	for (unsigned i = 0; i < 2; i++)
		send_out(i);
	next = wire_next_ns(&wire);
	next = next < *timers_ns ? next : *timers_ns;
	now = next < until ? next : until;
	pair_require(now < NEVER_NS, "a stream does not end");
	receive();
	if (now >= *timers_ns) {
		tcp_timers(ends[0].tcp, now, TIMERS_BUDGET);
		tcp_timers(ends[1].tcp, now, TIMERS_BUDGET);
		*timers_ns = now + TIMERS_NS;
	}
	take_events(0);
	take_events(1);
}

// Nanoseconds from the SYN to the last of n_bytes.
static uint64_t time_stream(uint64_t seed, uint32_t loss, uint64_t n_bytes)
{
	uint64_t n_written = 0, started, timers_ns, ns;

	open_both(seed, loss);
	started = timers_ns = now;
	while (n_read < n_bytes) {
		while (n_written < n_bytes) {
			uint64_t n = n_bytes - n_written;

			n = n < WRITE_BYTES ? n : WRITE_BYTES;
			if (tcp_write(ends[0].tcp, ends[0].conn, bytes, (uint32_t)n) != 0)
				break;
			n_written += n;
		}
		turn(&timers_ns, NEVER_NS);
	}
	ns = now - started;
	close_both();
	return ns;
}

static void bulk(uint32_t loss, uint64_t n_bytes, const char *name)
{
	struct bench_samples samples = {0}, mathis = {0};
	unsigned n_runs = bench_quick() ? 3 : RUNS;

	for (unsigned run = 0; run < n_runs; run++) {
		uint64_t ns = 0;

		for (unsigned i = 0; i < STREAMS_A_RUN; i++)
			ns += time_stream(1 + run * STREAMS_A_RUN + i, loss, n_bytes);
		bench_add(&samples, (double)ns / STREAMS_A_RUN / (double)n_bytes);
	}
	// RTT / (MSS * sqrt(3/2) / sqrt(p))
	bench_add(&mathis, 2e3 * DELAY_US / (SEGMENT_BYTES * sqrt(1.5 / (loss / 1e4))));
	bench_report(name, &samples, 8e3, "Mb/s", "Mathis", &mathis);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void thin(uint32_t loss, const char *name)
{
	static double late_ms[MESSAGES * STREAMS_A_RUN];
	unsigned n_late = 0, n_streams = bench_quick() ? 1 : STREAMS_A_RUN;
	char line[96];

	for (unsigned i = 0; i < n_streams; i++) {
		uint64_t timers_ns, first_ns;
		unsigned n_written = 0, n_come = 0;

		open_both(1 + i, loss);
		timers_ns = first_ns = now;
		while (n_come < MESSAGES) {
			uint64_t due = first_ns + n_written * (1000000000ull / MESSAGES_PER_S);

			if (n_written < MESSAGES && now >= due) {
				pair_require(tcp_write(ends[0].tcp, ends[0].conn, bytes,
						     MESSAGE_BYTES) == 0,
					"no room");
				n_written++;
				continue;
			}
			turn(&timers_ns, n_written < MESSAGES ? due : NEVER_NS);
			for (; n_come < n_read / MESSAGE_BYTES; n_come++)
				late_ms[n_late++] = (double)(now - first_ns) / 1e6 -
					n_come * (1e3 / MESSAGES_PER_S);
		}
		close_both();
	}
	qsort(late_ms, n_late, sizeof(late_ms[0]), compare);
	snprintf(line, sizeof(line), "%s, p50 late", name);
	bench_report_size(line, late_ms[n_late / 2], "ms");
	snprintf(line, sizeof(line), "%s, p99 late", name);
	bench_report_size(line, late_ms[n_late / 100 * 99], "ms");
}

int main(int argc, char **argv)
{
	bench_init(argc, argv, "tcp_path");
	bulk(10, 6000000, "0.1 % loss");
	bulk(100, 1500000, "1 % loss");
	bulk(100, 6000000, "1 % loss, long");
	bulk(300, 750000, "3 % loss");
	bulk(300, 6000000, "3 % loss, long");
	bulk(1000, 750000, "10 % loss");
	thin(100, "1 % loss, thin");
	thin(300, "3 % loss, thin");
	return 0;
}
