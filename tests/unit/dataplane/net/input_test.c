// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

static uint8_t frame[WORLD_FRAME_MAX];

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

static struct view udp4(void)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");

	return view_of(frame, frame_udp(frame, &path, 5070, 5060, VIEW("hello")));
}

static struct view udp6(void)
{
	struct frame_path path = world_path(0, "2001:db8::9", "2001:db8::1");

	return view_of(frame, frame_udp(frame, &path, 5070, 5060, VIEW("hello")));
}

static void assert_hello(unsigned port, struct view bytes, const char *source, uint16_t listener)
{
	struct net_datagram d;
	char text[ENDPOINT_TEXT_BYTES];

	assert_int_equal(world_receive(port, bytes, &d), REASON_none);
	assert_int_equal(d.payload.len, 5);
	assert_memory_equal(d.payload.at, "hello", 5);
	assert_ptr_equal(
		d.payload.at + 5, rte_pktmbuf_mtod_offset(d.packet, uint8_t *, d.packet->data_len));
	endpoint_format(&d.source, text);
	assert_string_equal(text, source);
	assert_int_equal(d.source.transport, TRANSPORT_UDP);
	assert_int_equal(d.listener, listener);
	rte_pktmbuf_free(d.packet);
}

static void assert_dropped(struct view bytes, enum reason reason)
{
	struct net_datagram d;

	assert_string_equal(reason_name(world_receive(0, bytes, &d)), reason_name(reason));
	assert_int_equal(world.n_sent, 0);
}

static void a_datagram_reaches_its_listener(void **state)
{
	struct frame_path tagged = world_path(1, "198.51.100.9", "198.51.100.1");

	(void)state;
	assert_hello(0, udp4(), "192.0.2.9:5070", 0);
	assert_hello(0, udp6(), "[2001:db8::9]:5070", 1);
	assert_hello(1, view_of(frame, frame_udp(frame, &tagged, 5070, 5060, VIEW("hello"))),
		"198.51.100.9:5070", 2);
}

static void padding_of_ethernet_is_no_payload(void **state)
{
	struct view bytes = udp4();

	(void)state;
	memset(frame + bytes.len, 0xee, ETHER_MIN_BYTES);
	assert_hello(0, view_of(frame, ETHER_MIN_BYTES), "192.0.2.9:5070", 0);
}

static void a_frame_in_segments_is_taken(void **state)
{
	static const size_t splits[] = {1, 13, 14, 20, 34, 42, 46};

	(void)state;
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		world.split_at = splits[i];
		assert_hello(0, udp4(), "192.0.2.9:5070", 0);
		assert_hello(0, udp6(), "[2001:db8::9]:5070", 1);
	}
}

static void a_whole_burst_keeps_its_order(void **state)
{
	struct rte_mbuf *frames[QUEUE_BURST];
	static struct net_arrivals arrivals;
	const struct net_datagram *out = arrivals.datagrams;
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");

	(void)state;
	for (uint16_t i = 0; i < QUEUE_BURST; i++) {
		size_t n = frame_udp(frame, &path, i, i % 4 == 3 ? 5061 : 5060, VIEW("x"));

		frames[i] = pools_get(&world.pools, n);
		memcpy(rte_pktmbuf_append(frames[i], (uint16_t)n), frame, n);
	}
	net_input(world.net, 0, frames, QUEUE_BURST, world.now, &arrivals);
	assert_int_equal(arrivals.n_datagrams, QUEUE_BURST * 3 / 4);
	assert_int_equal(world.counters.reason[REASON_udp_no_listener], QUEUE_BURST / 4);
	for (uint16_t i = 0; i < QUEUE_BURST * 3 / 4; i++) {
		assert_int_equal(out[i].source.port, i / 3 * 4 + i % 3);
		rte_pktmbuf_free(out[i].packet);
	}
}

static void vlans_do_not_mix(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	struct net_datagram d;
	size_t n;

	(void)state;
	path.vlan = 7;
	n = frame_udp(frame, &path, 5070, 5060, VIEW("hello"));
	assert_dropped(view_of(frame, n), REASON_vlan_unknown);
	wire_put16(frame + 14, 0xe000); // a priority only
	assert_hello(0, view_of(frame, n), "192.0.2.9:5070", 0);
	path = world_path(1, "198.51.100.9", "198.51.100.1");
	for (uint16_t vlan = 0; vlan < 9; vlan += 8) {
		path.vlan = vlan;
		n = frame_udp(frame, &path, 5070, 5060, VIEW("hello"));
		assert_int_equal(world_receive(1, view_of(frame, n), &d), REASON_vlan_unknown);
	}
}

