// SPDX-License-Identifier: BSD-3-Clause
// What the sender sends next, the most urgent first: the handshake, what was lost, probes, new
// data, FIN, keepalive.

#include "lib/tcp/flight.h"

bool tcp_sender_has_more(const struct tcp_conn *c)
{
	const struct tcp_sender *s = &c->sender;

	if (s->flight.flags & TCP_FLIGHT_SYN)
		return s->need & TCP_NEED_SYN;
	return s->need != 0 || s->flight.lost > 0 || s->next != 0 ||
		(s->fin_queued && !s->fin_sent);
}

// A peer whose window was shrunk takes nothing beyond it, not even an ACK.
uint32_t tcp_sender_bare_seq(const struct tcp_sender *s)
{
	if (s->flight.flags & TCP_FLIGHT_SYN)
		return s->nxt;
	return seq_min(s->nxt, s->una + s->wnd);
}

static uint32_t usable_window(const struct tcp_sender *s)
{
	uint32_t edge = s->una + s->wnd;

	return seq_gt(edge, s->nxt) ? edge - s->nxt : 0;
}

static bool has_cwnd(const struct tcp_sender *s, uint32_t n_bytes)
{
	return tcp_pipe(s) + n_bytes <= s->cwnd;
}

// It is cwnd that holds something back.
static void limited(struct tcp_sender *s)
{
	s->flight.flags |= TCP_FLIGHT_LIMITED;
	s->flight.limited_seq = s->nxt;
}

static void add_part(const struct tcp *t, struct tcp_packet *out, tcp_chunk_id id)
{
	uint32_t len = tcp_chunk_at(&t->chunks, id)->len;

	out->parts[out->n_parts++] = view_of(tcp_chunk_from(&t->chunks, id), len);
	out->payload_bytes += len;
}

// With the last bytes goes the FIN.
static void add_end(struct tcp_sender *s, struct tcp_segment *segment)
{
	segment->flags |= TCP_PSH;
	if (!s->fin_queued)
		return;
	segment->flags |= TCP_FIN;
	s->need &= (uint8_t)~TCP_NEED_FIN;
	if (!s->fin_sent) {
		s->fin_sent = true;
		s->nxt++;
	}
}

// A flight begins.
static void take_off(struct tcp *t, struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	if (t->now_tick - f->sent_tick > tcp_ticks(s->rto_ms))
		tcp_congestion_idle(s);
	tcp_sender_restart_rto(t, s);
}

static bool send_syn(struct tcp *t, struct tcp_conn *c, struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;

	if (!(s->need & TCP_NEED_SYN) && !(c->flags & TCP_CONN_SYN_AGAIN))
		return false;
	s->need &= (uint8_t)~TCP_NEED_SYN;
	c->flags &= (uint16_t)~TCP_CONN_SYN_AGAIN;
	segment->flags = TCP_SYN;
	segment->seq = s->iss;
	if (!(s->flight.flags & TCP_FLIGHT_SYN_SENT)) {
		s->flight.flags |= TCP_FLIGHT_SYN_SENT;
		s->flight.rtt_start_us = t->now_us;
		s->timer = TCP_TIMER_RTO;
		tcp_conn_set_due(t, c, TCP_DUE_SEND, tcp_rto_ms(s));
	}
	return true;
}

// A sent chunk once more, whole.
static bool send_again(struct tcp *t, struct tcp_conn *c, tcp_chunk_id id, struct tcp_packet *out,
	struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;
	struct tcp_flight *f = &s->flight;
	struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);
	uint32_t room = tcp_segment_room(t, c);

	if (chunk->len > room && !tcp_sender_split(t, c, id, room))
		return false;
	if (chunk->flags & TCP_CHUNK_LOST) {
		chunk->flags &= (uint8_t)~TCP_CHUNK_LOST;
		f->lost -= chunk->len;
	}
	chunk->flags |= TCP_CHUNK_RETRANSMITTED;
	chunk->sent_us = t->now_us;
	s->n_retransmitted++;
	if (s->recovery == TCP_RECOVERY)
		f->prr_out += chunk->len;
	f->undo_bytes += chunk->len;
	f->sent_tick = t->now_tick;
	add_part(t, out, id);
	segment->seq = chunk->seq;
	if (chunk->next == 0)
		add_end(s, segment);
	if (id == s->first && !(s->flight.flags & TCP_FLIGHT_NO_WINDOW)) {
		f->rto_due = t->now_tick + tcp_ticks(tcp_rto_ms(s));
		tcp_sender_arm(t, c, false, 0);
	}
	return true;
}

