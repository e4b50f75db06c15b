// SPDX-License-Identifier: BSD-3-Clause
// Between a connection and control, until the hand-over. The bytes shown stay in the engine's
// receive queue until control has consumed them: what follows the last record of a handshake is
// there, unread, when the record layer begins.

#include "dataplane/session/sessions_state.h"

#include <errno.h>

// Text of a record of a handshake (RFC 8446 §5.1), and what protects the later ones of TLS 1.3.
#define HANDSHAKE_TEXT_MAX (16384 + 256)

static void wait_for_ring(struct sessions *s, struct session *t)
{
	uint32_t number = (uint32_t)(t - s->list) + 1;

	if (t->is_listed)
		return;
	t->is_listed = true;
	t->next_showing = 0;
	if (s->last_showing != 0)
		s->list[s->last_showing - 1].next_showing = number;
	else
		s->first_showing = number;
	s->last_showing = number;
}

// What is left of its record, as far as control's ring takes it. False: that is full.
static bool show(struct sessions *s, struct session *t)
{
	tcp_conn_id conn = session_conn(s, t);
	uint32_t end = t->consumed + t->n_record;

	while (t->shown != end) {
		uint32_t left = end - t->shown;
		uint16_t n = (uint16_t)(left < LINK_BYTES_MAX ? left : LINK_BYTES_MAX);
		struct link_message m;
		uint8_t slice[LINK_BYTES_MAX];

		link_message_init(&m, LINK_SESSION_BYTES);
		m.session_bytes.conn = conn;
		m.session_bytes.offset = t->shown;
		m.session_bytes.last = n == left;
		(void)tcp_copy(s->config.tcp, conn, t->shown - t->consumed, slice, n);
		(void)link_message_append(&m, slice, n);
		if (!sessions_tell(s, &m))
			return false;
		t->shown += n;
	}
	return true;
}

static void go_on_showing(struct sessions *s, struct session *t)
{
	if (show(s, t))
		(void)session_step(s, t, SESSION_ON_SHOWN);
	else
		wait_for_ring(s, t);
}

// The first bytes that are there, enough to see how long their record is.
static struct view start_of(
	struct sessions *s, tcp_conn_id conn, uint8_t header[RECORD_HEADER_BYTES])
{
	struct view piece = tcp_peek(s->config.tcp, conn);

	if (piece.len >= RECORD_HEADER_BYTES)
		return piece;
	return view_of(header, tcp_copy(s->config.tcp, conn, 0, header, RECORD_HEADER_BYTES));
}

// A record that is not whole will never be where the peer has finished.
static void await_rest(struct sessions *s, struct session *t, uint64_t now)
{
	if (t->is_finished)
		session_fail(s, t, REASON_tcp_closed, now);
}

void session_finished(struct sessions *s, tcp_conn_id conn, uint64_t now)
{
	struct session *t = session_of(s, conn);

	if (t == NULL)
		return;
	t->is_finished = true;
	session_received(s, conn, now);
}

void session_received(struct sessions *s, tcp_conn_id conn, uint64_t now)
{
	struct session *t = session_of(s, conn);
	uint8_t header[RECORD_HEADER_BYTES];
	struct view start;

	if (t == NULL || t->state != SESSION_RECORD)
		return;
	start = start_of(s, conn, header);
	if (start.len < RECORD_HEADER_BYTES) {
		await_rest(s, t, now);
		return;
	}
	t->n_record = RECORD_HEADER_BYTES + (uint32_t)(start.at[3] << 8 | start.at[4]);
	if (t->n_record > RECORD_HEADER_BYTES + HANDSHAKE_TEXT_MAX) {
		session_fail(s, t, REASON_session_bad_record, now);
		return;
	}
	if (tcp_readable(s->config.tcp, conn) < t->n_record) {
		await_rest(s, t, now);
		return;
	}
	if (t->shown + t->n_record > SESSION_SHOWN_BYTES_MAX) {
		session_fail(s, t, REASON_session_too_long, now);
		return;
	}
	(void)session_step(s, t, SESSION_ON_WHOLE);
	go_on_showing(s, t);
}

void sessions_timers(struct sessions *s, unsigned budget)
{
	uint32_t last = s->last_showing;

	while (budget > 0 && s->first_showing != 0) {
		uint32_t number = s->first_showing;
		struct session *t = &s->list[number - 1];

		budget--;
		s->first_showing = t->next_showing;
		if (s->first_showing == 0)
			s->last_showing = 0;
		t->is_listed = false;
		// One that has ended meanwhile is merely left out.
		if (t->state == SESSION_SHOWING)
			go_on_showing(s, t);
		if (number == last)
			break;
	}
}

