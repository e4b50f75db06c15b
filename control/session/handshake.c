// SPDX-License-Identifier: BSD-3-Clause
// Sessions until they are established, and their ends.

#include "control/session/table.h"

#include "lib/base/wire.h"

#include <errno.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

#define RECORD_START_BYTES 5

static int say(struct sessions *s, const struct session *se, struct link_message *m)
{
	return s->host.say(s->arg, se->worker, m);
}

// Of a connection that gets no entry. A worker whose ring is full bounds its time itself.
static void refuse(struct sessions *s, unsigned worker, uint64_t conn, enum reason reason)
{
	struct link_message m;

	s->counts.n_refused++;
	link_message_init(&m, LINK_SESSION_CLOSE);
	m.session_close.conn = conn;
	m.session_close.reason = (uint16_t)reason;
	m.session_close.abort = 1;
	(void)s->host.say(s->arg, worker, &m);
}

static struct session *add_opened(struct sessions *s, unsigned worker,
	const struct link_session_opened *m, enum session_list list, uint64_t now_ns)
{
	struct session *se = NULL;
	uint64_t age_ns = m->since_ms * MS;

	if (s->n_in[LIST_HELD] + s->n_in[LIST_HANDSHAKE] < s->config.n_handshakes_max)
		se = session_add(s, worker, m->conn, list, now_ns);
	if (se == NULL)
		return NULL;
	se->deadline_ns = now_ns + SESSIONS_HANDSHAKE_MS * MS;
	if (m->since_ms < SESSIONS_HANDSHAKE_MS && age_ns < now_ns)
		se->since_ns = now_ns - age_ns;
	se->role = m->role;
	se->listener = m->listener;
	se->remote = m->remote;
	se->target = m->target;
	return se;
}

// REASON_none, or why its handshake does not begin.
static enum reason begin(
	struct sessions *s, struct session *se, const struct link_session_opened *m)
{
	se->has_handshake = s->host.begin(s->arg, session_id(s, se), se->worker, m);
	if (!se->has_handshake)
		return REASON_session_overloaded;
	s->counts.n_opened++;
	session_advance(
		s, se, m->role == RECORD_ACCEPTED ? SESSION_ON_ACCEPTED : SESSION_ON_OPENED);
	return REASON_none;
}

// As the worker said it when it was held.
static struct link_session_opened opened_of(const struct session *se, uint64_t now_ns)
{
	return (struct link_session_opened){
		.conn = se->conn,
		.remote = se->remote,
		.target = se->target,
		.since_ms = (now_ns - se->since_ns) / MS,
		.listener = se->listener,
		.role = se->role,
	};
}

static void give_record(struct sessions *s, struct session *se);

void session_release(struct sessions *s, uint64_t now_ns)
{
	struct session *se;

	while ((se = TAILQ_FIRST(&s->lists[LIST_HELD])) != NULL) {
		const struct link_session_opened m = opened_of(se, now_ns);
		enum reason reason = s->host.admit(s->arg, &m, now_ns);

		// Before any that comes from now on: the list is in the order of its times.
		session_move(s, se, LIST_HANDSHAKE, se->deadline_ns);
		if (reason == REASON_none)
			reason = begin(s, se, &m);
		if (reason != REASON_none) {
			s->counts.n_refused++;
			session_close(s, se, reason, true, now_ns);
		} else if (se->is_whole && se->state == SESSION_AWAITS_RECORD) {
			give_record(s, se);
		}
	}
}

void session_hear_opened(
	struct sessions *s, unsigned worker, const struct link_session_opened *m, uint64_t now_ns)
{
	bool held = s->n_in[LIST_HELD] > 0 || !s->host.is_ready(s->arg);
	enum reason reason = REASON_none;
	struct session *se = NULL;

	if (session_find(s, worker, m->conn) != NULL) {
		session_bad(s);
		return;
	}
	if (!held)
		reason = s->host.admit(s->arg, m, now_ns);
	if (reason == REASON_none) {
		se = add_opened(s, worker, m, held ? LIST_HELD : LIST_HANDSHAKE, now_ns);
		reason = se == NULL ? REASON_session_overloaded : REASON_none;
	}
	if (reason == REASON_none && held)
		session_advance(s, se, SESSION_ON_HELD);
	else if (reason == REASON_none)
		reason = begin(s, se, m);
	if (reason == REASON_none)
		return;
	if (se != NULL)
		session_remove(s, se);
	refuse(s, worker, m->conn, reason);
}

static void mislead(struct sessions *s, struct session *se, uint64_t now_ns)
{
	session_bad(s);
	session_close(s, se, REASON_session_misled, true, now_ns);
}

// REASON_none while the bytes that are there can become a record.
static enum reason judge_record(const struct session *se, bool is_whole)
{
	size_t n;

