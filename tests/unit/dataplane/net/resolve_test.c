// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/neighbour.h"
#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

static uint8_t frame[WORLD_FRAME_MAX];
static const uint8_t other_mac[ETHER_MAC_BYTES] = {0x0a, 0, 0, 0, 0, 0x66};

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

enum kind { NOTHING, ARP, SOLICITATION, DATAGRAM };

// The next frame sent: what it is, and to which MAC.
static enum kind next_sent(uint8_t mac[ETHER_MAC_BYTES])
{
	struct ether_header ether;
	struct ip_header h;
	enum kind kind = ARP;
	struct view bytes;
	struct rte_mbuf *m;
	unsigned port;

	m = world_next_sent(&port);
	if (m == NULL)
		return NOTHING;
	bytes = view_of(rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
	assert_int_equal(ether_parse(bytes, &ether), REASON_none);
	memcpy(mac, ether.destination, ETHER_MAC_BYTES);
	bytes = view_of(bytes.at + ether.n_bytes, bytes.len - ether.n_bytes);
	if (ether.type != ETHER_TYPE_ARP) {
		assert_int_equal(ether.type == ETHER_TYPE_IPV4 ? ipv4_parse(bytes, &h)
							       : ipv6_parse(bytes, &h),
			REASON_none);
		kind = h.protocol == IP_PROTOCOL_UDP ? DATAGRAM : SOLICITATION;
	}
	rte_pktmbuf_free(m);
	return kind;
}

static void assert_sent(enum kind kind, const uint8_t mac[ETHER_MAC_BYTES])
{
	uint8_t to[ETHER_MAC_BYTES] = {0};

	assert_int_equal(next_sent(to), kind);
	if (kind != NOTHING)
		assert_memory_equal(to, mac, ETHER_MAC_BYTES);
}

static enum reason hear_arp(const char *sender, const uint8_t mac[ETHER_MAC_BYTES],
	enum arp_operation operation, bool broadcast)
{
	struct frame_path path = world_path(0, sender, "192.0.2.1");
	struct arp arp = {.operation = (uint8_t)operation,
		.sender_ip = path.source,
		.target_ip = broadcast ? path.source : path.destination};
	struct net_datagram d;

	memcpy(arp.sender_mac, mac, ETHER_MAC_BYTES);
	memcpy(path.source_mac, mac, ETHER_MAC_BYTES);
	if (broadcast)
		memset(path.destination_mac, 0xff, ETHER_MAC_BYTES);
	return world_receive(0, view_of(frame, frame_arp(frame, &path, &arp)), &d);
}

static enum reason hear_advertisement(
	const char *sender, const uint8_t mac[ETHER_MAC_BYTES], bool solicited, bool override)
{
	struct frame_path path = world_path(0, sender, solicited ? "2001:db8::1" : "ff02::1");
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_ADVERTISEMENT,
		.target = path.source,
		.mac = mac,
		.solicited = solicited,
		.override = override};
	struct net_datagram d;

	if (!solicited)
		ether_group_of(&path.destination, path.destination_mac);
	return world_receive(0, view_of(frame, frame_nd(frame, &path, &m)), &d);
}

static void mac_of(const char *ip, uint8_t mac[ETHER_MAC_BYTES])
{
	struct ip_addr address = world_ip(ip);

	world_mac_of(&address, mac);
}

static void the_first_packet_asks_and_the_answer_releases_it(void **state)
{
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("192.0.2.9", mac);
	world_send(0, "192.0.2.9:5060", VIEW("one"));
	world_send(0, "192.0.2.9:5060", VIEW("two"));
	assert_sent(ARP, ether_broadcast);
	assert_sent(NOTHING, NULL);
	assert_int_equal(hear_arp("192.0.2.9", mac, ARP_REPLY, false), REASON_neighbour_learned);
	assert_sent(DATAGRAM, mac);
	assert_sent(DATAGRAM, mac);
	world_send(0, "192.0.2.9:5060", VIEW("three"));
	assert_sent(DATAGRAM, mac);
	assert_sent(NOTHING, NULL);
}

static void ipv6_asks_the_solicited_node(void **state)
{
	static const uint8_t group[] = {0x33, 0x33, 0xff, 0, 0, 0x09};
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("2001:db8::9", mac);
	world_send(1, "[2001:db8::9]:5060", VIEW("one"));
	assert_sent(SOLICITATION, group);
	assert_int_equal(
		hear_advertisement("2001:db8::9", mac, true, true), REASON_neighbour_learned);
	assert_sent(DATAGRAM, mac);
	assert_sent(NOTHING, NULL);
}

