// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/addr.h"
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

static void an_endpoint_survives_text_and_back(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1:5060"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"2001:db8::1", "[2001:db8::1]:5060"},
		{"[2001:db8::1]", "[2001:db8::1]:5060"},
		{"[2001:DB8:0::1]:5070", "[2001:db8::1]:5070"},
	};
	char text[ENDPOINT_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint e;

		assert_int_equal(
			endpoint_parse(view_string(rows[i].in), 5060, TRANSPORT_UDP, &e), 0);
		assert_int_equal(endpoint_format(&e, text), strlen(rows[i].out));
		assert_string_equal(text, rows[i].out);
	}
}

static void what_is_not_an_endpoint_is_refused(void **state)
{
	static const char *const rows[] = {"", ":", "192.0.2", "192.0.2.1:", "192.0.2.1:65536",
		"192.0.2.1:-1", "192.0.2.1:1x", "[192.0.2.1]", "[2001:db8::1", "[2001:db8::1]5060",
		"[2001:db8::1]:", "2001:db8::1%eth0", "host.example:5060", "192.0.2.1 "};
	struct endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_not_equal(
			endpoint_parse(view_string(rows[i]), 5060, TRANSPORT_UDP, &e), 0);
}

static void a_prefix_covers_its_addresses_and_no_others(void **state)
{
	static const struct {
		const char *prefix, *ip;
		bool covers;
	} rows[] = {
		{"10.1.0.0/16", "10.1.255.255", true},
		{"10.1.0.0/16", "10.2.0.0", false},
		{"10.1.0.128/25", "10.1.0.127", false},
		{"10.1.0.128/25", "10.1.0.200", true},
		{"10.1.0.1", "10.1.0.1", true},
		{"10.1.0.1", "10.1.0.0", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::/0", "2001:db8::1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix;
		struct ip_addr ip;

		assert_int_equal(ip_prefix_parse(view_string(rows[i].prefix), &prefix), 0);
		assert_int_equal(ip_parse(view_string(rows[i].ip), &ip), 0);
		assert_int_equal(ip_prefix_covers(&prefix, &ip), rows[i].covers);
	}
}

static void a_prefix_with_host_bits_or_a_bad_length_is_refused(void **state)
{
	static const char *const rows[] = {"10.1.0.1/16", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
		"2001:db8::1/64", "2001:db8::/129", "/8", "10.0.0.0/8/8"};
	struct ip_prefix prefix;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_not_equal(ip_prefix_parse(view_string(rows[i]), &prefix), 0);
}

// Of every way to scatter zero groups, and of IPv4.
static void ip_text_is_that_of_inet_ntop(void **state)
{
	char text[IP_TEXT_BYTES], expected[IP_TEXT_BYTES];
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 1 << 16; i++) {
		struct ip_addr ip = {.family = i % 5 == 0 ? IP_V4 : IP_V6};

		for (unsigned k = 0; k < (ip.family == IP_V4 ? 4U : 16U); k++) {
			random = random * 1664525 + 1013904223;
			ip.bytes[k] = (uint8_t)(i >> k / 2 & 1 ? random >> 24 : 0);
			if (i >> 8 & 1 && k % 2 == 0)
				ip.bytes[k] = 0;
		}
		// inet_ntop() writes the deprecated IPv4-compatible form (RFC 4291 §2.5.5.1).
		if (ip.family == IP_V6 && memcmp(ip.bytes, (uint8_t[12]){0}, 12) == 0)
			ip.bytes[0] = 1;
		assert_non_null(inet_ntop(ip.family == IP_V4 ? AF_INET : AF_INET6, ip.bytes,
			expected, sizeof(expected)));
		assert_int_equal(ip_format(&ip, text), strlen(expected));
		assert_string_equal(text, expected);
	}
}

static void a_mapped_ipv4_address_is_written_as_one(void **state)
{
	struct ip_addr ip = {.family = IP_V6,
		.bytes = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 255}};
	char text[IP_TEXT_BYTES];

	(void)state;
	assert_int_equal(ip_format(&ip, text), strlen("::ffff:192.0.2.255"));
	assert_string_equal(text, "::ffff:192.0.2.255");
	ip_format(&(struct ip_addr){.family = IP_NONE}, text);
	assert_string_equal(text, "-");
	ip_format(&(struct ip_addr){.family = IP_V6}, text);
	assert_string_equal(text, "::");
}

