// SPDX-License-Identifier: BSD-3-Clause
// Messages whose body no packet buffer holds, through the whole of streams.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/streams_world.h"

#define VIA_LOCAL   "TCP 10.0.0.10"
#define VIA_PARTNER "TCP 198.51.100.10"
#define MB          ((size_t)1 << 20)
// Of the towns here: 4 MB of memory, 3 MB of it the longest body.
#define N_UNITS  64
#define BODY_MAX (3 * MB)
// 32 s, and at 128 bytes a ms the longest of those that stall here, of 2 MB.
#define STALLED_MS (33000 + 2 * MB / 128)

static const struct town_sizes sizes = {
	.message_bytes_max = 64000, .body_bytes_max = BODY_MAX, .n_bodies = N_UNITS};
// Where what is longer than a head is large.
static const struct town_sizes tiny_sizes = {
	.message_bytes_max = 400, .body_bytes_max = BODY_MAX, .n_bodies = N_UNITS};

static int set_up(void **state)
{
	*state = town_new_of(1, &sizes);
	return 0;
}

static int set_up_tiny(void **state)
{
	*state = town_new_of(1, &tiny_sizes);
	return 0;
}

static int set_up_two(void **state)
{
	*state = town_new_of(2, &sizes);
	return 0;
}

static int tear_down(void **state)
{
	struct town *t = *state;

	for (unsigned i = 0; i < t->n_workers; i++) {
		struct streams_usage usage;

		streams_usage(t->workers[i].streams, &usage);
		assert_int_equal(usage.n_intakes, 0);
		assert_int_equal(usage.n_bodies, 0);
	}
	town_free(t);
	return 0;
}

static uint32_t n_used(struct town *t)
{
	struct streams_usage usage;

	streams_usage(t->workers[0].streams, &usage);
	return usage.n_bodies;
}

struct large {
	char *text;
	size_t n, n_head; // in all; of the head
};

// A message with n_body bytes that differ from one to the next by its number.
static struct large large(const char *start, const char *fields, unsigned number, size_t n_body)
{
	struct large l = {.text = malloc(2048 + n_body)};

	assert_non_null(l.text);
	l.n_head = (size_t)snprintf(
		l.text, 2048, "%s\r\n%sContent-Length: %zu\r\n\r\n", start, fields, n_body);
	for (size_t i = 0; i < n_body; i++)
		l.text[l.n_head + i] = (char)('a' + (i * 7 + i / 251 + number) % 26);
	l.n = l.n_head + n_body;
	return l;
}

static struct large request(
	const char *from, const char *to, const char *via, unsigned number, size_t n_body)
{
	char start[100], fields[500];

	snprintf(start, sizeof(start), "MESSAGE sip:b@%s SIP/2.0", to);
	snprintf(fields, sizeof(fields),
		"Via: SIP/2.0/%s;branch=z9hG4bK%u\r\nFrom: <sip:a@%s>;tag=1\r\n"
		"To: <sip:b@%s>\r\nCall-ID: %u\r\nCSeq: %u MESSAGE\r\n",
		via, number, from, to, number, number);
	return large(start, fields, number, n_body);
}

static struct large outward(unsigned number, size_t n_body)
{
	return request("local.example", "single.example", VIA_LOCAL, number, n_body);
}

// What a peer has read from at on begins with a message of that number and body, whole. Where it
// ends.
static size_t check_message(
	const struct town_peer *p, size_t at, unsigned number, const char *body, size_t n_body)
{
	const char *text = p->text + at, *end;
	char field[50];

	assert_true(at < p->n);
	assert_true(strncmp(text, "MESSAGE ", 8) == 0 || strncmp(text, "SIP/2.0 ", 8) == 0);
	end = strstr(text, "\r\n\r\n");
	assert_non_null(end);
	snprintf(field, sizeof(field), "\r\nCSeq: %u ", number);
	assert_non_null(strstr(text, field));
	assert_true(strstr(text, field) < end);
	snprintf(field, sizeof(field), "\r\nContent-Length: %zu", n_body);
	assert_non_null(strstr(text, field));
	assert_true(p->n - (size_t)(end + 4 - p->text) >= n_body);
	assert_memory_equal(end + 4, body, n_body);
	return (size_t)(end + 4 - p->text) + n_body;
}

