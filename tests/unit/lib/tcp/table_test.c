// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/table.h"
#include "tests/unit/test.h"

#include <errno.h>

static const struct siphash_key key = {1, 2};
static struct tcp_table table;
static void *memory;

static void begin(uint32_t n_entries_max)
{
	size_t n_bytes = tcp_table_memory_bytes(n_entries_max);

	memory = aligned_alloc(64, n_bytes);
	assert_non_null(memory);
	memset(memory, 0, n_bytes);
	tcp_table_init(&table, memory, n_entries_max, &key);
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	memory = NULL;
	return 0;
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint e;

	assert_int_equal(endpoint_parse(view_string(text), 0, TRANSPORT_TCP, &e), 0);
	return e;
}

static uint64_t hash(const char *local, const char *remote)
{
	struct endpoint l = endpoint(local), r = endpoint(remote);

	return tcp_table_hash(&table, &l, &r);
}

// How often an entry is found by a hash.
static unsigned n_found(uint64_t h, uint32_t entry)
{
	struct tcp_table_cursor at = {0};
	unsigned n = 0, n_steps = 0;
	uint32_t found;

	while ((found = tcp_table_next(&table, h, &at)) != TCP_TABLE_NONE) {
		n += found == entry;
		assert_true(++n_steps < 10000);
	}
	return n;
}

static void everything_in_a_pair_counts_for_its_hash(void **state)
{
	static const char *const pairs[][2] = {
		{"192.0.2.1:5060", "198.51.100.1:1024"},
		{"198.51.100.1:1024", "192.0.2.1:5060"},
		{"192.0.2.1:1024", "198.51.100.1:5060"},
		{"192.0.2.2:5060", "198.51.100.1:1024"},
		{"192.0.2.1:5061", "198.51.100.1:1024"},
		{"192.0.2.1:5060", "198.51.100.2:1024"},
		{"192.0.2.1:5060", "198.51.100.1:1025"},
		{"[2001:db8::1]:5060", "[2001:db8::2]:1024"},
		{"[2001:db8::1]:5060", "[2001:db8:0:0:1::2]:1024"},
		{"[2001:db8:1::1]:5060", "[2001:db8::2]:1024"},
		// The bytes of the first pair, in an IPv6 address.
		{"[c000:201::]:5060", "[c633:6401::]:1024"},
	};
	const size_t n = sizeof(pairs) / sizeof(pairs[0]);
	uint64_t hashes[sizeof(pairs) / sizeof(pairs[0])];

	(void)state;
	begin(100);
	for (size_t i = 0; i < n; i++) {
		hashes[i] = hash(pairs[i][0], pairs[i][1]);
		for (size_t j = 0; j < i; j++)
			assert_true(hashes[i] != hashes[j]);
	}
}

static void nobody_without_the_key_knows_the_hash(void **state)
{
	static const struct siphash_key other = {1, 3};
	uint64_t before;

	(void)state;
	begin(100);
	before = hash("192.0.2.1:5060", "198.51.100.1:1024");
	assert_true(before == hash("192.0.2.1:5060", "198.51.100.1:1024"));
	tcp_table_init(&table, memory, 100, &other);
	assert_true(before != hash("192.0.2.1:5060", "198.51.100.1:1024"));
}

static void hashes_of_a_burst_are_those_of_its_segments(void **state)
{
	struct tcp_segment segments[32];
	uint64_t hashes[33];

	(void)state;
	begin(100);
	// The family changes after runs of 1 to 11 segments.
	for (unsigned run = 1; run < 12; run++) {
		memset(segments, 0, sizeof(segments));
		for (unsigned i = 0; i < 32; i++) {
			segments[i].local =
				endpoint(i / run % 2 ? "[2001:db8::1]:5060" : "192.0.2.1:5060");
			segments[i].remote =
				endpoint(i / run % 2 ? "[2001:db8::2]:1024" : "192.0.2.2:1024");
			segments[i].remote.port = (uint16_t)(1024 + i);
			segments[i].remote.ip.bytes[3] ^= (uint8_t)i;
		}
		for (unsigned n = 0; n <= 32; n++) {
			memset(hashes, 0, sizeof(hashes));
			tcp_table_hash_burst(&table, segments, n, hashes);
			for (unsigned i = 0; i < n; i++)
				assert_true(hashes[i] ==
					tcp_table_hash(
						&table, &segments[i].local, &segments[i].remote));
			assert_true(hashes[n] == 0);
		}
	}
}

