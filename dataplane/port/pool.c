// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/port/pool.h"

#include <errno.h>
#include <rte_errno.h>
#include <string.h>

// Frames that answer ARP and the like; they live from one burst to the next.
#define RESERVE_PACKETS 512
#define CACHE_PACKETS   256
// Two MB of them.
#define HUGE_PACKETS 32

_Static_assert(RTE_PKTMBUF_HEADROOM + POOL_HUGE_BYTES <= UINT16_MAX, "a buffer's length says it");
_Static_assert(POOL_PRIVATE_BYTES % RTE_MBUF_PRIV_ALIGN == 0, "as DPDK wants it");

static struct rte_mempool *open_pool(const char *kind, unsigned worker, int numa_node,
	uint32_t n_packets, unsigned n_cached, unsigned n_bytes)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "%s%u", kind, worker);
	// A stack gives out what came back last, which is still in the cache; the usual ring goes
	// through all of the memory in turn.
	return rte_pktmbuf_pool_create_by_ops(name, n_packets, n_cached, POOL_PRIVATE_BYTES,
		(uint16_t)(RTE_PKTMBUF_HEADROOM + n_bytes), numa_node, "lf_stack");
}

int pools_open(struct pools *p, unsigned worker, int numa_node, uint32_t n_packets)
{
	int r;

	memset(p, 0, sizeof(*p));
	p->small =
		open_pool("small", worker, numa_node, n_packets, CACHE_PACKETS, POOL_SMALL_BYTES);
	p->large = open_pool(
		"large", worker, numa_node, n_packets / 8, CACHE_PACKETS / 8, POOL_LARGE_BYTES);
	p->huge = open_pool("huge", worker, numa_node, HUGE_PACKETS, 0, POOL_HUGE_BYTES);
	p->reserve = open_pool("reserve", worker, numa_node, RESERVE_PACKETS, 0, POOL_SMALL_BYTES);
	if (p->small != NULL && p->large != NULL && p->huge != NULL && p->reserve != NULL)
		return 0;
	r = rte_errno > 0 ? -rte_errno : -ENOMEM;
	pools_close(p);
	return r;
}

void pools_close(struct pools *p)
{
	rte_mempool_free(p->small);
	rte_mempool_free(p->large);
	rte_mempool_free(p->huge);
	rte_mempool_free(p->reserve);
	memset(p, 0, sizeof(*p));
}

struct rte_mbuf *pools_get(struct pools *p, size_t n_bytes)
{
	if (n_bytes <= POOL_SMALL_BYTES)
		return rte_pktmbuf_alloc(p->small);
	if (n_bytes <= POOL_LARGE_BYTES)
		return rte_pktmbuf_alloc(p->large);
	return n_bytes <= POOL_HUGE_BYTES ? rte_pktmbuf_alloc(p->huge) : NULL;
}

unsigned pools_get_burst(struct pools *p, struct rte_mbuf *out[], unsigned n)
{
	if (rte_mempool_get_bulk(p->small, (void **)out, n) != 0)
		return 0;
	// They lay with the device until now: the misses of all of them overlap.
	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(out[i]);
		rte_prefetch0((const uint8_t *)out[i] + RTE_CACHE_LINE_SIZE);
	}
	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_reset(out[i]);
	return n;
}

uint32_t pools_weight(const struct pools *p, const struct rte_mbuf *buffer)
{
	if (buffer->pool != p->large && buffer->pool != p->huge)
		return 1;
	return p->small->size / buffer->pool->size;
}

struct rte_mbuf *pools_get_reserve(struct pools *p, size_t n_bytes)
{
	return n_bytes <= POOL_SMALL_BYTES ? rte_pktmbuf_alloc(p->reserve) : NULL;
}
