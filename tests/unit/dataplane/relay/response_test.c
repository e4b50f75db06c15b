// SPDX-License-Identifier: BSD-3-Clause

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

// Our Via as it left with a request, without "Via: " and CRLF.
static const char *via_of_request(struct world *w, enum world_listener listener, const char *source,
	const char *from, const char *to, const char *via)
{
	static char ours[300];
	char text[1000];
	struct relay_out out;
	const uint8_t *start;

	snprintf(text, sizeof(text),
		"MESSAGE sip:b@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %s\r\n"
		"To: <sip:b@%s>\r\n"
		"From: <sip:a@%s>;tag=1\r\n"
		"Call-ID: 1\r\n"
		"CSeq: 1 MESSAGE\r\n"
		"\r\n",
		to, via, to, from);
	out = world_send(w, 0, listener, source, view_string(text));
	assert_int_equal(out.reason, REASON_sip_request_relayed);
	start = memmem(out.bytes, out.len, "\r\nVia: ", 7);
	assert_non_null(start);
	snprintf(ours, sizeof(ours), "%.*s", (int)strcspn((const char *)start + 7, "\r"),
		(const char *)start + 7);
	return ours;
}

#define REST                                    \
	"To: <sip:b@partner.example>;tag=2\r\n" \
	"From: <sip:a@local.example>;tag=1\r\n" \
	"Call-ID: 1\r\n"                        \
	"CSeq: 1 MESSAGE\r\n"

static struct relay_out send_response(struct world *w, unsigned relay, enum world_listener listener,
	const char *status_line, const char *fields)
{
	char text[2000];

	snprintf(text, sizeof(text), "%s\r\n%s" REST "\r\n", status_line, fields);
	return world_send(w, relay, listener, "198.51.100.10", view_string(text));
}

static const char *sent(const struct relay_out *out)
{
	static char text[2000];

	snprintf(text, sizeof(text), "%.*s", (int)out->len, (const char *)out->bytes);
	return text;
}

static void a_response_goes_back_without_our_via_by_any_worker(void **state)
{
	static const struct {
		const char *before, *behind, *left;
	} forms[] = {
		{"Via: ", "\r\nVia: ", "Via: "},
		{"Via: ", ", ", "Via: "},
		{"v:", "\r\n ,\r\n\t", "v:"},
		{"Subject: x\r\nv: ", "\r\nVia: ", "Subject: x\r\nVia: "},
	};
	struct world *w = *state;
	const char *ours = via_of_request(w, WORLD_INSIDE, "10.0.0.10:9999", "local.example",
		"partner.example", "10.0.0.10:5070;branch=z9hG4bKa");

	for (unsigned i = 0; i < 4; i++) {
		char fields[1000], expected[1000], destination[ENDPOINT_TEXT_BYTES];
		struct relay_out out;

		snprintf(fields, sizeof(fields),
			"%s%s%sSIP/2.0/UDP 10.0.0.10:5070;branch=z9hG4bKa\r\n", forms[i].before,
			ours, forms[i].behind);
		snprintf(expected, sizeof(expected),
			"SIP/2.0 100 Trying\r\n%sSIP/2.0/UDP "
			"10.0.0.10:5070;branch=z9hG4bKa\r\n" REST "\r\n",
			forms[i].left);
		out = send_response(w, i % 2, WORLD_OUTSIDE, "SIP/2.0 100 Trying", fields);
		assert_int_equal(out.reason, REASON_sip_response_relayed);
		assert_string_equal(sent(&out), expected);
		assert_int_equal(out.listener, WORLD_INSIDE);
		assert_int_equal(out.destination.transport, TRANSPORT_UDP);
		endpoint_format(&out.destination, destination);
		assert_string_equal(destination, "10.0.0.10:5070");
	}
	assert_int_equal(w->counters[0][REASON_sip_response_relayed], 2);
	assert_int_equal(w->counters[1][REASON_sip_response_relayed], 2);
}

