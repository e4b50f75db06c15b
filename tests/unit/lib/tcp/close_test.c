// SPDX-License-Identifier: BSD-3-Clause
// How connections end: RFC 9293 §3.6, RFC 1337, RFC 6191.

#include "tests/unit/lib/tcp/peer.h"

#include <errno.h>

static struct peer p;
static tcp_conn_id conn;
static struct peer_out out;

static int setup(void **state)
{
	(void)state;
	peer_begin(&p, NULL);
	conn = peer_connect(&p);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	peer_end(&p);
	return 0;
}

static uint32_t n_time_waits(void)
{
	struct tcp_usage usage;

	tcp_usage(p.t, &usage);
	return usage.n_time_waits;
}

static void expect_closed(enum reason expected)
{
	enum reason reason;

	assert_int_equal(peer_events(&p, NULL, &reason) & TCP_CLOSED, TCP_CLOSED);
	assert_int_equal(reason, expected);
	assert_int_equal(tcp_readable(p.t, conn), 0);
	assert_false(tcp_set_user(p.t, conn, 1));
}

// Figure 12: ours first.
static void our_fin_first_ends_in_time_wait(void **state)
{
	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 1);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_FIN_WAIT_1);
	peer_send(&p, TCP_ACK, 1, 2, NULL);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_FIN_WAIT_2);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
	peer_expect(&p, TCP_ACK, 2, 2);
	expect_closed(REASON_tcp_closed);
	assert_int_equal(n_time_waits(), 1);
	peer_pass(&p, 61000);
	assert_int_equal(n_time_waits(), 0);
	// Nothing is left: the pair is nobody's.
	assert_int_equal(peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL), REASON_tcp_cookie_bad);
	peer_drain(&p);
}

static void their_fin_first_leaves_nothing(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, NULL);
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_PEER_FINISHED);
	peer_expect(&p, TCP_ACK, 1, 2);
	assert_int_equal(tcp_write(p.t, conn, "bye", 3), 0);
	tcp_close(p.t, conn, p.now);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_LAST_ACK);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 2);
	peer_send(&p, TCP_ACK, 2, 4, NULL);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_LAST_ACK);
	peer_send(&p, TCP_ACK, 2, 5, NULL);
	expect_closed(REASON_tcp_closed);
	assert_int_equal(n_time_waits(), 0);
}

// Figure 13.
static void fins_that_meet_end_in_time_wait(void **state)
{
	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 1);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, NULL);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_CLOSING);
	peer_expect(&p, TCP_ACK, 2, 2);
	peer_send(&p, TCP_ACK, 2, 2, NULL);
	expect_closed(REASON_tcp_closed);
	assert_int_equal(n_time_waits(), 1);
	peer_expect_nothing(&p);
}

static void fins_that_meet_in_one_burst_are_both_acknowledged(void **state)
{
	struct tcp_segment s[2];

	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 1);
	s[0] = peer_segment(&p, TCP_ACK | TCP_FIN, 1, 1, NULL, 0);
	s[1] = peer_segment(&p, TCP_ACK, 2, 2, NULL, 0);
	tcp_input_burst(p.t, s, 2, p.now);
	peer_expect(&p, TCP_ACK, 2, 2);
	expect_closed(REASON_tcp_closed);
}

static void a_fin_that_acknowledges_ours_ends_at_once(void **state)
{
	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 1);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
	peer_expect(&p, TCP_ACK, 2, 2);
	expect_closed(REASON_tcp_closed);
	assert_int_equal(n_time_waits(), 1);
}

static void bytes_go_on_after_our_fin(void **state)
{
	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 1, 2, "answer");
	assert_int_equal(tcp_readable(p.t, conn), 6);
	peer_expect(&p, TCP_ACK, 2, 7);
	assert_int_equal(tcp_write(p.t, conn, "x", 1), -EPIPE);
	tcp_consume(p.t, conn, 6);
	peer_send(&p, TCP_ACK | TCP_FIN, 7, 2, NULL);
	expect_closed(REASON_tcp_closed);
	peer_drain(&p);
}

static void bytes_go_on_after_their_fin(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, "request");
	peer_drain(&p);
	assert_int_equal(tcp_write(p.t, conn, "answer", 6), 0);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.n_bytes, 6);
	peer_send(&p, TCP_ACK, 9, 7, NULL);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_CLOSE_WAIT);
	assert_int_equal(tcp_readable(p.t, conn), 7);
	tcp_consume(p.t, conn, 7);
	tcp_close(p.t, conn, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 9, 8, NULL);
	expect_closed(REASON_tcp_closed);
}

