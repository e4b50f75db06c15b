// SPDX-License-Identifier: BSD-3-Clause
// One connection, and all state of an engine: what the files of this folder share. Only they
// include it.
//
//   tcp.c             the user's calls
//   input.c           segments to connections, in RFC 9293 §3.10.7.4's order
//   handshake.c       segments to nobody, to listeners, in SYN_SENT
//   time_wait_input.c segments to what is in TIME_WAIT
//   challenge.c       ACKs in answer to what is not acceptable
//   receiver.c        the window, bytes of the peer in it, ACKs
//   reassembly.c      those bytes, in order and beyond
//   sender.c          and what it names: bytes of ours, acknowledgements, timers
//   output.c          segments to send
//   lifetime.c        connections, their state, events
//   lists.c           connections in the order in which they came
//
// Thread: the engine's.

#pragma once

#include "lib/base/wheel.h"
#include "lib/tcp/chunk.h"
#include "lib/tcp/keys.h"
#include "lib/tcp/limit.h"
#include "lib/tcp/receiver.h"
#include "lib/tcp/sender.h"
#include "lib/tcp/seq.h"
#include "lib/tcp/state.h"
#include "lib/tcp/tcp.h"
#include "lib/tcp/time_wait.h"

// Deadlines are ticks of about a millisecond; round-trip times are microseconds. Both wrap.
#define TCP_TICK_SHIFT 20
#define TCP_TICK_NS    (1u << TCP_TICK_SHIFT)

// Which of a connection's deadlines are set.
enum tcp_deadline {
	TCP_DUE_SEND, // what it is for is in sender.timer
	TCP_DUE_ACK,  // delayed
	TCP_DUE_IDLE, // keepalive; FIN_WAIT_2; the handshake as a whole
	TCP_DUE_N,
};

enum tcp_conn_flag {
	TCP_CONN_TIMESTAMPS = 1,   // agreed (RFC 7323)
	TCP_CONN_SACK = 2,         // agreed (RFC 2018)
	TCP_CONN_WINDOW_SCALE = 4, // agreed
	TCP_CONN_IN_OUTPUT = 8,    // 8 << enum tcp_list_name: in that list
	TCP_CONN_IN_EVENTS = 16,
	TCP_CONN_IN_MEMORY = 32,
	TCP_CONN_PASSIVE = 64,         // by a SYN of theirs
	TCP_CONN_HALF_OPEN = 128,      // counted in n_half_open
	TCP_CONN_WAITS_FOR_ROOM = 256, // tcp_write() had refused
	TCP_CONN_UNREACHABLE = 512,    // ICMP said so: a soft error (RFC 9293 §3.9.2.2)
	TCP_CONN_CLOSED_BY_US = 1024,  // tcp_close() was called
	TCP_CONN_SYN_AGAIN = 2048,     // the SYN-ACK is to go out now, though ours was sent before:
				       // a SYN of theirs came again, or met ours. Output clears it.
	TCP_CONN_READS_ON = 4096,      // over, but for bytes that the user has not consumed: in no
				       // table, without timers
	TCP_CONN_ENDED = 8192,         // nothing left but TCP_CLOSED to be told
	TCP_CONN_LIMITED = 16384,      // counted for its listener and source
};

// How long a handshake may take: ours (RFC 9293 §3.8.3, R2 of a SYN), and theirs, which is shorter,
// for it costs them nothing.
#define TCP_OPEN_MS   180000
#define TCP_ACCEPT_MS 60000
// How long a peer may be silent after it has acknowledged our FIN.
#define TCP_FIN_WAIT_2_MS 60000

// Lists of connections, in the order in which they came: a connection is once in each, and leaves
// from anywhere.
enum tcp_list_name {
	TCP_LIST_OUTPUT, // has something to send
	TCP_LIST_EVENTS, // has an event to be told
	TCP_LIST_MEMORY, // tcp_write() was refused, since memory of all was scarce
	TCP_LIST_N,
};
struct tcp_list {
	uint32_t first, last; // index + 1; 0: none
};
struct tcp_link {
	uint32_t next, prev; // index + 1; 0: none
};

