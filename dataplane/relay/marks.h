// SPDX-License-Identifier: BSD-3-Clause
// What the relay writes into messages to know them again without keeping state: the Via branch,
// the way back, the loop digest and the To tag of its refusals. All of them are keyed with the
// policy image's relay key, so they hold over restarts and in every relay that shares the key.
// Pure; one thread.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/siphash.h"
#include "lib/base/text.h"

// Parameters of our own in our Via.
#define MARKS_WAY_PARAM  "fr-way"
#define MARKS_LOOP_PARAM "fr-loop"

#define MARKS_BRANCH_COOKIE "z9hG4bK" // RFC 3261 §8.1.1.7
#define MARKS_BRANCH_BYTES  (sizeof(MARKS_BRANCH_COOKIE) - 1 + TEXT_HEX64_BYTES)
#define MARKS_TAG_PREFIX    "fr"
#define MARKS_TAG_BYTES     (sizeof(MARKS_TAG_PREFIX) - 1 + TEXT_HEX64_BYTES)

// One hash for each purpose, already fed with the purpose's own first word: a value made for one
// of them is never valid for another.
struct marks {
	struct siphash branch, way, tag;
	uint64_t loop; // seed
};

void marks_init(struct marks *k, const struct siphash_key *key);

// The branch's hash: of the received top Via where its branch carries the magic cookie, so that
// INVITE, CANCEL and ACK agree (RFC 3261 §16.11).
uint64_t marks_branch(const struct marks *k, struct view sent_by, struct view branch);
// Without the cookie, of what those three have in common.
uint64_t marks_branch_2543(const struct marks *k, struct view call_id, struct view from_tag,
	uint32_t cseq, struct view request_uri);

// Equal when a request comes back with everything unchanged that decides its way (RFC 3261 §16.6
// step 8, RFC 5393 §4.2). Leaves out the To tag and the Via. Only quickly hashed: who forges one
// has his own request refused.
struct marks_loop {
	struct view request_uri;
	struct view target; // URI of the Route that it goes to, empty without
	struct view call_id, from_tag;
	uint32_t cseq;
	uint8_t side;
};

uint64_t marks_loop(const struct marks *k, const struct marks_loop *input);

// The To tag of a refusal, from what its ACK has in common with the refused request.
uint64_t marks_tag(const struct marks *k, struct view call_id, struct view from_tag, uint32_t cseq);
// Whether tag is the one for that hash.
bool marks_tag_is(struct view tag, uint64_t hash);

// Where the response to a request goes.
struct way_back {
	uint16_t worker;
	uint8_t listener;
	uint64_t conn;      // that the request came by, of the worker; 0: a datagram
	struct endpoint to; // its transport is the listener's and does not travel
	uint64_t branch;    // out: hash in the branch of the Via that carried it; not in the text
};

// Longest text: IPv6, of a connection.
#define WAY_BACK_TEXT_BYTES 52

#define WAY_BACK_BYTES 39

// What the text says, in bytes; mac: marks_way()'s. How many.
unsigned way_back_lay_out(const struct way_back *way, uint64_t mac, uint8_t bytes[WAY_BACK_BYTES]);
void way_back_add(struct text *t, const uint8_t bytes[], unsigned n_bytes);
// branch: text of the Via's, with its cookie. 0; or -EINVAL for a text that was not made with this
// key, branch and side.
int way_back_parse(const struct marks *k, struct view text, struct view branch, unsigned ingress,
	struct way_back *out);
// branch: hash in the branch of the Via that carries the way. egress: enum side on which the
// request leaves and the response must come back; both are under the MAC.
uint64_t marks_way(
	const struct marks *k, const struct way_back *way, uint64_t branch, unsigned egress);

// What the Via of a request that leaves is made of.
struct marks_via {
	struct view sent_by, branch; // of the received top Via; no branch: branch_hash is there
	struct way_back way;
	uint8_t egress;
	// out
	uint64_t branch_hash; // marks_branch()
	uint8_t n_way_bytes;
	uint8_t way_bytes[WAY_BACK_BYTES]; // way_back_lay_out()
};

#define MARKS_AT_ONCE 4

// Fills in n ≤ MARKS_AT_ONCE of them: where the machine has AVX2, in less than half the time that
// they would take one by one.
void marks_make(const struct marks *k, struct marks_via *const list[], unsigned n);
