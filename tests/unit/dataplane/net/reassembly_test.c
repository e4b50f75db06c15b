// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/dataplane/net/world.h"
#include "tests/unit/test.h"

#define PAYLOAD_BYTES 3992 // with the UDP header five pieces of eight hundred
#define PIECE         800

static uint8_t whole[WORLD_FRAME_MAX], piece[WORLD_FRAME_MAX], payload[WORLD_FRAME_MAX];
static size_t whole_bytes;

static int open_world(void **state)
{
	(void)state;
	world_open();
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31 >> 3);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	return world_close() ? 0 : -1;
}

static void make_whole(bool six, size_t n_payload)
{
	struct frame_path path = six ? world_path(0, "2001:db8::9", "2001:db8::1")
				     : world_path(0, "192.0.2.9", "192.0.2.1");

	whole_bytes = frame_udp(whole, &path, 5070, 5060, view_of(payload, n_payload));
}

static enum reason give(uint32_t id, size_t offset, size_t n_bytes, struct net_datagram *out)
{
	size_t n = frame_fragment(piece, view_of(whole, whole_bytes), id, offset, n_bytes);

	return world_receive(0, view_of(piece, n), out);
}

static void assert_whole(const struct net_datagram *d, size_t n_payload)
{
	assert_int_equal(d->packet->nb_segs, 1);
	assert_int_equal(d->payload.len, n_payload);
	assert_memory_equal(d->payload.at, payload, n_payload);
	rte_pktmbuf_free(d->packet);
}

static void fragments_in_every_order_make_the_datagram(void **state)
{
	static const unsigned n_orders = 120;
	struct net_datagram d;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, PAYLOAD_BYTES);
		for (unsigned order = 0; order < n_orders; order++) {
			unsigned left[] = {0, 1, 2, 3, 4}, code = order;

			for (unsigned n = 5; n > 0; n--) {
				unsigned pick = code % n, i = left[pick];

				code /= n;
				memmove(left + pick, left + pick + 1,
					(n - pick - 1) * sizeof(left[0]));
				assert_int_equal(give(1000 + order, i * PIECE, PIECE, &d),
					n > 1 ? REASON_fragment_held : REASON_none);
			}
			assert_whole(&d, PAYLOAD_BYTES);
		}
	}
}

static void datagrams_under_way_do_not_mix(void **state)
{
	struct net_datagram d;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, 1592);
		assert_int_equal(give(1, 0, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(2, PIECE, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(1, PIECE, PIECE, &d), REASON_none);
		assert_whole(&d, 1592);
		assert_int_equal(give(2, 0, PIECE, &d), REASON_none);
		assert_whole(&d, 1592);
	}
}

static void eight_fragments_are_taken_and_nine_are_not(void **state)
{
	struct net_datagram d;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, 8 * PIECE - 8);
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(give(1, i * PIECE, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(1, 7 * PIECE, PIECE, &d), REASON_none);
		assert_whole(&d, 8 * PIECE - 8);
		make_whole(six, 9 * PIECE - 8);
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(give(2, i * PIECE, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(2, 7 * PIECE, PIECE, &d), REASON_ip_fragment_bad);
	}
}

static void an_overlap_gives_up_the_datagram(void **state)
{
	struct net_datagram d;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, 2392);
		assert_int_equal(give(1, 0, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(1, PIECE - 8, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(1, 2 * PIECE - 8, PIECE + 8, &d), REASON_ip_fragment_bad);
	}
}

static void a_doubled_fragment_gives_up_the_datagram(void **state)
{
	struct net_datagram d;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, 1592);
		assert_int_equal(give(1, 0, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(1, 0, PIECE, &d), REASON_ip_fragment_bad);
		assert_int_equal(give(2, PIECE, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(2, PIECE, PIECE, &d), REASON_ip_fragment_bad);
	}
}

