// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/streams_world.h"

#define VIA_LOCAL   "TCP 10.0.0.10"
#define VIA_PARTNER "TCP 198.51.100.10"

static int set_up(void **state)
{
	*state = town_new(1);
	return 0;
}

static int set_up_two(void **state)
{
	*state = town_new(2);
	return 0;
}

static int tear_down(void **state)
{
	town_free(*state);
	return 0;
}

static const char *message(unsigned n)
{
	return town_request("MESSAGE", "local.example", "partner.example", VIA_LOCAL, n, "hello");
}

static void a_request_crosses_and_its_response_returns_by_its_connection(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	struct town_peer *other = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0), *callee;

	town_say(t, caller, message(1));
	town_run(t, 10);
	callee = town_accepted(t, "198.51.100.10", 0);
	assert_non_null(callee);
	assert_int_equal(town_count(callee->text, "MESSAGE sip:b@partner.example"), 1);
	assert_non_null(strstr(callee->text, "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK"));
	assert_non_null(strstr(callee->text, "\r\n\r\nhello"));
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 1);
	assert_int_equal(town_count(caller->text, "Via:"), 1);
	assert_int_equal(other->n, 0);
}

// One byte a segment, and then all cuts in two.
static void a_message_may_be_cut_anywhere(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	unsigned n_cuts = 0;
	const char *text = message(1);
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		town_say_bytes(t, caller, text + i, 1);
		town_run(t, 1);
	}
	for (size_t cut = 1; cut < n; cut += 5, n_cuts++) {
		town_say_bytes(t, caller, text, cut);
		town_run(t, 1);
		town_say_bytes(t, caller, text + cut, n - cut);
		town_run(t, 1);
	}
	town_run(t, 20);
	assert_int_equal(town_count(town_accepted(t, "198.51.100.10", 0)->text, "\r\n\r\nhello"),
		1 + n_cuts);
}

static void messages_joined_in_segments_keep_their_order(void **state)
{
	static char all[100000];
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	const char *at;
	size_t n = 0;

	for (unsigned i = 0; i < 200; i++)
		n += (size_t)sprintf(all + n, "%s", message(i + 1));
	town_say_bytes(t, caller, all, n);
	town_run(t, 50);
	at = town_accepted(t, "198.51.100.10", 0)->text;
	for (unsigned i = 0; i < 200; i++) {
		char line[32];

		snprintf(line, sizeof(line), "CSeq: %u MESSAGE\r\n", i + 1);
		at = strstr(at, line);
		assert_non_null(at);
	}
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 200);
	assert_null(town_accepted(t, "198.51.100.10", 1));
}

static void a_double_crlf_is_answered_by_one(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller, "\r\n\r\n");
	town_run(t, 5);
	assert_string_equal(caller->text, "\r\n");
	town_say(t, caller, "\r\n\r");
	town_run(t, 5);
	assert_string_equal(caller->text, "\r\n");
	town_say(t, caller, "\n");
	town_run(t, 5);
	assert_string_equal(caller->text, "\r\n\r\n");
	// A single one in front of a message is nothing.
	town_say(t, caller, "\r\n");
	town_say(t, caller, message(1));
	town_run(t, 10);
	assert_string_equal(caller->text, "\r\n\r\n");
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
}

// Buffers of the engine end within them, at each of their four bytes.
static void many_keepalives_at_once_lose_no_stream(void **state)
{
	static char pings[8000 + 1];
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	for (size_t i = 0; i < sizeof(pings) - 1; i++)
		pings[i] = i % 2 == 0 ? '\r' : '\n';
	for (unsigned i = 0; i < 4; i++) {
		char text[2048];

		snprintf(text, sizeof(text), "%s",
			town_request("MESSAGE", "local.example", "partner.example", VIA_LOCAL,
				i + 1, &"hello"[i]));
		town_say(t, caller, text);
		town_say(t, caller, pings);
		town_run(t, 20);
		assert_int_equal(town_counter(t, REASON_sip_stream_lost), 0);
		assert_int_equal(town_counter(t, REASON_sip_request_relayed), i + 1);
	}
	town_say(t, caller, message(5));
	town_run(t, 20);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 5);
	assert_false(caller->finished);
}

static void a_stream_without_content_length_is_answered_and_closed(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller,
		"MESSAGE sip:b@partner.example SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
		"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@partner.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\n\r\nhello");
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 400 Bad Request"), 1);
	assert_true(caller->finished);
	assert_int_equal(town_counter(t, REASON_sip_missing_header), 1);
	assert_int_equal(town_counter(t, REASON_sip_stream_lost), 1);
	town_finish(t, caller);
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 0);
}

