// SPDX-License-Identifier: BSD-3-Clause
// What can be asked of an attached dataplane, and what is known of it.

#include "control/link/dataplane_state.h"

#include <errno.h>
#include <stdlib.h>

#define MS UINT64_C(1000000)
// The dataplane itself gives up a compilation after 120 s.
#define PUBLISH_MS 180000
#define ASK_MS     5000

void dataplane_status(struct dataplane *d, struct dataplane_status *out)
{
	struct rings_snapshot seen;

	rings_take_snapshot(d->rings, &seen);
	memset(out, 0, sizeof(*out));
	out->attached = d->state == ATTACHED;
	out->messages_bad = d->n_bad + seen.n_bad;
	memcpy(out->last_error, d->last_error, sizeof(out->last_error));
	if (!out->attached)
		return;
	out->hello = d->hello;
	out->n_listeners = d->n_listeners;
	memcpy(out->listeners, d->listeners, sizeof(out->listeners));
	for (unsigned i = 0; i < seen.n_workers; i++) {
		out->workers[i] = (struct dataplane_worker){
			.core = d->worker_core[i],
			.numa_node = d->worker_node[i],
			.generation = seen.workers[i].generation,
			.last_seen_ns = seen.workers[i].last_seen_ns,
			.round_trip_ns = seen.workers[i].round_trip_ns,
		};
	}
}

static int may_ask(const struct dataplane *d, bool is_under_way)
{
	if (d->state != ATTACHED || d->failed != NULL)
		return -ENOTCONN;
	return is_under_way ? -EBUSY : 0;
}

int dataplane_publish(struct dataplane *d, int image_fd, const struct image_info *info,
	uint64_t n_bytes, dataplane_published_fn *done, void *arg)
{
	struct attach_message m = {.type = ATTACH_PUBLISH};
	int error = may_ask(d, d->requests.publish.done != NULL);

	if (error < 0)
		return error;
	m.publish.generation = info->generation;
	m.publish.n_bytes = n_bytes;
	error = dataplane_say(d, &m, image_fd);
	if (error < 0)
		return error;
	d->requests.publish.done = done;
	d->requests.publish.arg = arg;
	d->requests.publish.generation = info->generation;
	d->requests.publish.deadline_ns = uv_hrtime() + PUBLISH_MS * MS;
	return 0;
}

int dataplane_get_counters(struct dataplane *d, dataplane_counters_fn *done, void *arg)
{
	struct attach_message m = {.type = ATTACH_GET_COUNTERS};
	struct attach_counters *of;
	int error = may_ask(d, d->requests.counters.done != NULL);

	if (error < 0)
		return error;
	of = calloc(d->hello.n_workers, sizeof(*of));
	if (of == NULL)
		return -ENOMEM;
	error = dataplane_say(d, &m, -1);
	if (error < 0) {
		free(of);
		return error;
	}
	memset(&d->requests.counters, 0, sizeof(d->requests.counters));
	d->requests.counters.done = done;
	d->requests.counters.arg = arg;
	d->requests.counters.of = of;
	d->requests.counters.n_workers = d->hello.n_workers;
	d->requests.counters.deadline_ns = uv_hrtime() + ASK_MS * MS;
	return 0;
}

int dataplane_get_hits(struct dataplane *d, dataplane_hits_fn *done, void *arg)
{
	struct attach_message m = {.type = ATTACH_GET_HITS};
	int error = may_ask(d, d->requests.hits.done != NULL);

	if (error < 0)
		return error;
	error = dataplane_say(d, &m, -1);
	if (error < 0)
		return error;
	d->requests.hits.done = done;
	d->requests.hits.arg = arg;
	d->requests.hits.deadline_ns = uv_hrtime() + ASK_MS * MS;
	return 0;
}
