// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/decide.h"

#include "lib/base/side.h"
#include "lib/policy/mix.h"

#include <errno.h>
#include <stdlib.h>

#define CACHE_LINE_BYTES 64
#define CACHE_TEXT_BYTES 117 // fills a slot's three lines

// A verdict before its source address is judged.
struct judgement {
	struct verdict verdict;
	uint32_t entry;    // that decided, IMAGE_ENTRY_NONE for none
	bool needs_source; // From has passed; its source address is the next to be judged
};

// A pair of spellings and side, and what was judged of them. Longer ones are not remembered.
struct cache_slot {
	uint8_t from_len, to_len; // both 0: free
	uint8_t side;
	uint8_t text[CACHE_TEXT_BYTES]; // From, then To
	struct judgement judgement;
};

_Static_assert(sizeof(struct cache_slot) % CACHE_LINE_BYTES == 0, "a slot has whole cache lines");
_Static_assert(offsetof(struct cache_slot, judgement) % sizeof(uint64_t) == 0, "read by words");

struct decider {
	const struct image *image;
	uint64_t generation;
	uint32_t flags; // enum image_flag
	struct matcher *matcher;
	uint64_t seed;
	uint64_t cache_mask;
	struct cache_slot *cache; // NULL: none
	uint32_t *hits;
	size_t n_hits;
};

struct decider *decider_new(const struct policy *policy, size_t cache_slots)
{
	const struct image_info *info = image_info(policy->image);
	struct decider *d = calloc(1, sizeof(*d));
	size_t n_slots = 1, n_hits_bytes;

	if (d == NULL)
		return NULL;
	d->image = policy->image;
	d->generation = info->generation;
	d->flags = info->flags;
	d->seed = info->relay_key.k1;
	d->n_hits = (size_t)info->n_names + info->n_patterns;
	n_hits_bytes = (d->n_hits * sizeof(*d->hits) / CACHE_LINE_BYTES + 1) * CACHE_LINE_BYTES;
	d->hits = aligned_alloc(CACHE_LINE_BYTES, n_hits_bytes);
	d->matcher = matcher_new(policy, cache_slots);
	if (cache_slots > 0) {
		while (n_slots < cache_slots)
			n_slots *= 2;
		d->cache_mask = n_slots - 1;
		d->cache = aligned_alloc(CACHE_LINE_BYTES, n_slots * sizeof(*d->cache));
	}
	if (d->hits == NULL || d->matcher == NULL || (cache_slots > 0 && d->cache == NULL)) {
		decider_free(d);
		errno = ENOMEM;
		return NULL;
	}
	// Touched here, so that no page of it faults in the worker, to whom the first burst after a
	// swap costs enough.
	memset(d->hits, 0, n_hits_bytes);
	if (d->cache != NULL)
		memset(d->cache, 0, n_slots * sizeof(*d->cache));
	return d;
}

void decider_free(struct decider *d)
{
	if (d == NULL)
		return;
	matcher_free(d->matcher);
	free(d->cache);
	free(d->hits);
	free(d);
}

static void count_hit(struct decider *d, uint32_t entry)
{
	if (entry < d->n_hits)
		__atomic_store_n(&d->hits[entry], d->hits[entry] + 1, __ATOMIC_RELAXED);
}

const uint32_t *decider_hits(const struct decider *d, size_t *n)
{
	*n = d->n_hits;
	return d->hits;
}

static bool is_on(const struct match *match, enum image_list list)
{
	return match->kind < MATCH_NONE && match->list == list;
}

static void refuse(struct judgement *j, enum reason reason, const struct match *by)
{
	j->verdict.reason = (uint16_t)reason;
	if (by != NULL) {
		j->verdict.rule = by->rule;
		j->entry = by->entry;
	}
}

static void allow(struct judgement *j, const struct match *by)
{
	const struct verdict *v = &j->verdict;
	bool to_local = is_on(&v->to, IMAGE_LOCAL);
	bool both_local = to_local && is_on(&v->from, IMAGE_LOCAL);

	j->verdict.allowed = true;
	j->verdict.reason = both_local ? REASON_allowed_local : REASON_allowed_partner;
	j->verdict.egress = to_local ? SIDE_INSIDE : SIDE_OUTSIDE;
	j->verdict.peer = v->to.peer;
	j->verdict.rule = by->rule;
	j->entry = by->entry;
}

