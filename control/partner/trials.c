// SPDX-License-Identifier: BSD-3-Clause

#include "control/partner/trials.h"

#include "lib/policy/domain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#define MS      UINT64_C(1000000)
#define TICK_MS 50

struct run {
	uint64_t until_ns;
	size_t n;
	struct trial hops[TRIALS_HOPS_MAX];

	struct domain domain;
	trials_done_fn *done;
	void *arg;
};

// To DNS, about a hop of a run.
struct question {
	struct trials *trials;
	struct run *run; // NULL: it is over meanwhile
	struct trial *hop;
	LIST_ENTRY(question) in_questions;
};

struct trials {
	struct trials_config config;
	LIST_HEAD(, question) questions;
	uv_timer_t timer;
	bool stopped;
	struct run *runs[TRIALS_MAX]; // NULL: none
};

static bool is_same(const struct link_target *a, const struct link_target *b)
{
	return a->listener == b->listener && a->certificate == b->certificate &&
		a->slot == b->slot && endpoint_equal(&a->remote, &b->remote);
}

// Calls each for every hop that is still on trial.
static void for_each(struct trials *t,
	void (*each)(struct trial *hop, void *arg, unsigned worker, uint64_t now_ns), void *arg,
	unsigned worker)
{
	uint64_t now_ns = uv_hrtime();

	for (unsigned r = 0; r < TRIALS_MAX; r++) {
		for (size_t i = 0; t->runs[r] != NULL && i < t->runs[r]->n; i++) {
			if (!t->runs[r]->hops[i].over)
				each(&t->runs[r]->hops[i], arg, worker, now_ns);
		}
	}
}

static void hear(struct trial *hop, void *arg, unsigned worker, uint64_t now_ns)
{
	const struct link_message *m = arg;

	if (m->type == LINK_TARGET_STATE && is_same(&m->target_state.target, &hop->target))
		trial_told(hop, &m->target_state, now_ns);
	else if (m->type == LINK_SESSION_OPENED && is_same(&m->session_opened.target, &hop->target))
		trial_opened(hop, worker, &m->session_opened, now_ns);
	else if (m->type == LINK_SESSION_ENDED)
		trial_ended(hop, worker, &m->session_ended, now_ns);
}

static void heard(void *arg, unsigned worker, const struct link_message *m)
{
	for_each(arg, hear, (void *)(uintptr_t)m, worker);
}

static void see(struct trial *hop, void *arg, unsigned worker, uint64_t now_ns)
{
	const struct session_report *report = arg;

	(void)worker;
	if (is_same(&report->row->target, &hop->target))
		trial_shaken(hop, report, now_ns);
}

static void shaken(void *arg, const struct session_report *report)
{
	for_each(arg, see, (void *)(uintptr_t)report, 0);
}

static void attached(void *arg)
{
	(void)arg;
}

static void finish(struct trials *t, unsigned r)
{
	struct run *run = t->runs[r];
	struct question *q;

	t->runs[r] = NULL;
	LIST_FOREACH(q, &t->questions, in_questions)
	{
		if (q->run == run)
			q->run = NULL;
	}
	run->done(run->arg, run->hops, run->n);
	free(run);
}

struct standing {
	struct trial *hop;
	bool found;
};

static void look(void *arg, const struct session_row *row)
{
	struct standing *s = arg;

	if (s->found || !row->is_established || row->role != RECORD_OPENED ||
		!is_same(&row->target, &s->hop->target))
		return;
	s->found = true;
	trial_stands(s->hop, row);
}

static void try_hop(struct trials *t, struct trial *hop)
{
	struct dataplane *d = publisher_dataplane(t->config.publisher);
	struct dataplane_status status;
	struct standing standing = {hop, false};

	sessions_each(session_server_sessions(t->config.sessions), uv_hrtime(), look, &standing);
	if (standing.found)
		return;
	target_server_forgive(t->config.targets, &hop->target);
	dataplane_status(d, &status);
	// Its owner does it, and the others do not.
	for (unsigned i = 0; i < status.hello.n_workers; i++) {
		struct link_message m;

		link_message_init(&m, LINK_TARGET_TRY);
		m.target_wanted.target = hop->target;
		if (hop->kind == HOP_DOMAIN)
			(void)link_message_append(&m, hop->name, strlen(hop->name));
		(void)dataplane_say_worker(d, i, &m);
	}
}

