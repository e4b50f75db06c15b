// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/attach/answers.h"

#include "lib/link/sealed.h"

#include <errno.h>
#include <stdlib.h>

void answer_hello(struct attach_message *m, const struct core_map *map,
	const struct generation *current, uint32_t replaced_epoch)
{
	struct attach_hello *h = &m->hello;

	m->type = ATTACH_HELLO;
	h->epoch = m->epoch;
	h->replaced_epoch = replaced_epoch;
	h->n_workers = map->n_workers;
	h->n_listeners = map->n_listeners;
	if (current != NULL) {
		h->generation = current->number;
		memcpy(h->digest, current->info.digest, sizeof(h->digest));
	}
	attach_text(h->version, sizeof(h->version), FEDRELAY_VERSION);
}

void answer_segment(struct attach_message *m, const struct worker *w)
{
	m->type = ATTACH_SEGMENT;
	m->segment.worker = w->index;
	m->segment.core = w->core;
	m->segment.numa_node = w->numa_node > 0 ? (uint32_t)w->numa_node : 0;
}

void answer_listener(struct attach_message *m, const struct core_map *map, unsigned index)
{
	const struct core_map_listener *l = &map->listeners[index];

	m->type = ATTACH_LISTENER;
	m->listener.index = index;
	m->listener.side = (uint8_t)l->side;
	m->listener.local = l->local;
	attach_text(m->listener.name, sizeof(m->listener.name), l->name);
}

void answer_counters(struct attach_message *m, const struct worker *w)
{
	const uint64_t *from = (const uint64_t *)&w->counters;
	uint64_t *to = (uint64_t *)&m->counters.counters;
	const struct generation *applied =
		atomic_load_explicit(&w->applied_generation, memory_order_acquire);

	_Static_assert(sizeof(w->counters) % sizeof(*from) == 0, "nothing but counters");
	m->type = ATTACH_COUNTERS;
	m->counters.worker = w->index;
	// What a worker shows is freed by this thread alone.
	m->counters.generation = applied != NULL ? applied->number : 0;
	// Single values are whole; together they may be some messages apart.
	for (size_t i = 0; i < sizeof(w->counters) / sizeof(*from); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static void add_hits(uint64_t *sum, size_t n_sum, const struct decider *d)
{
	size_t n;
	const uint64_t *hits = decider_hits(d, &n);

	for (size_t i = 0; i < n && i < n_sum; i++)
		sum[i] += __atomic_load_n(&hits[i], __ATOMIC_RELAXED);
}

int answer_hits(struct attach_message *m, const struct generation *current)
{
	size_t n = current == NULL ? 0 : current->info.n_names + current->info.n_patterns;
	uint64_t *sum = calloc(n + 1, sizeof(*sum));
	int fd;

	if (sum == NULL)
		return -ENOMEM;
	for (unsigned i = 0; current != NULL && i < current->n_workers; i++)
		add_hits(sum, n, current->decider[i]);
	m->type = ATTACH_HITS;
	m->hits.generation = current != NULL ? current->number : 0;
	m->hits.n_entries = n;
	fd = sealed_create("fedrelay-hits", sum, n * sizeof(*sum));
	free(sum);
	return fd;
}
