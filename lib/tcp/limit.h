// SPDX-License-Identifier: BSD-3-Clause
// How many established connections of peers each listener has, in all and of each source: an IPv4
// address, or an IPv6 prefix of 64 bits, which is what one host has. Counted exactly, so that
// nobody's connections are counted as somebody else's. A handshake is not counted until it is over:
// else a SYN with a forged source would use up what belongs to that source.

#pragma once

#include "lib/base/addr.h"
#include "lib/base/siphash.h"

struct tcp_limit_source {
	uint64_t address; // or prefix
	uint32_t next;    // of its bucket, or the free list; index + 1
	uint32_t n_conns; // 0: free
	uint16_t listener;
	uint8_t family;
	uint8_t zero[5];
};

struct tcp_limit {
	uint32_t conns_max, source_conns_max; // 0: none
	uint32_t n_conns;
};

struct tcp_limits {
	struct siphash_key key;
	struct tcp_limit_source *sources;
	uint32_t *buckets; // index + 1
	uint32_t n, bucket_mask, free;
};

// n: sources at once; 0: none is counted.
size_t tcp_limits_memory_bytes(uint32_t n);
// memory: zeroed, aligned to 64.
void tcp_limits_init(struct tcp_limits *l, void *memory, uint32_t n, const struct siphash_key *key);

// Connections of that source; to compare, in one call, with what a limit says.
uint32_t tcp_limits_of(const struct tcp_limits *l, uint16_t listener, const struct ip_addr *ip);
// One more, or one less. Nothing happens beyond n sources, where the caller, who limits
// connections to n or fewer, never comes.
void tcp_limits_add(struct tcp_limits *l, uint16_t listener, const struct ip_addr *ip);
void tcp_limits_del(struct tcp_limits *l, uint16_t listener, const struct ip_addr *ip);
