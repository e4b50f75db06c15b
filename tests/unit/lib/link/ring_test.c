// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "lib/link/ring.h"
#include "tests/unit/lib/link/honest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORDINARY (LINK_SLOTS - LINK_SLOTS_RESERVED)

struct fixture {
	struct link_segment *segment;
	int fd;
	struct link_producer producer;
	struct link_consumer consumer;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->fd = link_segment_create(&f->segment);
	if (f->fd < 0)
		return -1;
	link_producer_init(&f->producer, &f->segment->to_worker);
	link_consumer_init(&f->consumer, &f->segment->to_worker);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	link_segment_unmap(f->segment);
	close(f->fd);
	free(f);
	return 0;
}

static struct link_message ping(uint64_t token)
{
	return (struct link_message){.type = LINK_PING,
		.n_bytes = LINK_BYTES_PING,
		.epoch = 1,
		.ping = {.token = token}};
}

static int push_ping(struct fixture *f, uint64_t token)
{
	struct link_message m = ping(token);

	return link_push(&f->producer, &m);
}

static void messages_come_out_in_order_and_unchanged(void **state)
{
	struct fixture *f = *state;
	struct link_message out[8];

	assert_int_equal(link_pop(&f->consumer, out, 8), 0);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(push_ping(f, i), 0);
	assert_int_equal(link_pop(&f->consumer, out, 3), 3);
	assert_int_equal(link_pop(&f->consumer, out + 3, 5), 2);
	for (uint64_t i = 0; i < 5; i++) {
		struct link_message expected = ping(i);

		assert_memory_equal(&out[i], &expected, expected.n_bytes);
	}
	assert_int_equal(link_pop(&f->consumer, out, 8), 0);
}

static void push_to_a_full_ring_is_refused_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct link_message out;

	for (uint64_t i = 0; i < ORDINARY; i++)
		assert_int_equal(push_ping(f, i), 0);
	assert_int_equal(push_ping(f, 999999), -ENOSPC);
	assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
	assert_int_equal(out.ping.token, 0);
	assert_int_equal(push_ping(f, ORDINARY), 0);
	for (uint64_t i = 1; i <= ORDINARY; i++) {
		assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
		assert_int_equal(out.ping.token, i);
	}
}

static void reserved_slots_are_left_for_reserved_messages(void **state)
{
	struct fixture *f = *state;
	struct link_message m = ping(1);

	for (unsigned i = 0; i < ORDINARY; i++)
		assert_int_equal(push_ping(f, i), 0);
	for (unsigned i = 0; i < LINK_SLOTS_RESERVED; i++) {
		assert_int_equal(push_ping(f, i), -ENOSPC);
		assert_int_equal(link_push_reserved(&f->producer, &m), 0);
	}
	assert_int_equal(link_push_reserved(&f->producer, &m), -ENOSPC);
}

static void indexes_wrap_beyond_32_bits(void **state)
{
	struct fixture *f = *state;
	const uint32_t start = UINT32_MAX - LINK_SLOTS / 2;
	struct link_message out;

	f->producer.head = f->producer.tail_seen = start;
	f->consumer.tail = f->consumer.head_seen = start;
	atomic_store(&f->segment->to_worker.head, start);
	atomic_store(&f->segment->to_worker.tail, start);
	for (uint64_t i = 0; i < ORDINARY; i++)
		assert_int_equal(push_ping(f, i), 0);
	assert_int_equal(push_ping(f, 0), -ENOSPC);
	for (uint64_t i = 0; i < 3 * (uint64_t)LINK_SLOTS; i++) {
		assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
		assert_int_equal(out.ping.token, i);
		assert_int_equal(push_ping(f, ORDINARY + i), 0);
	}
}

static void nothing_behind_the_used_bytes_travels(void **state)
{
	struct fixture *f = *state;
	static struct link_message out, expected;
	const size_t n = LINK_BYTES_PING;

	memset(&f->segment->to_worker.slots[0], 0xaa, sizeof(f->segment->to_worker.slots[0]));
	memset(&out, 0xbb, sizeof(out));
	memset(&expected, 0xbb, sizeof(expected));
	assert_int_equal(push_ping(f, 1), 0);
	for (size_t i = n; i < LINK_SLOT_BYTES; i++)
		assert_int_equal(((uint8_t *)&f->segment->to_worker.slots[0])[i], 0xaa);
	assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
	assert_memory_equal((uint8_t *)&out + n, (uint8_t *)&expected + n, LINK_SLOT_BYTES - n);
}

static void every_type_travels_whole(void **state)
{
	struct fixture *f = *state;

	for (unsigned type = 1; type < LINK_N; type++) {
		struct link_message m, out;

		honest_message(&m, type);
		assert_int_equal(link_push(&f->producer, &m), 0);
		assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
		assert_memory_equal(&m, &out, m.n_bytes);
		assert_null(link_message_check(&out, honest_direction(type), HONEST_EPOCH));
	}
}

