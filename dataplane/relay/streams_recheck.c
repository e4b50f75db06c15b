// SPDX-License-Identifier: BSD-3-Clause
// Connections under a policy that is younger than they are. A walk over all of them, a bounded part
// of it with each call, so that no turn is long.

#include "dataplane/relay/streams_state.h"

// Of places looked at in a call: one that is free costs one, one with a connection to be judged as
// much as its look-up takes longer.
#define STEP_COST  4096
#define JUDGE_COST 16

void stream_set_sender(struct streams *s, struct stream *st, uint32_t hash, struct view name)
{
	uint32_t former = st->sender;

	if (sender_is(&s->senders, former, hash))
		return;
	// Given back first: there is a place then at least where nobody else had it.
	st->sender = SENDER_NONE;
	senders_put(&s->senders, former);
	st->sender = senders_get(&s->senders, hash, name);
}

// REASON_none, or why it is to be closed. One without identity that nobody was accepted on is
// nobody's: nothing can have come through it. Where those of ours go is egress's to know.
static enum reason judge(struct streams *s, const struct stream *st)
{
	uint64_t serial;
	const struct card *card = stream_card(s, st, &serial);
	struct endpoint remote = stream_remote(st);
	enum reason reason = REASON_none;

	if ((st->flags & STREAM_CLOSING) != 0)
		return REASON_none;
	if (card != NULL && relay_blocks(s->config.relay, card))
		return REASON_session_blocked;
	if ((st->flags & STREAM_OURS) != 0 || st->sender == SENDER_NONE)
		return REASON_none;
	if (st->sender != SENDER_LOST)
		reason = relay_judge_sender(s->config.relay, st->listener,
			sender_name(&s->senders, st->sender), &remote.ip, card);
	return st->sender == SENDER_LOST || reason != REASON_none ? REASON_sip_stream_refused
								  : REASON_none;
}

void streams_recheck(struct streams *s)
{
	s->n_recheck = s->config.n_conns;
	egress_recheck(s->egress);
}

void streams_recheck_on(struct streams *s, uint64_t now)
{
	unsigned cost = 0;

	while (s->n_recheck > 0 && cost < STEP_COST) {
		struct stream *st = &s->list[--s->n_recheck];
		enum reason reason;

		cost++;
		if (!stream_is_used(st))
			continue;
		reason = judge(s, st);
		if (reason != REASON_none)
			stream_close(s, st, reason, now);
		cost += JUDGE_COST;
	}
}
