// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/names.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

_Static_assert(sizeof(struct name_record) == NAMES_UNIT_BYTES, "a record is a cache line");
_Static_assert(sizeof(struct name_bucket) == 64, "a bucket is a cache line");

uint64_t names_hash(const uint64_t seed[2], const struct domain *name)
{
	uint64_t hash = seed[0];
	size_t start = name->len + 1U;

	while (start > 0) {
		size_t end = start - 1;

		start = domain_label_start(name, end);
		hash = names_hash_label(seed, hash, name->text + start, end - start);
	}
	return hash;
}

#ifdef __SSE2__
// Bit i: slot i has this tag.
static unsigned slots_with_tag(const struct name_bucket *bucket, uint8_t tag)
{
	const __m128i *lines = (const __m128i *)bucket->slots;
	const __m128i wanted = _mm_set1_epi32(tag);
	__m128i equal[4];

	for (unsigned i = 0; i < 4; i++) {
		__m128i tags = _mm_srli_epi32(_mm_load_si128(lines + i), 24);

		equal[i] = _mm_cmpeq_epi32(tags, wanted);
	}
	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(
		_mm_packs_epi32(equal[0], equal[1]), _mm_packs_epi32(equal[2], equal[3])));
}
#else
static unsigned slots_with_tag(const struct name_bucket *bucket, uint8_t tag)
{
	unsigned found = 0;

	for (unsigned i = 0; i < NAMES_BUCKET_SLOTS; i++)
		found |= (unsigned)(bucket->slots[i] >> 24 == tag) << i;
	return found;
}
#endif

const struct name_record *names_find(
	const struct names *names, const uint8_t *text, size_t len, uint64_t hash)
{
	if (!names_may_hold(names, hash))
		return NULL;
	for (unsigned probe = 0; probe < NAMES_PROBES_MAX; probe++) {
		const struct name_bucket *bucket =
			&names->buckets[(hash + probe) & names->bucket_mask];
		unsigned found = slots_with_tag(bucket, names_tag(hash));

		for (; found != 0; found &= found - 1) {
			uint32_t slot = bucket->slots[__builtin_ctz(found)];
			const struct name_record *record = &names->units[names_slot_unit(slot)];

			if (record->len == len && memcmp(name_record_text(record), text, len) == 0)
				return record;
		}
		// Slots fill from the first to the last.
		if (bucket->slots[NAMES_BUCKET_SLOTS - 1] == 0)
			return NULL;
	}
	return NULL;
}

void names_prefetch_record(const struct names *names, uint64_t hash)
{
	const struct name_bucket *bucket = &names->buckets[hash & names->bucket_mask];
	unsigned found = slots_with_tag(bucket, names_tag(hash));

	for (; found != 0; found &= found - 1)
		__builtin_prefetch(
			&names->units[names_slot_unit(bucket->slots[__builtin_ctz(found)])]);
}

const struct name_record *names_find_suffix(const struct names *names, const struct domain *name)
{
	const struct name_record *longest = NULL;
	uint64_t hash = names->seed[0];
	size_t start = name->len + 1U;

	while (start > 0) {
		size_t end = start - 1;
		const struct name_record *record;

		start = domain_label_start(name, end);
		if (start == 0)
			break;
		hash = names_hash_label(names->seed, hash, name->text + start, end - start);
		record = names_find(names, name->text + start, name->len - start, hash);
		if (record != NULL)
			longest = record;
	}
	return longest;
}
