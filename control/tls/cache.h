// SPDX-License-Identifier: BSD-3-Clause
// Peers' certificates that have been judged (FEATURES T5): a partner that reconnects is not
// verified anew. The key is a digest over the whole chain as shown and over everything that the
// judgement depends on: roots, CRLs, policy, role. Times are looked at again at every look-up.
// Any thread: a mutex inside.

#pragma once

#include "control/tls/refusal.h"
#include "lib/policy/card.h"

#define TLS_CACHE_ACCEPTED 1000
#define TLS_CACHE_REJECTED 500
// Part that gives way when a cache is full: those not used for longest.
#define TLS_CACHE_EVICTED_PERCENT 20
#define TLS_CACHE_KEY_BYTES       32

struct tls_cache;

// Of one judgement. An accepted one has refusal none and a card.
struct tls_judgement {
	enum tls_refusal refusal;
	enum tls_refusal unnamed; // none; or why the card of an accepted one has no name
	int64_t from_s, until_s;  // seconds since the epoch between which it holds
	struct card card;
};

struct tls_cache_counts {
	uint64_t n_accepted, n_rejected; // now in it
	uint64_t n_hits, n_misses, n_evicted;
};

struct tls_cache *tls_cache_new(void); // NULL: out of memory
void tls_cache_free(struct tls_cache *c);

// False: not known, or not at this time.
bool tls_cache_find(struct tls_cache *c, const uint8_t key[TLS_CACHE_KEY_BYTES], int64_t now_s,
	struct tls_judgement *out);
// Where memory has run out nothing is kept.
void tls_cache_add(struct tls_cache *c, const uint8_t key[TLS_CACHE_KEY_BYTES],
	const struct tls_judgement *judgement);
struct tls_cache_counts tls_cache_counts(struct tls_cache *c);
