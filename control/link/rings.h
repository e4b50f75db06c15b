// SPDX-License-Identifier: BSD-3-Clause
// The link thread: owns all rings of an attachment, polls them, and sleeps ≤ 200 µs when there is
// nothing, since workers make no system call to wake it. What it learned is read by snapshot; the
// loop is told by a callback that there is something new. Private to this folder.

#pragma once

#include "lib/link/attach.h"
#include "lib/link/ring.h"

struct rings;

struct rings_worker {
	uint64_t generation;    // as the worker last said
	uint64_t last_seen_ns;  // CLOCK_MONOTONIC
	uint64_t round_trip_ns; // 0: no PING was answered yet
	bool broken;            // the worker's side of the segment makes no sense
};

struct rings_snapshot {
	unsigned n_workers; // 0: not attached
	struct rings_worker workers[ATTACH_WORKERS_MAX];
	uint64_t n_bad; // messages refused by their checks, since the start
};

// changed is called on the link thread, and only says: take a snapshot. NULL with errno.
struct rings *rings_new(void (*changed)(void *arg), void *arg);
// Detaches too. NULL is fine.
void rings_free(struct rings *r);

// Takes the segments over, and unmaps them when it is detached. Not attached before.
void rings_attach(
	struct rings *r, uint32_t epoch, struct link_segment *const segments[], unsigned n);
// When it returns, the thread touches them no more.
void rings_detach(struct rings *r);

// Says it to a worker under the attachment's epoch, which it writes into m. 0; -ENOSPC, its ring is
// full; -ENOTCONN.
int rings_say(struct rings *r, unsigned worker, struct link_message *m);

// What workers said that is for others than the link thread: all but PONG and APPLIED. Up to n of
// it, in the order in which each worker said it; how many. While RINGS_HEARD_MAX wait here, the
// rest stays in the rings.
#define RINGS_HEARD_MAX 1024
struct rings_heard {
	unsigned worker;
	struct link_message message;
};
unsigned rings_take_heard(struct rings *r, struct rings_heard out[], unsigned n);

void rings_take_snapshot(struct rings *r, struct rings_snapshot *out);
