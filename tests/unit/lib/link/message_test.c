// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "tests/unit/lib/link/honest.h"

static const char *check(const struct link_message *m)
{
	return link_message_check(m, honest_direction((enum link_type)m->type), HONEST_EPOCH);
}

static void every_message_passes_its_own_way_only(void **state)
{
	(void)state;
	for (unsigned type = 1; type < LINK_N; type++) {
		struct link_message m;
		enum link_direction way = honest_direction(type), other;

		honest_message(&m, type);
		other = way == LINK_TO_WORKER ? LINK_TO_CONTROL : LINK_TO_WORKER;
		assert_null(link_message_check(&m, way, HONEST_EPOCH));
		assert_string_equal(link_message_check(&m, other, HONEST_EPOCH), "wrong direction");
		assert_string_equal(link_message_check(&m, way, HONEST_EPOCH - 1),
			"another attachment's epoch");
	}
}

static void every_type_outside_the_list_is_refused(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		struct link_message m = {.type = (uint16_t)type, .epoch = HONEST_EPOCH};

		if (type == LINK_NONE || type >= LINK_N)
			assert_string_equal(link_message_check(&m, LINK_TO_CONTROL, HONEST_EPOCH),
				"unknown type");
	}
}

static void a_message_has_the_size_that_its_type_and_count_make_and_no_other(void **state)
{
	(void)state;
	for (unsigned type = 1; type < LINK_N; type++) {
		struct link_message m;
		uint16_t right;

		memset(&m, 0, sizeof(m));
		honest_message(&m, type);
		right = m.n_bytes;
		for (unsigned n = 0; n <= UINT16_MAX; n++) {
			m.n_bytes = (uint16_t)n;
			if (n == right)
				assert_null(check(&m));
			else
				assert_string_equal(check(&m), "wrong size for its type");
		}
	}
}

struct zeroes {
	enum link_type type;
	size_t offset, n_bytes;
};

#define ZERO(name, member)                                             \
	{                                                              \
		LINK_##name, offsetof(struct link_message, member),    \
			sizeof(((struct link_message *)NULL)->member), \
	}

static void any_bit_that_is_no_field_is_refused(void **state)
{
	static const struct zeroes all[] = {
		ZERO(TARGET_WANTED, target_wanted.target.zero),
		ZERO(TARGET_WANTED, target_wanted.target.remote.zero),
		ZERO(TARGET_WANTED, target_wanted.target.remote.ip.zero),
		ZERO(TARGET_STATE, target_state.target.zero),
		ZERO(TARGET_STATE, target_state.zero),
		ZERO(TARGET_OPEN, target_open.target.zero),
		ZERO(TARGET_OPEN, target_open.address.zero),
		ZERO(TARGET_REFUSED, target_refused.zero),
		ZERO(SESSION_OPENED, session_opened.zero),
		ZERO(SESSION_OPENED, session_opened.remote.zero),
		ZERO(SESSION_OPENED, session_opened.target.zero),
		ZERO(SESSION_BYTES, session_bytes.zero),
		ZERO(SESSION_ENDED, session_ended.zero),
		ZERO(SESSION_SEND, session_send.zero),
		ZERO(SESSION_CONSUMED, session_consumed.zero),
		ZERO(SESSION_ESTABLISHED, session_established.zero),
		ZERO(SESSION_ESTABLISHED, session_established.secrets.zero),
		ZERO(SESSION_CLOSE, session_close.zero),
		ZERO(SESSIONS_WANTED, sessions_wanted.zero),
		ZERO(SESSION_IS, session_is.zero),
		ZERO(SESSIONS_END, sessions_end.zero),
		ZERO(CARD_ADD, card.zero),
		ZERO(CARD, card.zero),
		ZERO(CARD, card.is.zero),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t bit = 0; bit < 8 * all[i].n_bytes; bit++) {
			struct link_message m;

			honest_message(&m, all[i].type);
			((uint8_t *)&m)[all[i].offset + bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_non_null(check(&m));
		}
	}
}

