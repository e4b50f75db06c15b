// SPDX-License-Identifier: BSD-3-Clause

#include "lib/net/icmp.h"
#include "tests/unit/test.h"

// Echo, identifier 0x1234, sequence 1, "ping": 0x0800 + 0x1234 + 1 + 0x7069 + 0x6e67 = 0xf905.
static const uint8_t echo[] = {8, 0, 0x06, 0xfa, 0x12, 0x34, 0, 1, 'p', 'i', 'n', 'g'};

static struct ip_header between(const char *source, const char *destination)
{
	struct ip_header h = {0};

	assert_int_equal(ip_parse(view_string(source), &h.source), 0);
	assert_int_equal(ip_parse(view_string(destination), &h.destination), 0);
	return h;
}

static void an_echo_becomes_a_reply_with_a_true_checksum(void **state)
{
	struct ip_header ip = between("192.0.2.1", "192.0.2.2");
	uint8_t bytes[sizeof(echo)];

	(void)state;
	memcpy(bytes, echo, sizeof(echo));
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &ip), REASON_none);
	icmp_answer_echo(bytes, IP_V4);
	assert_int_equal(bytes[0], ICMP_ECHO_REPLY);
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &ip), REASON_none);
	assert_memory_equal(bytes + 4, echo + 4, sizeof(echo) - 4);
}

static void an_icmpv6_echo_becomes_a_reply_for_the_way_back(void **state)
{
	struct ip_header there = between("2001:db8::1", "2001:db8::2");
	struct ip_header back = between("2001:db8::2", "2001:db8::1");
	uint8_t bytes[] = {ICMP6_ECHO, 0, 0, 0, 0x12, 0x34, 0, 1, 'p', 'i', 'n', 'g', '!'};

	(void)state;
	icmp6_checksum_fill(bytes, sizeof(bytes), &there.source, &there.destination);
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &there), REASON_none);
	icmp_answer_echo(bytes, IP_V6);
	assert_int_equal(bytes[0], ICMP6_ECHO_REPLY);
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &back), REASON_none);
}

static void a_short_or_damaged_message_is_malformed(void **state)
{
	struct ip_header ip = between("192.0.2.1", "192.0.2.2");
	uint8_t bytes[sizeof(echo)];

	(void)state;
	for (size_t n = 0; n < sizeof(echo); n++)
		assert_int_equal(icmp_check(view_of(echo, n), &ip), REASON_icmp_malformed);
	for (size_t i = 0; i < sizeof(echo); i++) {
		memcpy(bytes, echo, sizeof(echo));
		bytes[i] ^= 0x40;
		assert_int_equal(
			icmp_check(view_of(bytes, sizeof(bytes)), &ip), REASON_icmp_malformed);
	}
}

static void the_checksum_of_icmpv6_covers_the_addresses(void **state)
{
	struct ip_header ip = between("2001:db8::1", "2001:db8::2");
	uint8_t bytes[8] = {ICMP6_ECHO};

	(void)state;
	icmp6_checksum_fill(bytes, sizeof(bytes), &ip.source, &ip.destination);
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &ip), REASON_none);
	ip.source.bytes[15] ^= 4;
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &ip), REASON_icmp_malformed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_echo_becomes_a_reply_with_a_true_checksum),
		cmocka_unit_test(an_icmpv6_echo_becomes_a_reply_for_the_way_back),
		cmocka_unit_test(a_short_or_damaged_message_is_malformed),
		cmocka_unit_test(the_checksum_of_icmpv6_covers_the_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
