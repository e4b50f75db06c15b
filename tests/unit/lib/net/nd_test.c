// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/nd.h"
#include "tests/unit/test.h"

static const uint8_t mac[] = {0x02, 0, 0, 0, 0, 0x09};

static struct ip_addr ip(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_parse(view_string(text), &out), 0);
	return out;
}

static struct ip_header between(const char *source, const char *destination)
{
	return (struct ip_header){.source = ip(source),
		.destination = ip(destination),
		.protocol = IP_PROTOCOL_ICMP6,
		.hop_limit = ND_HOP_LIMIT};
}

static size_t solicit(uint8_t *at, const struct ip_header *h, const uint8_t *with_mac)
{
	struct nd_message m = {
		.type = ICMP6_NEIGHBOUR_SOLICITATION, .target = ip("2001:db8::1"), .mac = with_mac};

	return nd_build(at, &m, &h->source, &h->destination);
}

static size_t advertise(uint8_t *at, const struct ip_header *h, bool solicited)
{
	struct nd_message m = {.type = ICMP6_NEIGHBOUR_ADVERTISEMENT,
		.target = ip("2001:db8::1"),
		.mac = mac,
		.solicited = solicited,
		.override = true};

	return nd_build(at, &m, &h->source, &h->destination);
}

static void a_solicitation_survives_building_and_parsing(void **state)
{
	struct ip_header h = between("2001:db8::9", "ff02::1:ff00:1");
	struct ip_addr target = ip("2001:db8::1");
	uint8_t bytes[ND_BYTES + ND_OPTION_BYTES];
	struct nd_message m;

	(void)state;
	assert_int_equal(solicit(bytes, &h, mac), sizeof(bytes));
	assert_int_equal(icmp_check(view_of(bytes, sizeof(bytes)), &h), REASON_none);
	assert_int_equal(nd_parse(view_of(bytes, sizeof(bytes)), &h, &m), REASON_none);
	assert_int_equal(m.type, ICMP6_NEIGHBOUR_SOLICITATION);
	assert_true(ip_equal(&m.target, &target));
	assert_memory_equal(m.mac, mac, sizeof(mac));
	assert_int_equal(solicit(bytes, &h, NULL), ND_BYTES);
	assert_int_equal(nd_parse(view_of(bytes, ND_BYTES), &h, &m), REASON_none);
	assert_null(m.mac);
}

static void an_advertisement_carries_its_flags(void **state)
{
	struct ip_header h = between("2001:db8::1", "2001:db8::9");
	uint8_t bytes[ND_BYTES + ND_OPTION_BYTES];
	struct nd_message m;

	(void)state;
	advertise(bytes, &h, true);
	assert_int_equal(bytes[4], 0x60);
	assert_int_equal(nd_parse(view_of(bytes, sizeof(bytes)), &h, &m), REASON_none);
	assert_true(m.solicited);
	assert_true(m.override);
	assert_memory_equal(m.mac, mac, sizeof(mac));
}

static void what_rfc_4861_section_7_1_forbids_is_malformed(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{1, 1},     // code
		{8, 0xff},  // target is multicast
		{25, 0},    // option without length
		{25, 2},    // option longer than the message
		{26, 0x01}, // a group as link-layer address
	};
	struct ip_header h = between("2001:db8::9", "ff02::1:ff00:1");
	uint8_t bytes[ND_BYTES + ND_OPTION_BYTES];
	struct nd_message m;

	(void)state;
	solicit(bytes, &h, mac);
	for (size_t n = ICMP_BYTES; n < sizeof(bytes); n++) {
		if (n != ND_BYTES)
			assert_int_equal(nd_parse(view_of(bytes, n), &h, &m), REASON_nd_malformed);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		solicit(bytes, &h, mac);
		bytes[rows[i].at] = rows[i].value;
		assert_int_equal(
			nd_parse(view_of(bytes, sizeof(bytes)), &h, &m), REASON_nd_malformed);
	}
	solicit(bytes, &h, mac);
	h.hop_limit = 254; // it has been through a router
	assert_int_equal(nd_parse(view_of(bytes, sizeof(bytes)), &h, &m), REASON_nd_malformed);
}

