// SPDX-License-Identifier: BSD-3-Clause

#include "control/publish/publisher.h"

#include "control/log.h"
#include "control/publish/publisher_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Revisions looked at, at start, for one whose image is whole.
#define LOAD_TRIES 8

void publisher_say_trouble(struct publisher *p, uint64_t number, const char *what, const char *why)
{
	snprintf(p->trouble, sizeof(p->trouble), "revision %" PRIu64 " %s: %s", number, what, why);
	log_line("policy", "%s", p->trouble);
}

static int load_image(struct publisher *p, struct compiled *c, const struct revision *row)
{
	struct replica_error error = {.rule = IMAGE_RULE_NONE};

	c->image_fd = store_open_image(p->store, row->number, &c->n_bytes);
	if (c->image_fd < 0) {
		publisher_say_trouble(p, row->number, "has no image", strerror(-c->image_fd));
		c->image_fd = -1;
		return -EBADMSG;
	}
	c->replica = replica_open(c->image_fd, c->n_bytes, NULL, &error);
	if (c->replica != NULL)
		c->info = *image_info(replica_image(c->replica));
	// A whole image of another revision is as wrong as a damaged one.
	if (c->replica == NULL || c->info.generation != row->number ||
		memcmp(c->info.digest, row->digest, sizeof(row->digest)) != 0) {
		publisher_say_trouble(p, row->number, "has a damaged image",
			c->replica == NULL ? error.text : "it is not what was stored");
		compiled_close(c);
		return -EBADMSG;
	}
	return 0;
}

// The newest revision that stands. Where its image is damaged, the newest one with a whole image is
// kept ready instead: for a dataplane that has nothing, a former policy is better than none.
static int load_current(struct publisher *p)
{
	uint64_t below = UINT64_MAX;
	struct revision row;
	int error;

	p->current = (struct offer){.compiled.image_fd = -1};
	p->newest_number = 0;
	for (unsigned i = 0; i < LOAD_TRIES; i++) {
		error = revisions_find_standing(store_revisions(p->store), below, &row);
		if (error < 0)
			return error == -ENOENT ? 0 : error;
		if (p->newest_number == 0) {
			p->newest_number = row.number;
			memcpy(p->newest_digest, row.digest, sizeof(row.digest));
		}
		below = row.number;
		error = load_image(p, &p->current.compiled, &row);
		if (error == 0) {
			p->current.number = row.number;
			p->current.pending = row.state == REVISION_PENDING;
			memcpy(p->current.digest, row.digest, sizeof(row.digest));
		}
		revision_fini(&row);
		if (error == 0)
			return 0;
	}
	return 0;
}

static bool is_live(const struct publisher *p, uint64_t number, const uint8_t *digest)
{
	return p->attached && number != 0 && p->live_generation == number &&
		memcmp(p->live_digest, digest, IMAGE_DIGEST_BYTES) == 0;
}

// Nobody is waiting for this answer: the revision was stored before.
static void current_answered(struct publisher *p, const struct attach_published *answer)
{
	uint64_t number = p->current.number;

	if (answer->ok) {
		log_line("policy", "revision %" PRIu64 " taken by the dataplane", number);
		if (p->current.pending)
			publisher_record(p, number, NULL);
		p->current.pending = false;
		return;
	}
	p->refused = true;
	publisher_say_trouble(p, number, "was refused by the dataplane", answer->error);
	// A publication under way borrows the current replica, and is about to replace it.
	if (!p->current.pending || p->job != NULL)
		return;
	// It never was in force anywhere: the one before it stands again. Here and not on a work
	// thread, for what follows needs it, and it happens once in a relay's life.
	compiled_close(&p->current.compiled);
	if (store_finish(p->store, number, answer->error) < 0 || load_current(p) < 0)
		publisher_say_trouble(p, number, "was refused", "and the store failed");
	else
		p->refused = false;
	publisher_tell_current(p);
}

static void published(void *arg, int error, const struct attach_published *result)
{
	struct publisher *p = arg;
	struct job *job = p->offering_candidate ? p->job : NULL;
	const struct offer *offered = job != NULL ? &job->candidate : &p->current;

	p->offering = false;
	if (error == 0 && result->ok) {
		p->live_generation = offered->number;
		memcpy(p->live_digest, offered->digest, sizeof(p->live_digest));
		p->trouble[0] = '\0';
	}
	if (job != NULL)
		job_answered(job, error == 0 ? result : NULL);
	else if (error == 0)
		current_answered(p, result);
	publisher_step(p);
}

// False: the dataplane cannot be asked now.
static bool offer(struct publisher *p, const struct offer *o, bool candidate)
{
	int error = dataplane_publish(p->dataplane, o->compiled.image_fd, &o->compiled.info,
		o->compiled.n_bytes, published, p);

	if (error < 0) {
		publisher_say_trouble(p, o->number, "could not be offered", strerror(-error));
		return false;
	}
	p->offering = true;
	p->offering_candidate = candidate;
	return true;
}

