// SPDX-License-Identifier: BSD-3-Clause
// What the files of streams share. Only they include it.
//
//   streams.c         opening, events, timers
//   streams_read.c    bytes to whole messages: a burst of them for the relay
//   streams_carry.c   what leaves, to where it goes
//   streams_large.c   messages whose body no packet buffer holds
//   streams_egress.c  what egress asks of the others
//   streams_secure.c  connections that are TLS: their beginning, their bytes, their end
//   streams_again.c   requests that are repeated over UDP
//   streams_worn.c    TLS 1.2 connections whose keys are used up
//   streams_recheck.c connections under another policy

#pragma once

#include "dataplane/relay/pending.h"
#include "dataplane/relay/senders.h"
#include "dataplane/relay/streams.h"
#include "lib/base/wheel.h"
#include "lib/sip/frame.h"

// A tick is about a millisecond, as the engine's.
#define STREAMS_TICK_SHIFT 20

// Records are opened so many bytes at a time: one of any length, or several short ones.
#define STREAMS_OPEN_BYTES (RECORD_BYTES_MAX + 2048)
// Of a cache: where text begins one, it is written and looked through by whole ones.
#define STREAMS_LINE_BYTES UINT32_C(64)

// Of bodies, stored in a turn, of all streams: copying that takes some microseconds. What a stream
// has opened is stored in one.
#define STREAMS_STORED_BYTES UINT32_C(32768)
_Static_assert(STREAMS_OPEN_BYTES <= STREAMS_STORED_BYTES, "a record is stored at once");

// Answers that a peer has not acknowledged: with more, it does not read.
#define STREAMS_UNREAD_BYTES 65536

enum stream_flag {
	STREAM_ACTIVE = 1,    // in the list of those with bytes to be read
	STREAM_OURS = 2,      // opened by egress, which closes it too
	STREAM_HEARD = 4,     // it has brought a whole message, or a keepalive
	STREAM_HALF_PING = 8, // one CRLF of a double one
	STREAM_SKIPPING = 16, // the rest of a refused body is thrown away; frame.body_bytes is left
	STREAM_HOLDING = 32,  // part of a long message: counted in n_holding
	STREAM_FINISHED = 64, // nothing comes after what is there
	STREAM_CLOSING = 128, // closed by us: what still comes is thrown away
	STREAM_PAUSED = 256,  // not read for a while
	STREAM_SECURE = 512,  // TLS
	STREAM_WORN = 1024,   // its keys are used up: another connection shall take its place
	STREAM_SAID = 2048,   // closed by us, but what still comes is read
	STREAM_TAKING = 4096, // a body is being stored; frame.body_bytes is left
	STREAM_WRITING = 8192, // it has a backlog: nothing may be written past that
};

// One connection. Idle ones cost this and nothing else.
struct stream {
	uint32_t generation;  // of its id, as far as STREAM is_open
	uint32_t next_active; // index + 1; 0: the last
	uint16_t flags;       // of enum stream_flag
	uint16_t n_pending;   // requests of it in pending; UINT16_MAX: too many to count
	struct sip_frame frame;
	struct wheel_link timer;
	uint32_t sender; // in senders; of the request that was last accepted
	uint8_t ip[16];  // remote's
	uint16_t port;
	uint8_t family; // IP_NONE: not in use
	uint8_t listener;
};
_Static_assert(sizeof(struct stream) == 64, "an idle stream costs one cache line");

// A request that we repeat.
struct again {
	struct parcel *parcel; // NULL: free
	uint32_t next;         // of its bucket, or the free list; index + 1
	uint32_t interval_ms;  // until the next time
	uint32_t until;        // tick: timers B and F
	struct wheel_link timer;
};

#define AGAIN_TARGETS 256

struct again_table {
	struct again *list;
	uint32_t weight;                   // of all parcels in it
	uint32_t of_target[AGAIN_TARGETS]; // by a hash of where they go: two may have to share
	uint32_t *buckets;                 // index + 1
	uint32_t n, bucket_mask, free;
	struct wheel wheel;
};

