// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

static uint8_t frame[WORLD_FRAME_MAX], data[WORLD_FRAME_MAX];

static int open_world(void **state)
{
	(void)state;
	world_open();
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	return world_close() ? 0 : -1;
}

static enum reason receive(unsigned port, size_t n_bytes)
{
	struct net_datagram d;

	return world_receive(port, view_of(frame, n_bytes), &d);
}

static struct arp arp_of(const char *sender, const char *target, enum arp_operation operation)
{
	struct arp arp = {.operation = (uint8_t)operation,
		.sender_ip = world_ip(sender),
		.target_ip = world_ip(target)};

	world_mac_of(&arp.sender_ip, arp.sender_mac);
	return arp;
}

static size_t make_arp(unsigned port, const struct arp *arp, bool broadcast)
{
	struct frame_path path = world_path(port, "192.0.2.9", "192.0.2.1");

	memcpy(path.source_mac, arp->sender_mac, ETHER_MAC_BYTES);
	if (broadcast)
		memset(path.destination_mac, 0xff, ETHER_MAC_BYTES);
	return frame_arp(frame, &path, arp);
}

// The one frame that was sent, with its Ethernet header checked.
static struct rte_mbuf *sent_to(
	unsigned port, const uint8_t mac[ETHER_MAC_BYTES], uint16_t type, struct view *body)
{
	struct ether_header ether;
	struct rte_mbuf *m;
	unsigned where;

	m = world_next_sent(&where);
	assert_non_null(m);
	assert_int_equal(where, port);
	assert_int_equal(m->ol_flags, 0);
	assert_int_equal(m->pkt_len, m->data_len);
	*body = view_of(rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
	assert_int_equal(ether_parse(*body, &ether), REASON_none);
	assert_memory_equal(ether.destination, mac, ETHER_MAC_BYTES);
	assert_memory_equal(ether.source, world.ports[port].mac.addr_bytes, ETHER_MAC_BYTES);
	assert_int_equal(ether.type, type);
	assert_int_equal(ether.vlan, world.ports[port].vlan);
	*body = view_of(body->at + ether.n_bytes, body->len - ether.n_bytes);
	return m;
}

static void an_arp_request_for_us_is_answered(void **state)
{
	static const char *const hosts[][2] = {
		{"192.0.2.9", "192.0.2.1"}, {"198.51.100.9", "198.51.100.1"}};

	(void)state;
	for (unsigned port = 0; port < 2; port++) {
		struct arp request = arp_of(hosts[port][0], hosts[port][1], ARP_REQUEST), reply;
		struct rte_mbuf *m;
		struct view body;

		assert_int_equal(
			receive(port, make_arp(port, &request, true)), REASON_arp_answered);
		m = sent_to(port, request.sender_mac, ETHER_TYPE_ARP, &body);
		assert_int_equal(body.len, ARP_BYTES);
		assert_int_equal(arp_parse(body, &reply), REASON_none);
		assert_int_equal(reply.operation, ARP_REPLY);
		assert_true(ip_equal(&reply.sender_ip, &request.target_ip));
		assert_true(ip_equal(&reply.target_ip, &request.sender_ip));
		assert_memory_equal(
			reply.sender_mac, world.ports[port].mac.addr_bytes, ETHER_MAC_BYTES);
		assert_memory_equal(reply.target_mac, request.sender_mac, ETHER_MAC_BYTES);
		rte_pktmbuf_free(m);
	}
}

static void an_arp_probe_is_answered_and_teaches_nothing(void **state)
{
	struct arp probe = arp_of("0.0.0.0", "192.0.2.1", ARP_REQUEST);
	struct net_neighbour learned[4];

	(void)state;
	assert_int_equal(receive(0, make_arp(0, &probe, true)), REASON_arp_answered);
	assert_int_equal(net_learned(world.net, learned, 4), 0);
}

static void arp_for_others_is_not_answered(void **state)
{
	struct arp arp = arp_of("192.0.2.9", "192.0.2.2", ARP_REQUEST);

	(void)state;
	assert_int_equal(receive(0, make_arp(0, &arp, true)), REASON_arp_not_ours);
	arp = arp_of("192.0.2.9", "198.51.100.1", ARP_REQUEST); // of our other port
	assert_int_equal(receive(0, make_arp(0, &arp, true)), REASON_arp_not_ours);
	arp = arp_of("192.0.2.9", "192.0.2.9", ARP_REQUEST); // an announcement
	assert_int_equal(receive(0, make_arp(0, &arp, true)), REASON_arp_not_ours);
	arp.operation = 3;
	assert_int_equal(receive(0, make_arp(0, &arp, true)), REASON_arp_malformed);
	assert_int_equal(world.n_sent, 0);
}

static void a_host_with_our_address_is_counted(void **state)
{
	struct arp arp = arp_of("192.0.2.1", "192.0.2.9", ARP_REQUEST);
	struct frame_path path = world_path(0, "2001:db8::9", "ff02::1");
	struct nd_message claim = {.type = ICMP6_NEIGHBOUR_ADVERTISEMENT,
		.target = world_ip("2001:db8::1"),
		.mac = path.source_mac,
		.override = true};

	(void)state;
	assert_int_equal(receive(0, make_arp(0, &arp, true)), REASON_address_conflict);
	memcpy(arp.sender_mac, world.ports[0].mac.addr_bytes, ETHER_MAC_BYTES);
	assert_int_equal(receive(0, make_arp(0, &arp, true)), REASON_arp_not_ours);
	assert_int_equal(receive(0, frame_nd(frame, &path, &claim)), REASON_address_conflict);
	assert_int_equal(world.n_sent, 0);
}

static void an_echo_comes_back_as_it_was(void **state)
{
	static const char *const hosts[][2] = {
		{"203.0.113.5", "192.0.2.1"}, {"2001:db8:9::5", "2001:db8::1"}};

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		struct frame_path path = world_path(0, hosts[six][0], hosts[six][1]);
		size_t n = frame_echo(frame, &path, VIEW("are you there?"));
		struct rte_mbuf *m;
		struct ip_header h;
		struct view body;

		assert_int_equal(receive(0, n), REASON_echo_answered);
		m = sent_to(0, path.source_mac, six ? ETHER_TYPE_IPV6 : ETHER_TYPE_IPV4, &body);
		assert_int_equal(six ? ipv6_parse(body, &h) : ipv4_parse(body, &h), REASON_none);
		if (!six)
			assert_true(ipv4_checksum_holds(body.at));
		assert_true(ip_equal(&h.source, &path.destination));
		assert_true(ip_equal(&h.destination, &path.source));
		assert_int_equal(h.hop_limit, IP_HOP_LIMIT);
		body = view_of(body.at + h.n_bytes, h.payload_bytes);
		assert_int_equal(icmp_check(body, &h), REASON_none);
		assert_int_equal(body.at[0], six ? ICMP6_ECHO_REPLY : ICMP_ECHO_REPLY);
		assert_memory_equal(body.at + 8, "are you there?", 14);
		rte_pktmbuf_free(m);
	}
}

