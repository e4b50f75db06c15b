// SPDX-License-Identifier: BSD-3-Clause
// Builds a policy image out of names, patterns and peers that the document's compiler gives it.
// One thread. Deterministic: the same calls give the same bytes and digest. What it accepts,
// image_open() accepts.

#pragma once

#include "lib/policy/domain.h"
#include "lib/policy/hop.h"
#include "lib/policy/image.h"

struct builder;

struct builder_settings {
	uint32_t flags; // enum image_flag
	uint32_t body_bytes_max;
	uint8_t relay_key[SIPHASH_KEY_BYTES];
	struct view stamp; // the header field that it stands in, copied; empty: none
};

struct builder *builder_new(const struct builder_settings *settings); // NULL with errno ENOMEM
void builder_free(struct builder *b);

// Registers where rules come from; text is copied. Its number, -EINVAL where it is empty or holds a
// NUL, -ENOSPC after 255, or -ENOMEM.
int builder_add_source(struct builder *b, struct view text);

// Registers an organisation, with IMAGE_CONNECTIONS_DEFAULT, proved by domain, always verified. Its
// number, or -EINVAL (no hop, one without port or transport, a malformed address or prefix),
// -ENOSPC over IMAGE_PEERS_MAX, -ENOMEM. Requests of a peer without sources are all refused, unless
// their connection has proved who they are from.
int64_t builder_add_peer(struct builder *b, const struct endpoint hops[], size_t n_hops,
	const struct ip_prefix sources[], size_t n_sources, image_rule_id rule);
// One whose servers DNS says, for each of its domains.
int64_t builder_add_discovered(
	struct builder *b, const struct ip_prefix sources[], size_t n_sources, image_rule_id rule);

// What stands for a name among hops, for builder_add_peer(). 0, -EINVAL for a transport that does
// not go with it, -ENOSPC or -ENOMEM.
int builder_name_hop(struct builder *b, enum hop_kind kind, const struct domain *name,
	uint16_t port, enum transport transport, struct endpoint *hop);

// Of a registered peer: how many connections each of its hops may have; what becomes of stamps;
// which certificate of ours it is shown, or is shown for it (image_certificate_id()). 0 or -EINVAL.
int builder_set_connections(struct builder *b, uint32_t peer, unsigned connections);
int builder_set_verification(
	struct builder *b, uint32_t peer, enum image_verification verification);
int builder_set_certificate(struct builder *b, uint32_t peer, uint32_t certificate);

// What a registered peer proves itself by in the place of the sender's domain: 1 to
// IMAGE_IDENTITIES_MAX hosts, or fingerprints other than all zero. 0, -EINVAL, -ENOSPC or -ENOMEM.
int builder_set_hosts(struct builder *b, uint32_t peer, const struct domain hosts[], size_t n);
int builder_set_fingerprints(struct builder *b, uint32_t peer,
	const uint8_t fingerprints[][IMAGE_FINGERPRINT_BYTES], size_t n);

// A name covers itself and its sub-domains. peer: IMAGE_PEER_NONE for IMAGE_BLOCK.
// 0; -EEXIST where the same name is there already, with the rule of the first in *other: within
// one list a caller may ignore it, across lists the document is refused (FEATURES P4); -EINVAL
// where the list does not go with the peer or the rule; -ENOSPC over IMAGE_NAMES_MAX; -ENOMEM.
int builder_add_name(struct builder *b, const struct domain *name, enum image_list list,
	uint32_t peer, image_rule_id rule, enum image_list *other_list, image_rule_id *other);

#define PATTERN_BYTES_MAX   1000
#define PATTERN_ERROR_BYTES 200

// A regular expression, searched for in the canonical name, caseless; the caller anchors it. ASCII
// only. It is parsed here, so that the error names the line; what only shows when all patterns are
// compiled together (patterns_compile()) carries the pattern's number, and so its rule.
// 0, -EINVAL with a text in error, -ENOSPC, or -ENOMEM.
int builder_add_regex(struct builder *b, struct view expression, enum image_list list,
	uint32_t peer, image_rule_id rule, char error[PATTERN_ERROR_BYTES]);
// `*` is any run of bytes, dots too, `?` any one byte; the whole name must match. Labels without
// them may be U-labels. Results as above.
int builder_add_wildcard(struct builder *b, struct view wildcard, enum image_list list,
	uint32_t peer, image_rule_id rule, char error[PATTERN_ERROR_BYTES]);

// Writes the image into a new memfd, sealed WRITE|GROW|SHRINK|SEAL, owned by the caller.
// May be called again, also after more was added. The descriptor, -ENOSPC over IMAGE_BYTES_MAX, or
// another -errno.
int builder_finish(struct builder *b, uint64_t generation, struct image_info *info);