static void what_is_no_sip_is_closed_without_a_word(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	town_run(t, 10);
	assert_int_equal(caller->n, 0);
	assert_true(caller->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_lost), 1);
}

static void a_malformed_message_whose_end_is_known_does_not_end_the_stream(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller,
		"MESSAGE sip:b@partner.example SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
		"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@partner.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nno colon here\r\nl: 5\r\n\r\nhello");
	town_say(t, caller, message(2));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 400 Bad Request"), 1);
	assert_false(caller->finished);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
}

static void a_body_over_the_limit_is_refused_by_its_head_and_skipped(void **state)
{
	static char body[80000];
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	char head[500];

	snprintf(head, sizeof(head),
		"MESSAGE sip:b@partner.example SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
		"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@partner.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nl: %zu\r\n\r\n",
		sizeof(body));
	memset(body, 'x', sizeof(body));
	town_say(t, caller, head);
	town_say_bytes(t, caller, body, sizeof(body));
	town_say(t, caller, message(2));
	town_run(t, 50);
	assert_int_equal(town_count(caller->text, "SIP/2.0 413 Request Entity Too Large"), 1);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
	assert_false(caller->finished);
}

static void a_long_message_is_relayed_whole(void **state)
{
	static char text[61000];
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0), *callee;
	const size_t n_body = 60000;
	int n = snprintf(text, sizeof(text),
		"MESSAGE sip:b@partner.example SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
		"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@partner.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nl: %zu\r\n\r\n",
		n_body);

	for (size_t i = 0; i < n_body; i++)
		text[(size_t)n + i] = (char)('a' + i % 23);
	town_say_bytes(t, caller, text, (size_t)n + n_body);
	town_run(t, 50);
	callee = town_accepted(t, "198.51.100.10", 0);
	assert_non_null(callee);
	assert_non_null(strstr(callee->text, text + n));
}

static void a_stream_silent_within_a_message_is_closed(void **state)
{
	struct town *t = *state;
	struct town_peer *partly = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	struct town_peer *never = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	struct town_peer *idle = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, idle, message(1));
	town_say(t, partly, message(2));
	town_run(t, 20000);
	town_say(t, partly, "MESSAGE sip:b@partner.example SIP/2.0\r\nVi");
	town_run(t, 20000);
	assert_true(never->finished);
	assert_false(partly->finished);
	// A byte now and then does not help.
	town_say(t, partly, "a");
	town_run(t, 14000);
	assert_true(partly->finished);
	assert_false(idle->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_silent), 2);
}

static void long_messages_under_way_are_bounded(void **state)
{
	static char part[10000];
	struct town *t = *state;
	struct town_peer *callers[3];

	memset(part, 'x', sizeof(part));
	for (unsigned i = 0; i < 3; i++) {
		callers[i] = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
		town_say(t, callers[i],
			"MESSAGE sip:b@partner.example SIP/2.0\r\n"
			"Via: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
			"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@partner.example>\r\n"
			"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nl: 20000\r\n\r\n");
		town_say_bytes(t, callers[i], part, sizeof(part));
		town_run(t, 20);
	}
	assert_int_equal(town_counter(t, REASON_sip_streams_full), 1);
	assert_int_equal(town_count(callers[2]->text, "SIP/2.0 503 Service Unavailable"), 1);
	for (unsigned i = 0; i < 3; i++)
		town_say_bytes(t, callers[i], part, sizeof(part));
	town_run(t, 20);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 2);
	town_say(t, callers[2], message(5));
	town_run(t, 20);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 3);
}

static void a_peer_that_has_finished_gets_what_it_has_asked_for(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0), *callee;

	town_say(t, caller, message(1));
	town_finish(t, caller);
	town_run(t, 100);
	assert_false(caller->finished);
	callee = town_accepted(t, "198.51.100.10", 0);
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 1);
	assert_true(caller->finished);
}

