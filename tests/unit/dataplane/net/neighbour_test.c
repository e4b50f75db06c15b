// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/neighbour.h"
#include "tests/unit/test.h"

#define HZ 1000

static struct neighbours table;

static int fresh(void **state)
{
	(void)state;
	memset(&table, 0, sizeof(table));
	neighbours_init(&table, 0x1234567890abcdef, HZ);
	return 0;
}

static struct ip_addr ip(uint32_t number)
{
	struct ip_addr out = {.family = IP_V6};

	memcpy(out.bytes + 12, &number, sizeof(number));
	return out;
}

static const enum neighbour_event way_to[NEIGHBOUR_STATE_N][3] = {
	[NEIGHBOUR_INCOMPLETE] = {NEIGHBOUR_USE},
	[NEIGHBOUR_REACHABLE] = {NEIGHBOUR_USE, NEIGHBOUR_ANSWER},
	[NEIGHBOUR_STALE] = {NEIGHBOUR_ANNOUNCE},
	[NEIGHBOUR_PROBE] = {NEIGHBOUR_ANNOUNCE, NEIGHBOUR_USE},
};
static const unsigned steps_to[NEIGHBOUR_STATE_N] = {0, 1, 2, 1, 2};

// RFC 4861 §7.3.2, the whole matrix. A dash: cannot be, and changes nothing.
static void every_state_meets_every_event(void **state)
{
	static const struct {
		uint8_t next, action;
	} rows[NEIGHBOUR_STATE_N][NEIGHBOUR_EVENT_N] = {
#define ROW(a, x, b, y, c, z, d, u, e, v)                                                     \
	{                                                                                     \
		{NEIGHBOUR_##a, NEIGHBOUR_DO_##x}, {NEIGHBOUR_##b, NEIGHBOUR_DO_##y},         \
			{NEIGHBOUR_##c, NEIGHBOUR_DO_##z}, {NEIGHBOUR_##d, NEIGHBOUR_DO_##u}, \
		{                                                                             \
			NEIGHBOUR_##e, NEIGHBOUR_DO_##v                                       \
		}                                                                             \
	}
		// clang-format off: USE, ANSWER, ANNOUNCE, DUE, EXHAUSTED
		ROW(INCOMPLETE, ASK_ALL, NONE, NOTHING, STALE, NOTHING, NONE, NOTHING, NONE,
			NOTHING),
		ROW(INCOMPLETE, NOTHING, REACHABLE, SEND_WAITING, STALE, SEND_WAITING, INCOMPLETE,
			ASK_ALL, NONE, DROP_WAITING),
		ROW(REACHABLE, NOTHING, REACHABLE, NOTHING, STALE, NOTHING, STALE, NOTHING,
			REACHABLE, NOTHING),
		ROW(PROBE, ASK_IT, REACHABLE, NOTHING, STALE, NOTHING, NONE, NOTHING, STALE,
			NOTHING),
		ROW(PROBE, NOTHING, REACHABLE, NOTHING, STALE, NOTHING, PROBE, ASK_IT, NONE,
			NOTHING),
	// clang-format on
#undef ROW
	};
	struct ip_addr address = ip(1);

	for (unsigned s = 0; s < NEIGHBOUR_STATE_N; s++) {
		for (unsigned event = 0; event < NEIGHBOUR_EVENT_N; event++) {
			struct neighbour *e;

			fresh(state);
			e = neighbour_add(&table, 0, &address, HZ);
			for (unsigned i = 0; i < steps_to[s]; i++)
				neighbour_step(&table, e, way_to[s][i], HZ);
			assert_int_equal(e->state, s);
			assert_int_equal(
				neighbour_step(&table, e, event, HZ), rows[s][event].action);
			assert_int_equal(e->state, rows[s][event].next);
			assert_int_equal(table.n_unresolved, e->state == NEIGHBOUR_INCOMPLETE);
		}
	}
}

static void neighbours_are_found_by_port_and_address(void **state)
{
	struct ip_addr one = ip(1), two = ip(2);
	struct neighbour *e = neighbour_add(&table, 3, &one, HZ);

	(void)state;
	neighbour_step(&table, e, NEIGHBOUR_USE, HZ);
	assert_ptr_equal(neighbour_find(&table, 3, &one), e);
	assert_null(neighbour_find(&table, 4, &one));
	assert_null(neighbour_find(&table, 3, &two));
}

static void a_flood_displaces_nobody_in_use(void **state)
{
	struct ip_addr ours[64];
	struct neighbour *e;

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		ours[i] = ip(i);
		e = neighbour_add(&table, 0, &ours[i], HZ);
		neighbour_step(&table, e, NEIGHBOUR_ANNOUNCE, HZ);
		e->used = HZ;
	}
	for (uint32_t i = 1000; i < 101000; i++) {
		struct ip_addr flood = ip(i);

		e = neighbour_add(&table, 0, &flood, HZ);
		if (e != NULL)
			neighbour_step(&table, e, NEIGHBOUR_ANNOUNCE, HZ);
	}
	for (uint32_t i = 0; i < 64; i++)
		assert_non_null(neighbour_find(&table, 0, &ours[i]));
}

static void a_full_bucket_gives_way_after_a_minute_without_use(void **state)
{
	uint64_t later = HZ + (NEIGHBOUR_KEEP_S + 1) * HZ;
	struct ip_addr address;
	unsigned n_refused = 0;

	(void)state;
	for (uint32_t i = 0; i < 4 * NEIGHBOUR_N; i++) {
		struct neighbour *e;

		address = ip(i);
		e = neighbour_add(&table, 0, &address, HZ);
		if (e == NULL) {
			n_refused++;
			continue;
		}
		neighbour_step(&table, e, NEIGHBOUR_ANNOUNCE, HZ);
		e->used = HZ;
	}
	assert_int_equal(n_refused, 3 * NEIGHBOUR_N);
	assert_null(neighbour_add(&table, 0, &address, later - 2 * HZ));
	assert_non_null(neighbour_add(&table, 0, &address, later));
}

static void packets_wait_in_order_and_within_bounds(void **state)
{
	struct rte_mbuf packets[NEIGHBOUR_WAITING_ALL + 1];
	struct neighbour *e[NEIGHBOUR_WAITING_ALL];
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < NEIGHBOUR_WAITING_ALL; i++) {
		struct ip_addr address = ip(i);

		e[i] = neighbour_add(&table, 0, &address, HZ);
		neighbour_step(&table, e[i], NEIGHBOUR_USE, HZ);
	}
	for (unsigned i = 0; i < NEIGHBOUR_WAITING_ALL / NEIGHBOUR_WAITING_EACH; i++) {
		for (unsigned j = 0; j < NEIGHBOUR_WAITING_EACH; j++)
			assert_true(neighbour_wait(&table, e[i], &packets[n++]));
		assert_false(neighbour_wait(&table, e[i], &packets[n]));
	}
	assert_false(neighbour_wait(&table, e[NEIGHBOUR_WAITING_ALL - 1], &packets[n]));
	for (unsigned i = 0; i < NEIGHBOUR_WAITING_EACH; i++)
		assert_ptr_equal(neighbour_next_waiting(&table, e[0]), &packets[i]);
	assert_null(neighbour_next_waiting(&table, e[0]));
	assert_true(neighbour_wait(&table, e[NEIGHBOUR_WAITING_ALL - 1], &packets[n]));
}

static void the_sweep_costs_its_budget_and_finds_all(void **state)
{
	unsigned budget = NEIGHBOUR_N, n_found = 0;

	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		struct ip_addr address = ip(i);

		neighbour_step(&table, neighbour_add(&table, 0, &address, HZ), NEIGHBOUR_USE, HZ);
	}
	assert_null(neighbour_next_due(&table, 2 * HZ - 1, &budget));
	assert_int_equal(budget, 0);
	for (unsigned turn = 0; turn < NEIGHBOUR_N / 16; turn++) {
		budget = 16;
		while (neighbour_next_due(&table, 2 * HZ, &budget) != NULL)
			n_found++;
		assert_int_equal(budget, 0);
	}
	assert_int_equal(n_found, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_state_meets_every_event, fresh),
		cmocka_unit_test_setup(neighbours_are_found_by_port_and_address, fresh),
		cmocka_unit_test_setup(a_flood_displaces_nobody_in_use, fresh),
		cmocka_unit_test_setup(a_full_bucket_gives_way_after_a_minute_without_use, fresh),
		cmocka_unit_test_setup(packets_wait_in_order_and_within_bounds, fresh),
		cmocka_unit_test_setup(the_sweep_costs_its_budget_and_finds_all, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
