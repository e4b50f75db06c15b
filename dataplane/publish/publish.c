// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/publish/publish.h"

#include "dataplane/patterns/patterns_child.h"
#include "lib/link/sealed.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

// The compiler is limited to 60 s of CPU; on a busy machine those take longer.
#define COMPILE_NS (UINT64_C(120) * 1000000000)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void refuse(struct publisher *p, const char *why)
{
	generation_free(p->next);
	p->next = NULL;
	attach_text(p->result.error, sizeof(p->result.error), why);
	p->has_result = true;
}

static void accept_result(struct publisher *p)
{
	p->result.ok = 1;
	p->has_result = true;
}

// Whether every worker judges by the current generation alone. The acquire pairs with the release
// in worker_generation_poll(): what a worker did with the former one is over.
static bool all_applied(const struct publisher *p)
{
	for (unsigned i = 0; i < p->n_workers; i++) {
		if (atomic_load_explicit(&p->workers[i].applied_generation, memory_order_acquire) !=
			p->current)
			return false;
	}
	return true;
}

static void retire(struct publisher *p)
{
	if (p->retiring == NULL || !all_applied(p))
		return;
	generation_free(p->retiring);
	p->retiring = NULL;
}

// next is whole and becomes current. database is its pattern set's, taken over.
static void offer(struct publisher *p, hs_database_t *database)
{
	if (generation_arm(p->next, database) < 0) {
		if (database != p->database)
			hs_free_database(database);
		refuse(p, "no memory for the generation");
		return;
	}
	for (unsigned i = 0; p->current != NULL && i < p->n_workers; i++)
		decider_warm(p->next->decider[i], p->current->decider[i]);
	if (database != p->database)
		hs_free_database(p->database);
	p->database = database;
	p->retiring = p->current;
	p->current = p->next;
	p->next = NULL;
	for (unsigned i = 0; i < p->n_workers; i++) {
		// Pairs with the acquire in worker_generation_poll(): the generation is complete.
		atomic_store_explicit(
			&p->workers[i].offered_generation, p->current, memory_order_release);
	}
	accept_result(p);
}

// The texts themselves are compared: the digest is control's word.
static bool same_patterns(const struct image *a, const struct image *b)
{
	const struct image_info *ia = image_info(a), *ib = image_info(b);

	if (ia->pattern_digest != ib->pattern_digest || ia->n_patterns != ib->n_patterns)
		return false;
	for (uint32_t i = 0; i < ia->n_patterns; i++) {
		struct image_pattern pa = image_pattern_at(a, i), pb = image_pattern_at(b, i);

		if (pa.flags != pb.flags || !view_equal(pa.expression, pb.expression))
			return false;
	}
	return true;
}

static void start_compiling(struct publisher *p)
{
	char error[PATTERNS_CHILD_ERROR_BYTES];

	if (p->patterns == NULL)
		refuse(p, "this dataplane has no pattern compiler");
	else if (patterns_child_submit(p->patterns, p->next->policy[0]->image, error) < 0)
		refuse(p, error);
	p->compiling_since_ns = now_ns();
}

// Why next may not follow current; NULL when it may. *known: it is the current one.
static const char *judge(const struct publisher *p, const struct attach_publish *r, bool *known)
{
	const struct image_info *next = &p->next->info;

	*known = false;
	if (next->generation != r->generation)
		return "the image is of another generation than announced";
	if (p->current == NULL || p->current->number != r->generation)
		return NULL;
	// Workers prove a generation by its number, so one number is one content.
	if (memcmp(p->current->info.digest, next->digest, sizeof(next->digest)) != 0)
		return "this generation's number is in use with other content: publish again";
	*known = true;
	return NULL;
}

