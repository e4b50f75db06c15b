// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/conn.h"

// RFC 9293 §3.8.6.3 allows 500; most peers' minimum RTO is 200.
#define DELAYED_ACK_MS 40
// Segments acknowledged at once while a new peer's window grows from ACK to ACK.
#define N_QUICK 10
// RFC 9293 §3.7.1: a segment of this size can be expected of anybody.
#define DEFAULT_MSS 536

#define SYN_WINDOW_MAX 65535u // RFC 7323 §2.2: never scaled

// What of a segment is new: what lies left of RCV.NXT and right of the window is cut off.
struct trimmed {
	struct tcp_text text;
	bool fin, cut;
};

static uint32_t window_max(const struct tcp *t, const struct tcp_conn *c)
{
	return tcp_min(t->config.receive_bytes_max, SYN_WINDOW_MAX << c->receiver.window_scale);
}

void tcp_receiver_begin(struct tcp *t, struct tcp_conn *c, uint32_t irs)
{
	struct tcp_receiver *r = &c->receiver;

	if ((c->flags & TCP_CONN_WINDOW_SCALE) == 0)
		r->window_scale = 0;
	r->irs = irs;
	r->nxt = r->acked = r->consumed = irs + 1;
	r->adv = r->nxt + tcp_min(window_max(t, c), SYN_WINDOW_MAX);
	r->mss = DEFAULT_MSS;
	r->n_quick = N_QUICK;
}

void tcp_receiver_end(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_receiver *r = &c->receiver;

	tcp_reassembly_clear(t, &r->queue);
	r->ack = TCP_ACK_NONE;
}

// How far beyond what the user has consumed the window may reach: less, the less memory is left
// for all.
static uint32_t window_by_memory(const struct tcp *t, const struct tcp_conn *c)
{
	uint32_t n = t->chunks.n, n_free = n - t->chunks.n_used, max = window_max(t, c);

	if (n_free >= n / 4)
		return max;
	if (n_free >= n / 8)
		return max / 4;
	if (n_free >= n / 16)
		return max / 16;
	return 0;
}

uint32_t tcp_receiver_window(const struct tcp *t, const struct tcp_conn *c)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t edge = r->consumed + window_by_memory(t, c);

	// RFC 9293 §3.8.6.2.2: it moves by something worth a segment, or not at all.
	if (seq_lt(edge, r->adv + tcp_min(window_max(t, c) / 2, r->mss)))
		edge = r->adv;
	return edge - r->nxt;
}

bool tcp_receiver_accepts(const struct tcp_conn *c, const struct tcp_segment *s)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t length = tcp_segment_length(s), last;

	// With a closed window too: its ACK or RST is valid, and its text will be cut off.
	if (s->seq == r->nxt)
		return true;
	// A peer that has filled the window, and lost some of it, acknowledges with a sequence
	// number at its right edge: those ACKs must not be lost as well.
	if (length == 0)
		return seq_gt(s->seq, r->nxt) &&
			((s->flags & TCP_RST) == 0 ? seq_le(s->seq, r->adv)
						   : seq_lt(s->seq, r->adv));
	last = s->seq + length - 1;
	return (seq_gt(s->seq, r->nxt) && seq_lt(s->seq, r->adv)) ||
		(seq_ge(last, r->nxt) && seq_lt(last, r->adv)) ||
		(seq_lt(s->seq, r->nxt) && seq_ge(last, r->adv) && r->adv != r->nxt);
}

void tcp_receiver_duplicate(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_receiver *r = &c->receiver;
	uint32_t end = s->seq + (uint32_t)s->payload.len;

	// No older than what can have been in flight: else nobody has sent it twice.
	if (s->payload.len > 0 && seq_le(end, r->nxt) && r->nxt - s->seq <= window_max(t, c))
		tcp_reassembly_note_duplicate(&r->queue, s->seq, end);
}

// Both edges.
static struct trimmed trim(struct tcp_receiver *r, const struct tcp_segment *s)
{
	struct trimmed x = {{s->seq, s->payload}, (s->flags & TCP_FIN) != 0, false};
	struct tcp_text *text = &x.text;
	uint32_t edge = r->adv, len;

