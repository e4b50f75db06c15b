// SPDX-License-Identifier: BSD-3-Clause

#include "control/link/requests.h"

#include "lib/link/sealed.h"

#include <stdlib.h>

// A request is free for the next one before its callback runs, which may ask again.

const char *requests_take_published(struct requests *r, const struct attach_published *p)
{
	dataplane_published_fn *done = r->publish.done;

	if (done == NULL)
		return "published: nothing was";
	if (p->generation != r->publish.generation)
		return "published: another generation";
	r->publish.done = NULL;
	done(r->publish.arg, 0, p);
	return NULL;
}

const char *requests_take_counters(struct requests *r, const struct attach_counters *c)
{
	dataplane_counters_fn *done = r->counters.done;
	struct attach_counters *of = r->counters.of;

	if (done == NULL)
		return "counters: nobody asked";
	if (c->worker >= r->counters.n_workers || r->counters.got[c->worker])
		return "counters: of a worker that does not exist, or twice";
	r->counters.got[c->worker] = true;
	of[c->worker] = *c;
	if (++r->counters.n_got < r->counters.n_workers)
		return NULL;
	r->counters.done = NULL;
	r->counters.of = NULL;
	done(r->counters.arg, 0, of, r->counters.n_workers);
	free(of);
	return NULL;
}

const char *requests_take_hits(struct requests *r, const struct attach_hits *h, int fd)
{
	dataplane_hits_fn *done = r->hits.done;
	const size_t n_bytes = h->n_entries * sizeof(uint64_t);
	const char *error;
	uint64_t *hits;

	if (done == NULL)
		return "hits: nobody asked";
	error = sealed_check(fd, n_bytes, SEALED_CONTENT);
	if (error != NULL)
		return error;
	hits = malloc(n_bytes + 1);
	if (hits == NULL || sealed_read(fd, hits, n_bytes) < 0) {
		free(hits);
		return "hits: cannot be read";
	}
	r->hits.done = NULL;
	done(r->hits.arg, 0, h->generation, hits, h->n_entries);
	free(hits);
	return NULL;
}

bool requests_overdue(const struct requests *r, uint64_t now_ns)
{
	return (r->publish.done != NULL && now_ns > r->publish.deadline_ns) ||
		(r->counters.done != NULL && now_ns > r->counters.deadline_ns) ||
		(r->hits.done != NULL && now_ns > r->hits.deadline_ns);
}

void requests_fail(struct requests *r, int error)
{
	const struct requests failed = *r;

	*r = (struct requests){0};
	if (failed.publish.done != NULL)
		failed.publish.done(failed.publish.arg, error, NULL);
	if (failed.counters.done != NULL)
		failed.counters.done(failed.counters.arg, error, NULL, 0);
	if (failed.hits.done != NULL)
		failed.hits.done(failed.hits.arg, error, 0, NULL, 0);
	free(failed.counters.of);
}