static size_t check_large(const struct town_peer *p, size_t at, unsigned number, struct large *l)
{
	at = check_message(p, at, number, l->text + l->n_head, l->n - l->n_head);
	free(l->text);
	return at;
}

static void say_large(struct town *t, struct town_peer *p, const struct large *l)
{
	town_say_all(t, p, l->text, l->n);
}

static const char *small(unsigned number)
{
	return town_request(
		"MESSAGE", "local.example", "single.example", VIA_LOCAL, number, "small");
}

static struct town_peer *caller_of(struct town *t)
{
	return town_connect(t, "10.0.0.10", TOWN_INSIDE, 0);
}

static struct town_peer *callee_of(struct town *t)
{
	struct town_peer *callee = town_accepted(t, "198.51.100.10", 0);

	assert_non_null(callee);
	return callee;
}

static void a_large_message_arrives_whole_and_the_next_one_behind_it(void **state)
{
	static const size_t bodies[] = {64000, 65536, 131072, 1 * MB, BODY_MAX};
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	size_t at = 0;

	for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct large l = outward(2 * i + 1, bodies[i]);

		say_large(t, caller, &l);
		town_say(t, caller, small(2 * i + 2));
		town_run(t, 200);
		at = check_large(callee_of(t), at, 2 * i + 1, &l);
		at = check_message(callee_of(t), at, 2 * i + 2, "small", 5);
	}
	assert_int_equal(at, callee_of(t)->n);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 10);
	town_say(t, callee_of(t), town_response(callee_of(t)->text, "200 OK"));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 1);
}

static void a_large_message_may_be_cut_anywhere(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	size_t at = 0;

	for (size_t cut = 1;; cut++) {
		struct large l = outward(1, 300);
		size_t n = l.n;

		if (cut < n) {
			town_say_bytes(t, caller, l.text, cut);
			town_run(t, 2);
		}
		town_say_bytes(t, caller, l.text + (cut < n ? cut : 0), n - (cut < n ? cut : 0));
		town_say(t, caller, small(2));
		town_run(t, 2);
		at = check_large(callee_of(t), at, 1, &l);
		at = check_message(callee_of(t), at, 2, "small", 5);
		if (cut >= n)
			break;
	}
	assert_int_equal(at, callee_of(t)->n);
}

static void a_large_message_may_come_byte_by_byte(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = outward(1, 300);

	for (size_t i = 0; i < l.n; i++) {
		town_say_bytes(t, caller, l.text + i, 1);
		town_run(t, 1);
	}
	town_run(t, 10);
	assert_int_equal(check_large(callee_of(t), 0, 1, &l), callee_of(t)->n);
}

static void many_large_messages_in_a_row_keep_their_order(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	char all[50000];
	size_t n = 0, at = 0;

	for (unsigned i = 0; i < 40; i++) {
		struct large l = outward(i + 1, 200 + 17 * i);

		memcpy(all + n, l.text, l.n);
		n += l.n;
		free(l.text);
	}
	town_say_all(t, caller, all, n);
	town_run(t, 100);
	for (unsigned i = 0; i < 40; i++) {
		struct large l = outward(i + 1, 200 + 17 * i);

		at = check_large(callee_of(t), at, i + 1, &l);
	}
	assert_int_equal(at, callee_of(t)->n);
}

