// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/peer.h"

#include <errno.h>

static struct peer p;
static struct peer_out out;

static int setup(void **state)
{
	(void)state;
	peer_begin(&p, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peer_end(&p);
	return 0;
}

static void abort_all(tcp_conn_id id)
{
	tcp_abort(p.t, id, REASON_tcp_aborted);
	peer_drain(&p);
}

static void a_syn_is_answered_and_its_ack_opens(void **state)
{
	tcp_conn_id id = peer_connect(&p);

	(void)state;
	assert_int_equal(peer_state(&p, id), TCP_STATE_ESTABLISHED);
	abort_all(id);
}

static void options_are_agreed_only_where_the_syn_has_them(void **state)
{
	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	assert_true(peer_take(&p, &out));
	assert_true(out.options.has_mss);
	assert_int_equal(out.options.mss, 1460);
	assert_false(out.options.has_timestamps);
	assert_false(out.options.has_window_scale);
	assert_false(out.options.sack_permitted);
	peer_send(&p, TCP_RST, 1, 0, NULL);
	p.options.has_timestamps = p.options.has_window_scale = p.options.sack_permitted = true;
	p.ts = 4711;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	assert_true(peer_take(&p, &out));
	assert_true(out.options.has_timestamps);
	assert_int_equal(out.options.ts_echo, 4711);
	assert_true(out.options.has_window_scale);
	assert_true(out.options.sack_permitted);
	peer_send(&p, TCP_RST, 1, 0, NULL);
}

static void a_syn_that_comes_again_gets_its_answer_again(void **state)
{
	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_segment_taken);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	peer_expect_nothing(&p);
	peer_send(&p, TCP_RST, 1, 0, NULL);
}

static void text_and_fin_with_the_ack_that_opens_are_taken(void **state)
{
	tcp_conn_id id;

	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, "hello");
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED | TCP_READABLE | TCP_PEER_FINISHED);
	assert_int_equal(tcp_readable(p.t, id), 5);
	assert_int_equal(peer_state(&p, id), TCP_STATE_CLOSE_WAIT);
	peer_expect(&p, TCP_ACK, 1, 7);
	abort_all(id);
}

static void a_wrong_ack_in_syn_received_is_reset_and_changes_nothing(void **state)
{
	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 2, NULL), REASON_tcp_ack_unacceptable);
	peer_expect(&p, TCP_RST, 2, 0);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 0, NULL), REASON_tcp_ack_unacceptable);
	peer_expect(&p, TCP_RST, 0, 0);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
	tcp_conn_id id;
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
	abort_all(id);
}

// RFC 9293 §3.10.7.4, second and fourth check: back to LISTEN, and the user never knew.
static void a_half_open_connection_ends_unseen(void **state)
{
	struct tcp_usage usage;

	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	peer_send(&p, TCP_RST, 1, 0, NULL);
	tcp_usage(p.t, &usage);
	assert_int_equal(usage.n_conns, 0);
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	assert_int_equal(peer_send(&p, TCP_SYN, 100, 0, NULL), REASON_tcp_not_acceptable);
	tcp_usage(p.t, &usage);
	assert_int_equal(usage.n_conns, 0);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
}

static void a_handshake_of_theirs_is_given_up(void **state)
{
	struct tcp_usage usage;
	unsigned n = 0;

	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	for (unsigned i = 0; i < 65; i++) {
		n += peer_drain(&p);
		peer_pass(&p, 1000);
	}
	assert_in_range(n, 4, 8);
	tcp_usage(p.t, &usage);
	assert_int_equal(usage.n_conns, 0);
	assert_int_equal(p.counters[REASON_tcp_not_opened], 1);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
}

static void a_syn_ack_opens_ours(void **state)
{
	tcp_conn_id id = peer_accept(&p);

	(void)state;
	assert_int_equal(peer_state(&p, id), TCP_STATE_ESTABLISHED);
	abort_all(id);
}

