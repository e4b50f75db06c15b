// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/relay/senders.h"

#define N 4

static int set_up(void **state)
{
	static struct senders s;

	s = (struct senders){0};
	assert_int_equal(senders_init(&s, N), 0);
	*state = &s;
	return 0;
}

static int tear_down(void **state)
{
	senders_fini(*state);
	return 0;
}

static void connections_of_one_name_share_its_place(void **state)
{
	struct senders *s = *state;
	uint32_t first = senders_get(s, 7, VIEW("a.example"));

	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(senders_get(s, 7, VIEW("a.example")), first);
	assert_true(view_equal(sender_name(s, first), VIEW("a.example")));
	assert_true(sender_is(s, first, 7));
	assert_false(sender_is(s, first, 8));
	assert_false(sender_is(s, SENDER_NONE, 7));
	assert_false(sender_is(s, SENDER_LOST, 7));
}

static void names_of_one_hash_are_told_apart(void **state)
{
	struct senders *s = *state;
	uint32_t a = senders_get(s, 7, VIEW("a.example")), b = senders_get(s, 7, VIEW("b.example"));

	assert_int_not_equal(a, b);
	senders_put(s, a);
	assert_int_equal(senders_get(s, 7, VIEW("b.example")), b);
	assert_true(view_equal(sender_name(s, b), VIEW("b.example")));
}

static void a_place_is_free_again_when_its_last_connection_is_gone(void **state)
{
	static const char *const names[N + 1] = {"a", "b", "c", "d", "e"};
	struct senders *s = *state;
	uint32_t got[N];

	for (unsigned i = 0; i < N; i++) {
		got[i] = senders_get(s, i, view_string(names[i]));
		assert_int_not_equal(got[i], SENDER_LOST);
	}
	assert_int_equal(senders_get(s, 2, VIEW("c")), got[2]);
	assert_int_equal(senders_get(s, N, VIEW("e")), SENDER_LOST);
	senders_put(s, got[2]);
	assert_int_equal(senders_get(s, N, VIEW("e")), SENDER_LOST);
	senders_put(s, got[2]);
	assert_int_equal(senders_get(s, N, VIEW("e")), got[2]);
	senders_put(s, SENDER_LOST);
	senders_put(s, SENDER_NONE);
	// The others are where they were.
	assert_int_equal(senders_get(s, 3, VIEW("d")), got[3]);
}

static void a_name_too_long_to_be_one_has_no_place(void **state)
{
	static const uint8_t name[SENDER_BYTES_MAX + 1] = {'a'};

	assert_int_equal(senders_get(*state, 1, view_of(name, sizeof(name))), SENDER_LOST);
	assert_int_equal(senders_get(*state, 1, VIEW_NONE), SENDER_LOST);
	assert_int_not_equal(senders_get(*state, 1, view_of(name, SENDER_BYTES_MAX)), SENDER_LOST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_of_one_name_share_its_place),
		TEST(names_of_one_hash_are_told_apart),
		TEST(a_place_is_free_again_when_its_last_connection_is_gone),
		TEST(a_name_too_long_to_be_one_has_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
