// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/worker/carrier.h"

#include <errno.h>
#include <rte_cycles.h>

static int open_net(struct worker *w)
{
	struct net_config config = {
		.map = w->map,
		.ports = w->ports,
		.queues = w->queues,
		.pools = w->pools,
		.counters = &w->counters,
		.numa_node = w->numa_node,
		.hz = w->hz,
	};

	w->net = net_new(&config);
	return w->net != NULL ? 0 : -errno;
}

static int open_conns(struct worker *w)
{
	struct conns_config config = {
		.map = w->map,
		.ports = w->ports,
		.net = w->net,
		.queues = w->queues,
		.pools = w->pools,
		.counters = &w->counters,
		.worker = w->index,
		.numa_node = w->numa_node,
		.now_ns = worker_ns(w, rte_rdtsc()),
	};

	if (w->map->tcp.n_conns == 0)
		return 0;
	w->conns = conns_new(&config);
	return w->conns != NULL ? 0 : -errno;
}

static int open_relay(struct worker *w)
{
	struct relay_listener listeners[CORE_MAP_LISTENERS_MAX];

	for (unsigned l = 0; l < w->map->n_listeners; l++) {
		const struct core_map_listener *listener = &w->map->listeners[l];

		if (listener->sent_by[0] != '\0')
			snprintf(w->sent_by[l], sizeof(w->sent_by[l]), "%s", listener->sent_by);
		else
			endpoint_format(&listener->local, w->sent_by[l]);
		listeners[l] = (struct relay_listener){
			.local = listener->local,
			.side = (uint8_t)listener->side,
			.sent_by = view_string(w->sent_by[l]),
			.datagram_bytes_max = (uint32_t)net_datagram_bytes_max(w->net, (uint16_t)l),
		};
	}
	w->relay =
		relay_new(listeners, w->map->n_listeners, (uint16_t)w->index, w->counters.reason);
	return w->relay != NULL ? 0 : -errno;
}

int worker_init(struct worker *w, const struct core_map *map, unsigned index, struct port ports[],
	struct pools *pools, struct exchange *exchange)
{
	int r;

	memset(w, 0, sizeof(*w));
	w->index = index;
	w->core = map->workers[index].core;
	w->numa_node = map->workers[index].numa_node;
	w->idle = map->idle;
	w->hz = rte_get_tsc_hz();
	w->ns_per_tick = (UINT64_C(1000000000) << 32) / w->hz;
	w->map = map;
	w->ports = ports;
	w->pools = pools;
	w->exchange = exchange;
	w->steering.n_workers = map->n_workers;
	for (unsigned p = 0; p < map->n_ports; p++) {
		w->queues[p].port_id = ports[p].id;
		w->queues[p].queue_id = map->workers[index].queue[p];
		w->queues[p].counters = &w->counters;
	}
	r = open_net(w);
	if (r == 0)
		r = open_conns(w);
	if (r == 0)
		r = open_relay(w);
	if (r == 0)
		r = carrier_open(w);
	if (r < 0)
		worker_fini(w);
	return r;
}

void worker_fini(struct worker *w)
{
	for (unsigned p = 0; p < w->map->n_ports; p++) {
		rte_pktmbuf_free_bulk(w->queues[p].tx, w->queues[p].n_tx);
		w->queues[p].n_tx = 0;
	}
	carrier_close(w);
	if (w->relay != NULL)
		relay_free(w->relay);
	conns_free(w->conns);
	if (w->net != NULL)
		net_free(w->net);
	w->relay = NULL;
	w->conns = NULL;
	w->net = NULL;
}

struct rte_mbuf *worker_get_buffer(struct worker *w, size_t payload_bytes)
{
	struct rte_mbuf *buffer = pools_get(w->pools, payload_bytes + RELAY_GROWTH_BYTES);

	// Room for a refusal at least, which the reserve is kept for.
	return buffer != NULL ? buffer : pools_get_reserve(w->pools, POOL_SMALL_BYTES);
}

void worker_get_buffers(
	struct worker *w, const struct net_datagram datagrams[], unsigned n, struct rte_mbuf *out[])
{
	struct rte_mbuf *small[QUEUE_BURST];
	unsigned n_small = pools_get_burst(w->pools, small, n);

	for (unsigned i = 0; i < n; i++) {
		size_t n_bytes = datagrams[i].payload.len;

		if (n_small > 0 && n_bytes + RELAY_GROWTH_BYTES <= POOL_SMALL_BYTES)
			out[i] = small[--n_small];
		else
			out[i] = worker_get_buffer(w, n_bytes);
	}
	rte_pktmbuf_free_bulk(small, n_small);
}
