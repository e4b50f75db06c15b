// SPDX-License-Identifier: BSD-3-Clause
// What comes besides data and alerts: tickets, KeyUpdate, renegotiation.

#include "lib/record/inner.h"
#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

#define TLS12 0
#define TLS13 3

static void only_what_may_come_after_a_handshake_is_taken(void **state)
{
	struct record_opened opened;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		const uint8_t text[4] = {(uint8_t)type, 0, 0, 0};
		// The right type, but not with this length.
		bool short13 = type == 24, short_client = type == 4;

		pair_try(TLS13, true, 22, text, 4, &opened);
		if (short13 || short_client)
			pair_expect_refused(
				&opened, REASON_record_malformed, RECORD_ALERT_decode_error);
		else
			pair_expect_refused(
				&opened, REASON_record_unexpected, RECORD_ALERT_unexpected_message);
		pair_try(TLS13, false, 22, text, 4, &opened);
		assert_int_equal(opened.reason,
			short13 ? REASON_record_malformed : REASON_record_unexpected);
		pair_try(TLS12, true, 22, text, 4, &opened);
		assert_int_equal(opened.kind, type == 0 ? RECORD_DIGESTED : RECORD_REFUSED);
		pair_try(TLS12, false, 22, text, 4, &opened);
		assert_int_equal(opened.kind, type == 1 ? RECORD_DIGESTED : RECORD_REFUSED);
	}
}

#define TICKET_BYTES 90

static void make_ticket(uint8_t *ticket)
{
	memset(ticket, 7, TICKET_BYTES);
	ticket[0] = 4;
	ticket[1] = 0;
	ticket[2] = 0;
	ticket[3] = TICKET_BYTES - 4;
}

static void tickets_are_dropped_wherever_records_cut_them(void **state)
{
	uint8_t tickets[2 * TICKET_BYTES];
	struct record_opened opened;

	(void)state;
	make_ticket(tickets);
	make_ticket(tickets + TICKET_BYTES);
	for (unsigned kind = TLS13; kind < PAIR_KINDS; kind++) {
		for (size_t cut = 1; cut < sizeof(tickets); cut++) {
			struct pair *p = pair_new(pair_kinds[kind], 0);

			pair_send_to_client(p, 22, tickets, cut, &opened);
			pair_expect_digested(&opened);
			pair_send_to_client(p, 22, tickets + cut, sizeof(tickets) - cut, &opened);
			pair_expect_digested(&opened);
			pair_expect_text_both_ways(p);
			pair_free(p);
		}
	}
}

static void the_smallest_and_the_largest_ticket_are_taken(void **state)
{
	static uint8_t piece[RECORD_TEXT_BYTES_MAX];
	uint8_t head[4 + 14] = {4, 0, 0, 14};
	struct record_opened opened;
	struct pair *p = pair_new(pair_kinds[TLS13], 0);
	size_t left = 131337;

	(void)state;
	pair_send_to_client(p, 22, head, sizeof(head), &opened);
	pair_expect_digested(&opened);
	head[1] = (uint8_t)(left >> 16);
	head[2] = (uint8_t)(left >> 8);
	head[3] = (uint8_t)left;
	pair_send_to_client(p, 22, head, 4, &opened);
	for (; left > 0; left -= left < sizeof(piece) ? left : sizeof(piece)) {
		pair_expect_digested(&opened);
		pair_send_to_client(
			p, 22, piece, left < sizeof(piece) ? left : sizeof(piece), &opened);
	}
	pair_expect_digested(&opened);
	pair_expect_text_both_ways(p);
	pair_free(p);
}

static void a_ticket_too_short_or_too_long_is_refused(void **state)
{
	static const uint8_t bad[2][4] = {{4, 0, 0, 13}, {4, 2, 1, 10}};
	struct record_opened opened;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		pair_try(TLS13, true, 22, bad[i], 4, &opened);
		pair_expect_refused(&opened, REASON_record_malformed, RECORD_ALERT_decode_error);
	}
}

static void nothing_may_come_between_the_pieces_of_a_message(void **state)
{
	static const uint8_t close[2] = {1, 0};
	uint8_t ticket[TICKET_BYTES];
	struct record_opened opened;

	(void)state;
	make_ticket(ticket);
	for (unsigned i = 0; i < 4; i++) {
		struct pair *p = pair_new(pair_kinds[TLS13], 0);

		pair_send_to_client(p, 22, ticket, i % 2 == 0 ? 2 : 50, &opened);
		pair_expect_digested(&opened);
		if (i < 2)
			pair_send_to_client(p, 23, "data", 4, &opened);
		else
			pair_send_to_client(p, 21, close, 2, &opened);
		pair_expect_refused(
			&opened, REASON_record_unexpected, RECORD_ALERT_unexpected_message);
		pair_free(p);
	}
}

