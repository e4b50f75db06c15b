// SPDX-License-Identifier: BSD-3-Clause
// What publisher.c and publication.c share; nobody else includes it.

#pragma once

#include "control/publish/publisher.h"

// A compiled revision, which can be offered.
struct offer {
	uint64_t number; // 0: none
	uint8_t digest[IMAGE_DIGEST_BYTES];
	bool pending;             // no dataplane has answered yet
	struct compiled compiled; // image_fd -1, replica NULL: none
};

struct job {
	uv_work_t work;
	struct publisher *publisher;
	struct publication what;
	publish_done_fn *done;
	void *arg;
	struct offer candidate;
	struct replica *former; // the current revision's, for its patterns
	struct publish_result result;
	bool ready;   // compiled and stored: to be offered
	bool proving; // taken: waiting for the workers
	uint64_t began_ns;
};

struct record {
	uv_work_t work;
	struct publisher *publisher;
	uint64_t number;
	bool refused;
	char why[ATTACH_ERROR_BYTES];
	int error;
};

struct publisher {
	uv_loop_t *loop;
	struct store *store;
	struct dataplane *dataplane;
	const struct publisher_hooks *hooks; // NULL: none
	void *hooks_arg;
	uv_timer_t timer; // of the proof
	struct offer current;
	// The newest revision that stands: the current one, unless its image is damaged.
	uint64_t newest_number;
	uint8_t newest_digest[IMAGE_DIGEST_BYTES];
	struct job *job; // the publication under way
	// What the attached dataplane judges by.
	bool attached;
	uint64_t live_generation;
	uint8_t live_digest[IMAGE_DIGEST_BYTES];
	bool offering;           // dataplane_publish() under way
	bool offering_candidate; // of the job's candidate, else of the current one
	bool refused;            // the current one, by this dataplane
	char trouble[PUBLISH_TEXT_BYTES];
};

// Offers whatever is due. After each change of what it looks at.
void publisher_step(struct publisher *p);
// Tells whoever wants to know which revision is the current one.
void publisher_tell_current(struct publisher *p);
// Makes a revision the current one; takes its image and replica over.
void publisher_adopt(struct publisher *p, struct offer *o);
// Writes the dataplane's answer into the store, on a work thread. why: NULL when it was applied.
void publisher_record(struct publisher *p, uint64_t number, const char *why);

// Gives the stored revision another number; no job is under way.
void publisher_renumber(struct publisher *p);
void publisher_say_trouble(struct publisher *p, uint64_t number, const char *what, const char *why);

// A publication with the next number, to be filled in; then job_begin(), which frees it when it
// fails: prepare runs on a work thread and leaves candidate and result. 0 or -errno.
int job_new(struct publisher *p, publish_done_fn *done, void *arg, struct job **out);
int job_begin(struct job *job, uv_work_cb prepare);
// On a work thread.
int job_store_candidate(struct job *job, struct view document);
// The dataplane's answer to the job's candidate; result NULL when it went away.
void job_answered(struct job *job, const struct attach_published *result);
// There is no dataplane to offer the candidate to.
void job_keep(struct job *job, const char *why);
// Whether all workers proved it by now; ends the job then.
void job_check_proof(struct job *job);
void job_end(struct job *job, enum publish_outcome outcome, const char *text);
