// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/relay/bodies.h"

#include <errno.h>
#include <stdlib.h>

#define SHARES 2 // that a source or a target has one of

struct bodies {
	uint8_t *memory;
	uint32_t n_units, n_used;
	uint32_t free;  // index + 1
	uint32_t *next; // of each unit: in its body, or in the free list; index + 1
	struct body list[BODIES_MAX];
};

struct bodies *bodies_new(void *memory, uint32_t n_units)
{
	struct bodies *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->next = calloc((size_t)n_units + 1, sizeof(*b->next));
	if (b->next == NULL) {
		free(b);
		errno = ENOMEM;
		return NULL;
	}
	b->memory = memory;
	b->n_units = n_units;
	for (uint32_t i = n_units; i-- > 0;) {
		b->next[i] = b->free;
		b->free = i + 1;
	}
	return b;
}

void bodies_free(struct bodies *b)
{
	if (b == NULL)
		return;
	free(b->next);
	free(b);
}

static uint32_t units_for(uint32_t n_bytes)
{
	return n_bytes / BODIES_UNIT_BYTES + (n_bytes % BODIES_UNIT_BYTES != 0);
}

bool bodies_can_hold(const struct bodies *b, uint32_t n_bytes)
{
	return units_for(n_bytes) <= b->n_units;
}

static void reclaim(struct bodies *b, struct body *body)
{
	uint32_t last = body->first;

	while (b->next[last - 1] != 0)
		last = b->next[last - 1];
	b->next[last - 1] = b->free;
	b->free = body->first;
	b->n_used -= body->n_units;
	body->is_used = false;
}

// Takes what came back; what is left over is in use.
static void reclaim_all(struct bodies *b)
{
	for (unsigned i = 0; i < BODIES_MAX; i++) {
		struct body *body = &b->list[i];

		// Pairs with body_put(): all that its last reader did is over.
		if (body->is_used && atomic_load_explicit(&body->is_returned, memory_order_acquire))
			reclaim(b, body);
	}
}

uint32_t bodies_used(struct bodies *b)
{
	reclaim_all(b);
	return b->n_used;
}

// As lib/tcp counts sources: an IPv4 address, or 64 bits of an IPv6 one.
static bool is_source(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, 8) == 0;
}

static bool has_shares(const struct bodies *b, uint32_t n_units, const struct ip_addr *source,
	const struct endpoint *to)
{
	uint32_t of_source = 0, of_target = 0, most = b->n_units / SHARES;

	for (unsigned i = 0; i < BODIES_MAX; i++) {
		const struct body *body = &b->list[i];

		if (body->is_used && is_source(&body->source, source))
			of_source += body->n_units;
		if (body->is_used && endpoint_equal(&body->to, to))
			of_target += body->n_units;
	}
	return (of_source == 0 || of_source + n_units <= most) &&
		(of_target == 0 || of_target + n_units <= most);
}

static struct body *find_place(struct bodies *b)
{
	for (unsigned i = 0; i < BODIES_MAX; i++) {
		if (!b->list[i].is_used)
			return &b->list[i];
	}
	return NULL;
}

// n > 0 units off the free list, which has as many.
static uint32_t take_units(struct bodies *b, uint32_t n)
{
	uint32_t first = b->free, last = first;

	while (--n > 0)
		last = b->next[last - 1];
	b->free = b->next[last - 1];
	b->next[last - 1] = 0;
	return first;
}

struct body *body_get(
	struct bodies *b, uint32_t n_bytes, const struct ip_addr *source, const struct endpoint *to)
{
	uint32_t n = units_for(n_bytes);
	struct body *body;

	reclaim_all(b);
	body = find_place(b);
	if (n == 0 || body == NULL || n > b->n_units - b->n_used || !has_shares(b, n, source, to))
		return NULL;
	body->owner = b;
	body->n_bytes = n_bytes;
	body->n_taken = body->n_read = 0;
	body->n_units = n;
	body->first = body->into = body->from = take_units(b, n);
	body->to = *to;
	body->source = *source;
	body->is_used = true;
	atomic_store_explicit(&body->is_returned, false, memory_order_relaxed);
	b->n_used += n;
	return body;
}

void body_put(struct body *body)
{
	// Pairs with reclaim_all().
	atomic_store_explicit(&body->is_returned, true, memory_order_release);
}

// Of n bytes done, what of the unit under way follows.
static uint8_t *place(const struct body *body, uint32_t unit, uint32_t n, uint32_t *left)
{
	uint32_t in_unit = n % BODIES_UNIT_BYTES;

	*left = BODIES_UNIT_BYTES - in_unit;
	return body->owner->memory + (size_t)(unit - 1) * BODIES_UNIT_BYTES + in_unit;
}

// The unit after n more, done being so far.
static uint32_t advance(const struct body *body, uint32_t unit, uint32_t done, uint32_t n)
{
	bool is_full = done % BODIES_UNIT_BYTES + n == BODIES_UNIT_BYTES;

	// Units of a body are nobody else's, so their links stay while it is read.
	return is_full && done + n < body->n_bytes ? body->owner->next[unit - 1] : unit;
}

uint32_t body_room(const struct body *body, uint8_t **at)
{
	uint32_t left, need = body->n_bytes - body->n_taken;

	*at = place(body, body->into, body->n_taken, &left);
	return need < left ? need : left;
}

void body_add(struct body *body, uint32_t n_bytes)
{
	body->into = advance(body, body->into, body->n_taken, n_bytes);
	body->n_taken += n_bytes;
}

struct view body_peek(const struct body *body, uint32_t n_max)
{
	uint32_t left, n = body->n_taken - body->n_read;
	const uint8_t *at = place(body, body->from, body->n_read, &left);

	if (n > left)
		n = left;
	return view_of(at, n < n_max ? n : n_max);
}

void body_skip(struct body *body, uint32_t n_bytes)
{
	body->from = advance(body, body->from, body->n_read, n_bytes);
	body->n_read += n_bytes;
}