struct tcp_conn {
	// Who: compared for each segment.
	uint8_t remote[16], local[16]; // network order, as in struct ip_addr
	uint16_t remote_port, local_port;
	uint8_t family, state; // enum tcp_state
	uint16_t flags;        // of enum tcp_conn_flag
	uint16_t listener, mtu;
	uint32_t ts_recent;   // RFC 7323 §4.3
	uint32_t ts_recent_s; // when it came, in 2^30 ns: it does not wrap in a connection's life
	uint32_t ts_offset;   // of ours
	uint32_t heard_tick;  // when the peer was last heard, for keepalive

	struct tcp_receiver receiver;
	struct tcp_sender sender;

	struct wheel_link timer; // at the earliest deadline, or earlier
	uint32_t due[TCP_DUE_N]; // tick
	uint8_t due_set;         // 1 << enum tcp_deadline
	uint8_t events;          // of enum tcp_event_bit, not yet told
	uint8_t n_keepalives;    // unanswered
	uint8_t n_challenges;    // challenge ACKs in this second (RFC 5961 §7)
	union {
		uint32_t challenge_s; // that, in 2^30 ns
		uint32_t lost_bytes;  // once ended: written and never acknowledged
	};
	uint16_t end_reason;    // enum reason, once ended
	uint8_t n_bare_answers; // ACKs in answer to bare ones, since one was acceptable
	uint8_t zero;
	uint32_t generation;               // of the id
	struct tcp_link links[TCP_LIST_N]; // next of the first also in the free list
	uint64_t user;
};

// A segment of no connection: a reset, a SYN-ACK with a cookie, an ACK in TIME_WAIT.
#define TCP_REPLIES_MAX 256
struct tcp_reply {
	struct tcp_segment segment; // no payload
	uint16_t listener;
};

struct tcp_listener {
	struct endpoint local;
	uint16_t mtu, listener;
};

struct tcp {
	struct tcp_config config;
	uint64_t *counters;
	uint32_t n_out_of_order_max; // chunks beyond a hole that a connection may have
	uint8_t window_scale;        // that our SYNs offer
	// The time of the call under way.
	uint64_t now_ns;
	uint32_t now_us, now_tick;

	struct tcp_keys keys;
	struct tcp_table table;
	struct tcp_time_waits time_waits;
	struct tcp_chunks chunks;
	struct wheel wheel;

	struct tcp_conn *conns;
	uint32_t free_conn, n_used_conns; // free: index + 1
	uint32_t n_touched_conns;         // the first ones: the others were never used
	uint32_t n_half_open;
	struct tcp_list lists[TCP_LIST_N];

	struct tcp_listener listeners[TCP_LISTENERS_MAX];
	unsigned n_listeners;
	struct tcp_limit limit[TCP_LISTENERS_MAX]; // by the number that a listener has
	struct tcp_limits limits;

	struct tcp_reply replies[TCP_REPLIES_MAX];
	uint32_t n_replies_pushed, n_replies_popped;
	// What may still be sent in this second: resets to nobody, challenge ACKs of all.
	uint32_t reset_tokens, challenge_tokens;
	uint64_t second;        // now_ns >> 30
	uint64_t cookie_second; // the last one in which a cookie was sent; 0: never
};

static inline void tcp_count(struct tcp *t, enum reason reason)
{
	t->counters[reason]++;
}

static inline uint32_t tcp_conn_index(const struct tcp *t, const struct tcp_conn *c)
{
	return (uint32_t)(c - t->conns);
}

// As lists and the free list have it.
static inline uint32_t tcp_conn_link(const struct tcp *t, const struct tcp_conn *c)
{
	return tcp_conn_index(t, c) + 1;
}

