// SPDX-License-Identifier: BSD-3-Clause
// RFC 3261 §16.4 and §16.6 step 6.

#include "tests/unit/dataplane/relay/world.h"
#include "tests/unit/test.h"

static int set_up(void **state)
{
	*state = world_new();
	return 0;
}

static int tear_down(void **state)
{
	world_free(*state);
	return 0;
}

// An in-dialog request from inside, with its Route fields between To and From.
static struct relay_out send_routed(struct world *w, const char *uri, const char *routes)
{
	char text[4000];

	snprintf(text, sizeof(text),
		"BYE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bK1\r\n"
		"Max-Forwards: 70\r\n"
		"To: <sip:b@partner.example>;tag=2\r\n"
		"%s"
		"From: <sip:a@local.example>;tag=1\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 BYE\r\n"
		"\r\n",
		uri, routes);
	return world_send(w, 0, WORLD_INSIDE, "10.0.0.10", view_string(text));
}

static void expect_routed(
	struct world *w, const char *uri, const char *routes, const char *new_uri, const char *left)
{
	struct relay_out out = send_routed(w, uri, routes);
	char expected[4000], destination[ENDPOINT_TEXT_BYTES];

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	snprintf(expected, sizeof(expected),
		"BYE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP "
		"relay.example.net;branch=z9hG4bKBRANCH;fr-way=WAY;fr-loop=LOOP\r\n"
		"Via: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bK1\r\n"
		"Max-Forwards: 69\r\n"
		"To: <sip:b@partner.example>;tag=2\r\n"
		"%s"
		"From: <sip:a@local.example>;tag=1\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 BYE\r\n"
		"\r\n",
		new_uri, left);
	assert_string_equal(world_masked(&out), expected);
	endpoint_format(&out.destination, destination);
	assert_string_equal(destination, "198.51.100.10:5060");
	assert_int_equal(out.listener, WORLD_OUTSIDE);
}

#define URI        "sip:b@192.0.2.200"
#define OURS_IN    "<sip:10.0.0.1:5060;lr>"
#define OURS_OUT   "<sip:relay.example.net;lr>"
#define OURS_ADDR  "<sip:192.0.2.1;lr=on;r2=x>"
#define THEIRS     "<sip:proxy.partner.example;lr>"
#define THEIRS2    "\"a, b\" <sip:p2.partner.example;lr;x=y>;z"
#define STRICT     "<sip:strict.partner.example;x=y>"
#define FIELD(...) "Route: " __VA_ARGS__ "\r\n"

