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
	const struct image_text *sources;
	const uint8_t *text;
	uint32_t n_units, n_hops, n_prefixes, n_sources, n_text_bytes;
};

// That n_bytes bytes are what their header says, and every section lies within them: afterwards
// sections may be pointed to and their items read.
const char *image_check_header(const void *bytes, size_t n_bytes);

// That every item of every section is in range. Sections are bound, nothing else is known.
const char *image_check_items(const struct image *image);