static tcp_conn_id open_ours(void)
{
	tcp_conn_id id;

	assert_int_equal(tcp_open(p.t, &p.local, &p.remote, 1500, 9, p.now, &id), 0);
	peer_expect(&p, TCP_SYN, 0, 0);
	return id;
}

static void text_with_a_syn_ack_is_taken(void **state)
{
	tcp_conn_id id = open_ours();

	(void)state;
	assert_int_equal(
		peer_send(&p, TCP_SYN | TCP_ACK | TCP_FIN, 0, 1, "hi"), REASON_tcp_segment_taken);
	assert_int_equal(
		peer_events(&p, NULL, NULL), TCP_OPENED | TCP_READABLE | TCP_PEER_FINISHED);
	peer_expect(&p, TCP_ACK, 1, 4);
	assert_int_equal(tcp_readable(p.t, id), 2);
	abort_all(id);
}

static void what_was_written_while_opening_follows_the_handshake(void **state)
{
	tcp_conn_id id = open_ours();

	(void)state;
	assert_int_equal(tcp_write(p.t, id, "early", 5), 0);
	peer_expect_nothing(&p);
	peer_send(&p, TCP_SYN | TCP_ACK, 0, 1, NULL);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.n_bytes, 5);
	assert_int_equal(out.ack, 1);
	abort_all(id);
}

static void a_wrong_ack_in_syn_sent_is_reset_and_changes_nothing(void **state)
{
	tcp_conn_id id = open_ours();

	(void)state;
	assert_int_equal(peer_send(&p, TCP_SYN | TCP_ACK, 0, 2, NULL), REASON_tcp_ack_unacceptable);
	peer_expect(&p, TCP_RST, 2, 0);
	assert_int_equal(peer_send(&p, TCP_ACK, 0, 0, NULL), REASON_tcp_ack_unacceptable);
	peer_expect(&p, TCP_RST, 0, 0);
	// And a reset with such an ACK, or without any, is a guess.
	assert_int_equal(peer_send(&p, TCP_RST | TCP_ACK, 0, 2, NULL), REASON_tcp_ack_unacceptable);
	assert_int_equal(peer_send(&p, TCP_RST, 0, 0, NULL), REASON_tcp_reset_blind);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p, id), TCP_STATE_SYN_SENT);
	abort_all(id);
}

static void a_reset_with_the_right_ack_refuses(void **state)
{
	enum reason reason;

	(void)state;
	open_ours();
	assert_int_equal(peer_send(&p, TCP_RST | TCP_ACK, 0, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, NULL, &reason), TCP_CLOSED);
	assert_int_equal(reason, REASON_tcp_refused);
}

static void an_ack_of_an_old_connection_is_reset_so_that_ours_can_open(void **state)
{
	tcp_conn_id id = open_ours();

	(void)state;
	// RFC 9293 §3.5.1, figure 9: the peer is half-open, its ACK makes us reset it.
	assert_int_equal(peer_send(&p, TCP_ACK, 300, 100, NULL), REASON_tcp_ack_unacceptable);
	peer_expect(&p, TCP_RST, 100, 0);
	peer_send(&p, TCP_SYN | TCP_ACK, 0, 1, NULL);
	assert_int_equal(peer_state(&p, id), TCP_STATE_ESTABLISHED);
	abort_all(id);
}

// RFC 9293 §3.5, figure 7.
static void syns_that_meet_open_one_connection(void **state)
{
	tcp_conn_id id = open_ours();

	(void)state;
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_state(&p, id), TCP_STATE_SYN_RECEIVED);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	peer_expect_nothing(&p);
	assert_int_equal(peer_send(&p, TCP_SYN | TCP_ACK, 0, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_state(&p, id), TCP_STATE_ESTABLISHED);
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_OPENED);
	abort_all(id);
}

static void a_close_between_syns_that_meet_waits_for_the_handshake(void **state)
{
	tcp_conn_id id = open_ours();

	(void)state;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_drain(&p);
	tcp_close(p.t, id, p.now);
	peer_expect_nothing(&p);
	peer_send(&p, TCP_ACK, 1, 1, NULL);
	assert_int_equal(peer_state(&p, id), TCP_STATE_FIN_WAIT_1);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 1);
	abort_all(id);
}

