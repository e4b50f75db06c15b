// SPDX-License-Identifier: BSD-3-Clause
// Sealing: sizes, records, room, in place; and keys that are used up.

#include "lib/record/inner.h"
#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

static uint8_t text[4 * RECORD_TEXT_BYTES_MAX];

// Opens at the server what the client sealed, and compares it with text. How many records.
static unsigned expect_arrival(struct pair *p, size_t n_sealed, size_t n_text)
{
	size_t n_seen = 0;
	unsigned n_records = 0;
	struct record_opened opened;

	for (size_t at = 0; at < n_sealed;) {
		size_t n = record_length(&p->server, view_of(p->sealed + at, n_sealed - at));

		assert_in_range(n, RECORD_HEADER_BYTES + 1, n_sealed - at);
		pair_open(&p->server, p->server_crypto, p->sealed + at, n, p->text, &opened);
		assert_true(opened.kind == RECORD_TEXT || opened.kind == RECORD_DIGESTED);
		assert_true(n_seen + opened.text.len <= n_text);
		if (opened.text.len > 0)
			assert_memory_equal(opened.text.at, text + n_seen, opened.text.len);
		n_seen += opened.text.len;
		n_records += opened.kind == RECORD_TEXT;
		at += n;
	}
	assert_int_equal(n_seen, n_text);
	return n_records;
}

// As many bytes as was said beforehand, and none behind them.
static size_t seal(struct pair *p, size_t n_text)
{
	size_t n_said = record_sealed_bytes(&p->client, p->client_crypto, n_text);
	struct view parts[2] = {{text, n_text / 3}, {text + n_text / 3, n_text - n_text / 3}};

	p->sealed[n_said] = 0xc5;
	assert_int_equal(record_seal(&p->client, p->client_crypto, parts, 2, p->sealed), n_said);
	assert_int_equal(p->sealed[n_said], 0xc5);
	return n_said;
}

static void every_size_arrives_as_was_said_beforehand(void **state)
{
	(void)state;
	pair_fill(text, sizeof(text), 9);
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		struct pair *p = pair_new(pair_kinds[i], 0);

		for (size_t n = 1; n < sizeof(text); n += n < 100 ? 1 : 1021) {
			size_t n_records = (n + RECORD_TEXT_BYTES_MAX - 1) / RECORD_TEXT_BYTES_MAX;

			assert_int_equal(expect_arrival(p, seal(p, n), n), n_records);
		}
		assert_int_equal(
			expect_arrival(p, seal(p, RECORD_TEXT_BYTES_MAX), RECORD_TEXT_BYTES_MAX),
			1);
		assert_int_equal(expect_arrival(p, seal(p, RECORD_TEXT_BYTES_MAX + 1),
					 RECORD_TEXT_BYTES_MAX + 1),
			2);
		pair_free(p);
	}
}

static void no_text_makes_no_record(void **state)
{
	struct pair *p = pair_new(pair_kinds[3], 0);
	struct view none[2] = {VIEW_NONE, VIEW_NONE};

	(void)state;
	assert_int_equal(record_sealed_bytes(&p->client, p->client_crypto, 0), 0);
	assert_int_equal(record_seal(&p->client, p->client_crypto, none, 2, p->sealed), 0);
	assert_int_equal(record_seal(&p->client, p->client_crypto, NULL, 0, p->sealed), 0);
	assert_int_equal(record_seal_in_place(&p->client, p->client_crypto, p->sealed, 0), 0);
	pair_expect_text_both_ways(p);
	pair_free(p);
}

