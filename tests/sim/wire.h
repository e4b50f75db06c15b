// SPDX-License-Identifier: BSD-3-Clause
// The path between two hosts in virtual time, with a fault for every taste: what is sent into it
// arrives later, in another order, twice, damaged, or not at all, as the seed has it.

#pragma once

#include "lib/tcp/tcp.h"
#include "tests/sim/random.h"

#include <stdio.h>

// Faults of one direction; shares are of ten thousand.
struct wire_way {
	uint32_t delay_us, jitter_us; // jitter keeps the order
	uint32_t loss, duplicate, corrupt;
	uint32_t reorder, reorder_us; // held back so much longer
	uint32_t bytes_per_ms;        // 0: no limit
	uint32_t queue_bytes;         // before the bottleneck; more is dropped
	uint16_t mtu;
	bool tells_mtu;    // a packet over the MTU is answered by ICMP, else it vanishes
	uint32_t tell_one; // only every so manieth of them
};

// From when until when nothing passes in this direction.
struct wire_cut {
	uint64_t from_ns, to_ns;
	uint8_t to;
};
#define WIRE_CUTS_MAX 8

enum wire_kind {
	WIRE_PACKET,
	WIRE_ICMP,
};
struct wire_packet {
	uint64_t at_ns, order;
	uint8_t to;   // host 0 or 1
	uint8_t kind; // enum wire_kind
	uint16_t n_bytes;
	struct tcp_icmp_error error; // of WIRE_ICMP
	uint8_t bytes[];             // exactly n_bytes, so that a sanitizer sees who reads beyond
};

#define WIRE_PACKETS_MAX 8192
struct wire {
	struct wire_way ways[2]; // by the host that receives
	struct wire_cut cuts[WIRE_CUTS_MAX];
	unsigned n_cuts;
	unsigned link_bytes; // of a header before each packet, such as Ethernet's
	struct rng rng;
	uint64_t order, busy_until_ns[2], last_ns[2];
	unsigned n, n_over_mtu;
	struct wire_packet *heap[WIRE_PACKETS_MAX];
	uint64_t n_sent, n_lost, n_duplicated, n_corrupted, n_reordered, n_too_big, n_queue_full;
	FILE *trace; // what becomes of each packet; NULL: nothing
	uint64_t trace_start_ns;
};

void wire_init(struct wire *w, uint64_t seed);
// What has not arrived is lost.
void wire_fini(struct wire *w);

void wire_send(struct wire *w, uint8_t to, const uint8_t *bytes, size_t n_bytes, uint64_t now);
void wire_send_icmp(struct wire *w, uint8_t to, const struct tcp_icmp_error *error, uint64_t now);

// When the next packet arrives; UINT64_MAX when there is none.
uint64_t wire_next_ns(const struct wire *w);
// The next one that has arrived by now, the caller's to free(); NULL for none.
struct wire_packet *wire_take(struct wire *w, uint64_t now);

// A line about a packet, as its sender meant it.
void wire_trace(struct wire *w, uint64_t now, const char *fate, uint8_t to, struct view packet);