// The messages of a target begin with it.
static void expect_no_target(const struct link_target *t)
{
	for (unsigned type = LINK_TARGET_WANTED; type <= LINK_TARGET_TRY; type++) {
		struct link_message m;

		honest_message(&m, type);
		m.target_wanted.target = *t;
		assert_non_null(check(&m));
	}
}

static void a_target_that_cannot_be_is_refused_in_every_message(void **state)
{
	struct link_target t[8];
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_TARGET_WANTED);
	for (unsigned i = 0; i < 8; i++)
		t[i] = m.target_wanted.target;
	t[0].remote.ip.family = 5;
	t[1].remote.ip.bytes[4] = 1;
	t[2].remote.port = 0;
	t[3].remote.transport = TRANSPORT_UDP;
	t[4].remote.transport = TRANSPORT_TCP; // with a certificate
	t[5].listener = LINK_TARGET_LISTENERS;
	t[6].slot = LINK_TARGET_SLOTS;
	t[7].remote.transport = TRANSPORT_TLS + 1;
	for (unsigned i = 0; i < 8; i++)
		expect_no_target(&t[i]);
}

static void name_target(struct link_target *t)
{
	t->remote.ip.family = IP_NAMED;
	memset(t->remote.ip.bytes, 0xab, sizeof(t->remote.ip.bytes));
	t->remote.port = 0;
}

static void a_target_may_be_a_name_and_is_opened_at_an_address(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_TARGET_WANTED);
	name_target(&m.target_wanted.target);
	assert_null(check(&m));
	honest_message(&m, LINK_TARGET_OPEN);
	name_target(&m.target_open.target);
	assert_null(check(&m));
	m.target_open.address.transport = TRANSPORT_TCP;
	assert_string_equal(check(&m), "a target's address of another transport");
	m.target_open.address = m.target_open.target.remote;
	assert_string_equal(check(&m), "a target's address is none");
}

static void a_target_that_is_an_address_is_opened_there_only(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_TARGET_OPEN);
	m.target_open.address.port++;
	assert_string_equal(check(&m), "a target's address is another one");
}

static void say_name(struct link_message *m, const char *name)
{
	honest_message(m, LINK_TARGET_WANTED);
	name_target(&m->target_wanted.target);
	assert_true(link_message_append(m, name, strlen(name)));
}

static void a_named_target_comes_with_a_canonical_domain_or_none(void **state)
{
	struct link_message m;

	(void)state;
	say_name(&m, "xn--bcher-kva.example");
	assert_null(check(&m));
	m.target_wanted.target.remote.ip.family = IP_V6;
	m.target_wanted.target.remote.port = 5061;
	assert_string_equal(check(&m), "an address with a name");
	say_name(&m, "Fabrikam.example");
	assert_string_equal(check(&m), "a target's name is no canonical domain");
	say_name(&m, "fabrikam..example");
	assert_string_equal(check(&m), "a target's name is no canonical domain");
	say_name(&m, "192.0.2.1");
	assert_string_equal(check(&m), "a target's name is no canonical domain");
}

static void a_back_off_is_bounded(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_TARGET_REFUSED);
	m.target_refused.retry_ms = 0;
	assert_string_equal(check(&m), "a target's back-off out of range");
	m.target_refused.retry_ms = LINK_TARGET_RETRY_MS_MAX;
	assert_null(check(&m));
	m.target_refused.retry_ms++;
	assert_string_equal(check(&m), "a target's back-off out of range");
}

static void a_state_and_its_reason_are_known_ones(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_TARGET_STATE);
	m.target_state.reason = REASON_N - 1;
	m.target_state.state = LINK_TARGET_STATE_N - 1;
	assert_null(check(&m));
	m.target_state.reason = REASON_N;
	assert_string_equal(check(&m), "unknown reason of a target's state");
	m.target_state.reason = REASON_none;
	m.target_state.state = LINK_TARGET_STATE_N;
	assert_string_equal(check(&m), "unknown state of a target");
}