// Steps 1 to 3 of decide.h: what needs no knowledge of the border. Whether it refused.
static bool refuse_name(const struct decider *d, const struct policy_query *q, struct judgement *j)
{
	const struct match *from = &j->verdict.from, *to = &j->verdict.to;
	bool within = q->side == SIDE_INSIDE && is_on(from, IMAGE_LOCAL) && is_on(to, IMAGE_LOCAL);

	if ((d->flags & IMAGE_FEDERATION_ON) == 0 && !within)
		refuse(j, REASON_federation_off, NULL);
	else if ((d->flags & IMAGE_SIP_ON) == 0 && !within)
		refuse(j, REASON_sip_off, NULL);
	else if (q->from.len == 0)
		refuse(j, REASON_from_no_domain, NULL);
	else if (q->to.len == 0)
		refuse(j, REASON_to_no_domain, NULL);
	else if (from->kind == MATCH_INVALID || to->kind == MATCH_INVALID)
		refuse(j, REASON_domain_invalid, NULL);
	else if (is_on(from, IMAGE_BLOCK))
		refuse(j, REASON_from_blocked, from);
	else if (is_on(to, IMAGE_BLOCK))
		refuse(j, REASON_to_blocked, to);
	else
		return false;
	return true;
}

// Another one when From and To change places: each has a constant of its own.
static uint32_t pair_hash(const struct match *from, const struct match *to)
{
	return (uint32_t)(mix_multiply(from->domain_hash ^ 0x9e3779b97f4a7c15,
				  to->domain_hash ^ 0xd1b54a32d192ed03) >>
		16);
}

// All steps but the sixth, which j->needs_source leaves to judge_source().
static void judge(const struct decider *d, const struct policy_query *q, struct judgement *j)
{
	const struct match *from = &j->verdict.from, *to = &j->verdict.to;
	bool from_local = is_on(from, IMAGE_LOCAL), to_local = is_on(to, IMAGE_LOCAL);

	j->entry = IMAGE_ENTRY_NONE;
	j->needs_source = false;
	j->verdict.allowed = false;
	j->verdict.egress = SIDE_OUTSIDE;
	j->verdict.rule = IMAGE_RULE_NONE;
	j->verdict.peer = IMAGE_PEER_NONE;
	j->verdict.generation = d->generation;
	j->verdict.pair_hash = pair_hash(from, to);
	if (refuse_name(d, q, j))
		return;
	if (from->kind == MATCH_NONE) {
		refuse(j, REASON_from_unlisted, NULL);
		return;
	}
	if (from_local != (q->side == SIDE_INSIDE)) {
		refuse(j, from_local ? REASON_from_local_outside : REASON_from_remote_inside, from);
		return;
	}
	j->needs_source = true;
	if (to->kind == MATCH_NONE)
		refuse(j, REASON_to_unlisted, NULL);
	else if (!from_local && !to_local)
		refuse(j, REASON_remote_to_remote, from);
	else
		allow(j, from_local ? to : from);
}

static bool fits_cache(const struct policy_query *q)
{
	return q->from.len <= CACHE_TEXT_BYTES && q->to.len <= CACHE_TEXT_BYTES &&
		q->from.len + q->to.len <= CACHE_TEXT_BYTES;
}

static struct cache_slot *cache_slot_of(const struct decider *d, const struct policy_query *q)
{
	uint64_t hash = mix_bytes(d->seed + q->side, q->from.at, q->from.len);

	return &d->cache[mix_bytes(hash, q->to.at, q->to.len) & d->cache_mask];
}

static bool slot_holds(const struct cache_slot *slot, const struct policy_query *q)
{
	return slot->from_len == q->from.len && slot->to_len == q->to.len &&
		slot->side == q->side && q->from.len > 0 && q->to.len > 0 &&
		memcmp(slot->text, q->from.at, q->from.len) == 0 &&
		memcmp(slot->text + q->from.len, q->to.at, q->to.len) == 0;
}

static void remember(
	struct cache_slot *slot, const struct policy_query *q, const struct judgement *j)
{
	if (q->from.len == 0 || q->to.len == 0 || !fits_cache(q))
		return;
	slot->from_len = (uint8_t)q->from.len;
	slot->to_len = (uint8_t)q->to.len;
	slot->side = q->side;
	memcpy(slot->text, q->from.at, q->from.len);
	memcpy(slot->text + q->from.len, q->to.at, q->to.len);
	slot->judgement = *j;
}

// What is left to do once everything else about a query is judged.
struct rest {
	const struct image_peer *peer; // whose source addresses are judged by, NULL: none
	uint32_t entry;                // to be counted
};

// Gives a judgement out. What the rest needs lies anywhere in the image: it is on its way while the
// burst's other queries are judged.
static void give(const struct decider *d, const struct policy_query *q, const struct judgement *j,
	struct verdict *verdict, struct rest *rest)
{
	*verdict = j->verdict;
	rest->entry = j->entry;
	rest->peer = NULL;
	if (j->needs_source && q->source.family != IP_NONE) {
		rest->peer = image_peer_at(d->image, j->verdict.from.peer);
		__builtin_prefetch(rest->peer);
	}
	if (j->entry < d->n_hits)
		__builtin_prefetch(&d->hits[j->entry], 1);
}