static void two_at_once_to_one_connection_do_not_mix(void **state)
{
	struct town *t = *state;
	struct town_peer *one = caller_of(t), *other = town_connect(t, "10.0.0.11", TOWN_INSIDE, 0);
	struct large a = outward(1, 1 * MB), b = outward(2, 900000);
	const struct town_peer *callee;
	bool a_is_first;
	size_t at;

	for (size_t i = 0; i < 1200000; i += 10000) {
		if (i < a.n)
			town_say_all(t, one, a.text + i, a.n - i < 10000 ? a.n - i : 10000);
		if (i < b.n)
			town_say_all(t, other, b.text + i, b.n - i < 10000 ? b.n - i : 10000);
	}
	for (unsigned i = 3; i < 10; i++)
		town_say(t, other, small(i));
	town_run(t, 500);
	callee = callee_of(t);
	a_is_first = strstr(callee->text, "CSeq: 1 ") == strstr(callee->text, "CSeq:");
	at = a_is_first ? check_large(callee, 0, 1, &a) : check_large(callee, 0, 2, &b);
	at = a_is_first ? check_large(callee, at, 2, &b) : check_large(callee, at, 1, &a);
	for (unsigned i = 3; i < 10; i++)
		at = check_message(callee, at, i, "small", 5);
	assert_int_equal(at, callee->n);
}

static void what_policy_refuses_costs_no_memory_and_its_body_is_skipped(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = request("local.example", "nobody.example", VIA_LOCAL, 1, 1 * MB);

	town_say_all(t, caller, l.text, l.n / 2);
	town_run(t, 10);
	// By its head, at once.
	assert_int_equal(town_count(caller->text, "SIP/2.0 404 Not Found"), 1);
	assert_int_equal(n_used(t), 0);
	town_say_all(t, caller, l.text + l.n / 2, l.n - l.n / 2);
	town_say(t, caller, small(2));
	town_run(t, 10);
	assert_int_equal(check_message(callee_of(t), 0, 2, "small", 5), callee_of(t)->n);
	free(l.text);
}

// With 413 for this reason; its body is skipped, and the next message passes.
static void expect_too_large(struct town *t, size_t n_body, enum reason reason)
{
	struct town_peer *caller = caller_of(t);
	struct large l = outward(1, n_body);

	say_large(t, caller, &l);
	town_say(t, caller, small(2));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 413 Request Entity Too Large"), 1);
	assert_int_equal(town_counter(t, reason), 1);
	assert_int_equal(check_message(callee_of(t), 0, 2, "small", 5), callee_of(t)->n);
	free(l.text);
}

static void a_body_over_the_policys_limit_is_refused_with_413(void **state)
{
	expect_too_large(*state, BODY_MAX + 1, REASON_sip_body_too_large);
}

static void a_body_beyond_all_memory_is_refused_with_413(void **state)
{
	expect_too_large(*state, 5 * MB, REASON_sip_body_beyond_memory);
}

static void a_body_that_nobody_would_skip_ends_its_stream(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);

	town_say(t, caller,
		"MESSAGE sip:b@single.example SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\n"
		"From: <sip:a@local.example>;tag=1\r\nTo: <sip:b@single.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nl: 1000000000\r\n\r\n");
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 413 Request Entity Too Large"), 1);
	assert_true(caller->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_lost), 1);
}

static void with_a_dry_pool_large_messages_get_503_and_small_ones_pass(void **state)
{
	struct town *t = *state;
	struct town_peer *hog = caller_of(t), *other = town_connect(t, "10.0.0.11", TOWN_INSIDE, 0);
	struct large l = outward(1, BODY_MAX);
	struct large m = request("local.example", "partner.example", VIA_LOCAL, 2, 2 * MB);

	town_say_all(t, hog, l.text, l.n - 1);
	say_large(t, other, &m);
	town_run(t, 10);
	assert_int_equal(town_count(other->text, "SIP/2.0 503 Service Unavailable"), 1);
	assert_int_equal(town_counter(t, REASON_sip_bodies_full), 1);
	town_say(t, other, small(3));
	town_run(t, 10);
	assert_int_equal(check_message(callee_of(t), 0, 3, "small", 5), callee_of(t)->n);
	// What comes when there is memory again is taken.
	town_say(t, hog, "z");
	town_run(t, 500);
	say_large(t, other, &m);
	town_run(t, 500);
	assert_int_equal(town_count(other->text, "SIP/2.0 503 Service Unavailable"), 1);
	assert_int_equal(town_counter(t, REASON_sip_bodies_full), 1);
	assert_int_equal(town_counter(t, REASON_egress_full), 0);
	free(l.text);
	free(m.text);
}

