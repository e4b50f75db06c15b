// SPDX-License-Identifier: BSD-3-Clause
// Connections of streams under a policy that is younger than they are.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/streams_world.h"

#define VIA_LOCAL   "TCP 10.0.0.10"
#define VIA_PARTNER "TCP 198.51.100.10"

static int set_up(void **state)
{
	*state = town_new(1);
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

static const char *const partner_blocked[] = {"partner.example", NULL};
// A connection of a peer at 198.51.100.10, on which a request of that domain has been relayed.
static struct town_peer *accepted_from(struct town *t, const char *domain)
{
	struct town_peer *p = town_connect(t, "198.51.100.10", TOWN_OUTSIDE, 0);
	uint64_t n = town_counter(t, REASON_sip_request_relayed);

	town_say(t, p, town_request("MESSAGE", domain, "local.example", VIA_PARTNER, 1, "hello"));
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), n + 1);
	return p;
}

static void a_published_block_closes_the_connections_of_its_domain(void **state)
{
	struct town *t = *state;
	struct town_peer *blocked = accepted_from(t, "partner.example");
	struct town_peer *other = accepted_from(t, "single.example");

	town_publish(t, partner_blocked);
	town_run(t, 10);
	assert_true(blocked->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_refused), 1);
	// What still comes on it is not even answered, and it is not kept for one that does not
	// end.
	town_say(t, blocked,
		town_request(
			"MESSAGE", "single.example", "local.example", VIA_PARTNER, 2, "hello"));
	town_run(t, 10);
	assert_int_equal(blocked->n, 0);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 2);
	town_run(t, 6000);
	assert_true(blocked->closed);
	// From the same address.
	assert_false(other->finished);
	town_say(t, other,
		town_request(
			"MESSAGE", "single.example", "local.example", VIA_PARTNER, 3, "hello"));
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 3);
}

static void the_last_accepted_sender_is_whose_a_connection_is(void **state)
{
	struct town *t = *state;
	struct town_peer *p = accepted_from(t, "partner.example");

	town_say(t, p,
		town_request(
			"MESSAGE", "single.example", "local.example", VIA_PARTNER, 2, "hello"));
	// Refused: it says nothing of who is there.
	town_say(t, p,
		town_request("MESSAGE", "stranger.example", "local.example", VIA_PARTNER, 3, ""));
	town_run(t, 10);
	town_publish(t, partner_blocked);
	town_run(t, 10);
	assert_false(p->finished);
	town_say(t, p,
		town_request(
			"MESSAGE", "Single.Example.", "local.example", VIA_PARTNER, 4, "hello"));
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 3);
	town_publish(t, (const char *const[]){"single.example", NULL});
	town_run(t, 10);
	assert_true(p->finished);
}

static void a_published_block_resets_the_connections_to_its_hops(void **state)
{
	static const char *const all[] = {"partner.example", "single.example", "two.example", NULL};
	struct town *t = *state;
	struct town_peer *caller = town_connect(t, "10.0.0.10", TOWN_INSIDE, 0), *callee;

	town_say(t, caller, message(1));
	town_run(t, 10);
	callee = town_accepted(t, "198.51.100.10", 0);
	// Another peer has the same hop.
	town_publish(t, partner_blocked);
	town_run(t, 10);
	assert_false(callee->closed);
	town_publish(t, all);
	town_run(t, 10);
	assert_true(callee->closed);
	assert_int_equal(town_counter(t, REASON_egress_withdrawn), 1);
	// Other domains' messages go by the caller's.
	assert_false(caller->finished);
	town_say(t, caller, message(2));
	town_run(t, 10);
	assert_int_equal(town_count(caller->text, "SIP/2.0 403 "), 1);
}

static void a_connection_on_which_nothing_was_accepted_is_left_alone(void **state)
{
	struct town *t = *state;
	struct town_peer *idle = town_connect(t, "198.51.100.10", TOWN_OUTSIDE, 0);

	town_say(t, idle, "\r\n\r\n");
	town_run(t, 10);
	town_publish(t, partner_blocked);
	town_run(t, 10);
	assert_false(idle->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_refused), 0);
}

static void one_whose_sender_there_was_no_place_for_is_closed_with_any_policy(void **state)
{
	static const char *const nobody[] = {NULL};
	struct town *t = *state;
	struct town_peer *first = accepted_from(t, "partner.example");
	struct town_peer *second = accepted_from(t, "single.example");
	struct town_peer *third = accepted_from(t, "two.example");

	town_publish(t, nobody);
	town_run(t, 10);
	assert_false(first->finished || second->finished);
	assert_true(third->finished);
	// The first ones' places are free again with them.
	town_abort(t, first);
	town_run(t, 10);
	third = accepted_from(t, "two.example");
	town_publish(t, nobody);
	town_run(t, 10);
	assert_false(third->finished);
}

static void the_walk_over_connections_is_spread_over_turns(void **state)
{
	struct town *t = *state;
	struct town_peer *blocked = accepted_from(t, "partner.example");

	town_publish(t, partner_blocked);
	town_run(t, 2);
	assert_false(blocked->finished);
	assert_int_equal(town_counter(t, REASON_sip_stream_refused), 0);
	town_run(t, 5);
	assert_int_equal(town_counter(t, REASON_sip_stream_refused), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_published_block_closes_the_connections_of_its_domain),
		TEST(the_last_accepted_sender_is_whose_a_connection_is),
		TEST(a_published_block_resets_the_connections_to_its_hops),
		TEST(a_connection_on_which_nothing_was_accepted_is_left_alone),
		TEST(one_whose_sender_there_was_no_place_for_is_closed_with_any_policy),
		TEST(the_walk_over_connections_is_spread_over_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
