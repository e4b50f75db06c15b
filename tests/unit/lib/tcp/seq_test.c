// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/seq.h"
#include "tests/unit/test.h"

static void numbers_are_compared_by_the_shorter_way_round(void **state)
{
	static const uint32_t starts[] = {0, 1, 0x7fffffff, 0x80000000, UINT32_MAX};
	static const uint32_t steps[] = {1, 2, 1460, 0x7fffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint32_t a = starts[i];

		assert_false(seq_lt(a, a) || seq_gt(a, a));
		assert_true(seq_le(a, a) && seq_ge(a, a));
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			uint32_t b = a + steps[j];

			assert_true(seq_lt(a, b) && seq_le(a, b) && seq_gt(b, a) && seq_ge(b, a));
			assert_false(seq_lt(b, a) || seq_le(b, a) || seq_gt(a, b) || seq_ge(a, b));
			assert_int_equal(seq_max(a, b), b);
			assert_int_equal(seq_max(b, a), b);
			assert_int_equal(seq_min(a, b), a);
			assert_int_equal(seq_min(b, a), a);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_compared_by_the_shorter_way_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
