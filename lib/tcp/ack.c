// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

#define DUPLICATES_THRESHOLD 3 // RFC 5681 §3.2

// RFC 9293 §3.10.7.4, fifth check.
static void take_window(struct tcp_sender *q, const struct tcp_segment *s, struct tcp_news *news)
{
	uint32_t window = (uint32_t)s->window << q->window_scale;

	// One that advances SND.UNA counts whatever its SEQ is, that of a retransmission of theirs:
	// else the right edge would move on by what it acknowledges.
	if (seq_lt(q->una, s->ack) || seq_lt(q->wl1, s->seq) ||
		(q->wl1 == s->seq && seq_le(q->wl2, s->ack))) {
		news->window_changed = window != q->wnd;
		q->wnd = window;
		q->wl1 = s->seq;
		q->wl2 = s->ack;
		if (window > q->max_wnd)
			q->max_wnd = window;
	}
}

// The first chunk that SND.UNA passes: it is that one's timestamp which the peer echoes.
static void take_first(const struct tcp *t, const struct tcp_conn *c, struct tcp_news *news)
{
	const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, c->sender.first);
	uint64_t sent_us = t->now_ns / 1000 - (t->now_us - chunk->sent_us);

	news->first_again = chunk->flags & TCP_CHUNK_RETRANSMITTED;
	news->first_again_ts = (uint32_t)(sent_us / 1000) + c->ts_offset;
}

// Frees what SND.UNA passes.
static void take_bytes(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	struct tcp_flight *f = &q->flight;

	while (q->first != q->next) {
		tcp_chunk_id id = q->first;
		struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);
		uint32_t n = s->ack - chunk->seq;

		if (seq_le(s->ack, chunk->seq))
			break;
		if (n < chunk->len) {
			tcp_sack_uncount(f, chunk, n);
			news->delivered += chunk->flags & TCP_CHUNK_SACKED ? 0 : n;
			chunk->seq += n;
			chunk->from += (uint16_t)n;
			chunk->len -= (uint16_t)n;
			break;
		}
		tcp_sack_uncount(f, chunk, chunk->len);
		if (!(chunk->flags & TCP_CHUNK_SACKED)) {
			if (news->rtt_us == 0)
				news->rtt_us = t->now_us - chunk->sent_us;
			tcp_sack_delivered(t, c, chunk, s, news);
		}
		if (f->highest_sacked == id)
			f->highest_sacked = 0;
		if (f->first_lost == id)
			f->first_lost = f->lost > 0 ? chunk->next : 0;
		q->first = chunk->next;
		tcp_chunk_put(&t->chunks, id, TCP_CHUNK_SENDS);
	}
	if (q->first == 0)
		q->last = 0;
}

// RFC 6298 §4 and RFC 7323 §4: once a round trip; always after a back-off, which a sample ends.
static void take_rtt(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, const struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	uint32_t ms;

	if (q->n_backoff == 0 && seq_le(q->una, q->flight.rtt_seq) && q->srtt_us != 0)
		return;
	if (!news->ambiguous && news->rtt_us != 0) {
		tcp_rtt_sample(q, news->rtt_us);
	} else if ((c->flags & TCP_CONN_TIMESTAMPS) && s->options.has_timestamps) {
		ms = tcp_conn_ts(t, c) - s->options.ts_echo;
		if (ms > TCP_RTO_MAX_MS)
			return;
		tcp_rtt_sample(q, ms > 0 ? ms * 1000 : 1000);
	} else {
		return;
	}
	q->flight.rtt_seq = q->nxt - 1;
}

// Without SACK (RFC 6582 §3.2): three duplicates, or an ACK of a part in recovery, say that the
// first segment is lost. The former only for what was sent since the last recovery.
static void guess_losses(struct tcp *t, struct tcp_conn *c, struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	struct tcp_flight *f = &q->flight;
	bool is_lost = false;

	if (news->acked > 0) {
		// What duplicates told of is now acknowledged, but for what came with them.
		f->sacked -= f->sacked < news->acked ? f->sacked : news->acked;
		if (f->sacked >= q->nxt - q->una)
			f->sacked = 0;
		is_lost = q->recovery == TCP_RECOVERY && seq_lt(q->una, f->recover);
	} else if (news->duplicate_ack) {
		tcp_sack_guess(c, q->mss, news);
		if (q->n_duplicates < UINT8_MAX)
			q->n_duplicates++;
		is_lost = q->n_duplicates == DUPLICATES_THRESHOLD && q->recovery == TCP_OPEN &&
			(!(f->flags & TCP_FLIGHT_RECOVERED) || seq_gt(q->una, f->recover));
	}
	if (is_lost && q->first != q->next &&
		!(tcp_chunk_at(&t->chunks, q->first)->flags & TCP_CHUNK_LOST)) {
		tcp_sack_lose(t, f, q->first);
		news->lost = true;
	}
}

static uint32_t find_losses(struct tcp *t, struct tcp_conn *c, struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;

	if (!(c->flags & TCP_CONN_SACK)) {
		guess_losses(t, c, news);
		return 0;
	}
	if (q->flight.sacked == 0 && q->recovery == TCP_OPEN)
		return 0;
	return tcp_rack_detect(t, c, &news->lost);
}