static inline struct tcp_conn *tcp_conn_at_link(const struct tcp *t, uint32_t link)
{
	return &t->conns[link - 1];
}

static inline uint32_t tcp_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t tcp_ticks(uint32_t ms)
{
	return (uint32_t)(((uint64_t)ms * 1000000 + TCP_TICK_NS - 1) >> TCP_TICK_SHIFT);
}

// Our timestamp of this connection now (RFC 7323 §5.4: a millisecond each).
static inline uint32_t tcp_conn_ts(const struct tcp *t, const struct tcp_conn *c)
{
	return (uint32_t)(t->now_ns / 1000000) + c->ts_offset;
}

// Every call of tcp.h that has a time begins with it.
void tcp_set_now(struct tcp *t, uint64_t now);

// The last eighth of buffer memory is for bytes that come in order: nothing else takes of it.
static inline bool tcp_memory_is_scarce(const struct tcp *t)
{
	return t->chunks.n - t->chunks.n_used < t->chunks.n / 8;
}

// lists.c
// At its end, unless c is in it already.
void tcp_list_add(struct tcp *t, enum tcp_list_name name, struct tcp_conn *c);
void tcp_list_del(struct tcp *t, enum tcp_list_name name, struct tcp_conn *c); // if it is in it
// Takes the first one out; NULL for none.
struct tcp_conn *tcp_list_pop(struct tcp *t, enum tcp_list_name name);

// lifetime.c
// NULL for an id that is gone.
struct tcp_conn *tcp_conn_of(struct tcp *t, tcp_conn_id id);
tcp_conn_id tcp_conn_id_of(const struct tcp *t, const struct tcp_conn *c);
void tcp_conn_endpoints(const struct tcp_conn *c, struct endpoint *local, struct endpoint *remote);
void tcp_time_wait_endpoints(
	const struct tcp_time_wait *w, struct endpoint *local, struct endpoint *remote);
// Whether it is the connection of this pair.
bool tcp_conn_is(
	const struct tcp_conn *c, const struct endpoint *local, const struct endpoint *remote);
// The entry of the table for a pair, or TCP_TABLE_NONE.
uint32_t tcp_find(const struct tcp *t, const struct endpoint *local, const struct endpoint *remote,
	uint64_t hash);
// A connection in state CLOSED, in the table, its timestamps' offset chosen. NULL where they have
// run out.
struct tcp_conn *tcp_conn_new(struct tcp *t, const struct endpoint *local,
	const struct endpoint *remote, uint64_t hash, uint16_t mtu, uint16_t listener);
// The only place that changes c->state, by the table. False, and nothing changed, for an illegal
// event.
bool tcp_conn_step(struct tcp *t, struct tcp_conn *c, enum tcp_state_event event);
// Ends it: state CLOSED by TCP_EVENT_END, memory given back, TCP_CLOSED told with reason and
// counted, unless it was half open. The struct stays until the event has been taken; c is not to be
// used after.
void tcp_conn_end(struct tcp *t, struct tcp_conn *c, enum reason reason);
// In TIME_WAIT, or CLOSED after LAST_ACK, by tcp_conn_step(): what stays of the former is the entry
// there. To the user it is closed once all bytes that
// came have been consumed. c is not to be used after.
void tcp_conn_finished(struct tcp *t, struct tcp_conn *c);
void tcp_conn_tell(struct tcp *t, struct tcp_conn *c, uint8_t events);
// It has something to send. In the list once, at its end.
void tcp_conn_want_output(struct tcp *t, struct tcp_conn *c);
static inline void tcp_conn_syn_again(struct tcp *t, struct tcp_conn *c)
{
	c->flags |= TCP_CONN_SYN_AGAIN;
	tcp_conn_want_output(t, c);
}
// Takes the first one out of that list; NULL for none. Never one that has ended.
struct tcp_conn *tcp_conn_pop_output(struct tcp *t);
// tcp_write() was refused: TCP_WRITABLE follows, when an ACK or others' memory makes room.
void tcp_conn_wait_for_room(struct tcp *t, struct tcp_conn *c);
void tcp_conn_tell_room(struct tcp *t, struct tcp_conn *c);
// timers.c: tells some of those that wait for memory, where there is some again.
void tcp_tell_memory(struct tcp *t);
// Sets one deadline ms from now, or takes it away.
void tcp_conn_set_due(struct tcp *t, struct tcp_conn *c, enum tcp_deadline which, uint32_t ms);
void tcp_conn_clear_due(struct tcp *t, struct tcp_conn *c, enum tcp_deadline which);
// Takes an entry out of the table and frees it.
void tcp_time_wait_forget(struct tcp *t, struct tcp_time_wait *w);
// The tick at which one that begins now ends.
uint32_t tcp_time_wait_due(const struct tcp *t);

