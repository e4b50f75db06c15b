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

// A tick is 1.048 ms, and one may just have begun.
static void assert_about(uint64_t ms, uint64_t expected)
{
	assert_in_range(ms, expected, expected + 3 + expected / 500);
}

static void a_syn_is_sent_again_after_one_two_and_four_seconds(void **state)
{
	(void)state;
	far_begin(&f, &(struct far_options){0});
	far_wait(&f, 8000);
	assert_int_equal(f.n_segments, 4);
	assert_about(f.segments[1].ms, 1000);
	assert_about(f.segments[2].ms, 3000);
	assert_about(f.segments[3].ms, 7000);
}

static void an_unanswered_syn_ends_as_timed_out(void **state)
{
	(void)state;
	far_begin(&f, &(struct far_options){.user_timeout_s = 200});
	far_wait(&f, 200000);
	assert_int_equal(f.n_segments, 8);
	assert_true(f.is_closed);
	assert_int_equal(f.reason, REASON_tcp_timed_out);
}

static void an_unanswered_syn_ends_after_the_user_timeout(void **state)
{
	(void)state;
	far_begin(&f, &(struct far_options){.user_timeout_s = 10});
	far_wait(&f, 9900);
	assert_false(f.is_closed);
	far_wait(&f, 200);
	assert_int_equal(f.n_segments, 4);
	assert_true(f.is_closed);
	assert_int_equal(f.reason, REASON_tcp_timed_out);
}

// RFC 6298 §2.2: SRTT + 4 RTTVAR = R + 4 R / 2. Without SACK there is no tail loss probe.
static void the_first_sample_makes_a_timeout_three_times_as_long(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 300, .no_sack = true});
	far_write(&f, 100);
	far_forget(&f);
	assert_about(far_wait_for_segment(&f, 2000), 900);
	assert_int_equal(f.segments[0].seq, 0);
	assert_int_equal(f.segments[0].len, 100);
}

static void a_timeout_is_no_less_than_200_ms(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 1, .no_sack = true});
	far_write(&f, 100);
	assert_about(far_wait_for_segment(&f, 2000), 200);
}

static void timeouts_double_up_to_a_minute(void **state)
{
	uint64_t expected = 200, was;

	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 20, .no_sack = true, .user_timeout_s = 1000});
	far_write(&f, 100);
	far_forget(&f);
	was = (f.now - f.start) / 1000000;
	far_wait(&f, 300000);
	assert_in_range(f.n_segments, 10, 14);
	for (unsigned i = 0; i < f.n_segments; i++) {
		assert_about(f.segments[i].ms - was, expected);
		was = f.segments[i].ms;
		expected = expected * 2 < 60000 ? expected * 2 : 60000;
	}
}

// Karn: neither a sample, nor the end of the back-off (RFC 6298 §3, §5).
static void an_ack_of_a_retransmission_leaves_the_timeout_backed_off(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 20, .no_sack = true});
	far_write(&f, 100);
	far_wait(&f, 650);
	FAR_ACK(&f, 100);
	assert_int_equal(far_info(&f).srtt_us / 1000, 20);
	far_write(&f, 100);
	assert_about(far_wait_for_segment(&f, 2000), 800);
}

static void with_timestamps_a_retransmission_gives_a_sample(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 20, .no_sack = true, .timestamps = true});
	far_write(&f, 100);
	far_wait_for_segment(&f, 1000);
	far_wait(&f, 20);
	FAR_ACK(&f, 100);
	far_write(&f, 100);
	assert_about(far_wait_for_segment(&f, 2000), 200);
}

static void a_sample_after_the_back_off_ends_it(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 20, .no_sack = true});
	far_write(&f, 100);
	far_wait_for_segment(&f, 1000);
	FAR_ACK(&f, 100);
	far_write(&f, 100);
	far_wait(&f, 20);
	FAR_ACK(&f, 200);
	far_write(&f, 100);
	assert_about(far_wait_for_segment(&f, 2000), 200);
}

static void an_ack_that_advances_nothing_does_not_restart_the_timer(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.no_sack = true});
	far_write(&f, 100);
	for (unsigned i = 0; i < 19; i++) {
		far_wait(&f, 10);
		FAR_ACK(&f, 0);
		f.window--; // or they were duplicates
	}
	assert_in_range(far_wait_for_segment(&f, 2000), 9, 16);
}

static void an_ack_of_a_part_restarts_the_timer(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.no_sack = true});
	far_write(&f, 2920);
	far_wait(&f, 150);
	FAR_ACK(&f, 1460);
	assert_true(far_wait_for_segment(&f, 2000) >= 200);
	assert_int_equal(far_last(&f)->seq, 1460);
}

static void an_unanswered_connection_ends_after_the_user_timeout(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.user_timeout_s = 30});
	far_write(&f, 100);
	far_wait(&f, 29000);
	assert_false(f.is_closed);
	far_wait(&f, 31000);
	assert_true(f.is_closed);
	assert_int_equal(f.reason, REASON_tcp_timed_out);
}

static void a_lost_fin_is_sent_again(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	tcp_close(f.t, f.id, f.now);
	far_take(&f);
	assert_true(f.segments[0].flags & TCP_FIN);
	far_forget(&f);
	far_wait(&f, 3000);
	assert_true(f.n_segments >= 3);
	for (unsigned i = 0; i < f.n_segments; i++) {
		assert_true(f.segments[i].flags & TCP_FIN);
		assert_int_equal(f.segments[i].seq, 0);
	}
}

static void a_fin_lost_with_the_last_bytes_comes_with_them_again(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 100);
	FAR_ACK(&f, 100);
	assert_int_equal(tcp_write(f.t, f.id, (const uint8_t[]){100, 101, 102}, 3), 0);
	tcp_close(f.t, f.id, f.now);
	far_forget(&f);
	far_wait(&f, 300);
	assert_true(f.n_segments >= 2);
	for (unsigned i = 0; i < f.n_segments; i++) {
		assert_int_equal(f.segments[i].len, 3);
		assert_true(f.segments[i].flags & TCP_FIN);
	}
	// The bytes came, the FIN did not.
	FAR_ACK(&f, 103);
	far_forget(&f);
	assert_true(far_wait_for_segment(&f, 1000) <= 1000);
	assert_int_equal(f.segments[0].seq, 103);
	assert_true(f.segments[0].flags & TCP_FIN);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_syn_is_sent_again_after_one_two_and_four_seconds),
		TEST(an_unanswered_syn_ends_as_timed_out),
		TEST(an_unanswered_syn_ends_after_the_user_timeout),
		TEST(the_first_sample_makes_a_timeout_three_times_as_long),
		TEST(a_timeout_is_no_less_than_200_ms),
		TEST(timeouts_double_up_to_a_minute),
		TEST(an_ack_of_a_retransmission_leaves_the_timeout_backed_off),
		TEST(with_timestamps_a_retransmission_gives_a_sample),
		TEST(a_sample_after_the_back_off_ends_it),
		TEST(an_ack_that_advances_nothing_does_not_restart_the_timer),
		TEST(an_ack_of_a_part_restarts_the_timer),
		TEST(an_unanswered_connection_ends_after_the_user_timeout),
		TEST(a_lost_fin_is_sent_again),
		TEST(a_fin_lost_with_the_last_bytes_comes_with_them_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
