// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 §3.10.7.4: the checks of a segment in that order.

#include "lib/tcp/conn.h"

// RFC 7323 §5.5: 24 days, in 2^30 ns.
#define TS_RECENT_AGE_MAX (24u * 86400u * 1000000000ull >> 30)

static bool ts_recent_is_old(const struct tcp *t, const struct tcp_conn *c)
{
	return (uint32_t)t->second - c->ts_recent_s > TS_RECENT_AGE_MAX;
}

// RFC 7323 §5.3 R1. One without a timestamp is dropped too (§3.2), but for a SYN: that of a peer
// that has forgotten us must be answered.
static bool passes_paws(const struct tcp *t, const struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((c->flags & TCP_CONN_TIMESTAMPS) == 0 || (s->flags & TCP_RST) != 0)
		return true;
	if (!s->options.has_timestamps)
		return (s->flags & TCP_SYN) != 0;
	return seq_ge(s->options.ts_value, c->ts_recent) || ts_recent_is_old(t, c);
}

// RFC 7323 §4.3, of a segment whose sequence and acknowledgement numbers are acceptable.
static void take_timestamp(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((c->flags & TCP_CONN_TIMESTAMPS) == 0 || !s->options.has_timestamps ||
		seq_gt(s->seq, c->receiver.acked))
		return;
	if (seq_ge(s->options.ts_value, c->ts_recent) || ts_recent_is_old(t, c)) {
		c->ts_recent = s->options.ts_value;
		c->ts_recent_s = (uint32_t)t->second;
	}
}

static enum reason not_acceptable(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((s->flags & TCP_RST) != 0)
		return REASON_tcp_reset_blind;
	tcp_challenge_unacceptable(t, c, s);
	return REASON_tcp_not_acceptable;
}

static enum reason old_timestamp(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	if (s->options.has_timestamps) {
		// Not one that came again by itself: no D-SACK.
		if (tcp_segment_length(s) > 0)
			tcp_challenge(t, c);
		else
			tcp_challenge_bare(t, c);
	}
	return REASON_tcp_paws;
}

// Second check (RFC 5961 §3.2): seq lies in the window.
static enum reason input_reset(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	enum reason reason = REASON_tcp_reset;

	if (s->seq != c->receiver.nxt) {
		tcp_challenge(t, c);
		return REASON_tcp_reset_challenged;
	}
	if (c->state == TCP_STATE_SYN_RECEIVED)
		reason = (c->flags & TCP_CONN_PASSIVE) != 0 ? REASON_tcp_not_opened
							    : REASON_tcp_refused;
	tcp_conn_end(t, c, reason);
	return REASON_tcp_segment_taken;
}

// Fourth check (RFC 5961 §4.2): a SYN in the window.
static enum reason input_syn(struct tcp *t, struct tcp_conn *c)
{
	if (c->state == TCP_STATE_SYN_RECEIVED && (c->flags & TCP_CONN_PASSIVE) != 0) {
		// Back to LISTEN: when it comes again it begins anew.
		tcp_conn_end(t, c, REASON_tcp_not_opened);
		return REASON_tcp_not_acceptable;
	}
	tcp_challenge(t, c);
	return REASON_tcp_syn_challenged;
}

// A SYN or SYN-ACK that this connection began with, in SYN_RECEIVED: ours was lost, or crossed it.
static enum reason syn_came_again(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_segment rest = *s;

	if ((s->flags & TCP_ACK) == 0) {
		tcp_conn_syn_again(t, c);
		return REASON_tcp_segment_taken;
	}
	// With its SYN, which lies left of the window, cut off.
	rest.seq++;
	rest.flags &= (uint8_t)~TCP_SYN;
	tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
	return tcp_input_synchronized(t, c, &rest);
}

// The ACK that would open one that its listener, or its source, may not have any more. REASON_none:
// it may, or this is no such ACK; else c is gone.
static enum reason limit_handshake(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	enum reason full;

	if ((c->flags & TCP_CONN_PASSIVE) == 0 || seq_le(s->ack, c->sender.una) ||
		seq_gt(s->ack, c->sender.nxt))
		return REASON_none;
	full = tcp_limit_check(t, c->listener, &s->remote.ip);
	if (full == REASON_none)
		return full;
	(void)tcp_reply_reset(t, s, c->listener);
	tcp_conn_end(t, c, REASON_tcp_not_opened);
	return full;
}