// Two branches of a fork, or one response twice: each counts for its own request alone.
static void a_final_response_that_comes_again_answers_no_other_request(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0), *callee;
	const char *second;

	town_say(t, caller, message(1));
	town_say(t, caller, message(2));
	town_finish(t, caller);
	town_run(t, 20);
	callee = town_accepted(t, "198.51.100.10", 0);
	second = strstr(callee->text, "hello") + 5;
	town_say(t, callee, town_response(callee->text, "180 Ringing"));
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_run(t, 20);
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 2);
	assert_false(caller->finished);
	town_say(t, callee, town_response(second, "202 Accepted"));
	town_run(t, 20);
	assert_int_equal(town_count(caller->text, "SIP/2.0 202 Accepted"), 1);
	assert_true(caller->finished);
}

static void a_request_that_comes_again_waits_for_one_response(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0), *callee;

	town_say(t, caller, message(1));
	town_say(t, caller, message(1));
	town_finish(t, caller);
	town_run(t, 20);
	callee = town_accepted(t, "198.51.100.10", 0);
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_run(t, 20);
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 1);
	assert_true(caller->finished);
}

static void a_request_that_the_relay_answers_itself_is_answered(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	t->refuses = true;
	town_say(t, caller, message(1));
	town_finish(t, caller);
	town_run(t, 20);
	assert_int_equal(town_count(caller->text, "SIP/2.0 503 "), 1);
	assert_true(caller->finished);
}

static void a_stream_that_ends_within_a_message_is_counted(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller, "MESSAGE sip:b@partner.example SIP/2.0\r\nVi");
	town_finish(t, caller);
	town_run(t, 100);
	assert_true(caller->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_cut), 1);
}

// Of a request that came by another connection than its response finds; from: the caller's place.
static void lose_and_respond(struct town *t, const char *ip, const char *from, const char *via)
{
	struct town_peer *caller = town_connect(t, ip, TOWN_OUTSIDE, 0), *callee;

	town_say(t, caller, town_request("MESSAGE", from, "local.example", via, 1, "hello"));
	town_run(t, 10);
	callee = town_accepted(t, "10.0.0.10", 0);
	assert_non_null(callee);
	town_abort(t, caller);
	town_run(t, 10);
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0"), 0);
}

static void a_response_without_its_connection_goes_to_a_hop_of_its_peer(void **state)
{
	struct town *t = *state;

	lose_and_respond(t, "198.51.100.10", "partner.example", VIA_PARTNER);
	assert_non_null(town_accepted(t, "198.51.100.10", 0));
	assert_int_equal(
		town_count(town_accepted(t, "198.51.100.10", 0)->text, "SIP/2.0 200 OK"), 1);
}

// Each transaction would choose one of four.
static void responses_without_their_connection_share_those_that_their_peer_may_have(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "198.51.100.10", TOWN_OUTSIDE, 0), *callee;
	const char *at;

	for (unsigned i = 1; i <= 16; i++)
		town_say(t, caller,
			town_request("MESSAGE", "single.example", "local.example", VIA_PARTNER, i,
				"hello"));
	town_run(t, 10);
	callee = town_accepted(t, "10.0.0.10", 0);
	assert_non_null(callee);
	town_abort(t, caller);
	town_run(t, 10);
	at = callee->text;
	for (unsigned i = 1; i <= 16; i++, at = strstr(at, "hello") + 5)
		town_say(t, callee, town_response(at, "200 OK"));
	town_run(t, 20);
	assert_int_equal(
		town_count(town_accepted(t, "198.51.100.10", 0)->text, "SIP/2.0 200 OK"), 16);
	assert_null(town_accepted(t, "198.51.100.10", 1));
}

static void a_response_without_its_connection_goes_nowhere_else(void **state)
{
	struct town *t = *state;

	lose_and_respond(t, "198.51.100.30", "partner.example", "TCP 198.51.100.30:5070");
	assert_null(town_accepted(t, "198.51.100.30:5070", 0));
	assert_int_equal(town_counter(t, REASON_sip_response_no_way), 1);
}

static void a_request_that_nobody_gets_is_answered_503_with_retry_after(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	t->refuses = true;
	town_say(t, caller, message(1));
	town_say(t, caller,
		town_request("ACK", "local.example", "partner.example", VIA_LOCAL, 2, ""));
	town_run(t, 20);
	assert_int_equal(town_count(caller->text, "SIP/2.0 503 Service Unavailable"), 1);
	assert_int_equal(town_count(caller->text, "Retry-After: "), 1);
	assert_int_equal(town_count(caller->text, "SIP/2.0 "), 1);
	assert_int_equal(
		town_count(caller->text, "Via: SIP/2.0/TCP 10.0.0.10;branch=z9hG4bK1\r\n"), 1);
	assert_int_equal(town_counter(t, REASON_egress_down), 2);
}

