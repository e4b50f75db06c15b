// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/image_check.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "an image is read as it lies");
_Static_assert(sizeof(struct digest) == IMAGE_DIGEST_BYTES, "one digest");

const uint32_t image_item_bytes[SECTION_N] = {
	[SECTION_BUCKETS] = sizeof(struct name_bucket),
	[SECTION_NAMES] = sizeof(struct name_record),
	[SECTION_PATTERNS] = sizeof(struct image_pattern_row),
	[SECTION_PEERS] = sizeof(struct image_peer),
	[SECTION_HOPS] = sizeof(struct endpoint),
	[SECTION_PREFIXES] = sizeof(struct ip_prefix),
	[SECTION_IDENTITIES] = sizeof(struct image_identity_row),
	[SECTION_HOP_NAMES] = sizeof(struct image_hop_row),
	[SECTION_SOURCES] = sizeof(struct image_text),
	[SECTION_TEXT] = 1,
};

// The digest of what follows the header stands in for it while the header is digested.
struct digest image_digest_of(const void *bytes, size_t n_bytes)
{
	const size_t n_header = sizeof(struct image_header);
	struct image_header header;

	memcpy(&header, bytes, n_header);
	header.generation = 0;
	header.checksum = 0;
	header.digest = digest_of((const uint8_t *)bytes + n_header, n_bytes - n_header);
	return digest_of(&header, n_header);
}

uint64_t image_checksum_of(const struct image_header *header)
{
	struct image_header copy = *header;

	copy.checksum = 0;
	return digest_of(&copy, sizeof(copy)).low;
}

uint64_t image_pattern_digest_of(
	const struct image_pattern_row rows[], size_t n_rows, const uint8_t *text)
{
	static const struct siphash_key key = {0x7061747465726e73, 0x6665647265656c79};
	struct siphash h;

	siphash_init(&h, &key);
	for (size_t i = 0; i < n_rows; i++) {
		siphash_add(&h, &rows[i].flags, sizeof(rows[i].flags));
		siphash_add_part(
			&h, view_of(text + rows[i].expression.offset, rows[i].expression.len));
	}
	return siphash_end(&h);
}

struct image_info image_info_of(const struct image_header *header)
{
	struct image_info info = {
		.generation = header->generation,
		.flags = header->flags,
		.n_names = header->n_names,
		.n_patterns = (uint32_t)header->sections[SECTION_PATTERNS].count,
		.n_peers = (uint32_t)header->sections[SECTION_PEERS].count,
		.body_bytes_max = header->body_bytes_max,
		.pattern_digest = header->pattern_digest,
		.relay_key = header->relay_key,
	};

	memcpy(info.digest, &header->digest, sizeof(info.digest));
	return info;
}

static const void *section_at(const struct image_header *header, enum image_section section)
{
	return (const uint8_t *)header + header->sections[section].offset;
}

static void bind_sections(struct image *image, const struct image_header *header)
{
	image->names = (struct names){
		.buckets = section_at(header, SECTION_BUCKETS),
		.bucket_mask = header->sections[SECTION_BUCKETS].count - 1,
		.units = section_at(header, SECTION_NAMES),
		.seed = {header->names_seed[0], header->names_seed[1]},
	};
	image->patterns = section_at(header, SECTION_PATTERNS);
	image->peers = section_at(header, SECTION_PEERS);
	image->hops = section_at(header, SECTION_HOPS);
	image->prefixes = section_at(header, SECTION_PREFIXES);
	image->identities = section_at(header, SECTION_IDENTITIES);
	image->hop_names = section_at(header, SECTION_HOP_NAMES);
	image->sources = section_at(header, SECTION_SOURCES);
	image->text = section_at(header, SECTION_TEXT);
	image->n_units = (uint32_t)header->sections[SECTION_NAMES].count;
	image->n_hops = (uint32_t)header->sections[SECTION_HOPS].count;
	image->n_prefixes = (uint32_t)header->sections[SECTION_PREFIXES].count;
	image->n_identities = (uint32_t)header->sections[SECTION_IDENTITIES].count;
	image->n_hop_names = (uint32_t)header->sections[SECTION_HOP_NAMES].count;
	image->n_sources = (uint32_t)header->sections[SECTION_SOURCES].count;
	image->n_text_bytes = (uint32_t)header->sections[SECTION_TEXT].count;
	image->stamp = header->stamp;
	image->info = image_info_of(header);
	hop_keys_init(&image->hop_keys, &image->info.relay_key);
}

