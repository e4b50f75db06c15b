// SPDX-License-Identifier: BSD-3-Clause

#include "control/session/server.h"

#include "control/log.h"
#include "control/tls/rate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

#define SESSIONS_MAX   (1u << 20)
#define HANDSHAKES_MAX 16384
#define TICK_MS        20
#define REFRESH_MS     1000
#define SOURCES_MAX    65536
// A source's burst: a partner whose relay restarts comes back with all its connections at once.
#define BURST_S 4

struct waiter {
	struct waiter *next;
	void (*done)(void *arg);
	void *arg;
	uint64_t until_ns;
};

struct session_server {
	struct session_server_config config;
	struct sessions *sessions;
	struct pool *pool;
	struct handshake_rate *rate;
	struct tls_context *contexts[SIDE_N];
	bool has_contexts; // has been told which, if any
	whom_name_fn *name_of;
	void *name_arg;
	void (*watch)(void *arg, const struct session_report *report);
	void *watch_arg;
	uint8_t sides[ATTACH_LISTENERS_MAX]; // of the attached dataplane's listeners
	unsigned n_listeners;
	uv_timer_t tick;
	struct waiter *waiters;
};

static struct replica *replica_of(const struct session_server *s)
{
	return publisher_replica(s->config.publisher);
}

static const struct image *image_of(const struct session_server *s)
{
	return replica_of(s) != NULL ? replica_image(replica_of(s)) : NULL;
}

static int say(void *arg, unsigned worker, struct link_message *m)
{
	struct session_server *s = arg;

	return dataplane_say_worker(publisher_dataplane(s->config.publisher), worker, m);
}

static bool is_ready(void *arg)
{
	const struct session_server *s = arg;

	return s->has_contexts && image_of(s) != NULL;
}

static enum reason admit(void *arg, const struct link_session_opened *opened, uint64_t now_ns)
{
	struct session_server *s = arg;

	if (opened->listener >= s->n_listeners)
		return REASON_session_misled;
	if (s->contexts[s->sides[opened->listener]] == NULL)
		return REASON_session_unprepared;
	// What we open is bounded by how often targets may be connected to.
	if (s->rate == NULL || opened->role == RECORD_OPENED ||
		handshake_rate_take(s->rate, &opened->remote.ip, now_ns) == HANDSHAKE_RATE_OK)
		return REASON_none;
	return REASON_session_limited;
}

static bool begin(void *arg, uint64_t id, unsigned worker, const struct link_session_opened *opened)
{
	struct session_server *s = arg;
	enum side side = (enum side)s->sides[opened->listener];
	struct whom whom;

	(void)worker;
	if (!whom_ask(image_of(s), s->name_of, s->name_arg, side, opened, &whom))
		return false;
	return pool_begin(s->pool, id, tls_context_get(s->contexts[side]), &whom.params);
}

static void step(void *arg, uint64_t id, struct view record)
{
	struct session_server *s = arg;

	pool_step(s->pool, id, record);
}

static void drop(void *arg, uint64_t id)
{
	struct session_server *s = arg;

	pool_drop(s->pool, id);
}

static bool is_revoked(const struct session_server *s, const struct card *card)
{
	for (unsigned i = 0; i < SIDE_N; i++) {
		if (s->contexts[i] != NULL && tls_context_revokes(s->contexts[i], card))
			return true;
	}
	return false;
}

static enum reason judge(void *arg, const struct card *card)
{
	return is_revoked(arg, card) ? REASON_session_revoked : REASON_none;
}

static bool picks_revoked(void *arg, const struct card *card)
{
	return is_revoked(arg, card);
}

// A domain that it proves and that is refused nevertheless: here is why.
static void log_left_out(const struct session_row *row, const struct card *card)
{
	char text[ENDPOINT_TEXT_BYTES];
	struct view subject = card_view(card, card->subject);

	endpoint_format(&row->remote, text);
	log_line("tls",
		"the certificate of %s (%.*s) has %s%u names more than its identity card: those of "
		"the document's partners are kept first",
		text, (int)subject.len, (const char *)subject.at,
		card->n_left_out == UINT8_MAX ? "at least " : "", card->n_left_out);
}

static void log_refusal(const struct session_row *row, enum tls_refusal refusal, const char *detail)
{
	char text[ENDPOINT_TEXT_BYTES];

	endpoint_format(&row->remote, text);
	log_line("tls", "handshake with %s failed: %s%s%s: %s", text, tls_refusal_text(refusal),
		detail[0] != '\0' ? ": " : "", detail, tls_refusal_diagnosis(refusal));
}

