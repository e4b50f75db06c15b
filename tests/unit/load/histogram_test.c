// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/histogram.h"
#include "tests/unit/test.h"

static struct histogram *new_histogram(void)
{
	struct histogram *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	return h;
}

static void an_empty_one_has_no_quantile(void **state)
{
	struct histogram *h = new_histogram();

	(void)state;
	assert_int_equal(histogram_quantile(h, 0.5), 0);
	assert_int_equal(histogram_quantile(h, 1), 0);
	free(h);
}

static void small_values_are_kept_exactly(void **state)
{
	struct histogram *h = new_histogram();

	(void)state;
	for (uint64_t v = 1; v <= 100; v++)
		histogram_add(h, v);
	assert_int_equal(histogram_quantile(h, 0.01), 1);
	assert_int_equal(histogram_quantile(h, 0.5), 50);
	assert_int_equal(histogram_quantile(h, 0.99), 99);
	assert_int_equal(histogram_quantile(h, 1), 100);
	free(h);
}

static void every_value_comes_back_within_a_sixty_fourth(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int delta = -1; delta <= 1; delta++) {
			struct histogram *h = new_histogram();
			uint64_t v = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta, q;

			histogram_add(h, v);
			histogram_add(h, UINT64_MAX); // so that max does not cut the answer
			q = histogram_quantile(h, 0.5);
			assert_true(q >= v);
			assert_true(q - v <= v / 64);
			free(h);
		}
	}
}

static void the_largest_quantile_is_the_largest_value_itself(void **state)
{
	struct histogram *h = new_histogram();

	(void)state;
	histogram_add(h, 1000);
	histogram_add(h, 123456789);
	assert_int_equal(histogram_quantile(h, 1), 123456789);
	assert_int_equal(histogram_quantile(h, 0.999), 123456789);
	free(h);
}

static void one_outlier_in_a_thousand_shows_beyond_three_nines_only(void **state)
{
	struct histogram *h = new_histogram();

	(void)state;
	for (unsigned i = 0; i < 999; i++)
		histogram_add(h, 10);
	histogram_add(h, 5000000);
	assert_int_equal(histogram_quantile(h, 0.999), 10);
	assert_int_equal(histogram_quantile(h, 0.9991), 5000000);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_has_no_quantile),
		cmocka_unit_test(small_values_are_kept_exactly),
		cmocka_unit_test(every_value_comes_back_within_a_sixty_fourth),
		cmocka_unit_test(the_largest_quantile_is_the_largest_value_itself),
		cmocka_unit_test(one_outlier_in_a_thousand_shows_beyond_three_nines_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
