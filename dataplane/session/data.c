// SPDX-License-Identifier: BSD-3-Clause
// Records of established sessions: opened out of the receive queue, sealed into the send queue.

#include "dataplane/session/sessions_state.h"

#include <errno.h>

// Queues what the record layer itself has to say. Sealed, it can neither be kept nor left out:
// where there is no room for it, the session is over.
static bool say(struct sessions *s, const struct session *t, const uint8_t *bytes, size_t n_bytes)
{
	return n_bytes == 0 ||
		tcp_write(s->config.tcp, session_conn(s, t), bytes, (uint32_t)n_bytes) == 0;
}

// A whole record of n bytes, as one piece.
static struct view whole_record(struct sessions *s, tcp_conn_id conn, struct view piece, uint32_t n)
{
	if (piece.len >= n)
		return view_of(piece.at, n);
	return view_of(s->scratch, tcp_copy(s->config.tcp, conn, 0, s->scratch, n));
}

// How long the next record is, of so many bytes that have come; 0: it is not all there.
static uint32_t next_record(
	struct sessions *s, struct session *t, struct view piece, uint32_t readable)
{
	tcp_conn_id conn = session_conn(s, t);
	uint8_t header[RECORD_HEADER_BYTES];
	size_t n;

	if (piece.len < RECORD_HEADER_BYTES)
		piece = view_of(header, tcp_copy(s->config.tcp, conn, 0, header, sizeof(header)));
	n = record_length(&t->record, piece);
	return n != 0 && n <= readable ? (uint32_t)n : 0;
}

// What a record that brought no text meant. False: it was the last.
static bool digest(struct sessions *s, struct session *t, const struct record_opened *opened,
	struct session_read *read)
{
	if (!say(s, t, opened->answer, opened->n_answer)) {
		read->fault = REASON_session_send_full;
		return false;
	}
	if (opened->kind == RECORD_PEER_CLOSED)
		read->finished = true;
	else if (opened->kind == RECORD_REFUSED || opened->kind == RECORD_PEER_FAILED)
		read->fault = opened->reason;
	if (opened->kind == RECORD_PEER_FAILED)
		t->alert = opened->alert;
	return read->fault == REASON_none;
}

static void confirm(struct sessions *s, struct session *t, uint64_t now)
{
	if (session_step(s, t, SESSION_ON_HEARD))
		s->config.changed(s->config.arg, session_conn(s, t), SESSION_NEWS_CONFIRMED,
			REASON_none, now);
}

void session_prefetch(const struct sessions *s, uint32_t index)
{
	const struct session *t = &s->list[index];

	__builtin_prefetch(t);
	record_session_prefetch(&t->record);
}

void session_prefetch_key(const struct sessions *s, uint32_t index)
{
	record_open_prefetch(&s->list[index].record, s->config.crypto);
}

void session_read(struct sessions *s, tcp_conn_id conn, uint8_t *out, size_t room,
	struct session_read *read, uint64_t now)
{
	struct session *t = session_of(s, conn);
	struct record_opened opened;
	uint32_t n, readable = tcp_readable(s->config.tcp, conn);

	*read = (struct session_read){0};
	while (readable > 0 && t != NULL && session_state_is_established(t->state)) {
		struct view piece = tcp_peek(s->config.tcp, conn), record;

		n = next_record(s, t, piece, readable);
		if (n == 0)
			break;
		// Text is shorter than the record that it comes in.
		if (room - read->n_bytes < n) {
			read->more = true;
			break;
		}
		record = whole_record(s, conn, piece, n);
		record_open(&t->record, s->config.crypto, &record, 1, out + read->n_bytes, &opened);
		tcp_consume(s->config.tcp, conn, n);
		readable -= n;
		if (opened.kind == RECORD_TEXT)
			read->n_bytes += opened.text.len;
		else if (!digest(s, t, &opened, read))
			break;
		confirm(s, t, now);
	}
	if (t != NULL && t->record.version == RECORD_TLS12)
		read->wear = record_wear(&t->record, s->config.crypto);
}

void session_count_message(struct sessions *s, tcp_conn_id conn)
{
	struct session *t = session_of(s, conn);

	if (t != NULL && session_state_is_established(t->state))
		t->n_received++;
}

// Sealed where it is to be sent from, where that is one piece; else it is copied there. What is
// sealed must go: room is asked for before.
static int seal(struct sessions *s, struct session *t, struct view text, uint32_t n_sealed)
{
	tcp_conn_id conn = session_conn(s, t);
	struct tcp_piece pieces[TCP_PIECES_MAX];
	int n = tcp_reserve(s->config.tcp, conn, n_sealed, pieces);
	bool in_place = n == 1;
	size_t n_bytes;

	if (n == -EMSGSIZE)
		n = tcp_check_room(s->config.tcp, conn, n_sealed);
	if (n < 0)
		return n;
	n_bytes = record_seal(
		&t->record, s->config.crypto, &text, 1, in_place ? pieces[0].at : s->scratch);
	if (n_bytes == 0)
		return -EPIPE;
	if (!in_place)
		return say(s, t, s->scratch, n_bytes) ? 0 : -EPIPE;
	tcp_commit(s->config.tcp, conn, (uint32_t)n_bytes);
	return 0;
}

static int write_sealed(struct sessions *s, struct session *t, struct view text)
{
	size_t n_sealed;

	if (!session_state_is_established(t->state))
		return t->state == SESSION_OVER ? -EPIPE : -EAGAIN;
	n_sealed = record_sealed_bytes(&t->record, s->config.crypto, text.len);
	if (n_sealed > s->scratch_bytes)
		return -EMSGSIZE;
	return seal(s, t, text, (uint32_t)n_sealed);
}

int session_write(struct sessions *s, tcp_conn_id conn, const void *bytes, uint32_t n_bytes)
{
	struct session *t = session_of(s, conn);
	int error;

	if (t == NULL)
		return tcp_write(s->config.tcp, conn, bytes, n_bytes);
	error = write_sealed(s, t, view_of(bytes, n_bytes));
	if (error == 0)
		t->n_sent++;
	return error;
}

int session_write_part(struct sessions *s, tcp_conn_id conn, const void *bytes, uint32_t n_bytes)
{
	struct session *t = session_of(s, conn);

	return t != NULL ? write_sealed(s, t, view_of(bytes, n_bytes))
			 : tcp_write(s->config.tcp, conn, bytes, n_bytes);
}

void session_say_goodbye(struct sessions *s, struct session *t)
{
	uint8_t alert[RECORD_ANSWER_BYTES];

	if (session_state_is_established(t->state))
		(void)say(s, t, alert, record_close(&t->record, s->config.crypto, alert));
}

void session_close(struct sessions *s, tcp_conn_id conn, uint64_t now)
{
	struct session *t = session_of(s, conn);

	if (t != NULL)
		session_say_goodbye(s, t);
	tcp_close(s->config.tcp, conn, now);
}

enum record_wear session_wear(const struct sessions *s, tcp_conn_id conn)
{
	const struct session *t = session_of(s, conn);

	return t != NULL && session_state_is_established(t->state)
		? record_wear(&t->record, s->config.crypto)
		: RECORD_FRESH;
}
