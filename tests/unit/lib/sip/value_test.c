// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/lex.h"
#include "lib/sip/value.h"
#include "tests/unit/test.h"

#include <errno.h>

static struct sip_message m;
static uint8_t *copy;

// A request with these fields, in an allocation of exactly its size.
static void take(const char *fields)
{
	char text[2048];
	size_t len =
		(size_t)snprintf(text, sizeof(text), "OPTIONS sip:a@b SIP/2.0\r\n%s\r\n", fields);

	free(copy);
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, text, len);
	assert_int_equal(sip_message_parse(view_of(copy, len), SIP_DATAGRAM, &m), REASON_none);
}

static int free_copy(void **state)
{
	(void)state;
	free(copy);
	copy = NULL;
	return 0;
}

static void assert_view(struct view v, const char *expected)
{
	if (!view_equal(v, view_string(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", (int)v.len, (const char *)v.at, expected);
}

static void assert_next(struct sip_values *it, const char *expected)
{
	struct sip_value value;

	assert_int_equal(sip_values_next(it, &value), 1);
	assert_view(sip_view(&m, value.span), expected);
}

static void a_list_is_walked_over_commas_and_fields(void **state)
{
	struct sip_values it;
	struct sip_value value;

	(void)state;
	take("m: \"a, \\\"b\" <sip:c,d@e>;x=\",\" , <sip:f>\r\nVia: x\r\nContact:\r\n *\r\n");
	it = sip_values_of(&m, SIP_H_CONTACT);
	assert_next(&it, "\"a, \\\"b\" <sip:c,d@e>;x=\",\"");
	assert_next(&it, "<sip:f>");
	assert_next(&it, "*");
	assert_int_equal(sip_values_next(&it, &value), 0);
	assert_int_equal(sip_values_next(&it, &value), 0);
	it = sip_values_of(&m, SIP_H_ROUTE);
	assert_int_equal(sip_values_next(&it, &value), 0);
}

static void empty_values_and_open_quotes_end_a_list(void **state)
{
	static const char *const fields[] = {
		"m:\r\n", "m: , a\r\n", "m: \"a, b\r\n", "m: <a, b\r\n", "m: \"a\\\", b\r\n"};
	struct sip_values it;
	struct sip_value value;

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		take(fields[i]);
		it = sip_values_of(&m, SIP_H_CONTACT);
		assert_int_equal(sip_values_next(&it, &value), -EINVAL);
	}
	take("m: a,\r\n");
	it = sip_values_of(&m, SIP_H_CONTACT);
	assert_next(&it, "a");
	assert_int_equal(sip_values_next(&it, &value), -EINVAL);
}

static void every_part_of_a_via_is_found(void **state)
{
	struct sip_via via;

	(void)state;
	assert_int_equal(sip_via_parse(VIEW("SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKa;rport;"
					    "received=192.0.2.1;maddr=x"),
				 &via),
		0);
	assert_int_equal(via.transport, TRANSPORT_UDP);
	assert_view(via.host, "[2001:db8::1]");
	assert_view(via.sent_by, "[2001:db8::1]:5070");
	assert_int_equal(via.port, 5070);
	assert_view(via.branch, "z9hG4bKa");
	assert_true(via.has_rport);
	assert_int_equal(via.rport.len, 0);
	assert_view(via.received, "192.0.2.1");
	assert_view(via.params, ";branch=z9hG4bKa;rport;received=192.0.2.1;maddr=x");
	assert_int_equal(
		sip_via_parse(VIEW("sip / 2.0\r\n / tls\thost : 5061 ; RPORT = 99 ; x"), &via), 0);
	assert_int_equal(via.transport, TRANSPORT_TLS);
	assert_view(via.transport_text, "tls");
	assert_view(via.host, "host");
	assert_int_equal(via.port, 5061);
	assert_view(via.rport, "99");
	assert_view(via.params, "; RPORT = 99 ; x");
	assert_int_equal(sip_via_parse(VIEW("SIP/7.0/SCTP h"), &via), 0);
	assert_int_equal(via.transport, TRANSPORT_NONE);
	assert_int_equal(via.branch.len, 0);
	assert_int_equal(via.params.len, 0);
	assert_false(via.has_rport);
}

static void a_malformed_via_is_refused(void **state)
{
	static const char *const texts[] = {"", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 UDP h",
		"SIP/2.0/ h", "/2.0/UDP h", "SIP//UDP h", "SIP/2.0/UDP h:", "SIP/2.0/UDP h:0",
		"SIP/2.0/UDP h:65536", "SIP/2.0/UDP h:x", "SIP/2.0/UDP h x", "SIP/2.0/UDP h;",
		"SIP/2.0/UDP h;;a", "SIP/2.0/UDP h;a=", "SIP/2.0/UDP h;=a", "SIP/2.0/UDP h;a b",
		"SIP/2.0/UDP h;branch", "SIP/2.0/UDP h;branch=a;branch=b",
		"SIP/2.0/UDP h;received=a;received=b", "SIP/2.0/UDP h;rport;rport=1",
		"SIP/2.0/UDP h, SIP/2.0/UDP i", "SIP/2.0/UDP [::1", "SIP/2.0/UDP [::x]",
		"SIP/2.0/UDP h;a=\"b", "SIP/2.0/UDP h;a=\"b\"c", "SIP/2.0/UDP ;a",
		"SIP/2.0/UDP a@b", "SIP/2.0/UDP h;a=<b>"};
	struct sip_via via;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (sip_via_parse(view_string(texts[i]), &via) == 0)
			fail_msg("accepted: %s", texts[i]);
	}
}

static void the_top_via_ends_at_its_comma(void **state)
{
	struct sip_value where;
	struct sip_via via;

	(void)state;
	take("Via: SIP/2.0/UDP a;x=1 , SIP/2.0/TCP b\r\nVia: SIP/2.0/UDP c\r\n");
	assert_int_equal(sip_top_via(&m, &via, &where), 0);
	assert_view(via.text, "SIP/2.0/UDP a;x=1");
	assert_view(via.params, ";x=1");
	assert_view(sip_view(&m, where.span), "SIP/2.0/UDP a;x=1");
	assert_ptr_equal(where.h, &m.headers[0]);
	take("To: x\r\n");
	assert_int_equal(sip_top_via(&m, &via, &where), -ENOENT);
	take("Via: nonsense\r\n");
	assert_int_equal(sip_top_via(&m, &via, &where), -EINVAL);
}

static void every_form_of_an_address_is_read(void **state)
{
	static const struct {
		const char *text, *display, *uri, *params, *tag;
	} cases[] = {
		{"<sip:a@b>", "", "sip:a@b", "", ""},
		{"<sip:a@b;c?d=e>;tag=f", "", "sip:a@b;c?d=e", ";tag=f", "f"},
		{"\"A \\\"B\\\\\" <sip:a@b> ; x ; TAG = t", "\"A \\\"B\\\\\"", "sip:a@b",
			"; x ; TAG = t", "t"},
		{"Two words\r\n <sip:a@b>;x=\"<,>\"", "Two words", "sip:a@b", ";x=\"<,>\"", ""},
		{"token~`'<sip:a@b>", "token~`'", "sip:a@b", "", ""},
		{"sip:a@b;tag=c", "", "sip:a@b", ";tag=c", "c"},
		{"sip:a@b:5060 ;x", "", "sip:a@b:5060", ";x", ""},
		{"isbn:123;tag=c", "", "isbn:123", ";tag=c", "c"},
		{"\"\" <tel:1>", "\"\"", "tel:1", "", ""},
	};
	struct sip_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (sip_address_parse(view_string(cases[i].text), &a) != 0)
			fail_msg("%s", cases[i].text);
		assert_view(a.display, cases[i].display);
		assert_view(a.uri_text, cases[i].uri);
		assert_view(a.uri.text, cases[i].uri);
		assert_view(a.params, cases[i].params);
		assert_view(a.tag, cases[i].tag);
	}
}

