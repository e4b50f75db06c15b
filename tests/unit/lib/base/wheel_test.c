// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wheel.h"
#include "tests/unit/test.h"

#define N 300

// As a connection has it: somewhere in a larger struct.
struct item {
	uint64_t before;
	struct wheel_link link;
	uint64_t after;
};

static struct item items[N];
static struct wheel wheel;

static void begin(uint32_t now)
{
	memset(items, 0, sizeof(items));
	for (unsigned i = 0; i < N; i++)
		items[i].before = items[i].after = i;
	wheel_init(&wheel, &items[0].link, sizeof(items[0]), now);
}

static bool next(uint32_t now, uint32_t *index)
{
	unsigned budget = 1000000;

	return wheel_next(&wheel, now, &budget, index);
}

// Nothing comes up at tick now.
static void assert_quiet(uint32_t now)
{
	uint32_t index;

	assert_false(next(now, &index));
}

static void assert_next(uint32_t now, uint32_t wanted)
{
	uint32_t index;

	assert_true(next(now, &index));
	assert_int_equal(index, wanted);
	assert_false(wheel_has(&wheel, index));
}

static uint64_t random_state;

static uint32_t random32(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 32);
}

// Steps of every size, small ones most often.
static uint32_t random_step(unsigned bits_max)
{
	unsigned bits = random32() % (bits_max + 1);

	return random32() & (uint32_t)((1ull << bits) - 1);
}

static void a_link_comes_up_at_its_tick_and_not_before(void **state)
{
	static const uint32_t ahead[] = {
		1, 2, 255, 256, 257, 511, 65535, 65536, 65537, 1 << 24, (1 << 24) + 1, INT32_MAX};
	static const uint32_t starts[] = {0, 1, 255, 65280, 0x7fffffff, 0xffffff00, UINT32_MAX};

	(void)state;
	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
			uint32_t due = starts[s] + ahead[i];

			begin(starts[s]);
			wheel_set(&wheel, 7, due);
			assert_int_equal(items[7].link.due, due);
			assert_quiet(starts[s]);
			assert_quiet(due - 1);
			assert_next(due, 7);
			assert_quiet(due);
			assert_int_equal(wheel.n, 0);
		}
	}
}

static void a_link_whose_tick_has_passed_comes_up_at_once(void **state)
{
	(void)state;
	begin(1000);
	wheel_set(&wheel, 1, 1000);
	wheel_set(&wheel, 2, 999);
	wheel_set(&wheel, 3, 1000 - INT32_MAX);
	assert_next(1000, 1);
	assert_next(1000, 2);
	assert_next(1000, 3);
	assert_quiet(1000);
}

static void links_that_come_up_late_still_come_up_in_order(void **state)
{
	(void)state;
	begin(0xfffffff0);
	wheel_set(&wheel, 1, 70000);
	wheel_set(&wheel, 2, 0xfffffff8);
	wheel_set(&wheel, 3, 300);
	wheel_set(&wheel, 4, 2);
	assert_next(100000, 2);
	assert_next(100000, 4);
	assert_next(100000, 3);
	assert_next(100000, 1);
	assert_quiet(100000);
}

static void links_of_one_near_tick_come_up_in_the_order_in_which_they_were_set(void **state)
{
	(void)state;
	begin(0);
	for (uint32_t i = 0; i < 10; i++)
		wheel_set(&wheel, 9 - i, 5);
	for (uint32_t i = 0; i < 10; i++)
		assert_next(5, 9 - i);
}

static void moving_a_link_leaves_it_in_one_place_only(void **state)
{
	(void)state;
	begin(0);
	wheel_set(&wheel, 1, 10);
	wheel_set(&wheel, 1, 100000);
	wheel_set(&wheel, 1, 20);
	assert_int_equal(wheel.n, 1);
	assert_quiet(19);
	assert_next(20, 1);
	assert_quiet(200000);
}

static void a_deleted_link_never_comes_up_and_deleting_it_again_does_nothing(void **state)
{
	(void)state;
	begin(0);
	assert_false(wheel_has(&wheel, 1));
	wheel_del(&wheel, 1);
	for (uint32_t i = 0; i < 3; i++)
		wheel_set(&wheel, i, 300);
	wheel_del(&wheel, 1);
	wheel_del(&wheel, 1);
	assert_false(wheel_has(&wheel, 1));
	assert_true(wheel_has(&wheel, 2));
	assert_int_equal(wheel.n, 2);
	assert_next(300, 0);
	assert_next(300, 2);
	assert_quiet(1000);
}

