// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/far_end.h"
#include "tests/unit/test.h"

static struct far_end f;

static int teardown(void **state)
{
	(void)state;
	far_free(&f);
	return 0;
}

static void shut(void)
{
	f.window = 0;
	FAR_ACK(&f, 0);
}

static void a_shut_window_is_asked_with_one_byte(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	shut();
	far_write(&f, 5000);
	assert_int_equal(f.n_segments, 0);
	assert_in_range(far_wait_for_segment(&f, 1000), 200, 205);
	assert_int_equal(f.segments[0].seq, 0);
	assert_int_equal(f.segments[0].len, 1);
}

static void it_is_asked_ever_more_seldom_up_to_a_minute(void **state)
{
	uint64_t was, gap = 0;

	(void)state;
	far_open(&f, &(struct far_options){0});
	shut();
	far_write(&f, 5000);
	was = (f.now - f.start) / 1000000;
	for (unsigned i = 0; i < 14; i++) {
		assert_true(far_wait_for_segment(&f, 61000) <= 61000);
		assert_int_equal(far_last(&f)->len, 1);
		assert_true(far_last(&f)->ms - was + 2 >= gap);
		gap = far_last(&f)->ms - was;
		was = far_last(&f)->ms;
		FAR_ACK(&f, 0);
	}
	assert_in_range(gap, 60000, 60100);
}

static void a_peer_that_answers_keeps_its_window_shut_for_a_day(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.user_timeout_s = 100});
	shut();
	far_write(&f, 5000);
	for (unsigned i = 0; i < 1440; i++) {
		far_forget(&f);
		far_wait_for_segment(&f, 61000);
		FAR_ACK(&f, 0);
	}
	assert_false(f.is_closed);
	assert_int_equal(tcp_unacked(f.t, f.id), 5000);
}

static void a_peer_that_does_not_answer_is_given_up(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.user_timeout_s = 100});
	shut();
	far_write(&f, 5000);
	far_wait(&f, 200000);
	assert_true(f.is_closed);
	assert_int_equal(f.reason, REASON_tcp_timed_out);
}

static void a_window_that_opens_lets_all_through(void **state)
{
	uint32_t seq = 0;

	(void)state;
	far_open(&f, &(struct far_options){0});
	shut();
	far_write(&f, 5000);
	far_wait(&f, 700);
	f.window = 60000;
	far_forget(&f);
	FAR_ACK(&f, 0);
	far_take(&f);
	assert_int_equal(far_bytes(&f), 5000);
	for (unsigned i = 0; i < f.n_segments; i++) {
		assert_int_equal(f.segments[i].seq, seq);
		seq += f.segments[i].len;
	}
	// Nobody lost anything.
	assert_true(far_info(&f).cwnd_bytes >= 14600);
}

static void a_probe_whose_byte_is_taken_asks_with_the_next(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	shut();
	far_write(&f, 5000);
	far_wait_for_segment(&f, 1000);
	FAR_ACK(&f, 1);
	far_forget(&f);
	assert_true(far_wait_for_segment(&f, 2000) <= 2000);
	assert_int_equal(f.segments[0].seq, 1);
	assert_int_equal(f.segments[0].len, 1);
	f.window = 60000;
	far_forget(&f);
	FAR_ACK(&f, 2);
	far_take(&f);
	assert_int_equal(far_bytes(&f), 4998);
}

// Without this an ACK of ours, beyond the window, would not be taken.
static void while_a_probe_is_out_our_acks_lie_in_the_window(void **state)
{
	struct tcp_segment text = {.flags = TCP_ACK | TCP_PSH, .payload = VIEW("hello")};

	(void)state;
	far_open(&f, &(struct far_options){0});
	shut();
	far_write(&f, 5000);
	far_wait_for_segment(&f, 1000);
	far_forget(&f);
	text.local = f.local;
	text.remote = f.remote;
	text.seq = 0xfffffff1u;
	text.ack = f.iss + 1;
	tcp_input_burst(f.t, &text, 1, f.now);
	far_wait(&f, 60);
	assert_true(f.n_segments > 0);
	for (unsigned i = 0; i < f.n_segments; i++)
		assert_int_equal(f.segments[i].seq, 0);
}