// The image with its sections and an empty filter. NULL: out of memory.
static struct image *image_of(const struct image_header *header)
{
	struct image *image = calloc(1, sizeof(*image));
	uint64_t n_words = names_filter_words(header->n_names);

	if (image == NULL)
		return NULL;
	bind_sections(image, header);
	image->names.filter = calloc(n_words, sizeof(*image->names.filter));
	image->names.filter_mask = n_words - 1;
	if (image->names.filter == NULL) {
		free(image);
		return NULL;
	}
	return image;
}

struct image *image_open(const void *bytes, size_t n_bytes, const char **error)
{
	struct image *image;

	*error = image_check_header(bytes, n_bytes);
	if (*error != NULL) {
		errno = EBADMSG;
		return NULL;
	}
	image = image_of(bytes);
	if (image == NULL) {
		*error = "out of memory";
		errno = ENOMEM;
		return NULL;
	}
	*error = image_check_items(image);
	if (*error != NULL) {
		image_close(image);
		errno = EBADMSG;
		return NULL;
	}
	if (hops_init(&image->hop_set, image->hops, image->n_hops) < 0) {
		image_close(image);
		*error = "out of memory";
		errno = ENOMEM;
		return NULL;
	}
	return image;
}

void image_close(struct image *image)
{
	if (image == NULL)
		return;
	hops_fini(&image->hop_set);
	free(image->names.filter);
	free(image);
}

const struct image_info *image_info(const struct image *image)
{
	return &image->info;
}

const struct names *image_names(const struct image *image)
{
	return &image->names;
}

const struct image_peer *image_peer_at(const struct image *image, uint32_t peer)
{
	return peer < image->info.n_peers ? &image->peers[peer] : NULL;
}

const struct endpoint *image_hops(const struct image *image, const struct image_peer *peer)
{
	return image->hops + peer->first_hop;
}

bool image_has_hop(const struct image *image, const struct endpoint *hop)
{
	return hops_have(&image->hop_set, hop);
}

bool image_hop_name(const struct image *image, const struct ip_addr *key, enum hop_kind *kind,
	struct view *name)
{
	uint32_t low = 0, high = image->n_hop_names;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct image_hop_row *row = &image->hop_names[middle];
		int order = memcmp(row->key, key->bytes, sizeof(row->key));

		if (order == 0) {
			*kind = (enum hop_kind)row->kind;
			*name = view_of(image->text + row->name.offset, row->name.len);
			return key->family == IP_NAMED;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

const struct hop_keys *image_hop_keys(const struct image *image)
{
	return &image->hop_keys;
}

struct view image_host(const struct image *image, const struct image_peer *peer, uint32_t index)
{
	const struct image_text *host = &image->identities[peer->first_identity + index].host;

	return view_of(image->text + host->offset, host->len);
}

const uint8_t *image_fingerprint(
	const struct image *image, const struct image_peer *peer, uint32_t index)
{
	return image->identities[peer->first_identity + index].fingerprint;
}

struct view image_stamp(const struct image *image)
{
	return view_of(image->text + image->stamp.offset, image->stamp.len);
}

uint32_t image_certificate_id(struct view name)
{
	static const struct siphash_key key = {0x6365727469666963, 0x6665647265656c79};
	uint32_t id = (uint32_t)siphash(&key, name.at, name.len);

	return id != 0 ? id : 1;
}

const struct ip_prefix *image_sources(const struct image *image, const struct image_peer *peer)
{
	return image->prefixes + peer->first_source;
}

bool image_peer_covers(
	const struct image *image, const struct image_peer *peer, const struct ip_addr *ip)
{
	const struct ip_prefix *sources = image_sources(image, peer);

	for (uint32_t i = 0; i < peer->n_sources; i++) {
		if (ip_prefix_covers(&sources[i], ip))
			return true;
	}
	return false;
}

struct view image_rule_source(const struct image *image, image_rule_id rule)
{
	uint32_t source = rule >> 24;

	if (source >= image->n_sources)
		return VIEW("?");
	return view_of(image->text + image->sources[source].offset, image->sources[source].len);
}

struct image_pattern image_pattern_at(const struct image *image, uint32_t index)
{
	const struct image_pattern_row *row = &image->patterns[index];

	return (struct image_pattern){
		.expression = view_of(image->text + row->expression.offset, row->expression.len),
		.flags = row->flags,
		.list = (uint8_t)row->list,
		.peer = row->peer,
		.rule = row->rule,
	};
}
