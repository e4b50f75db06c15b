// SPDX-License-Identifier: BSD-3-Clause
// Builds a policy image out of names, patterns and peers that the document's compiler gives it.
// One thread. Deterministic: the same calls give the same bytes and digest.

#pragma once

#include "lib/policy/domain.h"
#include "lib/policy/image.h"

struct builder;

struct builder_settings {
	uint32_t flags; // enum image_flag
	uint32_t body_bytes_max;
	uint8_t relay_key[SIPHASH_KEY_BYTES];
};

struct builder *builder_new(const struct builder_settings *settings); // NULL with errno ENOMEM
void builder_free(struct builder *b);

// Registers where rules come from; text is copied. Its number, -ENOSPC after 255, or -ENOMEM.
int builder_add_source(struct builder *b, struct view text);

// Registers an organisation. Its number, or -EINVAL (no hop where one is needed), -ENOMEM.
int64_t builder_add_peer(struct builder *b, const struct endpoint hops[], size_t n_hops,
	const struct ip_prefix sources[], size_t n_sources, image_rule_id rule);

// A name covers itself and its sub-domains. peer: UINT32_MAX for IMAGE_BLOCK.
// 0; -EEXIST where the same name is there already, with the rule of the first in *other: within
// one list a caller may ignore it, across lists the document is refused (FEATURES P4); -ENOSPC
// over IMAGE_NAMES_MAX; -ENOMEM.
int builder_add_name(struct builder *b, const struct domain *name, enum image_list list,
	uint32_t peer, image_rule_id rule, enum image_list *other_list, image_rule_id *other);

// A regular expression, searched for in the canonical name, caseless; the caller anchors it.
// builder_add_wildcard() turns `*` (any run, dots too) and `?` (any one byte) into an anchored
// one. 0, -EINVAL with a text (static) in *error, -ENOSPC, or -ENOMEM. Expressions are compiled
// one by one here, so that the error names the line.
int builder_add_regex(struct builder *b, struct view expression, enum image_list list,
	uint32_t peer, image_rule_id rule, char error[200]);
int builder_add_wildcard(struct builder *b, struct view wildcard, enum image_list list,
	uint32_t peer, image_rule_id rule, char error[200]);

// Writes the image into a new memfd, sealed WRITE|GROW|SHRINK|SEAL, owned by the caller.
// The descriptor, or -errno.
int builder_finish(struct builder *b, uint64_t generation, struct image_info *info);