static tcp_chunk_id first_lost(struct tcp *t, struct tcp_sender *s)
{
	struct tcp_flight *f = &s->flight;

	if (f->lost == 0)
		f->first_lost = 0;
	while (f->first_lost != 0) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, f->first_lost);

		if (chunk->flags & TCP_CHUNK_LOST)
			break;
		f->first_lost = chunk->next;
	}
	return f->first_lost;
}

static bool send_lost(
	struct tcp *t, struct tcp_conn *c, struct tcp_packet *out, struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;
	bool is_forced = s->need & TCP_NEED_FIRST;
	tcp_chunk_id id = first_lost(t, s);
	const struct tcp_chunk *chunk;
	uint32_t n;

	if (id == 0) {
		s->need &= (uint8_t)~TCP_NEED_FIRST;
		return false;
	}
	chunk = tcp_chunk_at(&t->chunks, id);
	n = tcp_segment_room(t, c);
	if (chunk->len < n)
		n = chunk->len;
	// In a window that has shrunk only the first asks whether it is open again (RFC 9293
	// §3.8.6).
	if (id != s->first && seq_gt(chunk->seq + n, s->una + s->wnd))
		return false;
	if (!is_forced && !has_cwnd(s, n)) {
		limited(s);
		return false;
	}
	if (!send_again(t, c, id, out, segment))
		return false;
	s->need &= (uint8_t)~TCP_NEED_FIRST;
	return true;
}

static void send_new(struct tcp *t, struct tcp_conn *c, struct tcp_packet *out)
{
	struct tcp_sender *s = &c->sender;
	struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, s->next);

	if (s->nxt == s->una)
		take_off(t, s);
	chunk->flags |= TCP_CHUNK_SENT;
	chunk->sent_us = t->now_us;
	s->nxt += chunk->len;
	if (s->recovery == TCP_RECOVERY)
		s->flight.prr_out += chunk->len;
	s->flight.sent_tick = t->now_tick;
	add_part(t, out, s->next);
	s->next = chunk->next;
}

// RFC 9293 §3.8.6.2.1 without Nagle's rule: how much of the next chunk is worth a segment now, by
// the peer's window. Not all of what is queued, and less than half of the largest window: that is
// silly, and waits until time overrides it.
static uint32_t worth_sending(const struct tcp *t, const struct tcp_conn *c, uint32_t room)
{
	const struct tcp_sender *s = &c->sender;
	uint32_t queued = s->end - s->fin_queued - s->nxt, usable = usable_window(s);
	uint32_t len = tcp_chunk_at(&t->chunks, s->next)->len;

	if (len > room)
		len = room;
	if (usable >= queued || usable >= tcp_segment_room(t, c))
		return len;
	if (usable == 0 || usable < s->max_wnd / 2)
		return 0;
	return len < usable ? len : usable;
}

// Makes the next chunk one that may go now. False: it may not.
static bool prepare_new(struct tcp *t, struct tcp_conn *c, uint32_t room)
{
	struct tcp_sender *s = &c->sender;
	uint32_t n = worth_sending(t, c, room);

	if (n == 0) {
		if (s->nxt == s->una)
			tcp_persist_arm(t, c);
		return false;
	}
	if (!has_cwnd(s, n)) {
		limited(s);
		return false;
	}
	if (n == tcp_chunk_at(&t->chunks, s->next)->len)
		return true;
	if (tcp_sender_split(t, c, s->next, n))
		return true;
	if (s->nxt == s->una) // memory comes back in time
		tcp_persist_arm(t, c);
	return false;
}

static bool send_queued(struct tcp *t, struct tcp_conn *c, uint32_t max, struct tcp_packet *out,
	struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;
	uint32_t room = tcp_segment_room(t, c), n = room;

	segment->seq = s->nxt;
	// A device cuts at every segment_bytes, so only the last may be shorter.
	while (s->next != 0 && n == room && out->n_parts < TCP_PACKET_PARTS_MAX &&
		(out->n_parts == 0 || out->payload_bytes + room <= max)) {
		if (!prepare_new(t, c, room))
			break;
		n = tcp_chunk_at(&t->chunks, s->next)->len;
		send_new(t, c, out);
	}
	if (out->n_parts == 0)
		return false;
	if (s->next == 0)
		add_end(s, segment);
	tcp_sender_arm(t, c, true, 0);
	return true;
}

static tcp_chunk_id last_sent(const struct tcp *t, const struct tcp_sender *s)
{
	tcp_chunk_id id = s->first;

	if (s->next == 0)
		return s->last;
	while (id != 0 && tcp_chunk_at(&t->chunks, id)->next != s->next)
		id = tcp_chunk_at(&t->chunks, id)->next;
	return id;
}

