// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/session/sessions_state.h"

#include <errno.h>
#include <stdlib.h>

// The longest text that is sealed at once; a host's largest buffer.
#define SCRATCH_TEXT UINT32_C(65536)

// Room for that text sealed, and for the longest record.
static uint32_t scratch_for(uint32_t n_text)
{
	uint32_t n_records = n_text / RECORD_TEXT_BYTES_MAX + 1;

	return n_text + n_records * (RECORD_OVERHEAD_MAX + RECORD_ANSWER_BYTES);
}

struct sessions *sessions_new(const struct sessions_config *config)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->scratch_bytes = scratch_for(SCRATCH_TEXT);
	s->list = calloc(config->n_conns, sizeof(*s->list));
	s->scratch = malloc(s->scratch_bytes);
	s->cards = cards_new(config->n_cards);
	if (s->list == NULL || s->scratch == NULL || s->cards == NULL) {
		sessions_free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

// Nothing secret outlives a session.
static void wipe(struct sessions *s, struct session *t)
{
	if (session_state_is_established(t->state)) {
		cards_put(s->cards, t->card);
		t->card = 0;
	}
	record_session_end(&t->record, s->config.crypto);
}

void sessions_free(struct sessions *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; s->list != NULL && i < s->config.n_conns; i++) {
		if (s->list[i].state != SESSION_NONE)
			wipe(s, &s->list[i]);
	}
	if (s->cards != NULL)
		cards_free(s->cards);
	free(s->scratch);
	free(s->list);
	free(s);
}

bool session_begin(struct sessions *s, tcp_conn_id conn, enum record_role role, uint16_t listener,
	const struct endpoint *remote)
{
	struct session *t = &s->list[(uint32_t)conn];
	struct endpoint at = *remote;
	struct link_message m;

	at.transport = TRANSPORT_TLS;
	link_message_init(&m, LINK_SESSION_OPENED);
	m.session_opened.conn = conn;
	m.session_opened.remote = at;
	m.session_opened.listener = listener;
	m.session_opened.role = (uint8_t)role;
	if (role == RECORD_OPENED)
		m.session_opened.target = s->config.target_of(s->config.arg, conn);
	if (!sessions_tell(s, &m)) {
		sessions_count(s, REASON_session_control_away);
		return false;
	}
	// A former one may have left its place in the list of those that wait for the ring.
	*t = (struct session){
		.generation = (uint32_t)(conn >> 32),
		.is_listed = t->is_listed,
		.next_showing = t->next_showing,
		.role = (uint8_t)role,
		.listener = (uint8_t)listener,
		.alert = RECORD_ALERT_NONE,
		.remote = at,
	};
	return session_step(s, t, SESSION_ON_BEGUN);
}

static void tell_ended(struct sessions *s, const struct session *t, enum reason reason)
{
	struct link_message m;

	link_message_init(&m, LINK_SESSION_ENDED);
	m.session_ended.conn = session_conn(s, t);
	m.session_ended.reason = (uint16_t)reason;
	m.session_ended.alert = t->alert;
	m.session_ended.was_established = session_state_is_established(t->state);
	(void)s->config.tell_control(s->config.arg, &m, true);
}

void session_fail(struct sessions *s, struct session *t, enum reason reason, uint64_t now)
{
	tcp_conn_id conn = session_conn(s, t);

	if (t->state == SESSION_OVER)
		return;
	tell_ended(s, t, reason);
	session_say_goodbye(s, t);
	wipe(s, t);
	(void)session_step(s, t, SESSION_ON_CLOSED);
	s->config.changed(s->config.arg, conn, SESSION_NEWS_OVER, reason, now);
}

void session_end(struct sessions *s, tcp_conn_id conn, enum reason reason)
{
	struct session *t = session_of(s, conn);

	if (t == NULL)
		return;
	if (t->state != SESSION_OVER)
		tell_ended(s, t, reason);
	if (session_state_is_established(t->state) && reason == REASON_tcp_closed &&
		!record_peer_has_closed(&t->record))
		sessions_count(s, REASON_session_truncated);
	wipe(s, t);
	(void)session_step(s, t, SESSION_ON_GONE);
}

bool session_is(const struct sessions *s, tcp_conn_id conn)
{
	return session_of(s, conn) != NULL;
}

bool session_is_established(const struct sessions *s, tcp_conn_id conn)
{
	const struct session *t = session_of(s, conn);

	return t != NULL && session_state_is_established(t->state);
}

const struct card *session_card(const struct sessions *s, tcp_conn_id conn, uint64_t *serial)
{
	const struct session *t = session_of(s, conn);

	if (t == NULL || !session_state_is_established(t->state) || t->card == 0)
		return NULL;
	if (serial != NULL)
		*serial = cards_serial(s->cards, t->card);
	return cards_at(s->cards, t->card);
}

void sessions_usage(const struct sessions *s, struct sessions_usage *out)
{
	*out = (struct sessions_usage){
		.n_negotiating = s->n_negotiating,
		.n_established = s->n_established,
		.n_cards = cards_count(s->cards),
	};
}
