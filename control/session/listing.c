// SPDX-License-Identifier: BSD-3-Clause
// Sessions that outlived a former control: their workers are asked for them, a part at a time, and
// for the cards that are not known.

#include "control/session/table.h"

#define MS UINT64_C(1000000)

void session_begin_listing(struct sessions *s, unsigned worker)
{
	s->workers[worker] = (struct session_worker){.listing = true};
}

static void know(struct sessions *s, struct session *se, uint64_t now_ns)
{
	enum reason reason = REASON_none;

	session_advance(s, se, SESSION_ON_CARD);
	session_move(s, se, LIST_STANDING, 0);
	// What has changed while control was away has cut nothing yet.
	if (se->card != NULL)
		reason = s->host.judge(s->arg, &se->card->is);
	if (reason != REASON_none)
		session_close(s, se, reason, false, now_ns);
}

static struct session *add(
	struct sessions *s, unsigned worker, const struct link_session_is *m, uint64_t now_ns)
{
	struct session *se = session_add(s, worker, m->conn, LIST_CARD, now_ns);

	if (se == NULL ||
		(m->card != 0 && session_cards_get(&s->cards, m->card, NULL, se) == NULL)) {
		if (se != NULL)
			session_remove(s, se);
		return NULL;
	}
	se->deadline_ns = now_ns + SESSIONS_CARD_MS * MS;
	se->since_ns = m->since_ms < now_ns / MS ? now_ns - m->since_ms * MS : 0;
	se->remote = m->remote;
	se->target = m->target;
	se->listener = m->listener;
	se->role = m->role;
	se->version = m->version;
	se->suite = m->suite;
	se->was_established = true;
	session_advance(s, se, SESSION_ON_LISTED);
	if (se->card == NULL || se->card->is_known)
		know(s, se, now_ns);
	return se;
}

static uint64_t card_name(const struct session *se)
{
	return se->card != NULL ? se->card->name : 0;
}

void session_hear_is(
	struct sessions *s, unsigned worker, const struct link_session_is *m, uint64_t now_ns)
{
	struct session *se = session_find(s, worker, m->conn);

	if (!s->workers[worker].listing) {
		session_bad(s);
		return;
	}
	if (se != NULL && se->list == LIST_CLOSING)
		return;
	if (se == NULL)
		se = add(s, worker, m, now_ns);
	// No room, or two stories about one session.
	if (se == NULL || !se->was_established || card_name(se) != m->card) {
		session_bad(s);
		return;
	}
	se->n_received = m->n_received;
	se->n_sent = m->n_sent;
}

void session_hear_end_of_list(
	struct sessions *s, unsigned worker, const struct link_sessions_end *m, uint64_t now_ns)
{
	struct session_worker *w = &s->workers[worker];

	if (!w->listing || w->asked_ns == 0) {
		session_bad(s);
		return;
	}
	w->cursor = m->cursor;
	w->asked_ns = 0;
	// An honest worker needs far fewer rounds.
	w->listing = m->more == 1 && ++w->n_rounds <= s->config.n_max;
	session_ask(s, now_ns);
}

void session_hear_card(
	struct sessions *s, unsigned worker, const struct link_card *m, uint64_t now_ns)
{
	struct session_card *card = session_cards_find(&s->cards, m->card);
	struct session *se;

	(void)worker;
	// Its last session has ended meanwhile.
	if (card == NULL)
		return;
	if (card->is_known) {
		if (memcmp(&card->is, &m->is, sizeof(m->is)) != 0)
			session_bad(s);
		return;
	}
	session_cards_learn(&s->cards, card, &m->is);
	TAILQ_FOREACH(se, &card->sessions, in_card)
	{
		if (se->state == SESSION_AWAITS_CARD)
			know(s, se, now_ns);
	}
}

static bool is_due(uint64_t asked_ns, uint64_t now_ns)
{
	return asked_ns == 0 || now_ns - asked_ns >= SESSIONS_ASK_AGAIN_MS * MS;
}

static void ask_for_sessions(struct sessions *s, unsigned worker, uint64_t now_ns)
{
	struct session_worker *w = &s->workers[worker];
	struct link_message m;

	if (!w->listing || !is_due(w->asked_ns, now_ns))
		return;
	link_message_init(&m, LINK_SESSIONS_WANTED);
	m.sessions_wanted.cursor = w->cursor;
	if (s->host.say(s->arg, worker, &m) == 0)
		w->asked_ns = now_ns;
}

// Of the worker that one of its sessions is at.
static void ask_for_card(struct sessions *s, struct session_card *card, uint64_t now_ns)
{
	const struct session *se = TAILQ_FIRST(&card->sessions);
	struct link_message m;

	if (!is_due(card->asked_ns, now_ns))
		return;
	link_message_init(&m, LINK_CARD_WANTED);
	m.card_wanted.card = card->name;
	if (s->host.say(s->arg, se->worker, &m) == 0)
		card->asked_ns = now_ns;
}

void session_ask(struct sessions *s, uint64_t now_ns)
{
	struct session_card *card;

	for (unsigned i = 0; i < s->n_workers; i++)
		ask_for_sessions(s, i, now_ns);
	TAILQ_FOREACH(card, &s->cards.all, in_all)
	{
		if (card->is_known)
			break;
		ask_for_card(s, card, now_ns);
	}
}