static void a_probe_goes_to_the_solicited_node_and_names_no_mac(void **state)
{
	struct ip_header probe = between("::", "ff02::1:ff00:1");
	struct ip_header unicast = between("::", "2001:db8::1");
	uint8_t bytes[ND_BYTES + ND_OPTION_BYTES];
	struct nd_message m;
	size_t n;

	(void)state;
	n = solicit(bytes, &probe, NULL);
	assert_int_equal(nd_parse(view_of(bytes, n), &probe, &m), REASON_none);
	n = solicit(bytes, &probe, mac);
	assert_int_equal(nd_parse(view_of(bytes, n), &probe, &m), REASON_nd_malformed);
	n = solicit(bytes, &unicast, NULL);
	assert_int_equal(nd_parse(view_of(bytes, n), &unicast, &m), REASON_nd_malformed);
}

static void a_solicited_advertisement_is_never_multicast(void **state)
{
	struct ip_header h = between("2001:db8::1", "ff02::1");
	uint8_t bytes[ND_BYTES + ND_OPTION_BYTES];
	struct nd_message m;
	size_t n;

	(void)state;
	n = advertise(bytes, &h, true);
	assert_int_equal(nd_parse(view_of(bytes, n), &h, &m), REASON_nd_malformed);
	n = advertise(bytes, &h, false);
	assert_int_equal(nd_parse(view_of(bytes, n), &h, &m), REASON_none);
}

static void unknown_options_are_skipped(void **state)
{
	struct ip_header h = between("2001:db8::9", "ff02::1:ff00:1");
	uint8_t bytes[ND_BYTES + 16 + ND_OPTION_BYTES] = {0};
	struct nd_message m;

	(void)state;
	solicit(bytes, &h, mac);
	memmove(bytes + ND_BYTES + 16, bytes + ND_BYTES, ND_OPTION_BYTES);
	memset(bytes + ND_BYTES, 0, 16);
	bytes[ND_BYTES] = 14; // a nonce (RFC 3971 §5.3.2)
	bytes[ND_BYTES + 1] = 2;
	assert_int_equal(nd_parse(view_of(bytes, sizeof(bytes)), &h, &m), REASON_none);
	assert_memory_equal(m.mac, mac, sizeof(mac));
}

static void a_listener_report_is_what_rfc_3810_asks_for(void **state)
{
	struct ip_addr source = ip("fe80::1"),
		       groups[2] = {ip("ff02::1:ff00:1"), ip("ff02::1:ff00:2")};
	uint8_t bytes[MLD_ALERT_BYTES + MLD_REPORT_BYTES + 2 * MLD_RECORD_BYTES];
	struct ip_header h = {.source = source, .destination = ip("ff02::16")};
	uint8_t *report = bytes + MLD_ALERT_BYTES;

	(void)state;
	assert_int_equal(mld_build(bytes, &source, groups, 2), sizeof(bytes));
	assert_memory_equal(bytes, "\x3a\0\5\2\0\0\1\0", MLD_ALERT_BYTES);
	assert_int_equal(report[0], 143);
	assert_int_equal(wire_get16(report + 6), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_memory_equal(report + 8 + i * 20, "\4\0\0\0", 4);
		assert_memory_equal(report + 12 + i * 20, groups[i].bytes, 16);
	}
	assert_int_equal(
		icmp_check(view_of(report, sizeof(bytes) - MLD_ALERT_BYTES), &h), REASON_none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_solicitation_survives_building_and_parsing),
		cmocka_unit_test(an_advertisement_carries_its_flags),
		cmocka_unit_test(what_rfc_4861_section_7_1_forbids_is_malformed),
		cmocka_unit_test(a_probe_goes_to_the_solicited_node_and_names_no_mac),
		cmocka_unit_test(a_solicited_advertisement_is_never_multicast),
		cmocka_unit_test(unknown_options_are_skipped),
		cmocka_unit_test(a_listener_report_is_what_rfc_3810_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
