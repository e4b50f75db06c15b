// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

#define WINDOW_MAX (1u << 30) // RFC 7323 §2.3: no peer offers more
// Growth of slow start for one ACK, in segments (RFC 9406 §4.2, without pacing).
#define SLOW_START_STEP 8

// RFC 6928 §2.
static uint32_t initial_window(uint32_t mss)
{
	uint32_t least = 2 * mss > 14600 ? 2 * mss : 14600;

	return 10 * mss < least ? 10 * mss : least;
}

void tcp_congestion_begin(struct tcp_sender *s, bool syn_was_lost)
{
	s->cwnd = syn_was_lost ? s->mss : initial_window(s->mss);
	s->ssthresh = WINDOW_MAX;
}

static bool is_limited(struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	if ((f->flags & TCP_FLIGHT_LIMITED) && seq_gt(s->una, f->limited_seq))
		f->flags &= (uint16_t)~TCP_FLIGHT_LIMITED;
	return f->flags & TCP_FLIGHT_LIMITED;
}

void tcp_congestion_acked(struct tcp *t, struct tcp_sender *s, uint32_t n_bytes)
{
	// A window that was not used says nothing of the path (RFC 7661 §4.3, RFC 9438 §5.8).
	if (!is_limited(s)) {
		tcp_cubic_pause(t, s);
		return;
	}
	if (s->cwnd < s->ssthresh) {
		// After a timeout an ACK may be of what left the network long ago (RFC 3465 §2.3).
		uint32_t step = (s->recovery == TCP_LOSS ? 1u : SLOW_START_STEP) * s->mss;

		s->cwnd += n_bytes < step ? n_bytes : step;
	} else {
		s->cwnd = tcp_cubic_acked(t, s, n_bytes);
	}
	if (s->cwnd > WINDOW_MAX)
		s->cwnd = WINDOW_MAX;
}

// RFC 9438 §4.6, beta 0.7. Of cwnd and not of what is in flight: cwnd does not grow while it is not
// used, and a relay's connections hardly ever fill it.
static void reduce(struct tcp_sender *s)
{
	uint32_t cwnd = s->cwnd, least = 2u * s->mss;
	uint32_t n_segments = (uint32_t)(((uint64_t)cwnd * 7 / 10 + s->mss / 2) / s->mss);

	// To the nearest whole segment, for a part of one sends nothing.
	s->ssthresh = n_segments * s->mss;
	if (s->ssthresh < least)
		s->ssthresh = least;
	tcp_cubic_reduced(s, cwnd);
}

// RFC 9937 §6: what recovery is to deliver. What was SACKed before will not be delivered again.
void tcp_congestion_recover(struct tcp_sender *s, const struct tcp_news *news)
{
	struct tcp_flight *f = &s->flight;

	reduce(s);
	f->prr_delivered = f->prr_out = 0;
	f->prr_flight = s->nxt - s->una - f->sacked + news->delivered;
}

// RFC 9937 §6: by proportion, then by what is delivered, and faster than that where SND.UNA moves
// and nothing more was lost.
void tcp_congestion_reduce_rate(struct tcp_sender *s, const struct tcp_news *news)
{
	struct tcp_flight *f = &s->flight;
	uint32_t pipe = tcp_pipe(s), more = 0;

	f->prr_delivered += news->delivered;
	if (pipe > s->ssthresh) {
		uint64_t due = ((uint64_t)f->prr_delivered * s->ssthresh + f->prr_flight - 1) /
			f->prr_flight;

		if (due > f->prr_out)
			more = (uint32_t)(due - f->prr_out);
	} else {
		if (f->prr_delivered > f->prr_out)
			more = f->prr_delivered - f->prr_out;
		if (more < news->delivered)
			more = news->delivered;
		if (news->acked > 0 && !news->lost)
			more += s->mss;
		if (more > s->ssthresh - pipe)
			more = s->ssthresh - pipe;
	}
	s->cwnd = pipe + more;
	if (s->cwnd < s->mss)
		s->cwnd = s->mss;
}

void tcp_congestion_recovered(struct tcp_sender *s)
{
	s->cwnd = s->ssthresh;
}

// RFC 5681 §3.1; ssthresh only once for one segment's timeouts.
void tcp_congestion_timeout(struct tcp_sender *s)
{
	if (s->recovery == TCP_OPEN || (s->recovery == TCP_LOSS && s->n_backoff == 0))
		reduce(s);
	s->cwnd = s->mss;
	s->flight.flags &= (uint16_t) ~(TCP_FLIGHT_EPOCH | TCP_FLIGHT_LIMITED);
}

void tcp_congestion_lost_once(struct tcp_sender *s)
{
	reduce(s);
	s->cwnd = s->ssthresh;
}

void tcp_congestion_idle(struct tcp_sender *s)
{
	uint32_t restart = initial_window(s->mss);

	if (s->cwnd > restart)
		s->cwnd = restart;
	s->flight.flags &= (uint16_t) ~(TCP_FLIGHT_EPOCH | TCP_FLIGHT_LIMITED);
}