static void an_echo_in_fragments_is_answered_in_fragments(void **state)
{
	static uint8_t piece[WORLD_FRAME_MAX];
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	size_t n_bytes = frame_echo(frame, &path, view_of(data, 3000));
	struct net_datagram d;
	size_t n, n_back = 0;

	(void)state;
	n = frame_fragment(piece, view_of(frame, n_bytes), 1, 0, 1480);
	assert_int_equal(world_receive(0, view_of(piece, n), &d), REASON_fragment_held);
	n = frame_fragment(piece, view_of(frame, n_bytes), 1, 1480, 1480);
	assert_int_equal(world_receive(0, view_of(piece, n), &d), REASON_fragment_held);
	n = frame_fragment(piece, view_of(frame, n_bytes), 1, 2960, 48);
	assert_int_equal(world_receive(0, view_of(piece, n), &d), REASON_echo_answered);
	assert_int_equal(world.n_sent, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct view body;
		struct ip_header h;
		struct rte_mbuf *m = sent_to(0, path.source_mac, ETHER_TYPE_IPV4, &body);

		assert_true(body.len <= WORLD_MTU);
		assert_int_equal(ipv4_parse(body, &h), REASON_none);
		assert_int_equal(h.fragment_offset, n_back);
		n_back += h.payload_bytes;
		rte_pktmbuf_free(m);
	}
	assert_int_equal(n_back, 3008);
}

static void a_flood_of_echoes_is_answered_at_a_bounded_rate(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	unsigned n_answered = 0;
	size_t n;

	(void)state;
	world_pass(WORLD_HZ);
	n = frame_echo(frame, &path, VIEW("ping"));
	for (unsigned i = 0; i < 1000; i++) {
		enum reason reason = receive(0, n);

		assert_true(reason == REASON_echo_answered || reason == REASON_icmp_rate_limited);
		n_answered += reason == REASON_echo_answered;
		world_forget_sent();
	}
	assert_int_equal(n_answered, 100);
	world.now += WORLD_HZ / 100;
	for (unsigned i = 0; i < 100; i++) {
		n_answered += receive(0, n) == REASON_echo_answered;
		world_forget_sent();
	}
	assert_int_equal(n_answered, 110);
}