static void found(void *arg, const struct finder_result *result)
{
	struct question *q = arg;
	struct trials *t = q->trials;
	struct trial *hop = q->run != NULL ? q->hop : NULL;

	LIST_REMOVE(q, in_questions);
	free(q);
	if (hop == NULL || hop->over)
		return;
	trial_found(hop, result, uv_hrtime());
	if (!hop->over)
		try_hop(t, hop);
}

static void find(struct trials *t, struct run *run, struct trial *hop)
{
	const struct finder_result none = {.outcome = FINDER_DNS_FAILED};
	struct question *q = t->config.finder != NULL ? malloc(sizeof(*q)) : NULL;

	if (q == NULL) {
		trial_found(hop, &none, uv_hrtime());
		return;
	}
	*q = (struct question){.trials = t, .run = run, .hop = hop};
	LIST_INSERT_HEAD(&t->questions, q, in_questions);
	// On success it may be gone already.
	if (finder_find(t->config.finder, hop->kind, view_string(hop->name),
		    hop->target.remote.port, found, q) == 0)
		return;
	LIST_REMOVE(q, in_questions);
	free(q);
	trial_found(hop, &none, uv_hrtime());
}

static void on_tick(uv_timer_t *timer)
{
	struct trials *t = timer->data;
	uint64_t now_ns = uv_hrtime();
	bool idle = true;

	for (unsigned r = 0; r < TRIALS_MAX; r++) {
		struct run *run = t->runs[r];
		bool over = true;

		for (size_t i = 0; run != NULL && i < run->n; i++) {
			if (now_ns >= run->until_ns)
				trial_late(&run->hops[i], now_ns);
			over = over && run->hops[i].over;
		}
		if (run != NULL && over)
			finish(t, r);
		idle = idle && t->runs[r] == NULL;
	}
	if (idle)
		uv_timer_stop(timer);
}

// As the relay chooses it (dataplane/relay/self.h): the first that fits.
static bool find_listener(const struct dataplane_status *status, uint8_t side,
	const struct endpoint *hop, uint16_t *out)
{
	static const uint8_t families[] = {IP_V4, IP_V6};

	for (unsigned f = 0; f < 2; f++) {
		if (hop->ip.family != IP_NAMED && hop->ip.family != families[f])
			continue;
		for (uint16_t i = 0; i < status->n_listeners; i++) {
			const struct attach_listener *l = &status->listeners[i];

			if (l->side != side || l->local.transport != hop->transport ||
				l->local.ip.family != families[f])
				continue;
			*out = i;
			return true;
		}
	}
	return false;
}

static void add_hop(struct run *run, const struct dataplane_status *status,
	const struct image *image, const struct endpoint *hop, uint8_t side, uint32_t certificate)
{
	struct link_target target = {.remote = *hop};
	struct view name = view_of(run->domain.text, run->domain.len);
	enum hop_kind kind = HOP_DOMAIN;

	if (hop->transport == TRANSPORT_UDP || run->n == TRIALS_HOPS_MAX ||
		!find_listener(status, side, hop, &target.listener))
		return;
	if (hop->transport == TRANSPORT_TLS)
		target.certificate = certificate;
	if (hop->ip.family != IP_NAMED)
		name = VIEW_NONE;
	else
		(void)image_hop_name(image, &hop->ip, &kind, &name);
	trial_begin(&run->hops[run->n++], &target, kind, name, uv_hrtime());
}

static uint32_t certificate_of(struct replica *r, struct view from)
{
	uint32_t peer = from.len > 0 ? replica_peer_of(r, from) : IMAGE_PEER_NONE;

	return peer != IMAGE_PEER_NONE ? image_peer_at(replica_image(r), peer)->certificate : 0;
}