// A million deadlines that fall into one slot must not cost one call more than its budget.
static void moving_links_down_stops_at_the_budget_and_goes_on_in_the_next_call(void **state)
{
	unsigned n_calls = 0, n_given = 0;
	bool seen[N] = {false};

	(void)state;
	begin(0);
	for (uint32_t i = 0; i < N; i++)
		wheel_set(&wheel, i, 65536 + i % 7);
	while (n_given < N) {
		unsigned budget = 10;
		uint32_t index;

		assert_true(++n_calls < 100);
		// What is set or taken away in the middle of it finds its place too.
		if (n_calls == 3) {
			wheel_set(&wheel, 299, 65536 + 100);
			wheel_del(&wheel, 298);
		}
		while (wheel_next(&wheel, 65543, &budget, &index)) {
			assert_false(seen[index]);
			seen[index] = true;
			n_given++;
		}
		if (wheel.n == 1 && wheel_has(&wheel, 299))
			break;
	}
	assert_int_equal(n_given, N - 2);
	assert_true(n_calls >= N / 10);
	assert_quiet(65635);
	assert_next(65636, 299);
}

static void without_budget_nothing_comes_up_and_nothing_is_lost(void **state)
{
	unsigned budget = 0;
	uint32_t index;

	(void)state;
	begin(0);
	wheel_set(&wheel, 5, 1);
	assert_false(wheel_next(&wheel, 1000, &budget, &index));
	assert_next(1000, 5);
}

static void a_clock_that_steps_back_brings_nothing_up_early(void **state)
{
	(void)state;
	begin(1000);
	wheel_set(&wheel, 1, 1500);
	assert_quiet(1400);
	assert_quiet(1100);
	assert_quiet(1499);
	assert_next(1500, 1);
}

// When a link should come up, as the wheel saw it when it was set.
static uint32_t effective[N];

static void set_randomly(uint32_t now)
{
	uint32_t i = random32() % N, due = now + random_step(31);

	if (random32() % 16 == 0)
		due = now - random_step(10);
	wheel_set(&wheel, i, due);
	effective[i] = (int32_t)(due - wheel.now) < 0 ? wheel.now : due;
}

// Takes out what is due, with budgets that seldom suffice; against a look at every link.
static void drain(uint32_t now)
{
	uint32_t last = wheel.now, index;

	for (;;) {
		unsigned budget = 1 + random32() % 40;

		while (wheel_next(&wheel, now, &budget, &index)) {
			assert_true((int32_t)(effective[index] - now) <= 0);
			assert_true((int32_t)(effective[index] - last) >= 0);
			assert_false(wheel_has(&wheel, index));
			last = effective[index];
		}
		if (budget > 0)
			break;
	}
	for (uint32_t i = 0; i < N; i++) {
		if (wheel_has(&wheel, i))
			assert_true((int32_t)(effective[i] - now) > 0);
	}
}

static void a_million_random_operations_agree_with_a_look_at_every_link(void **state)
{
	const uint32_t start = 0xfff00000;
	uint32_t now = start, n_has, n_wraps = 0;

	(void)state;
	begin(now);
	random_state = 1;
	for (unsigned op = 0; op < 1000000; op++) {
		uint32_t what = random32() % 8;

		if (what < 5) {
			set_randomly(now);
		} else if (what == 5) {
			wheel_del(&wheel, random32() % N);
		} else if (what == 6) {
			uint32_t then = now + random_step(random32() % 64 == 0 ? 30 : 12);

			n_wraps += then < now;
			now = then;
			drain(now);
		}
	}
	n_has = 0;
	for (unsigned i = 0; i < N; i++) {
		n_has += wheel_has(&wheel, i);
		assert_int_equal(items[i].before, i);
		assert_int_equal(items[i].after, i);
	}
	assert_int_equal(wheel.n, n_has);
	assert_true(n_wraps > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_comes_up_at_its_tick_and_not_before),
		cmocka_unit_test(a_link_whose_tick_has_passed_comes_up_at_once),
		cmocka_unit_test(links_that_come_up_late_still_come_up_in_order),
		cmocka_unit_test(
			links_of_one_near_tick_come_up_in_the_order_in_which_they_were_set),
		cmocka_unit_test(moving_a_link_leaves_it_in_one_place_only),
		cmocka_unit_test(a_deleted_link_never_comes_up_and_deleting_it_again_does_nothing),
		cmocka_unit_test(
			moving_links_down_stops_at_the_budget_and_goes_on_in_the_next_call),
		cmocka_unit_test(without_budget_nothing_comes_up_and_nothing_is_lost),
		cmocka_unit_test(a_clock_that_steps_back_brings_nothing_up_early),
		cmocka_unit_test(a_million_random_operations_agree_with_a_look_at_every_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
