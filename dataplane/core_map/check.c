// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/draft.h"

#include <ctype.h>
#include <inttypes.h>

// What EAL, the drivers and the reserve pools take beside the packets.
#define MEMORY_BASE_BYTES (UINT64_C(64) << 20)
// One small buffer with its mbuf, headroom and mempool header; and a share of an eighth in a large
// one. See dataplane/port/pool.h.
#define MEMORY_PACKET_BYTES (2560 + 16896 / 8)

uint64_t core_map_memory_bytes(const struct core_map *map)
{
	uint64_t descriptors = 0;

	// Drivers keep less than 256 bytes of their own a descriptor, both ways.
	for (unsigned p = 0; p < map->n_ports; p++)
		descriptors += 2 * map->ports[p].n_descriptors;
	return MEMORY_BASE_BYTES +
		map->n_workers *
		((uint64_t)map->n_packets * MEMORY_PACKET_BYTES + descriptors * 256);
}

static bool same_network(
	const struct core_map_address *a, const struct ip_addr *ip, unsigned prefix_bits)
{
	struct ip_prefix prefix = {.ip = a->ip, .bits = (uint8_t)prefix_bits};

	return ip_prefix_covers(&prefix, ip);
}

static unsigned common_bits(const struct core_map_address *a, const struct core_map_address *b)
{
	return a->prefix_bits < b->prefix_bits ? a->prefix_bits : b->prefix_bits;
}

static bool is_link_local6(const struct ip_addr *ip)
{
	return ip->family == IP_V6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

// NULL for an address that a host may have; otherwise what it is.
static const char *unusable(const struct ip_addr *ip)
{
	static const uint8_t zeros[16], loopback6[16] = {[15] = 1};

	if (memcmp(ip->bytes, zeros, sizeof(zeros)) == 0)
		return "the unspecified address";
	if (ip->family == IP_V6) {
		if (memcmp(ip->bytes, loopback6, sizeof(loopback6)) == 0)
			return "a loopback address";
		return ip->bytes[0] == 0xff ? "a multicast address" : NULL;
	}
	if (ip->bytes[0] == 127)
		return "a loopback address";
	if (ip->bytes[0] >= 224)
		return ip->bytes[0] < 240 ? "a multicast address" : "a reserved address";
	return ip->bytes[0] == 0 ? "of this network, 0.0.0.0/8" : NULL;
}

// An IPv4 network's own address, or its broadcast address (RFC 1122 §3.2.1.3).
static bool is_network_or_broadcast(const struct core_map_address *a)
{
	uint32_t host = 0, mask;

	if (a->ip.family != IP_V4 || a->prefix_bits >= 31)
		return false;
	for (unsigned i = 0; i < 4; i++)
		host = host << 8 | a->ip.bytes[i];
	mask = UINT32_MAX >> a->prefix_bits;
	return (host & mask) == 0 || (host & mask) == mask;
}

static void check_address(struct draft *d, unsigned p, unsigned i)
{
	const struct core_map_address *a = &d->map->ports[p].addresses[i];
	const char *what = unusable(&a->ip);
	unsigned line = d->address_line[p][i];
	char text[IP_TEXT_BYTES];

	ip_format(&a->ip, text);
	if (what != NULL)
		errors_add(d->errors, line, "%s is %s; expected a host's own address", text, what);
	else if (is_network_or_broadcast(a))
		errors_add(d->errors, line,
			"%s is the network or broadcast address of its /%u; expected a host's",
			text, a->prefix_bits);
	for (unsigned q = 0; q <= p; q++) {
		const struct core_map_port *other = &d->map->ports[q];
		unsigned n = q == p ? i : other->n_addresses;

		for (unsigned j = 0; j < n; j++) {
			const struct core_map_address *b = &other->addresses[j];

			if (ip_equal(&a->ip, &b->ip)) {
				errors_add(d->errors, line, "%s is an address already on line %u",
					text, d->address_line[q][j]);
			} else if (q != p && same_network(a, &b->ip, common_bits(a, b)) &&
				!is_link_local6(&a->ip)) {
				errors_add(d->errors, line,
					"%s/%u overlaps a network of port %s, line %u; expected "
					"each network on one port",
					text, a->prefix_bits, other->name, d->address_line[q][j]);
			}
		}
	}
}

static void check_gateway(struct draft *d, const struct core_map_port *port,
	const struct ip_addr *gateway, unsigned line)
{
	const char *name = gateway->family == IP_V4 ? "gateway" : "gateway6";
	const char *what = unusable(gateway);
	bool covered = is_link_local6(gateway);
	char text[IP_TEXT_BYTES];

	if (gateway->family == IP_NONE)
		return;
	ip_format(gateway, text);
	for (unsigned i = 0; i < port->n_addresses; i++) {
		const struct core_map_address *a = &port->addresses[i];

		if (ip_equal(&a->ip, gateway))
			what = "the port's own address";
		covered = covered || same_network(a, gateway, a->prefix_bits);
	}
	if (what != NULL)
		errors_add(
			d->errors, line, "%s: %s is %s; expected the router's", name, text, what);
	else if (!covered)
		errors_add(d->errors, line,
			"%s: %s is in no prefix of port %s; expected an address on its link", name,
			text, port->name);
}

static bool is_name(const char *s)
{
	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_' && *s != '.')
			return false;
	}
	return true;
}

