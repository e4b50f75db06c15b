// SPDX-License-Identifier: BSD-3-Clause
// Memory for the bodies of messages that no packet buffer holds: units of one size from a pool of
// one worker. A body is stored whole before anything of its message leaves (store and forward): a
// sender that stalls or goes away in the middle of one holds units, for a bounded time, and nobody
// else's connection. All that it needs is set aside when its head has come, or it is refused: two
// that are half there never wait for each other.
//
// Shares: what comes from one source and what goes to one target may have half of all each, and the
// first of theirs whatever it needs, so that neither one who sends slowly nor one who reads slowly
// takes the pool from the others.
//
// Threads: all of the owner's but what says otherwise. A body is read by whoever holds its parcel,
// another worker too; the ring that hands the parcel over orders that.

#pragma once

#include "lib/base/addr.h"

#include <stdatomic.h>

#define BODIES_UNIT_BYTES UINT32_C(65536)
// How fast a body must come and go at least: 1 Mb/s. So it has that much longer than a message that
// is not large; who holds memory for longer than its sender can want is not waited for.
#define BODIES_BYTES_A_MS 128
// At once: those that are under way are looked at one by one.
#define BODIES_MAX 64

struct bodies;

struct body {
	struct bodies *owner;
	uint32_t n_bytes;         // of the body, in all
	uint32_t n_taken;         // of them that have come; written by the owner until it is whole
	uint32_t n_read;          // written on; whoever holds the parcel writes and reads it
	uint32_t into, from;      // units that are filled and read, index + 1
	uint32_t first, n_units;  // the owner's
	struct endpoint to;       // the owner's
	struct ip_addr source;    // the owner's
	bool is_used;             // the owner's
	_Atomic bool is_returned; // body_put() writes it, the owner reads it
};

static inline uint32_t body_ms(const struct body *body)
{
	return body->n_bytes / BODIES_BYTES_A_MS;
}

// What n units need, beside the pool itself.
static inline size_t bodies_memory_bytes(uint32_t n_units)
{
	return (size_t)n_units * BODIES_UNIT_BYTES;
}

// memory: bodies_memory_bytes(), the caller's, until nobody holds a body any more; it is first
// touched where a body is first stored. n_units may be 0. NULL with errno.
struct bodies *bodies_new(void *memory, uint32_t n_units);
void bodies_free(struct bodies *b);

// Whether one of so many bytes has room when nothing else is there.
bool bodies_can_hold(const struct bodies *b, uint32_t n_bytes);
// Sets aside all that n_bytes > 0 need. NULL where that, or the share of its source or target, is
// not free.
struct body *body_get(struct bodies *b, uint32_t n_bytes, const struct ip_addr *source,
	const struct endpoint *to);
// Any thread; nothing of it is read after. The owner has its units when it next asks for some.
void body_put(struct body *body);

// Where the next bytes go, and how many at most, in one piece; 0 when it is whole.
uint32_t body_room(const struct body *body, uint8_t **at);
void body_add(struct body *body, uint32_t n_bytes); // so many have been written there

// Whoever holds the parcel: what is to be read next, in one piece of at most n_max; empty at its
// end.
struct view body_peek(const struct body *body, uint32_t n_max);
void body_skip(struct body *body, uint32_t n_bytes); // so many have been read

// Units in use, after what came back has been taken.
uint32_t bodies_used(struct bodies *b);