static void assert_parsed_as_inet_pton(const char *text, size_t len)
{
	struct ip_addr ip, expected = {.family = IP_NONE};
	uint8_t *exact = malloc(len + 1);

	assert_non_null(exact);
	memcpy(exact + 1, text, len);
	if (inet_pton(AF_INET, text, expected.bytes) == 1)
		expected.family = IP_V4;
	else if (inet_pton(AF_INET6, text, expected.bytes) == 1)
		expected.family = IP_V6;
	if (ip_parse(view_of(exact + 1, len), &ip) != (expected.family != IP_NONE ? 0 : -EINVAL) ||
		!ip_equal(&ip, &expected))
		fail_msg("%s: family %u, inet_pton %u", text, ip.family, expected.family);
	free(exact);
}

static void ip_text_is_read_as_by_inet_pton(void **state)
{
	static const char *const texts[] = {"", ".", ":", "::", ":::", "0.0.0.0", "192.0.2.255",
		"192.0.2.256", "01.2.3.4", "1.2.3.00", "1.2.3", "1.2.3.4.5", "1..2.3", "::1",
		"1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7:8::", "1:2:3:4::5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1::2::3", "12345::", "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1",
		"1:2:3:4:5:6:7:192.0.2.1", "::1.2.3.4", "::1.2.3.4:1", "::1.2.3", "1:", ":1",
		"::1:", "::g", "ABCD:ef01::", "1.2.3.4::"};
	static const char alphabet[] = "0123456789abcdefF::::....x ";
	uint64_t random = 0x9e3779b97f4a7c15;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_parsed_as_inet_pton(texts[i], strlen(texts[i]));
	for (unsigned round = 0; round < 300000; round++) {
		const char *from = texts[round % (sizeof(texts) / sizeof(texts[0]))];
		size_t len = strlen(from), changes, at;
		char text[IP_TEXT_BYTES] = "";

		memcpy(text, from, len);
		random = random * 6364136223846793005 + 1442695040888963407;
		changes = 1 + (random >> 60) % 4;
		for (; changes > 0 && len + 1 < sizeof(text); changes--) {
			random = random * 6364136223846793005 + 1442695040888963407;
			at = (random >> 32) % (len + 1);
			// One byte more, or another one.
			if (random >> 63 != 0 || at == len)
				memmove(text + at + 1, text + at, ++len - at);
			text[at] = alphabet[(random >> 40) % (sizeof(alphabet) - 1)];
		}
		assert_parsed_as_inet_pton(text, len);
	}
}

static void a_name_s_key_is_a_hop_over_a_stream_and_no_address(void **state)
{
	static const struct {
		uint8_t transport;
		uint16_t port;
		bool is_hop;
	} rows[] = {
		{TRANSPORT_TLS, 5061, true},
		{TRANSPORT_TLS, 0, true},
		{TRANSPORT_TCP, 5060, true},
		{TRANSPORT_UDP, 5060, false},
		{TRANSPORT_NONE, 5060, false},
		{TRANSPORT_TLS + 1, 5060, false},
	};
	char text[ENDPOINT_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint e = {{{0xfe, 1, 2, 3, 4, 5, 6, 0xff, 9}, IP_NAMED, {0}},
			rows[i].port, rows[i].transport, 0};

		assert_int_equal(endpoint_is_hop(&e), rows[i].is_hop);
		assert_false(endpoint_is_valid(&e));
		assert_false(ip_is_valid(&e.ip));
		e.ip.zero[1] = 1;
		assert_false(endpoint_is_hop(&e));
		e.ip.zero[1] = 0;
		e.zero = 1;
		assert_false(endpoint_is_hop(&e));
		e.zero = 0;
		e.ip.family++;
		assert_false(endpoint_is_hop(&e));
		e.ip.family--;
		e.port = 5061;
		endpoint_format(&e, text);
		assert_string_equal(text, "name-fe010203040506ff:5061");
	}
}

static void an_address_is_a_hop_with_a_port_and_a_transport(void **state)
{
	struct endpoint e;

	(void)state;
	assert_int_equal(endpoint_parse(VIEW("192.0.2.1:5060"), 0, TRANSPORT_UDP, &e), 0);
	assert_true(endpoint_is_hop(&e));
	e.port = 0;
	assert_false(endpoint_is_hop(&e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_s_key_is_a_hop_over_a_stream_and_no_address),
		cmocka_unit_test(an_address_is_a_hop_with_a_port_and_a_transport),
		cmocka_unit_test(an_endpoint_survives_text_and_back),
		cmocka_unit_test(what_is_not_an_endpoint_is_refused),
		cmocka_unit_test(ip_text_is_that_of_inet_ntop),
		cmocka_unit_test(ip_text_is_read_as_by_inet_pton),
		cmocka_unit_test(a_mapped_ipv4_address_is_written_as_one),
		cmocka_unit_test(a_prefix_covers_its_addresses_and_no_others),
		cmocka_unit_test(a_prefix_with_host_bits_or_a_bad_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
