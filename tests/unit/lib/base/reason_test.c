// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/reason.h"
#include "tests/unit/test.h"

static void no_two_reasons_share_a_name_or_a_diagnostic(void **state)
{
	(void)state;
	for (unsigned a = 0; a < REASON_N; a++) {
		for (unsigned b = 0; b < a; b++) {
			assert_string_not_equal(reason_name(a), reason_name(b));
			if (reason_diagnostic(a) != 0)
				assert_int_not_equal(reason_diagnostic(a), reason_diagnostic(b));
		}
	}
}

static void every_error_answer_has_a_diagnostic(void **state)
{
	(void)state;
	for (unsigned r = 0; r < REASON_N; r++)
		assert_int_equal(reason_sip_status(r) >= 300, reason_diagnostic(r) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_reasons_share_a_name_or_a_diagnostic),
		cmocka_unit_test(every_error_answer_has_a_diagnostic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