static void an_entry_is_found_until_it_is_deleted(void **state)
{
	const uint64_t h = 0x1234000000000001;

	(void)state;
	begin(100);
	assert_int_equal(n_found(h, 0), 0);
	assert_int_equal(tcp_table_add(&table, h, 0), 0);
	assert_int_equal(tcp_table_add(&table, h, TCP_TABLE_TIME_WAIT | 0), 0);
	assert_int_equal(n_found(h, 0), 1);
	assert_int_equal(n_found(h, TCP_TABLE_TIME_WAIT), 1);
	assert_true(tcp_table_del(&table, h, 0));
	assert_int_equal(n_found(h, 0), 0);
	assert_int_equal(n_found(h, TCP_TABLE_TIME_WAIT), 1);
	assert_int_equal(table.n_entries, 1);
}

static void what_is_not_there_is_neither_deleted_nor_replaced(void **state)
{
	const uint64_t h = 0x1234000000000001, same_bucket = 0x5678000000000001;

	(void)state;
	begin(100);
	assert_int_equal(tcp_table_add(&table, h, 5), 0);
	assert_false(tcp_table_del(&table, h, 6));
	assert_false(tcp_table_del(&table, same_bucket, 5));
	assert_false(tcp_table_replace(&table, h, 6, 7));
	assert_int_equal(table.n_entries, 1);
	assert_int_equal(n_found(h, 5), 1);
}

static void replacing_an_entry_keeps_its_place(void **state)
{
	const uint64_t h = 0x1234000000000001;

	(void)state;
	begin(100);
	assert_int_equal(tcp_table_add(&table, h, 5), 0);
	assert_true(tcp_table_replace(&table, h, 5, TCP_TABLE_TIME_WAIT | 9));
	assert_int_equal(n_found(h, 5), 0);
	assert_int_equal(n_found(h, TCP_TABLE_TIME_WAIT | 9), 1);
	assert_int_equal(table.n_entries, 1);
}

// Tag 0 marks an empty way, so a hash whose tag would be 0 must not be taken for one.
static void a_hash_of_zero_is_as_good_as_any(void **state)
{
	(void)state;
	begin(100);
	for (uint32_t i = 0; i < 25; i++)
		assert_int_equal(tcp_table_add(&table, 0, i), 0);
	for (uint32_t i = 0; i < 25; i++)
		assert_int_equal(n_found(0, i), 1);
	for (uint32_t i = 0; i < 25; i++)
		assert_true(tcp_table_del(&table, 0, i));
	assert_int_equal(n_found(0, 24), 0);
}

static void a_bucket_overflows_into_spare_ones_and_gives_them_back(void **state)
{
	const uint64_t h = 0x4242000000000003;

	(void)state;
	begin(1000);
	for (uint32_t i = 0; i < 55; i++)
		assert_int_equal(tcp_table_add(&table, h, i), 0);
	assert_int_equal(table.n_spare_used, 5);
	// From the front, the back and the middle.
	for (uint32_t i = 0; i < 55; i++) {
		uint32_t entry = i * 17 % 55;

		assert_int_equal(n_found(h, entry), 1);
		assert_true(tcp_table_del(&table, h, entry));
		assert_int_equal(n_found(h, entry), 0);
		for (uint32_t j = i + 1; j < 55; j++)
			assert_int_equal(n_found(h, j * 17 % 55), 1);
	}
	assert_int_equal(table.n_spare_used, 0);
	assert_int_equal(table.n_entries, 0);
}

