// SPDX-License-Identifier: BSD-3-Clause
// The checks of RFC 9293 §3.10.7.4 in a synchronized state, with RFC 7323 and RFC 5961.

#include "tests/unit/lib/tcp/peer.h"

#define DAY_MS 86400000u

static struct peer p;
static tcp_conn_id conn;

static int setup(void **state)
{
	(void)state;
	peer_begin(&p, NULL);
	conn = peer_connect(&p);
	return 0;
}

static int setup_with_timestamps(void **state)
{
	(void)state;
	peer_begin(&p, NULL);
	p.options.has_timestamps = true;
	conn = peer_connect(&p);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tcp_abort(p.t, conn, REASON_tcp_aborted);
	peer_end(&p);
	return 0;
}

static void a_reset_ends_only_with_the_exact_number(void **state)
{
	enum reason reason;

	(void)state;
	assert_int_equal(peer_send(&p, TCP_RST, 2, 0, NULL), REASON_tcp_reset_challenged);
	peer_expect(&p, TCP_ACK, 1, 1);
	assert_int_equal(peer_send(&p, TCP_RST, 0, 0, NULL), REASON_tcp_reset_blind);
	assert_int_equal(peer_send(&p, TCP_RST, 5000, 0, NULL), REASON_tcp_reset_blind);
	peer_expect_nothing(&p);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_ESTABLISHED);
	assert_int_equal(peer_send(&p, TCP_RST, 1, 0, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, NULL, &reason), TCP_CLOSED);
	assert_int_equal(reason, REASON_tcp_reset);
	peer_expect_nothing(&p);
}

static void a_syn_is_challenged_wherever_it_lies(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, TCP_SYN, 10, 0, NULL), REASON_tcp_syn_challenged);
	peer_expect(&p, TCP_ACK, 1, 1);
	assert_int_equal(peer_send(&p, TCP_SYN, 0x40000000, 0, NULL), REASON_tcp_not_acceptable);
	peer_expect(&p, TCP_ACK, 1, 1);
	assert_int_equal(peer_send(&p, TCP_SYN | TCP_ACK, 0, 1, NULL), REASON_tcp_not_acceptable);
	peer_expect(&p, TCP_ACK, 1, 1);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_ESTABLISHED);
}

static void challenges_of_a_connection_are_bounded(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		peer_send(&p, TCP_RST, 2, 0, NULL);
		n += peer_drain(&p);
	}
	assert_in_range(n, 1, 5);
	peer_pass(&p, 2200);
	peer_send(&p, TCP_RST, 2, 0, NULL);
	peer_expect(&p, TCP_ACK, 1, 1);
}

static void an_ack_of_what_was_not_sent_is_refused(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 2, "evil"), REASON_tcp_ack_unacceptable);
	peer_expect(&p, TCP_ACK, 1, 1);
	assert_int_equal(tcp_readable(p.t, conn), 0);
}

// RFC 5961 §5.2: older than what the peer's window ever spanned.
static void an_ack_older_than_any_window_is_refused(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1 - 65535u, "old"), REASON_tcp_segment_taken);
	assert_int_equal(
		peer_send(&p, TCP_ACK, 4, 1 - 65536u, "evil"), REASON_tcp_ack_unacceptable);
	assert_int_equal(tcp_readable(p.t, conn), 3);
	peer_drain(&p);
}

static void text_in_order_acknowledges_what_was_sent(void **state)
{
	(void)state;
	assert_int_equal(tcp_write(p.t, conn, "asked", 5), 0);
	peer_expect(&p, TCP_ACK, 1, 1);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 6, "answered"), REASON_tcp_segment_taken);
	assert_int_equal(tcp_readable(p.t, conn), 8);
	assert_int_equal(tcp_unacked(p.t, conn), 0);
	peer_drain(&p);
}

static void text_in_order_tells_a_window(void **state)
{
	struct tcp_segment s = peer_segment(&p, TCP_ACK, 1, 1, "text", 4);
	const uint8_t bytes[100] = {0};
	struct peer_out out;

	(void)state;
	s.window = 3;
	assert_int_equal(peer_give(&p, &s), REASON_tcp_segment_taken);
	assert_int_equal(tcp_readable(p.t, conn), 4);
	assert_int_equal(tcp_write(p.t, conn, bytes, sizeof(bytes)), 0);
	while (peer_take(&p, &out))
		assert_int_equal(out.n_bytes, 0);
}

