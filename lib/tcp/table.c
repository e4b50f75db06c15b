// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/table.h"

#include "lib/tcp/pair.h"

#include <errno.h>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#define N_WAYS 10
// Half the ways are used when the table holds all it was made for: one bucket in 70 overflows.
#define FILL 5
// One spare bucket for so many, and some more, since chance is wild in small tables.
#define BUCKETS_PER_SPARE 16
#define N_SPARE_MIN       8

// Ways in use come first, in the home bucket and in each that follows it; only the last bucket of
// a chain has empty ways.
struct tcp_bucket {
	uint16_t tags[N_WAYS]; // 0: empty
	uint32_t entries[N_WAYS];
	uint32_t next; // bucket; 0: none, for the first is nobody's spare
};
_Static_assert(sizeof(struct tcp_bucket) == 64, "a cache line");

static uint32_t n_buckets_for(uint32_t n_entries_max)
{
	uint32_t n = 1;

	while ((uint64_t)n * FILL < n_entries_max)
		n *= 2;
	return n;
}

static uint32_t n_spare_for(uint32_t n_buckets)
{
	return n_buckets / BUCKETS_PER_SPARE + N_SPARE_MIN;
}

size_t tcp_table_memory_bytes(uint32_t n_entries_max)
{
	uint32_t n = n_buckets_for(n_entries_max);

	return ((size_t)n + n_spare_for(n)) * sizeof(struct tcp_bucket);
}

void tcp_table_init(
	struct tcp_table *t, void *memory, uint32_t n_entries_max, const struct siphash_key *key)
{
	uint32_t n = n_buckets_for(n_entries_max);

	*t = (struct tcp_table){.buckets = memory, .n_buckets = n, .n_spare = n_spare_for(n)};
	siphash_init(&t->begun, key);
}

uint64_t tcp_table_hash(
	const struct tcp_table *t, const struct endpoint *local, const struct endpoint *remote)
{
	uint64_t words[TCP_PAIR_WORDS_MAX];

	return siphash_end_words(&t->begun, words, tcp_pair_words(local, remote, words));
}

// Of four segments; false where their families differ.
static bool hash_4(
	const struct tcp_table *t, const struct tcp_segment segments[4], uint64_t hashes[4])
{
	uint64_t words[TCP_PAIR_WORDS_MAX][4];
	unsigned n = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t pair[TCP_PAIR_WORDS_MAX];

		if (segments[i].local.ip.family != segments[0].local.ip.family)
			return false;
		n = tcp_pair_words(&segments[i].local, &segments[i].remote, pair);
		for (unsigned j = 0; j < n; j++)
			words[j][i] = pair[j];
	}
	siphash_end_words_of_4(&t->begun, (const uint64_t(*)[4])words, n, hashes);
	return true;
}

void tcp_table_hash_burst(const struct tcp_table *t, const struct tcp_segment segments[],
	unsigned n, uint64_t hashes[])
{
	unsigned i = 0;

	while (i < n) {
		if (i + 4 <= n && hash_4(t, segments + i, hashes + i)) {
			i += 4;
			continue;
		}
		hashes[i] = tcp_table_hash(t, &segments[i].local, &segments[i].remote);
		i++;
	}
}

static uint32_t home_of(const struct tcp_table *t, uint64_t hash)
{
	return (uint32_t)hash & (t->n_buckets - 1);
}

// From bits that do not choose the bucket.
static uint16_t tag_of(uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 48);

	return tag == 0 ? 1 : tag;
}

void tcp_table_prefetch(const struct tcp_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->buckets[home_of(t, hash)]);
}

// Bit 2 i is set for each way i with this tag.
static uint32_t ways_with(const struct tcp_bucket *b, uint16_t tag)
{
#ifdef __x86_64__
	const __m128i wanted = _mm_set1_epi16((short)tag);
	__m128i low = _mm_loadu_si128((const __m128i_u *)b->tags);
	unsigned low_mask, high_mask;
	int two;

	memcpy(&two, b->tags + 8, sizeof(two));
	low_mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(low, wanted));
	high_mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_cvtsi32_si128(two), wanted));
	return (low_mask | (high_mask & 0xf) << 16) & 0x55555;
