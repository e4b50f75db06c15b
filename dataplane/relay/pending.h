// SPDX-License-Identifier: BSD-3-Clause
// Which requests of streams have no final response yet, as tags of 64 bits in a table of fixed
// size: so that a request that came again is not counted twice, nor a final response that came
// again, or of another branch of a fork (RFC 3261 §13.2.2.4). A tag may have to give way to a newer
// one: then its response is not known any more, and its stream counts one request too many, which
// costs that stream some patience when its peer has finished, and nobody anything else.
//
// Thread: one worker's. No allocation after pending_init().

#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PENDING_WAYS 4

struct pending {
	uint64_t *tags; // 0: free
	uint32_t mask;  // of the first way of a set
};

// n: tags, rounded up to a power of two. 0 or -ENOMEM.
int pending_init(struct pending *p, uint32_t n);
void pending_fini(struct pending *p);

// Of one request: conn that it came by, hash in our Via, enum sip_method.
uint64_t pending_tag(uint64_t conn, uint64_t branch, unsigned method);

// Ahead of either of the following: what is looked at lies anywhere in the table.
void pending_prefetch(const struct pending *p, uint64_t tag);
// False: it is there already.
bool pending_add(struct pending *p, uint64_t tag);
// Takes it out. False: it is not there.
bool pending_del(struct pending *p, uint64_t tag);