static void records_without_data_are_bounded(void **state)
{
	static const uint8_t warning[2] = {1, 90};
	uint8_t ticket[TICKET_BYTES];
	struct record_opened opened;

	(void)state;
	make_ticket(ticket);
	for (unsigned what = 0; what < 2; what++) {
		const void *text = what == 0 ? ticket : warning;
		size_t n = what == 0 ? TICKET_BYTES : 2;
		struct pair *p = pair_new(pair_kinds[TLS13], 0);

		for (unsigned i = 0; i < RECORD_BARREN_MAX; i++) {
			pair_send_to_client(p, what == 0 ? 22 : 21, text, n, &opened);
			pair_expect_digested(&opened);
		}
		pair_send_to_client(p, what == 0 ? 22 : 21, text, n, &opened);
		pair_expect_refused(&opened, REASON_record_barren, RECORD_ALERT_unexpected_message);
		pair_free(p);
	}
}

// The server sends its KeyUpdate, and goes on under the next keys.
static void update_server(struct pair *p, bool asks, struct record_opened *opened)
{
	uint8_t record[RECORD_ANSWER_BYTES];
	size_t n = record_seal_key_update(&p->server, p->server_crypto, asks, record);

	pair_open(&p->client, p->client_crypto, record, n, p->text, opened);
}

static void a_key_update_changes_the_keys_of_one_direction(void **state)
{
	(void)state;
	for (unsigned kind = TLS13; kind < PAIR_KINDS; kind++) {
		struct pair *p = pair_new(pair_kinds[kind], 0);
		uint64_t send = p->client.send.key_id, receive = p->client.receive.key_id;
		struct record_opened opened;

		update_server(p, false, &opened);
		pair_expect_digested(&opened);
		assert_true(p->client.receive.key_id != receive);
		assert_int_equal(p->client.receive.sequence, 0);
		assert_int_equal(p->client.send.key_id, send);
		pair_expect_text_both_ways(p);
		pair_free(p);
	}
}

static void a_key_update_that_asks_is_answered_under_the_old_key(void **state)
{
	(void)state;
	for (unsigned kind = TLS13; kind < PAIR_KINDS; kind++) {
		struct pair *p = pair_new(pair_kinds[kind], 0);
		struct record_opened opened, answered;

		for (unsigned round = 0; round < 3; round++) {
			update_server(p, true, &opened);
			assert_int_equal(opened.n_answer, RECORD_KEY_UPDATE_BYTES);
			pair_open(&p->server, p->server_crypto, opened.answer, opened.n_answer,
				p->text, &answered);
			pair_expect_digested(&answered); // it asks for nothing
			pair_expect_text_both_ways(p);
		}
		pair_free(p);
	}
}

static void it_is_answered_once_until_data_was_sent(void **state)
{
	struct pair *p = pair_new(pair_kinds[TLS13], 0);
	struct record_opened opened, answered;

	(void)state;
	update_server(p, true, &opened);
	assert_int_equal(opened.n_answer, RECORD_KEY_UPDATE_BYTES);
	pair_open(&p->server, p->server_crypto, opened.answer, opened.n_answer, p->text, &answered);
	for (unsigned i = 0; i < 10; i++) {
		update_server(p, true, &opened);
		pair_expect_digested(&opened);
	}
	pair_expect_text_both_ways(p);
	update_server(p, true, &opened);
	assert_int_equal(opened.n_answer, RECORD_KEY_UPDATE_BYTES);
	pair_free(p);
}

static void key_updates_are_paid_for_by_data(void **state)
{
	const unsigned in_a_row = RECORD_UPDATE_DEBT_MAX / RECORD_UPDATE_PRICE;
	struct pair *p = pair_new(pair_kinds[TLS13], 0);
	struct record_opened opened;

	(void)state;
	for (unsigned i = 0; i < in_a_row; i++) {
		update_server(p, false, &opened);
		pair_expect_digested(&opened);
	}
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < RECORD_UPDATE_PRICE; i++)
			pair_expect_text_both_ways(p);
		update_server(p, false, &opened);
		pair_expect_digested(&opened);
	}
	// An empty record is no data.
	for (unsigned i = 0; i < RECORD_UPDATE_PRICE; i++)
		pair_send_to_client(p, 23, "", 0, &opened);
	update_server(p, false, &opened);
	pair_expect_refused(&opened, REASON_record_barren, RECORD_ALERT_unexpected_message);
	pair_free(p);
}

static void a_key_update_after_our_close_is_not_answered(void **state)
{
	struct pair *p = pair_new(pair_kinds[TLS13], 0);
	struct record_opened opened;

	(void)state;
	assert_true(record_close(&p->client, p->client_crypto, p->sealed) > 0);
	update_server(p, true, &opened);
	pair_expect_digested(&opened);
	pair_free(p);
}

