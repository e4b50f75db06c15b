// SPDX-License-Identifier: BSD-3-Clause
// What the attaching (dataplane.c, introduction.c) and those who ask (ask.c) share; nobody else
// includes it.

#pragma once

#include "control/link/dataplane.h"
#include "control/link/requests.h"
#include "control/link/rings.h"

enum state {
	DETACHED,
	AWAITS_HELLO,
	AWAITS_RINGS, // and listeners
	ATTACHED,
};

// One connection; its handle outlives it until the loop has closed it.
struct connection {
	uv_poll_t poll;
	int socket;
	struct dataplane *dataplane;
};

struct dataplane {
	const struct dataplane_events *events;
	void *arg;
	struct {
		const struct dataplane_hearer *is;
		void *arg;
	} hearers[DATAPLANE_HEARERS_MAX];
	unsigned n_hearers;
	uv_loop_t *loop;
	uv_timer_t tick;
	uv_async_t async; // the link thread has something, or a send failed
	unsigned n_handles;
	char path[ATTACH_PATH_BYTES];
	struct rings *rings;

	enum state state;
	struct connection *connection; // NULL: DETACHED
	const char *failed;            // why to detach at the next turn of the loop; NULL: do not
	bool replaced;                 // by another control: wait until it has gone
	uint64_t retry_ns, heard_ns, said_ns;
	struct attach_hello hello;
	struct link_segment *segments[ATTACH_WORKERS_MAX];
	unsigned n_segments;
	struct attach_listener listeners[ATTACH_LISTENERS_MAX];
	unsigned n_listeners;
	uint32_t worker_core[ATTACH_WORKERS_MAX], worker_node[ATTACH_WORKERS_MAX];
	uint64_t told_generation[ATTACH_WORKERS_MAX]; // by events->applied
	char last_error[ATTACH_ERROR_BYTES];
	uint64_t n_bad; // on the socket
	struct requests requests;
};

// introduction.c: what of it came. NULL; or the rule that it broke. Attached when it is complete.
const char *introduction_take_hello(struct dataplane *d, const struct attach_message *m);
const char *introduction_hear(struct dataplane *d, const struct attach_message *m, int fd);

// Sends one message under the attachment's epoch. 0 or -errno; what failed detaches at the next
// turn of the loop.
int dataplane_say(struct dataplane *d, struct attach_message *m, int fd);
