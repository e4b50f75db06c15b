// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/draft.h"
#include "lib/sip/uri.h"

#include <ctype.h>
#include <inttypes.h>

// What EAL, the drivers and the reserve pools take beside the packets.
#define MEMORY_BASE_BYTES (UINT64_C(64) << 20)
// One small buffer with its mbuf, headroom and mempool header; and a share of an eighth in a large
// one. See dataplane/port/pool.h.
#define MEMORY_PACKET_BYTES (2688 + 17024 / 8)
// Its few huge ones.
#define MEMORY_HUGE_BYTES (UINT64_C(3) << 20)

#define TCP_CONNS_DEFAULT 4096 // a worker
#define TCP_IP_BYTES_MIN  40   // of both headers: what an IPv4 segment of a full MTU holds less

uint64_t core_map_memory_bytes(const struct core_map *map)
{
	uint64_t descriptors = 0;

	// Drivers keep less than 256 bytes of their own a descriptor, both ways.
	for (unsigned p = 0; p < map->n_ports; p++)
		descriptors += 2 * map->ports[p].n_descriptors;
	return MEMORY_BASE_BYTES +
		map->n_workers *
		(MEMORY_HUGE_BYTES + (uint64_t)map->n_packets * MEMORY_PACKET_BYTES +
			descriptors * 256 + (uint64_t)map->n_bodies * CORE_MAP_BODY_BYTES +
			(map->tcp.n_conns > 0 ? tcp_memory_bytes(&map->tcp) : 0));
}

// Index, or n_ports for none.
static unsigned find_port(const struct core_map *map, const char *name)
{
	unsigned p = 0;

	while (p < map->n_ports && strcmp(map->ports[p].name, name) != 0)
		p++;
	return p;
}

static void check_core(struct draft *d, const char *what, unsigned core, unsigned line)
{
	if (core < MACHINE_CORES_MAX && d->machine->core_usable[core])
		return;
	errors_add(d->errors, line,
		"%s: core %u is not online, or not in this process' cpuset; the machine has %u "
		"(see /sys/devices/system/cpu/online)",
		what, core, d->machine->n_cores);
}

// Queue w of every port is worker w's, unless the map says otherwise.
static void take_queues(struct draft *d, unsigned w)
{
	struct core_map_worker *worker = &d->map->workers[w];

	for (unsigned p = 0; p < CORE_MAP_PORTS_MAX; p++)
		worker->queue[p] = (uint16_t)w;
	for (unsigned i = 0; i < d->n_queues[w]; i++) {
		const struct draft_queue *q = &d->queues[w][i];
		unsigned p = find_port(d->map, q->port);

		if (p == d->map->n_ports)
			errors_add(d->errors, q->line, "queues: there is no port %s", q->port);
		else if (q->queue >= d->map->n_workers)
			errors_add(d->errors, q->line,
				"queue: %u is not right; expected 0 to %u, one a worker", q->queue,
				d->map->n_workers - 1);
		else
			worker->queue[p] = q->queue;
	}
}

static void check_queues(struct draft *d)
{
	const struct core_map *map = d->map;

	for (unsigned p = 0; p < map->n_ports; p++) {
		for (unsigned w = 0; w < map->n_workers; w++) {
			for (unsigned v = 0; v < w; v++) {
				if (map->workers[w].queue[p] != map->workers[v].queue[p])
					continue;
				errors_add(d->errors, map->workers[w].line,
					"queue %u of port %s is also that of the worker on line "
					"%u; expected each queue at one worker",
					map->workers[w].queue[p], map->ports[p].name,
					map->workers[v].line);
			}
		}
	}
}

