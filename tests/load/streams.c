// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/streams.h"

#include "lib/sip/message.h"

#include <errno.h>
#include <stdlib.h>

#define MESSAGE_BYTES_MAX  65536
#define ANSWER_BYTES_MAX   4096
#define MESSAGES_A_TURN    16 // of one connection, and then the next one's
#define CONNECTIONS_A_TURN 64
#define DIALS_A_TURN       64
#define RETRY_NS           1000000000

struct stream {
	tcp_conn_id conn; // 0: none
	uint64_t dial_ns; // of one that is kept: not before
	uint32_t needed;  // bytes of a message that has begun; until then there is nothing to read
	bool open, ready, finished;
	uint16_t listener;
};

struct streams {
	struct conns *conns;
	struct tcp *tcp;
	uint32_t n_max, n_kept, n_free;
	uint32_t next_kept;
	uint16_t kept_listener;
	struct endpoint kept_remote;
	uint32_t first_ready, n_ready; // ring of n_max
	struct streams_counts counts;
	struct stream *all; // those that are kept first
	uint32_t *free, *ready;
	uint8_t joined[MESSAGE_BYTES_MAX]; // a message that lies in several pieces
	struct sip_message message;
};

struct streams *streams_new(struct conns *conns, uint32_t n_max)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conns = conns;
	s->tcp = conns_engine(conns);
	s->n_max = n_max;
	s->all = calloc(n_max, sizeof(*s->all));
	s->free = calloc(n_max, sizeof(*s->free));
	s->ready = calloc(n_max, sizeof(*s->ready));
	if (s->all == NULL || s->free == NULL || s->ready == NULL) {
		streams_free(s);
		errno = ENOMEM;
		return NULL;
	}
	while (s->n_free < n_max) {
		s->free[s->n_free] = n_max - 1 - s->n_free;
		s->n_free++;
	}
	return s;
}

void streams_free(struct streams *s)
{
	if (s == NULL)
		return;
	free(s->ready);
	free(s->free);
	free(s->all);
	free(s);
}

void streams_keep(struct streams *s, uint32_t n, uint16_t listener, const struct endpoint *remote)
{
	s->n_kept = n < s->n_free ? n : s->n_free;
	s->n_free -= s->n_kept; // the lowest numbers, which lie on top
	s->kept_listener = listener;
	s->kept_remote = *remote;
}

tcp_conn_id streams_next(struct streams *s)
{
	for (uint32_t i = 0; i < s->n_kept; i++) {
		const struct stream *stream = &s->all[s->next_kept];

		s->next_kept = s->next_kept + 1 < s->n_kept ? s->next_kept + 1 : 0;
		if (stream->open)
			return stream->conn;
	}
	return 0;
}

static void make_ready(struct streams *s, uint32_t index)
{
	if (s->all[index].ready)
		return;
	s->all[index].ready = true;
	s->ready[(s->first_ready + s->n_ready++) % s->n_max] = index;
}

static bool accept_conn(struct streams *s, const struct tcp_event *e, uint32_t *index)
{
	if (s->n_free == 0 || (e->what & TCP_CLOSED) != 0)
		return false;
	*index = s->free[--s->n_free];
	s->all[*index].conn = e->conn;
	s->all[*index].listener = e->listener;
	return tcp_set_user(s->tcp, e->conn, *index + 1);
}

static void forget(struct streams *s, uint32_t index, uint64_t now_ns)
{
	struct stream *stream = &s->all[index];
	bool kept = index < s->n_kept;

	s->counts.n_closed++;
	s->counts.n_open -= stream->open;
	s->counts.n_kept_open -= stream->open && kept;
	stream->open = false;
	stream->finished = false;
	stream->conn = 0;
	stream->needed = 0;
	stream->dial_ns = now_ns + RETRY_NS;
	if (!kept)
		s->free[s->n_free++] = index;
}

static void take_event(struct streams *s, const struct tcp_event *e, uint64_t now_ns)
{
	uint32_t index = (uint32_t)e->user - 1;
	struct stream *stream;

	if (e->user == 0 && !accept_conn(s, e, &index)) {
		tcp_abort(s->tcp, e->conn, REASON_tcp_closed);
		return;
	}
	stream = &s->all[index];
	if ((e->what & TCP_OPENED) != 0 && !stream->open) {
		stream->open = true;
		s->counts.n_opened++;
		s->counts.n_open++;
		s->counts.n_kept_open += index < s->n_kept;
	}
	if ((e->what & TCP_CLOSED) != 0) {
		forget(s, index, now_ns);
		return;
	}
	if ((e->what & TCP_PEER_FINISHED) != 0)
		stream->finished = true;
	make_ready(s, index);
}

