// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/checksum.h"
#include "lib/net/tcp.h"
#include "tests/unit/test.h"

#define CHECKSUM_AT 16

static struct ip_header between(const char *source, const char *destination)
{
	struct ip_header h = {.protocol = IP_PROTOCOL_TCP};

	assert_int_equal(ip_parse(view_string(source), &h.source), 0);
	assert_int_equal(ip_parse(view_string(destination), &h.destination), 0);
	return h;
}

static void a_segment_has_the_checksum_worked_out_by_hand(void **state)
{
	// Pseudo header c0a8 0001 c0a8 0002 0006 0017: 0x18170; header 0035 1000 0000 0001 0000
	// 0002 5010 0400 0000, data 6869 2100: 0xedb1; 0x26f21 in all, carried 0x6f23, complement
	// 0x90dc.
	struct ip_header ip = between("192.168.0.1", "192.168.0.2");
	uint8_t bytes[23] = {0, 0x35, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 4, 0, 0xee, 0xee,
		0, 0, 'h', 'i', '!'};

	(void)state;
	tcp_checksum_fill(bytes, sizeof(bytes), &ip.source, &ip.destination);
	assert_int_equal(wire_get16(bytes + CHECKSUM_AT), 0x90dc);
	assert_true(tcp_checksum_holds(view_of(bytes, sizeof(bytes)), &ip));
}

static void a_checksum_fails_when_any_bit_of_the_segment_or_its_addresses_changes(void **state)
{
	struct ip_header ips[] = {
		between("192.0.2.1", "192.0.2.2"), between("2001:db8::1", "2001:db8::2")};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ip_header forged = ips[i];
		uint8_t bytes[33];

		memset(bytes, 0x5a, sizeof(bytes));
		tcp_checksum_fill(bytes, sizeof(bytes), &ips[i].source, &ips[i].destination);
		assert_true(tcp_checksum_holds(view_of(bytes, sizeof(bytes)), &ips[i]));
		for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(tcp_checksum_holds(view_of(bytes, sizeof(bytes)), &ips[i]));
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		forged.source.bytes[3] ^= 1;
		assert_false(tcp_checksum_holds(view_of(bytes, sizeof(bytes)), &forged));
		assert_false(tcp_checksum_holds(view_of(bytes, sizeof(bytes) - 1), &ips[i]));
	}
}

// The device adds what it sends to what it finds in the field.
static void a_device_that_adds_the_rest_arrives_at_the_same_checksum(void **state)
{
	struct ip_header ips[] = {
		between("192.0.2.1", "192.0.2.2"), between("2001:db8::1", "2001:db8::2")};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t bytes[25] = {[12] = 0x50, [20] = 's', 'i', 'p', ':', 'x'};
		uint16_t whole, device;

		tcp_checksum_fill(bytes, sizeof(bytes), &ips[i].source, &ips[i].destination);
		memcpy(&whole, bytes + CHECKSUM_AT, sizeof(whole));
		tcp_checksum_begin(bytes, sizeof(bytes), &ips[i].source, &ips[i].destination);
		device = checksum_end(checksum_add(0, bytes, sizeof(bytes)));
		assert_int_equal(device, whole);
	}
}

static void a_device_that_cuts_adds_the_length_of_each_piece_itself(void **state)
{
	struct ip_header ip = between("192.0.2.1", "192.0.2.2");
	uint8_t bytes[25] = {[12] = 0x50, [20] = 's', 'i', 'p', ':', 'x'};
	uint8_t length[2] = {0, sizeof(bytes)};
	uint16_t whole, device;

	(void)state;
	tcp_checksum_fill(bytes, sizeof(bytes), &ip.source, &ip.destination);
	memcpy(&whole, bytes + CHECKSUM_AT, sizeof(whole));
	tcp_checksum_begin(bytes, 0, &ip.source, &ip.destination);
	device = checksum_end(checksum_add(checksum_add(0, length, 2), bytes, sizeof(bytes)));
	assert_int_equal(device, whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_has_the_checksum_worked_out_by_hand),
		cmocka_unit_test(
			a_checksum_fails_when_any_bit_of_the_segment_or_its_addresses_changes),
		cmocka_unit_test(a_device_that_adds_the_rest_arrives_at_the_same_checksum),
		cmocka_unit_test(a_device_that_cuts_adds_the_length_of_each_piece_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
