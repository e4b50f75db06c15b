// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/control/session/world.h"
#include "tests/unit/lib/link/honest.h"
#include "tests/unit/test.h"

static unsigned n_bad(const struct world *w)
{
	return (unsigned)sessions_counts(w->sessions).n_bad;
}

static void attach(struct world *w, unsigned n_workers)
{
	sessions_attached(w->sessions, n_workers, w->now);
	assert_false(sessions_are_known(w->sessions));
}

static void a_control_that_has_attached_learns_sessions_and_cards(void **state)
{
	struct world *w = *state;
	struct session_row row;

	attach(w, 1);
	assert_int_equal(world_said(w, 0, LINK_SESSIONS_WANTED)->sessions_wanted.cursor, 0);
	world_list(w, 7, 9);
	world_list(w, 8, 9);
	world_end_list(w, 64, true);
	assert_int_equal(world_said(w, 1, LINK_SESSIONS_WANTED)->sessions_wanted.cursor, 64);
	world_list(w, 10, 5);
	world_end_list(w, 65, false);
	// Each card is asked for once.
	assert_int_equal(world_said(w, 2, LINK_CARD_WANTED)->card_wanted.card, 9);
	assert_int_equal(world_said(w, 3, LINK_CARD_WANTED)->card_wanted.card, 5);
	assert_int_equal(w->n_said, 4);
	world_tell_card(w, 9);
	assert_false(sessions_are_known(w->sessions));
	world_tell_card(w, 5);
	assert_true(sessions_are_known(w->sessions));
	row = world_row(w, 8);
	assert_string_equal(row.state, "established");
	assert_true(row.is_established);
	assert_int_equal(row.age_ms, 400);
	assert_int_equal(row.n_received, 5);
	assert_int_equal(row.version, RECORD_TLS13);
	assert_int_equal(row.card->n_names, 2);
	assert_int_equal(sessions_counts(w->sessions).n_established, 3);
	assert_int_equal(n_bad(w), 0);
}

static void one_without_a_card_is_known_at_once(void **state)
{
	struct world *w = *state;

	attach(w, 1);
	world_list(w, 7, 0);
	world_end_list(w, 1, false);
	assert_true(sessions_are_known(w->sessions));
	assert_int_equal(w->n_said, 1);
	assert_int_equal(sessions_counts(w->sessions).n_established, 1);
}

static void every_worker_is_asked_for_its_own(void **state)
{
	struct world *w = *state;
	struct link_message m;

	attach(w, 2);
	assert_int_equal(w->n_said, 2);
	assert_int_equal(w->said_to[0], 0);
	assert_int_equal(w->said_to[1], 1);
	world_list(w, 7, 9);
	world_end_list(w, 1, false);
	honest_message(&m, LINK_SESSION_IS);
	m.session_is.conn = 7;
	world_hear_from(w, 1, &m);
	assert_int_equal(world_count(w), 2);
	honest_message(&m, LINK_SESSIONS_END);
	world_hear_from(w, 1, &m);
	world_tell_card(w, 9);
	assert_true(sessions_are_known(w->sessions));
	assert_int_equal(n_bad(w), 0);
}

static void what_is_not_answered_is_asked_again(void **state)
{
	struct world *w = *state;

	w->room = 0;
	attach(w, 1);
	w->room = SAID_MAX;
	sessions_tick(w->sessions, w->now);
	world_said(w, 0, LINK_SESSIONS_WANTED);
	w->now += SESSIONS_ASK_AGAIN_MS * MS - 1;
	sessions_tick(w->sessions, w->now);
	assert_int_equal(w->n_said, 1);
	w->now++;
	sessions_tick(w->sessions, w->now);
	world_said(w, 1, LINK_SESSIONS_WANTED);
	world_list(w, 7, 9);
	world_end_list(w, 1, false);
	world_said(w, 2, LINK_CARD_WANTED);
	w->now += SESSIONS_ASK_AGAIN_MS * MS;
	sessions_tick(w->sessions, w->now);
	world_said(w, 3, LINK_CARD_WANTED);
	assert_int_equal(w->n_said, 4);
}

static void a_session_whose_card_is_not_told_is_closed(void **state)
{
	struct world *w = *state;
	const struct link_message *m;

	attach(w, 1);
	world_list(w, 7, 9);
	world_end_list(w, 1, false);
	w->now += SESSIONS_CARD_MS * MS;
	world_forget(w);
	sessions_tick(w->sessions, w->now);
	m = world_said(w, 0, LINK_SESSION_CLOSE);
	assert_int_equal(m->session_close.reason, REASON_session_card_unknown);
	assert_int_equal(m->session_close.abort, 0);
	// Nobody asks for it any more, and the rest is known.
	assert_int_equal(w->n_said, 1);
	assert_true(sessions_are_known(w->sessions));
	world_tell_card(w, 9);
	world_end(w, 7, REASON_session_card_unknown, true);
	assert_int_equal(world_count(w), 0);
	assert_int_equal(n_bad(w), 0);
}

static void sessions_whose_identity_is_revoked_meanwhile_are_closed(void **state)
{
	struct world *w = *state;
	const struct link_message *m;

	attach(w, 1);
	w->judges = REASON_session_revoked;
	world_list(w, 7, 9);
	world_list(w, 8, 9);
	world_list(w, 6, 0); // has no identity
	world_end_list(w, 3, false);
	world_forget(w);
	world_tell_card(w, 9);
	assert_int_equal(w->n_said, 2);
	for (unsigned i = 0; i < 2; i++) {
		m = world_said(w, i, LINK_SESSION_CLOSE);
		assert_int_equal(m->session_close.conn, 7 + i);
		assert_int_equal(m->session_close.reason, REASON_session_revoked);
		assert_int_equal(m->session_close.abort, 0);
	}
	// And one that is listed when its card is known already.
	sessions_refresh(w->sessions, w->now);
	world_list(w, 10, 9);
	m = world_said(w, w->n_said - 1, LINK_SESSION_CLOSE);
	assert_int_equal(m->session_close.conn, 10);
	assert_int_equal(sessions_counts(w->sessions).n_established, 1);
	assert_int_equal(n_bad(w), 0);
}

