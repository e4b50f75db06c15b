// SPDX-License-Identifier: BSD-3-Clause
// What every TCP segment pays before its connection is at hand: its header, the hash of its pair,
// and the table's bucket, among a million connections of which any may be next. In bursts, as the
// worker has them, and one by one, which is what a cache miss each would cost. And the timer wheel,
// with a deadline for each connection that moves with every segment.

#include "bench.h"
#include "lib/base/wheel.h"
#include "lib/tcp/table.h"

#include <stdio.h>
#include <stdlib.h>

#define N_CONNS   1000000
#define N_LOOKUPS (1u << 20)
#define BURST     32

static struct tcp_table table;
static uint32_t order[N_LOOKUPS];

static void *allocate(size_t n_bytes)
{
	size_t rounded = (n_bytes + 63) / 64 * 64;
	void *memory = aligned_alloc(64, rounded);

	if (memory == NULL) {
		fprintf(stderr, "tcp_table: no memory\n");
		exit(1);
	}
	return memset(memory, 0, rounded);
}

static void make_pair(uint32_t i, struct endpoint *local, struct endpoint *remote)
{
	memset(local, 0, sizeof(*local));
	memset(remote, 0, sizeof(*remote));
	local->ip.family = remote->ip.family = IP_V4;
	local->port = 5060;
	memcpy(local->ip.bytes, (uint8_t[]){192, 0, 2, 1}, 4);
	memcpy(remote->ip.bytes, (uint8_t[]){10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
		4);
	remote->port = (uint16_t)(1024 + i % 50000);
}

static uint64_t hash_of(uint32_t i)
{
	struct endpoint local, remote;

	make_pair(i, &local, &remote);
	return tcp_table_hash(&table, &local, &remote);
}

static uint32_t random_index(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)((x >> 32) * N_CONNS >> 32);
}

static uint32_t find(uint64_t hash)
{
	struct tcp_table_cursor at = {0};

	return tcp_table_next(&table, hash, &at);
}

// A tag in 2^16 is another's too: the caller would compare the pair, and so finds all but a few.
static void require_found(unsigned n_found, unsigned n)
{
	if (n_found < n - n / 1000) {
		fprintf(stderr, "tcp_table: %u of %u found\n", n_found, n);
		exit(1);
	}
}

static double time_hash(unsigned n)
{
	uint64_t started = bench_cpu_ns(), sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += hash_of(order[i]);
	bench_keep(sum);
	return (double)(bench_cpu_ns() - started) / n;
}

static double time_hash_bursts(unsigned n)
{
	static struct tcp_segment segments[N_LOOKUPS / 64];
	const unsigned n_segments = sizeof(segments) / sizeof(segments[0]);
	uint64_t started, sum = 0, hashes[BURST];

	for (unsigned i = 0; i < n_segments; i++)
		make_pair(order[i], &segments[i].local, &segments[i].remote);
	started = bench_cpu_ns();
	for (unsigned i = 0; i < n; i += BURST) {
		tcp_table_hash_burst(&table, segments + i % n_segments, BURST, hashes);
		bench_keep(sum += hashes[0]);
	}
	return (double)(bench_cpu_ns() - started) / n;
}

static double time_singles(unsigned n)
{
	uint64_t started = bench_cpu_ns();
	unsigned n_found = 0;

	for (unsigned i = 0; i < n; i++)
		n_found += find(hash_of(order[i])) == order[i];
	started = bench_cpu_ns() - started;
	require_found(n_found, n);
	return (double)started / n;
}

static double time_bursts(unsigned n)
{
	uint64_t started = bench_cpu_ns();
	unsigned n_found = 0;

	for (unsigned i = 0; i < n; i += BURST) {
		static struct tcp_segment segments[BURST];
		uint64_t hashes[BURST];

		for (unsigned j = 0; j < BURST; j++)
			make_pair(order[i + j], &segments[j].local, &segments[j].remote);
		tcp_table_hash_burst(&table, segments, BURST, hashes);
		for (unsigned j = 0; j < BURST; j++)
			tcp_table_prefetch(&table, hashes[j]);
		for (unsigned j = 0; j < BURST; j++)
			n_found += find(hashes[j]) == order[i + j];
	}
	started = bench_cpu_ns() - started;
	require_found(n_found, n);
	return (double)started / n;
}

