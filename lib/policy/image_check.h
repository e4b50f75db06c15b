// SPDX-License-Identifier: BSD-3-Clause
// The checks that an image passes before anything in it is believed. Called by image_open() only.
// Each returns NULL, or why the image is refused (static text).

#pragma once

#include "lib/policy/hops.h"
#include "lib/policy/image_format.h"

struct image {
	struct image_info info;
	struct names names;
	const struct image_pattern_row *patterns;
	const struct image_peer *peers;
	const struct endpoint *hops;
	struct hops hop_set; // once all else is checked
	const struct ip_prefix *prefixes;
	const struct image_identity_row *identities;
	const struct image_hop_row *hop_names;
	const struct image_text *sources;
	const uint8_t *text;
	uint32_t n_units, n_hops, n_prefixes, n_identities, n_hop_names, n_sources, n_text_bytes;
	struct image_text stamp;
	struct hop_keys hop_keys;
};

// That n_bytes bytes are what their header says, and every section lies within them: afterwards
// sections may be pointed to and their items read.
const char *image_check_header(const void *bytes, size_t n_bytes);

// Steps of the next one, in image_check_peers.c: of the sections that peers point to.
const char *image_check_peers(const struct image *image);

// Of steps of both files: bytes that are all zero; a run of bytes of 1 to max bytes with its zero
// behind it; a rule whose source there is.
bool image_all_zero(const uint8_t *p, size_t n);
bool image_text_fits(const struct image *image, const struct image_text *text, size_t max);
bool image_rule_fits(const struct image *image, image_rule_id rule);

// That every item of every section is in range. Sections are bound, nothing else is known.
const char *image_check_items(const struct image *image);
