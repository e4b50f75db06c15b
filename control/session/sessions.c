// SPDX-License-Identifier: BSD-3-Clause

#include "control/session/table.h"

#include "lib/policy/mix.h"

#include <errno.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)

struct sessions *sessions_new(
	const struct sessions_config *config, const struct sessions_host *host, void *arg)
{
	struct sessions *s;
	uint32_t n_buckets = 1;

	if (config->n_max == 0 || config->n_max > 1u << 24 || config->n_handshakes_max == 0) {
		errno = EINVAL;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	while (n_buckets < config->n_max)
		n_buckets *= 2;
	s->host = *host;
	s->arg = arg;
	s->config = *config;
	s->bucket_mask = n_buckets - 1;
	s->buckets = calloc(n_buckets, sizeof(struct session *));
	s->all = calloc(config->n_max, sizeof(*s->all));
	for (unsigned i = 0; i < LIST_N; i++)
		TAILQ_INIT(&s->lists[i]);
	TAILQ_INIT(&s->unsaid);
	if (s->buckets == NULL || s->all == NULL ||
		!session_cards_init(&s->cards, config->n_max, config->seed)) {
		sessions_free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

static void remove_all(struct sessions *s)
{
	for (unsigned i = 0; i < LIST_N; i++) {
		struct session *se;

		while ((se = TAILQ_FIRST(&s->lists[i])) != NULL)
			session_remove(s, se);
	}
}

void sessions_free(struct sessions *s)
{
	if (s == NULL)
		return;
	if (s->buckets != NULL && s->all != NULL)
		remove_all(s);
	session_cards_fini(&s->cards);
	free(s->buckets);
	free(s->all);
	free(s);
}

uint64_t session_id(const struct sessions *s, const struct session *se)
{
	return (uint64_t)se->generation << 32 | (uint32_t)(se - s->all);
}

struct session *session_of_id(const struct sessions *s, uint64_t id)
{
	uint32_t index = (uint32_t)id;
	struct session *se = index < s->n_used ? &s->all[index] : NULL;

	if (se == NULL || se->generation != id >> 32 || se->state == SESSION_FREE)
		return NULL;
	return se;
}

static struct session **bucket_of(const struct sessions *s, unsigned worker, uint64_t conn)
{
	uint64_t hash = mix_multiply(conn ^ s->config.seed, 0x9e3779b97f4a7c15 + 2 * worker);

	return &s->buckets[hash & s->bucket_mask];
}

struct session *session_find(const struct sessions *s, unsigned worker, uint64_t conn)
{
	struct session *se = *bucket_of(s, worker, conn);

	while (se != NULL && (se->worker != worker || se->conn != conn))
		se = se->next_in_bucket;
	return se;
}

struct session *session_add(
	struct sessions *s, unsigned worker, uint64_t conn, enum session_list list, uint64_t now_ns)
{
	struct session **bucket = bucket_of(s, worker, conn), *se = s->free;
	uint32_t generation;

	if (se != NULL)
		s->free = se->next_in_bucket;
	else if (s->n_used < s->config.n_max)
		se = &s->all[s->n_used++];
	else
		return NULL;
	generation = se->generation + 1;
	*se = (struct session){
		.generation = generation,
		.worker = (uint16_t)worker,
		.conn = conn,
		.list = (uint8_t)list,
		.since_ns = now_ns,
		.next_in_bucket = *bucket,
	};
	*bucket = se;
	TAILQ_INSERT_TAIL(&s->lists[list], se, in_list);
	s->n_in[list]++;
	return se;
}

void session_move(
	struct sessions *s, struct session *se, enum session_list list, uint64_t deadline_ns)
{
	TAILQ_REMOVE(&s->lists[se->list], se, in_list);
	s->n_in[se->list]--;
	se->list = (uint8_t)list;
	se->deadline_ns = deadline_ns;
	TAILQ_INSERT_TAIL(&s->lists[list], se, in_list);
	s->n_in[list]++;
}

void session_set_unsaid(struct sessions *s, struct session *se, bool unsaid)
{
	if (unsaid == se->is_unsaid)
		return;
	se->is_unsaid = unsaid;
	if (unsaid)
		TAILQ_INSERT_TAIL(&s->unsaid, se, in_unsaid);
	else
		TAILQ_REMOVE(&s->unsaid, se, in_unsaid);
}

void session_leave_pool(struct sessions *s, struct session *se)
{
	if (se->has_handshake)
		s->host.drop(s->arg, session_id(s, se));
	se->has_handshake = false;
}

void session_drop_handshake(struct sessions *s, struct session *se)
{
	session_leave_pool(s, se);
	free(se->record);
	se->record = NULL;
	se->n_record = 0;
	se->is_whole = false;
	if (se->secrets != NULL)
		record_secrets_wipe(se->secrets);
	free(se->secrets);
	se->secrets = NULL;
}

void session_remove(struct sessions *s, struct session *se)
{
	struct session **at = bucket_of(s, se->worker, se->conn);

	session_drop_handshake(s, se);
	session_set_unsaid(s, se, false);
	session_cards_put(&s->cards, se);
	free(se->words);
	se->words = NULL;
	while (*at != se)
		at = &(*at)->next_in_bucket;
	*at = se->next_in_bucket;
	TAILQ_REMOVE(&s->lists[se->list], se, in_list);
	s->n_in[se->list]--;
	se->state = SESSION_FREE;
	se->next_in_bucket = s->free;
	s->free = se;
}

void session_bad(struct sessions *s)
{
	s->counts.n_bad++;
}

void session_advance(struct sessions *s, struct session *se, enum session_event event)
{
	enum session_state state = (enum session_state)se->state;

	if (!session_step(&state, event))
		session_bad(s);
	se->state = (uint8_t)state;
}

struct session_row session_describe(
	const struct sessions *s, const struct session *se, uint64_t now_ns)
{
	(void)s;
	return (struct session_row){
		.worker = se->worker,
		.conn = se->conn,
		.state = session_state_text((enum session_state)se->state),
		.is_established = se->was_established,
		.role = (enum record_role)se->role,
		.listener = se->listener,
		.remote = se->remote,
		.target = se->target,
		.version = (enum record_version)se->version,
		.suite = (enum record_suite)se->suite,
		.card_name = se->card != NULL ? se->card->name : 0,
		.card = se->card != NULL && se->card->is_known ? &se->card->is : NULL,
		.age_ms = (now_ns - se->since_ns) / MS,
		.n_received = se->n_received,
		.n_sent = se->n_sent,
	};
}

void sessions_attached(struct sessions *s, unsigned n_workers, uint64_t now_ns)
{
	remove_all(s);
	s->n_workers = n_workers < SESSIONS_WORKERS_MAX ? n_workers : SESSIONS_WORKERS_MAX;
	sessions_refresh(s, now_ns);
}

void sessions_refresh(struct sessions *s, uint64_t now_ns)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		session_begin_listing(s, i);
	session_ask(s, now_ns);
}

bool sessions_are_known(const struct sessions *s)
{
	for (unsigned i = 0; i < s->n_workers; i++) {
		if (s->workers[i].listing)
			return false;
	}
	return s->cards.n_unknown == 0;
}

void sessions_hear(
	struct sessions *s, unsigned worker, const struct link_message *m, uint64_t now_ns)
{
	if (worker >= s->n_workers)
		return;
	if (m->type == LINK_SESSION_OPENED)
		session_hear_opened(s, worker, &m->session_opened, now_ns);
	else if (m->type == LINK_SESSION_BYTES)
		session_hear_bytes(s, worker, &m->session_bytes, now_ns);
	else if (m->type == LINK_SESSION_ENDED)
		session_hear_ended(s, worker, &m->session_ended, now_ns);
	else if (m->type == LINK_SESSION_IS)
		session_hear_is(s, worker, &m->session_is, now_ns);
	else if (m->type == LINK_SESSIONS_END)
		session_hear_end_of_list(s, worker, &m->sessions_end, now_ns);
	else if (m->type == LINK_CARD)
		session_hear_card(s, worker, &m->card, now_ns);
}

// The first of a list, where its time is over.
static struct session *first_late(const struct sessions *s, enum session_list list, uint64_t now_ns)
{
	struct session *se = TAILQ_FIRST(&s->lists[list]);

	return se != NULL && se->deadline_ns <= now_ns ? se : NULL;
}

static void say_what_waits(struct sessions *s, uint64_t now_ns)
{
	struct session *se = TAILQ_FIRST(&s->unsaid), *next;

	for (; se != NULL; se = next) {
		next = TAILQ_NEXT(se, in_unsaid);
		session_flush(s, se, now_ns);
	}
}

void sessions_tick(struct sessions *s, uint64_t now_ns)
{
	struct session *se;

	say_what_waits(s, now_ns);
	if (s->n_in[LIST_HELD] > 0 && s->host.is_ready(s->arg))
		session_release(s, now_ns);
	while ((se = first_late(s, LIST_HELD, now_ns)) != NULL)
		session_close(s, se, REASON_session_unprepared, true, now_ns);
	while ((se = first_late(s, LIST_HANDSHAKE, now_ns)) != NULL)
		session_close(s, se, REASON_session_timed_out, true, now_ns);
	while ((se = first_late(s, LIST_CARD, now_ns)) != NULL)
		session_close(s, se, REASON_session_card_unknown, false, now_ns);
	while ((se = first_late(s, LIST_CLOSING, now_ns)) != NULL)
		session_close(s, se, (enum reason)se->reason, true, now_ns);
	session_ask(s, now_ns);
}

static unsigned cut_card(
	struct sessions *s, struct session_card *card, enum reason reason, uint64_t now_ns)
{
	struct session *se;
	unsigned n = 0;

	TAILQ_FOREACH(se, &card->sessions, in_card)
	{
		if (se->list == LIST_CLOSING)
			continue;
		session_close(s, se, reason, false, now_ns);
		n++;
	}
	return n;
}

unsigned sessions_cut(struct sessions *s, bool (*picks)(void *arg, const struct card *card),
	void *arg, enum reason reason, uint64_t now_ns)
{
	struct session_card *card;
	unsigned n = 0;

	TAILQ_FOREACH(card, &s->cards.all, in_all)
	{
		if (card->is_known && picks(arg, &card->is))
			n += cut_card(s, card, reason, now_ns);
	}
	return n;
}

void sessions_each(const struct sessions *s, uint64_t now_ns,
	void (*each)(void *arg, const struct session_row *row), void *arg)
{
	for (uint32_t i = 0; i < s->n_used; i++) {
		struct session_row row;

		if (s->all[i].state == SESSION_FREE)
			continue;
		row = session_describe(s, &s->all[i], now_ns);
		each(arg, &row);
	}
}

bool sessions_find(const struct sessions *s, uint64_t id, uint64_t now_ns, struct session_row *row)
{
	const struct session *se = session_of_id(s, id);

	if (se == NULL)
		return false;
	*row = session_describe(s, se, now_ns);
	return true;
}

struct sessions_counts sessions_counts(const struct sessions *s)
{
	struct sessions_counts counts = s->counts;

	counts.n_handshakes = s->n_in[LIST_HELD] + s->n_in[LIST_HANDSHAKE];
	counts.n_established = s->n_in[LIST_STANDING] + s->n_in[LIST_CARD];
	counts.n_closing = s->n_in[LIST_CLOSING];
	return counts;
}