// Only what somebody has to look into: a session that comes to its end does not.
static void ended(void *arg, const struct session_row *row, enum reason reason, uint8_t alert)
{
	char text[ENDPOINT_TEXT_BYTES];

	(void)arg;
	if (alert != RECORD_ALERT_NONE) {
		log_refusal(row, tls_refusal_of_alert(alert), "");
		return;
	}
	if (reason != REASON_session_revoked && reason != REASON_session_card_unknown &&
		reason != REASON_session_timed_out)
		return;
	endpoint_format(&row->remote, text);
	log_line("tls", "session with %s ended: %s", text, reason_text(reason));
}

static bool is_accepted(
	const struct session_server *s, const struct session_row *row, const struct pool_answer *a)
{
	return row->role == RECORD_ACCEPTED ||
		(replica_of(s) != NULL &&
			whom_accepts(replica_of(s), &row->target, a->has_card ? &a->card : NULL));
}

// Of a handshake that has succeeded: by now this may be too little.
static enum tls_refusal judge_done(
	const struct session_server *s, const struct session_row *row, const struct pool_answer *a)
{
	if (!is_accepted(s, row, a))
		return TLS_REFUSAL_wrong_name;
	// It began with the context that was in force then.
	return a->has_card && is_revoked(s, &a->card) ? TLS_REFUSAL_revoked : TLS_REFUSAL_none;
}

static void answered(void *arg, const struct pool_answer *a)
{
	static const enum session_outcome outcomes[] = {
		[TLS_WANTS_RECORD] = SESSION_GOES_ON,
		[TLS_DONE] = SESSION_DONE,
		[TLS_FAILED] = SESSION_FAILED,
	};
	struct session_server *s = arg;
	struct session_result r = {
		.id = a->id,
		.outcome = outcomes[a->step],
		.output = a->output,
		.card = a->card_name,
		.is = a->has_card ? &a->card : NULL,
		.secrets = &a->secrets,
		.reason = REASON_session_refused,
	};
	enum tls_refusal refusal = a->refusal;
	uint64_t now_ns = uv_hrtime();
	struct session_row row;

	if (!sessions_find(s->sessions, a->id, now_ns, &row))
		return;
	if (r.outcome == SESSION_DONE) {
		refusal = judge_done(s, &row, a);
		if (refusal != TLS_REFUSAL_none)
			r.outcome = SESSION_FAILED;
	}
	if (r.outcome == SESSION_FAILED)
		log_refusal(&row, refusal, a->detail);
	else if (r.outcome == SESSION_DONE && a->has_card && a->card.n_left_out > 0)
		log_left_out(&row, &a->card);
	if (r.outcome != SESSION_GOES_ON && s->watch != NULL)
		s->watch(s->watch_arg,
			&(struct session_report){.row = &row,
				.answer = a,
				.refusal = r.outcome == SESSION_DONE ? TLS_REFUSAL_none : refusal});
	sessions_take(s->sessions, &r, now_ns);
}

static void attached(void *arg)
{
	struct session_server *s = arg;
	struct dataplane_status status;

	dataplane_status(publisher_dataplane(s->config.publisher), &status);
	s->n_listeners = status.n_listeners;
	for (unsigned i = 0; i < status.n_listeners; i++)
		s->sides[i] = status.listeners[i].side;
	sessions_attached(s->sessions, status.hello.n_workers, uv_hrtime());
}

static void detached(void *arg)
{
	struct session_server *s = arg;

	s->n_listeners = 0;
	sessions_attached(s->sessions, 0, uv_hrtime());
}

// Those that have got what they wait for, or waited for long enough.
static void answer_waiters(struct session_server *s, uint64_t now_ns)
{
	struct waiter **at = &s->waiters;

	while (*at != NULL) {
		struct waiter *w = *at;

		if (!sessions_are_known(s->sessions) && now_ns < w->until_ns) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->done(w->arg);
		free(w);
	}
}

static void heard(void *arg, unsigned worker, const struct link_message *m)
{
	struct session_server *s = arg;

	sessions_hear(s->sessions, worker, m, uv_hrtime());
	if (s->waiters != NULL && (m->type == LINK_SESSIONS_END || m->type == LINK_CARD))
		answer_waiters(s, uv_hrtime());
}

static void on_tick(uv_timer_t *timer)
{
	struct session_server *s = timer->data;
	uint64_t now_ns = uv_hrtime();

	sessions_tick(s->sessions, now_ns);
	answer_waiters(s, now_ns);
}

static unsigned threads_of_machine(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) - 1;

	if (n < 1)
		return 1;
	return n < POOL_THREADS_MAX ? (unsigned)n : POOL_THREADS_MAX;
}

