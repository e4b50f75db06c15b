// SPDX-License-Identifier: BSD-3-Clause
// Frames as a wire may bring them, several in one input, to a net with two ports. Each is: one byte
// of flags, one of length (times eight, less three bits of the flags), and its bytes.
//
// Holds that every frame has exactly one outcome, that what is sent is a frame within the MTU, and
// that every packet comes back to its pool.

#include "lib/base/wire.h"
#include "lib/net/checksum.h"
#include "lib/net/tcp.h"
#include "tests/unit/dataplane/net/world.h"

#include <stdlib.h>

#define FRAMES_MAX 32

#define FLAG_PORT      0x01 // the tagged one
#define FLAG_REPAIR    0x02 // with checksums made good, so that what lies behind them is reached
#define FLAG_LATER     0x04 // after the timers have run
#define FLAG_ANSWER    0x08 // a datagram is answered to its source
#define FLAG_SEGMENTS  0x10 // received in two segments
#define LENGTH_BITS(f) ((f) >> 5)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	world_start("frame_input_fuzz");
	world.map.tcp.n_conns = 1;
	return 0;
}

static void repair_payload(uint8_t *at, const struct ip_header *h)
{
	struct udp udp;
	uint16_t checksum;

	if (h->protocol == IP_PROTOCOL_UDP &&
		udp_parse(view_of(at, h->payload_bytes), &udp) == REASON_none) {
		memset(at + UDP_CHECKSUM_AT, 0, 2);
		udp_checksum_fill(at, &h->source, &h->destination);
	}
	if (h->protocol == IP_PROTOCOL_TCP && h->payload_bytes >= TCP_BYTES) {
		memset(at + TCP_CHECKSUM_AT, 0, 2);
		tcp_checksum_fill(at, h->payload_bytes, &h->source, &h->destination);
	}
	if (h->payload_bytes < ICMP_BYTES)
		return;
	if (h->protocol == IP_PROTOCOL_ICMP6 && h->source.family == IP_V6)
		icmp6_checksum_fill(at, h->payload_bytes, &h->source, &h->destination);
	if (h->protocol == IP_PROTOCOL_ICMP && h->source.family == IP_V4) {
		memset(at + 2, 0, 2);
		checksum = checksum_end(checksum_add(0, at, h->payload_bytes));
		memcpy(at + 2, &checksum, sizeof(checksum));
	}
}

static void repair(uint8_t *frame, size_t n_bytes)
{
	struct ether_header ether;
	struct ip_header h;
	struct view packet;
	enum reason reason;
	uint8_t *at;
	uint16_t checksum;

	if (ether_parse(view_of(frame, n_bytes), &ether) != REASON_none)
		return;
	at = frame + ether.n_bytes;
	packet = view_of(at, n_bytes - ether.n_bytes);
	if (ether.type == ETHER_TYPE_IPV4 && packet.len >= IPV4_BYTES) {
		memset(at + IPV4_CHECKSUM_AT, 0, 2);
		checksum = checksum_end(checksum_add(0, at, IPV4_BYTES));
		memcpy(at + IPV4_CHECKSUM_AT, &checksum, sizeof(checksum));
	}
	reason = ether.type == ETHER_TYPE_IPV4 ? ipv4_parse(packet, &h) : ipv6_parse(packet, &h);
	if (reason == REASON_none && !ip_is_fragment(&h))
		repair_payload(at + h.n_bytes, &h);
}

static void check_sent(void)
{
	struct ether_header ether;
	struct rte_mbuf *m;
	unsigned port;

	while ((m = world_next_sent(&port)) != NULL) {
		struct view frame = view_of(rte_pktmbuf_mtod(m, uint8_t *), m->data_len);

		require(m->nb_segs == 1 && m->pkt_len == m->data_len);
		require(ether_parse(frame, &ether) == REASON_none);
		require(ether.vlan == world.ports[port].vlan);
		require(frame.len - ether.n_bytes <= WORLD_MTU);
		rte_pktmbuf_free(m);
	}
}

static void check_segment(const struct net_segment *s)
{
	require(rte_pktmbuf_is_contiguous(s->packet));
	require(s->bytes.len >= TCP_BYTES);
	require(s->bytes.at >= rte_pktmbuf_mtod(s->packet, uint8_t *));
	require(s->bytes.at + s->bytes.len <=
		rte_pktmbuf_mtod_offset(s->packet, uint8_t *, s->packet->data_len));
	rte_pktmbuf_free(s->packet);
}

static void receive(uint8_t flags, struct view bytes)
{
	static uint8_t frame[256 * 8];
	struct net_datagram d;
	enum reason reason;

	memcpy(frame, bytes.at, bytes.len);
	if (flags & FLAG_REPAIR)
		repair(frame, bytes.len);
	if (flags & FLAG_LATER)
		world_pass(WORLD_HZ);
	world.split_at = flags & FLAG_SEGMENTS ? bytes.len / 3 : 0;
	reason = world_receive(flags & FLAG_PORT, view_of(frame, bytes.len), &d);
	require(reason != REASON_N);
	if (reason != REASON_none)
		return;
	if (world.arrivals.n_segments > 0) {
		check_segment(&world.arrivals.segments[0]);
		return;
	}
	require(rte_pktmbuf_is_contiguous(d.packet));
	require(d.payload.at >= rte_pktmbuf_mtod(d.packet, uint8_t *));
	require(d.payload.at + d.payload.len <=
		rte_pktmbuf_mtod_offset(d.packet, uint8_t *, d.packet->data_len));
	if (flags & FLAG_ANSWER)
		net_output(world.net, world_packet_of(d.payload), d.listener, &d.source, world.now);
	rte_pktmbuf_free(d.packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	world_open();
	for (unsigned i = 0; i < FRAMES_MAX && size >= 2; i++) {
		size_t n_bytes = data[1] * 8u + LENGTH_BITS(data[0]);

		if (n_bytes > size - 2)
			n_bytes = size - 2;
		receive(data[0], view_of(data + 2, n_bytes));
		check_sent();
		data += 2 + n_bytes;
		size -= 2 + n_bytes;
	}
	for (unsigned i = 0; i < 4; i++)
		world_pass(2 * WORLD_HZ);
	check_sent();
	require(world_close());
	return 0;
}
