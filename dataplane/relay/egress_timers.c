// SPDX-License-Identifier: BSD-3-Clause
// What time brings to slots.

#include "dataplane/relay/egress_state.h"

// Slots looked at in a call, after a change of policy: a quarter of a million a second.
#define RECHECK_SLOTS 256
// Likewise all the time, for worn keys: all 4096 within a second or two, while keys that are worn
// last as long again, eight seconds of a million messages each.
#define WORN_SLOTS 8

// What a message that has waited for too long has waited for.
static enum reason reason_of(const struct slot *s)
{
	switch ((enum slot_state)s->state) {
	case SLOT_ASKED:
		return REASON_egress_unanswered;
	case SLOT_UP:
		return REASON_egress_full;
	case SLOT_IDLE:
	case SLOT_OPENING:
	case SLOT_NEGOTIATING:
	case SLOT_CONFIRMING:
	case SLOT_REFUSED:
	case SLOT_STATE_N:
		break;
	}
	return REASON_egress_down;
}

// Refuses what is overdue, at most n messages; how many are left of n.
static unsigned expire(struct egress *e, struct slot *s, uint64_t now, unsigned n)
{
	while (n > 0 && s->first != NULL && s->first->due <= now) {
		egress_refuse(e, slot_pop(e, s), reason_of(s), now);
		n--;
	}
	return n;
}

// Of a connection that is not up yet: each step has its time.
static void bring_up(struct egress *e, struct slot *s, uint64_t now)
{
	enum reason reason =
		s->state == SLOT_OPENING ? REASON_tcp_timed_out : REASON_session_timed_out;

	if (s->state == SLOT_CONFIRMING && !s->probed && now - s->state_since >= e->probe_ns)
		slot_probe(e, s);
	if (now < s->due)
		return;
	tcp_abort(e->config.tcp, s->conn, reason);
	slot_end(e, s, reason, 0, now);
}

// What is due of the state.
static void look_at(struct egress *e, struct slot *s, uint64_t now)
{
	switch ((enum slot_state)s->state) {
	case SLOT_ASKED:
		if (s->first == NULL && s->worn == 0 && now >= s->wanted_until)
			(void)slot_step(s, SLOT_ON_UNWANTED, now);
		else if (now >= s->due)
			slot_ask(e, s, now);
		break;
	case SLOT_OPENING:
	case SLOT_NEGOTIATING:
	case SLOT_CONFIRMING:
		bring_up(e, s, now);
		break;
	case SLOT_UP:
	case SLOT_IDLE:
	case SLOT_REFUSED: // the next message finds its back-off over
	case SLOT_STATE_N:
		break;
	}
	slot_flush(e, s, now);
	if (s->untold)
		slot_tell(e, s, now);
}

static bool is_busy(const struct slot *s)
{
	return s->first != NULL || s->untold || s->state == SLOT_ASKED ||
		(s->state == SLOT_UP && s->worn != 0) ||
		(s->state >= SLOT_OPENING && s->state < SLOT_UP);
}

// The connection that has carried nothing for the longest, where that is long.
static void close_idle(struct egress *e, uint64_t now)
{
	struct slot *s = TAILQ_FIRST(&e->recent);

	if (e->idle_ns == 0 || s == NULL || now - s->used < e->idle_ns)
		return;
	if (s->state == SLOT_UP && s->worn == 0 && s->first == NULL &&
		tcp_unacked(e->config.tcp, s->conn) == 0) {
		e->config.counters[REASON_egress_idle]++;
		session_close(e->config.sessions, s->conn, now);
		slot_end(e, s, REASON_egress_idle, 0, now);
	}
	// Behind the others, so that they get their turn.
	s->used = now;
	TAILQ_REMOVE(&e->recent, s, in_recent);
	TAILQ_INSERT_TAIL(&e->recent, s, in_recent);
}

void egress_recheck(struct egress *e)
{
	e->n_recheck = e->n_used;
	e->policy++;
}

// Reset, of which the slot learns by the engine's event; of TLS in order, as far as it is open.
static void withdraw(struct egress *e, const struct slot *s, tcp_conn_id conn, uint64_t now)
{
	bool is_opening = conn == s->conn && s->state == SLOT_OPENING;

	if (conn == 0)
		return;
	if (slot_is_secure(s) && !is_opening)
		e->config.close(e->config.arg, conn, REASON_egress_withdrawn, now);
	else
		tcp_abort(e->config.tcp, conn, REASON_egress_withdrawn);
}

static void recheck(struct egress *e, uint64_t now)
{
	for (unsigned n = 0; n < RECHECK_SLOTS && e->n_recheck > 0; n++) {
		struct slot *s = &e->slots[--e->n_recheck];

		if ((s->conn == 0 && s->worn == 0) || slot_has_hop(e, s))
			continue;
		withdraw(e, s, s->worn, now);
		withdraw(e, s, s->conn, now);
	}
}

static void renew_if_worn(struct egress *e, struct slot *s, uint64_t now)
{
	if (s->worn == 0 && s->state == SLOT_UP && slot_is_secure(s) &&
		session_wear(e->config.sessions, s->conn) != RECORD_FRESH) {
		slot_renew(e, s, now);
	} else if (s->worn != 0) {
		// The one that was to take its place did not come up.
		if (s->state == SLOT_REFUSED && now >= s->due)
			(void)slot_step(s, SLOT_ON_BACKED_OFF, now);
		if (s->state == SLOT_IDLE)
			slot_renew(e, s, now);
	}
}

static void look_for_worn(struct egress *e, uint64_t now)
{
	for (unsigned n = 0; n < WORN_SLOTS && n < e->n_used; n++) {
		if (e->next_worn >= e->n_used)
			e->next_worn = 0;
		renew_if_worn(e, &e->slots[e->next_worn++], now);
	}
}

void egress_timers(struct egress *e, uint64_t now, unsigned budget)
{
	const struct slot *last = TAILQ_LAST(&e->busy, slot_list), *looked_at = NULL;
	struct slot *s;

	close_idle(e, now);
	recheck(e, now);
	look_for_worn(e, now);
	// Once round at most, each behind the others when it has had its turn.
	while (budget > 0 && looked_at != last && (s = TAILQ_FIRST(&e->busy)) != NULL) {
		looked_at = s;
		slot_clear_busy(e, s);
		budget = expire(e, s, now, budget - 1);
		look_at(e, s, now);
		if (is_busy(s))
			slot_set_busy(e, s);
	}
}
