// SPDX-License-Identifier: BSD-3-Clause
// A store that was made anew or put back gives numbers a second time, and a dataplane may judge by
// other content under one of them. Workers prove a generation by its number, so the stored revision
// goes on under a new one: a publication like any other, but that nobody waits for.

#include "control/policy/renumber.h"
#include "control/log.h"
#include "control/publish/publisher_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int store_renumbered(struct job *job, const struct revision *row)
{
	const uint64_t number = job->candidate.number;
	char why[ATTACH_ERROR_BYTES];
	int error;

	job->what.uid = row->uid;
	snprintf(job->what.name, sizeof(job->what.name), "%s", row->name);
	snprintf(job->what.comment, sizeof(job->what.comment), "%s", row->comment);
	error = job_store_candidate(job, view_string(row->document));
	// One that was never in force would stand again if the new number's is refused.
	if (error < 0 || row->state != REVISION_PENDING)
		return error;
	snprintf(why, sizeof(why),
		"the dataplane knew this number with other content: it is revision %" PRIu64 " now",
		number);
	return store_finish(job->publisher->store, row->number, why);
}

// On a work thread. The current revision stays what it is while a job is under way.
static void prepare(uv_work_t *work)
{
	struct job *job = work->data;
	struct publisher *p = job->publisher;
	struct revision row;
	int error;

	error = compiled_renumber(
		&p->current.compiled, job->candidate.number, &job->candidate.compiled);
	if (error == 0) {
		memcpy(job->candidate.digest, p->current.digest, sizeof(p->current.digest));
		job->result.info = job->candidate.compiled.info;
		job->result.n_bytes = job->candidate.compiled.n_bytes;
		error = revisions_find(store_revisions(p->store), p->current.number, &row);
	}
	if (error == 0) {
		error = store_renumbered(job, &row);
		revision_fini(&row);
	}
	job->result.outcome = error == 0 ? PUBLISH_DONE : PUBLISH_IMPOSSIBLE;
	if (error < 0)
		snprintf(job->result.text, sizeof(job->result.text), "%s", strerror(-error));
}

static void renumbered(void *arg, const struct publish_result *result)
{
	struct publisher *p = arg;

	if (result->outcome == PUBLISH_DONE || result->outcome == PUBLISH_STORED)
		return;
	// Not again before the next attachment: it would go on and on.
	p->refused = true;
	publisher_say_trouble(p, p->current.number, "could not get another number", result->text);
}

void publisher_renumber(struct publisher *p)
{
	struct job *job;
	int error;

	log_line("policy",
		"the dataplane judges by other content under the number %" PRIu64
		": the stored revision gets another one",
		p->current.number);
	error = job_new(p, renumbered, p, &job);
	if (error == 0) {
		job->what.until = PUBLISH_TAKEN;
		error = job_begin(job, prepare);
	}
	if (error == 0)
		return;
	p->refused = true;
	publisher_say_trouble(
		p, p->current.number, "could not get another number", strerror(-error));
}