// What waits for room in the ring is not looked at before that is shown.
static void hear_consumed(struct sessions *s, struct session *t, uint32_t offset, uint64_t now)
{
	tcp_conn_id conn = session_conn(s, t);

	if (t->state != SESSION_CONTROL || offset != t->shown) {
		sessions_count(s, REASON_session_misled);
		return;
	}
	tcp_consume(s->config.tcp, conn, offset - t->consumed);
	t->consumed = offset;
	(void)session_step(s, t, SESSION_ON_CONSUMED);
	session_received(s, conn, now);
}

static void hear_send(
	struct sessions *s, struct session *t, const struct link_session_send *m, uint64_t now)
{
	int error;

	if (!session_state_is_negotiating(t->state)) {
		sessions_count(s, REASON_session_misled);
		return;
	}
	error = tcp_write(s->config.tcp, session_conn(s, t), m->bytes, m->n);
	if (error < 0)
		session_fail(s, t, REASON_session_send_full, now);
}

// Control may hand over when it has taken all that it was shown: what it was not shown is the
// record layer's.
static void hear_established(struct sessions *s, struct session *t,
	const struct link_session_established *m, uint64_t now)
{
	tcp_conn_id conn = session_conn(s, t);
	bool judged = t->role == RECORD_ACCEPTED || m->secrets.version == RECORD_TLS12;
	uint32_t card = m->card != 0 ? cards_get(s->cards, m->card) : 0;

	if (m->card != 0 && card == 0) {
		session_fail(s, t, REASON_session_card_unknown, now);
		return;
	}
	if ((t->state != SESSION_CONTROL && t->state != SESSION_RECORD) || m->offset != t->shown ||
		record_session_begin(
			&t->record, s->config.crypto, &m->secrets, (enum record_role)t->role) < 0) {
		cards_put(s->cards, card);
		session_fail(s, t, REASON_session_misled, now);
		return;
	}
	tcp_consume(s->config.tcp, conn, m->offset - t->consumed);
	t->n_received = t->n_sent = 0;
	t->card = card;
	t->since_s = (uint32_t)(now / NS_A_SECOND);
	(void)session_step(
		s, t, judged ? SESSION_ON_HANDED_OVER : SESSION_ON_HANDED_OVER_UNCONFIRMED);
	sessions_count(s, REASON_session_established);
	s->config.changed(s->config.arg, conn, SESSION_NEWS_ESTABLISHED, REASON_none, now);
	if (judged && session_is_established(s, conn))
		s->config.changed(s->config.arg, conn, SESSION_NEWS_CONFIRMED, REASON_none, now);
}

static void hear_close(
	struct sessions *s, struct session *t, const struct link_session_close *m, uint64_t now)
{
	if (m->abort)
		tcp_abort(s->config.tcp, session_conn(s, t), (enum reason)m->reason);
	session_fail(s, t, (enum reason)m->reason, now);
}

static void hear_card(struct sessions *s, const struct link_card *m)
{
	int error = cards_add(s->cards, m->card, &m->is);

	if (error < 0)
		sessions_count(
			s, error == -EEXIST ? REASON_session_misled : REASON_session_cards_full);
}

// Every message about one session begins with its connection. One that is gone is no fault: the
// messages have crossed.
static struct session *addressed(const struct sessions *s, const struct link_message *m)
{
	return session_of(s, m->session_close.conn);
}

void sessions_hear(struct sessions *s, const struct link_message *m, uint64_t now)
{
	struct session *t = addressed(s, m);

	if (m->type == LINK_CARD_ADD)
		hear_card(s, &m->card);
	else if (m->type == LINK_SESSIONS_WANTED)
		sessions_list(s, m->sessions_wanted.cursor, now);
	else if (m->type == LINK_CARD_WANTED)
		sessions_give_card(s, m->card_wanted.card);
	else if (t == NULL || t->state == SESSION_OVER)
		return;
	else if (m->type == LINK_SESSION_CONSUMED)
		hear_consumed(s, t, m->session_consumed.offset, now);
	else if (m->type == LINK_SESSION_SEND)
		hear_send(s, t, &m->session_send, now);
	else if (m->type == LINK_SESSION_ESTABLISHED)
		hear_established(s, t, &m->session_established, now);
	else if (m->type == LINK_SESSION_CLOSE)
		hear_close(s, t, &m->session_close, now);
}

// A former control's handshakes are gone with it, and one that began while nobody was there.
void sessions_attached(struct sessions *s, uint64_t now)
{
	for (uint32_t i = 0; s->n_negotiating > 0 && i < s->config.n_conns; i++) {
		if (session_state_is_negotiating(s->list[i].state))
			session_fail(s, &s->list[i], REASON_session_control_away, now);
	}
}
