// SPDX-License-Identifier: BSD-3-Clause
// A thread of the pool: its handshakes, and what it makes of its jobs.

#include "control/session/pool_state.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

uint64_t pool_card_name(const struct card *card)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t name = 0;

	SHA256((const uint8_t *)card, sizeof(*card), digest);
	for (unsigned i = 0; i < 8; i++)
		name |= (uint64_t)digest[i] << 8 * i;
	return name != 0 ? name : 1;
}

struct place *pool_place_of(const struct thread *t, uint64_t id)
{
	return &t->places[(uint32_t)id / t->pool->config.n_threads];
}

static struct answer *answer_new(uint64_t id, enum tls_step step, struct view output)
{
	struct answer *a = calloc(1, sizeof(*a) + output.len);

	if (a == NULL)
		return NULL;
	a->is.id = id;
	a->is.step = step;
	if (output.len > 0)
		memcpy(a->bytes, output.at, output.len);
	a->is.output = view_of(a->bytes, output.len);
	return a;
}

static void tell(struct pool *p, struct answer *a)
{
	pthread_mutex_lock(&p->mutex);
	*p->end = a;
	p->end = &a->next;
	pthread_mutex_unlock(&p->mutex);
	(void)uv_async_send(&p->async);
}

static void tell_refusal(struct pool *p, uint64_t id, enum tls_refusal refusal)
{
	struct answer *a = answer_new(id, TLS_FAILED, VIEW_NONE);

	if (a == NULL)
		return; // its time bound ends it
	a->is.refusal = refusal;
	tell(p, a);
}

static void add_card(struct pool_answer *a, const struct card *card)
{
	if (card == NULL)
		return;
	a->has_card = true;
	a->card = *card;
	a->card_name = pool_card_name(card);
}

static void add_refusal(struct pool_answer *a, const struct tls_handshake *h)
{
	a->refusal = tls_handshake_refusal(h);
	strncpy(a->detail, tls_handshake_detail(h), sizeof(a->detail) - 1);
}

static void make_step(struct thread *t, const struct place *place, struct view record)
{
	struct tls_handshake *h = place->handshake;
	enum tls_step step = tls_handshake_step(h, record);
	struct answer *a = answer_new(place->id, step, tls_handshake_output(h));

	if (a == NULL)
		return; // its time bound ends it
	a->is.facts = tls_handshake_facts(h);
	if (step != TLS_WANTS_RECORD)
		add_card(&a->is, tls_handshake_card(h));
	if (step == TLS_FAILED)
		add_refusal(&a->is, h);
	if (step == TLS_DONE && tls_handshake_finish(h, &a->is.secrets) < 0) {
		a->is.step = TLS_FAILED;
		a->is.refusal = TLS_REFUSAL_internal;
	}
	tell(t->pool, a);
}

static void leave(struct place *place)
{
	tls_handshake_free(place->handshake);
	place->id = 0;
	place->handshake = NULL;
	place->refusal = (enum tls_refusal)0;
}

static void begin(struct thread *t, const struct job *job)
{
	struct place *place = pool_place_of(t, job->id);
	const struct pool_config *config = &t->pool->config;

	leave(place);
	place->id = job->id;
	place->handshake = tls_handshake_new(job->context, &job->params, config->now_s());
	if (place->handshake == NULL)
		place->refusal =
			errno == ENOENT ? TLS_REFUSAL_no_such_certificate : TLS_REFUSAL_internal;
	if (job->params.role != TLS_CLIENT)
		return;
	if (place->handshake != NULL)
		make_step(t, place, VIEW_NONE);
	else
		tell_refusal(t->pool, job->id, place->refusal);
}

static void run_job(struct thread *t, const struct job *job)
{
	struct place *place = pool_place_of(t, job->id);

	// Ids of a place grow.
	if (job->id <= atomic_load_explicit(&place->dropped, memory_order_relaxed)) {
		if (place->id == job->id)
			leave(place);
		return;
	}
	if (job->kind == JOB_BEGIN) {
		begin(t, job);
		return;
	}
	if (place->id != job->id)
		return;
	if (place->handshake != NULL)
		make_step(t, place, view_of(job->bytes, job->n_bytes));
	else
		tell_refusal(t->pool, job->id, place->refusal);
}

// The next one, which is the caller's; NULL when the thread shall end.
static struct job *take(struct thread *t)
{
	struct job *job = NULL;

	pthread_mutex_lock(&t->mutex);
	while (!t->stop && t->under_way.first == NULL && t->beginning.first == NULL)
		pthread_cond_wait(&t->wake, &t->mutex);
	if (!t->stop)
		job = pool_job_take(t->under_way.first != NULL ? &t->under_way : &t->beginning);
	pthread_mutex_unlock(&t->mutex);
	return job;
}

void *pool_thread_run(void *arg)
{
	struct thread *t = arg;
	struct job *job;

	while ((job = take(t)) != NULL) {
		run_job(t, job);
		pool_job_free(job);
	}
	// What OpenSSL keeps for a thread.
	OPENSSL_thread_stop();
	return NULL;
}

void pool_thread_clear(struct thread *t, size_t n_places)
{
	for (size_t i = 0; i < n_places; i++)
		leave(&t->places[i]);
}
