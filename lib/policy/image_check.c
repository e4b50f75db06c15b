// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/image_check.h"

#include "lib/policy/patterns.h"

#define FLAGS_KNOWN (IMAGE_FEDERATION_ON | IMAGE_SIP_ON)

static const uint64_t count_max[SECTION_N] = {
	[SECTION_BUCKETS] = UINT64_C(1) << 24,
	[SECTION_NAMES] = NAMES_UNITS_MAX,
	[SECTION_PATTERNS] = IMAGE_PATTERNS_MAX,
	[SECTION_PEERS] = IMAGE_PEERS_MAX,
	[SECTION_HOPS] = IMAGE_BYTES_MAX / sizeof(struct endpoint),
	[SECTION_PREFIXES] = IMAGE_BYTES_MAX / sizeof(struct ip_prefix),
	[SECTION_IDENTITIES] = IMAGE_BYTES_MAX / sizeof(struct image_identity_row),
	[SECTION_HOP_NAMES] = IMAGE_BYTES_MAX / sizeof(struct image_hop_row),
	[SECTION_SOURCES] = IMAGE_SOURCES_MAX,
	[SECTION_TEXT] = UINT32_MAX,
};

bool image_all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

// Positions are the only ones that the counts allow, see image_format.h.
static const char *check_sections(const struct image_header *header)
{
	uint64_t end = sizeof(*header);

	for (unsigned i = 0; i < SECTION_N; i++) {
		const struct image_extent *s = &header->sections[i];
		uint64_t start = (end + IMAGE_ALIGNMENT - 1) & ~(uint64_t)(IMAGE_ALIGNMENT - 1);

		if (s->count > count_max[i])
			return "a section has too many items";
		if (s->n_bytes != s->count * image_item_bytes[i])
			return "a section's length is not that of its items";
		if (s->offset != start)
			return "a section is not where it must be";
		if (start + s->n_bytes > header->n_bytes)
			return "a section ends behind the image";
		if (!image_all_zero((const uint8_t *)header + end, start - end))
			return "bytes between sections";
		end = start + s->n_bytes;
	}
	return end == header->n_bytes ? NULL : "bytes behind the last section";
}

static const char *check_counts(const struct image_header *header)
{
	uint64_t n_buckets = header->sections[SECTION_BUCKETS].count;

	if (n_buckets == 0 || (n_buckets & (n_buckets - 1)) != 0)
		return "the number of buckets is not a power of two";
	if (header->sections[SECTION_NAMES].count < 1 + NAMES_TAIL_UNITS)
		return "no names, not even the empty units around them";
	if (header->n_names > IMAGE_NAMES_MAX)
		return "too many names";
	return (header->flags & ~FLAGS_KNOWN) == 0 ? NULL : "unknown flags";
}

const char *image_check_header(const void *bytes, size_t n_bytes)
{
	const struct image_header *header = bytes;
	struct digest digest;
	const char *error;

	if ((uintptr_t)bytes % IMAGE_ALIGNMENT != 0)
		return "bytes are not aligned to a cache line";
	if (n_bytes < sizeof(*header))
		return "shorter than its header";
	if (header->magic != IMAGE_MAGIC)
		return "not a policy image";
	if (header->version != IMAGE_VERSION)
		return "another version of the format";
	if (header->n_bytes != n_bytes || n_bytes > IMAGE_BYTES_MAX)
		return "length is not the header's";
	if (header->checksum != image_checksum_of(header))
		return "damaged header";
	error = check_sections(header);
	if (error == NULL)
		error = check_counts(header);
	if (error != NULL)
		return error;
	digest = image_digest_of(bytes, n_bytes);
	return memcmp(&digest, &header->digest, sizeof(digest)) == 0 ? NULL : "damaged contents";
}

bool image_rule_fits(const struct image *image, image_rule_id rule)
{
	return rule == IMAGE_RULE_NONE || rule >> 24 < image->n_sources;
}

// List, peer and rule of a name or a pattern.
static const char *check_entry(
	const struct image *image, uint32_t list, uint32_t peer, image_rule_id rule)
{
	if (list > IMAGE_BLOCK)
		return "an entry of an unknown list";
	if (list == IMAGE_BLOCK ? peer != IMAGE_PEER_NONE : peer >= image->info.n_peers)
		return "an entry with a wrong peer";
	return image_rule_fits(image, rule) ? NULL : "an entry with a wrong rule";
}

static const char *check_record(const struct image *image, const struct name_record *record,
	uint32_t entry, uint32_t n_units_left)
{
	const uint8_t *text = name_record_text(record);
	unsigned n_units = names_units_of(record->len);
	const char *error;

	if (record->entry != entry)
		return "a name out of order";
	if (n_units > n_units_left)
		return "a name ends behind its section";
	error = check_entry(image, record->list, record->peer, record->rule);
	if (error != NULL)
		return error;
	if (!image_all_zero(text + record->len,
		    n_units * NAMES_UNIT_BYTES - offsetof(struct name_record, text) - record->len))
		return "bytes behind a name";
	return NULL;
}

// Names whose look-ups overlap their cache misses.
#define CHECK_BATCH 16