static void the_gateway_is_asked_for_what_is_far(void **state)
{
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("192.0.2.254", mac);
	world_send(0, "203.0.113.1:5060", VIEW("one"));
	world_send(0, "203.0.113.2:5060", VIEW("two"));
	assert_sent(ARP, ether_broadcast);
	assert_sent(NOTHING, NULL);
	hear_arp("192.0.2.254", mac, ARP_REPLY, false);
	assert_sent(DATAGRAM, mac);
	assert_sent(DATAGRAM, mac);
}

static void three_questions_without_answer_drop_what_waits(void **state)
{
	(void)state;
	world_send(0, "192.0.2.9:5060", VIEW("one"));
	world_send(0, "192.0.2.9:5060", VIEW("two"));
	assert_sent(ARP, ether_broadcast);
	for (unsigned i = 0; i < 2; i++) {
		world_pass(WORLD_HZ - 1000);
		assert_sent(NOTHING, NULL);
		world_pass(1000);
		assert_sent(ARP, ether_broadcast);
	}
	assert_int_equal(world.counters.reason[REASON_neighbour_unresolved], 0);
	world_pass(WORLD_HZ);
	assert_sent(NOTHING, NULL);
	assert_int_equal(world.counters.reason[REASON_neighbour_unresolved], 2);
	world_send(0, "192.0.2.9:5060", VIEW("three"));
	assert_sent(ARP, ether_broadcast);
}

static void waiting_is_bounded(void **state)
{
	char to[ENDPOINT_TEXT_BYTES];

	(void)state;
	for (unsigned i = 0; i < NEIGHBOUR_WAITING_EACH + 3; i++)
		world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_int_equal(world.counters.reason[REASON_neighbour_queue_full], 3);
	for (unsigned i = 10; i < 200; i++) {
		snprintf(to, sizeof(to), "192.0.2.%u:5060", i);
		world_send(0, to, VIEW("x"));
	}
	assert_int_equal(world.n_sent, NEIGHBOUR_UNRESOLVED_MAX);
	assert_int_equal(world.counters.reason[REASON_neighbour_table_full],
		190 - (NEIGHBOUR_UNRESOLVED_MAX - 1));
	world_forget_sent();
	for (unsigned i = 0; i < 3; i++)
		world_pass(WORLD_HZ);
	assert_int_equal(world.counters.reason[REASON_neighbour_unresolved] +
			world.counters.reason[REASON_neighbour_queue_full] +
			world.counters.reason[REASON_neighbour_table_full],
		NEIGHBOUR_WAITING_EACH + 3 + 190);
	assert_int_equal(rte_mempool_in_use_count(world.pools.small), world.n_sent);
}

static void a_neighbour_in_use_is_proved_again(void **state)
{
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("192.0.2.9", mac);
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	hear_arp("192.0.2.9", mac, ARP_REPLY, false);
	world_forget_sent();
	world_pass((NEIGHBOUR_REACHABLE_S + 1) * WORLD_HZ);
	assert_sent(NOTHING, NULL); // nobody needs it
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, mac); // asked itself, and sent to meanwhile
	assert_sent(DATAGRAM, mac);
	assert_int_equal(hear_arp("192.0.2.9", mac, ARP_REPLY, false), REASON_neighbour_learned);
	world_pass(2 * WORLD_HZ);
	assert_sent(NOTHING, NULL);
	// And once more without an answer: it is asked for anew, from everybody.
	world_pass((NEIGHBOUR_REACHABLE_S + 1) * WORLD_HZ);
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	for (unsigned i = 0; i < 3; i++)
		world_pass(WORLD_HZ);
	world_forget_sent();
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, ether_broadcast);
}

static void an_announcement_changes_only_what_is_known(void **state)
{
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("192.0.2.9", mac);
	assert_int_equal(hear_arp("192.0.2.9", mac, ARP_REQUEST, true), REASON_arp_not_ours);
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, ether_broadcast);
	hear_arp("192.0.2.9", mac, ARP_REPLY, false);
	assert_sent(DATAGRAM, mac);
	assert_int_equal(
		hear_arp("192.0.2.9", other_mac, ARP_REQUEST, true), REASON_neighbour_learned);
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, other_mac); // proved at once
	assert_sent(DATAGRAM, other_mac);
}

