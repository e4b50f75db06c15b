// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/core_map.h"

#include "dataplane/core_map/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

// Line numbers in the tests count from here.
static const char base[] = "idle: poll\n"                                    // 1
			   "hugepages: auto\n"                               // 2
			   "memory:\n"                                       // 3
			   "  packets: 16384\n"                              // 4
			   "main_core: 0\n"                                  // 5
			   "control:\n"                                      // 6
			   "  socket: /run/x.sock\n"                         // 7
			   "  user: control\n"                               // 8
			   "user: relay\n"                                   // 9
			   "ports:\n"                                        // 10
			   "  - name: left\n"                                // 11
			   "    device: net_tap0,iface=l0\n"                 // 12
			   "    mtu: 9000\n"                                 // 13
			   "    vlan: 7\n"                                   // 14
			   "    descriptors: 512\n"                          // 15
			   "    addresses: [192.0.2.1/24, 2001:db8::1/64]\n" // 16
			   "    gateway: 192.0.2.254\n"                      // 17
			   "    gateway6: fe80::1\n"                         // 18
			   "  - name: right\n"                               // 19
			   "    device: 0000:3b:00.0\n"                      // 20
			   "    addresses:\n"                                // 21
			   "      - 198.51.100.1/25\n"                       // 22
			   "      - 2001:db8:1::1/64\n"                      // 23
			   "workers:\n"                                      // 24
			   "  - core: 1\n"                                   // 25
			   "    queues: [{port: left, queue: 1}]\n"          // 26
			   "  - core: 2\n"                                   // 27
			   "    queues: [{port: left, queue: 0}]\n"          // 28
			   "listeners:\n"                                    // 29
			   "  - name: in\n"                                  // 30
			   "    port: left\n"                                // 31
			   "    address: 192.0.2.1\n"                        // 32
			   "    udp: 5060\n"                                 // 33
			   "    side: inside\n"                              // 34
			   "  - name: out6\n"                                // 35
			   "    port: right\n"                               // 36
			   "    address: 2001:db8:1::1\n"                    // 37
			   "    udp: 5070\n"                                 // 38
			   "    side: outside\n"                             // 39
			   "    sent_by: \"relay.example:5070\"\n";          // 40

// Two nodes of four cores, core 7 offline; two NICs on node 0, one of them the kernel's.
static struct machine machine;
static struct core_map map;
static struct errors errors, warnings;

static int set_up(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.n_cores = 7;
	machine.n_nodes = 2;
	machine.hugepage_bytes_free = UINT64_C(1) << 30;
	for (unsigned i = 0; i < 8; i++) {
		machine.core_usable[i] = i != 7;
		machine.core_node[i] = i / 4;
	}
	machine.n_nics = 2;
	strcpy(machine.nics[0].address, "0000:3b:00.0");
	strcpy(machine.nics[0].driver, "vfio-pci");
	strcpy(machine.nics[1].address, "0000:3b:00.1");
	strcpy(machine.nics[1].driver, "ixgbe");
	return 0;
}

static int parse(const char *text)
{
	errors_init(&errors, "m");
	errors_init(&warnings, "m");
	return core_map_parse(view_string(text), &machine, &map, &errors, &warnings);
}