static void a_reset_of_syns_that_met_refuses(void **state)
{
	enum reason reason;

	(void)state;
	open_ours();
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_drain(&p);
	peer_send(&p, TCP_RST, 1, 0, NULL);
	assert_int_equal(peer_events(&p, NULL, &reason), TCP_CLOSED);
	assert_int_equal(reason, REASON_tcp_refused);
}

static void ours_is_given_up_when_nobody_answers(void **state)
{
	enum reason reason;

	(void)state;
	open_ours();
	for (unsigned i = 0; i < 185; i++) {
		peer_pass(&p, 1000);
		peer_drain(&p);
	}
	assert_int_equal(peer_events(&p, NULL, &reason), TCP_CLOSED);
	assert_int_equal(reason, REASON_tcp_timed_out);
}

static void endpoints_in_use_or_impossible_are_refused(void **state)
{
	tcp_conn_id id = open_ours(), other;
	struct endpoint zero = p.remote, six;

	(void)state;
	assert_int_equal(tcp_open(p.t, &p.local, &p.remote, 1500, 9, p.now, &other), -EADDRINUSE);
	zero.port = 0;
	assert_int_equal(tcp_open(p.t, &p.local, &zero, 1500, 9, p.now, &other), -EINVAL);
	assert_int_equal(tcp_open(p.t, &p.local, &p.local, 1500, 9, p.now, &other), -EINVAL);
	endpoint_parse(VIEW("[2001:db8::1]:5060"), 0, TRANSPORT_TCP, &six);
	assert_int_equal(tcp_open(p.t, &p.local, &six, 1500, 9, p.now, &other), -EINVAL);
	abort_all(id);
}

static void what_comes_for_nobody_is_reset(void **state)
{
	(void)state;
	tcp_unlisten(p.t, 9);
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, "abc"), REASON_tcp_no_connection);
	peer_expect(&p, TCP_RST | TCP_ACK, 0u - p.iss, 4);
	assert_int_equal(peer_send(&p, TCP_ACK, 7, 5, NULL), REASON_tcp_no_connection);
	peer_expect(&p, TCP_RST, 5, 0);
	assert_int_equal(peer_send(&p, TCP_RST, 7, 0, NULL), REASON_tcp_no_connection);
	peer_expect_nothing(&p);
}

static void a_listener_resets_acks_and_ignores_resets(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, TCP_ACK, 7, 5, NULL), REASON_tcp_cookie_bad);
	peer_expect(&p, TCP_RST, 5, 0);
	assert_int_equal(peer_send(&p, TCP_SYN | TCP_ACK, 7, 5, NULL), REASON_tcp_cookie_bad);
	peer_expect(&p, TCP_RST, 5, 0);
	assert_int_equal(peer_send(&p, TCP_RST, 7, 0, NULL), REASON_tcp_no_connection);
	assert_int_equal(peer_send(&p, TCP_FIN, 7, 0, NULL), REASON_tcp_no_ack);
	peer_expect_nothing(&p);
}

static void resets_to_nobody_are_bounded(void **state)
{
	unsigned n = 0;

	(void)state;
	tcp_unlisten(p.t, 9);
	for (unsigned i = 0; i < 30000; i++) {
		peer_send(&p, TCP_ACK, 7, 5, NULL);
		n += peer_drain(&p);
	}
	assert_in_range(n, 1000, 10000);
	assert_int_equal(p.counters[REASON_tcp_replies_full], 30000 - n);
}

static void one_that_is_its_own_peer_gets_no_answer(void **state)
{
	struct tcp_segment s = peer_segment(&p, TCP_SYN, 0, 0, NULL, 0);

	(void)state;
	s.remote = s.local;
	assert_int_equal(peer_give(&p, &s), REASON_tcp_not_acceptable);
	s.remote = p.remote;
	s.remote.port = 0;
	assert_int_equal(peer_give(&p, &s), REASON_tcp_not_acceptable);
	peer_expect_nothing(&p);
}

