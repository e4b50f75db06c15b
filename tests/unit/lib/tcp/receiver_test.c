// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/seq.h"
#include "tests/unit/lib/tcp/peer.h"

static struct peer p;
static tcp_conn_id conn;
static struct peer_out out;

static int setup(void **state)
{
	(void)state;
	peer_begin(&p, NULL);
	p.options.sack_permitted = true;
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

static void expect_text(const char *text)
{
	static uint8_t bytes[8192];
	uint32_t n = tcp_copy(p.t, conn, 0, bytes, sizeof(bytes));

	assert_int_equal(n, tcp_readable(p.t, conn));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(bytes, text, n);
}

static void text_in_order_can_be_read(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, "one"), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_READABLE);
	assert_int_equal(peer_send(&p, TCP_ACK, 4, 1, "two"), REASON_tcp_segment_taken);
	expect_text("onetwo");
	tcp_consume(p.t, conn, 4);
	expect_text("wo");
	assert_true(view_equal(tcp_peek(p.t, conn), VIEW("wo")));
	tcp_consume(p.t, conn, 2);
	expect_text("");
}

static void text_beyond_a_hole_waits_for_it(void **state)
{
	(void)state;
	assert_int_equal(peer_send(&p, TCP_ACK, 4, 1, "two"), REASON_tcp_segment_taken);
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	expect_text("");
	peer_expect(&p, TCP_ACK, 1, 1);
	peer_send(&p, TCP_ACK, 1, 1, "one");
	expect_text("onetwo");
	peer_expect(&p, TCP_ACK, 1, 7);
}

static void overlapping_text_is_kept_once(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 5, 1, "efgh");
	peer_send(&p, TCP_ACK, 3, 1, "cdefghij");
	peer_send(&p, TCP_ACK, 12, 1, "l");
	peer_send(&p, TCP_ACK, 2, 1, "bcd");
	peer_send(&p, TCP_ACK, 1, 1, "abcdefghijklmn");
	expect_text("abcdefghijklmn");
}

// The naive version queues first and trims when it reads: the window would not bound the queue.
static void text_right_of_the_window_is_never_queued(void **state)
{
	static char text[6000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 2, 1, text);
	peer_send(&p, TCP_ACK, 1, 1, "a");
	assert_int_equal(tcp_readable(p.t, conn), 4096);
}

static void text_left_of_the_window_is_cut_off(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 1, 1, "abc");
	tcp_consume(p.t, conn, 3);
	assert_int_equal(peer_send(&p, TCP_ACK, 0, 1, "?abcde"), REASON_tcp_segment_taken);
	expect_text("de");
}

static void a_fin_beyond_a_hole_waits_for_it(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK | TCP_FIN, 4, 1, "two");
	assert_int_equal(peer_events(&p, NULL, NULL), 0);
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 1, 1, "one");
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_READABLE | TCP_PEER_FINISHED);
	assert_int_equal(peer_state(&p, conn), TCP_STATE_CLOSE_WAIT);
	peer_expect(&p, TCP_ACK, 1, 8);
	expect_text("onetwo");
}

static void nothing_is_read_behind_a_fin(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK | TCP_FIN, 4, 1, NULL);
	peer_send(&p, TCP_ACK, 4, 1, "more");
	peer_send(&p, TCP_ACK | TCP_FIN, 2, 1, "b");
	peer_send(&p, TCP_ACK, 1, 1, "abcdef");
	expect_text("abc");
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_READABLE | TCP_PEER_FINISHED);
}

static void text_that_lies_behind_a_fin_is_dropped(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 3, 1, "eNO");
	peer_send(&p, TCP_ACK, 10, 1, "NO");
	peer_drain(&p);
	peer_send(&p, TCP_ACK | TCP_FIN, 2, 1, "nX");
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 3, 1, "eNO");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.n_sack_blocks, 2);
	assert_int_equal(out.options.sack[1].from, PEER_IRS + 2);
	assert_int_equal(out.options.sack[1].to, PEER_IRS + 4);
	peer_send(&p, TCP_ACK, 1, 1, "o");
	expect_text("one");
	assert_int_equal(peer_events(&p, NULL, NULL), TCP_READABLE | TCP_PEER_FINISHED);
	peer_expect(&p, TCP_ACK, 1, 5);
}

static void the_first_segments_are_acknowledged_at_once(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 1, 1, "one");
	peer_expect(&p, TCP_ACK, 1, 4);
}