static void our_own_route_values_are_taken_away(void **state)
{
	static const struct {
		const char *routes, *left;
	} rows[] = {
		{FIELD(OURS_IN), ""},
		{FIELD(OURS_IN) FIELD(OURS_OUT), ""},
		{FIELD(OURS_IN ", " OURS_OUT), ""},
		{FIELD(OURS_IN " ,\r\n " OURS_ADDR), ""},
		{FIELD(OURS_IN ", " OURS_OUT ", " THEIRS), FIELD(THEIRS)},
		{FIELD(OURS_IN) FIELD(OURS_OUT ",\r\n\t" THEIRS " , " THEIRS2) FIELD(THEIRS),
			FIELD(THEIRS " , " THEIRS2) FIELD(THEIRS)},
		{FIELD("<sip:10.0.0.1;lr>") FIELD("<sip:RELAY.example.NET:5060;lr>") FIELD(THEIRS),
			FIELD(THEIRS)},
		{FIELD(THEIRS ", " OURS_IN), FIELD(THEIRS ", " OURS_IN)},
		{FIELD(OURS_IN) "X: y\r\n" FIELD(THEIRS), "X: y\r\n" FIELD(THEIRS)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_routed(*state, URI, rows[i].routes, URI, rows[i].left);
}

static void another_port_or_name_is_not_ours(void **state)
{
	static const char *const routes[] = {
		FIELD("<sip:10.0.0.1:5061;lr>"),
		FIELD("<sip:relay.example.net:5070;lr>"),
		FIELD("<sip:10.0.0.2;lr>"),
		FIELD("<sips:10.0.0.1;lr>"),
	};

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct relay_out out = send_routed(*state, URI, routes[i]);

		// Forwarded with it, or refused for where it leads; never taken for ours.
		if (out.reason == REASON_sip_request_relayed)
			assert_non_null(strstr(world_masked(&out), routes[i]));
		else
			assert_true(out.reason == REASON_to_unlisted ||
				out.reason == REASON_sip_sips_downgrade);
	}
}

static void the_top_route_decides_the_destination(void **state)
{
	struct world *w = *state;
	struct relay_out out = send_routed(w, URI, FIELD(OURS_IN ", <sip:p.many.example;lr>"));

	assert_int_equal(out.reason, REASON_sip_request_relayed);
	assert_in_range(out.destination.ip.bytes[3], 21, 24);
	out = send_routed(w, "sip:b@partner.example", FIELD("<sip:p.unlisted.example;lr>"));
	assert_int_equal(out.reason, REASON_to_unlisted);
	out = send_routed(w, "sip:b@partner.example", FIELD("<sip:p.blocked.example;lr>"));
	assert_int_equal(out.reason, REASON_to_blocked);
}

static void no_route_leads_around_a_block_of_the_request_uri(void **state)
{
	static const struct {
		const char *uri, *routes;
	} rows[] = {
		{"sip:b@blocked.example", FIELD(THEIRS)},
		{"sip:b@x.BLOCKED.example", FIELD(OURS_IN ", " THEIRS)},
		{"sip:b@blocked.example", FIELD(STRICT)},
		{"sip:10.0.0.1:5060;lr", FIELD(THEIRS ", <sip:b@blocked.example>")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relay_out out = send_routed(*state, rows[i].uri, rows[i].routes);

		assert_int_equal(out.reason, REASON_to_blocked);
		assert_int_equal(strncmp((char *)out.bytes, "SIP/2.0 403 ", 12), 0);
	}
}

static void a_strict_router_behind_us_gets_the_request_uri_as_route(void **state)
{
	static const struct {
		const char *routes, *new_uri, *left;
	} rows[] = {
		{FIELD(STRICT), "sip:strict.partner.example;x=y", FIELD("<" URI ">")},
		{FIELD(OURS_IN ", " STRICT ", " THEIRS), "sip:strict.partner.example;x=y",
			FIELD(THEIRS) FIELD("<" URI ">")},
		{FIELD(OURS_IN) FIELD(STRICT) FIELD(THEIRS ", " THEIRS2),
			"sip:strict.partner.example;x=y",
			FIELD(THEIRS ", " THEIRS2) FIELD("<" URI ">")},
		{FIELD("<sip:strict.partner.example?Subject=x>"), "sip:strict.partner.example",
			FIELD("<" URI ">")},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_routed(*state, URI, rows[i].routes, rows[i].new_uri, rows[i].left);
}

static void a_strict_router_before_us_is_undone(void **state)
{
	static const struct {
		const char *uri, *routes, *left;
	} rows[] = {
		{"sip:10.0.0.1:5060;lr", FIELD("<" URI ">"), ""},
		{"sip:10.0.0.1;lr", FIELD(OURS_OUT ", <" URI ">"), ""},
		{"sip:relay.example.net;lr", FIELD(OURS_IN) FIELD(THEIRS) FIELD("<" URI ">"),
			FIELD(THEIRS)},
		{"sip:relay.example.net;lr", FIELD(THEIRS ", " THEIRS2 " , <" URI ">"),
			FIELD(THEIRS ", " THEIRS2)},
		{"sip:relay.example.net;lr", FIELD(OURS_IN ", " THEIRS ", <" URI ">"),
			FIELD(THEIRS)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_routed(*state, rows[i].uri, rows[i].routes, URI, rows[i].left);
}

static void strict_routers_before_and_behind_us_are_both_served(void **state)
{
	expect_routed(*state, "sip:10.0.0.1:5060;lr", FIELD(STRICT ", " THEIRS ", <" URI ">"),
		"sip:strict.partner.example;x=y", FIELD(THEIRS) FIELD("<" URI ">"));
	expect_routed(*state, "sip:10.0.0.1:5060;lr", FIELD(STRICT) FIELD("<" URI ">"),
		"sip:strict.partner.example;x=y", FIELD("<" URI ">"));
}

static void a_route_that_cannot_be_read_is_refused(void **state)
{
	static const struct {
		const char *uri, *routes;
		enum reason reason;
	} rows[] = {
		{URI, FIELD("<sip:partner.example"), REASON_sip_bad_header},
		{URI, FIELD("," OURS_IN), REASON_sip_bad_header},
		{URI, FIELD("<tel:+1234>"), REASON_sip_scheme},
		{"sip:10.0.0.1:5060;lr", FIELD(THEIRS ", <tel:+1234>"), REASON_sip_scheme},
		{"sip:10.0.0.1:5060;lr", FIELD(THEIRS ", <sip:"), REASON_sip_bad_header},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			send_routed(*state, rows[i].uri, rows[i].routes).reason, rows[i].reason);
}

static void more_edits_than_there_is_room_for_are_refused(void **state)
{
	char routes[3900] = "";

	// Own routes with something between them: a cut each.
	for (unsigned i = 0; i < 70; i++)
		strcat(routes, "X: y\r\n" FIELD(OURS_IN));
	assert_int_equal(send_routed(*state, "sip:b@partner.example", routes).reason,
		REASON_sip_too_many_headers);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(our_own_route_values_are_taken_away),
		CASE(another_port_or_name_is_not_ours),
		CASE(the_top_route_decides_the_destination),
		CASE(no_route_leads_around_a_block_of_the_request_uri),
		CASE(a_strict_router_behind_us_gets_the_request_uri_as_route),
		CASE(a_strict_router_before_us_is_undone),
		CASE(strict_routers_before_and_behind_us_are_both_served),
		CASE(a_route_that_cannot_be_read_is_refused),
		CASE(more_edits_than_there_is_room_for_are_refused),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
