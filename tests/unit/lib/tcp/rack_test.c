// SPDX-License-Identifier: BSD-3-Clause
// RFC 8985.

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

static void fly(unsigned n, uint32_t rtt_ms)
{
	far_open(&f, &(struct far_options){.rtt_ms = rtt_ms});
	far_write(&f, n * MSS);
	far_forget(&f);
	far_wait(&f, rtt_ms);
}

static void one_segment_beyond_a_hole_waits_for_a_quarter_of_a_round_trip(void **state)
{
	(void)state;
	fly(3, 100);
	FAR_SACK(&f, 0, MSS, 2 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 0);
	assert_in_range(far_wait_for_segment(&f, 200), 20, 28);
	assert_int_equal(f.segments[0].seq, 0);
	assert_int_equal(f.n_segments, 1);
}

static void when_the_wait_is_over_what_was_lost_goes_out_at_once(void **state)
{
	(void)state;
	fly(10, 180);
	FAR_SACK(&f, 0, 8 * MSS, 10 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 0);
	assert_in_range(far_wait_for_segment(&f, 1000), 40, 55);
	assert_true(f.n_segments >= 1);
	assert_int_equal(f.segments[0].seq, 0);
	// One segment at least, and no more than the reduced window.
	assert_true(f.n_segments <= 7);
}

static void what_comes_within_that_time_was_only_late(void **state)
{
	(void)state;
	fly(3, 100);
	FAR_SACK(&f, 0, MSS, 2 * MSS);
	far_wait(&f, 15);
	FAR_ACK(&f, 3 * MSS);
	far_wait(&f, 300);
	assert_int_equal(f.n_segments, 0);
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
}

static void a_retransmission_that_is_lost_is_found_by_what_was_sent_after_it(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 100});
	far_write(&f, 20 * MSS);
	far_forget(&f);
	far_wait(&f, 100);
	FAR_SACK(&f, 0, MSS, 5 * MSS);
	far_take(&f);
	assert_int_equal(f.segments[0].seq, 0);
	FAR_SACK(&f, 0, MSS, 10 * MSS);
	far_take(&f);
	assert_true(far_last(&f)->seq >= 10 * MSS); // new data, after it
	far_forget(&f);
	far_wait(&f, 100);
	// That has come, and the retransmission has not.
	FAR_SACK(&f, 0, MSS, 11 * MSS);
	far_take(&f);
	assert_true(f.n_segments >= 1);
	assert_int_equal(f.segments[0].seq, 0);
}

// Round after round the third segment overtakes the first two, which the peer holds twice then.
static void duplicates_that_the_peer_reports_lengthen_the_wait(void **state)
{
	uint32_t at = 0, first = 0, last = 0;

	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 100});
	for (unsigned round = 0; round < 6; round++) {
		far_write(&f, 3 * MSS);
		far_wait(&f, 100);
		far_forget(&f);
		FAR_SACK(&f, at, at + MSS, at + 2 * MSS);
		last = far_wait_for_segment(&f, 200);
		if (round == 0)
			first = last;
		FAR_ACK(&f, at + 3 * MSS);
		FAR_SACK(&f, at + 3 * MSS, at, at + MSS); // D-SACK
		at += 3 * MSS;
	}
	assert_true(last > 2 * first);
	assert_true(last <= 110); // no longer than a round trip
}

static void the_last_segment_is_sent_again_after_two_round_trips(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 5 * MSS);
	far_forget(&f);
	assert_in_range(far_wait_for_segment(&f, 1000), 100, 106);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 4 * MSS);
}

static void new_data_is_a_probe_too(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 12 * MSS);
	assert_int_equal(far_bytes(&f), 10 * MSS);
	far_forget(&f);
	far_wait_for_segment(&f, 1000);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 10 * MSS);
}

static void only_one_probe_goes_before_the_timeout(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 5 * MSS);
	far_forget(&f);
	far_wait(&f, 240);
	assert_int_equal(f.n_segments, 1);
	far_wait(&f, 70);
	assert_int_equal(f.n_segments, 2);
	assert_int_equal(f.segments[1].seq, 0);
	assert_int_equal(far_info(&f).cwnd_bytes, MSS);
}

static void a_probe_that_repaired_a_loss_reduces_the_window(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 5 * MSS);
	far_wait_for_segment(&f, 1000);
	far_wait(&f, 50);
	FAR_ACK(&f, 5 * MSS);
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
	// What comes after it without a word on duplicates tells.
	far_write(&f, MSS);
	far_wait(&f, 50);
	FAR_ACK(&f, 6 * MSS);
	assert_int_equal(far_info(&f).cwnd_bytes, 7 * MSS);
}

static void a_probe_that_came_twice_reduces_nothing(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 5 * MSS);
	far_wait_for_segment(&f, 1000);
	FAR_ACK(&f, 5 * MSS);
	FAR_SACK(&f, 5 * MSS, 4 * MSS, 5 * MSS);
	far_write(&f, MSS);
	far_wait(&f, 50);
	FAR_ACK(&f, 6 * MSS);
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
}

static void a_tail_that_was_lost_is_found_by_the_answer_to_the_probe(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 5 * MSS);
	far_wait_for_segment(&f, 1000);
	far_forget(&f);
	far_wait(&f, 50);
	FAR_SACK(&f, 2 * MSS, 4 * MSS, 5 * MSS);
	far_wait(&f, 20);
	assert_int_equal(f.n_segments, 2);
	assert_int_equal(f.segments[0].seq, 2 * MSS);
	assert_int_equal(f.segments[1].seq, 3 * MSS);
}

// Beyond the RFC: the timer would come after 200 ms, and leave a window of one segment.
static void a_retransmission_lost_with_nothing_after_it_is_sent_again_in_two_round_trips(
	void **state)
{
	(void)state;
	fly(5, 20);
	FAR_SACK(&f, 0, MSS, 5 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
	far_forget(&f);
	assert_in_range(far_wait_for_segment(&f, 1000), 40, 48);
	assert_int_equal(f.segments[0].seq, 0);
	// Once.
	far_forget(&f);
	assert_true(far_wait_for_segment(&f, 1000) >= 195);
	FAR_ACK(&f, 5 * MSS);
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
}

static void a_timeout_sends_what_is_old_and_not_what_just_left(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.rtt_ms = 50});
	far_write(&f, 2 * MSS);
	far_wait(&f, 290);
	far_write(&f, 2 * MSS);
	far_forget(&f);
	far_wait_for_segment(&f, 1000);
	FAR_ACK(&f, MSS);
	far_take(&f);
	for (unsigned i = 0; i < f.n_segments; i++)
		assert_true(f.segments[i].seq < 2 * MSS);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_segment_beyond_a_hole_waits_for_a_quarter_of_a_round_trip),
		TEST(when_the_wait_is_over_what_was_lost_goes_out_at_once),
		TEST(what_comes_within_that_time_was_only_late),
		TEST(a_retransmission_that_is_lost_is_found_by_what_was_sent_after_it),
		TEST(duplicates_that_the_peer_reports_lengthen_the_wait),
		TEST(the_last_segment_is_sent_again_after_two_round_trips),
		TEST(new_data_is_a_probe_too),
		TEST(only_one_probe_goes_before_the_timeout),
		TEST(a_probe_that_repaired_a_loss_reduces_the_window),
		TEST(a_probe_that_came_twice_reduces_nothing),
		TEST(a_tail_that_was_lost_is_found_by_the_answer_to_the_probe),
		TEST(a_retransmission_lost_with_nothing_after_it_is_sent_again_in_two_round_trips),
		TEST(a_timeout_sends_what_is_old_and_not_what_just_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
