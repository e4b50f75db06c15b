// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/time_wait.h"
#include "tests/unit/test.h"

#define N 8

static struct tcp_time_wait memory[N];
static struct tcp_time_waits waits;

static int setup(void **state)
{
	(void)state;
	memset(memory, 0xee, sizeof(memory));
	assert_int_equal(tcp_time_waits_memory_bytes(N), sizeof(memory));
	tcp_time_waits_init(&waits, memory, N);
	return 0;
}

// port tells entries apart.
static struct tcp_time_wait *add(uint16_t port, uint32_t due)
{
	struct tcp_time_wait evicted, *e;
	bool has_evicted;

	e = tcp_time_wait_add(&waits, &evicted, &has_evicted);
	assert_non_null(e);
	assert_false(has_evicted);
	assert_int_equal(e->remote_port, 0);
	e->remote_port = port;
	e->due = due;
	return e;
}

static void entries_are_due_oldest_first(void **state)
{
	(void)state;
	for (uint16_t i = 1; i <= 5; i++)
		add(i, 100u * i);
	assert_null(tcp_time_wait_next_due(&waits, 99));
	for (uint16_t i = 1; i <= 5; i++) {
		struct tcp_time_wait *e = tcp_time_wait_next_due(&waits, 500);

		assert_int_equal(e->remote_port, i);
		tcp_time_wait_del(&waits, e);
	}
	assert_null(tcp_time_wait_next_due(&waits, 500));
	assert_int_equal(waits.n_used, 0);
}

static void being_due_survives_the_wrap_of_the_tick(void **state)
{
	struct tcp_time_wait *e = add(1, 5);

	(void)state;
	assert_null(tcp_time_wait_next_due(&waits, UINT32_MAX - 10));
	assert_null(tcp_time_wait_next_due(&waits, 4));
	assert_ptr_equal(tcp_time_wait_next_due(&waits, 5), e);
}

static void the_oldest_gives_way_when_it_is_full_and_is_handed_to_the_caller(void **state)
{
	struct tcp_time_wait evicted, *e, *oldest = &memory[0];
	bool has_evicted;

	(void)state;
	for (uint16_t i = 1; i <= N; i++)
		add(i, i);
	// Many times round, and nothing leaks.
	for (unsigned i = 1; i <= 100000; i++) {
		oldest = &memory[waits.oldest];
		e = tcp_time_wait_add(&waits, &evicted, &has_evicted);
		assert_true(has_evicted);
		assert_ptr_equal(e, oldest);
		assert_int_equal(evicted.due, i);
		assert_int_equal(e->due, 0);
		assert_int_equal(waits.n_used, N);
		e->due = i + N;
	}
}

static void starting_anew_makes_an_entry_the_newest(void **state)
{
	struct tcp_time_wait *e[3];

	(void)state;
	for (uint16_t i = 0; i < 3; i++)
		e[i] = add(i, 10);
	tcp_time_wait_restart(&waits, e[1], 20);
	tcp_time_wait_restart(&waits, e[0], 30);
	assert_ptr_equal(tcp_time_wait_next_due(&waits, 10), e[2]);
	tcp_time_wait_del(&waits, e[2]);
	assert_null(tcp_time_wait_next_due(&waits, 19));
	assert_ptr_equal(tcp_time_wait_next_due(&waits, 20), e[1]);
	tcp_time_wait_restart(&waits, e[1], 40);
	assert_ptr_equal(tcp_time_wait_next_due(&waits, 40), e[0]);
	tcp_time_wait_del(&waits, e[0]);
	// The only one is both oldest and newest.
	tcp_time_wait_restart(&waits, e[1], 50);
	assert_null(tcp_time_wait_next_due(&waits, 49));
	assert_ptr_equal(tcp_time_wait_next_due(&waits, 50), e[1]);
}

static void a_deleted_entry_is_used_again_before_anyone_gives_way(void **state)
{
	struct tcp_time_wait *e[N];

	(void)state;
	for (uint16_t i = 0; i < N; i++)
		e[i] = add(i, 1);
	tcp_time_wait_del(&waits, e[0]);
	tcp_time_wait_del(&waits, e[N - 1]);
	tcp_time_wait_del(&waits, e[4]);
	assert_int_equal(waits.n_used, N - 3);
	for (uint16_t i = 0; i < 3; i++)
		add(100, 2);
	for (uint16_t i = 0; i < N; i++) {
		struct tcp_time_wait *d = tcp_time_wait_next_due(&waits, 2);

		assert_int_equal(d->due, i < N - 3 ? 1 : 2);
		tcp_time_wait_del(&waits, d);
	}
	assert_int_equal(waits.n_used, 0);
}

static void a_ring_of_none_gives_none(void **state)
{
	struct tcp_time_wait evicted;
	bool has_evicted;

	(void)state;
	tcp_time_waits_init(&waits, memory, 0);
	assert_null(tcp_time_wait_add(&waits, &evicted, &has_evicted));
	assert_false(has_evicted);
	assert_null(tcp_time_wait_next_due(&waits, 0));
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(entries_are_due_oldest_first),
		CASE(being_due_survives_the_wrap_of_the_tick),
		CASE(the_oldest_gives_way_when_it_is_full_and_is_handed_to_the_caller),
		CASE(starting_anew_makes_an_entry_the_newest),
		CASE(a_deleted_entry_is_used_again_before_anyone_gives_way),
		CASE(a_ring_of_none_gives_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