// RFC 9293 §3.8.6.2.1.
static void a_window_too_small_to_be_worth_a_segment_waits(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	f.window = 500;
	FAR_ACK(&f, 0);
	far_write(&f, 5000);
	assert_int_equal(f.n_segments, 0);
	assert_in_range(far_wait_for_segment(&f, 2000), 100, 1000);
	assert_int_equal(f.segments[0].len, 500);
}

static void half_of_the_largest_window_is_worth_a_segment(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.window = 1000});
	far_write(&f, 1460);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].len, 1000);
	f.window = 500;
	far_forget(&f);
	FAR_ACK(&f, 500);
	far_take(&f);
	assert_int_equal(f.n_segments, 0);
	FAR_ACK(&f, 1000);
	far_write(&f, 1460);
	assert_int_equal(far_bytes(&f), 500);
	assert_int_equal(f.segments[0].seq, 1000);
}

static void what_is_queued_goes_out_whole_however_small(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	f.window = 500;
	FAR_ACK(&f, 0);
	far_write(&f, 100);
	assert_int_equal(far_bytes(&f), 100);
	far_write(&f, 100);
	assert_int_equal(far_bytes(&f), 200);
}

static void nothing_goes_beyond_the_window(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.window = 4000});
	far_write(&f, 20000);
	for (unsigned i = 0; i < f.n_segments; i++)
		assert_true(f.segments[i].seq + f.segments[i].len <= 4000);
	assert_int_equal(far_bytes(&f), 2920);
}

static void in_a_window_that_shrank_only_the_first_segment_is_sent_again(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.user_timeout_s = 30});
	far_write(&f, 14600);
	assert_int_equal(far_bytes(&f), 14600);
	f.window = 1000;
	FAR_ACK(&f, 0);
	far_forget(&f);
	for (unsigned i = 0; i < 60; i++) {
		far_wait(&f, 1000);
		FAR_ACK(&f, 0);
	}
	assert_true(f.n_segments >= 3);
	for (unsigned i = 0; i < f.n_segments; i++)
		assert_true(f.segments[i].seq < 1460 || f.segments[i].ms < 300);
}

static void a_window_shut_over_what_is_in_flight_ends_nothing_while_the_peer_answers(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.user_timeout_s = 30});
	far_write(&f, 14600);
	shut();
	for (unsigned i = 0; i < 600; i++) {
		far_wait(&f, 1000);
		FAR_ACK(&f, 0);
	}
	assert_false(f.is_closed);
	f.window = 65535;
	FAR_ACK(&f, 0);
	for (unsigned i = 0; i < 200 && tcp_unacked(f.t, f.id) > 0; i++) {
		far_wait(&f, 1000);
		if (far_last(&f) != NULL)
			FAR_ACK(&f, far_last(&f)->seq + far_last(&f)->len);
		far_forget(&f);
	}
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_shut_window_is_asked_with_one_byte),
		TEST(it_is_asked_ever_more_seldom_up_to_a_minute),
		TEST(a_peer_that_answers_keeps_its_window_shut_for_a_day),
		TEST(a_peer_that_does_not_answer_is_given_up),
		TEST(a_window_that_opens_lets_all_through),
		TEST(a_probe_whose_byte_is_taken_asks_with_the_next),
		TEST(while_a_probe_is_out_our_acks_lie_in_the_window),
		TEST(a_window_too_small_to_be_worth_a_segment_waits),
		TEST(half_of_the_largest_window_is_worth_a_segment),
		TEST(what_is_queued_goes_out_whole_however_small),
		TEST(nothing_goes_beyond_the_window),
		TEST(in_a_window_that_shrank_only_the_first_segment_is_sent_again),
		TEST(a_window_shut_over_what_is_in_flight_ends_nothing_while_the_peer_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
