// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/siphash.h"
#include "tests/unit/test.h"

// Key and input of the paper's appendix A, and of the reference implementation's vectors:
// bytes counting up from zero.
static void counting(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)i;
}

static void reference_vectors_hold(void **state)
{
	static const struct {
		size_t n_bytes;
		uint64_t hash;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},
		{15, 0xa129ca6149be45e5},
		{63, 0x958a324ceb064572},
	};
	uint8_t key_bytes[SIPHASH_KEY_BYTES], input[64];
	struct siphash_key key;

	(void)state;
	counting(key_bytes, sizeof(key_bytes));
	counting(input, sizeof(input));
	key = siphash_key_from(key_bytes);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(siphash(&key, input, rows[i].n_bytes), rows[i].hash);
}

static void input_in_pieces_hashes_as_in_one(void **state)
{
	uint8_t key_bytes[SIPHASH_KEY_BYTES], input[64];
	struct siphash_key key;

	(void)state;
	counting(key_bytes, sizeof(key_bytes));
	counting(input, sizeof(input));
	key = siphash_key_from(key_bytes);
	for (size_t first = 0; first <= sizeof(input); first++) {
		for (size_t second = 0; first + second <= sizeof(input); second++) {
			struct siphash h;

			siphash_init(&h, &key);
			siphash_add(&h, input, first);
			siphash_add(&h, input + first, second);
			siphash_add(&h, input + first + second, sizeof(input) - first - second);
			assert_int_equal(siphash_end(&h), siphash(&key, input, sizeof(input)));
		}
	}
}

static void parts_cannot_be_shifted_into_each_other(void **state)
{
	struct siphash_key key = {1, 2};
	struct siphash a, b;

	(void)state;
	siphash_init(&a, &key);
	siphash_add_part(&a, VIEW("ab"));
	siphash_add_part(&a, VIEW("c"));
	siphash_init(&b, &key);
	siphash_add_part(&b, VIEW("a"));
	siphash_add_part(&b, VIEW("bc"));
	assert_int_not_equal(siphash_end(&a), siphash_end(&b));
}

static void a_padded_part_hashes_as_with_its_zeros(void **state)
{
	struct siphash_key key = {1, 2};
	uint8_t input[64];

	(void)state;
	counting(input, sizeof(input));
	for (size_t n = 0; n <= 40; n++) {
		uint8_t zeros[48] = {0};
		struct siphash h;

		memcpy(zeros, input, n);
		siphash_init(&h, &key);
		siphash_add_padded(&h, view_of(input, n));
		siphash_add_padded(&h, view_of(input, 8));
		memcpy(zeros + (n + 7) / 8 * 8, input, 8);
		assert_int_equal(siphash_end(&h), siphash(&key, zeros, (n + 7) / 8 * 8 + 8));
	}
}

static void whole_words_hash_as_their_bytes(void **state)
{
	struct siphash_key key = {1, 2};
	uint64_t words[5];
	struct siphash h;

	(void)state;
	counting((uint8_t *)words, sizeof(words));
	for (unsigned n = 1; n <= 5; n++) {
		siphash_init(&h, &key);
		siphash_add(&h, words, 8);
		assert_int_equal(
			siphash_end_words(&h, words + 1, n - 1), siphash(&key, words, 8 * n));
	}
}

static void four_inputs_at_once_hash_as_each_alone(void **state)
{
	static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint64_t words[9][4], alone[9], out[4], x = 1;
	struct siphash begun;

	(void)state;
	siphash_init(&begun, &key);
	for (unsigned n_before = 0; n_before < 3; n_before++) {
		for (unsigned n = 0; n <= 9; n++) {
			for (unsigned i = 0; i < 4 * n; i++)
				words[i / 4][i % 4] = x = x * 6364136223846793005u + 1;
			siphash_end_words_of_4(&begun, (const uint64_t(*)[4])words, n, out);
			for (unsigned lane = 0; lane < 4; lane++) {
				for (unsigned i = 0; i < n; i++)
					alone[i] = words[i][lane];
				assert_true(out[lane] == siphash_end_words(&begun, alone, n));
			}
		}
		siphash_add(&begun, &x, sizeof(x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_vectors_hold),
		cmocka_unit_test(input_in_pieces_hashes_as_in_one),
		cmocka_unit_test(parts_cannot_be_shifted_into_each_other),
		cmocka_unit_test(a_padded_part_hashes_as_with_its_zeros),
		cmocka_unit_test(whole_words_hash_as_their_bytes),
		cmocka_unit_test(four_inputs_at_once_hash_as_each_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
