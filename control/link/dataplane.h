// SPDX-License-Identifier: BSD-3-Clause
// Control's view of the dataplane: attaches (again and again, for as long as control runs),
// publishes, asks. The socket is served by the caller's libuv loop; the rings by one link thread
// that polls them and sleeps ≤ 200 µs.

#pragma once

#include "lib/link/attach.h"
#include "lib/link/message.h"

#include <uv.h>

struct dataplane;

struct dataplane_worker {
	unsigned core, numa_node;
	uint64_t generation;    // proved by the worker itself over its ring; 0: none
	uint64_t last_seen_ns;  // of its last message, CLOCK_MONOTONIC
	uint64_t round_trip_ns; // of the last PING; 0: none yet
};

struct dataplane_status {
	bool attached;
	struct attach_hello hello; // valid when attached
	struct dataplane_worker workers[ATTACH_WORKERS_MAX];
	struct attach_listener listeners[ATTACH_LISTENERS_MAX];
	unsigned n_listeners;
	uint64_t messages_bad; // refused by their checks, since start
	char last_error[ATTACH_ERROR_BYTES];
};

// All called on the loop's thread. They may call any function below.
struct dataplane_events {
	// Attached; status is complete (workers and listeners known).
	void (*attached)(void *arg);
	void (*detached)(void *arg, const char *why);
	// A worker proved a generation.
	void (*applied)(void *arg, unsigned worker, uint64_t generation);
};

// Of what workers ask by their rings. All on the loop's thread.
struct dataplane_hearer {
	// Another attachment: its workers know nothing of what was said before.
	void (*attached)(void *arg);
	// It has ended: nothing can be said. NULL: need not be told.
	void (*detached)(void *arg);
	// A message, checked: any but PONG and APPLIED.
	void (*heard)(void *arg, unsigned worker, const struct link_message *m);
};

// NULL with errno. Starts trying to attach at once and every 200 ms after a failure. A control that
// another one replaced goes on trying, but attaches only when that one has gone.
struct dataplane *dataplane_new(
	uv_loop_t *loop, const char *socket_path, const struct dataplane_events *events, void *arg);
// What was asked is answered with -ENOTCONN before it returns; no event comes any more. The loop
// must run once more for its handles to close. NULL is fine.
void dataplane_free(struct dataplane *d);

// Each hears everything and stays for as long as the dataplane does. 0, or -ENOSPC.
#define DATAPLANE_HEARERS_MAX 4
int dataplane_add_hearer(struct dataplane *d, const struct dataplane_hearer *hearer, void *arg);
// Writes the attachment's epoch into m. 0; -ENOSPC, the worker's ring is full; -ENOTCONN.
int dataplane_say_worker(struct dataplane *d, unsigned worker, struct link_message *m);
unsigned dataplane_n_listeners(const struct dataplane *d); // 0 while not attached

void dataplane_status(struct dataplane *d, struct dataplane_status *out);

// error: 0, or -ENOTCONN, -ETIMEDOUT, and then nothing else. What is pointed to is gone afterwards.
typedef void dataplane_published_fn(void *arg, int error, const struct attach_published *result);
// counters: of n_workers workers, by index.
typedef void dataplane_counters_fn(
	void *arg, int error, const struct attach_counters counters[], unsigned n_workers);
// hits: n entries as in struct match.
typedef void dataplane_hits_fn(
	void *arg, int error, uint64_t generation, const uint64_t hits[], size_t n);

// 0, and done is called exactly once, also when the dataplane goes away, and never before the call
// returns. Otherwise it is never called: -ENOTCONN while not attached; -EBUSY, one of a kind may be
// under way; or -errno. image_fd stays the caller's.
int dataplane_publish(struct dataplane *d, int image_fd, const struct image_info *info,
	uint64_t n_bytes, dataplane_published_fn *done, void *arg);
int dataplane_get_counters(struct dataplane *d, dataplane_counters_fn *done, void *arg);
int dataplane_get_hits(struct dataplane *d, dataplane_hits_fn *done, void *arg);
