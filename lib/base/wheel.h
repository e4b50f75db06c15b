// SPDX-License-Identifier: BSD-3-Clause
// A hashed, hierarchical timer wheel over links that lie in somebody else's array: adding, moving
// and deleting cost the same however many there are. Time is a tick that wraps; deadlines lie less
// than 2^31 ahead. Lazy use: the owner of a link whose real deadline has moved later lets it come
// up and adds it again. Pure; one thread.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wheel_link {
	uint32_t next, prev; // not for the owner; 0: in no slot
	uint32_t due;        // tick; for reading only
};

// The two ends of a slot's list, as the links of one.
struct wheel_slot {
	uint32_t next, prev;
};

#define WHEEL_BITS   8
#define WHEEL_LEVELS 4

struct wheel {
	uint8_t *links; // the first, and how far apart they are
	size_t stride;
	uint32_t now;
	uint32_t n;
	uint32_t moving; // number of the slot that is being moved down; 0: none
	struct wheel_slot slots[WHEEL_LEVELS << WHEEL_BITS];
	uint64_t occupied[WHEEL_LEVELS][(1 << WHEEL_BITS) / 64]; // slots that are not empty
};

// links: zeroed, fewer than 2^31, the first of an array of any structs, stride bytes apart.
void wheel_init(struct wheel *w, void *links, size_t stride, uint32_t now);

bool wheel_has(const struct wheel *w, uint32_t index);
// Adds, or moves. A due tick that is now or past comes up with the next wheel_next().
void wheel_set(struct wheel *w, uint32_t index, uint32_t due);
void wheel_del(struct wheel *w, uint32_t index);

// Takes out one link that is due at tick now, and gives its index: the earliest due first, those of
// one tick in the order in which they were set, unless they were set more than 2^8 ticks ahead.
// False when none is left. now: less than 2^31 after that of the last call; an earlier one is as
// that. Empty slots on the way cost a bit each; links on upper levels are moved down, and each is
// counted off *budget (that given is the caller's to count): at 0 it gives false, and goes on from
// there in the next call. One that is set again with a due of now comes up again.
bool wheel_next(struct wheel *w, uint32_t now, unsigned *budget, uint32_t *index);
