// SPDX-License-Identifier: BSD-3-Clause
// What RFC 4475 and RFC 5118 say of single values in their messages, read by the accessors.

#include "lib/sip/value.h"
#include "tests/unit/shared_data.h"
#include "tests/unit/test.h"

#include <errno.h>

static void assert_view(struct view view, const char *text)
{
	struct view expected = view_string(text);

	if (!view_equal(view, expected))
		fail_msg("\"%.*s\" is not \"%s\"", (int)view.len, (const char *)view.at, text);
}

static struct view parse_file(const char *name, struct sip_message *m)
{
	struct view bytes = shared_data_read(name);

	assert_non_null(bytes.at);
	assert_int_equal(sip_message_parse(bytes, SIP_DATAGRAM, m), REASON_none);
	return bytes;
}

// RFC 4475 §3.1.1.1
static void the_tortuous_invite_has_the_values_that_it_hides(void **state)
{
	static const struct {
		const char *host, *branch;
		enum transport transport;
	} vias[] = {
		{"192.0.2.2", "390skdjuw", TRANSPORT_UDP},
		{"spindle.example.com", "z9hG4bK9ikj8", TRANSPORT_TCP},
		{"192.168.255.111", "z9hG4bK30239", TRANSPORT_UDP},
	};
	struct sip_message m;
	struct sip_address address;
	struct sip_values it;
	struct sip_value value;
	struct sip_cseq cseq;
	struct sip_via via;
	struct view bytes, param;
	unsigned max_forwards;

	(void)state;
	if (!shared_data_is_there())
		skip();
	bytes = parse_file("sip/rfc4475/wsinv.dat", &m);
	assert_int_equal(m.method, SIP_M_INVITE);
	assert_int_equal(m.body.len, 150);
	assert_int_equal(sip_to(&m, &address), 0);
	assert_view(address.tag, "1918181833n");
	assert_view(address.uri.host, "chair-dnrc.example.com");
	assert_int_equal(sip_from(&m, &address), 0);
	assert_view(address.tag, "98asjd8");
	assert_view(address.uri.user, "jdrosen");
	assert_int_equal(sip_max_forwards(&m, &max_forwards), 0);
	assert_int_equal(max_forwards, 68);
	assert_int_equal(sip_cseq(&m, &cseq), 0);
	assert_int_equal(cseq.number, 9);
	assert_int_equal(cseq.method, SIP_M_INVITE);
	it = sip_values_of(&m, SIP_H_VIA);
	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
		assert_int_equal(sip_values_next(&it, &value), 1);
		assert_int_equal(sip_via_parse(sip_view(&m, value.span), &via), 0);
		assert_view(via.host, vias[i].host);
		assert_view(via.branch, vias[i].branch);
		assert_int_equal(via.transport, vias[i].transport);
	}
	assert_int_equal(sip_values_next(&it, &value), 0);
	it = sip_values_of(&m, SIP_H_ROUTE);
	assert_int_equal(sip_values_next(&it, &value), 1);
	assert_int_equal(sip_address_parse(sip_view(&m, value.span), &address), 0);
	assert_true(address.uri.has_lr);
	assert_view(sip_param_find(address.uri.params, VIEW("unknownwith")), "value");
	param = sip_param_find(address.uri.params, VIEW("unknown-no-value"));
	assert_non_null(param.at);
	assert_int_equal(param.len, 0);
	shared_data_free(bytes);
}

// RFC 4475 §3.1.1.2, §3.1.1.3, §3.1.1.5, §3.1.1.8, §3.1.1.9
static void unusual_request_lines_are_taken_apart_as_the_grammar_says(void **state)
{
	static const struct {
		const char *file, *method, *user, *host;
		size_t n_body_bytes;
	} rows[] = {
		{"sip/rfc4475/intmeth.dat", "!interesting-Method0123456789_*+`.%indeed'~",
			"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", "example.com", 0},
		{"sip/rfc4475/esc01.dat", "INVITE", "sips%3Auser%40example.com", "example.net",
			150},
		{"sip/rfc4475/esc02.dat", "RE%47IST%45R", "", "registrar.example.com", 0},
		{"sip/rfc4475/dblreq.dat", "REGISTER", "", "example.com", 0},
		{"sip/rfc4475/semiuri.dat", "OPTIONS", "user;par=u%40example.net", "example.com",
			0},
	};

	(void)state;
	if (!shared_data_is_there())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_message m;
		struct sip_uri uri;
		struct view bytes = parse_file(rows[i].file, &m);

		assert_view(sip_view(&m, m.method_text), rows[i].method);
		assert_int_equal(sip_uri_parse(sip_view(&m, m.request_uri), &uri), 0);
		assert_view(uri.user, rows[i].user);
		assert_view(uri.host, rows[i].host);
		assert_int_equal(m.body.len, rows[i].n_body_bytes);
		shared_data_free(bytes);
	}
}

// RFC 4475 §3.1.1.5: two Contact values, not three; §3.1.1.2: an unknown method is not REGISTER.
static void percent_escapes_mean_nothing_outside_a_uri(void **state)
{
	struct sip_message m;
	struct sip_values it;
	struct sip_value value;
	struct view bytes;
	unsigned n = 0;

	(void)state;
	if (!shared_data_is_there())
		skip();
	bytes = parse_file("sip/rfc4475/esc02.dat", &m);
	assert_int_equal(m.method, SIP_M_OTHER);
	it = sip_values_of(&m, SIP_H_CONTACT);
	while (sip_values_next(&it, &value) == 1)
		n++;
	assert_int_equal(n, 2);
	shared_data_free(bytes);
}

