// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

#include <errno.h>

// What a peer that names no MSS takes (RFC 9293 §3.7.1).
#define MSS_DEFAULT_V4 536
#define MSS_DEFAULT_V6 1220
// RFC 6298 §5.7: after a SYN was lost, where nothing tells how long the path is.
#define RTO_AFTER_LOST_SYN_MS 3000

static void set_window(struct tcp_sender *s, const struct tcp_segment *from, uint32_t window)
{
	s->wnd = window;
	s->wl1 = from->seq;
	s->wl2 = from->ack;
	if (window > s->max_wnd)
		s->max_wnd = window;
}

void tcp_sender_begin(struct tcp *t, struct tcp_conn *c, uint32_t iss)
{
	struct tcp_sender *s = &c->sender;

	*s = (struct tcp_sender){
		.iss = iss,
		.una = iss,
		.nxt = iss + 1,
		.end = iss + 1,
		.mss = (uint16_t)tcp_mss_of_mtu(c, c->mtu),
		.need = TCP_NEED_SYN,
		.rto_ms = TCP_RTO_INITIAL_MS,
		.flight = {.flags = TCP_FLIGHT_SYN, .fack = iss + 1, .rtt_seq = iss},
	};
	s->peer_mss = s->mss;
	tcp_congestion_begin(s, false);
	tcp_conn_want_output(t, c);
}

void tcp_sender_peer_syn(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *syn)
{
	struct tcp_sender *s = &c->sender;
	uint16_t mss = c->family == IP_V6 ? MSS_DEFAULT_V6 : MSS_DEFAULT_V4;
	uint32_t of_link = tcp_mss_of_mtu(c, c->mtu);

	(void)t;
	if (syn->options.has_mss)
		mss = syn->options.mss;
	s->peer_mss = mss > TCP_MSS_MIN ? mss : TCP_MSS_MIN;
	s->mss = s->peer_mss < of_link ? s->peer_mss : (uint16_t)of_link;
	s->window_scale = 0;
	if (c->flags & TCP_CONN_WINDOW_SCALE)
		s->window_scale = syn->options.window_scale < TCP_WINDOW_SCALE_MAX
			? syn->options.window_scale
			: TCP_WINDOW_SCALE_MAX;
	// The window of a SYN is not scaled (RFC 7323 §2.2).
	set_window(s, syn, syn->window);
}

static void take_handshake_rtt(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *ack, bool was_lost)
{
	struct tcp_sender *s = &c->sender;
	uint32_t ms = tcp_conn_ts(t, c) - ack->options.ts_echo;

	if (!(s->flight.flags & TCP_FLIGHT_SYN_SENT))
		return;
	if (!was_lost) {
		tcp_rtt_sample(s, t->now_us - s->flight.rtt_start_us);
		s->flight.min_rtt_us = s->srtt_us;
	} else if ((c->flags & TCP_CONN_TIMESTAMPS) && ack->options.has_timestamps &&
		ms <= TCP_RTO_MAX_MS) {
		tcp_rtt_sample(s, ms > 0 ? ms * 1000 : 1000);
	} else {
		s->rto_ms = RTO_AFTER_LOST_SYN_MS;
	}
}

void tcp_sender_established(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s)
{
	struct tcp_sender *q = &c->sender;
	uint8_t n_lost = q->n_backoff;

	if (!(q->flight.flags & TCP_FLIGHT_SYN))
		return;
	q->una = q->iss + 1;
	set_window(q, s, s->flags & TCP_SYN ? s->window : (uint32_t)s->window << q->window_scale);
	take_handshake_rtt(t, c, s, n_lost > 0);
	q->need &= (uint8_t)~TCP_NEED_SYN;
	q->flight.flags &= (uint16_t) ~(TCP_FLIGHT_SYN | TCP_FLIGHT_SYN_SENT);
	q->flight.sent_tick = q->flight.advanced_tick = t->now_tick;
	q->n_backoff = 0;
	// One SYN may well have been lost to chance (RFC 6928 §2).
	tcp_congestion_begin(q, n_lost > 1);
	tcp_conn_clear_due(t, c, TCP_DUE_SEND);
	tcp_alive_begin(t, c);
	if (tcp_sender_has_more(c))
		tcp_conn_want_output(t, c);
}

void tcp_sender_end(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	tcp_chunk_put_all(&t->chunks, s->first, TCP_CHUNK_SENDS);
	s->first = s->next = s->last = 0;
	s->flight.highest_sacked = s->flight.first_lost = 0;
	s->need = 0;
	s->una = s->nxt = s->end;
	s->flight.sacked = s->flight.lost = 0;
	tcp_conn_clear_due(t, c, TCP_DUE_SEND);
}

// What still fits behind the last bytes queued, in their chunk.
static uint32_t tail_room(const struct tcp *t, const struct tcp_conn *c)
{
	const struct tcp_sender *s = &c->sender;
	uint32_t room = tcp_segment_room(t, c), left;
	const struct tcp_chunk *last;

	if (s->next == 0)
		return 0;
	last = tcp_chunk_at(&t->chunks, s->last);
	left = t->chunks.room - last->from - last->len;
	room = room > last->len ? room - last->len : 0;
	return room < left ? room : left;
}

