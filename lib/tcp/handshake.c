// SPDX-License-Identifier: BSD-3-Clause
// Segments to nobody, to a listener and to a connection in SYN_SENT (RFC 9293 §3.10.7.1 to
// §3.10.7.3), with cookies where there are too many handshakes (RFC 4987 §3.6).

#include "lib/tcp/conn.h"

// A cookie older than this many times 2^30 ns is none; without any sent since, nobody has one.
#define COOKIE_AGE_MAX 64

const struct tcp_listener *tcp_listener_at(const struct tcp *t, const struct endpoint *local)
{
	for (unsigned i = 0; i < t->n_listeners; i++) {
		const struct tcp_listener *l = &t->listeners[i];

		if (l->local.port == local->port && ip_equal(&l->local.ip, &local->ip))
			return l;
	}
	return NULL;
}

// What both sides' SYNs have said: ours offers all of it.
static void agree(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *syn)
{
	const struct tcp_options *o = &syn->options;

	if (o->has_timestamps) {
		c->flags |= TCP_CONN_TIMESTAMPS;
		c->ts_recent = o->ts_value;
		c->ts_recent_s = (uint32_t)t->second;
	}
	if (o->sack_permitted)
		c->flags |= TCP_CONN_SACK;
	if (o->has_window_scale)
		c->flags |= TCP_CONN_WINDOW_SCALE;
	tcp_receiver_begin(t, c, syn->seq);
}

enum reason tcp_limit_check(const struct tcp *t, uint16_t listener, const struct ip_addr *source)
{
	const struct tcp_limit *limit;

	if (listener >= TCP_LISTENERS_MAX)
		return REASON_none;
	limit = &t->limit[listener];
	if (limit->conns_max > 0 && limit->n_conns >= limit->conns_max)
		return REASON_tcp_listener_full;
	if (limit->source_conns_max > 0 &&
		tcp_limits_of(&t->limits, listener, source) >= limit->source_conns_max)
		return REASON_tcp_source_full;
	return REASON_none;
}

static void count_conn(struct tcp *t, struct tcp_conn *c, const struct ip_addr *source)
{
	struct tcp_limit *limit = &t->limit[c->listener];

	c->flags |= TCP_CONN_LIMITED;
	limit->n_conns++;
	if (limit->source_conns_max > 0)
		tcp_limits_add(&t->limits, c->listener, source);
}

void tcp_established(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((c->flags & TCP_CONN_PASSIVE) != 0 && c->listener < TCP_LISTENERS_MAX)
		count_conn(t, c, &s->remote.ip);
	tcp_sender_established(t, c, s);
	if ((c->flags & TCP_CONN_HALF_OPEN) != 0) {
		c->flags &= (uint16_t)~TCP_CONN_HALF_OPEN;
		t->n_half_open--;
	}
	tcp_conn_tell(t, c, TCP_OPENED);
	if ((c->flags & TCP_CONN_CLOSED_BY_US) != 0)
		tcp_conn_step(t, c, TCP_EVENT_CLOSE);
	// What was written while it opened.
	tcp_conn_want_output(t, c);
}

// reused: the TIME_WAIT of the same pair that gives way, or NULL.
static enum reason accept_syn(struct tcp *t, const struct tcp_segment *s,
	const struct tcp_listener *l, uint64_t hash, const struct tcp_time_wait *reused)
{
	uint32_t iss = tcp_keys_isn(&t->keys, &s->local, &s->remote, t->now_ns);
	struct tcp_conn *c = tcp_conn_new(t, &s->local, &s->remote, hash, l->mtu, l->listener);

	if (c == NULL)
		return REASON_tcp_no_conns;
	// Beyond everything that the last connection sent and that may still come (RFC 9293
	// §3.10.7.4, RFC 6191 §2): one that sent faster than the clock counts was ahead of it.
	if (reused != NULL && seq_le(iss, reused->snd_nxt + UINT16_MAX))
		iss = reused->snd_nxt + UINT16_MAX + 2;
	c->flags |= TCP_CONN_PASSIVE | TCP_CONN_HALF_OPEN;
	t->n_half_open++;
	tcp_conn_step(t, c, TCP_EVENT_ACCEPT);
	agree(t, c, s);
	tcp_sender_begin(t, c, iss);
	tcp_sender_peer_syn(t, c, s);
	tcp_conn_set_due(t, c, TCP_DUE_IDLE, TCP_ACCEPT_MS);
	tcp_conn_want_output(t, c);
	return REASON_tcp_segment_taken;
}