static int add_hops(struct trials *t, struct run *run, struct view from)
{
	struct replica *r = publisher_replica(t->config.publisher);
	struct view domain = view_of(run->domain.text, run->domain.len);
	const struct policy_query query = {.from = from.len > 0 ? from : domain, .to = domain};
	const struct image *image = r != NULL ? replica_image(r) : NULL;
	const struct image_peer *peer = NULL;
	struct dataplane_status status;
	struct verdict verdict;
	uint8_t side;

	dataplane_status(publisher_dataplane(t->config.publisher), &status);
	if (!status.attached)
		return -ENOTCONN;
	if (r != NULL)
		peer = image_peer_at(image, replica_peer_of(r, domain));
	if (peer == NULL)
		return -ENOENT;
	// Only what its verdict says of the match of To is wanted: whether it is one of ours.
	replica_decide(r, &query, &verdict);
	side = verdict.to.list == IMAGE_LOCAL ? SIDE_INSIDE : SIDE_OUTSIDE;
	for (uint32_t i = 0; i < peer->n_hops; i++)
		add_hop(run, &status, image, &image_hops(image, peer)[i], side,
			certificate_of(r, from));
	if ((peer->flags & IMAGE_PEER_DISCOVERED) != 0) {
		struct endpoint hop = {.ip = hop_key(image_hop_keys(image), HOP_DOMAIN, domain),
			.transport = TRANSPORT_TLS};

		add_hop(run, &status, image, &hop, side, certificate_of(r, from));
	}
	return 0;
}

int trials_start(
	struct trials *t, struct view domain, struct view from, trials_done_fn *done, void *arg)
{
	struct domain ours;
	struct run *run;
	unsigned r = 0;
	int error;

	while (r < TRIALS_MAX && t->runs[r] != NULL)
		r++;
	if (r == TRIALS_MAX || t->stopped)
		return -EBUSY;
	run = calloc(1, sizeof(*run));
	if (run == NULL)
		return -ENOMEM;
	run->done = done;
	run->arg = arg;
	run->until_ns = uv_hrtime() + TRIALS_MS_MAX * MS;
	error = domain_canonical(domain, &run->domain);
	if (error == 0 && from.len > 0)
		error = domain_canonical(from, &ours);
	if (error == 0)
		error = add_hops(t, run, from);
	if (error < 0) {
		free(run);
		return error;
	}
	t->runs[r] = run;
	uv_timer_start(&t->timer, on_tick, TICK_MS, TICK_MS);
	for (size_t i = 0; i < run->n; i++) {
		if (run->hops[i].target.remote.ip.family == IP_NAMED)
			find(t, run, &run->hops[i]);
		else
			try_hop(t, &run->hops[i]);
	}
	return 0;
}

struct trials *trials_new(const struct trials_config *config)
{
	static const struct dataplane_hearer hearer = {attached, NULL, heard};
	struct trials *t = calloc(1, sizeof(*t));
	int error;

	if (t == NULL)
		return NULL;
	t->config = *config;
	LIST_INIT(&t->questions);
	error = dataplane_add_hearer(publisher_dataplane(config->publisher), &hearer, t);
	if (error < 0) {
		free(t);
		errno = -error;
		return NULL;
	}
	session_server_set_watcher(config->sessions, shaken, t);
	uv_timer_init(config->loop, &t->timer);
	t->timer.data = t;
	return t;
}

void trials_stop(struct trials *t)
{
	struct question *q = LIST_FIRST(&t->questions), *next;

	if (t->stopped)
		return;
	t->stopped = true;
	LIST_INIT(&t->questions);
	for (; q != NULL; q = next) {
		next = LIST_NEXT(q, in_questions);
		finder_cancel(t->config.finder, found, q);
		free(q);
	}
	for (unsigned r = 0; r < TRIALS_MAX; r++) {
		if (t->runs[r] != NULL)
			finish(t, r);
	}
	uv_close((uv_handle_t *)&t->timer, NULL);
}

void trials_free(struct trials *t)
{
	free(t);
}
