// SPDX-License-Identifier: BSD-3-Clause
// What a control that has just attached asks: which sessions there are, and whose.

#include "dataplane/session/sessions_state.h"

// Told, and looked at, for one question: a turn stays short, and the ring has room for others.
#define TOLD_MAX   64
#define LOOKED_MAX 8192

static enum link_session_state state_of(const struct session *t)
{
	return t->state == SESSION_UNCONFIRMED ? LINK_SESSION_UNCONFIRMED : LINK_SESSION_UP;
}

static bool tell(struct sessions *s, const struct session *t, uint64_t now)
{
	struct link_message m;
	struct link_session_is *is = &m.session_is;

	link_message_init(&m, LINK_SESSION_IS);
	is->conn = session_conn(s, t);
	is->card = t->card != 0 ? cards_name(s->cards, t->card) : 0;
	is->since_ms = (now / NS_A_SECOND - t->since_s) * 1000;
	is->n_received = t->n_received;
	is->n_sent = t->n_sent;
	is->remote = t->remote;
	is->listener = t->listener;
	is->role = t->role;
	is->state = (uint8_t)state_of(t);
	is->version = t->record.version;
	is->suite = t->record.suite;
	if (t->role == RECORD_OPENED)
		is->target = s->config.target_of(s->config.arg, is->conn);
	return sessions_tell(s, &m);
}

void sessions_list(struct sessions *s, uint32_t cursor, uint64_t now)
{
	uint32_t i = cursor < s->config.n_conns ? cursor : s->config.n_conns;
	unsigned n_told = 0, n_looked = 0;
	struct link_message m;

	for (; i < s->config.n_conns && n_told < TOLD_MAX && n_looked < LOOKED_MAX; i++) {
		n_looked++;
		if (!session_state_is_established(s->list[i].state))
			continue;
		if (!tell(s, &s->list[i], now))
			break;
		n_told++;
	}
	link_message_init(&m, LINK_SESSIONS_END);
	m.sessions_end.cursor = i;
	m.sessions_end.more = i < s->config.n_conns;
	(void)s->config.tell_control(s->config.arg, &m, true);
}

void sessions_give_card(struct sessions *s, uint64_t name)
{
	const struct card *card = cards_find(s->cards, name);
	struct link_message m;

	if (card == NULL)
		return;
	link_message_init(&m, LINK_CARD);
	m.card.card = name;
	m.card.is = *card;
	(void)sessions_tell(s, &m);
}
