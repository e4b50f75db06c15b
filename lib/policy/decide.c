// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/decide.h"

#include "lib/base/pages.h"
#include "lib/base/side.h"
#include "lib/policy/identity.h"
#include "lib/policy/mix.h"
#include "lib/policy/name_cache.h"

#include <errno.h>
#include <stdlib.h>

struct decider {
	const struct image *image;
	uint64_t generation;
	uint32_t flags; // enum image_flag
	struct matcher *matcher;
	uint64_t *hits;
	size_t n_hits;
};

// Whose entry decided.
enum decided_by {
	BY_NONE,
	BY_FROM,
	BY_TO,
};

// All that is judged of two names before who sends is.
struct judgement {
	const struct match *from, *to;
	uint16_t reason;
	uint8_t by; // enum decided_by
	uint8_t egress;
	bool allowed;
	bool needs_source; // From has passed; its card or source address is the next to be judged
};

struct decider *decider_new(const struct policy *policy, size_t cache_slots)
{
	const struct image_info *info = image_info(policy->image);
	struct decider *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->image = policy->image;
	d->generation = info->generation;
	d->flags = info->flags;
	d->n_hits = (size_t)info->n_names + info->n_patterns;
	// Touched here, so that no page of it faults in the worker, to whom the first burst after a
	// swap costs enough.
	d->hits = pages_alloc(d->n_hits * sizeof(*d->hits));
	d->matcher = matcher_new(policy, cache_slots);
	if (d->hits == NULL || d->matcher == NULL) {
		decider_free(d);
		errno = ENOMEM;
		return NULL;
	}
	return d;
}

void decider_free(struct decider *d)
{
	if (d == NULL)
		return;
	matcher_free(d->matcher);
	free(d->hits);
	free(d);
}

static void count_hit(struct decider *d, uint32_t entry)
{
	if (entry < d->n_hits)
		__atomic_store_n(&d->hits[entry], d->hits[entry] + 1, __ATOMIC_RELAXED);
}

const uint64_t *decider_hits(const struct decider *d, size_t *n)
{
	*n = d->n_hits;
	return d->hits;
}

static bool is_on(const struct match *match, enum image_list list)
{
	return match->kind < MATCH_NONE && match->list == list;
}

static void refuse(struct judgement *j, enum reason reason, enum decided_by by)
{
	j->reason = (uint16_t)reason;
	j->by = (uint8_t)by;
}

static void allow(struct judgement *j, bool from_local, bool to_local)
{
	j->allowed = true;
	j->reason = from_local && to_local ? REASON_allowed_local : REASON_allowed_partner;
	j->egress = to_local ? SIDE_INSIDE : SIDE_OUTSIDE;
	j->by = from_local ? BY_TO : BY_FROM;
}

// Steps 1 to 3 of decide.h: what needs no knowledge of the border. Whether it refused.
static bool refuse_name(const struct decider *d, const struct policy_query *q, struct judgement *j)
{
	const struct match *from = j->from, *to = j->to;
	bool within = q->side == SIDE_INSIDE && is_on(from, IMAGE_LOCAL) && is_on(to, IMAGE_LOCAL);

	if ((d->flags & IMAGE_FEDERATION_ON) == 0 && !within)
		refuse(j, REASON_federation_off, BY_NONE);
	else if ((d->flags & IMAGE_SIP_ON) == 0 && !within)
		refuse(j, REASON_sip_off, BY_NONE);
	else if (q->from.len == 0)
		refuse(j, REASON_from_no_domain, BY_NONE);
	else if (q->to.len == 0)
		refuse(j, REASON_to_no_domain, BY_NONE);
	else if (from->kind == MATCH_INVALID || to->kind == MATCH_INVALID)
		refuse(j, REASON_domain_invalid, BY_NONE);
	else if (is_on(from, IMAGE_BLOCK))
		refuse(j, REASON_from_blocked, BY_FROM);
	else if (is_on(to, IMAGE_BLOCK))
		refuse(j, REASON_to_blocked, BY_TO);
	else
		return false;
	return true;
}

