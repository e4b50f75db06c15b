// SPDX-License-Identifier: BSD-3-Clause
// Streams of TLS: the test is control, and plays the peer's record layer.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/tls_peer.h"

// That no source of the policy covers: who is there is known by the card alone.
#define STRANGE_IP "203.0.113.5"

struct fixture {
	struct town *town;
	struct tls_peer peer;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->town = town_new(1);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	town_free(f->town);
	tls_peer_end(&f->peer);
	free(f);
	return 0;
}

static void establish(
	struct fixture *f, struct town_peer *peer, const char *domain, uint32_t n_bytes)
{
	tls_peer_establish(&f->peer, f->town, peer, RECORD_TLS13, RECORD_OPENED, domain, n_bytes);
}

static struct town_peer *connect_as(struct fixture *f, const char *domain)
{
	struct town_peer *p = town_connect(f->town, STRANGE_IP, TOWN_OUTSIDE_TLS, 0);

	town_run(f->town, 5);
	establish(f, p, domain, 0);
	return p;
}

static void say(struct fixture *f, unsigned cseq)
{
	tls_peer_say(&f->peer,
		town_request("MESSAGE", "partner.example", "local.example", "TLS " STRANGE_IP, cseq,
			"hello"));
}

static void messages_are_counted_for_who_lists_sessions(void **state)
{
	struct fixture *f = *state;
	struct town *t = f->town;
	const struct link_session_is *is = &t->workers[0].listed;
	struct link_message m;

	(void)connect_as(f, "partner.example");
	say(f, 1);
	say(f, 2);
	link_message_init(&m, LINK_SESSIONS_WANTED);
	streams_hear(t->workers[0].streams, &m, t->now);
	assert_int_equal(is->conn, t->workers[0].session);
	assert_int_equal(is->n_received, 2);
	assert_int_equal(is->card, TLS_PEER_CARD);
}

static void a_policy_that_accepts_what_the_card_proves_leaves_a_connection_alone(void **state)
{
	static const char *const nobody[] = {NULL};
	struct fixture *f = *state;
	struct town *t = f->town;
	struct town_peer *p = connect_as(f, "partner.example");

	say(f, 1);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
	town_publish(t, nobody);
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_stream_refused), 0);
	assert_false(p->finished);
	say(f, 2);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 2);
}

static void a_published_block_closes_the_connections_of_its_domain(void **state)
{
	static const char *const blocked[] = {"partner.example", NULL};
	struct fixture *f = *state;
	struct town *t = f->town;
	struct town_peer *p = connect_as(f, "partner.example");

	say(f, 1);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
	town_publish(t, blocked);
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_session_blocked), 1);
	assert_true(p->finished);
	town_run(t, 6000);
	assert_true(p->closed);
	// Its end says nothing new.
	assert_int_equal(town_counter(t, REASON_session_blocked), 1);
}

static void a_published_block_closes_those_that_have_said_nothing_yet(void **state)
{
	static const char *const blocked[] = {"partner.example", NULL};
	static const char *const others[] = {"other.example", NULL};
	struct fixture *f = *state;
	struct town *t = f->town;
	struct town_peer *p = connect_as(f, "sip.partner.example");

	town_publish(t, others);
	town_run(t, 10);
	assert_false(p->finished);
	town_publish(t, blocked);
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_session_blocked), 1);
	assert_true(p->finished);
}

static void a_peer_that_has_finished_before_the_hand_over_is_not_waited_for(void **state)
{
	static const uint8_t record[] = {22, 3, 3, 0, 3, 'e', 'n', 'd'};
	struct fixture *f = *state;
	struct town *t = f->town;
	struct town_peer *p = town_connect(t, STRANGE_IP, TOWN_OUTSIDE_TLS, 0);

	town_run(t, 5);
	town_say_bytes(t, p, record, sizeof(record));
	town_finish(t, p);
	town_run(t, 5);
	assert_false(p->finished);
	establish(f, p, "partner.example", sizeof(record));
	assert_int_equal(town_counter(t, REASON_session_established), 1);
	assert_true(p->finished);
	town_run(t, 10);
	assert_true(p->closed);
}

// One of ours to the hop of tls.example, up.
static void open_to_tls(struct fixture *f)
{
	struct town_peer *inside = town_connect(f->town, "10.0.0.10", TOWN_INSIDE, 0), *peer;

	town_say(f->town, inside,
		town_request("MESSAGE", "local.example", "tls.example", "TCP 10.0.0.10", 1, "out"));
	town_run(f->town, 10);
	peer = town_accepted(f->town, "198.51.100.40:5061", 0);
	assert_non_null(peer);
	tls_peer_establish(
		&f->peer, f->town, peer, RECORD_TLS13, RECORD_ACCEPTED, "tls.example", 0);
	tls_peer_say(&f->peer, "\r\n");
	assert_int_equal(town_count(tls_peer_read(&f->peer), "MESSAGE sip:"), 1);
}

static void a_hop_that_is_withdrawn_is_told_goodbye(void **state)
{
	static const char *const blocked[] = {"tls.example", "twin.example", NULL};
	struct fixture *f = *state;
	struct streams_usage usage;

	open_to_tls(f);
	// Its card is not what it is cut for.
	town_publish(f->town, blocked);
	town_run(f->town, 10);
	(void)tls_peer_read(&f->peer);
	assert_true(f->peer.said_goodbye && f->peer.peer->finished);
	assert_int_equal(town_counter(f->town, REASON_egress_withdrawn), 1);
	streams_usage(f->town->workers[0].streams, &usage);
	assert_int_equal(usage.egress.n_up, 0);
	tls_peer_finish(&f->peer);
	assert_true(f->peer.peer->closed);
	assert_int_equal(town_counter(f->town, REASON_egress_withdrawn), 1);
}