// Four handshakes that never complete.
static void flood(void)
{
	struct tcp_segment s = peer_segment(&p, TCP_SYN, 0, 0, NULL, 0);

	for (uint16_t i = 1; i <= 4; i++) {
		s.remote.port = i;
		assert_int_equal(peer_give(&p, &s), REASON_tcp_segment_taken);
	}
	while (tcp_output(p.t, p.now, TCP_OUTPUT_BARE, 0, &(struct tcp_packet){0}))
		;
}

static void end_flood(void)
{
	for (unsigned i = 0; i < 61; i++)
		peer_pass(&p, 1000);
	peer_events(&p, NULL, NULL);
}

static void beyond_the_bound_a_cookie_opens(void **state)
{
	struct tcp_usage usage;
	tcp_conn_id id;

	(void)state;
	flood();
	p.options.has_timestamps = p.options.sack_permitted = p.options.has_window_scale = true;
	p.options.window_scale = 3;
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_cookie_sent);
	tcp_usage(p.t, &usage);
	assert_int_equal(usage.n_conns, 4);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.flags, TCP_SYN | TCP_ACK);
	assert_true(out.options.has_window_scale && out.options.sack_permitted);
	p.ts++;
	struct tcp_segment ack = peer_segment(&p, TCP_ACK, 1, 1, "hello", 5);
	ack.options.ts_echo = out.options.ts_value;
	ack.window = 100;
	assert_int_equal(peer_give(&p, &ack), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED | TCP_READABLE);
	assert_int_equal(tcp_readable(p.t, id), 5);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.ack, 6);
	// And the connection works both ways, with what the cookie remembered.
	assert_int_equal(tcp_write(p.t, id, "answer", 6), 0);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.n_bytes, 6);
	assert_int_equal(out.seq, 1);
	assert_int_equal(peer_send(&p, TCP_ACK, 6, 7, NULL), REASON_tcp_segment_taken);
	assert_int_equal(tcp_unacked(p.t, id), 0);
	abort_all(id);
	end_flood();
}

// A pair in TIME_WAIT whose peer comes back in a flood.
static void a_cookie_opens_in_the_place_of_time_wait(void **state)
{
	tcp_conn_id id = peer_connect(&p);
	struct tcp_usage usage;

	(void)state;
	tcp_close(p.t, id, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
	peer_drain(&p);
	peer_events(&p, NULL, NULL);
	flood();
	assert_int_equal(peer_send(&p, TCP_SYN, 1000, 0, NULL), REASON_tcp_cookie_sent);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1001);
	assert_int_equal(peer_send(&p, TCP_ACK, 1001, 2, NULL), REASON_tcp_time_wait_answered);
	assert_int_equal(peer_send(&p, TCP_ACK, 1001, 1, "x"), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED | TCP_READABLE);
	tcp_usage(p.t, &usage);
	assert_int_equal(usage.n_time_waits, 0);
	abort_all(id);
	end_flood();
}

// Or whoever guesses that a client holds a cookie shuts it out with one SYN in its name.
static void a_cookie_opens_in_the_place_of_a_forged_handshake(void **state)
{
	tcp_conn_id id;
	uint32_t iss;

	(void)state;
	flood();
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_cookie_sent);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	iss = p.iss;
	p.remote.port = 1;
	peer_send(&p, TCP_RST, 1, 0, NULL);
	p.remote.port = 33333;
	assert_int_equal(peer_send(&p, TCP_SYN, 5000, 0, NULL), REASON_tcp_segment_taken);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 5001);
	p.iss = iss;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
	abort_all(id);
	end_flood();
}