// Past the quick ones.
static uint32_t settle(uint32_t seq)
{
	for (unsigned i = 0; i < 32; i++) {
		peer_send(&p, TCP_ACK, seq++, 1, "x");
		tcp_consume(p.t, conn, 1);
		peer_drain(&p);
	}
	peer_pass(&p, 100);
	peer_drain(&p);
	return seq;
}

static void an_ack_is_delayed_by_40_ms_at_most(void **state)
{
	uint32_t seq = settle(1);

	(void)state;
	peer_send(&p, TCP_ACK, seq, 1, "one");
	peer_expect_nothing(&p);
	peer_pass(&p, 30);
	peer_expect_nothing(&p);
	peer_pass(&p, 11);
	peer_expect(&p, TCP_ACK, 1, seq + 3);
}

static void every_second_full_segment_is_acknowledged_at_once(void **state)
{
	static char full[537];
	uint32_t seq = settle(1);

	(void)state;
	memset(full, 'x', 536);
	for (unsigned i = 0; i < 3; i++) {
		peer_send(&p, TCP_ACK, seq, 1, full);
		peer_expect_nothing(&p);
		peer_send(&p, TCP_ACK, seq + 536, 1, full);
		peer_expect(&p, TCP_ACK, 1, seq + 1072);
		tcp_consume(p.t, conn, 1072);
		peer_drain(&p);
		seq += 1072;
	}
}

// RFC 5681 §4.2.
static void what_fills_a_hole_is_acknowledged_at_once(void **state)
{
	uint32_t seq = settle(1);

	(void)state;
	peer_send(&p, TCP_ACK, seq + 3, 1, "two");
	peer_expect(&p, TCP_ACK, 1, seq);
	peer_send(&p, TCP_ACK, seq, 1, "one");
	peer_expect(&p, TCP_ACK, 1, seq + 6);
}

static void the_block_that_changed_last_comes_first(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		peer_drain(&p);
		peer_send(&p, TCP_ACK, 10 + 10 * i, 1, "xx");
	}
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.n_sack_blocks, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(out.options.sack[i].from, PEER_IRS + 50 - 10 * i);
		assert_int_equal(out.options.sack[i].to, PEER_IRS + 52 - 10 * i);
	}
	// 10..12 has been forgotten; it is still told whole.
	peer_send(&p, TCP_ACK, 12, 1, "xxx");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.sack[0].from, PEER_IRS + 10);
	assert_int_equal(out.options.sack[0].to, PEER_IRS + 15);
	assert_int_equal(out.options.sack[1].from, PEER_IRS + 50);
}

static void blocks_that_grow_together_become_one(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 10, 1, "xx");
	peer_send(&p, TCP_ACK, 14, 1, "xx");
	peer_send(&p, TCP_ACK, 12, 1, "xx");
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 20, 1, "x");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.n_sack_blocks, 2);
	assert_int_equal(out.options.sack[1].from, PEER_IRS + 10);
	assert_int_equal(out.options.sack[1].to, PEER_IRS + 16);
}

// RFC 2883 §4.1.
static void a_duplicate_is_told_once(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 1, 1, "abcd");
	peer_drain(&p);
	assert_int_equal(peer_send(&p, TCP_ACK, 1, 1, "abcd"), REASON_tcp_not_acceptable);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.ack, 5);
	assert_int_equal(out.options.n_sack_blocks, 1);
	assert_int_equal(out.options.sack[0].from, PEER_IRS + 1);
	assert_int_equal(out.options.sack[0].to, PEER_IRS + 5);
	peer_send(&p, TCP_ACK, 10, 1, "x");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.n_sack_blocks, 1);
	assert_int_equal(out.options.sack[0].from, PEER_IRS + 10);
}

// RFC 2883 §4.2: the duplicate's block, then the one that holds it.
static void a_duplicate_beyond_a_hole_is_told_before_its_block(void **state)
{
	(void)state;
	peer_send(&p, TCP_ACK, 10, 1, "abcd");
	peer_send(&p, TCP_ACK, 20, 1, "x");
	peer_drain(&p);
	peer_send(&p, TCP_ACK, 11, 1, "bc");
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.options.n_sack_blocks, 3);
	assert_int_equal(out.options.sack[0].from, PEER_IRS + 11);
	assert_int_equal(out.options.sack[0].to, PEER_IRS + 13);
	assert_int_equal(out.options.sack[1].from, PEER_IRS + 10);
	assert_int_equal(out.options.sack[1].to, PEER_IRS + 14);
}