	if (se->n_record < RECORD_START_BYTES)
		return is_whole ? REASON_session_bad_record : REASON_none;
	n = RECORD_START_BYTES + (size_t)wire_get16(se->record + 3);
	if (n > SESSIONS_RECORD_BYTES_MAX || se->n_record > n || (is_whole && se->n_record != n))
		return REASON_session_bad_record;
	return REASON_none;
}

static enum reason add_slice(struct session *se, const struct link_session_bytes *m)
{
	uint8_t *record;

	if (se->n_record + m->n > SESSIONS_RECORD_BYTES_MAX)
		return REASON_session_bad_record;
	if (se->n_shown + m->n > SESSIONS_SHOWN_BYTES_MAX)
		return REASON_session_too_long;
	record = realloc(se->record, se->n_record + m->n);
	if (record == NULL)
		return REASON_session_overloaded;
	memcpy(record + se->n_record, m->bytes, m->n);
	se->record = record;
	se->n_record += m->n;
	se->n_shown += m->n;
	return judge_record(se, m->last == 1);
}

// A worker shows nothing while a record that it has shown is not consumed. It may before our own
// first step, where a server speaks out of turn.
static bool may_be_shown(const struct session *se)
{
	bool is_negotiating = se->state == SESSION_AWAITS_KEYS ||
		se->state == SESSION_AWAITS_RECORD || se->state == SESSION_AWAITS_STEP ||
		se->state == SESSION_AWAITS_ROOM;

	return is_negotiating && !se->is_whole && se->n_taken == se->n_given;
}

static void give_record(struct sessions *s, struct session *se)
{
	session_advance(s, se, SESSION_ON_RECORD);
	s->host.step(s->arg, session_id(s, se), view_of(se->record, se->n_record));
	free(se->record);
	se->record = NULL;
	se->n_record = 0;
	se->is_whole = false;
	se->n_given = se->n_shown;
}

void session_hear_bytes(
	struct sessions *s, unsigned worker, const struct link_session_bytes *m, uint64_t now_ns)
{
	struct session *se = session_find(s, worker, m->conn);
	enum reason reason;

	// On their way when it was refused or closed.
	if (se == NULL || se->list == LIST_CLOSING)
		return;
	if (!may_be_shown(se) || m->offset != se->n_shown) {
		mislead(s, se, now_ns);
		return;
	}
	reason = add_slice(se, m);
	if (reason != REASON_none) {
		session_close(s, se, reason, true, now_ns);
		return;
	}
	se->is_whole = m->last == 1;
	if (se->is_whole && se->state == SESSION_AWAITS_RECORD)
		give_record(s, se);
}

void session_hear_ended(
	struct sessions *s, unsigned worker, const struct link_session_ended *m, uint64_t now_ns)
{
	struct session *se = session_find(s, worker, m->conn);
	struct session_row row;

	// One that was refused.
	if (se == NULL)
		return;
	row = session_describe(s, se, now_ns);
	s->counts.n_ended++;
	s->host.ended(s->arg, &row, (enum reason)m->reason, m->alert);
	session_remove(s, se);
}

// What was to be said is not said any more.
static void forget_words(struct session *se)
{
	free(se->words);
	se->words = NULL;
	se->n_words = se->n_said = 0;
}

void session_close(
	struct sessions *s, struct session *se, enum reason reason, bool abort, uint64_t now_ns)
{
	session_drop_handshake(s, se);
	forget_words(se);
	// Nobody waits for its card any more.
	if (se->card != NULL && !se->card->is_known)
		session_cards_put(&s->cards, se);
	se->after = AFTER_CLOSE;
	se->reason = (uint16_t)reason;
	se->abort = abort;
	session_advance(s, se, SESSION_ON_CLOSE);
	// A reset has no bound: the worker's end of it comes, or the attachment's.
	if (abort)
		session_move(s, se, LIST_CLOSING, UINT64_MAX);
	else
		session_move(s, se, LIST_CLOSING, now_ns + SESSIONS_CLOSE_MS * MS);
	session_flush(s, se, now_ns);
}

static int say_words(struct sessions *s, struct session *se)
{
	while (se->n_said < se->n_words) {
		uint32_t n = se->n_words - se->n_said;
		struct link_message m;
		int error;

		n = n < LINK_BYTES_MAX ? n : LINK_BYTES_MAX;
		link_message_init(&m, LINK_SESSION_SEND);
		m.session_send.conn = se->conn;
		(void)link_message_append(&m, se->words + se->n_said, n);
		error = say(s, se, &m);
		if (error < 0)
			return error;
		se->n_said += n;
	}
	forget_words(se);
	return 0;
}

