// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/checksum.h"
#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

static uint8_t payload[WORLD_FRAME_MAX];

static void introduce(unsigned port, const char *from, const char *to)
{
	static uint8_t frame[256];
	struct frame_path path = world_path(port, from, to);
	struct net_datagram d;
	size_t n;

	if (path.source.family == IP_V4) {
		struct arp arp = {.operation = ARP_REQUEST,
			.sender_ip = path.source,
			.target_ip = path.destination};

		memcpy(arp.sender_mac, path.source_mac, ETHER_MAC_BYTES);
		n = frame_arp(frame, &path, &arp);
	} else {
		struct nd_message m = {.type = ICMP6_NEIGHBOUR_SOLICITATION,
			.target = path.destination,
			.mac = path.source_mac};

		n = frame_nd(frame, &path, &m);
	}
	world_receive(port, view_of(frame, n), &d);
}

// Neighbours that asked for us are known from then on, and so are the gateways.
static int open_world(void **state)
{
	(void)state;
	world_open();
	introduce(0, "192.0.2.9", "192.0.2.1");
	introduce(0, "192.0.2.254", "192.0.2.1");
	introduce(0, "2001:db8::9", "2001:db8::1");
	introduce(0, "2001:db8::fe", "2001:db8::1");
	introduce(1, "198.51.100.9", "198.51.100.1");
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 17 >> 2);
	// The first packet to each also asks whether it is still there.
	world_send(0, "192.0.2.9:1", VIEW(""));
	world_send(0, "203.0.113.1:1", VIEW(""));
	world_send(1, "[2001:db8::9]:1", VIEW(""));
	world_send(1, "[2001:db8:5::1]:1", VIEW(""));
	world_send(2, "198.51.100.9:1", VIEW(""));
	world_forget_sent();
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	return world_close() ? 0 : -1;
}

