// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/far_end.h"
#include "tests/unit/test.h"

#include <errno.h>

#define MSS 1460u

static struct far_end f;

static int teardown(void **state)
{
	(void)state;
	far_free(&f);
	return 0;
}

// Queued, and not yet taken.
static void queue(uint32_t n_bytes)
{
	static uint8_t bytes[1 << 16];

	for (uint32_t i = 0; i < n_bytes; i++)
		bytes[i] = (uint8_t)((f.written + i) % 251);
	f.written += n_bytes;
	assert_int_equal(tcp_write(f.t, f.id, bytes, n_bytes), 0);
}

static void messages_that_wait_share_a_segment(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	for (unsigned i = 0; i < 4; i++)
		queue(365);
	assert_int_equal(far_take(&f), 1);
	assert_int_equal(f.segments[0].len, MSS);
}

static void what_is_written_while_opening_leaves_in_full_segments(void **state)
{
	unsigned n_data = 0;

	(void)state;
	far_begin(&f, &(struct far_options){.timestamps = true});
	queue(4 * 1448);
	far_wait(&f, 20);
	far_forget(&f);
	far_syn_ack(&f);
	for (unsigned i = 0; i < f.n_segments; i++) {
		if (f.segments[i].len > 0) {
			assert_int_equal(f.segments[i].len, 1448);
			n_data++;
		}
	}
	assert_int_equal(n_data, 4);
}

static void a_message_alone_waits_for_nothing(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 100);
	far_write(&f, 100);
	assert_int_equal(f.n_segments, 2);
}

// In place; how many pieces.
static int queue_in_place(uint32_t n_bytes)
{
	struct tcp_piece pieces[TCP_PIECES_MAX];
	int n = tcp_reserve(f.t, f.id, n_bytes, pieces);
	uint32_t at = 0;

	for (int i = 0; i < n; i++) {
		for (uint32_t j = 0; j < pieces[i].n_bytes; j++)
			pieces[i].at[j] = (uint8_t)((f.written + at + j) % 251);
		at += pieces[i].n_bytes;
	}
	if (n < 0)
		return n;
	assert_int_equal(at, n_bytes);
	tcp_commit(f.t, f.id, n_bytes);
	f.written += n_bytes;
	return n;
}

static void what_is_written_in_place_is_sent_as_if_it_was_copied(void **state)
{
	struct tcp_packet packet;

	(void)state;
	far_open(&f, &(struct far_options){0});
	queue(1000);
	assert_int_equal(queue_in_place(700), 2);
	assert_int_equal(queue_in_place(1000), 1);
	assert_int_equal(queue_in_place(3 * MSS), 4);
	queue(100);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 65535, &packet));
	assert_int_equal(packet.payload_bytes, f.written);
	for (unsigned i = 0, at = 0; i < packet.n_parts; i++) {
		for (size_t j = 0; j < packet.parts[i].len; j++)
			assert_int_equal(packet.parts[i].at[j], at++ % 251);
	}
}

static void what_is_reserved_and_not_written_is_nothing(void **state)
{
	struct tcp_piece pieces[TCP_PIECES_MAX];
	struct tcp_usage before, after;

	(void)state;
	far_open(&f, &(struct far_options){0});
	queue(1000);
	tcp_usage(f.t, &before);
	assert_int_equal(tcp_reserve(f.t, f.id, 3000, pieces), 3);
	tcp_usage(f.t, &after);
	assert_int_equal(after.n_chunks, before.n_chunks);
	assert_int_equal(tcp_unacked(f.t, f.id), 1000);
	// Of what is reserved the last part may stay unwritten.
	assert_int_equal(tcp_reserve(f.t, f.id, 3000, pieces), 3);
	for (unsigned j = 0; j < 400; j++)
		pieces[0].at[j] = (uint8_t)((1000 + j) % 251);
	tcp_commit(f.t, f.id, 400);
	f.written += 400;
	assert_int_equal(far_take(&f), 1);
	assert_int_equal(far_bytes(&f), 1400);
}