static void a_sender_that_stalls_is_closed_and_harms_nobody(void **state)
{
	struct town *t = *state;
	struct town_peer *stalled = caller_of(t), *other = caller_of(t);
	struct large l = outward(1, 1 * MB);
	size_t at = 0;

	town_say_all(t, stalled, l.text, l.n / 2);
	for (unsigned i = 2; i < 30; i++) {
		town_say(t, other, small(i));
		// A byte now and then does not help.
		town_say_bytes(t, stalled, l.text + l.n / 2 + i, 1);
		town_run(t, 1000);
		at = check_message(callee_of(t), at, i, "small", 5);
	}
	assert_false(stalled->finished);
	town_run(t, STALLED_MS - 28000);
	assert_true(stalled->finished);
	assert_false(other->finished || callee_of(t)->closed);
	assert_int_equal(town_counter(t, REASON_sip_stream_silent), 1);
	assert_int_equal(n_used(t), 0);
	assert_int_equal(at, callee_of(t)->n);
	free(l.text);
}

static void a_sender_that_ends_in_the_middle_harms_nobody(void **state)
{
	struct town *t = *state;
	struct town_peer *finishes = caller_of(t), *resets = caller_of(t), *other = caller_of(t);
	struct large l = outward(1, 1 * MB);

	town_say_all(t, finishes, l.text, l.n - 1);
	town_say_all(t, resets, l.text, l.n / 2);
	town_finish(t, finishes);
	town_abort(t, resets);
	town_run(t, 50);
	assert_int_equal(town_counter(t, REASON_sip_stream_cut), 1);
	assert_int_equal(n_used(t), 0);
	town_say(t, other, small(2));
	town_run(t, 10);
	assert_int_equal(check_message(callee_of(t), 0, 2, "small", 5), callee_of(t)->n);
	free(l.text);
}

static void a_sender_that_finishes_behind_its_body_is_answered(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = outward(1, 1 * MB);

	say_large(t, caller, &l);
	town_finish(t, caller);
	town_run(t, 200);
	assert_int_equal(check_large(callee_of(t), 0, 1, &l), callee_of(t)->n);
	town_say(t, callee_of(t), town_response(callee_of(t)->text, "200 OK"));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 200 OK"), 1);
	town_run(t, 10);
	assert_true(caller->finished);
}

static void a_next_hop_that_does_not_read_is_cut_and_its_sender_told(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t), *callee;
	struct large l = outward(2, 2 * MB);

	town_say(t, caller, small(1));
	town_run(t, 10);
	callee = callee_of(t);
	callee->deaf = true;
	say_large(t, caller, &l);
	town_run(t, 1000);
	// Behind it they wait, and no other next hop's do.
	town_say(t, caller, small(3));
	town_say(t, caller,
		town_request("MESSAGE", "local.example", "two.example", VIA_LOCAL, 4, "two"));
	town_run(t, 1000);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 4);
	assert_int_equal(town_counter(t, REASON_egress_stuck), 0);
	town_run(t, STALLED_MS);
	assert_int_equal(town_counter(t, REASON_egress_stuck), 1);
	assert_int_equal(town_counter(t, REASON_egress_cut), 2);
	assert_int_equal(town_count(caller->text, "SIP/2.0 503 Service Unavailable"), 2);
	assert_int_equal(n_used(t), 0);
	// Another connection serves what comes next.
	town_say(t, caller, small(5));
	town_run(t, 20);
	free(l.text);
}

static void a_connection_lost_in_the_middle_tells_those_who_wait(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t), *callee;
	struct large l = outward(2, 2 * MB);

	town_say(t, caller, small(1));
	town_run(t, 10);
	callee = callee_of(t);
	callee->deaf = true;
	say_large(t, caller, &l);
	town_say(t, caller, small(3));
	town_run(t, 50);
	town_abort(t, callee);
	town_run(t, 50);
	assert_int_equal(town_counter(t, REASON_egress_cut), 2);
	assert_int_equal(town_count(caller->text, "SIP/2.0 503 Service Unavailable"), 2);
	assert_int_equal(n_used(t), 0);
	town_say(t, caller, small(4));
	town_run(t, 20);
	callee = town_accepted(t, "198.51.100.10", 1);
	assert_non_null(callee);
	assert_int_equal(check_message(callee, 0, 4, "small", 5), callee->n);
	free(l.text);
}