	if (seq_lt(text->seq, r->nxt)) {
		uint32_t n_old = tcp_min(r->nxt - text->seq, (uint32_t)text->bytes.len);

		x.cut = true;
		if (n_old > 0)
			tcp_reassembly_note_duplicate(&r->queue, text->seq, text->seq + n_old);
		tcp_text_skip(text, n_old);
		if (seq_lt(text->seq, r->nxt))
			x.fin = false;
	}
	// Nothing comes behind a FIN, and the first one counts.
	if (r->has_fin_seq && seq_lt(r->fin_seq, edge))
		edge = r->fin_seq;
	len = seq_lt(text->seq, edge) ? edge - text->seq : 0;
	if (text->bytes.len > len) {
		text->bytes.len = len;
		x.fin = false;
		x.cut = true;
	}
	if (x.fin && seq_ge(text->seq + (uint32_t)text->bytes.len, r->adv)) {
		x.fin = false;
		x.cut = true;
	}
	return x;
}

// A FIN at seq, at most at the right edge. Text that lies behind it is nobody's.
static void note_fin(struct tcp *t, struct tcp_receiver *r, uint32_t seq)
{
	if (r->has_fin_seq)
		return;
	r->has_fin_seq = true;
	r->fin_seq = seq;
	tcp_reassembly_cut_off(t, &r->queue, seq);
}

// RFC 5681 §4.2, RFC 9293 §3.8.6.3.
static enum tcp_ack_need ack_need(struct tcp_receiver *r, bool at_once)
{
	if (at_once)
		return TCP_ACK_NOW;
	if (r->n_quick > 0) {
		r->n_quick--;
		return TCP_ACK_NOW;
	}
	return r->nxt - r->acked >= 2u * r->mss ? TCP_ACK_NOW : TCP_ACK_DELAYED;
}

// x has text, a FIN, or both.
static enum reason take(struct tcp *t, struct tcp_conn *c, struct trimmed x, uint8_t *events)
{
	struct tcp_receiver *r = &c->receiver;
	struct tcp_reassembly *q = &r->queue;
	struct tcp_text rest = x.text;
	bool had_hole = q->n_out_of_order > 0;
	uint32_t from = rest.seq, was = r->nxt;
	enum reason reason;
	bool at_once;

	if (x.fin)
		note_fin(t, r, from + (uint32_t)rest.bytes.len);
	reason = tcp_reassembly_put(t, q, was, &rest);
	r->nxt = tcp_reassembly_advance(t, q, was);
	if (r->nxt != was)
		*events |= TCP_READABLE;
	if (seq_gt(rest.seq, from) && seq_gt(from, was))
		tcp_reassembly_note_run(t, q, (struct tcp_sack_block){from, rest.seq});
	if (had_hole)
		tcp_reassembly_forget_runs(q, r->nxt);
	if (r->has_fin_seq && r->fin_seq == r->nxt) {
		r->nxt++;
		r->fin = true;
		*events |= TCP_PEER_FINISHED;
	}
	at_once = had_hole || q->n_out_of_order > 0 || x.cut || r->has_fin_seq ||
		reason != REASON_none;
	tcp_receiver_want_ack(t, c, ack_need(r, at_once));
	return reason == REASON_none || seq_gt(rest.seq, from) ? REASON_tcp_segment_taken : reason;
}

enum reason tcp_receiver_input(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, uint8_t *events)
{
	struct tcp_receiver *r = &c->receiver;
	struct trimmed x;

	*events = 0;
	if (r->fin)
		return REASON_tcp_not_acceptable;
	x = trim(r, s);
	if (s->payload.len > r->mss)
		r->mss = (uint16_t)tcp_min((uint32_t)s->payload.len, UINT16_MAX);
	if (x.text.bytes.len == 0 && !x.fin) {
		// Such as the probe of a closed window.
		tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
		return REASON_tcp_not_acceptable;
	}
	return take(t, c, x, events);
}

bool tcp_receiver_take_next(struct tcp *t, struct tcp_conn *c, struct view text)
{
	struct tcp_receiver *r = &c->receiver;

	if (r->has_fin_seq || text.len > r->adv - r->nxt ||
		!tcp_reassembly_append(t, &r->queue, r->nxt, text))
		return false;
	r->nxt += (uint32_t)text.len;
	if (text.len > r->mss)
		r->mss = (uint16_t)text.len;
	tcp_receiver_want_ack(t, c, ack_need(r, false));
	return true;
}

