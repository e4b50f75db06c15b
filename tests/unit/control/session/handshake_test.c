// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/control/session/world.h"
#include "tests/unit/lib/link/honest.h"
#include "tests/unit/test.h"

#include <errno.h>

static unsigned n_bad(const struct world *w)
{
	return (unsigned)sessions_counts(w->sessions).n_bad;
}

static void expect_close(
	const struct world *w, unsigned i, uint64_t conn, enum reason reason, bool abort)
{
	const struct link_message *m = world_said(w, i, LINK_SESSION_CLOSE);

	assert_int_equal(m->session_close.conn, conn);
	assert_int_equal(m->session_close.reason, reason);
	assert_int_equal(m->session_close.abort, abort);
}

static void an_accepted_session_goes_from_record_to_record_until_it_is_established(void **state)
{
	struct world *w = *state;
	const struct link_message *m;

	world_open(w, 7, RECORD_ACCEPTED);
	assert_int_equal(w->n_begun, 1);
	assert_int_equal(w->n_stepped, 0);
	world_show_record(w, 7, 0, 100);
	assert_int_equal(w->stepped, w->begun);
	assert_int_equal(w->n_record, 105);
	world_go_on(w, w->stepped, "hello");
	m = world_said(w, 0, LINK_SESSION_SEND);
	assert_int_equal(m->session_send.conn, 7);
	assert_int_equal(m->session_send.n, 5);
	assert_memory_equal(m->session_send.bytes, "hello", 5);
	assert_int_equal(world_said(w, 1, LINK_SESSION_CONSUMED)->session_consumed.offset, 105);
	world_show_record(w, 7, 105, 50);
	assert_int_equal(w->n_stepped, 2);
	w->now += 20 * MS;
	world_done(w, w->stepped, "finished", 9);
	world_said(w, 2, LINK_SESSION_SEND);
	m = world_said(w, 3, LINK_CARD_ADD);
	assert_int_equal(m->card.card, 9);
	m = world_said(w, 4, LINK_SESSION_ESTABLISHED);
	assert_int_equal(m->session_established.conn, 7);
	assert_int_equal(m->session_established.card, 9);
	assert_int_equal(m->session_established.offset, 160);
	assert_int_equal(w->n_said, 5);
	assert_int_equal(w->n_established, 1);
	assert_int_equal(w->row.suite, RECORD_AES_128_GCM);
	assert_int_equal(w->row.card->n_names, 2);
	assert_int_equal(w->dropped, w->begun);
	assert_true(world_row(w, 7).is_established);
	assert_int_equal(n_bad(w), 0);
}

static void one_that_we_opened_speaks_first(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_OPENED);
	assert_int_equal(w->n_stepped, 0);
	world_go_on(w, w->begun, "client hello");
	world_said(w, 0, LINK_SESSION_SEND);
	// Nothing was shown, so nothing is consumed.
	assert_int_equal(w->n_said, 1);
	world_show_record(w, 7, 0, 10);
	assert_int_equal(w->n_stepped, 1);
	assert_int_equal(n_bad(w), 0);
}

static void a_server_that_speaks_out_of_turn_waits_for_our_first_step(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_OPENED);
	world_show_record(w, 7, 0, 10);
	assert_int_equal(w->n_stepped, 0);
	world_go_on(w, w->begun, "client hello");
	assert_int_equal(w->n_stepped, 1);
	assert_int_equal(w->n_said, 1);
	world_go_on(w, w->begun, "");
	assert_int_equal(world_said(w, 1, LINK_SESSION_CONSUMED)->session_consumed.offset, 15);
	assert_int_equal(n_bad(w), 0);
}

static void slices_make_one_record(void **state)
{
	static uint8_t record[SESSIONS_RECORD_BYTES_MAX] = {22, 3, 3, 0x41, 0};
	struct world *w = *state;
	uint32_t at = 0;

	for (size_t i = 5; i < sizeof(record); i++)
		record[i] = (uint8_t)(i * 7);
	world_open(w, 7, RECORD_ACCEPTED);
	while (at < sizeof(record)) {
		size_t n = sizeof(record) - at < 900 ? sizeof(record) - at : 900;

		assert_int_equal(w->n_stepped, 0);
		world_show(w, 7, at, record + at, n, at + n == sizeof(record));
		at += (uint32_t)n;
	}
	assert_int_equal(w->n_stepped, 1);
	assert_int_equal(w->n_record, sizeof(record));
	assert_memory_equal(w->record, record, sizeof(record));
}

