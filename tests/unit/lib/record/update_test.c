// SPDX-License-Identifier: BSD-3-Clause
// KeyUpdates by our own will.

#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

#define TLS12 0
#define TLS13 3

// The client's KeyUpdate, opened by the server; what the server answers is in opened.
static void update(struct pair *p, enum record_update which, struct record_opened *opened)
{
	uint8_t out[RECORD_ANSWER_BYTES];
	size_t n = record_update(&p->client, p->client_crypto, which, out);

	assert_true(n > 0 && n <= sizeof(out));
	pair_open(&p->server, p->server_crypto, out, n, p->text, opened);
}

static void a_key_update_of_ours_changes_one_direction(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned kind = TLS13; kind < PAIR_KINDS; kind++) {
		struct pair *p = pair_new(pair_kinds[kind], 0);
		struct record_session before = p->server;

		update(p, RECORD_UPDATE_OURS, &opened);
		pair_expect_digested(&opened);
		assert_memory_not_equal(
			&before.receive, &p->server.receive, sizeof(before.receive));
		assert_memory_equal(&before.send, &p->server.send, sizeof(before.send));
		assert_int_equal(p->client.send.sequence, 0);
		pair_expect_text_both_ways(p);
		pair_free(p);
	}
}

static void a_key_update_of_both_is_answered(void **state)
{
	struct record_opened opened, answer;

	(void)state;
	for (unsigned kind = TLS13; kind < PAIR_KINDS; kind++) {
		struct pair *p = pair_new(pair_kinds[kind], 0);

		update(p, RECORD_UPDATE_BOTH, &opened);
		assert_int_equal(opened.kind, RECORD_DIGESTED);
		assert_true(opened.n_answer > 0);
		pair_open(&p->client, p->client_crypto, opened.answer, opened.n_answer, p->text,
			&answer);
		pair_expect_digested(&answer);
		pair_expect_text_both_ways(p);
		pair_free(p);
	}
}

static void while_the_peer_owes_one_it_is_not_asked_again(void **state)
{
	struct pair *p = pair_new(pair_kinds[TLS13], 0);
	struct record_opened first, second, answer;

	(void)state;
	update(p, RECORD_UPDATE_BOTH, &first);
	update(p, RECORD_UPDATE_BOTH, &second);
	assert_true(first.n_answer > 0);
	assert_int_equal(second.n_answer, 0);
	// It is not a debt of the peer's that it was asked for.
	pair_open(&p->client, p->client_crypto, first.answer, first.n_answer, p->text, &answer);
	pair_expect_digested(&answer);
	assert_int_equal(p->client.update_debt, 0);
	pair_expect_text_both_ways(p);
	update(p, RECORD_UPDATE_BOTH, &first);
	assert_true(first.n_answer > 0);
	pair_free(p);
}

static void there_is_none_over_tls_12_or_after_the_end(void **state)
{
	uint8_t out[RECORD_ANSWER_BYTES];
	struct pair *p = pair_new(pair_kinds[TLS12], 0);

	(void)state;
	assert_int_equal(record_update(&p->client, p->client_crypto, RECORD_UPDATE_BOTH, out), 0);
	pair_expect_text_both_ways(p);
	pair_free(p);
	p = pair_new(pair_kinds[TLS13], 0);
	assert_true(record_close(&p->client, p->client_crypto, out) > 0);
	assert_int_equal(record_update(&p->client, p->client_crypto, RECORD_UPDATE_OURS, out), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_update_of_ours_changes_one_direction),
		cmocka_unit_test(a_key_update_of_both_is_answered),
		cmocka_unit_test(while_the_peer_owes_one_it_is_not_asked_again),
		cmocka_unit_test(there_is_none_over_tls_12_or_after_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