static const char *read_next(struct publisher *p, int fd, const struct attach_publish *r)
{
	const char *error = sealed_check(fd, r->n_bytes, SEALED_CONTENT);
	int nodes[GENERATION_WORKERS_MAX];

	if (error != NULL)
		return error;
	for (unsigned i = 0; i < p->n_workers && i < GENERATION_WORKERS_MAX; i++)
		nodes[i] = p->workers[i].numa_node;
	p->next = generation_read(fd, r->n_bytes, nodes, p->n_workers, &error);
	return p->next != NULL ? NULL : error;
}

// The image is read and checked.
static void proceed(struct publisher *p, const struct attach_publish *request)
{
	bool known;
	const char *error = judge(p, request, &known);

	if (error != NULL) {
		refuse(p, error);
	} else if (known) {
		generation_free(p->next);
		p->next = NULL;
		accept_result(p);
	} else if (p->next->info.n_patterns == 0) {
		offer(p, NULL);
	} else if (p->database != NULL &&
		same_patterns(p->current->policy[0]->image, p->next->policy[0]->image)) {
		offer(p, p->database);
	} else {
		start_compiling(p);
	}
}

int publisher_begin(struct publisher *p, int fd, const struct attach_publish *request)
{
	const uint64_t started = now_ns();
	const char *error;

	if (p->next != NULL || p->has_result)
		return -EBUSY;
	p->result = (struct attach_published){.generation = request->generation};
	retire(p);
	// Else a worker could find the third while it holds the first.
	if (p->retiring != NULL || !all_applied(p)) {
		refuse(p, "a worker still uses the former generation: try again");
		return 0;
	}
	error = request->n_bytes > IMAGE_BYTES_MAX ? "too large" : read_next(p, fd, request);
	p->result.check_ns = now_ns() - started;
	if (error != NULL) {
		char text[ATTACH_ERROR_BYTES];

		snprintf(text, sizeof(text), "policy image: %s", error);
		refuse(p, text);
		return 0;
	}
	proceed(p, request);
	return 0;
}

static void collect(struct publisher *p)
{
	char error[PATTERNS_CHILD_ERROR_BYTES];
	hs_database_t *database = NULL;
	int rc = patterns_child_collect(p->patterns, &database, error);

	p->result.compile_ns = now_ns() - p->compiling_since_ns;
	if (rc > 0) {
		offer(p, database);
	} else if (rc < 0) {
		refuse(p, error);
	} else if (p->result.compile_ns > COMPILE_NS) {
		patterns_child_cancel(p->patterns);
		refuse(p, "the patterns took too long to compile");
	}
}

void publisher_poll(struct publisher *p)
{
	if (p->next != NULL)
		collect(p);
	retire(p);
}

int publisher_fd(const struct publisher *p)
{
	return p->next != NULL ? patterns_child_fd(p->patterns) : -1;
}

bool publisher_result(struct publisher *p, struct attach_published *out)
{
	if (!p->has_result)
		return false;
	p->has_result = false;
	*out = p->result;
	return true;
}

int publisher_publish(struct publisher *p, int fd, const struct attach_publish *request,
	struct attach_published *result)
{
	int rc;

	publisher_poll(p);
	if (p->retiring != NULL || !all_applied(p))
		rc = -EAGAIN;
	else
		rc = -EBADMSG;
	if (publisher_begin(p, fd, request) < 0) {
		*result = (struct attach_published){.generation = request->generation};
		attach_text(result->error, sizeof(result->error), "another is under way");
		return -EBUSY;
	}
	while (!publisher_result(p, result)) {
		struct pollfd ready = {.fd = publisher_fd(p), .events = POLLIN};

		(void)poll(&ready, 1, 100);
		publisher_poll(p);
	}
	return result->ok ? 0 : rc;
}

void publisher_fini(struct publisher *p)
{
	if (p->next != NULL && p->patterns != NULL)
		patterns_child_cancel(p->patterns);
	generation_free(p->next);
	generation_free(p->current);
	generation_free(p->retiring);
	hs_free_database(p->database);
	p->next = p->current = p->retiring = NULL;
	p->database = NULL;
}
