// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/pages.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

static void every_byte_of_a_table_is_zero_and_its_own(void **state)
{
	static const size_t sizes[] = {1, 64, 4097, (2 << 20) - 1, 2 << 20, (4 << 20) + 192};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *at = pages_alloc(sizes[i]);

		assert_non_null(at);
		assert_int_equal((uintptr_t)at % 64, 0);
		for (size_t b = 0; b < sizes[i]; b++)
			assert_int_equal(at[b], 0);
		memset(at, 0xff, sizes[i]);
		free(at);
	}
}

static void a_large_table_begins_with_a_huge_page(void **state)
{
	void *at = pages_alloc(3 << 20);

	(void)state;
	assert_non_null(at);
	assert_int_equal((uintptr_t)at % (2 << 20), 0);
	free(at);
}

static void a_table_of_no_bytes_can_be_freed(void **state)
{
	void *at = pages_alloc(0);

	(void)state;
	assert_non_null(at);
	free(at);
}

static void a_table_beyond_the_address_space_is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(pages_alloc(SIZE_MAX - 100));
	assert_int_equal(errno, ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_of_a_table_is_zero_and_its_own),
		cmocka_unit_test(a_large_table_begins_with_a_huge_page),
		cmocka_unit_test(a_table_of_no_bytes_can_be_freed),
		cmocka_unit_test(a_table_beyond_the_address_space_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
