// SPDX-License-Identifier: BSD-3-Clause
// What the dataplane tells of itself before it counts as attached: HELLO, segments, listeners.

#include "control/link/dataplane_state.h"

const char *introduction_take_hello(struct dataplane *d, const struct attach_message *m)
{
	if (strcmp(m->hello.version, FEDRELAY_VERSION) != 0)
		return "the dataplane is of another version";
	d->hello = m->hello;
	d->n_segments = d->n_listeners = 0;
	d->state = AWAITS_RINGS;
	return NULL;
}

static const char *take_segment(struct dataplane *d, const struct attach_segment *s, int fd)
{
	if (s->worker >= d->hello.n_workers || d->segments[s->worker] != NULL)
		return "segment: of a worker that does not exist, or twice";
	if (link_segment_map(fd, &d->segments[s->worker]) < 0) {
		d->segments[s->worker] = NULL;
		return "segment: cannot be mapped";
	}
	d->worker_core[s->worker] = s->core;
	d->worker_node[s->worker] = s->numa_node;
	d->n_segments++;
	return NULL;
}

static const char *take_listener(struct dataplane *d, const struct attach_listener *l)
{
	// In order, so that none is missing or there twice.
	if (l->index != d->n_listeners || l->index >= d->hello.n_listeners)
		return "listener: out of order";
	d->listeners[d->n_listeners++] = *l;
	return NULL;
}

static void attach_when_complete(struct dataplane *d)
{
	const unsigned n = d->n_segments;

	if (n < d->hello.n_workers || d->n_listeners < d->hello.n_listeners)
		return;
	memset(d->told_generation, 0, sizeof(d->told_generation));
	rings_attach(d->rings, d->hello.epoch, d->segments, n);
	memset(d->segments, 0, sizeof(d->segments));
	d->state = ATTACHED;
	d->replaced = false;
	d->last_error[0] = '\0';
	for (unsigned i = 0; i < d->n_hearers; i++)
		d->hearers[i].is->attached(d->hearers[i].arg);
	if (d->events->attached != NULL)
		d->events->attached(d->arg);
}

const char *introduction_hear(struct dataplane *d, const struct attach_message *m, int fd)
{
	const char *wrong = NULL;

	if (m->type == ATTACH_SEGMENT)
		wrong = take_segment(d, &m->segment, fd);
	else if (m->type == ATTACH_LISTENER)
		wrong = take_listener(d, &m->listener);
	else if (m->type != ATTACH_HEARTBEAT)
		wrong = "a message out of place";
	if (wrong == NULL)
		attach_when_complete(d);
	return wrong;
}
