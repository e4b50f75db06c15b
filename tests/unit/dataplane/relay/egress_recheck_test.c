// SPDX-License-Identifier: BSD-3-Clause
// Egress under a policy that is younger than its connections.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/egress_world.h"

#define PAIR 77

static int setup(void **state)
{
	*state = world_new(1, WORLD_CHUNKS, NULL);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void connections_to_hops_that_the_policy_has_no_more_are_reset(void **state)
{
	struct world *w = *state;

	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "to one;");
	world_send(w, 1, PARCEL_REQUEST, PAIR, 1, "to another;");
	world_run(w, 20);
	w->withdrawn[0] = true;
	world_run(w, 20);
	// Not before it is said.
	assert_int_equal(world_n_conns(w, 0), 1);
	egress_recheck(w->workers[0].egress);
	world_run(w, 20);
	assert_int_equal(world_n_conns(w, 0), 0);
	assert_int_equal(world_n_conns(w, 1), 1);
	assert_int_equal(world_counter(w, REASON_egress_withdrawn), 1);
	assert_int_equal(world_last_told(w, LINK_TARGET_STATE)->target_state.reason,
		REASON_egress_withdrawn);
}

static void a_word_of_control_that_is_older_than_the_policy_opens_nothing(void **state)
{
	struct world *w = *state;

	w->answers = false;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "late;");
	w->withdrawn[0] = true;
	egress_recheck(w->workers[0].egress);
	world_run(w, 5);
	world_open(w);
	world_run(w, 20);
	assert_int_equal(world_n_conns(w, 0), 0);
	assert_int_equal(w->n_refused, 1);
	assert_int_equal(w->refused[0], REASON_egress_down);
	// Published again.
	w->withdrawn[0] = false;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "again;");
	world_open(w);
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "again;");
}

static void a_handshake_with_a_hop_that_goes_is_given_up(void **state)
{
	struct world *w = *state;

	w->silent[0] = true;
	world_send(w, 0, PARCEL_REQUEST, PAIR, 1, "lost;");
	world_run(w, 20);
	w->withdrawn[0] = true;
	egress_recheck(w->workers[0].egress);
	world_run(w, 5);
	assert_int_equal(w->n_refused, 1);
	assert_int_equal(w->refused[0], REASON_egress_down);
	assert_int_equal(world_usage(w).n_waiting, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(connections_to_hops_that_the_policy_has_no_more_are_reset),
		CASE(a_word_of_control_that_is_older_than_the_policy_opens_nothing),
		CASE(a_handshake_with_a_hop_that_goes_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