// The base with its first `from` replaced by `to`.
static const char *changed(const char *from, const char *to)
{
	static char text[sizeof(base) + 512];
	const char *at = strstr(base, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
	return text;
}

static void refuses(const char *text, const char *error)
{
	assert_int_equal(parse(text), -EINVAL);
	if (errors.n != 1 || strstr(errors.text[0], error) == NULL)
		print_error("wanted: %s\ngot:    %s\n", error, errors.text[0]);
	assert_int_equal(errors.n, 1);
	assert_non_null(strstr(errors.text[0], error));
}

static void refuses_change(const char *from, const char *to, const char *error)
{
	refuses(changed(from, to), error);
}

static void every_value_arrives_where_it_belongs(void **state)
{
	char text[ENDPOINT_TEXT_BYTES];

	(void)state;
	assert_int_equal(parse(base), 0);
	assert_int_equal(errors.n, 0);
	assert_int_equal(warnings.n, 0);
	assert_int_equal(map.idle, IDLE_POLL);
	assert_int_equal(map.hugepages, HUGEPAGES_AUTO);
	assert_int_equal(map.n_packets, 16384);
	assert_int_equal(map.main_core, 0);
	assert_string_equal(map.socket, "/run/x.sock");
	assert_string_equal(map.control_user, "control");
	assert_string_equal(map.user, "relay");
	assert_int_equal(map.n_ports, 2);
	assert_string_equal(map.ports[0].name, "left");
	assert_string_equal(map.ports[0].device, "net_tap0,iface=l0");
	assert_int_equal(map.ports[0].mtu, 9000);
	assert_int_equal(map.ports[0].vlan, 7);
	assert_int_equal(map.ports[0].n_descriptors, 512);
	assert_int_equal(map.ports[0].n_addresses, 2);
	assert_int_equal(map.ports[0].addresses[1].prefix_bits, 64);
	ip_format(&map.ports[0].addresses[1].ip, text);
	assert_string_equal(text, "2001:db8::1");
	ip_format(&map.ports[0].gateway4, text);
	assert_string_equal(text, "192.0.2.254");
	ip_format(&map.ports[0].gateway6, text);
	assert_string_equal(text, "fe80::1");
	assert_int_equal(map.ports[0].line, 11);
	assert_int_equal(map.n_workers, 2);
	assert_int_equal(map.workers[1].core, 2);
	assert_int_equal(map.workers[0].queue[0], 1);
	assert_int_equal(map.workers[1].queue[0], 0);
	assert_int_equal(map.workers[0].queue[1], 0);
	assert_int_equal(map.workers[1].queue[1], 1);
	assert_int_equal(map.n_listeners, 2);
	assert_string_equal(map.listeners[1].name, "out6");
	assert_int_equal(map.listeners[1].port, 1);
	assert_int_equal(map.listeners[1].side, SIDE_OUTSIDE);
	assert_string_equal(map.listeners[1].sent_by, "relay.example:5070");
	endpoint_format(&map.listeners[1].local, text);
	assert_string_equal(text, "[2001:db8:1::1]:5070");
	assert_int_equal(map.listeners[1].local.transport, TRANSPORT_UDP);
}

static void what_may_be_left_out_has_a_default(void **state)
{
	(void)state;
	assert_int_equal(parse("main_core: 0\ncontrol: {user: c}\n"
			       "ports: [{name: p, device: net_null0, addresses: [192.0.2.1/24]}]\n"
			       "workers: [{core: 1}]\n"
			       "listeners: [{name: l, port: p, address: 192.0.2.1, udp: 5060, "
			       "side: inside}]\n"),
		0);
	assert_int_equal(map.idle, IDLE_POLL);
	assert_int_equal(map.hugepages, HUGEPAGES_AUTO);
	assert_int_equal(map.n_packets, 8192);
	assert_string_equal(map.socket, "/run/fedrelay/dataplane.sock");
	assert_string_equal(map.user, "");
	assert_int_equal(map.ports[0].mtu, 1500);
	assert_int_equal(map.ports[0].vlan, 0);
	assert_int_equal(map.ports[0].n_descriptors, 1024);
	assert_int_equal(map.ports[0].gateway4.family, IP_NONE);
	assert_int_equal(map.workers[0].queue[0], 0);
	assert_string_equal(map.listeners[0].sent_by, "");
}

static void connections_are_sized_where_a_listener_takes_them(void **state)
{
	static const char *const head =
		"main_core: 0\ncontrol: {user: c}\n"
		"ports: [{name: p, device: net_null0, mtu: 9000, addresses: [192.0.2.1/24]}]\n"
		"workers: [{core: 1}]\n";
	char text[1024];
	uint64_t without;

	(void)state;
	snprintf(text, sizeof(text),
		"%slisteners: [{name: l, port: p, address: 192.0.2.1, udp: 5060, side: inside}]\n",
		head);
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.tcp.n_conns, 0);
	without = core_map_memory_bytes(&map);
	snprintf(text, sizeof(text),
		"%smemory: {connections: 50000, buffers: 70000}\n"
		"listeners: [{name: l, port: p, address: 192.0.2.1, tcp: 5060, side: inside}]\n",
		head);
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.listeners[0].local.transport, TRANSPORT_TCP);
	assert_int_equal(map.tcp.n_conns, 50000);
	assert_int_equal(map.tcp.n_chunks, 70000);
	assert_int_equal(map.tcp.chunk_bytes, 8960);
	assert_true(core_map_memory_bytes(&map) > without + 70000 * UINT64_C(8960));
}