enum reason tcp_listen_syn(
	struct tcp *t, const struct tcp_segment *s, uint64_t hash, struct tcp_time_wait *reused)
{
	const struct tcp_listener *l = tcp_listener_at(t, &s->local);
	struct tcp_time_wait was;
	enum reason full;

	// No port is 0, and nobody is their own peer: an answer would go round for ever.
	if (s->remote.port == 0 ||
		(s->remote.port == s->local.port && ip_equal(&s->remote.ip, &s->local.ip)))
		return REASON_tcp_not_acceptable;
	full = tcp_limit_check(t, l->listener, &s->remote.ip);
	if (full != REASON_none) {
		(void)tcp_reply_reset(t, s, l->listener);
		return full;
	}
	if (t->n_used_conns == t->config.n_conns)
		return REASON_tcp_no_conns;
	if (t->n_half_open >= t->config.n_half_open)
		return tcp_reply_cookie(t, s, l) ? REASON_tcp_cookie_sent : REASON_tcp_replies_full;
	if (reused == NULL)
		return accept_syn(t, s, l, hash, NULL);
	was = *reused;
	tcp_time_wait_forget(t, reused);
	return accept_syn(t, s, l, hash, &was);
}

// The ACK of a SYN-ACK that nothing is left of but the cookie in it.
static enum reason accept_cookie(struct tcp *t, const struct tcp_segment *s,
	const struct tcp_listener *l, const struct tcp_cookie *cookie, uint64_t hash)
{
	enum reason full = tcp_limit_check(t, l->listener, &s->remote.ip);
	struct tcp_segment syn = *s;
	struct tcp_conn *c;

	if (full != REASON_none) {
		(void)tcp_reply_reset(t, s, l->listener);
		return full;
	}
	c = tcp_conn_new(t, &s->local, &s->remote, hash, l->mtu, l->listener);
	if (c == NULL)
		return REASON_tcp_no_conns;
	syn.seq = s->seq - 1;
	syn.flags = TCP_SYN;
	syn.payload = VIEW_NONE;
	syn.options = (struct tcp_options){
		.has_mss = true,
		.mss = cookie->mss,
		.has_timestamps = cookie->has_timestamps,
		.ts_value = s->options.ts_value,
		.sack_permitted = cookie->sack_permitted,
		.has_window_scale = cookie->has_window_scale,
		.window_scale = cookie->window_scale,
	};
	c->flags |= TCP_CONN_PASSIVE;
	agree(t, c, &syn);
	tcp_sender_begin(t, c, s->ack - 1);
	tcp_sender_peer_syn(t, c, &syn);
	tcp_conn_step(t, c, TCP_EVENT_COOKIE_ACKED);
	tcp_established(t, c, s);
	return tcp_input_text(t, c, s);
}

