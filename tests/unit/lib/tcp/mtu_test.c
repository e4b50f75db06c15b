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

static void tell_too_big(uint32_t seq, uint32_t mtu)
{
	struct tcp_icmp_error error = {
		.local = f.local,
		.remote = f.remote,
		.seq = f.iss + 1 + seq,
		.mtu = mtu,
		.kind = TCP_ICMP_TOO_BIG,
	};

	tcp_icmp_input(f.t, &error, f.now);
	far_take(&f);
}

static uint32_t longest(void)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < f.n_segments; i++)
		n = f.segments[i].len > n ? f.segments[i].len : n;
	return n;
}

static void what_was_too_long_is_sent_again_in_smaller_segments(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 4 * MSS);
	far_forget(&f);
	tell_too_big(MSS, 1400);
	assert_int_equal(far_bytes(&f), 4 * MSS);
	assert_int_equal(longest(), 1360);
	assert_int_equal(f.segments[0].seq, 0);
	assert_int_equal(f.segments[0].len, 1360);
	assert_int_equal(f.segments[1].seq, 1360);
	// That is no congestion.
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
	FAR_ACK(&f, 4 * MSS);
	far_forget(&f);
	far_write(&f, 4 * MSS);
	assert_int_equal(longest(), 1360);
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
}

static void a_message_about_what_is_not_in_flight_is_not_believed(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 4 * MSS);
	FAR_ACK(&f, 2 * MSS);
	far_forget(&f);
	tell_too_big(0, 600);
	tell_too_big(2 * MSS - 1, 600);
	tell_too_big(4 * MSS, 600);
	tell_too_big(0x80000000u, 600);
	assert_int_equal(f.n_segments, 0);
	assert_int_equal(far_info(&f).mss, MSS);
}

static void nobody_makes_segments_tiny(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 4 * MSS);
	far_forget(&f);
	tell_too_big(0, 68);
	assert_int_equal(longest(), 512);
	tell_too_big(0, 0);
	assert_int_equal(longest(), 512);
}

static void with_ipv6_no_message_goes_below_1280(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.v6 = true, .mss = 1440});
	far_write(&f, 4 * 1440);
	far_forget(&f);
	tell_too_big(0, 600);
	assert_int_equal(longest(), 1220);
}

static void a_message_never_makes_segments_larger(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.mss = 1000});
	far_write(&f, 4000);
	far_forget(&f);
	tell_too_big(0, 1300);
	assert_int_equal(f.n_segments, 0);
	assert_int_equal(far_info(&f).mss, 1000);
}

static void full_segments_that_never_arrive_are_tried_smaller(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 4 * MSS);
	far_wait(&f, 2500);
	assert_int_equal(far_last(&f)->seq, 0);
	assert_int_equal(far_last(&f)->len, 512);
	// That was it: it stays so.
	FAR_ACK(&f, 512);
	far_forget(&f);
	far_wait(&f, 1);
	assert_int_equal(longest(), 512);
}

static void a_path_that_was_merely_broken_gets_full_segments_again(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 4 * MSS);
	far_wait(&f, 20000);
	FAR_ACK(&f, 4 * MSS);
	far_forget(&f);
	far_write(&f, 4 * MSS);
	assert_int_equal(longest(), MSS);
}

static void a_small_segment_that_does_not_arrive_blames_no_path(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){0});
	far_write(&f, 300);
	far_wait(&f, 3000);
	FAR_ACK(&f, 300);
	far_forget(&f);
	far_write(&f, 4 * MSS);
	assert_int_equal(longest(), MSS);
}

static void a_tiny_mss_of_the_peer_is_not_followed_down(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.mss = 1});
	far_write(&f, 1000);
	assert_int_equal(longest(), 216);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_too_long_is_sent_again_in_smaller_segments),
		TEST(a_message_about_what_is_not_in_flight_is_not_believed),
		TEST(nobody_makes_segments_tiny),
		TEST(with_ipv6_no_message_goes_below_1280),
		TEST(a_message_never_makes_segments_larger),
		TEST(full_segments_that_never_arrive_are_tried_smaller),
		TEST(a_path_that_was_merely_broken_gets_full_segments_again),
		TEST(a_small_segment_that_does_not_arrive_blames_no_path),
		TEST(a_tiny_mss_of_the_peer_is_not_followed_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
