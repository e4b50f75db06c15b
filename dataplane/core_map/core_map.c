// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/core_map.h"

#include "dataplane/core_map/draft.h"
#include "lib/yaml/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 << 20)

enum key_id {
	IDLE,
	HUGEPAGES,
	MEMORY,
	PACKETS,
	CONNECTIONS,
	BUFFERS,
	MAIN_CORE,
	CONTROL,
	SOCKET,
	CONTROL_USER,
	USER,
	PORTS,
	PORT_NAME,
	DEVICE,
	MTU,
	VLAN,
	DESCRIPTORS,
	ADDRESSES,
	GATEWAY,
	GATEWAY6,
	WORKERS,
	CORE,
	QUEUES,
	QUEUE_PORT,
	QUEUE,
	LISTENERS,
	LISTENER_NAME,
	LISTENER_PORT,
	LISTENER_ADDRESS,
	UDP,
	TCP,
	SIDE,
	SENT_BY,
};

static const char *const idle_words[] = {"poll", "sleep", NULL};                 // enum idle_mode
static const char *const hugepages_words[] = {"auto", "require", "never", NULL}; // enum hugepages
static const char *const side_words[] = {"inside", "outside", NULL};             // enum side

static const struct schema_key memory_keys[] = {
	{"packets", PACKETS, SCHEMA_NUMBER, .min = 1024, .max = 4 << 20},
	{"connections", CONNECTIONS, SCHEMA_NUMBER, .min = 16, .max = 4 << 20},
	{"buffers", BUFFERS, SCHEMA_NUMBER, .min = 256, .max = 16 << 20},
	{NULL},
};

static const struct schema_key control_keys[] = {
	{"socket", SOCKET, SCHEMA_TEXT, .min = 2, .max = CORE_MAP_PATH_BYTES - 1,
		.what = "an absolute path of at most 107 bytes"},
	{"user", CONTROL_USER, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "the user that fedrelay-control runs as"},
	{NULL},
};

static const struct schema_key port_keys[] = {
	{"name", PORT_NAME, SCHEMA_TEXT, .required = true, .min = 1, .max = CORE_MAP_NAME_BYTES - 1,
		.what = "a name of at most 31 bytes"},
	{"device", DEVICE, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_DEVICE_BYTES - 1,
		.what = "a PCI address such as 0000:3b:00.0, or a DPDK vdev such as "
			"net_tap0,iface=fed0"},
	{"mtu", MTU, SCHEMA_NUMBER, .min = 1280, .max = 9000},
	{"vlan", VLAN, SCHEMA_NUMBER, .min = 1, .max = 4094},
	{"descriptors", DESCRIPTORS, SCHEMA_NUMBER, .min = 64, .max = 8192},
	{"addresses", ADDRESSES, SCHEMA_TEXT, .list = true, .required = true,
		.n_max = CORE_MAP_ADDRESSES_MAX, .min = 1, .max = 64,
		.what = "an address with its prefix, such as 192.0.2.1/24"},
	{"gateway", GATEWAY, SCHEMA_TEXT, .min = 1, .max = 64, .what = "an IPv4 address"},
	{"gateway6", GATEWAY6, SCHEMA_TEXT, .min = 1, .max = 64, .what = "an IPv6 address"},
	{NULL},
};

static const struct schema_key queue_keys[] = {
	{"port", QUEUE_PORT, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "the name of a port"},
	{"queue", QUEUE, SCHEMA_NUMBER, .required = true, .max = CORE_MAP_WORKERS_MAX - 1},
	{NULL},
};

static const struct schema_key worker_keys[] = {
	{"core", CORE, SCHEMA_NUMBER, .required = true, .max = MACHINE_CORES_MAX - 1},
	{"queues", QUEUES, SCHEMA_MAP, .list = true, .n_max = CORE_MAP_PORTS_MAX,
		.keys = queue_keys},
	{NULL},
};

static const struct schema_key listener_keys[] = {
	{"name", LISTENER_NAME, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "a name of at most 31 bytes"},
	{"port", LISTENER_PORT, SCHEMA_TEXT, .required = true, .min = 1,
		.max = CORE_MAP_NAME_BYTES - 1, .what = "the name of a port"},
	{"address", LISTENER_ADDRESS, SCHEMA_TEXT, .required = true, .min = 1, .max = 64,
		.what = "one of the port's addresses, without prefix"},
	{"udp", UDP, SCHEMA_NUMBER, .min = 1, .max = 65535},
	{"tcp", TCP, SCHEMA_NUMBER, .min = 1, .max = 65535},
	{"side", SIDE, SCHEMA_WORD, .required = true, .words = side_words},
	{"sent_by", SENT_BY, SCHEMA_TEXT, .min = 1, .max = CORE_MAP_DEVICE_BYTES - 1,
		.what = "HOST or HOST:PORT, as it shall stand in Via"},
	{NULL},
};

