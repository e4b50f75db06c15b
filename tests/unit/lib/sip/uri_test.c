// SPDX-License-Identifier: BSD-3-Clause

#include "lib/sip/uri.h"
#include "tests/unit/test.h"

// Parses a copy that ends where its allocation ends, so that ASan sees a read beyond it.
static uint8_t *copy;

static int parse(const char *text, struct sip_uri *u)
{
	size_t len = strlen(text);

	free(copy);
	copy = malloc(len + 1);
	assert_non_null(copy);
	memcpy(copy + 1, text, len);
	return sip_uri_parse(view_of(copy + 1, len), u);
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

static void every_part_of_a_uri_is_found(void **state)
{
	static const struct {
		const char *text, *user, *host, *params, *headers;
		uint16_t port;
		enum transport transport;
		bool has_lr;
	} cases[] = {
		{"sip:example.com", "", "example.com", "", "", 0, TRANSPORT_NONE, false},
		{"sip:bob@example.com", "bob", "example.com", "", "", 0, TRANSPORT_NONE, false},
		{"sip:bob:pass@example.com:5070", "bob", "example.com", "", "", 5070,
			TRANSPORT_NONE, false},
		{"SIP:a;b?c/d=e&f$g,h+i@h", "a;b?c/d=e&f$g,h+i", "h", "", "", 0, TRANSPORT_NONE,
			false},
		{"sip:%41b%2f@h;a=%5b?x=%20y", "%41b%2f", "h", ";a=%5b", "x=%20y", 0,
			TRANSPORT_NONE, false},
		{"sip:h:1;LR", "", "h", ";LR", "", 1, TRANSPORT_NONE, true},
		{"sip:h;x;lr;transport=TcP", "", "h", ";x;lr;transport=TcP", "", 0, TRANSPORT_TCP,
			true},
		{"sips:h;transport=tls?a=b&c=", "", "h", ";transport=tls", "a=b&c=", 0,
			TRANSPORT_TLS, false},
		{"sip:h;transport=sctp;lrx=1", "", "h", ";transport=sctp;lrx=1", "", 0,
			TRANSPORT_NONE, false},
		{"sip:h;lr=on;a==b", "", "h", ";lr=on;a==b", "", 0, TRANSPORT_NONE, true},
		{"sip:a_b.c-d.example.", "", "a_b.c-d.example.", "", "", 0, TRANSPORT_NONE, false},
		{"sip:u@b\xc3\xbc"
		 "cher.example",
			"u",
			"b\xc3\xbc"
			"cher.example",
			"", "", 0, TRANSPORT_NONE, false},
		{"sip:u@host7", "u", "host7", "", "", 0, TRANSPORT_NONE, false},
	};
	struct sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (parse(cases[i].text, &u) != 0)
			fail_msg("%s", cases[i].text);
		assert_view(u.text, cases[i].text);
		assert_view(u.user, cases[i].user);
		assert_view(u.host, cases[i].host);
		assert_view(u.params, cases[i].params);
		assert_view(u.headers, cases[i].headers);
		assert_int_equal(u.port, cases[i].port);
		assert_int_equal(u.transport, cases[i].transport);
		assert_int_equal(u.has_lr, cases[i].has_lr);
		assert_int_equal(u.ip.family, IP_NONE);
	}
}

static void literal_hosts_have_their_address(void **state)
{
	struct sip_uri u;

	(void)state;
	assert_int_equal(parse("sip:a@192.0.2.1:5060", &u), 0);
	assert_int_equal(u.ip.family, IP_V4);
	assert_memory_equal(u.ip.bytes, ((uint8_t[]){192, 0, 2, 1}), 4);
	assert_int_equal(u.port, 5060);
	assert_int_equal(parse("sip:a@[2001:db8::1]:5060;lr", &u), 0);
	assert_int_equal(u.ip.family, IP_V6);
	assert_view(u.host, "[2001:db8::1]");
	assert_int_equal(u.port, 5060);
	assert_true(u.has_lr);
	// RFC 5118 §4.10
	assert_int_equal(parse("sip:[2001:db8:::192.0.2.1]", &u), 0);
	assert_int_equal(u.ip.bytes[12], 192);
}