// RFC 4475 §3.1.1.10: "with all known transport types" and an unknown one.
static void a_via_of_any_transport_reads_well(void **state)
{
	static const char *const transports[] = {"UDP", "SCTP", "TLS", "UNKNOWN", "TCP"};
	struct sip_message m;
	struct sip_values it;
	struct sip_value value;
	struct view bytes;

	(void)state;
	if (!shared_data_is_there())
		skip();
	bytes = parse_file("sip/rfc4475/transports.dat", &m);
	it = sip_values_of(&m, SIP_H_VIA);
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		struct sip_via via;

		assert_int_equal(sip_values_next(&it, &value), 1);
		assert_int_equal(sip_via_parse(sip_view(&m, value.span), &via), 0);
		assert_view(via.transport_text, transports[i]);
	}
	assert_int_equal(sip_values_next(&it, &value), 0);
	shared_data_free(bytes);
}

// RFC 4475 §3.3.12, §3.3.13, §3.1.2.13 and RFC 3261 §20: parameters without angle brackets are the
// field's, and a URI with a question mark needs the brackets.
static void angle_brackets_decide_whose_a_contacts_parameters_are(void **state)
{
	static const struct {
		const char *file;
		int error;
		bool in_field, in_uri;
	} rows[] = {
		{"sip/rfc4475/cparam01.dat", 0, true, false},
		{"sip/rfc4475/cparam02.dat", 0, false, true},
		{"sip/rfc4475/regbadct.dat", -EINVAL, false, false},
		{"sip/rfc4475/regescrt.dat", 0, false, false},
	};

	(void)state;
	if (!shared_data_is_there())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_message m;
		struct view bytes = parse_file(rows[i].file, &m);
		struct sip_values it = sip_values_of(&m, SIP_H_CONTACT);
		struct sip_address address;
		struct sip_value value;

		assert_int_equal(sip_values_next(&it, &value), 1);
		assert_int_equal(
			sip_address_parse(sip_view(&m, value.span), &address), rows[i].error);
		if (rows[i].error == 0) {
			struct view name = VIEW("unknownparam");

			assert_int_equal(
				sip_param_find(address.params, name).at != NULL, rows[i].in_field);
			assert_int_equal(sip_param_find(address.uri.params, name).at != NULL,
				rows[i].in_uri);
		}
		shared_data_free(bytes);
	}
}

// RFC 5118 §4.1, §4.3, §4.4, §4.10: the last groups of an address are never a port, and both
// spellings before an embedded IPv4 address mean the same.
static void ipv6_references_give_their_address_and_port(void **state)
{
	static const struct {
		const char *file, *address;
		uint16_t port;
	} rows[] = {
		{"sip/rfc5118/ipv6-good", "2001:db8::10", 0},
		{"sip/rfc5118/port-ambiguous", "2001:db8::10:5070", 0},
		{"sip/rfc5118/port-unambiguous", "2001:db8::10", 5070},
		{"sip/rfc5118/ipv6-correct-abnf-2-colons", "2001:db8::192.0.2.1", 0},
		{"sip/rfc5118/ipv6-bug-abnf-3-colons", "2001:db8::192.0.2.1", 0},
	};

	(void)state;
	if (!shared_data_is_there())
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sip_message m;
		struct sip_uri uri;
		struct ip_addr expected;
		struct view bytes = parse_file(rows[i].file, &m);

		assert_int_equal(ip_parse(view_string(rows[i].address), &expected), 0);
		assert_int_equal(sip_uri_parse(sip_view(&m, m.request_uri), &uri), 0);
		if (!ip_equal(&uri.ip, &expected) || uri.port != rows[i].port)
			fail_msg("%s: wrong address or port", rows[i].file);
		shared_data_free(bytes);
	}
}

// RFC 4475 §3.1.1.12, §3.1.1.13
static void a_reason_phrase_may_be_anything_or_nothing(void **state)
{
	struct sip_message m;
	struct view bytes;

	(void)state;
	if (!shared_data_is_there())
		skip();
	bytes = parse_file("sip/rfc4475/unreason.dat", &m);
	assert_false(m.is_request);
	assert_int_equal(m.status, 200);
	assert_int_not_equal(m.reason_phrase.len, 0);
	shared_data_free(bytes);
	bytes = parse_file("sip/rfc4475/noreason.dat", &m);
	assert_int_equal(m.status, 100);
	assert_int_equal(m.reason_phrase.len, 0);
	shared_data_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tortuous_invite_has_the_values_that_it_hides),
		cmocka_unit_test(unusual_request_lines_are_taken_apart_as_the_grammar_says),
		cmocka_unit_test(percent_escapes_mean_nothing_outside_a_uri),
		cmocka_unit_test(a_via_of_any_transport_reads_well),
		cmocka_unit_test(angle_brackets_decide_whose_a_contacts_parameters_are),
		cmocka_unit_test(ipv6_references_give_their_address_and_port),
		cmocka_unit_test(a_reason_phrase_may_be_anything_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
