// SPDX-License-Identifier: BSD-3-Clause

#include "control/session/pool_state.h"

#include "lib/base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

static int64_t machine_now_s(void)
{
	return (int64_t)time(NULL);
}

static struct thread *thread_of(struct pool *p, uint64_t id)
{
	return &p->threads[(uint32_t)id % p->config.n_threads];
}

void pool_job_free(struct job *job)
{
	tls_context_put(job->context);
	free(job);
}

struct job *pool_job_take(struct jobs *jobs)
{
	struct job *job = jobs->first;

	if (job == NULL)
		return NULL;
	jobs->first = job->next;
	if (jobs->first == NULL)
		jobs->end = &jobs->first;
	return job;
}

void pool_answer_free(struct answer *a)
{
	record_secrets_wipe(&a->is.secrets);
	free(a);
}

static void on_async(uv_async_t *async)
{
	struct pool *p = async->data;
	struct answer *a, *next;

	pthread_mutex_lock(&p->mutex);
	a = p->first;
	p->first = NULL;
	p->end = &p->first;
	pthread_mutex_unlock(&p->mutex);
	for (; a != NULL; a = next) {
		next = a->next;
		p->answered[(uint32_t)a->is.id] = a->is.id;
		p->config.answered(p->config.arg, &a->is);
		pool_answer_free(a);
	}
}

static size_t n_places(const struct pool_config *config)
{
	return config->n_max / config->n_threads + 1;
}

// Signals are the loop's thread's.
static int start_thread(struct pool *p, struct thread *t)
{
	sigset_t all, before;
	int error;

	t->pool = p;
	t->under_way.end = &t->under_way.first;
	t->beginning.end = &t->beginning.first;
	t->places = calloc(n_places(&p->config), sizeof(*t->places));
	if (t->places == NULL)
		return -ENOMEM;
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->wake, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&t->thread, NULL, pool_thread_run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		pthread_cond_destroy(&t->wake);
		pthread_mutex_destroy(&t->mutex);
		free(t->places);
	}
	return -error;
}

static void stop_thread(struct thread *t)
{
	struct job *job;

	pthread_mutex_lock(&t->mutex);
	t->stop = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->mutex);
	pthread_join(t->thread, NULL);
	while ((job = pool_job_take(&t->under_way)) != NULL ||
		(job = pool_job_take(&t->beginning)) != NULL)
		pool_job_free(job);
	pool_thread_clear(t, n_places(&t->pool->config));
	free(t->places);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->mutex);
}

static void on_closed(uv_handle_t *handle)
{
	struct pool *p = handle->data;

	free(p->answered);
	free(p);
}

struct pool *pool_new(const struct pool_config *config)
{
	struct pool *p;
	int error;

	if (config->n_threads == 0 || config->n_threads > POOL_THREADS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	p = calloc(1, sizeof(*p) + config->n_threads * sizeof(p->threads[0]));
	if (p == NULL)
		return NULL;
	p->config = *config;
	if (config->now_s == NULL)
		p->config.now_s = machine_now_s;
	p->end = &p->first;
	p->answered = calloc(config->n_max, sizeof(*p->answered));
	error = p->answered != NULL ? uv_async_init(config->loop, &p->async, on_async) : -ENOMEM;
	if (error < 0) {
		free(p->answered);
		free(p);
		errno = -error;
		return NULL;
	}
	p->async.data = p;
	pthread_mutex_init(&p->mutex, NULL);
	for (; error == 0 && p->n_threads < config->n_threads; p->n_threads += error == 0)
		error = start_thread(p, &p->threads[p->n_threads]);
	if (error < 0) {
		pool_free(p);
		errno = -error;
		return NULL;
	}
	return p;
}

void pool_free(struct pool *p)
{
	struct answer *a;

	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->n_threads; i++)
		stop_thread(&p->threads[i]);
	while ((a = p->first) != NULL) {
		p->first = a->next;
		pool_answer_free(a);
	}
	pthread_mutex_destroy(&p->mutex);
	uv_close((uv_handle_t *)&p->async, on_closed);
}

static struct job *job_new(enum job_kind kind, uint64_t id, size_t n_bytes)
{
	struct job *job = calloc(1, sizeof(*job) + n_bytes);

	if (job == NULL)
		return NULL;
	job->kind = kind;
	job->id = id;
	job->n_bytes = n_bytes;
	return job;
}

// A record comes after the answer to the one before: none of an id overtakes another.
static void give(struct pool *p, struct job *job)
{
	struct thread *t = thread_of(p, job->id);
	bool under_way = job->kind == JOB_DROP || p->answered[(uint32_t)job->id] == job->id;
	struct jobs *jobs = under_way ? &t->under_way : &t->beginning;

	pthread_mutex_lock(&t->mutex);
	*jobs->end = job;
	jobs->end = &job->next;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->mutex);
}

// Copies what the params point to behind the job.
static void keep_params(struct job *job, const struct tls_params *params)
{
	struct text text = text_over(job->bytes, job->n_bytes);
	size_t n = params->n_fingerprints * sizeof(params->fingerprints[0]);

	job->params = *params;
	job->params.name.at = text.at;
	text_add(&text, params->name);
	job->params.fingerprints = (const uint8_t(*)[CARD_FINGERPRINT_BYTES])text.at;
	text_add(&text, view_of(params->fingerprints, n));
	if (params->server_name != NULL) {
		job->params.server_name = (const char *)text.at;
		text_add(&text, view_of(params->server_name, strlen(params->server_name) + 1));
	}
}

bool pool_begin(
	struct pool *p, uint64_t id, struct tls_context *context, const struct tls_params *params)
{
	size_t n = params->name.len + params->n_fingerprints * sizeof(params->fingerprints[0]);
	struct job *job;

	if (params->server_name != NULL)
		n += strlen(params->server_name) + 1;
	job = job_new(JOB_BEGIN, id, n);
	if (job == NULL) {
		tls_context_put(context);
		return false;
	}
	job->context = context;
	keep_params(job, params);
	give(p, job);
	return true;
}

void pool_step(struct pool *p, uint64_t id, struct view record)
{
	struct job *job = job_new(JOB_STEP, id, record.len);

	if (job == NULL)
		return;
	memcpy(job->bytes, record.at, record.len);
	give(p, job);
}

void pool_drop(struct pool *p, uint64_t id)
{
	struct place *place = pool_place_of(thread_of(p, id), id);
	struct job *job = job_new(JOB_DROP, id, 0);

	atomic_store_explicit(&place->dropped, id, memory_order_relaxed);
	// Else its place is cleared by the next handshake there.
	if (job != NULL)
		give(p, job);
}
