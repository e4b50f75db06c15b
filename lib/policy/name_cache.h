// SPDX-License-Identifier: BSD-3-Clause
// What is remembered of a name in one spelling: its match, and who was last found to speak for it.
// By name and not by pair of names: of the pairs that meet there are many times more. match.c's and
// decide.c's own; nobody else includes it.

#pragma once

#include "lib/policy/decide.h"

#define CACHE_LINE_BYTES 64
// Longer spellings are not remembered.
#define NAME_SLOT_TEXT_BYTES 80
// Spellings that share a set: the newer one stands first.
#define NAME_SET_WAYS 2

// By what a sender was found to be one of the name's.
enum known_by {
	KNOWN_BY_SOURCE4 = 1 << 0,
	KNOWN_BY_SOURCE6 = 1 << 1,
	KNOWN_BY_CARD = 1 << 2, // not with KNOWN_BY_SOURCE4
};

// Of a short name only the first line is read, but for a source of IPv6.
struct name_slot {
	struct match match;
	uint8_t len;          // 0: free
	uint8_t known_by;     // enum known_by
	uint8_t verification; // enum image_verification of the name's peer, where known_by says one
	uint8_t zero[1];
	union {
		uint8_t source4[4];
		uint64_t card_serial;
	};
	uint8_t text[NAME_SLOT_TEXT_BYTES];
	uint8_t source6[16];
};

_Static_assert(sizeof(struct name_slot) == (size_t)2 * CACHE_LINE_BYTES, "a slot is two lines");

static inline bool name_slot_holds(const struct name_slot *slot, struct view name)
{
	return slot->len == name.len && name.len > 0 && memcmp(slot->text, name.at, name.len) == 0;
}

static inline void name_slot_prefetch(const struct name_slot *slot, size_t len)
{
	__builtin_prefetch(slot);
	if (len > CACHE_LINE_BYTES - offsetof(struct name_slot, text))
		__builtin_prefetch((const uint8_t *)slot + CACHE_LINE_BYTES);
}

// The slot of a set that holds the name, or NULL.
static inline struct name_slot *name_set_find(struct name_slot *set, struct view name)
{
	for (unsigned i = 0; i < NAME_SET_WAYS; i++) {
		if (name_slot_holds(&set[i], name))
			return &set[i];
	}
	return NULL;
}

// Nothing for a name that is there or too long.
static inline void name_set_add(struct name_slot *set, struct view name, const struct match *match)
{
	if (name.len == 0 || name.len > NAME_SLOT_TEXT_BYTES || name_set_find(set, name) != NULL)
		return;
	set[1] = set[0];
	set[0].match = *match;
	set[0].len = (uint8_t)name.len;
	set[0].known_by = 0;
	memcpy(set[0].text, name.at, name.len);
}

// Whether who sends a query was found to be one of From's before. slot: From's.
static inline bool name_slot_knows(const struct name_slot *slot, const struct policy_query *q)
{
	if (q->card != NULL)
		return (slot->known_by & KNOWN_BY_CARD) != 0 && q->card_serial != 0 &&
			slot->card_serial == q->card_serial;
	if (q->source.family == IP_V4)
		return (slot->known_by & KNOWN_BY_SOURCE4) != 0 &&
			memcmp(slot->source4, q->source.bytes, sizeof(slot->source4)) == 0;
	return q->source.family == IP_V6 && (slot->known_by & KNOWN_BY_SOURCE6) != 0 &&
		memcmp(slot->source6, q->source.bytes, sizeof(slot->source6)) == 0;
}

// What name_slot_knows() reads beyond a slot's first line.
static inline void name_slot_prefetch_known(
	const struct name_slot *slot, const struct policy_query *q)
{
	if (q->card == NULL && q->source.family == IP_V6)
		__builtin_prefetch(slot->source6);
}

static inline void name_slot_learn(
	struct name_slot *slot, const struct policy_query *q, uint8_t verification)
{
	slot->verification = verification;
	if (q->card != NULL) {
		if (q->card_serial == 0)
			return;
		slot->card_serial = q->card_serial;
		slot->known_by = (slot->known_by & KNOWN_BY_SOURCE6) | KNOWN_BY_CARD;
	} else if (q->source.family == IP_V4) {
		memcpy(slot->source4, q->source.bytes, sizeof(slot->source4));
		slot->known_by = (slot->known_by & KNOWN_BY_SOURCE6) | KNOWN_BY_SOURCE4;
	} else if (q->source.family == IP_V6) {
		memcpy(slot->source6, q->source.bytes, sizeof(slot->source6));
		slot->known_by |= KNOWN_BY_SOURCE6;
	}
}

// The name in a slot that its thread may be writing to, in words as they come: it may be torn.
// copy: where it is put. Empty for none.
static inline struct view name_slot_read(const struct name_slot *slot, struct name_slot *copy)
{
	const uint64_t *from = (const uint64_t *)slot;

	for (size_t i = 0; i < sizeof(*slot) / sizeof(*from); i++) {
		uint64_t word = __atomic_load_n(&from[i], __ATOMIC_RELAXED);

		memcpy((uint8_t *)copy + i * sizeof(word), &word, sizeof(word));
	}
	return copy->len <= NAME_SLOT_TEXT_BYTES ? view_of(copy->text, copy->len) : VIEW_NONE;
}

// Of a matcher that remembers, for decide.c. As matcher_find(), but what was not remembered
// (slots[i] NULL) is not put into the memory: slots stay good until that is done.
void matcher_find_slots(struct matcher *m, const struct view names[], struct match matches[],
	struct name_slot *slots[], unsigned n);
void matcher_remember(struct matcher *m, struct view name, const struct match *match);
// The slot of a name, or NULL where it is not, or no longer, remembered.
struct name_slot *matcher_slot(struct matcher *m, struct view name);
// Looks up what former remembers. former may be in use by its thread.
void matcher_warm(struct matcher *m, const struct matcher *former);
