// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

#define GRANULARITY_US (TCP_TICK_NS / 1000) // G of RFC 6298

void tcp_rtt_sample(struct tcp_sender *s, uint32_t us)
{
	uint32_t margin_us, rto_ms;

	// RFC 6298 §2.2, §2.3. Bounded so that nothing below overflows.
	if (us > TCP_RTO_MAX_MS * 1000)
		us = TCP_RTO_MAX_MS * 1000;
	if (us == 0)
		us = 1;
	if (s->srtt_us == 0) {
		s->srtt_us = us;
		s->rttvar_us = us / 2;
	} else {
		uint32_t off = s->srtt_us > us ? s->srtt_us - us : us - s->srtt_us;

		s->rttvar_us = s->rttvar_us - s->rttvar_us / 4 + off / 4;
		s->srtt_us = s->srtt_us - s->srtt_us / 8 + us / 8;
		if (s->srtt_us == 0)
			s->srtt_us = 1;
	}
	margin_us = 4 * s->rttvar_us;
	if (margin_us < GRANULARITY_US)
		margin_us = GRANULARITY_US;
	rto_ms = tcp_us_to_ms_up(s->srtt_us + margin_us);
	if (rto_ms < TCP_RTO_MIN_MS)
		rto_ms = TCP_RTO_MIN_MS;
	s->rto_ms = rto_ms < TCP_RTO_MAX_MS ? rto_ms : TCP_RTO_MAX_MS;
	// Karn: what was backed off stays so until there is a sample (RFC 6298 §5).
	s->n_backoff = 0;
}

uint32_t tcp_rto_ms(const struct tcp_sender *s)
{
	// 16: more than it takes from the least to the most.
	uint64_t ms = (uint64_t)s->rto_ms << (s->n_backoff < 16 ? s->n_backoff : 16);

	return ms < TCP_RTO_MAX_MS ? (uint32_t)ms : TCP_RTO_MAX_MS;
}

void tcp_rto_back_off(struct tcp_sender *s)
{
	if (s->n_backoff < UINT8_MAX)
		s->n_backoff++;
}