static void memory_for_large_bodies_is_where_streams_are(void **state)
{
	static const char *const form =
		"main_core: 0\ncontrol: {user: c}\n%s"
		"ports: [{name: p, device: net_null0, addresses: [192.0.2.1/24]}]\n"
		"workers: [{core: 1}]\n"
		"listeners: [{name: l, port: p, address: 192.0.2.1, %s: 5060, side: inside}]\n";
	uint64_t by_default;
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text), form, "", "udp");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.n_bodies, 0);
	snprintf(text, sizeof(text), form, "", "tcp");
	assert_int_equal(parse(text), 0);
	// Two of the longest that a policy may allow.
	assert_true(map.n_bodies * (uint64_t)CORE_MAP_BODY_BYTES >= 2 * 20000 * 1024);
	by_default = core_map_memory_bytes(&map);
	snprintf(text, sizeof(text), form, "memory: {bodies: 0}\n", "tls");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.n_bodies, 0);
	assert_true(core_map_memory_bytes(&map) < by_default);
	snprintf(text, sizeof(text), form, "memory: {bodies: 2000}\n", "tls");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.n_bodies, 2000);
	assert_true(core_map_memory_bytes(&map) >
		by_default + (2000 - 640) * (uint64_t)CORE_MAP_BODY_BYTES - 1);
}

static void connections_of_a_listener_may_be_limited(void **state)
{
	static const char *const listener =
		"%s  - {name: more, port: left, address: 192.0.2.1, %s: 5061, side: outside, "
		"connections: 700, connections_per_source: 30}\n";
	char text[sizeof(base) + 256];
	uint64_t without;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", base,
		"  - {name: more, port: left, address: 192.0.2.1, tcp: 5061, side: outside}\n");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.listeners[2].n_conns, 0);
	assert_int_equal(map.listeners[2].n_source_conns, 0);
	assert_int_equal(map.tcp.n_sources, 0);
	without = core_map_memory_bytes(&map);
	snprintf(text, sizeof(text), listener, base, "tcp");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.listeners[2].n_conns, 700);
	assert_int_equal(map.listeners[2].n_source_conns, 30);
	assert_int_equal(map.tcp.n_sources, map.tcp.n_conns);
	assert_true(core_map_memory_bytes(&map) > without);
	snprintf(text, sizeof(text), listener, base, "udp");
	refuses(text,
		"m:41: listener more: udp has no connections; expected connections and "
		"connections_per_source with tcp or tls");
}

