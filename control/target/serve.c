// SPDX-License-Identifier: BSD-3-Clause

#include "control/target/serve.h"

#include "control/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

#define TARGETS_MAX 16384
// Between two lines about targets that no peer has: a worker may ask for them all day.
#define LOG_NS UINT64_C(60000000000)

// A worker's question, until DNS has answered it.
struct ask {
	struct target_server *server;
	struct targets_question question;
	LIST_ENTRY(ask) in_asks;
};

struct target_server {
	struct publisher *publisher;
	struct finder *finder; // NULL: names lead nowhere
	struct targets *targets;
	LIST_HEAD(, ask) asks;
	uint64_t logged_ns, n_logged;
};

static void log_unknown(struct target_server *s, const struct link_target *which, uint64_t now_ns)
{
	uint64_t n = targets_n_unknown(s->targets);
	char text[ENDPOINT_TEXT_BYTES];

	if (n == s->n_logged || (s->logged_ns != 0 && now_ns - s->logged_ns < LOG_NS))
		return;
	s->logged_ns = now_ns;
	s->n_logged = n;
	endpoint_format(&which->remote, text);
	log_line(
		"targets", "a worker asks for %s, which no peer of the published policy has", text);
}

// To the worker that asked. One whose ring is full asks again.
static void say_found(struct target_server *s, const struct targets_question *question,
	const struct endpoint places[], size_t n_places)
{
	struct link_message answer;

	targets_found(s->targets, question, places, n_places, uv_hrtime(), &answer);
	(void)dataplane_say_worker(publisher_dataplane(s->publisher), question->worker, &answer);
}

static void found(void *arg, const struct finder_result *result)
{
	struct ask *ask = arg;
	struct endpoint places[FINDER_PLACES_MAX];

	for (size_t i = 0; i < result->n_places; i++) {
		places[i] = result->places[i].address;
		places[i].transport = ask->question.target.remote.transport;
	}
	LIST_REMOVE(ask, in_asks);
	say_found(ask->server, &ask->question, places, result->n_places);
	free(ask);
}

static void find(struct target_server *s, const struct targets_question *question)
{
	struct ask *ask = s->finder != NULL ? malloc(sizeof(*ask)) : NULL;

	if (ask == NULL) {
		say_found(s, question, NULL, 0);
		return;
	}
	*ask = (struct ask){.server = s, .question = *question};
	LIST_INSERT_HEAD(&s->asks, ask, in_asks);
	// On success it may be gone already.
	if (finder_find(s->finder, question->kind, view_of(ask->question.name, question->name_len),
		    question->port, found, ask) == 0)
		return;
	LIST_REMOVE(ask, in_asks);
	free(ask);
	say_found(s, question, NULL, 0);
}

static uint32_t peer_of(void *arg, struct view domain)
{
	return replica_peer_of(arg, domain);
}

static void heard(void *arg, unsigned worker, const struct link_message *m)
{
	struct target_server *s = arg;
	struct dataplane *d = publisher_dataplane(s->publisher);
	struct replica *replica = publisher_replica(s->publisher);
	const struct targets_policy policy = {
		.image = replica != NULL ? replica_image(replica) : NULL,
		.peer_of = peer_of,
		.arg = replica,
	};
	struct targets_question question;
	struct link_message answer;
	uint64_t now_ns = uv_hrtime();

	switch (targets_hear(s->targets, &policy, dataplane_n_listeners(d), worker, m, now_ns,
		&answer, &question)) {
	case TARGETS_NOTHING:
		break;
	case TARGETS_ANSWER:
		// A worker whose ring is full asks again.
		(void)dataplane_say_worker(d, worker, &answer);
		log_unknown(s, &m->target_wanted.target, now_ns);
		break;
	case TARGETS_FIND:
		find(s, &question);
		break;
	}
}

static void attached(void *arg)
{
	struct target_server *s = arg;

	targets_forget_connections(s->targets);
}

struct target_server *target_server_new(struct publisher *p, struct finder *finder)
{
	static const struct dataplane_hearer hearer = {attached, NULL, heard};
	struct target_server *s = calloc(1, sizeof(*s));
	uint64_t seed = 0;
	int error;

	if (s == NULL)
		return NULL;
	// A seed of zero would do: targets would only come back in step with another relay's.
	(void)getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	s->publisher = p;
	s->finder = finder;
	LIST_INIT(&s->asks);
	s->targets = targets_new(TARGETS_MAX, seed);
	if (s->targets == NULL) {
		error = errno;
		free(s);
		errno = error;
		return NULL;
	}
	error = dataplane_add_hearer(publisher_dataplane(p), &hearer, s);
	if (error < 0) {
		target_server_free(s);
		errno = -error;
		return NULL;
	}
	return s;
}

void target_server_free(struct target_server *s)
{
	struct ask *ask, *next;

	if (s == NULL)
		return;
	for (ask = LIST_FIRST(&s->asks); ask != NULL; ask = next) {
		next = LIST_NEXT(ask, in_asks);
		finder_cancel(s->finder, found, ask);
		free(ask);
	}
	targets_free(s->targets);
	free(s);
}

const struct targets *target_server_targets(const struct target_server *s)
{
	return s->targets;
}

bool target_server_name(
	void *server, const struct ip_addr *key, enum hop_kind *kind, struct view *name)
{
	const struct target_server *s = server;

	return targets_name(s->targets, key, kind, name);
}

void target_server_forgive(struct target_server *s, const struct link_target *which)
{
	targets_forgive(s->targets, which);
}
