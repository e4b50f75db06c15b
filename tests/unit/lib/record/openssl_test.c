// SPDX-License-Identifier: BSD-3-Clause
// Our record layer against OpenSSL's, after a real handshake: both versions, every suite, both
// roles.

#include "tests/unit/lib/record/openssl_peer.h"

#include "lib/record/provider.h"
#include "tests/unit/test.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

static uint8_t bytes[50000];

// A case for each version, suite and role.
static void for_each(uint64_t key_records, struct view early, void (*holds)(struct peer_world *w))
{
	pair_fill(bytes, sizeof(bytes), 3);
	for (unsigned i = 0; i < 2 * PAIR_KINDS; i++) {
		struct peer_world *w = peer_world_new(
			pair_kinds[i / 2], (enum record_role)(i % 2), key_records, early);

		holds(w);
		peer_world_free(w);
	}
}

static void expect_text(struct peer_world *w, const void *text, size_t n)
{
	peer_open(w);
	assert_true(w->last.kind == RECORD_TEXT || w->last.kind == RECORD_DIGESTED);
	assert_int_equal(w->text.n, n);
	assert_memory_equal(w->text.bytes, text, n);
	w->text.n = 0;
}

static void talk(struct peer_world *w)
{
	static const size_t sizes[] = {1, 2, 15, 16, 17, 63, 100, 512, 800, 1500, 2048, 2100, 4096,
		16383, 16384, 16385, 50000};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		peer_seal(w, bytes, sizes[i]);
		peer_expect_read(w, bytes, sizes[i]);
		peer_write(w, bytes, sizes[i]);
		expect_text(w, bytes, sizes[i]);
	}
}

static void data_goes_both_ways(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, talk);
}

#define EARLY "NOTIFY sip:first@example.org SIP/2.0"

static void expect_early(struct peer_world *w)
{
	bool tickets = w->kind.version == RECORD_TLS13 && w->role == RECORD_OPENED;

	expect_text(w, EARLY, sizeof(EARLY) - 1);
	assert_int_equal(w->n_digested, tickets ? 2 : 0);
	talk(w);
}

static void what_comes_with_the_end_of_the_handshake_is_not_lost(void **state)
{
	(void)state;
	for_each(0, VIEW(EARLY), expect_early);
}

static void update_and_talk(struct peer_world *w)
{
	if (w->kind.version != RECORD_TLS13)
		return;
	for (unsigned i = 0; i < 6; i++) {
		int type = i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;

		assert_int_equal(SSL_key_update(w->peer.ssl, type), 1);
		peer_write(w, bytes, 333);
		expect_text(w, bytes, 333);
		assert_int_equal(w->n_answers, i / 2 + 1);
		peer_seal(w, bytes, 700 + i);
		peer_expect_read(w, bytes, 700 + i);
		peer_write(w, bytes, 20);
		expect_text(w, bytes, 20);
	}
}

static void key_updates_of_openssl_are_followed(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, update_and_talk);
}

static void many_short_ones(struct peer_world *w)
{
	for (unsigned i = 0; i < 40; i++) {
		peer_seal(w, bytes + i, 100);
		peer_expect_read(w, bytes + i, 100);
		peer_write(w, bytes + i, 90);
		expect_text(w, bytes + i, 90);
	}
	if (w->kind.version == RECORD_TLS12) {
		assert_int_not_equal(record_wear(&w->session, w->crypto), RECORD_FRESH);
		return;
	}
	// OpenSSL changes its own when it is asked, and then with the next that it sends.
	assert_true(w->session.send.sequence <= w->crypto->key_records);
	assert_true(w->session.receive.sequence <= w->crypto->key_records + 2);
}

static void openssl_follows_our_key_updates(void **state)
{
	(void)state;
	// Of TLS 1.2, twice as many records as may be sealed under a key: not so far.
	for_each(22, VIEW_NONE, many_short_ones);
	for (unsigned i = 0; i < 6; i++) {
		struct peer_world *w = peer_world_new(
			pair_kinds[3 + i / 2], (enum record_role)(i % 2), 7, VIEW_NONE);

		many_short_ones(w);
		peer_world_free(w);
	}
}

static void ticket_and_talk(struct peer_world *w)
{
	if (w->kind.version != RECORD_TLS13 || w->role != RECORD_OPENED)
		return;
	peer_open(w);
	assert_int_equal(w->n_digested, 2);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(SSL_new_session_ticket(w->peer.ssl), 1);
		peer_write(w, bytes, 50);
		expect_text(w, bytes, 50);
		assert_int_equal(w->n_digested, 3 + i);
	}
	talk(w);
}

static void tickets_of_openssl_are_dropped(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, ticket_and_talk);
}

static void peer_closes(struct peer_world *w)
{
	static uint8_t alert[RECORD_ANSWER_BYTES];
	size_t n;

	assert_int_equal(SSL_shutdown(w->peer.ssl), 0);
	peer_pump(w);
	peer_open(w);
	assert_int_equal(w->last.kind, RECORD_PEER_CLOSED);
	assert_true(record_peer_has_closed(&w->session));
	n = record_close(&w->session, w->crypto, alert);
	assert_int_equal(BIO_write(w->peer.in, alert, (int)n), n);
	assert_int_equal(SSL_shutdown(w->peer.ssl), 1);
	assert_int_equal(w->session.state, RECORD_STATE_CLOSED);
}

