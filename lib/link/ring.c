// SPDX-License-Identifier: BSD-3-Clause

#include "lib/link/ring.h"

#include <errno.h>
#include <string.h>

_Static_assert((LINK_SLOTS & LINK_SLOTS_MASK) == 0, "a power of two");
_Static_assert(LINK_SLOTS_RESERVED < LINK_SLOTS, "ordinary messages have slots too");

void link_producer_init(struct link_producer *p, struct link_ring *ring)
{
	*p = (struct link_producer){.ring = ring};
}

void link_consumer_init(struct link_consumer *c, struct link_ring *ring)
{
	*c = (struct link_consumer){.ring = ring};
}

// Believes the peer's tail only where it lies between the last one and our head.
static int refresh_tail(struct link_producer *p)
{
	// Pairs with the release of tail in link_pop(): what it passed has been copied out.
	uint32_t tail = atomic_load_explicit(&p->ring->tail, memory_order_acquire);

	if (p->head - tail > p->head - p->tail_seen) {
		p->broken = true;
		return -EPROTO;
	}
	p->tail_seen = tail;
	return 0;
}

static bool may_travel(uint16_t n_bytes)
{
	return n_bytes >= LINK_HEADER_BYTES && n_bytes <= LINK_SLOT_BYTES;
}

static int push(struct link_producer *p, const struct link_message *m, uint32_t n_reserved)
{
	const uint32_t limit = LINK_SLOTS - n_reserved;

	if (p->broken)
		return -EPROTO;
	if (!may_travel(m->n_bytes))
		return -EINVAL;
	if (p->head - p->tail_seen >= limit) {
		int error = refresh_tail(p);

		if (error < 0)
			return error;
		if (p->head - p->tail_seen >= limit)
			return -ENOSPC;
	}
	memcpy(&p->ring->slots[p->head & LINK_SLOTS_MASK].message, m, m->n_bytes);
	p->head++;
	// Pairs with the acquire of head in refresh_head().
	atomic_store_explicit(&p->ring->head, p->head, memory_order_release);
	return 0;
}

int link_push(struct link_producer *p, const struct link_message *m)
{
	return push(p, m, LINK_SLOTS_RESERVED);
}

int link_push_reserved(struct link_producer *p, const struct link_message *m)
{
	return push(p, m, 0);
}

// Believes the peer's head only where it lies between the last one and a full ring.
static int refresh_head(struct link_consumer *c)
{
	// Pairs with the release of head in push(): the slots before it are written.
	uint32_t head = atomic_load_explicit(&c->ring->head, memory_order_acquire);

	if (head - c->tail > LINK_SLOTS || head - c->tail < c->head_seen - c->tail) {
		c->broken = true;
		return -EPROTO;
	}
	c->head_seen = head;
	return 0;
}

// Copies one message out of a slot that the peer can still write: its size is read once, and the
// copy is what gets checked and used.
static void take(struct link_slot *slot, struct link_message *out)
{
	uint16_t n_bytes = *(volatile uint16_t *)&slot->message.n_bytes;

	// A size that no message has: the check refuses a header alone.
	if (!may_travel(n_bytes))
		n_bytes = LINK_HEADER_BYTES;
	memcpy(out, &slot->message, n_bytes);
	// The compiler may not go back to the slot.
	atomic_signal_fence(memory_order_seq_cst);
	out->n_bytes = n_bytes;
	// No secret stays in the segment for longer than it travels.
	if (out->type == LINK_SESSION_ESTABLISHED)
		memset(&slot->message, 0, n_bytes);
}

int link_pop(struct link_consumer *c, struct link_message out[], unsigned n)
{
	uint32_t ready;

	if (c->broken)
		return -EPROTO;
	// Only when nothing is left of what was seen: reading head costs a miss while the producer
	// is busy.
	if (c->head_seen == c->tail) {
		int error = refresh_head(c);

		if (error < 0)
			return error;
	}
	ready = c->head_seen - c->tail;
	if (n > ready)
		n = ready;
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		take(&c->ring->slots[(c->tail + i) & LINK_SLOTS_MASK], &out[i]);
	c->tail += n;
	// Pairs with the acquire of tail in refresh_tail().
	atomic_store_explicit(&c->ring->tail, c->tail, memory_order_release);
	return (int)n;
}