// Fifth check in SYN_RECEIVED.
static enum reason input_handshake_ack(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	if (seq_le(s->ack, c->sender.una) || seq_gt(s->ack, c->sender.nxt)) {
		return tcp_reply_reset(t, s, c->listener) ? REASON_tcp_ack_unacceptable
							  : REASON_tcp_replies_full;
	}
	tcp_conn_step(t, c, TCP_EVENT_SYN_ACKED);
	tcp_established(t, c, s);
	return REASON_none;
}

// Whether c goes on. It does not when this was the ACK of our FIN that it still waited for.
static bool fin_acked(struct tcp *t, struct tcp_conn *c)
{
	tcp_conn_step(t, c, TCP_EVENT_FIN_ACKED);
	if (c->state == TCP_STATE_FIN_WAIT_2)
		tcp_conn_set_due(t, c, TCP_DUE_IDLE, TCP_FIN_WAIT_2_MS);
	if (c->state != TCP_STATE_TIME_WAIT && c->state != TCP_STATE_CLOSED)
		return true;
	tcp_conn_finished(t, c);
	return false;
}

// Fifth check. REASON_none: c goes on to the sixth.
static enum reason input_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	const struct tcp_sender *q = &c->sender;
	unsigned news;

	if (c->state == TCP_STATE_SYN_RECEIVED) {
		enum reason reason = limit_handshake(t, c, s);

		if (reason != REASON_none)
			return reason;
		reason = input_handshake_ack(t, c, s);
		take_timestamp(t, c, s);
		return reason;
	}
	// RFC 5961 §5.2.
	if (seq_gt(s->ack, q->nxt) || seq_lt(s->ack, q->una - q->max_wnd)) {
		if (tcp_segment_length(s) > 0)
			tcp_challenge(t, c);
		else
			tcp_challenge_bare(t, c);
		return REASON_tcp_ack_unacceptable;
	}
	take_timestamp(t, c, s);
	c->n_bare_answers = 0;
	news = tcp_sender_ack(t, c, s);
	if ((news & TCP_SENDER_FIN_ACKED) != 0 && !fin_acked(t, c))
		return REASON_tcp_segment_taken;
	if ((news & TCP_SENDER_ROOM) != 0)
		tcp_conn_tell_room(t, c);
	return REASON_none;
}

enum reason tcp_input_text(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	enum reason reason;
	uint8_t events;

	if (tcp_segment_length(s) == 0)
		return REASON_tcp_segment_taken;
	// What comes behind their FIN is nothing of theirs.
	if (!tcp_state_receives((enum tcp_state)c->state))
		return REASON_tcp_not_acceptable;
	reason = tcp_receiver_input(t, c, s, &events);
	tcp_conn_tell(t, c, events);
	if ((events & TCP_PEER_FINISHED) != 0) {
		tcp_conn_step(t, c, TCP_EVENT_PEER_FIN);
		if (c->state == TCP_STATE_TIME_WAIT)
			tcp_conn_finished(t, c);
	}
	return reason;
}

enum reason tcp_input_synchronized(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	enum reason reason;

	if (c->state == TCP_STATE_SYN_RECEIVED && s->seq == c->receiver.irs &&
		(s->flags & (TCP_SYN | TCP_RST)) == TCP_SYN)
		return syn_came_again(t, c, s);
	if (!passes_paws(t, c, s))
		return old_timestamp(t, c, s);
	if (!tcp_receiver_accepts(c, s))
		return not_acceptable(t, c, s);
	if ((s->flags & TCP_RST) != 0)
		return input_reset(t, c, s);
	if ((s->flags & TCP_SYN) != 0)
		return input_syn(t, c);
	if ((s->flags & TCP_ACK) == 0)
		return REASON_tcp_no_ack;
	c->heard_tick = t->now_tick;
	c->n_keepalives = 0;
	reason = input_ack(t, c, s);
	return reason == REASON_none ? tcp_input_text(t, c, s) : reason;
}

// Header prediction (V. Jacobson; RFC 1323 §4.2): whether s passes all checks, which is what it
// will do on an established connection, and has text, but neither a FIN nor SACK blocks.
static bool is_predicted(const struct tcp *t, const struct tcp_conn *c, const struct tcp_segment *s)
{
	const struct tcp_sender *q = &c->sender;

	return c->state == TCP_STATE_ESTABLISHED && (s->flags & ~(unsigned)TCP_PSH) == TCP_ACK &&
		s->seq == c->receiver.nxt && s->payload.len > 0 && s->options.n_sack_blocks == 0 &&
		seq_ge(s->ack, q->una) && seq_le(s->ack, q->nxt) && passes_paws(t, c, s);
}