// Messages of a burst, each in a parcel that it is to be written to.
struct streams_burst {
	unsigned n;
	struct relay_in in[RELAY_BURST];
	struct relay_out out[RELAY_BURST];
	struct parcel *parcels[RELAY_BURST];
	// What is to be consumed once it is relayed: a stream gives to a burst once.
	unsigned n_read;
	struct {
		tcp_conn_id conn;
		uint32_t n_bytes;
		uint16_t end; // enum reason, where it is to be closed
	} read[RELAY_BURST];
	uint32_t n_scratch; // bytes in use
};

// A message whose body is coming.
struct intake {
	tcp_conn_id conn;
	struct parcel *parcel;
	uint32_t until; // tick
};

// Messages with bodies of their own. Each intake has a body, so there are as many at most.
struct streams_large {
	struct bodies *bodies;
	unsigned n;
	struct intake list[BODIES_MAX];
	uint32_t n_left;             // bytes that may still be stored in this turn
	struct parcel *first, *last; // whole, to be carried
};

struct streams {
	struct streams_config config;
	struct backlogs *backlogs;
	struct streams_large large;
	struct egress *egress;
	struct sessions *sessions;
	struct parcel **rests; // by index: plaintext of a TLS stream's unfinished message, or NULL
	uint32_t rests_weight; // of all of them
	uint16_t *n_pauses;    // by index: in a row, for it does not read
	struct stream *list;   // by the index of a connection
	uint64_t salt;         // ids of a former run name no connection of this one
	uint32_t first_active, last_active; // index + 1
	uint32_t n_holding;
	uint32_t tick; // of the call under way
	struct wheel wheel;
	struct again_table again;
	struct pending pending; // without a final response
	struct senders senders;
	uint32_t n_recheck; // places whose connections are still to be judged by a new policy
	struct streams_burst burst;
	uint8_t *scratch; // messages of a burst that do not lie in one piece
	uint32_t scratch_bytes;
};

static inline void streams_count(struct streams *s, enum reason reason)
{
	s->config.counters[reason]++;
}

static inline uint32_t streams_ticks(uint32_t ms)
{
	return (uint32_t)((uint64_t)ms * 1000000 >> STREAMS_TICK_SHIFT);
}

static inline void streams_set_now(struct streams *s, uint64_t now)
{
	s->tick = (uint32_t)(now >> STREAMS_TICK_SHIFT);
}

static inline uint32_t stream_index(const struct streams *s, const struct stream *st)
{
	return (uint32_t)(st - s->list);
}

static inline tcp_conn_id stream_conn(const struct streams *s, const struct stream *st)
{
	return (uint64_t)st->generation << 32 | stream_index(s, st);
}

static inline bool stream_is_used(const struct stream *st)
{
	return st->family != IP_NONE;
}

static inline struct endpoint stream_remote(const struct stream *st)
{
	struct endpoint remote = {
		.ip.family = st->family,
		.port = st->port,
		.transport = (st->flags & STREAM_SECURE) != 0 ? TRANSPORT_TLS : TRANSPORT_TCP,
	};

	memcpy(remote.ip.bytes, st->ip, sizeof(st->ip));
	return remote;
}

// Who the other end of a TLS connection has proved to be, as session_card().
static inline const struct card *stream_card(
	const struct streams *s, const struct stream *st, uint64_t *serial)
{
	*serial = 0;
	return (st->flags & STREAM_SECURE) != 0
		? session_card(s->sessions, stream_conn(s, st), serial)
		: NULL;
}

// The stream of a connection; NULL where it is gone.
static inline struct stream *stream_of(struct streams *s, tcp_conn_id conn)
{
	uint32_t index = (uint32_t)conn;
	struct stream *st = index < s->config.n_conns ? &s->list[index] : NULL;

	return st != NULL && stream_is_used(st) && st->generation == conn >> 32 ? st : NULL;
}

// streams.c
void stream_activate(struct streams *s, struct stream *st);
void stream_set_timer(struct streams *s, struct stream *st, uint32_t ms);
// Says no more on it, and hears nothing; counts reason, where there is one.
void stream_close(struct streams *s, struct stream *st, enum reason reason, uint64_t now);
// A stream without a part of a message, whose peer has finished, and all of whose requests have
// been answered, is closed.
void stream_close_if_done(struct streams *s, struct stream *st, uint64_t now);
// A message has become whole, or is gone.
void stream_end_part(struct streams *s, struct stream *st);