#else
	uint32_t mask = 0;

	for (unsigned i = 0; i < N_WAYS; i++)
		mask |= (uint32_t)(b->tags[i] == tag) << (2 * i);
	return mask;
#endif
}

// How many ways are used.
static unsigned n_used(const struct tcp_bucket *b)
{
	uint32_t empty = ways_with(b, 0);

	return empty == 0 ? N_WAYS : (unsigned)__builtin_ctz(empty) / 2;
}

uint32_t tcp_table_next(const struct tcp_table *t, uint64_t hash, struct tcp_table_cursor *at)
{
	uint32_t bucket = at->bucket == 0 ? home_of(t, hash) : at->bucket;
	uint16_t tag = tag_of(hash);

	for (;;) {
		const struct tcp_bucket *b = &t->buckets[bucket];
		uint32_t mask = ways_with(b, tag) & UINT32_MAX << (2 * at->way);

		if (mask != 0) {
			unsigned way = (unsigned)__builtin_ctz(mask) / 2;

			at->bucket = bucket;
			at->way = way + 1;
			return b->entries[way];
		}
		if (b->next == 0)
			return TCP_TABLE_NONE;
		bucket = at->bucket = b->next;
		at->way = 0;
	}
}

static uint32_t get_spare(struct tcp_table *t)
{
	uint32_t bucket = t->free_spare;

	if (bucket != 0)
		t->free_spare = t->buckets[bucket].next;
	else if (t->n_spare_touched < t->n_spare)
		bucket = t->n_buckets + t->n_spare_touched++;
	else
		return 0;
	t->n_spare_used++;
	memset(&t->buckets[bucket], 0, sizeof(t->buckets[bucket]));
	return bucket;
}

static void put_spare(struct tcp_table *t, uint32_t bucket)
{
	t->buckets[bucket].next = t->free_spare;
	t->free_spare = bucket;
	t->n_spare_used--;
}

int tcp_table_add(struct tcp_table *t, uint64_t hash, uint32_t entry)
{
	struct tcp_bucket *b = &t->buckets[home_of(t, hash)];
	unsigned way;

	while (b->next != 0)
		b = &t->buckets[b->next];
	way = n_used(b);
	if (way == N_WAYS) {
		b->next = get_spare(t);
		if (b->next == 0)
			return -ENOSPC;
		b = &t->buckets[b->next];
		way = 0;
	}
	b->tags[way] = tag_of(hash);
	b->entries[way] = entry;
	t->n_entries++;
	return 0;
}

// The bucket and the way of an entry; NULL where it is not.
static struct tcp_bucket *find(
	const struct tcp_table *t, uint64_t hash, uint32_t entry, unsigned *way)
{
	struct tcp_table_cursor at = {0};
	uint32_t found;

	do {
		found = tcp_table_next(t, hash, &at);
	} while (found != entry && found != TCP_TABLE_NONE);
	if (found == TCP_TABLE_NONE)
		return NULL;
	*way = at.way - 1;
	return &t->buckets[at.bucket];
}

bool tcp_table_del(struct tcp_table *t, uint64_t hash, uint32_t entry)
{
	struct tcp_bucket *before = NULL, *last = &t->buckets[home_of(t, hash)], *b;
	unsigned way, last_way;

	b = find(t, hash, entry, &way);
	if (b == NULL)
		return false;
	for (; last->next != 0; last = &t->buckets[last->next])
		before = last;
	last_way = n_used(last) - 1;
	b->tags[way] = last->tags[last_way];
	b->entries[way] = last->entries[last_way];
	last->tags[last_way] = 0;
	if (last_way == 0 && before != NULL) {
		put_spare(t, before->next);
		before->next = 0;
	}
	t->n_entries--;
	return true;
}

bool tcp_table_replace(struct tcp_table *t, uint64_t hash, uint32_t entry, uint32_t by)
{
	unsigned way;
	struct tcp_bucket *b = find(t, hash, entry, &way);

	if (b == NULL)
		return false;
	b->entries[way] = by;
	return true;
}