static const struct schema_key document_keys[] = {
	{"idle", IDLE, SCHEMA_WORD, .words = idle_words},
	{"hugepages", HUGEPAGES, SCHEMA_WORD, .words = hugepages_words},
	{"memory", MEMORY, SCHEMA_MAP, .keys = memory_keys},
	{"main_core", MAIN_CORE, SCHEMA_NUMBER, .required = true, .max = MACHINE_CORES_MAX - 1},
	{"control", CONTROL, SCHEMA_MAP, .required = true, .keys = control_keys},
	{"user", USER, SCHEMA_TEXT, .min = 1, .max = CORE_MAP_NAME_BYTES - 1,
		.what = "the user that the dataplane becomes after start"},
	{"ports", PORTS, SCHEMA_MAP, .list = true, .required = true, .n_max = CORE_MAP_PORTS_MAX,
		.keys = port_keys},
	{"workers", WORKERS, SCHEMA_MAP, .list = true, .required = true,
		.n_max = CORE_MAP_WORKERS_MAX, .keys = worker_keys},
	{"listeners", LISTENERS, SCHEMA_MAP, .list = true, .required = true,
		.n_max = CORE_MAP_LISTENERS_MAX, .keys = listener_keys},
	{NULL},
};

static void copy_text(char *to, const struct schema_event *event)
{
	memcpy(to, event->text.at, event->text.len);
	to[event->text.len] = '\0';
}

static bool read_address(struct view text, struct core_map_address *out)
{
	const uint8_t *slash = memchr(text.at, '/', text.len);
	unsigned bits = 0, max;
	size_t n;

	if (slash == NULL || ip_parse(view_of(text.at, (size_t)(slash - text.at)), &out->ip) < 0)
		return false;
	n = text.len - (size_t)(slash - text.at) - 1;
	max = out->ip.family == IP_V4 ? 32 : 128;
	for (size_t i = 1; i <= n; i++) {
		if (slash[i] < '0' || slash[i] > '9' || n > 3)
			return false;
		bits = bits * 10 + (slash[i] - '0');
	}
	out->prefix_bits = (uint8_t)bits;
	return n > 0 && bits > 0 && bits <= max;
}

static void add_address(struct draft *d, const struct schema_event *event)
{
	unsigned index = d->map->n_ports - 1;
	struct core_map_port *port = &d->map->ports[index];

	if (!read_address(event->text, &port->addresses[port->n_addresses])) {
		errors_add(d->errors, event->line, "addresses: %s is not right; expected %s",
			(const char *)event->text.at, event->key->what);
		return;
	}
	d->address_line[index][port->n_addresses++] = event->line;
}

static void read_ip(struct draft *d, const struct schema_event *event, enum ip_family family,
	struct ip_addr *out)
{
	if (ip_parse(event->text, out) < 0 || (family != IP_NONE && out->family != family))
		errors_add(d->errors, event->line, "%s: %s is not right; expected %s",
			event->key->name, (const char *)event->text.at, event->key->what);
}

static void set_port_value(struct draft *d, const struct schema_event *event)
{
	unsigned index = d->map->n_ports - 1;
	struct core_map_port *port = &d->map->ports[index];

	switch (event->key->id) {
	case PORT_NAME:
		copy_text(port->name, event);
		break;
	case DEVICE:
		copy_text(port->device, event);
		break;
	case MTU:
		port->mtu = (uint16_t)event->number;
		break;
	case VLAN:
		port->vlan = (uint16_t)event->number;
		break;
	case DESCRIPTORS:
		port->n_descriptors = (uint16_t)event->number;
		break;
	case ADDRESSES:
		add_address(d, event);
		break;
	case GATEWAY:
		read_ip(d, event, IP_V4, &port->gateway4);
		d->gateway4_line[index] = event->line;
		break;
	case GATEWAY6:
		read_ip(d, event, IP_V6, &port->gateway6);
		d->gateway6_line[index] = event->line;
		break;
	default:
		break;
	}
}

static void set_transport(
	struct draft *d, const struct schema_event *event, enum transport transport)
{
	unsigned index = d->map->n_listeners - 1;
	struct core_map_listener *listener = &d->map->listeners[index];

	if (d->transport_line[index] != 0)
		errors_add(d->errors, event->line,
			"%s: the listener has a transport already, line %u; expected one of udp "
			"and tcp",
			event->key->name, d->transport_line[index]);
	listener->local.port = (uint16_t)event->number;
	listener->local.transport = (uint8_t)transport;
	d->transport_line[index] = event->line;
}