static bool is_pci_address(const char *s)
{
	// d: a hexadecimal digit, o: an octal one
	static const char form[] = "dddd:dd:dd.o";

	for (const char *f = form; *f != '\0'; f++, s++) {
		bool ok = *f == 'd' ? isxdigit((unsigned char)*s) != 0
				    : (*f == 'o' ? *s >= '0' && *s <= '7' : *s == *f);

		if (!ok)
			return false;
	}
	return *s == '\0';
}

static const struct machine_nic *find_nic(const struct machine *m, const char *address)
{
	for (unsigned i = 0; i < m->n_nics; i++) {
		if (strcasecmp(m->nics[i].address, address) == 0)
			return &m->nics[i];
	}
	return NULL;
}

static void check_device(struct draft *d, const struct core_map_port *port)
{
	const struct machine_nic *nic;

	if (strncmp(port->device, "net_", 4) == 0)
		return;
	if (!is_pci_address(port->device)) {
		errors_add(d->errors, port->line,
			"device: %s is not right; expected a PCI address such as 0000:3b:00.0, or "
			"a "
			"DPDK vdev such as net_tap0,iface=fed0",
			port->device);
		return;
	}
	nic = find_nic(d->machine, port->device);
	if (nic == NULL)
		errors_add(d->errors, port->line,
			"device: there is no network device at %s; `fedctl core-map suggest` lists "
			"them",
			port->device);
	else if (!machine_nic_bound(nic))
		errors_add(d->errors, port->line,
			"device: %s has driver %s, which DPDK cannot use; bind it to vfio-pci "
			"(dpdk-devbind.py)",
			port->device, nic->driver[0] != '\0' ? nic->driver : "(none)");
}

// Devices are equal up to the vdev's arguments.
static bool same_device(const char *a, const char *b)
{
	size_t n = strcspn(a, ",");

	return n == strcspn(b, ",") && strncasecmp(a, b, n) == 0;
}

static void check_port(struct draft *d, unsigned p)
{
	const struct core_map_port *port = &d->map->ports[p];

	if (!is_name(port->name))
		errors_add(d->errors, port->line,
			"name: %s is not right; expected letters, digits, '-', '_' and '.'",
			port->name);
	if ((port->n_descriptors & (port->n_descriptors - 1)) != 0)
		errors_add(d->errors, port->line,
			"descriptors: %u is not right; expected a power of two",
			port->n_descriptors);
	check_device(d, port);
	for (unsigned q = 0; q < p; q++) {
		if (strcmp(port->name, d->map->ports[q].name) == 0)
			errors_add(d->errors, port->line, "port %s is there already, line %u",
				port->name, d->map->ports[q].line);
		if (same_device(port->device, d->map->ports[q].device))
			errors_add(d->errors, port->line, "device %s is port %s already, line %u",
				port->device, d->map->ports[q].name, d->map->ports[q].line);
	}
	for (unsigned i = 0; i < port->n_addresses; i++)
		check_address(d, p, i);
	check_gateway(d, port, &port->gateway4, d->gateway4_line[p]);
	check_gateway(d, port, &port->gateway6, d->gateway6_line[p]);
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
	const struct machine_nic *nic = find_nic(d->machine, port->device);
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

static void check_sent_by(struct draft *d, const struct core_map_listener *listener)
{
	static const char extra[] = "-.:[]";

	for (const char *s = listener->sent_by; *s != '\0'; s++) {
		if (isalnum((unsigned char)*s) || strchr(extra, *s) != NULL)
			continue;
		errors_add(d->errors, listener->line,
			"sent_by: %s is not right; expected HOST or HOST:PORT, as it shall stand "
			"in "
			"Via",
			listener->sent_by);
		return;
	}
}

static void check_listener(struct draft *d, unsigned l)
{
	struct core_map_listener *listener = &d->map->listeners[l];
	const struct core_map_port *port;
	char text[ENDPOINT_TEXT_BYTES];
	bool found = false;

	if (!is_name(listener->name))
		errors_add(d->errors, listener->line,
			"name: %s is not right; expected letters, digits, '-', '_' and '.'",
			listener->name);
	check_sent_by(d, listener);
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
		if (endpoint_equal(&listener->local, &other->local))
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
		check_port(d, p);
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
	check_hugepages(d);
}
