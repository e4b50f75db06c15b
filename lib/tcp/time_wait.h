// SPDX-License-Identifier: BSD-3-Clause
// Connections in TIME_WAIT, 64 bytes each, in a ring of their own ordered by age: the oldest gives
// way when it is full, so none is ever refused (RFC 9293 §3.6.1, RFC 1337, RFC 6191).

#pragma once

#include "lib/tcp/table.h"

struct tcp_time_wait {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint8_t family;
	uint8_t has_timestamps;
	uint16_t listener;
	uint32_t rcv_nxt, snd_nxt;
	uint32_t ts_recent;
	uint32_t due;        // tick
	uint32_t next, prev; // by age
};
_Static_assert(sizeof(struct tcp_time_wait) == 64, "a cache line");

struct tcp_time_waits {
	struct tcp_time_wait *entries;
	uint32_t n, n_used, n_touched; // touched: the first ones, the others were never used
	uint32_t free, oldest, newest; // indices; UINT32_MAX: none
};

size_t tcp_time_waits_memory_bytes(uint32_t n);
void tcp_time_waits_init(struct tcp_time_waits *w, void *memory, uint32_t n);

// A fresh entry, all zero but its place, the newest: its due must be no earlier than the others';
// in place of the oldest when all are used: then *evicted is a copy of that and true is in
// *has_evicted, for the caller has to take it out of the table; the entry has its index. NULL with
// n of 0.
struct tcp_time_wait *tcp_time_wait_add(
	struct tcp_time_waits *w, struct tcp_time_wait *evicted, bool *has_evicted);
// The oldest one that is due at tick now; NULL for none.
struct tcp_time_wait *tcp_time_wait_next_due(struct tcp_time_waits *w, uint32_t now);
// Starts its time anew: it is the newest.
void tcp_time_wait_restart(struct tcp_time_waits *w, struct tcp_time_wait *e, uint32_t due);
void tcp_time_wait_del(struct tcp_time_waits *w, struct tcp_time_wait *e);
