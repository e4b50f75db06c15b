// SPDX-License-Identifier: BSD-3-Clause
// Which connection, or which one in TIME_WAIT, a pair of endpoints is. Buckets of one cache line,
// keyed by a secret SipHash, so that nobody outside chooses what collides (never the hash that
// the device computed). Never moves or frees what it points to.

#pragma once

#include "lib/base/siphash.h"
#include "lib/tcp/segment.h"

// What an entry points to: index of a connection, or of a TIME_WAIT entry with the top bit.
#define TCP_TABLE_NONE      UINT32_MAX
#define TCP_TABLE_TIME_WAIT 0x80000000u

struct tcp_bucket;

struct tcp_table {
	struct siphash begun; // with the key
	struct tcp_bucket *buckets;
	uint32_t n_buckets; // a power of two
	uint32_t n_spare, n_spare_used;
	uint32_t n_spare_touched; // the first ones: the others were never used
	uint32_t free_spare;      // 0: none
	uint32_t n_entries;
};

// Room for n_entries_max is certain but for a chance that nobody meets: chains that a bucket
// overflows into come from spare buckets, four times as many as are ever needed on average.
size_t tcp_table_memory_bytes(uint32_t n_entries_max);
// memory: zeroed, aligned to 64.
void tcp_table_init(
	struct tcp_table *t, void *memory, uint32_t n_entries_max, const struct siphash_key *key);

// Of the pair as we see it; family counts.
uint64_t tcp_table_hash(
	const struct tcp_table *t, const struct endpoint *local, const struct endpoint *remote);
// Of the pairs of n segments: the same, in less than half the time.
void tcp_table_hash_burst(const struct tcp_table *t, const struct tcp_segment segments[],
	unsigned n, uint64_t hashes[]);
void tcp_table_prefetch(const struct tcp_table *t, uint64_t hash);

// The next entry whose tag fits the hash, from *at (0 at first) on; TCP_TABLE_NONE after the last.
// The caller compares the endpoints.
struct tcp_table_cursor {
	uint32_t bucket, way;
};
uint32_t tcp_table_next(const struct tcp_table *t, uint64_t hash, struct tcp_table_cursor *at);

// The caller knows that the pair is not in it. 0, or -ENOSPC.
int tcp_table_add(struct tcp_table *t, uint64_t hash, uint32_t entry);
// Of an entry that is in it; false, and nothing changed, for another.
bool tcp_table_del(struct tcp_table *t, uint64_t hash, uint32_t entry);
// The same place for another entry of the same pair: a connection that goes into TIME_WAIT, or
// back. False as above.
bool tcp_table_replace(struct tcp_table *t, uint64_t hash, uint32_t entry, uint32_t by);
