// SPDX-License-Identifier: BSD-3-Clause
// Segments to a connection in TIME_WAIT: RFC 9293 §3.10.7.4 and §3.6.1, RFC 1337, RFC 6191.

#include "lib/tcp/conn.h"

// RFC 6191 §2: whether a SYN is of a new connection for certain.
static bool is_newer(const struct tcp_time_wait *w, const struct tcp_segment *s)
{
	if (w->has_timestamps && s->options.has_timestamps && s->options.ts_value != w->ts_recent)
		return seq_gt(s->options.ts_value, w->ts_recent);
	return seq_gt(s->seq, w->rcv_nxt);
}

// Their FIN again: our ACK of it was lost.
static bool is_last_fin(const struct tcp_time_wait *w, const struct tcp_segment *s)
{
	return (s->flags & (TCP_FIN | TCP_SYN)) == TCP_FIN &&
		s->seq + tcp_segment_length(s) == w->rcv_nxt &&
		!(w->has_timestamps && s->options.has_timestamps &&
			seq_lt(s->options.ts_value, w->ts_recent));
}

enum reason tcp_input_time_wait(
	struct tcp *t, struct tcp_time_wait *w, const struct tcp_segment *s, uint64_t hash)
{
	enum reason reason;

	// RFC 1337 §3, fix F1: a reset ends nothing here.
	if ((s->flags & TCP_RST) != 0)
		return REASON_tcp_time_wait_answered;
	if ((s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && is_newer(w, s) &&
		tcp_listener_at(t, &s->local) != NULL)
		return tcp_listen_syn(t, s, hash, w);
	if (is_last_fin(w, s)) {
		tcp_time_wait_restart(&t->time_waits, w, tcp_time_wait_due(t));
		tcp_reply_time_wait(t, w);
		return REASON_tcp_time_wait_answered;
	}
	// A later SYN may have been answered by a cookie.
	reason = tcp_time_wait_cookie(t, w, s, hash);
	if (reason != REASON_none)
		return reason;
	// A bare ACK is never answered: two ends that do not understand each other would go on.
	if (tcp_segment_length(s) > 0 && t->challenge_tokens > 0) {
		t->challenge_tokens--;
		tcp_reply_time_wait(t, w);
	}
	return REASON_tcp_time_wait_answered;
}
