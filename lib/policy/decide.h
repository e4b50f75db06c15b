// SPDX-License-Identifier: BSD-3-Clause
// The one decision function: may this From reach this To, under which rule, and by which next hop.
// The worker, `fedctl explain` and the tests call the same one.
//
// A verdict is the first of these that holds. That there is a policy at all is the caller's to say
// (REASON_no_policy).
//
//   1  federation or SIP is off, except between local   federation_off, sip_off
//      domains inside
//   2  From or To is missing, or no domain name         from_no_domain, to_no_domain,
//                                                       domain_invalid
//   3  From, then To, is blocked                        from_blocked, to_blocked
//   4  From is on no list                               from_unlisted
//   5  From is not on its side of the border            from_local_outside, from_remote_inside
//   6  what the connection has proved is not From,      identity_unproved
//      or, without a card, the source address is not
//      one of From's                                    source_undeclared
//   7  To is on no list                                 to_unlisted
//   8  neither is local                                 remote_to_remote
//   9  otherwise                                        allowed_local, allowed_partner
//
// Thread: a struct decider belongs to one thread. No allocation after decider_new().

#pragma once

#include "lib/base/reason.h"
#include "lib/policy/card.h"
#include "lib/policy/match.h"

#define DECIDE_BURST_MAX (MATCH_BURST_MAX / 2)

struct policy_query {
	struct view from; // domain of the sender, in any spelling
	struct view to;   // domain that the message is for
	uint8_t side;     // enum side of the listener it came in by
	// Where it came from; family IP_NONE: not judged (explain without one).
	struct ip_addr source;
	// Who the other end of its connection has proved to be, which is then judged in the
	// source's place; NULL: nobody. Checked by card_check().
	const struct card *card;
	// Of a card, for as long as the decider lives: no other one has it. What that card has
	// proved is remembered. 0: it has none.
	uint64_t card_serial;
};

struct verdict {
	bool allowed;
	uint8_t egress; // enum side it leaves by, when allowed
	// enum image_verification of From's peer, when allowed by a card or a source.
	uint8_t verification;
	uint16_t reason;    // enum reason
	image_rule_id rule; // the entry that decided, IMAGE_RULE_NONE for none
	uint32_t peer;      // whose next hops it goes to, when allowed, else IMAGE_PEER_NONE
	uint32_t pair_hash; // of the canonical From and To domains, for placement
	uint64_t generation;
	struct match from, to; // the path to the verdict
};

// Scratch memory and verdict cache of one thread.
struct decider;

// policy: copied; what it points to outlives the decider. cache_slots: remembered names, 128 B
// each, rounded up to a power of two; 0 for none. NULL with errno ENOMEM.
struct decider *decider_new(const struct policy *policy, size_t cache_slots);
void decider_free(struct decider *d);

// Judges n ≤ DECIDE_BURST_MAX queries; look-ups of one burst overlap their cache misses. Adds to
// the hit counters.
void policy_decide(
	struct decider *d, const struct policy_query query[], struct verdict verdict[], unsigned n);

// Asks d, which nobody uses yet, what former was lately asked, so that the first bursts after a
// swap find its caches filled: at full load, looking up every name anew at once would overrun the
// receive queues. Counts no hits. former may be in use by its thread meanwhile: what is read of it
// may be torn, and is then a question that nobody will ask.
void decider_warm(struct decider *d, const struct decider *former);

// Only whether the name is blocked, for names that do not route: the Request-URI behind a Route,
// the To header of a retargeted request. Counts a hit where it is.
bool policy_blocks(struct decider *d, struct view name, struct match *match);

// Whose servers a domain has: of a local domain or partner, else IMAGE_PEER_NONE. For what does not
// ask for a verdict; counts no hit.
uint32_t policy_peer_of(struct decider *d, struct view name);

// Steps 1 to 6 for a sender alone, whoever it sends to: REASON_none, or why all that it says is
// refused. For a connection that was accepted by another policy; q->to is not read. Counts no hit.
enum reason policy_judge_sender(struct decider *d, const struct policy_query *q);

// Times each entry decided, entries as in struct match; n_names + n_patterns of them. What allowed
// a message is the partner's entry, and between local domains that of To.
// Written by the decider's thread; others may read it with relaxed loads.
const uint64_t *decider_hits(const struct decider *d, size_t *n);
