// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a policy image, for those who write them (control/policy) and who check them
// (image.c). Everybody else asks lib/policy/image.h.
//
// Sections follow the header in the order of the enum, each at the next multiple of
// IMAGE_ALIGNMENT after the one before; gaps are zero. So a position is never a choice of the
// writer, and the check of all of them is one comparison each.

#pragma once

#include "lib/policy/digest.h"
#include "lib/policy/image.h"
#include "lib/policy/names.h"

#define IMAGE_ALIGNMENT 64

enum image_section {
	SECTION_BUCKETS,    // struct name_bucket, a power of two of them
	SECTION_NAMES,      // units of struct name_record
	SECTION_PATTERNS,   // struct image_pattern_row; the index is the Hyperscan id
	SECTION_PEERS,      // struct image_peer
	SECTION_HOPS,       // struct endpoint
	SECTION_PREFIXES,   // struct ip_prefix
	SECTION_IDENTITIES, // struct image_identity_row
	SECTION_HOP_NAMES,  // struct image_hop_row, by key
	SECTION_SOURCES,    // struct image_text: names of the sources of rules
	SECTION_TEXT,       // bytes
	SECTION_N,
};

struct image_extent {
	uint64_t offset, n_bytes, count;
};

// A run of bytes of SECTION_TEXT, followed there by a zero byte that it does not count.
struct image_text {
	uint32_t offset, len;
};

struct image_header {
	uint64_t magic;
	uint32_t version;
	uint32_t flags; // enum image_flag
	uint64_t n_bytes;
	uint64_t generation;
	struct digest digest; // of all but generation, digest and checksum
	uint64_t checksum;    // of the header with this field zero
	uint64_t pattern_digest;
	uint64_t names_seed[2];
	struct siphash_key relay_key;
	uint32_t body_bytes_max;
	uint32_t n_names;
	struct image_text stamp; // all zero: none
	struct image_extent sections[SECTION_N];
};

struct image_pattern_row {
	struct image_text expression;
	uint32_t flags;
	uint32_t list;
	uint32_t peer;
	image_rule_id rule;
};

// What a peer proves itself by: a host, or a fingerprint; the other one is zero.
struct image_identity_row {
	struct image_text host;
	uint8_t fingerprint[IMAGE_FINGERPRINT_BYTES];
};

// What a named hop is the key of.
struct image_hop_row {
	uint8_t key[16];
	struct image_text name;
	uint32_t kind; // enum hop_kind
};

// Bytes of one item of a section.
extern const uint32_t image_item_bytes[SECTION_N];

// Whether an image may hold it.
bool image_prefix_is_valid(const struct ip_prefix *prefix);

struct image_info image_info_of(const struct image_header *header);

// What the header must say of the bytes that it heads. bytes: a whole image, its header included.
struct digest image_digest_of(const void *bytes, size_t n_bytes);
uint64_t image_checksum_of(const struct image_header *header);
uint64_t image_pattern_digest_of(const struct image_pattern_row rows[], size_t n_rows,
	const uint8_t *text); // rows already checked