static bool may_be_cookie(const struct tcp *t, const struct tcp_segment *s)
{
	return (s->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK && t->cookie_second != 0 &&
		t->second + 1 - t->cookie_second <= COOKIE_AGE_MAX;
}

static bool is_cookie(struct tcp *t, const struct tcp_segment *s, struct tcp_cookie *cookie)
{
	return may_be_cookie(t, s) && tcp_cookie_check(&t->keys, s, t->now_ns, cookie);
}

// What has overtaken the ACK of a SYN-ACK, or follows one that was lost, does not say the sequence
// number that its cookie is made of. The peer holds the connection for open: it sends again what it
// began with, and a reset would have ended it. By a timestamp it shows that it has heard of us of
// late, so peers of a relay that was restarted are reset all the same; without one, by its data.
static bool may_follow_cookie(const struct tcp *t, const struct tcp_segment *s)
{
	uint32_t age_ms;

	if (!may_be_cookie(t, s))
		return false;
	if (!s->options.has_timestamps)
		return tcp_segment_length(s) > 0;
	age_ms = (uint32_t)(t->now_ns / 1000000) +
		tcp_keys_ts_offset(&t->keys, &s->local, &s->remote) - s->options.ts_echo;
	return age_ms <= COOKIE_AGE_MAX * 1000;
}

enum reason tcp_time_wait_cookie(
	struct tcp *t, struct tcp_time_wait *w, const struct tcp_segment *s, uint64_t hash)
{
	const struct tcp_listener *l = tcp_listener_at(t, &s->local);
	struct tcp_cookie cookie;

	if (l == NULL || !is_cookie(t, s, &cookie))
		return REASON_none;
	tcp_time_wait_forget(t, w);
	return accept_cookie(t, s, l, &cookie, hash);
}

enum reason tcp_half_open_cookie(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, uint64_t hash)
{
	const struct tcp_listener *l = tcp_listener_at(t, &s->local);
	struct tcp_cookie cookie;

	if (l == NULL)
		return REASON_none;
	if (!is_cookie(t, s, &cookie))
		return may_follow_cookie(t, s) ? REASON_tcp_cookie_early : REASON_none;
	tcp_conn_end(t, c, REASON_tcp_not_opened);
	return accept_cookie(t, s, l, &cookie, hash);
}

static enum reason listen_ack(
	struct tcp *t, const struct tcp_segment *s, const struct tcp_listener *l, uint64_t hash)
{
	struct tcp_cookie cookie;

	if (is_cookie(t, s, &cookie))
		return accept_cookie(t, s, l, &cookie, hash);
	if (may_follow_cookie(t, s))
		return REASON_tcp_cookie_early;
	return tcp_reply_reset(t, s, l->listener) ? REASON_tcp_cookie_bad : REASON_tcp_replies_full;
}

enum reason tcp_input_nobody(struct tcp *t, const struct tcp_segment *s, uint64_t hash)
{
	const struct tcp_listener *l = tcp_listener_at(t, &s->local);

	if (l == NULL) {
		return tcp_reply_reset(t, s, 0) ? REASON_tcp_no_connection
						: REASON_tcp_replies_full;
	}
	if ((s->flags & TCP_RST) != 0)
		return REASON_tcp_no_connection;
	if ((s->flags & TCP_ACK) != 0)
		return listen_ack(t, s, l, hash);
	if ((s->flags & TCP_SYN) == 0)
		return REASON_tcp_no_ack;
	return tcp_listen_syn(t, s, hash, NULL);
}

// The peer's SYN without its ACK of ours: both have opened (RFC 9293 §3.5, figure 7).
static void meet(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	tcp_conn_step(t, c, TCP_EVENT_PEER_SYN);
	agree(t, c, s);
	tcp_sender_peer_syn(t, c, s);
	tcp_conn_syn_again(t, c);
}

enum reason tcp_input_syn_sent(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	const struct tcp_sender *q = &c->sender;
	bool has_ack = (s->flags & TCP_ACK) != 0;
	struct tcp_segment text = *s;

	if (has_ack && (seq_le(s->ack, q->iss) || seq_gt(s->ack, q->nxt))) {
		return tcp_reply_reset(t, s, c->listener) ? REASON_tcp_ack_unacceptable
							  : REASON_tcp_replies_full;
	}
	if ((s->flags & TCP_RST) != 0) {
		if (!has_ack)
			return REASON_tcp_reset_blind;
		tcp_conn_end(t, c, REASON_tcp_refused);
		return REASON_tcp_segment_taken;
	}
	if ((s->flags & TCP_SYN) == 0)
		return REASON_tcp_not_acceptable;
	c->heard_tick = t->now_tick;
	if (!has_ack) {
		meet(t, c, s);
		return REASON_tcp_segment_taken;
	}
	tcp_conn_step(t, c, TCP_EVENT_PEER_SYN_ACK);
	agree(t, c, s);
	tcp_sender_peer_syn(t, c, s);
	tcp_established(t, c, s);
	tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
	// What came with it is the sixth step's, as of a segment without the SYN.
	text.seq++;
	text.flags &= (uint8_t)~TCP_SYN;
	return tcp_input_text(t, c, &text);
}