static void a_long_answer_is_sent_in_as_many_messages_as_it_needs(void **state)
{
	static char text[3 * LINK_BYTES_MAX + 2];
	struct world *w = *state;

	memset(text, 'x', sizeof(text) - 1);
	world_open(w, 7, RECORD_ACCEPTED);
	world_show_record(w, 7, 0, 3);
	world_go_on(w, w->stepped, text);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			world_said(w, i, LINK_SESSION_SEND)->session_send.n, LINK_BYTES_MAX);
	assert_int_equal(world_said(w, 3, LINK_SESSION_SEND)->session_send.n, 1);
	world_said(w, 4, LINK_SESSION_CONSUMED);
}

// Whatever the room, the same words in the same order, and each once.
static void what_finds_no_room_is_said_later(void **state)
{
	static char text[2 * LINK_BYTES_MAX];
	static const enum link_type types[] = {
		LINK_SESSION_SEND, LINK_SESSION_SEND, LINK_CARD_ADD, LINK_SESSION_ESTABLISHED};
	struct world *w = *state;

	memset(text, 'x', sizeof(text) - 1);
	for (unsigned room = 0; room < 4; room++) {
		world_open(w, 7 + room, RECORD_ACCEPTED);
		world_show_record(w, 7 + room, 0, 3);
		w->room = room;
		world_done(w, w->stepped, text, 9);
		assert_int_equal(w->n_said, room);
		sessions_tick(w->sessions, w->now);
		assert_int_equal(w->n_said, room);
		assert_int_equal(w->n_established, room);
		w->room = SAID_MAX;
		sessions_tick(w->sessions, w->now);
		assert_int_equal(w->n_said, 4);
		for (unsigned i = 0; i < 4; i++)
			world_said(w, i, types[i]);
		world_forget(w);
	}
	assert_int_equal(n_bad(w), 0);
}

static void a_handshake_that_fails_sends_its_alert_and_is_closed_in_order(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_ACCEPTED);
	world_show_record(w, 7, 0, 3);
	world_fail(w, w->stepped, "alert");
	world_said(w, 0, LINK_SESSION_SEND);
	expect_close(w, 1, 7, REASON_session_refused, false);
	assert_int_equal(w->n_dropped, 1);
	world_end(w, 7, REASON_session_refused, false);
	assert_int_equal(w->n_ended, 1);
	assert_false(w->row.is_established);
	assert_int_equal(world_count(w), 0);
}

static void what_may_not_begin_is_reset_and_has_no_entry(void **state)
{
	struct world *w = *state;

	w->admits = REASON_session_limited;
	world_open(w, 7, RECORD_ACCEPTED);
	expect_close(w, 0, 7, REASON_session_limited, true);
	w->admits = REASON_none;
	w->begins = false;
	world_open(w, 8, RECORD_ACCEPTED);
	expect_close(w, 1, 8, REASON_session_overloaded, true);
	w->begins = true;
	for (unsigned i = 0; i <= N_SHAKING; i++)
		world_open(w, 10 + i, RECORD_ACCEPTED);
	expect_close(w, 2, 10 + N_SHAKING, REASON_session_overloaded, true);
	assert_int_equal(world_count(w), N_SHAKING);
	// Bytes that were on their way, and the end.
	world_show_record(w, 7, 0, 3);
	world_end(w, 7, REASON_session_limited, false);
	assert_int_equal(w->n_said, 3);
	assert_int_equal(n_bad(w), 0);
}

static void a_full_table_takes_no_more(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < N_MAX; i++)
		world_establish(w, 10 + i);
	world_open(w, 99, RECORD_ACCEPTED);
	expect_close(w, 0, 99, REASON_session_overloaded, true);
	world_end(w, 12, REASON_record_peer_closed, true);
	world_establish(w, 99);
	assert_int_equal(world_count(w), N_MAX);
}

