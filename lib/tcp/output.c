// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

// Connections that a call passes over, with nothing without payload, while packet memory is dry.
#define PASSED_OVER_MAX 64

static bool has_blocks(const struct tcp_conn *c)
{
	const struct tcp_receiver *r = &c->receiver;

	return (c->flags & TCP_CONN_SACK) &&
		(r->queue.duplicate.from != r->queue.duplicate.to ||
			r->queue.recent[0].from != r->queue.recent[0].to);
}

// RFC 7323 §2.2, §3.2: a SYN offers all; a SYN-ACK, and what follows, what was agreed.
static void add_options(struct tcp *t, struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_options *o = &s->options;
	bool is_offer = (s->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (s->flags & TCP_SYN) {
		o->has_mss = true;
		o->mss = tcp_mss_offered(c->mtu, c->family);
		o->has_window_scale = is_offer || (c->flags & TCP_CONN_WINDOW_SCALE);
		o->window_scale = c->receiver.window_scale;
		o->sack_permitted = is_offer || (c->flags & TCP_CONN_SACK);
	}
	o->has_timestamps = is_offer || (c->flags & TCP_CONN_TIMESTAMPS);
	if (o->has_timestamps) {
		o->ts_value = tcp_conn_ts(t, c);
		o->ts_echo = is_offer ? 0 : c->ts_recent;
	}
}

// A full segment leaves no room for blocks.
static void trim_blocks(
	const struct tcp_conn *c, const struct tcp_packet *out, struct tcp_segment *s)
{
	uint32_t n = out->payload_bytes + (s->options.has_timestamps ? 12 : 0) + 4;

	while (s->options.n_sack_blocks > 0 && n + 8u * s->options.n_sack_blocks > c->sender.mss)
		s->options.n_sack_blocks--;
}

static void finish(struct tcp *t, struct tcp_conn *c, struct tcp_packet *out, struct tcp_segment *s)
{
	struct tcp_sender *q = &c->sender;

	if (c->state != TCP_STATE_SYN_SENT)
		s->flags |= TCP_ACK;
	s->local.port = c->local_port;
	s->remote.port = c->remote_port;
	tcp_receiver_fill(t, c, s);
	add_options(t, c, s);
	if (s->options.n_sack_blocks > 0 && out->payload_bytes > 0)
		trim_blocks(c, out, s);
	out->header_bytes = (uint8_t)tcp_segment_build(out->header, s);
	memcpy(out->local.bytes, c->local, sizeof(out->local.bytes));
	memcpy(out->remote.bytes, c->remote, sizeof(out->remote.bytes));
	out->local.family = out->remote.family = c->family;
	// Addresses are compared as a whole.
	memset(out->local.zero, 0, sizeof(out->local.zero));
	memset(out->remote.zero, 0, sizeof(out->remote.zero));
	out->conn = tcp_conn_id_of(t, c);
	out->listener = c->listener;
	out->segment_bytes = (uint16_t)(q->mss - (s->options.has_timestamps ? 12 : 0));
	if (out->segment_bytes > t->chunks.room)
		out->segment_bytes = t->chunks.room;
}

static bool output_conn(
	struct tcp *t, struct tcp_conn *c, uint32_t payload_max, struct tcp_packet *out)
{
	bool needs_ack = c->receiver.ack == TCP_ACK_NOW;
	struct tcp_segment s;

	memset(&s, 0, sizeof(s));
	out->n_parts = 0;
	out->payload_bytes = 0;
	// Blocks go ahead by themselves: what follows may have no room for them.
	if (needs_ack && has_blocks(c) && !(c->sender.flight.flags & TCP_FLIGHT_SYN))
		s.seq = tcp_sender_bare_seq(&c->sender);
	else if (!tcp_sender_next(t, c, payload_max, out, &s)) {
		if (!needs_ack)
			return false;
		s.flags = 0;
		s.seq = tcp_sender_bare_seq(&c->sender);
	}
	finish(t, c, out, &s);
	return true;
}

static bool has_more(const struct tcp_conn *c)
{
	return c->receiver.ack == TCP_ACK_NOW || (c->flags & TCP_CONN_SYN_AGAIN) ||
		tcp_sender_has_more(c);
}

bool tcp_has_output(const struct tcp *t)
{
	return t->lists[TCP_LIST_OUTPUT].first != 0 || t->n_replies_popped != t->n_replies_pushed;
}

bool tcp_output(struct tcp *t, uint64_t now, enum tcp_output_mode mode, uint32_t payload_max,
	struct tcp_packet *out)
{
	unsigned n_passed_over = 0;
	struct tcp_conn *c;

	tcp_set_now(t, now);
	if (tcp_reply_pop(t, out))
		return true;
	if (mode == TCP_OUTPUT_BARE)
		payload_max = 0;
	else if (payload_max == 0)
		payload_max = 1; // less than a segment: one
	// One packet a turn: a connection with much to send waits behind all others.
	while (n_passed_over < PASSED_OVER_MAX && (c = tcp_conn_pop_output(t)) != NULL) {
		bool is_sent = output_conn(t, c, payload_max, out);

		if (has_more(c) && (is_sent || mode == TCP_OUTPUT_BARE))
			tcp_conn_want_output(t, c);
		if (is_sent)
			return true;
		n_passed_over += mode == TCP_OUTPUT_BARE;
	}
	return false;
}
