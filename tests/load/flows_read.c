// SPDX-License-Identifier: BSD-3-Clause
// Messages off the connections.

#include "tests/load/flows_state.h"

#define ANSWER_BYTES_MAX 4096
#define MESSAGES_A_TURN  16 // of one connection, and then the next one's

// What follows is the same of text in records and of plain bytes.

static uint32_t readable(struct flows *s, uint32_t index)
{
	if (s->secure != NULL)
		return (uint32_t)tls_flow_text(s->secure, index).len;
	return tcp_readable(s->tcp, s->all[index].conn);
}

static struct view peek(struct flows *s, uint32_t index)
{
	return s->secure != NULL ? tls_flow_text(s->secure, index)
				 : tcp_peek(s->tcp, s->all[index].conn);
}

static void consume(struct flows *s, uint32_t index, uint32_t n)
{
	if (s->secure != NULL)
		tls_flow_consume(s->secure, index, n);
	else
		tcp_consume(s->tcp, s->all[index].conn, n);
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
static struct view bytes_at(struct flows *s, uint32_t index, uint32_t offset, uint32_t n)
{
	struct view piece = peek(s, index);

	if (offset + (size_t)n <= piece.len)
		return view_of(piece.at + offset, n);
	return view_of(s->joined, tcp_copy(s->tcp, s->all[index].conn, offset, s->joined, n));
}

// What may be a CR and its LF in two pieces is looked at as one.
static uint32_t skip_blank(struct flows *s, uint32_t index, uint32_t n)
{
	struct flow *flow = &s->all[index];
	struct view piece = peek(s, index);
	struct view bytes =
		piece.len > 1 ? piece : bytes_at(s, index, 0, least(n, sizeof("\r\n") - 1));
	unsigned n_pings = 0;
	uint32_t n_blank;

	n_blank = (uint32_t)sip_frame_skip_blank(bytes, &flow->half_ping, &n_pings);
	while (n_pings-- > 0)
		(void)flows_write(s, flow->conn, VIEW("\r\n"));
	return n_blank;
}

// The way of what the parser could not read at once: a part, or what is malformed.
static enum read_result read_on(struct flows *s, uint32_t index, uint32_t n, uint32_t *n_bytes)
{
	struct flow *flow = &s->all[index];
	struct sip_frame *f = &flow->frame;
	uint64_t n_all;

	while (!f->ended && f->n_bytes < n) {
		uint32_t left = least(n - f->n_bytes, FLOWS_MESSAGE_BYTES_MAX);

		if (sip_frame_feed(f, bytes_at(s, index, f->n_bytes, left)) != REASON_none)
			return READ_UNFRAMED;
	}
	n_all = (uint64_t)f->n_bytes + f->body_bytes;
	if (n_all > FLOWS_MESSAGE_BYTES_MAX)
		return READ_UNFRAMED;
	if (!f->ended || n_all > n) {
		flow->needed = f->ended ? (uint32_t)n_all : n + 1;
		return READ_NOTHING;
	}
	*n_bytes = (uint32_t)n_all;
	return sip_message_parse(bytes_at(s, index, 0, *n_bytes), SIP_STREAM, &s->message) ==
			REASON_none
		? READ_MESSAGE
		: READ_BROKEN;
}

static enum read_result read_next(struct flows *s, uint32_t index, uint32_t *n_bytes)
{
	struct flow *flow = &s->all[index];
	uint32_t n = readable(s, index);
	struct view piece = peek(s, index);

	if (n == 0 || n < flow->needed)
		return READ_NOTHING;
	if (flow->frame.n_bytes == 0) {
		*n_bytes = skip_blank(s, index, n);
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
	return read_on(s, index, n, n_bytes);
}

// The peer says nothing any more that matters: what is unread would keep the connection.
static void close_flow(struct flows *s, uint32_t index, uint64_t now_ns)
{
	const struct flow *flow = &s->all[index];

	if (s->secure != NULL)
		tls_flow_say_goodbye(s->secure, index);
	tcp_consume(s->tcp, flow->conn, tcp_readable(s->tcp, flow->conn));
	tcp_close(s->tcp, flow->conn, now_ns);
}

static bool read_messages(
	struct flows *s, uint32_t index, const struct hearer *hearer, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];
	struct way from = {.transport = s->secure != NULL ? TRANSPORT_TLS : TRANSPORT_TCP,
		.listener = flow->listener,
		.conn = flow->conn};
	uint32_t n_bytes;

	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		if (tcp_room(s->tcp, flow->conn) < ANSWER_BYTES_MAX)
			return !flow->finished;
		switch (read_next(s, index, &n_bytes)) {
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
			if (flow->finished)
				close_flow(s, index, now_ns);
			return false;
		}
		consume(s, index, n_bytes);
		flow->needed = 0;
		flow->frame = (struct sip_frame){0};
	}
	return true;
}

bool flow_read(struct flows *s, uint32_t index, const struct hearer *hearer, uint64_t now_ns)
{
	struct flow *flow = &s->all[index];

	if (s->secure == NULL)
		return read_messages(s, index, hearer, now_ns);
	switch (tls_flow_receive(s->secure, index)) {
	case TLS_FLOW_NEGOTIATING:
		if (flow->finished)
			close_flow(s, index, now_ns);
		return false;
	case TLS_FLOW_UP:
		flow_open(s, index, now_ns);
		break;
	case TLS_FLOW_CLOSED:
		flow->finished = true;
		break;
	case TLS_FLOW_FAILED:
		close_flow(s, index, now_ns);
		return false;
	}
	return read_messages(s, index, hearer, now_ns);
}