static int say_consumed(struct sessions *s, struct session *se)
{
	struct link_message m;
	int error;

	// The first step of one that we opened had no record.
	if (se->n_taken == se->n_given)
		return 0;
	link_message_init(&m, LINK_SESSION_CONSUMED);
	m.session_consumed.conn = se->conn;
	m.session_consumed.offset = se->n_given;
	error = say(s, se, &m);
	if (error == 0)
		se->n_taken = se->n_given;
	return error;
}

static int say_established(struct sessions *s, struct session *se)
{
	struct link_message m;
	int error;

	if (!se->card_said && se->card != NULL) {
		link_message_init(&m, LINK_CARD_ADD);
		m.card.card = se->card->name;
		m.card.is = se->card->is;
		error = say(s, se, &m);
		if (error < 0)
			return error;
		se->card_said = true;
	}
	link_message_init(&m, LINK_SESSION_ESTABLISHED);
	m.session_established.conn = se->conn;
	m.session_established.card = se->card != NULL ? se->card->name : 0;
	m.session_established.offset = se->n_given;
	m.session_established.secrets = *se->secrets;
	error = say(s, se, &m);
	link_message_wipe(&m);
	return error;
}

static int say_close(struct sessions *s, const struct session *se)
{
	struct link_message m;

	link_message_init(&m, LINK_SESSION_CLOSE);
	m.session_close.conn = se->conn;
	m.session_close.reason = se->reason;
	m.session_close.abort = se->abort;
	return say(s, se, &m);
}

static void establish(struct sessions *s, struct session *se, uint64_t now_ns)
{
	struct session_row row;

	session_drop_handshake(s, se);
	se->was_established = true;
	se->since_ns = now_ns;
	session_move(s, se, LIST_STANDING, 0);
	session_advance(s, se, SESSION_ON_SAID_ESTABLISHED);
	s->counts.n_done++;
	if (s->host.established == NULL)
		return;
	row = session_describe(s, se, now_ns);
	s->host.established(s->arg, &row);
}

void session_flush(struct sessions *s, struct session *se, uint64_t now_ns)
{
	int error = say_words(s, se);

	if (error == 0 && se->after == AFTER_GO_ON)
		error = say_consumed(s, se);
	else if (error == 0 && se->after == AFTER_ESTABLISH)
		error = say_established(s, se);
	else if (error == 0)
		error = say_close(s, se);
	session_set_unsaid(s, se, error < 0);
	if (error < 0)
		return;
	if (se->after == AFTER_ESTABLISH) {
		establish(s, se, now_ns);
	} else if (se->after == AFTER_CLOSE) {
		session_advance(s, se, SESSION_ON_SAID_CLOSE);
	} else {
		session_advance(s, se, SESSION_ON_SAID);
		if (se->is_whole)
			give_record(s, se);
	}
}

// The session that awaits it, or NULL: a result may come too late.
static struct session *whose(const struct sessions *s, uint64_t id)
{
	struct session *se = session_of_id(s, id);

	return se != NULL && se->state == SESSION_AWAITS_STEP ? se : NULL;
}

static bool take_words(struct session *se, struct view output)
{
	forget_words(se);
	if (output.len == 0)
		return true;
	if (output.len > UINT32_MAX)
		return false;
	se->words = malloc(output.len);
	if (se->words == NULL)
		return false;
	memcpy(se->words, output.at, output.len);
	se->n_words = (uint32_t)output.len;
	return true;
}

static bool take_done(struct sessions *s, struct session *se, const struct session_result *r)
{
	se->secrets = malloc(sizeof(*se->secrets));
	if (se->secrets == NULL ||
		(r->card != 0 && session_cards_get(&s->cards, r->card, r->is, se) == NULL))
		return false;
	*se->secrets = *r->secrets;
	se->version = r->secrets->version;
	se->suite = r->secrets->suite;
	se->after = AFTER_ESTABLISH;
	return true;
}

void sessions_take(struct sessions *s, const struct session_result *r, uint64_t now_ns)
{
	struct session *se = whose(s, r->id);

	if (se == NULL)
		return;
	if (!take_words(se, r->output) || (r->outcome == SESSION_DONE && !take_done(s, se, r))) {
		session_close(s, se, REASON_session_overloaded, true, now_ns);
		return;
	}
	if (r->outcome != SESSION_GOES_ON)
		session_leave_pool(s, se);
	session_advance(s, se, SESSION_ON_STEPPED);
	if (r->outcome == SESSION_GOES_ON)
		se->after = AFTER_GO_ON;
	if (r->outcome == SESSION_FAILED) {
		s->counts.n_failed++;
		se->after = AFTER_CLOSE;
		se->reason = (uint16_t)r->reason;
		session_move(s, se, LIST_CLOSING, now_ns + SESSIONS_CLOSE_MS * MS);
	}
	session_flush(s, se, now_ns);
}