static void what_never_completes_expires_and_is_counted(void **state)
{
	struct net_datagram d;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, 2392);
		assert_int_equal(give(1, 0, PIECE, &d), REASON_fragment_held);
		assert_int_equal(give(1, PIECE, PIECE, &d), REASON_fragment_held);
	}
	world_pass(4 * WORLD_HZ);
	assert_int_equal(world.counters.reason[REASON_ip_fragment_expired], 0);
	world_pass(2 * WORLD_HZ);
	assert_int_equal(world.counters.reason[REASON_ip_fragment_expired], 4);
	assert_int_equal(give(1, 2 * PIECE, PIECE, &d), REASON_fragment_held);
	assert_int_equal(world.counters.reason[REASON_ip_fragment_bad], 0);
}

static void a_flood_of_first_fragments_holds_a_bounded_number(void **state)
{
	unsigned n_held = 0;
	struct net_datagram d;

	(void)state;
	make_whole(false, 1592);
	for (uint32_t id = 0; id < 1000; id++)
		n_held += give(id, 0, PIECE, &d) == REASON_fragment_held;
	assert_true(n_held > 0);
	assert_true(rte_mempool_in_use_count(world.pools.small) <= WORLD_PACKETS / 8);
	world_pass(6 * WORLD_HZ);
	assert_int_equal(world.counters.reason[REASON_ip_fragment_expired], n_held);
	assert_int_equal(rte_mempool_in_use_count(world.pools.small), 0);
}

static void a_datagram_over_the_largest_buffer_is_refused(void **state)
{
	struct net_datagram d;

	(void)state;
	make_whole(false, 17000);
	assert_int_equal(give(1, 15200, 1200, &d), REASON_ip_fragment_bad);
	make_whole(true, 17000);
	assert_int_equal(give(1, 15200, 1200, &d), REASON_ip_fragment_bad);
}

static void a_damaged_datagram_is_known_by_its_checksum(void **state)
{
	struct net_datagram d;
	size_t n;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		make_whole(six, 1592);
		assert_int_equal(give(1, 0, PIECE, &d), REASON_fragment_held);
		n = frame_fragment(piece, view_of(whole, whole_bytes), 1, PIECE, PIECE);
		piece[n - 1] ^= 1;
		// Devices call fragments good without having looked.
		world.ports[0].rx_udp_checksum = true;
		assert_int_equal(
			world_receive_flags(0, view_of(piece, n), RTE_MBUF_F_RX_L4_CKSUM_GOOD, &d),
			REASON_udp_checksum);
		world.ports[0].rx_udp_checksum = false;
	}
}

static void fragments_within_fragments_are_refused(void **state)
{
	struct frame_path path = world_path(0, "2001:db8::9", "2001:db8::1");
	uint8_t inner[32] = {IP_PROTOCOL_UDP, 0, 0, 1, 0, 0, 0, 9};
	struct net_datagram d;

	(void)state;
	whole_bytes = frame_ip(whole, &path, IP_PROTOCOL_UDP, 64, view_of(inner, sizeof(inner)));
	for (size_t offset = 0; offset < 32; offset += 16) {
		size_t n = frame_fragment(piece, view_of(whole, whole_bytes), 5, offset, 16);

		piece[14 + 40] = IP_PROTOCOL_FRAGMENT;
		assert_int_equal(world_receive(0, view_of(piece, n), &d),
			offset == 0 ? REASON_fragment_held : REASON_ip_fragment_bad);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		CASE(fragments_in_every_order_make_the_datagram),
		CASE(datagrams_under_way_do_not_mix),
		CASE(eight_fragments_are_taken_and_nine_are_not),
		CASE(an_overlap_gives_up_the_datagram),
		CASE(a_doubled_fragment_gives_up_the_datagram),
		CASE(what_never_completes_expires_and_is_counted),
		CASE(a_flood_of_first_fragments_holds_a_bounded_number),
		CASE(a_datagram_over_the_largest_buffer_is_refused),
		CASE(a_damaged_datagram_is_known_by_its_checksum),
		CASE(fragments_within_fragments_are_refused),
	};
#undef CASE

	world_start("reassembly_test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
