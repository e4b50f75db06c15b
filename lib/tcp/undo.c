// SPDX-License-Identifier: BSD-3-Clause
// A reduction of the window that turns out to have been for nothing is taken back: the ACK shows
// that the first transmission has come (RFC 3522), or the peer reports as duplicate all that was
// sent again (RFC 3708). ACKs that get lost make such timeouts.

#include "lib/tcp/flight.h"

void tcp_undo_begin(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;
	struct tcp_flight *f = &s->flight;

	// A probe that is out is the first thing sent again.
	if (!(f->flags & TCP_FLIGHT_PROBE_OLD))
		f->undo_bytes = 0;
	f->flags |= TCP_FLIGHT_UNDO;
	f->undo_cwnd = s->cwnd;
	f->undo_ssthresh = s->ssthresh;
	f->undo_ts = tcp_conn_ts(t, c);
	f->undo_una = s->una;
}

// RFC 4015 §3.2, RFC 9438 §4.9.
static void undo(struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	f->flags &= (uint16_t) ~(
		TCP_FLIGHT_UNDO | TCP_FLIGHT_EPOCH | TCP_FLIGHT_LIMITED | TCP_FLIGHT_LOST_TWICE);
	if (s->cwnd < f->undo_cwnd)
		s->cwnd = f->undo_cwnd;
	s->ssthresh = f->undo_ssthresh;
	f->cubic_max = f->undo_cwnd;
}

// What was held lost and was not sent again yet is only late.
static void find_again(struct tcp *t, struct tcp_sender *s)
{
	for (tcp_chunk_id id = s->first; id != s->next;) {
		struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);

		chunk->flags &= (uint8_t)~TCP_CHUNK_LOST;
		id = chunk->next;
	}
	s->flight.lost = 0;
	s->flight.first_lost = 0;
}

void tcp_undo_input(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, const struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	struct tcp_flight *f = &q->flight;

	// A duplicate from before was sent again for another reduction.
	if (news->duplicate_data && f->undo_bytes > 0 && seq_gt(news->duplicate_end, f->undo_una)) {
		f->undo_bytes -=
			news->n_duplicate < f->undo_bytes ? news->n_duplicate : f->undo_bytes;
		if (f->undo_bytes > 0)
			return;
		undo(q);
		if (q->recovery != TCP_OPEN && f->lost == 0)
			q->recovery = TCP_OPEN;
	} else if (news->acked > 0 && q->recovery != TCP_OPEN && f->undo_bytes > 0 &&
		(c->flags & TCP_CONN_TIMESTAMPS) && s->options.has_timestamps &&
		news->first_again && seq_ge(news->first_again_ts, f->undo_ts) &&
		seq_lt(s->options.ts_echo, f->undo_ts)) {
		undo(q);
		find_again(t, q);
		q->recovery = TCP_OPEN;
	}
}
