// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/tcp_pair.h"

#include "tests/bench/bench.h"
#include "tests/sim/packet.h"

#include <stdio.h>
#include <stdlib.h>

#define QUEUE_BYTES   (16 << 20)
#define QUEUE_PACKETS 65536
#define UNCUT_BYTES   (PACKET_HEADERS_MAX + UINT16_MAX)
#define PAYLOAD_MAX   62000 // of a packet that a device cuts, so that IPv4's length holds
#define PORTS         50000
#define FIRST_PORT    10000
#define TIMERS_BUDGET 256

void pair_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void queue_open(struct pair_queue *q)
{
	q->room = QUEUE_BYTES;
	q->n_max = QUEUE_PACKETS;
	q->bytes = malloc(q->room);
	q->ends = calloc(q->n_max, sizeof(*q->ends));
	pair_require(q->bytes != NULL && q->ends != NULL, "no memory for packets");
	// So that no page is touched for the first time while the clock runs.
	memset(q->bytes, 0, q->room);
}

void pair_open(struct pair_host hosts[2], const struct tcp_config *config,
	enum pair_offload offload, uint64_t now)
{
	struct endpoint listen = {.port = PAIR_PORT, .transport = TRANSPORT_TCP};

	for (unsigned i = 0; i < 2; i++) {
		struct pair_host *h = &hosts[i];

		*h = (struct pair_host){.peer = &hosts[!i], .offload = offload};
		h->ip = (struct ip_addr){.family = IP_V4, .bytes = {192, 0, 2, (uint8_t)(1 + i)}};
		h->memory_bytes = tcp_memory_bytes(config);
		h->memory = aligned_alloc(64, (h->memory_bytes + 63) / 64 * 64);
		h->uncut = malloc(UNCUT_BYTES);
		pair_require(h->memory_bytes > 0 && h->memory != NULL && h->uncut != NULL,
			"no memory for an engine, or sizes out of range");
		memset(h->memory, 0, h->memory_bytes);
		h->tcp = tcp_init(h->memory, config, h->counters, now);
		pair_require(h->tcp != NULL, "the engine refuses its sizes");
		queue_open(&h->in);
	}
	listen.ip = hosts[1].ip;
	pair_require(tcp_listen(hosts[1].tcp, &listen, PAIR_MTU, 0) == 0, "a listener is refused");
}

void pair_close(struct pair_host hosts[2])
{
	for (unsigned i = 0; i < 2; i++) {
		free(hosts[i].memory);
		free(hosts[i].uncut);
		free(hosts[i].in.bytes);
		free(hosts[i].in.ends);
	}
}

void pair_reset(struct pair_host hosts[2])
{
	for (unsigned i = 0; i < 2; i++)
		hosts[i].busy_ns = hosts[i].n_in = hosts[i].n_out = 0;
}

static void take_packets(struct pair_host *h, uint64_t now)
{
	struct tcp_segment burst[TCP_BURST];
	uint32_t from = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < h->in.n; i++) {
		struct view packet = view_of(h->in.bytes + from, h->in.ends[i] - from);
		enum reason reason = h->offload == PAIR_DEVICE
			? packet_parse_checked(packet, &burst[n])
			: packet_parse(packet, &burst[n]);

		from = h->in.ends[i];
		pair_require(reason == REASON_none, "a packet is damaged");
		if (++n == TCP_BURST || i + 1 == h->in.n) {
			tcp_input_burst(h->tcp, burst, n, now);
			n = 0;
		}
	}
	h->n_in += h->in.n;
	h->in.n = 0;
	h->in.n_bytes = 0;
}

static void queue_push(struct pair_queue *q, const struct tcp_packet *p, unsigned i)
{
	pair_require(q->n < q->n_max && q->n_bytes + PACKET_HEADERS_MAX + PAIR_MTU <= q->room,
		"more packets than a queue holds");
	q->n_bytes += packet_build(q->bytes + q->n_bytes, p, i);
	q->ends[q->n++] = (uint32_t)q->n_bytes;
}

// The time that a device would take for its part is not ours.
static void device_cuts(struct pair_host *h, const struct tcp_packet *p)
{
	uint64_t started = bench_now_ns();

	for (unsigned i = 0; i < packet_segments(p); i++)
		queue_push(&h->peer->in, p, i);
	h->busy_ns -= bench_now_ns() - started;
}

static void give_packets(struct pair_host *h, uint64_t now)
{
	uint32_t payload_max = h->offload == PAIR_DEVICE ? PAYLOAD_MAX : PAIR_MTU;
	struct tcp_packet p;

	while (tcp_output(h->tcp, now, TCP_OUTPUT_ALL, payload_max, &p)) {
		h->n_out += packet_segments(&p);
		if (h->offload == PAIR_DEVICE && p.payload_bytes > p.segment_bytes) {
			bench_keep(packet_build_uncut(h->uncut, &p));
			device_cuts(h, &p);
		} else {
			queue_push(&h->peer->in, &p, 0);
		}
	}
}

void pair_turn(struct pair_host *h, uint64_t now)
{
	uint64_t started = bench_now_ns();
	struct tcp_event e;

	take_packets(h, now);
	tcp_timers(h->tcp, now, TIMERS_BUDGET);
	while (tcp_next_event(h->tcp, &e))
		h->on_event(h, &e);
	give_packets(h, now);
	h->busy_ns += bench_now_ns() - started;
}

void pair_settle(struct pair_host hosts[2], uint64_t now)
{
	do {
		pair_turn(&hosts[0], now);
		pair_turn(&hosts[1], now);
	} while (hosts[0].in.n > 0 || hosts[1].in.n > 0);
}

void pair_client(unsigned n, struct endpoint *local)
{
	*local = (struct endpoint){.transport = TRANSPORT_TCP};
	local->ip = (struct ip_addr){
		.family = IP_V4, .bytes = {10, (uint8_t)(n / PORTS >> 8), (uint8_t)(n / PORTS), 1}};
	local->port = (uint16_t)(FIRST_PORT + n % PORTS);
}

tcp_conn_id pair_dial(struct pair_host hosts[2], unsigned n, uint64_t now)
{
	struct endpoint local, remote = {.port = PAIR_PORT, .transport = TRANSPORT_TCP};
	tcp_conn_id id = 0;

	pair_client(n, &local);
	remote.ip = hosts[1].ip;
	pair_require(tcp_open(hosts[0].tcp, &local, &remote, PAIR_MTU, 0, now, &id) == 0,
		"a connection cannot be opened");
	return id;
}
