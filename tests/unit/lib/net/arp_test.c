// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/arp.h"
#include "tests/unit/test.h"

// Who has 192.0.2.1, tell 192.0.2.9; by the layout of RFC 826.
static const uint8_t request[ARP_BYTES] = {
	0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};

static void a_request_is_read_and_built_byte_for_byte(void **state)
{
	uint8_t built[ARP_BYTES];
	struct ip_addr ip;
	struct arp arp;

	(void)state;
	assert_int_equal(arp_parse(view_of(request, sizeof(request)), &arp), REASON_none);
	assert_int_equal(arp.operation, ARP_REQUEST);
	assert_int_equal(ip_parse(VIEW("192.0.2.9"), &ip), 0);
	assert_true(ip_equal(&arp.sender_ip, &ip));
	assert_int_equal(ip_parse(VIEW("192.0.2.1"), &ip), 0);
	assert_true(ip_equal(&arp.target_ip, &ip));
	assert_int_equal(arp.sender_mac[5], 9);
	arp_build(built, &arp);
	assert_memory_equal(built, request, sizeof(request));
}

static void a_probe_has_no_sender_and_is_taken(void **state)
{
	uint8_t probe[ARP_BYTES];
	struct arp arp;

	(void)state;
	memcpy(probe, request, sizeof(probe));
	memset(probe + 14, 0, 4);
	assert_int_equal(arp_parse(view_of(probe, sizeof(probe)), &arp), REASON_none);
	probe[7] = ARP_REPLY;
	assert_int_equal(arp_parse(view_of(probe, sizeof(probe)), &arp), REASON_arp_malformed);
}

static void every_malformed_variant_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{1, 6},    // not Ethernet
		{2, 0x86}, // not IPv4
		{4, 8},    // length of the hardware address
		{5, 16},   // length of the protocol address
		{7, 0},    // no operation
		{7, 3},    // reverse ARP
		{6, 1},    // operation 0x101
		{8, 3},    // sender MAC is a group
		{14, 224}, // sender is multicast
		{14, 255}, // sender is broadcast
		{14, 127}, // sender is loopback
	};
	uint8_t bytes[ARP_BYTES];
	struct arp arp;

	(void)state;
	for (size_t n = 0; n < ARP_BYTES; n++)
		assert_int_equal(arp_parse(view_of(request, n), &arp), REASON_arp_malformed);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(bytes, request, sizeof(bytes));
		bytes[rows[i].at] = rows[i].value;
		assert_int_equal(
			arp_parse(view_of(bytes, sizeof(bytes)), &arp), REASON_arp_malformed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_and_built_byte_for_byte),
		cmocka_unit_test(a_probe_has_no_sender_and_is_taken),
		cmocka_unit_test(every_malformed_variant_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
