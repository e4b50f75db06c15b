// SPDX-License-Identifier: BSD-3-Clause

#include "lib/base/wheel.h"

#include <string.h>

// A link lies on the level of the highest byte in which its due tick differs from now, in the slot
// of that byte. So what lies on one level is due before all that lies above, on each level but the
// top one slots ahead of now's byte are all there is, and the top one is a ring: it carries the
// wrap of the tick. When now enters a slot of an upper level, what is in it moves down: above the
// lowest level now's own slot is empty.
//
// In next and prev, 0 is none, SLOT | number a slot, and anything else the index of a link + 1.
#define SLOT      0x80000000u
#define N_SLOTS   (1u << WHEEL_BITS)
#define SLOT_MASK (N_SLOTS - 1)

static struct wheel_link *link_at(const struct wheel *w, uint32_t index)
{
	return (struct wheel_link *)(w->links + index * w->stride);
}

static uint32_t *next_of(struct wheel *w, uint32_t ref)
{
	return ref & SLOT ? &w->slots[ref & ~SLOT].next : &link_at(w, ref - 1)->next;
}

static uint32_t *prev_of(struct wheel *w, uint32_t ref)
{
	return ref & SLOT ? &w->slots[ref & ~SLOT].prev : &link_at(w, ref - 1)->prev;
}

static uint32_t byte_of(uint32_t tick, unsigned level)
{
	return tick >> (level * WHEEL_BITS) & SLOT_MASK;
}

static uint64_t *occupied_word(struct wheel *w, uint32_t slot)
{
	return &w->occupied[slot / N_SLOTS][slot % N_SLOTS / 64];
}

void wheel_init(struct wheel *w, void *links, size_t stride, uint32_t now)
{
	memset(w, 0, sizeof(*w));
	w->links = links;
	w->stride = stride;
	w->now = now;
	for (uint32_t i = 0; i < WHEEL_LEVELS * N_SLOTS; i++)
		w->slots[i] = (struct wheel_slot){SLOT | i, SLOT | i};
}

bool wheel_has(const struct wheel *w, uint32_t index)
{
	return link_at(w, index)->next != 0;
}

static uint32_t slot_of(const struct wheel *w, uint32_t due)
{
	uint32_t differ = due ^ w->now;
	unsigned level;

	if ((int32_t)(due - w->now) <= 0)
		return byte_of(w->now, 0);
	level = (unsigned)(31 - __builtin_clz(differ)) / WHEEL_BITS;
	return level * N_SLOTS + byte_of(due, level);
}

static void insert(struct wheel *w, uint32_t index)
{
	struct wheel_link *link = link_at(w, index);
	uint32_t slot = slot_of(w, link->due);

	link->next = SLOT | slot;
	link->prev = w->slots[slot].prev;
	*next_of(w, link->prev) = index + 1;
	w->slots[slot].prev = index + 1;
	*occupied_word(w, slot) |= 1ull << slot % 64;
}

static void take_out(struct wheel *w, uint32_t index)
{
	struct wheel_link *link = link_at(w, index);

	*next_of(w, link->prev) = link->next;
	*prev_of(w, link->next) = link->prev;
	// Both neighbours are the slot: it was the last one.
	if (link->next == link->prev && link->next & SLOT)
		*occupied_word(w, link->next & ~SLOT) &= ~(1ull << link->next % 64);
	link->next = link->prev = 0;
}

void wheel_set(struct wheel *w, uint32_t index, uint32_t due)
{
	if (wheel_has(w, index))
		take_out(w, index);
	else
		w->n++;
	link_at(w, index)->due = due;
	insert(w, index);
}

void wheel_del(struct wheel *w, uint32_t index)
{
	if (!wheel_has(w, index))
		return;
	take_out(w, index);
	w->n--;
}

// The first occupied slot of a level from a byte on; N_SLOTS for none.
static uint32_t find_occupied(const struct wheel *w, unsigned level, uint32_t from)
{
	const uint64_t *words = w->occupied[level];
	uint32_t i = from / 64;
	uint64_t bits;

	bits = words[i] & UINT64_MAX << from % 64;
	while (bits == 0 && ++i < N_SLOTS / 64)
		bits = words[i];
	return bits == 0 ? N_SLOTS : i * 64 + (uint32_t)__builtin_ctzll(bits);
}

// The first tick of the next slot that is not empty, from now on; which slot. False when all are
// empty.
static bool find_next(const struct wheel *w, uint32_t *tick, uint32_t *slot)
{
	uint32_t byte = find_occupied(w, 0, byte_of(w->now, 0));
	unsigned level = 0;

	while (byte == N_SLOTS) {
		if (++level == WHEEL_LEVELS)
			return false;
		byte = find_occupied(w, level, byte_of(w->now, level));
		if (byte == N_SLOTS && level == WHEEL_LEVELS - 1)
			byte = find_occupied(w, level, 0);
	}
	*slot = level * N_SLOTS + byte;
	*tick = byte << (level * WHEEL_BITS);
	if (level < WHEEL_LEVELS - 1)
		*tick |= w->now & UINT32_MAX << ((level + 1) * WHEEL_BITS);
	return true;
}

// Moves down what is in the slot that now has entered. False where the budget did not suffice.
static bool move_down(struct wheel *w, unsigned *budget)
{
	const struct wheel_slot *slot = &w->slots[w->moving];

	while (!(slot->next & SLOT)) {
		uint32_t index = slot->next - 1;

		if (*budget == 0)
			return false;
		--*budget;
		take_out(w, index);
		insert(w, index);
	}
	w->moving = 0;
	return true;
}

bool wheel_next(struct wheel *w, uint32_t now, unsigned *budget, uint32_t *index)
{
	uint32_t tick, slot;

	if ((int32_t)(now - w->now) < 0)
		now = w->now;
	for (;;) {
		if (*budget == 0 || (w->moving != 0 && !move_down(w, budget)))
			return false;
		if (!find_next(w, &tick, &slot) || (int32_t)(tick - now) > 0) {
			w->now = now;
			return false;
		}
		w->now = tick;
		if (slot < N_SLOTS)
			break;
		w->moving = slot;
	}
	*index = w->slots[slot].next - 1;
	wheel_del(w, *index);
	return true;
}
