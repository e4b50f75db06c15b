// SPDX-License-Identifier: BSD-3-Clause
// The policy image: topology, lists and patterns as one flat, position-independent run of bytes.
//
// Control builds it (control/policy), the dataplane checks its own copy of it and looks names up
// in it; control's `explain` looks them up in the very same bytes. Nothing in it is a pointer and
// nothing in it is believed before image_open() has passed on memory that its maker cannot write.
//
// The layout is image_format.h's: a header, then sections. Little endian, cache-line aligned. The
// relay's keys are in it: it is a secret.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/side.h"
#include "lib/base/siphash.h"
#include "lib/base/view.h"

#define IMAGE_MAGIC        UINT64_C(0x31594c4f50524446) // "FDRPOLY1"
#define IMAGE_VERSION      2
#define IMAGE_BYTES_MAX    (UINT64_C(1) << 31)
#define IMAGE_NAMES_MAX    8000000
#define IMAGE_PATTERNS_MAX 20000
#define IMAGE_PEERS_MAX    1000000
#define IMAGE_SOURCES_MAX  255 // sources of rules; the number 255 belongs to IMAGE_RULE_NONE
#define IMAGE_LINE_MAX     0xffffff
// That the relay opens to a next hop reached by a stream, at once (FEATURES T1).
#define IMAGE_CONNECTIONS_MAX     4
#define IMAGE_CONNECTIONS_DEFAULT 4
// Of an expression; a wildcard of PATTERN_BYTES_MAX grows when it becomes one.
#define IMAGE_EXPRESSION_BYTES_MAX 8192
#define IMAGE_DIGEST_BYTES         16

enum image_flag {
	IMAGE_FEDERATION_ON = 1 << 0,
	IMAGE_SIP_ON = 1 << 1,
};

// What a name or pattern says of the domains that it covers.
enum image_list {
	IMAGE_LOCAL, // one of ours; has a peer
	IMAGE_ALLOW, // a partner; has a peer
	IMAGE_BLOCK, // has none
};

#define IMAGE_PEER_NONE  UINT32_MAX
#define IMAGE_ENTRY_NONE UINT32_MAX

// Which entry decided: the source (a section of the document or a list file) in the upper 8 bits,
// the line in it in the lower 24.
typedef uint32_t image_rule_id;
#define IMAGE_RULE(source, line) ((image_rule_id)(source) << 24 | (line))
#define IMAGE_RULE_NONE          UINT32_MAX

// One organisation: a local domain's servers, or a partner's.
struct image_peer {
	uint32_t first_hop, n_hops;       // next hops, tried by rendezvous hash
	uint32_t first_source, n_sources; // prefixes that its requests come from
	image_rule_id rule;
	uint8_t connections; // to each of its hops that is reached by a stream: 1 to the most
	uint8_t zero[3];
};

// An image that passed its check: sections as typed pointers into the checked bytes.
// Immutable; shared by all threads of a process for as long as the bytes live.
struct image;
struct names;

struct image_info {
	uint64_t generation;
	uint8_t digest[IMAGE_DIGEST_BYTES]; // of everything but generation and digest
	uint32_t flags;                     // enum image_flag
	uint32_t n_names, n_patterns, n_peers;
	uint32_t body_bytes_max;      // SIP bodies over it are refused
	uint64_t pattern_digest;      // equal digests: the same pattern set in the same order
	struct siphash_key relay_key; // Via and To tag MACs
};

// Checks bytes whole: header, every offset, count, index, string, checksum, and that every name is
// found by its own look-up in bounded time. bytes: 64-byte aligned (huge pages save a third of a
// look-up among a million names), n_bytes of them, owned by the caller, who keeps them unchanged
// until image_close(). About 0.1 s for a million names. NULL with errno EBADMSG, and why in *error
// (static text); or ENOMEM.
struct image *image_open(const void *bytes, size_t n_bytes, const char **error);
void image_close(struct image *image);

const struct image_info *image_info(const struct image *image);
const struct names *image_names(const struct image *image);
const struct image_peer *image_peer_at(const struct image *image, uint32_t peer); // NULL: no such
const struct endpoint *image_hops(const struct image *image, const struct image_peer *peer);
// Whether any peer has this one.
bool image_has_hop(const struct image *image, const struct endpoint *hop);
const struct ip_prefix *image_sources(const struct image *image, const struct image_peer *peer);

// Whether a request of the peer may come from this address. A peer without sources has none.
bool image_peer_covers(
	const struct image *image, const struct image_peer *peer, const struct ip_addr *ip);

// Name of the source of a rule, for people: "block", "lists/bad.txt", …; "?" where there is none.
struct view image_rule_source(const struct image *image, image_rule_id rule);
static inline uint32_t image_rule_line(image_rule_id rule)
{
	return rule & IMAGE_LINE_MAX;
}

struct image_pattern {
	struct view expression; // PCRE subset that Hyperscan takes, NUL-terminated after its end
	uint32_t flags;         // Hyperscan's compile flags
	uint8_t list;           // enum image_list
	uint32_t peer;          // IMAGE_PEER_NONE for IMAGE_BLOCK
	image_rule_id rule;
};

// The index-th pattern, which is also its Hyperscan id. index < n_patterns.
struct image_pattern image_pattern_at(const struct image *image, uint32_t index);