// Their memory is bounded: those behind that may be refused are, and the others not.
static void what_waits_behind_a_body_is_bounded(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = outward(1, 2 * MB);
	unsigned n = 3;

	town_say(t, caller, small(2));
	town_run(t, 10);
	callee_of(t)->deaf = true;
	say_large(t, caller, &l);
	town_run(t, 100);
	while (town_count(caller->text, "SIP/2.0 503 ") == 0 && n < 2000) {
		town_say(t, caller, small(n++));
		town_run(t, 1);
	}
	assert_in_range(n, 100, 300);
	town_say(t, caller,
		town_request("BYE", "local.example", "single.example", VIA_LOCAL, n, ""));
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_egress_full), 1);
	callee_of(t)->deaf = false;
	town_run(t, 1000);
	assert_int_equal(town_count(callee_of(t)->text, "BYE sip:"), 1);
	free(l.text);
}

static struct large answer(const char *to_request, size_t n_body)
{
	const char *fields = strstr(to_request, "\r\n") + 2;
	const char *max = strstr(fields, "Max-Forwards:"), *end = strstr(fields, "Content-Length:");
	const char *behind = max != NULL && max < end ? strstr(max, "\r\n") + 2 : end;
	char copied[1000];

	snprintf(copied, sizeof(copied), "%.*s%.*s",
		(int)((max != NULL && max < end ? max : end) - fields), fields, (int)(end - behind),
		behind);
	return large("SIP/2.0 200 OK", copied, 0, n_body);
}

static void a_large_response_returns_whole_and_others_behind_it(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t), *callee;
	struct large l;
	size_t at, first;

	for (unsigned i = 1; i <= 3; i++) {
		town_say(t, caller, small(i));
		town_run(t, 10);
	}
	callee = callee_of(t);
	first = check_message(callee, 0, 1, "small", 5);
	l = answer(callee->text, 1 * MB);
	caller->deaf = true;
	say_large(t, callee, &l);
	town_run(t, 50);
	town_say(t, callee, town_response(callee->text + first, "202 Accepted"));
	town_run(t, 10);
	// A keepalive's answer does not come in between.
	town_say(t, caller, "\r\n\r\n");
	town_run(t, 50);
	// Nor is it closed, when it has finished, before all of it is out.
	town_finish(t, caller);
	caller->deaf = false;
	town_run(t, 500);
	at = check_large(caller, 0, 1, &l);
	assert_true(strncmp(caller->text + at, "SIP/2.0 202 Accepted\r\n", 22) == 0);
	at = check_message(caller, at, 2, "", 0);
	assert_string_equal(caller->text + at, "\r\n");
	assert_int_equal(town_counter(t, REASON_sip_response_relayed), 2);
}

// Bytes in flight are a backlog's own doing, and say nothing of who does not read.
static void responses_behind_a_large_one_are_bounded_and_cost_no_connection(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t), *callee;
	const unsigned n_requests = 1200;
	struct large l;
	size_t at;

	for (unsigned i = 1; i <= n_requests; i++) {
		town_say(t, caller, small(i));
		town_run(t, 1);
	}
	town_run(t, 10);
	callee = callee_of(t);
	l = answer(callee->text, 2 * MB);
	at = check_message(callee, 0, 1, "small", 5);
	caller->deaf = true;
	say_large(t, callee, &l);
	town_run(t, 50);
	for (unsigned i = 2; i <= n_requests; i++) {
		town_say(t, callee, town_response(callee->text + at, "202 Accepted"));
		town_run(t, 1);
		at = check_message(callee, at, i, "small", 5);
	}
	assert_int_equal(town_counter(t, REASON_sip_stream_stuck), 0);
	assert_in_range(town_counter(t, REASON_sip_response_no_memory), 1, n_requests);
	caller->deaf = false;
	town_run(t, 1000);
	at = check_large(caller, 0, 1, &l);
	assert_true(strncmp(caller->text + at, "SIP/2.0 202 Accepted\r\n", 22) == 0);
}

