// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/asked.h"
#include "tests/unit/test.h"

#define N_SLOTS 8
#define TAG     0x1235

static struct asked asked;

static int set_up(void **state)
{
	(void)state;
	return asked_init(&asked, N_SLOTS, TAG);
}

static int tear_down(void **state)
{
	(void)state;
	asked_fini(&asked);
	return 0;
}

static uint64_t add(uint64_t due_ns)
{
	uint64_t id = asked_next_id(&asked);

	asked_add(&asked, due_ns);
	return id;
}

static void an_answer_finds_when_its_request_was_due(void **state)
{
	uint64_t first = add(100), second = add(200), due_ns = 0;

	(void)state;
	assert_int_equal(asked_answer(&asked, second, &due_ns), ASKED_FIRST);
	assert_int_equal(due_ns, 200);
	assert_int_equal(asked_answer(&asked, first, &due_ns), ASKED_FIRST);
	assert_int_equal(due_ns, 100);
}

static void a_request_waits_until_it_is_answered(void **state)
{
	uint64_t id = add(100), due_ns = 0;

	(void)state;
	assert_true(asked_waits(&asked, id, &due_ns));
	assert_int_equal(due_ns, 100);
	assert_false(asked_waits(&asked, asked_next_id(&asked), &due_ns));
	assert_false(asked_waits(&asked, 0, &due_ns));
	asked_answer(&asked, id, &due_ns);
	assert_false(asked_waits(&asked, id, &due_ns));
}

static void a_second_answer_is_told_from_the_first(void **state)
{
	uint64_t id = add(100), due_ns = 7;

	(void)state;
	asked_answer(&asked, id, &due_ns);
	assert_int_equal(asked_answer(&asked, id, &due_ns), ASKED_AGAIN);
}

static void an_answer_to_what_was_not_yet_sent_is_unknown(void **state)
{
	uint64_t due_ns;

	(void)state;
	assert_int_equal(asked_answer(&asked, asked_next_id(&asked), &due_ns), ASKED_UNKNOWN);
	add(1);
	assert_int_equal(asked_answer(&asked, asked_next_id(&asked), &due_ns), ASKED_UNKNOWN);
	assert_int_equal(asked_answer(&asked, UINT64_MAX, &due_ns), ASKED_UNKNOWN);
}

static void an_answer_to_another_run_is_unknown(void **state)
{
	uint64_t id = add(1), due_ns;

	(void)state;
	assert_int_equal(asked_answer(&asked, id ^ UINT64_C(1) << 63, &due_ns), ASKED_UNKNOWN);
	assert_int_equal(asked_answer(&asked, id, &due_ns), ASKED_FIRST);
}

static void the_oldest_gives_way_when_the_table_is_full(void **state)
{
	uint64_t ids[N_SLOTS + 1], due_ns;

	(void)state;
	for (unsigned i = 0; i < N_SLOTS; i++)
		ids[i] = add(i);
	assert_int_equal(asked_answer(&asked, ids[0], &due_ns), ASKED_FIRST);
	ids[N_SLOTS] = add(N_SLOTS);
	assert_int_equal(asked_answer(&asked, ids[0], &due_ns), ASKED_LATE);
	for (unsigned i = 1; i <= N_SLOTS; i++) {
		assert_int_equal(asked_answer(&asked, ids[i], &due_ns), ASKED_FIRST);
		assert_int_equal(due_ns, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_answer_finds_when_its_request_was_due, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_request_waits_until_it_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_second_answer_is_told_from_the_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_to_what_was_not_yet_sent_is_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_to_another_run_is_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_oldest_gives_way_when_the_table_is_full, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
