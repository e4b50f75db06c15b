// SPDX-License-Identifier: BSD-3-Clause
// Two workers behind devices that say the hash of RSS rightly, wrongly, and not at all: every
// message is answered whatever the device does, every connection is one worker's, and counters
// tell which device it was.

#include "tests/unit/dataplane/worker/loaded_world.h"
#include "tests/unit/test.h"

#define N_REQUESTS 500

static uint64_t disagreed(void)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		n += world.workers[w].steering.n_disagreed;
	return n;
}

// From the first frame on that says a hash, or should, a queue is steered in software.
static void assert_every_queue_disagreed_once(void)
{
	unsigned n = 0;

	for (unsigned p = 0; p < WORLD_PORTS; p++) {
		for (unsigned w = 0; w < WORLD_WORKERS; w++)
			n += world.hashed[p][w];
	}
	assert_true(n > WORLD_WORKERS);
	assert_int_equal(disagreed(), n);
}

// Of the port at which many flows arrive: inside the server's may all be one worker's.
static void assert_queues_are(enum steering_state state)
{
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		assert_int_equal(world.workers[w].steering.queue[WORLD_OUTSIDE].state, state);
}

// No segment came to a worker that does not know its connection, and no connection is twice.
static void assert_every_connection_has_one_owner(void)
{
	uint32_t n_conns = 0;

	for (unsigned w = 0; w < WORLD_WORKERS; w++) {
		struct tcp_usage usage;

		tcp_usage(conns_engine(world.workers[w].conns), &usage);
		assert_true(usage.n_conns > 0);
		n_conns += usage.n_conns;
	}
	// Those of the caller, and the relay's own to the server.
	assert_in_range(n_conns, WORLD_CONNS + 2, WORLD_CONNS + LINK_TARGET_SLOTS);
	assert_int_equal(loaded_world_count(REASON_tcp_no_connection), 0);
	assert_int_equal(loaded_world_count(REASON_tcp_cookie_bad), 0);
	assert_int_equal(loaded_world_count(REASON_tcp_reset), 0);
}

static void run(enum transport transport, enum device device)
{
	loaded_world_begin(transport, device);
	loaded_world_get_through(WORLD_CALLER);
	loaded_world_call(WORLD_CALLER, N_REQUESTS);
	loaded_world_settle();
	assert_int_equal(world.n_lost, 0);
	assert_int_equal(loaded_world_count(REASON_steer_full), 0);
	if (transport == TRANSPORT_TCP)
		assert_every_connection_has_one_owner();
	for (unsigned w = 0; w < WORLD_WORKERS; w++)
		assert_true(world.workers[w].counters.reason[REASON_sip_request_relayed] > 0);
}

static void a_device_that_hashes_rightly_is_believed_and_nothing_is_steered(void **state)
{
	(void)state;
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TCP; t++) {
		run((enum transport)t, DEVICE_RIGHT);
		assert_int_equal(disagreed(), 0);
		assert_int_equal(loaded_world_count(REASON_steered), 0);
		assert_queues_are(STEERING_HARDWARE);
		loaded_world_end(NULL);
	}
}

static void a_device_with_a_hash_of_its_own_is_found_out_at_every_queue(void **state)
{
	(void)state;
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TCP; t++) {
		run((enum transport)t, DEVICE_WRONG);
		assert_every_queue_disagreed_once();
		assert_true(loaded_world_count(REASON_steered) > N_REQUESTS / 2);
		assert_queues_are(STEERING_SOFTWARE);
		loaded_world_end(NULL);
	}
}

static void a_device_that_hashes_rightly_but_spreads_otherwise_is_found_out(void **state)
{
	(void)state;
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TCP; t++) {
		run((enum transport)t, DEVICE_MISPLACED);
		assert_every_queue_disagreed_once();
		assert_true(loaded_world_count(REASON_steered) > N_REQUESTS);
		assert_queues_are(STEERING_SOFTWARE);
		loaded_world_end(NULL);
	}
}

static void a_device_that_promised_a_hash_and_says_none_is_found_out(void **state)
{
	(void)state;
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TCP; t++) {
		run((enum transport)t, DEVICE_SILENT);
		assert_every_queue_disagreed_once();
		assert_true(loaded_world_count(REASON_steered) > N_REQUESTS / 2);
		assert_queues_are(STEERING_SOFTWARE);
		loaded_world_end(NULL);
	}
}

static void a_device_without_a_hash_is_steered_for_and_not_blamed(void **state)
{
	(void)state;
	for (unsigned t = TRANSPORT_UDP; t <= TRANSPORT_TCP; t++) {
		run((enum transport)t, DEVICE_DENIES);
		assert_int_equal(disagreed(), 0);
		assert_true(loaded_world_count(REASON_steered) > N_REQUESTS / 2);
		assert_queues_are(STEERING_SOFTWARE);
		loaded_world_end(NULL);
	}
}

// Over UDP, where a message at the wrong worker is relayed all the same: until the next sample the
// device is believed.
static void a_believed_device_that_changes_its_mind_is_found_by_the_next_sample(void **state)
{
	(void)state;
	run(TRANSPORT_UDP, DEVICE_RIGHT);
	assert_queues_are(STEERING_HARDWARE);
	world.device = DEVICE_MISPLACED;
	for (unsigned i = 0; i < 6; i++)
		loaded_world_call(WORLD_CALLER, N_REQUESTS);
	loaded_world_settle();
	assert_in_range(disagreed(), WORLD_WORKERS, WORLD_WORKERS * WORLD_PORTS);
	assert_queues_are(STEERING_SOFTWARE);
	assert_true(loaded_world_count(REASON_steered) > 0);
	loaded_world_end(NULL);
}

// What a TAP with a queue for each worker does (tests/interop/two_workers_tcp.sh).
static void an_overtaken_ack_of_a_handshake_is_dropped_and_does_no_harm(void **state)
{
	(void)state;
	run(TRANSPORT_TCP, DEVICE_QUIET);
	assert_true(world.n_overtaken >= WORLD_CONNS);
	assert_true(loaded_world_count(REASON_tcp_not_acceptable) +
			loaded_world_count(REASON_tcp_paws) >=
		world.n_overtaken);
	assert_true(loaded_world_count(REASON_steered) >= world.n_overtaken);
	assert_int_equal(disagreed(), 0);
	loaded_world_end(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_device_that_hashes_rightly_is_believed_and_nothing_is_steered,
			loaded_world_end),
		cmocka_unit_test_teardown(
			a_device_with_a_hash_of_its_own_is_found_out_at_every_queue,
			loaded_world_end),
		cmocka_unit_test_teardown(
			a_device_that_hashes_rightly_but_spreads_otherwise_is_found_out,
			loaded_world_end),
		cmocka_unit_test_teardown(
			a_device_that_promised_a_hash_and_says_none_is_found_out, loaded_world_end),
		cmocka_unit_test_teardown(
			a_device_without_a_hash_is_steered_for_and_not_blamed, loaded_world_end),
		cmocka_unit_test_teardown(
			a_believed_device_that_changes_its_mind_is_found_by_the_next_sample,
			loaded_world_end),
		cmocka_unit_test_teardown(
			an_overtaken_ack_of_a_handshake_is_dropped_and_does_no_harm,
			loaded_world_end),
	};

	return cmocka_run_group_tests(tests, loaded_world_open, loaded_world_close);
}