static void a_handshake_has_its_time_and_no_more(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_ACCEPTED);
	w->now += SESSIONS_HANDSHAKE_MS * MS - 1;
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_said, 0);
	w->now++;
	sessions_tick(w->sessions, w->now);
	expect_close(w, 0, 7, REASON_session_timed_out, true);
	assert_int_equal(w->n_dropped, 1);
	sessions_tick(w->sessions, w->now + 1000000 * MS);
	assert_int_equal(w->n_said, 1);
	// What the worker said before it heard.
	world_show_record(w, 7, 0, 3);
	world_end(w, 7, REASON_session_timed_out, false);
	assert_int_equal(world_count(w), 0);
	assert_int_equal(n_bad(w), 0);
}

static void one_that_comes_before_we_are_ready_waits(void **state)
{
	struct world *w = *state;

	w->unready = true;
	world_open(w, 7, RECORD_ACCEPTED);
	world_open(w, 8, RECORD_OPENED);
	world_show_record(w, 7, 0, 100);
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_begun, 0);
	assert_string_equal(world_row(w, 7).state, "waits for our certificates");
	w->unready = false;
	// It has its place behind them.
	world_open(w, 9, RECORD_ACCEPTED);
	assert_int_equal(w->n_begun, 0);
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_begun, 3);
	assert_int_equal(w->n_stepped, 1);
	assert_int_equal(w->n_record, 105);
	world_go_on(w, w->stepped, "hello");
	world_said(w, 0, LINK_SESSION_SEND);
	assert_int_equal(world_said(w, 1, LINK_SESSION_CONSUMED)->session_consumed.offset, 105);
	world_open(w, 10, RECORD_ACCEPTED);
	assert_int_equal(w->n_begun, 4);
	assert_int_equal(n_bad(w), 0);
}

static void one_that_waits_has_its_time_and_no_more(void **state)
{
	struct world *w = *state;

	w->unready = true;
	world_open(w, 7, RECORD_ACCEPTED);
	w->now += SESSIONS_HANDSHAKE_MS * MS - 1;
	world_open(w, 8, RECORD_ACCEPTED);
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_said, 0);
	w->now += 1;
	sessions_tick(w->sessions, w->now);
	expect_close(w, 0, 7, REASON_session_unprepared, true);
	assert_int_equal(w->n_said, 1);
	// Nor does it get any more when we are.
	w->unready = false;
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_begun, 1);
	w->now += SESSIONS_HANDSHAKE_MS * MS - 1;
	sessions_tick(w->sessions, w->now);
	expect_close(w, 1, 8, REASON_session_timed_out, true);
	assert_int_equal(n_bad(w), 0);
}

static void no_more_wait_than_may_shake_hands(void **state)
{
	struct world *w = *state;

	w->unready = true;
	for (unsigned i = 0; i < N_SHAKING; i++)
		world_open(w, 10 + i, RECORD_ACCEPTED);
	assert_int_equal(w->n_said, 0);
	world_open(w, 10 + N_SHAKING, RECORD_ACCEPTED);
	expect_close(w, 0, 10 + N_SHAKING, REASON_session_overloaded, true);
}

static void one_that_waited_may_still_be_refused(void **state)
{
	struct world *w = *state;

	w->unready = true;
	world_open(w, 7, RECORD_ACCEPTED);
	w->unready = false;
	w->admits = REASON_session_limited;
	sessions_tick(w->sessions, w->now);
	expect_close(w, 0, 7, REASON_session_limited, true);
	world_end(w, 7, REASON_session_limited, false);
	assert_null(world_row(w, 7).state);
	assert_int_equal(n_bad(w), 0);
}

static void an_orderly_close_that_takes_too_long_becomes_a_reset(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_ACCEPTED);
	world_show_record(w, 7, 0, 3);
	world_fail(w, w->stepped, "");
	expect_close(w, 0, 7, REASON_session_refused, false);
	w->now += SESSIONS_CLOSE_MS * MS;
	sessions_tick(w->sessions, w->now);
	expect_close(w, 1, 7, REASON_session_refused, true);
	w->now += 1000 * SESSIONS_CLOSE_MS * MS;
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_said, 2);
}