// How many datagrams have left, once ms milliseconds more have passed.
static unsigned sent_after(struct town *t, unsigned ms)
{
	town_run(t, ms);
	return t->n_sent;
}

static struct town_peer *call_udp(struct town *t, const char *method)
{
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller, town_request(method, "local.example", "udp.example", VIA_LOCAL, 1, ""));
	town_run(t, 2);
	assert_int_equal(t->n_sent, 1);
	return caller;
}

static void a_request_to_udp_is_repeated_by_timer_e(void **state)
{
	// At 0.5, 1.5, 3.5, 7.5 s and every 4 s after.
	static const unsigned at[][2] = {{400, 1}, {200, 2}, {800, 2}, {200, 3}, {1800, 3},
		{200, 4}, {3800, 4}, {200, 5}, {3800, 5}, {200, 6}};
	struct town *t = *state;
	struct town_peer *caller = call_udp(t, "MESSAGE");

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		assert_int_equal(sent_after(t, at[i][0]), at[i][1]);
	for (unsigned i = 1; i < t->n_sent; i++)
		assert_string_equal(t->sent[i].text, t->sent[0].text);
	town_datagram(t, 0, TOWN_OUTSIDE_UDP, "198.51.100.20",
		town_response(t->sent[0].text, "100 Trying"));
	assert_true(sent_after(t, 9000) > 6);
	town_datagram(
		t, 0, TOWN_OUTSIDE_UDP, "198.51.100.20", town_response(t->sent[0].text, "200 OK"));
	{
		unsigned n = t->n_sent;

		assert_int_equal(sent_after(t, 20000), n);
	}
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 1);
	assert_int_equal(town_count(caller->text, "SIP/2.0 100 Trying"), 1);
}

static void an_invite_to_udp_is_repeated_until_anything_is_heard(void **state)
{
	struct town *t = *state;

	call_udp(t, "INVITE");
	assert_int_equal(sent_after(t, 1600), 3);
	town_datagram(t, 0, TOWN_OUTSIDE_UDP, "198.51.100.20",
		town_response(t->sent[0].text, "100 Trying"));
	assert_int_equal(sent_after(t, 40000), 3);
}

static void repetition_ends_with_timer_b(void **state)
{
	struct town *t = *state;

	call_udp(t, "INVITE");
	// At 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
	assert_int_equal(sent_after(t, 60000), 7);
	assert_int_equal(town_counter(t, REASON_sip_again_unanswered), 1);
	assert_int_equal(town_counter(t, REASON_sip_again_sent), 6);
}

static void an_ack_and_what_came_as_a_datagram_are_never_repeated(void **state)
{
	struct town *t = *state;

	call_udp(t, "ACK");
	town_datagram(t, 0, TOWN_INSIDE_UDP, "10.0.0.20",
		town_request(
			"MESSAGE", "local-udp.example", "udp.example", "UDP 10.0.0.20", 2, ""));
	assert_int_equal(t->n_sent, 2);
	assert_int_equal(sent_after(t, 40000), 2);
}

static void more_requests_than_can_be_repeated_are_sent_once(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	for (unsigned i = 0; i < 6; i++)
		town_say(t, caller,
			town_request(
				"MESSAGE", "local.example", "udp.example", VIA_LOCAL, 1 + i, ""));
	assert_int_equal(sent_after(t, 5), 6);
	assert_int_equal(sent_after(t, 600), 10);
	assert_int_equal(town_counter(t, REASON_sip_again_full), 2);
}

static void a_hop_that_never_answers_leaves_others_requests_to_be_repeated(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	struct town_peer *partner = town_connect(t, "198.51.100.10", TOWN_OUTSIDE, 0);

	for (unsigned i = 0; i < 6; i++)
		town_say(t, caller,
			town_request(
				"MESSAGE", "local.example", "udp.example", VIA_LOCAL, 1 + i, ""));
	town_run(t, 5);
	assert_int_equal(town_counter(t, REASON_sip_again_full), 2);
	town_say(t, partner,
		town_request(
			"MESSAGE", "partner.example", "local-udp.example", VIA_PARTNER, 9, ""));
	assert_int_equal(sent_after(t, 5), 7);
	assert_int_equal(town_counter(t, REASON_sip_again_full), 2);
	assert_int_equal(sent_after(t, 600), 12);
	// Nothing stays behind.
	town_run(t, 40000);
	assert_int_equal(town_counter(t, REASON_sip_again_unanswered), 5);
	town_say(t, caller,
		town_request("MESSAGE", "local.example", "udp.example", VIA_LOCAL, 10, ""));
	town_run(t, 5);
	assert_int_equal(town_counter(t, REASON_sip_again_full), 2);
}

