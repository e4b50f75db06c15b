// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/newcomers.h"

#include "lib/base/wire.h"
#include "lib/net/ether.h"
#include "lib/net/ip.h"
#include "lib/net/tcp.h"
#include "tests/bench/slow_wire.h"

#include <rte_cycles.h>
#include <stdlib.h>

#define MTU        1500
#define N_CONNS    4096
#define N_FRAMES   16383
#define FIRST_PORT 10000
#define N_PORTS    50000
#define FRAME_MAX  128 // none carries more than a ping

static const uint8_t address[4] = {192, 0, 2, 3}, gateway[4] = {192, 0, 2, 254};
static const uint8_t mac[ETHER_MAC_BYTES] = {0x02, 0, 0, 0, 0, 0x11};

struct newcomers {
	struct relay_world *world;
	struct rte_mempool *pool;
	struct tcp *tcp;
	void *memory;
	uint64_t reasons[REASON_N];
	double rate;
	uint64_t start, n_due, n_ports, next_timers;
	uint64_t begun_ns[N_PORTS]; // by source port; 0: not under way
	struct newcomers_counts counts;
};

__attribute__((noreturn)) static void give_up(const char *what)
{
	fprintf(stderr, "bench: newcomers: %s\n", what);
	exit(1);
}

static uint64_t now_ns(const struct newcomers *n)
{
	return worker_ns(n->world->worker, rte_rdtsc());
}

struct newcomers *newcomers_open(struct relay_world *w)
{
	struct newcomers *n = calloc(1, sizeof(*n));
	struct tcp_config config;
	size_t n_bytes;

	if (n == NULL)
		give_up("no memory");
	n->world = w;
	n->pool = rte_pktmbuf_pool_create("newcomers", N_FRAMES, 256, 0, 256, SOCKET_ID_ANY);
	tcp_config_default(&config, N_CONNS);
	config.key = (struct siphash_key){5, 6};
	config.time_wait_s = 1;
	n_bytes = tcp_memory_bytes(&config);
	n->memory =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(n_bytes, RTE_CACHE_LINE_SIZE));
	if (n->pool == NULL || n->memory == NULL)
		give_up("no memory");
	memset(n->memory, 0, n_bytes);
	n->tcp = tcp_init(n->memory, &config, n->reasons, now_ns(n));
	if (n->tcp == NULL)
		give_up("the engine does not start");
	return n;
}

void newcomers_close(struct newcomers *n)
{
	rte_mempool_free(n->pool);
	free(n->memory);
	free(n);
}

void newcomers_pace(struct newcomers *n, double rate)
{
	n->rate = rate;
	n->start = rte_rdtsc();
	n->n_due = 0;
	n->counts = (struct newcomers_counts){0};
}

void newcomers_stop(struct newcomers *n)
{
	n->rate = 0;
}

static void begin(struct newcomers *n)
{
	uint32_t port = (uint32_t)(n->n_ports++ % N_PORTS);
	struct endpoint local = {.ip = {.family = IP_V4},
		.port = (uint16_t)(FIRST_PORT + port),
		.transport = TRANSPORT_TCP};
	const struct endpoint relay = {.ip = {.bytes = {192, 0, 2, 1}, .family = IP_V4},
		.port = 5060,
		.transport = TRANSPORT_TCP};
	uint64_t now = now_ns(n);
	tcp_conn_id id;

	memcpy(local.ip.bytes, address, sizeof(address));
	n->counts.n_begun++;
	if (tcp_open(n->tcp, &local, &relay, MTU, 0, now, &id) < 0 ||
		!tcp_set_user(n->tcp, id, port + 1)) {
		n->counts.n_failed++;
		return;
	}
	n->begun_ns[port] = now;
}

static void take_event(struct newcomers *n, const struct tcp_event *e)
{
	uint64_t *begun = &n->begun_ns[e->user - 1];

	if ((e->what & TCP_CLOSED) != 0) {
		n->counts.n_failed += *begun != 0;
		*begun = 0;
		return;
	}
	if ((e->what & TCP_OPENED) != 0)
		(void)tcp_write(n->tcp, e->conn, "\r\n\r\n", 4);
	if (tcp_readable(n->tcp, e->conn) >= 2 && *begun != 0) {
		n->counts.n_answered++;
		histogram_add(&n->counts.latency, now_ns(n) - *begun);
		*begun = 0;
		tcp_consume(n->tcp, e->conn, tcp_readable(n->tcp, e->conn));
		tcp_close(n->tcp, e->conn, now_ns(n));
	}
}

