// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/match.h"

#include "lib/base/pages.h"
#include "lib/policy/name_cache.h"
#include "lib/policy/names.h"

#include <errno.h>
#include <stdlib.h>

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
	struct name_slot *cache; // NULL: none
	struct key keys[CHUNK];
};

static size_t power_of_two(size_t n)
{
	size_t power = NAME_SET_WAYS;

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

static struct name_slot *set_of(const struct matcher *m, struct view name)
{
	uint64_t hash = mix_bytes(m->names->seed[0], name.at, name.len);

	return &m->cache[hash & m->cache_mask & ~(uint64_t)(NAME_SET_WAYS - 1)];
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
static void find_keys(struct matcher *m, struct match matches[], unsigned n_keys)
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
	for (unsigned k = 0; k < n_keys; k++)
		find_key(m, &keys[k], &matches[keys[k].index]);
}

// What is remembered of a chunk's names; slots[i] NULL for nothing.
static void find_remembered(const struct matcher *m, const struct view names[],
	struct match matches[], struct name_slot *slots[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct name_slot *set = set_of(m, names[i]);

		slots[i] = set;
		for (unsigned w = 0; w < NAME_SET_WAYS; w++)
			name_slot_prefetch(&set[w], names[i].len);
	}
	for (unsigned i = 0; i < n; i++) {
		slots[i] = name_set_find(slots[i], names[i]);
		if (slots[i] != NULL)
			matches[i] = slots[i]->match;
	}
}

static void find_chunk(struct matcher *m, const struct view names[], struct match matches[],
	struct name_slot *slots[], unsigned n)
{
	unsigned n_keys = 0;

	if (m->cache != NULL)
		find_remembered(m, names, matches, slots, n);
	else
		memset(slots, 0, n * sizeof(slots[0]));
	for (unsigned i = 0; i < n; i++) {
		struct key *key = &m->keys[n_keys];

		if (slots[i] != NULL)
			continue;
		if (domain_canonical(names[i], &key->name) == 0) {
			key->index = (uint8_t)i;
			n_keys++;
			continue;
		}
		matches[i] = (struct match){
			.kind = MATCH_INVALID,
			.entry = IMAGE_ENTRY_NONE,
			.peer = IMAGE_PEER_NONE,
			.rule = IMAGE_RULE_NONE,
		};
	}
	if (n_keys > 0)
		find_keys(m, matches, n_keys);
}

void matcher_find_slots(struct matcher *m, const struct view names[], struct match matches[],
	struct name_slot *slots[], unsigned n)
{
	for (unsigned i = 0; i < n; i += CHUNK)
		find_chunk(m, names + i, matches + i, slots + i, n - i < CHUNK ? n - i : CHUNK);
}

void matcher_remember(struct matcher *m, struct view name, const struct match *match)
{
	if (m->cache != NULL && match->kind != MATCH_INVALID)
		name_set_add(set_of(m, name), name, match);
}

struct name_slot *matcher_slot(struct matcher *m, struct view name)
{
	return m->cache != NULL ? name_set_find(set_of(m, name), name) : NULL;
}

void matcher_find(struct matcher *m, const struct view names[], struct match matches[], unsigned n)
{
	struct name_slot *slots[MATCH_BURST_MAX];

	matcher_find_slots(m, names, matches, slots, n);
	for (unsigned i = 0; i < n; i++) {
		if (slots[i] == NULL)
			matcher_remember(m, names[i], &matches[i]);
	}
}

void matcher_warm(struct matcher *m, const struct matcher *former)
{
	struct name_slot copies[CHUNK];
	struct view names[CHUNK];
	struct match matches[CHUNK];
	unsigned n = 0;

	if (m->cache == NULL || former->cache == NULL)
		return;
	for (uint64_t i = 0; i <= former->cache_mask; i++) {
		names[n] = name_slot_read(&former->cache[i], &copies[n]);
		n += names[n].len > 0;
		if (n == CHUNK || (n > 0 && i == former->cache_mask)) {
			matcher_find(m, names, matches, n);
			n = 0;
		}
	}
}
