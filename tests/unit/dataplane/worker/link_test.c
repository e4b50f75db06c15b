// SPDX-License-Identifier: BSD-3-Clause
// One worker and its rings, without main; the test is both main and control.

#include "tests/unit/test.h"

#include "tests/unit/dataplane/small_dataplane.h"

#include <unistd.h>

#define EPOCH 5

struct fixture {
	struct small_dataplane dataplane;
	struct worker *w;
	struct worker_segment offered;
	struct link_producer to_worker;
	struct link_consumer from_worker;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	*state = f;
	small_open(&f->dataplane);
	f->w = &f->dataplane.workers[0];
	f->offered.epoch = EPOCH;
	fd = link_segment_create(&f->offered.segment);
	assert_true(fd >= 0);
	close(fd);
	link_producer_init(&f->to_worker, &f->offered.segment->to_worker);
	link_consumer_init(&f->from_worker, &f->offered.segment->to_control);
	atomic_store(&f->w->offered_segment, &f->offered);
	worker_link_poll(f->w);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	link_segment_unmap(f->offered.segment);
	small_close(&f->dataplane);
	free(f);
	return 0;
}

static void push_ping(struct fixture *f, uint64_t token, uint32_t epoch)
{
	struct link_message m = {
		.type = LINK_PING, .n_bytes = LINK_BYTES_PING, .epoch = epoch, .ping = {token}};

	assert_int_equal(link_push(&f->to_worker, &m), 0);
}

static void an_offer_is_taken_up_and_a_revocation_shown(void **state)
{
	struct fixture *f = *state;

	assert_ptr_equal(atomic_load(&f->w->applied_segment), &f->offered);
	atomic_store(&f->w->offered_segment, NULL);
	worker_link_poll(f->w);
	assert_null(atomic_load(&f->w->applied_segment));
}

static void a_revoked_ring_is_neither_read_nor_written(void **state)
{
	struct fixture *f = *state;
	struct link_message m;

	push_ping(f, 1, EPOCH);
	atomic_store(&f->w->offered_segment, NULL);
	worker_link_poll(f->w);
	assert_int_equal(link_pop(&f->from_worker, &m, 1), 0);
	assert_int_equal(atomic_load(&f->offered.segment->to_worker.tail), 0);
}

static void a_flood_of_messages_is_answered_a_few_a_turn(void **state)
{
	struct fixture *f = *state;
	static struct link_message m[LINK_SLOTS];
	unsigned n_answers = 0;

	for (uint64_t i = 0; i < 500; i++)
		push_ping(f, i, EPOCH);
	while (n_answers < 500) {
		int n;

		worker_link_poll(f->w);
		n = link_pop(&f->from_worker, m, LINK_SLOTS);
		assert_true(n > 0 && n <= 16);
		for (int i = 0; i < n; i++)
			assert_int_equal(m[i].pong.token, n_answers++);
	}
}

static void a_bad_message_is_counted_and_the_next_one_heard(void **state)
{
	struct fixture *f = *state;
	struct link_message m = {.type = LINK_PONG, .n_bytes = LINK_BYTES_PONG, .epoch = EPOCH};

	assert_int_equal(link_push(&f->to_worker, &m), 0);
	push_ping(f, 1, EPOCH + 1);
	push_ping(f, 2, EPOCH);
	worker_link_poll(f->w);
	assert_int_equal(f->w->counters.reason[REASON_link_message_bad], 2);
	assert_int_equal(link_pop(&f->from_worker, &m, 1), 1);
	assert_int_equal(m.pong.token, 2);
}

static void a_control_that_does_not_read_costs_its_answers_alone(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 2 * (uint64_t)LINK_SLOTS; i++) {
		push_ping(f, i, EPOCH);
		worker_link_poll(f->w);
	}
	assert_int_equal(f->w->counters.reason[REASON_link_full],
		2 * LINK_SLOTS - (LINK_SLOTS - LINK_SLOTS_RESERVED));
	assert_int_equal(f->w->counters.reason[REASON_link_message_bad], 0);
}

static void a_broken_ring_is_left_until_the_next_attachment(void **state)
{
	struct fixture *f = *state;
	struct link_message m;

	atomic_store(&f->offered.segment->to_worker.head, 5000);
	worker_link_poll(f->w);
	atomic_store(&f->offered.segment->to_worker.head, 0);
	push_ping(f, 1, EPOCH);
	worker_link_poll(f->w);
	assert_int_equal(f->w->counters.reason[REASON_link_message_bad], 1);
	assert_int_equal(link_pop(&f->from_worker, &m, 1), 0);
	// It still shows what main must not free.
	assert_ptr_equal(atomic_load(&f->w->applied_segment), &f->offered);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_offer_is_taken_up_and_a_revocation_shown),
		CASE(a_revoked_ring_is_neither_read_nor_written),
		CASE(a_flood_of_messages_is_answered_a_few_a_turn),
		CASE(a_bad_message_is_counted_and_the_next_one_heard),
		CASE(a_control_that_does_not_read_costs_its_answers_alone),
		CASE(a_broken_ring_is_left_until_the_next_attachment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