static void what_cannot_be_written_cannot_be_reserved(void **state)
{
	struct tcp_piece pieces[TCP_PIECES_MAX];

	(void)state;
	far_open(&f, &(struct far_options){0});
	assert_int_equal(queue_in_place(TCP_PIECES_MAX * MSS), TCP_PIECES_MAX);
	assert_int_equal(queue_in_place(TCP_PIECES_MAX * MSS + 1), -EMSGSIZE);
	assert_int_equal(tcp_reserve(f.t, f.id, 1 << 30, pieces), -ENOBUFS);
	tcp_close(f.t, f.id, f.now);
	assert_int_equal(tcp_reserve(f.t, f.id, 1, pieces), -EPIPE);
}

static void an_engine_with_nothing_to_say_says_so(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_take(&f);
	assert_false(tcp_has_output(f.t));
	queue(1);
	assert_true(tcp_has_output(f.t));
	assert_int_equal(far_take(&f), 1);
	assert_false(tcp_has_output(f.t));
	// A reset to nobody is of no connection.
	tcp_abort(f.t, f.id, REASON_tcp_aborted);
	assert_true(tcp_has_output(f.t));
}

static void the_last_segment_of_what_is_queued_is_pushed(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 3 * MSS);
	assert_false(f.segments[0].flags & TCP_PSH);
	assert_false(f.segments[1].flags & TCP_PSH);
	assert_true(f.segments[2].flags & TCP_PSH);
}

static void a_device_that_cuts_gets_whole_segments_in_one_packet(void **state)
{
	struct tcp_packet packet;

	(void)state;
	far_open(&f, &(struct far_options){0});
	queue(5 * MSS + 100);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 3 * MSS + 7, &packet));
	assert_int_equal(packet.payload_bytes, 3 * MSS);
	assert_int_equal(packet.segment_bytes, MSS);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 65535, &packet));
	assert_int_equal(packet.payload_bytes, 2 * MSS + 100);
	assert_false(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 65535, &packet));
}

static void a_short_segment_in_the_middle_ends_the_packet(void **state)
{
	struct tcp_packet packet;

	(void)state;
	far_open(&f, &(struct far_options){.window = 1000});
	queue(3 * MSS);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 65535, &packet));
	assert_int_equal(packet.payload_bytes, 1000);
	f.window = 1000;
	FAR_ACK(&f, 1000);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 65535, &packet));
	assert_int_equal(packet.payload_bytes, MSS - 1000);
}

static void with_packet_memory_dry_only_bare_segments_go(void **state)
{
	struct tcp_segment text = {
		.flags = TCP_ACK | TCP_PSH, .window = UINT16_MAX, .payload = VIEW("hello")};
	struct tcp_packet packet;

	(void)state;
	far_open(&f, &(struct far_options){0});
	queue(2 * MSS);
	text.local = f.local;
	text.remote = f.remote;
	text.seq = 0xfffffff1u;
	text.ack = f.iss + 1;
	tcp_input_burst(f.t, &text, 1, f.now);
	// A hole, so that it is answered at once.
	text.seq += 100;
	tcp_input_burst(f.t, &text, 1, f.now);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_BARE, 0, &packet));
	assert_int_equal(packet.payload_bytes, 0);
	assert_false(tcp_output(f.t, f.now, TCP_OUTPUT_BARE, 0, &packet));
	// What waited is not forgotten.
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 0, &packet));
	assert_int_equal(packet.payload_bytes, MSS);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 0, &packet));
}

// Another connection of the same engine.
static tcp_conn_id open_second(void)
{
	struct endpoint local = f.local;
	struct tcp_segment syn_ack = {.flags = TCP_SYN | TCP_ACK, .seq = 1, .window = 65535};
	struct tcp_packet packet;
	struct tcp_segment syn;
	tcp_conn_id id;

	local.port = 6000;
	assert_int_equal(tcp_open(f.t, &local, &f.remote, 1500, 0, f.now, &id), 0);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 0, &packet));
	assert_int_equal(
		tcp_segment_parse(view_of(packet.header, packet.header_bytes), &syn), REASON_none);
	syn_ack.local = local;
	syn_ack.remote = f.remote;
	syn_ack.ack = syn.seq + 1;
	syn_ack.options.has_mss = true;
	syn_ack.options.mss = MSS;
	tcp_input_burst(f.t, &syn_ack, 1, f.now);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 0, &packet)); // the handshake's ACK
	assert_int_equal(packet.conn, id);
	return id;
}

