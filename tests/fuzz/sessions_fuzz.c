// SPDX-License-Identifier: BSD-3-Clause
// A worker that says what it likes, in any order, to control's table of sessions: the input is its
// program, and that of the pool and of the room on the ring, four bytes a step.

#include "control/session/sessions.h"

#include <stdlib.h>

#define MS     UINT64_C(1000000)
#define N_MAX  16
#define N_IDS  64
#define EPOCH  1
#define N_CARD 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct sessions *sessions;
	uint64_t now;
	unsigned room;
	bool unready;
	unsigned n_begun, n_dropped, n_established, n_ended;
	uint64_t ids[N_IDS]; // of handshakes, to be answered
	unsigned n_ids;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int say(void *arg, unsigned worker, struct link_message *m)
{
	struct world *w = arg;

	m->epoch = EPOCH;
	require(worker < 2 && link_message_check(m, LINK_TO_WORKER, EPOCH) == NULL);
	if (w->room == 0)
		return -1;
	w->room--;
	return 0;
}

static bool is_ready(void *arg)
{
	return !((struct world *)arg)->unready;
}

static enum reason admit(void *arg, const struct link_session_opened *opened, uint64_t now_ns)
{
	(void)arg;
	(void)now_ns;
	return opened->since_ms == 3 ? REASON_session_limited : REASON_none;
}

static bool begin(void *arg, uint64_t id, unsigned worker, const struct link_session_opened *opened)
{
	struct world *w = arg;

	(void)worker;
	if (opened->since_ms == 4)
		return false;
	w->n_begun++;
	w->ids[w->n_ids++ % N_IDS] = id;
	return true;
}

static void step(void *arg, uint64_t id, struct view record)
{
	uint8_t last;

	(void)arg;
	(void)id;
	require(record.len >= 5 && record.len <= SESSIONS_RECORD_BYTES_MAX);
	memcpy(&last, record.at + record.len - 1, 1);
}

static void drop(void *arg, uint64_t id)
{
	struct world *w = arg;

	(void)id;
	w->n_dropped++;
	require(w->n_dropped <= w->n_begun);
}

static enum reason judge(void *arg, const struct card *card)
{
	const struct world *w = arg;

	(void)card;
	return w->now / MS % 2 == 0 ? REASON_session_revoked : REASON_none;
}

static void established(void *arg, const struct session_row *row)
{
	struct world *w = arg;

	require(row->card != NULL && card_check(row->card) == NULL);
	w->n_established++;
}

static void ended(void *arg, const struct session_row *row, enum reason reason, uint8_t alert)
{
	struct world *w = arg;

	(void)alert;
	require(row->conn != 0 && reason < REASON_N);
	w->n_ended++;
}

static void fill_card(struct card *c, uint8_t which)
{
	card_init(c, NULL, view_of("abcd", which % N_CARD), VIEW_NONE, VIEW_NONE);
}

static void fill_target(struct link_target *t)
{
	t->remote = (struct endpoint){.ip = {.bytes = {192, 0, 2, 1}, .family = IP_V4},
		.port = 5061,
		.transport = TRANSPORT_TLS};
}

static void hear(struct world *w, unsigned worker, struct link_message *m)
{
	m->epoch = EPOCH;
	if (link_message_check(m, LINK_TO_CONTROL, EPOCH) == NULL)
		sessions_hear(w->sessions, worker, m, w->now);
}

static void hear_session(struct world *w, enum link_type type, const uint8_t at[4])
{
	struct link_message m;

	link_message_init(&m, type);
	m.session_opened.conn = at[1] % 8U + 1;
	if (type == LINK_SESSION_OPENED) {
		fill_target(&m.session_opened.target);
		m.session_opened.remote = m.session_opened.target.remote;
		m.session_opened.role = at[2] & 1;
		m.session_opened.since_ms = at[3];
		if (m.session_opened.role == RECORD_ACCEPTED)
			memset(&m.session_opened.target, 0, sizeof(m.session_opened.target));
	} else if (type == LINK_SESSION_ENDED) {
		m.session_ended.was_established = at[2] & 1;
	} else {
		fill_target(&m.session_is.target);
		m.session_is.remote = m.session_is.target.remote;
		m.session_is.role = RECORD_OPENED;
		m.session_is.version = RECORD_TLS12;
		m.session_is.suite = RECORD_AES_128_GCM;
		m.session_is.card = at[2] % N_CARD + 1U;
	}
	hear(w, at[3] >> 7, &m);
}

