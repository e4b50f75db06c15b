// SPDX-License-Identifier: BSD-3-Clause

#include "control/log.h"
#include "control/policy/file.h"
#include "control/publish/publisher_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void close_fds(struct publication *what)
{
	while (what->n_fds > 0)
		close(what->fds[--what->n_fds]);
}

static void set_outcome(struct job *job, enum publish_outcome outcome, const char *text)
{
	job->result.outcome = outcome;
	snprintf(job->result.text, sizeof(job->result.text), "%s", text);
}

int job_store_candidate(struct job *job, struct view document)
{
	const struct image_info *info = &job->candidate.compiled.info;
	char *text = strndup((const char *)document.at, document.len);
	struct revision r = {
		.number = job->candidate.number,
		.time = (int64_t)time(NULL),
		.uid = job->what.uid,
		.n_names = info->n_names,
		.n_patterns = info->n_patterns,
		.n_peers = info->n_peers,
		.name = job->what.name,
		.comment = job->what.comment,
		.document = text,
	};
	int error = -ENOMEM;

	memcpy(r.digest, info->digest, sizeof(r.digest));
	if (text != NULL)
		error = store_begin(job->publisher->store, &r, job->candidate.compiled.image_fd,
			job->candidate.compiled.n_bytes);
	free(text);
	return error;
}

static int check(const struct job *job, struct view document, struct errors *errors)
{
	const struct publisher *p = job->publisher;

	return p->hooks != NULL ? p->hooks->check(p->hooks_arg, document, errors) : 0;
}

static void compile_failed(struct job *job, int error)
{
	job->candidate.compiled.image_fd = -1;
	job->candidate.compiled.replica = NULL;
	set_outcome(job, error == -EINVAL ? PUBLISH_FAULTY : PUBLISH_IMPOSSIBLE,
		error == -EINVAL ? "" : strerror(-error));
}

// On a work thread: touches the job, and the store.
static void prepare(uv_work_t *work)
{
	struct job *job = work->data;
	struct publish_result *result = &job->result;
	struct intake in = {
		.fds = job->what.fds,
		.n_fds = job->what.n_fds,
		.generation = job->candidate.number,
		.former = job->former,
	};
	uint64_t began = uv_hrtime();
	struct view document;
	int error;

	memcpy(in.relay_key, store_relay_key(job->publisher->store), sizeof(in.relay_key));
	error = intake_compile(&in, &job->candidate.compiled, &document, &result->errors);
	explicit_bzero(in.relay_key, sizeof(in.relay_key));
	if (error == 0) {
		error = check(job, document, &result->errors);
		if (error < 0) {
			compiled_close(&job->candidate.compiled);
			file_free(&document);
		}
	}
	result->compile_ns = uv_hrtime() - began;
	if (error < 0) {
		compile_failed(job, error);
		return;
	}
	result->info = job->candidate.compiled.info;
	result->n_bytes = job->candidate.compiled.n_bytes;
	memcpy(job->candidate.digest, result->info.digest, sizeof(job->candidate.digest));
	began = uv_hrtime();
	error = job->what.until == PUBLISH_CHECKED ? 0 : job_store_candidate(job, document);
	result->store_ns = uv_hrtime() - began;
	file_free(&document);
	if (error < 0) {
		snprintf(result->text, sizeof(result->text), "the store failed: %s",
			strerror(-error));
		result->outcome = PUBLISH_IMPOSSIBLE;
		return;
	}
	result->outcome = PUBLISH_DONE;
}

static void prepared(uv_work_t *work, int status)
{
	struct job *job = work->data;
	struct publisher *p = job->publisher;

	(void)status; // never cancelled
	close_fds(&job->what);
	if (job->result.outcome != PUBLISH_DONE || job->what.until == PUBLISH_CHECKED)
		job_end(job, job->result.outcome, NULL);
	else
		job->ready = true;
	publisher_step(p);
}

// Above every number that this store gave and that the dataplane knows: a store that was made anew
// does not give one a second time.
static int next_number(struct publisher *p, uint64_t *number)
{
	int error = revisions_last_number(store_revisions(p->store), number);

	if (error < 0)
		return error;
	if (p->attached && p->live_generation > *number)
		*number = p->live_generation;
	(*number)++;
	return 0;
}