static void a_response_goes_where_the_request_asked_for_it(void **state)
{
	static const struct {
		enum world_listener listener;
		const char *source, *domain, *via, *destination;
	} rows[] = {
		{WORLD_INSIDE, "10.0.0.10:9999", "local.example", "10.0.0.10", "10.0.0.10:5060"},
		{WORLD_INSIDE, "10.0.0.10:9999", "local.example", "10.0.0.10;rport",
			"10.0.0.10:9999"},
		{WORLD_INSIDE, "10.0.0.10:9999", "local.example", "host.example:5062",
			"10.0.0.10:5062"},
		{WORLD_INSIDE, "10.0.0.10:9999", "local.example", "192.0.2.77:5062",
			"10.0.0.10:5062"},
		{WORLD_INSIDE, "10.0.0.10:9999", "local.example",
			"10.0.0.10:5062;maddr=192.0.2.77;received=192.0.2.78", "10.0.0.10:5062"},
		{WORLD_INSIDE6, "[fd00::10]:9999", "local6.example", "[fd00::10]:5064;rport",
			"[fd00::10]:9999"},
		{WORLD_INSIDE6, "[fd00::10]:9999", "local6.example", "[fd00::10]:5064",
			"[fd00::10]:5064"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char via[100], fields[500], destination[ENDPOINT_TEXT_BYTES];
		struct relay_out out;

		snprintf(via, sizeof(via), "%s;branch=z9hG4bKa", rows[i].via);
		snprintf(fields, sizeof(fields), "Via: %s\r\nVia: SIP/2.0/UDP x\r\n",
			via_of_request(*state, rows[i].listener, rows[i].source, rows[i].domain,
				"partner.example", via));
		out = send_response(*state, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", fields);
		assert_int_equal(out.reason, REASON_sip_response_relayed);
		assert_int_equal(out.listener, rows[i].listener);
		endpoint_format(&out.destination, destination);
		assert_string_equal(destination, rows[i].destination);
	}
}

static void a_response_that_fits_no_datagram_is_counted_as_that_alone(void **state)
{
	static char text[67000];
	struct world *w = *state;
	const char *ours = via_of_request(w, WORLD_INSIDE, "10.0.0.10", "local.example",
		"partner.example", "10.0.0.10;branch=z9hG4bKa");
	int n = snprintf(text, sizeof(text),
		"SIP/2.0 200 OK\r\nVia: %s\r\nVia: SIP/2.0/UDP 10.0.0.10;branch=z9hG4bKa\r\n" REST
		"Content-Length: 66000\r\n\r\n",
		ours);
	struct relay_out out;

	memset(text + n, 'x', 66000);
	out = world_send(w, 0, WORLD_OUTSIDE, "198.51.100.10", view_of(text, (size_t)n + 66000));
	assert_int_equal(out.reason, REASON_too_large_to_send);
	assert_int_equal(out.len, 0);
	assert_int_equal(w->counters[0][REASON_sip_response_relayed], 0);
}

static void a_503_goes_up_as_500_without_retry_after(void **state)
{
	struct relay_out out;
	char fields[1000];

	snprintf(fields, sizeof(fields),
		"Via: %s\r\n"
		"Retry-After: 120\r\n"
		"Via: SIP/2.0/UDP x;branch=z9hG4bKa\r\n"
		"retry-after: 5\r\n (folded)\r\n",
		via_of_request(*state, WORLD_INSIDE, "10.0.0.10", "local.example",
			"partner.example", "x;branch=z9hG4bKa"));
	out = send_response(
		*state, 0, WORLD_OUTSIDE, "SIP/2.0 503 Come back on Monday, please", fields);
	assert_int_equal(out.reason, REASON_sip_response_relayed);
	assert_string_equal(sent(&out),
		"SIP/2.0 500 Server Internal Error\r\n"
		"Via: SIP/2.0/UDP x;branch=z9hG4bKa\r\n" REST "\r\n");
	// Any other status keeps what it says.
	out = send_response(*state, 0, WORLD_OUTSIDE, "SIP/2.0 486 Busy", fields);
	assert_non_null(strstr(sent(&out), "SIP/2.0 486 Busy\r\n"));
	assert_non_null(strstr(sent(&out), "Retry-After: 120\r\n"));
}

// Flips every bit of ours[from..to) in turn; returns how many responses that made.
static unsigned flip_bits(struct world *w, char *ours, const char *from, const char *to)
{
	unsigned n = 0;

	for (char *at = ours + (from - ours); at < to; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			char fields[1000];

			*at ^= (char)(1 << bit);
			snprintf(fields, sizeof(fields),
				"Via: %s\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKa\r\n", ours);
			if (*at != '\0') {
				assert_int_equal(
					send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", fields)
						.len,
					0);
				n++;
			}
			*at ^= (char)(1 << bit);
		}
	}
	return n;
}

static void a_via_with_any_bit_flipped_is_dropped(void **state)
{
	struct world *w = *state;
	const uint64_t *counters = w->counters[0];
	char ours[300];
	const char *branch, *way;
	unsigned n;

	strcpy(ours,
		via_of_request(w, WORLD_INSIDE, "10.0.0.10", "local.example", "partner.example",
			"x;branch=z9hG4bKa"));
	branch = strstr(ours, "z9hG4bK");
	way = strstr(ours, ";fr-way=");
	n = flip_bits(w, ours, branch, way);
	n += flip_bits(w, ours, way + 8, strstr(ours, ";fr-loop="));
	// Most are strays; a bit may also make a byte that no Via may hold.
	assert_true(counters[REASON_sip_response_stray] > n / 2);
	assert_int_equal(
		counters[REASON_sip_response_stray] + counters[REASON_sip_response_malformed], n);
	assert_int_equal(counters[REASON_sip_response_relayed], 0);
}

static void strays_and_spoofed_responses_are_dropped(void **state)
{
	static const char *const fields[] = {
		"Via: SIP/2.0/UDP other.example;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP x\r\n",
		"Via: SIP/2.0/UDP relay.example.net;branch=z9hG4bK0123456789abcdef\r\n"
		"Via: SIP/2.0/UDP x\r\n",
		"Via: SIP/2.0/UDP relay.example.net;branch=z9hG4bK0123456789abcdef;"
		"fr-way=BAAAABPECgAACgAAAAAAAAAA\r\nVia: SIP/2.0/UDP x\r\n",
		"Via: SIP/2.0/UDP relay.example.net;branch=z9hG4bK0123456789abcdef;fr-way\r\n"
		"Via: SIP/2.0/UDP x\r\n",
	};
	struct world *w = *state;
	struct relay_out out;

	for (unsigned i = 0; i < 4; i++) {
		out = send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", fields[i]);
		assert_int_equal(out.reason, REASON_sip_response_stray);
		assert_int_equal(out.len, 0);
	}
	assert_int_equal(w->counters[0][REASON_sip_response_stray], 4);
}

static void a_way_back_serves_only_the_side_it_was_made_for(void **state)
{
	const char *ours = via_of_request(*state, WORLD_OUTSIDE, "198.51.100.10", "partner.example",
		"local.example", "x;branch=z9hG4bKa");
	struct relay_out out;
	char fields[1000];

	snprintf(fields, sizeof(fields), "Via: %s\r\nVia: SIP/2.0/UDP x\r\n", ours);
	out = send_response(*state, 0, WORLD_INSIDE, "SIP/2.0 200 OK", fields);
	assert_int_equal(out.reason, REASON_sip_response_relayed);
	out = send_response(*state, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", fields);
	assert_int_equal(out.reason, REASON_sip_response_stray);
}

static void a_way_back_to_a_listener_that_is_gone_is_a_stray(void **state)
{
	struct world *w = *state;
	uint64_t counters[REASON_N] = {0};
	struct relay_listener listeners[2] = {
		world_listeners[WORLD_OUTSIDE], world_listeners[WORLD_INSIDE]};
	struct relay *kept = w->relay[1];
	const char *ours = via_of_request(w, WORLD_INSIDE6, "[fd00::10]", "local6.example",
		"partner.example", "x;branch=z9hG4bKa");
	struct relay_out out;
	char fields[1000];

	snprintf(fields, sizeof(fields), "Via: %s\r\nVia: SIP/2.0/UDP x\r\n", ours);
	w->relay[1] = relay_new(listeners, 2, 1, counters);
	relay_set_policy(w->relay[1], w->decider[1], w->image);
	out = send_response(w, 1, 0, "SIP/2.0 200 OK", fields);
	assert_int_equal(out.reason, REASON_sip_response_stray);
	assert_int_equal(counters[REASON_sip_response_stray], 1);
	relay_free(w->relay[1]);
	w->relay[1] = kept;
}

static void responses_without_an_audience_or_sense_are_dropped(void **state)
{
	struct world *w = *state;
	struct relay_out out;
	char fields[1000];

	snprintf(fields, sizeof(fields), "Via: %s\r\n",
		via_of_request(w, WORLD_INSIDE, "10.0.0.10", "local.example", "partner.example",
			"x;branch=z9hG4bKa"));
	// Nobody is left behind our Via.
	out = send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", fields);
	assert_int_equal(out.reason, REASON_sip_response_stray);
	out = send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", "");
	assert_int_equal(out.reason, REASON_sip_response_malformed);
	out = send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", "Via: ;;,;,,\r\n");
	assert_int_equal(out.reason, REASON_sip_response_malformed);
	out = send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 99 Odd", fields);
	assert_int_equal(out.reason, REASON_sip_response_malformed);
	assert_int_equal(out.len, 0);
}

static void a_response_to_a_request_of_the_former_policy_passes(void **state)
{
	struct world *w = *state;
	struct relay_out out;
	char fields[1000];

	snprintf(fields, sizeof(fields), "Via: %s\r\nVia: SIP/2.0/UDP x\r\n",
		via_of_request(w, WORLD_INSIDE, "10.0.0.10", "local.example", "partner.example",
			"x;branch=z9hG4bKa"));
	// Another decider over the same key, as after a publication.
	relay_set_policy(w->relay[0], w->decider[1], w->image);
	out = send_response(w, 0, WORLD_OUTSIDE, "SIP/2.0 200 OK", fields);
	assert_int_equal(out.reason, REASON_sip_response_relayed);
	relay_set_policy(w->relay[0], w->decider[0], w->image);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_response_goes_back_without_our_via_by_any_worker),
		CASE(a_response_goes_where_the_request_asked_for_it),
		CASE(a_response_that_fits_no_datagram_is_counted_as_that_alone),
		CASE(a_503_goes_up_as_500_without_retry_after),
		CASE(a_via_with_any_bit_flipped_is_dropped),
		CASE(strays_and_spoofed_responses_are_dropped),
		CASE(a_way_back_serves_only_the_side_it_was_made_for),
		CASE(a_way_back_to_a_listener_that_is_gone_is_a_stray),
		CASE(responses_without_an_audience_or_sense_are_dropped),
		CASE(a_response_to_a_request_of_the_former_policy_passes),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