static void a_key_update_cut_in_two_is_taken(void **state)
{
	static const uint8_t update[5] = {24, 0, 0, 1, 0};
	struct record_opened opened;

	(void)state;
	for (size_t cut = 1; cut < 5; cut++) {
		struct pair *p = pair_new(pair_kinds[TLS13], 0);

		pair_send_to_client(p, 22, update, cut, &opened);
		pair_expect_digested(&opened);
		pair_send_to_client(p, 22, update + cut, 5 - cut, &opened);
		pair_expect_digested(&opened);
		assert_int_equal(p->client.receive.sequence, 0);
		pair_free(p);
	}
}

static void a_key_update_that_is_malformed_is_refused(void **state)
{
	static const uint8_t value[5] = {24, 0, 0, 1, 2}, length[6] = {24, 0, 0, 2, 0, 0};
	static const uint8_t behind[6] = {24, 0, 0, 1, 0, 24};
	struct record_opened opened;

	(void)state;
	pair_try(TLS13, true, 22, value, sizeof(value), &opened);
	pair_expect_refused(&opened, REASON_record_malformed, RECORD_ALERT_illegal_parameter);
	pair_try(TLS13, false, 22, length, sizeof(length), &opened);
	pair_expect_refused(&opened, REASON_record_malformed, RECORD_ALERT_decode_error);
	pair_try(TLS13, false, 22, behind, sizeof(behind), &opened);
	pair_expect_refused(&opened, REASON_record_unexpected, RECORD_ALERT_unexpected_message);
}

// What the other side of a TLS 1.2 session reads of an answer: the warning no_renegotiation, which
// the session survives.
static void expect_declined(struct record_session *peer, struct record_crypto *c,
	const struct record_opened *opened, uint8_t *text)
{
	struct record_opened seen;

	assert_int_equal(opened->kind, RECORD_DIGESTED);
	assert_true(opened->n_answer > 0);
	pair_open(peer, c, opened->answer, opened->n_answer, text, &seen);
	pair_expect_digested(&seen);
	assert_int_equal(text[0], RECORD_WARNING);
	assert_int_equal(text[1], RECORD_ALERT_no_renegotiation);
}

static void renegotiation_is_declined_and_the_session_goes_on(void **state)
{
	static const uint8_t request[8] = {0}, hello[4 + 300] = {1, 0, 1, 44};
	struct record_opened opened;

	(void)state;
	for (unsigned kind = TLS12; kind < TLS13; kind++) {
		struct pair *p = pair_new(pair_kinds[kind], 0);

		p->server.explicit_nonce += 1000;                // apart from those that are forged
		pair_send_to_client(p, 22, request, 8, &opened); // two of them, one answer
		expect_declined(&p->server, p->server_crypto, &opened, p->text);
		pair_send_to_server(p, 22, hello, 100, &opened);
		pair_expect_digested(&opened);
		pair_send_to_server(p, 22, hello + 100, sizeof(hello) - 100, &opened);
		expect_declined(&p->client, p->client_crypto, &opened, p->text);
		pair_expect_text_both_ways(p);
		pair_free(p);
	}
}

static void a_refusal_behind_a_wish_to_renegotiate_is_read_by_the_peer(void **state)
{
	static const uint8_t hello_and_finished[4 + 6 + 4] = {
		1, 0, 0, 6, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0};
	struct pair *p = pair_new(pair_kinds[TLS12], 0);
	struct record_opened opened, seen;

	(void)state;
	pair_send_to_server(p, 22, hello_and_finished, sizeof(hello_and_finished), &opened);
	pair_expect_refused(&opened, REASON_record_unexpected, RECORD_ALERT_unexpected_message);
	pair_open(&p->client, p->client_crypto, opened.answer, opened.n_answer, p->text, &seen);
	assert_int_equal(seen.kind, RECORD_PEER_FAILED);
	assert_int_equal(seen.alert, RECORD_ALERT_unexpected_message);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_may_come_after_a_handshake_is_taken),
		cmocka_unit_test(tickets_are_dropped_wherever_records_cut_them),
		cmocka_unit_test(the_smallest_and_the_largest_ticket_are_taken),
		cmocka_unit_test(a_ticket_too_short_or_too_long_is_refused),
		cmocka_unit_test(nothing_may_come_between_the_pieces_of_a_message),
		cmocka_unit_test(records_without_data_are_bounded),
		cmocka_unit_test(a_key_update_changes_the_keys_of_one_direction),
		cmocka_unit_test(a_key_update_that_asks_is_answered_under_the_old_key),
		cmocka_unit_test(it_is_answered_once_until_data_was_sent),
		cmocka_unit_test(key_updates_are_paid_for_by_data),
		cmocka_unit_test(a_key_update_after_our_close_is_not_answered),
		cmocka_unit_test(a_key_update_cut_in_two_is_taken),
		cmocka_unit_test(a_key_update_that_is_malformed_is_refused),
		cmocka_unit_test(renegotiation_is_declined_and_the_session_goes_on),
		cmocka_unit_test(a_refusal_behind_a_wish_to_renegotiate_is_read_by_the_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
