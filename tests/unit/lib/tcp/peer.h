// SPDX-License-Identifier: BSD-3-Clause
// An engine and a peer made by hand, for tests: segments go in as the test writes them, and what
// comes out is parsed as from the wire. Sequence numbers are relative: a side's SYN is 0.

#pragma once

#include "lib/tcp/state.h"
#include "lib/tcp/tcp.h"
#include "tests/unit/test.h"

#define PEER_IRS 0xfffffff0u // so that every test crosses the wrap
#define PEER_MS  1000000ull

struct peer {
	struct tcp *t;
	void *memory;
	uint64_t counters[REASON_N];
	uint64_t now;
	struct endpoint local, remote;
	uint32_t iss;               // the engine's; known once its SYN has come out
	uint32_t ts;                // the peer's timestamp of the next segment
	struct tcp_options options; // of the peer's SYN; has_timestamps: of all
	uint8_t window_scale;       // the engine's
};

// What the engine sent, relative.
struct peer_out {
	uint32_t seq, ack;
	uint8_t flags;
	uint32_t window; // in bytes
	struct tcp_options options;
	uint8_t bytes[65536];
	uint32_t n_bytes;
};

// config: NULL for peer_config(). Listens on local.
void peer_begin(struct peer *p, const struct tcp_config *config);
// Everything must be given back but TIME_WAIT.
void peer_end(struct peer *p);
// Small: 8 connections, 4 half open, 4096 bytes of window, chunks of 536.
struct tcp_config peer_config(void);

struct tcp_segment peer_segment(const struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack,
	const void *bytes, size_t n);
// Gives it to the engine; the one counter of segments that it raised.
enum reason peer_give(struct peer *p, const struct tcp_segment *s);
// Both: text is a string, NULL for none.
enum reason peer_send(struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack, const char *text);

// The next segment that comes out; false for none.
bool peer_take(struct peer *p, struct peer_out *out);
// There is one, and it has just these.
void peer_expect(struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack);
void peer_expect_nothing(struct peer *p);
// Throws away what comes out; how many segments.
unsigned peer_drain(struct peer *p);

// Time, by milliseconds, with timers.
void peer_pass(struct peer *p, unsigned ms);

// All bits that connections have been told, with the last id and reason.
uint8_t peer_events(struct peer *p, tcp_conn_id *id, enum reason *reason);

// A SYN, the SYN-ACK, an ACK: established by the peer, and told.
tcp_conn_id peer_connect(struct peer *p);
// By the engine; the peer answers.
tcp_conn_id peer_accept(struct peer *p);
enum tcp_state peer_state(struct peer *p, tcp_conn_id id);