static void other_icmp_is_counted_and_not_answered(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	size_t n = frame_echo(frame, &path, VIEW("ping"));

	(void)state;
	frame[n - 1] ^= 1;
	assert_int_equal(receive(0, n), REASON_icmp_malformed);
	n = frame_echo(frame, &path, VIEW("ping"));
	icmp_answer_echo(frame + 14 + 20, IP_V4);
	assert_int_equal(receive(0, n), REASON_icmp_unhandled);
	path = world_path(0, "2001:db8::9", "2001:db8::1");
	n = frame_echo(frame, &path, VIEW("ping"));
	icmp_answer_echo(frame + 14 + 40, IP_V6);
	assert_int_equal(receive(0, n), REASON_icmp_unhandled);
	path = world_path(0, "2001:db8::9", "ff02::1"); // we amplify for nobody
	n = frame_echo(frame, &path, VIEW("ping"));
	assert_int_equal(receive(0, n), REASON_icmp_unhandled);
	assert_int_equal(world.n_sent, 0);
}

static size_t make_solicitation(const char *source, const char *group, const char *target)
{
	struct frame_path path = world_path(0, source, group);
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_SOLICITATION, .target = world_ip(target)};

	if (ip_is_multicast(&path.destination))
		ether_group_of(&path.destination, path.destination_mac);
	if (!ip_is_unspecified(&path.source))
		m.mac = path.source_mac;
	return frame_nd(frame, &path, &m);
}

static void assert_advertised(
	const char *target, const char *to, const uint8_t mac[ETHER_MAC_BYTES], bool solicited)
{
	struct ip_addr address = world_ip(target), destination = world_ip(to);
	struct nd_message m;
	struct ip_header h;
	struct view body;
	struct rte_mbuf *sent = sent_to(0, mac, ETHER_TYPE_IPV6, &body);

	assert_int_equal(ipv6_parse(body, &h), REASON_none);
	assert_true(ip_equal(&h.source, &address));
	assert_true(ip_equal(&h.destination, &destination));
	body = view_of(body.at + h.n_bytes, h.payload_bytes);
	assert_int_equal(icmp_check(body, &h), REASON_none);
	assert_int_equal(body.at[0], ICMP6_NEIGHBOUR_ADVERTISEMENT);
	assert_int_equal(nd_parse(body, &h, &m), REASON_none);
	assert_true(ip_equal(&m.target, &address));
	assert_memory_equal(m.mac, world.ports[0].mac.addr_bytes, ETHER_MAC_BYTES);
	assert_int_equal(m.solicited, solicited);
	assert_true(m.override);
	rte_pktmbuf_free(sent);
}

static void a_solicitation_for_us_is_answered(void **state)
{
	static const uint8_t all_nodes[] = {0x33, 0x33, 0, 0, 0, 1};
	struct frame_path host = world_path(0, "2001:db8::9", "2001:db8::1");
	size_t n;

	(void)state;
	n = make_solicitation("2001:db8::9", "ff02::1:ff00:1", "2001:db8::1");
	assert_int_equal(receive(0, n), REASON_nd_answered);
	assert_advertised("2001:db8::1", "2001:db8::9", host.source_mac, true);
	n = make_solicitation("2001:db8::9", "2001:db8::1", "2001:db8::1");
	assert_int_equal(receive(0, n), REASON_nd_answered);
	assert_advertised("2001:db8::1", "2001:db8::9", host.source_mac, true);
	// Our link-local address: 02:00:00:00:01:00 is fe80::ff:fe00:100.
	n = make_solicitation("fe80::9", "ff02::1:ff00:100", "fe80::ff:fe00:100");
	assert_int_equal(receive(0, n), REASON_nd_answered);
	assert_advertised("fe80::ff:fe00:100", "fe80::9", host.source_mac, true);
	n = make_solicitation("::", "ff02::1:ff00:1", "2001:db8::1");
	assert_int_equal(receive(0, n), REASON_nd_answered);
	assert_advertised("2001:db8::1", "ff02::1", all_nodes, false);
}

static void other_neighbour_discovery_is_not_answered(void **state)
{
	struct frame_path path = world_path(0, "2001:db8::9", "2001:db8::1");
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_SOLICITATION,
		.target = world_ip("2001:db8::1"),
		.mac = path.source_mac};
	size_t n;

	(void)state;
	// Another address with our solicited-node group.
	n = make_solicitation("2001:db8::9", "ff02::1:ff00:1", "2001:db8:1::1");
	assert_int_equal(receive(0, n), REASON_ip_not_ours);
	n = frame_nd(frame, &path, &m);
	frame[14 + 7] = 254; // hop limit
	assert_int_equal(receive(0, n), REASON_nd_malformed);
	n = frame_nd(frame, &path, &m);
	frame[n - 1] ^= 1;
	assert_int_equal(receive(0, n), REASON_icmp_malformed);
	m.type = ICMP6_NEIGHBOUR_ADVERTISEMENT;
	m.target = world_ip("2001:db8::9");
	assert_int_equal(receive(0, frame_nd(frame, &path, &m)), REASON_nd_unasked);
	assert_int_equal(world.n_sent, 0);
}