static void a_malformed_address_is_refused(void **state)
{
	static const char *const texts[] = {"", "*", "Alice", "\"A <sip:a@b>", "<sip:a@b",
		"sip:a@b>", "< sip:a@b>", "<sip:a@b >", "<sip:a@b>x", "<sip:a@b>;", "<sip:a@b>;;x",
		"<sip:a@b>;tag", "<sip:a@b>;tag=", "<sip:a@b>;tag=a;tag=b", "<sip:a@b>;tag=\"a\"",
		"<sip:a@b>;tag=a@b", "<sip:a@b> tag=a", "B, A <sip:a@b>", "\"A\"x <sip:a@b>",
		"sip:a@b?c=d", "sip:a@b,sip:c", "<sip:a@b>, <sip:c@d>", "<>", "<sip:a@b>;x=\"y",
		"<sip:a@b>;x=\"y\\\"", "<sip:a@b>;x=\\", "A@ <sip:a@b>"};
	struct sip_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (sip_address_parse(view_string(texts[i]), &a) == 0)
			fail_msg("accepted: %s", texts[i]);
	}
}

static void an_empty_field_is_no_address(void **state)
{
	struct sip_address a;

	(void)state;
	take("From:\r\nTo: \r\n");
	assert_int_equal(sip_from(&m, &a), -EINVAL);
	assert_int_equal(sip_to(&m, &a), -EINVAL);
}