static void check_worker(struct draft *d, unsigned w)
{
	struct core_map_worker *worker = &d->map->workers[w];

	check_core(d, "worker", worker->core, worker->line);
	worker->numa_node = d->machine->core_node[worker->core];
	if (worker->core == d->map->main_core && d->map->idle == IDLE_POLL &&
		d->machine->n_cores > 1)
		errors_add(d->errors, worker->line,
			"core %u is main_core, line %u, and a polling worker leaves it no time; "
			"expected another core, or idle: sleep",
			worker->core, d->main_core_line);
	for (unsigned v = 0; v < w; v++) {
		if (worker->core == d->map->workers[v].core)
			errors_add(d->errors, worker->line, "core %u has a worker already, line %u",
				worker->core, d->map->workers[v].line);
	}
	take_queues(d, w);
}

// Packets of a port lie in its workers' memory. All of them on another node than the device is a
// mistake in every case; some of them is a choice that costs.
static void check_nodes(struct draft *d, const struct core_map_port *port)
{
	const struct machine_nic *nic = draft_find_nic(d->machine, port->device);
	unsigned n_near = 0;

	if (nic == NULL || nic->node < 0 || d->machine->n_nodes < 2)
		return;
	for (unsigned w = 0; w < d->map->n_workers; w++)
		n_near += d->map->workers[w].numa_node == nic->node;
	if (n_near == 0)
		errors_add(d->errors, port->line,
			"port %s is on NUMA node %d and no worker is; expected workers on cores of "
			"that node",
			port->name, nic->node);
	else if (n_near < d->map->n_workers)
		errors_add(d->warnings, port->line,
			"port %s is on NUMA node %d, but %u of %u workers are not: their packets "
			"cross nodes",
			port->name, nic->node, d->map->n_workers - n_near, d->map->n_workers);
}

// As the relay reads it, who would not start with another one.
static bool is_sent_by(const char *s)
{
	static const char extra[] = "-.:[]";
	char text[sizeof("sip:") + CORE_MAP_DEVICE_BYTES];
	struct sip_uri uri;
	int n = snprintf(text, sizeof(text), "sip:%s", s);

	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && strchr(extra, *s) == NULL)
			return false;
	}
	return sip_uri_parse(view_of(text, (size_t)n), &uri) == 0;
}

static void check_sent_by(struct draft *d, const struct core_map_listener *listener)
{
	if (listener->sent_by[0] == '\0' || is_sent_by(listener->sent_by))
		return;
	errors_add(d->errors, listener->line,
		"sent_by: %s is not right; expected HOST or HOST:PORT, as it shall stand in Via",
		listener->sent_by);
}

// TLS is carried by TCP connections: one port cannot take both.
static bool is_same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip) &&
		transport_is_stream(a->transport) == transport_is_stream(b->transport);
}

static void check_limits(struct draft *d, const struct core_map_listener *listener)
{
	if (listener->n_conns + listener->n_source_conns > 0 &&
		listener->local.transport == TRANSPORT_UDP)
		errors_add(d->errors, listener->line,
			"listener %s: udp has no connections; expected connections and "
			"connections_per_source with tcp or tls",
			listener->name);
}

static void check_listener(struct draft *d, unsigned l)
{
	struct core_map_listener *listener = &d->map->listeners[l];
	const struct core_map_port *port;
	char text[ENDPOINT_TEXT_BYTES];
	bool found = false;

	if (!draft_is_name(listener->name))
		errors_add(d->errors, listener->line,
			"name: %s is not right; expected letters, digits, '-', '_' and '.'",
			listener->name);
	check_sent_by(d, listener);
	check_limits(d, listener);
	if (d->transport_line[l] == 0)
		errors_add(d->errors, listener->line,
			"listener %s: udp, tcp or tls is missing; expected the port of one of them",
			listener->name);
	listener->port = find_port(d->map, d->listener_port[l]);
	if (listener->port == d->map->n_ports) {
		errors_add(d->errors, listener->line, "listener %s: there is no port %s",
			listener->name, d->listener_port[l]);
		return;
	}
	port = &d->map->ports[listener->port];
	for (unsigned i = 0; i < port->n_addresses; i++)
		found = found || ip_equal(&port->addresses[i].ip, &listener->local.ip);
	endpoint_format(&listener->local, text);
	if (!found)
		errors_add(d->errors, listener->line,
			"listener %s: the address of %s is not one of port %s; expected one of its "
			"addresses",
			listener->name, text, port->name);
	for (unsigned k = 0; k < l; k++) {
		const struct core_map_listener *other = &d->map->listeners[k];

		if (strcmp(listener->name, other->name) == 0)
			errors_add(d->errors, listener->line,
				"listener %s is there already, line %u", listener->name,
				other->line);
		if (is_same_place(&listener->local, &other->local))
			errors_add(d->errors, listener->line,
				"listener %s: %s is that of listener %s already, line %u",
				listener->name, text, other->name, other->line);
	}
}