static void a_message_too_large_for_udp_is_refused_with_513(void **state)
{
	static char text[10000];
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	int n = snprintf(text, sizeof(text),
		"MESSAGE sip:b@udp.example SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
		"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@udp.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nl: 9000\r\n\r\n");

	memset(text + n, 'x', 9000);
	town_say_bytes(t, caller, text, (size_t)n + 9000);
	town_run(t, 20);
	assert_int_equal(town_count(caller->text, "SIP/2.0 513 Message Too Large"), 1);
	assert_int_equal(t->n_sent, 0);
}

static void a_datagram_may_leave_by_a_stream_and_its_response_as_one(void **state)
{
	struct town *t = *state;
	struct town_peer *callee;

	town_datagram(t, 0, TOWN_INSIDE_UDP, "10.0.0.20",
		town_request("MESSAGE", "local-udp.example", "partner.example", "UDP 10.0.0.20", 1,
			"x"));
	town_run(t, 10);
	callee = town_accepted(t, "198.51.100.10", 0);
	assert_non_null(callee);
	town_say(t, callee, town_response(callee->text, "200 OK"));
	town_run(t, 10);
	assert_int_equal(t->n_sent, 1);
	assert_int_equal(town_count(t->sent[0].text, "SIP/2.0 200 OK"), 1);
	assert_int_equal(t->sent[0].listener, TOWN_INSIDE_UDP);
}

static void a_request_of_udp_that_nobody_gets_is_answered_as_a_datagram(void **state)
{
	struct town *t = *state;

	t->refuses = true;
	town_datagram(t, 0, TOWN_INSIDE_UDP, "10.0.0.20",
		town_request("MESSAGE", "local-udp.example", "partner.example", "UDP 10.0.0.20", 1,
			"x"));
	town_run(t, 10);
	assert_int_equal(t->n_sent, 1);
	assert_int_equal(town_count(t->sent[0].text, "SIP/2.0 503 Service Unavailable"), 1);
	assert_int_equal(t->sent[0].to.port, 5060);
}

static void a_response_finds_the_worker_of_its_connection(void **state)
{
	struct town *t = *state;
	struct town_peer *callers[2];

	for (unsigned i = 0; i < 2; i++) {
		callers[i] = town_connect(t, "10.0.0.10", TOWN_INSIDE, i);
		town_say(t, callers[i],
			town_request(
				"MESSAGE", "local.example", "udp.example", VIA_LOCAL, 10 + i, ""));
	}
	town_run(t, 10);
	assert_int_equal(t->n_sent, 2);
	for (unsigned worker = 0; worker < 2; worker++) {
		for (unsigned i = 0; i < 2; i++)
			town_datagram(t, worker, TOWN_OUTSIDE_UDP, "198.51.100.20",
				town_response(t->sent[i].text, worker == 0 ? "180 x" : "200 x"));
	}
	town_run(t, 10);
	for (unsigned i = 0; i < 2; i++) {
		char line[32];

		snprintf(line, sizeof(line), "CSeq: %u MESSAGE", 10 + i);
		assert_int_equal(town_count(callers[i]->text, line), 2);
		assert_int_equal(town_count(callers[i]->text, "SIP/2.0 180 x"), 1);
	}
	// They are answered, on whichever worker.
	assert_int_equal(sent_after(t, 5000), 2);
}

static void a_request_finds_the_connection_whichever_worker_reads_it(void **state)
{
	struct town *t = *state;
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, i);

		for (unsigned k = 0; k < 10; k++)
			town_say(t, caller, message(20 * i + k + 1));
	}
	town_run(t, 20);
	for (unsigned i = 0; town_accepted(t, "198.51.100.10", i) != NULL; i++)
		n += town_count(town_accepted(t, "198.51.100.10", i)->text, "MESSAGE sip:b@");
	assert_int_equal(n, 20);
	// One pair, one connection.
	assert_null(town_accepted(t, "198.51.100.10", 1));
}

