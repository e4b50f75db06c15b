// SPDX-License-Identifier: BSD-3-Clause
// Targets that control tries without a message that wants them.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/relay/egress_world.h"

static int setup(void **state)
{
	*state = world_new(2, WORLD_CHUNKS, NULL);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

// As control does: to every worker.
static void try(struct world *w, unsigned partner)
{
	struct link_message m;

	link_message_init(&m, LINK_TARGET_TRY);
	m.target_wanted.target.remote = world_partner(partner);
	assert_null(link_message_check(&m, LINK_TO_WORKER, 0));
	for (unsigned i = 0; i < 2; i++)
		egress_hear(w->workers[i].egress, &m, w->now);
}

static uint8_t last_state(const struct world *w)
{
	return world_last_told(w, LINK_TARGET_STATE)->target_state.state;
}

static void the_owner_asks_connects_and_tells(void **state)
{
	struct world *w = *state;

	w->answers = false;
	try(w, 0);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 1);
	// It is still wanted, though nothing waits.
	world_run(w, 300);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 2);
	world_open(w);
	world_run(w, 20);
	assert_int_equal(last_state(w), LINK_TARGET_UP);
	assert_int_equal(world_n_conns(w, 0), 1);
	assert_string_equal(world_read(w, 0), "");
}

static void one_that_is_up_is_told_again(void **state)
{
	struct world *w = *state;

	try(w, 0);
	world_run(w, 20);
	assert_int_equal(world_count_told(w, LINK_TARGET_STATE), 1);
	world_run(w, 500);
	try(w, 0);
	assert_int_equal(world_count_told(w, LINK_TARGET_STATE), 2);
	assert_int_equal(last_state(w), LINK_TARGET_UP);
	assert_in_range(world_last_told(w, LINK_TARGET_STATE)->target_state.since_ms, 490, 520);
	assert_int_equal(world_n_conns(w, 0), 1);
}

static void one_that_control_refused_is_asked_for_at_once(void **state)
{
	struct world *w = *state;

	w->answers = false;
	try(w, 0);
	world_refuse(w, 60000);
	world_run(w, 1000);
	try(w, 0);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), 2);
	world_open(w);
	world_run(w, 20);
	assert_int_equal(last_state(w), LINK_TARGET_UP);
}

static void what_control_does_not_answer_is_given_up(void **state)
{
	struct world *w = *state;
	unsigned n;

	w->answers = false;
	try(w, 0);
	world_run(w, 5000);
	n = world_count_told(w, LINK_TARGET_WANTED);
	world_run(w, 5000);
	assert_int_equal(world_count_told(w, LINK_TARGET_WANTED), n);
	assert_int_equal(world_count_told(w, LINK_TARGET_STATE), 0);
}

static void a_message_finds_the_connection_that_was_tried(void **state)
{
	struct world *w = *state;

	try(w, 0);
	world_run(w, 20);
	world_send(w, 0, PARCEL_REQUEST, 77, 1, "one;");
	world_run(w, 20);
	assert_string_equal(world_read(w, 0), "one;");
	assert_int_equal(world_n_conns(w, 0), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_owner_asks_connects_and_tells),
		CASE(one_that_is_up_is_told_again),
		CASE(one_that_control_refused_is_asked_for_at_once),
		CASE(what_control_does_not_answer_is_given_up),
		CASE(a_message_finds_the_connection_that_was_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
