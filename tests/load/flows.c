// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/flows.h"

#include "lib/sip/frame.h"

#include <errno.h>
#include <stdlib.h>

#define MESSAGE_BYTES_MAX  65536
#define ANSWER_BYTES_MAX   4096
#define MESSAGES_A_TURN    16 // of one connection, and then the next one's
#define CONNECTIONS_A_TURN 64
#define DIALS_A_TURN       64
#define RETRY_NS           1000000000

struct flow {
	tcp_conn_id conn; // 0: none
	uint64_t dial_ns; // of one that is kept: not before
	uint32_t needed;  // bytes of a message that has begun; until then there is nothing to read
	struct sip_frame frame; // of that message
	bool open, ready, finished, half_ping;
	uint16_t listener;
};

struct flows {
	struct conns *conns;
	struct tcp *tcp;
	uint32_t n_max, n_kept, n_free;
	uint32_t next_kept;
	uint16_t kept_listener;
	struct endpoint kept_remote;
	uint32_t first_ready, n_ready; // ring of n_max
	struct flows_counts counts;
	struct flow *all; // those that are kept first
	uint32_t *free, *ready;
	uint8_t joined[MESSAGE_BYTES_MAX]; // a message that lies in several pieces
	struct sip_message message;
};

struct flows *flows_new(struct conns *conns, uint32_t n_max)
{
	struct flows *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conns = conns;
	s->tcp = conns_engine(conns);
	s->n_max = n_max;
	s->all = calloc(n_max, sizeof(*s->all));
	s->free = calloc(n_max, sizeof(*s->free));
	s->ready = calloc(n_max, sizeof(*s->ready));
	if (s->all == NULL || s->free == NULL || s->ready == NULL) {
		flows_free(s);
		errno = ENOMEM;
		return NULL;
	}
	while (s->n_free < n_max) {
		s->free[s->n_free] = n_max - 1 - s->n_free;
		s->n_free++;
	}
	return s;
}

void flows_free(struct flows *s)
{
	if (s == NULL)
		return;
	free(s->ready);
	free(s->free);
	free(s->all);
	free(s);
}

void flows_keep(struct flows *s, uint32_t n, uint16_t listener, const struct endpoint *remote)
{
	s->n_kept = n < s->n_free ? n : s->n_free;
	s->n_free -= s->n_kept; // the lowest numbers, which lie on top
	s->kept_listener = listener;
	s->kept_remote = *remote;
}

tcp_conn_id flows_next(struct flows *s)
{
	for (uint32_t i = 0; i < s->n_kept; i++) {
		const struct flow *flow = &s->all[s->next_kept];

		s->next_kept = s->next_kept + 1 < s->n_kept ? s->next_kept + 1 : 0;
		if (flow->open)
			return flow->conn;
	}
	return 0;
}

static void make_ready(struct flows *s, uint32_t index)
{
	if (s->all[index].ready)
		return;
	s->all[index].ready = true;
	s->ready[(s->first_ready + s->n_ready++) % s->n_max] = index;
}

static bool accept_conn(struct flows *s, const struct tcp_event *e, uint32_t *index)
{
	if (s->n_free == 0 || (e->what & TCP_CLOSED) != 0)
		return false;
	*index = s->free[--s->n_free];
	s->all[*index].conn = e->conn;
	s->all[*index].listener = e->listener;
	return tcp_set_user(s->tcp, e->conn, *index + 1);
}

static void forget(struct flows *s, uint32_t index, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];
	bool kept = index < s->n_kept;

	s->counts.n_closed++;
	s->counts.n_open -= flow->open;
	s->counts.n_kept_open -= flow->open && kept;
	flow->open = false;
	flow->finished = false;
	flow->conn = 0;
	flow->needed = 0;
	flow->frame = (struct sip_frame){0};
	flow->half_ping = false;
	flow->dial_ns = now_ns + RETRY_NS;
	if (!kept)
		s->free[s->n_free++] = index;
}

static void take_event(struct flows *s, const struct tcp_event *e, uint64_t now_ns)
{
	uint32_t index = (uint32_t)e->user - 1;
	struct flow *flow;

	if (e->user == 0 && !accept_conn(s, e, &index)) {
		tcp_abort(s->tcp, e->conn, REASON_tcp_closed);
		return;
	}
	flow = &s->all[index];
	if ((e->what & TCP_OPENED) != 0 && !flow->open) {
		flow->open = true;
		s->counts.n_opened++;
		s->counts.n_open++;
		s->counts.n_kept_open += index < s->n_kept;
	}
	if ((e->what & TCP_CLOSED) != 0) {
		forget(s, index, now_ns);
		return;
	}
	if ((e->what & TCP_PEER_FINISHED) != 0)
		flow->finished = true;
	make_ready(s, index);
}

enum read_result {
	READ_MESSAGE, // *n_bytes of the buffer are one
	READ_BROKEN,  // or would be one, were it SIP
	READ_BLANK, // or line ends, to be ignored (RFC 3261 §7.5) or keepalives (RFC 5626 §3.5.1)
	READ_NOTHING, // more is needed
	READ_UNFRAMED,
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

// Bytes from offset on that lie in one piece, or a copy of those that do not.
static struct view bytes_at(struct flows *s, struct flow *flow, uint32_t offset, uint32_t n)
{
	struct view piece = tcp_peek(s->tcp, flow->conn);

