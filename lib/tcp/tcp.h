// SPDX-License-Identifier: BSD-3-Clause
// TCP for one worker: segments in, segments out, bytes and events for whoever uses the connections
// (RFC 9293 and those that it names). Nothing in here reads a clock, draws a random number,
// allocates or does I/O: time comes with each call, memory and secret with tcp_init(). So a whole
// network of them runs in virtual time in a test.
//
//   tcp_input_burst()   segments of one burst               \  events for the user:
//   tcp_timers()        what time has brought               /  tcp_next_event()
//   tcp_write(), tcp_consume(), tcp_close() ...   the user's calls
//   tcp_output()        segments to be sent, one a call, until there is none
//
// Callers: the worker and fedload; tests. Thread: one. now: ns, never backwards, any origin.
// Input never fails: what is wrong with a segment ends in a counter.

#pragma once

#include "lib/base/siphash.h"
#include "lib/tcp/segment.h"

#define TCP_BURST 32

// A connection: index in the low half, generation in the high one. 0: none. One that is gone stays
// invalid: every call with it does nothing and says so.
typedef uint64_t tcp_conn_id;

struct tcp;

// Sizes are the core map's word; what they come to is tcp_memory_bytes().
struct tcp_config {
	uint32_t n_conns;      // at once, TIME_WAIT apart
	uint32_t n_half_open;  // of them not yet established by a SYN of theirs; beyond: cookies
	uint32_t n_time_waits; // the oldest gives way to a new one
	uint32_t n_sources; // whose connections are counted for tcp_limit(): n_conns, or 0 for none
	uint32_t n_chunks;  // units of buffer memory, for sending and receiving, of all
	uint16_t chunk_bytes;       // that a chunk holds; no segment sent is longer
	uint32_t send_bytes_max;    // queued in a connection, sent or not
	uint32_t receive_bytes_max; // the largest window offered
	uint32_t keepalive_s;       // idle time before the first keepalive; 0: none
	// Unacknowledged data this old ends a connection, and so does an open that takes longer
	// (RFC 9293 §3.8.3, §3.10.8).
	uint32_t user_timeout_s;
	uint32_t time_wait_s;   // twice the maximum segment lifetime
	struct siphash_key key; // secret and fresh: initial sequence numbers, cookies, the table
};

// Sizes and times that suit n_conns connections; the key is zero.
void tcp_config_default(struct tcp_config *config, uint32_t n_conns);

// Bytes of memory that a config needs; 0 for one out of range.
size_t tcp_memory_bytes(const struct tcp_config *config);
// memory: zeroed, aligned to 64, of that size, the caller's to free when nothing uses it any more.
// counters: REASON_N of them, the caller's. NULL for a config out of range.
struct tcp *tcp_init(
	void *memory, const struct tcp_config *config, uint64_t counters[], uint64_t now);

// Accepts connections to local from now on. mtu: of its link. listener: given back with each of
// its connections. 0, -EEXIST, or -ENOSPC beyond TCP_LISTENERS_MAX.
#define TCP_LISTENERS_MAX 64
int tcp_listen(struct tcp *t, const struct endpoint *local, uint16_t mtu, uint16_t listener);
// How many established connections of peers a listener may have at once, in all and of one source
// (an IPv4 address, or 64 bits of an IPv6 one); 0: any number. Beyond, a SYN is reset and counted
// as tcp_listener_full or tcp_source_full, as is the ACK of a handshake that others have overtaken.
// Before its first connection. 0, or -EINVAL for a listener from TCP_LISTENERS_MAX on, or a
// source's limit where the config counts none.
int tcp_limit(struct tcp *t, uint16_t listener, uint32_t conns_max, uint32_t source_conns_max);
// No new ones any more; those that are there go on. Draining.
void tcp_unlisten(struct tcp *t, uint16_t listener);

// A connection to remote from local, its port chosen by the caller. The handshake begins with the
// next tcp_output(). TCP_OPENED or TCP_CLOSED follows. 0 and *id; -EADDRINUSE for a pair of
// endpoints in use, -ENOBUFS where connections have run out, -EINVAL for endpoints that cannot be.
int tcp_open(struct tcp *t, const struct endpoint *local, const struct endpoint *remote,
	uint16_t mtu, uint16_t listener, uint64_t now, tcp_conn_id *id);

// n ≤ TCP_BURST segments with a right checksum, addressed to us. Reads the payloads; they stay the
// caller's.
void tcp_input_burst(struct tcp *t, const struct tcp_segment segments[], unsigned n, uint64_t now);

// An ICMP error about a segment that we sent (RFC 5927, RFC 8201): believed only as far as seq lies
// in what is unacknowledged.
enum tcp_icmp {
	TCP_ICMP_TOO_BIG, // with mtu
	TCP_ICMP_UNREACHABLE,
};
struct tcp_icmp_error {
	struct endpoint local, remote;
	uint32_t seq;
	uint32_t mtu;
	enum tcp_icmp kind;
};
void tcp_icmp_input(struct tcp *t, const struct tcp_icmp_error *error, uint64_t now);

// Looks at up to budget connections whose time has come. Call about every millisecond.
void tcp_timers(struct tcp *t, uint64_t now, unsigned budget);

