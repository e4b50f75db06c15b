// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/relay/bodies.h"

#define N_UNITS 8
#define UNIT    BODIES_UNIT_BYTES

static uint8_t memory[N_UNITS * UNIT];

static int set_up(void **state)
{
	*state = bodies_new(memory, N_UNITS);
	assert_non_null(*state);
	return 0;
}

static int tear_down(void **state)
{
	bodies_free(*state);
	return 0;
}

static struct ip_addr source(unsigned n)
{
	return (struct ip_addr){.family = IP_V4, .bytes = {10, 0, 0, (uint8_t)n}};
}

static struct endpoint target(unsigned n)
{
	return (struct endpoint){.ip = source(n), .port = 5060, .transport = TRANSPORT_TCP};
}

static struct body *get(struct bodies *b, uint32_t n_bytes, unsigned from, unsigned to)
{
	struct ip_addr ip = source(from);
	struct endpoint e = target(to);

	return body_get(b, n_bytes, &ip, &e);
}

static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

// Stores the next n bytes at most, in pieces as there is room.
static void store(struct body *body, uint32_t n)
{
	uint8_t *at;
	uint32_t room;

	while (n > 0 && (room = body_room(body, &at)) > 0) {
		uint32_t piece = room < n ? room : n;

		for (uint32_t i = 0; i < piece; i++)
			at[i] = pattern(body->n_taken + i);
		body_add(body, piece);
		n -= piece;
	}
}

// Reads to the end, at most n_max at once; how many.
static uint32_t check(struct body *body, uint32_t n_max)
{
	uint32_t n = 0;

	for (;;) {
		struct view v = body_peek(body, n_max);

		if (v.len == 0)
			return n;
		assert_true(v.len <= n_max);
		for (uint32_t i = 0; i < v.len; i++)
			assert_int_equal(v.at[i], pattern(n + i));
		body_skip(body, (uint32_t)v.len);
		n += (uint32_t)v.len;
	}
}

static void what_is_stored_is_read_whatever_the_pieces(void **state)
{
	static const uint32_t sizes[] = {1, UNIT - 1, UNIT, UNIT + 1, 3 * UNIT, 3 * UNIT + 5};
	static const uint32_t pieces[] = {1000, 16384, UNIT, UNIT + 1, 1 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct body *body = get(*state, sizes[i], 1, 1);
			uint8_t *at;

			assert_non_null(body);
			while (body->n_taken < sizes[i])
				store(body, pieces[k]);
			assert_int_equal(body_room(body, &at), 0);
			assert_int_equal(check(body, pieces[k]), sizes[i]);
			body_put(body);
		}
	}
	assert_int_equal(bodies_used(*state), 0);
}

static void units_come_back_in_any_order(void **state)
{
	for (unsigned round = 0; round < 50; round++) {
		struct body *a = get(*state, 2 * UNIT, 1, 1), *b = get(*state, 3 * UNIT, 2, 2);
		struct body *c = get(*state, 3 * UNIT, 3, 3);

		assert_non_null(a);
		assert_non_null(b);
		assert_non_null(c);
		store(a, 2 * UNIT);
		store(b, 3 * UNIT);
		store(c, 3 * UNIT);
		assert_int_equal(check(c, 5000), 3 * UNIT);
		assert_int_equal(check(a, 5000), 2 * UNIT);
		body_put(round % 2 != 0 ? a : c);
		body_put(b);
		assert_int_equal(check(round % 2 != 0 ? c : a, 1),
			0); // the other one still is what it was
		body_put(round % 2 != 0 ? c : a);
		assert_int_equal(bodies_used(*state), 0);
	}
}

static void what_does_not_fit_is_refused_until_it_does(void **state)
{
	struct body *all = get(*state, N_UNITS * UNIT, 1, 1);

	assert_non_null(all);
	assert_int_equal(bodies_used(*state), N_UNITS);
	assert_null(get(*state, 1, 2, 2));
	assert_true(bodies_can_hold(*state, N_UNITS * UNIT));
	assert_false(bodies_can_hold(*state, N_UNITS * UNIT + 1));
	assert_false(bodies_can_hold(*state, UINT32_MAX));
	assert_null(get(*state, UINT32_MAX, 2, 2));
	body_put(all);
	all = get(*state, 1, 2, 2);
	assert_non_null(all);
	body_put(all);
}

static void a_source_has_half_or_one(void **state)
{
	struct body *first = get(*state, 3 * UNIT, 1, 1), *second, *other;

	assert_non_null(first);
	assert_null(get(*state, 2 * UNIT, 1, 2));
	second = get(*state, UNIT, 1, 2);
	assert_non_null(second);
	other = get(*state, 4 * UNIT, 2, 3);
	assert_non_null(other);
	body_put(first);
	body_put(second);
	body_put(other);
	first = get(*state, 6 * UNIT, 1, 1);
	assert_non_null(first);
	assert_null(get(*state, 1, 1, 2));
	body_put(first);
}

static void a_target_has_half_or_one(void **state)
{
	struct body *first = get(*state, 4 * UNIT, 1, 1), *other;

	assert_non_null(first);
	assert_null(get(*state, 1, 2, 1));
	other = get(*state, 1, 2, 2);
	assert_non_null(other);
	body_put(first);
	body_put(other);
}

static void an_ipv6_source_is_its_first_64_bits(void **state)
{
	struct ip_addr a = {.family = IP_V6, .bytes = {0x20, 1, 13}}, b = a;
	struct endpoint one = target(1), two = target(2);
	struct body *first;

	b.bytes[15] = 1;
	first = body_get(*state, 5 * UNIT, &a, &one);
	assert_non_null(first);
	assert_null(body_get(*state, 1, &b, &two));
	body_put(first);
}

static void their_number_is_bounded(void **state)
{
	static uint8_t more[(BODIES_MAX + 1) * UNIT];
	struct bodies *b = bodies_new(more, BODIES_MAX + 1);
	struct body *last = NULL;

	(void)state;
	for (unsigned i = 0; i < BODIES_MAX; i++) {
		last = get(b, 1, i, i);
		assert_non_null(last);
	}
	assert_null(get(b, 1, 200, 200));
	body_put(last);
	assert_non_null(get(b, 1, 200, 200));
	bodies_free(b);
}

static void without_memory_there_is_none(void **state)
{
	struct bodies *b = bodies_new(NULL, 0);

	(void)state;
	assert_non_null(b);
	assert_false(bodies_can_hold(b, 1));
	assert_null(get(b, 1, 1, 1));
	bodies_free(b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_stored_is_read_whatever_the_pieces),
		TEST(units_come_back_in_any_order),
		TEST(what_does_not_fit_is_refused_until_it_does),
		TEST(a_source_has_half_or_one),
		TEST(a_target_has_half_or_one),
		TEST(an_ipv6_source_is_its_first_64_bits),
		cmocka_unit_test(their_number_is_bounded),
		cmocka_unit_test(without_memory_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