static void a_full_table_refuses_and_takes_again_after_a_deletion(void **state)
{
	const uint64_t h = 0x4242000000000003;
	uint32_t n = 0;

	(void)state;
	begin(40);
	while (tcp_table_add(&table, h, n) == 0)
		assert_true(++n < 1000);
	assert_int_equal(tcp_table_add(&table, h, n), -ENOSPC);
	assert_true(n >= 40);
	assert_int_equal(table.n_entries, n);
	assert_int_equal(n_found(h, n - 1), 1);
	assert_int_equal(n_found(h, n), 0);
	assert_true(tcp_table_del(&table, h, 0));
	assert_int_equal(tcp_table_add(&table, h, n), 0);
	assert_int_equal(n_found(h, n), 1);
	// Every spare bucket is gone, yet another home bucket has room.
	assert_int_equal(tcp_table_add(&table, h + 1, 7777), 0);
	assert_int_equal(n_found(h + 1, 7777), 1);
}

static uint64_t random_state;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void a_table_of_any_size_takes_as_many_as_it_was_made_for(void **state)
{
	static const uint32_t sizes[] = {1, 2, 10, 80, 81, 320, 1000, 5120, 10240, 100000, 163840};

	(void)state;
	random_state = 88172645463325252;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (unsigned run = 0; run < 1 + 20000 / sizes[s]; run++) {
			begin(sizes[s]);
			for (uint32_t i = 0; i < sizes[s]; i++)
				assert_int_equal(tcp_table_add(&table, random64(), i), 0);
			assert_true(table.n_spare_used <= table.n_spare);
			free(memory);
			memory = NULL;
		}
	}
}

#define N_PAIRS 600

// Hashes that differ in few bits, so that chains and equal tags are common.
static void random_operations_agree_with_a_plain_list(void **state)
{
	uint64_t hashes[N_PAIRS];
	uint32_t entries[N_PAIRS] = {0}; // 0: not in the table
	uint32_t n_entries = 0, n_spare_max = 0;

	(void)state;
	begin(300);
	random_state = 123456789;
	for (unsigned op = 0; op < 300000; op++) {
		uint32_t i = (uint32_t)(random64() % N_PAIRS),
			 new = 1 + (uint32_t)(random64() >> 33);

		if (entries[i] == 0) {
			hashes[i] = (random64() % 4 << 48) | (random64() % 16);
			if (tcp_table_add(&table, hashes[i], new) == 0) {
				entries[i] = new;
				n_entries++;
			} else {
				assert_int_equal(table.n_spare_used, table.n_spare);
			}
		} else if (op % 8 == 0) {
			assert_true(tcp_table_replace(&table, hashes[i], entries[i], new));
			entries[i] = new;
		} else {
			assert_int_equal(n_found(hashes[i], entries[i]), 1);
			assert_true(tcp_table_del(&table, hashes[i], entries[i]));
			entries[i] = 0;
			n_entries--;
		}
		assert_int_equal(table.n_entries, n_entries);
		if (table.n_spare_used > n_spare_max)
			n_spare_max = table.n_spare_used;
	}
	assert_true(n_spare_max > 5);
	for (uint32_t i = 0; i < N_PAIRS; i++) {
		if (entries[i] != 0)
			assert_true(tcp_table_del(&table, hashes[i], entries[i]));
	}
	assert_int_equal(table.n_entries, 0);
	assert_int_equal(table.n_spare_used, 0);
}

#define CASE(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(everything_in_a_pair_counts_for_its_hash),
		CASE(nobody_without_the_key_knows_the_hash),
		CASE(hashes_of_a_burst_are_those_of_its_segments),
		CASE(an_entry_is_found_until_it_is_deleted),
		CASE(what_is_not_there_is_neither_deleted_nor_replaced),
		CASE(replacing_an_entry_keeps_its_place),
		CASE(a_hash_of_zero_is_as_good_as_any),
		CASE(a_bucket_overflows_into_spare_ones_and_gives_them_back),
		CASE(a_full_table_refuses_and_takes_again_after_a_deletion),
		CASE(a_table_of_any_size_takes_as_many_as_it_was_made_for),
		CASE(random_operations_agree_with_a_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