static void openssl_closes_and_sees_our_answer(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, peer_closes);
}

static void we_close(struct peer_world *w)
{
	static uint8_t alert[RECORD_ANSWER_BYTES], one;
	size_t n;

	peer_open(w); // tickets
	n = record_close(&w->session, w->crypto, alert);
	assert_int_equal(BIO_write(w->peer.in, alert, (int)n), n);
	assert_int_equal(SSL_read(w->peer.ssl, &one, 1), 0);
	assert_int_equal(SSL_get_error(w->peer.ssl, 0), SSL_ERROR_ZERO_RETURN);
	peer_write(w, bytes, 10); // half closed
	expect_text(w, bytes, 10);
	assert_int_equal(SSL_shutdown(w->peer.ssl), 1);
	peer_pump(w);
	peer_open(w);
	assert_int_equal(w->last.kind, RECORD_PEER_CLOSED);
	assert_int_equal(w->session.state, RECORD_STATE_CLOSED);
}

static void we_close_and_see_the_answer_of_openssl(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, we_close);
}

static void expect_reason(struct peer_world *w, int reason)
{
	uint8_t one;

	ERR_clear_error();
	peer_pump(w);
	assert_true(SSL_read(w->peer.ssl, &one, 1) <= 0);
	assert_int_equal(ERR_GET_REASON(ERR_peek_error()), reason);
	ERR_clear_error();
}

static void spoil_for_us(struct peer_world *w)
{
	peer_open(w); // tickets
	peer_write(w, bytes, 100);
	w->to_us.bytes[w->to_us.n - 20] ^= 4;
	peer_open(w);
	assert_int_equal(w->last.kind, RECORD_REFUSED);
	assert_int_equal(w->last.reason, REASON_record_bad_mac);
	assert_int_equal(w->text.n, 0);
	expect_reason(w, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

static void openssl_reads_the_alert_of_our_refusal(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, spoil_for_us);
}

static void spoil_for_peer(struct peer_world *w)
{
	static uint8_t out[256];
	struct view text = view_of(bytes, 100);
	size_t n = record_seal(&w->session, w->crypto, &text, 1, out);

	peer_open(w); // tickets
	out[n - 30] ^= 1;
	assert_int_equal(BIO_write(w->peer.in, out, (int)n), n);
	assert_true(SSL_read(w->peer.ssl, out, sizeof(out)) <= 0);
	ERR_clear_error();
	peer_pump(w);
	peer_open(w);
	assert_int_equal(w->last.kind, RECORD_PEER_FAILED);
	assert_int_equal(w->last.alert, RECORD_ALERT_bad_record_mac);
}

static void we_read_the_alert_of_a_refusal_by_openssl(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, spoil_for_peer);
}

static void renegotiate(struct peer_world *w)
{
	if (w->kind.version != RECORD_TLS12)
		return;
	assert_int_equal(SSL_renegotiate(w->peer.ssl), 1);
	(void)SSL_do_handshake(w->peer.ssl);
	peer_pump(w);
	peer_open(w);
	assert_int_equal(w->last.kind, RECORD_DIGESTED);
	assert_int_equal(w->n_answers, 1);
	expect_reason(w, SSL_R_NO_RENEGOTIATION);
}

static void openssl_understands_that_we_do_not_renegotiate(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, renegotiate);
}

static void update_at_will_and_talk(struct peer_world *w)
{
	for (unsigned i = 0; i < 6 && w->kind.version == RECORD_TLS13; i++) {
		size_t n = record_update(&w->session, w->crypto,
			i % 2 == 0 ? RECORD_UPDATE_BOTH : RECORD_UPDATE_OURS,
			w->to_peer.bytes + w->to_peer.n);

		assert_true(n > 0);
		w->to_peer.n += n;
		peer_seal(w, bytes, 100);
		peer_expect_read(w, bytes, 100);
		peer_write(w, bytes, 100);
		expect_text(w, bytes, 100);
	}
}

static void it_takes_key_updates_of_our_own_will(void **state)
{
	(void)state;
	for_each(0, VIEW_NONE, update_at_will_and_talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_goes_both_ways),
		cmocka_unit_test(it_takes_key_updates_of_our_own_will),
		cmocka_unit_test(what_comes_with_the_end_of_the_handshake_is_not_lost),
		cmocka_unit_test(key_updates_of_openssl_are_followed),
		cmocka_unit_test(openssl_follows_our_key_updates),
		cmocka_unit_test(tickets_of_openssl_are_dropped),
		cmocka_unit_test(openssl_closes_and_sees_our_answer),
		cmocka_unit_test(we_close_and_see_the_answer_of_openssl),
		cmocka_unit_test(openssl_reads_the_alert_of_our_refusal),
		cmocka_unit_test(we_read_the_alert_of_a_refusal_by_openssl),
		cmocka_unit_test(openssl_understands_that_we_do_not_renegotiate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
