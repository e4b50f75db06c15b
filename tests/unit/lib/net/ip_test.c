// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/ip.h"
#include "tests/unit/test.h"

static struct ip_addr ip(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_parse(view_string(text), &out), 0);
	return out;
}

static struct ip_header header4(uint16_t payload_bytes)
{
	return (struct ip_header){.source = ip("192.168.0.1"),
		.destination = ip("192.168.0.199"),
		.payload_bytes = payload_bytes,
		.protocol = IP_PROTOCOL_UDP,
		.hop_limit = 64,
		.dont_fragment = true};
}

static struct ip_header header6(uint16_t payload_bytes)
{
	return (struct ip_header){.source = ip("2001:db8::1"),
		.destination = ip("2001:db8::2"),
		.payload_bytes = payload_bytes,
		.protocol = IP_PROTOCOL_UDP,
		.hop_limit = 64};
}

static void an_ipv4_header_is_built_byte_for_byte(void **state)
{
	// Checksum worked out by hand: the words without it add up to 0x479e, its complement.
	static const uint8_t expected[] = {0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61,
		0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7};
	struct ip_header h = header4(95);
	uint8_t bytes[IPV4_BYTES];

	(void)state;
	ipv4_build(bytes, &h);
	assert_memory_equal(bytes, expected, sizeof(expected));
	assert_true(ipv4_checksum_holds(bytes));
	for (size_t i = 0; i < IPV4_BYTES; i++) {
		bytes[i] ^= 0x10;
		assert_false(ipv4_checksum_holds(bytes));
		bytes[i] ^= 0x10;
	}
}

static void an_ipv4_header_survives_building_and_parsing(void **state)
{
	struct ip_header h = header4(16), out;
	uint8_t bytes[IPV4_BYTES + 46] = {0}; // with Ethernet's padding

	(void)state;
	h.id = 0xbeef;
	h.dont_fragment = false;
	h.more_fragments = true;
	h.fragment_offset = 1480;
	assert_int_equal(ip_build(bytes, &h), IPV4_BYTES);
	assert_int_equal(ipv4_parse(view_of(bytes, sizeof(bytes)), &out), REASON_none);
	assert_true(ip_equal(&out.source, &h.source));
	assert_true(ip_equal(&out.destination, &h.destination));
	assert_int_equal(out.id, 0xbeef);
	assert_int_equal(out.n_bytes, IPV4_BYTES);
	assert_int_equal(out.payload_bytes, 16);
	assert_int_equal(out.fragment_offset, 1480);
	assert_int_equal(out.protocol, IP_PROTOCOL_UDP);
	assert_int_equal(out.hop_limit, 64);
	assert_true(out.more_fragments);
	assert_false(out.dont_fragment);
}

static void every_malformed_ipv4_header_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum reason reason;
	} rows[] = {
		{0, 0x65, REASON_ip_malformed}, // version 6
		{0, 0x44, REASON_ip_malformed}, // header shorter than twenty
		{0, 0x4f, REASON_ip_malformed}, // header longer than the packet
		{0, 0x46, REASON_ip_options},
		{3, 19, REASON_ip_malformed},   // total shorter than the header
		{3, 45, REASON_ip_malformed},   // total longer than the frame
		{6, 0x80, REASON_ip_malformed}, // reserved flag
		{3, 20, REASON_none},
		{3, 23, REASON_none},
	};
	struct ip_header h = header4(24), out;
	uint8_t bytes[IPV4_BYTES + 24] = {0};

	(void)state;
	ipv4_build(bytes, &h);
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(ipv4_parse(view_of(bytes, n), &out), REASON_ip_malformed);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ipv4_build(bytes, &h);
		bytes[rows[i].at] = rows[i].value;
		assert_int_equal(ipv4_parse(view_of(bytes, sizeof(bytes)), &out), rows[i].reason);
	}
}

