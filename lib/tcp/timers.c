// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

static bool take_due(struct tcp *t, struct tcp_conn *c, enum tcp_deadline which)
{
	if (!(c->due_set & 1u << which) || seq_lt(t->now_tick, c->due[which]))
		return false;
	c->due_set &= (uint8_t) ~(1u << which);
	return true;
}

// Into the wheel again, at the earliest deadline that is set.
static void set_again(struct tcp *t, struct tcp_conn *c)
{
	uint32_t due = 0;
	bool any = false;

	for (unsigned i = 0; i < TCP_DUE_N; i++) {
		if (!(c->due_set & 1u << i))
			continue;
		due = any ? seq_min(due, c->due[i]) : c->due[i];
		any = true;
	}
	if (any)
		wheel_set(&t->wheel, tcp_conn_index(t, c), due);
}

static void look_at(struct tcp *t, struct tcp_conn *c)
{
	enum reason reason = REASON_none;

	if (take_due(t, c, TCP_DUE_ACK) && c->receiver.ack == TCP_ACK_DELAYED)
		tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
	if (take_due(t, c, TCP_DUE_SEND))
		reason = tcp_sender_timer(t, c);
	if (reason == REASON_none && take_due(t, c, TCP_DUE_IDLE))
		reason = tcp_alive_timer(t, c);
	if (reason != REASON_none)
		tcp_conn_end(t, c, reason);
	else
		set_again(t, c);
}

void tcp_timers(struct tcp *t, uint64_t now, unsigned budget)
{
	struct tcp_time_wait *w;
	uint32_t index;

	tcp_set_now(t, now);
	tcp_tell_memory(t);
	// TIME_WAITs cost little each, and must not fill up behind connections.
	for (unsigned i = 0; i < budget; i++) {
		w = tcp_time_wait_next_due(&t->time_waits, t->now_tick);
		if (w == NULL)
			break;
		tcp_time_wait_forget(t, w);
	}
	while (budget > 0 && wheel_next(&t->wheel, t->now_tick, &budget, &index)) {
		look_at(t, &t->conns[index]);
		if (budget > 0)
			budget--;
	}
}