// Segments, by where they come in: input.c, handshake.c, time_wait_input.c. Each says how the
// segment is to be counted; c may be gone after.
enum reason tcp_input_synchronized(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s); // SYN_RECEIVED too
enum reason tcp_input_syn_sent(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);
enum reason tcp_input_nobody(struct tcp *t, const struct tcp_segment *s, uint64_t hash);
enum reason tcp_input_time_wait(
	struct tcp *t, struct tcp_time_wait *w, const struct tcp_segment *s, uint64_t hash);
// Sixth check and on: text and FIN, of a segment without SYN.
enum reason tcp_input_text(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);
// handshake.c
const struct tcp_listener *tcp_listener_at(const struct tcp *t, const struct endpoint *local);
// A SYN to a listener that is there. reused: TIME_WAIT that gives way to it, or NULL.
enum reason tcp_listen_syn(
	struct tcp *t, const struct tcp_segment *s, uint64_t hash, struct tcp_time_wait *reused);
// An ACK to what is in TIME_WAIT: where it holds a cookie, its connection takes the place. Else
// REASON_none.
enum reason tcp_time_wait_cookie(
	struct tcp *t, struct tcp_time_wait *w, const struct tcp_segment *s, uint64_t hash);
// The same, for a half-open connection whose SYN somebody else may have sent.
enum reason tcp_half_open_cookie(
	struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s, uint64_t hash);
// Whether one more of that source may come to a listener: REASON_none, or why not.
enum reason tcp_limit_check(const struct tcp *t, uint16_t listener, const struct ip_addr *source);
// Our SYN has been acknowledged by s; the state says so.
void tcp_established(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);

// challenge.c: an ACK that tells the peer where we are, as far as the bounds allow.
void tcp_challenge(struct tcp *t, struct tcp_conn *c);
// In answer to a segment that takes no sequence number.
void tcp_challenge_bare(struct tcp *t, struct tcp_conn *c);
// In answer to one outside the window.
void tcp_challenge_unacceptable(struct tcp *t, struct tcp_conn *c, const struct tcp_segment *s);

// reply.c: segments of no connection, bounded and rate limited.
// The reset that answers s (RFC 9293 §3.10.7.1), with the listener it came to.
// False when it has no place; true also for a reset, which none answers.
bool tcp_reply_reset(struct tcp *t, const struct tcp_segment *s, uint16_t listener);
// Tells the peer of c that we give up (RFC 9293 §3.10.5).
void tcp_reply_abort(struct tcp *t, const struct tcp_conn *c);
// False when it has no place.
bool tcp_reply_cookie(struct tcp *t, const struct tcp_segment *syn, const struct tcp_listener *l);
void tcp_reply_time_wait(struct tcp *t, const struct tcp_time_wait *w);
// What our SYNs say (RFC 9293 §3.7.1).
uint16_t tcp_mss_offered(uint16_t mtu, uint8_t family);
bool tcp_reply_pop(struct tcp *t, struct tcp_packet *out);
