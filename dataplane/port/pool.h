// SPDX-License-Identifier: BSD-3-Clause
// Packet memory of one worker: pools on its NUMA node, filled before start.

#pragma once

#include <rte_mbuf.h>

// What a pool of each size can hold in one buffer, headroom aside.
#define POOL_SMALL_BYTES 2048
#define POOL_LARGE_BYTES 16384 // a reassembled datagram and what the relay adds to it
#define POOL_HUGE_BYTES  65280 // a message of a stream: as much as a buffer's length can say
// Of each buffer, before its headroom: for whoever holds it.
#define POOL_PRIVATE_BYTES 128

struct pools {
	struct rte_mempool *small;   // received frames, and most messages sent
	struct rte_mempool *large;   // what does not fit one; an eighth as many
	struct rte_mempool *huge;    // and what does not fit that; a few
	struct rte_mempool *reserve; // ARP, ICMP, ND, refusals, when the others are empty
};

// numa_node: of the worker. 0 or -errno.
int pools_open(struct pools *p, unsigned worker, int numa_node, uint32_t n_packets);
void pools_close(struct pools *p);

// A buffer with room for n_bytes of payload after headroom for Ethernet, VLAN and IP headers.
// NULL when the pool is empty or n_bytes too large; the caller counts that.
struct rte_mbuf *pools_get(struct pools *p, size_t n_bytes);
// As many small ones at once, at less cost than one by one: n of them, or 0 where there are fewer.
unsigned pools_get_burst(struct pools *p, struct rte_mbuf *out[], unsigned n);
// What a buffer of these is worth: so many small ones as there are to each of its kind.
uint32_t pools_weight(const struct pools *p, const struct rte_mbuf *buffer);
struct rte_mbuf *pools_get_reserve(struct pools *p, size_t n_bytes);