// One frame that was sent: its MAC addresses checked against the next hop, its IP header parsed,
// what follows in body. The caller frees the packet.
static struct rte_mbuf *sent(
	unsigned port, const char *next_hop, struct ip_header *h, struct view *body)
{
	uint8_t mac[ETHER_MAC_BYTES];
	struct ip_addr hop = world_ip(next_hop);
	struct ether_header ether;
	struct rte_mbuf *m;
	unsigned where;

	world_mac_of(&hop, mac);
	m = world_next_sent(&where);
	assert_non_null(m);
	assert_int_equal(where, port);
	*body = view_of(rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
	assert_int_equal(ether_parse(*body, &ether), REASON_none);
	assert_memory_equal(ether.destination, mac, ETHER_MAC_BYTES);
	assert_memory_equal(ether.source, world.ports[port].mac.addr_bytes, ETHER_MAC_BYTES);
	assert_int_equal(ether.vlan, world.ports[port].vlan);
	assert_true(body->len <= ether.n_bytes + (size_t)WORLD_MTU);
	*body = view_of(body->at + ether.n_bytes, body->len - ether.n_bytes);
	assert_int_equal(
		ether.type == ETHER_TYPE_IPV4 ? ipv4_parse(*body, h) : ipv6_parse(*body, h),
		REASON_none);
	*body = view_of(body->at + h->n_bytes, body->len - h->n_bytes);
	assert_int_equal(body->len, h->payload_bytes);
	return m;
}

static void a_datagram_leaves_from_its_listener(void **state)
{
	static const struct {
		uint16_t listener, port;
		const char *to, *next_hop;
	} rows[] = {
		{0, 0, "192.0.2.9", "192.0.2.9"},
		{0, 0, "203.0.113.77", "192.0.2.254"},
		{1, 0, "2001:db8::9", "2001:db8::9"},
		{1, 0, "2001:db8:7::1", "2001:db8::fe"},
		{2, 1, "198.51.100.9", "198.51.100.9"},
	};
	char text[ENDPOINT_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint to = {.ip = world_ip(rows[i].to), .port = 5090};
		struct ip_header h;
		struct view body;
		struct rte_mbuf *m;
		struct udp udp;

		endpoint_format(&to, text);
		world_send(rows[i].listener, text, VIEW("SIP/2.0 200 OK"));
		m = sent(rows[i].port, rows[i].next_hop, &h, &body);
		assert_true(ip_equal(&h.source, &world.map.listeners[rows[i].listener].local.ip));
		assert_true(ip_equal(&h.destination, &to.ip));
		assert_int_equal(h.hop_limit, 64);
		assert_true(h.dont_fragment);
		assert_int_equal(h.protocol, IP_PROTOCOL_UDP);
		if (h.source.family == IP_V4)
			assert_true(ipv4_checksum_holds(body.at - IPV4_BYTES));
		assert_int_equal(udp_parse(body, &udp), REASON_none);
		assert_true(udp_checksum_holds(body.at, &h));
		assert_int_equal(udp.source, 5060);
		assert_int_equal(udp.destination, 5090);
		assert_int_equal(udp.payload.len, 14);
		assert_memory_equal(udp.payload.at, "SIP/2.0 200 OK", 14);
		assert_int_equal(m->ol_flags, 0);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(world.n_sent, 0);
}

static void what_no_port_reaches_is_counted(void **state)
{
	static const struct {
		uint16_t listener;
		const char *to;
	} rows[] = {
		{2, "203.0.113.1"},   // no gateway there
		{0, "[2001:db8::9]"}, // another family than the listener's
		{1, "192.0.2.9"}, {0, "192.0.2.255"}, {0, "192.0.2.0"}, // broadcast
		{0, "255.255.255.255"}, {0, "224.0.0.1"}, {0, "127.0.0.1"}, {0, "0.0.0.0"},
		{1, "[ff02::1]"}, {1, "[::1]"}, {1, "[::]"}, {1, "[::ffff:192.0.2.9]"},
		{0, "192.0.2.1"}, // ourselves
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_send(rows[i].listener, rows[i].to, VIEW("x"));
		assert_int_equal(world.counters.reason[REASON_no_route], i + 1);
		assert_int_equal(world.n_sent, 0);
	}
}

static void a_device_that_offers_is_left_the_checksums(void **state)
{
	struct ip_header h;
	struct view body;
	struct rte_mbuf *m;
	uint16_t begun, zero = 0;

	(void)state;
	world.ports[0].tx_ip_checksum = true;
	world.ports[0].tx_udp_checksum = true;
	world_send(0, "192.0.2.9:5090", VIEW("hello"));
	m = sent(0, "192.0.2.9", &h, &body);
	assert_int_equal(
		m->ol_flags, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM);
	assert_int_equal(m->l2_len, 14);
	assert_int_equal(m->l3_len, 20);
	assert_memory_equal(body.at - IPV4_BYTES + IPV4_CHECKSUM_AT, &zero, 2);
	begun = checksum_fold(
		checksum_add_pseudo(0, &h.source, &h.destination, IP_PROTOCOL_UDP, UDP_BYTES + 5));
	assert_memory_equal(body.at + UDP_CHECKSUM_AT, &begun, 2);
	rte_pktmbuf_free(m);
	world_send(1, "[2001:db8::9]:5090", VIEW("hello"));
	m = sent(0, "2001:db8::9", &h, &body);
	assert_int_equal(m->ol_flags, RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM);
	assert_int_equal(m->l3_len, 40);
	rte_pktmbuf_free(m);
	// No device sees what goes out in fragments whole.
	world_send(0, "192.0.2.9:5090", view_of(payload, 2000));
	m = sent(0, "192.0.2.9", &h, &body);
	assert_int_equal(m->ol_flags, 0);
	assert_true(ipv4_checksum_holds(body.at - IPV4_BYTES));
	rte_pktmbuf_free(m);
	world.ports[0].tx_ip_checksum = false;
	world.ports[0].tx_udp_checksum = false;
}

static void assert_fragmented(uint16_t listener, const char *to, const char *next_hop,
	size_t n_payload, unsigned n_pieces)
{
	static uint8_t whole[WORLD_FRAME_MAX];
	struct udp udp;
	struct ip_header h, first = {0};
	size_t n = 0;

	world_send(listener, to, view_of(payload, n_payload));
	assert_int_equal(world.n_sent, n_pieces);
	for (unsigned i = 0; i < n_pieces; i++) {
		struct view body;
		struct rte_mbuf *m = sent(world.map.listeners[listener].port, next_hop, &h, &body);

		if (i == 0)
			first = h;
		assert_int_equal(h.id, first.id);
		assert_int_equal(h.fragment_offset, n);
		assert_int_equal(h.more_fragments, i + 1 < n_pieces);
		if (h.source.family == IP_V4)
			assert_int_equal(h.dont_fragment, n_pieces == 1);
		memcpy(whole + n, body.at, body.len);
		n += body.len;
		rte_pktmbuf_free(m);
	}
	assert_int_equal(udp_parse(view_of(whole, n), &udp), REASON_none);
	assert_true(udp_checksum_holds(whole, &first));
	assert_int_equal(udp.payload.len, n_payload);
	assert_memory_equal(udp.payload.at, payload, n_payload);
}

static void what_is_over_the_mtu_goes_in_fragments(void **state)
{
	(void)state;
	assert_fragmented(0, "192.0.2.9:5090", "192.0.2.9", 1472, 1);
	assert_fragmented(0, "192.0.2.9:5090", "192.0.2.9", 1473, 2);
	assert_fragmented(0, "192.0.2.9:5090", "192.0.2.9", 8 * 1480 - 8, 8);
	assert_fragmented(1, "[2001:db8::9]:5090", "2001:db8::9", 1452, 1);
	assert_fragmented(1, "[2001:db8::9]:5090", "2001:db8::9", 1453, 2);
	assert_fragmented(1, "[2001:db8::9]:5090", "2001:db8::9", 8 * 1448 - 8, 8);
	assert_fragmented(2, "198.51.100.9:5090", "198.51.100.9", 5000, 4);
}

static void more_than_eight_fragments_are_refused(void **state)
{
	(void)state;
	world_send(0, "192.0.2.9:5090", view_of(payload, 8 * 1480 - 7));
	world_send(1, "[2001:db8::9]:5090", view_of(payload, 8 * 1448 - 7));
	assert_int_equal(world.counters.reason[REASON_too_large_to_send], 2);
	assert_int_equal(world.n_sent, 0);
}

static void identifications_differ(void **state)
{
	struct ip_header h;
	struct view body;
	uint32_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct rte_mbuf *m;

		world_send(0, "192.0.2.9:5090", view_of(payload, 1473));
		m = sent(0, "192.0.2.9", &h, &body);
		assert_true(i == 0 || (h.id != last && h.id != last + 1));
		last = h.id;
		rte_pktmbuf_free(m);
		world_forget_sent();
	}
}

static void a_dry_pool_drops_the_whole_datagram(void **state)
{
	struct rte_mbuf *held[WORLD_PACKETS], *last;
	unsigned n_held = 0;

	(void)state;
	while (n_held < WORLD_PACKETS && (held[n_held] = pools_get(&world.pools, 64)) != NULL)
		n_held++;
	last = held[--n_held];
	rte_pktmbuf_free(last);
	// A large buffer for the datagram is left, and one for the first of its two pieces.
	world_send(0, "192.0.2.9:5090", view_of(payload, 2500));
	assert_int_equal(world.counters.reason[REASON_no_buffer], 1);
	assert_int_equal(world.n_sent, 0);
	rte_pktmbuf_free_bulk(held, n_held);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		CASE(a_datagram_leaves_from_its_listener),
		CASE(what_no_port_reaches_is_counted),
		CASE(a_device_that_offers_is_left_the_checksums),
		CASE(what_is_over_the_mtu_goes_in_fragments),
		CASE(more_than_eight_fragments_are_refused),
		CASE(identifications_differ),
		CASE(a_dry_pool_drops_the_whole_datagram),
	};
#undef CASE

	world_start("output_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
