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

// RFC 3522: an ACK with the timestamp of the first transmission.
static void a_timeout_that_was_too_early_is_taken_back(void **state)
{
	uint32_t echo;

	(void)state;
	far_open(&f, &(struct far_options){.timestamps = true});
	far_write(&f, 10 * 1448);
	echo = f.ts_echo;
	far_wait(&f, 290);
	assert_int_equal(far_info(&f).cwnd_bytes, 1460);
	f.ts_echo = echo;
	far_forget(&f);
	FAR_ACK(&f, 5 * 1448);
	far_take(&f);
	assert_true(far_info(&f).cwnd_bytes >= 10 * 1448);
	assert_int_equal(f.n_segments, 0);
}

// RFC 3708: only the ACKs had been lost.
static void a_timeout_of_what_had_come_is_taken_back(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.window = 1 << 22});
	far_write(&f, 10 * MSS);
	far_wait(&f, 290);
	assert_int_equal(far_info(&f).cwnd_bytes, MSS);
	// The probe, the last segment, and the first one, each twice.
	FAR_SACK(&f, 10 * MSS, 9 * MSS, 10 * MSS);
	FAR_SACK(&f, 10 * MSS, 0, MSS);
	assert_int_equal(far_info(&f).cwnd_bytes, 10 * MSS);
}

// The first recovery was for nothing; the report of that comes in the second one.
static void a_duplicate_from_before_takes_no_later_reduction_back(void **state)
{
	(void)state;
	far_open(&f, &(struct far_options){.window = 1 << 22});
	far_write(&f, 10 * MSS);
	far_wait(&f, 20);
	FAR_SACK(&f, 0, MSS, 10 * MSS);
	far_take(&f);
	FAR_ACK(&f, 10 * MSS);
	far_write(&f, 7 * MSS);
	far_wait(&f, 20);
	FAR_SACK(&f, 10 * MSS, 11 * MSS, 17 * MSS);
	far_take(&f);
	assert_int_equal(far_info(&f).ssthresh_bytes, 5 * MSS);
	FAR_SACK(&f, 10 * MSS, 0, MSS, 11 * MSS, 17 * MSS);
	assert_int_equal(far_info(&f).ssthresh_bytes, 5 * MSS);
}

// The third and the second last of what is sent in a recovery are lost; one of them is sent again
// in it, the other begins the next. The answer to the former has the timestamp of its repetition,
// which left before that.
static void the_answer_to_a_repetition_of_before_takes_no_reduction_back(void **state)
{
	uint32_t mss = 1448, echo;

	(void)state;
	far_open(&f, &(struct far_options){.window = 1 << 22, .timestamps = true});
	far_write(&f, 60 * mss);
	far_wait(&f, 20);
	for (uint32_t i = 2; i <= 10; i++) {
		FAR_SACK(&f, 0, mss, i * mss);
		far_take(&f);
	}
	far_wait(&f, 20);
	FAR_SACK(&f, 0, 11 * mss, 15 * mss, mss, 10 * mss);
	far_take(&f);
	far_wait(&f, 5);
	assert_int_equal(far_info(&f).n_retransmitted, 3);
	echo = f.ts_echo;
	far_wait(&f, 10);
	f.ts_echo = echo;
	FAR_SACK(&f, 10 * mss, 11 * mss, 12 * mss, 14 * mss, 16 * mss);
	far_take(&f);
	f.ts_echo = echo;
	FAR_SACK(&f, 12 * mss, 14 * mss, 16 * mss);
	assert_true(far_info(&f).ssthresh_bytes < 7 * MSS);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timeout_that_was_too_early_is_taken_back),
		TEST(a_timeout_of_what_had_come_is_taken_back),
		TEST(a_duplicate_from_before_takes_no_later_reduction_back),
		TEST(the_answer_to_a_repetition_of_before_takes_no_reduction_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
