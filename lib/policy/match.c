// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/match.h"

#include "lib/base/pages.h"
#include "lib/policy/names.h"

#include <errno.h>
#include <stdlib.h>

// A spelling and what it matched; longer spellings are not remembered.
#define CACHE_TEXT_BYTES 43
// Spellings that share a line pair: the newer one stands first.
#define CACHE_WAYS 2

struct cache_slot {
	struct match match;
	uint8_t len; // 0: free
	uint8_t text[CACHE_TEXT_BYTES];
};

_Static_assert(sizeof(struct cache_slot) == 64, "a slot is a cache line");

// Names looked up together: enough to hide a miss behind the others, few enough to stay in L1.
#define CHUNK 32
// Suffixes whose hashes are kept; names of more labels take a slower way.
#define SUFFIXES_MAX 8 // bits of a byte

// A name on its way through the table.
struct key {
	struct domain name;
	uint64_t hash[SUFFIXES_MAX]; // [0] of the whole name, [i] without its first i labels
	uint8_t start[SUFFIXES_MAX];
	uint8_t n;        // of both; 0: more labels than that
	uint8_t possible; // bit i: the filter did not rule [i] out
	uint8_t index;    // in the burst
};

struct matcher {
	struct policy policy;
	const struct names *names;
	hs_scratch_t *scratch;
	uint32_t n_names;
	uint64_t cache_mask;
	struct cache_slot *cache; // NULL: none
	struct key keys[CHUNK];
};

static size_t power_of_two(size_t n)
{
	size_t power = CACHE_WAYS;

	while (power < n)
		power *= 2;
	return power;
}

struct matcher *matcher_new(const struct policy *policy, size_t cache_slots)
{
	struct matcher *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->policy = *policy;
	m->names = image_names(policy->image);
	m->n_names = image_info(policy->image)->n_names;
	if (cache_slots > 0) {
		size_t n = power_of_two(cache_slots);

		m->cache_mask = n - 1;
		m->cache = pages_alloc(n * sizeof(*m->cache));
		if (m->cache == NULL)
			goto no_memory;
	}
	if (policy->database != NULL &&
		hs_alloc_scratch(policy->database, &m->scratch) != HS_SUCCESS)
		goto no_memory;
	return m;
no_memory:
	matcher_free(m);
	errno = ENOMEM;
	return NULL;
}

void matcher_free(struct matcher *m)
{
	if (m == NULL)
		return;
	hs_free_scratch(m->scratch);
	free(m->cache);
	free(m);
}

static bool slot_holds(const struct cache_slot *slot, struct view name)
{
	return slot->len == name.len && name.len > 0 && memcmp(slot->text, name.at, name.len) == 0;
}

static struct cache_slot *cache_set(const struct matcher *m, struct view name)
{
	uint64_t hash = mix_bytes(m->names->seed[0], name.at, name.len);

	return &m->cache[hash & m->cache_mask & ~(uint64_t)(CACHE_WAYS - 1)];
}

static void remember(struct cache_slot *set, struct view name, const struct match *match)
{
	if (name.len > CACHE_TEXT_BYTES)
		return;
	set[1] = set[0];
	set[0].match = *match;
	set[0].len = (uint8_t)name.len;
	memcpy(set[0].text, name.at, name.len);
}

// Hashes of all suffixes on label borders, from the last label to the first.
static void hash_suffixes(const struct matcher *m, struct key *key)
{
	const uint8_t *text = key->name.text;
	uint64_t hash = m->names->seed[0];
	uint64_t hashes[SUFFIXES_MAX];
	uint8_t starts[SUFFIXES_MAX];
	size_t start = key->name.len + 1U;
	unsigned n = 0;

	for (; start > 0 && n < SUFFIXES_MAX; n++) {
		size_t end = start - 1;

		start = domain_label_start(&key->name, end);
		hash = names_hash_label(m->names->seed, hash, text + start, end - start);
		hashes[n] = hash;
		starts[n] = (uint8_t)start;
	}
	key->n = start == 0 ? (uint8_t)n : 0;
	for (unsigned i = 0; i < key->n; i++) {
		key->hash[i] = hashes[n - 1 - i];
		key->start[i] = starts[n - 1 - i];
	}
	if (key->n == 0)
		key->hash[0] = names_hash(m->names->seed, &key->name);
}

static void keep_possible(const struct matcher *m, struct key *key)
{
	key->possible = 0;
	for (unsigned i = 0; i < key->n; i++) {
		if (!names_may_hold(m->names, key->hash[i]))
			continue;
		key->possible |= (uint8_t)(1U << i);
		names_prefetch_bucket(m->names, key->hash[i]);
	}
}

struct best_pattern {
	const struct matcher *matcher;
	uint32_t index; // UINT32_MAX: none yet
	bool blocks;
};

// The same winner whatever the order in which Hyperscan reports.
static int on_pattern(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	struct best_pattern *best = context;
	const struct image *image = best->matcher->policy.image;
	bool blocks;

	(void)from;
	(void)to;
	(void)flags;
	if (id >= image_info(image)->n_patterns)
		return 0;
	blocks = image_pattern_at(image, id).list == IMAGE_BLOCK;
	if (blocks > best->blocks || (blocks == best->blocks && id < best->index)) {
		best->index = id;
		best->blocks = blocks;
	}
	return 0;
}