// To a sender that has nothing to send, an ACK that passes the checks says nothing but where the
// window was told last.
static bool is_idle_ack(const struct tcp_sender *q, const struct tcp_segment *s)
{
	return q->una == q->nxt && q->next == 0 && !q->fin_queued && q->need == 0 &&
		(uint32_t)s->window << q->window_scale == q->wnd && seq_le(q->wl1, s->seq);
}

// Text of a predicted segment, and what it acknowledges, as checks five and six do it.
static bool take_predicted(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_sender *q = &c->sender;

	if (!tcp_receiver_take_next(t, c, s->payload))
		return false;
	c->heard_tick = t->now_tick;
	c->n_keepalives = 0;
	c->n_bare_answers = 0;
	take_timestamp(t, c, s);
	if (is_idle_ack(q, s)) {
		q->wl1 = s->seq;
		q->wl2 = s->ack;
	} else if ((tcp_sender_ack(t, c, s) & TCP_SENDER_ROOM) != 0) {
		tcp_conn_tell_room(t, c);
	}
	tcp_conn_tell(t, c, TCP_READABLE);
	return true;
}

// The connection in an entry of before, where it is still in the table, and s is its own.
static struct tcp_conn *conn_of_hint(struct tcp *t, uint32_t hint, const struct tcp_segment *s)
{
	struct tcp_conn *c;

	if ((hint & TCP_TABLE_TIME_WAIT) != 0) // TCP_TABLE_NONE has that bit too
		return NULL;
	c = &t->conns[hint];
	return (c->flags & (TCP_CONN_ENDED | TCP_CONN_READS_ON)) == 0 &&
			tcp_conn_is(c, &s->local, &s->remote)
		? c
		: NULL;
}

// hint: what the table gave for that hash when the burst came, or TCP_TABLE_NONE.
static enum reason input(struct tcp *t, const struct tcp_segment *s, uint64_t hash, uint32_t hint)
{
	struct tcp_conn *c = conn_of_hint(t, hint, s);
	uint32_t entry;

	if (c != NULL && is_predicted(t, c, s) && take_predicted(t, c, s))
		return REASON_tcp_segment_taken;
	entry = c != NULL ? hint : tcp_find(t, &s->local, &s->remote, hash);
	if (entry == TCP_TABLE_NONE)
		return tcp_input_nobody(t, s, hash);
	if ((entry & TCP_TABLE_TIME_WAIT) != 0)
		return tcp_input_time_wait(
			t, &t->time_waits.entries[entry & ~TCP_TABLE_TIME_WAIT], s, hash);
	c = &t->conns[entry];
	if (c->state == TCP_STATE_SYN_SENT)
		return tcp_input_syn_sent(t, c, s);
	if (c->state == TCP_STATE_SYN_RECEIVED && s->ack != c->sender.nxt) {
		enum reason reason = tcp_half_open_cookie(t, c, s, hash);

		if (reason != REASON_none)
			return reason;
	}
	return tcp_input_synchronized(t, c, s);
}

// The connection that it is most likely for: a tag of 16 bits says so. Its entry.
static uint32_t prefetch_conn(const struct tcp *t, uint64_t hash)
{
	struct tcp_table_cursor at = {0};
	uint32_t entry = tcp_table_next(&t->table, hash, &at);
	const uint8_t *lines;

	if ((entry & TCP_TABLE_TIME_WAIT) != 0)
		return entry;
	lines = (const uint8_t *)&t->conns[entry];
	for (size_t i = 0; i < sizeof(struct tcp_conn); i += 64)
		__builtin_prefetch(lines + i, 1);
	return entry;
}

void tcp_input_burst(struct tcp *t, const struct tcp_segment segments[], unsigned n, uint64_t now)
{
	uint64_t hashes[TCP_BURST];
	uint32_t hints[TCP_BURST];

	tcp_set_now(t, now);
	if (n > TCP_BURST)
		n = TCP_BURST;
	tcp_table_hash_burst(&t->table, segments, n, hashes);
	for (unsigned i = 0; i < n; i++)
		tcp_table_prefetch(&t->table, hashes[i]);
	for (unsigned i = 0; i < n; i++)
		hints[i] = prefetch_conn(t, hashes[i]);
	for (unsigned i = 0; i < n; i++)
		tcp_count(t, input(t, &segments[i], hashes[i], hints[i]));
}
