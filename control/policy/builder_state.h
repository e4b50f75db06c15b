// SPDX-License-Identifier: BSD-3-Clause
// What a builder has gathered: written by builder.c and builder_peers.c, laid out as an image by
// builder_finish.c.

#pragma once

#include "control/policy/buffer.h"
#include "control/policy/builder.h"
#include "lib/policy/image_format.h"

struct builder_name {
	uint64_t hash;
	uint32_t unit; // of its record in units
};

// Finds names added twice. High half of the hash, so that a wrong name is seldom looked at.
struct builder_slot {
	uint32_t hash_high;
	uint32_t name_plus_1; // 0: free
};

struct builder {
	struct builder_settings settings;
	uint64_t seed[2];
	struct buffer names;      // struct builder_name
	struct buffer units;      // struct name_record, see names.h
	struct buffer patterns;   // struct image_pattern_row
	struct buffer peers;      // struct image_peer
	struct buffer hops;       // struct endpoint
	struct buffer prefixes;   // struct ip_prefix
	struct buffer identities; // struct image_identity_row
	struct buffer hop_names;  // struct image_hop_row, a name as often as it was given
	struct buffer sources;    // struct image_text
	struct buffer text;       // bytes
	struct builder_slot *slots;
	uint64_t slot_mask;
	struct hop_keys hop_keys;
	struct image_text stamp;
};

// Copies text, a NUL behind it. 0, -ENOSPC or -ENOMEM.
int builder_add_text(struct builder *b, struct view text, struct image_text *out);
bool builder_rule_is_known(const struct builder *b, image_rule_id rule);
