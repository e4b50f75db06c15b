// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/text.h"
#include "tests/unit/test.h"

#include <inttypes.h>

static void numbers_are_written_as_printf_writes_them(void **state)
{
	static const uint64_t values[] = {0, 1, 9, 10, 15, 16, 99, 100, 101, 999, 1000, 5060, 9999,
		10000, 10001, 65535, 99999, 100000, 999999, 1000000, 9999999, 10000000, 99999999,
		100000000, 999999999, 1000000000, 0x9abcdef0, UINT32_MAX,
		UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210), UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint8_t buffer[32];
		char expected[32];
		struct text t = text_over(buffer, sizeof(buffer));

		text_add_hex64(&t, values[i]);
		snprintf(expected, sizeof(expected), "%016" PRIx64, values[i]);
		assert_true(view_equal(text_view(&t), view_string(expected)));

		t = text_over(buffer, sizeof(buffer));
		text_add_number(&t, (uint32_t)values[i]);
		snprintf(expected, sizeof(expected), "%" PRIu32, (uint32_t)values[i]);
		assert_true(view_equal(text_view(&t), view_string(expected)));
	}
}

static void every_nibble_has_its_digit(void **state)
{
	(void)state;
	for (unsigned nibble = 0; nibble < 16; nibble++) {
		uint8_t buffer[TEXT_HEX64_BYTES];
		struct text t = text_over(buffer, sizeof(buffer));

		text_add_hex64(&t, nibble * UINT64_C(0x1111111111111111));
		for (unsigned i = 0; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], "0123456789abcdef"[nibble]);
	}
}

static void what_does_not_fit_is_not_written_and_is_remembered(void **state)
{
	uint8_t buffer[8] = "xxxxxxx";
	struct text t = text_over(buffer, 4);

	(void)state;
	text_add(&t, VIEW("abc"));
	assert_false(t.overflow);
	text_add(&t, VIEW("de"));
	assert_true(t.overflow);
	// Not even what would fit: the text ends where it stopped to be whole.
	text_add(&t, VIEW("f"));
	text_add_hex64(&t, 1);
	text_add_number(&t, 1);
	assert_true(view_equal(text_view(&t), VIEW("abc")));
	assert_memory_equal(buffer + 3, "xxxx", 4);
}

static void an_exact_fit_is_no_overflow(void **state)
{
	uint8_t buffer[4];
	struct text t = text_over(buffer, sizeof(buffer));
	const uint8_t *mark;

	(void)state;
	text_add(&t, VIEW("ab"));
	mark = t.at;
	text_add(&t, VIEW("cd"));
	text_add(&t, VIEW_NONE);
	assert_false(t.overflow);
	assert_true(view_equal(text_since(&t, mark), VIEW("cd")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_as_printf_writes_them),
		cmocka_unit_test(every_nibble_has_its_digit),
		cmocka_unit_test(what_does_not_fit_is_not_written_and_is_remembered),
		cmocka_unit_test(an_exact_fit_is_no_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