// Each byte in a chunk of its own would be a thousand times its size.
static void tiny_segments_out_of_order_are_bounded(void **state)
{
	struct tcp_usage usage;
	enum reason reason = REASON_none;

	(void)state;
	for (uint32_t seq = 3; seq < 200; seq += 2)
		reason = peer_send(&p, TCP_ACK, seq, 1, "x");
	assert_int_equal(reason, REASON_tcp_out_of_order_full);
	tcp_usage(p.t, &usage);
	assert_true(usage.n_chunks <= 4096 / 536 + 16);
	peer_drain(&p);
}

static void tiny_segments_in_any_order_take_memory_as_their_bytes_do(void **state)
{
	struct tcp_usage usage;
	uint32_t seq = 1;

	(void)state;
	for (unsigned i = 0; i < 100; i++, seq += 20) {
		for (uint32_t j = 19; j > 0; j--)
			peer_send(&p, TCP_ACK, seq + j, 1, "y");
		peer_send(&p, TCP_ACK, seq, 1, "x");
		peer_drain(&p);
	}
	assert_int_equal(tcp_readable(p.t, conn), 2000);
	tcp_usage(p.t, &usage);
	assert_true(usage.n_chunks <= 2 * (2000 / 536) + 2);
}

static void the_window_closes_as_text_stays_unread(void **state)
{
	static char text[513];
	uint32_t seq = 1, edge = 0;

	(void)state;
	memset(text, 'x', 512);
	for (unsigned i = 0; i < 8; i++, seq += 512) {
		assert_int_equal(peer_send(&p, TCP_ACK, seq, 1, text), REASON_tcp_segment_taken);
		peer_pass(&p, 50);
		assert_true(peer_take(&p, &out));
		assert_int_equal(out.window, 4096 - 512 * (i + 1));
		assert_true(out.ack + out.window >= edge);
		edge = out.ack + out.window;
		peer_drain(&p);
	}
	assert_int_equal(out.window, 0);
	// A probe is answered, however often, and its byte not taken.
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(peer_send(&p, TCP_ACK, seq, 1, "x"), REASON_tcp_not_acceptable);
		peer_expect(&p, TCP_ACK, 1, seq);
	}
	assert_int_equal(tcp_readable(p.t, conn), 4096);
	// A little room is not worth a segment (RFC 9293 §3.8.6.2.2).
	tcp_consume(p.t, conn, 100);
	peer_expect_nothing(&p);
	tcp_consume(p.t, conn, 500);
	assert_true(peer_take(&p, &out));
	assert_int_equal(out.window, 600);
	tcp_consume(p.t, conn, 4096);
}

// RFC 9293 §3.10.7.4: with a window of 0 valid ACKs are still taken.
static void an_ack_is_taken_while_the_window_is_closed(void **state)
{
	static char text[4097];

	(void)state;
	assert_int_equal(tcp_write(p.t, conn, "hello", 5), 0);
	peer_expect(&p, TCP_ACK, 1, 1);
	memset(text, 'x', 4096);
	peer_send(&p, TCP_ACK, 1, 1, text);
	peer_drain(&p);
	assert_int_equal(tcp_unacked(p.t, conn), 5);
	peer_send(&p, TCP_ACK, 4097, 6, "x");
	assert_int_equal(tcp_unacked(p.t, conn), 0);
	peer_drain(&p);
}

// A peer whose text fills the window, and of it some is lost, acknowledges from beyond the edge.
static void an_ack_at_the_right_edge_is_taken(void **state)
{
	(void)state;
	tcp_write(p.t, conn, "hello", 5);
	peer_drain(&p);
	assert_int_equal(peer_send(&p, TCP_ACK, 4097, 6, NULL), REASON_tcp_segment_taken);
	assert_int_equal(tcp_unacked(p.t, conn), 0);
	assert_int_equal(peer_send(&p, TCP_ACK, 4098, 6, NULL), REASON_tcp_not_acceptable);
	assert_int_equal(peer_send(&p, TCP_RST, 4097, 0, NULL), REASON_tcp_reset_blind);
	peer_drain(&p);
}

