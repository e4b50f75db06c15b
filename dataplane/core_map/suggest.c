// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/core_map.h"
#include "dataplane/core_map/machine.h"

#include <inttypes.h>

// A machine this small gives its cores to others too.
#define SHARED_CORES_MAX 2

static const struct machine_nic *first_bound(const struct machine *m)
{
	for (unsigned i = 0; i < m->n_nics; i++) {
		if (machine_nic_bound(&m->nics[i]))
			return &m->nics[i];
	}
	return NULL;
}

static void write_machine(const struct machine *m, FILE *out)
{
	unsigned n_on_node;

	fprintf(out,
		"# This machine: %u cores, %u NUMA node%s, %" PRIu64 " MB of free hugepages.\n",
		m->n_cores, m->n_nodes, m->n_nodes == 1 ? "" : "s", m->hugepage_bytes_free >> 20);
	for (unsigned node = 0; node < m->n_nodes && m->n_nodes > 1; node++) {
		n_on_node = 0;
		fprintf(out, "#   node %u: cores", node);
		for (unsigned core = 0; core < MACHINE_CORES_MAX; core++) {
			if (m->core_usable[core] && m->core_node[core] == (int)node)
				fprintf(out, "%s%u", n_on_node++ == 0 ? " " : ", ", core);
		}
		fprintf(out, "\n");
	}
	fprintf(out,
		m->n_nics == 0 ? "# It shows no network device on PCI.\n"
			       : "# Its network devices on PCI:\n");
	for (unsigned i = 0; i < m->n_nics; i++) {
		const struct machine_nic *nic = &m->nics[i];

		fprintf(out, "#   %s driver %s%s%s%s", nic->address,
			nic->driver[0] != '\0' ? nic->driver : "(none)",
			nic->interface[0] != '\0' ? ", interface " : "", nic->interface,
			machine_nic_bound(nic) ? "" : ", to be bound to vfio-pci for use");
		if (nic->node >= 0)
			fprintf(out, ", node %d", nic->node);
		fprintf(out, "\n");
	}
}

static void write_ports(const struct machine *m, FILE *out)
{
	unsigned n = 0;

	fprintf(out,
		"\n# One port a device, with one receive and one transmit queue a worker.\n"
		"# The addresses are documentation's: put your own.\nports:\n");
	for (unsigned i = 0; i < m->n_nics && n < CORE_MAP_PORTS_MAX; i++) {
		if (!machine_nic_bound(&m->nics[i]))
			continue;
		fprintf(out,
			"  - name: port%u\n    device: \"%s\"\n"
			"    addresses: [198.51.%u.1/24, 2001:db8:%u::1/64]\n"
			"    gateway: 198.51.%u.254\n",
			n, m->nics[i].address, 100 + n, n + 1, 100 + n);
		n++;
	}
	if (n > 0)
		return;
	fprintf(out,
		"  # No device is bound for DPDK: this one is an interface of the kernel's.\n"
		"  - name: port0\n    device: net_tap0,iface=fedrelay0\n"
		"    mtu: 1500\n    # vlan: 100\n"
		"    addresses: [198.51.100.1/24, 2001:db8:1::1/64]\n"
		"    gateway: 198.51.100.254\n");
}

// All cores of the node but main's; where there is none, main's.
static void write_workers(const struct machine *m, int node, unsigned main_core, FILE *out)
{
	unsigned n = 0;

	fprintf(out, "\n# One worker a core%s.\nworkers:\n",
		m->n_nodes > 1 ? ", on the node of the first device" : "");
	for (unsigned core = 0; core < MACHINE_CORES_MAX && n < CORE_MAP_WORKERS_MAX; core++) {
		if (!m->core_usable[core] || core == main_core || m->core_node[core] != node)
			continue;
		fprintf(out, "  - core: %u\n", core);
		n++;
	}
	if (n == 0)
		fprintf(out, "  - core: %u\n", main_core);
}

