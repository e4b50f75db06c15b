// SPDX-License-Identifier: BSD-3-Clause
// What waits for a slot's connection, and how it ends where it comes to none.

#include "dataplane/relay/egress_state.h"

bool slot_wait(struct egress *e, struct slot *s, struct parcel *p, uint64_t now)
{
	const struct egress_config *c = &e->config;
	uint32_t n_max = p->kind == PARCEL_KEEP ? c->waiting_max : c->waiting_max / 2;
	uint32_t all_max = p->kind == PARCEL_KEEP ? c->waiting_of_all : c->waiting_of_all / 2;

	if (s->n_waiting >= n_max || e->n_waiting >= all_max ||
		!parcel_fits(p, s->waiting_bytes, c->waiting_bytes))
		return false;
	p->due = now + e->waiting_ns;
	p->next = NULL;
	if (s->first == NULL)
		s->first = p;
	else
		s->last->next = p;
	s->last = p;
	s->n_waiting++;
	s->waiting_bytes += p->len;
	e->n_waiting++;
	slot_set_busy(e, s);
	return true;
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
	e->n_waiting--;
	return p;
}

void egress_refuse(struct egress *e, struct parcel *p, enum reason reason, uint64_t now)
{
	e->config.counters[reason]++;
	if (p->is_response)
		e->config.host->put(e->config.host->arg, p);
	else
		e->config.refuse(e->config.arg, p, reason, now);
}

void slot_refuse_all(struct egress *e, struct slot *s, enum reason reason, uint64_t now)
{
	// Those that wait now: what a refusal brings may queue here again.
	for (uint32_t n = s->n_waiting; n > 0 && s->first != NULL; n--)
		egress_refuse(e, slot_pop(e, s), reason, now);
}
