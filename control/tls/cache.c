// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Twice the entries at least, so that chains of probes stay short.
#define INDEX_SLOTS 4096
#define INDEX_MASK  (INDEX_SLOTS - 1)

_Static_assert(TLS_CACHE_ACCEPTED * 2 <= INDEX_SLOTS && TLS_CACHE_REJECTED * 2 <= INDEX_SLOTS,
	"an index has room");

struct entry {
	uint8_t key[TLS_CACHE_KEY_BYTES];
	uint64_t used; // the shelf's turn when it was last asked for
	struct tls_judgement judgement;
};

// One of the two caches.
struct shelf {
	struct entry *entries; // the first n are taken
	uint32_t n, n_max;
	uint64_t turn;
	uint16_t index[INDEX_SLOTS]; // of an entry, + 1; 0: free
};

struct tls_cache {
	pthread_mutex_t lock; // of all that follows
	struct shelf accepted, rejected;
	uint64_t n_hits, n_misses, n_evicted;
};

// A key is a digest that nobody can choose: any part of it is a hash.
static uint32_t slot_of(const uint8_t key[TLS_CACHE_KEY_BYTES])
{
	return ((uint32_t)key[0] << 8 | key[1]) & INDEX_MASK;
}

static struct entry *find(struct shelf *s, const uint8_t key[TLS_CACHE_KEY_BYTES])
{
	for (uint32_t at = slot_of(key); s->index[at] != 0; at = (at + 1) & INDEX_MASK) {
		struct entry *e = &s->entries[s->index[at] - 1];

		if (memcmp(e->key, key, TLS_CACHE_KEY_BYTES) == 0)
			return e;
	}
	return NULL;
}

static void put_into_index(struct shelf *s, uint32_t entry)
{
	uint32_t at = slot_of(s->entries[entry].key);

	while (s->index[at] != 0)
		at = (at + 1) & INDEX_MASK;
	s->index[at] = (uint16_t)(entry + 1);
}

static int compare_used(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->used < y->used) - (x->used > y->used);
}

// Lets those go that were not used for longest. How many.
static uint32_t evict(struct shelf *s)
{
	uint32_t n = s->n_max * TLS_CACHE_EVICTED_PERCENT / 100;

	qsort(s->entries, s->n, sizeof(*s->entries), compare_used);
	s->n -= n;
	memset(s->index, 0, sizeof(s->index));
	for (uint32_t i = 0; i < s->n; i++)
		put_into_index(s, i);
	return n;
}

struct tls_cache *tls_cache_new(void)
{
	struct tls_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->accepted.n_max = TLS_CACHE_ACCEPTED;
	c->rejected.n_max = TLS_CACHE_REJECTED;
	c->accepted.entries = calloc(TLS_CACHE_ACCEPTED, sizeof(struct entry));
	c->rejected.entries = calloc(TLS_CACHE_REJECTED, sizeof(struct entry));
	if (c->accepted.entries != NULL && c->rejected.entries != NULL)
		return c;
	tls_cache_free(c);
	return NULL;
}

void tls_cache_free(struct tls_cache *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->accepted.entries);
	free(c->rejected.entries);
	free(c);
}

static bool holds(const struct entry *e, int64_t now_s)
{
	return e != NULL && now_s >= e->judgement.from_s && now_s <= e->judgement.until_s;
}

bool tls_cache_find(struct tls_cache *c, const uint8_t key[TLS_CACHE_KEY_BYTES], int64_t now_s,
	struct tls_judgement *out)
{
	struct shelf *s = &c->accepted;
	struct entry *e;
	bool found;

	pthread_mutex_lock(&c->lock);
	e = find(s, key);
	if (!holds(e, now_s)) {
		s = &c->rejected;
		e = find(s, key);
	}
	found = holds(e, now_s);
	if (found) {
		e->used = ++s->turn;
		*out = e->judgement;
	}
	c->n_hits += found;
	c->n_misses += !found;
	pthread_mutex_unlock(&c->lock);
	return found;
}

void tls_cache_add(struct tls_cache *c, const uint8_t key[TLS_CACHE_KEY_BYTES],
	const struct tls_judgement *judgement)
{
	struct shelf *s = judgement->refusal == TLS_REFUSAL_none ? &c->accepted : &c->rejected;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = find(s, key);
	if (e == NULL) {
		if (s->n == s->n_max)
			c->n_evicted += evict(s);
		e = &s->entries[s->n];
		memcpy(e->key, key, TLS_CACHE_KEY_BYTES);
		put_into_index(s, s->n++);
	}
	e->judgement = *judgement;
	e->used = ++s->turn;
	pthread_mutex_unlock(&c->lock);
}

struct tls_cache_counts tls_cache_counts(struct tls_cache *c)
{
	struct tls_cache_counts counts;

	pthread_mutex_lock(&c->lock);
	counts = (struct tls_cache_counts){
		.n_accepted = c->accepted.n,
		.n_rejected = c->rejected.n,
		.n_hits = c->n_hits,
		.n_misses = c->n_misses,
		.n_evicted = c->n_evicted,
	};
	pthread_mutex_unlock(&c->lock);
	return counts;
}
