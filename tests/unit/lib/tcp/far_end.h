// SPDX-License-Identifier: BSD-3-Clause
// One engine with one connection that it opened, and the far end of it, which a test plays by hand:
// it acknowledges as it likes, and looks at what comes. Numbers are relative: 0 is the first byte
// of either side's data. Time is virtual. For tests of the sending half.

#pragma once

#include "lib/tcp/tcp.h"

struct far_options {
	uint16_t mss;    // 1460 when 0
	uint32_t window; // 65535 when 0; larger ones are scaled
	bool no_sack, timestamps;
	bool v6;
	uint32_t rtt_ms;         // of the handshake; 20 when 0
	uint32_t user_timeout_s; // 120 when 0
	uint32_t keepalive_s;
	uint32_t n_chunks; // 2048 when 0
};

struct far_segment {
	uint64_t ms; // since the connection was opened
	uint32_t seq, ack;
	uint32_t len;
	uint8_t flags;
	bool is_syn;
	uint32_t ts_value;
	unsigned n_blocks;
	uint8_t first_byte;
};

#define FAR_SEGMENTS_MAX 4096
struct far_end {
	struct tcp *t;
	void *memory;
	struct far_options options;
	struct endpoint local, remote; // of the engine
	uint64_t counters[REASON_N];
	uint64_t now, start;
	tcp_conn_id id;
	uint32_t iss;     // the engine's
	uint32_t window;  // that the far end offers
	uint32_t sent;    // bytes by the far end
	uint32_t written; // by the user
	uint32_t ts_echo;
	bool is_closed;
	enum reason reason;
	// What came since far_forget().
	struct far_segment segments[FAR_SEGMENTS_MAX];
	unsigned n_segments;
};

// Established.
void far_open(struct far_end *f, const struct far_options *options);
// The SYN is out, nothing came back.
void far_begin(struct far_end *f, const struct far_options *options);
void far_free(struct far_end *f);

// n bytes from the user; they count up from 0, modulo 251.
void far_write(struct far_end *f, uint32_t n_bytes);
// Takes what the engine sends now. Returns how many came.
unsigned far_take(struct far_end *f);
// Lets time pass, a tick at a time, taking what is sent.
void far_wait(struct far_end *f, uint32_t ms);
// Until something was sent: how many ms that took; more than ms where nothing was.
uint32_t far_wait_for_segment(struct far_end *f, uint32_t ms);
void far_forget(struct far_end *f);

// A pure ACK, with blocks: pairs of from and to.
void far_ack(struct far_end *f, uint32_t ack, unsigned n_blocks, const uint32_t blocks[]);
#define FAR_ACK(f, ack) far_ack(f, ack, 0, NULL)
#define FAR_SACK(f, ack, ...)                                                       \
	far_ack(f, ack, sizeof((uint32_t[]){__VA_ARGS__}) / (2 * sizeof(uint32_t)), \
		(uint32_t[]){__VA_ARGS__})
void far_syn_ack(struct far_end *f);

// Sum of the payload that came since far_forget(); the last segment with payload.
uint32_t far_bytes(const struct far_end *f);
const struct far_segment *far_last(const struct far_end *f);
struct tcp_status far_info(struct far_end *f);