static void a_message_of_no_session_is_refused(void **state)
{
	(void)state;
	for (unsigned type = LINK_SESSION_OPENED; type <= LINK_SESSION_CLOSE; type++) {
		struct link_message m;

		honest_message(&m, type);
		m.session_opened.conn = 0;
		assert_string_equal(check(&m), "no session");
	}
}

static void an_accepted_session_has_no_target_and_an_opened_one_a_tls_one(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_SESSION_OPENED);
	m.session_opened.role = RECORD_ACCEPTED;
	assert_string_equal(check(&m), "an accepted session's target");
	memset(&m.session_opened.target, 0, sizeof(m.session_opened.target));
	assert_null(check(&m));
	m.session_opened.role = RECORD_OPENED;
	assert_string_equal(check(&m), "a session's target without TLS");
	m.session_opened.role = RECORD_OPENED + 1;
	assert_string_equal(check(&m), "unknown role of a session");
}

static void a_session_is_with_an_address_by_a_listener(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_SESSION_OPENED);
	m.session_opened.remote.ip.family = IP_NAMED;
	assert_string_equal(check(&m), "a session's remote is no TLS endpoint");
	honest_message(&m, LINK_SESSION_IS);
	m.session_is.remote.transport = TRANSPORT_TCP;
	assert_string_equal(check(&m), "a session's remote is no TLS endpoint");
	honest_message(&m, LINK_SESSION_IS);
	m.session_is.listener = LINK_TARGET_LISTENERS;
	assert_string_equal(check(&m), "a session's listener out of range");
}

static void a_session_that_outlived_control_is_one_that_can_be(void **state)
{
	struct link_message m[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		honest_message(&m[i], LINK_SESSION_IS);
	m[0].session_is.card = 0;
	assert_null(check(&m[0]));
	m[0].session_is.zero[0] = 1;
	m[1].session_is.state = LINK_SESSION_STATE_N;
	m[2].session_is.version = RECORD_VERSION_N;
	m[3].session_is.suite = RECORD_SUITE_NONE;
	m[4].session_is.target.remote.transport = TRANSPORT_TCP;
	for (unsigned i = 0; i < 5; i++)
		assert_non_null(check(&m[i]));
}

static void an_end_and_a_close_have_known_reasons_and_flags(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_SESSION_ENDED);
	m.session_ended.reason = REASON_N;
	assert_string_equal(check(&m), "unknown reason of a session's end");
	m.session_ended.reason = REASON_none;
	m.session_ended.was_established = 2;
	assert_string_equal(check(&m), "not a flag of a session's end");
	honest_message(&m, LINK_SESSION_CLOSE);
	m.session_close.reason = REASON_N;
	assert_string_equal(check(&m), "unknown reason to close a session");
	m.session_close.reason = REASON_none;
	m.session_close.abort = 2;
	assert_string_equal(check(&m), "not a flag of closing");
	honest_message(&m, LINK_SESSION_BYTES);
	m.session_bytes.last = 2;
	assert_string_equal(check(&m), "not a flag of a session's bytes");
	honest_message(&m, LINK_SESSIONS_END);
	m.sessions_end.more = 2;
	assert_string_equal(check(&m), "not a flag of a listing's end");
}

static void secrets_and_cards_are_checked_by_their_own_rules(void **state)
{
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.secrets.suite = RECORD_SUITE_N;
	assert_non_null(check(&m));
	honest_message(&m, LINK_SESSION_ESTABLISHED);
	// Of a peer inside that need not show a certificate.
	m.session_established.card = 0;
	assert_null(check(&m));
	for (unsigned type = LINK_CARD_ADD; type <= LINK_CARD; type++) {
		honest_message(&m, type);
		m.card.card = 0;
		assert_string_equal(check(&m), "a card without a name");
	}
	honest_message(&m, LINK_CARD);
	m.card.is.text[m.card.is.names[0].offset] = 'F';
	assert_string_equal(check(&m), "card: a name that is not canonical");
}