// Steps 4 and 5. Whether it refused.
static bool refuse_side(const struct policy_query *q, struct judgement *j)
{
	bool from_local = is_on(j->from, IMAGE_LOCAL);

	if (j->from->kind == MATCH_NONE)
		refuse(j, REASON_from_unlisted, BY_NONE);
	else if (from_local != (q->side == SIDE_INSIDE))
		refuse(j, from_local ? REASON_from_local_outside : REASON_from_remote_inside,
			BY_FROM);
	else
		return false;
	return true;
}

// Another one when From and To change places: each has a constant of its own.
static uint32_t pair_hash(const struct match *from, const struct match *to)
{
	return (uint32_t)(mix_multiply(from->domain_hash ^ 0x9e3779b97f4a7c15,
				  to->domain_hash ^ 0xd1b54a32d192ed03) >>
		16);
}

// All steps but the sixth, which j->needs_source leaves to judge_sender().
static void judge(const struct decider *d, const struct policy_query *q, struct judgement *j)
{
	bool from_local = is_on(j->from, IMAGE_LOCAL), to_local = is_on(j->to, IMAGE_LOCAL);

	j->by = BY_NONE;
	j->egress = SIDE_OUTSIDE;
	j->allowed = false;
	j->needs_source = false;
	if (refuse_name(d, q, j) || refuse_side(q, j))
		return;
	j->needs_source = true;
	if (j->to->kind == MATCH_NONE)
		refuse(j, REASON_to_unlisted, BY_NONE);
	else if (!from_local && !to_local)
		refuse(j, REASON_remote_to_remote, BY_FROM);
	else
		allow(j, from_local, to_local);
}

// What is left to do once everything else about a query is judged.
struct rest {
	const struct image_peer *peer; // whom the card or the source is judged by; NULL: neither is
	uint32_t entry;                // to be counted
};

static void count_ahead(const struct decider *d, struct rest *rest, uint32_t entry)
{
	rest->entry = entry;
	if (entry < d->n_hits)
		__builtin_prefetch(&d->hits[entry], 1);
}

// Gives a judgement out. What the rest needs lies anywhere in the image: it is on its way while the
// burst's other queries are judged. known: what is remembered of From, or NULL.
static void give(const struct decider *d, const struct policy_query *q, const struct judgement *j,
	const struct name_slot *known, struct verdict *verdict, struct rest *rest)
{
	const struct match *by = j->by == BY_FROM ? j->from : j->by == BY_TO ? j->to : NULL;
	const bool sender_is_known = known != NULL && name_slot_knows(known, q);

	verdict->allowed = j->allowed;
	verdict->egress = j->egress;
	verdict->verification =
		sender_is_known ? known->verification : (uint8_t)IMAGE_VERIFICATION_ALWAYS;
	verdict->reason = j->reason;
	verdict->rule = by != NULL ? by->rule : IMAGE_RULE_NONE;
	verdict->peer = j->allowed ? j->to->peer : IMAGE_PEER_NONE;
	verdict->pair_hash = pair_hash(j->from, j->to);
	verdict->generation = d->generation;
	verdict->from = *j->from;
	verdict->to = *j->to;
	count_ahead(d, rest, by != NULL ? by->entry : IMAGE_ENTRY_NONE);
	rest->peer = NULL;
	if (j->needs_source && !sender_is_known &&
		(q->card != NULL || q->source.family != IP_NONE)) {
		rest->peer = image_peer_at(d->image, j->from->peer);
		__builtin_prefetch(rest->peer);
	}
}