// A caller that reads nothing asks four times for 600 refusals.
static void ask_deaf(struct town *t, struct town_peer *deaf)
{
	static char many[200000];
	size_t n = 0;

	for (unsigned i = 0; i < 600; i++)
		n += (size_t)sprintf(many + n, "%s",
			town_request("MESSAGE", "stranger.example", "partner.example", VIA_LOCAL,
				i + 1, ""));
	deaf->deaf = true;
	for (unsigned i = 0; i < 4; i++) {
		town_say_bytes(t, deaf, many, n);
		town_run(t, 400);
	}
}

// What a deaf caller has asked for is not read beyond a bound, and nobody else waits.
static void who_does_not_read_is_not_read_from(void **state)
{
	struct town *t = *state;
	struct town_peer *deaf = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	struct town_peer *other = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
	uint64_t refused;

	ask_deaf(t, deaf);
	refused = town_counter(t, REASON_from_unlisted);
	assert_true(refused > 600 && refused < 4 * 600);
	town_say(t, other, message(1));
	town_run(t, 20);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
	deaf->deaf = false;
	town_run(t, 3000);
	assert_int_equal(town_counter(t, REASON_from_unlisted), 4 * 600);
	assert_int_equal(town_count(deaf->text, "SIP/2.0 403 "), 4 * 600);
}

// Its window is probed and answered for ever: TCP does not end it.
static void who_never_reads_is_ended(void **state)
{
	struct town *t = *state;
	struct town_peer *deaf = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	ask_deaf(t, deaf);
	town_run(t, 25000);
	assert_int_equal(town_counter(t, REASON_sip_stream_stuck), 0);
	town_run(t, 15000);
	assert_int_equal(town_counter(t, REASON_sip_stream_stuck), 1);
	deaf->deaf = false;
	town_run(t, 100);
	assert_true(deaf->closed);
}

static void without_packet_memory_a_message_waits_in_its_connection(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);

	town_say(t, caller, message(1));
	town_run(t, 10);
	t->room = 1;
	t->n_parcels++;
	town_say(t, caller, message(2));
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
	t->n_parcels--;
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 2);
}

#define TEST(name)     cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_TWO(name) cmocka_unit_test_setup_teardown(name, set_up_two, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_crosses_and_its_response_returns_by_its_connection),
		TEST(a_message_may_be_cut_anywhere),
		TEST(messages_joined_in_segments_keep_their_order),
		TEST(a_double_crlf_is_answered_by_one),
		TEST(many_keepalives_at_once_lose_no_stream),
		TEST(a_stream_without_content_length_is_answered_and_closed),
		TEST(what_is_no_sip_is_closed_without_a_word),
		TEST(a_malformed_message_whose_end_is_known_does_not_end_the_stream),
		TEST(a_body_over_the_limit_is_refused_by_its_head_and_skipped),
		TEST(a_long_message_is_relayed_whole),
		TEST(a_stream_silent_within_a_message_is_closed),
		TEST(long_messages_under_way_are_bounded),
		TEST(a_peer_that_has_finished_gets_what_it_has_asked_for),
		TEST(a_final_response_that_comes_again_answers_no_other_request),
		TEST(a_request_that_comes_again_waits_for_one_response),
		TEST(a_request_that_the_relay_answers_itself_is_answered),
		TEST(a_stream_that_ends_within_a_message_is_counted),
		TEST(a_response_without_its_connection_goes_to_a_hop_of_its_peer),
		TEST(responses_without_their_connection_share_those_that_their_peer_may_have),
		TEST(a_response_without_its_connection_goes_nowhere_else),
		TEST(a_request_that_nobody_gets_is_answered_503_with_retry_after),
		TEST(a_request_to_udp_is_repeated_by_timer_e),
		TEST(an_invite_to_udp_is_repeated_until_anything_is_heard),
		TEST(repetition_ends_with_timer_b),
		TEST(an_ack_and_what_came_as_a_datagram_are_never_repeated),
		TEST(more_requests_than_can_be_repeated_are_sent_once),
		TEST(a_hop_that_never_answers_leaves_others_requests_to_be_repeated),
		TEST(a_message_too_large_for_udp_is_refused_with_513),
		TEST(a_datagram_may_leave_by_a_stream_and_its_response_as_one),
		TEST(a_request_of_udp_that_nobody_gets_is_answered_as_a_datagram),
		TEST_TWO(a_response_finds_the_worker_of_its_connection),
		TEST_TWO(a_request_finds_the_connection_whichever_worker_reads_it),
		TEST(who_does_not_read_is_not_read_from),
		TEST(who_never_reads_is_ended),
		TEST(without_packet_memory_a_message_waits_in_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
