// SPDX-License-Identifier: BSD-3-Clause

#include "control/policy/replica.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

// A compiled pattern set, shared by the replicas that have the same patterns.
struct database {
	hs_database_t *hs;
	atomic_uint n_users; // replicas are opened on one thread while another closes its own
};

struct replica {
	void *bytes;
	size_t n_bytes;
	struct image *image;
	struct database *database; // NULL without patterns
	struct policy policy;
	struct decider *decider;
};

static void database_put(struct database *d)
{
	// Release our use of it, acquire everybody else's before it goes.
	if (d == NULL || atomic_fetch_sub_explicit(&d->n_users, 1, memory_order_acq_rel) > 1)
		return;
	hs_free_database(d->hs);
	free(d);
}

static int open_database(
	struct replica *r, const struct replica *former, struct replica_error *error)
{
	struct patterns_error pattern = {.index = UINT32_MAX};
	hs_database_t *hs;
	int e;

	if (former != NULL && former->database != NULL &&
		image_info(former->image)->pattern_digest == image_info(r->image)->pattern_digest) {
		r->database = former->database;
		atomic_fetch_add_explicit(&r->database->n_users, 1, memory_order_relaxed);
		return 0;
	}
	e = patterns_compile(r->image, &hs, &pattern);
	if (e == -EINVAL) {
		memcpy(error->text, pattern.text, sizeof(error->text));
		if (pattern.index != UINT32_MAX)
			error->rule = image_pattern_at(r->image, pattern.index).rule;
	}
	if (e < 0 || hs == NULL)
		return e;
	r->database = malloc(sizeof(*r->database));
	if (r->database == NULL) {
		hs_free_database(hs);
		return -ENOMEM;
	}
	r->database->hs = hs;
	atomic_init(&r->database->n_users, 1);
	return 0;
}

static int open_image(struct replica *r, int image_fd, struct replica_error *error)
{
	const char *why = "";

	r->bytes = mmap(NULL, r->n_bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, image_fd, 0);
	if (r->bytes == MAP_FAILED) {
		r->bytes = NULL;
		return errno == ENOMEM ? -ENOMEM : -EBADMSG;
	}
	r->image = image_open(r->bytes, r->n_bytes, &why);
	if (r->image != NULL)
		return 0;
	snprintf(error->text, sizeof(error->text), "%s", why);
	return errno == ENOMEM ? -ENOMEM : -EBADMSG;
}

struct replica *replica_open(
	int image_fd, uint64_t n_bytes, struct replica *former, struct replica_error *error)
{
	struct replica *r = calloc(1, sizeof(*r));
	int e;

	*error = (struct replica_error){.rule = IMAGE_RULE_NONE};
	if (r == NULL)
		return NULL;
	r->n_bytes = n_bytes;
	e = open_image(r, image_fd, error);
	if (e == 0)
		e = open_database(r, former, error);
	if (e == 0) {
		r->policy.image = r->image;
		r->policy.database = r->database != NULL ? r->database->hs : NULL;
		r->decider = decider_new(&r->policy, 0);
		e = r->decider == NULL ? -errno : 0;
	}
	if (e == 0)
		return r;
	replica_close(r);
	errno = -e;
	return NULL;
}

void replica_close(struct replica *r)
{
	if (r == NULL)
		return;
	if (r->decider != NULL)
		decider_free(r->decider);
	database_put(r->database);
	if (r->image != NULL)
		image_close(r->image);
	if (r->bytes != NULL)
		munmap(r->bytes, r->n_bytes);
	free(r);
}

const struct image *replica_image(const struct replica *r)
{
	return r->image;
}

void replica_decide(struct replica *r, const struct policy_query *query, struct verdict *verdict)
{
	policy_decide(r->decider, query, verdict, 1);
}

uint32_t replica_peer_of(struct replica *r, struct view name)
{
	return policy_peer_of(r->decider, name);
}