static bool find_pattern(struct matcher *m, const struct domain *name, struct match *match)
{
	struct best_pattern best = {m, UINT32_MAX, false};
	struct image_pattern pattern;

	if (m->policy.database == NULL ||
		hs_scan(m->policy.database, (const char *)name->text, name->len, 0, m->scratch,
			on_pattern, &best) != HS_SUCCESS ||
		best.index == UINT32_MAX)
		return false;
	pattern = image_pattern_at(m->policy.image, best.index);
	match->kind = MATCH_PATTERN;
	match->list = pattern.list;
	match->entry = m->n_names + best.index;
	match->peer = pattern.peer;
	match->rule = pattern.rule;
	return true;
}

static void take_record(struct match *match, enum match_kind kind, const struct name_record *record)
{
	match->kind = (uint8_t)kind;
	match->list = record->list;
	match->entry = record->entry;
	match->peer = record->peer;
	match->rule = record->rule;
}

static const struct name_record *find_suffix(const struct matcher *m, const struct key *key)
{
	const struct domain *name = &key->name;

	if (key->n == 0)
		return names_find_suffix(m->names, name);
	// The longest first; bit 0 is the name itself.
	for (unsigned bits = key->possible & ~1U; bits != 0; bits &= bits - 1) {
		unsigned i = (unsigned)__builtin_ctz(bits);
		unsigned start = key->start[i];
		const struct name_record *record =
			names_find(m->names, name->text + start, name->len - start, key->hash[i]);

		if (record != NULL)
			return record;
	}
	return NULL;
}

static void find_key(struct matcher *m, const struct key *key, struct match *match)
{
	const struct domain *name = &key->name;
	const struct name_record *record;

	*match = (struct match){
		.kind = MATCH_NONE,
		.entry = IMAGE_ENTRY_NONE,
		.peer = IMAGE_PEER_NONE,
		.rule = IMAGE_RULE_NONE,
		.domain_hash = (uint32_t)(key->hash[0] >> 16),
	};
	record = names_find(m->names, name->text, name->len, key->hash[0]);
	if (record != NULL) {
		take_record(match, MATCH_EXACT, record);
		return;
	}
	if (find_pattern(m, name, match))
		return;
	record = find_suffix(m, key);
	if (record != NULL)
		take_record(match, MATCH_SUFFIX, record);
}

// The names of a chunk step by step, so that each step finds what the one before prefetched.
static void find_keys(struct matcher *m, const struct view names[], struct match matches[],
	struct cache_slot *const sets[], unsigned n_keys)
{
	struct key *keys = m->keys;

	for (unsigned k = 0; k < n_keys; k++) {
		hash_suffixes(m, &keys[k]);
		for (unsigned i = 0; i < keys[k].n; i++)
			names_prefetch_filter(m->names, keys[k].hash[i]);
	}
	for (unsigned k = 0; k < n_keys; k++)
		keep_possible(m, &keys[k]);
	for (unsigned k = 0; k < n_keys; k++) {
		for (unsigned bits = keys[k].possible; bits != 0; bits &= bits - 1)
			names_prefetch_record(m->names, keys[k].hash[__builtin_ctz(bits)]);
	}
	for (unsigned k = 0; k < n_keys; k++) {
		unsigned i = keys[k].index;

		find_key(m, &keys[k], &matches[i]);
		if (sets != NULL)
			remember(sets[i], names[i], &matches[i]);
	}
}

static void find_chunk(
	struct matcher *m, const struct view names[], struct match matches[], unsigned n)
{
	const bool cached = m->cache != NULL;
	struct cache_slot *sets[CHUNK];
	unsigned n_keys = 0;

	for (unsigned i = 0; cached && i < n; i++) {
		sets[i] = cache_set(m, names[i]);
		__builtin_prefetch(&sets[i][0]);
		__builtin_prefetch(&sets[i][1]);
	}
	for (unsigned i = 0; i < n; i++) {
		struct key *key = &m->keys[n_keys];

		if (cached && slot_holds(&sets[i][0], names[i])) {
			matches[i] = sets[i][0].match;
		} else if (cached && slot_holds(&sets[i][1], names[i])) {
			matches[i] = sets[i][1].match;
		} else if (domain_canonical(names[i], &key->name) == 0) {
			key->index = (uint8_t)i;
			n_keys++;
		} else {
			matches[i] = (struct match){
				.kind = MATCH_INVALID,
				.entry = IMAGE_ENTRY_NONE,
				.peer = IMAGE_PEER_NONE,
				.rule = IMAGE_RULE_NONE,
			};
		}
	}
	find_keys(m, names, matches, cached ? sets : NULL, n_keys);
}

void matcher_find(struct matcher *m, const struct view names[], struct match matches[], unsigned n)
{
	for (unsigned i = 0; i < n; i += CHUNK)
		find_chunk(m, names + i, matches + i, n - i < CHUNK ? n - i : CHUNK);
}
