// SPDX-License-Identifier: BSD-3-Clause
// ACKs that answer what is not acceptable (RFC 9293 §3.10.7.4, RFC 5961), bounded: for each
// connection and for all of them, and so that two ends, each finding the other's ACKs wrong, fall
// silent.

#include "lib/tcp/conn.h"

// In a second, of a connection (RFC 5961 §7).
#define CHALLENGES_MAX 5
// And as many answers to keepalives and probes of a closed window.
#define KEEPALIVES_MAX 5
// In answer to bare ACKs, until something acceptable comes: one a second, and so many in all.
#define BARE_ANSWERS_MAX 10

// How many there have been in this second.
static unsigned n_challenges(struct tcp *t, struct tcp_conn *c)
{
	uint32_t second = (uint32_t)t->second;

	if (c->challenge_s != second) {
		c->challenge_s = second;
		c->n_challenges = 0;
	}
	return c->n_challenges;
}

void tcp_challenge(struct tcp *t, struct tcp_conn *c)
{
	if (n_challenges(t, c) >= CHALLENGES_MAX || t->challenge_tokens == 0)
		return;
	c->n_challenges++;
	t->challenge_tokens--;
	tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
}

void tcp_challenge_bare(struct tcp *t, struct tcp_conn *c)
{
	if (n_challenges(t, c) > 0 || c->n_bare_answers >= BARE_ANSWERS_MAX)
		return;
	c->n_bare_answers++;
	tcp_challenge(t, c);
}

// RFC 9293 §3.8.4; a closed window's probe looks the same with many stacks.
static bool is_keepalive(const struct tcp_conn *c, const struct tcp_segment *s)
{
	return s->seq == c->receiver.nxt - 1 && tcp_segment_length(s) == 0;
}

// Not by the bound of all, and beyond that of the others: or whoever provokes challenges keeps
// peers from finding us alive.
static void answer_keepalive(struct tcp *t, struct tcp_conn *c)
{
	if (n_challenges(t, c) >= CHALLENGES_MAX + KEEPALIVES_MAX)
		return;
	c->n_challenges++;
	tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
}

void tcp_challenge_unacceptable(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	if ((s->flags & TCP_RST) != 0)
		return;
	if ((s->flags & TCP_SYN) != 0) {
		tcp_challenge(t, c);
	} else if (is_keepalive(c, s)) {
		answer_keepalive(t, c);
	} else if (tcp_segment_length(s) > 0) {
		// Sent again since our ACK was lost: once a burst, for no ACK answers an ACK.
		tcp_receiver_duplicate(t, c, s);
		tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
	} else {
		tcp_challenge_bare(t, c);
	}
}
