// SPDX-License-Identifier: BSD-3-Clause
// Requests on their way: which one a response answers, and when that was due. Numbers follow each
// other, and the table is a ring, so the oldest give way when as many are under way as it holds.
// One thread; no allocation after asked_init().

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An id carries a tag of the run in its high 16 bits, so that answers to a former run are told
// from ours.
#define ASKED_TAG_BITS 16

struct asked_slot {
	uint64_t due_ns;
	uint64_t id; // 0: answered, or never used
};

struct asked {
	struct asked_slot *slots;
	uint64_t mask;
	uint64_t tag;  // in its place
	uint64_t next; // number of the next request
};

enum asked_answer {
	ASKED_FIRST,   // the answer to a request that waited
	ASKED_AGAIN,   // to one that is answered already
	ASKED_LATE,    // to one that has given way, answered or not: nobody knows any more
	ASKED_UNKNOWN, // to none of ours
};

// n_slots: a power of two. tag: any but 0. 0 or -ENOMEM.
int asked_init(struct asked *p, uint32_t n_slots, uint16_t tag);
void asked_fini(struct asked *p);

// The id that the next request will have; asked_add() takes it.
uint64_t asked_next_id(const struct asked *p);
void asked_add(struct asked *p, uint64_t due_ns);
// *due_ns is set for ASKED_FIRST only. Of a request: its number is asked_number(id).
enum asked_answer asked_answer(struct asked *p, uint64_t id, uint64_t *due_ns);

// Whether that request waits for its answer; *due_ns only then.
bool asked_waits(const struct asked *p, uint64_t id, uint64_t *due_ns);

static inline uint64_t asked_number(uint64_t id)
{
	return id & (UINT64_MAX >> ASKED_TAG_BITS);
}