static void send_out(struct fixture *f, struct town_peer *inside, const char *to, unsigned cseq)
{
	town_say(f->town, inside,
		town_request("MESSAGE", "local.example", to, "TCP 10.0.0.10", cseq, to));
	town_run(f->town, 10);
}

static void a_hop_gets_only_what_is_for_domains_that_it_has_proved(void **state)
{
	static const char *const nobody[] = {NULL};
	struct fixture *f = *state;
	struct town_peer *inside = town_connect(f->town, "10.0.0.10", TOWN_INSIDE, 0);

	open_to_tls(f);
	for (unsigned i = 0; i < 2; i++) {
		send_out(f, inside, "twin.example", 10 * i + 2);
		send_out(f, inside, "tls.example", 10 * i + 3);
		town_publish(f->town, nobody);
	}
	assert_int_equal(town_count(tls_peer_read(&f->peer), "MESSAGE sip:b@tls.example"), 3);
	assert_int_equal(town_count(tls_peer_read(&f->peer), "MESSAGE sip:b@twin.example"), 0);
	assert_int_equal(town_count(inside->text, "SIP/2.0 502"), 2);
	assert_int_equal(town_counter(f->town, REASON_egress_unproved), 2);
	assert_false(f->peer.peer->finished);
}

static void what_waits_for_a_hop_that_proves_another_domain_is_refused(void **state)
{
	struct fixture *f = *state;
	struct town_peer *inside = town_connect(f->town, "10.0.0.10", TOWN_INSIDE, 0), *peer;

	send_out(f, inside, "tls.example", 1);
	send_out(f, inside, "twin.example", 2);
	peer = town_accepted(f->town, "198.51.100.40:5061", 0);
	assert_non_null(peer);
	tls_peer_establish(
		&f->peer, f->town, peer, RECORD_TLS12, RECORD_ACCEPTED, "twin.example", 0);
	assert_int_equal(town_count(tls_peer_read(&f->peer), "MESSAGE sip:b@twin.example"), 1);
	assert_int_equal(town_count(tls_peer_read(&f->peer), "MESSAGE sip:b@tls.example"), 0);
	assert_int_equal(town_count(inside->text, "SIP/2.0 502"), 1);
}

// A partner that is known by a name asks, goes, and is answered where that name leads to.
static void expect_reopened(struct fixture *f, const char *domain)
{
	struct town_peer *peer = town_connect(f->town, STRANGE_IP, TOWN_OUTSIDE_TLS, 0), *server;

	town_run(f->town, 5);
	establish(f, peer, domain, 0);
	tls_peer_say(&f->peer,
		town_request("MESSAGE", domain, "local.example", "TLS " STRANGE_IP, 1, "hello"));
	tls_peer_end(&f->peer);
	town_abort(f->town, peer);
	town_run(f->town, 10);
	server = town_accepted(f->town, "10.0.0.10", 0);
	assert_non_null(server);
	town_say(f->town, server, town_response(server->text, "200 OK"));
	town_run(f->town, 10);
	peer = town_accepted(f->town, "198.51.100.40:5061", 0);
	assert_non_null(peer);
	tls_peer_establish(&f->peer, f->town, peer, RECORD_TLS12, RECORD_ACCEPTED, domain, 0);
	assert_int_equal(town_count(tls_peer_read(&f->peer), "SIP/2.0 200 OK"), 1);
	assert_int_equal(town_counter(f->town, REASON_sip_response_no_way), 0);
}

static void a_response_finds_its_way_to_a_hop_that_is_a_name(void **state)
{
	expect_reopened(*state, "named.example");
}

static void a_response_finds_its_way_to_a_domain_that_dns_finds(void **state)
{
	expect_reopened(*state, "found.example");
}

// Of parts by their weight: an expensive one leaves the others no room.
static void at_most_a_part_of_memory_keeps_parts_of_messages(void **state)
{
	struct fixture *f = *state;
	struct town_peer *p = connect_as(f, "partner.example");

	f->town->weight = TOWN_RESTS_WEIGHT + 1;
	tls_peer_say(&f->peer, "MESSAGE sip:b@local.example SIP/2.0\r\n");
	assert_int_equal(town_counter(f->town, REASON_sip_streams_full), 1);
	assert_true(p->finished);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_are_counted_for_who_lists_sessions),
		TEST(a_policy_that_accepts_what_the_card_proves_leaves_a_connection_alone),
		TEST(a_published_block_closes_the_connections_of_its_domain),
		TEST(a_peer_that_has_finished_before_the_hand_over_is_not_waited_for),
		TEST(a_hop_that_is_withdrawn_is_told_goodbye),
		TEST(a_hop_gets_only_what_is_for_domains_that_it_has_proved),
		TEST(what_waits_for_a_hop_that_proves_another_domain_is_refused),
		TEST(a_response_finds_its_way_to_a_hop_that_is_a_name),
		TEST(a_response_finds_its_way_to_a_domain_that_dns_finds),
		TEST(at_most_a_part_of_memory_keeps_parts_of_messages),
		TEST(a_published_block_closes_those_that_have_said_nothing_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
