// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/addr.h"
#include "tests/unit/test.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_survives_text_and_back),
		cmocka_unit_test(what_is_not_an_endpoint_is_refused),
		cmocka_unit_test(a_prefix_covers_its_addresses_and_no_others),
		cmocka_unit_test(a_prefix_with_host_bits_or_a_bad_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
