// SPDX-License-Identifier: BSD-3-Clause
// The one decision function: may this From reach this To, under which rule, and by which next hop.
// The worker, `fedctl explain` and the tests call the same one.
//
// An exact name beats a pattern beats a suffix (the longest first); among equals block wins.
// Both ends are judged. Thread: a struct decider belongs to one thread; a struct policy is
// immutable and shared. No allocation after decider_new().

#pragma once

#include "lib/base/reason.h"
#include "lib/policy/domain.h"
#include "lib/policy/image.h"
#include "lib/policy/patterns.h"

// An image with its compiled patterns, ready to be asked.
struct policy {
	const struct image *image;
	const hs_database_t *database; // NULL without patterns
};

// How a name's entry was found, strongest first.
enum match_kind {
	MATCH_EXACT,
	MATCH_PATTERN,
	MATCH_SUFFIX,
	MATCH_NONE,
};

struct match {
	uint8_t kind;   // enum match_kind
	uint8_t list;   // enum image_list
	uint32_t entry; // 0..n_names-1 for names, n_names + index for patterns; UINT32_MAX for none
	uint32_t peer;  // UINT32_MAX for none
	image_rule_id rule;
};

struct policy_query {
	struct view from; // domain of the sender, in any spelling
	struct view to;   // domain that the message is for
	uint8_t side;     // enum side of the listener it came in by
	struct ip_addr
		source; // where it came from; family IP_NONE: not judged (explain without one)
};

struct verdict {
	bool allowed;
	uint16_t reason;    // enum reason
	image_rule_id rule; // the entry that decided, IMAGE_RULE_NONE for none
	uint8_t egress;     // enum side it leaves by, when allowed
	uint32_t peer;      // whose next hops it goes to, when allowed
	uint32_t pair_hash; // of the canonical From and To domains, for placement
	uint64_t generation;
	struct match from, to; // the path to the verdict
};

// Scratch memory and verdict cache of one thread.
struct decider;

// cache_slots: remembered domain pairs, rounded up to a power of two; 0 for none.
// NULL with errno ENOMEM.
struct decider *decider_new(const struct policy *policy, size_t cache_slots);
void decider_free(struct decider *d);

// Judges n queries, n ≤ 64; look-ups of one burst overlap their cache misses. Adds to the hit
// counters. Invalid names get REASON_domain_invalid.
void policy_decide(
	struct decider *d, const struct policy_query query[], struct verdict verdict[], unsigned n);

// Only whether the name is blocked, for names that do not route: the To header of a retargeted
// request.
bool policy_blocks(struct decider *d, struct view name, struct match *match);

// Times each entry decided, entries as in struct match; n_names + n_patterns of them.
// Written by the decider's thread; others may read it with relaxed loads.
const uint32_t *decider_hits(const struct decider *d, size_t *n);