static void bytes_are_appended_as_long_as_they_fit(void **state)
{
	static const uint8_t bytes[LINK_BYTES_MAX];
	struct link_message m;

	(void)state;
	honest_message(&m, LINK_SESSION_BYTES);
	assert_memory_equal(m.session_bytes.bytes, "some bytes", 10);
	assert_false(link_message_append(&m, bytes, LINK_BYTES_MAX - 9));
	assert_int_equal(m.session_bytes.n, 10);
	assert_true(link_message_append(&m, bytes, LINK_BYTES_MAX - 10));
	assert_int_equal(m.session_bytes.n, LINK_BYTES_MAX);
	assert_null(check(&m));
	assert_false(link_message_append(&m, bytes, 1));
	assert_true(link_message_append(&m, bytes, 0));
	honest_message(&m, LINK_PONG);
	assert_false(link_message_append(&m, bytes, 1));
}

static void a_count_beyond_the_tail_is_refused_whatever_the_size_says(void **state)
{
	struct link_message m;

	(void)state;
	memset(&m, 0, sizeof(m));
	honest_message(&m, LINK_SESSION_SEND);
	m.session_send.n = LINK_BYTES_MAX + 1;
	m.n_bytes = (uint16_t)(LINK_BYTES_SESSION_SEND + m.session_send.n);
	assert_string_equal(check(&m), "wrong size for its type");
	m.session_send.n = 0;
	m.n_bytes = LINK_BYTES_SESSION_SEND;
	assert_string_equal(check(&m), "no bytes for a session");
}

static void secrets_are_wiped_and_nothing_else(void **state)
{
	static const struct record_secrets none;
	struct link_message m, before;

	(void)state;
	honest_message(&m, LINK_SESSION_ESTABLISHED);
	link_message_wipe(&m);
	assert_memory_equal(&m.session_established.secrets, &none, sizeof(none));
	honest_message(&m, LINK_PONG);
	m.pong.token = 5;
	link_message_copy(&before, &m);
	link_message_wipe(&m);
	assert_memory_equal(&m, &before, m.n_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_passes_its_own_way_only),
		cmocka_unit_test(every_type_outside_the_list_is_refused),
		cmocka_unit_test(a_message_has_the_size_that_its_type_and_count_make_and_no_other),
		cmocka_unit_test(any_bit_that_is_no_field_is_refused),
		cmocka_unit_test(a_target_that_cannot_be_is_refused_in_every_message),
		cmocka_unit_test(a_target_may_be_a_name_and_is_opened_at_an_address),
		cmocka_unit_test(a_target_that_is_an_address_is_opened_there_only),
		cmocka_unit_test(a_named_target_comes_with_a_canonical_domain_or_none),
		cmocka_unit_test(a_back_off_is_bounded),
		cmocka_unit_test(a_state_and_its_reason_are_known_ones),
		cmocka_unit_test(a_message_of_no_session_is_refused),
		cmocka_unit_test(an_accepted_session_has_no_target_and_an_opened_one_a_tls_one),
		cmocka_unit_test(a_session_is_with_an_address_by_a_listener),
		cmocka_unit_test(a_session_that_outlived_control_is_one_that_can_be),
		cmocka_unit_test(an_end_and_a_close_have_known_reasons_and_flags),
		cmocka_unit_test(secrets_and_cards_are_checked_by_their_own_rules),
		cmocka_unit_test(bytes_are_appended_as_long_as_they_fit),
		cmocka_unit_test(a_count_beyond_the_tail_is_refused_whatever_the_size_says),
		cmocka_unit_test(secrets_are_wiped_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