static void one_with_much_to_send_and_one_with_little_take_turns(void **state)
{
	static const uint8_t message[100];
	struct tcp_packet packet;
	unsigned n_before = 0;
	tcp_conn_id little;

	(void)state;
	far_open(&f, &(struct far_options){0});
	little = open_second();
	queue(10 * MSS);
	assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 0, &packet));
	assert_int_equal(tcp_write(f.t, little, message, sizeof(message)), 0);
	do {
		assert_true(tcp_output(f.t, f.now, TCP_OUTPUT_ALL, 0, &packet));
		n_before++;
	} while (packet.conn != little);
	assert_true(n_before <= 2);
}

static void memory_that_runs_out_while_segments_are_cut_ends_nothing(void **state)
{
	uint32_t n_queued;

	(void)state;
	far_open(&f, &(struct far_options){.n_chunks = 16});
	n_queued = tcp_room(f.t, f.id);
	assert_true(n_queued > 4 * MSS);
	far_write(&f, n_queued);
	// Every segment is to be cut in three, and there is memory for two pieces more.
	tcp_icmp_input(f.t,
		&(struct tcp_icmp_error){.local = f.local,
			.remote = f.remote,
			.seq = f.iss + 1,
			.mtu = 552,
			.kind = TCP_ICMP_TOO_BIG},
		f.now);
	for (unsigned i = 0; i < 2000 && tcp_unacked(f.t, f.id) > 0; i++) {
		uint32_t at = n_queued - tcp_unacked(f.t, f.id);

		far_forget(&f);
		far_wait_for_segment(&f, 5000);
		for (unsigned k = 0; k < f.n_segments; k++) {
			if (f.segments[k].seq <= at && f.segments[k].seq + f.segments[k].len > at)
				at = f.segments[k].seq + f.segments[k].len;
		}
		FAR_ACK(&f, at);
		far_take(&f);
	}
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
	assert_false(f.is_closed);
}

static void a_silent_peer_is_asked_and_given_up(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.keepalive_s = 60});
	far_wait(&f, 59000);
	assert_int_equal(f.n_segments, 0);
	far_wait(&f, 2000);
	assert_int_equal(f.n_segments, 1);
	// RFC 9293 §3.8.4: an octet that was acknowledged already, and none of it.
	assert_int_equal(f.segments[0].seq, (uint32_t)-1);
	assert_int_equal(f.segments[0].len, 0);
	far_wait(&f, 130000);
	assert_true(f.is_closed);
	assert_int_equal(f.reason, REASON_tcp_timed_out);
	assert_int_equal(f.n_segments, 8);
}

static void a_silent_peer_that_answers_is_kept(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.keepalive_s = 60});
	for (unsigned i = 0; i < 20; i++) {
		far_forget(&f);
		assert_true(far_wait_for_segment(&f, 61000) >= 59000);
		FAR_ACK(&f, 0);
	}
	assert_false(f.is_closed);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_that_wait_share_a_segment),
		TEST(what_is_written_while_opening_leaves_in_full_segments),
		TEST(a_message_alone_waits_for_nothing),
		TEST(what_is_written_in_place_is_sent_as_if_it_was_copied),
		TEST(what_is_reserved_and_not_written_is_nothing),
		TEST(what_cannot_be_written_cannot_be_reserved),
		TEST(an_engine_with_nothing_to_say_says_so),
		TEST(the_last_segment_of_what_is_queued_is_pushed),
		TEST(a_device_that_cuts_gets_whole_segments_in_one_packet),
		TEST(a_short_segment_in_the_middle_ends_the_packet),
		TEST(with_packet_memory_dry_only_bare_segments_go),
		TEST(one_with_much_to_send_and_one_with_little_take_turns),
		TEST(memory_that_runs_out_while_segments_are_cut_ends_nothing),
		TEST(a_silent_peer_is_asked_and_given_up),
		TEST(a_silent_peer_that_answers_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
