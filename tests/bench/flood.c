// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/flood.h"

#include "lib/base/wire.h"
#include "lib/net/ether.h"
#include "lib/net/ip.h"
#include "lib/net/tcp.h"
#include "lib/tcp/segment.h"
#include "tests/bench/slow_wire.h"

#include <rte_cycles.h>
#include <stdlib.h>

#define BURST      64
#define N_FRAMES   16383
#define SYN_BYTES  20
#define FIRST_HOST 0x0b000000 // 11.0.0.0

void flood_open(struct flood *f, struct relay_world *w)
{
	*f = (struct flood){.world = w};
	f->pool = rte_pktmbuf_pool_create("flood", N_FRAMES, 256, 0, 256, SOCKET_ID_ANY);
	if (f->pool == NULL) {
		fprintf(stderr, "bench: flood: no memory\n");
		exit(1);
	}
}

void flood_close(struct flood *f)
{
	rte_mempool_free(f->pool);
}

static void build_syn(const struct relay_world *w, uint32_t number, uint8_t *at)
{
	static const uint8_t gateway[ETHER_MAC_BYTES] = {0x02, 0, 0, 0, 0, 0x11};
	struct ip_header h = {.destination = {.bytes = {192, 0, 2, 1}, .family = IP_V4},
		.source = {.family = IP_V4},
		.payload_bytes = SYN_BYTES,
		.protocol = IP_PROTOCOL_TCP,
		.hop_limit = 60};
	uint8_t *segment = at + ETHER_BYTES + IPV4_BYTES;

	wire_put32(h.source.bytes, FIRST_HOST | (number * 0x9e3779b1) >> 8);
	ether_build(at, w->ports[RELAY_WORLD_OUTSIDE].mac.addr_bytes, gateway, 0, ETHER_TYPE_IPV4);
	ipv4_build(at + ETHER_BYTES, &h);
	memset(segment, 0, SYN_BYTES);
	wire_put16(segment, (uint16_t)(1024 + number % 60000));
	wire_put16(segment + 2, 5060);
	wire_put32(segment + 4, number);
	segment[12] = SYN_BYTES / 4 << 4;
	segment[13] = TCP_SYN;
	wire_put16(segment + 14, 65535);
	tcp_checksum_fill(segment, SYN_BYTES, &h.source, &h.destination);
}

void flood_send(struct flood *f, unsigned n)
{
	const uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(f->pool);

		if (m != NULL) {
			rte_pktmbuf_append(m, ETHER_BYTES + IPV4_BYTES + SYN_BYTES);
			build_syn(f->world, (uint32_t)(f->n_sent + f->n_lost),
				rte_pktmbuf_mtod(m, uint8_t *));
			slow_wire_stamp(m, now, now);
		}
		if (m != NULL && rte_ring_sp_enqueue(f->world->rx[RELAY_WORLD_OUTSIDE], m) == 0) {
			f->n_sent++;
		} else {
			rte_pktmbuf_free(m);
			f->n_lost++;
		}
	}
}

void flood_pace(struct flood *f, double rate)
{
	f->rate = rate;
	f->start = rte_rdtsc();
	f->n_due = f->n_sent = f->n_lost = 0;
}

void flood_turn(struct flood *f)
{
	uint64_t n;

	if (f->rate == 0)
		return;
	n = (uint64_t)((double)(rte_rdtsc() - f->start) * f->rate / (double)rte_get_tsc_hz()) -
		f->n_due;
	n = n < BURST ? n : BURST;
	f->n_due += n;
	flood_send(f, (unsigned)n);
}