static void a_result_that_comes_too_late_is_ignored(void **state)
{
	struct world *w = *state;
	uint64_t late;

	world_open(w, 7, RECORD_ACCEPTED);
	world_show_record(w, 7, 0, 3);
	late = w->stepped;
	world_end(w, 7, REASON_tcp_reset, false);
	world_open(w, 7, RECORD_ACCEPTED);
	world_done(w, late, "", 9);
	assert_int_equal(w->n_said, 0);
	world_show_record(w, 7, 0, 3);
	assert_int_not_equal(w->stepped, late);
	world_done(w, late, "", 9);
	world_fail(w, UINT64_MAX, "");
	assert_int_equal(w->n_said, 0);
	world_done(w, w->stepped, "", 9);
	assert_int_equal(w->n_established, 1);
}

static void bytes_that_do_not_follow_cost_their_session(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_ACCEPTED);
	world_show(w, 7, 1, "\x16\3\3", 3, false);
	expect_close(w, 0, 7, REASON_session_misled, true);
	// Another record, though the first one is not consumed.
	world_open(w, 8, RECORD_ACCEPTED);
	world_show_record(w, 8, 0, 3);
	world_show_record(w, 8, 8, 3);
	expect_close(w, 1, 8, REASON_session_misled, true);
	// Of one that is established: it is the worker's.
	world_establish(w, 9);
	world_show_record(w, 9, 8, 3);
	expect_close(w, 0, 9, REASON_session_misled, true);
	assert_int_equal(n_bad(w), 3);
}

static void what_is_no_record_is_not_given_to_the_handshake(void **state)
{
	struct world *w = *state;

	// Longer than any; longer and shorter than it says; no header.
	world_open(w, 1, RECORD_ACCEPTED);
	world_show(w, 1, 0, "\x16\3\3\x41\1", 5, false);
	expect_close(w, 0, 1, REASON_session_bad_record, true);
	world_open(w, 2, RECORD_ACCEPTED);
	world_show(w, 2, 0, "\x16\3\3\0\1xy", 7, false);
	expect_close(w, 1, 2, REASON_session_bad_record, true);
	world_open(w, 3, RECORD_ACCEPTED);
	world_show(w, 3, 0, "\x16\3\3\0\2x", 6, true);
	expect_close(w, 2, 3, REASON_session_bad_record, true);
	world_open(w, 4, RECORD_ACCEPTED);
	world_show(w, 4, 0, "GET", 3, true);
	expect_close(w, 3, 4, REASON_session_bad_record, true);
	assert_int_equal(w->n_stepped, 0);
}

static void a_handshake_of_too_many_bytes_ends(void **state)
{
	struct world *w = *state;
	uint32_t offset = 0;

	world_open(w, 7, RECORD_ACCEPTED);
	for (; offset + 905 <= SESSIONS_SHOWN_BYTES_MAX; offset += 905) {
		world_show_record(w, 7, offset, 900);
		world_go_on(w, w->stepped, "");
	}
	world_forget(w);
	world_show_record(w, 7, offset, 900);
	expect_close(w, 0, 7, REASON_session_too_long, true);
}

static void a_session_is_opened_once(void **state)
{
	struct world *w = *state;

	world_open(w, 7, RECORD_ACCEPTED);
	world_open(w, 7, RECORD_OPENED);
	assert_int_equal(w->n_begun, 1);
	assert_int_equal(n_bad(w), 1);
	world_establish(w, 8);
	world_open(w, 8, RECORD_ACCEPTED);
	assert_int_equal(n_bad(w), 2);
	assert_true(world_row(w, 8).is_established);
}

static void a_peer_without_a_certificate_has_no_card(void **state)
{
	struct world *w = *state;
	struct record_secrets secrets;
	struct session_result r = {.outcome = SESSION_DONE, .secrets = &secrets};

	honest_secrets(&secrets);
	world_open(w, 7, RECORD_ACCEPTED);
	world_show_record(w, 7, 0, 3);
	r.id = w->stepped;
	sessions_take(w->sessions, &r, w->now);
	assert_int_equal(world_said(w, 0, LINK_SESSION_ESTABLISHED)->session_established.card, 0);
	assert_null(w->row.card);
	sessions_refresh(w->sessions, w->now);
	world_list(w, 7, 0);
	world_end_list(w, 1, false);
	assert_true(sessions_are_known(w->sessions));
	assert_true(world_row(w, 7).is_established);
	assert_int_equal(world_row(w, 7).n_received, 5);
	assert_int_equal(n_bad(w), 0);
}

