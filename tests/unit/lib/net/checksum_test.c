// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wire.h"
#include "lib/net/checksum.h"
#include "tests/unit/test.h"

// Word by word as RFC 1071 §4.1 writes it, on host numbers.
static uint16_t plain_sum(const uint8_t *bytes, size_t n_bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n_bytes; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | (i + 1 < n_bytes ? bytes[i + 1] : 0));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t on_the_wire(uint16_t value)
{
	uint8_t bytes[2];

	memcpy(bytes, &value, sizeof(bytes));
	return wire_get16(bytes);
}

static void the_example_of_rfc_1071_sums_up(void **state)
{
	static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(on_the_wire(checksum_fold(checksum_add(0, example, 8))), 0xddf2);
	assert_int_equal(on_the_wire(checksum_end(checksum_add(0, example, 8))), 0x220d);
}

static void every_length_and_alignment_sums_as_word_by_word(void **state)
{
	uint8_t bytes[208];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(x >> 24);
	}
	for (size_t from = 0; from < 8; from++) {
		for (size_t n = 0; n <= sizeof(bytes) - from; n++)
			assert_int_equal(
				on_the_wire(checksum_fold(checksum_add(0, bytes + from, n))),
				plain_sum(bytes + from, n));
	}
}

static void carries_are_kept_when_every_bit_is_set(void **state)
{
	uint8_t bytes[1024];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t n = 2; n <= sizeof(bytes); n += 2)
		assert_int_equal(checksum_fold(checksum_add(UINT64_MAX, bytes, n)), 0xffff);
}

static void the_longest_datagram_and_more_keep_their_carries(void **state)
{
	static uint8_t bytes[70000];

	(void)state;
	for (size_t n = 65500; n <= sizeof(bytes); n += 150) {
		memset(bytes, 0x7f, sizeof(bytes));
		assert_int_equal(
			on_the_wire(checksum_fold(checksum_add(0, bytes, n))), plain_sum(bytes, n));
		memset(bytes, 0x80, sizeof(bytes));
		assert_int_equal(
			on_the_wire(checksum_fold(checksum_add(0, bytes, n))), plain_sum(bytes, n));
	}
}

static void a_sum_in_parts_is_the_sum_of_the_whole(void **state)
{
	uint8_t bytes[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(0xff - i * 7);
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 2) {
		uint64_t sum = checksum_add(0, bytes, cut);

		sum = checksum_add(sum, bytes + cut, sizeof(bytes) - cut);
		assert_int_equal(
			checksum_fold(sum), checksum_fold(checksum_add(0, bytes, sizeof(bytes))));
	}
}

static void a_replaced_word_gives_the_checksum_of_the_new_bytes(void **state)
{
	uint8_t bytes[8] = {0x08, 0x00, 0x12, 0x34, 0xff, 0xff, 0x00, 0x00};

	(void)state;
	for (uint32_t word = 0; word <= 0xffff; word += 13) {
		uint16_t before = checksum_end(checksum_add(0, bytes, sizeof(bytes)));
		uint16_t was, is = (uint16_t)word;

		memcpy(&was, bytes, 2);
		memcpy(bytes, &is, 2);
		assert_int_equal(checksum_replace(before, was, is),
			checksum_end(checksum_add(0, bytes, sizeof(bytes))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_1071_sums_up),
		cmocka_unit_test(every_length_and_alignment_sums_as_word_by_word),
		cmocka_unit_test(carries_are_kept_when_every_bit_is_set),
		cmocka_unit_test(the_longest_datagram_and_more_keep_their_carries),
		cmocka_unit_test(a_sum_in_parts_is_the_sum_of_the_whole),
		cmocka_unit_test(a_replaced_word_gives_the_checksum_of_the_new_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