static void a_size_that_no_message_has_is_not_pushed(void **state)
{
	struct fixture *f = *state;
	struct link_message m = ping(1);

	m.n_bytes = LINK_SLOT_BYTES + 1;
	assert_int_equal(link_push(&f->producer, &m), -EINVAL);
	m.n_bytes = LINK_HEADER_BYTES - 1;
	assert_int_equal(link_push(&f->producer, &m), -EINVAL);
	assert_int_equal(link_pop(&f->consumer, &m, 1), 0);
}

static void a_size_that_a_peer_makes_up_yields_a_message_that_is_refused(void **state)
{
	static const uint16_t sizes[] = {0, 1, 7, 8, LINK_SLOT_BYTES, LINK_SLOT_BYTES + 1, 65535};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct link_message out;

		assert_int_equal(push_ping(f, i), 0);
		f->segment->to_worker.slots[i].message.n_bytes = sizes[i];
		assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
		assert_string_equal(
			link_message_check(&out, LINK_TO_WORKER, 1), "wrong size for its type");
	}
}

static void secrets_do_not_stay_in_the_segment(void **state)
{
	static const struct record_secrets none;
	struct fixture *f = *state;
	struct link_message m, out;

	honest_message(&m, LINK_SESSION_ESTABLISHED);
	assert_int_equal(link_push(&f->producer, &m), 0);
	assert_int_equal(link_pop(&f->consumer, &out, 1), 1);
	assert_memory_equal(&out, &m, m.n_bytes);
	assert_memory_equal(&f->segment->to_worker.slots[0].message.session_established.secrets,
		&none, sizeof(none));
}

// Head or tail as a hostile peer may write them, against what the honest side believes.
static void a_head_beyond_the_ring_breaks_it_for_good(void **state)
{
	struct fixture *f = *state;
	struct link_message out[4];

	assert_int_equal(push_ping(f, 1), 0);
	assert_int_equal(link_pop(&f->consumer, out, 1), 1);
	atomic_store(&f->segment->to_worker.head, 1 + LINK_SLOTS + 1);
	assert_int_equal(link_pop(&f->consumer, out, 4), -EPROTO);
	atomic_store(&f->segment->to_worker.head, 2);
	assert_int_equal(link_pop(&f->consumer, out, 4), -EPROTO);
}

static void a_head_that_goes_back_breaks_the_ring(void **state)
{
	struct fixture *f = *state;
	struct link_message out[4];

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(push_ping(f, i), 0);
	assert_int_equal(link_pop(&f->consumer, out, 3), 3);
	atomic_store(&f->segment->to_worker.head, 2);
	assert_int_equal(link_pop(&f->consumer, out, 4), -EPROTO);
}

static void a_tail_beyond_the_head_breaks_the_ring_for_good(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < ORDINARY; i++)
		assert_int_equal(push_ping(f, i), 0);
	atomic_store(&f->segment->to_worker.tail, ORDINARY + 1);
	assert_int_equal(push_ping(f, 0), -EPROTO);
	atomic_store(&f->segment->to_worker.tail, 1);
	assert_int_equal(push_ping(f, 0), -EPROTO);
}

static void a_tail_that_goes_back_breaks_the_ring(void **state)
{
	struct fixture *f = *state;
	static struct link_message out[LINK_SLOTS];

	for (unsigned i = 0; i < ORDINARY; i++)
		assert_int_equal(push_ping(f, i), 0);
	assert_int_equal(link_pop(&f->consumer, out, 100), 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(push_ping(f, i), 0);
	atomic_store(&f->segment->to_worker.tail, 50);
	assert_int_equal(push_ping(f, 0), -EPROTO);
}

#define N_STREAMED 200000

static void *produce(void *arg)
{
	struct fixture *f = arg;

	for (uint64_t i = 0; i < N_STREAMED; i++) {
		struct link_message m = {.type = LINK_PING, .epoch = (uint32_t)i};

		// Every word carries the number, so that a torn copy shows; the lengths vary.
		m.n_bytes = (uint16_t)(LINK_HEADER_BYTES + 8 * (1 + i % (sizeof(m.bytes) / 8)));
		for (unsigned w = 0; w < m.n_bytes / 8 - 1U; w++)
			memcpy(m.bytes + 8 * w, &i, 8);
		while (link_push(&f->producer, &m) == -ENOSPC)
			sched_yield();
	}
	return NULL;
}

static void two_threads_stream_without_loss_or_tearing(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	uint64_t next = 0;

	assert_int_equal(pthread_create(&thread, NULL, produce, f), 0);
	while (next < N_STREAMED) {
		struct link_message out[16];
		int n = link_pop(&f->consumer, out, 16);

		assert_true(n >= 0);
		if (n == 0)
			sched_yield();
		for (int i = 0; i < n; i++, next++) {
			assert_int_equal(out[i].epoch, (uint32_t)next);
			for (unsigned w = 0; w < out[i].n_bytes / 8 - 1U; w++)
				assert_memory_equal(out[i].bytes + 8 * w, &next, 8);
		}
	}
	pthread_join(thread, NULL);
}

// Writes random words all over the segment until it is killed.
static void scribble(int fd)
{
	struct link_segment *segment;
	uint64_t x = 88172645463325252;
	_Atomic uint32_t *words;

	if (link_segment_map(fd, &segment) < 0)
		_exit(1);
	words = (_Atomic uint32_t *)(void *)segment;
	for (;;) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		atomic_store_explicit(&words[(x >> 40) % (LINK_SEGMENT_BYTES / 4)], (uint32_t)x,
			memory_order_relaxed);
		// Small steps of the indexes too: those pass for honest more often.
		atomic_fetch_add(&segment->to_worker.head, (uint32_t)(x & 3));
		atomic_fetch_add(&segment->to_control.tail, (uint32_t)(x >> 2 & 3));
	}
}

