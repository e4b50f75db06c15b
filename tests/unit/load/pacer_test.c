// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/pacer.h"
#include "tests/load/trial.h"
#include "tests/unit/test.h"

#define SECOND UINT64_C(1000000000)

static uint64_t take_all(struct pacer *p, uint64_t now_ns)
{
	uint64_t due_ns, n = 0;

	while (pacer_peek(p, now_ns, &due_ns)) {
		pacer_take(p);
		n++;
	}
	return n;
}

static void the_first_is_due_at_once_and_the_next_an_interval_later(void **state)
{
	struct pacer p;
	uint64_t due_ns;

	(void)state;
	pacer_start(&p, 1000, 5 * SECOND);
	assert_false(pacer_peek(&p, 5 * SECOND - 1, &due_ns));
	assert_true(pacer_peek(&p, 5 * SECOND, &due_ns));
	pacer_take(&p);
	assert_false(pacer_peek(&p, 5 * SECOND + 999999, &due_ns));
	assert_true(pacer_peek(&p, 5 * SECOND + 1000000, &due_ns));
	assert_int_equal(due_ns, 5 * SECOND + 1000000);
}

static void a_stall_moves_no_due(void **state)
{
	struct pacer p;
	uint64_t due_ns;

	(void)state;
	pacer_start(&p, 1000, 0);
	pacer_peek(&p, 0, &due_ns);
	pacer_take(&p);
	for (uint64_t i = 1; i <= 50; i++) {
		assert_true(pacer_peek(&p, 50000000, &due_ns));
		assert_int_equal(due_ns, i * 1000000);
		pacer_take(&p);
	}
	assert_false(pacer_peek(&p, 50000000, &due_ns));
}

static void any_rate_is_kept_over_an_hour_to_one_request(void **state)
{
	static const double rates[] = {0.5, 1, 3, 7.7, 999, 333333, 1234567, 3e6};

	(void)state;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double wanted = rates[i] * 3600;
		struct pacer p;
		uint64_t n;

		pacer_start(&p, rates[i], SECOND);
		n = pacer_end(&p, 3601 * SECOND);
		// A due is rounded to 2^-20 ns: 3e6/s add up to half a request in so long a time.
		assert_true((double)n >= wanted - 1 - wanted / 1e8);
		assert_true((double)n <= wanted + 1 + wanted / 1e8);
	}
}

static void what_falls_due_before_the_end_is_exactly_what_can_be_taken(void **state)
{
	(void)state;
	for (uint64_t end = 0; end < 5000; end += 7) {
		struct pacer p;
		uint64_t n;

		pacer_start(&p, 3e8, 1000);
		n = pacer_end(&p, end);
		assert_int_equal(take_all(&p, 10000), n);
		assert_int_equal(n == 0, end <= 1000);
	}
}

static void nothing_is_due_at_rate_zero(void **state)
{
	struct pacer p;
	uint64_t due_ns;

	(void)state;
	pacer_start(&p, 0, 0);
	assert_false(pacer_peek(&p, UINT64_MAX, &due_ns));
	assert_int_equal(pacer_end(&p, UINT64_MAX), 0);
}

static const struct trial_times times = {
	.warm_up_ns = SECOND, .measure_ns = 10 * SECOND, .drain_ns = 2 * SECOND};

static void phases_change_at_their_times(void **state)
{
	struct trial t;

	(void)state;
	trial_start(&t, &times, 100 * SECOND);
	assert_int_equal(trial_step(&t, false, 101 * SECOND - 1), TRIAL_WARM_UP);
	assert_int_equal(trial_step(&t, true, 101 * SECOND), TRIAL_MEASURE);
	assert_int_equal(trial_step(&t, true, 111 * SECOND - 1), TRIAL_MEASURE);
	assert_int_equal(trial_step(&t, false, 111 * SECOND), TRIAL_DRAIN);
	assert_int_equal(trial_step(&t, false, 113 * SECOND - 1), TRIAL_DRAIN);
	assert_int_equal(trial_step(&t, false, 113 * SECOND), TRIAL_DONE);
}

static void a_drain_ends_early_when_nothing_waits(void **state)
{
	struct trial t;

	(void)state;
	trial_start(&t, &times, 0);
	trial_step(&t, false, 11 * SECOND);
	assert_int_equal(trial_step(&t, true, 11 * SECOND + 1), TRIAL_DONE);
}

static void a_stall_over_several_phases_ends_in_the_right_one(void **state)
{
	struct trial t;

	(void)state;
	trial_start(&t, &times, 0);
	assert_int_equal(trial_step(&t, false, 12 * SECOND), TRIAL_DRAIN);
	assert_int_equal(t.drain_ns, 11 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_due_at_once_and_the_next_an_interval_later),
		cmocka_unit_test(a_stall_moves_no_due),
		cmocka_unit_test(any_rate_is_kept_over_an_hour_to_one_request),
		cmocka_unit_test(what_falls_due_before_the_end_is_exactly_what_can_be_taken),
		cmocka_unit_test(nothing_is_due_at_rate_zero),
		cmocka_unit_test(phases_change_at_their_times),
		cmocka_unit_test(a_drain_ends_early_when_nothing_waits),
		cmocka_unit_test(a_stall_over_several_phases_ends_in_the_right_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