static void every_required_key_is_asked_for_by_name_and_line(void **state)
{
	static const struct {
		const char *from, *to, *error;
	} rows[] = {
		{"main_core: 0\n", "", "m:1: main_core is missing"},
		{"  user: control\n", "", "m:7: control: user is missing"},
		{"name: left\n    device", "device", "m:11: ports: name is missing"},
		{"    device: net_tap0,iface=l0\n", "", "m:11: ports: device is missing"},
		{"    addresses: [192.0.2.1/24, 2001:db8::1/64]\n", "",
			"m:11: ports: addresses is missing"},
		{"- core: 1\n    queues", "- queues", "m:25: workers: core is missing"},
		{"{port: left, queue: 1}", "{queue: 1}", "m:26: queues: port is missing"},
		{"{port: left, queue: 1}", "{port: left}", "m:26: queues: queue is missing"},
		{"name: in\n    port", "port", "m:30: listeners: name is missing"},
		{"    port: left\n", "", "m:30: listeners: port is missing"},
		{"    address: 192.0.2.1\n", "", "m:30: listeners: address is missing"},
		{"    udp: 5060\n", "",
			"m:30: listener in: udp, tcp or tls is missing; expected the port of one "
			"of them"},
		{"    udp: 5060\n", "    udp: 5060\n    tcp: 5060\n",
			"m:34: tcp: the listener has a transport already, line 33; expected one of "
			"udp, tcp and tls"},
		{"    udp: 5060\n", "    tls: 5060\n    udp: 5060\n",
			"m:34: udp: the listener has a transport already, line 33; expected one of "
			"udp, tcp and tls"},
		{"    side: inside\n", "", "m:30: listeners: side is missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuses_change(rows[i].from, rows[i].to, rows[i].error);
}

// A line of the base with a key, once more below itself, and then with the key misspelt.
static void a_doubled_or_misspelt_key_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *line, *key;
		unsigned number;
	} rows[] = {
		{"idle: poll\n", "idle", 1},
		{"hugepages: auto\n", "hugepages", 2},
		{"  packets: 16384\n", "packets", 4},
		{"main_core: 0\n", "main_core", 5},
		{"  socket: /run/x.sock\n", "socket", 7},
		{"  user: control\n", "user", 8},
		{"user: relay\n", "user", 9},
		{"    device: net_tap0,iface=l0\n", "device", 12},
		{"    mtu: 9000\n", "mtu", 13},
		{"    vlan: 7\n", "vlan", 14},
		{"    descriptors: 512\n", "descriptors", 15},
		{"    addresses: [192.0.2.1/24, 2001:db8::1/64]\n", "addresses", 16},
		{"    gateway: 192.0.2.254\n", "gateway", 17},
		{"    gateway6: fe80::1\n", "gateway6", 18},
		{"    queues: [{port: left, queue: 1}]\n", "queues", 26},
		{"    port: left\n", "port", 31},
		{"    address: 192.0.2.1\n", "address", 32},
		{"    udp: 5060\n", "udp", 33},
		{"    side: inside\n", "side", 34},
		{"    sent_by: \"relay.example:5070\"\n", "sent_by", 40},
	};
	char twice[256], misspelt[128], error[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *key = strstr(rows[i].line, rows[i].key);

		snprintf(twice, sizeof(twice), "%s%s", rows[i].line, rows[i].line);
		snprintf(error, sizeof(error), "m:%u: %s stands on line %u already",
			rows[i].number + 1, rows[i].key, rows[i].number);
		refuses_change(rows[i].line, twice, error);
		snprintf(misspelt, sizeof(misspelt), "%s%.*sx%s", rows[i].line,
			(int)(key - rows[i].line), rows[i].line, key);
		snprintf(error, sizeof(error), "m:%u: unknown key \"x%s\"; did you mean \"",
			rows[i].number + 1, rows[i].key);
		refuses_change(rows[i].line, misspelt, error);
	}
}