static void a_scribbling_process_costs_its_ring_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct link_producer out;
	unsigned n_broken = 0, n_checked = 0;
	pid_t child = fork();

	if (child == 0)
		scribble(f->fd);
	assert_true(child > 0);
	link_producer_init(&out, &f->segment->to_control);
	for (unsigned turn = 0; turn < 400000 && (n_broken < 2000 || n_checked == 0); turn++) {
		struct link_message m[16];
		struct link_message answer = ping(turn);
		int n = link_pop(&f->consumer, m, 16);

		assert_true(n <= 16);
		for (int i = 0; i < n; i++)
			n_checked += link_message_check(&m[i], LINK_TO_WORKER, 1) != NULL;
		if (n == -EPROTO || link_push(&out, &answer) == -EPROTO) {
			// A new attachment starts where the indexes happen to be.
			n_broken++;
			link_consumer_init(&f->consumer, &f->segment->to_worker);
			link_producer_init(&out, &f->segment->to_control);
			f->consumer.tail = f->consumer.head_seen =
				atomic_load(&f->segment->to_worker.head);
			out.head = out.tail_seen = atomic_load(&f->segment->to_control.tail);
		}
		if (n <= 0)
			sched_yield();
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(n_broken > 0);
	assert_true(n_checked > 0);
}

static void a_peer_process_reads_what_was_pushed(void **state)
{
	struct fixture *f = *state;
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct link_segment *segment;
		struct link_consumer c;
		uint64_t next = 0;

		if (link_segment_map(f->fd, &segment) < 0)
			_exit(1);
		link_consumer_init(&c, &segment->to_worker);
		while (next < 10000) {
			struct link_message m;
			int n = link_pop(&c, &m, 1);

			if (n < 0 || (n == 1 && m.ping.token != next++))
				_exit(2);
			if (n == 0)
				sched_yield();
		}
		_exit(0);
	}
	assert_true(child > 0);
	for (uint64_t i = 0; i < 10000; i++) {
		while (push_ping(f, i) == -ENOSPC)
			sched_yield();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_segment_can_be_neither_resized_nor_resealed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ftruncate(f->fd, 0), -1);
	assert_int_equal(ftruncate(f->fd, 2 * LINK_SEGMENT_BYTES), -1);
	assert_int_equal(fcntl(f->fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

static void a_segment_without_its_seals_or_size_is_not_mapped(void **state)
{
	struct link_segment *segment;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(fd, LINK_SEGMENT_BYTES), 0);
	assert_int_equal(link_segment_map(fd, &segment), -EBADMSG);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(link_segment_map(fd, &segment), 0);
	link_segment_unmap(segment);
	close(fd);

	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, LINK_SEGMENT_BYTES - 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(link_segment_map(fd, &segment), -EBADMSG);
	close(fd);

	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	assert_int_equal(link_segment_map(fd, &segment), -EBADMSG);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(messages_come_out_in_order_and_unchanged),
		CASE(push_to_a_full_ring_is_refused_and_changes_nothing),
		CASE(reserved_slots_are_left_for_reserved_messages),
		CASE(indexes_wrap_beyond_32_bits),
		CASE(nothing_behind_the_used_bytes_travels),
		CASE(every_type_travels_whole),
		CASE(a_size_that_no_message_has_is_not_pushed),
		CASE(a_size_that_a_peer_makes_up_yields_a_message_that_is_refused),
		CASE(secrets_do_not_stay_in_the_segment),
		CASE(a_head_beyond_the_ring_breaks_it_for_good),
		CASE(a_head_that_goes_back_breaks_the_ring),
		CASE(a_tail_beyond_the_head_breaks_the_ring_for_good),
		CASE(a_tail_that_goes_back_breaks_the_ring),
		CASE(two_threads_stream_without_loss_or_tearing),
		CASE(a_scribbling_process_costs_its_ring_and_nothing_else),
		CASE(a_peer_process_reads_what_was_pushed),
		CASE(a_segment_can_be_neither_resized_nor_resealed),
		cmocka_unit_test(a_segment_without_its_seals_or_size_is_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
