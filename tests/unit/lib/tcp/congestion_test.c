// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/far_end.h"
#include "tests/unit/test.h"

#define MSS 1460u

static struct far_end f;

static int teardown(void **state)
{
	(void)state;
	far_free(&f);
	return 0;
}

static void open_wide(void)
{
	far_open(&f, &(struct far_options){.window = 1 << 22, .timestamps = false});
}

// Acknowledges all that is out, two segments at a time, after a round trip. Returns what then is
// out.
static uint32_t round_trip(uint32_t *at)
{
	uint32_t end = far_last(&f)->seq + far_last(&f)->len;

	far_wait(&f, 20);
	far_forget(&f);
	while (*at < end) {
		*at = end - *at > 2 * MSS ? *at + 2 * MSS : end;
		FAR_ACK(&f, *at);
		far_take(&f);
	}
	return far_bytes(&f);
}

static void the_first_flight_is_of_ten_segments(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 40 * MSS);
	assert_int_equal(far_bytes(&f), 10 * MSS);
}

static void after_two_lost_syns_it_is_of_one(void **state)
{
	(void)state;
	far_begin(&f, &(struct far_options){0});
	far_wait(&f, 4000);
	far_syn_ack(&f);
	far_forget(&f);
	far_write(&f, 40 * MSS);
	assert_int_equal(far_bytes(&f), MSS);
}

static void slow_start_doubles_each_round_trip(void **state)
{
	uint32_t at = 0;

	(void)state;
	open_wide();
	far_write(&f, 400 * MSS);
	assert_int_equal(round_trip(&at), 20 * MSS);
	assert_int_equal(round_trip(&at), 40 * MSS);
	assert_int_equal(round_trip(&at), 80 * MSS);
}

static void an_ack_cut_into_many_opens_no_more(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 400 * MSS);
	far_wait(&f, 20);
	for (uint32_t at = 1; at <= MSS; at++)
		FAR_ACK(&f, at);
	assert_in_range(far_info(&f).cwnd_bytes, 11 * MSS - 10, 11 * MSS);
}

static void a_window_that_is_not_used_does_not_grow(void **state)
{
	(void)state;
	open_wide();
	for (unsigned i = 1; i <= 100; i++) {
		far_write(&f, MSS);
		far_wait(&f, 5);
		FAR_ACK(&f, i * MSS);
	}
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
}

static void a_loss_takes_three_tenths(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 10 * MSS);
	far_wait(&f, 20);
	FAR_SACK(&f, 0, MSS, 10 * MSS);
	far_take(&f);
	FAR_ACK(&f, 10 * MSS);
	assert_int_equal(far_info(&f).ssthresh_bytes, 7 * MSS);
	assert_int_equal(far_info(&f).cwnd_bytes, 7 * MSS);
}

static void many_losses_in_one_flight_take_as_much_as_one(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 10 * MSS);
	far_wait(&f, 20);
	FAR_SACK(&f, 0, 9 * MSS, 10 * MSS, 5 * MSS, 7 * MSS, 2 * MSS, 4 * MSS);
	far_take(&f);
	FAR_SACK(&f, 4 * MSS, 9 * MSS, 10 * MSS, 5 * MSS, 7 * MSS);
	far_take(&f);
	FAR_ACK(&f, 10 * MSS);
	assert_int_equal(far_info(&f).ssthresh_bytes, 7 * MSS);
}

static void of_few_segments_too_a_loss_takes_some(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 3 * MSS);
	// 10, 7, 5, 4, 3, and then 2: never none.
	for (uint32_t i = 0, at = 0; i < 5; i++, at += 3 * MSS) {
		far_wait(&f, 20);
		FAR_SACK(&f, at, at + MSS, at + 3 * MSS);
		far_wait(&f, 10);
		FAR_ACK(&f, at + 3 * MSS);
		far_write(&f, 3 * MSS);
	}
	assert_int_equal(far_info(&f).ssthresh_bytes, 2 * MSS);
}