static void a_field_that_may_stand_once_is_refused_twice(void **state)
{
	struct sip_address a;
	struct sip_cseq cseq;
	struct view v, w;
	unsigned n;

	(void)state;
	take("Via: x\r\n");
	assert_int_equal(sip_from(&m, &a), -ENOENT);
	assert_int_equal(sip_to(&m, &a), -ENOENT);
	assert_int_equal(sip_cseq(&m, &cseq), -ENOENT);
	assert_int_equal(sip_call_id(&m, &v), -ENOENT);
	assert_int_equal(sip_max_forwards(&m, &n), -ENOENT);
	assert_int_equal(sip_content_length(&m, &n), -ENOENT);
	assert_int_equal(sip_content_type(&m, &v, &w), -ENOENT);
	assert_int_equal(sip_event(&m, &v), -ENOENT);
	take("f: sip:a@b\r\nt: sip:a@b\r\nCSeq: 1 A\r\ni: a\r\nMax-Forwards: 1\r\nc: a/b\r\n"
	     "o: a\r\nf: sip:a@b\r\nt: sip:a@b\r\nCSeq: 1 A\r\ni: a\r\nMax-Forwards: 1\r\n"
	     "c: a/b\r\no: a\r\n");
	assert_int_equal(sip_from(&m, &a), -EINVAL);
	assert_int_equal(sip_to(&m, &a), -EINVAL);
	assert_int_equal(sip_cseq(&m, &cseq), -EINVAL);
	assert_int_equal(sip_call_id(&m, &v), -EINVAL);
	assert_int_equal(sip_max_forwards(&m, &n), -EINVAL);
	assert_int_equal(sip_content_type(&m, &v, &w), -EINVAL);
	assert_int_equal(sip_event(&m, &v), -EINVAL);
}

static int cseq_of(const char *value, struct sip_cseq *cseq)
{
	char field[128];

	snprintf(field, sizeof(field), "CSeq: %s\r\n", value);
	take(field);
	return sip_cseq(&m, cseq);
}

static void cseq_is_a_number_below_two_to_the_31_and_a_method(void **state)
{
	static const char *const bad[] = {"1", "INVITE", "1INVITE", "-1 INVITE", "1 IN VITE",
		"1 INVITE,", "2147483648 INVITE", "99999999999999999999 INVITE", "1 \"A\""};
	struct sip_cseq cseq;

	(void)state;
	assert_int_equal(cseq_of("0009\r\n  INVITE", &cseq), 0);
	assert_int_equal(cseq.number, 9);
	assert_int_equal(cseq.method, SIP_M_INVITE);
	assert_int_equal(cseq_of("2147483647 x!", &cseq), 0);
	assert_int_equal(cseq.number, 2147483647);
	assert_int_equal(cseq.method, SIP_M_OTHER);
	assert_view(cseq.method_text, "x!");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cseq_of(bad[i], &cseq), -EINVAL);
}

static int call_id_of(const char *value, struct view *out)
{
	char field[256];

	snprintf(field, sizeof(field), "i: %s\r\n", value);
	take(field);
	return sip_call_id(&m, out);
}