	if (offset + (size_t)n <= piece.len)
		return view_of(piece.at + offset, n);
	return view_of(s->joined, tcp_copy(s->tcp, flow->conn, offset, s->joined, n));
}

// What may be a CR and its LF in two pieces is looked at as one.
static uint32_t skip_blank(struct flows *s, struct flow *flow, uint32_t n)
{
	struct view piece = tcp_peek(s->tcp, flow->conn);
	struct view bytes =
		piece.len > 1 ? piece : bytes_at(s, flow, 0, least(n, sizeof("\r\n") - 1));
	unsigned n_pings = 0;
	uint32_t n_blank;

	n_blank = (uint32_t)sip_frame_skip_blank(bytes, &flow->half_ping, &n_pings);
	while (n_pings-- > 0)
		(void)tcp_write(s->tcp, flow->conn, "\r\n", 2);
	return n_blank;
}

// The way of what the parser could not read at once: a part, or what is malformed.
static enum read_result read_on(struct flows *s, struct flow *flow, uint32_t n, uint32_t *n_bytes)
{
	struct sip_frame *f = &flow->frame;
	uint64_t n_all;

	while (!f->ended && f->n_bytes < n) {
		uint32_t left = least(n - f->n_bytes, MESSAGE_BYTES_MAX);

		if (sip_frame_feed(f, bytes_at(s, flow, f->n_bytes, left)) != REASON_none)
			return READ_UNFRAMED;
	}
	n_all = (uint64_t)f->n_bytes + f->body_bytes;
	if (n_all > MESSAGE_BYTES_MAX)
		return READ_UNFRAMED;
	if (!f->ended || n_all > n) {
		flow->needed = f->ended ? (uint32_t)n_all : n + 1;
		return READ_NOTHING;
	}
	*n_bytes = (uint32_t)n_all;
	return sip_message_parse(bytes_at(s, flow, 0, *n_bytes), SIP_STREAM, &s->message) ==
			REASON_none
		? READ_MESSAGE
		: READ_BROKEN;
}

static enum read_result read_next(struct flows *s, struct flow *flow, uint32_t *n_bytes)
{
	uint32_t n = tcp_readable(s->tcp, flow->conn);
	struct view piece = tcp_peek(s->tcp, flow->conn);

	if (n == 0 || n < flow->needed)
		return READ_NOTHING;
	if (flow->frame.n_bytes == 0) {
		*n_bytes = skip_blank(s, flow, n);
		if (*n_bytes > 0)
			return READ_BLANK;
		if (n == 1 && piece.at[0] == '\r') {
			flow->needed = 2; // its LF has not come
			return READ_NOTHING;
		}
		if (sip_message_parse(piece, SIP_STREAM, &s->message) == REASON_none) {
			*n_bytes = (uint32_t)s->message.bytes.len;
			return READ_MESSAGE;
		}
	}
	return read_on(s, flow, n, n_bytes);
}

// True when it may have more to read.
static bool read_flow(
	struct flows *s, struct flow *flow, const struct hearer *hearer, uint64_t now_ns)
{
	struct way from = {
		.transport = TRANSPORT_TCP, .listener = flow->listener, .conn = flow->conn};
	uint32_t n_bytes;

	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		if (tcp_room(s->tcp, flow->conn) < ANSWER_BYTES_MAX)
			return !flow->finished;
		switch (read_next(s, flow, &n_bytes)) {
		case READ_MESSAGE:
			hearer->hear(hearer->user, &s->message, &from, now_ns);
			break;
		case READ_BROKEN:
			s->counts.n_malformed++;
			break;
		case READ_BLANK:
			break;
		case READ_UNFRAMED:
			s->counts.n_unframed++;
			tcp_abort(s->tcp, flow->conn, REASON_sip_malformed);
			return false;
		case READ_NOTHING:
			if (flow->finished) {
				tcp_consume(s->tcp, flow->conn, tcp_readable(s->tcp, flow->conn));
				tcp_close(s->tcp, flow->conn, now_ns);
			}
			return false;
		}
		tcp_consume(s->tcp, flow->conn, n_bytes);
		flow->needed = 0;
		flow->frame = (struct sip_frame){0};
	}
	return true;
}

bool flows_poll(struct flows *s, const struct hearer *hearer, uint64_t now_ns)
{
	uint32_t n = s->n_ready < CONNECTIONS_A_TURN ? s->n_ready : CONNECTIONS_A_TURN;
	struct tcp_event event;

	while (tcp_next_event(s->tcp, &event))
		take_event(s, &event, now_ns);
	if (n == 0)
		n = s->n_ready < CONNECTIONS_A_TURN ? s->n_ready : CONNECTIONS_A_TURN;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = s->ready[s->first_ready];

		s->first_ready = (s->first_ready + 1) % s->n_max;
		s->n_ready--;
		s->all[index].ready = false;
		if (s->all[index].conn != 0 && read_flow(s, &s->all[index], hearer, now_ns))
			make_ready(s, index);
	}
	return s->n_ready > 0;
}

void flows_timers(struct flows *s, uint64_t now_ns)
{
	unsigned n = 0;

	if (s->counts.n_kept_open == s->n_kept)
		return;
	for (uint32_t i = 0; i < s->n_kept && n < DIALS_A_TURN; i++) {
		struct flow *flow = &s->all[i];

		if (flow->conn != 0 || now_ns < flow->dial_ns)
			continue;
		n++;
		flow->dial_ns = now_ns + RETRY_NS;
		flow->listener = s->kept_listener;
		if (conns_open(s->conns, s->kept_listener, &s->kept_remote, now_ns, &flow->conn) ==
			0)
			tcp_set_user(s->tcp, flow->conn, i + 1);
		else
			flow->conn = 0;
	}
}

void flows_count(const struct flows *s, struct flows_counts *out)
{
	*out = s->counts;
}