// A SYN that came twice: a cookie for the first, a place for the second. The peer has the first
// answer; what it began with was lost.
static void data_behind_a_cookie_does_not_end_it_by_way_of_a_second_handshake(void **state)
{
	struct tcp_usage usage;
	tcp_conn_id id;
	uint32_t iss;

	(void)state;
	flood();
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_cookie_sent);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	iss = p.iss;
	p.remote.port = 1;
	peer_send(&p, TCP_RST, 1, 0, NULL);
	p.remote.port = 33333;
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_segment_taken);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	p.iss = iss;
	assert_int_equal(peer_send(&p, TCP_ACK, 6, 1, "later"), REASON_tcp_cookie_early);
	peer_expect_nothing(&p);
	tcp_usage(p.t, &usage);
	assert_int_equal(usage.n_half_open, 4);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, "first"), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED | TCP_READABLE);
	abort_all(id);
	end_flood();
}

static void a_cookie_without_timestamps_offers_neither_scale_nor_sack(void **state)
{
	tcp_conn_id id;

	(void)state;
	flood();
	p.options.sack_permitted = p.options.has_window_scale = true;
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	assert_true(peer_take(&p, &out));
	assert_false(out.options.has_window_scale);
	assert_false(out.options.sack_permitted);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
	abort_all(id);
	end_flood();
}

static void a_cookie_that_is_not_ours_is_reset(void **state)
{
	(void)state;
	flood();
	peer_send(&p, TCP_SYN, 0, 0, NULL);
	peer_drain(&p);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 2, NULL), REASON_tcp_cookie_bad);
	assert_int_equal(peer_send(&p, TCP_ACK, 2, 1, NULL), REASON_tcp_cookie_bad);
	p.now += 130 * 1000 * PEER_MS;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, NULL), REASON_tcp_cookie_bad);
	peer_drain(&p);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	end_flood();
}

// Guessing does not even begin: not with a cookie that another engine with the same key sent.
static void no_cookie_is_taken_where_none_was_sent(void **state)
{
	struct peer q;

	(void)state;
	flood();
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_cookie_sent);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 1);
	peer_begin(&q, NULL);
	q.iss = p.iss;
	assert_int_equal(peer_send(&q, TCP_ACK, 1, 1, NULL), REASON_tcp_cookie_bad);
	peer_drain(&q);
	peer_end(&q);
	end_flood();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(a_syn_is_answered_and_its_ack_opens),
		CASE(options_are_agreed_only_where_the_syn_has_them),
		CASE(a_syn_that_comes_again_gets_its_answer_again),
		CASE(text_and_fin_with_the_ack_that_opens_are_taken),
		CASE(a_wrong_ack_in_syn_received_is_reset_and_changes_nothing),
		CASE(a_half_open_connection_ends_unseen),
		CASE(a_handshake_of_theirs_is_given_up),
		CASE(a_syn_ack_opens_ours),
		CASE(text_with_a_syn_ack_is_taken),
		CASE(what_was_written_while_opening_follows_the_handshake),
		CASE(a_wrong_ack_in_syn_sent_is_reset_and_changes_nothing),
		CASE(a_reset_with_the_right_ack_refuses),
		CASE(an_ack_of_an_old_connection_is_reset_so_that_ours_can_open),
		CASE(syns_that_meet_open_one_connection),
		CASE(a_close_between_syns_that_meet_waits_for_the_handshake),
		CASE(a_reset_of_syns_that_met_refuses),
		CASE(ours_is_given_up_when_nobody_answers),
		CASE(endpoints_in_use_or_impossible_are_refused),
		CASE(what_comes_for_nobody_is_reset),
		CASE(a_listener_resets_acks_and_ignores_resets),
		CASE(resets_to_nobody_are_bounded),
		CASE(one_that_is_its_own_peer_gets_no_answer),
		CASE(beyond_the_bound_a_cookie_opens),
		CASE(a_cookie_opens_in_the_place_of_time_wait),
		CASE(a_cookie_opens_in_the_place_of_a_forged_handshake),
		CASE(data_behind_a_cookie_does_not_end_it_by_way_of_a_second_handshake),
		CASE(a_cookie_without_timestamps_offers_neither_scale_nor_sack),
		CASE(a_cookie_that_is_not_ours_is_reset),
		CASE(no_cookie_is_taken_where_none_was_sent),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
