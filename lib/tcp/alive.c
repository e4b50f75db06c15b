// SPDX-License-Identifier: BSD-3-Clause
// RFC 9293 §3.8.4, and the other deadlines of a connection on which nothing happens.

#include "lib/tcp/flight.h"

// Linux's count and interval would take eleven minutes to find a dead partner; these take two.
#define PROBES_MAX        8
#define PROBE_INTERVAL_MS 15000

static uint32_t silent_ms(const struct tcp *t, const struct tcp_conn *c)
{
	return (uint32_t)((uint64_t)(t->now_tick - c->heard_tick) * TCP_TICK_NS / 1000000);
}

void tcp_alive_begin(struct tcp *t, struct tcp_conn *c)
{
	c->n_keepalives = 0;
	if (t->config.keepalive_s > 0)
		tcp_conn_set_due(t, c, TCP_DUE_IDLE, t->config.keepalive_s * 1000);
	else
		tcp_conn_clear_due(t, c, TCP_DUE_IDLE);
}

static enum reason keepalive_timer(struct tcp *t, struct tcp_conn *c)
{
	uint32_t idle_ms = t->config.keepalive_s * 1000, silent = silent_ms(t, c);

	if (idle_ms == 0)
		return REASON_none;
	if (silent < idle_ms) {
		c->n_keepalives = 0;
		tcp_conn_set_due(t, c, TCP_DUE_IDLE, idle_ms - silent);
		return REASON_none;
	}
	// What is in flight is its own question to the peer.
	if (c->sender.una == c->sender.nxt) {
		if (c->n_keepalives >= PROBES_MAX)
			return c->flags & TCP_CONN_UNREACHABLE ? REASON_tcp_unreachable
							       : REASON_tcp_timed_out;
		c->n_keepalives++;
		c->sender.need |= TCP_NEED_KEEPALIVE;
		tcp_conn_want_output(t, c);
	}
	tcp_conn_set_due(t, c, TCP_DUE_IDLE, PROBE_INTERVAL_MS);
	return REASON_none;
}

enum reason tcp_alive_timer(struct tcp *t, struct tcp_conn *c)
{
	uint32_t silent = silent_ms(t, c);

	switch ((enum tcp_state)c->state) {
	case TCP_STATE_SYN_SENT:
		return c->flags & TCP_CONN_UNREACHABLE ? REASON_tcp_unreachable
						       : REASON_tcp_timed_out;
	case TCP_STATE_SYN_RECEIVED:
		return c->flags & TCP_CONN_PASSIVE ? REASON_tcp_not_opened : REASON_tcp_timed_out;
	case TCP_STATE_FIN_WAIT_2:
		// A peer that goes on sending after our FIN may take its time.
		if (silent >= TCP_FIN_WAIT_2_MS)
			return REASON_tcp_timed_out;
		tcp_conn_set_due(t, c, TCP_DUE_IDLE, TCP_FIN_WAIT_2_MS - silent);
		return REASON_none;
	case TCP_STATE_ESTABLISHED:
	case TCP_STATE_FIN_WAIT_1:
	case TCP_STATE_CLOSE_WAIT:
	case TCP_STATE_CLOSING:
	case TCP_STATE_LAST_ACK:
		return keepalive_timer(t, c);
	case TCP_STATE_CLOSED:
	case TCP_STATE_TIME_WAIT:
	case TCP_STATE_N:
		break;
	}
	return REASON_none;
}