static void text_is_sealed_where_it_lies(void **state)
{
	(void)state;
	pair_fill(text, sizeof(text), 10);
	for (unsigned i = 0; i < PAIR_KINDS; i++) {
		// Under keys of five records, so that some have a KeyUpdate in front.
		bool tls13 = pair_kinds[i].version == RECORD_TLS13;
		struct pair *p = pair_new(pair_kinds[i], tls13 ? 5 : 0);

		for (size_t n = 1; n <= RECORD_TEXT_BYTES_MAX; n += n < 200 ? 1 : 1349) {
			size_t n_said = record_sealed_bytes(&p->client, p->client_crypto, n);
			size_t headroom = record_headroom(&p->client, p->client_crypto);

			memcpy(p->sealed + headroom, text, n);
			p->sealed[n_said] = 0xc5;
			assert_int_equal(
				record_seal_in_place(&p->client, p->client_crypto, p->sealed, n),
				n_said);
			assert_int_equal(p->sealed[n_said], 0xc5);
			assert_int_equal(expect_arrival(p, n_said, n), 1);
		}
		assert_int_equal(record_seal_in_place(&p->client, p->client_crypto, p->sealed,
					 RECORD_TEXT_BYTES_MAX + 1),
			0);
		pair_free(p);
	}
}

static void explicit_nonces_are_never_used_twice(void **state)
{
	struct pair *p = pair_new(pair_kinds[0], 0);
	static const uint8_t first[2][8] = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{0, 0, 0, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		(void)seal(p, 10);
		assert_memory_equal(p->sealed + RECORD_HEADER_BYTES, first[i], 8);
	}
	assert_int_equal(record_close(&p->client, p->client_crypto, p->sealed), 31);
	assert_int_equal(p->sealed[RECORD_HEADER_BYTES + 7], 1);
	pair_free(p);
}

static void keys_change_before_they_are_used_up(void **state)
{
	(void)state;
	for (unsigned limit = 1; limit < 6; limit++) {
		struct pair *p = pair_new(pair_kinds[3 + limit % 3], limit);

		uint64_t id = p->client.send.key_id;

		for (unsigned round = 0; round < 30; round++) {
			// Up to four records in a call, so that keys change within it.
			size_t n = 1 + round % 4 * (size_t)RECORD_TEXT_BYTES_MAX;

			assert_int_equal(expect_arrival(p, seal(p, n), n), 1 + round % 4);
			assert_true(p->client.send.sequence <= limit);
		}
		assert_int_not_equal(p->client.send.key_id, id);
		pair_expect_text_both_ways(p);
		pair_free(p);
	}
}

static void used_up_keys_of_the_peer_are_asked_for_once(void **state)
{
	struct pair *p = pair_new(pair_kinds[3], 8);
	struct record_opened opened;
	size_t n;

	(void)state;
	// A client that goes on and on.
	record_crypto_free(p->client_crypto);
	p->client_crypto = pair_crypto(RECORD_PROVIDER_BEST, 0);
	for (unsigned i = 0; i < 10; i++)
		(void)expect_arrival(p, seal(p, 5), 5);
	n = record_seal(&p->server, p->server_crypto, &(struct view){text, 5}, 1, p->sealed);
	assert_int_equal(n, RECORD_KEY_UPDATE_BYTES + 5 + 22);
	pair_open(
		&p->client, p->client_crypto, p->sealed, RECORD_KEY_UPDATE_BYTES, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_DIGESTED);
	assert_int_equal(opened.n_answer, RECORD_KEY_UPDATE_BYTES);
	// Not asked again, until the answer comes and keys are used up anew.
	assert_int_equal(record_sealed_bytes(&p->server, p->server_crypto, 5), 5 + 22);
	pair_open(&p->server, p->server_crypto, opened.answer, opened.n_answer, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_DIGESTED);
	assert_int_equal(opened.n_answer, 0);
	assert_int_equal(p->server.receive.sequence, 0);
	(void)expect_arrival(p, seal(p, 5), 5);
	pair_free(p);
}