// A worker's pool must fill the receive queues of all ports, their transmit queues, and leave as
// much again for what it works on.
static void check_packets(struct draft *d)
{
	uint32_t needed = 2048;

	for (unsigned p = 0; p < d->map->n_ports; p++)
		needed += 2 * d->map->ports[p].n_descriptors;
	if (d->packets_line == 0)
		d->map->n_packets = needed < 8192 ? 8192 : 2 * needed;
	else if (d->map->n_packets < needed)
		errors_add(d->errors, d->packets_line,
			"packets: %" PRIu32
			" is too few for the descriptors of %u ports; expected at "
			"least %" PRIu32,
			d->map->n_packets, d->map->n_ports, needed);
}

// Of the connections that each worker has, where a listener takes any.
static void check_tcp(struct draft *d)
{
	struct core_map *map = d->map;
	uint32_t n_conns = d->n_conns > 0 ? d->n_conns : TCP_CONNS_DEFAULT;
	bool listens = false;
	uint16_t mtu = 0;

	for (unsigned l = 0; l < map->n_listeners; l++)
		listens = listens || transport_is_stream(map->listeners[l].local.transport);
	if (!listens)
		return;
	for (unsigned p = 0; p < map->n_ports; p++)
		mtu = map->ports[p].mtu > mtu ? map->ports[p].mtu : mtu;
	tcp_config_default(&map->tcp, n_conns);
	map->tcp.chunk_bytes = (uint16_t)(mtu - TCP_IP_BYTES_MIN);
	if (d->n_buffers > 0)
		map->tcp.n_chunks = d->n_buffers;
	map->n_bodies = d->n_bodies;
	for (unsigned l = 0; l < map->n_listeners; l++) {
		if (map->listeners[l].n_source_conns > 0)
			map->tcp.n_sources = map->tcp.n_conns;
	}
}

static void check_hugepages(struct draft *d)
{
	uint64_t needed = core_map_memory_bytes(d->map);
	uint64_t available = d->machine->hugepage_bytes_free;

	d->map->use_hugepages = d->map->hugepages != HUGEPAGES_NEVER && available >= needed;
	if (d->map->hugepages == HUGEPAGES_REQUIRE && available < needed)
		errors_add(d->errors, d->hugepages_line,
			"hugepages: %" PRIu64 " MB are free and %" PRIu64
			" MB are needed; expected more of them (vm.nr_hugepages), fewer packets, "
			"or "
			"hugepages: auto",
			available >> 20, needed >> 20);
}

void draft_check(struct draft *d)
{
	check_core(d, "main_core", d->map->main_core, d->main_core_line);
	for (unsigned p = 0; p < d->map->n_ports; p++)
		draft_check_port(d, p);
	for (unsigned w = 0; w < d->map->n_workers; w++)
		check_worker(d, w);
	// A queue that was refused has left its worker the one that it would have by default.
	if (d->errors->n == 0)
		check_queues(d);
	for (unsigned p = 0; p < d->map->n_ports; p++)
		check_nodes(d, &d->map->ports[p]);
	for (unsigned l = 0; l < d->map->n_listeners; l++)
		check_listener(d, l);
	check_packets(d);
	check_tcp(d);
	check_hugepages(d);
}