// Step 6. REASON_none, or why the sender is none of From's.
static enum reason refuse_sender(
	const struct decider *d, const struct policy_query *q, const struct image_peer *peer)
{
	if (q->card != NULL) {
		if (identity_proves(d->image, peer, q->card, q->from))
			return REASON_none;
		// Whoever looks into it finds the domain in the certificate.
		return q->card->n_left_out > 0 && peer->identity != IMAGE_IDENTITY_FINGERPRINT
			? REASON_identity_left_out
			: REASON_identity_unproved;
	}
	return image_peer_covers(d->image, peer, &q->source) ? REASON_none
							     : REASON_source_undeclared;
}

// Whether step 6 was passed.
static bool judge_sender(const struct decider *d, const struct policy_query *q,
	struct verdict *verdict, struct rest *rest)
{
	enum reason reason = refuse_sender(d, q, rest->peer);

	verdict->verification = rest->peer->verification;
	if (reason == REASON_none)
		return true;
	verdict->allowed = false;
	verdict->peer = IMAGE_PEER_NONE;
	verdict->reason = (uint16_t)reason;
	verdict->rule = verdict->from.rule;
	rest->entry = verdict->from.entry;
	return false;
}

static void finish(struct decider *d, const struct policy_query query[], struct verdict verdict[],
	struct rest rest[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (rest[i].peer != NULL && query[i].card == NULL)
			__builtin_prefetch(image_sources(d->image, rest[i].peer));
	}
	for (unsigned i = 0; i < n; i++) {
		if (rest[i].peer != NULL && judge_sender(d, &query[i], &verdict[i], &rest[i])) {
			struct name_slot *slot = matcher_slot(d->matcher, query[i].from);

			if (slot != NULL)
				name_slot_learn(slot, &query[i], verdict[i].verification);
		}
		count_hit(d, rest[i].entry);
	}
}

void policy_decide(
	struct decider *d, const struct policy_query query[], struct verdict verdict[], unsigned n)
{
	struct view names[MATCH_BURST_MAX];
	struct match matches[MATCH_BURST_MAX];
	struct name_slot *slots[MATCH_BURST_MAX];
	struct rest rest[DECIDE_BURST_MAX];

	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		names[2 * i] = query[i].from;
		names[2 * i + 1] = query[i].to;
	}
	matcher_find_slots(d->matcher, names, matches, slots, 2 * n);
	for (unsigned i = 0; i < n; i++) {
		if (slots[2 * i] != NULL)
			name_slot_prefetch_known(slots[2 * i], &query[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		const struct name_slot *from = slots[2 * i];
		struct judgement j = {.from = &matches[2 * i], .to = &matches[2 * i + 1]};

		judge(d, &query[i], &j);
		give(d, &query[i], &j, from, &verdict[i], &rest[i]);
	}
	for (unsigned i = 0; i < 2 * n; i++) {
		if (slots[i] == NULL)
			matcher_remember(d->matcher, names[i], &matches[i]);
	}
	finish(d, query, verdict, rest, n);
}

void decider_warm(struct decider *d, const struct decider *former)
{
	matcher_warm(d->matcher, former->matcher);
}

bool policy_blocks(struct decider *d, struct view name, struct match *match)
{
	matcher_find(d->matcher, &name, match, 1);
	if (!is_on(match, IMAGE_BLOCK))
		return false;
	count_hit(d, match->entry);
	return true;
}

enum reason policy_judge_sender(struct decider *d, const struct policy_query *q)
{
	// Inside there may be somebody local whom it sends to.
	struct policy_query query = *q;
	struct match match;
	struct judgement j = {.from = &match, .to = &match};

	query.to = q->from;
	matcher_find(d->matcher, &query.from, &match, 1);
	if (refuse_name(d, &query, &j) || refuse_side(&query, &j))
		return (enum reason)j.reason;
	if (q->card == NULL && q->source.family == IP_NONE)
		return REASON_none;
	return refuse_sender(d, q, image_peer_at(d->image, match.peer));
}

uint32_t policy_peer_of(struct decider *d, struct view name)
{
	struct match match;

	matcher_find(d->matcher, &name, &match, 1);
	return match.kind < MATCH_NONE ? match.peer : IMAGE_PEER_NONE;
}