static void a_segment_without_ack_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, 0, 1, 0, "text"), REASON_tcp_no_ack);
	assert_int_equal(peer_send(&p, TCP_FIN, 1, 0, NULL), REASON_tcp_no_ack);
	assert_int_equal(tcp_readable(p.t, conn), 0);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_ESTABLISHED);
	peer_expect_nothing(&p);
}

// Two ends that each find the other's ACKs wrong would answer each other for ever.
static void bare_acks_that_are_wrong_are_answered_ever_less(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 3600; i++) {
		for (unsigned j = 0; j < 3; j++) {
			peer_send(&p, TCP_ACK, 100000, 1, NULL);
			peer_send(&p, TCP_ACK, 1, 100000, NULL);
		}
		n += peer_drain(&p);
		p.now += 1100 * PEER_MS;
	}
	assert_in_range(n, 1, 10);
	peer_send(&p, TCP_ACK, 1, 1, "text");
	peer_drain(&p);
	p.now += 1100 * PEER_MS;
	peer_send(&p, TCP_ACK, 100000, 1, NULL);
	peer_expect(&p, TCP_ACK, 1, 5);
}

// Or a peer that only asks whether we live would find us dead.
static void keepalives_are_always_answered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		p.now += 75000 * PEER_MS;
		assert_int_equal(peer_send(&p, TCP_ACK, 0, 1, i % 2 == 0 ? NULL : "x"),
			REASON_tcp_not_acceptable);
		peer_expect(&p, TCP_ACK, 1, 1);
	}
	assert_int_equal(tcp_readable(p.t, conn), 0);
}

static void keepalives_are_answered_while_challenges_are_provoked(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++)
		peer_send(&p, TCP_SYN, 10, 0, NULL);
	peer_drain(&p);
	peer_send(&p, TCP_SYN, 10, 0, NULL);
	peer_expect_nothing(&p);
	peer_send(&p, TCP_ACK, 0, 1, NULL);
	peer_expect(&p, TCP_ACK, 1, 1);
}

static void an_old_timestamp_is_refused(void **state)
{
	(void)state;
	p.ts = 2000;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, "new"), REASON_tcp_segment_taken);
	peer_expect(&p, TCP_ACK, 1, 4);
	p.ts = 1999;
	assert_int_equal(peer_send(&p, TCP_ACK, 4, 1, "old"), REASON_tcp_paws);
	peer_expect(&p, TCP_ACK, 1, 4);
	assert_int_equal(tcp_readable(p.t, conn), 3);
	// RFC 7323 §5.3 R1: not for a reset.
	assert_int_equal(peer_send(&p, TCP_RST, 4, 0, NULL), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_READABLE | TCP_CLOSED);
}

static void timestamps_wrap(void **state)
{
	(void)state;
	p.ts = 0x7ffffff0;
	peer_send(&p, TCP_ACK, 1, 1, "a");
	peer_drain(&p);
	p.ts = 0xfffffff0;
	assert_int_equal(peer_send(&p, TCP_ACK, 2, 1, "b"), REASON_tcp_segment_taken);
	peer_drain(&p);
	p.ts = 5;
	assert_int_equal(peer_send(&p, TCP_ACK, 3, 1, "c"), REASON_tcp_segment_taken);
	peer_drain(&p);
	p.ts = 0xfffffff1;
	assert_int_equal(peer_send(&p, TCP_ACK, 4, 1, "d"), REASON_tcp_paws);
	peer_drain(&p);
}

// RFC 7323 §5.5: after 24 days the peer's clock may have gone half round. At 60 days an age that
// wraps would look young again.
static void a_timestamp_is_not_compared_with_one_of_24_days_ago(void **state)
{
	static const unsigned days[] = {25, 60, 100};
	uint32_t seq = 1;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		p.now += (uint64_t)days[i] * DAY_MS * PEER_MS;
		p.ts -= 100;
		assert_int_equal(peer_send(&p, TCP_ACK, seq++, 1, "x"), REASON_tcp_segment_taken);
		peer_drain(&p);
		p.ts -= 1;
		assert_int_equal(peer_send(&p, TCP_ACK, seq, 1, "x"), REASON_tcp_paws);
		peer_drain(&p);
	}
}