static void other_schemes_are_taken_whole(void **state)
{
	struct sip_uri u;

	(void)state;
	assert_int_equal(parse("tel:+1-201-555-0123;phone-context=x", &u), 0);
	assert_int_equal(u.scheme, SIP_SCHEME_OTHER);
	assert_view(u.scheme_text, "tel");
	assert_int_equal(parse("soap.beep+x-1://[::1]:3002/a?b#c", &u), 0);
	assert_view(u.scheme_text, "soap.beep+x-1");
	assert_int_equal(parse("sipx:a", &u), 0);
	assert_int_equal(u.scheme, SIP_SCHEME_OTHER);
}

static void what_the_grammar_does_not_allow_is_refused(void **state)
{
	static const char *const texts[] = {"", "sip", "sip:", ":a", "sip:@h", "sip:u@",
		"sip:u@;lr", "sip: h", "sip:u h", "sip:u@h ", "<sip:h>", "sip:h>", "sip:u\"@h",
		"sip:u@h@h", "sip:u@h:", "sip:h:0", "sip:h:65536", "sip:h:-1", "sip:h:5060x",
		"sip:h:5o60", "sip:h;", "sip:h;;lr", "sip:h;=a", "sip:h;a=", "sip:h?", "sip:h;a b",
		"sip:h;a\"", "sip:%4@h", "sip:%@h", "sip:%g1@h", "sip:h;a=%", "sip:h;%4",
		"sip:h?a=%1", "sip:256.0.0.1", "sip:1.2.3", "sip:1.2.3.4.5", "sip:12", "sip:.h",
		"sip:-h", "sip:[::1", "sip:[::1]x", "sip:[1.2.3.4]", "sip:[]", "sip:[:::1]",
		"sip:2001:db8::1", "sip:u@h!", "sip:u\xc3\xbc@h", "sip:h\x7f", "sip:h,x", "1tel:1",
		"te_l:1", "tel:", "tel:a b", "tel:a%4", "tel:<a>", "sip:[::ffff:192.0.2.300]"};
	struct sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (parse(texts[i], &u) == 0)
			fail_msg("accepted: %s", texts[i]);
	}
	assert_true(sip_uri_parse(VIEW("sip:a\0b@h"), &u) < 0);
	assert_true(sip_uri_parse(VIEW("sip:h\0"), &u) < 0);
	assert_true(sip_uri_parse(VIEW_NONE, &u) < 0);
}

// The lexer works through 64 bytes at a time.
static void parts_of_every_length_are_found(void **state)
{
	char text[400];
	struct sip_uri u;

	(void)state;
	for (int user = 1; user < 140; user++) {
		for (int host = 1; host < 70; host += 7) {
			snprintf(text, sizeof(text), "sip:%0*d@%.*s:5060;lr", user, 0, host,
				"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
				"abcdefghijklmnopqrstuvwxyz");
			assert_int_equal(parse(text, &u), 0);
			assert_int_equal(u.user.len, user);
			assert_int_equal(u.host.len, host);
			assert_int_equal(u.port, 5060);
			assert_true(u.has_lr);
		}
	}
}

static void parameters_are_found_by_name(void **state)
{
	struct view params = VIEW(";a=1; B = \"x;c=2\" ;d;e=[::1]");

	(void)state;
	assert_view(sip_param_find(params, VIEW("a")), "1");
	assert_view(sip_param_find(params, VIEW("b")), "\"x;c=2\"");
	assert_non_null(sip_param_find(params, VIEW("D")).at);
	assert_int_equal(sip_param_find(params, VIEW("D")).len, 0);
	assert_view(sip_param_find(params, VIEW("e")), "[::1]");
	assert_null(sip_param_find(params, VIEW("c")).at);
	assert_null(sip_param_find(VIEW(";a;;b"), VIEW("b")).at);
	assert_null(sip_param_find(VIEW("b"), VIEW("b")).at);
	assert_null(sip_param_find(VIEW_NONE, VIEW("b")).at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_a_uri_is_found),
		cmocka_unit_test(literal_hosts_have_their_address),
		cmocka_unit_test(other_schemes_are_taken_whole),
		cmocka_unit_test(what_the_grammar_does_not_allow_is_refused),
		cmocka_unit_test(parts_of_every_length_are_found),
		cmocka_unit_test(parameters_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, free_copy);
}