static void send_segment(struct newcomers *n, const struct tcp_packet *out)
{
	size_t n_segment = out->header_bytes + (size_t)out->payload_bytes, at_payload;
	struct ip_header h = {.source = out->local,
		.destination = out->remote,
		.payload_bytes = (uint16_t)n_segment,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = 64,
		.dont_fragment = true};
	struct rte_mbuf *m = rte_pktmbuf_alloc(n->pool);
	uint64_t now = rte_rdtsc();
	uint8_t *at, *segment;

	if (m == NULL || ETHER_BYTES + IPV4_BYTES + n_segment > FRAME_MAX) {
		rte_pktmbuf_free(m);
		return;
	}
	at = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(ETHER_BYTES + IPV4_BYTES + n_segment));
	segment = at + ETHER_BYTES + IPV4_BYTES;
	ether_build(
		at, n->world->ports[RELAY_WORLD_OUTSIDE].mac.addr_bytes, mac, 0, ETHER_TYPE_IPV4);
	ipv4_build(at + ETHER_BYTES, &h);
	memcpy(segment, out->header, out->header_bytes);
	at_payload = out->header_bytes;
	for (unsigned i = 0; i < out->n_parts; i++) {
		memcpy(segment + at_payload, out->parts[i].at, out->parts[i].len);
		at_payload += out->parts[i].len;
	}
	tcp_checksum_fill(segment, n_segment, &out->local, &out->remote);
	slow_wire_stamp(m, now, now);
	if (rte_ring_sp_enqueue(n->world->rx[RELAY_WORLD_OUTSIDE], m) != 0)
		rte_pktmbuf_free(m);
}

void newcomers_turn(struct newcomers *n)
{
	uint64_t now = rte_rdtsc();
	struct tcp_packet out;
	struct tcp_event event;

	if ((double)n->n_due < (double)(now - n->start) * n->rate / (double)rte_get_tsc_hz()) {
		n->n_due++;
		begin(n);
	}
	if (now >= n->next_timers) {
		tcp_timers(n->tcp, now_ns(n), 1024);
		n->next_timers = now + rte_get_tsc_hz() / 1000;
	}
	while (tcp_next_event(n->tcp, &event))
		take_event(n, &event);
	while (tcp_output(n->tcp, now_ns(n), TCP_OUTPUT_ALL, 0, &out))
		send_segment(n, &out);
}

bool newcomers_take(struct newcomers *n, const struct rte_mbuf *frame)
{
	const uint8_t *at = rte_pktmbuf_mtod(frame, const uint8_t *);
	struct tcp_segment s;
	struct ip_header h;
	struct view packet;

	if (rte_pktmbuf_data_len(frame) < ETHER_BYTES + IPV4_BYTES ||
		wire_get16(at + 12) != ETHER_TYPE_IPV4 ||
		memcmp(at + ETHER_BYTES + 16, address, sizeof(address)) != 0)
		return false;
	packet = view_of(at + ETHER_BYTES, rte_pktmbuf_data_len(frame) - ETHER_BYTES);
	if (ipv4_parse(packet, &h) != REASON_none || h.protocol != IP_PROTOCOL_TCP)
		give_up("a frame that is none of TCP's");
	packet = view_of(packet.at + h.n_bytes, h.payload_bytes);
	if (!tcp_checksum_holds(packet, &h) || tcp_segment_parse(packet, &s) != REASON_none)
		give_up("a wrong checksum");
	s.local.ip = h.destination;
	s.remote.ip = h.source;
	tcp_input_burst(n->tcp, &s, 1, now_ns(n));
	return true;
}

unsigned newcomers_waiting(const struct newcomers *n)
{
	return (unsigned)(n->counts.n_begun - n->counts.n_answered - n->counts.n_failed);
}

const struct newcomers_counts *newcomers_counts(const struct newcomers *n)
{
	return &n->counts;
}

void newcomers_teach(struct relay_world *w)
{
	const uint8_t *const addresses[] = {address, gateway};

	for (unsigned i = 0; i < 2; i++) {
		struct net_neighbour neighbour = {.port = RELAY_WORLD_OUTSIDE,
			.ip = {.family = IP_V4},
			.answers = true,
			.override = true};

		memcpy(neighbour.ip.bytes, addresses[i], 4);
		memcpy(neighbour.mac.addr_bytes, mac, ETHER_MAC_BYTES);
		net_learn(w->worker->net, &neighbour, rte_rdtsc());
	}
}
