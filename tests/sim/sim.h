// SPDX-License-Identifier: BSD-3-Clause
// Two hosts with an engine each, and the wire between them, in virtual time. What is shared by the
// files of this folder:
//
//   plan.c  what a seed decides       wire.c    what becomes of a packet on its way
//   user.c  who talks over the hosts  host.c    an engine with its packets
//   sim.c   the run, and its end      police.c  what no packet may say
//   forger.c an attacker who sees nothing
//
// What holds: every byte of a stream arrives once and in order, or the connection ends with a
// reason at both ends; nothing is left over in the engines; the work for it is bounded.

#pragma once

#include "tests/sim/plan.h"

struct sim;

enum close_style {
	CLOSE_WHEN_WRITTEN, // then only reads
	CLOSE_WHEN_BOTH,    // its own is written and the peer's is read
	CLOSE_AFTER_PEER,   // the same, and the peer has closed
};

// A connection as one of its two users sees it.
struct talk {
	tcp_conn_id id;
	uint32_t number, total;           // of our stream
	uint32_t peer_number, peer_total; // as the peer's stream says at its beginning
	uint32_t n_written, n_read;
	uint64_t next_write_ns, next_read_ns, abort_ns;
	uint8_t opening[16]; // of the peer's stream
	enum close_style style;
	bool active, opened, refused, knows_peer, peer_finished, closing, closed, aborted;
	enum reason reason; // once closed
};

struct user {
	struct rng rng;
	struct talk *talks;
	unsigned n_talks, n_talks_max, n_alive, n_alive_active, n_opens;
	uint64_t next_open_ns;
	uint64_t n_calls, n_bytes_written, n_bytes_read;
};

// What the wire has seen of one direction of a connection since its SYN.
struct watched {
	bool has_syn, has_ack, has_fin, scales, is_late;
	uint8_t window_scale;
	uint32_t isn, nxt;  // first and highest sequence number sent
	uint32_t ack, edge; // highest ones told to the peer
	uint32_t fin_seq;
	uint32_t probed; // nxt when the last segment was sent again
};
#define POLICE_WATCHED_MAX 128

struct sim_host {
	struct sim *sim;
	uint8_t index;
	struct tcp *tcp;
	void *memory;
	uint64_t counters[REASON_N];
	uint64_t next_timers_ns;
	uint64_t n_segments_in, n_packets_out, n_segments_out, payload_bytes_out;
	struct tcp_segment burst[TCP_BURST];
	struct wire_packet *held[TCP_BURST];
	unsigned n_burst;
	struct user user;
};

struct sim {
	const struct plan *plan;
	uint64_t now;
	struct wire wire;
	struct sim_host hosts[2];
	struct watched *watched;
	struct rng forger;
	uint64_t next_forged_ns;
	uint32_t n_forged;
	bool failed;
	char why[512]; // the first thing that did not hold
};

// Says what did not hold; the first one is kept, and the run ends.
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim *s, const char *format, ...);

// host.c
void host_init(struct sim_host *h, struct sim *s, uint8_t index);
void host_fini(struct sim_host *h);
// A packet has come; it is held until host_turn().
void host_receive(struct sim_host *h, struct wire_packet *p);
// A worker's turn: what has come, what is due, its users, what is to be sent.
void host_turn(struct sim_host *h);

// user.c
void user_init(struct sim_host *h);
void user_fini(struct sim_host *h);
void user_event(struct sim_host *h, const struct tcp_event *e);
// Whatever its talks want to do by now.
void user_turn(struct sim_host *h);
// When there is something to do again; UINT64_MAX: only events count.
uint64_t user_next_ns(const struct sim_host *h);
bool user_is_done(const struct sim_host *h);
void user_abort_all(struct sim_host *h);
// What is known about a talk that does not end, in one line.
void user_describe(struct sim_host *h, const struct talk *t, char *out, size_t n_bytes);

// police.c
void police_see(struct sim *s, uint8_t from, struct view packet);

// forger.c
void forger_turn(struct sim *s);

// sim.c
struct sim_result {
	bool right;
	char why[512];
	uint64_t n_segments, n_bytes, virtual_ns;
	unsigned n_conns, n_closed_well;
};
// trace: every packet and call, or NULL.
struct sim_result sim_run(const struct plan *plan, FILE *trace);