// RFC 5681 §4.3: loss in two successive windows.
static void a_loss_of_what_was_sent_in_recovery_is_another_one(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 40 * MSS);
	far_wait(&f, 20);
	for (uint32_t i = 2; i <= 10; i++) {
		FAR_SACK(&f, 0, MSS, i * MSS);
		far_take(&f);
	}
	far_wait(&f, 20);
	// The first was sent again; the eleventh is the first of the next window.
	FAR_SACK(&f, 0, 11 * MSS, 14 * MSS, MSS, 10 * MSS);
	far_take(&f);
	far_wait(&f, 15);
	FAR_SACK(&f, 10 * MSS, 11 * MSS, 14 * MSS);
	FAR_ACK(&f, 14 * MSS);
	assert_int_equal(far_info(&f).ssthresh_bytes, 5 * MSS);
}

// There too: loss of a retransmission.
static void a_repetition_that_is_lost_is_another_loss(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 40 * MSS);
	far_wait(&f, 20);
	for (uint32_t i = 2; i <= 10; i++) {
		FAR_SACK(&f, 0, MSS, i * MSS);
		far_take(&f);
	}
	far_wait(&f, 20);
	FAR_SACK(&f, 0, MSS, 14 * MSS);
	far_take(&f);
	far_wait(&f, 20);
	FAR_ACK(&f, far_last(&f)->seq + MSS);
	assert_int_equal(far_info(&f).ssthresh_bytes, 5 * MSS);
}

// RFC 9937 §6.1: what had come before is not reckoned with. Of twenty, ten come in recovery, after
// two: seven go out for them.
static void recovery_reckons_with_what_it_is_to_deliver(void **state)
{
	uint32_t at = 0;

	(void)state;
	open_wide();
	far_write(&f, 80 * MSS);
	round_trip(&at);
	far_wait(&f, 20);
	FAR_SACK(&f, at, at + MSS, at + 2 * MSS);
	FAR_SACK(&f, at, at + MSS, at + 3 * MSS);
	far_take(&f);
	far_forget(&f);
	for (uint32_t i = 4; i <= 13; i++) {
		FAR_SACK(&f, at, at + MSS, at + i * MSS);
		far_take(&f);
	}
	assert_int_equal(f.segments[0].seq, at);
	assert_int_equal(f.n_segments, 7);
}

// RFC 9937 §6: below the threshold what is delivered is sent, also where more was sent before.
static void after_many_losses_what_is_delivered_is_sent_again(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 10 * MSS);
	far_wait(&f, 20);
	FAR_SACK(&f, 0, 7 * MSS, 10 * MSS);
	assert_int_equal(far_take(&f), 3);
	far_wait(&f, 20);
	FAR_ACK(&f, MSS);
	assert_int_equal(far_take(&f), 2);
	far_forget(&f);
	// The second is lost again, the third has come.
	FAR_SACK(&f, MSS, 2 * MSS, 3 * MSS, 7 * MSS, 10 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
}

// RFC 9937: what leaves in recovery is seven tenths of what arrives.
static void in_recovery_sending_goes_on_at_the_reduced_rate(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 400 * MSS);
	far_wait(&f, 20);
	far_forget(&f);
	for (uint32_t i = 2; i <= 10; i++) {
		FAR_SACK(&f, 0, MSS, i * MSS);
		far_take(&f);
	}
	assert_in_range(far_bytes(&f), 6 * MSS, 8 * MSS);
}

static void a_timeout_leaves_one_segment(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 10 * MSS);
	far_wait(&f, 1000);
	assert_int_equal(far_info(&f).cwnd_bytes, MSS);
	assert_int_equal(far_info(&f).ssthresh_bytes, 7 * MSS);
}