// RFC 7323 §4.3: TS.Recent is that of what was acknowledged, not of what came beyond a hole.
static void the_timestamp_echoed_is_that_of_what_was_acknowledged(void **state)
{
	static struct peer_out out;

	(void)state;
	p.ts = 2000;
	peer_send(&p, TCP_ACK, 1, 1, "one");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.ts_echo, 2000);
	p.ts = 3000;
	peer_send(&p, TCP_ACK, 7, 1, "three");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.ts_echo, 2000);
	p.ts = 3100;
	peer_send(&p, TCP_ACK, 4, 1, "two");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.ack, 12);
	assert_int_equal(out.options.ts_echo, 3100);
}

// RFC 7323 §3.2; but a SYN is of a peer that has forgotten us.
static void a_segment_without_the_agreed_timestamp_is_dropped(void **state)
{
	struct tcp_segment s = peer_segment(&p, TCP_ACK, 1, 1, "text", 4);

	(void)state;
	s.options.has_timestamps = false;
	assert_int_equal(peer_give(&p, &s), REASON_tcp_paws);
	peer_expect_nothing(&p);
	s = peer_segment(&p, TCP_SYN, 500, 0, NULL, 0);
	s.options.has_timestamps = false;
	assert_int_equal(peer_give(&p, &s), REASON_tcp_syn_challenged);
	peer_expect(&p, TCP_ACK, 1, 1);
}

// An attacker who hits the window but not the ACK number must not be able to age the peer.
static void a_timestamp_is_not_taken_with_a_wrong_ack(void **state)
{
	(void)state;
	p.ts = 1000000;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 5000, "evil"), REASON_tcp_ack_unacceptable);
	peer_drain(&p);
	p.ts = 2000;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, "text"), REASON_tcp_segment_taken);
	peer_drain(&p);
}

static void an_icmp_error_about_nothing_in_flight_is_not_believed(void **state)
{
	struct tcp_icmp_error e = {
		.local = p.local, .remote = p.remote, .mtu = 600, .kind = TCP_ICMP_TOO_BIG};
	struct tcp_status info;

	(void)state;
	e.seq = p.iss + 1;
	tcp_icmp_input(p.t, &e, p.now);
	tcp_describe(p.t, conn, &info);
	assert_int_equal(info.mss, 1460);
	tcp_write(p.t, conn, "text", 4);
	peer_drain(&p);
	e.seq = p.iss + 5;
	tcp_icmp_input(p.t, &e, p.now);
	tcp_describe(p.t, conn, &info);
	assert_int_equal(info.mss, 1460);
	e.seq = p.iss + 1;
	tcp_icmp_input(p.t, &e, p.now);
	tcp_describe(p.t, conn, &info);
	assert_int_equal(info.mss, 560);
	// RFC 5927: no end of a connection.
	e.kind = TCP_ICMP_UNREACHABLE;
	tcp_icmp_input(p.t, &e, p.now);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name)       cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TIMED_CASE(name) cmocka_unit_test_setup_teardown(name, setup_with_timestamps, teardown)
		CASE(a_reset_ends_only_with_the_exact_number),
		CASE(a_syn_is_challenged_wherever_it_lies),
		CASE(challenges_of_a_connection_are_bounded),
		CASE(an_ack_of_what_was_not_sent_is_refused),
		CASE(an_ack_older_than_any_window_is_refused),
		CASE(text_in_order_acknowledges_what_was_sent),
		CASE(text_in_order_tells_a_window),
		CASE(a_segment_without_ack_is_dropped),
		CASE(bare_acks_that_are_wrong_are_answered_ever_less),
		CASE(keepalives_are_always_answered),
		CASE(keepalives_are_answered_while_challenges_are_provoked),
		TIMED_CASE(an_old_timestamp_is_refused),
		TIMED_CASE(timestamps_wrap),
		TIMED_CASE(a_timestamp_is_not_compared_with_one_of_24_days_ago),
		TIMED_CASE(the_timestamp_echoed_is_that_of_what_was_acknowledged),
		TIMED_CASE(a_segment_without_the_agreed_timestamp_is_dropped),
		TIMED_CASE(a_timestamp_is_not_taken_with_a_wrong_ack),
		CASE(an_icmp_error_about_nothing_in_flight_is_not_believed),
#undef CASE
#undef TIMED_CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