static int open_rate(struct session_server *s)
{
	struct handshake_rate_config config = {
		.source_per_s = s->config.source_per_s,
		.source_burst = BURST_S * s->config.source_per_s,
		.all_per_s = s->config.all_per_s,
		.all_burst = BURST_S * s->config.all_per_s,
		.n_sources = SOURCES_MAX,
	};

	if (config.source_per_s == 0 && config.all_per_s == 0)
		return 0;
	if (getrandom(config.seed, sizeof(config.seed), 0) != (ssize_t)sizeof(config.seed))
		return -errno;
	s->rate = handshake_rate_new(&config);
	return s->rate != NULL ? 0 : -errno;
}

static int open_all(struct session_server *s)
{
	static const struct sessions_host host = {
		say, is_ready, admit, begin, step, drop, judge, NULL, ended};
	struct sessions_config sessions = {
		.n_max = SESSIONS_MAX, .n_handshakes_max = HANDSHAKES_MAX};
	const struct pool_config pool = {
		.loop = s->config.loop,
		.n_threads = s->config.n_threads != 0 ? s->config.n_threads : threads_of_machine(),
		.n_max = SESSIONS_MAX,
		.now_s = s->config.now_s,
		.answered = answered,
		.arg = s,
	};

	if (getrandom(&sessions.seed, sizeof(sessions.seed), 0) != (ssize_t)sizeof(sessions.seed))
		return -errno;
	s->sessions = sessions_new(&sessions, &host, s);
	if (s->sessions == NULL)
		return -errno;
	s->pool = pool_new(&pool);
	return s->pool != NULL ? 0 : -errno;
}

struct session_server *session_server_new(const struct session_server_config *config)
{
	static const struct dataplane_hearer hearer = {attached, detached, heard};
	struct session_server *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL)
		return NULL;
	s->config = *config;
	error = open_rate(s);
	if (error == 0)
		error = open_all(s);
	if (error == 0)
		error = dataplane_add_hearer(publisher_dataplane(config->publisher), &hearer, s);
	if (error < 0) {
		pool_free(s->pool);
		sessions_free(s->sessions);
		handshake_rate_free(s->rate);
		free(s);
		errno = -error;
		return NULL;
	}
	uv_timer_init(config->loop, &s->tick);
	s->tick.data = s;
	uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
	return s;
}

void session_server_stop(struct session_server *s)
{
	struct waiter *w;

	if (s->pool == NULL)
		return;
	while ((w = s->waiters) != NULL) {
		s->waiters = w->next;
		w->done(w->arg);
		free(w);
	}
	// Drops what is under way into the pool, which then goes.
	sessions_attached(s->sessions, 0, uv_hrtime());
	pool_free(s->pool);
	s->pool = NULL;
	uv_close((uv_handle_t *)&s->tick, NULL);
}

void session_server_free(struct session_server *s)
{
	if (s == NULL)
		return;
	sessions_free(s->sessions);
	handshake_rate_free(s->rate);
	for (unsigned i = 0; i < SIDE_N; i++)
		tls_context_put(s->contexts[i]);
	free(s);
}

void session_server_set_contexts(
	struct session_server *s, struct tls_context *inside, struct tls_context *outside)
{
	unsigned n;

	for (unsigned i = 0; i < SIDE_N; i++)
		tls_context_put(s->contexts[i]);
	s->contexts[SIDE_INSIDE] = inside;
	s->contexts[SIDE_OUTSIDE] = outside;
	s->has_contexts = true;
	n = sessions_cut(s->sessions, picks_revoked, s, REASON_session_revoked, uv_hrtime());
	if (n > 0)
		log_line("tls", "%u sessions cut: their certificates have been revoked", n);
}

void session_server_set_names(struct session_server *s, whom_name_fn *name_of, void *arg)
{
	s->name_of = name_of;
	s->name_arg = arg;
}

void session_server_set_watcher(struct session_server *s,
	void (*watch)(void *arg, const struct session_report *report), void *arg)
{
	s->watch = watch;
	s->watch_arg = arg;
}

const struct sessions *session_server_sessions(const struct session_server *s)
{
	return s->sessions;
}

void session_server_refresh(struct session_server *s, void (*done)(void *arg), void *arg)
{
	struct waiter *w = malloc(sizeof(*w));
	uint64_t now_ns = uv_hrtime();

	if (w == NULL || s->pool == NULL) {
		free(w);
		done(arg);
		return;
	}
	*w = (struct waiter){s->waiters, done, arg, now_ns + REFRESH_MS * MS};
	s->waiters = w;
	sessions_refresh(s->sessions, now_ns);
	answer_waiters(s, now_ns);
}
