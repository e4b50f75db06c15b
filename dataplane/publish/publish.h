// SPDX-License-Identifier: BSD-3-Clause
// From control's memfd to every worker: copy, check, compile the patterns, offer, retire.
// Main thread. One publication at a time.

#pragma once

#include "dataplane/worker/worker.h"

struct patterns_child;

struct publisher {
	struct worker *workers;
	unsigned n_workers;
	struct patterns_child *patterns; // the compiler child
	struct generation *current;      // offered to all workers; NULL before the first
	struct generation *retiring;     // the former one, until all workers have left it
	hs_database_t *database;         // of current's pattern set, reused while it is unchanged
};

// Takes an image whose memfd demands the seals WRITE|GROW|SHRINK. The descriptor stays the
// caller's. Fills *result, also on refusal; nothing has changed then. -EAGAIN while a former
// generation is still in use. 0 or -errno.
int publisher_publish(struct publisher *p, int fd, const struct attach_publish *request,
	struct attach_published *result);

// Frees a retired generation that no worker uses any more. Call at every turn of main.
void publisher_poll(struct publisher *p);
