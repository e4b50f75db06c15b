// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/net/net.h"

#include "dataplane/net/listeners.h"
#include "dataplane/net/state.h"

#include <errno.h>
#include <rte_malloc.h>
#include <rte_random.h>

// What has not come by then is lost: SIP's timer A asks again after half a second. Shorter than
// RFC 8200 §4.5's sixty, since held fragments are packet memory.
#define FRAGMENT_SECONDS 5
// Datagrams under way may hold at most an eighth of the packets.
#define FRAGMENT_SHARE     (8 * NET_FRAGMENTS_MAX)
#define FRAGMENT_TABLE_MIN 8
#define FRAGMENT_TABLE_MAX 1024
#define FRAGMENT_WAYS      4

#define ANNOUNCE_TIMES 2 // ANNOUNCE_NUM (RFC 5227 §1.1), and two reports (RFC 3810 §9.14.1)

static struct rte_ip_frag_tbl *fragment_table(const struct net_config *config)
{
	uint32_t n = config->map->n_packets / FRAGMENT_SHARE;

	n = RTE_MAX(RTE_MIN(n, (uint32_t)FRAGMENT_TABLE_MAX), (uint32_t)FRAGMENT_TABLE_MIN);
	return rte_ip_frag_table_create(
		n, FRAGMENT_WAYS, n, FRAGMENT_SECONDS * config->hz, config->numa_node);
}

struct net *net_new(const struct net_config *config)
{
	struct net *n =
		rte_zmalloc_socket("net", sizeof(*n), RTE_CACHE_LINE_SIZE, config->numa_node);

	if (n == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	n->fragments = fragment_table(config);
	if (n->fragments == NULL) {
		rte_free(n);
		errno = ENOMEM;
		return NULL;
	}
	n->map = config->map;
	n->queues = config->queues;
	n->pools = config->pools;
	n->reasons = config->counters->reason;
	n->hz = config->hz;
	n->next_id = (uint32_t)rte_rand();
	n->id_key = (uint32_t)rte_rand();
	for (unsigned i = 0; i < config->map->n_ports; i++)
		net_port_init(&n->ports[i], &config->map->ports[i], &config->ports[i]);
	listeners_init(n);
	neighbours_init(&n->neighbours, rte_rand(), config->hz);
	return n;
}

void net_free(struct net *n)
{
	struct rte_mbuf *packet;

	if (n == NULL)
		return;
	for (unsigned i = 0; i < NEIGHBOUR_N; i++) {
		struct neighbour *e = &n->neighbours.entries[i];

		while ((packet = neighbour_next_waiting(&n->neighbours, e)) != NULL)
			rte_pktmbuf_free(packet);
	}
	rte_ip_frag_table_destroy(n->fragments);
	rte_free(n);
}

static void group_timers(struct net *n, uint64_t now)
{
	if (n->n_announced < ANNOUNCE_TIMES &&
		(n->n_announced == 0 || (int64_t)(now - n->announce_due) >= 0)) {
		net_announce(n);
		n->n_announced++;
		n->announce_due = now + n->hz;
	}
	if ((int64_t)(now - n->report_due) < 0)
		return;
	for (unsigned i = 0; i < n->map->n_ports; i++) {
		if (!n->ports[i].report_groups)
			continue;
		n->ports[i].report_groups = false;
		net_report_groups(n, &n->ports[i]);
		n->report_due = now + n->hz;
	}
}

void net_timers(struct net *n, uint64_t now, unsigned budget)
{
	group_timers(n, now);
	net_reassembly_timers(n, now);
	net_resolve_timers(n, now, budget);
}
