// SPDX-License-Identifier: BSD-3-Clause
// What a seed decides before a run begins: the sizes of both engines, the wire between them, what
// their users do, and what must hold at the end. The same seed and shape give the same plan.

#pragma once

#include "tests/sim/wire.h"

// What a run is mostly about. The rest is drawn from milder ranges.
enum plan_shape {
	PLAN_PERFECT,  // a wire without faults
	PLAN_LOSS,     // loss of every degree
	PLAN_DISORDER, // reordering, duplicates, damage
	PLAN_NARROW,   // a bottleneck with a short queue
	PLAN_WINDOWS,  // tiny and closed windows, readers that stall
	PLAN_WRAP,     // sequence numbers, ticks and timestamps wrap
	PLAN_CHURN,    // many short connections over few ports, cookies, TIME_WAIT
	PLAN_CLOSING,  // opened from both sides at once, half-closed, closed at once
	PLAN_CUT,      // aborts, and wires that are cut for a while or for ever
	PLAN_DRY,      // too little buffer memory; packet memory that runs dry
	PLAN_MTU,      // paths narrower than the links, with and without ICMP
	PLAN_BLIND,    // an attacker who sees nothing forges segments and ICMP
	PLAN_ALL,      // everything at once
	PLAN_LONG,     // long paths: more segments in flight than one ACK looks at
	PLAN_N,
};

// How a user behaves; times are upper ends of what is drawn each time.
struct plan_user {
	uint32_t n_opens; // in all
	uint32_t open_gap_ms;
	uint32_t n_alive_max; // opened by it, at once
	uint16_t port, n_ports;
	uint32_t bytes_min, bytes_max; // of a stream
	uint32_t write_max, write_gap_ms;
	uint32_t read_max, read_gap_ms;
	uint32_t stall_share, stall_ms; // reading pauses, a share of the times it reads
	uint32_t abort_share;           // of its connections, of ten thousand
};

struct plan_host {
	struct tcp_config config;
	struct plan_user user;
	uint16_t mtu;
	uint32_t payload_max; // of a packet: over the segment size where the device cuts
	uint32_t timers_budget;
	struct wire_cut dry[2]; // when packet memory is dry; .to is not read
	unsigned n_dry;
};

struct plan {
	uint64_t seed;
	enum plan_shape shape;
	uint64_t start_ns, end_ns; // end: whoever still talks then is stuck
	uint32_t poll_us;          // a worker's turn: what arrives within one is one burst
	uint8_t family;
	bool mirrored; // both hosts open the same pairs at the same time
	struct plan_host hosts[2];
	struct wire_way ways[2];
	struct wire_cut cuts[WIRE_CUTS_MAX];
	unsigned n_cuts;
	uint32_t n_forged_max; // segments and ICMP of a blind attacker
	bool reopens;          // bytes that come late may open with a cookie what is over
	bool strict;           // every connection has to end well
	bool perfect;          // nothing but a probe may be sent twice
};

const char *plan_shape_name(enum plan_shape shape);
struct plan plan_of(uint64_t seed, enum plan_shape shape);

// Where connections lead, and come from.
void plan_address(const struct plan *p, unsigned host, struct ip_addr *out);
#define PLAN_SERVER_PORT 5060
// That suffice for all that can be at once.
#define PLAN_TIME_WAITS 64
