// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/checksum.h"
#include "lib/net/udp.h"
#include "tests/unit/test.h"

static struct ip_header between(const char *source, const char *destination)
{
	struct ip_header h = {.protocol = IP_PROTOCOL_UDP};

	assert_int_equal(ip_parse(view_string(source), &h.source), 0);
	assert_int_equal(ip_parse(view_string(destination), &h.destination), 0);
	return h;
}

static void a_datagram_has_the_checksum_worked_out_by_hand(void **state)
{
	// Pseudo header c0a8 0001 c0a8 0002 0011 000a, header 0035 1000 000a, data 6869: 0xfa17
	// when added up, complement 0x05e8.
	struct ip_header ip = between("192.168.0.1", "192.168.0.2");
	uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, 'h', 'i'};

	(void)state;
	udp_build(bytes, 53, 4096, 2);
	udp_checksum_fill(bytes, &ip.source, &ip.destination);
	assert_int_equal(wire_get16(bytes + 6), 0x05e8);
	assert_true(udp_checksum_holds(bytes, &ip));
	bytes[9] ^= 1;
	assert_false(udp_checksum_holds(bytes, &ip));
}

static void a_datagram_survives_building_and_parsing_in_both_families(void **state)
{
	struct ip_header rows[] = {
		between("192.0.2.1", "192.0.2.2"), between("2001:db8::1", "2001:db8::2")};
	uint8_t bytes[64];
	struct udp udp;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (size_t n = 0; n <= 48; n++) {
			memset(bytes, 0xa5, sizeof(bytes));
			udp_build(bytes, 5060, 65535, n);
			udp_checksum_fill(bytes, &rows[i].source, &rows[i].destination);
			assert_int_equal(
				udp_parse(view_of(bytes, sizeof(bytes)), &udp), REASON_none);
			assert_int_equal(udp.source, 5060);
			assert_int_equal(udp.destination, 65535);
			assert_int_equal(udp.payload.len, n);
			assert_ptr_equal(udp.payload.at, bytes + 8);
			assert_true(udp_checksum_holds(bytes, &rows[i]));
		}
	}
}

static void a_bad_length_is_malformed(void **state)
{
	uint8_t bytes[16] = {0};
	struct udp udp;

	(void)state;
	udp_build(bytes, 1, 2, 8);
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(udp_parse(view_of(bytes, n), &udp), REASON_udp_malformed);
	for (uint16_t length = 0; length < UDP_BYTES; length++) {
		wire_put16(bytes + 4, length);
		assert_int_equal(
			udp_parse(view_of(bytes, sizeof(bytes)), &udp), REASON_udp_malformed);
	}
}

static void no_checksum_is_taken_over_ipv4_only(void **state)
{
	struct ip_header four = between("192.0.2.1", "192.0.2.2");
	struct ip_header six = between("2001:db8::1", "2001:db8::2");
	uint8_t bytes[16] = {0};

	(void)state;
	udp_build(bytes, 1, 2, 8);
	assert_true(udp_checksum_holds(bytes, &four));
	assert_false(udp_checksum_holds(bytes, &six));
}

static void a_checksum_of_zero_is_sent_as_all_ones(void **state)
{
	struct ip_header ip = between("192.0.2.1", "192.0.2.2");
	uint8_t bytes[10] = {0};
	uint16_t rest;

	(void)state;
	udp_build(bytes, 1, 2, 2);
	udp_checksum_fill(bytes, &ip.source, &ip.destination);
	// The payload that adds what is missing to all ones.
	memcpy(&rest, bytes + 6, sizeof(rest));
	memcpy(bytes + 8, &rest, sizeof(rest));
	wire_put16(bytes + 6, 0);
	udp_checksum_fill(bytes, &ip.source, &ip.destination);
	assert_int_equal(wire_get16(bytes + 6), 0xffff);
	assert_true(udp_checksum_holds(bytes, &ip));
}

static void a_device_that_adds_the_rest_arrives_at_the_same_checksum(void **state)
{
	struct ip_header ip = between("2001:db8::1", "2001:db8::2");
	uint8_t bytes[13] = {[8] = 's', 'i', 'p', ':', 'x'};
	uint16_t whole, device;

	(void)state;
	udp_build(bytes, 5060, 5060, 5);
	udp_checksum_fill(bytes, &ip.source, &ip.destination);
	memcpy(&whole, bytes + 6, sizeof(whole));
	udp_checksum_begin(bytes, &ip.source, &ip.destination);
	device = checksum_end(checksum_add(0, bytes, sizeof(bytes)));
	assert_int_equal(device, whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_has_the_checksum_worked_out_by_hand),
		cmocka_unit_test(a_datagram_survives_building_and_parsing_in_both_families),
		cmocka_unit_test(a_bad_length_is_malformed),
		cmocka_unit_test(no_checksum_is_taken_over_ipv4_only),
		cmocka_unit_test(a_checksum_of_zero_is_sent_as_all_ones),
		cmocka_unit_test(a_device_that_adds_the_rest_arrives_at_the_same_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
