// SPDX-License-Identifier: BSD-3-Clause
// RFC 8985 §6, in the order of its steps. Segments are looked at in the order of their sequence
// numbers: those sent once were sent in that order too, so the first of them that was sent after
// what has come ends the search, for nothing behind it was sent earlier.

#include "lib/tcp/flight.h"

#define DUPLICATES_THRESHOLD 3 // RFC 5681 §3.2
#define REO_WND_PERSIST      16

static bool sent_after(uint32_t us1, uint32_t end1, uint32_t us2, uint32_t end2)
{
	return us1 == us2 ? seq_gt(end1, end2) : seq_gt(us1, us2);
}

// Steps 1 and 2.
void tcp_rack_delivered(struct tcp *t, struct tcp_conn *c, const struct tcp_chunk *chunk,
	const struct tcp_segment *s)
{
	struct tcp_flight *f = &c->sender.flight;
	uint32_t rtt_us = t->now_us - chunk->sent_us, end = chunk->seq + chunk->len;

	if (chunk->flags & TCP_CHUNK_RETRANSMITTED) {
		// Is it the ACK of the first transmission?
		if (f->min_rtt_us != 0 && rtt_us < f->min_rtt_us)
			return;
		if ((c->flags & TCP_CONN_TIMESTAMPS) && s->options.has_timestamps &&
			seq_lt(s->options.ts_echo, tcp_conn_ts(t, c) - tcp_us_to_ms_up(rtt_us)))
			return;
	} else if (f->min_rtt_us == 0 || rtt_us < f->min_rtt_us) {
		f->min_rtt_us = rtt_us > 0 ? rtt_us : 1;
	} else {
		// A path that has become longer shows in time: RFC 8985 §6.2 asks for a window.
		f->min_rtt_us += (rtt_us - f->min_rtt_us) / 1024;
	}
	if ((f->flags & TCP_FLIGHT_RACK) &&
		!sent_after(chunk->sent_us, end, f->rack_sent_us, f->rack_end))
		return;
	f->flags |= TCP_FLIGHT_RACK;
	f->rack_rtt_us = rtt_us;
	f->rack_sent_us = chunk->sent_us;
	f->rack_end = end;
}

void tcp_rack_duplicate(struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	// Once a round trip.
	if ((f->flags & TCP_FLIGHT_ROUND) && seq_lt(s->una, f->round))
		return;
	f->flags |= TCP_FLIGHT_ROUND;
	f->round = s->nxt;
	if (f->reo_wnd_mult < UINT8_MAX)
		f->reo_wnd_mult++;
	f->reo_wnd_persist = REO_WND_PERSIST;
}

void tcp_rack_recovered(struct tcp_flight *f)
{
	if (f->reo_wnd_persist > 0 && --f->reo_wnd_persist == 0)
		f->reo_wnd_mult = 0;
}

// Step 4.
static uint32_t reordering_window_us(const struct tcp_sender *s)
{
	const struct tcp_flight *f = &s->flight;
	uint64_t us;

	if (!(f->flags & TCP_FLIGHT_REORDERING) &&
		(s->recovery != TCP_OPEN || f->n_sacked >= DUPLICATES_THRESHOLD))
		return 0;
	us = (uint64_t)(f->reo_wnd_mult + 1) * f->min_rtt_us / 4;
	return us < s->srtt_us ? (uint32_t)us : s->srtt_us;
}

// Step 5.
uint32_t tcp_rack_detect(struct tcp *t, struct tcp_conn *c, bool *lost)
{
	struct tcp_sender *s = &c->sender;
	struct tcp_flight *f = &s->flight;
	uint32_t wait_us = 0, window_us;
	unsigned budget = TCP_WALK_MAX;

	if (!(f->flags & TCP_FLIGHT_RACK))
		return 0;
	window_us = reordering_window_us(s);
	for (tcp_chunk_id id = s->first; id != s->next && budget > 0; budget--) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);
		uint32_t waited_us = t->now_us - chunk->sent_us;
		uint32_t limit_us = f->rack_rtt_us + window_us;

		if (!(chunk->flags & (TCP_CHUNK_SACKED | TCP_CHUNK_LOST))) {
			if (!sent_after(f->rack_sent_us, f->rack_end, chunk->sent_us,
				    chunk->seq + chunk->len)) {
				if (!(chunk->flags & TCP_CHUNK_RETRANSMITTED))
					break;
			} else if (waited_us >= limit_us) {
				// Of another window, or sent again in this one: a second
				// indication of congestion (RFC 5681 §4.3).
				if (s->recovery == TCP_RECOVERY &&
					((chunk->flags & TCP_CHUNK_RETRANSMITTED) ||
						seq_ge(chunk->seq, f->recover)))
					f->flags |= TCP_FLIGHT_LOST_TWICE;
				tcp_sack_lose(t, f, id);
				*lost = true;
			} else if (limit_us - waited_us > wait_us) {
				wait_us = limit_us - waited_us;
			}
		}
		id = chunk->next;
	}
	return wait_us;
}

void tcp_rack_timeout(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;
	struct tcp_flight *f = &s->flight;
	uint32_t rtt_us = f->flags & TCP_FLIGHT_RACK ? f->rack_rtt_us : s->srtt_us;
	uint32_t limit_us = rtt_us + reordering_window_us(s);

	for (tcp_chunk_id id = s->first; id != s->next;) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);
		bool is_old = t->now_us - chunk->sent_us >= limit_us;

		if (!(chunk->flags & (TCP_CHUNK_SACKED | TCP_CHUNK_LOST)) &&
			(id == s->first || is_old))
			tcp_sack_lose(t, f, id);
		id = chunk->next;
	}
}