static void scarce_memory_makes_windows_small_but_takes_none_back(void **state)
{
	struct tcp_config config = peer_config();
	struct peer q;
	uint32_t edge, seq = 1;
	static char text[537];

	(void)state;
	config.n_chunks = 16;
	config.receive_bytes_max = 64 * 536;
	peer_begin(&q, &config);
	q.options.has_window_scale = true;
	conn = peer_connect(&q);
	memset(text, 'x', 536);
	edge = 1 + 64 * 536;
	for (unsigned i = 0; i < 16; i++, seq += 536) {
		assert_int_equal(peer_send(&q, TCP_ACK, seq, 1, text), REASON_tcp_segment_taken);
		peer_pass(&q, 50);
		assert_true(peer_take(&q, &out));
		assert_true(out.ack + out.window >= edge);
		edge = out.ack + out.window;
		peer_drain(&q);
	}
	// What was offered and finds no memory is dropped; nothing else happens.
	assert_int_equal(peer_send(&q, TCP_ACK, seq, 1, text), REASON_tcp_no_chunk);
	peer_expect(&q, TCP_ACK, 1, seq);
	// Room is not offered while there is no memory for it.
	tcp_consume(q.t, conn, 536);
	peer_send(&q, TCP_ACK, seq, 1, text);
	peer_pass(&q, 50);
	assert_true(peer_take(&q, &out));
	assert_int_equal(out.ack + out.window, edge);
	tcp_abort(q.t, conn, REASON_tcp_aborted);
	peer_end(&q);
}

static uint32_t lcg(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

// Against a plain array: whatever order, overlap and size, each byte comes once and is the peer's.
static void text_in_random_pieces_comes_whole(void **state)
{
	static uint8_t all[60000], got[60000];
	uint32_t seed = 7, n_read = 0, acked = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 7 + i / 251);
	while (n_read < sizeof(all)) {
		uint32_t at = acked + lcg(&seed) % 6000, len = 1 + lcg(&seed) % 700, n;
		struct tcp_segment s;

		at = at < 1500 ? 0 : at - 1500;
		if (lcg(&seed) % 3 == 0)
			at = acked;
		if (at >= sizeof(all))
			continue;
		len = len < sizeof(all) - at ? len : (uint32_t)sizeof(all) - at;
		s = peer_segment(&p, TCP_ACK, 1 + at, 1, all + at, len);
		peer_give(&p, &s);
		while (peer_take(&p, &out)) {
			assert_true(seq_ge(out.ack, acked + 1));
			acked = out.ack - 1;
			assert_true(acked + out.window <= n_read + 4096);
		}
		n = tcp_readable(p.t, conn);
		if (n > 0 && lcg(&seed) % 4 == 0) {
			n = 1 + lcg(&seed) % n;
			assert_int_equal(tcp_copy(p.t, conn, 0, got + n_read, n), n);
			tcp_consume(p.t, conn, n);
			n_read += n;
		}
	}
	assert_memory_equal(all, got, sizeof(all));
	peer_drain(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(text_in_order_can_be_read),
		CASE(text_beyond_a_hole_waits_for_it),
		CASE(overlapping_text_is_kept_once),
		CASE(text_right_of_the_window_is_never_queued),
		CASE(text_left_of_the_window_is_cut_off),
		CASE(a_fin_beyond_a_hole_waits_for_it),
		CASE(nothing_is_read_behind_a_fin),
		CASE(text_that_lies_behind_a_fin_is_dropped),
		CASE(the_first_segments_are_acknowledged_at_once),
		CASE(an_ack_is_delayed_by_40_ms_at_most),
		CASE(every_second_full_segment_is_acknowledged_at_once),
		CASE(what_fills_a_hole_is_acknowledged_at_once),
		CASE(the_block_that_changed_last_comes_first),
		CASE(blocks_that_grow_together_become_one),
		CASE(a_duplicate_is_told_once),
		CASE(a_duplicate_beyond_a_hole_is_told_before_its_block),
		CASE(tiny_segments_out_of_order_are_bounded),
		CASE(tiny_segments_in_any_order_take_memory_as_their_bytes_do),
		CASE(the_window_closes_as_text_stays_unread),
		CASE(an_ack_is_taken_while_the_window_is_closed),
		CASE(an_ack_at_the_right_edge_is_taken),
		cmocka_unit_test(scarce_memory_makes_windows_small_but_takes_none_back),
		CASE(text_in_random_pieces_comes_whole),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