void publisher_step(struct publisher *p)
{
	struct job *job = p->job;

	if (p->offering)
		return;
	if (job != NULL && job->ready) {
		job->result.offer_ns = p->attached ? uv_hrtime() : 0;
		if (!p->attached)
			job_keep(job, "no dataplane is attached; it is applied when one attaches");
		else if (!offer(p, &job->candidate, true))
			job_keep(job,
				"it could not be offered; it is applied when a dataplane "
				"attaches");
		return;
	}
	// A dataplane that judges by the newest revision keeps it, also when its image here is
	// damaged: what is kept ready then is older.
	if (!p->attached || p->current.number == 0 || p->refused ||
		is_live(p, p->current.number, p->current.digest) ||
		is_live(p, p->newest_number, p->newest_digest))
		return;
	if (p->live_generation != p->current.number)
		p->refused = !offer(p, &p->current, false);
	else if (job == NULL)
		publisher_renumber(p);
}

void publisher_set_hooks(struct publisher *p, const struct publisher_hooks *hooks, void *arg)
{
	p->hooks = hooks;
	p->hooks_arg = arg;
	publisher_tell_current(p);
}

void publisher_tell_current(struct publisher *p)
{
	if (p->hooks != NULL && p->current.number != 0)
		p->hooks->current(p->hooks_arg, p->current.number);
}

void publisher_adopt(struct publisher *p, struct offer *o)
{
	compiled_close(&p->current.compiled);
	p->current = *o;
	p->newest_number = o->number;
	memcpy(p->newest_digest, o->digest, sizeof(o->digest));
	p->refused = false;
	o->compiled.image_fd = -1;
	o->compiled.replica = NULL;
	publisher_tell_current(p);
}

static void write_record(uv_work_t *work)
{
	struct record *r = work->data;

	r->error = store_finish(r->publisher->store, r->number, r->refused ? r->why : NULL);
}

static void record_written(uv_work_t *work, int status)
{
	struct record *r = work->data;

	(void)status;
	if (r->error < 0)
		publisher_say_trouble(
			r->publisher, r->number, "could not be recorded", strerror(-r->error));
	free(r);
}

void publisher_record(struct publisher *p, uint64_t number, const char *why)
{
	struct record *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		publisher_say_trouble(p, number, "could not be recorded", "out of memory");
		return;
	}
	r->publisher = p;
	r->number = number;
	r->refused = why != NULL;
	snprintf(r->why, sizeof(r->why), "%s", why != NULL ? why : "");
	r->work.data = r;
	if (uv_queue_work(p->loop, &r->work, write_record, record_written) != 0)
		free(r);
}

static void attached(void *arg)
{
	struct publisher *p = arg;
	struct dataplane_status status;

	dataplane_status(p->dataplane, &status);
	p->attached = true;
	p->refused = false;
	p->live_generation = status.hello.generation;
	memcpy(p->live_digest, status.hello.digest, sizeof(p->live_digest));
	log_line("dataplane", "attached: version %s, %u workers, generation %" PRIu64,
		status.hello.version, status.hello.n_workers, p->live_generation);
	// Taken before control could write it down.
	if (p->current.pending && is_live(p, p->current.number, p->current.digest)) {
		publisher_record(p, p->current.number, NULL);
		p->current.pending = false;
	}
	publisher_step(p);
}

static void detached(void *arg, const char *why)
{
	struct publisher *p = arg;

	p->attached = false;
	p->live_generation = 0;
	log_line("dataplane", "detached: %s", why);
	if (p->job != NULL)
		job_check_proof(p->job);
	publisher_step(p);
}

static void applied(void *arg, unsigned worker, uint64_t generation)
{
	struct publisher *p = arg;

	(void)worker;
	(void)generation;
	if (p->job != NULL)
		job_check_proof(p->job);
}

struct publisher *publisher_new(uv_loop_t *loop, struct store *store, const char *dataplane_socket)
{
	static const struct dataplane_events events = {attached, detached, applied};
	struct publisher *p = calloc(1, sizeof(*p));
	int error;

	if (p == NULL)
		return NULL;
	p->loop = loop;
	p->store = store;
	error = load_current(p);
	if (error == 0)
		error = uv_timer_init(loop, &p->timer);
	if (error == 0) {
		p->timer.data = p;
		p->dataplane = dataplane_new(loop, dataplane_socket, &events, p);
		if (p->dataplane != NULL)
			return p;
		error = -errno;
		uv_close((uv_handle_t *)&p->timer, NULL);
	}
	compiled_close(&p->current.compiled);
	free(p);
	errno = -error;
	return NULL;
}

void publisher_stop(struct publisher *p)
{
	if (p->job != NULL && (p->job->ready || p->job->proving))
		job_end(p->job, PUBLISH_NOT_PROVED, "control is going down");
	p->attached = false;
	dataplane_free(p->dataplane);
	p->dataplane = NULL;
	uv_close((uv_handle_t *)&p->timer, NULL);
}

void publisher_free(struct publisher *p)
{
	compiled_close(&p->current.compiled);
	free(p);
}

struct dataplane *publisher_dataplane(struct publisher *p)
{
	return p->dataplane;
}

struct replica *publisher_replica(struct publisher *p)
{
	return p->current.compiled.replica;
}

uint64_t publisher_generation(const struct publisher *p)
{
	return p->attached ? p->live_generation : 0;
}

bool publisher_in_force(const struct publisher *p)
{
	return is_live(p, p->current.number, p->current.digest);
}

const char *publisher_trouble(const struct publisher *p)
{
	return p->trouble;
}