static void an_ipv4_fragment_that_cannot_be_one_is_refused(void **state)
{
	static const struct {
		uint16_t fragment, payload_bytes;
		enum reason reason;
	} rows[] = {
		{0x2000, 24, REASON_none},
		{0x2000, 23, REASON_ip_fragment_bad}, // not whole words, and more to come
		{0x0003, 23, REASON_none},            // the last need not be
		{0x2000, 0, REASON_ip_fragment_bad}, {0x0001, 0, REASON_ip_fragment_bad},
		{0x1fff, 8, REASON_ip_fragment_bad}, // beyond 65,535: the ping of death
	};
	uint8_t bytes[IPV4_BYTES + 24] = {0};
	struct ip_header out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_header h = header4(rows[i].payload_bytes);

		ipv4_build(bytes, &h);
		wire_put16(bytes + 6, rows[i].fragment);
		assert_int_equal(ipv4_parse(view_of(bytes, sizeof(bytes)), &out), rows[i].reason);
	}
}

static void an_ipv6_header_survives_building_and_parsing(void **state)
{
	struct ip_header h = header6(16), out;
	uint8_t bytes[IPV6_BYTES + IPV6_FRAGMENT_BYTES + 32] = {0};

	(void)state;
	assert_int_equal(ip_build(bytes, &h), IPV6_BYTES);
	assert_int_equal(ipv6_parse(view_of(bytes, sizeof(bytes)), &out), REASON_none);
	assert_int_equal(out.n_bytes, IPV6_BYTES);
	assert_false(ip_is_fragment(&out));
	h.id = 0xdeadbeef;
	h.more_fragments = true;
	h.fragment_offset = 1232;
	assert_int_equal(ip_build(bytes, &h), IPV6_BYTES + IPV6_FRAGMENT_BYTES);
	assert_int_equal(ipv6_parse(view_of(bytes, sizeof(bytes)), &out), REASON_none);
	assert_true(ip_equal(&out.source, &h.source));
	assert_true(ip_equal(&out.destination, &h.destination));
	assert_int_equal(out.id, 0xdeadbeef);
	assert_int_equal(out.n_bytes, IPV6_BYTES + IPV6_FRAGMENT_BYTES);
	assert_int_equal(out.payload_bytes, 16);
	assert_int_equal(out.fragment_offset, 1232);
	assert_int_equal(out.protocol, IP_PROTOCOL_UDP);
	assert_true(out.more_fragments);
}

static void every_truncated_ipv6_header_is_refused(void **state)
{
	struct ip_header h = header6(16), out;
	uint8_t bytes[IPV6_BYTES + 16] = {0};

	(void)state;
	ipv6_build(bytes, &h);
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(ipv6_parse(view_of(bytes, n), &out), REASON_ip_malformed);
	bytes[0] = 0x45;
	assert_int_equal(ipv6_parse(view_of(bytes, sizeof(bytes)), &out), REASON_ip_malformed);
}

// Extension headers, the first one's protocol before them, then eight bytes of payload.
static void extension_headers_are_skipped_or_refused_by_rfc_8200(void **state)
{
	static const struct {
		const char *bytes;
		size_t n_bytes;
		uint8_t first;
		enum reason reason;
	} rows[] = {
		{"\x11\0\1\4\0\0\0\0", 8, 0, REASON_none},                           // PadN
		{"\x11\0\0\0\0\0\0\0", 8, 0, REASON_none},                           // Pad1
		{"\x11\0\5\2\0\0\1\0", 8, 0, REASON_none},                           // Router Alert
		{"\x11\0\1\4\0\0\0\0", 8, 60, REASON_none},                          // destination
		{"\x3c\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0", 16, 0, REASON_none},        // both
		{"\x3c\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0", 16, 60, REASON_ip_options}, // twice
		{"\0\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0", 16, 60, REASON_ip_options},   // wrong order
		{"\0\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0", 16, 0, REASON_ip_options},    // twice
		{"\x11\0\xc2\4\0\0\0\0", 8, 0, REASON_ip_options},                   // jumbo
		{"\x11\0\x41\4\0\0\0\0", 8, 60, REASON_ip_options}, // discard when unknown
		{"\x11\0\1\5\0\0\0\0", 8, 0, REASON_ip_malformed},  // option longer than header
		{"\x11\0\1\3\0\0\0\1", 8, 0, REASON_ip_malformed},  // option without length
		{"\x11\2\1\4\0\0\0\0", 8, 0, REASON_ip_malformed},  // header longer than packet
		{"\x2c\0\1\4\0\0\0\0\x11\0\0\1\0\0\0\1", 16, 0, REASON_ip_options}, // then fragment
		{"\x11\0\0\0\0\0\0\1", 8, 44, REASON_none},                         // atomic
		{"\x3c\0\0\0\0\0\0\1\x11\0\1\4\0\0\0\0", 16, 44, REASON_none},
		{"\x2c\0\0\0\0\0\0\1\x11\0\0\0\0\0\0\1", 16, 44, REASON_ip_options},
		{"\x11\0\0\1\0\0\0\1", 8, 44, REASON_none},
		{"\x11\0\0\x08\0\0\0\1", 8, 44, REASON_none},
		{"\x11\0\xff\xf9\0\0\0\1", 8, 44, REASON_ip_fragment_bad}, // beyond 65,535
	};
	uint8_t bytes[IPV6_BYTES + 24];
	struct ip_header out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_header h = header6((uint16_t)(rows[i].n_bytes + 8));

		memset(bytes, 0, sizeof(bytes));
		h.protocol = rows[i].first;
		ipv6_build(bytes, &h);
		memcpy(bytes + IPV6_BYTES, rows[i].bytes, rows[i].n_bytes);
		assert_int_equal(ipv6_parse(view_of(bytes, sizeof(bytes)), &out), rows[i].reason);
		if (rows[i].reason != REASON_none)
			continue;
		assert_int_equal(out.protocol, IP_PROTOCOL_UDP);
		assert_int_equal(out.n_bytes, IPV6_BYTES + rows[i].n_bytes);
		assert_int_equal(out.payload_bytes, 8);
	}
}