static void hear_bytes(struct world *w, const uint8_t at[4])
{
	static const uint8_t record[64] = {22, 3, 3, 0, 59};
	struct link_message m;

	link_message_init(&m, LINK_SESSION_BYTES);
	m.session_bytes.conn = at[1] % 8U + 1;
	m.session_bytes.offset = at[2] % 4U * 32;
	m.session_bytes.last = at[3] & 1;
	(void)link_message_append(
		&m, record + (at[3] & 2 ? 32 : 0), at[3] & 4 ? sizeof(record) / 2 : 1);
	if (at[3] & 8)
		(void)link_message_append(&m, record + 32, 31);
	hear(w, at[3] >> 7, &m);
}

static void hear_listing(struct world *w, const uint8_t at[4])
{
	struct link_message m;

	if (at[1] & 1) {
		link_message_init(&m, LINK_SESSIONS_END);
		m.sessions_end.cursor = at[2];
		m.sessions_end.more = at[3] & 1;
	} else {
		link_message_init(&m, LINK_CARD);
		m.card.card = at[2] % N_CARD + 1U;
		fill_card(&m.card.is, at[2]);
	}
	hear(w, at[3] >> 7, &m);
}

static void answer(struct world *w, const uint8_t at[4])
{
	static const uint8_t words[2000];
	struct record_secrets secrets = {.version = RECORD_TLS12, .suite = RECORD_AES_128_GCM};
	struct card card;
	struct session_result r = {
		.id = w->ids[at[1] % N_IDS],
		.outcome = (enum session_outcome)(at[2] % 3),
		.output = view_of(words, at[3] & 1 ? sizeof(words) : at[3]),
		.card = at[3] % N_CARD + 1U,
		.is = &card,
		.secrets = &secrets,
		.reason = REASON_session_refused,
	};

	memset(secrets.receive.key, 1, 16);
	memset(secrets.send.key, 2, 16);
	// Sometimes another card of that name.
	fill_card(&card, (uint8_t)(at[3] % N_CARD + (at[2] > 250)));
	sessions_take(w->sessions, &r, w->now);
}

static bool picks(void *arg, const struct card *card)
{
	const uint8_t *at = arg;

	return card->subject.len == *at % N_CARD;
}

static void do_step(struct world *w, const uint8_t at[4])
{
	uint8_t which = at[1];

	w->now += at[3] * MS;
	switch (at[0] % 11) {
	case 0:
	case 1:
		hear_session(w, LINK_SESSION_OPENED, at);
		break;
	case 2:
	case 3:
		hear_bytes(w, at);
		break;
	case 4:
	case 5:
		answer(w, at);
		break;
	case 6:
		hear_session(w, LINK_SESSION_ENDED, at);
		break;
	case 7:
		hear_session(w, LINK_SESSION_IS, at);
		break;
	case 8:
		hear_listing(w, at);
		break;
	case 9:
		w->room = at[1];
		w->unready = at[2] % 4 == 1;
		w->now += at[2] * 100 * MS;
		sessions_tick(w->sessions, w->now);
		break;
	default:
		if (at[2] == 0)
			sessions_attached(w->sessions, at[1] % 3, w->now);
		else if (at[2] == 1)
			sessions_refresh(w->sessions, w->now);
		else
			(void)sessions_cut(
				w->sessions, picks, &which, REASON_session_revoked, w->now);
		break;
	}
}

static void see(void *arg, const struct session_row *row)
{
	unsigned *n = arg;

	require(row->conn != 0 && row->state != NULL);
	(*n)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sessions_host host = {
		say, is_ready, admit, begin, step, drop, judge, established, ended};
	static const struct sessions_config config = {N_MAX, N_MAX / 2, 7};
	struct world w = {.now = MS, .room = 100};
	struct sessions_counts counts;
	unsigned n = 0;

	w.sessions = sessions_new(&config, &host, &w);
	require(w.sessions != NULL);
	sessions_attached(w.sessions, 2, w.now);
	for (; size >= 4; data += 4, size -= 4)
		do_step(&w, data);
	sessions_each(w.sessions, w.now, see, &n);
	counts = sessions_counts(w.sessions);
	require(n == counts.n_handshakes + counts.n_established + counts.n_closing);
	require(n <= N_MAX && counts.n_handshakes <= N_MAX / 2);
	require(w.n_begun - w.n_dropped <= counts.n_handshakes);
	sessions_free(w.sessions);
	require(w.n_begun == w.n_dropped);
	return 0;
}
