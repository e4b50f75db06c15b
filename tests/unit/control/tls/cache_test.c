// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "control/tls/cache.h"

#define NOW INT64_C(1000)

struct key {
	uint8_t bytes[TLS_CACHE_KEY_BYTES];
};

// Spread as a digest is.
static struct key key_of(uint32_t n)
{
	struct key k = {{0}};
	uint32_t mixed = n * UINT32_C(2654435761);

	memcpy(k.bytes, &mixed, sizeof(mixed));
	memcpy(k.bytes + 8, &n, sizeof(n));
	return k;
}

static void add(struct tls_cache *c, uint32_t n, enum tls_refusal refusal)
{
	struct key k = key_of(n);
	struct tls_judgement j = {.refusal = refusal, .from_s = NOW - 10, .until_s = NOW + 10};

	memcpy(j.card.fingerprint, &n, sizeof(n));
	tls_cache_add(c, k.bytes, &j);
}

static bool find_at(struct tls_cache *c, uint32_t n, int64_t now_s, struct tls_judgement *j)
{
	struct key k = key_of(n);

	return tls_cache_find(c, k.bytes, now_s, j);
}

static bool find(struct tls_cache *c, uint32_t n)
{
	struct tls_judgement j;
	uint32_t is;

	if (!find_at(c, n, NOW, &j))
		return false;
	memcpy(&is, j.card.fingerprint, sizeof(is));
	assert_int_equal(is, n);
	return true;
}

static int setup(void **state)
{
	*state = tls_cache_new();
	return *state == NULL;
}

static int teardown(void **state)
{
	tls_cache_free(*state);
	return 0;
}

static void what_was_added_is_found(void **state)
{
	struct tls_judgement j;

	assert_false(find(*state, 1));
	add(*state, 1, TLS_REFUSAL_none);
	add(*state, 2, TLS_REFUSAL_expired);
	assert_true(find(*state, 1));
	assert_true(find_at(*state, 2, NOW, &j));
	assert_int_equal(j.refusal, TLS_REFUSAL_expired);
	assert_false(find(*state, 3));
	assert_int_equal(tls_cache_counts(*state).n_accepted, 1);
	assert_int_equal(tls_cache_counts(*state).n_rejected, 1);
}

static void a_judgement_is_not_found_outside_its_time(void **state)
{
	struct tls_judgement j;

	add(*state, 1, TLS_REFUSAL_none);
	assert_true(find_at(*state, 1, NOW - 10, &j));
	assert_true(find_at(*state, 1, NOW + 10, &j));
	assert_false(find_at(*state, 1, NOW - 11, &j));
	assert_false(find_at(*state, 1, NOW + 11, &j));
}

static void a_certificate_that_has_expired_meanwhile_is_found_as_rejected(void **state)
{
	struct key k = key_of(1);
	struct tls_judgement j = {
		.refusal = TLS_REFUSAL_expired, .from_s = NOW + 11, .until_s = INT64_MAX};

	add(*state, 1, TLS_REFUSAL_none);
	tls_cache_add(*state, k.bytes, &j);
	assert_true(find_at(*state, 1, NOW, &j));
	assert_int_equal(j.refusal, TLS_REFUSAL_none);
	assert_true(find_at(*state, 1, NOW + 11, &j));
	assert_int_equal(j.refusal, TLS_REFUSAL_expired);
}

static void adding_again_replaces(void **state)
{
	struct tls_judgement j;
	struct key k = key_of(1);

	add(*state, 1, TLS_REFUSAL_none);
	j = (struct tls_judgement){.from_s = NOW, .until_s = NOW + 1000};
	tls_cache_add(*state, k.bytes, &j);
	assert_true(find_at(*state, 1, NOW + 1000, &j));
	assert_int_equal(tls_cache_counts(*state).n_accepted, 1);
}

static void a_fifth_gives_way_when_it_is_full_those_not_used_for_longest(void **state)
{
	unsigned evicted = TLS_CACHE_ACCEPTED * TLS_CACHE_EVICTED_PERCENT / 100;

	for (uint32_t i = 0; i < TLS_CACHE_ACCEPTED; i++)
		add(*state, i, TLS_REFUSAL_none);
	// The first ones are in use.
	for (uint32_t i = 0; i < 10; i++)
		assert_true(find(*state, i));
	add(*state, 5000, TLS_REFUSAL_none);
	assert_int_equal(tls_cache_counts(*state).n_evicted, evicted);
	assert_int_equal(tls_cache_counts(*state).n_accepted, TLS_CACHE_ACCEPTED - evicted + 1);
	assert_true(find(*state, 5000));
	for (uint32_t i = 0; i < TLS_CACHE_ACCEPTED; i++)
		assert_int_equal(find(*state, i), i < 10 || i >= 10 + evicted);
}

static void rejected_ones_do_not_drive_out_accepted_ones(void **state)
{
	add(*state, 1, TLS_REFUSAL_none);
	for (uint32_t i = 0; i < 5 * TLS_CACHE_REJECTED; i++)
		add(*state, 100 + i, TLS_REFUSAL_unknown_ca);
	assert_true(find(*state, 1));
	assert_true(tls_cache_counts(*state).n_rejected <= TLS_CACHE_REJECTED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_was_added_is_found),
		CASE(a_judgement_is_not_found_outside_its_time),
		CASE(a_certificate_that_has_expired_meanwhile_is_found_as_rejected),
		CASE(adding_again_replaces),
		CASE(a_fifth_gives_way_when_it_is_full_those_not_used_for_longest),
		CASE(rejected_ones_do_not_drive_out_accepted_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