static void frames_for_other_stations_are_dropped(void **state)
{
	static const uint8_t groups[][ETHER_MAC_BYTES] = {
		{0x33, 0x33, 0, 0, 0, 2},       // all routers
		{0x33, 0x33, 0xff, 0, 0, 0x77}, // somebody's solicited node
		{0x01, 0x00, 0x5e, 0, 0, 1},    // IPv4's all hosts
		{0x01, 0x80, 0xc2, 0, 0, 0},    // spanning tree
		{0x02, 0, 0, 0, 0x02, 0},       // our other port
	};
	struct view bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		bytes = udp4();
		memcpy(frame, groups[i], ETHER_MAC_BYTES);
		assert_dropped(bytes, REASON_eth_not_ours);
	}
	bytes = udp4();
	memset(frame, 0xff, ETHER_MAC_BYTES); // an address of ours, said to everybody
	assert_dropped(bytes, REASON_eth_not_ours);
	bytes = udp4();
	frame[12] = 0x88;
	frame[13] = 0xcc;
	assert_dropped(bytes, REASON_eth_type_unknown);
}

static void every_truncation_is_dropped_with_a_reason(void **state)
{
	static const size_t headers[] = {14 + 20 + 8 + 5, 14 + 40 + 8 + 5};
	struct net_datagram d;

	(void)state;
	for (size_t family = 0; family < 2; family++) {
		for (size_t n = 0; n < headers[family]; n++) {
			struct view bytes = family == 0 ? udp4() : udp6();
			enum reason reason = world_receive(0, view_of(bytes.at, n), &d);

			assert_int_equal(reason, n < 14 ? REASON_eth_short : REASON_ip_malformed);
		}
	}
}

