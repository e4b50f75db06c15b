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
#include "lib/policy/hop.h"

#define IMAGE_MAGIC        UINT64_C(0x31594c4f50524446) // "FDRPOLY1"
#define IMAGE_VERSION      3
#define IMAGE_BYTES_MAX    (UINT64_C(1) << 31)
#define IMAGE_NAMES_MAX    8000000
#define IMAGE_PATTERNS_MAX 20000
#define IMAGE_PEERS_MAX    1000000
#define IMAGE_SOURCES_MAX  255 // sources of rules; the number 255 belongs to IMAGE_RULE_NONE
#define IMAGE_LINE_MAX     0xffffff
// That the relay opens to a next hop reached by a stream, at once (FEATURES T1).
#define IMAGE_CONNECTIONS_MAX     4
#define IMAGE_CONNECTIONS_DEFAULT 4
// Hosts or fingerprints that a peer may prove itself by.
#define IMAGE_IDENTITIES_MAX    16
#define IMAGE_FINGERPRINT_BYTES 32 // SHA-256
// Of the name of the stamp's header field.
#define IMAGE_STAMP_BYTES_MAX 64
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

// What of a peer a connection with an identity must have proved (FEATURES T2, RFC 5922).
enum image_identity {
	IMAGE_IDENTITY_DOMAIN,      // the very domain that a request is from
	IMAGE_IDENTITY_HOST,        // one of the peer's hosts
	IMAGE_IDENTITY_FINGERPRINT, // one of the peer's certificates
	IMAGE_IDENTITY_N,
};

// What becomes of the stamp of a request that comes in from outside (FEATURES P5).
enum image_verification {
	IMAGE_VERIFICATION_ALWAYS, // verified, whether the peer says so or nothing
	IMAGE_VERIFICATION_NEVER,  // unverified, whatever the peer says
	IMAGE_VERIFICATION_SOURCE, // what the peer says; refused where it says nothing
	IMAGE_VERIFICATION_N,
};

enum image_peer_flag {
	// It has no hops: where a domain of its is, DNS says (HOP_DOMAIN of that domain).
	IMAGE_PEER_DISCOVERED = 1 << 0,
};

// One organisation: a local domain's servers, or a partner's.
struct image_peer {
	uint32_t first_hop, n_hops;       // next hops, tried by rendezvous hash
	uint32_t first_source, n_sources; // prefixes that its requests come from
	image_rule_id rule;
	uint32_t first_identity, n_identities; // its hosts or fingerprints
	uint32_t certificate; // of ours that is shown for a local domain, by image_certificate_id()
	uint8_t connections;  // to each of its hops that is reached by a stream: 1 to the most
	uint8_t flags;        // enum image_peer_flag
	uint8_t identity;     // enum image_identity
	uint8_t verification; // enum image_verification
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
// What a hop of family IP_NAMED is the key of. False where it is none of the image's hops.
bool image_hop_name(const struct image *image, const struct ip_addr *key, enum hop_kind *kind,
	struct view *name);
// What the keys of named hops are made under.
const struct hop_keys *image_hop_keys(const struct image *image);
const struct ip_prefix *image_sources(const struct image *image, const struct image_peer *peer);

// Whether a request of the peer may come from this address. A peer without sources has none.
bool image_peer_covers(
	const struct image *image, const struct image_peer *peer, const struct ip_addr *ip);

// The index-th of the hosts that a peer proves itself by, canonical; or of the fingerprints.
// index < n_identities, of a peer with that identity.
struct view image_host(const struct image *image, const struct image_peer *peer, uint32_t index);
const uint8_t *image_fingerprint(
	const struct image *image, const struct image_peer *peer, uint32_t index);

// Name of the header field that the stamp stands in; empty: there is no stamp.
struct view image_stamp(const struct image *image);

// What a certificate of the document is known by: a hash of its name, never 0, which is the default
// one's.
uint32_t image_certificate_id(struct view name);

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