int job_new(struct publisher *p, publish_done_fn *done, void *arg, struct job **out)
{
	struct job *job = calloc(1, sizeof(*job));
	int error;

	if (job == NULL)
		return -ENOMEM;
	job->publisher = p;
	job->done = done;
	job->arg = arg;
	job->former = p->current.compiled.replica;
	job->work.data = job;
	job->began_ns = uv_hrtime();
	job->candidate.compiled.image_fd = -1;
	error = next_number(p, &job->candidate.number);
	if (error < 0)
		free(job);
	else
		*out = job;
	return error;
}

int job_begin(struct job *job, uv_work_cb prepare_it)
{
	struct publisher *p = job->publisher;
	int error = uv_queue_work(p->loop, &job->work, prepare_it, prepared);

	if (error < 0)
		free(job);
	else
		p->job = job;
	return error;
}

int publisher_start(
	struct publisher *p, const struct publication *what, publish_done_fn *done, void *arg)
{
	struct job *job;
	int error;

	if (p->job != NULL)
		return -EBUSY;
	error = job_new(p, done, arg, &job);
	if (error < 0)
		return error;
	job->what = *what;
	errors_init(&job->result.errors, job->what.name);
	return job_begin(job, prepare);
}

void job_end(struct job *job, enum publish_outcome outcome, const char *text)
{
	struct publisher *p = job->publisher;
	struct publish_result *result = &job->result;

	result->outcome = outcome;
	if (text != NULL)
		snprintf(result->text, sizeof(result->text), "%s", text);
	if (job->what.until != PUBLISH_CHECKED)
		result->generation = job->candidate.number;
	uv_timer_stop(&p->timer);
	p->job = NULL;
	if (job->candidate.compiled.replica != NULL)
		compiled_close(&job->candidate.compiled);
	job->done(job->arg, result);
	free(job);
}

static void proof_is_late(uv_timer_t *timer)
{
	struct publisher *p = timer->data;

	if (p->job != NULL)
		job_end(p->job, PUBLISH_NOT_PROVED,
			"not every worker proved it in time; `fedctl status` shows which");
}

void job_answered(struct job *job, const struct attach_published *answer)
{
	struct publisher *p = job->publisher;
	uint64_t number = job->candidate.number;

	job->ready = false;
	if (answer == NULL) {
		job_keep(job, "the dataplane went away; it is offered again when one attaches");
		return;
	}
	job->result.check_ns = answer->check_ns;
	job->result.patterns_ns = answer->compile_ns;
	job->result.offer_ns = uv_hrtime() - job->result.offer_ns;
	if (!answer->ok) {
		log_line("policy", "revision %" PRIu64 " refused by the dataplane: %s", number,
			answer->error);
		publisher_record(p, number, answer->error);
		job_end(job, PUBLISH_REFUSED, answer->error);
		return;
	}
	log_line("policy", "revision %" PRIu64 " published by uid %u: %u names, %u patterns",
		number, (unsigned)job->what.uid, job->result.info.n_names,
		job->result.info.n_patterns);
	publisher_record(p, number, NULL);
	publisher_adopt(p, &job->candidate);
	if (job->what.until == PUBLISH_TAKEN) {
		job_end(job, PUBLISH_DONE, NULL);
		return;
	}
	job->proving = true;
	job->result.proof_ns = uv_hrtime();
	uv_timer_start(&p->timer, proof_is_late, job->what.timeout_ms, 0);
	job_check_proof(job);
}

void job_keep(struct job *job, const char *why)
{
	log_line("policy", "revision %" PRIu64 " stored: %s", job->candidate.number, why);
	job->candidate.pending = true;
	job->result.offer_ns = 0;
	publisher_adopt(job->publisher, &job->candidate);
	job_end(job, PUBLISH_STORED, why);
}

void job_check_proof(struct job *job)
{
	struct dataplane_status status;

	if (!job->proving)
		return;
	dataplane_status(job->publisher->dataplane, &status);
	if (!status.attached) {
		job_end(job, PUBLISH_NOT_PROVED,
			"the dataplane went away before every worker proved it");
		return;
	}
	for (unsigned i = 0; i < status.hello.n_workers && i < ATTACH_WORKERS_MAX; i++) {
		if (status.workers[i].generation != job->candidate.number)
			return;
	}
	job->result.proof_ns = uv_hrtime() - job->result.proof_ns;
	job_end(job, PUBLISH_DONE, NULL);
}
