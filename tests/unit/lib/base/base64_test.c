// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/base64.h"
#include "tests/unit/test.h"

#include <errno.h>

static void known_bytes_give_known_text(void **state)
{
	static const struct {
		uint8_t bytes[6];
		const char *text;
	} rows[] = {
		{{0, 0, 0, 0, 0, 0}, "AAAAAAAA"},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "________"},
		{{0xfb, 0xef, 0xbe, 'f', 'o', 'o'}, "----Zm9v"}, // RFC 4648 §10 for "foo"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t text[8], back[6];

		base64_encode(rows[i].bytes, 6, text);
		assert_memory_equal(text, rows[i].text, 8);
		assert_int_equal(base64_decode(text, 8, back), 0);
		assert_memory_equal(back, rows[i].bytes, 6);
	}
}

static void every_digit_survives_and_every_other_byte_is_refused(void **state)
{
	unsigned n_digits = 0;

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (unsigned at = 0; at < 12; at++) {
			uint8_t text[12], bytes[9], back[12];
			int error;

			memset(text, 'A', sizeof(text));
			text[at] = (uint8_t)c;
			error = base64_decode(text, 12, bytes);
			if (error == 0) {
				base64_encode(bytes, 9, back);
				assert_memory_equal(back, text, 12);
				n_digits++;
			} else {
				assert_int_equal(error, -EINVAL);
			}
		}
	}
	assert_int_equal(n_digits, 64 * 12);
}

// Long input goes a wide way.
static void every_length_encodes_as_its_groups_alone(void **state)
{
	uint8_t bytes[96], text[128], alone[4];
	uint32_t x = 1;

	(void)state;
	for (unsigned round = 0; round < 64; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(x >> 24);
		}
		for (size_t n = 0; n <= sizeof(bytes); n += 3) {
			memset(text, '!', sizeof(text));
			base64_encode(bytes + sizeof(bytes) - n, n, text);
			for (size_t g = 0; g < n / 3; g++) {
				base64_encode(bytes + sizeof(bytes) - n + 3 * g, 3, alone);
				assert_memory_equal(text + 4 * g, alone, 4);
			}
			for (size_t i = n / 3 * 4; i < sizeof(text); i++)
				assert_int_equal(text[i], '!');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_bytes_give_known_text),
		cmocka_unit_test(every_length_encodes_as_its_groups_alone),
		cmocka_unit_test(every_digit_survives_and_every_other_byte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