void tcp_receiver_want_ack(struct tcp *t, struct tcp_conn *c, enum tcp_ack_need need)
{
	if (need == TCP_ACK_NOW) {
		c->receiver.ack = TCP_ACK_NOW;
		tcp_conn_want_output(t, c);
	} else if (need == TCP_ACK_DELAYED && c->receiver.ack == TCP_ACK_NONE) {
		c->receiver.ack = TCP_ACK_DELAYED;
		tcp_conn_set_due(t, c, TCP_DUE_ACK, DELAYED_ACK_MS);
	}
}

// The window in units of its scale. Rounded up, or the right edge would move back by a part of a
// unit; but not for ever, or a peer that sends a byte at a time would get another unit each time.
static uint16_t scale_window(const struct tcp *t, const struct tcp_conn *c, uint32_t window)
{
	const struct tcp_receiver *r = &c->receiver;
	uint32_t unit = 1u << r->window_scale;
	uint32_t n = (window + unit - 1) >> r->window_scale;
	uint32_t edge = r->nxt + (n << r->window_scale);

	if (seq_ge(edge, r->consumed + window_max(t, c) + unit))
		n = window >> r->window_scale;
	return (uint16_t)tcp_min(n, SYN_WINDOW_MAX);
}

void tcp_receiver_fill(struct tcp *t, struct tcp_conn *c, struct tcp_segment *s)
{
	struct tcp_receiver *r = &c->receiver;
	uint32_t edge;

	if (c->state == TCP_STATE_SYN_SENT) {
		s->window = (uint16_t)tcp_min(t->config.receive_bytes_max, SYN_WINDOW_MAX);
		return;
	}
	s->flags |= TCP_ACK;
	s->ack = r->nxt;
	if ((s->flags & TCP_SYN) != 0) {
		s->window = (uint16_t)tcp_min(r->adv - r->nxt, SYN_WINDOW_MAX);
	} else {
		s->window = scale_window(t, c, tcp_receiver_window(t, c));
		edge = r->nxt + ((uint32_t)s->window << r->window_scale);
		r->adv = seq_max(r->adv, edge);
		if ((c->flags & TCP_CONN_SACK) != 0)
			tcp_reassembly_fill_sack(&r->queue, &s->options);
	}
	r->queue.duplicate = (struct tcp_sack_block){0, 0};
	r->acked = r->nxt;
	r->ack = TCP_ACK_NONE;
	tcp_conn_clear_due(t, c, TCP_DUE_ACK);
}

uint32_t tcp_receiver_readable(const struct tcp_conn *c)
{
	return c->receiver.nxt - c->receiver.consumed - c->receiver.fin;
}

struct view tcp_receiver_peek(const struct tcp *t, const struct tcp_conn *c)
{
	return tcp_reassembly_peek(t, &c->receiver.queue);
}

uint32_t tcp_receiver_copy(const struct tcp *t, const struct tcp_conn *c, uint32_t offset,
	uint8_t *out, uint32_t n_bytes)
{
	uint32_t readable = tcp_receiver_readable(c);

	if (offset >= readable)
		return 0;
	n_bytes = tcp_min(n_bytes, readable - offset);
	tcp_reassembly_copy(t, &c->receiver.queue, offset, out, n_bytes);
	return n_bytes;
}

void tcp_receiver_consume(struct tcp *t, struct tcp_conn *c, uint32_t n_bytes)
{
	struct tcp_receiver *r = &c->receiver;

	n_bytes = tcp_min(n_bytes, tcp_receiver_readable(c));
	r->consumed += n_bytes;
	tcp_reassembly_consume(t, &r->queue, n_bytes);
	// While half of it is open, the next ACK is soon enough to say so.
	if (tcp_state_receives((enum tcp_state)c->state) &&
		r->adv - r->nxt < window_max(t, c) / 2 &&
		r->nxt + tcp_receiver_window(t, c) != r->adv)
		tcp_receiver_want_ack(t, c, TCP_ACK_NOW);
}
