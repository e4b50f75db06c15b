// SPDX-License-Identifier: BSD-3-Clause
// Tail loss probes: RFC 8985 §7.

#include "lib/tcp/flight.h"

// TLP.max_ack_delay: what peers may delay the ACK of a single segment by (RFC 8985 §7.2).
#define ACK_DELAY_MAX_US 200000
// A probe no sooner than the clock can tell apart.
#define PROBE_MIN_US 2000

// §7.2: SACK, no loss in sight, no probe out, an RTT sample. In fast recovery too, which the RFC
// leaves to the retransmission timer: where the ACKs of a whole flight are lost, or what was sent
// again is and nothing was sent after it, one more segment in two round trips does less harm than a
// window of one, and the message is not ten round trips late.
bool tcp_probe_is_due(const struct tcp_conn *c)
{
	const struct tcp_sender *s = &c->sender;
	const struct tcp_flight *f = &s->flight;

	if (!(c->flags & TCP_CONN_SACK) || s->srtt_us == 0 || s->n_backoff > 0 ||
		(f->flags & (TCP_FLIGHT_PROBED | TCP_FLIGHT_SYN | TCP_FLIGHT_NO_WINDOW)))
		return false;
	if (s->recovery == TCP_RECOVERY)
		return true;
	return s->recovery == TCP_OPEN && f->sacked == 0 && f->lost == 0;
}

uint32_t tcp_probe_ms(const struct tcp *t, const struct tcp_conn *c)
{
	const struct tcp_sender *s = &c->sender;
	uint32_t us = 2 * s->srtt_us;
	bool is_single = s->first == 0 || tcp_chunk_at(&t->chunks, s->first)->next == s->next;

	// A hole that is filled is acknowledged at once (RFC 5681 §4.2).
	us += is_single && s->recovery == TCP_OPEN ? ACK_DELAY_MAX_US : PROBE_MIN_US;
	return tcp_us_to_ms_up(us);
}

void tcp_probe_sent(struct tcp_sender *s, uint32_t end, bool is_retransmission)
{
	s->flight.probe_end = end;
	s->flight.flags |= TCP_FLIGHT_PROBED;
	if (is_retransmission)
		s->flight.flags |= TCP_FLIGHT_PROBE_OLD;
	else
		s->flight.flags &= (uint16_t)~TCP_FLIGHT_PROBE_OLD;
}

bool tcp_probe_acked(
	struct tcp_sender *s, const struct tcp_segment *ack, const struct tcp_news *news)
{
	struct tcp_flight *f = &s->flight;
	bool is_told, is_repair, both_came;

	if (!(f->flags & TCP_FLIGHT_PROBED) || seq_lt(ack->ack, f->probe_end))
		return false;
	// The segment and its probe have both come, or it was new.
	is_told = !(f->flags & TCP_FLIGHT_PROBE_OLD) ||
		(news->duplicate_data && news->delivered_again);
	is_repair = !is_told && seq_gt(ack->ack, f->probe_end);
	// Both have come, and the peer knows no D-SACK.
	both_came = news->duplicate_ack && !news->duplicate_data && ack->options.n_sack_blocks == 0;
	if (is_told || is_repair || both_came)
		f->flags &= (uint16_t) ~(TCP_FLIGHT_PROBED | TCP_FLIGHT_PROBE_OLD);
	return is_repair;
}