static void set_listener_value(struct draft *d, const struct schema_event *event)
{
	unsigned index = d->map->n_listeners - 1;
	struct core_map_listener *listener = &d->map->listeners[index];

	switch (event->key->id) {
	case LISTENER_NAME:
		copy_text(listener->name, event);
		break;
	case LISTENER_PORT:
		copy_text(d->listener_port[index], event);
		break;
	case LISTENER_ADDRESS:
		read_ip(d, event, IP_NONE, &listener->local.ip);
		break;
	case UDP:
		set_transport(d, event, TRANSPORT_UDP);
		break;
	case TCP:
		set_transport(d, event, TRANSPORT_TCP);
		break;
	case SIDE:
		listener->side = (enum side)event->number;
		break;
	case SENT_BY:
		copy_text(listener->sent_by, event);
		break;
	default:
		break;
	}
}

static void set_worker_value(struct draft *d, const struct schema_event *event)
{
	unsigned w = d->map->n_workers - 1;

	switch (event->key->id) {
	case CORE:
		d->map->workers[w].core = (unsigned)event->number;
		break;
	case QUEUE_PORT:
		copy_text(d->queues[w][d->n_queues[w] - 1].port, event);
		break;
	case QUEUE:
		d->queues[w][d->n_queues[w] - 1].queue = (uint16_t)event->number;
		break;
	default:
		break;
	}
}

static void set_value(struct draft *d, const struct schema_event *event)
{
	struct core_map *map = d->map;

	switch (event->key->id) {
	case IDLE:
		map->idle = (enum idle_mode)event->number;
		break;
	case HUGEPAGES:
		map->hugepages = (enum hugepages)event->number;
		d->hugepages_line = event->line;
		break;
	case PACKETS:
		map->n_packets = (uint32_t)event->number;
		d->packets_line = event->line;
		break;
	case CONNECTIONS:
		d->n_conns = (uint32_t)event->number;
		break;
	case BUFFERS:
		d->n_buffers = (uint32_t)event->number;
		break;
	case MAIN_CORE:
		map->main_core = (unsigned)event->number;
		d->main_core_line = event->line;
		break;
	case SOCKET:
		copy_text(map->socket, event);
		if (map->socket[0] != '/')
			errors_add(d->errors, event->line, "socket: %s is not right; expected %s",
				map->socket, event->key->what);
		break;
	case CONTROL_USER:
		copy_text(map->control_user, event);
		break;
	case USER:
		copy_text(map->user, event);
		break;
	default:
		break;
	}
}

static void begin(struct draft *d, const struct schema_event *event)
{
	struct core_map *map = d->map;
	unsigned worker;

	switch (event->key->id) {
	case PORTS:
		map->ports[map->n_ports++] = (struct core_map_port){
			.mtu = 1500, .n_descriptors = 1024, .line = event->line};
		break;
	case WORKERS:
		map->workers[map->n_workers++].line = event->line;
		break;
	case QUEUES:
		worker = map->n_workers - 1;
		d->queues[worker][d->n_queues[worker]++].line = event->line;
		break;
	case LISTENERS:
		map->listeners[map->n_listeners++].line = event->line;
		break;
	default:
		break;
	}
}

static void take_event(void *arg, const struct schema_event *event, struct errors *errors)
{
	struct draft *d = arg;
	int id = event->key->id;

	(void)errors;
	if (event->kind == SCHEMA_BEGIN)
		begin(d, event);
	else if (event->kind == SCHEMA_END)
		return;
	else if (id > PORTS && id < WORKERS)
		set_port_value(d, event);
	else if (id > WORKERS && id < LISTENERS)
		set_worker_value(d, event);
	else if (id > LISTENERS)
		set_listener_value(d, event);
	else
		set_value(d, event);
}

int core_map_parse(struct view text, const struct machine *machine, struct core_map *out,
	struct errors *errors, struct errors *warnings)
{
	struct draft *d = calloc(1, sizeof(*d));
	unsigned n_before = errors->n;
	int r;

	if (d == NULL)
		return -ENOMEM;
	memset(out, 0, sizeof(*out));
	strcpy(out->socket, "/run/fedrelay/dataplane.sock");
	d->map = out;
	d->machine = machine;
	d->errors = errors;
	d->warnings = warnings;
	r = schema_read(text, document_keys, take_event, d, errors);
	if (r == 0 && errors->n == n_before)
		draft_check(d);
	free(d);
	return r == 0 && errors->n > n_before ? -EINVAL : r;
}

int core_map_read(const char *path, const struct machine *machine, struct core_map *out,
	struct errors *errors, struct errors *warnings)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	char *text = malloc(FILE_BYTES_MAX + 1);
	ssize_t n = -1;

	if (fd >= 0 && text != NULL)
		n = read(fd, text, FILE_BYTES_MAX + 1);
	if (n < 0) {
		r = -errno;
		errors_add(errors, 0, "cannot be read: %s", strerror(errno));
	} else if (n > FILE_BYTES_MAX) {
		r = -EINVAL;
		errors_add(errors, 0, "larger than 1 MB; expected a core map");
	} else {
		r = core_map_parse(view_of(text, (size_t)n), machine, out, errors, warnings);
	}
	free(text);
	if (fd >= 0)
		close(fd);
	return r;
}
