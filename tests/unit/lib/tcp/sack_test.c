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

// n full segments in flight, a round trip ago.
static void fly(unsigned n, const struct far_options *options)
{
	far_open(&f, options);
	far_write(&f, n * MSS);
	assert_int_equal(far_bytes(&f), n * MSS);
	far_forget(&f);
	far_wait(&f, 20);
}

static void a_hole_below_three_segments_is_sent_again_and_nothing_else(void **state)
{
	(void)state;
	fly(8, &(struct far_options){0});
	FAR_SACK(&f, 0, MSS, 4 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 0);
	assert_int_equal(f.segments[0].len, MSS);
}

static void every_hole_is_sent_again_once(void **state)
{
	(void)state;
	fly(10, &(struct far_options){0});
	FAR_SACK(&f, 0, 8 * MSS, 10 * MSS, 5 * MSS, 7 * MSS, MSS, 4 * MSS);
	far_take(&f);
	FAR_SACK(&f, MSS, 8 * MSS, 10 * MSS, 5 * MSS, 7 * MSS, MSS, 4 * MSS);
	far_take(&f);
	FAR_SACK(&f, 4 * MSS, 8 * MSS, 10 * MSS, 5 * MSS, 7 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 3);
	assert_int_equal(f.segments[0].seq, 0);
	assert_int_equal(f.segments[1].seq, 4 * MSS);
	assert_int_equal(f.segments[2].seq, 7 * MSS);
	FAR_ACK(&f, 10 * MSS);
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
}

static void the_same_block_again_says_nothing_new(void **state)
{
	(void)state;
	fly(8, &(struct far_options){0});
	for (unsigned i = 0; i < 1000; i++) {
		FAR_SACK(&f, 0, MSS, 4 * MSS);
		far_take(&f);
	}
	assert_int_equal(f.n_segments, 1);
}

static void blocks_outside_what_is_in_flight_are_not_believed(void **state)
{
	(void)state;
	fly(8, &(struct far_options){0});
	FAR_SACK(&f, 0, MSS, 9 * MSS); // of what was not sent
	FAR_SACK(&f, 0, 9 * MSS, 12 * MSS);
	FAR_SACK(&f, 0, 4 * MSS, MSS);               // inside out
	FAR_SACK(&f, 0, MSS, 0x80000000u);           // half the space
	FAR_SACK(&f, 0, (uint32_t)-3000, 4 * MSS);   // from before it
	FAR_SACK(&f, 0, (uint32_t)-1, (uint32_t)-2); // both
	far_take(&f);
	assert_int_equal(f.n_segments, 0);
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
}

static void holes_of_one_byte_do_no_harm(void **state)
{
	(void)state;
	fly(10, &(struct far_options){0});
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t at = 2 * i;

		FAR_SACK(&f, 0, at + 1, at + 2, at + 3, at + 4, at + 5, at + 6);
		far_take(&f);
	}
	// A segment has come when all of it has.
	assert_int_equal(f.n_segments, 0);
	FAR_ACK(&f, 10 * MSS);
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
}

static void one_or_two_duplicates_let_new_data_out(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 14 * MSS);
	assert_int_equal(far_bytes(&f), 10 * MSS);
	far_forget(&f);
	far_wait(&f, 20);
	FAR_SACK(&f, 0, MSS, 2 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 10 * MSS);
	FAR_SACK(&f, 0, MSS, 3 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 2);
	assert_int_equal(f.segments[1].seq, 11 * MSS);
}

// RFC 3042 without SACK.
static void without_sack_one_or_two_duplicates_let_new_data_out(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.no_sack = true});
	far_write(&f, 14 * MSS);
	far_forget(&f);
	far_wait(&f, 20);
	FAR_ACK(&f, 0);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
	FAR_ACK(&f, 0);
	far_take(&f);
	assert_int_equal(f.n_segments, 2);
	assert_int_equal(f.segments[1].seq, 11 * MSS);
}

static void without_sack_the_third_duplicate_sends_the_first_again(void **state)
{
	(void)state;
	fly(8, &(struct far_options){.no_sack = true});
	FAR_ACK(&f, 0);
	FAR_ACK(&f, 0);
	far_take(&f);
	assert_int_equal(f.n_segments, 0);
	FAR_ACK(&f, 0);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 0);
}

// RFC 6582 §3.2 step 3.
static void without_sack_an_ack_of_a_part_sends_the_next_hole_again(void **state)
{
	(void)state;
	fly(8, &(struct far_options){.no_sack = true});
	for (unsigned i = 0; i < 5; i++)
		FAR_ACK(&f, 0);
	far_take(&f);
	far_forget(&f);
	FAR_ACK(&f, 4 * MSS);
	far_take(&f);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 4 * MSS);
	FAR_ACK(&f, 8 * MSS);
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
	// One reduction for all of it.
	assert_int_equal(far_info(&f).ssthresh_bytes, 7 * MSS);
}

static void a_flood_of_duplicates_lets_no_more_out_than_is_in_flight(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.no_sack = true, .window = 1 << 20});
	far_write(&f, 400 * MSS);
	far_forget(&f);
	for (unsigned i = 0; i < 5000; i++) {
		FAR_ACK(&f, 0);
		far_take(&f);
	}
	assert_true(far_bytes(&f) <= 20 * MSS);
}

static void a_peer_that_reneges_gets_everything(void **state)
{
	(void)state;
	fly(4, &(struct far_options){0});
	FAR_SACK(&f, 0, MSS, 4 * MSS);
	far_take(&f);
	// It takes the first and has forgotten the others.
	FAR_ACK(&f, MSS);
	far_take(&f);
	for (unsigned i = 0; i < 40 && tcp_unacked(f.t, f.id) > 0; i++) {
		uint32_t acked = 4 * MSS - tcp_unacked(f.t, f.id);

		far_forget(&f);
		assert_true(far_wait_for_segment(&f, 5000) <= 5000);
		for (unsigned k = 0; k < f.n_segments; k++) {
			if (f.segments[k].seq == acked)
				acked += f.segments[k].len;
		}
		FAR_ACK(&f, acked);
		far_take(&f);
	}
	assert_int_equal(tcp_unacked(f.t, f.id), 0);
}

static void a_timeout_sends_only_what_did_not_come(void **state)
{
	(void)state;
	fly(4, &(struct far_options){0});
	FAR_SACK(&f, 0, MSS, 2 * MSS, 3 * MSS, 4 * MSS);
	far_wait(&f, 1);
	far_forget(&f);
	far_wait(&f, 2000);
	for (unsigned i = 0; i < f.n_segments; i++)
		assert_true(f.segments[i].seq == 0 || f.segments[i].seq == 2 * MSS ||
			f.segments[i].seq == MSS); // after the second, all is doubted
	assert_true(f.n_segments >= 2);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hole_below_three_segments_is_sent_again_and_nothing_else),
		TEST(every_hole_is_sent_again_once),
		TEST(the_same_block_again_says_nothing_new),
		TEST(blocks_outside_what_is_in_flight_are_not_believed),
		TEST(holes_of_one_byte_do_no_harm),
		TEST(one_or_two_duplicates_let_new_data_out),
		TEST(without_sack_one_or_two_duplicates_let_new_data_out),
		TEST(without_sack_the_third_duplicate_sends_the_first_again),
		TEST(without_sack_an_ack_of_a_part_sends_the_next_hole_again),
		TEST(a_flood_of_duplicates_lets_no_more_out_than_is_in_flight),
		TEST(a_peer_that_reneges_gets_everything),
		TEST(a_timeout_sends_only_what_did_not_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