static void write_listeners(FILE *out)
{
	fprintf(out,
		"\n# inside: where our own servers send to. outside: where partners do.\n"
		"# udp, tcp or tls: the port; udp may take the same one as tcp or tls.\n"
		"# sent_by: this relay's own name for Via, when it is not to be the address.\n"
		"listeners:\n"
		"  - name: inside\n    port: port0\n    address: 198.51.100.1\n    udp: 5060\n"
		"    side: inside\n"
		"  - name: inside-tcp\n    port: port0\n    address: 198.51.100.1\n"
		"    tcp: 5060\n    side: inside\n"
		"    # connections: 10000            # at each worker\n"
		"    # connections_per_source: 100   # of an IPv4 address or an IPv6 /64\n"
		"  - name: outside-tls\n    port: port0\n    address: 198.51.100.1\n"
		"    tls: 5061\n    side: outside\n"
		"  - name: outside\n    port: port0\n    address: 198.51.100.1\n    udp: 5070\n"
		"    side: outside\n    # sent_by: relay1.example.com:5070\n"
		"  - name: outside6\n    port: port0\n    address: \"2001:db8:1::1\"\n"
		"    udp: 5070\n    side: outside\n");
}

// The node that the workers should be on: the first device's, else the first core's.
static int choose_node(const struct machine *m)
{
	const struct machine_nic *nic = first_bound(m);

	if (nic != NULL && nic->node >= 0)
		return nic->node;
	for (unsigned core = 0; core < MACHINE_CORES_MAX; core++) {
		if (m->core_usable[core])
			return m->core_node[core];
	}
	return 0;
}

// The first core, unless it is all that the workers' node has.
static unsigned choose_main_core(const struct machine *m, int node)
{
	unsigned first = MACHINE_CORES_MAX, elsewhere = MACHINE_CORES_MAX, n_near = 0;

	for (unsigned core = 0; core < MACHINE_CORES_MAX; core++) {
		if (!m->core_usable[core])
			continue;
		n_near += m->core_node[core] == node;
		if (first == MACHINE_CORES_MAX)
			first = core;
		if (elsewhere == MACHINE_CORES_MAX && m->core_node[core] != node)
			elsewhere = core;
	}
	return n_near <= 1 && elsewhere < MACHINE_CORES_MAX ? elsewhere : first;
}

void core_map_suggest(const struct machine *machine, FILE *out)
{
	int node = choose_node(machine);
	unsigned main_core = choose_main_core(machine, node);
	bool shared = machine->n_cores <= SHARED_CORES_MAX;

	fprintf(out,
		"# A core map for fedrelay-dataplane, suggested for this machine.\n"
		"# Check it with: fedctl core-map check FILE\n#\n");
	write_machine(machine, out);
	fprintf(out,
		"\n# poll: workers own their cores and never sleep. sleep: they do when idle, "
		"which "
		"costs\n# latency and leaves the core to others.%s\nidle: %s\n",
		shared ? " This machine has few cores." : "", shared ? "sleep" : "poll");
	fprintf(out,
		"\n# auto: when enough are free. require: refuse to start without. never.\n"
		"hugepages: auto\n");
	fprintf(out,
		"\n# Of each worker. packets: buffers of about 4.8 KB each; left out: enough for "
		"the\n# descriptors. connections and buffers: TCP's, of about 450 (over TLS "
		"1150)\n# and 1500 bytes.\n# bodies: of 64 KB each, for SIP messages too long for "
		"a packet buffer; 0: they are refused.\n# memory:\n#   packets: 16384\n#   "
		"connections: 4096\n"
		"#   buffers: 16384\n#   bodies: 640\n");
	fprintf(out, "\n# Starts, stops, publishes; relays nothing.\nmain_core: %u\n", main_core);
	fprintf(out,
		"\n# Where fedrelay-control attaches, and the one user that may.\n"
		"control:\n  socket: /run/fedrelay/dataplane.sock\n  user: fedrelay-control\n"
		"\n# What the dataplane becomes once it has started.\nuser: fedrelay\n");
	write_ports(machine, out);
	write_workers(machine, node, main_core, out);
	write_listeners(out);
}