static void a_value_out_of_range_is_refused_with_its_range(void **state)
{
	static const struct {
		const char *from, *to, *error;
	} rows[] = {
		{"idle: poll", "idle: spin",
			"m:1: idle: spin is not right; expected poll or sleep"},
		{"hugepages: auto", "hugepages: yes", "expected auto, require or never"},
		{"packets: 16384", "packets: 1023",
			"m:4: packets: 1023 is not right; expected a "
			"number from 1024 to 4194304"},
		{"packets: 16384", "packets: 16k", "m:4: packets: 16k is not right"},
		{"main_core: 0", "main_core: 1024", "expected a number from 0 to 1023"},
		{"main_core: 0", "main_core: -1", "expected a number from 0 to 1023"},
		{"/run/x.sock", "run/x.sock",
			"m:7: socket: run/x.sock is not right; expected an "
			"absolute path"},
		{"mtu: 9000", "mtu: 9001", "expected a number from 1280 to 9000"},
		{"mtu: 9000", "mtu: 1279", "expected a number from 1280 to 9000"},
		{"vlan: 7", "vlan: 0", "expected a number from 1 to 4094"},
		{"vlan: 7", "vlan: 4095", "expected a number from 1 to 4094"},
		{"descriptors: 512", "descriptors: 500",
			"m:11: descriptors: 500 is not right; "
			"expected a power of two"},
		{"descriptors: 512", "descriptors: 16384", "expected a number from 64 to 8192"},
		{"192.0.2.1/24", "192.0.2.1",
			"m:16: addresses: 192.0.2.1 is not right; expected an "
			"address with its prefix"},
		{"192.0.2.1/24", "192.0.2.1/33", "addresses: 192.0.2.1/33 is not right"},
		{"192.0.2.1/24", "192.0.2.1/0", "addresses: 192.0.2.1/0 is not right"},
		{"192.0.2.1/24", "192.0.2.1/", "addresses: 192.0.2.1/ is not right"},
		{"192.0.2.1/24", "192.0.2.1/24x", "addresses: 192.0.2.1/24x is not right"},
		{"gateway: 192.0.2.254", "gateway: fe80::1",
			"m:17: gateway: fe80::1 is not right; expected an IPv4 address"},
		{"gateway6: fe80::1", "gateway6: 192.0.2.9",
			"m:18: gateway6: 192.0.2.9 is not right; expected an IPv6 address"},
		{"udp: 5060", "udp: 0",
			"m:33: udp: 0 is not right; expected a number from 1 to "
			"65535"},
		{"udp: 5060", "udp: 65536", "expected a number from 1 to 65535"},
		{"side: inside", "side: in", "expected inside or outside"},
		{"relay.example:5070", "relay example",
			"m:35: sent_by: relay example is not right"},
		{"relay.example:5070", "relay.example:5070:1",
			"m:35: sent_by: relay.example:5070:1 is not right"},
		{"relay.example:5070", "relay.example:70000", "m:35: sent_by: "},
		{"relay.example:5070", "relay.example:", "m:35: sent_by: "},
		{"relay.example:5070", ":5070", "m:35: sent_by: "},
		{"relay.example:5070", "2001:db8::1", "m:35: sent_by: "},
		{"relay.example:5070", "192.0.2.256", "m:35: sent_by: "},
		{"name: left", "name: le ft", "m:11: name: le ft is not right; expected letters"},
		{"workers:\n", "workers: []\nuser2:\n", "workers is empty"},
	};

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = changed(rows[i].from, rows[i].to);

		assert_int_equal(parse(text), -EINVAL);
		if (strstr(errors.text[0], rows[i].error) == NULL)
			print_error("%s\n", errors.text[0]);
		assert_non_null(strstr(errors.text[0], rows[i].error));
	}
}

static void a_core_must_be_there_and_have_one_worker(void **state)
{
	(void)state;
	refuses_change("core: 1", "core: 7", "m:25: worker: core 7 is not online");
	refuses_change("core: 1", "core: 1023", "m:25: worker: core 1023 is not online");
	refuses_change("main_core: 0", "main_core: 7", "m:5: main_core: core 7 is not online");
	refuses_change("core: 2", "core: 1", "m:27: core 1 has a worker already, line 25");
}

static void a_polling_worker_may_not_take_the_main_core_of_a_larger_machine(void **state)
{
	(void)state;
	refuses_change("core: 1", "core: 0",
		"m:25: core 0 is main_core, line 5, and a polling worker leaves it no time");
	assert_int_equal(parse(changed("main_core: 0", "main_core: 3")), 0);
	machine.n_cores = 1;
	assert_int_equal(parse(changed("core: 1", "core: 0")), 0);
}