static void leave_recovery(struct tcp_sender *q, const struct tcp_news *news)
{
	if (q->recovery == TCP_RECOVERY)
		tcp_congestion_recovered(q);
	if (!news->duplicate_data)
		tcp_rack_recovered(&q->flight);
	q->recovery = TCP_OPEN;
}

void tcp_sender_enter_recovery(struct tcp *t, struct tcp_conn *c, const struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;

	tcp_undo_begin(t, c);
	tcp_congestion_recover(q, news);
	q->recovery = TCP_RECOVERY;
	q->flight.recover = q->nxt;
	q->flight.flags |= TCP_FLIGHT_RECOVERED;
	q->flight.flags &= (uint16_t)~TCP_FLIGHT_LOST_TWICE;
	// The first goes out whatever the window (RFC 6675 §5 step 4.3).
	q->need |= TCP_NEED_FIRST;
}

static void control_congestion(struct tcp *t, struct tcp_conn *c, const struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	bool was_open = q->recovery == TCP_OPEN;

	// After a timeout the last ACK of what was lost opens the window like any other (RFC 5681
	// §3.1): one segment alone would wait for the peer's delayed ACK.
	if (q->recovery != TCP_RECOVERY && news->acked > 0)
		tcp_congestion_acked(t, q, news->acked);
	if (!was_open && news->acked > 0 && seq_ge(q->una, q->flight.recover))
		leave_recovery(q, news);
	// What was too long, or a probe of a window, is sent again without a word on congestion.
	if (q->recovery == TCP_OPEN && (was_open ? news->lost : q->flight.lost > 0))
		tcp_sender_enter_recovery(t, c, news);
	else if (q->recovery == TCP_OPEN && (q->flight.flags & TCP_FLIGHT_LOST_TWICE))
		tcp_congestion_lost_once(q);
	if (q->recovery == TCP_OPEN)
		q->flight.flags &= (uint16_t)~TCP_FLIGHT_LOST_TWICE;
	if (q->recovery == TCP_RECOVERY)
		tcp_congestion_reduce_rate(q, news);
}

// Nothing is in flight: what was known of it would, in an hour, be compared with times that have
// wrapped.
static void land(struct tcp_sender *q)
{
	q->flight.flags &= (uint16_t) ~(TCP_FLIGHT_RACK | TCP_FLIGHT_ROUND | TCP_FLIGHT_NO_WINDOW);
	q->flight.sacked = 0;
}

static void take_ack(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, struct tcp_news *news)
{
	struct tcp_sender *q = &c->sender;
	uint32_t reorder_us;

	if (s->options.n_sack_blocks > 0 && (c->flags & TCP_CONN_SACK))
		tcp_sack_input(t, c, s, news);
	if (seq_gt(s->ack, q->una)) {
		news->acked = s->ack - q->una;
		if (q->recovery != TCP_OPEN && q->first != q->next)
			take_first(t, c, news);
		take_bytes(t, c, s, news);
		q->una = s->ack;
		q->n_duplicates = 0;
		take_rtt(t, c, s, news);
		tcp_sender_restart_rto(t, q);
	}
	if (tcp_probe_acked(q, s, news))
		tcp_congestion_lost_once(q);
	if (news->duplicate_data)
		tcp_rack_duplicate(q);
	if (q->flight.flags & TCP_FLIGHT_UNDO)
		tcp_undo_input(t, c, s, news);
	reorder_us = find_losses(t, c, news);
	control_congestion(t, c, news);
	if (q->una == q->nxt)
		land(q);
	tcp_sender_arm(t, c,
		news->acked > 0 || (q->recovery == TCP_RECOVERY && news->delivered > 0),
		reorder_us);
}

unsigned tcp_sender_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_sender *q = &c->sender;
	struct tcp_news news = {
		.budget = TCP_WALK_MAX, .upper_budget = TCP_WALK_MAX, .fack = q->flight.fack};
	unsigned what = 0;

	if (q->flight.flags & TCP_FLIGHT_SYN) {
		if (seq_le(s->ack, q->iss))
			return 0;
		tcp_sender_established(t, c, s);
	}
	if (seq_ge(s->ack, q->una))
		take_window(q, s, &news);
	// With the window shut it answers a probe.
	news.duplicate_ack = s->ack == q->una && q->una != q->nxt && !news.window_changed &&
		q->wnd > 0 && s->payload.len == 0 && !(s->flags & (TCP_SYN | TCP_FIN));
	if (news.window_changed && q->timer == TCP_TIMER_PERSIST)
		tcp_persist_window(t, c);
	if (q->una != q->nxt || s->options.n_sack_blocks > 0)
		take_ack(t, c, s, &news);
	if (news.acked > 0)
		what |= TCP_SENDER_ROOM;
	if (q->fin_sent && q->una == q->nxt)
		what |= TCP_SENDER_FIN_ACKED;
	if (tcp_sender_has_more(c))
		tcp_conn_want_output(t, c);
	return what;
}