static void a_source_that_cannot_be_is_dropped(void **state)
{
	static const struct {
		const char *source, *destination;
	} rows[] = {
		{"0.0.0.0", "192.0.2.1"},
		{"127.0.0.1", "192.0.2.1"},
		{"224.0.0.5", "192.0.2.1"},
		{"255.255.255.255", "192.0.2.1"},
		{"192.0.2.255", "192.0.2.1"},
		{"192.0.2.1", "192.0.2.1"},
		{"::", "2001:db8::1"},
		{"::1", "2001:db8::1"},
		{"ff02::1", "2001:db8::1"},
		{"::ffff:192.0.2.9", "2001:db8::1"},
		{"2001:db8::1", "2001:db8::1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_path path = world_path(0, rows[i].source, rows[i].destination);

		path.source_mac[0] = 0x06;
		assert_dropped(view_of(frame, frame_udp(frame, &path, 1, 5060, VIEW("hello"))),
			REASON_ip_source_invalid);
	}
}

static void a_destination_that_is_not_ours_is_dropped(void **state)
{
	static const struct {
		const char *source, *destination;
	} rows[] = {
		{"192.0.2.9", "192.0.2.2"}, {"192.0.2.9", "198.51.100.1"}, // of our other port
		{"192.0.2.9", "192.0.2.255"}, {"192.0.2.9", "255.255.255.255"},
		{"192.0.2.9", "224.0.1.75"}, // sip.mcast.net
		{"2001:db8::9", "2001:db8::2"},
		{"2001:db8::9", "ff02::1"}, // our group, but not for UDP
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_path path = world_path(0, rows[i].source, rows[i].destination);

		assert_dropped(view_of(frame, frame_udp(frame, &path, 1, 5060, VIEW("hello"))),
			REASON_ip_not_ours);
	}
}

static void a_damaged_checksum_is_dropped(void **state)
{
	struct view bytes = udp4();

	(void)state;
	frame[14 + 8]--; // TTL
	assert_dropped(bytes, REASON_ip_checksum);
	bytes = udp4();
	frame[bytes.len - 1] ^= 1;
	assert_dropped(bytes, REASON_udp_checksum);
	bytes = udp6();
	frame[bytes.len - 1] ^= 1;
	assert_dropped(bytes, REASON_udp_checksum);
	bytes = udp6();
	wire_put16(frame + 14 + 40 + 6, 0); // RFC 8200 §8.1
	assert_dropped(bytes, REASON_udp_checksum);
	bytes = udp4();
	wire_put16(frame + 14 + 20 + 6, 0);
	assert_hello(0, bytes, "192.0.2.9:5070", 0);
}

static void the_word_of_a_device_that_checks_is_taken(void **state)
{
	struct net_datagram d;
	struct view bytes;

	(void)state;
	bytes = udp4();
	frame[bytes.len - 1] ^= 1;
	assert_int_equal(world_receive_flags(0, bytes, RTE_MBUF_F_RX_L4_CKSUM_GOOD, &d),
		REASON_udp_checksum); // it does not say that it looks
	world.ports[0].rx_ip_checksum = true;
	world.ports[0].rx_udp_checksum = true;
	bytes = udp4();
	assert_int_equal(
		world_receive_flags(0, bytes, RTE_MBUF_F_RX_IP_CKSUM_BAD, &d), REASON_ip_checksum);
	bytes = udp4();
	assert_int_equal(
		world_receive_flags(0, bytes, RTE_MBUF_F_RX_L4_CKSUM_BAD, &d), REASON_udp_checksum);
	bytes = udp4();
	frame[bytes.len - 1] ^= 1;
	frame[14 + 8]--;
	assert_int_equal(world_receive_flags(0, bytes,
				 RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD, &d),
		REASON_none);
	rte_pktmbuf_free(d.packet);
	bytes = udp6(); // none at all is not good, whatever it says
	wire_put16(frame + 14 + 40 + 6, 0);
	assert_int_equal(world_receive_flags(0, bytes, RTE_MBUF_F_RX_L4_CKSUM_GOOD, &d),
		REASON_udp_checksum);
	bytes = udp4(); // it has not looked at this one
	frame[bytes.len - 1] ^= 1;
	assert_int_equal(world_receive(0, bytes, &d), REASON_udp_checksum);
	world.ports[0].rx_ip_checksum = false;
	world.ports[0].rx_udp_checksum = false;
}

static void options_and_unknown_protocols_are_dropped(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");
	struct view bytes = udp4();

	(void)state;
	frame[14] = 0x46;
	assert_dropped(bytes, REASON_ip_options);
	assert_dropped(view_of(frame, frame_ip(frame, &path, 47, 64, VIEW("greeting"))),
		REASON_ip_protocol_unknown);
	assert_dropped(view_of(frame, frame_ip(frame, &path, 58, 64, VIEW("greeting"))),
		REASON_ip_protocol_unknown);
	assert_dropped(view_of(frame, frame_ip(frame, &path, 17, 64, VIEW("short"))),
		REASON_udp_malformed);
	path = world_path(0, "2001:db8::9", "2001:db8::1");
	assert_dropped(view_of(frame, frame_ip(frame, &path, 43, 64, VIEW("greeting"))),
		REASON_ip_protocol_unknown);
	assert_dropped(view_of(frame, frame_ip(frame, &path, 1, 64, VIEW("greeting"))),
		REASON_ip_protocol_unknown);
}

static void a_datagram_for_nobody_is_counted(void **state)
{
	struct frame_path path = world_path(0, "192.0.2.9", "192.0.2.1");

	(void)state;
	assert_dropped(view_of(frame, frame_udp(frame, &path, 1, 5061, VIEW("hello"))),
		REASON_udp_no_listener);
	assert_dropped(view_of(frame, frame_udp(frame, &path, 1, 0, VIEW("hello"))),
		REASON_udp_no_listener);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		CASE(a_datagram_reaches_its_listener),
		CASE(padding_of_ethernet_is_no_payload),
		CASE(a_frame_in_segments_is_taken),
		CASE(a_whole_burst_keeps_its_order),
		CASE(vlans_do_not_mix),
		CASE(frames_for_other_stations_are_dropped),
		CASE(every_truncation_is_dropped_with_a_reason),
		CASE(a_source_that_cannot_be_is_dropped),
		CASE(a_destination_that_is_not_ours_is_dropped),
		CASE(a_damaged_checksum_is_dropped),
		CASE(the_word_of_a_device_that_checks_is_taken),
		CASE(options_and_unknown_protocols_are_dropped),
		CASE(a_datagram_for_nobody_is_counted),
	};
#undef CASE

	world_start("input_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
