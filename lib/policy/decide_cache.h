// SPDX-License-Identifier: BSD-3-Clause
// What a decider remembers of a pair of names. decide.c's own; nobody else includes it.

#pragma once

#include "lib/policy/decide.h"

#define CACHE_LINE_BYTES 64
#define CACHE_TEXT_BYTES 116 // fills a slot's three lines

// Whose entry decided.
enum decided_by {
	BY_NONE,
	BY_FROM,
	BY_TO,
};

// All that is judged of two names before a source address is.
struct judgement {
	struct match from, to;
	uint16_t reason;
	uint8_t by; // enum decided_by
	uint8_t egress;
	bool allowed;
	bool needs_source; // From has passed; its card or source address is the next to be judged
};

// A pair of spellings and side, and what was judged of them; and of each family the source address
// that was last found to be one of From's, or the card that last proved to be, with what else is
// asked of its peer. Longer pairs are not remembered. Most end within the second line.
struct cache_slot {
	uint8_t from_len, to_len; // both 0: free
	uint8_t side;
	bool has_source4, has_source6, has_card; // not both of the latter
	uint8_t verification; // enum image_verification of From's peer, with any of them
	uint8_t zero[1];
	union {
		uint8_t source6[16];
		uint64_t card_serial;
	};
	uint8_t source4[4];
	struct judgement judgement;
	uint8_t text[CACHE_TEXT_BYTES]; // From, then To
};

_Static_assert(sizeof(struct cache_slot) % CACHE_LINE_BYTES == 0, "a slot has whole cache lines");
_Static_assert(offsetof(struct cache_slot, text) + CACHE_TEXT_BYTES == sizeof(struct cache_slot),
	"text fills what is left");

static inline bool fits_cache(const struct policy_query *q)
{
	return q->from.len <= CACHE_TEXT_BYTES && q->to.len <= CACHE_TEXT_BYTES &&
		q->from.len + q->to.len <= CACHE_TEXT_BYTES;
}

static inline bool slot_holds(const struct cache_slot *slot, const struct policy_query *q)
{
	return slot->from_len == q->from.len && slot->to_len == q->to.len &&
		slot->side == q->side && q->from.len > 0 && q->to.len > 0 &&
		memcmp(slot->text, q->from.at, q->from.len) == 0 &&
		memcmp(slot->text + q->from.len, q->to.at, q->to.len) == 0;
}

static inline void remember(
	struct cache_slot *slot, const struct policy_query *q, const struct judgement *j)
{
	if (q->from.len == 0 || q->to.len == 0 || !fits_cache(q))
		return;
	slot->from_len = (uint8_t)q->from.len;
	slot->to_len = (uint8_t)q->to.len;
	slot->side = q->side;
	slot->has_source4 = false;
	slot->has_source6 = false;
	slot->has_card = false;
	memcpy(slot->text, q->from.at, q->from.len);
	memcpy(slot->text + q->from.len, q->to.at, q->to.len);
	slot->judgement = *j;
}

static inline bool slot_knows_source(const struct cache_slot *slot, const struct ip_addr *source)
{
	if (source->family == IP_V4)
		return slot->has_source4 &&
			memcmp(slot->source4, source->bytes, sizeof(slot->source4)) == 0;
	return source->family == IP_V6 && slot->has_source6 &&
		memcmp(slot->source6, source->bytes, sizeof(slot->source6)) == 0;
}

// Whether who sends it was found to be one of From's before.
static inline bool slot_knows_sender(const struct cache_slot *slot, const struct policy_query *q)
{
	if (q->card == NULL)
		return slot_knows_source(slot, &q->source);
	return slot->has_card && q->card_serial != 0 && slot->card_serial == q->card_serial;
}

static inline void remember_source(struct cache_slot *slot, const struct ip_addr *source)
{
	if (source->family == IP_V4) {
		memcpy(slot->source4, source->bytes, sizeof(slot->source4));
		slot->has_source4 = true;
	} else if (source->family == IP_V6) {
		memcpy(slot->source6, source->bytes, sizeof(slot->source6));
		slot->has_source6 = true;
		slot->has_card = false;
	}
}

static inline void remember_sender(
	struct cache_slot *slot, const struct policy_query *q, uint8_t verification)
{
	slot->verification = verification;
	if (q->card == NULL) {
		remember_source(slot, &q->source);
	} else if (q->card_serial != 0) {
		slot->card_serial = q->card_serial;
		slot->has_card = true;
		slot->has_source6 = false;
	}
}

// What of a slot is read for a query.
static inline void prefetch_slot(const struct cache_slot *slot, const struct policy_query *q)
{
	const uint8_t *at = (const uint8_t *)slot;

	__builtin_prefetch(at);
	__builtin_prefetch(at + CACHE_LINE_BYTES);
	if (offsetof(struct cache_slot, text) + q->from.len + q->to.len >
		(size_t)2 * CACHE_LINE_BYTES)
		__builtin_prefetch(at + (size_t)2 * CACHE_LINE_BYTES);
}

// The question in a slot that its thread may be writing to, in words as they come. False for none.
static inline bool read_question(
	const struct cache_slot *slot, struct cache_slot *copy, struct policy_query *q)
{
	const uint64_t *from = (const uint64_t *)slot;
	uint64_t words[sizeof(*slot) / sizeof(uint64_t)];

	words[0] = __atomic_load_n(&from[0], __ATOMIC_RELAXED);
	if (words[0] == 0)
		return false;
	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	memcpy(copy, words, sizeof(words));
	if (copy->from_len == 0 || copy->from_len + copy->to_len > CACHE_TEXT_BYTES)
		return false;
	q->from = view_of(copy->text, copy->from_len);
	q->to = view_of(copy->text + copy->from_len, copy->to_len);
	q->side = copy->side;
	q->source.family = IP_NONE;
	q->card = NULL;
	q->card_serial = 0;
	return true;
}