static void a_worker_that_sleeps_may_share_the_main_core(void **state)
{
	char text[sizeof(base) + 8];

	(void)state;
	snprintf(text, sizeof(text), "idle: sleep\n%s",
		strchr(changed("core: 1", "core: 0"), '\n') + 1);
	assert_int_equal(parse(text), 0);
}

static void each_queue_of_a_port_is_one_workers(void **state)
{
	(void)state;
	refuses_change("queue: 1", "queue: 0",
		"m:27: queue 0 of port left is also that of the worker on line 25");
	refuses_change("queue: 1", "queue: 2", "m:26: queue: 2 is not right; expected 0 to 1");
	refuses_change("{port: left, queue: 1}", "{port: middle, queue: 1}",
		"m:26: queues: there is no port middle");
}

static void names_devices_and_addresses_are_not_given_twice(void **state)
{
	(void)state;
	refuses_change("name: out6", "name: in", "m:35: listener in is there already, line 30");
	refuses_change("0000:3b:00.0", "net_tap0,iface=other",
		"m:19: device net_tap0,iface=other is port left already, line 11");
	refuses_change("198.51.100.1/25", "192.0.2.1/24",
		"192.0.2.1 is an address already on "
		"line 16");
	refuses_change("198.51.100.1/25", "192.0.2.9/16",
		"m:22: 192.0.2.9/16 overlaps a network of port left, line 16");
	assert_int_equal(parse(changed("name: right", "name: left")), -EINVAL);
	assert_non_null(strstr(errors.text[0], "m:19: port left is there already, line 11"));
}

static void an_endpoint_has_one_listener(void **state)
{
	char text[sizeof(base) + 128];

	(void)state;
	snprintf(text, sizeof(text), "%s%s", base,
		"  - {name: again, port: left, address: 192.0.2.1, udp: 5060, side: outside}\n");
	refuses(text,
		"m:41: listener again: 192.0.2.1:5060 is that of listener in already, line "
		"30");
}

static void tls_may_share_a_port_with_udp_and_not_with_tcp(void **state)
{
	static const char *const listener =
		"%s  - {name: again, port: left, address: 192.0.2.1, %s: 5060, side: outside}\n";
	char text[sizeof(base) + 128];

	(void)state;
	snprintf(text, sizeof(text), listener, base, "tls");
	assert_int_equal(parse(text), 0);
	assert_int_equal(map.listeners[2].local.transport, TRANSPORT_TLS);
	assert_int_equal(map.listeners[2].local.port, 5060);
	assert_int_not_equal(map.tcp.n_conns, 0);
	snprintf(text, sizeof(text), listener, changed("udp: 5060", "tcp: 5060"), "tls");
	refuses(text,
		"m:41: listener again: 192.0.2.1:5060 is that of listener in already, line "
		"30");
}

