// SPDX-License-Identifier: BSD-3-Clause
// Requests on their way: which one a response answers, and when that was due. Numbers follow each
// other, and the table is a ring, so the oldest give way when as many are under way as it holds.
// One thread; no allocation after pending_init().

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An id carries a tag of the run in its high 16 bits, so that answers to a former run are told
// from ours.
#define PENDING_TAG_BITS 16

struct pending_slot {
	uint64_t due_ns;
	uint64_t id; // 0: answered, or never used
};

struct pending {
	struct pending_slot *slots;
	uint64_t mask;
	uint64_t tag;  // in its place
	uint64_t next; // number of the next request
};

enum pending_answer {
	PENDING_FIRST,   // the answer to a request that waited
	PENDING_AGAIN,   // to one that is answered already
	PENDING_LATE,    // to one that has given way, answered or not: nobody knows any more
	PENDING_UNKNOWN, // to none of ours
};

// n_slots: a power of two. tag: any but 0. 0 or -ENOMEM.
int pending_init(struct pending *p, uint32_t n_slots, uint16_t tag);
void pending_fini(struct pending *p);

// The id that the next request will have; pending_add() takes it.
uint64_t pending_next_id(const struct pending *p);
void pending_add(struct pending *p, uint64_t due_ns);
// *due_ns is set for PENDING_FIRST only. Of a request: its number is pending_number(id).
enum pending_answer pending_answer(struct pending *p, uint64_t id, uint64_t *due_ns);

// Whether that request waits for its answer; *due_ns only then.
bool pending_waits(const struct pending *p, uint64_t id, uint64_t *due_ns);

static inline uint64_t pending_number(uint64_t id)
{
	return id & (UINT64_MAX >> PENDING_TAG_BITS);
}
