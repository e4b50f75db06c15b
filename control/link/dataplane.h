// SPDX-License-Identifier: BSD-3-Clause
// Control's view of the dataplane: attaches (again and again, for as long as control runs),
// publishes, asks. The socket is served by the caller's libuv loop; the rings by one link thread
// that polls them and sleeps ≤ 200 µs.

#pragma once

#include "lib/link/attach.h"

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

// All called on the loop's thread.
struct dataplane_events {
	// Attached; status is complete (workers and listeners known).
	void (*attached)(void *arg);
	void (*detached)(void *arg, const char *why);
	// A worker proved a generation.
	void (*applied)(void *arg, unsigned worker, uint64_t generation);
};

// NULL with errno. Starts trying to attach at once and every 200 ms after a failure.
struct dataplane *dataplane_new(
	uv_loop_t *loop, const char *socket_path, const struct dataplane_events *events, void *arg);
void dataplane_free(struct dataplane *d);

void dataplane_status(struct dataplane *d, struct dataplane_status *out);

typedef void dataplane_published_fn(void *arg, int error, const struct attach_published *result);
// counters: of n_workers workers. error: 0, or -ENOTCONN, -ETIMEDOUT.
typedef void dataplane_counters_fn(
	void *arg, int error, const struct attach_counters counters[], unsigned n_workers);
// hits: n entries as in struct match.
typedef void dataplane_hits_fn(
	void *arg, int error, uint64_t generation, const uint64_t hits[], size_t n);

// Each calls done exactly once, also when the dataplane goes away; never before it returns.
// One of a kind may be under way: -EBUSY. image_fd stays the caller's.
int dataplane_publish(struct dataplane *d, int image_fd, const struct image_info *info,
	uint64_t n_bytes, dataplane_published_fn *done, void *arg);
int dataplane_get_counters(struct dataplane *d, dataplane_counters_fn *done, void *arg);
int dataplane_get_hits(struct dataplane *d, dataplane_hits_fn *done, void *arg);
