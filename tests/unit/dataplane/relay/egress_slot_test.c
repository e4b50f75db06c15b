// SPDX-License-Identifier: BSD-3-Clause
// The states of a slot, and the spread of pairs and slots.

#include "tests/unit/test.h"

#include "dataplane/relay/egress_state.h"

static const struct {
	enum slot_state from;
	enum slot_event event;
	enum slot_state to;
} legal[] = {
	{SLOT_IDLE, SLOT_ON_WANTED, SLOT_ASKED},
	{SLOT_ASKED, SLOT_ON_UNWANTED, SLOT_IDLE},
	{SLOT_ASKED, SLOT_ON_ALLOWED, SLOT_OPENING},
	{SLOT_ASKED, SLOT_ON_REFUSED, SLOT_REFUSED},
	{SLOT_OPENING, SLOT_ON_OPENED, SLOT_UP},
	{SLOT_OPENING, SLOT_ON_CONNECTED, SLOT_NEGOTIATING},
	{SLOT_OPENING, SLOT_ON_ENDED, SLOT_IDLE},
	{SLOT_NEGOTIATING, SLOT_ON_AGREED, SLOT_CONFIRMING},
	{SLOT_NEGOTIATING, SLOT_ON_ENDED, SLOT_IDLE},
	{SLOT_CONFIRMING, SLOT_ON_OPENED, SLOT_UP},
	{SLOT_CONFIRMING, SLOT_ON_ENDED, SLOT_IDLE},
	{SLOT_UP, SLOT_ON_ENDED, SLOT_IDLE},
	{SLOT_REFUSED, SLOT_ON_BACKED_OFF, SLOT_IDLE},
};

static enum slot_state expected(unsigned from, unsigned event)
{
	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
		if (legal[i].from == from && legal[i].event == event)
			return legal[i].to;
	}
	return SLOT_STATE_N;
}

static void the_whole_matrix_is_as_written_here(void **state)
{
	(void)state;
	for (unsigned from = 0; from <= SLOT_STATE_N; from++) {
		for (unsigned event = 0; event <= SLOT_EVENT_N; event++) {
			enum slot_state to = expected(from, event);
			struct slot s = {.state = (uint8_t)from, .state_since = 1, .due = 2};

			assert_int_equal(slot_state_after(from, event), to);
			assert_int_equal(slot_step(&s, event, 9), to != SLOT_STATE_N);
			assert_int_equal(s.state, to != SLOT_STATE_N ? to : from);
			assert_int_equal(s.state_since, to != SLOT_STATE_N ? 9 : 1);
			assert_int_equal(s.due, to != SLOT_STATE_N ? 0 : 2);
		}
	}
}

static void every_state_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(slot_state_name(SLOT_IDLE), "IDLE");
	assert_string_equal(slot_state_name(SLOT_REFUSED), "REFUSED");
	assert_string_equal(slot_state_name(SLOT_STATE_N), "unknown");
}

static void pairs_are_spread_evenly_and_few_move_with_another_number_of_slots(void **state)
{
	struct egress e = {.config = {.key = {1, 2}, .n_workers = 1}};

	(void)state;
	for (unsigned n = 1; n <= EGRESS_SLOTS_MAX; n++) {
		unsigned of[EGRESS_SLOTS_MAX] = {0}, n_moved = 0;

		for (uint32_t pair = 0; pair < 12000; pair++) {
			unsigned before = slot_index_of_pair(&e, pair * 2654435761u, n);
			unsigned after = slot_index_of_pair(&e, pair * 2654435761u, n + 1);

			assert_true(before < n);
			of[before]++;
			// Who moves, moves to the new one.
			assert_true(after == before || after == n);
			n_moved += after != before;
		}
		for (unsigned i = 0; i < n; i++)
			assert_in_range(of[i], 12000 / n - 500, 12000 / n + 500);
		assert_in_range(n_moved, 12000 / (n + 1) - 500, 12000 / (n + 1) + 500);
	}
}

static void the_slots_of_a_target_are_dealt_to_the_workers_in_turn(void **state)
{
	struct egress e = {.config = {.key = {1, 2}, .n_workers = 3}};
	unsigned of[3] = {0};

	(void)state;
	for (uint16_t port = 1; port <= 3000; port++) {
		struct endpoint remote = {.ip = {.family = IP_V4}, .port = port};
		struct slot_key key = slot_key(&e, &remote, 0, 0, 0);
		unsigned first = slot_owner(&e, &key);

		of[first]++;
		for (unsigned i = 1; i < EGRESS_SLOTS_MAX; i++) {
			key = slot_key(&e, &remote, 0, 0, i);
			assert_int_equal(slot_owner(&e, &key), (first + i) % 3);
		}
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(of[i], 800, 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_matrix_is_as_written_here),
		cmocka_unit_test(every_state_has_a_name),
		cmocka_unit_test(pairs_are_spread_evenly_and_few_move_with_another_number_of_slots),
		cmocka_unit_test(the_slots_of_a_target_are_dealt_to_the_workers_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
