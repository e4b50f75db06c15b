// SPDX-License-Identifier: BSD-3-Clause
// The names of an image: records of whole cache lines, found through a hash table whose buckets
// are cache lines too. A look-up costs one line of the table and, where it finds something, the
// line of the record.
//
// The hash of a name runs from its last label to its first, so that one pass over a name gives the
// hash of every suffix on label borders. It is keyed by the image: who writes a list cannot aim at
// one bucket without the key.

#pragma once

#include "lib/policy/domain.h"
#include "lib/policy/mix.h"

#define NAMES_BUCKET_SLOTS 16
#define NAMES_UNIT_BYTES   64
// Unit numbers have 24 bits; unit 0 stays empty, so that a slot of zero is a free one.
#define NAMES_UNITS_MAX (1U << 24)
// Empty units behind the last record: comparing the longest name with whatever a slot points to
// stays within the section, also before the slots are known to be good.
#define NAMES_TAIL_UNITS 4
// Buckets that a look-up may walk. The builder makes the table large enough for it, the check
// finds every name within it.
#define NAMES_PROBES_MAX 4

// As it lies in the image. Text that does not fit the first unit goes on in the following ones;
// what is left of the last is zero.
struct name_record {
	uint32_t entry; // 0..n_names-1, in the order of the records
	uint32_t peer;
	uint32_t rule;
	uint8_t list; // enum image_list
	uint8_t len;
	uint8_t text[NAMES_UNIT_BYTES - 14];
};

// Slot: unit number of the record below, eight bits of its hash above, never zero.
struct name_bucket {
	uint32_t slots[NAMES_BUCKET_SLOTS];
};

struct names {
	const struct name_bucket *buckets;
	uint64_t bucket_mask;
	const struct name_record *units;
	uint64_t seed[2];
	// Two bits of one word for each name: most names and suffixes that are not listed end here,
	// in memory that fits the second cache level. Not in the image: image_open() makes it.
	uint64_t *filter;
	uint64_t filter_mask; // words - 1
};

// The whole text: that of long names leaves the struct and goes on in the next unit.
static inline const uint8_t *name_record_text(const struct name_record *record)
{
	return (const uint8_t *)record + offsetof(struct name_record, text);
}

static inline unsigned names_units_of(size_t len)
{
	return (unsigned)((offsetof(struct name_record, text) + len + NAMES_UNIT_BYTES - 1) /
		NAMES_UNIT_BYTES);
}

static inline uint8_t names_tag(uint64_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 56);

	return tag != 0 ? tag : 1;
}

static inline uint32_t names_slot(uint64_t hash, uint32_t unit)
{
	return (uint32_t)names_tag(hash) << 24 | unit;
}

static inline uint32_t names_slot_unit(uint32_t slot)
{
	return slot & (NAMES_UNITS_MAX - 1);
}

// Hash of "label.rest" from that of rest; seed[0] where there is no rest. DOMAIN_PADDING bytes
// after the label must be readable.
static inline uint64_t names_hash_label(
	const uint64_t seed[2], uint64_t rest, const uint8_t *label, size_t len)
{
	uint64_t tweak = seed[1] + len;

	for (; len > 16; label += 16, len -= 16)
		rest = mix_multiply(mix_load64(label) ^ rest, mix_load64(label + 8) ^ tweak);
	return mix_multiply(mix_load_masked(label, len) ^ rest,
		(len > 8 ? mix_load_masked(label + 8, len - 8) : 0) ^ tweak);
}

// Words of a filter for so many names: a power of two, eight bits a name or more, where one absent
// name in twenty passes.
static inline uint64_t names_filter_words(uint64_t n_names)
{
	uint64_t n_words = 1;

	while (n_words * 8 < n_names)
		n_words *= 2;
	return n_words;
}

// Bits of the hash that neither choose the bucket of a small table nor make the tag.
static inline uint64_t *names_filter_word(const struct names *names, uint64_t hash)
{
	return &names->filter[hash >> 20 & names->filter_mask];
}

static inline uint64_t names_filter_bits(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 44 & 63) | UINT64_C(1) << (hash >> 50 & 63);
}

// False: no such name is there.
static inline bool names_may_hold(const struct names *names, uint64_t hash)
{
	uint64_t bits = names_filter_bits(hash);

	return (*names_filter_word(names, hash) & bits) == bits;
}

// Hash of the whole name.
uint64_t names_hash(const uint64_t seed[2], const struct domain *name);

// The record of exactly this name, or NULL. text: len bytes; hash: theirs.
const struct name_record *names_find(
	const struct names *names, const uint8_t *text, size_t len, uint64_t hash);

// The record of the longest suffix of the name, shorter than itself, or NULL.
const struct name_record *names_find_suffix(const struct names *names, const struct domain *name);

// What a look-up reads, ahead of it: the word of the filter; where that passes, the bucket; and
// when that has arrived, the record.
static inline void names_prefetch_filter(const struct names *names, uint64_t hash)
{
	__builtin_prefetch(names_filter_word(names, hash));
}

static inline void names_prefetch_bucket(const struct names *names, uint64_t hash)
{
	__builtin_prefetch(&names->buckets[hash & names->bucket_mask]);
}

void names_prefetch_record(const struct names *names, uint64_t hash);