// What came before the end is the user's, whichever end was last.
static void unread_bytes_outlive_the_connection(void **state)
{
	uint8_t bytes[8];

	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, "answer");
	peer_expect(&p, TCP_ACK, 2, 8);
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_READABLE | TCP_PEER_FINISHED);
	assert_int_equal(n_time_waits(), 1);
	peer_pass(&p, 200000);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	assert_int_equal(tcp_copy(p.t, conn, 0, bytes, 8), 6);
	assert_memory_equal(bytes, "answer", 6);
	tcp_consume(p.t, conn, 3);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	tcp_consume(p.t, conn, 3);
	expect_closed(REASON_tcp_closed);
}

static void unread_bytes_can_be_given_up(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, "request");
	tcp_close(p.t, conn, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 9, 2, NULL);
	assert_int_equal(tcp_readable(p.t, conn), 7);
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	expect_closed(REASON_tcp_aborted);
	peer_expect_nothing(&p);
}

static void our_lost_fin_comes_again(void **state)
{
	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_expect(&p, TCP_ACK | TCP_FIN, 1, 1);
	for (unsigned i = 0; i < 3; i++) {
		unsigned ms = 0;

		while (!peer_take(&p, &out) && ms++ < 20000)
			peer_pass(&p, 1);
		assert_int_equal(out.flags, TCP_ACK | TCP_FIN);
		assert_int_equal(out.seq, 1);
	}
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
	expect_closed(REASON_tcp_closed);
	peer_drain(&p);
}

static void their_fin_again_is_acknowledged_again(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, NULL);
	peer_expect(&p, TCP_ACK, 1, 2);
	for (unsigned i = 0; i < 20; i++) {
		peer_send(&p, TCP_ACK | TCP_FIN, 1, 1, NULL);
		peer_expect(&p, TCP_ACK, 1, 2);
	}
	assert_int_equal(peer_state(&p, conn), TCP_STATE_CLOSE_WAIT);
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_drain(&p);
}

static void a_peer_that_never_ends_is_given_up(void **state)
{
	(void)state;
	tcp_close(p.t, conn, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 1, 2, NULL);
	// While it sends it may take its time.
	for (uint32_t i = 0; i < 3; i++) {
		peer_pass(&p, 50000);
		peer_send(&p, TCP_ACK, 1 + i, 2, "x");
		tcp_consume(p.t, conn, 1);
		peer_drain(&p);
	}
	peer_events(&p, NULL, NULL);
	peer_pass(&p, 61000);
	expect_closed(REASON_tcp_timed_out);
}

static void close_into_time_wait(void)
{
	tcp_close(p.t, conn, p.now);
	peer_drain(&p);
	peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
	peer_expect(&p, TCP_ACK, 2, 2);
	expect_closed(REASON_tcp_closed);
	assert_int_equal(n_time_waits(), 1);
}

// RFC 1337.
static void a_reset_does_not_end_time_wait(void **state)
{
	(void)state;
	close_into_time_wait();
	assert_int_equal(peer_send(&p, TCP_RST, 2, 0, NULL), REASON_tcp_time_wait_answered);
	peer_expect_nothing(&p);
	assert_int_equal(n_time_waits(), 1);
}

static void a_fin_in_time_wait_is_acknowledged_and_starts_it_anew(void **state)
{
	(void)state;
	close_into_time_wait();
	peer_pass(&p, 50000);
	assert_int_equal(
		peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL), REASON_tcp_time_wait_answered);
	peer_expect(&p, TCP_ACK, 2, 2);
	peer_pass(&p, 50000);
	assert_int_equal(n_time_waits(), 1);
	peer_pass(&p, 11000);
	assert_int_equal(n_time_waits(), 0);
}

static void a_bare_ack_in_time_wait_is_not_answered(void **state)
{
	(void)state;
	close_into_time_wait();
	peer_send(&p, TCP_ACK, 2, 2, NULL);
	peer_send(&p, TCP_ACK, 100, 2, NULL);
	peer_send(&p, TCP_ACK, 2, 100, NULL);
	peer_expect_nothing(&p);
	// Text is: whoever sends it does not know that we are done.
	peer_send(&p, TCP_ACK, 1, 2, "x");
	peer_expect(&p, TCP_ACK, 2, 2);
}

