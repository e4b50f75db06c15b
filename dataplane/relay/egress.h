// SPDX-License-Identifier: BSD-3-Clause
// Connections that the relay opens itself: to the next hops that are reached by a stream. Each
// target (address, listener it leaves by) has 1 to 4 slots, each owned by one worker; a pair of
// From and To always takes the same slot, so that its order is kept, and a slot that is down
// queues: its pairs do not move (FEATURES T1, R6).
//
// Control decides whether and when a target may be connected to: a message for a slot that is down
// waits here, bounded in number, bytes and time, while control is asked (TARGET_WANTED) and says
// TARGET_OPEN or TARGET_REFUSED. A dead target is refused at once until control's back-off is over.
//
// Thread: one worker's; struct egress is its own. Pure but for its host.

#pragma once

#include "dataplane/relay/parcel.h"
#include "lib/link/message.h"
#include "lib/tcp/tcp.h"

#define EGRESS_SLOTS_MAX 4

struct egress;

struct egress_config {
	struct tcp *tcp;
	const struct relay_host *host;
	uint64_t *counters; // REASON_N
	unsigned worker, n_workers;
	uint32_t n_targets;         // remembered at once
	uint32_t waiting_bytes_max; // of a slot
	uint32_t waiting_ms_max;
	struct siphash_key key;
	// A message that nobody will get: the sender is to be told. Takes the parcel.
	void (*refuse)(void *arg, struct parcel *p, enum reason reason, uint64_t now);
	// To control; false when its ring is full or it is away.
	bool (*tell_control)(void *arg, const struct link_message *m);
	void *arg; // of both
};

struct egress *egress_new(const struct egress_config *config); // NULL with errno
void egress_free(struct egress *e);

// Sends to p->destination by p->listener: writes it, queues it, or hands it to the worker that owns
// its slot. Takes the parcel in any case: one that cannot be taken goes to refuse(), with
// egress_full (a queue is full: 503 with Retry-After), egress_down or egress_unanswered.
// PARCEL_KEEP is never refused for a full queue as long as the hard bound holds; beyond that the
// connection, which does not read, is ended.
void egress_send(struct egress *e, struct parcel *p, uint64_t now);
// Likewise of a parcel that another worker handed over: its slot is here.
void egress_take(struct egress *e, struct parcel *p, uint64_t now);

// A connection of tcp_open() by egress: its user value has this bit.
#define EGRESS_USER (UINT64_C(1) << 63)
// Every event of such a connection, before the streams' own handling.
void egress_event(struct egress *e, const struct tcp_event *event, uint64_t now);

// LINK_TARGET_... from control, already checked.
void egress_hear(struct egress *e, const struct link_message *m, uint64_t now);

// What has waited too long; slots to be asked for again. Call every few milliseconds.
void egress_timers(struct egress *e, uint64_t now, unsigned budget);
