// SPDX-License-Identifier: BSD-3-Clause
// Two engines in one process that hand each other whole IP packets in memory, so that what one of
// them costs can be timed apart from the other. Time is virtual: it passes as the bench says.

#pragma once

#include "lib/tcp/tcp.h"

// Packets to one side, packed one behind another.
struct pair_queue {
	uint8_t *bytes;
	size_t n_bytes, room;
	uint32_t *ends; // of each packet
	unsigned n, n_max;
};

// Who sums, and cuts.
enum pair_offload {
	PAIR_SOFTWARE, // checksums here, one packet a segment
	PAIR_DEVICE,   // the device sums both ways, and cuts what it sends
};

struct pair_host;
typedef void pair_on_event(struct pair_host *h, const struct tcp_event *e);

struct pair_host {
	struct tcp *tcp;
	void *memory;
	size_t memory_bytes;
	uint64_t counters[REASON_N];
	struct ip_addr ip;
	struct pair_queue in;
	struct pair_host *peer;
	enum pair_offload offload;
	pair_on_event *on_event;
	uint8_t *uncut;                // where PAIR_DEVICE lays what it would give to the device
	uint64_t busy_ns, n_in, n_out; // of its turns since pair_reset()
};

// Both with the same sizes; the second one listens at PAIR_PORT.
#define PAIR_PORT 5060
#define PAIR_MTU  1500
void pair_open(struct pair_host hosts[2], const struct tcp_config *config,
	enum pair_offload offload, uint64_t now);
void pair_close(struct pair_host hosts[2]);
void pair_reset(struct pair_host hosts[2]);

// One worker's turn, timed: what has come, timers, events, what is to be sent.
void pair_turn(struct pair_host *h, uint64_t now);
// Turns of both until neither has anything to say.
void pair_settle(struct pair_host hosts[2], uint64_t now);
// The port of client n, and its address: all pairs differ.
void pair_client(unsigned n, struct endpoint *local);
// Opens connection n from the first host to the second.
tcp_conn_id pair_dial(struct pair_host hosts[2], unsigned n, uint64_t now);

// Prints and exits with 1 for what does not hold.
void pair_require(bool holds, const char *what);
