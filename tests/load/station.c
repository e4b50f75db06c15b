// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/station.h"

#include "lib/sip/message.h"

#include <errno.h>
#include <rte_cycles.h>
#include <stdlib.h>

#define TIMERS_PER_SECOND  1000
#define TIMERS_BUDGET      64
#define CONN_TIMERS_BUDGET 1024
#define NEIGHBOURS_MAX     16

struct station {
	struct station_config config;
	struct worker_counters counters;
	struct queue queue;
	struct net *net;
	struct conns *conns;
	struct flows *flows;
	uint64_t hz, ns_per_tick; // in 2^-32 ns
	uint64_t next_timers;     // TSC
	struct sip_message message;
};

static uint64_t to_ns(const struct station *s, uint64_t n_ticks)
{
	return (uint64_t)((unsigned __int128)n_ticks * s->ns_per_tick >> 32);
}

static uint64_t ticks(const struct station *s)
{
	return s->config.clock != NULL ? *s->config.clock : rte_rdtsc();
}

uint64_t station_now_ns(const struct station *s)
{
	return to_ns(s, ticks(s));
}

static int open_net(struct station *s)
{
	const struct core_map *map = s->config.map;
	struct net_config config = {
		.map = map,
		.ports = s->config.ports,
		.queues = &s->queue,
		.pools = s->config.pools,
		.counters = &s->counters,
		.numa_node = map->workers[0].numa_node,
		.hz = s->hz,
	};

	s->net = net_new(&config);
	return s->net != NULL ? 0 : -errno;
}

static int open_flows(struct station *s)
{
	const struct core_map *map = s->config.map;
	struct conns_config config = {
		.map = map,
		.ports = s->config.ports,
		.net = s->net,
		.queues = &s->queue,
		.pools = s->config.pools,
		.counters = &s->counters,
		.numa_node = map->workers[0].numa_node,
		.now_ns = station_now_ns(s),
	};

	if (map->tcp.n_conns == 0)
		return 0;
	s->conns = conns_new(&config);
	if (s->conns == NULL)
		return -errno;
	s->flows = flows_new(&(struct flows_config){
		.conns = s->conns,
		.n_max = map->tcp.n_conns,
		.identities = map->listeners[0].local.transport == TRANSPORT_TLS
			? s->config.identities
			: NULL,
		.peer_name = s->config.peer_name,
	});
	return s->flows != NULL ? 0 : -ENOMEM;
}

struct station *station_new(const struct station_config *config)
{
	struct station *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->hz = rte_get_tsc_hz();
	s->ns_per_tick = (UINT64_C(1000000000) << 32) / s->hz;
	s->queue.port_id = config->ports[0].id;
	s->queue.queue_id = config->map->workers[0].queue[0];
	s->queue.counters = &s->counters;
	r = open_net(s);
	if (r == 0)
		r = open_flows(s);
	if (r == 0)
		return s;
	station_free(s);
	errno = -r;
	return NULL;
}

void station_free(struct station *s)
{
	if (s == NULL)
		return;
	rte_pktmbuf_free_bulk(s->queue.tx, s->queue.n_tx);
	flows_free(s->flows);
	conns_free(s->conns);
	net_free(s->net);
	free(s);
}

static void take_datagrams(struct station *s, const struct net_arrivals *arrivals, uint64_t now_ns)
{
	for (unsigned i = 0; i < arrivals->n_datagrams; i++) {
		const struct net_datagram *d = &arrivals->datagrams[i];
		struct way from = {
			.transport = TRANSPORT_UDP, .listener = d->listener, .remote = d->source};
		enum reason reason = sip_message_parse(d->payload, SIP_DATAGRAM, &s->message);

		if (reason == REASON_none)
			s->config.hearer.hear(s->config.hearer.user, &s->message, &from, now_ns);
		else
			s->counters.reason[reason]++;
		rte_pktmbuf_free(d->packet);
	}
}

static void run_timers(struct station *s, uint64_t now)
{
	struct net_neighbour neighbours[NEIGHBOURS_MAX];

	net_learned(s->net, neighbours, NEIGHBOURS_MAX); // for other workers: there are none
	net_timers(s->net, now, TIMERS_BUDGET);
	if (s->conns != NULL) {
		tcp_timers(conns_engine(s->conns), to_ns(s, now), CONN_TIMERS_BUDGET);
		flows_timers(s->flows, to_ns(s, now));
	}
	s->next_timers = now + s->hz / TIMERS_PER_SECOND;
}

bool station_receive(struct station *s)
{
	uint64_t now = ticks(s);
	struct rte_mbuf *frames[QUEUE_BURST];
	unsigned n = queue_receive(&s->queue, frames);
	struct net_arrivals arrivals;
	bool more = false;

	if (n > 0) {
		net_input(s->net, 0, frames, n, now, &arrivals);
		take_datagrams(s, &arrivals, to_ns(s, now));
		if (s->conns != NULL && arrivals.n_segments + arrivals.n_errors > 0)
			conns_input(s->conns, &arrivals, to_ns(s, now));
	}
	if (now >= s->next_timers)
		run_timers(s, now);
	if (s->flows != NULL)
		more = flows_poll(s->flows, &s->config.hearer, to_ns(s, now));
	return n > 0 || more;
}

static int send_datagram(struct station *s, const struct way *to, struct view message)
{
	struct rte_mbuf *packet;

	if (s->queue.full)
		return -ENOBUFS;
	packet = pools_get(s->config.pools, message.len);
	if (packet == NULL)
		return -ENOBUFS;
	memcpy(rte_pktmbuf_append(packet, (uint16_t)message.len), message.at, message.len);
	net_output(s->net, packet, to->listener, &to->remote, ticks(s));
	return 0;
}

int station_send(struct station *s, const struct way *to, struct view message)
{
	if (to->transport == TRANSPORT_UDP)
		return send_datagram(s, to, message);
	return flows_write(s->flows, to->conn, message);
}

bool station_flush(struct station *s)
{
	uint64_t now = ticks(s);
	bool more = s->conns != NULL && conns_output(s->conns, now, to_ns(s, now));

	queue_flush(&s->queue);
	return more;
}

struct flows *station_flows(struct station *s)
{
	return s->flows;
}

const struct worker_counters *station_counters(const struct station *s)
{
	return &s->counters;
}
