// SPDX-License-Identifier: BSD-3-Clause
// TLS 1.2 connections whose keys are used up after KEY_RECORDS records, so that a few messages do.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/tls_peer.h"

#define KEY_RECORDS 16
#define TLS_IP      "198.51.100.40"
#define TLS_SERVER  TLS_IP ":5061"
// That nobody listens at.
#define STRANGE_IP "198.51.100.99"

struct fixture {
	struct town *town;
	struct town_peer *inside;
	unsigned cseq;
	struct tls_peer old, new;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->town = town_new_with_keys(1, KEY_RECORDS);
	f->inside = town_connect(f->town, "10.0.0.10", TOWN_INSIDE, 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	town_free(f->town);
	if (f->old.crypto != NULL)
		tls_peer_end(&f->old);
	if (f->new.crypto != NULL)
		tls_peer_end(&f->new);
	free(f);
	return 0;
}

// Of ours: the inside server sends, and TLS_SERVER is the peer.

static void send_out(struct fixture *f, unsigned n)
{
	for (; n > 0; n--) {
		town_say(f->town, f->inside,
			town_request("MESSAGE", "local.example", "tls.example", "TCP 10.0.0.10",
				++f->cseq, "out"));
		town_run(f->town, 10);
	}
}

static void accept_as(struct fixture *f, struct tls_peer *p, unsigned n)
{
	struct town_peer *peer = town_accepted(f->town, TLS_SERVER, n);

	assert_non_null(peer);
	tls_peer_establish(p, f->town, peer, RECORD_TLS12, RECORD_ACCEPTED, "tls.example", 0);
	town_run(f->town, 10);
}

static void wear_out(struct fixture *f)
{
	send_out(f, 1);
	accept_as(f, &f->old, 0);
	send_out(f, KEY_RECORDS);
	assert_int_equal(town_count(tls_peer_read(&f->old), "MESSAGE sip:"), KEY_RECORDS + 1);
}

static void one_of_ours_carries_messages_until_another_one_is_up(void **state)
{
	struct fixture *f = *state;

	wear_out(f);
	town_run(f->town, 100);
	assert_non_null(town_accepted(f->town, TLS_SERVER, 1));
	send_out(f, 3);
	assert_int_equal(town_count(tls_peer_read(&f->old), "MESSAGE sip:"), KEY_RECORDS + 4);
	accept_as(f, &f->new, 1);
	send_out(f, 2);
	assert_int_equal(town_count(tls_peer_read(&f->old), "MESSAGE sip:"), KEY_RECORDS + 4);
	assert_int_equal(town_count(tls_peer_read(&f->new), "MESSAGE sip:"), 2);
}

static void answers_come_by_one_of_ours_that_is_replaced(void **state)
{
	struct fixture *f = *state;

	wear_out(f);
	accept_as(f, &f->new, 1);
	town_run(f->town, 60000);
	assert_false(f->old.peer->finished);
	tls_peer_say(&f->old, town_response(strstr(tls_peer_read(&f->old), "MESSAGE"), "200 OK"));
	assert_int_equal(town_count(f->inside->text, "SIP/2.0 200 OK"), 1);
}

static void one_of_ours_that_is_replaced_is_closed_in_order_at_last(void **state)
{
	struct fixture *f = *state;

	wear_out(f);
	accept_as(f, &f->new, 1);
	town_run(f->town, 182000);
	(void)tls_peer_read(&f->old);
	assert_true(f->old.said_goodbye && f->old.peer->finished);
	assert_int_equal(town_counter(f->town, REASON_session_worn), 1);
	tls_peer_finish(&f->old);
	assert_true(f->old.peer->closed);
	assert_false(f->new.peer->finished);
}

static void one_of_ours_is_used_on_while_no_other_can_be_had(void **state)
{
	struct fixture *f = *state;

	send_out(f, 1);
	accept_as(f, &f->old, 0);
	f->town->refuses = true;
	send_out(f, KEY_RECORDS);
	town_run(f->town, 100);
	send_out(f, 2);
	assert_int_equal(town_count(tls_peer_read(&f->old), "MESSAGE sip:"), KEY_RECORDS + 3);
	assert_null(town_accepted(f->town, TLS_SERVER, 1));
	// Control's back-off is over.
	f->town->refuses = false;
	town_run(f->town, 6000);
	accept_as(f, &f->new, 1);
	send_out(f, 1);
	assert_int_equal(town_count(tls_peer_read(&f->new), "MESSAGE sip:"), 1);
	assert_int_equal(town_counter(f->town, REASON_egress_down), 0);
}

static void the_end_of_one_of_ours_that_is_worn_loses_nothing_that_comes_later(void **state)
{
	struct fixture *f = *state;

	wear_out(f);
	town_run(f->town, 100);
	tls_peer_finish(&f->old);
	send_out(f, 1);
	accept_as(f, &f->new, 1);
	assert_int_equal(town_count(tls_peer_read(&f->new), "MESSAGE sip:"), 1);
}

static void a_tls_1_3_connection_is_not_replaced(void **state)
{
	struct fixture *f = *state;
	struct town_peer *peer;

	send_out(f, 1);
	peer = town_accepted(f->town, TLS_SERVER, 0);
	assert_non_null(peer);
	tls_peer_establish(&f->old, f->town, peer, RECORD_TLS13, RECORD_ACCEPTED, "tls.example", 0);
	tls_peer_say(&f->old, "\r\n");
	send_out(f, 3 * KEY_RECORDS);
	assert_int_equal(town_count(tls_peer_read(&f->old), "MESSAGE sip:"), 3 * KEY_RECORDS + 1);
	assert_null(town_accepted(f->town, TLS_SERVER, 1));
}

// Accepted ones: the partner sends, and the inside server answers.

static void connect_from(struct fixture *f, const char *ip)
{
	struct town_peer *peer = town_connect(f->town, ip, TOWN_OUTSIDE_TLS, 0);

	town_run(f->town, 5);
	tls_peer_establish(&f->old, f->town, peer, RECORD_TLS12, RECORD_OPENED, "tls.example", 0);
}

static void send_in(struct fixture *f, unsigned n, const char *via)
{
	for (; n > 0; n--)
		tls_peer_say(&f->old,
			town_request(
				"MESSAGE", "tls.example", "local.example", via, ++f->cseq, "in"));
}

// The inside server answers n of what it has got, from number first on.
static void answer(struct fixture *f, unsigned first, unsigned n)
{
	struct town_peer *server = town_accepted(f->town, "10.0.0.10", 0);
	const char *request = server->text;

	for (unsigned i = 1; i < first + n; i++) {
		request = strstr(request, "MESSAGE sip:");
		assert_non_null(request);
		if (i >= first)
			town_say(f->town, server, town_response(request, "200 OK"));
		request++;
	}
	town_run(f->town, 10);
}

static void an_accepted_one_is_closed_in_order_once_all_is_answered(void **state)
{
	struct fixture *f = *state;

	connect_from(f, STRANGE_IP);
	send_in(f, KEY_RECORDS, "TLS " STRANGE_IP);
	town_run(f->town, 1000);
	assert_false(f->old.peer->finished);
	answer(f, 1, KEY_RECORDS - 1);
	(void)tls_peer_read(&f->old);
	assert_false(f->old.said_goodbye);
	answer(f, KEY_RECORDS, 1);
	assert_int_equal(town_count(tls_peer_read(&f->old), "SIP/2.0 200 OK"), KEY_RECORDS);
	assert_true(f->old.said_goodbye && f->old.peer->finished);
	assert_int_equal(town_counter(f->town, REASON_session_worn), 1);
	tls_peer_finish(&f->old);
	assert_true(f->old.peer->closed);
	assert_int_equal(town_counter(f->town, REASON_session_truncated), 0);
}

static void what_crosses_our_close_is_relayed_and_answered_by_another_one(void **state)
{
	struct fixture *f = *state;
	struct town_peer *peer;

	connect_from(f, TLS_IP);
	send_in(f, KEY_RECORDS, "TLS " TLS_SERVER);
	answer(f, 1, KEY_RECORDS);
	assert_true(f->old.peer->finished);
	send_in(f, 1, "TLS " TLS_SERVER);
	assert_int_equal(town_counter(f->town, REASON_sip_request_relayed), KEY_RECORDS + 1);
	answer(f, KEY_RECORDS + 1, 1);
	peer = town_accepted(f->town, TLS_SERVER, 0);
	assert_non_null(peer);
	tls_peer_establish(&f->new, f->town, peer, RECORD_TLS12, RECORD_ACCEPTED, "tls.example", 0);
	town_run(f->town, 10);
	assert_int_equal(town_count(tls_peer_read(&f->new), "SIP/2.0 200 OK"), 1);
}

static void an_accepted_one_that_does_not_answer_our_close_is_reset(void **state)
{
	struct fixture *f = *state;

	connect_from(f, STRANGE_IP);
	send_in(f, KEY_RECORDS, "TLS " STRANGE_IP);
	answer(f, 1, KEY_RECORDS);
	town_run(f->town, 4000);
	// It may say something, but not for ever.
	send_in(f, 1, "TLS " STRANGE_IP);
	assert_false(f->old.peer->closed);
	town_run(f->town, 7000);
	assert_true(f->old.peer->closed);
}

static void an_accepted_one_that_is_never_quiet_is_not_read_for_a_little(void **state)
{
	struct fixture *f = *state;
	const unsigned n_spent = KEY_RECORDS + KEY_RECORDS / 2;

	connect_from(f, STRANGE_IP);
	for (unsigned i = 1; i < n_spent; i++) {
		send_in(f, 1, "TLS " STRANGE_IP);
		if (i > 1)
			answer(f, i - 1, 1);
	}
	assert_false(f->old.peer->finished);
	// One is unanswered, and one more would be.
	send_in(f, 1, "TLS " STRANGE_IP);
	assert_int_equal(town_counter(f->town, REASON_sip_request_relayed), n_spent - 1);
	answer(f, n_spent - 1, 1);
	town_run(f->town, 10);
	assert_true(f->old.peer->finished);
	assert_int_equal(town_counter(f->town, REASON_sip_request_relayed), n_spent);
}

static void an_accepted_one_that_is_not_answered_is_closed_before_its_keys_are_gone(void **state)
{
	struct fixture *f = *state;

	connect_from(f, STRANGE_IP);
	send_in(f, KEY_RECORDS + KEY_RECORDS / 2, "TLS " STRANGE_IP);
	assert_false(f->old.peer->finished);
	town_run(f->town, 2100);
	(void)tls_peer_read(&f->old);
	assert_true(f->old.said_goodbye && f->old.peer->finished);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_of_ours_carries_messages_until_another_one_is_up),
		TEST(answers_come_by_one_of_ours_that_is_replaced),
		TEST(one_of_ours_that_is_replaced_is_closed_in_order_at_last),
		TEST(one_of_ours_is_used_on_while_no_other_can_be_had),
		TEST(the_end_of_one_of_ours_that_is_worn_loses_nothing_that_comes_later),
		TEST(a_tls_1_3_connection_is_not_replaced),
		TEST(an_accepted_one_is_closed_in_order_once_all_is_answered),
		TEST(what_crosses_our_close_is_relayed_and_answered_by_another_one),
		TEST(an_accepted_one_that_does_not_answer_our_close_is_reset),
		TEST(an_accepted_one_that_is_never_quiet_is_not_read_for_a_little),
		TEST(an_accepted_one_that_is_not_answered_is_closed_before_its_keys_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
