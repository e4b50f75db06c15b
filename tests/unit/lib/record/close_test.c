// SPDX-License-Identifier: BSD-3-Clause
// How sessions close, and what alerts mean.

#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

#define TLS12 0
#define TLS13 3

static void both_sides_close_one_after_the_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i], 0);
		struct view more = VIEW("more");
		struct record_opened opened;
		size_t n = record_close(&p->client, p->client_crypto, p->sealed);

		assert_int_equal(p->client.state, RECORD_STATE_CLOSE_SENT);
		assert_int_equal(record_seal(&p->client, p->client_crypto, &more, 1, p->text), 0);
		assert_int_equal(record_close(&p->client, p->client_crypto, p->text), 0);
		assert_false(record_peer_has_closed(&p->server));
		pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_PEER_CLOSED);
		assert_int_equal(opened.reason, REASON_record_peer_closed);
		assert_true(record_peer_has_closed(&p->server));
		// The other direction is still open (RFC 8446 §6.1).
		n = record_seal(&p->server, p->server_crypto, &more, 1, p->sealed);
		pair_open(&p->client, p->client_crypto, p->sealed, n, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_TEXT);
		n = record_close(&p->server, p->server_crypto, p->sealed);
		assert_int_equal(p->server.state, RECORD_STATE_CLOSED);
		pair_open(&p->client, p->client_crypto, p->sealed, n, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_PEER_CLOSED);
		assert_int_equal(p->client.state, RECORD_STATE_CLOSED);
		// And what comes now is nothing.
		pair_open(&p->client, p->client_crypto, p->sealed, n, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_IGNORED);
		pair_free(p);
	}
}

static void a_fatal_alert_of_ours_ends_both_sides(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i], 0);
		struct record_opened opened;
		size_t n = record_fail(
			&p->client, p->client_crypto, RECORD_ALERT_internal_error, p->sealed);

		assert_int_equal(p->client.state, RECORD_STATE_FAILED);
		pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
		assert_int_equal(opened.kind, RECORD_PEER_FAILED);
		assert_int_equal(opened.alert, RECORD_ALERT_internal_error);
		assert_int_equal(p->server.state, RECORD_STATE_FAILED);
		assert_false(record_peer_has_closed(&p->server));
		assert_int_equal(record_close(&p->server, p->server_crypto, p->sealed), 0);
		assert_int_equal(record_fail(&p->server, p->server_crypto,
					 RECORD_ALERT_internal_error, p->sealed),
			0);
		pair_free(p);
	}
}

static void a_refusal_after_our_close_says_nothing(void **state)
{
	struct pair *p = pair_new(pair_kinds[TLS13], 0);
	struct record_opened opened;

	(void)state;
	assert_true(record_close(&p->server, p->server_crypto, p->text) > 0);
	pair_send_to_server(p, 99, "x", 1, &opened);
	assert_int_equal(opened.kind, RECORD_REFUSED);
	assert_int_equal(opened.n_answer, 0);
	assert_int_equal(p->server.state, RECORD_STATE_FAILED);
	pair_free(p);
}

static void alerts_mean_what_their_version_says(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned alert = 0; alert < 256; alert++) {
		for (unsigned level = 0; level < 4; level++) {
			const uint8_t text[2] = {(uint8_t)level, (uint8_t)alert};

			// The level of a TLS 1.3 alert says nothing.
			pair_try(TLS13, level % 2 == 0, 21, text, 2, &opened);
			assert_int_equal(opened.kind,
				alert == 0            ? RECORD_PEER_CLOSED
					: alert == 90 ? RECORD_DIGESTED
						      : RECORD_PEER_FAILED);
			pair_try(TLS12, level % 2 == 0, 21, text, 2, &opened);
			if (alert == 0)
				assert_int_equal(opened.kind, RECORD_PEER_CLOSED);
			else if (level == 1)
				pair_expect_digested(&opened);
			else if (level == 2)
				assert_int_equal(opened.alert, alert);
			else
				pair_expect_refused(&opened, REASON_record_malformed,
					RECORD_ALERT_illegal_parameter);
		}
	}
}

static void an_alert_of_another_length_is_refused(void **state)
{
	static const uint8_t text[4] = {1, 0, 1, 0};
	struct record_opened opened;

	(void)state;
	for (size_t n = 1; n <= 4; n += n == 1 ? 2 : 1) {
		pair_try(TLS13, true, 21, text, n, &opened);
		pair_expect_refused(&opened, REASON_record_malformed, RECORD_ALERT_decode_error);
		pair_try(TLS12, false, 21, text, n, &opened);
		pair_expect_refused(&opened, REASON_record_malformed, RECORD_ALERT_decode_error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_close_one_after_the_other),
		cmocka_unit_test(a_fatal_alert_of_ours_ends_both_sides),
		cmocka_unit_test(a_refusal_after_our_close_says_nothing),
		cmocka_unit_test(alerts_mean_what_their_version_says),
		cmocka_unit_test(an_alert_of_another_length_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