static void a_large_message_for_a_datagram_is_refused_with_513(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = request("local.example", "udp.example", VIA_LOCAL, 1, 1 * MB);

	say_large(t, caller, &l);
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 513 Message Too Large"), 1);
	assert_int_equal(t->n_sent, 0);
	assert_int_equal(n_used(t), 0);
	free(l.text);
}

// Also where a datagram would hold it: its body lies elsewhere.
static void no_large_message_leaves_as_a_datagram(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = request("local.example", "udp.example", VIA_LOCAL, 1, 5000);

	say_large(t, caller, &l);
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 513 Message Too Large"), 1);
	assert_int_equal(t->n_sent, 0);
	free(l.text);
}

static void a_large_message_that_nobody_gets_is_answered_503_with_retry_after(void **state)
{
	struct town *t = *state;
	struct town_peer *caller = caller_of(t);
	struct large l = outward(1, 1 * MB);

	t->refuses = true;
	say_large(t, caller, &l);
	town_run(t, 200);
	assert_int_equal(town_counter(t, REASON_egress_down), 1);
	assert_int_equal(town_count(caller->text, "SIP/2.0 503 Service Unavailable"), 1);
	assert_int_equal(town_count(caller->text, "Retry-After"), 1);
	assert_int_equal(n_used(t), 0);
	free(l.text);
}

// Whichever worker reads it, and whichever has the connection; its memory returns.
static void a_large_message_crosses_between_workers(void **state)
{
	struct town *t = *state;
	size_t n = 0;

	for (unsigned i = 0; i < 8; i++) {
		struct town_peer *caller =
			town_connect(t, "10.0.0.10", TOWN_INSIDE, i % TOWN_WORKERS);
		struct large l = request("local.example", "partner.example", VIA_LOCAL, i + 1, MB);

		say_large(t, caller, &l);
		town_run(t, 300);
		free(l.text);
	}
	for (unsigned i = 0; i < t->n_peers; i++)
		n += t->peers[i].accepted ? town_count(t->peers[i].text, "MESSAGE sip:") : 0;
	assert_int_equal(n, 8);
	assert_int_equal(town_counter(t, REASON_sip_bodies_full), 0);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_TINY(name) cmocka_unit_test_setup_teardown(name, set_up_tiny, tear_down)
#define TEST_TWO(name)  cmocka_unit_test_setup_teardown(name, set_up_two, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_large_message_arrives_whole_and_the_next_one_behind_it),
		TEST_TINY(a_large_message_may_be_cut_anywhere),
		TEST_TINY(a_large_message_may_come_byte_by_byte),
		TEST_TINY(many_large_messages_in_a_row_keep_their_order),
		TEST(two_at_once_to_one_connection_do_not_mix),
		TEST(what_policy_refuses_costs_no_memory_and_its_body_is_skipped),
		TEST(a_body_over_the_policys_limit_is_refused_with_413),
		TEST(a_body_beyond_all_memory_is_refused_with_413),
		TEST(a_body_that_nobody_would_skip_ends_its_stream),
		TEST(with_a_dry_pool_large_messages_get_503_and_small_ones_pass),
		TEST(a_sender_that_stalls_is_closed_and_harms_nobody),
		TEST(a_sender_that_ends_in_the_middle_harms_nobody),
		TEST(a_sender_that_finishes_behind_its_body_is_answered),
		TEST(a_next_hop_that_does_not_read_is_cut_and_its_sender_told),
		TEST(a_connection_lost_in_the_middle_tells_those_who_wait),
		TEST(what_waits_behind_a_body_is_bounded),
		TEST(a_large_response_returns_whole_and_others_behind_it),
		TEST(responses_behind_a_large_one_are_bounded_and_cost_no_connection),
		TEST(a_large_message_for_a_datagram_is_refused_with_513),
		TEST_TINY(no_large_message_leaves_as_a_datagram),
		TEST(a_large_message_that_nobody_gets_is_answered_503_with_retry_after),
		TEST_TWO(a_large_message_crosses_between_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
