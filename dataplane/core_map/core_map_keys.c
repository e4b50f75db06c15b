// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/core_map_keys.h"

#include "dataplane/core_map/draft.h"

static const char *const idle_words[] = {"poll", "sleep", NULL};                 // enum idle_mode
static const char *const hugepages_words[] = {"auto", "require", "never", NULL}; // enum hugepages
static const char *const side_words[] = {"inside", "outside", NULL};             // enum side

static const struct schema_key memory_keys[] = {
	{"packets", KEY_PACKETS, SCHEMA_NUMBER, .min = 1024, .max = 4 << 20},
	{"connections", KEY_CONNECTIONS, SCHEMA_NUMBER, .min = 16, .max = 4 << 20},
	{"buffers", KEY_BUFFERS, SCHEMA_NUMBER, .min = 256, .max = 16 << 20},
	{"bodies", KEY_BODIES, SCHEMA_NUMBER, .max = 1 << 20},
	{NULL},
};

static const struct schema_key control_keys[] = {
	{"socket", KEY_SOCKET, SCHEMA_TEXT, .min = 2, .max = CORE_MAP_PATH_BYTES - 1,
		.what = "an absolute path of at most 107 bytes"},
	{"user", KEY_CONTROL_USER, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "the user that fedrelay-control runs as"},
	{NULL},
};

static const struct schema_key port_keys[] = {
	{"name", KEY_PORT_NAME, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "a name of at most 31 bytes"},
	{"device", KEY_DEVICE, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_DEVICE_BYTES - 1,
		.what = "a PCI address such as 0000:3b:00.0, or a DPDK vdev such as "
			"net_tap0,iface=fed0"},
	{"mtu", KEY_MTU, SCHEMA_NUMBER, .min = 1280, .max = 9000},
	{"vlan", KEY_VLAN, SCHEMA_NUMBER, .min = 1, .max = 4094},
	{"descriptors", KEY_DESCRIPTORS, SCHEMA_NUMBER, .min = 64, .max = 8192},
	{"addresses", KEY_ADDRESSES, SCHEMA_TEXT, .list = true, .required = true,
		.n_max = CORE_MAP_ADDRESSES_MAX, .min = 1, .max = 64,
		.what = "an address with its prefix, such as 192.0.2.1/24"},
	{"gateway", KEY_GATEWAY, SCHEMA_TEXT, .min = 1, .max = 64, .what = "an IPv4 address"},
	{"gateway6", KEY_GATEWAY6, SCHEMA_TEXT, .min = 1, .max = 64, .what = "an IPv6 address"},
	{NULL},
};

static const struct schema_key queue_keys[] = {
	{"port", KEY_QUEUE_PORT, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "the name of a port"},
	{"queue", KEY_QUEUE, SCHEMA_NUMBER, .required = true, .max = CORE_MAP_WORKERS_MAX - 1},
	{NULL},
};

static const struct schema_key worker_keys[] = {
	{"core", KEY_CORE, SCHEMA_NUMBER, .required = true, .max = MACHINE_CORES_MAX - 1},
	{"queues", KEY_QUEUES, SCHEMA_MAP, .list = true, .n_max = CORE_MAP_PORTS_MAX,
		.keys = queue_keys},
	{NULL},
};

static const struct schema_key listener_keys[] = {
	{"name", KEY_LISTENER_NAME, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "a name of at most 31 bytes"},
	{"port", KEY_LISTENER_PORT, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "the name of a port"},
	{"address", KEY_LISTENER_ADDRESS, SCHEMA_TEXT, .required = true, .min = 1, .max = 64,
		.what = "one of the port's addresses, without prefix"},
	{"udp", KEY_UDP, SCHEMA_NUMBER, .min = 1, .max = 65535},
	{"tcp", KEY_TCP, SCHEMA_NUMBER, .min = 1, .max = 65535},
	{"tls", KEY_TLS, SCHEMA_NUMBER, .min = 1, .max = 65535},
	{"side", KEY_SIDE, SCHEMA_WORD, .required = true, .words = side_words},
	{"sent_by", KEY_SENT_BY, SCHEMA_TEXT, .min = 1, .max = CORE_MAP_DEVICE_BYTES - 1,
		.what = "HOST or HOST:PORT, as it shall stand in Via"},
	{"connections", KEY_LISTENER_CONNECTIONS, SCHEMA_NUMBER, .min = 1, .max = 4 << 20},
	{"connections_per_source", KEY_SOURCE_CONNECTIONS, SCHEMA_NUMBER, .min = 1, .max = 4 << 20},
	{NULL},
};

const struct schema_key core_map_keys[] = {
	{"idle", KEY_IDLE, SCHEMA_WORD, .words = idle_words},
	{"hugepages", KEY_HUGEPAGES, SCHEMA_WORD, .words = hugepages_words},
	{"memory", KEY_MEMORY, SCHEMA_MAP, .keys = memory_keys},
	{"main_core", KEY_MAIN_CORE, SCHEMA_NUMBER, .required = true, .max = MACHINE_CORES_MAX - 1},
	{"control", KEY_CONTROL, SCHEMA_MAP, .required = true, .keys = control_keys},
	{"user", KEY_USER, SCHEMA_TEXT, .min = 1, .max = CORE_MAP_NAME_BYTES - 1,
		.what = "the user that the dataplane becomes after start"},
	{"ports", KEY_PORTS, SCHEMA_MAP, .list = true, .required = true,
		.n_max = CORE_MAP_PORTS_MAX, .keys = port_keys},
	{"workers", KEY_WORKERS, SCHEMA_MAP, .list = true, .required = true,
		.n_max = CORE_MAP_WORKERS_MAX, .keys = worker_keys},
	{"listeners", KEY_LISTENERS, SCHEMA_MAP, .list = true, .required = true,
		.n_max = CORE_MAP_LISTENERS_MAX, .keys = listener_keys},
	{NULL},
};