static void a_tls_1_2_session_wants_to_be_recycled_and_ends_at_last(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pair *p = pair_new(pair_kinds[i], 10);
		unsigned n_sealed = 1; // the Finished

		while (record_wear(&p->client, p->client_crypto) == RECORD_FRESH) {
			(void)expect_arrival(p, seal(p, 5), 5);
			n_sealed++;
		}
		assert_int_equal(n_sealed, 10);
		for (; n_sealed < 20; n_sealed++) {
			enum record_wear wear = n_sealed < 15 ? RECORD_WORN : RECORD_SPENT;

			assert_int_equal(record_wear(&p->client, p->client_crypto), wear);
			assert_int_equal(record_wear(&p->server, p->server_crypto), wear);
			(void)expect_arrival(p, seal(p, 5), 5);
		}
		assert_int_equal(record_seal(&p->client, p->client_crypto, &(struct view){text, 5},
					 1, p->sealed),
			0);
		// It can still say that it goes.
		assert_true(record_close(&p->client, p->client_crypto, p->sealed) > 0);
		pair_free(p);
	}
}

static void what_a_key_does_not_suffice_for_is_not_begun(void **state)
{
	struct pair *p = pair_new(pair_kinds[0], 5);
	struct view two = view_of(text, RECORD_TEXT_BYTES_MAX + 1);
	struct record_opened opened;
	size_t n;

	(void)state;
	while (p->client.send.sequence < 9)
		(void)expect_arrival(p, seal(p, 5), 5);
	assert_int_equal(record_seal(&p->client, p->client_crypto, &two, 1, p->sealed), 0);
	n = record_close(&p->client, p->client_crypto, p->sealed);
	pair_open(&p->server, p->server_crypto, p->sealed, n, p->text, &opened);
	assert_int_equal(opened.kind, RECORD_PEER_CLOSED);
	pair_free(p);
}

static void a_tls_1_3_session_is_never_recycled(void **state)
{
	struct pair *p = pair_new(pair_kinds[4], 2);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		(void)expect_arrival(p, seal(p, 5), 5);
		assert_int_equal(record_wear(&p->client, p->client_crypto), RECORD_FRESH);
		assert_int_equal(record_wear(&p->server, p->server_crypto), RECORD_FRESH);
	}
	pair_free(p);
}

static void sessions_of_one_thread_do_not_disturb_each_other(void **state)
{
	static struct record_session clients[40], servers[40];
	struct record_crypto *c = pair_crypto(RECORD_PROVIDER_BEST, 3);
	static uint8_t out[RECORD_OPEN_BYTES];
	struct record_opened opened;
	uint8_t sealed[128];

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct record_secrets client, server;

		pair_secrets(&client, &server, pair_kinds[3 + i % 3], i);
		assert_int_equal(record_session_begin(&clients[i], c, &client, RECORD_OPENED), 0);
		assert_int_equal(record_session_begin(&servers[i], c, &server, RECORD_ACCEPTED), 0);
	}
	for (unsigned i = 0; i < 2000; i++) {
		struct record_session *from = &clients[i * 7 % 40], *to = &servers[i * 7 % 40];
		size_t n = record_seal(from, c, &(struct view){text, 20}, 1, sealed);

		for (size_t at = 0; at < n; at += record_length(to, view_of(sealed + at, 5)))
			pair_open(to, c, sealed + at,
				record_length(from, view_of(sealed + at, n - at)), out, &opened);
		assert_int_equal(opened.kind, RECORD_TEXT);
		assert_memory_equal(opened.text.at, text, 20);
	}
	record_crypto_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_arrives_as_was_said_beforehand),
		cmocka_unit_test(no_text_makes_no_record),
		cmocka_unit_test(text_is_sealed_where_it_lies),
		cmocka_unit_test(explicit_nonces_are_never_used_twice),
		cmocka_unit_test(keys_change_before_they_are_used_up),
		cmocka_unit_test(used_up_keys_of_the_peer_are_asked_for_once),
		cmocka_unit_test(a_tls_1_2_session_wants_to_be_recycled_and_ends_at_last),
		cmocka_unit_test(what_a_key_does_not_suffice_for_is_not_begun),
		cmocka_unit_test(a_tls_1_3_session_is_never_recycled),
		cmocka_unit_test(sessions_of_one_thread_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