// A segment to be sent: header in front of the payload's parts. Valid until the next call with t
// but for further ones of tcp_output().
#define TCP_PACKET_PARTS_MAX 44 // of 64 KB in segments of 1448 bytes
struct tcp_packet {
	struct ip_addr local, remote;
	tcp_conn_id conn;  // 0: of none, such as a reset to nobody
	uint16_t listener; // of the connection, or that the segment answered came to
	uint8_t header[TCP_HEADER_BYTES_MAX]; // checksum zero
	uint8_t header_bytes;
	uint16_t segment_bytes; // payload a segment: larger payloads are cut by the sender (TSO)
	uint32_t payload_bytes;
	unsigned n_parts;
	struct view parts[TCP_PACKET_PARTS_MAX];
};

enum tcp_output_mode {
	TCP_OUTPUT_ALL,
	TCP_OUTPUT_BARE, // packet memory has run dry: only segments without payload
};
// True and *out, until nothing is left to send now. payload_max: what a device that cuts takes in
// one packet (TSO); 0: it does not cut, so one segment a packet. What is given out counts as sent.
bool tcp_output(struct tcp *t, uint64_t now, enum tcp_output_mode mode, uint32_t payload_max,
	struct tcp_packet *out);
// Whether there may be any: cheap, and true too often rather than too seldom.
bool tcp_has_output(const struct tcp *t);

enum tcp_event_bit {
	TCP_OPENED = 1,        // established; accepted when the id is a new one
	TCP_READABLE = 2,      // more bytes than before
	TCP_WRITABLE = 4,      // room again, after tcp_write() had refused
	TCP_PEER_FINISHED = 8, // nothing comes after the bytes that are there
	TCP_CLOSED = 16,       // the id is no longer valid; reason says why
};
struct tcp_event {
	tcp_conn_id conn;
	uint64_t user;
	uint16_t listener;
	uint8_t what;       // bits of enum tcp_event_bit, all since the last event of conn
	enum reason reason; // of TCP_CLOSED: tcp_closed, tcp_reset, tcp_refused, tcp_timed_out ...
	uint32_t unacked;   // of TCP_CLOSED: bytes written that the peer never acknowledged
};
// In the order in which connections became eventful. False when there is none. A connection is
// reported closed once, also when it never was reported opened by us; half-open ones of a SYN of
// theirs that come to nothing are not reported at all.
bool tcp_next_event(struct tcp *t, struct tcp_event *out);

// The user's word for a connection, in every event of it. False for an id that is gone.
bool tcp_set_user(struct tcp *t, tcp_conn_id id, uint64_t user);
uint64_t tcp_user(struct tcp *t, tcp_conn_id id); // 0 for an id that is gone

// Bytes received in order and not yet consumed. What is not consumed closes the window.
uint32_t tcp_readable(struct tcp *t, tcp_conn_id id);
// The first of them that lie in one piece.
struct view tcp_peek(struct tcp *t, tcp_conn_id id);
// Copies up to n_bytes from offset on; how many.
uint32_t tcp_copy(struct tcp *t, tcp_conn_id id, uint32_t offset, uint8_t *out, uint32_t n_bytes);
// n_bytes ≤ tcp_readable().
void tcp_consume(struct tcp *t, tcp_conn_id id, uint32_t n_bytes);

// Queues all of n_bytes, or none: -ENOBUFS where queue or memory is full (TCP_WRITABLE follows),
// -EPIPE after tcp_close() or for an id that is gone. Also while opening. Bytes are copied.
int tcp_write(struct tcp *t, tcp_conn_id id, const void *bytes, uint32_t n_bytes);
// Room for n_bytes behind what is queued, to be written in place: how many pieces. Or what
// tcp_write() would say, or -EMSGSIZE where it takes more of them: tcp_write() is for that.
struct tcp_piece {
	uint8_t *at;
	uint32_t n_bytes;
};
#define TCP_PIECES_MAX 16 // the longest TLS record in segments of Ethernet, and some more
int tcp_reserve(
	struct tcp *t, tcp_conn_id id, uint32_t n_bytes, struct tcp_piece pieces[TCP_PIECES_MAX]);
// Queues the first n_bytes, or fewer, of what was just reserved: the next call with t. Or there is
// no such call, and nothing has happened.
void tcp_commit(struct tcp *t, tcp_conn_id id, uint32_t n_bytes);
// What tcp_write() of n_bytes would say, for who must know before it makes the bytes.
int tcp_check_room(struct tcp *t, tcp_conn_id id, uint32_t n_bytes);
// How much tcp_write() would take.
uint32_t tcp_room(struct tcp *t, tcp_conn_id id);
// Queued and not yet acknowledged.
uint32_t tcp_unacked(struct tcp *t, tcp_conn_id id);

// No more from us: FIN after what is queued. Bytes of the peer can still be read, also when it has
// finished as well: TCP_CLOSED waits until all have been consumed, and tcp_abort() is for who will
// not. A peer that then says nothing for a minute is given up. While opening by us: the end, at
// once.
void tcp_close(struct tcp *t, tcp_conn_id id, uint64_t now);
// Resets it, now, and drops what is unread. TCP_CLOSED with reason follows.
void tcp_abort(struct tcp *t, tcp_conn_id id, enum reason reason);

// What fedctl and tests ask.
struct tcp_status {
	struct endpoint local, remote;
	uint8_t state; // enum tcp_state
	uint16_t mss;
	uint32_t srtt_us, rto_ms, cwnd_bytes, ssthresh_bytes;
	uint32_t readable, unacked;
	uint32_t n_retransmitted; // segments
};
bool tcp_describe(struct tcp *t, tcp_conn_id id, struct tcp_status *out);

struct tcp_usage {
	uint32_t n_conns, n_half_open, n_time_waits, n_chunks; // in use
};
void tcp_usage(const struct tcp *t, struct tcp_usage *out);
