// SPDX-License-Identifier: BSD-3-Clause
// From control's memfd to every worker: copy, check, compile the patterns, offer, retire.
// Main thread. One publication at a time.

#pragma once

#include "dataplane/worker/worker.h"

struct patterns_child;

// Zero but for the first three fields at the start; read only for others.
struct publisher {
	struct worker *workers;
	unsigned n_workers;
	struct patterns_child
		*patterns; // the compiler child; NULL: images with patterns are refused

	struct generation *current;  // offered to all workers; NULL before the first
	struct generation *retiring; // the former one, until all workers have left it
	hs_database_t *database;     // of current's pattern set, reused while it is unchanged

	// The publication under way.
	struct generation *next; // waits for its patterns; NULL: none does
	uint64_t compiling_since_ns;
	struct attach_published result;
	bool has_result; // that publisher_result() has not handed out
};

// Takes an image whose memfd has the seals WRITE|GROW|SHRINK. The descriptor stays the caller's and
// is not used after the return. 0, and the outcome comes by publisher_result(), at once or after
// polls, refusals too; or -EBUSY while another publication is under way.
int publisher_begin(struct publisher *p, int fd, const struct attach_publish *request);

// Goes on with a publication, and frees a retired generation that no worker uses any more. Never
// blocks. Call at every turn of main; when publisher_fd() becomes readable there is something to
// do.
void publisher_poll(struct publisher *p);
int publisher_fd(const struct publisher *p); // -1: none

// True once a publication, with how it ended.
bool publisher_result(struct publisher *p, struct attach_published *out);

// Start, polls and result in one, for those who have nothing else to do. 0; -EBUSY; -EAGAIN while
// a worker still uses the former generation; or -EBADMSG. *result says why.
int publisher_publish(struct publisher *p, int fd, const struct attach_publish *request,
	struct attach_published *result);

// Frees everything. The workers have stopped.
void publisher_fini(struct publisher *p);