static void a_routing_header_is_left_as_an_unknown_protocol(void **state)
{
	struct ip_header h = header6(8), out;
	uint8_t bytes[IPV6_BYTES + 8] = {0};

	(void)state;
	h.protocol = 43;
	ipv6_build(bytes, &h);
	assert_int_equal(ipv6_parse(view_of(bytes, sizeof(bytes)), &out), REASON_none);
	assert_int_equal(out.protocol, 43);
}

static void only_a_unicast_address_is_a_host(void **state)
{
	static const struct {
		const char *text;
		bool is_host;
	} rows[] = {
		{"192.0.2.1", true},
		{"0.0.0.0", false},
		{"0.1.2.3", false},
		{"127.0.0.1", false},
		{"224.0.0.1", false},
		{"240.0.0.1", false},
		{"255.255.255.255", false},
		{"2001:db8::1", true},
		{"fe80::1", true},
		{"64:ff9b::1", true},
		{"::", false},
		{"::1", false},
		{"::ffff:192.0.2.1", false},
		{"ff02::1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_addr address = ip(rows[i].text);

		assert_int_equal(ip_is_host(&address), rows[i].is_host);
	}
}

static void derived_addresses_are_those_of_the_rfcs(void **state)
{
	static const uint8_t mac[] = {0x00, 0xaa, 0x00, 0x3f, 0x2a, 0x1c};
	struct ip_addr out, from = ip("4037::1:800:200e:8c6c"); // RFC 4291 §2.7.1
	struct ip_addr expected = ip("fe80::2aa:ff:fe3f:2a1c"); // RFC 2464 §4

	(void)state;
	ip_link_local(mac, &out);
	assert_true(ip_equal(&out, &expected));
	ip_solicited_node(&from, &out);
	expected = ip("ff02::1:ff0e:8c6c");
	assert_true(ip_equal(&out, &expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv4_header_is_built_byte_for_byte),
		cmocka_unit_test(an_ipv4_header_survives_building_and_parsing),
		cmocka_unit_test(every_malformed_ipv4_header_is_refused),
		cmocka_unit_test(an_ipv4_fragment_that_cannot_be_one_is_refused),
		cmocka_unit_test(an_ipv6_header_survives_building_and_parsing),
		cmocka_unit_test(every_truncated_ipv6_header_is_refused),
		cmocka_unit_test(extension_headers_are_skipped_or_refused_by_rfc_8200),
		cmocka_unit_test(a_routing_header_is_left_as_an_unknown_protocol),
		cmocka_unit_test(only_a_unicast_address_is_a_host),
		cmocka_unit_test(derived_addresses_are_those_of_the_rfcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
