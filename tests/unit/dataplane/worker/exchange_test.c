// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/worker/exchange.h"

#include "tests/unit/test.h"

#include <errno.h>

#define N_WORKERS 3

// Frames are only carried, so these need no pool; none may be left inside at the end.
static struct rte_mbuf frames[2048];
static struct exchange *x;

static int set_up(void **state)
{
	(void)state;
	x = exchange_new(N_WORKERS);
	return x != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned port;

	(void)state;
	for (unsigned w = 0; w < N_WORKERS; w++) {
		while (exchange_pop_frames(x, w, &port, out) > 0)
			;
	}
	exchange_free(x);
	return 0;
}

static void a_frame_arrives_at_its_owner_with_its_port(void **state)
{
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned port = 99;

	(void)state;
	assert_int_equal(exchange_push_frame(x, 0, 2, 5, &frames[0]), 0);
	assert_int_equal(exchange_pop_frames(x, 0, &port, out), 0);
	assert_int_equal(exchange_pop_frames(x, 1, &port, out), 0);
	assert_int_equal(exchange_pop_frames(x, 2, &port, out), 1);
	assert_ptr_equal(out[0], &frames[0]);
	assert_int_equal(port, 5);
	assert_int_equal(exchange_pop_frames(x, 2, &port, out), 0);
}

static void messages_come_in_order_and_apart_from_frames(void **state)
{
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned port;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(exchange_push_message(x, 0, 1, &frames[i]), 0);
	assert_int_equal(exchange_push_message(x, 2, 1, &frames[3]), 0);
	assert_int_equal(exchange_pop_frames(x, 1, &port, out), 0);
	assert_int_equal(exchange_pop_messages(x, 0, out), 0);
	for (unsigned n_all = 0; n_all < 4;) {
		unsigned n = exchange_pop_messages(x, 1, out);

		assert_true(n == 3 || n == 1);
		for (unsigned i = 0; i < n; i++)
			assert_ptr_equal(out[i], &frames[n == 3 ? i : 3]);
		n_all += n;
	}
	assert_int_equal(exchange_pop_messages(x, 1, out), 0);
}

static void a_full_ring_of_messages_refuses(void **state)
{
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned n = 0, n_out = 0, got;

	(void)state;
	while (n < 2048 && exchange_push_message(x, 0, 1, &frames[n]) == 0)
		n++;
	assert_true(n > 0 && n < 2048);
	while ((got = exchange_pop_messages(x, 1, out)) > 0)
		n_out += got;
	assert_int_equal(n_out, n);
}

static void frames_come_in_order_and_one_port_at_a_time(void **state)
{
	static const unsigned ports[] = {1, 1, 2, 1};
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned port;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(exchange_push_frame(x, 0, 1, ports[i], &frames[i]), 0);
	assert_int_equal(exchange_pop_frames(x, 1, &port, out), 2);
	assert_int_equal(port, 1);
	assert_ptr_equal(out[1], &frames[1]);
	assert_int_equal(exchange_pop_frames(x, 1, &port, out), 1);
	assert_int_equal(port, 2);
	assert_int_equal(exchange_pop_frames(x, 1, &port, out), 1);
	assert_int_equal(port, 1);
	assert_ptr_equal(out[0], &frames[3]);
}

static void a_full_ring_refuses_and_leaves_the_frame_to_its_sender(void **state)
{
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned n_taken = 0, n_given = 0, n, port;

	(void)state;
	while (exchange_push_frame(x, 0, 1, 0, &frames[n_taken]) == 0)
		assert_true(++n_taken < 2048);
	assert_int_equal(exchange_push_frame(x, 0, 1, 0, &frames[n_taken]), -ENOBUFS);
	assert_true(n_taken >= QUEUE_BURST);
	while ((n = exchange_pop_frames(x, 1, &port, out)) > 0) {
		for (unsigned i = 0; i < n; i++)
			assert_ptr_equal(out[i], &frames[n_given++]);
	}
	assert_int_equal(n_given, n_taken);
	assert_int_equal(exchange_push_frame(x, 0, 1, 0, &frames[0]), 0);
}

static void no_sender_starves_another(void **state)
{
	struct rte_mbuf *out[QUEUE_BURST];
	unsigned port, n_until = 0;
	bool seen = false;

	(void)state;
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(exchange_push_frame(x, 0, 2, 0, &frames[i]), 0);
	assert_int_equal(exchange_push_frame(x, 1, 2, 7, &frames[1000]), 0);
	while (!seen && exchange_pop_frames(x, 2, &port, out) > 0) {
		seen = port == 7;
		n_until++;
	}
	assert_true(seen);
	assert_true(n_until <= 2);
}

static void a_neighbour_is_told_to_all_others(void **state)
{
	struct net_neighbour told = {.port = 3,
		.ip = {.family = IP_V4, .bytes = {192, 0, 2, 1}},
		.mac = {{2, 0, 0, 0, 0, 9}}};
	struct net_neighbour out;

	(void)state;
	exchange_push_neighbour(x, 1, &told);
	assert_false(exchange_pop_neighbour(x, 1, &out));
	for (unsigned to = 0; to < N_WORKERS; to += 2) {
		memset(&out, 0, sizeof(out));
		assert_true(exchange_pop_neighbour(x, to, &out));
		assert_memory_equal(&out, &told, sizeof(out));
		assert_false(exchange_pop_neighbour(x, to, &out));
	}
}

static void neighbours_over_the_ring_are_lost_without_harm(void **state)
{
	struct net_neighbour told = {.port = 0}, out;
	unsigned n = 0;

	(void)state;
	for (told.port = 0; told.port < 1000; told.port++)
		exchange_push_neighbour(x, 0, &told);
	while (exchange_pop_neighbour(x, 1, &out))
		assert_int_equal(out.port, n++);
	assert_true(n > 0 && n < 1000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_frame_arrives_at_its_owner_with_its_port),
		CASE(frames_come_in_order_and_one_port_at_a_time),
		CASE(messages_come_in_order_and_apart_from_frames),
		CASE(a_full_ring_of_messages_refuses),
		CASE(a_full_ring_refuses_and_leaves_the_frame_to_its_sender),
		CASE(no_sender_starves_another),
		CASE(a_neighbour_is_told_to_all_others),
		CASE(neighbours_over_the_ring_are_lost_without_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
