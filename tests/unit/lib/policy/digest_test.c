// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/digest.h"
#include "tests/unit/test.h"

#include <stdbool.h>

static bool equal(struct digest a, struct digest b)
{
	return a.low == b.low && a.high == b.high;
}

static void every_bit_of_the_input_changes_both_halves(void **state)
{
	uint8_t bytes[200];
	struct digest whole;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	whole = digest_of(bytes, sizeof(bytes));
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		struct digest d;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		d = digest_of(bytes, sizeof(bytes));
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(d.low, whole.low);
		assert_int_not_equal(d.high, whole.high);
	}
}

static void zeros_of_every_length_differ(void **state)
{
	enum { N = 300 };
	static const uint8_t zeros[N];
	struct digest digests[N];

	(void)state;
	for (size_t n = 0; n < N; n++) {
		digests[n] = digest_of(zeros, n);
		for (size_t i = 0; i < n; i++)
			assert_false(equal(digests[i], digests[n]));
	}
}

static void blocks_that_change_places_change_the_digest(void **state)
{
	uint8_t bytes[256] = {0};
	struct digest before;

	(void)state;
	bytes[0] = 1;
	bytes[64] = 2;
	before = digest_of(bytes, sizeof(bytes));
	bytes[0] = 2;
	bytes[64] = 1;
	assert_false(equal(before, digest_of(bytes, sizeof(bytes))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_of_the_input_changes_both_halves),
		cmocka_unit_test(zeros_of_every_length_differ),
		cmocka_unit_test(blocks_that_change_places_change_the_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