// RFC 8985 §7.3: new data, whatever cwnd, where the window takes it; else the last segment again.
// In fast recovery the first, which all others wait for.
static bool send_probe(
	struct tcp *t, struct tcp_conn *c, struct tcp_packet *out, struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;
	uint32_t room = tcp_segment_room(t, c);

	s->need &= (uint8_t)~TCP_NEED_PROBE;
	if (s->una == s->nxt || s->recovery == TCP_LOSS)
		return false;
	if (s->recovery == TCP_RECOVERY && s->first != s->next) {
		tcp_probe_sent(s, s->una + 1, false);
		return send_again(t, c, s->first, out, segment);
	}
	if (s->next != 0 && worth_sending(t, c, room) == tcp_chunk_at(&t->chunks, s->next)->len) {
		segment->seq = s->nxt;
		send_new(t, c, out);
		if (s->next == 0)
			add_end(s, segment);
		tcp_probe_sent(s, s->nxt, false);
		return true;
	}
	if (s->first == s->next) {
		s->need |= TCP_NEED_FIN;
		tcp_probe_sent(s, s->nxt, true);
		return false;
	}
	s->flight.flags &= (uint16_t)~TCP_FLIGHT_UNDO;
	s->flight.undo_bytes = 0;
	tcp_probe_sent(s, s->nxt, true);
	return send_again(t, c, last_sent(t, s), out, segment);
}

// A window that is shut: what is in flight again, or one byte more (RFC 9293 §3.8.6.1); one that is
// small: what it takes.
static bool send_into_window(
	struct tcp *t, struct tcp_conn *c, struct tcp_packet *out, struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;
	uint32_t n, usable = usable_window(s), room = tcp_segment_room(t, c);

	s->need &= (uint8_t)~TCP_NEED_WINDOW;
	if (s->first != s->next)
		return send_again(t, c, s->first, out, segment);
	if (s->next == 0 || s->una != s->nxt)
		return false;
	n = usable > 0 ? usable : 1;
	if (n > room)
		n = room;
	if (n < tcp_chunk_at(&t->chunks, s->next)->len && !tcp_sender_split(t, c, s->next, n))
		return false;
	segment->seq = s->nxt;
	send_new(t, c, out);
	if (s->next == 0)
		add_end(s, segment);
	if (usable == 0)
		s->flight.flags |= TCP_FLIGHT_NO_WINDOW;
	tcp_sender_arm(t, c, true, 0);
	return true;
}

static bool send_fin(struct tcp *t, struct tcp_conn *c, struct tcp_segment *segment)
{
	struct tcp_sender *s = &c->sender;
	bool is_new = s->fin_queued && !s->fin_sent && s->next == 0;

	if (!is_new && !(s->need & TCP_NEED_FIN))
		return false;
	s->need &= (uint8_t)~TCP_NEED_FIN;
	if (!s->fin_sent && !is_new)
		return false;
	segment->seq = s->end - 1;
	segment->flags = TCP_FIN;
	if (is_new) {
		if (s->nxt == s->una)
			take_off(t, s);
		s->fin_sent = true;
		s->nxt++;
		tcp_sender_arm(t, c, true, 0);
	} else {
		s->n_retransmitted++;
	}
	return true;
}

static bool send_keepalive(struct tcp_sender *s, struct tcp_segment *segment)
{
	if (!(s->need & TCP_NEED_KEEPALIVE))
		return false;
	s->need &= (uint8_t)~TCP_NEED_KEEPALIVE;
	if (s->una != s->nxt)
		return false;
	segment->seq = s->nxt - 1;
	return true;
}

bool tcp_sender_next(struct tcp *t, struct tcp_conn *c, uint32_t payload_max,
	struct tcp_packet *out, struct tcp_segment *s)
{
	struct tcp_sender *q = &c->sender;

	if (q->flight.flags & TCP_FLIGHT_SYN)
		return send_syn(t, c, s);
	if (payload_max > 0) {
		if ((q->flight.lost > 0 || (q->need & TCP_NEED_FIRST)) && send_lost(t, c, out, s))
			return true;
		if ((q->need & TCP_NEED_PROBE) && send_probe(t, c, out, s))
			return true;
		if ((q->need & TCP_NEED_WINDOW) && send_into_window(t, c, out, s))
			return true;
		if (q->next != 0 && send_queued(t, c, payload_max, out, s))
			return true;
	}
	return send_fin(t, c, s) || send_keepalive(q, s);
}
