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
// What is told and what is counted: a message that is not written to a connection ends here with
// one of the egress_... reasons, counted. Nor is one written whose domain the other end has not
// proved (egress_unproved): a connection is its target's, whatever domains that has. Bytes that
// were written and that the peer never acknowledged are lost with their connection, as TCP has it;
// egress_lost counts such connections.
//
// A TLS 1.2 connection whose keys are used up (session_wear()) goes on carrying messages until
// another one is up, and all that was written to it has arrived: pairs keep their order.
//
// Bounds are hard ones for PARCEL_KEEP; what else there is, is refused earlier (parcel_bound()),
// except where the queue is empty.
//
// Thread: one worker's; struct egress is its own. Pure but for its host.

#pragma once

#include "dataplane/relay/backlogs.h"
#include "lib/link/message.h"
#include "lib/tcp/tcp.h"

#define EGRESS_SLOTS_MAX   LINK_TARGET_SLOTS
#define EGRESS_WORKERS_MAX 64
#define EGRESS_PROBE_BYTES 1024

struct egress;

struct egress_config {
	struct tcp *tcp;
	struct sessions *sessions; // over it
	struct backlogs *backlogs; // through which all of it writes messages
	uint32_t send_bytes_max;   // of its config
	const struct relay_host *host;
	uint64_t *counters; // REASON_N
	unsigned worker, n_workers;
	struct siphash_key key; // the same in all workers: it says who owns a slot

	uint32_t n_slots;     // remembered at once
	uint32_t waiting_max; // messages, of a slot
	// By weight, of all slots and of those of one target: packet memory is everybody's, and one
	// that is dead leaves the others something. Of one worker's memory its part of the former.
	uint32_t waiting_of_all, waiting_of_target;
	uint32_t waiting_bytes; // of a slot
	uint32_t waiting_ms;    // of a message
	uint32_t ask_again_ms;  // control has not answered
	uint32_t open_ms;       // a handshake: TCP's, TLS', and until the peer confirms it
	uint32_t probe_ms;      // a peer that does not confirm it by answering a keepalive
	uint32_t stuck_ms;      // a connection that is full for so long is ended
	uint32_t idle_ms;       // one that carries nothing for so long is closed; 0: never

	// A request that nobody will get, for this reason, which is counted already: its sender is
	// to be told, unless it is an ACK. Takes the parcel. May call egress_send().
	void (*refuse)(void *arg, struct parcel *p, enum reason reason, uint64_t now);
	// Another connection has taken the place of this one, whose keys are used up: nothing is
	// written to it any more. What is under way on it may come; then it is to be closed.
	void (*retire)(void *arg, tcp_conn_id conn, uint64_t now);
	// It shall end, for this reason, and what still comes on it is nothing: calls
	// egress_give_up().
	void (*close)(void *arg, tcp_conn_id conn, enum reason reason, uint64_t now);
	// To control; false when its ring is full or it is away. Sets the epoch.
	bool (*tell_control)(void *arg, const struct link_message *m);
	// Writes an OPTIONS to the peer at the other end; how many bytes, 0: it cannot.
	size_t (*write_probe)(void *arg, tcp_conn_id conn, uint8_t out[EGRESS_PROBE_BYTES]);
	// Whether the peer of a connection that is up has proved that domain.
	bool (*proves)(void *arg, tcp_conn_id conn, struct view domain);
	// Whether the policy has this next hop; domain: that it is found by, empty for others.
	bool (*has_hop)(void *arg, const struct endpoint *remote, struct view domain);
	void *arg; // of all of them
};

// All numbers and times, as a relay wants them.
void egress_config_default(struct egress_config *config);

struct egress *egress_new(const struct egress_config *config); // NULL with errno
// What waits goes back to the host; connections stay as they are.
void egress_free(struct egress *e);

// Sends to p->destination by p->listener: writes it, queues it, or hands it to the worker that owns
// its slot. Takes the parcel in any case. One that cannot be taken ends with egress_full (a queue
// is full: 503 with Retry-After), egress_down, egress_unanswered or egress_ring_full: a request
// goes to refuse(), a response to nobody. PARCEL_KEEP is never refused for a full queue as long as
// the hard bound holds; beyond that the connection, which does not read, is ended.
void egress_send(struct egress *e, struct parcel *p, uint64_t now);
// Likewise of a parcel that another worker handed over: its slot is here.
void egress_take(struct egress *e, struct parcel *p, uint64_t now);

// A connection of egress: its user value has this bit.
#define EGRESS_USER (UINT64_C(1) << 63)
// Every event of such a connection, before the streams' own handling: what the peer sends is
// theirs. A peer's FIN is answered here.
void egress_event(struct egress *e, const struct tcp_event *event, uint64_t now);

// Likewise, of one that is a session: established, or confirmed by its peer.
void egress_session_news(struct egress *e, tcp_conn_id conn, enum session_news news, uint64_t now);
// It shall be used no more, for this reason: it is closed, and what waits gets another one.
void egress_give_up(struct egress *e, tcp_conn_id conn, enum reason reason, uint64_t now);
// What it was opened for, also of one that egress has given up; all zero where its slot is another
// target's by now.
struct link_target egress_target(const struct egress *e, tcp_conn_id conn);

// LINK_TARGET_... from control, already checked. What nobody asked for is ignored.
void egress_hear(struct egress *e, const struct link_message *m, uint64_t now);
// Another attachment has begun: what waits for control's word is asked again with the next
// egress_timers(), and it is told of the connections that are up.
void egress_attached(struct egress *e);

// Another policy has been set: connections to hops that has_hop() denies are reset, of TLS closed,
// for egress_withdrawn. Does nothing itself: egress_timers() walks over all slots, a part with each
// call.
void egress_recheck(struct egress *e);

// What has waited too long; slots to be asked for again. Call every few milliseconds. At most
// budget slots and messages are looked at.
void egress_timers(struct egress *e, uint64_t now, unsigned budget);

// For tests and fedctl.
struct egress_usage {
	uint32_t n_slots, n_up;
	uint32_t n_waiting; // messages
};
void egress_usage(const struct egress *e, struct egress_usage *out);
