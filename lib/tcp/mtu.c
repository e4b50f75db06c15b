// SPDX-License-Identifier: BSD-3-Clause

#include "lib/tcp/flight.h"

// What every link takes: RFC 8200 §5; for IPv4 what RFC 1191 §3 takes for a default, less its
// options (552, Linux's), for nobody may make segments tiny by a forged message.
#define MTU_MIN_V6 1280
#define MTU_MIN_V4 552
// Timeouts of one full segment after which it is tried smaller, and after which the size is held
// not to have been the cause.
#define BLACK_HOLE_AFTER 2
#define OUTAGE_AFTER     4

uint32_t tcp_mss_of_mtu(const struct tcp_conn *c, uint16_t mtu)
{
	return mtu - (c->family == IP_V6 ? 40u : 20u) - TCP_BYTES;
}

static void set_mss(struct tcp_conn *c, uint16_t mtu)
{
	struct tcp_sender *s = &c->sender;
	uint32_t mss = tcp_mss_of_mtu(c, mtu);

	s->mss = mss < s->peer_mss ? (uint16_t)mss : s->peer_mss;
}

void tcp_sender_set_mtu(struct tcp *t, struct tcp_conn *c, uint16_t mtu)
{
	struct tcp_sender *s = &c->sender;
	uint16_t least = c->family == IP_V6 ? MTU_MIN_V6 : MTU_MIN_V4;
	unsigned budget = TCP_WALK_MAX;
	uint32_t room;

	if (mtu < least)
		mtu = least;
	if (tcp_mss_of_mtu(c, mtu) >= s->mss)
		return;
	set_mss(c, mtu);
	room = tcp_segment_room(t, c);
	// They were too long, not lost to congestion (RFC 8201 §5.4).
	for (tcp_chunk_id id = s->first; id != s->next && budget > 0; budget--) {
		const struct tcp_chunk *chunk = tcp_chunk_at(&t->chunks, id);

		if (chunk->len > room && !(chunk->flags & (TCP_CHUNK_SACKED | TCP_CHUNK_LOST)))
			tcp_sack_lose(t, &s->flight, id);
		id = chunk->next;
	}
	if (s->flight.lost == 0)
		return;
	s->need |= TCP_NEED_FIRST;
	tcp_conn_want_output(t, c);
}

void tcp_mtu_timeout(struct tcp *t, struct tcp_conn *c)
{
	struct tcp_sender *s = &c->sender;
	uint16_t least = c->family == IP_V6 ? MTU_MIN_V6 : MTU_MIN_V4;

	if (s->first == s->next)
		return;
	if (s->n_backoff == BLACK_HOLE_AFTER &&
		tcp_chunk_at(&t->chunks, s->first)->len > tcp_mss_of_mtu(c, least)) {
		s->flight.flags |= TCP_FLIGHT_SHRUNK;
		tcp_sender_set_mtu(t, c, least);
	} else if (s->n_backoff == OUTAGE_AFTER && (s->flight.flags & TCP_FLIGHT_SHRUNK)) {
		s->flight.flags &= (uint16_t)~TCP_FLIGHT_SHRUNK;
		set_mss(c, c->mtu);
	}
}