static void call_id_is_one_word_or_two_around_an_at(void **state)
{
	static const char *const bad[] = {
		"", "@", "a@", "@a", "a@b@c", "a b", "a,b", "a;b", "a=b", "a@b c", "\xc3\xbc"};
	struct view id;

	(void)state;
	assert_int_equal(call_id_of("a-1@192.0.2.1", &id), 0);
	assert_view(id, "a-1@192.0.2.1");
	assert_int_equal(call_id_of("word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", &id), 0);
	assert_int_equal(call_id_of("x", &id), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (call_id_of(bad[i], &id) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void plain_fields_are_read_and_bounded(void **state)
{
	struct view type, subtype;
	unsigned n;

	(void)state;
	take("Max-Forwards: 0068\r\nl: 0\r\nc: text / plain ; charset=\"a;b\"\r\n"
	     "Event: presence.winfo;id=7\r\n");
	assert_int_equal(sip_max_forwards(&m, &n), 0);
	assert_int_equal(n, 68);
	assert_int_equal(sip_content_length(&m, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(sip_content_type(&m, &type, &subtype), 0);
	assert_view(type, "text");
	assert_view(subtype, "plain");
	assert_int_equal(sip_event(&m, &type), 0);
	assert_view(type, "presence.winfo");
	take("Max-Forwards: 256\r\nc: text\r\no: a b\r\n");
	assert_int_equal(sip_max_forwards(&m, &n), -EINVAL);
	assert_int_equal(sip_content_type(&m, &type, &subtype), -EINVAL);
	assert_int_equal(sip_event(&m, &type), -EINVAL);
	take("Max-Forwards: 5, 5\r\nc: /plain\r\no: ;a\r\n");
	assert_int_equal(sip_max_forwards(&m, &n), -EINVAL);
	assert_int_equal(sip_content_type(&m, &type, &subtype), -EINVAL);
	assert_int_equal(sip_event(&m, &type), -EINVAL);
	take("Max-Forwards:\r\nc: text/\r\no: a;\r\n");
	assert_int_equal(sip_max_forwards(&m, &n), -EINVAL);
	assert_int_equal(sip_content_type(&m, &type, &subtype), -EINVAL);
	assert_int_equal(sip_event(&m, &type), -EINVAL);
}

static void special_bytes_are_marked_alike_by_every_way(void **state)
{
	uint64_t random = 0x9e3779b97f4a7c15;
	uint8_t bytes[64];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = 1 + round % 64;
		uint8_t *exact = malloc(n);
		uint64_t plain = 0;

		assert_non_null(exact);
		for (size_t i = 0; i < n; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			bytes[i] = (uint8_t)random;
			plain |= (uint64_t) !((ascii_lower(bytes[i]) >= 'a' &&
						      ascii_lower(bytes[i]) <= 'z') ||
					 lex_is_digit(bytes[i]) || bytes[i] == '-' ||
					 bytes[i] == '.' || bytes[i] == '_')
				<< i;
		}
		memcpy(exact, bytes, n);
		assert_int_equal(lex_specials(exact, n), plain);
		assert_int_equal(lex_specials_sse2(exact, n), plain);
		if (lex_has_avx512())
			assert_int_equal(lex_specials_avx512(exact, n), plain);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_walked_over_commas_and_fields),
		cmocka_unit_test(empty_values_and_open_quotes_end_a_list),
		cmocka_unit_test(every_part_of_a_via_is_found),
		cmocka_unit_test(a_malformed_via_is_refused),
		cmocka_unit_test(the_top_via_ends_at_its_comma),
		cmocka_unit_test(every_form_of_an_address_is_read),
		cmocka_unit_test(a_malformed_address_is_refused),
		cmocka_unit_test(an_empty_field_is_no_address),
		cmocka_unit_test(a_field_that_may_stand_once_is_refused_twice),
		cmocka_unit_test(cseq_is_a_number_below_two_to_the_31_and_a_method),
		cmocka_unit_test(call_id_is_one_word_or_two_around_an_at),
		cmocka_unit_test(plain_fields_are_read_and_bounded),
		cmocka_unit_test(special_bytes_are_marked_alike_by_every_way),
	};

	return cmocka_run_group_tests(tests, NULL, free_copy);
}
