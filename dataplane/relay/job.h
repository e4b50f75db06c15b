// SPDX-License-Identifier: BSD-3-Clause
// All state of a relay, and the stages that a message goes through: read (relay.c) → judge for
// the whole burst (relay.c) → forward.c, answer.c or response.c, which write what leaves.
// One thread's.

#pragma once

#include "dataplane/relay/marks.h"
#include "dataplane/relay/relay.h"
#include "dataplane/relay/request.h"
#include "dataplane/relay/self.h"
#include "lib/policy/domain.h"

struct hop {
	const struct endpoint *to; // in the image, or struct found's
	uint16_t listener;         // leaves by
	uint8_t connections;       // that it may have of ours, where it is reached by a stream
};

// Where a request goes to a peer that DNS finds. Beside the jobs, which are dense without it.
struct found {
	struct endpoint to;
	struct domain domain;
};

// A stamp as it leaves by a listener: its name, a host's, and what else there is to it.
#define STAMP_LINE_BYTES 254
struct stamp_line {
	uint16_t len;
	uint8_t bytes[STAMP_LINE_BYTES];
};

// One message under way.
struct job {
	const struct relay_in *in;
	struct relay_out *out;
	uint64_t loop;        // its loop digest
	uint16_t fault;       // enum reason, of what relay_read() read
	uint32_t pair_hash;   // of the domains of From and To, once judged
	uint32_t sender_hash; // of the domain of From alone
	uint32_t own_peer;    // the local domain's, whose certificate is shown
	uint32_t to_hash;     // of the domain that it is for
	struct view to;       // as it was asked about
	uint8_t stamp;        // enum stamp_mark
	// Of a request that leaves.
	struct hop hop;
	struct marks_via marks;
	struct request request;
	struct sip_message message;
};

// Also where the body is yet to come.
static inline size_t job_body_bytes(const struct job *job)
{
	return job->in->is_head ? job->message.content_length : job->message.body.len;
}

struct relay {
	struct self self;
	struct marks marks;
	struct decider *decider;   // NULL: no policy
	const struct image *image; // NULL with it
	struct view stamp;         // name of its header field; empty: none
	uint32_t body_bytes_max;
	uint16_t worker;
	uint64_t *counters;
	struct siphash_key fallback_key; // until there is a policy
	// The requests of a burst that the policy is asked about, in its order.
	unsigned n_asked;
	struct job *asked[RELAY_BURST];
	struct policy_query queries[RELAY_BURST];
	struct verdict verdicts[RELAY_BURST];
	// Those of them that are allowed and have a next hop, and by which rule.
	unsigned n_leaving;
	struct job *leaving[RELAY_BURST];
	image_rule_id rules[RELAY_BURST];
	struct job jobs[RELAY_BURST];
	struct domain requester;                               // of relay_reopen()
	struct found found[RELAY_BURST];                       // as jobs
	struct stamp_line stamp_lines[RELAY_LISTENERS_MAX][2]; // verified, unverified
};

// forward.c: an allowed request, in three steps. Its next hop and stamp: REASON_none, or why there
// is none. to: the domain that it is for, as it was asked about.
enum reason forward_route(
	struct relay *r, struct job *job, const struct verdict *verdict, struct view to);
// What its Via is made of, for n ≤ MARKS_AT_ONCE of them.
void forward_mark(const struct relay *r, struct job *const jobs[], unsigned n);
// Writes it to job->out. REASON_sip_request_relayed; or why not, with nothing written.
enum reason forward_write(const struct relay *r, struct job *job);

// answer.c: writes the response that the relay itself gives to a request. Nothing is written for
// an ACK, for a request without Via, or where it does not fit.
void answer_ok(const struct relay *r, struct job *job);
void answer_refusal(const struct relay *r, struct job *job, enum reason reason, image_rule_id rule);
// The same to a request as this relay wrote it: its topmost Via is ours and stays out.
void answer_undeliverable(const struct relay *r, struct job *job, enum reason reason);

// response.c: sends a response the way back. REASON_sip_response_relayed, or why not.
enum reason response_relay(const struct relay *r, struct job *job);
// The way back in the topmost Via of a response that came in on side, or of a request that was to
// leave on it. False where that Via is not authentically ours.
bool response_find_way(
	const struct relay *r, const struct sip_via *via, unsigned side, struct way_back *way);
// Where a message on its way back goes.
void response_aim(const struct relay *r, const struct way_back *way, struct relay_out *out);
