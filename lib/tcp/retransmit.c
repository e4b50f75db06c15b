// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

// From the clock's ticks to milliseconds, rounded down: never later than the tick.
static uint32_t ms_until(const struct tcp *t, uint32_t tick)
{
	if (seq_le(tick, t->now_tick))
		return 0;
	return (uint32_t)((uint64_t)(tick - t->now_tick) * TCP_TICK_NS / 1000000);
}

static void set_timer(struct tcp *t, struct tcp_conn *c, enum tcp_send_timer timer, uint32_t ms)
{
	c->sender.timer = timer;
	tcp_conn_set_due(t, c, TCP_DUE_SEND, ms);
}

void tcp_sender_restart_rto(struct tcp *t, struct tcp_sender *s)
{
	s->flight.rto_due = t->now_tick + tcp_ticks(tcp_rto_ms(s));
	s->flight.advanced_tick = t->now_tick;
}

void tcp_sender_arm(struct tcp *t, struct tcp_conn *c, bool restart, uint32_t reorder_us)
{
	struct tcp_sender *s = &c->sender;
	bool is_set = c->due_set & 1u << TCP_DUE_SEND;
	uint32_t rto_ms, ms;

	if (s->una == s->nxt) {
		// Data that waits for a window keeps its timer.
		if (is_set && (s->timer != TCP_TIMER_PERSIST || s->next == 0))
			tcp_conn_clear_due(t, c, TCP_DUE_SEND);
		return;
	}
	if (s->flight.flags & TCP_FLIGHT_NO_WINDOW) {
		tcp_persist_arm(t, c);
		return;
	}
	rto_ms = ms_until(t, s->flight.rto_due);
	if (reorder_us > 0) {
		ms = tcp_us_to_ms_up(reorder_us);
		set_timer(t, c, TCP_TIMER_REORDER, ms < rto_ms ? ms : rto_ms);
	} else if (tcp_probe_is_due(c)) {
		if (is_set && s->timer == TCP_TIMER_PROBE && !restart)
			return;
		ms = tcp_probe_ms(t, c);
		set_timer(t, c, TCP_TIMER_PROBE, ms < rto_ms ? ms : rto_ms);
	} else {
		set_timer(t, c, TCP_TIMER_RTO, rto_ms);
	}
}

static enum reason give_up(const struct tcp_conn *c)
{
	return c->flags & TCP_CONN_UNREACHABLE ? REASON_tcp_unreachable : REASON_tcp_timed_out;
}

static void syn_timeout(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	// It ends with TCP_DUE_IDLE.
	tcp_rto_back_off(s);
	s->need |= TCP_NEED_SYN;
	s->n_retransmitted++;
	tcp_conn_want_output(t, c);
	set_timer(t, c, TCP_TIMER_RTO, tcp_rto_ms(s));
}

// A peer that acknowledges what it holds as missing has dropped it (RFC 2018 §8); so may one that
// answers nothing.
static void drop_scoreboard(struct tcp *t, struct tcp_sender *s)
{
	if (s->n_backoff > 0 ||
		(s->first != s->next &&
			(tcp_chunk_at(&t->chunks, s->first)->flags & TCP_CHUNK_SACKED)))
		tcp_sack_forget(t, s);
}

// RFC 6298 §5.4 to §5.6, RFC 5681 §3.1, RFC 8985 §6.3.
static enum reason rto_timeout(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;
	// A window that was closed over what is in flight is the peer's right, while it answers.
	bool answers = s->wnd == 0 && seq_ge(c->heard_tick, s->flight.sent_tick);

	if (s->n_backoff > 0 && !answers &&
		t->now_tick - s->flight.advanced_tick >= tcp_ticks(t->config.user_timeout_s * 1000))
		return give_up(c);
	tcp_mtu_timeout(t, c);
	if (c->flags & TCP_CONN_SACK)
		drop_scoreboard(t, s);
	else
		s->flight.sacked = 0;
	if (s->recovery == TCP_OPEN)
		tcp_undo_begin(t, c);
	tcp_congestion_timeout(s);
	s->recovery = TCP_LOSS;
	s->flight.recover = s->nxt;
	s->flight.flags |= TCP_FLIGHT_RECOVERED;
	s->flight.flags &=
		(uint16_t) ~(TCP_FLIGHT_PROBED | TCP_FLIGHT_PROBE_OLD | TCP_FLIGHT_LOST_TWICE);
	s->n_duplicates = 0;
	tcp_rack_timeout(t, c);
	s->need |= s->first != s->next ? TCP_NEED_FIRST : TCP_NEED_FIN;
	tcp_rto_back_off(s);
	s->flight.rto_due = t->now_tick + tcp_ticks(tcp_rto_ms(s));
	tcp_conn_want_output(t, c);
	tcp_sender_arm(t, c, false, 0);
	return REASON_none;
}

static void probe_timeout(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	// RFC 8985 §7.3: the retransmission timer begins anew with the probe.
	s->need |= TCP_NEED_PROBE;
	s->flight.rto_due = t->now_tick + tcp_ticks(tcp_rto_ms(s));
	tcp_conn_want_output(t, c);
	set_timer(t, c, TCP_TIMER_RTO, tcp_rto_ms(s));
}

static void reorder_timeout(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_news news = {0};
	uint32_t us = tcp_rack_detect(t, c, &news.lost);

	if (news.lost && c->sender.recovery == TCP_OPEN)
		tcp_sender_enter_recovery(t, c, &news);
	if (news.lost && c->sender.recovery == TCP_RECOVERY)
		tcp_congestion_reduce_rate(&c->sender, &news);
	if (news.lost)
		tcp_conn_want_output(t, c);
	tcp_sender_arm(t, c, false, us);
}

enum reason tcp_sender_timer(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	if (s->flight.flags & TCP_FLIGHT_SYN) {
		syn_timeout(t, c);
		return REASON_none;
	}
	if (s->timer == TCP_TIMER_PERSIST)
		return tcp_persist_timer(t, c);
	if (s->una == s->nxt)
		return REASON_none;
	if (seq_ge(t->now_tick, s->flight.rto_due) && s->timer != TCP_TIMER_PROBE)
		return rto_timeout(t, c);
	switch ((enum tcp_send_timer)s->timer) {
	case TCP_TIMER_PROBE:
		probe_timeout(t, c);
		break;
	case TCP_TIMER_REORDER:
		reorder_timeout(t, c);
		break;
	case TCP_TIMER_RTO:
	case TCP_TIMER_PERSIST:
		tcp_sender_arm(t, c, false, 0);
		break;
	}
	return REASON_none;
}
