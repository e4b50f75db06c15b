// SPDX-License-Identifier: BSD-3-Clause
// What the files of egress share: slots, how one is found, and its state. Nobody else includes it.

#pragma once

#include "dataplane/relay/egress.h"

#include <sys/queue.h>

enum slot_state {
#define SLOT_STATE(name) SLOT_##name,
#include "dataplane/relay/slot_state.def"
#undef SLOT_STATE
	SLOT_STATE_N,
};

enum slot_event {
#define SLOT_EVENT(name) SLOT_ON_##name,
#include "dataplane/relay/slot_event.def"
#undef SLOT_EVENT
	SLOT_EVENT_N,
};

// Domains remembered to be proved: most targets have one.
#define SLOT_PROVED 4

// Which one it is.
struct slot_key {
	struct endpoint remote;
	uint16_t listener;
	uint8_t index;        // of the target's slots
	uint32_t certificate; // that is shown
	uint64_t hash;        // of the target alone: all its slots are counted from there
};

// The domain that a slot's hop is found by, where no image has its name; canonical.
struct slot_name {
	uint8_t len;
	uint8_t text[LINK_NAME_BYTES_MAX];
};

struct slot {
	struct slot_key key;
	uint8_t state;             // enum slot_state
	bool busy;                 // in the list of those that the timers look at
	bool untold;               // control does not know yet what has become of the connection
	bool failed;               // what that is: it never came up
	bool probed;               // a request has been sent while it is confirming
	uint64_t wanted_until;     // ns; by control, which tries it: no message need wait
	uint16_t reason;           // enum reason, of its end
	uint32_t lost_bytes;       // never acknowledged, of its end
	uint32_t generation;       // of its place: another key's is another one
	tcp_conn_id conn;          // 0: none
	tcp_conn_id worn;          // carries messages until conn does; 0: none
	uint64_t state_since, due; // ns; of the state
	uint64_t used;             // ns; lately: when a message last came for it
	uint64_t full_since;       // ns; 0: it is not
	// Hashes of domains that its connection has proved, of policy number proved_by.
	uint32_t proved[SLOT_PROVED], proved_by;
	struct parcel *first, *last; // that wait, by next
	uint32_t n_waiting, waiting_bytes, waiting_weight;
	struct slot *next_in_bucket;
	TAILQ_ENTRY(slot) in_recent, in_busy;
};

struct egress {
	struct egress_config config;
	uint64_t waiting_ns, ask_again_ns, open_ns, probe_ns, stuck_ns, idle_ns;
	uint32_t n_waiting; // of all slots
	uint32_t waiting_weight;
	uint32_t waiting_of_origin[EGRESS_WORKERS_MAX]; // weight, by whose memory it is
	uint32_t n_used;                                // slots: the first ones
	uint32_t n_recheck; // of them, still to be looked at after a change of policy
	uint32_t next_worn; // of them, to be looked at for worn keys
	uint32_t policy;    // number of the policy; what was proved by another one is asked again
	uint32_t bucket_mask;
	struct slot **buckets;
	struct slot *slots;
	struct slot_name *names;            // by the slot's place
	TAILQ_HEAD(slot_list, slot) recent; // those in a bucket, the longest unused first
	struct slot_list busy;              // something is due, or may be
};

// egress_slot.c
// Changes the state by the table. False, and nothing has changed, for an event that cannot be.
bool slot_step(struct slot *s, enum slot_event event, uint64_t now);
// The state after an event; SLOT_STATE_N where there is none.
enum slot_state slot_state_after(enum slot_state state, enum slot_event event);
const char *slot_state_name(enum slot_state state);
struct slot_key slot_key(const struct egress *e, const struct endpoint *remote, uint16_t listener,
	uint32_t certificate, unsigned index);