static double time_parse(unsigned n, struct view packet)
{
	uint64_t started = bench_cpu_ns(), sum = 0;
	struct tcp_segment s;

	for (unsigned i = 0; i < n; i++) {
		if (tcp_segment_parse(packet, &s) != REASON_none)
			exit(1);
		sum += s.options.ts_value;
		bench_keep(sum);
	}
	return (double)(bench_cpu_ns() - started) / n;
}

// Each connection's deadline once set, then moved 300 ms ahead by segments that come at random, 20
// of them a tick.
static double time_wheel(struct wheel *w, unsigned n, uint32_t *now)
{
	uint64_t started = bench_cpu_ns();

	for (unsigned i = 0; i < n; i++) {
		unsigned budget = BURST;
		uint32_t index;

		wheel_set(w, order[i], *now + 300);
		if (i % 20 != 0)
			continue;
		++*now;
		while (wheel_next(w, *now, &budget, &index))
			wheel_set(w, index, *now + 60000);
	}
	return (double)(bench_cpu_ns() - started) / n;
}

int main(int argc, char **argv)
{
	static const uint8_t data_header[] = {0x9c, 0x40, 0x13, 0xc4, 1, 2, 3, 4, 5, 6, 7, 8, 0x80,
		0x18, 1, 0, 0, 0, 0, 0, 1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 2, 0};
	static const uint8_t syn_header[] = {0x9c, 0x40, 0x13, 0xc4, 1, 2, 3, 4, 0, 0, 0, 0, 0xa0,
		0x02, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1,
		3, 3, 7};
	static const struct siphash_key key = {1, 2};
	static struct wheel wheel;
	struct bench_samples hash = {0}, single = {0}, burst = {0}, data = {0}, syn = {0};
	struct bench_samples timers = {0}, hashes = {0};
	uint32_t now = 0;
	unsigned n;

	bench_init(argc, argv, "tcp_table");
	n = bench_quick() ? N_LOOKUPS / 16 : N_LOOKUPS;
	tcp_table_init(&table, allocate(tcp_table_memory_bytes(N_CONNS)), N_CONNS, &key);
	for (uint32_t i = 0; i < N_CONNS; i++) {
		if (tcp_table_add(&table, hash_of(i), i) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < N_LOOKUPS; i++)
		order[i] = random_index();
	wheel_init(&wheel, allocate((size_t)N_CONNS * 64), 64, now);
	for (unsigned run = 0; run < BENCH_RUNS; run++) {
		bench_add(&data, time_parse(n, view_of(data_header, sizeof(data_header))));
		bench_add(&syn, time_parse(n, view_of(syn_header, sizeof(syn_header))));
		bench_add(&hash, time_hash(n));
		bench_add(&hashes, time_hash_bursts(n));
		bench_add(&single, time_singles(n));
		bench_add(&burst, time_bursts(n));
		bench_add(&timers, time_wheel(&wheel, n, &now));
	}
	bench_report("parse_data", &data, 1e9, "segments/s", NULL, NULL);
	bench_report("parse_syn", &syn, 1e9, "segments/s", NULL, NULL);
	bench_report("hash_v4", &hash, 1e9, "hashes/s", NULL, NULL);
	bench_report("hash_v4_burst", &hashes, 1e9, "hashes/s", "hash_v4", &hash);
	bench_report("find_1m_single", &single, 1e9, "look-ups/s", NULL, NULL);
	bench_report("find_1m_burst", &burst, 1e9, "look-ups/s", "find_1m_single", &single);
	bench_report("wheel_1m_set", &timers, 1e9, "settings/s", NULL, NULL);
	return 0;
}