// streams_read.c: fills s->burst with what is whole; relays nothing yet. False: there is nothing.
bool streams_gather(struct streams *s, uint64_t now);
// Gives back what the burst has read.
void streams_consume(struct streams *s, uint64_t now);

// streams_carry.c
// What relay_burst() has made of s->burst.
void streams_carry_burst(struct streams *s, uint64_t now);
// A message to where it goes. Takes the parcel.
void streams_carry(struct streams *s, struct parcel *p, uint64_t now);
// Egress's callback.
void streams_refuse(void *streams, struct parcel *p, enum reason reason, uint64_t now);

// streams_large.c
int large_init(struct streams *s);
void large_fini(struct streams *s);
// The relay has accepted a message by its head, which is in p: its body is stored as it comes, or
// refused for want of memory. Takes p.
void large_begin(struct streams *s, struct stream *st, struct parcel *p, uint64_t now);
// Its stream has no message under way any more.
void large_drop(struct streams *s, struct stream *st);
// n bytes more of its body are at from, or in the engine's queue where that is NULL, n_at into it:
// how many it takes. The message goes to those to be carried where that was all.
uint32_t large_store(
	struct streams *s, struct stream *st, const uint8_t *from, uint32_t n_at, uint32_t n);
void large_carry(struct streams *s, uint64_t now);
void large_timers(struct streams *s, uint64_t now);

// streams_secure.c
int secure_init(struct streams *s);
void secure_fini(struct streams *s);
// A connection has opened that shall be TLS.
void secure_begin(struct streams *s, struct stream *st, uint64_t now);
// It has brought something, or has finished. True: that can be read.
bool secure_event(
	struct streams *s, struct stream *st, const struct tcp_event *event, uint64_t now);
// It is gone for that reason.
void secure_end(struct streams *s, struct stream *st, tcp_conn_id conn, enum reason reason);
// What its time was set for; false: for nothing of TLS.
bool secure_timed_out(struct streams *s, struct stream *st, uint64_t now);
struct secure_read {
	struct view text; // in scratch memory, the unfinished message of before in front
	bool more;
	enum reason fault; // after the text nothing comes, for this reason; or REASON_none
	enum record_wear wear;
};
// False: scratch memory is full.
bool secure_open(struct streams *s, struct stream *st, struct secure_read *read, uint64_t now);
// What has not been read of a text. False: there is no room to keep it.
bool secure_keep(struct streams *s, struct stream *st, struct view rest);

// streams_egress.c: 0, or -errno.
int streams_open_egress(struct streams *s);

// streams_worn.c
// Its keys are used up so far, as was seen when it was read; its messages have been taken.
void worn_note(struct streams *s, struct stream *st, enum record_wear wear);
// An accepted one is closed where that loses nothing. True: so it has been.
bool worn_leave(struct streams *s, struct stream *st, uint64_t now);
// Egress's callback: nothing is written any more to one of ours.
void worn_retire(void *streams, tcp_conn_id conn, uint64_t now);
// What its time was set for; false: for nothing of this.
bool worn_timed_out(struct streams *s, struct stream *st, uint64_t now);

// Whether its timer is set for its end: no message that it brings changes that.
static inline bool stream_is_ending(const struct stream *st)
{
	return (st->flags & (STREAM_FINISHED | STREAM_SAID)) != 0 ||
		(st->flags & (STREAM_WORN | STREAM_OURS)) == (STREAM_WORN | STREAM_OURS);
}

// streams_recheck.c
// A request of it has been accepted from the domain with this hash and name.
void stream_set_sender(struct streams *s, struct stream *st, uint32_t hash, struct view name);
// The walk's next part.
void streams_recheck_on(struct streams *s, uint64_t now);

// streams_again.c
int again_init(struct again_table *a, uint32_t n);
void again_fini(struct streams *s);
// Sends a request over UDP and keeps it to be sent again.
void again_send(struct streams *s, struct parcel *p);
// A response has come (RFC 3261 §17.1.1.2, §17.1.2.2).
void again_hear(struct streams *s, uint64_t branch, unsigned method, unsigned status);
void again_timers(struct streams *s, unsigned *budget);
