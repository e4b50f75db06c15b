// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/patterns/patterns_child.h"
#include "tests/unit/dataplane/small_dataplane.h"

#include <time.h>
#include <unistd.h>

void __wrap_relay_set_policy(struct relay *r, struct decider *decider, const struct image *image);

// The linker puts it in the place of relay_set_policy() (--wrap).
void __wrap_relay_set_policy(struct relay *r, struct decider *decider, const struct image *image)
{
	r->decider = decider;
	r->image = image;
	r->n_changes++;
}

static void fill_map(struct small_dataplane *s)
{
	struct core_map_listener *l = &s->map.listeners[0];

	s->map.n_workers = SMALL_WORKERS;
	s->map.n_listeners = 1;
	l->side = SIDE_OUTSIDE;
	snprintf(l->name, sizeof(l->name), "outside");
	assert_int_equal(endpoint_parse(VIEW("192.0.2.9:5060"), 5060, TRANSPORT_UDP, &l->local), 0);
	snprintf(s->folder, sizeof(s->folder), "/tmp/fedrelay-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->map.socket, sizeof(s->map.socket), "%s/socket", s->folder);
}

void small_open(struct small_dataplane *s)
{
	const size_t n_bytes = SMALL_WORKERS * sizeof(struct worker);

	memset(s, 0, sizeof(*s));
	fill_map(s);
	s->workers = aligned_alloc(_Alignof(struct worker), n_bytes);
	assert_non_null(s->workers);
	memset(s->workers, 0, n_bytes);
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		s->workers[i].index = i;
		s->workers[i].core = 10 + i;
		s->workers[i].numa_node = -1;
		s->workers[i].relay = &s->relays[i];
	}
	s->publisher = (struct publisher){
		.workers = s->workers,
		.n_workers = SMALL_WORKERS,
		.patterns = patterns_child_start(),
	};
	assert_non_null(s->publisher.patterns);
	s->attachment = attachment_open(&s->map, s->workers, &s->publisher);
	assert_non_null(s->attachment);
}

void small_close(struct small_dataplane *s)
{
	attachment_close(s->attachment);
	publisher_fini(&s->publisher);
	patterns_child_stop(s->publisher.patterns);
	free(s->workers);
	assert_int_equal(rmdir(s->folder), 0);
}

void small_work(struct small_dataplane *s)
{
	for (unsigned i = 0; i < SMALL_WORKERS; i++) {
		worker_link_poll(&s->workers[i]);
		worker_generation_poll(&s->workers[i]);
	}
}

void small_turn(struct small_dataplane *s, int64_t now_ms)
{
	attachment_step(s->attachment, now_ms);
	small_work(s);
}

int64_t small_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