static void two_cards_of_one_name_are_none(void **state)
{
	struct world *w = *state;
	struct record_secrets secrets = {0};
	struct card card;
	struct session_result r = {.outcome = SESSION_DONE, .card = 9, .is = &card};

	world_establish(w, 7);
	world_open(w, 8, RECORD_ACCEPTED);
	world_show_record(w, 8, 0, 3);
	card_init(&card, NULL, VIEW("CN=other"), VIEW_NONE, VIEW_NONE);
	r.id = w->stepped;
	r.secrets = &secrets;
	sessions_take(w->sessions, &r, w->now);
	expect_close(w, 0, 8, REASON_session_overloaded, true);
	assert_int_equal(w->n_established, 1);
}

static void an_end_says_why_and_by_which_alert(void **state)
{
	struct world *w = *state;
	struct link_message m;

	world_establish(w, 7);
	w->now += 1234 * MS;
	link_message_init(&m, LINK_SESSION_ENDED);
	m.session_ended.conn = 7;
	m.session_ended.reason = REASON_record_peer_alert;
	m.session_ended.alert = RECORD_ALERT_bad_certificate;
	m.session_ended.was_established = 1;
	world_hear(w, &m);
	assert_int_equal(w->n_ended, 1);
	assert_int_equal(w->reason, REASON_record_peer_alert);
	assert_int_equal(w->alert, RECORD_ALERT_bad_certificate);
	assert_int_equal(w->row.age_ms, 1234);
	assert_non_null(w->row.card);
	assert_int_equal(world_count(w), 0);
	world_hear(w, &m);
	assert_int_equal(w->n_ended, 1);
}

static void an_attachment_that_ends_takes_all_sessions_with_it(void **state)
{
	struct world *w = *state;

	world_establish(w, 7);
	world_open(w, 8, RECORD_ACCEPTED);
	world_show_record(w, 8, 0, 3);
	sessions_attached(w->sessions, 0, w->now);
	assert_int_equal(world_count(w), 0);
	assert_int_equal(w->n_dropped, 2);
	world_done(w, w->stepped, "", 9);
	world_open(w, 9, RECORD_ACCEPTED);
	assert_int_equal(w->n_said, 0);
	assert_int_equal(w->n_begun, 2);
}

static void sizes_that_make_no_table_are_refused(void **state)
{
	static const struct sessions_host host;
	struct sessions_config config = {0, 1, 0};

	(void)state;
	assert_null(sessions_new(&config, &host, NULL));
	assert_int_equal(errno, EINVAL);
	config = (struct sessions_config){1, 0, 0};
	assert_null(sessions_new(&config, &host, NULL));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_accepted_session_goes_from_record_to_record_until_it_is_established),
		CASE(one_that_we_opened_speaks_first),
		CASE(a_server_that_speaks_out_of_turn_waits_for_our_first_step),
		CASE(slices_make_one_record),
		CASE(a_long_answer_is_sent_in_as_many_messages_as_it_needs),
		CASE(what_finds_no_room_is_said_later),
		CASE(a_handshake_that_fails_sends_its_alert_and_is_closed_in_order),
		CASE(what_may_not_begin_is_reset_and_has_no_entry),
		CASE(a_full_table_takes_no_more),
		CASE(a_handshake_has_its_time_and_no_more),
		CASE(one_that_comes_before_we_are_ready_waits),
		CASE(one_that_waits_has_its_time_and_no_more),
		CASE(no_more_wait_than_may_shake_hands),
		CASE(one_that_waited_may_still_be_refused),
		CASE(an_orderly_close_that_takes_too_long_becomes_a_reset),
		CASE(a_result_that_comes_too_late_is_ignored),
		CASE(bytes_that_do_not_follow_cost_their_session),
		CASE(what_is_no_record_is_not_given_to_the_handshake),
		CASE(a_handshake_of_too_many_bytes_ends),
		CASE(a_session_is_opened_once),
		CASE(a_peer_without_a_certificate_has_no_card),
		CASE(two_cards_of_one_name_are_none),
		CASE(an_end_says_why_and_by_which_alert),
		CASE(an_attachment_that_ends_takes_all_sessions_with_it),
		cmocka_unit_test(sizes_that_make_no_table_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