// Every name must be what its own look-up finds: so the table holds it, within the bound of
// probes, and no other record has the same name. Adds them to the filter on the way.
static const char *check_found(
	const struct image *image, const struct name_record *const records[], unsigned n)
{
	const uint8_t *texts[CHECK_BATCH];
	uint64_t hashes[CHECK_BATCH];

	for (unsigned i = 0; i < n; i++) {
		struct domain name;

		texts[i] = name_record_text(records[i]);
		if (domain_canonical(view_of(texts[i], records[i]->len), &name) != 0 ||
			name.len != records[i]->len || memcmp(name.text, texts[i], name.len) != 0)
			return "a name is not canonical";
		hashes[i] = names_hash(image->names.seed, &name);
		names_prefetch_filter(&image->names, hashes[i]);
		names_prefetch_bucket(&image->names, hashes[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		*names_filter_word(&image->names, hashes[i]) |= names_filter_bits(hashes[i]);
		if (names_find(&image->names, texts[i], records[i]->len, hashes[i]) != records[i])
			return "a name is there twice or not in the table";
	}
	return NULL;
}

static const char *check_buckets(const struct image *image)
{
	uint32_t n_units = image->n_units - NAMES_TAIL_UNITS;
	uint64_t n_used = 0;

	for (uint64_t b = 0; b <= image->names.bucket_mask; b++) {
		for (unsigned i = 0; i < NAMES_BUCKET_SLOTS; i++) {
			uint32_t slot = image->names.buckets[b].slots[i];

			if (names_slot_unit(slot) >= n_units)
				return "a slot points behind the names";
			n_used += slot != 0;
		}
	}
	return n_used == image->info.n_names ? NULL : "slots are not as many as names";
}

static const char *check_names(const struct image *image)
{
	const struct name_record *units = image->names.units;
	const struct name_record *batch[CHECK_BATCH];
	const uint32_t end = image->n_units - NAMES_TAIL_UNITS;
	const char *error = check_buckets(image);
	uint32_t n_names = 0;
	unsigned n = 0;

	if (error == NULL && !image_all_zero((const uint8_t *)units, sizeof(*units)))
		error = "the empty unit before the names is not empty";
	if (error == NULL &&
		!image_all_zero((const uint8_t *)(units + end), NAMES_TAIL_UNITS * sizeof(*units)))
		error = "the empty units behind the names are not empty";
	for (uint32_t unit = 1; error == NULL && unit < end;) {
		error = check_record(image, &units[unit], n_names++, end - unit);
		if (error != NULL)
			break;
		batch[n++] = &units[unit];
		unit += names_units_of(units[unit].len);
		if (n == CHECK_BATCH || unit == end) {
			error = check_found(image, batch, n);
			n = 0;
		}
	}
	if (error == NULL && n_names != image->info.n_names)
		error = "records are not as many as names";
	return error;
}

bool image_text_fits(const struct image *image, const struct image_text *text, size_t max)
{
	return text->len > 0 && text->len <= max && text->offset < image->n_text_bytes &&
		text->len < image->n_text_bytes - text->offset &&
		image->text[text->offset + text->len] == 0 &&
		memchr(image->text + text->offset, 0, text->len) == NULL;
}

static const char *check_patterns(const struct image *image)
{
	for (uint32_t i = 0; i < image->info.n_patterns; i++) {
		const struct image_pattern_row *row = &image->patterns[i];
		const char *error = check_entry(image, row->list, row->peer, row->rule);

		if (error != NULL)
			return error;
		if ((row->flags & ~PATTERNS_FLAGS) != 0 || (row->flags & HS_FLAG_SINGLEMATCH) == 0)
			return "a pattern with wrong flags";
		if (!image_text_fits(image, &row->expression, IMAGE_EXPRESSION_BYTES_MAX))
			return "a pattern without its text";
	}
	if (image_pattern_digest_of(image->patterns, image->info.n_patterns, image->text) !=
		image->info.pattern_digest)
		return "wrong digest of the patterns";
	return NULL;
}

static const char *check_sources(const struct image *image)
{
	for (uint32_t i = 0; i < image->n_sources; i++) {
		if (!image_text_fits(image, &image->sources[i], IMAGE_EXPRESSION_BYTES_MAX))
			return "a source of rules without its name";
	}
	return NULL;
}

// A token (RFC 3261 §25.1) of letters, digits and hyphens.
static const char *check_stamp(const struct image *image)
{
	const struct image_text *stamp = &image->stamp;

	if (stamp->offset == 0 && stamp->len == 0)
		return NULL;
	if (!image_text_fits(image, stamp, IMAGE_STAMP_BYTES_MAX))
		return "a stamp without its name";
	for (uint32_t i = 0; i < stamp->len; i++) {
		uint8_t c = image->text[stamp->offset + i], letter = c | 0x20;

		if ((letter < 'a' || letter > 'z') && (c < '0' || c > '9') && c != '-')
			return "a stamp whose name no header field can have";
	}
	return NULL;
}

const char *image_check_items(const struct image *image)
{
	static const char *(*const checks[])(const struct image *) = {
		check_sources,
		check_stamp,
		image_check_peers,
		check_patterns,
		check_names,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const char *error = checks[i](image);

		if (error != NULL)
			return error;
	}
	return NULL;
}