// Step 6. Not remembered: one organisation sends from many addresses.
static void judge_source(const struct decider *d, const struct policy_query *q,
	struct verdict *verdict, struct rest *rest)
{
	if (rest->peer == NULL || image_peer_covers(d->image, rest->peer, &q->source))
		return;
	verdict->allowed = false;
	verdict->peer = IMAGE_PEER_NONE;
	verdict->reason = REASON_source_undeclared;
	verdict->rule = verdict->from.rule;
	rest->entry = verdict->from.entry;
}

static void finish(struct decider *d, const struct policy_query query[], struct verdict verdict[],
	struct rest rest[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (rest[i].peer != NULL)
			__builtin_prefetch(image_sources(d->image, rest[i].peer));
	}
	for (unsigned i = 0; i < n; i++) {
		judge_source(d, &query[i], &verdict[i], &rest[i]);
		count_hit(d, rest[i].entry);
	}
}

static void decide_missed(struct decider *d, const struct policy_query query[],
	struct verdict verdict[], struct rest rest[], struct cache_slot *const slots[],
	const uint8_t missed[], unsigned n_missed)
{
	struct view names[MATCH_BURST_MAX];
	struct match matches[MATCH_BURST_MAX];

	if (n_missed == 0)
		return;
	for (unsigned m = 0; m < n_missed; m++) {
		names[2 * m] = query[missed[m]].from;
		names[2 * m + 1] = query[missed[m]].to;
	}
	matcher_find(d->matcher, names, matches, 2 * n_missed);
	for (unsigned m = 0; m < n_missed; m++) {
		const struct policy_query *q = &query[missed[m]];
		struct judgement j = {
			.verdict = {.from = matches[2 * m], .to = matches[2 * m + 1]}};

		judge(d, q, &j);
		if (d->cache != NULL)
			remember(slots[missed[m]], q, &j);
		give(d, q, &j, &verdict[missed[m]], &rest[missed[m]]);
	}
}

void policy_decide(
	struct decider *d, const struct policy_query query[], struct verdict verdict[], unsigned n)
{
	struct cache_slot *slots[DECIDE_BURST_MAX];
	struct rest rest[DECIDE_BURST_MAX];
	uint8_t missed[DECIDE_BURST_MAX];
	unsigned n_missed = 0;

	for (unsigned i = 0; d->cache != NULL && i < n; i++) {
		slots[i] = cache_slot_of(d, &query[i]);
		for (size_t at = 0; at < sizeof(*slots[i]); at += CACHE_LINE_BYTES)
			__builtin_prefetch((const uint8_t *)slots[i] + at);
	}
	for (unsigned i = 0; i < n; i++) {
		if (d->cache != NULL && slot_holds(slots[i], &query[i])) {
			give(d, &query[i], &slots[i]->judgement, &verdict[i], &rest[i]);
		} else {
			missed[n_missed++] = (uint8_t)i;
		}
	}
	decide_missed(d, query, verdict, rest, slots, missed, n_missed);
	finish(d, query, verdict, rest, n);
}

// The question in a slot that its thread may be writing to, in words as they come. False for none.
static bool read_question(
	const struct cache_slot *slot, struct cache_slot *copy, struct policy_query *q)
{
	const uint64_t *from = (const uint64_t *)slot;
	uint64_t words[offsetof(struct cache_slot, judgement) / sizeof(uint64_t)] = {0};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	memcpy(copy, words, sizeof(words));
	if (copy->from_len == 0 || copy->from_len + copy->to_len > CACHE_TEXT_BYTES)
		return false;
	q->from = view_of(copy->text, copy->from_len);
	q->to = view_of(copy->text + copy->from_len, copy->to_len);
	q->side = copy->side;
	q->source.family = IP_NONE;
	return true;
}

void decider_warm(struct decider *d, const struct decider *former)
{
	struct cache_slot copies[DECIDE_BURST_MAX];
	struct policy_query query[DECIDE_BURST_MAX];
	struct verdict verdict[DECIDE_BURST_MAX];
	unsigned n = 0;

	if (d->cache == NULL || former->cache == NULL)
		return;
	for (uint64_t i = 0; i <= former->cache_mask; i++) {
		if (read_question(&former->cache[i], &copies[n], &query[n]))
			n++;
		if (n == DECIDE_BURST_MAX || (n > 0 && i == former->cache_mask)) {
			policy_decide(d, query, verdict, n);
			n = 0;
		}
	}
	memset(d->hits, 0, d->n_hits * sizeof(*d->hits));
}

bool policy_blocks(struct decider *d, struct view name, struct match *match)
{
	matcher_find(d->matcher, &name, match, 1);
	if (!is_on(match, IMAGE_BLOCK))
		return false;
	count_hit(d, match->entry);
	return true;
}
