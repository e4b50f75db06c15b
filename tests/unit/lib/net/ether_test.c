// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/ether.h"
#include "tests/unit/test.h"

static const uint8_t ours[] = {0x02, 0, 0, 0, 0, 1};
static const uint8_t theirs[] = {0x02, 0, 0, 0, 0, 2};

static void a_header_survives_building_and_parsing(void **state)
{
	static const uint16_t vlans[] = {0, 1, 4094};
	uint8_t frame[ETHER_HEADER_BYTES];
	struct ether_header h;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t n = ether_build(frame, ours, theirs, vlans[i], ETHER_TYPE_IPV6);

		assert_int_equal(n, vlans[i] == 0 ? 14 : 18);
		assert_int_equal(ether_parse(view_of(frame, n), &h), REASON_none);
		assert_memory_equal(h.destination, ours, 6);
		assert_memory_equal(h.source, theirs, 6);
		assert_int_equal(h.vlan, vlans[i]);
		assert_int_equal(h.type, ETHER_TYPE_IPV6);
		assert_int_equal(h.n_bytes, n);
	}
}

static void a_tag_gives_its_vlan_without_priority(void **state)
{
	uint8_t frame[ETHER_HEADER_BYTES];
	struct ether_header h;

	(void)state;
	ether_build(frame, ours, theirs, 7, ETHER_TYPE_ARP);
	wire_put16(frame + 14, 0xf000);
	assert_int_equal(ether_parse(view_of(frame, sizeof(frame)), &h), REASON_none);
	assert_int_equal(h.vlan, 0);
	assert_int_equal(h.n_bytes, 18);
}

static void every_truncated_header_is_short(void **state)
{
	uint8_t frame[ETHER_HEADER_BYTES];
	struct ether_header h;

	(void)state;
	ether_build(frame, ours, theirs, 7, ETHER_TYPE_ARP);
	for (size_t n = 0; n < ETHER_HEADER_BYTES; n++)
		assert_int_equal(ether_parse(view_of(frame, n), &h), REASON_eth_short);
}

static void a_group_as_source_is_refused(void **state)
{
	uint8_t frame[ETHER_BYTES];
	struct ether_header h;

	(void)state;
	ether_build(frame, ours, ether_broadcast, 0, ETHER_TYPE_ARP);
	assert_int_equal(ether_parse(view_of(frame, sizeof(frame)), &h), REASON_eth_not_ours);
}

static void a_group_address_takes_the_last_four_bytes_of_the_group(void **state)
{
	static const uint8_t expected[] = {0x33, 0x33, 0xff, 0x28, 0x9c, 0x5a};
	struct ip_addr group;
	uint8_t mac[6];

	(void)state;
	assert_int_equal(ip_parse(VIEW("ff02::1:ff28:9c5a"), &group), 0);
	ether_group_of(&group, mac);
	assert_memory_equal(mac, expected, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_survives_building_and_parsing),
		cmocka_unit_test(a_tag_gives_its_vlan_without_priority),
		cmocka_unit_test(every_truncated_header_is_short),
		cmocka_unit_test(a_group_as_source_is_refused),
		cmocka_unit_test(a_group_address_takes_the_last_four_bytes_of_the_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