uint32_t tcp_sender_room(const struct tcp *t, const struct tcp_conn *c)
{
	const struct tcp_sender *s = &c->sender;
	uint32_t queued = s->end - s->una, max = t->config.send_bytes_max;
	uint64_t memory = tail_room(t, c);

	if (s->fin_queued || queued >= max)
		return 0;
	// What is scarce is left to what comes in order, or no ACK would free any of it.
	if (!tcp_memory_is_scarce(t))
		memory += (uint64_t)(t->chunks.n - t->chunks.n_used - t->chunks.n / 8) *
			tcp_segment_room(t, c);
	return memory < max - queued ? (uint32_t)memory : max - queued;
}

static void append(struct tcp *t, struct tcp_sender *s, tcp_chunk_id id)
{
	if (s->last != 0)
		tcp_chunk_at(&t->chunks, s->last)->next = id;
	else
		s->first = id;
	s->last = id;
	if (s->next == 0)
		s->next = id;
}

// What is written next, to this connection or the next one, will be about as long. In chunks it was
// sent from until now, and has gone cold: stores to it would hold up all that follow.
static void prefetch_next(const struct tcp *t, const struct tcp_sender *s, uint32_t n_bytes)
{
	const struct tcp_chunk *last = tcp_chunk_at(&t->chunks, s->last);
	tcp_chunk_id free = t->chunks.free[TCP_CHUNK_SENDS];

	tcp_chunk_prefetch(&t->chunks, s->last, last->from + last->len, n_bytes);
	if (last->len <= n_bytes && free != 0)
		tcp_chunk_prefetch(&t->chunks, free, 0, n_bytes);
}

// at: n_bytes that there is room for; NULL: they lie where they go.
static void queue(struct tcp *t, struct tcp_conn *c, const uint8_t *at, uint32_t n_bytes)
{
	struct tcp_sender *s = &c->sender;
	const uint32_t n_all = n_bytes;
	uint32_t n = tail_room(t, c);

	while (n_bytes > 0) {
		struct tcp_chunk *chunk;

		if (n == 0) {
			tcp_chunk_id id = tcp_chunk_get(&t->chunks, TCP_CHUNK_SENDS);

			tcp_chunk_at(&t->chunks, id)->seq = s->end;
			append(t, s, id);
			n = tcp_segment_room(t, c);
		}
		if (n > n_bytes)
			n = n_bytes;
		chunk = tcp_chunk_at(&t->chunks, s->last);
		if (at != NULL) {
			memcpy(tcp_chunk_from(&t->chunks, s->last) + chunk->len, at, n);
			at += n;
		}
		chunk->len += (uint16_t)n;
		s->end += n;
		n_bytes -= n;
		n = 0; // of a chunk that was not long enough
	}
	prefetch_next(t, s, n_all);
	tcp_conn_want_output(t, c);
}

int tcp_sender_write(struct tcp *t, struct tcp_conn *c, const void *bytes, uint32_t n_bytes)
{
	if (n_bytes > tcp_sender_room(t, c))
		return -ENOBUFS;
	queue(t, c, bytes, n_bytes);
	return 0;
}

int tcp_sender_reserve(
	const struct tcp *t, const struct tcp_conn *c, uint32_t n_bytes, struct tcp_piece *pieces)
{
	const struct tcp_sender *s = &c->sender;
	uint32_t tail = tcp_min(tail_room(t, c), n_bytes), room = tcp_segment_room(t, c);
	uint32_t n_chunks = (n_bytes - tail + room - 1) / room;
	tcp_chunk_id ids[TCP_PIECES_MAX];
	int n = 0;

	if (n_bytes > tcp_sender_room(t, c))
		return -ENOBUFS;
	if (n_chunks + (tail > 0) > TCP_PIECES_MAX)
		return -EMSGSIZE;
	if (tail > 0)
		pieces[n++] = (struct tcp_piece){tcp_chunk_from(&t->chunks, s->last) +
				tcp_chunk_at(&t->chunks, s->last)->len,
			tail};
	n_bytes -= tail;
	// There is room for all: there are as many.
	tcp_chunk_foresee(&t->chunks, TCP_CHUNK_SENDS, ids, n_chunks);
	for (uint32_t i = 0; i < n_chunks; i++)
		pieces[n++] = (struct tcp_piece){
			tcp_chunk_bytes(&t->chunks, ids[i]), tcp_min(n_bytes - i * room, room)};
	return n;
}

void tcp_sender_commit(struct tcp *t, struct tcp_conn *c, uint32_t n_bytes)
{
	queue(t, c, NULL, n_bytes);
}

void tcp_sender_finish(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;

	if (s->fin_queued)
		return;
	s->fin_queued = true;
	s->end++;
	tcp_conn_want_output(t, c);
}

bool tcp_sender_split(struct tcp *t, struct tcp_conn *c, tcp_chunk_id id, uint32_t n)
{
	struct tcp_sender *s = &c->sender;
	tcp_chunk_id rest_id = tcp_chunk_get(&t->chunks, TCP_CHUNK_SENDS);
	struct tcp_chunk *chunk, *rest;

	if (rest_id == 0)
		return false;
	chunk = tcp_chunk_at(&t->chunks, id);
	rest = tcp_chunk_at(&t->chunks, rest_id);
	*rest = *chunk;
	rest->seq += n;
	rest->from = 0;
	rest->len -= (uint16_t)n;
	memcpy(tcp_chunk_bytes(&t->chunks, rest_id), tcp_chunk_from(&t->chunks, id) + n, rest->len);
	chunk->len = (uint16_t)n;
	chunk->next = rest_id;
	if (s->last == id)
		s->last = rest_id;
	return true;
}
