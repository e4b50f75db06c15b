// SPDX-License-Identifier: BSD-3-Clause
// Streams of TLS: the test is control, and plays the peer's record layer.

#include "tests/unit/test.h"

#include "lib/record/crypto.h"
#include "lib/record/session.h"
#include "tests/unit/dataplane/relay/streams_world.h"

#define CARD 77
// That no source of the policy covers: who is there is known by the card alone.
#define STRANGE_IP "203.0.113.5"

static struct record_crypto *crypto;
static struct record_session tls;

static int set_up(void **state)
{
	crypto = record_crypto_new(&(struct record_crypto_config){.n_keys = RECORD_N_KEYS_DEFAULT});
	assert_non_null(crypto);
	*state = town_new(1);
	return 0;
}

static int tear_down(void **state)
{
	town_free(*state);
	record_crypto_free(crypto);
	return 0;
}

static struct record_secrets secrets_of(enum record_role role)
{
	struct record_secrets s = {.version = RECORD_TLS13, .suite = RECORD_AES_128_GCM};
	struct record_secret client = {0}, server = {0};

	memset(client.traffic, 0x11, 32);
	memset(server.traffic, 0x22, 32);
	s.receive = role == RECORD_ACCEPTED ? client : server;
	s.send = role == RECORD_ACCEPTED ? server : client;
	return s;
}

static void add_card(struct town *t, const char *domain)
{
	static const uint8_t fingerprint[CARD_FINGERPRINT_BYTES] = {1};
	struct link_message m;

	link_message_init(&m, LINK_CARD_ADD);
	m.card.card = CARD;
	card_init(&m.card.is, fingerprint, VIEW("CN=peer"), VIEW("CN=authority"), VIEW("01"));
	m.card.is.trusted = 1;
	assert_int_equal(card_add_name(&m.card.is, view_string(domain), CARD_SAN_DNS), 0);
	streams_hear(t->workers[0].streams, &m, t->now);
}

// Control has finished the handshake, of so many bytes.
static void establish(struct town *t, const char *domain, uint32_t n_bytes)
{
	struct record_secrets secrets = secrets_of(RECORD_OPENED);
	struct link_message m;

	assert_int_not_equal(t->workers[0].session, 0);
	add_card(t, domain);
	assert_int_equal(record_session_begin(&tls, crypto, &secrets, RECORD_OPENED), 0);
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = t->workers[0].session;
	m.session_established.card = CARD;
	m.session_established.offset = n_bytes;
	m.session_established.secrets = secrets_of(RECORD_ACCEPTED);
	streams_hear(t->workers[0].streams, &m, t->now);
	town_run(t, 5);
}

static struct town_peer *connect_as(struct town *t, const char *domain)
{
	struct town_peer *p = town_connect(t, STRANGE_IP, TOWN_OUTSIDE_TLS, 0);

	town_run(t, 5);
	establish(t, domain, 0);
	return p;
}

static void say(struct town *t, struct town_peer *p, unsigned cseq)
{
	struct view part = view_string(town_request(
		"MESSAGE", "partner.example", "local.example", "TLS " STRANGE_IP, cseq, "hello"));
	uint8_t out[8192];
	size_t n;

	assert_true(record_sealed_bytes(&tls, crypto, part.len) <= sizeof(out));
	n = record_seal(&tls, crypto, &part, 1, out);
	assert_int_not_equal(n, 0);
	town_say_bytes(t, p, out, n);
	town_run(t, 10);
}

static void messages_are_counted_for_who_lists_sessions(void **state)
{
	struct town *t = *state;
	struct town_peer *p = connect_as(t, "partner.example");
	const struct link_session_is *is = &t->workers[0].listed;
	struct link_message m;

	say(t, p, 1);
	say(t, p, 2);
	link_message_init(&m, LINK_SESSIONS_WANTED);
	streams_hear(t->workers[0].streams, &m, t->now);
	assert_int_equal(is->conn, t->workers[0].session);
	assert_int_equal(is->n_received, 2);
	assert_int_equal(is->card, CARD);
}

static void a_policy_that_accepts_what_the_card_proves_leaves_a_connection_alone(void **state)
{
	static const char *const nobody[] = {NULL};
	struct town *t = *state;
	struct town_peer *p = connect_as(t, "partner.example");

	say(t, p, 1);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 1);
	town_publish(t, nobody);
	town_run(t, 10);
	assert_int_equal(town_counter(t, REASON_sip_stream_refused), 0);
	assert_false(p->finished);
	say(t, p, 2);
	assert_int_equal(town_counter(t, REASON_sip_request_relayed), 2);
}

static void a_published_block_closes_the_connections_of_its_domain(void **state)
{
	static const char *const blocked[] = {"partner.example", NULL};
	struct town *t = *state;
	struct town_peer *p = connect_as(t, "partner.example");

	say(t, p, 1);
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
	struct town *t = *state;
	struct town_peer *p = connect_as(t, "sip.partner.example");

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
	struct town *t = *state;
	struct town_peer *p = town_connect(t, STRANGE_IP, TOWN_OUTSIDE_TLS, 0);

	town_run(t, 5);
	town_say_bytes(t, p, record, sizeof(record));
	town_finish(t, p);
	town_run(t, 5);
	assert_false(p->finished);
	establish(t, "partner.example", sizeof(record));
	assert_int_equal(town_counter(t, REASON_session_established), 1);
	assert_true(p->finished);
	town_run(t, 10);
	assert_true(p->closed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_are_counted_for_who_lists_sessions),
		TEST(a_policy_that_accepts_what_the_card_proves_leaves_a_connection_alone),
		TEST(a_published_block_closes_the_connections_of_its_domain),
		TEST(a_peer_that_has_finished_before_the_hand_over_is_not_waited_for),
		TEST(a_published_block_closes_those_that_have_said_nothing_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