static void sessions_that_nobody_asked_for_are_not_believed(void **state)
{
	struct world *w = *state;

	world_list(w, 7, 9);
	assert_int_equal(world_count(w), 0);
	world_end_list(w, 0, true);
	world_tell_card(w, 9);
	assert_int_equal(w->n_said, 0);
	assert_int_equal(n_bad(w), 2);
}

static void a_listing_that_never_ends_is_ended(void **state)
{
	struct world *w = *state;

	attach(w, 1);
	for (unsigned i = 0; i <= N_MAX; i++) {
		assert_false(sessions_are_known(w->sessions));
		world_end_list(w, i, true);
	}
	assert_true(sessions_are_known(w->sessions));
	assert_int_equal(w->n_said, 1 + N_MAX);
}

static void two_stories_about_one_session_are_counted(void **state)
{
	struct world *w = *state;

	world_open(w, 6, RECORD_ACCEPTED);
	world_establish(w, 7);
	sessions_refresh(w->sessions, w->now);
	world_list(w, 6, 9); // shakes hands
	world_list(w, 7, 8); // has another card
	assert_int_equal(n_bad(w), 2);
	assert_int_equal(world_row(w, 7).card_name, 9);
	assert_int_equal(world_row(w, 7).n_received, 0);
	world_list(w, 7, 9);
	assert_int_equal(world_row(w, 7).n_received, 5);
	assert_int_equal(n_bad(w), 2);
}

static void more_sessions_than_fit_are_left_to_their_worker(void **state)
{
	struct world *w = *state;

	attach(w, 1);
	for (unsigned i = 0; i < N_MAX + 2; i++)
		world_list(w, 10 + i, 9);
	world_end_list(w, 0, false);
	assert_int_equal(world_count(w), N_MAX);
	assert_int_equal(n_bad(w), 2);
	world_tell_card(w, 9);
	assert_true(sessions_are_known(w->sessions));
}

static void a_refresh_brings_counts_up_to_date(void **state)
{
	struct world *w = *state;

	world_establish(w, 7);
	sessions_refresh(w->sessions, w->now);
	assert_false(sessions_are_known(w->sessions));
	world_said(w, 0, LINK_SESSIONS_WANTED);
	world_list(w, 7, 9);
	world_end_list(w, 1, false);
	assert_true(sessions_are_known(w->sessions));
	assert_int_equal(world_row(w, 7).n_received, 5);
	assert_int_equal(world_count(w), 1);
}

static bool proves(void *arg, const struct card *card)
{
	return card_proves(card, view_string(arg));
}

static void sessions_are_cut_by_what_their_card_says(void **state)
{
	struct world *w = *state;
	char other[] = "other.example", fabrikam[] = "fabrikam.example";

	world_establish(w, 7);
	world_establish(w, 8);
	world_open(w, 9, RECORD_ACCEPTED);
	assert_int_equal(
		sessions_cut(w->sessions, proves, other, REASON_session_revoked, w->now), 0);
	assert_int_equal(
		sessions_cut(w->sessions, proves, fabrikam, REASON_session_revoked, w->now), 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct link_message *m = world_said(w, i, LINK_SESSION_CLOSE);

		assert_int_equal(m->session_close.conn, 7 + i);
		assert_int_equal(m->session_close.reason, REASON_session_revoked);
		assert_int_equal(m->session_close.abort, 0);
	}
	assert_string_equal(world_row(w, 7).state, "closes");
	// Once.
	assert_int_equal(
		sessions_cut(w->sessions, proves, fabrikam, REASON_session_revoked, w->now), 0);
	world_end(w, 7, REASON_session_revoked, true);
	world_end(w, 8, REASON_session_revoked, true);
	assert_int_equal(world_count(w), 1);
	assert_int_equal(n_bad(w), 0);
}

static void one_that_is_to_be_told_established_can_still_be_cut(void **state)
{
	struct world *w = *state;
	char fabrikam[] = "fabrikam.example";

	world_open(w, 7, RECORD_ACCEPTED);
	world_show_record(w, 7, 0, 3);
	w->room = 0;
	world_done(w, w->stepped, "", 9);
	assert_int_equal(
		sessions_cut(w->sessions, proves, fabrikam, REASON_session_revoked, w->now), 1);
	w->room = SAID_MAX;
	sessions_tick(w->sessions, w->now);
	world_said(w, 0, LINK_SESSION_CLOSE);
	assert_int_equal(w->n_said, 1);
	assert_int_equal(w->n_established, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_control_that_has_attached_learns_sessions_and_cards),
		CASE(one_without_a_card_is_known_at_once),
		CASE(every_worker_is_asked_for_its_own),
		CASE(what_is_not_answered_is_asked_again),
		CASE(a_session_whose_card_is_not_told_is_closed),
		CASE(sessions_whose_identity_is_revoked_meanwhile_are_closed),
		CASE(sessions_that_nobody_asked_for_are_not_believed),
		CASE(a_listing_that_never_ends_is_ended),
		CASE(two_stories_about_one_session_are_counted),
		CASE(more_sessions_than_fit_are_left_to_their_worker),
		CASE(a_refresh_brings_counts_up_to_date),
		CASE(sessions_are_cut_by_what_their_card_says),
		CASE(one_that_is_to_be_told_established_can_still_be_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