static void neighbour_discovery_in_fragments_is_refused(void **state)
{
	static uint8_t piece[WORLD_FRAME_MAX];
	size_t n_whole = make_solicitation("2001:db8::9", "2001:db8::1", "2001:db8::1");
	struct net_datagram d;
	size_t n;

	(void)state;
	n = frame_fragment(piece, view_of(frame, n_whole), 1, 0, 16);
	assert_int_equal(world_receive(0, view_of(piece, n), &d), REASON_fragment_held);
	n = frame_fragment(piece, view_of(frame, n_whole), 1, 16, 16);
	assert_int_equal(world_receive(0, view_of(piece, n), &d), REASON_nd_malformed);
	assert_int_equal(world.n_sent, 0);
}

static void a_listener_query_is_answered_once_a_second(void **state)
{
	static const uint8_t routers[] = {0x33, 0x33, 0, 0, 0, 0x16};
	struct frame_path path = world_path(0, "fe80::9", "ff02::1");
	uint8_t query[28] = {ICMP6_MLD_QUERY};
	struct rte_mbuf *m;
	struct ip_header h;
	struct view body;
	size_t n;

	(void)state;
	ether_group_of(&path.destination, path.destination_mac);
	icmp6_checksum_fill(query, sizeof(query), &path.source, &path.destination);
	n = frame_ip(frame, &path, IP_PROTOCOL_ICMP6, 64, view_of(query, sizeof(query)));
	assert_int_equal(receive(0, n), REASON_icmp_malformed); // it has been through a router
	n = frame_ip(frame, &path, IP_PROTOCOL_ICMP6, 1, view_of(query, sizeof(query)));
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(receive(0, n), REASON_mld_answered);
		world_pass(1000);
	}
	assert_int_equal(world.n_sent, 1);
	m = sent_to(0, routers, ETHER_TYPE_IPV6, &body);
	assert_int_equal(ipv6_parse(body, &h), REASON_none);
	assert_int_equal(h.hop_limit, 1);
	assert_int_equal(h.n_bytes, IPV6_BYTES + MLD_ALERT_BYTES);
	body = view_of(body.at + h.n_bytes, h.payload_bytes);
	assert_int_equal(icmp_check(body, &h), REASON_none);
	assert_int_equal(body.at[0], ICMP6_MLD2_REPORT);
	assert_int_equal(wire_get16(body.at + 6), 2);
	rte_pktmbuf_free(m);
	world_pass(WORLD_HZ);
	assert_int_equal(world.n_sent, 1);
}

static void addresses_are_announced_at_start(void **state)
{
	unsigned n_arp = 0, n_nd = 0, n_mld = 0, port;
	struct ether_header ether;
	struct rte_mbuf *m;

	(void)state;
	assert_true(world_close());
	world_open(); // forgets what it announced
	net_free(world.net);
	world.net = net_new(&(struct net_config){.map = &world.map,
		.ports = world.ports,
		.queues = world.queues,
		.pools = &world.pools,
		.counters = &world.counters,
		.numa_node = SOCKET_ID_ANY,
		.hz = WORLD_HZ});
	world_pass(0);
	world_pass(1000);
	while ((m = world_next_sent(&port)) != NULL) {
		struct view bytes = view_of(rte_pktmbuf_mtod(m, uint8_t *), m->data_len);

		assert_int_equal(ether_parse(bytes, &ether), REASON_none);
		n_arp += ether.type == ETHER_TYPE_ARP;
		if (ether.type == ETHER_TYPE_IPV6) {
			n_mld += bytes.at[ether.n_bytes + 6] == IP_PROTOCOL_HOP_BY_HOP;
			n_nd += bytes.at[ether.n_bytes + 6] == IP_PROTOCOL_ICMP6;
		}
		rte_pktmbuf_free(m);
	}
	assert_int_equal(n_arp, 2);
	assert_int_equal(n_nd, 3); // with the link-local ones
	assert_int_equal(n_mld, 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		CASE(an_arp_request_for_us_is_answered),
		CASE(an_arp_probe_is_answered_and_teaches_nothing),
		CASE(arp_for_others_is_not_answered),
		CASE(a_host_with_our_address_is_counted),
		CASE(an_echo_comes_back_as_it_was),
		CASE(an_echo_in_fragments_is_answered_in_fragments),
		CASE(a_flood_of_echoes_is_answered_at_a_bounded_rate),
		CASE(other_icmp_is_counted_and_not_answered),
		CASE(a_solicitation_for_us_is_answered),
		CASE(other_neighbour_discovery_is_not_answered),
		CASE(neighbour_discovery_in_fragments_is_refused),
		CASE(a_listener_query_is_answered_once_a_second),
		CASE(addresses_are_announced_at_start),
	};
#undef CASE

	world_start("answer_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
