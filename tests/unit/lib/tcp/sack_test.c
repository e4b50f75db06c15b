// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/lib/tcp/far_end.h"
#include "tests/unit/test.h"

#define MSS   1460u
#define SMALL 536u

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

// In slow start, until n small segments are in flight, a round trip ago. Returns SND.UNA.
static uint32_t fly_many(unsigned n)
{
	uint32_t at = 0;

	far_open(&f, &(struct far_options){.mss = SMALL, .window = 1 << 22, .n_chunks = 8192});
	for (;;) {
		uint32_t room = tcp_room(f.t, f.id), in_flight;

		far_write(&f, room < 1 << 20 ? room : 1 << 20);
		in_flight = far_last(&f)->seq + far_last(&f)->len - at;
		far_forget(&f);
		far_wait(&f, 20);
		if (in_flight >= n * SMALL)
			return at;
		for (uint32_t end = at + in_flight; at < end;) {
			at += end - at < 8 * SMALL ? end - at : 8 * SMALL;
			FAR_ACK(&f, at);
			far_take(&f);
		}
	}
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

// More chunks than one ACK looks at: each tells of a little more.
static void in_a_long_flight_all_that_comes_is_seen(void **state)
{
	uint32_t at = fly_many(800);

	(void)state;
	for (unsigned i = 4; i <= 800; i += 4) {
		FAR_SACK(&f, at, at + SMALL, at + i * SMALL);
		far_take(&f);
	}
	// Seven tenths of it leave again, the first one among them, and nothing else twice.
	assert_in_range(far_bytes(&f), 500 * SMALL, 800 * SMALL);
	assert_int_equal(f.segments[0].seq, at);
	assert_int_equal(far_info(&f).n_retransmitted, 1);
}

// Of two runs, one above a hole far down, that hole is filled: one run, whose end goes on growing.
static void runs_that_join_in_a_long_flight_go_on_growing(void **state)
{
	uint32_t at = fly_many(800), before;

	(void)state;
	for (unsigned i = 4; i <= 300; i += 4) {
		FAR_SACK(&f, at, at + SMALL, at + i * SMALL);
		far_take(&f);
	}
	FAR_SACK(&f, at, at + 302 * SMALL, at + 500 * SMALL, at + SMALL, at + 300 * SMALL);
	far_take(&f);
	before = far_bytes(&f);
	for (unsigned i = 504; i <= 800; i += 4) {
		FAR_SACK(&f, at, at + SMALL, at + i * SMALL);
		far_take(&f);
	}
	assert_true(far_bytes(&f) > before + 100 * SMALL);
}

static void in_a_long_flight_a_repetition_that_is_lost_is_found(void **state)
{
	uint32_t at = fly_many(800), end;

	(void)state;
	for (unsigned i = 4; i <= 800; i += 4) {
		FAR_SACK(&f, at, at + SMALL, at + i * SMALL);
		far_take(&f);
	}
	assert_int_equal(f.segments[0].seq, at);
	end = far_last(&f)->seq + far_last(&f)->len;
	far_forget(&f);
	far_wait(&f, 20);
	FAR_SACK(&f, at, at + SMALL, end);
	far_take(&f);
	assert_int_equal(f.segments[0].seq, at);
}

static void a_segment_held_in_part_is_taken_with_its_rest(void **state)
{
	(void)state;
	fly(8, &(struct far_options){0});
	FAR_SACK(&f, 0, MSS + 100, 4 * MSS);
	FAR_SACK(&f, 0, MSS, 5 * MSS);
	far_wait(&f, 10);
	FAR_SACK(&f, 0, MSS, 8 * MSS);
	far_wait(&f, 10);
	assert_int_equal(f.n_segments, 1);
	assert_int_equal(f.segments[0].seq, 0);
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
		TEST(in_a_long_flight_all_that_comes_is_seen),
		TEST(runs_that_join_in_a_long_flight_go_on_growing),
		TEST(in_a_long_flight_a_repetition_that_is_lost_is_found),
		TEST(a_segment_held_in_part_is_taken_with_its_rest),
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
