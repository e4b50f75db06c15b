// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/search.h"
#include "tests/unit/test.h"

// Runs a search against something that passes up to a rate.
static double search_for(double first, double limit, double precision, unsigned *n_trials)
{
	struct search s;
	double rate;

	search_init(&s, first, precision);
	while ((rate = search_next(&s)) > 0)
		search_tell(&s, rate, rate <= limit);
	*n_trials = s.n_trials;
	return search_found(&s);
}

static void it_finds_any_limit_from_any_start_within_the_precision(void **state)
{
	static const double limits[] = {3, 17, 1000, 1001, 123456, 1.4e6, 2e7};
	static const double firsts[] = {1, 100, 1000, 1e6, 1e8};

	(void)state;
	for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		for (unsigned j = 0; j < sizeof(firsts) / sizeof(firsts[0]); j++) {
			unsigned n_trials;
			double found = search_for(firsts[j], limits[i], 0.01, &n_trials);

			assert_true(found <= limits[i]);
			assert_true(found >= limits[i] * 0.99 - 1);
			assert_in_range(n_trials, 2, SEARCH_TRIALS_MAX);
		}
	}
}

static void the_first_rate_is_the_one_asked_for(void **state)
{
	struct search s;

	(void)state;
	search_init(&s, 777, 0.01);
	assert_true(search_next(&s) == 777);
}

static void where_nothing_passes_it_ends_and_says_so(void **state)
{
	unsigned n_trials;

	(void)state;
	assert_true(search_for(1e6, 0, 0.01, &n_trials) == 0);
	assert_in_range(n_trials, 1, SEARCH_TRIALS_MAX);
}

static void where_everything_passes_it_ends_too(void **state)
{
	unsigned n_trials;

	(void)state;
	assert_true(search_for(1, 1e300, 0.01, &n_trials) > 1e6);
	assert_int_equal(n_trials, SEARCH_TRIALS_MAX);
}

static void what_it_found_has_passed(void **state)
{
	struct search s;

	(void)state;
	// Passes, fails, then fails all the way down: only the first has passed.
	search_init(&s, 1000, 0.01);
	search_tell(&s, search_next(&s), true);
	while (search_next(&s) > 0)
		search_tell(&s, search_next(&s), false);
	assert_true(search_found(&s) == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_finds_any_limit_from_any_start_within_the_precision),
		cmocka_unit_test(the_first_rate_is_the_one_asked_for),
		cmocka_unit_test(where_nothing_passes_it_ends_and_says_so),
		cmocka_unit_test(where_everything_passes_it_ends_too),
		cmocka_unit_test(what_it_found_has_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
