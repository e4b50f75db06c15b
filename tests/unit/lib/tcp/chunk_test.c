// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/chunk.h"
#include "tests/unit/test.h"

#define N    50
#define ROOM 1448

static uint8_t *memory;
static struct tcp_chunks chunks;

static int setup(void **state)
{
	(void)state;
	memory = aligned_alloc(64, tcp_chunks_memory_bytes(N, ROOM));
	if (memory == NULL)
		return -1;
	memset(memory, 0xee, tcp_chunks_memory_bytes(N, ROOM));
	tcp_chunks_init(&chunks, memory, N, ROOM);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static void every_chunk_is_given_once_and_its_room_is_its_own(void **state)
{
	tcp_chunk_id ids[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		ids[i] = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS);
		assert_int_not_equal(ids[i], 0);
		assert_int_equal((uintptr_t)tcp_chunk_bytes(&chunks, ids[i]) % 64, 0);
		memset(tcp_chunk_bytes(&chunks, ids[i]), (int)i, ROOM);
	}
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), 0);
	assert_int_equal(chunks.n_used, N);
	for (unsigned i = 0; i < N; i++) {
		const struct tcp_chunk *c = tcp_chunk_at(&chunks, ids[i]);

		for (unsigned j = 0; j < ROOM; j++)
			assert_int_equal(tcp_chunk_bytes(&chunks, ids[i])[j], i);
		assert_int_equal(c->next, 0);
		assert_int_equal(c->len, 0);
	}
	assert_true((uint8_t *)tcp_chunk_at(&chunks, N + 1) <= tcp_chunk_bytes(&chunks, 1));
	assert_true(
		tcp_chunk_bytes(&chunks, N) + ROOM <= memory + tcp_chunks_memory_bytes(N, ROOM));
}

static void a_chunk_comes_back_empty_whatever_was_in_it(void **state)
{
	static const struct tcp_chunk empty;
	tcp_chunk_id id = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS);

	(void)state;
	memset(tcp_chunk_at(&chunks, id), 0xff, sizeof(struct tcp_chunk));
	tcp_chunk_put(&chunks, id, TCP_CHUNK_SENDS);
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), id);
	assert_memory_equal(tcp_chunk_at(&chunks, id), &empty, sizeof(empty));
}

static void the_last_freed_is_used_first(void **state)
{
	tcp_chunk_id a = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS),
		     b = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS);

	(void)state;
	tcp_chunk_put(&chunks, a, TCP_CHUNK_SENDS);
	tcp_chunk_put(&chunks, b, TCP_CHUNK_SENDS);
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), b);
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), a);
}

static void what_was_received_into_is_received_into_next(void **state)
{
	tcp_chunk_id received = tcp_chunk_get(&chunks, TCP_CHUNK_RECEIVES);
	tcp_chunk_id sent = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS);

	(void)state;
	tcp_chunk_put(&chunks, received, TCP_CHUNK_RECEIVES);
	tcp_chunk_put(&chunks, sent, TCP_CHUNK_SENDS);
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_RECEIVES), received);
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_RECEIVES), sent);
	assert_int_equal(chunks.n_touched, 2);
}

static void what_is_foreseen_is_what_comes(void **state)
{
	tcp_chunk_id got[N], foreseen[N + 1];

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		got[i] = tcp_chunk_get(&chunks, TCP_CHUNK_RECEIVES);
	for (unsigned i = 0; i < 20; i++)
		tcp_chunk_put(&chunks, got[i], i % 3 == 0 ? TCP_CHUNK_SENDS : TCP_CHUNK_RECEIVES);
	assert_int_equal(tcp_chunk_foresee(&chunks, TCP_CHUNK_SENDS, foreseen, N + 1), N);
	assert_int_equal(chunks.n_used, 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), foreseen[i]);
	assert_int_equal(tcp_chunk_foresee(&chunks, TCP_CHUNK_SENDS, foreseen, 1), 0);
}

static void either_use_gets_all_of_them(void **state)
{
	tcp_chunk_id first = 0;

	(void)state;
	for (unsigned use = 0; use < TCP_CHUNK_USES; use++) {
		for (unsigned i = 0; i < N; i++) {
			tcp_chunk_id id = tcp_chunk_get(&chunks, (enum tcp_chunk_use)use);

			assert_int_not_equal(id, 0);
			tcp_chunk_at(&chunks, id)->next = first;
			first = id;
		}
		assert_int_equal(tcp_chunk_get(&chunks, (enum tcp_chunk_use)use), 0);
		tcp_chunk_put_all(&chunks, first, (enum tcp_chunk_use)use);
		first = 0;
	}
}

static void memory_that_is_never_needed_is_never_touched(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		tcp_chunk_id a = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS),
			     b = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS);

		tcp_chunk_put(&chunks, a, TCP_CHUNK_SENDS);
		tcp_chunk_put(&chunks, b, TCP_CHUNK_SENDS);
	}
	for (size_t i = 2 * sizeof(struct tcp_chunk); i < tcp_chunks_memory_bytes(N, ROOM); i++)
		assert_int_equal(memory[i], 0xee);
}

static void a_whole_queue_is_given_back_at_once(void **state)
{
	tcp_chunk_id first = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		tcp_chunk_id id = tcp_chunk_get(&chunks, TCP_CHUNK_SENDS);

		tcp_chunk_at(&chunks, id)->next = first;
		first = id;
	}
	tcp_chunk_put_all(&chunks, first, TCP_CHUNK_SENDS);
	tcp_chunk_put_all(&chunks, 0, TCP_CHUNK_SENDS);
	assert_int_equal(chunks.n_used, 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_not_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), 0);
	assert_int_equal(tcp_chunk_get(&chunks, TCP_CHUNK_SENDS), 0);
}

static void a_pool_of_none_gives_none(void **state)
{
	struct tcp_chunks none;

	(void)state;
	assert_int_equal(tcp_chunks_memory_bytes(0, ROOM), 0);
	tcp_chunks_init(&none, memory, 0, ROOM);
	assert_int_equal(tcp_chunk_get(&none, TCP_CHUNK_SENDS), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_chunk_is_given_once_and_its_room_is_its_own),
		CASE(a_chunk_comes_back_empty_whatever_was_in_it),
		CASE(the_last_freed_is_used_first),
		CASE(what_was_received_into_is_received_into_next),
		CASE(what_is_foreseen_is_what_comes),
		CASE(either_use_gets_all_of_them),
		CASE(memory_that_is_never_needed_is_never_touched),
		CASE(a_whole_queue_is_given_back_at_once),
		CASE(a_pool_of_none_gives_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