enum read_result {
	READ_MESSAGE, // *n_bytes of the buffer are one
	READ_BLANK,   // or a line end, to be ignored (RFC 3261 §7.5)
	READ_PING,    // or a keepalive (RFC 5626 §3.5.1)
	READ_NOTHING, // more is needed
	READ_UNFRAMED,
};

// Where a message ends that could not be parsed: not here yet, or lost.
static enum read_result find_end(const struct sip_message *m, struct view bytes, uint32_t *needed)
{
	const uint8_t *end = memmem(bytes.at, bytes.len, "\r\n\r\n", 4);
	size_t n_head;

	*needed = (uint32_t)bytes.len + 1;
	if (end == NULL)
		return bytes.len < MESSAGE_BYTES_MAX ? READ_NOTHING : READ_UNFRAMED;
	n_head = (size_t)(end - bytes.at) + 4;
	if (!m->has_length || m->content_length > MESSAGE_BYTES_MAX - n_head ||
		n_head + m->content_length <= bytes.len)
		return READ_UNFRAMED;
	*needed = (uint32_t)(n_head + m->content_length);
	return READ_NOTHING;
}

static enum read_result read_message(struct streams *s, struct stream *stream, uint32_t *n_bytes)
{
	uint32_t n = tcp_readable(s->tcp, stream->conn);
	struct view bytes = tcp_peek(s->tcp, stream->conn);

	if (n == 0 || n < stream->needed)
		return READ_NOTHING;
	if (bytes.len >= 4 && memcmp(bytes.at, "\r\n\r\n", 4) == 0) {
		*n_bytes = 4;
		return READ_PING;
	}
	if (bytes.at[0] == '\r' || bytes.at[0] == '\n') {
		*n_bytes = 1;
		return READ_BLANK;
	}
	if (sip_message_parse(bytes, SIP_STREAM, &s->message) != REASON_none) {
		if (n > bytes.len) {
			n = tcp_copy(s->tcp, stream->conn, 0, s->joined,
				n < MESSAGE_BYTES_MAX ? n : MESSAGE_BYTES_MAX);
			bytes = view_of(s->joined, n);
		}
		if (sip_message_parse(bytes, SIP_STREAM, &s->message) != REASON_none)
			return find_end(&s->message, bytes, &stream->needed);
	}
	*n_bytes = (uint32_t)s->message.bytes.len;
	return READ_MESSAGE;
}

// True when it may have more to read.
static bool read_stream(
	struct streams *s, struct stream *stream, const struct hearer *hearer, uint64_t now_ns)
{
	struct way from = {
		.transport = TRANSPORT_TCP, .listener = stream->listener, .conn = stream->conn};
	uint32_t n_bytes;

	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		if (tcp_room(s->tcp, stream->conn) < ANSWER_BYTES_MAX)
			return !stream->finished;
		switch (read_message(s, stream, &n_bytes)) {
		case READ_MESSAGE:
			hearer->hear(hearer->user, &s->message, &from, now_ns);
			break;
		case READ_PING:
			tcp_write(s->tcp, stream->conn, "\r\n", 2);
			break;
		case READ_BLANK:
			break;
		case READ_UNFRAMED:
			s->counts.n_unframed++;
			tcp_abort(s->tcp, stream->conn, REASON_sip_malformed);
			return false;
		case READ_NOTHING:
			if (stream->finished) {
				tcp_consume(
					s->tcp, stream->conn, tcp_readable(s->tcp, stream->conn));
				tcp_close(s->tcp, stream->conn, now_ns);
			}
			return false;
		}
		tcp_consume(s->tcp, stream->conn, n_bytes);
		stream->needed = 0;
	}
	return true;
}

bool streams_poll(struct streams *s, const struct hearer *hearer, uint64_t now_ns)
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
		if (s->all[index].conn != 0 && read_stream(s, &s->all[index], hearer, now_ns))
			make_ready(s, index);
	}
	return s->n_ready > 0;
}

void streams_timers(struct streams *s, uint64_t now_ns)
{
	unsigned n = 0;

	if (s->counts.n_kept_open == s->n_kept)
		return;
	for (uint32_t i = 0; i < s->n_kept && n < DIALS_A_TURN; i++) {
		struct stream *stream = &s->all[i];

		if (stream->conn != 0 || now_ns < stream->dial_ns)
			continue;
		n++;
		stream->dial_ns = now_ns + RETRY_NS;
		stream->listener = s->kept_listener;
		if (conns_open(s->conns, s->kept_listener, &s->kept_remote, now_ns,
			    &stream->conn) == 0)
			tcp_set_user(s->tcp, stream->conn, i + 1);
		else
			stream->conn = 0;
	}
}

void streams_count(const struct streams *s, struct streams_counts *out)
{
	*out = s->counts;
}
