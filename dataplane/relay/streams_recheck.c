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

// One that nobody was accepted on is nobody's: nothing can have come through it. Where those of
// ours go is egress's to know.
static bool is_refused(struct streams *s, const struct stream *st)
{
	struct endpoint remote = stream_remote(st);
	uint64_t serial;

	if ((st->flags & (STREAM_OURS | STREAM_CLOSING)) != 0 || st->sender == SENDER_NONE)
		return false;
	return st->sender == SENDER_LOST ||
		relay_judge_sender(s->config.relay, st->listener,
			sender_name(&s->senders, st->sender), &remote.ip,
			stream_card(s, st, &serial)) != REASON_none;
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

		cost++;
		if (!stream_is_used(st))
			continue;
		if (is_refused(s, st))
			stream_close(s, st, REASON_sip_stream_refused, now);
		cost += JUDGE_COST;
	}
}
