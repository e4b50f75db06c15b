// SPDX-License-Identifier: BSD-3-Clause
// The two providers against each other, on input of chance: what one seals, the other seals alike
// and opens.

#include "lib/record/provider.h"

#include "lib/record/schedule.h"
#include "tests/unit/lib/record/pair.h"
#include "tests/unit/test.h"

#include <errno.h>

#define BYTES 16385

struct world {
	struct record_crypto *mb, *evp;
	uint8_t text[BYTES], a[BYTES], b[BYTES];
};

static struct world *world_new(enum record_isa isa)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->mb = record_ipsec_mb_new(16, isa);
	w->evp = pair_crypto(RECORD_PROVIDER_EVP, 0);
	pair_fill(w->text, sizeof(w->text), 5);
	return w;
}

static void world_free(struct world *w)
{
	record_crypto_free(w->mb);
	record_crypto_free(w->evp);
	free(w);
}

static int setup(void **state)
{
	struct world *w = world_new(RECORD_ISA_BEST);

	assert_non_null(w->mb);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

// With the functions for each processor up to this one.
static void for_each_isa(void (*holds)(struct world *w))
{
	for (unsigned isa = RECORD_ISA_BEST; isa <= RECORD_ISA_AVX512; isa++) {
		struct world *w = world_new((enum record_isa)isa);

		if (w->mb != NULL)
			holds(w);
		else
			assert_int_not_equal(isa, RECORD_ISA_SSE);
		world_free(w);
	}
}

struct task {
	struct record_aead aead;
	uint8_t key[RECORD_KEY_BYTES], tag[16];
};

static void make_task(
	struct task *t, struct record_crypto *c, enum record_suite suite, uint64_t seed)
{
	memset(t, 0, sizeof(*t));
	pair_fill(t->key, sizeof(t->key), seed);
	pair_fill(t->aead.nonce, RECORD_IV_BYTES, seed + 1);
	pair_fill(t->aead.aad, 13, seed + 2);
	t->aead.n_aad = seed % 2 == 0 ? 5 : 13;
	t->aead.suite = suite;
	t->aead.key = t->key;
	t->aead.key_id = ++c->last_key_id;
	t->aead.tag = t->tag;
}

static bool run(struct record_crypto *c, struct task *t, enum record_direction direction,
	const struct view parts[], unsigned n_parts, uint8_t *out)
{
	t->aead.direction = direction;
	t->aead.in = (struct record_pieces){.parts = parts, .n = n_parts};
	t->aead.n_in = record_parts_bytes(parts, n_parts);
	t->aead.out = out;
	return c->crypt(c, &t->aead);
}

static void try_size(struct world *w, enum record_suite suite, size_t n, unsigned n_tail)
{
	struct view text = view_of(w->text, n), sealed = view_of(w->b, n + n_tail);
	struct task mb, evp;

	make_task(&mb, w->mb, suite, n + 1);
	make_task(&evp, w->evp, suite, n + 1);
	mb.aead.n_tail = evp.aead.n_tail = (uint8_t)n_tail;
	mb.aead.tail = evp.aead.tail = 23;
	assert_true(run(w->mb, &mb, RECORD_SEAL, &text, 1, w->a));
	assert_true(run(w->evp, &evp, RECORD_SEAL, &text, 1, w->b));
	assert_memory_equal(w->a, w->b, n + n_tail);
	assert_memory_equal(mb.tag, evp.tag, 16);
	mb.aead.n_tail = evp.aead.n_tail = 0;
	assert_true(run(w->mb, &mb, RECORD_OPEN, &sealed, 1, w->a));
	assert_memory_equal(w->a, w->text, n);
	assert_true(n_tail == 0 || w->a[n] == 23);
	assert_true(run(w->evp, &evp, RECORD_OPEN, &sealed, 1, w->a));
	assert_memory_equal(w->a, w->text, n);
	mb.tag[n % 16] ^= 1;
	evp.tag[n % 16] ^= 1;
	assert_false(run(w->mb, &mb, RECORD_OPEN, &sealed, 1, w->a));
	assert_false(run(w->evp, &evp, RECORD_OPEN, &sealed, 1, w->a));
}

static void try_sizes(struct world *w)
{
	for (unsigned suite = 1; suite < RECORD_SUITE_N; suite++) {
		for (size_t n = 0; n < BYTES; n += n < 2200 ? 1 : 613) {
			try_size(w, (enum record_suite)suite, n, 0);
			try_size(w, (enum record_suite)suite, n, 1);
		}
		try_size(w, (enum record_suite)suite, BYTES - 1, 1);
		try_size(w, (enum record_suite)suite, BYTES, 0);
	}
}

static void both_agree_at_every_size(void **state)
{
	(void)state;
	for_each_isa(try_sizes);
}

// Seals and opens text in three pieces cut at two places, by libipsec-mb; the whole by OpenSSL.
static void try_cuts(
	struct world *w, enum record_suite suite, size_t n, size_t first, size_t second)
{
	struct view whole = view_of(w->text, n);
	struct view parts[3] = {{w->text, first}, {w->text + first, second - first},
		{w->text + second, n - second}};
	struct view sealed[3] = {
		{w->b, first}, {w->b + first, second - first}, {w->b + second, n - second}};
	struct task mb, evp;

	make_task(&mb, w->mb, suite, n + first);
	make_task(&evp, w->evp, suite, n + first);
	assert_true(run(w->mb, &mb, RECORD_SEAL, parts, 3, w->a));
	assert_true(run(w->evp, &evp, RECORD_SEAL, &whole, 1, w->b));
	assert_memory_equal(w->a, w->b, n);
	assert_memory_equal(mb.tag, evp.tag, 16);
	assert_true(run(w->mb, &mb, RECORD_OPEN, sealed, 3, w->a));
	assert_memory_equal(w->a, w->text, n);
	assert_true(run(w->evp, &evp, RECORD_OPEN, sealed, 3, w->a));
	assert_memory_equal(w->a, w->text, n);
}

static void try_pieces(struct world *w)
{
	for (unsigned suite = 1; suite < RECORD_SUITE_N; suite++) {
		for (size_t first = 0; first <= 70; first++)
			for (size_t second = first; second <= 70; second += 1 + first % 5)
				try_cuts(w, (enum record_suite)suite, 70, first, second);
		// Too long to be copied together.
		for (size_t first = 0; first <= 4200; first += 29)
			try_cuts(w, (enum record_suite)suite, 4200, first,
				first + (4200 - first) / 3);
	}
}

static void pieces_make_no_difference(void **state)
{
	(void)state;
	for_each_isa(try_pieces);
}

static void a_key_that_gave_way_is_made_again(void **state)
{
	struct world *w = *state;
	struct view text = view_of(w->text, 40);
	struct task tasks[100];
	uint8_t sealed[100][40];

	for (unsigned i = 0; i < 100; i++) {
		make_task(&tasks[i], w->mb, i % 2 ? RECORD_AES_128_GCM : RECORD_AES_256_GCM, i);
		assert_true(run(w->mb, &tasks[i], RECORD_SEAL, &text, 1, sealed[i]));
	}
	for (unsigned i = 0; i < 100; i++) {
		struct view one = view_of(sealed[i], 40);

		assert_true(run(w->mb, &tasks[i], RECORD_OPEN, &one, 1, w->a));
		assert_memory_equal(w->a, w->text, 40);
	}
}

static void a_forgotten_key_is_made_again(void **state)
{
	struct world *w = *state;
	struct view text = view_of(w->text, 40), sealed = view_of(w->b, 40);
	struct task t;

	make_task(&t, w->mb, RECORD_AES_128_GCM, 3);
	assert_true(run(w->mb, &t, RECORD_SEAL, &text, 1, w->b));
	w->mb->forget(w->mb, t.aead.key_id);
	w->mb->forget(w->mb, t.aead.key_id);
	assert_true(run(w->mb, &t, RECORD_OPEN, &sealed, 1, w->a));
	// Under the id of before, were the old key still there, another one would do as well.
	w->mb->forget(w->mb, t.aead.key_id);
	t.key[0] ^= 1;
	assert_false(run(w->mb, &t, RECORD_OPEN, &sealed, 1, w->a));
}

static void both_derive_the_same_keys(void **state)
{
	struct world *w = *state;

	for (unsigned suite = 1; suite < RECORD_SUITE_N; suite++) {
		uint8_t traffic_a[RECORD_SECRET_BYTES] = {0}, traffic_b[RECORD_SECRET_BYTES];
		struct record_keys a = {0}, b = {0};

		pair_fill(traffic_a, record_hash_bytes((enum record_suite)suite), suite);
		memcpy(traffic_b, traffic_a, sizeof(traffic_b));
		for (unsigned i = 0; i < 3; i++) {
			assert_true(
				record_keys_update(w->mb, (enum record_suite)suite, traffic_a, &a));
			assert_true(record_keys_update(
				w->evp, (enum record_suite)suite, traffic_b, &b));
			assert_memory_equal(traffic_a, traffic_b, sizeof(traffic_a));
			assert_memory_equal(a.key, b.key, sizeof(a.key));
			assert_memory_equal(a.iv, b.iv, sizeof(a.iv));
		}
	}
}

static void a_config_out_of_range_is_refused(void **state)
{
	const struct record_crypto_config bad[] = {
		{.n_keys = 0},
		{.n_keys = 2},
		{.n_keys = 100},
		{.n_keys = UINT32_C(1) << 31},
		{.n_keys = 64, .key_records = RECORD_KEY_RECORDS + 1},
		{.n_keys = 64, .provider = (enum record_provider)9},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_null(record_crypto_new(&bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	record_crypto_free(NULL);
}

static void a_provider_says_what_it_is(void **state)
{
	struct world *w = *state;

	assert_string_equal(record_crypto_name(w->evp), "OpenSSL EVP");
	assert_non_null(strstr(record_crypto_name(w->mb), "libipsec-mb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_agree_at_every_size),
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test_setup_teardown(a_key_that_gave_way_is_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forgotten_key_is_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(both_derive_the_same_keys, setup, teardown),
		cmocka_unit_test(a_config_out_of_range_is_refused),
		cmocka_unit_test_setup_teardown(a_provider_says_what_it_is, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