static void an_address_must_be_one_that_a_host_has(void **state)
{
	static const struct {
		const char *address, *error;
	} rows[] = {
		{"0.0.0.0/24", "0.0.0.0 is the unspecified address"},
		{"0.1.2.3/24", "0.1.2.3 is of this network"},
		{"127.0.0.1/8", "127.0.0.1 is a loopback address"},
		{"224.0.0.1/4", "224.0.0.1 is a multicast address"},
		{"255.255.255.255/32", "255.255.255.255 is a reserved address"},
		{"203.0.113.0/24", "203.0.113.0 is the network or broadcast address of its /24"},
		{"203.0.113.127/25", "203.0.113.127 is the network or broadcast address"},
		{"::/64", ":: is the unspecified address"},
		{"::1/64", "::1 is a loopback address"},
		{"ff02::1/64", "ff02::1 is a multicast address"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refuses_change("198.51.100.1/25", rows[i].address, rows[i].error);
	assert_int_equal(parse(changed("198.51.100.1/25", "203.0.113.0/31")), 0);
	assert_int_equal(parse(changed("198.51.100.1/25", "203.0.113.7/32")), 0);
}

static void a_gateway_lies_on_the_ports_link(void **state)
{
	(void)state;
	refuses_change("192.0.2.254", "192.0.3.254",
		"m:17: gateway: 192.0.3.254 is in no prefix of port left");
	refuses_change("192.0.2.254", "192.0.2.1",
		"m:17: gateway: 192.0.2.1 is the port's own "
		"address");
	refuses_change("gateway6: fe80::1", "gateway6: 2001:db8:5::1",
		"m:18: gateway6: 2001:db8:5::1 is in no prefix of port left");
	refuses_change("gateway6: fe80::1", "gateway6: ff02::2", "is a multicast address");
	assert_int_equal(parse(changed("gateway6: fe80::1", "gateway6: 2001:db8::2")), 0);
}

static void a_listener_belongs_to_its_port(void **state)
{
	(void)state;
	refuses_change("    port: left\n", "    port: middle\n",
		"m:30: listener in: there is no port middle");
	refuses_change("    port: left\n", "    port: right\n",
		"m:30: listener in: the address of 192.0.2.1:5060 is not one of port right");
}

static void a_device_must_be_there_and_bound_for_dpdk(void **state)
{
	(void)state;
	refuses_change("0000:3b:00.0", "0000:3b:00.2",
		"m:19: device: there is no network device at 0000:3b:00.2");
	refuses_change("0000:3b:00.0", "0000:3b:00.1",
		"m:19: device: 0000:3b:00.1 has driver ixgbe, which DPDK cannot use");
	refuses_change("0000:3b:00.0", "eth0",
		"m:19: device: eth0 is not right; expected a PCI "
		"address");
	refuses_change("0000:3b:00.0", "3b:00.0", "device: 3b:00.0 is not right");
}

static void workers_all_on_another_node_than_a_device_are_refused(void **state)
{
	(void)state;
	machine.nics[0].node = 1;
	refuses(base, "m:19: port right is on NUMA node 1 and no worker is");
	assert_int_equal(parse(changed("core: 2", "core: 5")), 0);
	assert_int_equal(warnings.n, 1);
	assert_non_null(strstr(warnings.text[0], "1 of 2 workers are not"));
	assert_int_equal(map.workers[0].numa_node, 0);
	assert_int_equal(map.workers[1].numa_node, 1);
	machine.nics[0].node = -1;
	assert_int_equal(parse(base), 0);
	assert_int_equal(warnings.n, 0);
}

static void packets_must_fill_the_descriptors(void **state)
{
	(void)state;
	refuses_change("packets: 16384", "packets: 5119",
		"m:4: packets: 5119 is too few for the descriptors of 2 ports; expected at least "
		"5120");
	assert_int_equal(parse(changed("packets: 16384", "packets: 5120")), 0);
}

static void hugepages_are_used_when_they_suffice(void **state)
{
	(void)state;
	assert_int_equal(parse(base), 0);
	assert_true(map.use_hugepages);
	assert_int_equal(parse(changed("hugepages: auto", "hugepages: never")), 0);
	assert_false(map.use_hugepages);
	machine.hugepage_bytes_free = core_map_memory_bytes(&map) - 1;
	assert_int_equal(parse(base), 0);
	assert_false(map.use_hugepages);
	refuses_change("hugepages: auto", "hugepages: require", "m:2: hugepages: 2");
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	errors_init(&errors, "m");
	assert_int_equal(
		core_map_read("/nonexistent", &machine, &map, &errors, &warnings), -ENOENT);
	assert_string_equal(errors.text[0], "m: cannot be read: No such file or directory");
}

static void suggested(struct machine *m)
{
	char *text = NULL;
	size_t n_bytes = 0;
	FILE *out = open_memstream(&text, &n_bytes);

	assert_non_null(out);
	core_map_suggest(m, out);
	fclose(out);
	errors_init(&errors, "m");
	errors_init(&warnings, "m");
	if (core_map_parse(view_of(text, n_bytes), m, &map, &errors, &warnings) != 0)
		print_error("%s\n%s\n", errors.text[0], text);
	assert_int_equal(errors.n, 0);
	assert_int_equal(warnings.n, 0);
	free(text);
}

static void a_suggested_map_is_right_on_its_machine(void **state)
{
	(void)state;
	suggested(&machine);
	assert_int_equal(map.idle, IDLE_POLL);
	assert_int_equal(map.n_workers, 3);
	assert_string_equal(map.ports[0].device, "0000:3b:00.0");
	machine.nics[0].node = 1;
	suggested(&machine);
	assert_int_equal(map.n_workers, 3);
	assert_int_equal(map.workers[0].core, 4);
	// Node 0 has core 0 alone, and the device.
	machine.nics[0].node = 0;
	machine.core_node[1] = machine.core_node[2] = machine.core_node[3] = 1;
	suggested(&machine);
	assert_int_equal(map.main_core, 1);
	assert_int_equal(map.n_workers, 1);
	assert_int_equal(map.workers[0].core, 0);
}

static void a_suggested_map_for_a_small_machine_shares_its_cores(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.n_cores = machine.n_nodes = 1;
	machine.core_usable[0] = true;
	suggested(&machine);
	assert_int_equal(map.idle, IDLE_SLEEP);
	assert_int_equal(map.n_workers, 1);
	assert_int_equal(map.workers[0].core, 0);
	machine.n_cores = 2;
	machine.core_usable[1] = true;
	suggested(&machine);
	assert_int_equal(map.idle, IDLE_SLEEP);
	assert_int_equal(map.workers[0].core, 1);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

static void a_user_that_does_not_exist_is_named_with_its_line(void **state)
{
	(void)state;
	errors_init(&errors, "m");
	errors_init(&warnings, "m");
	assert_int_equal(core_map_parse(view_string(base), &machine, &map, &errors, &warnings), 0);
	strcpy(map.control_user, "root");
	strcpy(map.user, "no-such-user");
	core_map_check_users(&map, &errors);
	assert_int_equal(errors.n, 1);
	assert_string_equal(
		errors.text[0], "m:9: user: there is no user no-such-user on this machine");
	map.user[0] = '\0';
	strcpy(map.control_user, "no-such-user");
	core_map_check_users(&map, &errors);
	assert_int_equal(errors.n, 2);
	assert_string_equal(errors.text[1],
		"m:8: control: user: there is no user no-such-user on this machine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_value_arrives_where_it_belongs),
		CASE(what_may_be_left_out_has_a_default),
		cmocka_unit_test(connections_are_sized_where_a_listener_takes_them),
		cmocka_unit_test(memory_for_large_bodies_is_where_streams_are),
		CASE(connections_of_a_listener_may_be_limited),
		CASE(every_required_key_is_asked_for_by_name_and_line),
		CASE(a_doubled_or_misspelt_key_is_refused_with_its_line),
		CASE(a_value_out_of_range_is_refused_with_its_range),
		CASE(a_core_must_be_there_and_have_one_worker),
		CASE(a_polling_worker_may_not_take_the_main_core_of_a_larger_machine),
		CASE(a_worker_that_sleeps_may_share_the_main_core),
		CASE(each_queue_of_a_port_is_one_workers),
		CASE(names_devices_and_addresses_are_not_given_twice),
		CASE(an_endpoint_has_one_listener),
		CASE(tls_may_share_a_port_with_udp_and_not_with_tcp),
		CASE(an_address_must_be_one_that_a_host_has),
		CASE(a_gateway_lies_on_the_ports_link),
		CASE(a_listener_belongs_to_its_port),
		CASE(a_device_must_be_there_and_bound_for_dpdk),
		CASE(workers_all_on_another_node_than_a_device_are_refused),
		CASE(packets_must_fill_the_descriptors),
		CASE(hugepages_are_used_when_they_suffice),
		CASE(a_user_that_does_not_exist_is_named_with_its_line),
		CASE(a_file_that_cannot_be_read_is_an_error),
		CASE(a_suggested_map_is_right_on_its_machine),
		CASE(a_suggested_map_for_a_small_machine_shares_its_cores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
