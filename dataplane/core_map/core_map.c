// SPDX-License-Identifier: BSD-3-Clause

#include "dataplane/core_map/core_map.h"

#include "dataplane/core_map/core_map_keys.h"
#include "dataplane/core_map/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 << 20)

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
	case KEY_PORT_NAME:
		copy_text(port->name, event);
		break;
	case KEY_DEVICE:
		copy_text(port->device, event);
		break;
	case KEY_MTU:
		port->mtu = (uint16_t)event->number;
		break;
	case KEY_VLAN:
		port->vlan = (uint16_t)event->number;
		break;
	case KEY_DESCRIPTORS:
		port->n_descriptors = (uint16_t)event->number;
		break;
	case KEY_ADDRESSES:
		add_address(d, event);
		break;
	case KEY_GATEWAY:
		read_ip(d, event, IP_V4, &port->gateway4);
		d->gateway4_line[index] = event->line;
		break;
	case KEY_GATEWAY6:
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
			"%s: the listener has a transport already, line %u; expected one of udp, "
			"tcp and tls",
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
	case KEY_LISTENER_NAME:
		copy_text(listener->name, event);
		break;
	case KEY_LISTENER_PORT:
		copy_text(d->listener_port[index], event);
		break;
	case KEY_LISTENER_ADDRESS:
		read_ip(d, event, IP_NONE, &listener->local.ip);
		break;
	case KEY_UDP:
		set_transport(d, event, TRANSPORT_UDP);
		break;
	case KEY_TCP:
		set_transport(d, event, TRANSPORT_TCP);
		break;
	case KEY_TLS:
		set_transport(d, event, TRANSPORT_TLS);
		break;
	case KEY_SIDE:
		listener->side = (enum side)event->number;
		break;
	case KEY_SENT_BY:
		copy_text(listener->sent_by, event);
		break;
	case KEY_LISTENER_CONNECTIONS:
		listener->n_conns = (uint32_t)event->number;
		break;
	case KEY_SOURCE_CONNECTIONS:
		listener->n_source_conns = (uint32_t)event->number;
		break;
	default:
		break;
	}
}

static void set_worker_value(struct draft *d, const struct schema_event *event)
{
	unsigned w = d->map->n_workers - 1;

	switch (event->key->id) {
	case KEY_CORE:
		d->map->workers[w].core = (unsigned)event->number;
		break;
	case KEY_QUEUE_PORT:
		copy_text(d->queues[w][d->n_queues[w] - 1].port, event);
		break;
	case KEY_QUEUE:
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
	case KEY_IDLE:
		map->idle = (enum idle_mode)event->number;
		break;
	case KEY_HUGEPAGES:
		map->hugepages = (enum hugepages)event->number;
		d->hugepages_line = event->line;
		break;
	case KEY_PACKETS:
		map->n_packets = (uint32_t)event->number;
		d->packets_line = event->line;
		break;
	case KEY_CONNECTIONS:
		d->n_conns = (uint32_t)event->number;
		break;
	case KEY_BUFFERS:
		d->n_buffers = (uint32_t)event->number;
		break;
	case KEY_BODIES:
		d->n_bodies = (uint32_t)event->number;
		break;
	case KEY_MAIN_CORE:
		map->main_core = (unsigned)event->number;
		d->main_core_line = event->line;
		break;
	case KEY_SOCKET:
		copy_text(map->socket, event);
		if (map->socket[0] != '/')
			errors_add(d->errors, event->line, "socket: %s is not right; expected %s",
				map->socket, event->key->what);
		break;
	case KEY_CONTROL_USER:
		copy_text(map->control_user, event);
		map->control_user_line = event->line;
		break;
	case KEY_USER:
		copy_text(map->user, event);
		map->user_line = event->line;
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
	case KEY_PORTS:
		map->ports[map->n_ports++] = (struct core_map_port){
			.mtu = 1500, .n_descriptors = 1024, .line = event->line};
		break;
	case KEY_WORKERS:
		map->workers[map->n_workers++].line = event->line;
		break;
	case KEY_QUEUES:
		worker = map->n_workers - 1;
		d->queues[worker][d->n_queues[worker]++].line = event->line;
		break;
	case KEY_LISTENERS:
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
	else if (id > KEY_PORTS && id < KEY_WORKERS)
		set_port_value(d, event);
	else if (id > KEY_WORKERS && id < KEY_LISTENERS)
		set_worker_value(d, event);
	else if (id > KEY_LISTENERS)
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
	d->n_bodies = BODIES_DEFAULT;
	d->machine = machine;
	d->errors = errors;
	d->warnings = warnings;
	r = schema_read(text, core_map_keys, take_event, d, errors);
	if (r == 0 && errors->n == n_before)
		draft_check(d);
	free(d);
	return r == 0 && errors->n > n_before ? -EINVAL : r;
}

static void check_user(const char *key, const char *name, unsigned line, struct errors *errors)
{
	if (name[0] != '\0' && getpwnam(name) == NULL)
		errors_add(errors, line, "%s: there is no user %s on this machine", key, name);
}

void core_map_check_users(const struct core_map *map, struct errors *errors)
{
	check_user("control: user", map->control_user, map->control_user_line, errors);
	check_user("user", map->user, map->user_line, errors);
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