static void a_later_syn_takes_the_place_of_time_wait(void **state)
{
	uint32_t iss = p.iss;
	tcp_conn_id id;

	(void)state;
	close_into_time_wait();
	assert_int_equal(peer_send(&p, TCP_SYN, 1, 0, NULL), REASON_tcp_time_wait_answered);
	peer_expect(&p, TCP_ACK, 2, 2);
	assert_int_equal(peer_send(&p, TCP_SYN, 3, 0, NULL), REASON_tcp_segment_taken);
	assert_int_equal(n_time_waits(), 0);
	peer_expect(&p, TCP_SYN | TCP_ACK, 0, 4);
	// Beyond all that the last one sent (RFC 9293 §3.10.7.4).
	assert_true((int32_t)(p.iss - iss) > UINT16_MAX);
	peer_send(&p, TCP_ACK, 4, 1, NULL);
	assert_int_equal(peer_events(&p, &id, NULL), TCP_OPENED);
	tcp_abort(p.t, id, REASON_tcp_aborted);
	peer_drain(&p);
}

// RFC 6191 §2.
static void timestamps_decide_whether_a_syn_is_later(void **state)
{
	(void)state;
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_events(&p, NULL, NULL);
	peer_drain(&p);
	p.options.has_timestamps = true;
	p.ts = 5000;
	conn = peer_connect(&p);
	close_into_time_wait();
	p.ts = 4999;
	assert_int_equal(peer_send(&p, TCP_SYN, 1000, 0, NULL), REASON_tcp_time_wait_answered);
	p.ts = 5000;
	assert_int_equal(peer_send(&p, TCP_SYN, 2, 0, NULL), REASON_tcp_time_wait_answered);
	peer_drain(&p);
	assert_int_equal(n_time_waits(), 1);
	p.ts = 5001;
	assert_int_equal(peer_send(&p, TCP_SYN, 0x80000500, 0, NULL), REASON_tcp_segment_taken);
	assert_int_equal(n_time_waits(), 0);
	peer_drain(&p);
	peer_send(&p, TCP_RST, 0x80000501, 0, NULL);
}

static void the_oldest_time_wait_gives_way(void **state)
{
	(void)state;
	for (uint16_t port = 1; port <= 6; port++) {
		close_into_time_wait();
		assert_int_equal(n_time_waits(), 1);
		tcp_unlisten(p.t, 9);
		peer_pass(&p, 61000);
		assert_int_equal(tcp_listen(p.t, &p.local, 1500, 9), 0);
		p.remote.port = port;
		conn = peer_connect(&p);
	}
	for (uint16_t port = 100; port < 106; port++) {
		tcp_close(p.t, conn, p.now);
		peer_drain(&p);
		peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
		peer_drain(&p);
		expect_closed(REASON_tcp_closed);
		p.remote.port = port;
		conn = peer_connect(&p);
	}
	assert_int_equal(n_time_waits(), 4);
	// The oldest is not known any more: its FIN gets a reset.
	p.remote.port = 6;
	assert_int_equal(peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL), REASON_tcp_cookie_bad);
	p.remote.port = 104;
	assert_int_equal(
		peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL), REASON_tcp_time_wait_answered);
	p.remote.port = 105;
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	while (tcp_output(p.t, p.now, TCP_OUTPUT_ALL, 1460, &(struct tcp_packet){0}))
		;
}

// A table that kept those that gave way would fill up.
static void time_waits_that_give_way_leave_nothing(void **state)
{
	(void)state;
	for (uint16_t port = 1; port <= 1000; port++) {
		tcp_close(p.t, conn, p.now);
		peer_drain(&p);
		peer_send(&p, TCP_ACK | TCP_FIN, 1, 2, NULL);
		peer_drain(&p);
		expect_closed(REASON_tcp_closed);
		p.remote.port = port;
		conn = peer_connect(&p);
	}
	assert_int_equal(n_time_waits(), 4);
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_drain(&p);
}

static void an_abort_resets_the_peer(void **state)
{
	(void)state;
	tcp_write(p.t, conn, "text", 4);
	peer_drain(&p);
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_expect(&p, TCP_RST | TCP_ACK, 5, 1);
	peer_expect_nothing(&p);
	expect_closed(REASON_tcp_aborted);
}

static void an_id_of_one_that_is_gone_does_nothing(void **state)
{
	tcp_conn_id was = conn;

	(void)state;
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_drain(&p);
	peer_events(&p, NULL, NULL);
	conn = peer_connect(&p);
	assert_int_equal((uint32_t)conn, (uint32_t)was);
	assert_int_not_equal(conn, was);
	assert_int_equal(tcp_write(p.t, was, "x", 1), -EPIPE);
	assert_int_equal(tcp_room(p.t, was), 0);
	assert_int_equal(tcp_peek(p.t, was).len, 0);
	tcp_consume(p.t, was, 1);
	tcp_close(p.t, was, p.now);
	tcp_abort(p.t, was, REASON_tcp_aborted);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_ESTABLISHED);
	peer_expect_nothing(&p);
	for (uint64_t id = 0; id < 100; id++)
		assert_false(tcp_set_user(p.t, id * 0x9e3779b97f4a7c15, 1));
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_drain(&p);
}

