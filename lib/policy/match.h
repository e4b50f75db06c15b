// SPDX-License-Identifier: BSD-3-Clause
// Which entry of a policy covers a name: the look-up under the one decision (decide.h).
//
// An exact name beats a pattern beats a suffix (the longest first). Of several patterns any that
// blocks wins, and then the one that stands first in the image.
//
// Thread: a struct matcher belongs to one thread; a struct policy is immutable and shared. No
// allocation after matcher_new().

#pragma once

#include "lib/policy/domain.h"
#include "lib/policy/image.h"
#include "lib/policy/patterns.h"

// An image with its compiled patterns, ready to be asked.
struct policy {
	const struct image *image;
	const hs_database_t *database; // of this image's patterns; NULL without any
};

// How a name's entry was found, strongest first.
enum match_kind {
	MATCH_EXACT,
	MATCH_PATTERN,
	MATCH_SUFFIX,
	MATCH_NONE,
	MATCH_INVALID, // not a domain name
};

struct match {
	uint8_t kind;         // enum match_kind
	uint8_t list;         // enum image_list, where an entry was found
	uint32_t entry;       // 0..n_names-1 for names, n_names + index for patterns
	uint32_t peer;        // IMAGE_PEER_NONE for none
	image_rule_id rule;   // IMAGE_RULE_NONE for none
	uint32_t domain_hash; // of the canonical name; the same as long as the relay's key is
};

#define MATCH_BURST_MAX 128

struct matcher;

// policy: copied; what it points to outlives the matcher. cache_slots: remembered spellings,
// rounded up to a power of two; 0 for none. NULL with errno ENOMEM.
struct matcher *matcher_new(const struct policy *policy, size_t cache_slots);
void matcher_free(struct matcher *m);

// Looks up n ≤ MATCH_BURST_MAX names, in any spelling; their cache misses overlap.
void matcher_find(struct matcher *m, const struct view names[], struct match matches[], unsigned n);