static void after_a_timeout_slow_start_begins_anew(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 8 * MSS);
	far_wait(&f, 290);
	far_forget(&f);
	FAR_ACK(&f, MSS);
	far_take(&f);
	assert_int_equal(far_bytes(&f), 2 * MSS);
	far_wait(&f, 20);
	far_forget(&f);
	FAR_ACK(&f, 2 * MSS);
	FAR_ACK(&f, 3 * MSS);
	far_take(&f);
	assert_int_equal(far_bytes(&f), 4 * MSS);
}

// RFC 3465 §2.3: what an ACK then tells of may have come before.
static void after_a_timeout_an_ack_of_many_opens_the_window_by_one(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 10 * MSS);
	far_wait(&f, 290);
	FAR_ACK(&f, 10 * MSS);
	far_forget(&f);
	far_write(&f, 10 * MSS);
	assert_int_equal(far_bytes(&f), 2 * MSS);
}

static void timeouts_of_the_same_segment_reduce_the_threshold_once(void **state)
{
	(void)state;
	open_wide();
	far_write(&f, 10 * MSS);
	far_wait(&f, 8000);
	assert_int_equal(far_info(&f).ssthresh_bytes, 7 * MSS);
}

// RFC 5681 §4.1.
static void an_idle_connection_begins_with_the_first_flight_again(void **state)
{
	uint32_t at = 0;

	(void)state;
	open_wide();
	far_write(&f, 200 * MSS);
	while (at < 200 * MSS)
		round_trip(&at);
	assert_true(far_info(&f).cwnd_bytes > 50 * MSS);
	far_wait(&f, 1000);
	far_write(&f, 100 * MSS);
	assert_int_equal(far_bytes(&f), 10 * MSS);
}

static void after_a_loss_the_window_grows_back_and_beyond(void **state)
{
	uint32_t at = 0, was, cwnd = 0;

	(void)state;
	open_wide();
	far_write(&f, 700 * MSS);
	for (unsigned i = 0; i < 3; i++)
		round_trip(&at);
	// One of a flight is lost.
	was = far_info(&f).cwnd_bytes;
	far_wait(&f, 20);
	FAR_SACK(&f, at, at + MSS, at + 40 * MSS);
	far_take(&f);
	while (far_info(&f).cwnd_bytes < was) {
		assert_true(far_info(&f).cwnd_bytes + MSS >= cwnd);
		cwnd = far_info(&f).cwnd_bytes;
		if (tcp_unacked(f.t, f.id) < 300 * MSS)
			far_write(&f, 300 * MSS);
		round_trip(&at);
		assert_true((f.now - f.start) / 1000000 < 60000);
	}
	// Cubic's plateau: K = cbrt(0.3 * 80 / 0.4) = 3.9 s; as Reno 24 / 0.53 round trips of 20
	// ms.
	assert_in_range((f.now - f.start) / 1000000, 700, 4500);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_flight_is_of_ten_segments),
		TEST(after_two_lost_syns_it_is_of_one),
		TEST(slow_start_doubles_each_round_trip),
		TEST(an_ack_cut_into_many_opens_no_more),
		TEST(a_window_that_is_not_used_does_not_grow),
		TEST(a_loss_takes_three_tenths),
		TEST(many_losses_in_one_flight_take_as_much_as_one),
		TEST(of_few_segments_too_a_loss_takes_some),
		TEST(a_loss_of_what_was_sent_in_recovery_is_another_one),
		TEST(a_repetition_that_is_lost_is_another_loss),
		TEST(recovery_reckons_with_what_it_is_to_deliver),
		TEST(after_many_losses_what_is_delivered_is_sent_again),
		TEST(in_recovery_sending_goes_on_at_the_reduced_rate),
		TEST(a_timeout_leaves_one_segment),
		TEST(after_a_timeout_slow_start_begins_anew),
		TEST(after_a_timeout_an_ack_of_many_opens_the_window_by_one),
		TEST(timeouts_of_the_same_segment_reduce_the_threshold_once),
		TEST(an_idle_connection_begins_with_the_first_flight_again),
		TEST(after_a_loss_the_window_grows_back_and_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
