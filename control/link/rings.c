// SPDX-License-Identifier: BSD-3-Clause

#include "control/link/rings.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_NS         200000
#define PING_NS         UINT64_C(1000000000)
#define MESSAGES_A_TURN 32

struct worker {
	struct link_segment *segment;
	struct link_producer out;
	struct link_consumer in;
	uint64_t pinged_ns; // 0: not yet
	uint64_t token;     // of the PING that is not answered yet, 0: none
};

struct rings {
	pthread_t thread;
	void (*changed)(void *arg);
	void *arg;
	// All below, by both threads.
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	bool stop;
	uint32_t epoch;
	uint64_t last_token;
	struct worker workers[ATTACH_WORKERS_MAX];
	struct rings_snapshot seen;
	uint32_t n_pushed, n_taken; // of heard
	struct rings_heard heard[RINGS_HEARD_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void ping(struct rings *r, unsigned i, uint64_t now)
{
	struct worker *w = &r->workers[i];
	struct link_message m;
	int error;

	if (w->pinged_ns != 0 && now - w->pinged_ns < PING_NS)
		return;
	link_message_init(&m, LINK_PING);
	m.epoch = r->epoch;
	m.ping.token = ++r->last_token;
	error = link_push(&w->out, &m);
	if (error == -EPROTO)
		r->seen.workers[i].broken = true;
	// A worker that has not answered the former one is late, and stays so.
	if (error == 0)
		w->token = m.ping.token;
	w->pinged_ns = now;
}

static void hear(struct rings *r, unsigned i, const struct link_message *m, uint64_t now)
{
	struct rings_worker *seen = &r->seen.workers[i];
	struct worker *w = &r->workers[i];

	if (link_message_check(m, LINK_TO_CONTROL, r->epoch) != NULL ||
		(m->type == LINK_PONG && m->pong.token > r->last_token)) {
		r->seen.n_bad++;
		return;
	}
	seen->last_seen_ns = now;
	if (m->type == LINK_APPLIED) {
		seen->generation = m->applied.generation;
		return;
	}
	if (m->type != LINK_PONG) {
		struct rings_heard *heard = &r->heard[r->n_pushed++ % RINGS_HEARD_MAX];

		heard->worker = i;
		link_message_copy(&heard->message, m);
		return;
	}
	seen->generation = m->pong.generation;
	if (w->token != 0 && m->pong.token == w->token) {
		seen->round_trip_ns = now - w->pinged_ns;
		w->token = 0;
	}
}

// True if it found something.
static bool turn(struct rings *r)
{
	const uint64_t now = now_ns();
	bool found = false;

	for (unsigned i = 0; i < r->seen.n_workers; i++) {
		struct link_message in[MESSAGES_A_TURN];
		int n;

		if (r->seen.workers[i].broken)
			continue;
		// The loop is late; what is not taken waits in the ring.
		if (r->n_pushed - r->n_taken > RINGS_HEARD_MAX - MESSAGES_A_TURN)
			n = 0;
		else
			n = link_pop(&r->workers[i].in, in, MESSAGES_A_TURN);
		for (int k = 0; k < n; k++)
			hear(r, i, &in[k], now);
		r->seen.workers[i].broken = n < 0;
		ping(r, i, now);
		found = found || n != 0 || r->seen.workers[i].broken;
	}
	return found;
}

static void sleep_a_little(struct rings *r)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += IDLE_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&r->wake, &r->mutex, &until);
}

static void *run(void *arg)
{
	struct rings *r = arg;

	pthread_mutex_lock(&r->mutex);
	while (!r->stop) {
		if (r->seen.n_workers == 0) {
			pthread_cond_wait(&r->wake, &r->mutex);
		} else if (turn(r)) {
			// Unlocked, so that whoever is told gets the mutex.
			pthread_mutex_unlock(&r->mutex);
			r->changed(r->arg);
			pthread_mutex_lock(&r->mutex);
		} else {
			sleep_a_little(r);
		}
	}
	pthread_mutex_unlock(&r->mutex);
	return NULL;
}

struct rings *rings_new(void (*changed)(void *arg), void *arg)
{
	struct rings *r = calloc(1, sizeof(*r));
	pthread_condattr_t monotonic;
	int error;

	if (r == NULL)
		return NULL;
	r->changed = changed;
	r->arg = arg;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	error = pthread_create(&r->thread, NULL, run, r);
	if (error != 0) {
		pthread_cond_destroy(&r->wake);
		pthread_mutex_destroy(&r->mutex);
		free(r);
		errno = error;
		return NULL;
	}
	return r;
}

void rings_free(struct rings *r)
{
	if (r == NULL)
		return;
	rings_detach(r);
	pthread_mutex_lock(&r->mutex);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->mutex);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

void rings_attach(
	struct rings *r, uint32_t epoch, struct link_segment *const segments[], unsigned n)
{
	pthread_mutex_lock(&r->mutex);
	r->epoch = epoch;
	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &r->workers[i];

		*w = (struct worker){.segment = segments[i]};
		link_producer_init(&w->out, &w->segment->to_worker);
		link_consumer_init(&w->in, &w->segment->to_control);
		r->seen.workers[i] = (struct rings_worker){0};
	}
	r->seen.n_workers = n;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->mutex);
}

void rings_detach(struct rings *r)
{
	pthread_mutex_lock(&r->mutex);
	for (unsigned i = 0; i < r->seen.n_workers; i++)
		link_segment_unmap(r->workers[i].segment);
	r->seen.n_workers = 0;
	r->n_taken = r->n_pushed;
	pthread_mutex_unlock(&r->mutex);
}

int rings_say(struct rings *r, unsigned worker, struct link_message *m)
{
	int error = -ENOTCONN;

	pthread_mutex_lock(&r->mutex);
	if (worker < r->seen.n_workers && !r->seen.workers[worker].broken) {
		m->epoch = r->epoch;
		error = link_push(&r->workers[worker].out, m);
		if (error == -EPROTO)
			r->seen.workers[worker].broken = true;
	}
	pthread_mutex_unlock(&r->mutex);
	return error == -EPROTO ? -ENOTCONN : error;
}

unsigned rings_take_heard(struct rings *r, struct rings_heard out[], unsigned n)
{
	unsigned taken = 0;

	pthread_mutex_lock(&r->mutex);
	for (; taken < n && r->n_taken != r->n_pushed; taken++) {
		const struct rings_heard *heard = &r->heard[r->n_taken++ % RINGS_HEARD_MAX];

		out[taken].worker = heard->worker;
		link_message_copy(&out[taken].message, &heard->message);
	}
	pthread_mutex_unlock(&r->mutex);
	return taken;
}

void rings_take_snapshot(struct rings *r, struct rings_snapshot *out)
{
	pthread_mutex_lock(&r->mutex);
	*out = r->seen;
	pthread_mutex_unlock(&r->mutex);
}