// Its slot among n of the target's: by rendezvous, so that few pairs move when n changes.
unsigned slot_index_of_pair(const struct egress *e, uint32_t pair_hash, unsigned n);
unsigned slot_owner(const struct egress *e, const struct slot_key *key);
struct slot *slot_find(const struct egress *e, const struct slot_key *key); // NULL: none
// One that is there or new; NULL where all are in use.
struct slot *slot_get(struct egress *e, const struct slot_key *key, uint64_t now);
void slot_set_busy(struct egress *e, struct slot *s);
void slot_clear_busy(struct egress *e, struct slot *s);

// egress_queue.c
// The parcel waits in the slot. False, and it stays the caller's, where that is full.
bool slot_wait(struct egress *e, struct slot *s, struct parcel *p, uint64_t now);
struct parcel *slot_pop(struct egress *e, struct slot *s); // NULL: none waits
// What was popped waits on, in front of the others.
void slot_unpop(struct egress *e, struct slot *s, struct parcel *p);
// Counts reason, and tells the sender of a request. Takes the parcel.
void egress_refuse(struct egress *e, struct parcel *p, enum reason reason, uint64_t now);
// All that wait are refused.
void slot_refuse_all(struct egress *e, struct slot *s, enum reason reason, uint64_t now);
// Whether the bound for its kind allows n_bytes more behind what is queued.
static inline bool parcel_fits(const struct parcel *p, uint64_t queued, uint32_t hard)
{
	return queued + p->len <= (queued == 0 ? hard : parcel_bound(p, hard));
}

static inline struct slot_name *slot_name(const struct egress *e, const struct slot *s)
{
	return &e->names[s - e->slots];
}

// Of its hop, where DNS finds that by a domain; else empty.
void slot_set_name(const struct egress *e, const struct slot *s, struct view domain);

static inline bool slot_is_secure(const struct slot *s)
{
	return s->key.remote.transport == TRANSPORT_TLS;
}

// Of its connections.
static inline uint64_t slot_user(const struct egress *e, const struct slot *s)
{
	return EGRESS_USER | (uint64_t)(s->generation & 0x7fffffff) << 32 |
		(uint32_t)(s - e->slots);
}

static inline bool slot_is_of(const struct slot *s, tcp_conn_id conn)
{
	return conn != 0 && (s->conn == conn || s->worn == conn);
}

static inline bool slot_has_hop(const struct egress *e, const struct slot *s)
{
	const struct slot_name *n = slot_name(e, s);

	return e->config.has_hop(e->config.arg, &s->key.remote, view_of(n->text, n->len));
}

// egress_control.c
struct link_target slot_target(const struct slot *s);
void slot_ask(struct egress *e, struct slot *s, uint64_t now);
void slot_tell(struct egress *e, struct slot *s, uint64_t now);

// egress_conn.c
// Opens its connection, as control allowed, to this address.
void slot_open(struct egress *e, struct slot *s, const struct endpoint *address, uint64_t now);
// While it is confirming: what the peer answers, and what it answers if not that.
void slot_provoke(struct egress *e, struct slot *s);
void slot_probe(struct egress *e, struct slot *s);
// Its connection is no more, for this reason, or shall be used no more.
void slot_end(struct egress *e, struct slot *s, enum reason reason, uint32_t lost, uint64_t now);
// Likewise of conn, which may be the worn one.
void slot_lose(struct egress *e, struct slot *s, tcp_conn_id conn, enum reason reason,
	uint32_t lost, uint64_t now);
// Its connection's keys are used up: it is worn, and another one is asked for.
void slot_renew(struct egress *e, struct slot *s, uint64_t now);
// Writes what waits, as far as the connection takes it.
void slot_flush(struct egress *e, struct slot *s, uint64_t now);
// Writes it to the slot's connection, or queues it behind what waits. False where that connection
// cannot be used any more and has been ended: the parcel is still the caller's.
bool slot_write(struct egress *e, struct slot *s, struct parcel *p, uint64_t now);
