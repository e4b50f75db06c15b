// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/tcp/conns.h"
#include "lib/base/wire.h"
#include "lib/net/tcp.h"
#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

#include <stdlib.h>

#define PEER      "192.0.2.9"
#define US        "192.0.2.1"
#define N_WORKERS 4

static struct conns *conns;
static uint64_t now_ns;

// What the peer knows of the connection.
static struct {
	uint16_t port;
	uint32_t seq, ack;
} peer;

static void introduce(void)
{
	static uint8_t frame[128];
	struct frame_path path = world_path(0, PEER, US);
	struct arp arp = {
		.operation = ARP_REQUEST, .sender_ip = path.source, .target_ip = path.destination};
	struct net_datagram d;

	memcpy(arp.sender_mac, path.source_mac, sizeof(arp.sender_mac));
	world_receive(0, view_of(frame, frame_arp(frame, &path, &arp)), &d);
	// The first packet to it also asks whether it is still there.
	world_send(0, PEER ":1", VIEW(""));
	world_forget_sent();
}

static void open_conns(unsigned worker)
{
	const struct conns_config config = {.map = &world.map,
		.ports = world.ports,
		.net = world.net,
		.queues = world.queues,
		.pools = &world.pools,
		.counters = &world.counters,
		.worker = worker,
		.numa_node = SOCKET_ID_ANY,
		.now_ns = now_ns};

	conns = conns_new(&config);
	assert_non_null(conns);
}

static int open_world(void **state)
{
	(void)state;
	now_ns = UINT64_C(1000000000);
	world.map.listeners[0].local.transport = TRANSPORT_TCP;
	tcp_config_default(&world.map.tcp, 64);
	world_open();
	introduce();
	open_conns(0);
	peer.port = 40000;
	peer.seq = 0xfffffff0;
	peer.ack = 0;
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	conns_free(conns);
	memset(&world.map.tcp, 0, sizeof(world.map.tcp));
	world.map.listeners[0].local.transport = TRANSPORT_UDP;
	for (unsigned i = 0; i < 2; i++) {
		world.ports[i].tx_tcp_segmentation = false;
		world.ports[i].tx_tcp_checksum = false;
		world.ports[i].tx_ip_checksum = false;
	}
	return world_close() ? 0 : -1;
}

// A segment of the peer, through net and the engine.
static void receive(uint8_t flags, struct view payload)
{
	static uint8_t frame[2048];
	struct frame_path path = world_path(0, PEER, US);
	struct tcp_segment s = {.local = {.port = peer.port},
		.remote = {.port = 5060},
		.seq = peer.seq,
		.ack = peer.ack,
		.window = 65535,
		.flags = flags};
	uint8_t bytes[1600];
	struct net_datagram d;
	size_t n;

	n = tcp_segment_build(bytes, &s);
	if (payload.len > 0)
		memcpy(bytes + n, payload.at, payload.len);
	n += payload.len;
	tcp_checksum_fill(bytes, n, &path.source, &path.destination);
	n = frame_ip(frame, &path, IP_PROTOCOL_TCP, IP_HOP_LIMIT, view_of(bytes, n));
	assert_int_equal(world_receive(0, view_of(frame, n), &d), REASON_none);
	conns_input(conns, &world.arrivals, now_ns);
	peer.seq += tcp_segment_length(&s) + (uint32_t)payload.len;
}

// The next segment that was sent, with a right checksum; the packet is the caller's.
static struct rte_mbuf *next_sent(struct tcp_segment *s)
{
	struct rte_mbuf *packet;
	struct ip_header h;
	struct view ip;
	unsigned port;

	conns_output(conns, world.now, now_ns);
	packet = world_next_sent(&port);
	if (packet == NULL)
		return NULL;
	ip = view_of(rte_pktmbuf_mtod_offset(packet, const uint8_t *, ETHER_BYTES),
		packet->data_len - ETHER_BYTES);
	if (packet->nb_segs > 1)
		return packet;
	assert_int_equal(ipv4_parse(ip, &h), REASON_none);
	ip = view_of(ip.at + h.n_bytes, h.payload_bytes);
	assert_true(tcp_checksum_holds(ip, &h));
	assert_int_equal(tcp_segment_parse(ip, s), REASON_none);
	return packet;
}

