// SPDX-License-Identifier: BSD-3-Clause
// The rings of one attachment, one segment a worker: made, offered to the workers, revoked, and
// freed when no worker touches them any more. Main thread. Private to this folder and its tests.

#pragma once

#include "dataplane/worker/worker.h"

struct segments {
	struct worker *workers;
	unsigned n_workers;
	bool offered;
	struct worker_segment *current[CORE_MAP_WORKERS_MAX];
	struct worker_segment *revoked[CORE_MAP_WORKERS_MAX]; // workers may still touch them
};

// Makes fresh ones, not yet offered, and fills fds, the caller's to pass on and close. None of a
// former attachment is left: segments_free_revoked() said so. 0 or -errno.
int segments_make(struct segments *s, uint32_t epoch, int fds[]);
void segments_offer(struct segments *s);
// Begins to take the current ones back from the workers.
void segments_revoke(struct segments *s);
// Goes on with it, and frees what no worker touches any more. True when nothing revoked is left.
bool segments_free_revoked(struct segments *s);
// Frees all. The workers have stopped.
void segments_fini(struct segments *s);
