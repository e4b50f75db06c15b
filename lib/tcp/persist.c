// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 §3.8.6.1: a window that is closed, or too small for a segment, is asked about, ever more
// seldom, and never does the asking end a connection whose peer answers.

#include "lib/tcp/flight.h"

void tcp_persist_arm(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	if ((c->due_set & 1u << TCP_DUE_SEND) && s->timer == TCP_TIMER_PERSIST)
		return;
	s->timer = TCP_TIMER_PERSIST;
	tcp_conn_set_due(t, c, TCP_DUE_SEND, tcp_rto_ms(s));
}

enum reason tcp_persist_timer(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	if (s->una == s->nxt && s->next == 0)
		return REASON_none;
	// advanced_tick: when the first probe went out that was not answered.
	if (s->n_backoff == 0 || seq_ge(c->heard_tick, s->flight.advanced_tick))
		s->flight.advanced_tick = t->now_tick;
	else if (t->now_tick - s->flight.advanced_tick >=
		tcp_ticks(t->config.user_timeout_s * 1000))
		return c->flags & TCP_CONN_UNREACHABLE ? REASON_tcp_unreachable
						       : REASON_tcp_timed_out;
	s->need |= TCP_NEED_WINDOW;
	tcp_rto_back_off(s);
	tcp_conn_want_output(t, c);
	tcp_persist_arm(t, c);
	return REASON_none;
}

void tcp_persist_window(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;
	struct tcp_chunk *chunk;

	if (s->wnd == 0)
		return;
	s->n_backoff = 0;
	s->need &= (uint8_t)~TCP_NEED_WINDOW;
	s->timer = TCP_TIMER_RTO;
	tcp_conn_clear_due(t, c, TCP_DUE_SEND);
	if (!(s->flight.flags & TCP_FLIGHT_NO_WINDOW))
		return;
	// The probe that the window had no room for may have come to nothing.
	s->flight.flags &= (uint16_t)~TCP_FLIGHT_NO_WINDOW;
	tcp_sender_restart_rto(t, s);
	if (s->first == s->next)
		return;
	chunk = tcp_chunk_at(&t->chunks, s->first);
	if (!(chunk->flags & (TCP_CHUNK_LOST | TCP_CHUNK_SACKED)))
		tcp_sack_lose(t, &s->flight, s->first);
	s->need |= TCP_NEED_FIRST;
}