// Shakes hands as the client; the accepted connection.
static tcp_conn_id connect_to_us(void)
{
	struct tcp_segment s;
	struct tcp_event event;
	struct rte_mbuf *packet;

	receive(TCP_SYN, VIEW_NONE);
	packet = next_sent(&s);
	assert_non_null(packet);
	assert_int_equal(s.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(s.ack, peer.seq);
	assert_int_equal(s.remote.port, 5060);
	peer.ack = s.seq + 1;
	rte_pktmbuf_free(packet);
	receive(TCP_ACK, VIEW_NONE);
	assert_true(tcp_next_event(conns_engine(conns), &event));
	assert_true(event.what & TCP_OPENED);
	assert_int_equal(event.listener, 0);
	return event.conn;
}

static void a_listener_of_tls_takes_connections(void **state)
{
	(void)state;
	conns_free(conns);
	world.map.listeners[0].local.transport = TRANSPORT_TLS;
	open_conns(0);
	connect_to_us();
}

static void a_listener_takes_no_more_of_a_source_than_the_map_says(void **state)
{
	struct rte_mbuf *packet;
	struct tcp_segment s;

	(void)state;
	conns_free(conns);
	world.map.tcp.n_sources = world.map.tcp.n_conns;
	world.map.listeners[0].n_source_conns = 1;
	open_conns(0);
	connect_to_us();
	peer.port++;
	receive(TCP_SYN, VIEW_NONE);
	packet = next_sent(&s);
	assert_non_null(packet);
	assert_true(s.flags & TCP_RST);
	rte_pktmbuf_free(packet);
	assert_int_equal(world.counters.reason[REASON_tcp_source_full], 1);
	world.map.listeners[0].n_source_conns = 0;
}

static void bytes_cross_a_connection_both_ways(void **state)
{
	tcp_conn_id id = connect_to_us();
	struct tcp *engine = conns_engine(conns);
	struct tcp_event event;
	struct tcp_segment s;
	struct rte_mbuf *packet;

	(void)state;
	receive(TCP_ACK | TCP_PSH, VIEW("ping"));
	assert_true(tcp_next_event(engine, &event));
	assert_int_equal(event.conn, id);
	assert_true(view_equal(tcp_peek(engine, id), VIEW("ping")));
	tcp_consume(engine, id, 4);
	assert_int_equal(tcp_write(engine, id, "pong", 4), 0);
	packet = next_sent(&s);
	assert_non_null(packet);
	assert_true(view_equal(s.payload, VIEW("pong")));
	assert_int_equal(s.ack, peer.seq);
	rte_pktmbuf_free(packet);
}

static void a_segment_to_no_listener_is_answered_by_a_reset(void **state)
{
	struct frame_path path = world_path(0, PEER, US);
	struct tcp_segment s = {.local = {.port = 40000}, .remote = {.port = 9}, .flags = TCP_SYN};
	static uint8_t frame[256];
	uint8_t bytes[64];
	struct net_datagram d;
	struct rte_mbuf *packet;
	size_t n = tcp_segment_build(bytes, &s);

	(void)state;
	tcp_checksum_fill(bytes, n, &path.source, &path.destination);
	n = frame_ip(frame, &path, IP_PROTOCOL_TCP, IP_HOP_LIMIT, view_of(bytes, n));
	assert_int_equal(world_receive(0, view_of(frame, n), &d), REASON_none);
	conns_input(conns, &world.arrivals, now_ns);
	packet = next_sent(&s);
	assert_non_null(packet);
	assert_true(s.flags & TCP_RST);
	rte_pktmbuf_free(packet);
}

static void the_return_traffic_of_what_we_open_is_ours(void **state)
{
	struct ip_addr ip = world_ip(PEER);
	struct endpoint remote = {.ip = ip, .port = 5060, .transport = TRANSPORT_TCP};
	struct port *port = &world.ports[0];

	(void)state;
	port->reta_size = 128;
	for (unsigned i = 0; i < 128; i++)
		port->reta[i] = (uint16_t)(i % N_WORKERS);
	for (unsigned i = 0; i < N_WORKERS; i++)
		port->worker_of_queue[i] = (uint16_t)i;
	for (unsigned i = 0; i < sizeof(port->rss_key); i++)
		port->rss_key[i] = (uint8_t)(i * 37 + 1);
	for (unsigned w = 0; w < N_WORKERS; w++) {
		conns_free(conns);
		open_conns(w);
		for (unsigned i = 0; i < 8; i++) {
			struct tcp_status status;
			tcp_conn_id id;

			assert_int_equal(conns_open(conns, 0, &remote, now_ns, &id), 0);
			assert_true(tcp_describe(conns_engine(conns), id, &status));
			assert_int_equal(steering_owner_of(port, &status.remote, &status.local), w);
		}
	}
	memset(port->reta, 0, sizeof(port->reta));
}

static void a_dry_pool_still_answers_a_syn(void **state)
{
	struct rte_mbuf *taken[2048];
	struct tcp_segment s;
	struct rte_mbuf *packet;
	unsigned n = 0;

	(void)state;
	receive(TCP_SYN, VIEW_NONE);
	while (n < 2048 && (taken[n] = pools_get(&world.pools, 100)) != NULL)
		n++;
	packet = next_sent(&s);
	assert_non_null(packet);
	assert_int_equal(s.flags, TCP_SYN | TCP_ACK);
	rte_pktmbuf_free(packet);
	rte_pktmbuf_free_bulk(taken, n);
}

static void data_waits_for_packets_and_is_not_lost(void **state)
{
	tcp_conn_id id = connect_to_us();
	struct rte_mbuf *taken[2048];
	struct tcp_segment s;
	struct rte_mbuf *packet;
	unsigned n = 0;

	(void)state;
	while (n < 2048 && (taken[n] = pools_get(&world.pools, 100)) != NULL)
		n++;
	assert_int_equal(tcp_write(conns_engine(conns), id, "wait", 4), 0);
	assert_null(next_sent(&s));
	rte_pktmbuf_free_bulk(taken, n);
	// At the same moment: no timer was needed.
	packet = next_sent(&s);
	assert_non_null(packet);
	assert_true(view_equal(s.payload, VIEW("wait")));
	rte_pktmbuf_free(packet);
	assert_int_equal(world.counters.reason[REASON_no_buffer], 0);
}

static void a_device_that_cuts_gets_many_segments_at_once(void **state)
{
	static uint8_t bytes[8000];
	tcp_conn_id id = connect_to_us();
	struct rte_mbuf *packet;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		world.ports[i].tx_tcp_segmentation = true;
		world.ports[i].tx_tcp_checksum = true;
		world.ports[i].tx_ip_checksum = true;
	}
	assert_int_equal(tcp_write(conns_engine(conns), id, bytes, sizeof(bytes)), 0);
	conns_output(conns, world.now, now_ns);
	packet = world_next_sent(&(unsigned){0});
	assert_non_null(packet);
	assert_true(packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_true(packet->tso_segsz > 0);
	assert_true(packet->pkt_len > 2u * packet->tso_segsz);
	rte_pktmbuf_free(packet);
	world_forget_sent();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
		CASE(bytes_cross_a_connection_both_ways),
		CASE(a_listener_of_tls_takes_connections),
		CASE(a_listener_takes_no_more_of_a_source_than_the_map_says),
		CASE(a_segment_to_no_listener_is_answered_by_a_reset),
		CASE(the_return_traffic_of_what_we_open_is_ours),
		CASE(a_dry_pool_still_answers_a_syn),
		CASE(data_waits_for_packets_and_is_not_lost),
		CASE(a_device_that_cuts_gets_many_segments_at_once),
#undef CASE
	};

	world_start("conns_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