static void an_advertisement_without_override_replaces_nothing(void **state)
{
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("2001:db8::9", mac);
	world_send(1, "[2001:db8::9]:5060", VIEW("x"));
	hear_advertisement("2001:db8::9", mac, true, true);
	world_forget_sent();
	hear_advertisement("2001:db8::9", other_mac, false, false);
	world_send(1, "[2001:db8::9]:5060", VIEW("x"));
	assert_sent(SOLICITATION, mac);
	assert_sent(DATAGRAM, mac);
	assert_int_equal(hear_advertisement("2001:db8::9", other_mac, false, true),
		REASON_neighbour_learned);
	world_send(1, "[2001:db8::9]:5060", VIEW("x"));
	assert_sent(SOLICITATION, other_mac);
	assert_sent(DATAGRAM, other_mac);
}

static void whoever_asks_for_us_is_known(void **state)
{
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("192.0.2.9", mac);
	assert_int_equal(hear_arp("192.0.2.9", mac, ARP_REQUEST, false), REASON_arp_answered);
	world_forget_sent();
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, mac);
	assert_sent(DATAGRAM, mac);
}

static void a_stranger_to_the_link_is_not_learned(void **state)
{
	(void)state;
	assert_int_equal(
		hear_arp("203.0.113.1", other_mac, ARP_REQUEST, false), REASON_arp_answered);
	assert_int_equal(hear_arp("203.0.113.1", other_mac, ARP_REPLY, false), REASON_arp_not_ours);
	assert_int_equal(
		hear_advertisement("2001:db8:5::1", other_mac, true, true), REASON_nd_unasked);
	assert_int_equal(world.counters.reason[REASON_neighbour_learned], 0);
}

static void an_answer_reaches_the_worker_that_asked(void **state)
{
	struct net_neighbour learned[4];
	uint8_t mac[ETHER_MAC_BYTES];

	(void)state;
	mac_of("192.0.2.9", mac);
	// The answer comes to a worker that did not ask.
	hear_arp("192.0.2.9", mac, ARP_REPLY, false);
	assert_int_equal(net_learned(world.net, learned, 4), 1);
	assert_int_equal(net_learned(world.net, learned + 1, 3), 0);
	assert_memory_equal(learned[0].mac.addr_bytes, mac, ETHER_MAC_BYTES);
	assert_int_equal(learned[0].port, 0);
	assert_true(learned[0].answers);
	// And goes to one that did.
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, ether_broadcast);
	net_learn(world.net, &learned[0], world.now);
	assert_sent(DATAGRAM, mac);
	assert_int_equal(net_learned(world.net, learned, 4), 0); // it is not told on
}

static void what_other_workers_learn_makes_no_neighbours_here(void **state)
{
	struct net_neighbour other = {
		.ip = world_ip("192.0.2.9"), .answers = true, .override = true};

	(void)state;
	memcpy(other.mac.addr_bytes, other_mac, ETHER_MAC_BYTES);
	net_learn(world.net, &other, world.now);
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	assert_sent(ARP, ether_broadcast);
}

static void news_for_the_others_is_bounded(void **state)
{
	struct net_neighbour learned[128];

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		hear_arp("192.0.2.9", other_mac, ARP_REPLY, false);
	assert_true(net_learned(world.net, learned, 128) <= 64);
}

static void questions_come_from_the_reserve_when_the_pools_are_dry(void **state)
{
	struct rte_mbuf *held[WORLD_PACKETS];
	uint8_t mac[ETHER_MAC_BYTES];
	unsigned n_held = 0;

	(void)state;
	mac_of("192.0.2.9", mac);
	world_send(0, "192.0.2.9:5060", VIEW("x"));
	world_forget_sent();
	while (n_held < WORLD_PACKETS && (held[n_held] = pools_get(&world.pools, 64)) != NULL)
		n_held++;
	world_pass(WORLD_HZ);
	assert_sent(ARP, ether_broadcast);
	rte_pktmbuf_free_bulk(held, n_held);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		CASE(the_first_packet_asks_and_the_answer_releases_it),
		CASE(ipv6_asks_the_solicited_node),
		CASE(the_gateway_is_asked_for_what_is_far),
		CASE(three_questions_without_answer_drop_what_waits),
		CASE(waiting_is_bounded),
		CASE(a_neighbour_in_use_is_proved_again),
		CASE(an_announcement_changes_only_what_is_known),
		CASE(an_advertisement_without_override_replaces_nothing),
		CASE(whoever_asks_for_us_is_known),
		CASE(a_stranger_to_the_link_is_not_learned),
		CASE(an_answer_reaches_the_worker_that_asked),
		CASE(what_other_workers_learn_makes_no_neighbours_here),
		CASE(news_for_the_others_is_bounded),
		CASE(questions_come_from_the_reserve_when_the_pools_are_dry),
	};
#undef CASE

	world_start("resolve_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