static void events_of_a_connection_are_told_together(void **state)
{
	struct tcp_event event;

	(void)state;
	tcp_set_user(p.t, conn, 77);
	peer_send(&p, TCP_ACK, 1, 1, "a");
	peer_send(&p, TCP_ACK, 2, 1, "b");
	peer_send(&p, TCP_ACK | TCP_FIN, 3, 1, NULL);
	assert_true(tcp_next_event(p.t, &event));
	assert_int_equal(event.what, TCP_READABLE | TCP_PEER_FINISHED);
	assert_int_equal(event.user, 77);
	assert_false(tcp_next_event(p.t, &event));
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_drain(&p);
}

// Others have all the memory there is, and of this one nothing is in flight.
static void memory_of_others_makes_room(void **state)
{
	static const uint8_t bytes[8 * 536];
	struct tcp_segment s;
	tcp_conn_id ids[8] = {conn}, told;
	uint32_t iss = 0;

	(void)state;
	for (uint16_t port = 1; port < 8; port++) {
		p.remote.port = port;
		ids[port] = peer_connect(&p);
		if (port == 1)
			iss = p.iss;
		assert_int_equal(tcp_write(p.t, ids[port], bytes, sizeof(bytes)), 0);
		peer_drain(&p);
	}
	p.remote.port = 33333;
	assert_int_equal(tcp_write(p.t, conn, bytes, 536), -ENOBUFS);
	peer_pass(&p, 5);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	p.remote.port = 1;
	p.iss = iss;
	s = peer_segment(&p, TCP_ACK, 1, 1 + 8 * 536, NULL, 0);
	peer_give(&p, &s);
	peer_pass(&p, 2);
	assert_int_equal(peer_events(&p, &told, NULL), TCP_WRITABLE);
	assert_int_equal(told, conn);
	assert_int_equal(tcp_write(p.t, conn, bytes, 536), 0);
	for (unsigned i = 0; i < 8; i++)
		tcp_abort(p.t, ids[i], REASON_tcp_aborted);
	while (tcp_output(p.t, p.now, TCP_OUTPUT_ALL, 1460, &(struct tcp_packet){0}))
		;
}

static void when_connections_have_run_out_a_syn_is_dropped(void **state)
{
	tcp_conn_id ids[8] = {conn};

	(void)state;
	for (uint16_t i = 1; i < 8; i++) {
		p.remote.port = i;
		ids[i] = peer_connect(&p);
	}
	p.remote.port = 100;
	assert_int_equal(peer_send(&p, TCP_SYN, 0, 0, NULL), REASON_tcp_no_conns);
	peer_expect_nothing(&p);
	for (unsigned i = 0; i < 8; i++)
		tcp_abort(p.t, ids[i], REASON_tcp_aborted);
	while (tcp_output(p.t, p.now, TCP_OUTPUT_ALL, 1460, &(struct tcp_packet){0}))
		;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(our_fin_first_ends_in_time_wait),
		CASE(their_fin_first_leaves_nothing),
		CASE(fins_that_meet_end_in_time_wait),
		CASE(fins_that_meet_in_one_burst_are_both_acknowledged),
		CASE(a_fin_that_acknowledges_ours_ends_at_once),
		CASE(bytes_go_on_after_our_fin),
		CASE(bytes_go_on_after_their_fin),
		CASE(unread_bytes_outlive_the_connection),
		CASE(unread_bytes_can_be_given_up),
		CASE(our_lost_fin_comes_again),
		CASE(their_fin_again_is_acknowledged_again),
		CASE(a_peer_that_never_ends_is_given_up),
		CASE(a_reset_does_not_end_time_wait),
		CASE(a_fin_in_time_wait_is_acknowledged_and_starts_it_anew),
		CASE(a_bare_ack_in_time_wait_is_not_answered),
		CASE(a_later_syn_takes_the_place_of_time_wait),
		CASE(timestamps_decide_whether_a_syn_is_later),
		CASE(the_oldest_time_wait_gives_way),
		CASE(time_waits_that_give_way_leave_nothing),
		CASE(an_abort_resets_the_peer),
		CASE(an_id_of_one_that_is_gone_does_nothing),
		CASE(events_of_a_connection_are_told_together),
		CASE(memory_of_others_makes_room),
		CASE(when_connections_have_run_out_a_syn_is_dropped),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
