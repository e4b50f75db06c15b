// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/hop.h"
#include "tests/unit/test.h"

#include <stdio.h>

static const struct siphash_key relay_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static void a_key_is_that_of_its_kind_and_name_alone(void **state)
{
	struct hop_keys keys, again;
	struct ip_addr key;

	(void)state;
	hop_keys_init(&keys, &relay_key);
	hop_keys_init(&again, &relay_key);
	key = hop_key(&keys, HOP_DOMAIN, VIEW("fabrikam.example"));
	assert_int_equal(key.family, IP_NAMED);
	assert_memory_equal(key.zero, (uint8_t[3]){0}, sizeof(key.zero));
	for (unsigned i = 0; i < 3; i++) {
		struct ip_addr same = hop_key(&again, HOP_DOMAIN, VIEW("fabrikam.example"));

		assert_true(ip_equal(&key, &same));
	}
	for (unsigned half = 0; half < 2; half++) {
		struct ip_addr other = hop_key(&keys, HOP_HOST, VIEW("fabrikam.example"));

		assert_memory_not_equal(key.bytes + half * 8, other.bytes + half * 8, 8);
		other = hop_key(&keys, HOP_DOMAIN, VIEW("fabrikam.exampl"));
		assert_memory_not_equal(key.bytes + half * 8, other.bytes + half * 8, 8);
	}
	assert_memory_not_equal(key.bytes, key.bytes + 8, 8);
}

static void zeros_behind_a_name_are_part_of_it(void **state)
{
	struct hop_keys keys;
	struct ip_addr key, other;

	(void)state;
	hop_keys_init(&keys, &relay_key);
	key = hop_key(&keys, HOP_HOST, VIEW("a.example"));
	other = hop_key(&keys, HOP_HOST, VIEW("a.example\0"));
	assert_false(ip_equal(&key, &other));
}

static void another_relay_key_gives_another_key(void **state)
{
	struct siphash_key other_relay = relay_key;
	struct hop_keys keys, others;
	struct ip_addr key, other;

	(void)state;
	other_relay.k1 ^= 1;
	hop_keys_init(&keys, &relay_key);
	hop_keys_init(&others, &other_relay);
	key = hop_key(&keys, HOP_HOST, VIEW("a.example"));
	other = hop_key(&others, HOP_HOST, VIEW("a.example"));
	assert_memory_not_equal(key.bytes, other.bytes, 8);
	assert_memory_not_equal(key.bytes + 8, other.bytes + 8, 8);
}

static void two_thousand_names_have_as_many_keys_in_either_half(void **state)
{
	enum { N = 2000 };
	static uint64_t halves[2][N];
	struct hop_keys keys;

	(void)state;
	hop_keys_init(&keys, &relay_key);
	for (unsigned i = 0; i < N; i++) {
		struct ip_addr key;
		char name[32];

		snprintf(name, sizeof(name), "d%u.example", i);
		key = hop_key(&keys, HOP_DOMAIN, view_string(name));
		memcpy(&halves[0][i], key.bytes, 8);
		memcpy(&halves[1][i], key.bytes + 8, 8);
		for (unsigned k = 0; k < i; k++) {
			assert_true(halves[0][k] != halves[0][i]);
			assert_true(halves[1][k] != halves[1][i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_that_of_its_kind_and_name_alone),
		cmocka_unit_test(zeros_behind_a_name_are_part_of_it),
		cmocka_unit_test(another_relay_key_gives_another_key),
		cmocka_unit_test(two_thousand_names_have_as_many_keys_in_either_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
