// SPDX-License-Identifier: BSD-3-Clause
// What waits for a slot's connection, and how it ends where it comes to none.

#include "dataplane/relay/egress_state.h"

static uint32_t weight_of_target(const struct egress *e, const struct slot *s)
{
	struct slot_key key = s->key;
	uint32_t weight = 0;

	for (unsigned i = 0; i < EGRESS_SLOTS_MAX; i++) {
		const struct slot *one;

		key.index = (uint8_t)i;
		one = slot_find(e, &key);
		weight += one != NULL ? one->waiting_weight : 0;
	}
	return weight;
}

static bool has_share(const struct parcel *p, uint64_t used, uint32_t hard)
{
	return used + p->weight <= parcel_bound(p, hard);
}

// Whether memory is left for it: of all that may wait, for its target, of whom it belongs to; of
// the last one message always, or many workers would leave none a long one.
static bool has_shares(const struct egress *e, const struct slot *s, const struct parcel *p)
{
	const struct egress_config *c = &e->config;
	uint32_t of_origin = e->waiting_of_origin[p->origin];

	return has_share(p, e->waiting_weight, c->waiting_of_all) &&
		has_share(p, weight_of_target(e, s), c->waiting_of_target) &&
		(of_origin == 0 || has_share(p, of_origin, c->waiting_of_all / c->n_workers));
}

// Counts what waits: one message more.
static void add(struct egress *e, struct slot *s, const struct parcel *p)
{
	s->n_waiting++;
	s->waiting_bytes += p->len;
	s->waiting_weight += p->weight;
	e->n_waiting++;
	e->waiting_weight += p->weight;
	e->waiting_of_origin[p->origin] += p->weight;
}

bool slot_wait(struct egress *e, struct slot *s, struct parcel *p, uint64_t now)
{
	const struct egress_config *c = &e->config;

	if (s->n_waiting >= parcel_bound(p, c->waiting_max) ||
		!parcel_fits(p, s->waiting_bytes, c->waiting_bytes) || !has_shares(e, s, p))
		return false;
	p->due = now + e->waiting_ns;
	p->next = NULL;
	if (s->first == NULL)
		s->first = p;
	else
		s->last->next = p;
	s->last = p;
	add(e, s, p);
	slot_set_busy(e, s);
	return true;
}

void slot_unpop(struct egress *e, struct slot *s, struct parcel *p)
{
	p->next = s->first;
	s->first = p;
	if (p->next == NULL)
		s->last = p;
	add(e, s, p);
}

struct parcel *slot_pop(struct egress *e, struct slot *s)
{
	struct parcel *p = s->first;

	if (p == NULL)
		return NULL;
	s->first = p->next;
	p->next = NULL;
	s->n_waiting--;
	s->waiting_bytes -= p->len;
	s->waiting_weight -= p->weight;
	e->n_waiting--;
	e->waiting_weight -= p->weight;
	e->waiting_of_origin[p->origin] -= p->weight;
	return p;
}

void egress_refuse(struct egress *e, struct parcel *p, enum reason reason, uint64_t now)
{
	e->config.counters[reason]++;
	if (p->is_response)
		parcel_put(e->config.host, p);
	else
		e->config.refuse(e->config.arg, p, reason, now);
}

void slot_refuse_all(struct egress *e, struct slot *s, enum reason reason, uint64_t now)
{
	// Those that wait now: what a refusal brings may queue here again.
	for (uint32_t n = s->n_waiting; n > 0 && s->first != NULL; n--)
		egress_refuse(e, slot_pop(e, s), reason, now);
}
